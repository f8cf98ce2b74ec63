//! What a search wants done next: one trial of the one warm run.

use super::settings::Handicap;
use std::time::Duration;

/// Connections, VUs and caches stay as they are between orders; only rate and mode change.
/// Rates are iterations a second over all workers.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// VUs that iterate without a pause for `settle`, unmeasured, and for `measure`; then they
    /// finish. Answered by `Search::on_outcome`.
    Closed { purpose: Purpose, connections: u32, settle: Duration, measure: Duration },
    /// Starts at a constant rate for `settle`, unmeasured, and for `measure`; then no starts until
    /// nothing is in flight, at most for `drain_max`. Answered by `Search::on_outcome`.
    Open {
        purpose: Purpose,
        rate: f64,
        settle: Duration,
        measure: Duration,
        drain_max: Duration,
        /// At most so many iterations in flight: 4 x rate x the longest deadline. The driver may
        /// have less memory and lower it. A start that finds none free until the deadline has
        /// passed is shed: scheduled, never started.
        in_flight_max: u64,
        handicap: Option<Handicap>,
    },
    /// No load for `at_least`, and on until nothing is in flight, at most for `at_most`; then
    /// whatever is left is given up and its connections are closed. Answered by
    /// `Search::on_rested`.
    Rest { at_least: Duration, at_most: Duration },
    /// A constant rate without an end, counted in windows of `window` by the instant for which a
    /// request was scheduled. A window is handed to `Search::on_window` as soon as all its
    /// requests are answered or the longest deadline of a goal has passed; that says when to
    /// stop, at the latest for the window that ends at `give_up`. There is no outcome.
    Recover { rate: f64, window: Duration, give_up: Duration, in_flight_max: u64 },
    /// The search is over; `Search::answer` is final.
    Done,
}

/// Why a trial is made; the reader of a table of trials wants to know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Purpose {
    /// Thrown away: connections, caches and compilers of the target get warm.
    WarmUp,
    /// One connection, unloaded: what the service does when nothing waits.
    Baseline,
    /// A closed loop of many connections: about how much there is.
    Burst,
    /// One trial a load, until one passed and one failed.
    Range,
    /// Narrowing the bracket by repeated trials.
    Bracket,
    /// At the upper bound: the first without a handicap, the second with it.
    Probe,
    /// A long trial at the lower bound.
    Confirm,
    /// Above the limit, by this factor.
    Overload { factor: f64 },
}

impl Purpose {
    pub fn name(self) -> &'static str {
        match self {
            Purpose::WarmUp => "warm-up",
            Purpose::Baseline => "baseline",
            Purpose::Burst => "burst",
            Purpose::Range => "range",
            Purpose::Bracket => "bracket",
            Purpose::Probe => "probe",
            Purpose::Confirm => "confirm",
            Purpose::Overload { .. } => "overload",
        }
    }
}
