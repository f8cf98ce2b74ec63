//! A scenario as written: any number may be missing or wrong until it is validated.
//!
//! Made from a script's `scenarios` and from the shortcuts; defaults, rules and texts are k6's.

use super::duration;
use super::scenario::{Executor, Scenario};
use super::stage::{self, StageText};
use std::collections::BTreeMap;
use std::time::Duration;

const S: i64 = 1_000_000_000;
const GRACEFUL_NS: i64 = 30 * S;
/// `maxDuration` of a number of iterations.
const MAX_DURATION_NS: i64 = 600 * S;
const TIME_UNIT_NS: i64 = S;
const DURATION_MIN_NS: i64 = S;

/// What one scenario says; `None` is silence. Fields that its executor does not have stay `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioText {
    pub executor: ExecutorKind,
    pub start_time_ns: Option<i64>,
    pub graceful_stop_ns: Option<i64>,
    pub env: Option<BTreeMap<String, String>>,
    pub exec: Option<String>,
    pub tags: Option<BTreeMap<String, String>>,
    pub vus: Option<i64>,
    pub iterations: Option<i64>,
    pub max_duration_ns: Option<i64>,
    pub duration_ns: Option<i64>,
    pub start_vus: Option<i64>,
    pub stages: Option<Vec<StageText>>,
    pub graceful_ramp_down_ns: Option<i64>,
    pub rate: Option<i64>,
    pub start_rate: Option<i64>,
    pub time_unit_ns: Option<i64>,
    pub pre_allocated_vus: Option<i64>,
    pub max_vus: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutorKind {
    SharedIterations,
    PerVuIterations,
    ConstantVus,
    RampingVus,
    ConstantArrivalRate,
    RampingArrivalRate,
}

impl ExecutorKind {
    pub const ALL: [ExecutorKind; 6] = [
        ExecutorKind::SharedIterations,
        ExecutorKind::PerVuIterations,
        ExecutorKind::ConstantVus,
        ExecutorKind::RampingVus,
        ExecutorKind::ConstantArrivalRate,
        ExecutorKind::RampingArrivalRate,
    ];

    /// As a script writes it.
    pub fn name(self) -> &'static str {
        match self {
            ExecutorKind::SharedIterations => "shared-iterations",
            ExecutorKind::PerVuIterations => "per-vu-iterations",
            ExecutorKind::ConstantVus => "constant-vus",
            ExecutorKind::RampingVus => "ramping-vus",
            ExecutorKind::ConstantArrivalRate => "constant-arrival-rate",
            ExecutorKind::RampingArrivalRate => "ramping-arrival-rate",
        }
    }

    /// The fields that only some executors have, in k6's order.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            ExecutorKind::SharedIterations | ExecutorKind::PerVuIterations => {
                &["vus", "iterations", "maxDuration"]
            }
            ExecutorKind::ConstantVus => &["vus", "duration"],
            ExecutorKind::RampingVus => &["startVUs", "stages", "gracefulRampDown"],
            ExecutorKind::ConstantArrivalRate => {
                &["rate", "timeUnit", "duration", "preAllocatedVUs", "maxVUs"]
            }
            ExecutorKind::RampingArrivalRate => {
                &["startRate", "timeUnit", "stages", "preAllocatedVUs", "maxVUs"]
            }
        }
    }
}

impl ScenarioText {
    pub fn new(executor: ExecutorKind) -> ScenarioText {
        ScenarioText {
            executor,
            start_time_ns: None,
            graceful_stop_ns: None,
            env: None,
            exec: None,
            tags: None,
            vus: None,
            iterations: None,
            max_duration_ns: None,
            duration_ns: None,
            start_vus: None,
            stages: None,
            graceful_ramp_down_ns: None,
            rate: None,
            start_rate: None,
            time_unit_ns: None,
            pre_allocated_vus: None,
            max_vus: None,
        }
    }

    /// The function that its iterations run.
    pub fn exec(&self) -> &str {
        self.exec.as_deref().unwrap_or("default")
    }

    /// Complete with defaults, or every problem in k6's order.
    pub fn validate(&self, name: &str) -> Result<Scenario, Vec<String>> {
        let mut problems = Problems::default();
        problems.add_if(
            name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)),
            "the scenario name should contain only numbers, latin letters, underscores, and dashes",
        );
        problems.add_if(self.exec.as_deref() == Some(""), "exec value cannot be empty");
        problems.add_if(self.start_time_ns.is_some_and(|ns| ns < 0), START_TIME);
        problems.add_if(self.graceful_stop_ns.is_some_and(|ns| ns < 0), GRACEFUL_STOP);
        let executor = self.validate_executor(&mut problems);
        if !problems.0.is_empty() {
            return Err(problems.0);
        }
        Ok(Scenario {
            name: name.to_owned(),
            executor,
            start_time: duration::from_ns(self.start_time_ns.unwrap_or(0)),
            graceful_stop: duration::from_ns(self.graceful_stop_ns.unwrap_or(GRACEFUL_NS)),
            exec: self.exec.clone(),
            env: self.env.clone().unwrap_or_default(),
            tags: self.tags.clone().unwrap_or_default(),
        })
    }

    /// The executor is right only if no problem was added.
    fn validate_executor(&self, problems: &mut Problems) -> Executor {
        match self.executor {
            ExecutorKind::SharedIterations => {
                let (vus, iterations) = (self.vus.unwrap_or(1), self.iterations.unwrap_or(1));
                problems.add_if(vus <= 0, "the number of VUs must be more than 0");
                problems.add_if(
                    iterations < vus,
                    &format!(
                        "the number of iterations ({iterations}) can't be less than the number of VUs ({vus})"
                    ),
                );
                Executor::SharedIterations {
                    vus: vus as u64,
                    iterations: iterations as u64,
                    max_duration: self.max_duration(problems),
                }
            }
            ExecutorKind::PerVuIterations => {
                let (vus, iterations) = (self.vus.unwrap_or(1), self.iterations.unwrap_or(1));
                problems.add_if(vus <= 0, "the number of VUs must be more than 0");
                problems.add_if(iterations <= 0, "the number of iterations must be more than 0");
                Executor::PerVuIterations {
                    vus: vus as u64,
                    iterations: iterations as u64,
                    max_duration: self.max_duration(problems),
                }
            }
            ExecutorKind::ConstantVus => {
                let vus = self.vus.unwrap_or(1);
                problems.add_if(vus <= 0, "the number of VUs must be more than 0");
                Executor::ConstantVus { vus: vus as u64, duration: self.duration(problems) }
            }
            ExecutorKind::RampingVus => self.ramping_vus(problems),
            ExecutorKind::ConstantArrivalRate => self.constant_arrival_rate(problems),
            ExecutorKind::RampingArrivalRate => self.ramping_arrival_rate(problems),
        }
    }

    fn ramping_vus(&self, problems: &mut Problems) -> Executor {
        let start_vus = self.start_vus.unwrap_or(1);
        let stages = self.stages.as_deref().unwrap_or_default();
        let highest = stages.iter().filter_map(|stage| stage.target).max().unwrap_or(0);
        problems.add_if(start_vus < 0, "the number of start VUs can't be negative");
        problems.add_if(
            start_vus.max(highest) <= 0,
            "either startVUs or one of the stages' target values must be greater than 0",
        );
        let graceful_ramp_down_ns = self.graceful_ramp_down_ns.unwrap_or(GRACEFUL_NS);
        // Ours: a ramp cannot end before it begins.
        problems.add_if(graceful_ramp_down_ns < 0, "the gracefulRampDown timeout can't be negative");
        let stages = problems.unless(stage::validate_stages(stages));
        problems.unless(stage::validate_targets(start_vus, self.stages.as_deref().unwrap_or_default()));
        Executor::RampingVus {
            start_vus: start_vus as u64,
            stages,
            graceful_ramp_down: duration::from_ns(graceful_ramp_down_ns),
        }
    }

    fn constant_arrival_rate(&self, problems: &mut Problems) -> Executor {
        match self.rate {
            None => problems.add("the iteration rate isn't specified"),
            Some(rate) => problems.add_if(rate <= 0, "the iteration rate must be more than 0"),
        }
        let rate = self.rate.unwrap_or(0);
        let time_unit = self.time_unit(problems, rate);
        let duration = self.duration(problems);
        let (pre_allocated_vus, max_vus) = self.arrival_vus(problems);
        Executor::ConstantArrivalRate { rate: rate as u64, time_unit, duration, pre_allocated_vus, max_vus }
    }

    fn ramping_arrival_rate(&self, problems: &mut Problems) -> Executor {
        let start_rate = self.start_rate.unwrap_or(0);
        let stages = self.stages.as_deref().unwrap_or_default();
        let highest = stages.iter().filter_map(|stage| stage.target).max().unwrap_or(0);
        problems.add_if(start_rate < 0, "the startRate value can't be negative");
        let time_unit = self.time_unit(problems, start_rate.max(highest));
        let stages = problems.unless(stage::validate_stages(stages));
        let (pre_allocated_vus, max_vus) = self.arrival_vus(problems);
        Executor::RampingArrivalRate {
            start_rate: start_rate as u64,
            time_unit,
            stages,
            pre_allocated_vus,
            max_vus,
        }
    }

    fn time_unit(&self, problems: &mut Problems, peak: i64) -> Duration {
        let ns = self.time_unit_ns.unwrap_or(TIME_UNIT_NS);
        problems.add_if(ns <= 0, "the timeUnit must be more than 0");
        // Ours: the period of a constant rate is a whole number of nanoseconds.
        problems.add_if(ns > 0 && peak > ns, "the iteration rate is above one start per nanosecond");
        duration::from_ns(ns)
    }

    fn arrival_vus(&self, problems: &mut Problems) -> (u64, u64) {
        let vus = self.pre_allocated_vus.unwrap_or(0);
        problems.add_if(self.pre_allocated_vus.is_none(), "the number of preAllocatedVUs isn't specified");
        problems.add_if(vus < 0, "the number of preAllocatedVUs can't be negative");
        let max_vus = self.max_vus.unwrap_or(vus);
        problems.add_if(max_vus < vus, "maxVUs can't be less than preAllocatedVUs");
        // Ours: without any VU nothing would ever start.
        let none = self.pre_allocated_vus == Some(0) && max_vus == 0;
        problems.add_if(none, "maxVUs must be more than 0");
        (vus as u64, max_vus as u64)
    }

    fn duration(&self, problems: &mut Problems) -> Duration {
        match self.duration_ns {
            None => problems.add("the duration is unspecified"),
            Some(ns) => problems.require_second("duration", ns),
        }
        duration::from_ns(self.duration_ns.unwrap_or(0))
    }

    fn max_duration(&self, problems: &mut Problems) -> Duration {
        let ns = self.max_duration_ns.unwrap_or(MAX_DURATION_NS);
        problems.require_second("maxDuration", ns);
        duration::from_ns(ns)
    }
}

const START_TIME: &str = "the startTime can't be negative";
const GRACEFUL_STOP: &str = "the gracefulStop timeout can't be negative";

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: &str) {
        self.0.push(problem.to_owned());
    }

    fn add_if(&mut self, wrong: bool, problem: &str) {
        if wrong {
            self.add(problem);
        }
    }

    fn require_second(&mut self, field: &str, ns: i64) {
        let (min, is) = (duration::format(DURATION_MIN_NS), duration::format(ns));
        self.add_if(ns < DURATION_MIN_NS, &format!("the {field} must be at least {min}, but is {is}"));
    }

    fn unless<T: Default>(&mut self, result: Result<T, Vec<String>>) -> T {
        result.unwrap_or_else(|more| {
            self.0.extend(more);
            T::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExecutorKind::*;

    fn text(executor: ExecutorKind) -> ScenarioText {
        ScenarioText::new(executor)
    }

    fn stages(list: &[(i64, i64)]) -> Option<Vec<StageText>> {
        let stage = |&(seconds, target): &(i64, i64)| StageText {
            duration_ns: Some(seconds * S),
            target: Some(target),
        };
        Some(list.iter().map(stage).collect())
    }

    #[track_caller]
    fn check(scenario: ScenarioText, want: Executor) {
        assert_eq!(scenario.validate("a").map(|scenario| scenario.executor), Ok(want));
    }

    #[track_caller]
    fn check_refused(scenario: ScenarioText, want: &[&str]) {
        assert_eq!(scenario.validate("a").unwrap_err(), want);
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_not_said_has_k6s_default() {
        check(
            text(SharedIterations),
            Executor::SharedIterations { vus: 1, iterations: 1, max_duration: seconds(600) },
        );
        check(
            text(PerVuIterations),
            Executor::PerVuIterations { vus: 1, iterations: 1, max_duration: seconds(600) },
        );
        check(
            ScenarioText { duration_ns: Some(S), ..text(ConstantVus) },
            Executor::ConstantVus { vus: 1, duration: seconds(1) },
        );
        let stage = |target| vec![super::super::Stage { duration: seconds(1), target }];
        check(
            ScenarioText { stages: stages(&[(1, 2)]), ..text(RampingVus) },
            Executor::RampingVus { start_vus: 1, stages: stage(2), graceful_ramp_down: seconds(30) },
        );
        check(
            ScenarioText {
                rate: Some(5),
                duration_ns: Some(S),
                pre_allocated_vus: Some(3),
                ..text(ConstantArrivalRate)
            },
            Executor::ConstantArrivalRate {
                rate: 5,
                time_unit: seconds(1),
                duration: seconds(1),
                pre_allocated_vus: 3,
                max_vus: 3,
            },
        );
        check(
            ScenarioText {
                stages: stages(&[(1, 0)]),
                pre_allocated_vus: Some(0),
                max_vus: Some(2),
                ..text(RampingArrivalRate)
            },
            Executor::RampingArrivalRate {
                start_rate: 0,
                time_unit: seconds(1),
                stages: stage(0),
                pre_allocated_vus: 0,
                max_vus: 2,
            },
        );
        let scenario = text(SharedIterations).validate("A-z_0").unwrap();
        assert_eq!((scenario.start_time, scenario.graceful_stop), (seconds(0), seconds(30)));
        assert_eq!((scenario.exec, text(ConstantVus).exec()), (None, "default"));
    }

    #[test]
    fn common_fields_are_checked_first() {
        let wrong = ScenarioText {
            start_time_ns: Some(-1),
            graceful_stop_ns: Some(-1),
            exec: Some(String::new()),
            vus: Some(0),
            ..text(PerVuIterations)
        };
        assert_eq!(
            wrong.validate("a b").unwrap_err(),
            [
                "the scenario name should contain only numbers, latin letters, underscores, and dashes",
                "exec value cannot be empty",
                START_TIME,
                GRACEFUL_STOP,
                "the number of VUs must be more than 0",
            ]
        );
    }

    #[test]
    fn each_executor_has_its_own_rules() {
        let vus = "the number of VUs must be more than 0";
        check_refused(ScenarioText { vus: Some(0), ..text(PerVuIterations) }, &[vus]);
        check_refused(
            ScenarioText { iterations: Some(0), max_duration_ns: Some(S / 2), ..text(PerVuIterations) },
            &[
                "the number of iterations must be more than 0",
                "the maxDuration must be at least 1s, but is 500ms",
            ],
        );
        check_refused(
            ScenarioText { vus: Some(5), iterations: Some(2), ..text(SharedIterations) },
            &["the number of iterations (2) can't be less than the number of VUs (5)"],
        );
        check_refused(text(ConstantVus), &["the duration is unspecified"]);
        check_refused(
            ScenarioText { vus: Some(-1), duration_ns: Some(0), ..text(ConstantVus) },
            &[vus, "the duration must be at least 1s, but is 0s"],
        );
        check_refused(text(RampingVus), &["at least one stage has to be specified"]);
        check_refused(
            ScenarioText {
                start_vus: Some(100_000_001),
                stages: stages(&[(1, 100_000_001)]),
                graceful_ramp_down_ns: Some(-1),
                ..text(RampingVus)
            },
            &[
                "the gracefulRampDown timeout can't be negative",
                "the startVUs exceed max limit of 100000000",
                "target for stage 1 exceeds max limit of 100000000",
            ],
        );
        check_refused(
            text(ConstantArrivalRate),
            &[
                "the iteration rate isn't specified",
                "the duration is unspecified",
                "the number of preAllocatedVUs isn't specified",
            ],
        );
        check_refused(
            ScenarioText {
                rate: Some(0),
                time_unit_ns: Some(0),
                duration_ns: Some(S),
                pre_allocated_vus: Some(-1),
                max_vus: Some(-2),
                ..text(ConstantArrivalRate)
            },
            &[
                "the iteration rate must be more than 0",
                "the timeUnit must be more than 0",
                "the number of preAllocatedVUs can't be negative",
                "maxVUs can't be less than preAllocatedVUs",
            ],
        );
        check_refused(
            ScenarioText { start_rate: Some(-1), pre_allocated_vus: Some(0), ..text(RampingArrivalRate) },
            &[
                "the startRate value can't be negative",
                "at least one stage has to be specified",
                "maxVUs must be more than 0",
            ],
        );
        check_refused(
            ScenarioText {
                stages: stages(&[(1, 2_000)]),
                time_unit_ns: Some(1_000),
                pre_allocated_vus: Some(1),
                ..text(RampingArrivalRate)
            },
            &["the iteration rate is above one start per nanosecond"],
        );
    }
}
