//! The only place that reads the machine's clocks.

use crate::time::Instant;
use std::time::{Duration, SystemTime};

/// The monotonic clock, counted from the beginning of the run; copies agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base_ns: u64,
}

impl Clock {
    /// A clock that reads 0 now.
    pub fn start() -> Clock {
        Clock { base_ns: monotonic_ns() }
    }

    /// 16 ns through the vDSO.
    #[inline]
    pub fn now(&self) -> Instant {
        Instant(monotonic_ns() - self.base_ns)
    }
}

/// The monotonic clock as it is; only differences mean something.
pub fn monotonic() -> Instant {
    Instant(monotonic_ns())
}

#[inline]
fn monotonic_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live local (S1); CLOCK_MONOTONIC cannot fail with a valid pointer.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Wall-clock time since the Unix epoch, for logs and files.
#[allow(clippy::disallowed_methods)] // this is the place the ban points to
pub fn wall() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Sleeps the calling thread; for control threads, never for a worker.
#[allow(clippy::disallowed_methods)] // this is the place the ban points to
pub fn sleep(duration: Duration) {
    std::thread::sleep(duration);
}
