//! The shortcuts `vus`, `duration`, `iterations`, `stages` and `rate`, and the scenario they stand for.
//!
//! Rules and texts are k6's. Where nothing says how long a URL is to be loaded, ours differ: 10 VUs
//! for 10 s, because k6's one iteration measures nothing.

use super::duration;
use super::rate::{Rate, RateShape};
use super::scenario::Scenario;
use super::scenario_text::{ExecutorKind, ScenarioText};
use super::stage::StageText;
use std::collections::BTreeMap;

/// VUs of URL mode; fewer if there are fewer iterations.
pub const URL_VUS: i64 = 10;
/// Seconds that URL mode loads for.
const URL_DURATION_NS: i64 = 10_000_000_000;
const DURATION_MIN_NS: i64 = 1_000_000_000;
/// Name of the scenario that shortcuts stand for.
pub const DEFAULT_NAME: &str = "default";
/// An open loop that was given no `maxVUs` may grow this far.
const MAX_VUS_DEFAULT: u64 = 10_000;

/// The shortcuts as one source gave them, or consolidated; not yet validated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Execution {
    pub vus: Option<i64>,
    pub duration_ns: Option<i64>,
    pub iterations: Option<i64>,
    pub stages: Option<Vec<StageText>>,
    /// Of scripts only, by name.
    pub scenarios: Option<BTreeMap<String, ScenarioText>>,
    pub rate: Option<Rate>,
    pub max_vus: Option<i64>,
}

impl Execution {
    /// Precedence: as in k6, a layer that sets duration, iterations, stages or scenarios wipes those
    /// of the layers below. A rate needs a duration, so these two do not wipe each other.
    pub fn over(self, lower: Execution) -> Execution {
        let ways = self.iterations.is_some() || self.stages.is_some() || self.scenarios.is_some();
        let timed = self.duration_ns.is_some();
        let keep_duration = !ways && !timed;
        let keep_ways = keep_duration && self.rate.is_none();
        Execution {
            vus: self.vus.or(lower.vus),
            duration_ns: self.duration_ns.or(lower.duration_ns.filter(|_| keep_duration)),
            iterations: self.iterations.or(lower.iterations.filter(|_| keep_ways)),
            stages: self.stages.or(lower.stages.filter(|_| keep_ways)),
            scenarios: self.scenarios.or(lower.scenarios.filter(|_| keep_ways)),
            rate: self.rate.or(lower.rate.filter(|_| !ways)),
            max_vus: self.max_vus.or(lower.max_vus),
        }
    }

    /// Whether it sets one of the keys that wipe those of lower layers.
    pub fn is_a_way_to_run(&self) -> bool {
        self.duration_ns.is_some()
            || self.iterations.is_some()
            || self.stages.is_some()
            || self.scenarios.is_some()
    }

    /// The scenario `default` that loads a URL, or k6's message (exit status 104 there).
    pub fn url_scenario(&self) -> Result<Scenario, String> {
        self.refuse_combinations()?;
        self.url_text().and_then(|text| text.validate(DEFAULT_NAME)).map_err(|problems| {
            format!(
                "There were problems with the specified script configuration:\n\t- scenario default has configuration errors: {}",
                problems.join(", ")
            )
        })
    }

    fn refuse_combinations(&self) -> Result<(), String> {
        let both = |one: &str, other: &str| {
            Err(format!("using `{one}` and `{other}` options simultaneously is not allowed"))
        };
        let stages = self.stages().is_some();
        if self.iterations.is_some() {
            if stages {
                return both("iterations", "stages");
            }
        } else if let Some(duration_ns) = self.duration_ns {
            if stages {
                return both("duration", "stages");
            }
            if duration_ns <= 0 {
                return Err("`duration` option should be more than 0, for infinite duration use the externally-controlled executor".to_owned());
            }
        }
        if self.rate.is_some() {
            if self.iterations.is_some() {
                return both("iterations", "rate");
            }
            if stages {
                return both("stages", "rate");
            }
        } else if self.max_vus.is_some() {
            return Err(
                "the `max-vus` option needs a `rate`: without one the number of VUs is `vus`".to_owned()
            );
        }
        Ok(())
    }

    /// As in k6, an empty list of stages is no stages.
    fn stages(&self) -> Option<&[StageText]> {
        self.stages.as_deref().filter(|stages| !stages.is_empty())
    }

    fn url_text(&self) -> Result<ScenarioText, Vec<String>> {
        let lasting_ns = self.duration_ns.unwrap_or(URL_DURATION_NS);
        let duration_ns = Some(lasting_ns);
        if let Some(iterations) = self.iterations {
            return Ok(ScenarioText {
                vus: Some(self.vus.unwrap_or(iterations.clamp(1, URL_VUS))),
                iterations: Some(iterations),
                max_duration_ns: self.duration_ns,
                ..ScenarioText::new(ExecutorKind::SharedIterations)
            });
        }
        if let Some(stages) = self.stages() {
            // A ramp begins where k6 begins it, so that the same stages are the same curve.
            return Ok(ScenarioText {
                start_vus: self.vus,
                stages: Some(stages.to_vec()),
                ..ScenarioText::new(ExecutorKind::RampingVus)
            });
        }
        let vus = self.vus.unwrap_or(URL_VUS);
        let Some(rate) = self.rate else {
            let constant = ScenarioText::new(ExecutorKind::ConstantVus);
            return Ok(ScenarioText { vus: Some(vus), duration_ns, ..constant });
        };
        let per_unit = |rate| Some(i64::try_from(rate).unwrap_or(i64::MAX));
        let room = rate.peak_per_second().min(MAX_VUS_DEFAULT) as i64;
        let open = |executor| ScenarioText {
            time_unit_ns: per_unit(crate::time::duration_ns(rate.time_unit)),
            pre_allocated_vus: Some(vus),
            max_vus: Some(self.max_vus.unwrap_or(vus.max(room))),
            ..ScenarioText::new(executor)
        };
        match rate.shape {
            RateShape::Constant(rate) => Ok(ScenarioText {
                rate: per_unit(rate),
                duration_ns,
                ..open(ExecutorKind::ConstantArrivalRate)
            }),
            RateShape::Ramp { from: 0, to: 0 } => {
                Err(vec!["the iteration rate must be more than 0".to_owned()])
            }
            RateShape::Ramp { .. } if lasting_ns < DURATION_MIN_NS => {
                let is = duration::format(lasting_ns);
                Err(vec![format!("the duration must be at least 1s, but is {is}")])
            }
            RateShape::Ramp { from, to } => Ok(ScenarioText {
                start_rate: per_unit(from),
                stages: Some(vec![StageText { duration_ns, target: per_unit(to) }]),
                ..open(ExecutorKind::RampingArrivalRate)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Executor, Stage};
    use std::time::Duration;

    const GRACEFUL: Duration = Duration::from_secs(30);

    const S: i64 = 1_000_000_000;

    fn nothing() -> Execution {
        Execution::default()
    }

    fn stages(list: &[(i64, i64)]) -> Option<Vec<StageText>> {
        let stage = |&(seconds, target): &(i64, i64)| StageText {
            duration_ns: Some(seconds * S),
            target: Some(target),
        };
        Some(list.iter().map(stage).collect())
    }

    fn rate(text: &str) -> Option<Rate> {
        Some(Rate::parse(text).unwrap())
    }

    #[track_caller]
    fn check(wanted: Execution, want: Executor) {
        let scenario = wanted.url_scenario().unwrap();
        assert_eq!(scenario.executor, want);
        assert_eq!((scenario.name.as_str(), scenario.graceful_stop), ("default", GRACEFUL));
    }

    /// `want` without the frame that k6 puts around the problems of a scenario.
    #[track_caller]
    fn check_refused(wanted: Execution, want: &str) {
        let got = wanted.url_scenario().unwrap_err();
        let frame = "There were problems with the specified script configuration:\n\t- scenario default has configuration errors: ";
        assert_eq!(got.strip_prefix(frame).unwrap_or(&got), want);
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_url_alone_is_ten_vus_for_ten_seconds() {
        check(nothing(), Executor::ConstantVus { vus: 10, duration: seconds(10) });
        check(
            Execution { vus: Some(3), ..nothing() },
            Executor::ConstantVus { vus: 3, duration: seconds(10) },
        );
        check(
            Execution { duration_ns: Some(30 * S), ..nothing() },
            Executor::ConstantVus { vus: 10, duration: seconds(30) },
        );
        check(
            Execution { stages: Some(vec![]), ..nothing() },
            Executor::ConstantVus { vus: 10, duration: seconds(10) },
        );
    }

    #[test]
    fn iterations_are_shared_among_no_more_vus_than_there_are() {
        let shared =
            |vus, iterations, max| Executor::SharedIterations { vus, iterations, max_duration: seconds(max) };
        check(Execution { iterations: Some(4), ..nothing() }, shared(4, 4, 600));
        check(Execution { iterations: Some(100), ..nothing() }, shared(10, 100, 600));
        check(
            Execution { vus: Some(2), iterations: Some(7), duration_ns: Some(5 * S), ..nothing() },
            shared(2, 7, 5),
        );
    }

    #[test]
    fn stages_start_from_one_vu_unless_vus_says_otherwise() {
        let ramp = |start_vus| Executor::RampingVus {
            start_vus,
            stages: vec![
                Stage { duration: seconds(1), target: 3 },
                Stage { duration: seconds(1), target: 0 },
            ],
            graceful_ramp_down: GRACEFUL,
        };
        check(Execution { stages: stages(&[(1, 3), (1, 0)]), ..nothing() }, ramp(1));
        check(Execution { vus: Some(0), stages: stages(&[(1, 3), (1, 0)]), ..nothing() }, ramp(0));
    }

    #[test]
    fn a_rate_is_an_open_loop() {
        let constant = |rate, pre_allocated_vus, max_vus, duration| Executor::ConstantArrivalRate {
            rate,
            time_unit: seconds(1),
            duration: seconds(duration),
            pre_allocated_vus,
            max_vus,
        };
        check(Execution { rate: rate("500"), ..nothing() }, constant(500, 10, 500, 10));
        check(Execution { rate: rate("5"), ..nothing() }, constant(5, 10, 10, 10));
        check(Execution { rate: rate("50k"), ..nothing() }, constant(50_000, 10, 10_000, 10));
        check(
            Execution {
                rate: rate("5"),
                vus: Some(2),
                max_vus: Some(4),
                duration_ns: Some(60 * S),
                ..nothing()
            },
            constant(5, 2, 4, 60),
        );
        check(
            Execution { rate: rate("10:6000/m"), ..nothing() },
            Executor::RampingArrivalRate {
                start_rate: 10,
                time_unit: seconds(60),
                stages: vec![Stage { duration: seconds(10), target: 6_000 }],
                pre_allocated_vus: 10,
                max_vus: 100,
            },
        );
    }

    #[test]
    fn shortcuts_that_contradict_each_other_are_refused() {
        let ramp = || stages(&[(1, 2)]);
        check_refused(
            Execution { iterations: Some(1), stages: ramp(), duration_ns: Some(S), ..nothing() },
            "using `iterations` and `stages` options simultaneously is not allowed",
        );
        check_refused(
            Execution { duration_ns: Some(S), stages: ramp(), ..nothing() },
            "using `duration` and `stages` options simultaneously is not allowed",
        );
        check_refused(
            Execution { iterations: Some(1), rate: rate("5"), ..nothing() },
            "using `iterations` and `rate` options simultaneously is not allowed",
        );
        check_refused(
            Execution { stages: ramp(), rate: rate("5"), ..nothing() },
            "using `stages` and `rate` options simultaneously is not allowed",
        );
        check_refused(
            Execution { max_vus: Some(5), ..nothing() },
            "the `max-vus` option needs a `rate`: without one the number of VUs is `vus`",
        );
    }

    #[test]
    fn numbers_out_of_range_have_k6s_texts() {
        let vus_text = "the number of VUs must be more than 0";
        check_refused(Execution { vus: Some(0), iterations: Some(1), ..nothing() }, vus_text);
        check_refused(Execution { vus: Some(-1), ..nothing() }, vus_text);
        check_refused(
            Execution { vus: Some(5), iterations: Some(2), ..nothing() },
            "the number of iterations (2) can't be less than the number of VUs (5)",
        );
        check_refused(
            Execution { iterations: Some(0), ..nothing() },
            "the number of iterations (0) can't be less than the number of VUs (1)",
        );
        check_refused(
            Execution { duration_ns: Some(0), ..nothing() },
            "`duration` option should be more than 0, for infinite duration use the externally-controlled executor",
        );
        check_refused(
            Execution { vus: Some(0), duration_ns: Some(S / 2), ..nothing() },
            "the number of VUs must be more than 0, the duration must be at least 1s, but is 500ms",
        );
        check_refused(
            Execution { iterations: Some(9), duration_ns: Some(S / 2), ..nothing() },
            "the maxDuration must be at least 1s, but is 500ms",
        );
        check_refused(
            Execution { vus: Some(-1), stages: stages(&[(1, 0)]), ..nothing() },
            "the number of start VUs can't be negative, either startVUs or one of the stages' target values must be greater than 0",
        );
        check_refused(
            Execution { stages: stages(&[(1, -2)]), ..nothing() },
            "the target for stage 1 can't be negative",
        );
        check_refused(Execution { rate: rate("0"), ..nothing() }, "the iteration rate must be more than 0");
        check_refused(
            Execution { rate: rate("2M/ms"), ..nothing() },
            "the iteration rate is above one start per nanosecond",
        );
        check_refused(
            Execution { rate: rate("5"), max_vus: Some(9), ..nothing() },
            "maxVUs can't be less than preAllocatedVUs",
        );
        check_refused(
            Execution { rate: rate("5"), vus: Some(0), max_vus: Some(0), ..nothing() },
            "maxVUs must be more than 0",
        );
        check_refused(
            Execution { rate: rate("5"), vus: Some(-1), ..nothing() },
            "the number of preAllocatedVUs can't be negative",
        );
    }

    #[track_caller]
    fn check_over(higher: Execution, lower: Execution, want: Execution) {
        assert_eq!(higher.over(lower), want);
    }

    #[test]
    fn a_higher_layer_replaces_the_way_to_run_as_a_block() {
        let with_duration = || Execution { duration_ns: Some(S), ..nothing() };
        let with_iterations = || Execution { iterations: Some(5), ..nothing() };
        let with_stages = || Execution { stages: stages(&[(1, 2)]), ..nothing() };
        let with_rate = || Execution { rate: rate("5"), ..nothing() };
        for higher in [with_duration(), with_iterations(), with_stages()] {
            for lower in [with_duration(), with_iterations(), with_stages()] {
                check_over(higher.clone(), lower, higher.clone());
            }
        }
        for lower in [with_iterations(), with_stages()] {
            check_over(with_rate(), lower.clone(), with_rate());
            check_over(lower.clone(), with_rate(), lower);
        }
        let both = Execution { duration_ns: Some(S), rate: rate("5"), ..nothing() };
        check_over(with_rate(), with_duration(), both.clone());
        check_over(with_duration(), with_rate(), both);
        let vus = Execution { vus: Some(3), ..nothing() };
        check_over(vus.clone(), with_stages(), Execution { vus: Some(3), ..with_stages() });
        check_over(with_stages(), vus, Execution { vus: Some(3), ..with_stages() });
    }
}
