//! Thresholds as a script writes them; what their expressions mean is read by `metrics`.

/// One entry of a metric's list in `thresholds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThresholdSpec {
    /// `p(95)<500`, untrimmed and not yet parsed.
    pub source: String,
    /// End the test as soon as it is crossed.
    pub abort_on_fail: bool,
    /// How long into the test `abort_on_fail` has no effect.
    pub delay_abort_eval: Option<std::time::Duration>,
}

/// By metric (`http_req_duration`, `http_req_duration{status:200}`), sorted by name as in k6.
pub type Thresholds = Vec<(String, Vec<ThresholdSpec>)>;
