//! How many VUs a test needs, and when: what is initialized beforehand, and what the header says.
//!
//! Scenarios that do not overlap share VUs, so this is a sum over time and not over scenarios.

use super::split::Share;
use super::{ramping_vus, total_duration};
use crate::options::{Executor, Scenario};
use std::collections::BTreeMap;
use std::time::Duration;

/// From `at` on, so many VUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutionStep {
    /// Since the beginning of the scenario, or of the test.
    pub at: Duration,
    /// VUs that exist beforehand.
    pub planned: u64,
    /// VUs that an arrival rate may add when it has no idle one.
    pub unplanned: u64,
}

/// What a whole test, or one share of it, needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// VUs to initialize before the start.
    pub planned_vus: u64,
    /// VUs at most.
    pub max_vus: u64,
    /// When the last scenario is over at the latest.
    pub max_duration: Duration,
}

impl Needs {
    pub fn of(scenarios: &[Scenario], share: &Share) -> Needs {
        let steps = merged_steps(scenarios, share);
        Needs {
            planned_vus: steps.iter().map(|step| step.planned).max().unwrap_or(0),
            max_vus: steps.iter().map(|step| step.planned + step.unplanned).max().unwrap_or(0),
            max_duration: steps.last().map_or(Duration::ZERO, |step| step.at),
        }
    }
}

/// The steps of one scenario since its own beginning; none if the share has none of its VUs.
pub fn steps(scenario: &Scenario, share: &Share) -> Vec<ExecutionStep> {
    let flat = |duration: Duration, planned: u64, max: u64| {
        let (planned, max) = (u64::from(share.vus(planned)), u64::from(share.vus(max)));
        vec![
            ExecutionStep { at: Duration::ZERO, planned, unplanned: max - planned },
            ExecutionStep { at: duration.saturating_add(scenario.graceful_stop), planned: 0, unplanned: 0 },
        ]
    };
    let steps = match scenario.executor {
        Executor::SharedIterations { vus, max_duration, .. }
        | Executor::PerVuIterations { vus, max_duration, .. } => flat(max_duration, vus, vus),
        Executor::ConstantVus { vus, duration } => flat(duration, vus, vus),
        Executor::RampingVus { start_vus, ref stages, graceful_ramp_down } => {
            let raw = ramping_vus::raw_steps(start_vus, stages, &share.stripes());
            let end = total_duration(stages).saturating_add(scenario.graceful_stop);
            ramping_vus::graceful_steps(&raw, graceful_ramp_down, end)
                .into_iter()
                .map(|step| ExecutionStep {
                    at: Duration::from_nanos(step.at_ns),
                    planned: step.vus.into(),
                    unplanned: 0,
                })
                .collect()
        }
        Executor::ConstantArrivalRate { duration, pre_allocated_vus, max_vus, .. } => {
            flat(duration, pre_allocated_vus, max_vus)
        }
        Executor::RampingArrivalRate { ref stages, pre_allocated_vus, max_vus, .. } => {
            flat(total_duration(stages), pre_allocated_vus, max_vus)
        }
    };
    let any = steps.iter().any(|step| step.planned + step.unplanned > 0);
    if any { steps } else { Vec::new() }
}

/// The steps of all scenarios together since the beginning of the test, without equal neighbours.
/// What happens at one instant is one step: a scenario may take over the VUs of another.
pub fn merged_steps(scenarios: &[Scenario], share: &Share) -> Vec<ExecutionStep> {
    let mut changes: BTreeMap<Duration, Vec<(usize, ExecutionStep)>> = BTreeMap::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        for step in steps(scenario, share) {
            changes.entry(scenario.start_time.saturating_add(step.at)).or_default().push((index, step));
        }
    }
    let mut current = vec![(0, 0); scenarios.len()];
    let mut merged: Vec<ExecutionStep> = Vec::new();
    let (mut planned, mut unplanned) = (0, 0);
    for (at, changes) in changes {
        for (index, step) in changes {
            planned = planned - current[index].0 + step.planned;
            unplanned = unplanned - current[index].1 + step.unplanned;
            current[index] = (step.planned, step.unplanned);
        }
        if merged.last().is_none_or(|last| (last.planned, last.unplanned) != (planned, unplanned)) {
            merged.push(ExecutionStep { at, planned, unplanned });
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::{scenario, stages};
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn constant_vus(start_s: u64, vus: u64, duration_s: u64) -> Scenario {
        let executor = Executor::ConstantVus { vus, duration: seconds(duration_s) };
        Scenario { start_time: seconds(start_s), ..scenario(executor) }
    }

    fn arrivals(start_s: u64, pre_allocated_vus: u64, max_vus: u64) -> Scenario {
        let executor = Executor::ConstantArrivalRate {
            rate: 10,
            time_unit: seconds(1),
            duration: seconds(10),
            pre_allocated_vus,
            max_vus,
        };
        Scenario { start_time: seconds(start_s), ..scenario(executor) }
    }

    /// Steps as (seconds, planned, unplanned).
    #[track_caller]
    fn check(scenarios: &[Scenario], share: &Share, want: &[(u64, u64, u64)], needs: (u64, u64, u64)) {
        let steps: Vec<_> = merged_steps(scenarios, share)
            .iter()
            .map(|step| (step.at.as_secs(), step.planned, step.unplanned))
            .collect();
        assert_eq!(steps, want);
        let (planned_vus, max_vus, end_s) = needs;
        assert_eq!(Needs::of(scenarios, share), Needs { planned_vus, max_vus, max_duration: seconds(end_s) });
    }

    #[test]
    fn one_scenario_needs_its_vus_until_its_graceful_stop_is_over() {
        let shared = Executor::SharedIterations { vus: 3, iterations: 9, max_duration: seconds(600) };
        let per_vu = Executor::PerVuIterations { vus: 1, iterations: 1, max_duration: seconds(600) };
        let whole = Share::whole();
        check(&[scenario(shared)], &whole, &[(0, 3, 0), (630, 0, 0)], (3, 3, 630));
        check(&[scenario(per_vu)], &whole, &[(0, 1, 0), (630, 0, 0)], (1, 1, 630));
        check(&[constant_vus(5, 10, 30)], &whole, &[(5, 10, 0), (65, 0, 0)], (10, 10, 65));
        check(&[arrivals(0, 2, 7)], &whole, &[(0, 2, 5), (40, 0, 0)], (2, 7, 40));
    }

    #[test]
    fn ramping_vus_need_their_graceful_steps() {
        let executor = Executor::RampingVus {
            start_vus: 1,
            stages: stages(&[(3, 4), (0, 2), (4, 2), (1, 3), (6, 0)]),
            graceful_ramp_down: seconds(5),
        };
        let scenario = Scenario { graceful_stop: seconds(5), ..scenario(executor) };
        check(
            &[scenario],
            &Share::whole(),
            &[(0, 1, 0), (1, 2, 0), (2, 3, 0), (3, 4, 0), (8, 3, 0), (15, 2, 0), (17, 1, 0), (19, 0, 0)],
            (4, 4, 19),
        );
    }

    #[test]
    fn sequential_scenarios_share_vus_and_overlapping_ones_add_up() {
        let whole = Share::whole();
        check(
            &[constant_vus(0, 10, 30), constant_vus(60, 8, 30)],
            &whole,
            &[(0, 10, 0), (60, 8, 0), (120, 0, 0)],
            (10, 10, 120),
        );
        check(
            &[constant_vus(0, 10, 30), arrivals(10, 2, 7)],
            &whole,
            &[(0, 10, 0), (10, 12, 5), (50, 10, 0), (60, 0, 0)],
            (12, 17, 60),
        );
    }

    #[test]
    fn a_share_needs_its_part_and_nothing_for_a_scenario_without_its_vus() {
        let scenarios = [constant_vus(0, 3, 10), constant_vus(5, 1, 100)];
        check(
            &scenarios,
            &Share::worker(0, 2),
            &[(0, 2, 0), (5, 3, 0), (40, 1, 0), (135, 0, 0)],
            (3, 3, 135),
        );
        check(&scenarios, &Share::worker(1, 2), &[(0, 1, 0), (40, 0, 0)], (1, 1, 40));
    }
}
