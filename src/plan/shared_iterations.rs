//! k6's `shared-iterations`: a number of iterations, taken by whichever VU is free, until
//! maxDuration.
//!
//! Shared among the VUs of one share: each share gets its part of the number beforehand, in
//! proportion to its VUs, so that workers need not ask each other.

use super::{Beginning, Frame, Share, Wish};
use crate::time::Instant;

#[derive(Clone, Debug)]
pub struct SharedIterations {
    pub(super) frame: Frame,
    beginning: Beginning,
    left: u64,
}

impl SharedIterations {
    pub(super) fn new(mut frame: Frame, share: &Share, vus: u64, iterations: u64) -> SharedIterations {
        frame.iterations = share.stripes_over(vus);
        SharedIterations { left: frame.iterations.scale(iterations), beginning: Beginning::default(), frame }
    }

    pub(super) fn poll_start(&mut self, now: Instant) -> Option<Wish> {
        self.beginning.poll_start(&self.frame, now)
    }

    pub(super) fn next_start(&self) -> Instant {
        self.beginning.next_start(&self.frame)
    }

    pub(super) fn may_iterate(&mut self, _vu: u32, now: Instant) -> bool {
        if now >= self.frame.starts_until || self.left == 0 {
            return false;
        }
        self.left -= 1;
        true
    }

    pub(super) fn starts_are_over(&self, now: Instant) -> bool {
        now >= self.frame.starts_until || self.left == 0
    }

    pub(super) fn unstarted(&self) -> u64 {
        self.left
    }
}

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::super::rehearsal::{scenario, whole};
    use super::*;
    use crate::options::Executor;
    use std::time::Duration;

    fn shared(vus: u64, iterations: u64) -> Executor {
        Executor::SharedIterations { vus, iterations, max_duration: Duration::from_secs(1) }
    }

    #[test]
    fn whichever_vu_asks_takes_the_next_iteration() {
        let mut plan = whole(shared(3, 4));
        let given: Vec<bool> = [0, 0, 2, 0, 1].map(|vu| plan.may_iterate(vu, Instant(5))).to_vec();
        assert_eq!(given, [true, true, true, true, false]);
        assert_eq!((plan.attempted(), plan.unstarted()), (4, 0));
        assert!(plan.starts_are_over(Instant(5)));
    }

    #[test]
    fn what_max_duration_cuts_off_stays_unstarted() {
        let mut plan = whole(shared(1, 4));
        assert!(plan.may_iterate(0, Instant(999_999_999)));
        assert!(!plan.may_iterate(0, Instant(1_000_000_000)));
        assert_eq!((plan.attempted(), plan.unstarted()), (1, 3));
    }

    #[track_caller]
    fn check_split(vus: u64, iterations: u64, want: [(u32, u64); 3]) {
        let of = |worker| {
            let plan =
                Plan::new(&scenario(shared(vus, iterations)), Instant::ZERO, &Share::worker(worker, 3));
            (plan.planned_vus(), plan.unstarted())
        };
        assert_eq!([0, 1, 2].map(of), want);
    }

    #[test]
    fn workers_have_iterations_as_they_have_vus() {
        check_split(3, 10, [(1, 4), (1, 3), (1, 3)]);
        check_split(4, 10, [(2, 5), (1, 3), (1, 2)]);
        check_split(1, 10, [(1, 10), (0, 0), (0, 0)]);
    }
}
