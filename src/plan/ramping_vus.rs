//! k6's `ramping-vus`: VUs loop, and their number follows straight lines through stages.
//!
//! The raw steps say how many VUs should loop. A VU above that number finishes its iteration, and
//! is interrupted when gracefulRampDown passes without its being wanted again. k6 decides the
//! latter from a list of steps that is not always in time order, and then interrupts VUs that are
//! wanted; here each VU has its own deadline, which is the same in all other cases.

use super::split::Stripes;
use super::{Frame, Wish, is_due};
use crate::options::Stage;
use crate::time::{Instant, duration_ns};
use std::time::Duration;

/// From `at_ns` after the scenario's start on, `vus` VUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub at_ns: u64,
    pub vus: u32,
}

/// How many VUs of the owned ones should loop, and since when; without equal neighbours.
pub(super) fn raw_steps(start_vus: u64, stages: &[Stage], stripes: &Stripes) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut push = |at_ns: u64, vus: u64| {
        let vus = u32::try_from(vus).unwrap_or(u32::MAX);
        if steps.last().is_none_or(|last: &Step| last.vus != vus) {
            steps.push(Step { at_ns, vus });
        }
    };
    push(0, stripes.scale(start_vus));
    let (mut from, mut end_ns) = (start_vus, 0u64);
    for &Stage { duration, target: to } in stages {
        let duration_ns = duration_ns(duration);
        end_ns = end_ns.saturating_add(duration_ns);
        // The line crosses whole numbers of VUs in equal intervals, counted back from its end.
        let crossing = |intervals_before_end: u64| {
            let all = u128::from(from.abs_diff(to));
            end_ns - (u128::from(duration_ns) * u128::from(intervals_before_end) / all) as u64
        };
        if duration_ns == 0 {
            push(end_ns, stripes.scale(to));
        } else if from <= to {
            for local in stripes.scale(from)..stripes.scale(to) {
                push(crossing(to - (stripes.in_test(local) + 1)), local + 1);
            }
        } else {
            for local in (stripes.scale(to)..stripes.scale(from)).rev() {
                push(crossing(stripes.in_test(local) - to), local);
            }
        }
        from = to;
    }
    steps
}

/// How many VUs may still run at most: decreases of the raw steps come later by `ramp_down`,
/// unless undone within that time. In k6's order, which is not always that of time.
pub(super) fn graceful_steps(raw: &[Step], ramp_down: Duration, end: Duration) -> Vec<Step> {
    let (ramp_down_ns, end_ns) = (duration_ns(ramp_down), duration_ns(end));
    let mut kept: Vec<Step> = Vec::new();
    let undone = undone_at(raw);
    let mut index = 0;
    while let Some(&step) = raw.get(index) {
        if ramp_down_ns == 0 || index == 0 || step.vus > raw[index - 1].vus {
            kept.push(step);
        } else {
            let at_ns = step.at_ns.saturating_add(ramp_down_ns);
            match undone[index - 1].filter(|&undone| raw[undone].at_ns <= at_ns) {
                Some(undone) => {
                    // Reaches the kept value again, or more, before the decrease would count.
                    index = undone;
                    if kept.last().is_some_and(|last| last.vus != raw[undone].vus) {
                        kept.push(raw[undone]);
                    }
                }
                None if at_ns >= end_ns => break,
                None => kept.push(Step { at_ns, vus: step.vus }),
            }
        }
        index += 1;
    }
    if kept.last().is_some_and(|last| last.vus != 0) {
        kept.push(Step { at_ns: end_ns, vus: 0 });
    }
    kept
}

/// For each step the next one that has at least as many VUs.
fn undone_at(raw: &[Step]) -> Vec<Option<usize>> {
    let mut undone = vec![None; raw.len()];
    let mut open: Vec<usize> = Vec::new();
    for (index, step) in raw.iter().enumerate() {
        while let Some(&last) = open.last()
            && raw[last].vus <= step.vus
        {
            undone[last] = Some(index);
            open.pop();
        }
        open.push(index);
    }
    undone
}

#[derive(Clone, Debug)]
pub struct RampingVus {
    pub(super) frame: Frame,
    ramp_down_ns: u64,
    /// Raw steps, of which the last counts where several are at the same time.
    steps: Vec<Step>,
    /// The raw step that comes next.
    next_step: usize,
    /// VUs 0..wanted loop.
    wanted: u32,
    /// The decrease whose grace ends next, and how many of its VUs, from the highest index down,
    /// were not looked at yet: those from its own number up to `in_grace`.
    next_fall: usize,
    in_grace: u32,
    /// When each VU was last told to finish.
    told_at_ns: Vec<u64>,
}

impl RampingVus {
    pub(super) fn new(mut frame: Frame, raw: Vec<Step>, graceful_ramp_down: Duration) -> RampingVus {
        let most = raw.iter().map(|step| step.vus).max().unwrap_or(0);
        (frame.planned_vus, frame.max_vus) = (most, most);
        let mut steps = raw;
        // From the back, so that the last of several at one time stays.
        steps.reverse();
        steps.dedup_by_key(|step| step.at_ns);
        steps.reverse();
        let mut plan = RampingVus {
            frame,
            ramp_down_ns: duration_ns(graceful_ramp_down),
            steps,
            next_step: 0,
            wanted: 0,
            next_fall: 0,
            in_grace: 0,
            told_at_ns: vec![0; most as usize],
        };
        plan.find_fall(1);
        plan
    }

    /// Goes to the first decrease from step `from` (at least 1) on.
    fn find_fall(&mut self, from: usize) {
        self.next_fall = (from..self.steps.len())
            .find(|&step| self.steps[step].vus < self.steps[step - 1].vus)
            .unwrap_or(self.steps.len());
        self.in_grace = self.steps[self.next_fall - 1].vus;
    }

    fn step_due(&self) -> Instant {
        let Some(step) = self.steps.get(self.next_step) else { return Instant::NEVER };
        let due = self.frame.begin.plus_ns(step.at_ns);
        // A step at the regular end starts nothing, but still decides who is interrupted.
        if self.frame.interrupts_end { self.frame.clip(due) } else { due }
    }

    fn grace_due(&self) -> Instant {
        match self.steps.get(self.next_fall) {
            Some(fall) if !self.frame.interrupts_end => {
                let due = self.frame.begin.plus_ns(fall.at_ns).plus_ns(self.ramp_down_ns);
                // At the end of gracefulStop all are interrupted at once.
                if due < self.frame.max_end { due } else { Instant::NEVER }
            }
            _ => Instant::NEVER,
        }
    }

    pub(super) fn poll_start(&mut self, now: Instant) -> Option<Wish> {
        loop {
            let (step_due, grace_due) = (self.step_due(), self.grace_due());
            let due = step_due.min(grace_due);
            if !is_due(due, now) {
                return None;
            }
            // A VU that is wanted again at the very end of its grace goes on.
            let wish = if step_due <= grace_due { self.step(due) } else { self.end_grace(due) };
            if wish.is_some() {
                return wish;
            }
        }
    }

    fn step(&mut self, due: Instant) -> Option<Wish> {
        let Step { at_ns, vus } = self.steps[self.next_step];
        if self.wanted < vus && due < self.frame.starts_until {
            self.wanted += 1;
            return Some(Wish::Begin { vu: self.wanted - 1, due });
        }
        if vus < self.wanted {
            self.told_at_ns[vus as usize..self.wanted as usize].fill(at_ns);
        }
        self.wanted = vus;
        self.next_step += 1;
        None
    }

    fn end_grace(&mut self, due: Instant) -> Option<Wish> {
        let fall = self.steps[self.next_fall];
        while self.in_grace > fall.vus {
            self.in_grace -= 1;
            let vu = self.in_grace;
            // Otherwise it was wanted again, and perhaps has a later deadline.
            if vu >= self.wanted && self.told_at_ns[vu as usize] == fall.at_ns {
                return Some(Wish::Interrupt { vu, due });
            }
        }
        self.find_fall(self.next_fall + 1);
        None
    }

    pub(super) fn next_start(&self) -> Instant {
        self.step_due().min(self.grace_due())
    }

    pub(super) fn may_iterate(&self, vu: u32, now: Instant) -> bool {
        vu < self.wanted && now < self.frame.starts_until
    }

    pub(super) fn starts_are_over(&self, now: Instant) -> bool {
        now >= self.frame.starts_until || self.frame.planned_vus == 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::{Seeded, poll_all, run_through, scenario, stages};
    use super::super::split::{Portion, Segment, SegmentSequence};
    use super::super::{Plan, Share};
    use super::*;
    use crate::options::{Executor, Scenario};

    const SECOND: u64 = 1_000_000_000;
    const VECTOR: &[(u64, u64)] = &[(3, 4), (0, 2), (4, 2), (1, 3), (6, 0)];

    fn in_seconds(steps: Vec<Step>) -> Vec<(u64, u32)> {
        assert!(steps.iter().all(|step| step.at_ns % SECOND == 0), "{steps:?}");
        steps.iter().map(|step| (step.at_ns / SECOND, step.vus)).collect()
    }

    fn third_parts(segment: &str) -> Stripes {
        let sequence = SegmentSequence::parse("0,1/2,5/6,1").unwrap();
        Share::of(Portion::new(Segment::parse(segment).unwrap(), &sequence).unwrap(), 0, 1).stripes()
    }

    #[track_caller]
    fn check_raw(start_vus: u64, ramp: &[(u64, u64)], stripes: &Stripes, want: &[(u64, u32)]) {
        assert_eq!(in_seconds(raw_steps(start_vus, &stages(ramp), stripes)), want);
    }

    #[track_caller]
    fn check_graceful(start_vus: u64, ramp: &[(u64, u64)], down_s: u64, stop_s: u64, want: &[(u64, u32)]) {
        let raw = raw_steps(start_vus, &stages(ramp), &Share::whole().stripes());
        let total_s = ramp.iter().map(|&(seconds, _)| seconds).sum::<u64>();
        let steps = graceful_steps(&raw, Duration::from_secs(down_s), Duration::from_secs(total_s + stop_s));
        assert_eq!(in_seconds(steps), want);
    }

    fn ramp(start_vus: u64, ramp: &[(u64, u64)], down_s: u64, stop_s: u64) -> Scenario {
        let executor = Executor::RampingVus {
            start_vus,
            stages: stages(ramp),
            graceful_ramp_down: Duration::from_secs(down_s),
        };
        Scenario { graceful_stop: Duration::from_secs(stop_s), ..scenario(executor) }
    }

    fn whole(scenario: &Scenario) -> Plan {
        Plan::new(scenario, Instant::ZERO, &Share::whole())
    }

    /// Wishes as (second, what, VU): `+` begin, `!` interrupt, `x` interrupt all.
    #[track_caller]
    fn check_wishes(scenario: Scenario, want: &[(u64, char, u32)]) {
        let short = |wish: Wish| match wish {
            Wish::Begin { vu, due } => (due.0 / SECOND, '+', vu),
            Wish::Interrupt { vu, due } => (due.0 / SECOND, '!', vu),
            Wish::InterruptAll { due } => (due.0 / SECOND, 'x', 0),
            Wish::Iterate { .. } => unreachable!("VUs loop"),
        };
        let prompt: Vec<_> = run_through(&mut whole(&scenario)).into_iter().map(short).collect();
        assert_eq!(prompt, want);
        let late: Vec<_> = poll_all(&mut whole(&scenario), Instant::NEVER).into_iter().map(short).collect();
        assert_eq!(late, want, "of a stalled caller");
    }

    #[test]
    fn raw_steps_are_where_the_line_reaches_whole_vus() {
        let whole = Share::whole().stripes();
        check_raw(
            1,
            VECTOR,
            &whole,
            &[(0, 1), (1, 2), (2, 3), (3, 4), (3, 2), (8, 3), (10, 2), (12, 1), (14, 0)],
        );
        check_raw(0, &[(5, 5)], &whole, &[(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
        check_raw(5, &[(5, 0)], &whole, &[(0, 5), (1, 4), (2, 3), (3, 2), (4, 1), (5, 0)]);
        check_raw(3, &[(9, 3)], &whole, &[(0, 3)]);
    }

    #[test]
    fn crossings_are_truncated_to_nanoseconds_from_the_end_of_the_stage() {
        let at = |ramp: &[(u64, u64)], start| -> Vec<u64> {
            let steps = raw_steps(start, &stages(ramp), &Share::whole().stripes());
            steps.iter().skip(1).map(|step| step.at_ns).collect()
        };
        assert_eq!(at(&[(1, 3)], 0), [333_333_334, 666_666_667, 1_000_000_000]);
        assert_eq!(at(&[(1, 0)], 3), [333_333_334, 666_666_667, 1_000_000_000]);
    }

    #[test]
    fn segments_step_where_their_own_vus_do() {
        check_raw(1, VECTOR, &third_parts("0:1/2"), &[(0, 1), (2, 2), (3, 1), (8, 2), (10, 1), (14, 0)]);
        check_raw(1, VECTOR, &third_parts("1/2:5/6"), &[(0, 0), (1, 1), (3, 2), (3, 1), (12, 0)]);
        check_raw(1, VECTOR, &third_parts("5/6:1"), &[(0, 0)]);
    }

    #[test]
    fn graceful_steps_are_late_by_the_ramp_down_unless_undone_before() {
        check_graceful(
            1,
            VECTOR,
            5,
            5,
            &[(0, 1), (1, 2), (2, 3), (3, 4), (8, 2), (8, 3), (15, 2), (17, 1), (19, 0)],
        );
        check_graceful(1, VECTOR, 5, 0, &[(0, 1), (1, 2), (2, 3), (3, 4), (8, 2), (8, 3), (14, 0)]);
        check_graceful(
            1,
            VECTOR,
            0,
            5,
            &[(0, 1), (1, 2), (2, 3), (3, 4), (3, 2), (8, 3), (10, 2), (12, 1), (14, 0)],
        );
        // Back at four within five seconds: the decrease never counts.
        check_graceful(4, &[(2, 2), (2, 4), (1, 4)], 5, 30, &[(0, 4), (35, 0)]);
        check_graceful(4, &[(2, 2), (3, 5), (1, 5)], 5, 30, &[(0, 4), (5, 5), (36, 0)]);
    }

    #[test]
    fn vus_begin_from_the_lowest_and_are_interrupted_from_the_highest() {
        check_wishes(
            ramp(1, VECTOR, 5, 5),
            &[(0, '+', 0), (1, '+', 1), (2, '+', 2), (8, '+', 2), (15, '!', 2), (17, '!', 1), (19, 'x', 0)],
        );
        check_wishes(
            ramp(3, &[(3, 0)], 0, 5),
            &[(0, '+', 0), (0, '+', 1), (0, '+', 2), (1, '!', 2), (2, '!', 1), (3, '!', 0), (8, 'x', 0)],
        );
    }

    #[test]
    fn a_vu_wanted_again_within_its_grace_goes_on() {
        check_wishes(
            ramp(2, &[(2, 0), (2, 2), (1, 2)], 2, 0),
            // VU 1 is told to finish at 1 s and wanted again at 4 s; VU 0 at 2 s and 3 s.
            &[(0, '+', 0), (0, '+', 1), (3, '+', 0), (3, '!', 1), (4, '+', 1), (5, 'x', 0)],
        );
    }

    #[test]
    fn a_vu_wanted_again_is_not_interrupted_where_k6_would() {
        // Ten to five at once, then seven of them wanted again before the grace is over.
        let wishes = run_through(&mut whole(&ramp(10, &[(1, 10), (0, 5), (2, 7), (9, 7)], 5, 30)));
        let interrupted: Vec<Wish> =
            wishes.into_iter().filter(|wish| matches!(wish, Wish::Interrupt { .. })).collect();
        let due = Instant(6 * SECOND);
        assert_eq!(interrupted, [9, 8, 7].map(|vu| Wish::Interrupt { vu, due }));
    }

    /// Those that k6's graceful steps make, in order.
    fn interrupts_of(graceful: &[Step], end_ns: u64) -> Vec<Wish> {
        let falls = graceful.windows(2).filter(|pair| pair[1].at_ns < end_ns);
        let of = |pair: &[Step]| {
            let due = Instant(pair[1].at_ns);
            (pair[1].vus..pair[0].vus).rev().map(move |vu| Wish::Interrupt { vu, due })
        };
        falls.flat_map(of).collect()
    }

    #[test]
    fn where_k6s_graceful_steps_are_in_order_of_time_they_make_our_interrupts() {
        let mut compared = 0;
        for seed in 0..2000 {
            let mut random = Seeded(seed);
            let (start_vus, stages) = (random.below(20), random.stages(20));
            let ramp_down = Duration::from_millis(random.below(3000));
            let executor =
                Executor::RampingVus { start_vus, stages: stages.clone(), graceful_ramp_down: ramp_down };
            let mut plan = whole(&scenario(executor));
            let raw = raw_steps(start_vus, &stages, &Share::whole().stripes());
            let graceful = graceful_steps(&raw, ramp_down, Duration::from_nanos(plan.max_end().0));
            let in_order = graceful.is_sorted_by_key(|step| step.at_ns);
            // Steps at the same time are one to us.
            if !in_order || raw.windows(2).any(|pair| pair[0].at_ns == pair[1].at_ns) {
                continue;
            }
            compared += 1;
            let mut wishes = run_through(&mut plan);
            wishes.retain(|wish| matches!(wish, Wish::Interrupt { .. }));
            assert_eq!(wishes, interrupts_of(&graceful, plan.max_end().0), "seed {seed}: {stages:?}");
        }
        assert!(compared > 500, "only {compared} of 2000 were comparable");
    }

    #[test]
    fn a_second_decrease_gives_a_second_grace() {
        check_wishes(
            // Down at 2 s, up again at 3 s, down at 4 s: interrupted 3 s after the latter.
            ramp(1, &[(2, 0), (1, 1), (1, 0), (9, 0)], 3, 0),
            &[(0, '+', 0), (3, '+', 0), (7, '!', 0), (13, 'x', 0)],
        );
    }

    #[test]
    fn a_vu_above_the_wanted_number_starts_no_further_iteration() {
        let mut plan = whole(&ramp(2, &[(2, 0), (2, 2), (1, 2)], 10, 0));
        let mut may = |second| {
            let now = Instant(second * SECOND);
            poll_all(&mut plan, now);
            [plan.may_iterate(0, now), plan.may_iterate(1, now)]
        };
        assert_eq!(may(0), [true, true]);
        assert_eq!(may(1), [true, false]);
        assert_eq!(may(2), [false, false]);
        assert_eq!(may(3), [true, false]);
        assert_eq!(may(4), [true, true]);
        assert_eq!(may(5), [false, false]);
        assert!(plan.starts_are_over(Instant(5 * SECOND)));
        assert_eq!((plan.attempted(), plan.planned_vus()), (6, 2));
    }
}
