//! The shortcuts `vus`, `duration`, `iterations`, `stages` and `rate`, and the scenario they stand for.
//!
//! Rules and texts are k6's. Where nothing says how long a URL is to be loaded, ours differ: 10 VUs
//! for 10 s, because k6's one iteration measures nothing.

use super::duration;
use super::rate::{Rate, RateShape};
use super::scenario::{Executor, Scenario};
use super::stage::{self, StageText};
use std::collections::BTreeMap;
use std::time::Duration;

/// VUs of URL mode; fewer if there are fewer iterations.
pub const URL_VUS: i64 = 10;
/// Seconds that URL mode loads for.
const URL_DURATION_NS: i64 = 10_000_000_000;
/// k6's `maxDuration` of a number of iterations.
const ITERATIONS_MAX_DURATION_NS: i64 = 600_000_000_000;
const DURATION_MIN_NS: i64 = 1_000_000_000;
const GRACEFUL: Duration = Duration::from_secs(30);
/// An open loop that was given no `maxVUs` may grow this far.
const MAX_VUS_DEFAULT: u64 = 10_000;

/// The shortcuts as one source gave them, or consolidated; not yet validated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Execution {
    pub vus: Option<i64>,
    pub duration_ns: Option<i64>,
    pub iterations: Option<i64>,
    pub stages: Option<Vec<StageText>>,
    pub rate: Option<Rate>,
    pub max_vus: Option<i64>,
}

impl Execution {
    /// Precedence: as in k6, a layer that sets duration, iterations or stages wipes those of the
    /// layers below. A rate needs a duration, so these two do not wipe each other.
    pub fn over(self, lower: Execution) -> Execution {
        let ways = self.iterations.is_some() || self.stages.is_some();
        let timed = self.duration_ns.is_some();
        let keep_duration = !ways && !timed;
        let keep_ways = keep_duration && self.rate.is_none();
        Execution {
            vus: self.vus.or(lower.vus),
            duration_ns: self.duration_ns.or(lower.duration_ns.filter(|_| keep_duration)),
            iterations: self.iterations.or(lower.iterations.filter(|_| keep_ways)),
            stages: self.stages.or(lower.stages.filter(|_| keep_ways)),
            rate: self.rate.or(lower.rate.filter(|_| !ways)),
            max_vus: self.max_vus.or(lower.max_vus),
        }
    }

    /// The scenario `default` that loads a URL, or k6's message (exit status 104 there).
    pub fn url_scenario(&self) -> Result<Scenario, String> {
        self.refuse_combinations()?;
        let executor = self.url_executor().map_err(|problems| {
            format!(
                "There were problems with the specified script configuration:\n\t- scenario default has configuration errors: {}",
                problems.join(", ")
            )
        })?;
        Ok(Scenario {
            name: "default".to_owned(),
            executor,
            start_time: Duration::ZERO,
            graceful_stop: GRACEFUL,
            exec: None,
            env: BTreeMap::new(),
            tags: BTreeMap::new(),
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

    fn url_executor(&self) -> Result<Executor, Vec<String>> {
        let duration_ns = self.duration_ns.unwrap_or(URL_DURATION_NS);
        if let Some(iterations) = self.iterations {
            let vus = self.vus.unwrap_or(iterations.clamp(1, URL_VUS));
            let max_duration_ns = self.duration_ns.unwrap_or(ITERATIONS_MAX_DURATION_NS);
            return shared_iterations(vus, iterations, max_duration_ns);
        }
        if let Some(stages) = self.stages() {
            // A ramp begins where k6 begins it, so that the same stages are the same curve.
            return ramping_vus(self.vus.unwrap_or(1), stages);
        }
        let vus = self.vus.unwrap_or(URL_VUS);
        match self.rate {
            Some(rate) => arrival_rate(rate, duration_ns, vus, self.max_vus),
            None => constant_vus(vus, duration_ns),
        }
    }
}

fn constant_vus(vus: i64, duration_ns: i64) -> Result<Executor, Vec<String>> {
    let mut problems = Vec::new();
    require_vus(vus, &mut problems);
    require_duration("duration", duration_ns, &mut problems);
    none(problems)?;
    Ok(Executor::ConstantVus { vus: vus as u64, duration: duration::from_ns(duration_ns) })
}

fn shared_iterations(vus: i64, iterations: i64, max_duration_ns: i64) -> Result<Executor, Vec<String>> {
    let mut problems = Vec::new();
    require_vus(vus, &mut problems);
    if iterations < vus {
        problems.push(format!(
            "the number of iterations ({iterations}) can't be less than the number of VUs ({vus})"
        ));
    }
    require_duration("maxDuration", max_duration_ns, &mut problems);
    none(problems)?;
    Ok(Executor::SharedIterations {
        vus: vus as u64,
        iterations: iterations as u64,
        max_duration: duration::from_ns(max_duration_ns),
    })
}

fn ramping_vus(start_vus: i64, stages: &[StageText]) -> Result<Executor, Vec<String>> {
    let mut problems = Vec::new();
    if start_vus < 0 {
        problems.push("the number of start VUs can't be negative".to_owned());
    }
    if start_vus.max(stages.iter().filter_map(|stage| stage.target).max().unwrap_or(0)) <= 0 {
        problems
            .push("either startVUs or one of the stages' target values must be greater than 0".to_owned());
    }
    let stages = stage::validate_stages(start_vus, stages).unwrap_or_else(|more| {
        problems.extend(more);
        Vec::new()
    });
    none(problems)?;
    Ok(Executor::RampingVus { start_vus: start_vus as u64, stages, graceful_ramp_down: GRACEFUL })
}

fn arrival_rate(
    rate: Rate,
    duration_ns: i64,
    vus: i64,
    max_vus: Option<i64>,
) -> Result<Executor, Vec<String>> {
    let mut problems = Vec::new();
    if rate.peak() == 0 {
        problems.push("the iteration rate must be more than 0".to_owned());
    }
    // The period of a constant rate is a whole number of nanoseconds.
    if u128::from(rate.peak()) > rate.time_unit.as_nanos() {
        problems.push("the iteration rate is above one start per nanosecond".to_owned());
    }
    require_duration("duration", duration_ns, &mut problems);
    if vus < 0 {
        problems.push("the number of preAllocatedVUs can't be negative".to_owned());
    }
    let room = rate.peak_per_second().min(MAX_VUS_DEFAULT) as i64;
    let max_vus = max_vus.unwrap_or(vus.max(room));
    if max_vus < vus {
        problems.push("maxVUs can't be less than preAllocatedVUs".to_owned());
    } else if max_vus == 0 {
        problems.push("maxVUs must be more than 0".to_owned());
    }
    none(problems)?;
    let (pre_allocated_vus, max_vus) = (vus as u64, max_vus as u64);
    let duration = duration::from_ns(duration_ns);
    Ok(match rate.shape {
        RateShape::Constant(per_unit) => Executor::ConstantArrivalRate {
            rate: per_unit,
            time_unit: rate.time_unit,
            duration,
            pre_allocated_vus,
            max_vus,
        },
        RateShape::Ramp { from, to } => Executor::RampingArrivalRate {
            start_rate: from,
            time_unit: rate.time_unit,
            stages: vec![super::Stage { duration, target: to }],
            pre_allocated_vus,
            max_vus,
        },
    })
}

fn require_vus(vus: i64, problems: &mut Vec<String>) {
    if vus <= 0 {
        problems.push("the number of VUs must be more than 0".to_owned());
    }
}

fn require_duration(name: &str, ns: i64, problems: &mut Vec<String>) {
    if ns < DURATION_MIN_NS {
        let (min, ns) = (duration::format(DURATION_MIN_NS), duration::format(ns));
        problems.push(format!("the {name} must be at least {min}, but is {ns}"));
    }
}

fn none(problems: Vec<String>) -> Result<(), Vec<String>> {
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Stage;

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
