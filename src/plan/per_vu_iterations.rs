//! k6's `per-vu-iterations`: each VU runs its own count of iterations, or until maxDuration.
//!
//! The count is per VU and is not split among shares; the VUs are.

use super::{Beginning, Frame, Wish};
use crate::time::Instant;

#[derive(Clone, Debug)]
pub struct PerVuIterations {
    pub(super) frame: Frame,
    beginning: Beginning,
    /// Iterations that each VU has still to start.
    left: Vec<u64>,
    left_in_all: u64,
}

impl PerVuIterations {
    pub(super) fn new(frame: Frame, iterations: u64) -> PerVuIterations {
        PerVuIterations {
            left: vec![iterations; frame.planned_vus as usize],
            left_in_all: iterations.saturating_mul(frame.planned_vus.into()),
            beginning: Beginning::default(),
            frame,
        }
    }

    pub(super) fn poll_start(&mut self, now: Instant) -> Option<Wish> {
        self.beginning.poll_start(&self.frame, now)
    }

    pub(super) fn next_start(&self) -> Instant {
        self.beginning.next_start(&self.frame)
    }

    pub(super) fn may_iterate(&mut self, vu: u32, now: Instant) -> bool {
        let left = &mut self.left[vu as usize];
        if now >= self.frame.starts_until || *left == 0 {
            return false;
        }
        *left -= 1;
        self.left_in_all -= 1;
        true
    }

    pub(super) fn starts_are_over(&self, now: Instant) -> bool {
        now >= self.frame.starts_until || self.left_in_all == 0
    }

    pub(super) fn unstarted(&self) -> u64 {
        self.left_in_all
    }

    /// Iterations that VU `vu` has not started: k6 counts them as dropped by that VU.
    pub fn unstarted_of(&self, vu: u32) -> u64 {
        self.left[vu as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::whole;
    use super::super::{Plan, Share};
    use super::*;
    use crate::options::Executor;
    use std::time::Duration;

    fn two_vus_of_three() -> Plan {
        whole(Executor::PerVuIterations { vus: 2, iterations: 3, max_duration: Duration::from_secs(1) })
    }

    #[test]
    fn each_vu_has_its_own_count() {
        let mut plan = two_vus_of_three();
        let given: Vec<bool> = (0..4).map(|_| plan.may_iterate(0, Instant(5))).collect();
        assert_eq!(given, [true, true, true, false]);
        assert!(plan.may_iterate(1, Instant(6)));
        assert_eq!((plan.attempted(), plan.unstarted()), (4, 2));
        assert!(!plan.starts_are_over(Instant(6)));
        assert!(plan.may_iterate(1, Instant(7)) && plan.may_iterate(1, Instant(8)));
        assert!(plan.starts_are_over(Instant(8)));
    }

    #[test]
    fn what_max_duration_cuts_off_stays_unstarted() {
        let mut plan = two_vus_of_three();
        assert!(plan.may_iterate(1, Instant(999_999_999)));
        assert!(!plan.may_iterate(1, Instant(1_000_000_000)));
        assert_eq!(plan.unstarted(), 5);
        let Plan::PerVuIterations(plan) = plan else { unreachable!() };
        assert_eq!([plan.unstarted_of(0), plan.unstarted_of(1)], [3, 2]);
    }

    #[test]
    fn the_count_of_a_vu_is_not_split() {
        let executor =
            Executor::PerVuIterations { vus: 3, iterations: 7, max_duration: Duration::from_secs(1) };
        let scenario = super::super::rehearsal::scenario(executor);
        let unstarted = |worker| Plan::new(&scenario, Instant::ZERO, &Share::worker(worker, 2)).unstarted();
        assert_eq!([unstarted(0), unstarted(1)], [14, 7]);
    }
}
