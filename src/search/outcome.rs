//! What came of an order, as its driver counted it.

use std::time::Duration;

/// Of the measured part of a trial: the iterations *scheduled* in it, whenever they ended. In a
/// closed loop an iteration is scheduled when it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Iterations a second that were scheduled; in a closed loop, that were finished.
    pub rate: f64,
    /// How long was measured.
    pub measured: Duration,
    /// Iterations whose start fell due.
    pub scheduled: u64,
    /// Those of them that were started at all, late ones too.
    pub started: u64,
    /// Requests that they made.
    pub requests: u64,
    /// Those of them that ended in an error, in a status that the script does not expect, or not
    /// at all. Lateness is no failure here.
    pub failed: u64,
    /// By goal, in the order of `Goals::goals`.
    pub goals: Vec<GoalCount>,
    /// By side condition, in the order of `Goals::side_conditions`: whether it held over the
    /// trial.
    pub side_conditions: Vec<bool>,
    /// Of all requests. An iteration's first request counts from its scheduled start, later ones
    /// from their own. Unanswered ones count as long as they lasted.
    pub latency: Percentiles,
    /// Iterations scheduled, not dropped and not finished, at the beginning and the end of the
    /// measured time. What waits within the generator is one of them.
    pub backlog_begin: u64,
    pub backlog_end: u64,
    /// Iterations started and not finished: the mean over the measured time, from their integral.
    pub in_flight_mean: f64,
    /// Nothing was in flight at the end.
    pub drained: bool,
    pub validity: Validity,
}

impl Outcome {
    /// Nothing was measured; a start for drivers that fill in what they know.
    pub fn empty(goals: usize, side_conditions: usize) -> Outcome {
        Outcome {
            rate: 0.0,
            measured: Duration::ZERO,
            scheduled: 0,
            started: 0,
            requests: 0,
            failed: 0,
            goals: vec![GoalCount::default(); goals],
            side_conditions: vec![true; side_conditions],
            latency: Percentiles::default(),
            backlog_begin: 0,
            backlog_end: 0,
            in_flight_mean: 0.0,
            drained: true,
            validity: Validity::Valid,
        }
    }
}

/// Requests that a goal is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GoalCount {
    /// Made by the started iterations, if they bear the goal's tags. What was never started is
    /// not among them; the search adds as many as the baseline made per iteration.
    pub requests: u64,
    /// Answered as the script expects, within the goal's deadline. A latency goal that names no
    /// status judges the status too: a fast error is no good answer.
    pub good: u64,
}

/// Exact or from a histogram, as the driver has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
}

/// Whether the load was what was ordered. An invalid trial is never evidence against the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validity {
    Valid,
    /// Every reason, as the report shows it: "worker 0 was 97 % busy".
    Invalid(Vec<String>),
}

/// One window of `Order::Recover`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryWindow {
    /// From the beginning of the order to the end of the window.
    pub ends_after: Duration,
    pub scheduled: u64,
    pub started: u64,
    pub goals: Vec<GoalCount>,
    pub side_conditions: Vec<bool>,
}
