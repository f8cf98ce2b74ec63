//! For tests: plans run through in virtual time, and random scenarios and splits from a seed.

use super::split::{Portion, Segment, SegmentSequence, Share};
use super::{Plan, Wish};
use crate::options::{Executor, Scenario, Stage};
use crate::time::Instant;
use std::time::Duration;

/// All wishes of a plan whose worker is never late.
pub fn run_through(plan: &mut Plan) -> Vec<Wish> {
    let mut wishes = Vec::new();
    while plan.next_due() < Instant::NEVER {
        wishes.extend(poll_all(plan, plan.next_due()));
    }
    wishes
}

/// What a worker is given that asks at `now`.
pub fn poll_all(plan: &mut Plan, now: Instant) -> Vec<Wish> {
    std::iter::from_fn(|| plan.poll(now)).collect()
}

/// Due times of the iterations among `wishes`, in nanoseconds.
pub fn starts(wishes: &[Wish]) -> Vec<u64> {
    let due = |wish: &Wish| match wish {
        Wish::Iterate { due } => Some(due.0),
        _ => None,
    };
    wishes.iter().filter_map(due).collect()
}

pub struct Seeded(pub u64);

impl Seeded {
    /// A number in `0..bound` (splitmix64).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn millis(&mut self, bound: u64) -> Duration {
        Duration::from_millis(self.below(bound))
    }

    /// All shares of a test: one to four segments of random lengths, in each one to eight workers.
    pub fn shares(&mut self) -> Vec<Share> {
        let denominator = 1 + self.below(12);
        let mut points: Vec<u64> = (0..self.below(4)).map(|_| self.below(denominator)).collect();
        points.extend([0, denominator]);
        points.sort_unstable();
        points.dedup();
        let text: Vec<String> = points.iter().map(|point| format!("{point}/{denominator}")).collect();
        let sequence = SegmentSequence::parse(&text.join(",")).unwrap();
        let mut shares = Vec::new();
        for ends in text.windows(2) {
            let segment = Segment::parse(&ends.join(":")).unwrap();
            let portion = Portion::new(segment, &sequence).unwrap();
            let workers = 1 + self.below(8) as u32;
            shares.extend((0..workers).map(|worker| Share::of(portion.clone(), worker, workers)));
        }
        shares
    }

    pub fn stages(&mut self, bound: u64) -> Vec<Stage> {
        (0..1 + self.below(5))
            .map(|_| {
                let duration = if self.below(4) == 0 { Duration::ZERO } else { self.millis(5000) };
                Stage { duration, target: self.below(bound) }
            })
            .collect()
    }

    pub fn scenario(&mut self) -> Scenario {
        let vus = self.below(30);
        let executor = match self.below(6) {
            0 => Executor::SharedIterations {
                vus,
                iterations: vus + self.below(100),
                max_duration: self.millis(5000),
            },
            1 => Executor::PerVuIterations {
                vus,
                iterations: 1 + self.below(5),
                max_duration: self.millis(5000),
            },
            2 => Executor::ConstantVus { vus, duration: self.millis(5000) },
            3 => Executor::RampingVus {
                start_vus: vus,
                stages: self.stages(30),
                graceful_ramp_down: self.millis(3000),
            },
            4 => Executor::ConstantArrivalRate {
                rate: 1 + self.below(200),
                time_unit: Duration::from_millis(1 + self.below(2000)),
                duration: self.millis(3000),
                pre_allocated_vus: vus,
                max_vus: vus + self.below(30),
            },
            _ => Executor::RampingArrivalRate {
                start_rate: self.below(100),
                time_unit: Duration::from_millis(100 + self.below(2000)),
                stages: self.stages(100),
                pre_allocated_vus: vus,
                max_vus: vus + self.below(30),
            },
        };
        Scenario { graceful_stop: self.millis(3000), ..Scenario::of(executor) }
    }
}

/// The whole plan of `executor`, with k6's default gracefulStop, from the beginning of the run.
pub fn whole(executor: Executor) -> Plan {
    Plan::new(&Scenario::of(executor), Instant::ZERO, &Share::whole())
}

/// `(seconds, target)`
pub fn stages(stages: &[(u64, u64)]) -> Vec<Stage> {
    let stage = |&(seconds, target)| Stage { duration: Duration::from_secs(seconds), target };
    stages.iter().map(stage).collect()
}

pub fn scenario(executor: Executor) -> Scenario {
    Scenario::of(executor)
}
