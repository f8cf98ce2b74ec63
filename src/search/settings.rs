//! What a user may set of a search.

use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `--max-rate`: no trial above it, in iterations a second.
    pub max_rate: Option<f64>,
    /// The lowest rate that is worth a trial; a service that fails there fails fast.
    pub min_rate: f64,
    /// `--max-time`: for the whole search. What is still to be done when it runs out is left out:
    /// first the overload, then the probe, then narrowing; the answer says so.
    pub max_time: Duration,
    /// `--width`: how far apart the bounds of the limit may be, relative to the upper one.
    pub width: f64,
    /// `--strict`: the limit is confirmed for 60 s instead of 30 s.
    pub strict: bool,
    /// `--no-overload` clears it: nothing is tried above the bracket after the search.
    pub overload: bool,
    /// What the probe of the cause does to the generator; `None`: there is no probe.
    pub probe: Option<Handicap>,
    /// The longest time that the target is given to answer a request.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            max_rate: None,
            min_rate: 1.0,
            max_time: Duration::from_secs(600),
            width: 0.02,
            strict: false,
            overload: true,
            probe: None,
            timeout: Duration::from_secs(60),
        }
    }
}

/// What a generator does worse on purpose, to show whether it is a part of the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Handicap {
    /// So much more CPU time it burns than its work takes (0.3: 30 % more).
    pub burn_share: f64,
}
