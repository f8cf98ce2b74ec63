//! k6's `constant-arrival-rate`: iterations start on the clock, whatever the service does.
//!
//! Start k (from 0) of the test is due at k periods; a share gives out those it owns. There is no
//! queue: whether a VU is idle at the due time is the worker's to see.

use super::{Frame, Wish, is_due};
use crate::time::{Instant, duration_ns};
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct ConstantArrivalRate {
    pub(super) frame: Frame,
    period_ns: u64,
    /// Due time of the next own start, kept because it is asked every turn of the loop.
    next: Instant,
}

impl ConstantArrivalRate {
    /// `rate` starts in each `time_unit`.
    pub(super) fn new(frame: Frame, rate: u64, time_unit: Duration) -> ConstantArrivalRate {
        // k6 truncates the period to whole nanoseconds, so its drift is part of the contract.
        // At 0, above 10^9 starts a second, time would stand still.
        let period_ns = (duration_ns(time_unit) / rate.max(1)).max(1);
        let mut plan = ConstantArrivalRate { frame, period_ns, next: Instant::NEVER };
        plan.next = plan.due_after_attempted();
        plan
    }

    fn due_after_attempted(&self) -> Instant {
        let Frame { begin, iterations, attempted, .. } = &self.frame;
        if iterations.is_empty() {
            return Instant::NEVER;
        }
        begin.plus_ns(self.period_ns.saturating_mul(iterations.in_test(*attempted)))
    }

    pub(super) fn poll_start(&mut self, now: Instant) -> Option<Wish> {
        let due = self.next_start();
        if !is_due(due, now) {
            return None;
        }
        self.frame.attempted += 1;
        self.next = self.due_after_attempted();
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

#[cfg(test)]
mod tests {
    use super::super::rehearsal::{poll_all, run_through, scenario, starts, whole};
    use super::super::{Plan, Share};
    use super::*;
    use crate::options::Executor;

    fn per_second(rate: u64, max_vus: u64) -> Executor {
        Executor::ConstantArrivalRate {
            rate,
            time_unit: Duration::from_secs(1),
            duration: Duration::from_secs(1),
            pre_allocated_vus: 1,
            max_vus,
        }
    }

    #[track_caller]
    fn check(mut plan: Plan, asked_at_ns: u64, want_ns: &[u64]) {
        assert_eq!(starts(&poll_all(&mut plan, Instant(asked_at_ns))), want_ns);
        assert_eq!(plan.attempted(), want_ns.len() as u64);
    }

    #[test]
    fn a_stalled_caller_is_given_every_missed_start_at_its_own_time() {
        check(whole(per_second(3, 1)), 0, &[0]);
        check(whole(per_second(3, 1)), 666_666_665, &[0, 333_333_333]);
        check(whole(per_second(3, 1)), 1_000_000_000, &[0, 333_333_333, 666_666_666, 999_999_999]);
        check(whole(per_second(3, 1)), u64::MAX, &[0, 333_333_333, 666_666_666, 999_999_999]);
    }

    #[test]
    fn nothing_starts_at_the_regular_end() {
        // The fifth start would be due at exactly one second.
        let mut plan = whole(per_second(4, 1));
        let wishes = run_through(&mut plan);
        assert_eq!(starts(&wishes), [0, 250_000_000, 500_000_000, 750_000_000]);
        assert_eq!(wishes.last(), Some(&Wish::InterruptAll { due: Instant(31_000_000_000) }));
        assert!(plan.starts_are_over(Instant(750_000_000)));
    }

    #[test]
    fn starts_count_from_the_begin_of_the_scenario() {
        let begin = Instant(7_000);
        check(Plan::new(&scenario(per_second(2, 1)), begin, &Share::whole()), 6_999, &[]);
        check(Plan::new(&scenario(per_second(2, 1)), begin, &Share::whole()), 7_000, &[7_000]);
    }

    #[test]
    fn workers_stagger_their_starts_and_none_without_vus_has_any() {
        let of = |worker, max_vus| {
            Plan::new(&scenario(per_second(4, max_vus)), Instant::ZERO, &Share::worker(worker, 2))
        };
        check(of(0, 2), u64::MAX, &[0, 500_000_000]);
        check(of(1, 2), u64::MAX, &[250_000_000, 750_000_000]);
        check(of(0, 1), u64::MAX, &[0, 250_000_000, 500_000_000, 750_000_000]);
        check(of(1, 1), u64::MAX, &[]);
    }

    #[test]
    fn a_stopped_plan_still_gives_what_was_missed_before() {
        let mut plan = whole(per_second(4, 1));
        plan.stop(Instant(500_000_000));
        check(plan, u64::MAX, &[0, 250_000_000]);
    }
}
