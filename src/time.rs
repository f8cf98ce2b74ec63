//! Instants of a run: nanoseconds since it began.
//!
//! Only `sys::clock` (or the simulated transport) makes one from the outside world; everything
//! else is handed `now`. Durations are `std::time::Duration` where a user wrote them and plain
//! `u64` nanoseconds (suffix `_ns`) on the data plane.

use std::ops::Add;
use std::time::Duration;

/// Nanoseconds since the run began. 584 years fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(pub u64);

impl Instant {
    /// The beginning of the run.
    pub const ZERO: Instant = Instant(0);
    /// Later than anything a run reaches: "never".
    pub const NEVER: Instant = Instant(u64::MAX);

    /// Nanoseconds from `earlier` to `self`; 0 if `earlier` is not earlier.
    pub fn since(self, earlier: Instant) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    pub fn plus_ns(self, ns: u64) -> Instant {
        Instant(self.0.saturating_add(ns))
    }

    pub fn minus_ns(self, ns: u64) -> Instant {
        Instant(self.0.saturating_sub(ns))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, duration: Duration) -> Instant {
        self.plus_ns(duration_ns(duration))
    }
}

/// Whole nanoseconds of a duration, saturating.
pub fn duration_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
