//! k6's `ramping-arrival-rate`: iterations start on the clock, at a rate that changes linearly
//! through stages.
//!
//! Start i (from 1) of the test is due where the integral of the rate reaches i, so the first is
//! not at 0. In float64 throughout, as k6 computes it: the same nanoseconds come out, and every
//! share finds the same instant for the same i.

use super::{Frame, Wish, is_due};
use crate::options::Stage;
use crate::time::{Instant, duration_ns};
use std::time::Duration;

/// One stage: from rate `from` to `to` (starts per nanosecond).
#[derive(Clone, Copy, Debug)]
struct Leg {
    begin_ns: u64,
    duration_ns: f64,
    from: f64,
    to: f64,
    /// The integral of the rate where the leg begins and where it ends.
    done_before: f64,
    done_after: f64,
}

impl Leg {
    /// When the integral reaches `count`, in nanoseconds since the plan's begin.
    fn due_ns(&self, count: f64) -> u64 {
        let Leg { duration_ns, from, to, .. } = *self;
        let more = count - self.done_before;
        let within = if from == to {
            more / to
        } else {
            let square = duration_ns * (from * from * duration_ns + 2.0 * more * (to - from));
            (from * duration_ns - square.max(0.0).sqrt()) / (from - to)
        };
        // The cast truncates, and takes what rounding put below 0 for 0.
        self.begin_ns.saturating_add(within as u64)
    }
}

#[derive(Clone, Debug)]
pub struct RampingArrivalRate {
    pub(super) frame: Frame,
    legs: Vec<Leg>,
    /// The leg in which the next start is due.
    leg: usize,
    next: Instant,
}

impl RampingArrivalRate {
    /// Rates are starts in each `time_unit`.
    pub(super) fn new(
        frame: Frame,
        start_rate: u64,
        time_unit: Duration,
        stages: &[Stage],
    ) -> RampingArrivalRate {
        let legs = legs(start_rate, time_unit, stages);
        let mut plan = RampingArrivalRate { frame, legs, leg: 0, next: Instant::NEVER };
        plan.advance();
        plan
    }

    /// Finds the due time of the own start that follows those given out.
    fn advance(&mut self) {
        self.next = Instant::NEVER;
        if self.frame.iterations.is_empty() {
            return;
        }
        let count = (self.frame.iterations.in_test(self.frame.attempted) + 1) as f64;
        while let Some(leg) = self.legs.get(self.leg) {
            if count <= leg.done_after {
                self.next = self.frame.begin.plus_ns(leg.due_ns(count));
                return;
            }
            self.leg += 1;
        }
    }

    pub(super) fn poll_start(&mut self, now: Instant) -> Option<Wish> {
        let due = self.next_start();
        if !is_due(due, now) {
            return None;
        }
        self.frame.attempted += 1;
        self.advance();
        Some(Wish::Iterate { due })
    }

    pub(super) fn next_start(&self) -> Instant {
        self.frame.clip(self.next)
    }

    pub(super) fn may_iterate(&self, _vu: u32, _now: Instant) -> bool {
        false
    }

    /// A late caller still gets what was due before the end.
    pub(super) fn starts_are_over(&self, _now: Instant) -> bool {
        self.next_start() == Instant::NEVER
    }
}

fn legs(start_rate: u64, time_unit: Duration, stages: &[Stage]) -> Vec<Leg> {
    let time_unit = duration_ns(time_unit) as f64;
    let mut from = start_rate as f64 / time_unit;
    let mut begin_ns = 0u64;
    let mut done_before = 0.0;
    let mut legs = Vec::with_capacity(stages.len());
    for stage in stages {
        let to = stage.target as f64 / time_unit;
        let duration_ns = duration_ns(stage.duration);
        let length = duration_ns as f64;
        let capacity = if from == to { length * to } else { length * ((to - from) / 2.0 + from) };
        let done_after = done_before + capacity;
        legs.push(Leg { begin_ns, duration_ns: length, from, to, done_before, done_after });
        (from, done_before) = (to, done_after);
        begin_ns = begin_ns.saturating_add(duration_ns);
    }
    legs
}

/// The planned rate, per time unit, `elapsed` after the beginning; after the end the last target.
pub fn rate_at(start_rate: u64, stages: &[Stage], elapsed: Duration) -> f64 {
    let mut from = start_rate as f64;
    let mut left = elapsed;
    for stage in stages {
        if left < stage.duration {
            let share = left.as_secs_f64() / stage.duration.as_secs_f64();
            return from + (stage.target as f64 - from) * share;
        }
        left -= stage.duration;
        from = stage.target as f64;
    }
    from
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::{poll_all, run_through, scenario, stages, starts, whole};
    use super::super::{Plan, Share};
    use super::*;
    use crate::options::Executor;

    fn ramp(start_rate: u64, seconds_and_targets: &[(u64, u64)]) -> Executor {
        Executor::RampingArrivalRate {
            start_rate,
            time_unit: Duration::from_secs(1),
            stages: stages(seconds_and_targets),
            pre_allocated_vus: 10,
            max_vus: 10,
        }
    }

    #[track_caller]
    fn check(executor: Executor, want_us: &[u64]) {
        let due_us: Vec<u64> =
            starts(&run_through(&mut whole(executor))).iter().map(|ns| ns / 1000).collect();
        assert_eq!(due_us, want_us);
    }

    #[test]
    fn starts_are_where_the_integral_of_the_rate_reaches_whole_numbers() {
        // The last one, at 4 s, is due at the regular end and does not start any more.
        check(
            ramp(2, &[(2, 6), (1, 6), (1, 0)]),
            &[
                414_213, 732_050, 999_999, 1_236_067, 1_449_489, 1_645_751, 1_828_427, 2_000_000, 2_166_666,
                2_333_333, 2_500_000, 2_666_666, 2_833_333, 3_000_000, 3_183_503, 3_422_649,
            ],
        );
    }

    #[test]
    fn the_schedule_reaches_to_its_very_end() {
        let legs = legs(2, Duration::from_secs(1), &stages(&[(2, 6), (1, 6), (1, 0)]));
        assert_eq!((legs[2].done_after, legs[2].due_ns(17.0)), (17.0, 4_000_000_000));
    }

    #[test]
    fn a_constant_rate_first_starts_after_one_period() {
        // 2 per 10^9 ns is not exact in float64: some are a nanosecond early, as in k6, and so the
        // last one comes before the end.
        check(ramp(2, &[(2, 2)]), &[499_999, 999_999, 1_500_000, 1_999_999]);
    }

    #[test]
    fn a_jump_changes_the_rate_at_once_and_fractions_carry_over() {
        // 1.5 starts in the first stage; the other half of the second takes 125 ms at 4/s.
        let stages = [(Duration::from_millis(1500), 1), (Duration::ZERO, 4), (Duration::from_secs(1), 4)];
        let executor = Executor::RampingArrivalRate {
            start_rate: 1,
            time_unit: Duration::from_secs(1),
            stages: stages.map(|(duration, target)| Stage { duration, target }).to_vec(),
            pre_allocated_vus: 1,
            max_vus: 1,
        };
        check(executor, &[999_999, 1_624_999, 1_875_000, 2_125_000, 2_375_000]);
    }

    #[test]
    fn a_stage_at_rate_zero_starts_nothing() {
        check(ramp(0, &[(1, 0), (1, 2), (5, 0)]), &[1_999_999, 2_527_864, 3_127_016, 3_837_722, 4_763_932]);
    }

    #[test]
    fn a_stalled_caller_is_given_every_missed_start_at_its_own_time() {
        let mut late = whole(ramp(2, &[(2, 6)]));
        let mut prompt = late.clone();
        assert_eq!(poll_all(&mut late, Instant(40_000_000_000)), run_through(&mut prompt));
    }

    #[test]
    fn workers_own_every_other_start() {
        let executor = ramp(2, &[(2, 2)]);
        let of = |worker| {
            starts(&run_through(&mut Plan::new(
                &scenario(executor.clone()),
                Instant::ZERO,
                &Share::worker(worker, 2),
            )))
        };
        assert_eq!(of(0), [499_999_999, 1_500_000_000]);
        assert_eq!(of(1), [999_999_999, 1_999_999_999]);
    }
}
