//! The end-of-test summary as data: what `output` renders and nothing else needs to know.

use crate::options::TrendStat;
use std::time::Duration;

/// Everything that k6's end-of-test summary and `--summary-export` show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Test run duration: from just before `setup()` to the end of `teardown()`.
    pub duration: Duration,
    /// Statistics shown for trends, in the user's order.
    pub trend_stats: Vec<TrendStat>,
    /// Every observed metric and sub-metric of the whole run, and the checks of the root group.
    pub total: Section,
    /// Top-level groups in order of first appearance (full mode; scenario `default`).
    pub groups: Vec<(String, Section)>,
    /// One section for each scenario but `default`, sorted by name (full mode).
    pub scenarios: Vec<(String, Section)>,
    /// The tree of groups and their checks (for the export, legacy mode and handleSummary).
    pub root_group: Group,
    /// What `setup()` returned, as JSON text; `None` if it returned nothing.
    pub setup_data: Option<String>,
}

/// Metrics and checks of the run, of one scenario or of one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Unsorted; sub-metrics are entries of their own, named `metric{labels}`.
    pub metrics: Vec<Metric>,
    /// In order of first appearance; same-named checks of different groups are merged here.
    pub checks: Vec<Check>,
    /// Nested groups in order of first appearance.
    pub groups: Vec<(String, Section)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    pub name: String,
    /// Parent's path + `::` + name; empty for the root.
    pub path: String,
    pub groups: Vec<Group>,
    pub checks: Vec<Check>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Check {
    pub name: String,
    pub path: String,
    pub passes: u64,
    pub fails: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// `http_req_duration`, or `http_req_duration{expected_response:true}` with the text inside
    /// the braces verbatim.
    pub name: String,
    pub contains: Contains,
    pub values: Values,
    /// Empty unless thresholds are defined on it; in order of definition.
    pub thresholds: Vec<Threshold>,
}

/// k6's `contains`: how a value is formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contains {
    Default,
    /// Milliseconds.
    Time,
    /// Bytes.
    Data,
}

impl Contains {
    /// k6's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Contains::Default => "default",
            Contains::Time => "time",
            Contains::Data => "data",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// `rate` is per second of the test run duration.
    Counter {
        count: f64,
        rate: f64,
    },
    Gauge {
        value: f64,
        min: f64,
        max: f64,
    },
    /// `passes` counts non-zero samples (for http_req_failed: the failed requests).
    Rate {
        passes: u64,
        fails: u64,
    },
    /// Exactly the statistics of `Summary::trend_stats`, in that order.
    Trend {
        stats: Vec<(TrendStat, f64)>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// As the user wrote it, untrimmed.
    pub source: String,
    pub ok: bool,
    /// The aggregate's value in the metric's unit; `None` prints as `undefined`. With windows: in
    /// the first that failed, else the worst.
    pub observed: Option<f64>,
    /// Of a windowed threshold.
    pub windows: Option<Windowed>,
}

/// What became of the windows of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windowed {
    pub judged: u64,
    pub failed: u64,
    /// From and to, since the test began.
    pub first_failed: Option<(Duration, Duration)>,
}
