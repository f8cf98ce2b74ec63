//! What a script's shortcuts (`iterations`, `duration`, `stages`, `vus`) stand for, and the scenarios
//! that are then run: k6's rules, texts and order.

use super::execution::{DEFAULT_NAME, Execution};
use super::scenario::Scenario;
use super::scenario_text::{ExecutorKind, ScenarioText};
use std::collections::BTreeMap;

pub type Scenarios = BTreeMap<String, ScenarioText>;

impl Execution {
    /// The scenarios of a script with these consolidated options, and what to warn of.
    pub fn script_scenarios(&self) -> Result<(Scenarios, Vec<String>), String> {
        let both = |one: &str, other: &str| {
            format!("using `{one}` and `{other}` options simultaneously is not allowed")
        };
        let has_stages = self.stages.as_ref().is_some_and(|stages| !stages.is_empty());
        let written = self.scenarios.as_ref().filter(|scenarios| !scenarios.is_empty());
        let mut warnings = Vec::new();
        let shortcut = if self.iterations.is_some() {
            Some("iterations")
        } else if self.duration_ns.is_some() {
            Some("duration")
        } else {
            has_stages.then_some("stages")
        };
        if let Some(shortcut) = shortcut {
            if has_stages && shortcut != "stages" {
                return Err(both(shortcut, "stages"));
            }
            // k6 looks whether there are scenarios, not whether there is one.
            if self.scenarios.is_some() {
                return Err(both(shortcut, "scenarios"));
            }
        }
        let text = match shortcut {
            Some("iterations") => ScenarioText {
                vus: self.vus,
                iterations: self.iterations,
                max_duration_ns: self.duration_ns,
                ..ScenarioText::new(ExecutorKind::SharedIterations)
            },
            Some("duration") if self.duration_ns <= Some(0) => {
                return Err("`duration` option should be more than 0, for infinite duration use the externally-controlled executor".to_owned());
            }
            Some("duration") => ScenarioText {
                vus: self.vus,
                duration_ns: self.duration_ns,
                ..ScenarioText::new(ExecutorKind::ConstantVus)
            },
            Some(_) => ScenarioText {
                start_vus: self.vus,
                stages: self.stages.clone(),
                ..ScenarioText::new(ExecutorKind::RampingVus)
            },
            None => match (self.vus, written) {
                (Some(vus), _) if self.stages.is_none() => {
                    if self.scenarios.is_some() {
                        warnings.push(format!("`vus={vus}` overrides scenarios configuration"));
                    }
                    ScenarioText {
                        vus: Some(vus),
                        iterations: Some(vus),
                        ..ScenarioText::new(ExecutorKind::SharedIterations)
                    }
                }
                (_, Some(written)) => return Ok((written.clone(), warnings)),
                (_, None) => {
                    for (name, is_set) in
                        [("stages", self.stages.is_some()), ("scenarios", self.scenarios.is_some())]
                    {
                        if is_set {
                            warnings.push(format!("`{name}` was explicitly set to an empty value, running the script with 1 iteration in 1 VU"));
                        }
                    }
                    ScenarioText::new(ExecutorKind::PerVuIterations)
                }
            },
        };
        Ok((BTreeMap::from([(DEFAULT_NAME.to_owned(), text)]), warnings))
    }
}

/// Complete scenarios in the order in which they begin, or all problems in one message.
/// `is_exported` says whether the script exports a function of this name.
pub fn validate(
    scenarios: &Scenarios,
    setup_timeout_ns: Option<i64>,
    is_exported: &dyn Fn(&str) -> bool,
) -> Result<Vec<Scenario>, String> {
    let mut problems = Vec::new();
    let mut valid = Vec::new();
    for (name, text) in scenarios {
        match text.validate(name) {
            Ok(scenario) => valid.push(scenario),
            Err(wrong) => {
                problems.push(format!("scenario {name} has configuration errors: {}", wrong.join(", ")))
            }
        }
    }
    if setup_timeout_ns.is_some_and(|ns| ns <= 0) {
        problems.push("setupTimeout must be positive".to_owned());
    }
    for (name, text) in scenarios {
        if !is_exported(text.exec()) {
            problems.push(format!("executor {name}: function '{}' not found in exports", text.exec()));
        }
    }
    if !problems.is_empty() {
        return Err(format!(
            "There were problems with the specified script configuration:\n\t- {}",
            problems.join("\n\t- ")
        ));
    }
    valid.sort_by(|a, b| (a.start_time, &a.name).cmp(&(b.start_time, &b.name)));
    Ok(valid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::stage::StageText;

    const S: i64 = 1_000_000_000;

    fn nothing() -> Execution {
        Execution::default()
    }

    fn stages() -> Option<Vec<StageText>> {
        Some(vec![StageText { duration_ns: Some(S), target: Some(2) }])
    }

    fn written() -> Scenarios {
        BTreeMap::from([("a".to_owned(), ScenarioText::new(ExecutorKind::PerVuIterations))])
    }

    #[track_caller]
    fn check(execution: Execution, want: ScenarioText) {
        let (got, warnings) = execution.script_scenarios().unwrap();
        assert_eq!((got, warnings), (BTreeMap::from([("default".to_owned(), want)]), vec![]));
    }

    #[track_caller]
    fn check_warned(execution: Execution, want: Scenarios, warning: &str) {
        assert_eq!(execution.script_scenarios(), Ok((want, vec![warning.to_owned()])));
    }

    #[track_caller]
    fn check_refused(execution: Execution, want: &str) {
        assert_eq!(execution.script_scenarios(), Err(want.to_owned()));
    }

    #[test]
    fn shortcuts_stand_for_one_scenario() {
        let text = ScenarioText::new;
        check(nothing(), text(ExecutorKind::PerVuIterations));
        check(
            Execution { iterations: Some(7), ..nothing() },
            ScenarioText { iterations: Some(7), ..text(ExecutorKind::SharedIterations) },
        );
        check(
            Execution { vus: Some(2), iterations: Some(7), duration_ns: Some(5 * S), ..nothing() },
            ScenarioText {
                vus: Some(2),
                iterations: Some(7),
                max_duration_ns: Some(5 * S),
                ..text(ExecutorKind::SharedIterations)
            },
        );
        check(
            Execution { vus: Some(2), duration_ns: Some(5 * S), stages: Some(vec![]), ..nothing() },
            ScenarioText { vus: Some(2), duration_ns: Some(5 * S), ..text(ExecutorKind::ConstantVus) },
        );
        check(
            Execution { vus: Some(2), stages: stages(), ..nothing() },
            ScenarioText { start_vus: Some(2), stages: stages(), ..text(ExecutorKind::RampingVus) },
        );
        check(
            Execution { vus: Some(4), ..nothing() },
            ScenarioText { vus: Some(4), iterations: Some(4), ..text(ExecutorKind::SharedIterations) },
        );
    }

    #[test]
    fn scenarios_are_used_unless_vus_says_otherwise() {
        let scenarios = || Execution { scenarios: Some(written()), ..nothing() };
        assert_eq!(scenarios().script_scenarios(), Ok((written(), vec![])));
        let vus = ScenarioText {
            vus: Some(4),
            iterations: Some(4),
            ..ScenarioText::new(ExecutorKind::SharedIterations)
        };
        check_warned(
            Execution { vus: Some(4), ..scenarios() },
            BTreeMap::from([("default".to_owned(), vus)]),
            "`vus=4` overrides scenarios configuration",
        );
        // Stages that are set, if only to nothing, keep `vus` from being a shortcut.
        let empty_stages = Execution { vus: Some(4), stages: Some(vec![]), ..scenarios() };
        assert_eq!(empty_stages.script_scenarios(), Ok((written(), vec![])));
    }

    #[test]
    fn what_is_explicitly_empty_is_warned_of() {
        let one = BTreeMap::from([("default".to_owned(), ScenarioText::new(ExecutorKind::PerVuIterations))]);
        check_warned(
            Execution { stages: Some(vec![]), ..nothing() },
            one.clone(),
            "`stages` was explicitly set to an empty value, running the script with 1 iteration in 1 VU",
        );
        check_warned(
            Execution { scenarios: Some(BTreeMap::new()), ..nothing() },
            one,
            "`scenarios` was explicitly set to an empty value, running the script with 1 iteration in 1 VU",
        );
    }

    #[test]
    fn shortcuts_that_contradict_each_other_are_refused() {
        let both = |one, other| format!("using `{one}` and `{other}` options simultaneously is not allowed");
        let scenarios = || Some(written());
        let iterations = || Execution { iterations: Some(1), duration_ns: Some(S), ..nothing() };
        let lasting = || Execution { duration_ns: Some(S), ..nothing() };
        check_refused(Execution { stages: stages(), ..iterations() }, &both("iterations", "stages"));
        check_refused(Execution { scenarios: scenarios(), ..iterations() }, &both("iterations", "scenarios"));
        check_refused(Execution { stages: stages(), ..lasting() }, &both("duration", "stages"));
        check_refused(Execution { scenarios: scenarios(), ..lasting() }, &both("duration", "scenarios"));
        check_refused(
            Execution { stages: stages(), scenarios: scenarios(), ..nothing() },
            &both("stages", "scenarios"),
        );
        check_refused(
            Execution { duration_ns: Some(0), ..nothing() },
            "`duration` option should be more than 0, for infinite duration use the externally-controlled executor",
        );
    }

    #[track_caller]
    fn check_problems(scenarios: &Scenarios, setup_timeout_ns: Option<i64>, want: &str) {
        let frame = "There were problems with the specified script configuration:\n\t- ";
        let got = validate(scenarios, setup_timeout_ns, &|name| name == "default");
        assert_eq!(got, Err(format!("{frame}{want}")));
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let exec = |name: &str| ScenarioText {
            exec: Some(name.to_owned()),
            ..ScenarioText::new(ExecutorKind::ConstantVus)
        };
        check_problems(
            &BTreeMap::from([("a".to_owned(), exec("nope")), ("b".to_owned(), exec("default"))]),
            Some(0),
            "scenario a has configuration errors: the duration is unspecified\n\t- scenario b has configuration errors: the duration is unspecified\n\t- setupTimeout must be positive\n\t- executor a: function 'nope' not found in exports",
        );
        let (default, _) = nothing().script_scenarios().unwrap();
        let got = validate(&default, None, &|_| false).unwrap_err();
        assert!(got.ends_with(":\n\t- executor default: function 'default' not found in exports"), "{got}");
    }

    #[test]
    fn scenarios_are_ordered_by_their_beginning() {
        let starting =
            |ns| ScenarioText { start_time_ns: Some(ns), ..ScenarioText::new(ExecutorKind::PerVuIterations) };
        let scenarios = [("a", 5), ("b", 0), ("c", 0)].map(|(name, at)| (name.to_owned(), starting(at)));
        let got = validate(&scenarios.into_iter().collect(), None, &|_| true).unwrap();
        assert_eq!(got.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>(), ["b", "c", "a"]);
    }
}
