//! How a worker waits: sleep, sleep and then spin, spin, or in batches.
//!
//! Measured: any sleep is 16 to 40 µs late; spinning is exact but takes a whole CPU, which the
//! target may need. So `auto` spins only where another CPU is left for the target, and then only
//! with few connections or for the last 60 µs before a start.

use crate::options::engine::SpinChoice;
use crate::time::Instant;
use crate::transport::Wait;

/// A sleep ends at most this long before the due time it is for; the rest is spun.
const SPIN_BEFORE_NS: u64 = 60_000;
/// With more iterations than this under way a response is always near: sleeping costs nothing.
const FEW: u32 = 4;
/// Waiting in batches (pipelining): completions of half of the connections, so that the other half
/// keeps the target at work, but at most this many, or for this long.
const BATCH_MAX: u32 = 64;
const BATCH_NS: u32 = 200_000;

/// A worker's way of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacing {
    pub spin: Spin,
    /// Starts are given by a schedule, not by responses.
    pub is_open: bool,
    /// Several requests per write: the server pays for each of our wake-ups.
    pub in_batches: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spin {
    Never,
    /// Few connections, and just before a start.
    WhenItPays,
    Always,
}

impl Spin {
    /// `cpu_to_spare`: the target is remote, or has a CPU that no worker uses.
    pub fn decide(choice: SpinChoice, cpu_to_spare: bool) -> Spin {
        match choice {
            SpinChoice::On => Spin::Always,
            SpinChoice::Off => Spin::Never,
            SpinChoice::Auto if cpu_to_spare => Spin::WhenItPays,
            SpinChoice::Auto => Spin::Never,
        }
    }
}

impl Pacing {
    /// How to wait until `wake_at`, with `running` iterations under way.
    #[inline]
    pub fn wait(&self, now: Instant, wake_at: Instant, running: u32) -> Wait {
        match self.spin {
            Spin::Always => return Wait::No,
            Spin::WhenItPays if !self.is_open && running <= FEW => return Wait::No,
            Spin::WhenItPays if self.is_open => {
                let sleep_until = wake_at.minus_ns(SPIN_BEFORE_NS);
                return if sleep_until > now { Wait::Until(sleep_until) } else { Wait::No };
            }
            Spin::WhenItPays | Spin::Never => {}
        }
        if self.in_batches && running > 1 {
            let at_least = (running / 2).clamp(1, BATCH_MAX);
            return Wait::Batch { until: wake_at, at_least, for_ns: BATCH_NS };
        }
        Wait::Until(wake_at)
    }

    /// Time that an empty turn from `began` to `now` spent spinning; a sleeper's is no CPU time.
    pub fn spun(&self, began: Instant, now: Instant) -> u64 {
        match self.spin {
            Spin::Never => 0,
            // A longer turn slept; its CPU time is small and counts as work.
            _ if now.since(began) > SPIN_BEFORE_NS => 0,
            _ => now.since(began),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_000_000);

    #[track_caller]
    fn check(spin: Spin, is_open: bool, in_batches: bool, until_ns: u64, running: u32, want: Wait) {
        let pacing = Pacing { spin, is_open, in_batches };
        assert_eq!(pacing.wait(NOW, NOW.plus_ns(until_ns), running), want);
    }

    #[test]
    fn an_open_loop_sleeps_and_spins_the_rest() {
        check(Spin::WhenItPays, true, false, 100_000, 9, Wait::Until(NOW.plus_ns(40_000)));
        check(Spin::WhenItPays, true, false, 50_000, 9, Wait::No);
        check(Spin::Never, true, false, 50_000, 9, Wait::Until(NOW.plus_ns(50_000)));
    }

    #[test]
    fn a_closed_loop_spins_with_few_connections_only() {
        check(Spin::WhenItPays, false, false, 100_000, 1, Wait::No);
        check(Spin::WhenItPays, false, false, 100_000, 64, Wait::Until(NOW.plus_ns(100_000)));
        check(Spin::Always, false, true, 100_000, 64, Wait::No);
    }

    #[test]
    fn pipelining_waits_in_batches() {
        let batch = |at_least| Wait::Batch { until: NOW.plus_ns(9), at_least, for_ns: BATCH_NS };
        check(Spin::Never, false, true, 9, 500, batch(BATCH_MAX));
        check(Spin::Never, false, true, 9, 8, batch(4));
        check(Spin::Never, false, true, 9, 1, Wait::Until(NOW.plus_ns(9)));
    }

    #[test]
    fn only_empty_turns_without_sleep_count_as_spun() {
        let pacing = Pacing { spin: Spin::WhenItPays, is_open: true, in_batches: false };
        assert_eq!(pacing.spun(NOW, NOW.plus_ns(500)), 500);
        assert_eq!(pacing.spun(NOW, NOW.plus_ns(5_000_000)), 0);
        assert_eq!(Pacing { spin: Spin::Never, ..pacing }.spun(NOW, NOW.plus_ns(500)), 0);
    }
}
