//! k6's `constant-vus`: a fixed number of VUs loop until the duration is over.

use super::{Beginning, Frame, Wish};
use crate::time::Instant;

#[derive(Clone, Debug)]
pub struct ConstantVus {
    pub(super) frame: Frame,
    beginning: Beginning,
}

impl ConstantVus {
    pub(super) fn new(frame: Frame) -> ConstantVus {
        ConstantVus { frame, beginning: Beginning::default() }
    }

    pub(super) fn poll_start(&mut self, now: Instant) -> Option<Wish> {
        self.beginning.poll_start(&self.frame, now)
    }

    pub(super) fn next_start(&self) -> Instant {
        self.beginning.next_start(&self.frame)
    }

    pub(super) fn may_iterate(&self, _vu: u32, now: Instant) -> bool {
        now < self.frame.starts_until
    }

    pub(super) fn starts_are_over(&self, now: Instant) -> bool {
        now >= self.frame.starts_until || self.frame.planned_vus == 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::{poll_all, run_through, whole};
    use super::*;
    use crate::options::Executor;
    use std::time::Duration;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn all_vus_begin_at_once_and_loop_until_the_regular_end() {
        let mut plan = whole(Executor::ConstantVus { vus: 2, duration: Duration::from_secs(1) });
        assert_eq!(
            run_through(&mut plan),
            [
                Wish::Begin { vu: 0, due: Instant(0) },
                Wish::Begin { vu: 1, due: Instant(0) },
                Wish::InterruptAll { due: Instant(31 * SECOND) },
            ]
        );
        assert!(plan.may_iterate(1, Instant(SECOND - 1)));
        assert!(!plan.starts_are_over(Instant(SECOND - 1)));
        assert!(!plan.may_iterate(1, Instant(SECOND)));
        assert!(plan.starts_are_over(Instant(SECOND)));
        assert_eq!((plan.attempted(), plan.unstarted()), (1, 0));
        assert_eq!((plan.regular_end(), plan.max_end()), (Instant(SECOND), Instant(31 * SECOND)));
    }

    #[test]
    fn a_stopped_plan_wishes_and_starts_nothing_more() {
        let mut plan = whole(Executor::ConstantVus { vus: 2, duration: Duration::from_secs(1) });
        assert_eq!(poll_all(&mut plan, Instant(5)).len(), 2);
        plan.stop(Instant(10));
        assert!(!plan.may_iterate(0, Instant(10)));
        assert!(plan.starts_are_over(Instant(10)));
        assert_eq!(plan.next_due(), Instant::NEVER);
        assert_eq!(poll_all(&mut plan, Instant::NEVER), []);
    }
}
