//! WHEN iterations start: one file per k6 executor, and `controlled`, whose rate a message changes.
//!
//! A plan is a schedule in virtual time: asked with `now`, it says what is due. It never waits,
//! knows no VU's state, and forgives nothing: a start handed out late still carries the instant it
//! was meant for. `split` shares a plan exactly among workers; `execution_plan` adds up the VUs
//! that a test needs. What a due start does, and whether an idle VU is found, is the worker's.

pub mod constant_arrival_rate;
pub mod constant_vus;
pub mod controlled;
pub mod execution_plan;
pub mod part;
pub mod per_vu_iterations;
pub mod ramping_arrival_rate;
pub mod ramping_vus;
pub mod shared_iterations;
pub mod split;

mod ratio;
#[cfg(test)]
mod rehearsal;
mod segment;

pub use constant_arrival_rate::ConstantArrivalRate;
pub use constant_vus::ConstantVus;
pub use controlled::Controlled;
pub use per_vu_iterations::PerVuIterations;
pub use ramping_arrival_rate::RampingArrivalRate;
pub use ramping_vus::RampingVus;
pub use shared_iterations::SharedIterations;
pub use split::Share;

use crate::options::{Executor, Scenario, Stage};
use crate::time::{Instant, duration_ns};
use split::Stripes;
use std::time::Duration;

/// What a plan asks of its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wish {
    /// Arrival rate: begin one iteration on any idle VU. If none is idle the worker counts a
    /// dropped iteration.
    Iterate { due: Instant },
    /// VU `vu` (from 0, within this share) begins to loop, or goes on if it still runs.
    Begin { vu: u32, due: Instant },
    /// The running iteration of `vu`, if any, is interrupted: gracefulRampDown is over.
    Interrupt { vu: u32, due: Instant },
    /// Whatever still runs is interrupted: gracefulStop is over.
    InterruptAll { due: Instant },
}

/// Starts a second that an arrival-rate executor plans `elapsed` after its beginning, over all
/// workers; 0 for the others, whose VUs decide.
pub fn planned_rate(executor: &Executor, elapsed: Duration) -> f64 {
    match executor {
        Executor::ConstantArrivalRate { rate, time_unit, .. } => *rate as f64 / time_unit.as_secs_f64(),
        Executor::RampingArrivalRate { start_rate, time_unit, stages, .. } => {
            let per_unit = ramping_arrival_rate::rate_at(*start_rate, stages, elapsed);
            per_unit / time_unit.as_secs_f64()
        }
        _ => 0.0,
    }
}

/// One worker's share of one scenario's schedule.
#[derive(Clone, Debug)]
pub enum Plan {
    SharedIterations(SharedIterations),
    PerVuIterations(PerVuIterations),
    ConstantVus(ConstantVus),
    RampingVus(RampingVus),
    ConstantArrivalRate(ConstantArrivalRate),
    RampingArrivalRate(RampingArrivalRate),
    Controlled(Controlled),
}

/// Every executor has the same methods; this is the only dispatch.
macro_rules! each {
    ($plan:expr, $executor:ident => $body:expr) => {
        match $plan {
            Plan::SharedIterations($executor) => $body,
            Plan::PerVuIterations($executor) => $body,
            Plan::ConstantVus($executor) => $body,
            Plan::RampingVus($executor) => $body,
            Plan::ConstantArrivalRate($executor) => $body,
            Plan::RampingArrivalRate($executor) => $body,
            Plan::Controlled($executor) => $body,
        }
    };
}

impl Plan {
    /// The share `share` of `scenario`, whose clock starts at `begin` (test start + startTime).
    pub fn new(scenario: &Scenario, begin: Instant, share: &Share) -> Plan {
        let grace = scenario.graceful_stop;
        match scenario.executor {
            Executor::SharedIterations { vus, iterations, max_duration } => {
                let frame = Frame::looping(begin, max_duration, grace, share, vus);
                Plan::SharedIterations(SharedIterations::new(frame, share, vus, iterations))
            }
            Executor::PerVuIterations { vus, iterations, max_duration } => {
                let frame = Frame::looping(begin, max_duration, grace, share, vus);
                Plan::PerVuIterations(PerVuIterations::new(frame, iterations))
            }
            Executor::ConstantVus { vus, duration } => {
                let frame = Frame::looping(begin, duration, grace, share, vus);
                Plan::ConstantVus(ConstantVus::new(frame))
            }
            Executor::RampingVus { start_vus, ref stages, graceful_ramp_down } => {
                let steps = ramping_vus::raw_steps(start_vus, stages, &share.stripes());
                let frame = Frame::looping(begin, total_duration(stages), grace, share, 0);
                Plan::RampingVus(RampingVus::new(frame, steps, graceful_ramp_down))
            }
            Executor::ConstantArrivalRate { rate, time_unit, duration, pre_allocated_vus, max_vus } => {
                let frame = Frame::arriving(begin, duration, grace, share, pre_allocated_vus, max_vus);
                Plan::ConstantArrivalRate(ConstantArrivalRate::new(frame, rate, time_unit))
            }
            Executor::RampingArrivalRate {
                start_rate,
                time_unit,
                ref stages,
                pre_allocated_vus,
                max_vus,
            } => {
                let frame =
                    Frame::arriving(begin, total_duration(stages), grace, share, pre_allocated_vus, max_vus);
                Plan::RampingArrivalRate(RampingArrivalRate::new(frame, start_rate, time_unit, stages))
            }
        }
    }

    /// The next wish that is due. Never blocks; call until `None`. Wishes come in the order of
    /// their due times.
    pub fn poll(&mut self, now: Instant) -> Option<Wish> {
        if self.next_due() > now {
            return None;
        }
        each!(self, plan => plan.poll_start(now)).or_else(|| self.frame_mut().poll_end(now))
    }

    /// When to ask again; `Instant::NEVER` when nothing more comes.
    pub fn next_due(&self) -> Instant {
        each!(self, plan => plan.next_start()).min(self.frame().next_end())
    }

    /// Whether the looping VU `vu` may start an iteration now; counts it if so. To be asked before
    /// every iteration, the first included. VUs of arrival rates do not loop: always false.
    pub fn may_iterate(&mut self, vu: u32, now: Instant) -> bool {
        let may = each!(self, plan => plan.may_iterate(vu, now));
        self.frame_mut().attempted += u64::from(may);
        may
    }

    /// No start is due at or after `now`, and nothing is interrupted any more: what still runs is
    /// the caller's. Starts missed before `now` are still given.
    pub fn stop(&mut self, now: Instant) {
        let frame = self.frame_mut();
        frame.starts_until = frame.starts_until.min(now);
        frame.interrupts_end = true;
    }

    /// No iteration can start any more.
    pub fn starts_are_over(&self, now: Instant) -> bool {
        each!(self, plan => plan.starts_are_over(now))
    }

    /// Iterations that were promised by number and have not started (shared and per-VU
    /// iterations); what is left at the end counts as dropped.
    pub fn unstarted(&self) -> u64 {
        match self {
            Plan::SharedIterations(plan) => plan.unstarted(),
            Plan::PerVuIterations(plan) => plan.unstarted(),
            _ => 0,
        }
    }

    /// Iterations given out so far: each was started, or dropped for want of a VU.
    pub fn attempted(&self) -> u64 {
        self.frame().attempted
    }

    /// Starts come from a schedule (`Wish::Iterate`), not from VUs that loop.
    pub fn is_open(&self) -> bool {
        matches!(self, Plan::ConstantArrivalRate(_) | Plan::RampingArrivalRate(_) | Plan::Controlled(_))
    }

    /// From `at` on a controlled plan starts `rate_per_s` iterations a second, over all workers.
    /// Plans with a schedule of their own are not changed.
    pub fn set_rate(&mut self, at: Instant, rate_per_s: f64) {
        if let Plan::Controlled(plan) = self {
            plan.set_rate(at, rate_per_s);
        }
    }

    /// VUs of this share that must exist from the beginning.
    pub fn planned_vus(&self) -> u32 {
        self.frame().planned_vus
    }

    /// VUs of this share at most.
    pub fn max_vus(&self) -> u32 {
        self.frame().max_vus
    }

    /// From here on no iteration starts.
    pub fn regular_end(&self) -> Instant {
        self.frame().regular_end
    }

    /// At this instant whatever still runs is interrupted.
    pub fn max_end(&self) -> Instant {
        self.frame().max_end
    }

    /// The iteration numbers of the scenario that this share owns: its nth started iteration (from
    /// 0) is `in_test(nth)` of the whole test.
    pub fn iterations(&self) -> &Stripes {
        &self.frame().iterations
    }

    fn frame(&self) -> &Frame {
        each!(self, plan => &plan.frame)
    }

    fn frame_mut(&mut self) -> &mut Frame {
        each!(self, plan => &mut plan.frame)
    }
}

/// What every plan has: its ends, its VUs, and the iterations that are its own.
#[derive(Clone, Debug)]
struct Frame {
    begin: Instant,
    regular_end: Instant,
    max_end: Instant,
    /// No start at or after this: the regular end, or where the plan was stopped.
    starts_until: Instant,
    /// Nothing is interrupted any more: `InterruptAll` was given, or the plan was stopped.
    interrupts_end: bool,
    planned_vus: u32,
    max_vus: u32,
    iterations: Stripes,
    attempted: u64,
}

impl Frame {
    fn new(begin: Instant, regular_end: Instant, max_end: Instant, iterations: Stripes) -> Frame {
        Frame {
            begin,
            regular_end,
            max_end,
            starts_until: regular_end,
            interrupts_end: false,
            planned_vus: 0,
            max_vus: 0,
            iterations,
            attempted: 0,
        }
    }

    /// For VUs that loop on their own: all of them are planned.
    fn looping(begin: Instant, duration: Duration, grace: Duration, share: &Share, vus: u64) -> Frame {
        let end = begin + duration;
        let vus = share.vus(vus);
        Frame { planned_vus: vus, max_vus: vus, ..Frame::new(begin, end, end + grace, share.stripes()) }
    }

    /// For starts on the clock: they are shared out as the VUs are that will serve them.
    fn arriving(
        begin: Instant,
        duration: Duration,
        grace: Duration,
        share: &Share,
        pre_allocated_vus: u64,
        max_vus: u64,
    ) -> Frame {
        let end = begin + duration;
        Frame {
            planned_vus: share.vus(pre_allocated_vus),
            max_vus: share.vus(max_vus),
            ..Frame::new(begin, end, end + grace, share.stripes_over(max_vus))
        }
    }

    /// A start that is due at `due`, or never: outside the plan.
    fn clip(&self, due: Instant) -> Instant {
        if due < self.starts_until { due } else { Instant::NEVER }
    }

    fn next_end(&self) -> Instant {
        if self.interrupts_end { Instant::NEVER } else { self.max_end }
    }

    fn poll_end(&mut self, now: Instant) -> Option<Wish> {
        let due = self.next_end();
        if !is_due(due, now) {
            return None;
        }
        self.interrupts_end = true;
        Some(Wish::InterruptAll { due })
    }
}

/// Where all VUs of a share begin to loop together.
#[derive(Clone, Debug, Default)]
struct Beginning {
    begun: u32,
}

impl Beginning {
    fn next_start(&self, frame: &Frame) -> Instant {
        if self.begun < frame.planned_vus { frame.clip(frame.begin) } else { Instant::NEVER }
    }

    fn poll_start(&mut self, frame: &Frame, now: Instant) -> Option<Wish> {
        let due = self.next_start(frame);
        if !is_due(due, now) {
            return None;
        }
        self.begun += 1;
        Some(Wish::Begin { vu: self.begun - 1, due })
    }
}

/// Never is not due, not even at the end of time.
fn is_due(due: Instant, now: Instant) -> bool {
    due <= now && due != Instant::NEVER
}

fn total_duration(stages: &[Stage]) -> Duration {
    Duration::from_nanos(
        stages.iter().fold(0, |sum: u64, stage| sum.saturating_add(duration_ns(stage.duration))),
    )
}

#[cfg(test)]
mod tests {
    use super::rehearsal::{Seeded, poll_all, run_through};
    use super::*;

    const BEGIN: Instant = Instant(12_345);

    /// The VU numbers of one share as those of the whole test.
    fn in_test(wish: Wish, share: &Share) -> Wish {
        let vu_in_test = |vu: u32| share.stripes().in_test(vu.into()) as u32;
        match wish {
            Wish::Begin { vu, due } => Wish::Begin { vu: vu_in_test(vu), due },
            Wish::Interrupt { vu, due } => Wish::Interrupt { vu: vu_in_test(vu), due },
            other => other,
        }
    }

    /// All wishes but the last, which every share has.
    fn wishes_in_test(scenario: &Scenario, share: &Share) -> Vec<Wish> {
        let mut plan = Plan::new(scenario, BEGIN, share);
        let mut wishes = run_through(&mut plan);
        assert_eq!(wishes.pop(), Some(Wish::InterruptAll { due: plan.max_end() }));
        wishes.into_iter().map(|wish| in_test(wish, share)).collect()
    }

    #[test]
    fn the_shares_together_are_the_whole_plan() {
        for seed in 0..600 {
            let mut random = Seeded(seed);
            let (scenario, shares) = (random.scenario(), random.shares());
            let mut whole = wishes_in_test(&scenario, &Share::whole());
            let mut union: Vec<Wish> =
                shares.iter().flat_map(|share| wishes_in_test(&scenario, share)).collect();
            whole.sort();
            union.sort();
            assert_eq!(union, whole, "seed {seed}: {scenario:?} over {shares:?}");

            let sums = |shares: &[Share]| {
                shares.iter().map(|share| Plan::new(&scenario, BEGIN, share)).fold((0, 0, 0), |sums, plan| {
                    let (planned, max) = (u64::from(plan.planned_vus()), u64::from(plan.max_vus()));
                    (sums.0 + planned, sums.1 + max, sums.2 + plan.unstarted())
                })
            };
            assert_eq!(sums(&shares), sums(&[Share::whole()]), "seed {seed}: {scenario:?} over {shares:?}");
        }
    }

    #[test]
    fn wishes_come_in_order_of_time_and_starts_before_the_regular_end() {
        for seed in 0..600 {
            let mut random = Seeded(seed);
            let scenario = random.scenario();
            let mut plan = Plan::new(&scenario, BEGIN, &Share::whole());
            let mut late = plan.clone();
            let wishes = run_through(&mut plan);
            let due = |wish: &Wish| match *wish {
                Wish::Iterate { due } | Wish::Begin { due, .. } => {
                    assert!(due < plan.regular_end(), "seed {seed}: {wish:?} of {scenario:?}");
                    due
                }
                Wish::Interrupt { due, .. } | Wish::InterruptAll { due } => due,
            };
            assert!(wishes.iter().map(due).is_sorted(), "seed {seed}: {wishes:?} of {scenario:?}");
            assert_eq!(poll_all(&mut late, Instant::NEVER), wishes, "seed {seed}, stalled: {scenario:?}");
            assert!(plan.starts_are_over(plan.regular_end()));
        }
    }

    #[test]
    fn whatever_a_loop_is_given_is_attempted_or_stays_unstarted() {
        for seed in 0..200 {
            let mut random = Seeded(seed);
            let scenario = random.scenario();
            let mut plan = Plan::new(&scenario, BEGIN, &Share::whole());
            let promised = plan.unstarted();
            poll_all(&mut plan, BEGIN);
            let (before, vus) = (plan.attempted(), plan.planned_vus());
            let given = (0..50)
                .filter(|_| vus > 0 && plan.may_iterate(random.below(vus.max(1).into()) as u32, BEGIN))
                .count() as u64;
            assert_eq!(plan.attempted() - before, given, "seed {seed}: {scenario:?}");
            assert!(promised == 0 || promised == given + plan.unstarted(), "seed {seed}: {scenario:?}");
        }
    }
}
