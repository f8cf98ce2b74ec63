//! What a scenario looks like on one instance of a test that is divided by execution segments.
//!
//! For what is shown of it; what is run is decided by the plans, from the whole and a `Share`.

use super::split::Portion;
use crate::options::{Executor, Scenario, Stage};

/// The scenario with the VUs, targets and shared iterations of this portion. Arrival rates and
/// iterations per VU stay those of the test. `None`: nothing of it is this portion's.
pub fn part_of(scenario: &Scenario, portion: &Portion) -> Option<Scenario> {
    let stripes = portion.stripes();
    let scale = |count: u64| stripes.scale(count);
    let ramp = |stages: &[Stage]| -> Vec<Stage> {
        stages.iter().map(|stage| Stage { target: scale(stage.target), ..*stage }).collect()
    };
    let mut part = scenario.clone();
    let has_work = match &mut part.executor {
        Executor::SharedIterations { vus, iterations, .. } => {
            *iterations = portion.by_value(*vus).map_or(0, |by_vus| by_vus.stripes().scale(*iterations));
            *vus = scale(*vus);
            *vus > 0 && *iterations > 0
        }
        Executor::PerVuIterations { vus, .. } | Executor::ConstantVus { vus, .. } => {
            *vus = scale(*vus);
            *vus > 0
        }
        Executor::RampingVus { start_vus, stages, .. } => {
            (*start_vus, *stages) = (scale(*start_vus), ramp(stages));
            *start_vus > 0 || stages.iter().any(|stage| stage.target > 0)
        }
        Executor::ConstantArrivalRate { pre_allocated_vus, max_vus, .. }
        | Executor::RampingArrivalRate { pre_allocated_vus, max_vus, .. } => {
            (*pre_allocated_vus, *max_vus) = (scale(*pre_allocated_vus), scale(*max_vus));
            *max_vus > 0
        }
    };
    has_work.then_some(part)
}

/// This portion's share of an executor's arrival rate, from 0 to 1: as k6 shows it.
pub fn share_of_rate(executor: &Executor, portion: &Portion) -> f64 {
    match executor {
        Executor::ConstantArrivalRate { max_vus, .. } if *max_vus > 0 => {
            portion.stripes().scale(*max_vus) as f64 / *max_vus as f64
        }
        _ => portion.length(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::split::{Segment, SegmentSequence};
    use super::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    fn portion(segment: &str) -> Portion {
        let sequence = SegmentSequence::parse("0,1/2,5/6,1").unwrap();
        Portion::new(Segment::parse(segment).unwrap(), &sequence).unwrap()
    }

    #[track_caller]
    fn check(segment: &str, executor: Executor, want: Option<Executor>) {
        let scenario = Scenario {
            name: "a".to_owned(),
            executor,
            start_time: Duration::ZERO,
            graceful_stop: SECOND,
            exec: None,
            env: BTreeMap::new(),
            tags: BTreeMap::new(),
        };
        assert_eq!(part_of(&scenario, &portion(segment)).map(|part| part.executor), want, "{segment}");
    }

    #[test]
    fn a_part_has_the_vus_that_the_segment_owns() {
        let constant = |vus| Executor::ConstantVus { vus, duration: SECOND };
        check("0:1/2", constant(10), Some(constant(5)));
        check("1/2:5/6", constant(10), Some(constant(4)));
        check("5/6:1", constant(10), Some(constant(1)));
        check("5/6:1", constant(5), None);
        let ramp = |start_vus, target| Executor::RampingVus {
            start_vus,
            stages: vec![Stage { duration: SECOND, target }],
            graceful_ramp_down: SECOND,
        };
        check("1/2:5/6", ramp(1, 10), Some(ramp(0, 4)));
    }

    #[test]
    fn shared_iterations_follow_the_vus() {
        let shared = |vus, iterations| Executor::SharedIterations { vus, iterations, max_duration: SECOND };
        // Of 5 VUs the segments own 3, 2 and none, so of 5 iterations the same.
        check("0:1/2", shared(5, 5), Some(shared(3, 3)));
        check("1/2:5/6", shared(5, 5), Some(shared(2, 2)));
        check("5/6:1", shared(5, 5), None);
    }

    #[test]
    fn an_arrival_rate_is_shown_by_the_vus_that_may_run_it() {
        let rate = Executor::ConstantArrivalRate {
            rate: 10,
            time_unit: SECOND,
            duration: SECOND,
            pre_allocated_vus: 5,
            max_vus: 5,
        };
        assert_eq!(share_of_rate(&rate, &portion("0:1/2")), 0.6);
        assert_eq!(portion("1/2:5/6").length(), 1.0 / 3.0);
    }
}
