//! `scenarios`, `stages` and `thresholds` of a script's options, from JSON.
//!
//! Unlike the options around them, scenarios must not have unknown fields.

use super::duration;
use super::go_json::{self, known, members, unknown_field, wrong_kind};
use super::scenario_text::{ExecutorKind, ScenarioText};
use super::stage::StageText;
use super::threshold::{ThresholdSpec, Thresholds};
use serde_json::Value;
use std::collections::BTreeMap;

const COMMON_FIELDS: [&str; 7] = ["executor", "startTime", "gracefulStop", "env", "exec", "tags", "options"];

pub fn scenarios(value: &Value) -> Result<Option<BTreeMap<String, ScenarioText>>, String> {
    let object = match value {
        Value::Null => return Ok(None),
        Value::Object(object) => object,
        _ => return Err(wrong_kind(value, "value of type map[string]lib.protoExecutorConfig")),
    };
    // As in k6, all must name an executor before any is read.
    let mut kinds = Vec::new();
    for (name, value) in members(object) {
        kinds.push((name, value, executor_name(name, value)?));
    }
    let read = |(name, value, executor): (&str, &Value, &str)| {
        if executor.is_empty() {
            return Err(format!("scenario '{name}' doesn't have a specified executor type"));
        }
        let kind = ExecutorKind::ALL.into_iter().find(|kind| kind.name() == executor);
        let kind = kind.ok_or_else(|| format!("unknown executor type '{executor}'"))?;
        Ok((name.to_owned(), scenario(kind, value)?))
    };
    kinds.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn executor_name<'v>(name: &str, value: &'v Value) -> Result<&'v str, String> {
    match value {
        Value::Null => Ok(""),
        Value::Object(fields) => match members(fields).into_iter().rfind(|(name, _)| is(name, "executor")) {
            None | Some((_, Value::Null)) => Ok(""),
            Some((_, Value::String(executor))) => Ok(executor),
            Some((_, other)) => Err(wrong_kind(other, "struct field .executor of type string")),
        },
        _ => Err(format!("scenario '{name}': {}", wrong_kind(value, "value of type executor.BaseConfig"))),
    }
}

fn is(name: &str, field: &str) -> bool {
    name.eq_ignore_ascii_case(field)
}

fn scenario(kind: ExecutorKind, value: &Value) -> Result<ScenarioText, String> {
    let mut text = ScenarioText::new(kind);
    let Value::Object(fields) = value else { return Ok(text) };
    let go_field = |field: &str| format!("{}.{field}", go_name(kind));
    for (name, value) in members(fields) {
        let all = COMMON_FIELDS.iter().chain(kind.fields()).copied();
        let field = known(name, all).ok_or_else(|| unknown_field(name))?;
        match field {
            "executor" => {}
            "startTime" => text.start_time_ns = go_json::duration_ns(value)?,
            "gracefulStop" => text.graceful_stop_ns = go_json::duration_ns(value)?,
            "env" => text.env = go_json::texts(value, &go_field("env"))?,
            "exec" => text.exec = go_json::string(value)?,
            "tags" => text.tags = go_json::texts(value, &go_field("tags"))?,
            "options" => refuse_browser(value, &go_field("options"))?,
            "vus" => text.vus = go_json::int(value)?,
            "iterations" => text.iterations = go_json::int(value)?,
            "maxDuration" => text.max_duration_ns = go_json::duration_ns(value)?,
            "duration" => text.duration_ns = go_json::duration_ns(value)?,
            "startVUs" => text.start_vus = go_json::int(value)?,
            "stages" => text.stages = strict_stages(value, &go_field("stages"))?,
            "gracefulRampDown" => text.graceful_ramp_down_ns = go_json::duration_ns(value)?,
            "rate" => text.rate = go_json::int(value)?,
            "startRate" => text.start_rate = go_json::int(value)?,
            "timeUnit" => text.time_unit_ns = go_json::duration_ns(value)?,
            "preAllocatedVUs" => text.pre_allocated_vus = go_json::int(value)?,
            "maxVUs" => text.max_vus = go_json::int(value)?,
            field => unreachable!("the field {field} of a scenario is in the table, but nothing reads it"),
        }
    }
    Ok(text)
}

/// k6's type of a scenario, which its texts name.
fn go_name(kind: ExecutorKind) -> &'static str {
    match kind {
        ExecutorKind::SharedIterations => "SharedIterationsConfig",
        ExecutorKind::PerVuIterations => "PerVUIterationsConfig",
        ExecutorKind::ConstantVus => "ConstantVUsConfig",
        ExecutorKind::RampingVus => "RampingVUsConfig",
        ExecutorKind::ConstantArrivalRate => "ConstantArrivalRateConfig",
        ExecutorKind::RampingArrivalRate => "RampingArrivalRateConfig",
    }
}

/// `options` of a scenario has one key in k6, and asks for a browser.
fn refuse_browser(value: &Value, field: &str) -> Result<(), String> {
    let object = match value {
        Value::Null => return Ok(()),
        Value::Object(object) => object,
        _ => return Err(wrong_kind(value, &format!("struct field {field} of type lib.ScenarioOptions"))),
    };
    match members(object).into_iter().find(|(_, value)| !value.is_null()) {
        None => Ok(()),
        Some((name, _)) if is(name, "browser") => {
            Err("the scenario option `browser` is not supported; see docs/k6-compat.md".to_owned())
        }
        Some((name, _)) => Err(unknown_field(name)),
    }
}

/// Of a scenario: unknown fields are mistakes.
fn strict_stages(value: &Value, field: &str) -> Result<Option<Vec<StageText>>, String> {
    let Some(entries) = go_json::list(value, field, "executor.Stage")? else { return Ok(None) };
    entries.iter().map(|entry| stage(entry, "executor.Stage", true)).collect::<Result<_, _>>().map(Some)
}

/// The shortcut: unknown fields say nothing.
pub fn stages(value: &Value) -> Result<Option<Vec<StageText>>, String> {
    let Some(entries) = go_json::list(value, "Options.stages", "lib.Stage")? else { return Ok(None) };
    entries.iter().map(|entry| stage(entry, "lib.stageFields", false)).collect::<Result<_, _>>().map(Some)
}

fn stage(value: &Value, go_type: &str, strict: bool) -> Result<StageText, String> {
    let mut stage = StageText { duration_ns: None, target: None };
    let fields = match value {
        Value::Null => return Ok(stage),
        Value::Object(fields) => fields,
        _ => return Err(wrong_kind(value, &format!("value of type {go_type}"))),
    };
    for (name, value) in members(fields) {
        match known(name, ["duration", "target"].into_iter()) {
            Some("duration") => stage.duration_ns = go_json::duration_ns(value)?,
            Some(_) => stage.target = go_json::int(value)?,
            None if strict => return Err(unknown_field(name)),
            None => {}
        }
    }
    Ok(stage)
}

pub fn thresholds(value: &Value) -> Result<Option<Thresholds>, String> {
    let object = match value {
        Value::Null => return Ok(None),
        Value::Object(object) => object,
        _ => {
            let field = "struct field Options.thresholds of type map[string]metrics.Thresholds";
            return Err(wrong_kind(value, field));
        }
    };
    let of_metric = |(metric, value): (&str, &Value)| {
        let specs = match value {
            Value::Null => Vec::new(),
            Value::Array(entries) => entries.iter().map(threshold).collect::<Result<_, _>>()?,
            _ => return Err(wrong_kind(value, "value of type []metrics.thresholdConfig")),
        };
        Ok((metric.to_owned(), specs))
    };
    members(object).into_iter().map(of_metric).collect::<Result<_, _>>().map(Some)
}

/// `"p(95)<500"`, or an object with more to say.
fn threshold(value: &Value) -> Result<ThresholdSpec, String> {
    let mut spec = ThresholdSpec { source: String::new(), abort_on_fail: false, delay_abort_eval: None };
    let fields = match value {
        Value::Null => return Ok(spec),
        Value::String(source) => return Ok(ThresholdSpec { source: source.clone(), ..spec }),
        Value::Object(fields) => fields,
        _ => return Err(wrong_kind(value, "value of type metrics.rawThresholdConfig")),
    };
    for (name, value) in members(fields) {
        let wrong = |field: &str, go_type: &str| {
            let into = format!("struct field rawThresholdConfig.{field} of type {go_type}");
            Err(wrong_kind(value, &into))
        };
        match (known(name, ["threshold", "abortOnFail", "delayAbortEval"].into_iter()), value) {
            (None, _) | (Some("threshold" | "abortOnFail"), Value::Null) => {}
            (Some("threshold"), Value::String(source)) => spec.source = source.clone(),
            (Some("threshold"), _) => return wrong("threshold", "string"),
            (Some("abortOnFail"), Value::Bool(abort)) => spec.abort_on_fail = *abort,
            (Some("abortOnFail"), _) => return wrong("abortOnFail", "bool"),
            (Some(_), value) => {
                spec.delay_abort_eval = go_json::duration_ns(value)?.map(duration::from_ns);
            }
        }
    }
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    const S: i64 = 1_000_000_000;

    #[track_caller]
    fn check(value: Value, want: ScenarioText) {
        let got = scenarios(&json!({ "a": value })).map(|all| all.unwrap()["a"].clone());
        assert_eq!(got, Ok(want), "{value}");
    }

    #[track_caller]
    fn check_refused(value: Value, want: &str) {
        assert_eq!(scenarios(&value), Err(want.to_owned()), "{value}");
    }

    fn text(kind: ExecutorKind) -> ScenarioText {
        ScenarioText::new(kind)
    }

    #[test]
    fn each_executor_has_its_fields() {
        check(
            json!({"executor": "shared-iterations", "vus": 2, "iterations": "6", "maxDuration": "1m"}),
            ScenarioText {
                vus: Some(2),
                iterations: Some(6),
                max_duration_ns: Some(60 * S),
                ..text(ExecutorKind::SharedIterations)
            },
        );
        check(
            json!({"executor": "per-vu-iterations", "vus": 2, "iterations": 6, "maxDuration": 1500}),
            ScenarioText {
                vus: Some(2),
                iterations: Some(6),
                max_duration_ns: Some(S * 3 / 2),
                ..text(ExecutorKind::PerVuIterations)
            },
        );
        check(
            json!({"executor": "constant-vus", "vus": 3, "duration": "3s"}),
            ScenarioText { vus: Some(3), duration_ns: Some(3 * S), ..text(ExecutorKind::ConstantVus) },
        );
        check(
            json!({
                "executor": "ramping-vus", "startVUs": 1, "gracefulRampDown": "1s",
                "stages": [{"target": 4, "duration": "2s"}, {"duration": "1s"}],
            }),
            ScenarioText {
                start_vus: Some(1),
                graceful_ramp_down_ns: Some(S),
                stages: Some(vec![
                    StageText { duration_ns: Some(2 * S), target: Some(4) },
                    StageText { duration_ns: Some(S), target: None },
                ]),
                ..text(ExecutorKind::RampingVus)
            },
        );
        check(
            json!({
                "executor": "constant-arrival-rate", "rate": 50, "timeUnit": "1m", "duration": "3s",
                "preAllocatedVUs": 3, "maxVUs": 9,
            }),
            ScenarioText {
                rate: Some(50),
                time_unit_ns: Some(60 * S),
                duration_ns: Some(3 * S),
                pre_allocated_vus: Some(3),
                max_vus: Some(9),
                ..text(ExecutorKind::ConstantArrivalRate)
            },
        );
        check(
            json!({
                "executor": "ramping-arrival-rate", "startRate": 5, "timeUnit": "1s",
                "stages": [{"target": 20, "duration": "3s"}], "preAllocatedVUs": 3, "maxVUs": null,
            }),
            ScenarioText {
                start_rate: Some(5),
                time_unit_ns: Some(S),
                stages: Some(vec![StageText { duration_ns: Some(3 * S), target: Some(20) }]),
                pre_allocated_vus: Some(3),
                ..text(ExecutorKind::RampingArrivalRate)
            },
        );
    }

    #[test]
    fn all_executors_have_the_common_fields() {
        let map = |name: &str, value: &str| Some(BTreeMap::from([(name.to_owned(), value.to_owned())]));
        for kind in ExecutorKind::ALL {
            check(
                json!({
                    "executor": kind.name(), "startTime": "5s", "gracefulStop": 0, "env": {"A": "1"},
                    "exec": "browse", "tags": {"s": "b"}, "options": {},
                }),
                ScenarioText {
                    start_time_ns: Some(5 * S),
                    graceful_stop_ns: Some(0),
                    env: map("A", "1"),
                    exec: Some("browse".to_owned()),
                    tags: map("s", "b"),
                    ..text(kind)
                },
            );
            check(json!({"Executor": kind.name(), "exec": null}), text(kind));
        }
    }

    #[test]
    fn what_is_no_scenario_has_k6s_text() {
        check_refused(json!({"a": {}}), "scenario 'a' doesn't have a specified executor type");
        check_refused(json!({"a": null}), "scenario 'a' doesn't have a specified executor type");
        check_refused(json!({"a": {"executor": "nope"}}), "unknown executor type 'nope'");
        check_refused(
            json!({"ext": {"executor": "externally-controlled", "vus": 1}}),
            "unknown executor type 'externally-controlled'",
        );
        check_refused(json!({"a": {"executor": "constant-vus", "bar": 1}}), "json: unknown field \"bar\"");
        check_refused(json!({"a": {"executor": "constant-vus", "rate": 1}}), "json: unknown field \"rate\"");
        check_refused(
            json!({"a": {"executor": "ramping-vus", "stages": [{"duration": 1, "end": 2}]}}),
            "json: unknown field \"end\"",
        );
        check_refused(
            json!({"a": {"executor": "constant-vus", "vus": 1.5}}),
            "json: cannot unmarshal number 1.5 into Go value of type int64",
        );
        check_refused(
            json!({"a": {"executor": "ramping-vus", "stages": [{"duration": 1, "target": 2.5}]}}),
            "json: cannot unmarshal number 2.5 into Go value of type int64",
        );
        check_refused(
            json!({"a": {"executor": "constant-arrival-rate", "rate": 0.5}}),
            "json: cannot unmarshal number 0.5 into Go value of type int64",
        );
        check_refused(
            json!({"a": {"executor": "constant-vus", "startTime": "soon"}}),
            "time: invalid duration \"soon\"",
        );
        check_refused(
            json!({"a": {"executor": "constant-vus", "env": {"A": 1}}}),
            "json: cannot unmarshal number into Go struct field ConstantVUsConfig.env of type string",
        );
        check_refused(
            json!({"a": {"executor": 5}}),
            "json: cannot unmarshal number into Go struct field .executor of type string",
        );
        check_refused(
            json!({"a": 5}),
            "scenario 'a': json: cannot unmarshal number into Go value of type executor.BaseConfig",
        );
        check_refused(
            json!([]),
            "json: cannot unmarshal array into Go value of type map[string]lib.protoExecutorConfig",
        );
        check_refused(
            json!({"a": {"executor": "constant-vus", "options": {"browser": {"type": "chromium"}}}}),
            "the scenario option `browser` is not supported; see docs/k6-compat.md",
        );
        check_refused(
            json!({"a": {"executor": "constant-vus", "options": {"x": 1}}}),
            "json: unknown field \"x\"",
        );
    }

    #[test]
    fn the_shortcuts_stages_may_have_more_fields() {
        let got = stages(&json!([{"duration": "1s", "target": "3", "note": "up"}, null]));
        let want = vec![
            StageText { duration_ns: Some(S), target: Some(3) },
            StageText { duration_ns: None, target: None },
        ];
        assert_eq!(got, Ok(Some(want)));
        for (value, want) in [
            (
                json!("1s:3"),
                "json: cannot unmarshal string into Go struct field Options.stages of type []lib.Stage",
            ),
            (json!(["1s:3"]), "json: cannot unmarshal string into Go value of type lib.stageFields"),
            (json!([{"target": "x"}]), "strconv.ParseInt: parsing \"x\": invalid syntax"),
        ] {
            assert_eq!(stages(&value), Err(want.to_owned()), "{value}");
        }
    }

    #[test]
    fn thresholds_are_texts_or_objects_by_metric() {
        let plain = |source: &str| ThresholdSpec {
            source: source.to_owned(),
            abort_on_fail: false,
            delay_abort_eval: None,
        };
        let got = thresholds(&json!({
            "iterations": ["count>1", {"threshold": "rate>1", "abortOnFail": true, "delayAbortEval": "10s"}],
            "checks{t:x}": [{"threshold": "rate>0.9"}],
            "vus": [],
        }));
        let abort = ThresholdSpec {
            abort_on_fail: true,
            delay_abort_eval: Some(Duration::from_secs(10)),
            ..plain("rate>1")
        };
        let want = vec![
            ("checks{t:x}".to_owned(), vec![plain("rate>0.9")]),
            ("iterations".to_owned(), vec![plain("count>1"), abort]),
            ("vus".to_owned(), vec![]),
        ];
        assert_eq!(got, Ok(Some(want)));
        for (value, want) in [
            (
                json!([]),
                "json: cannot unmarshal array into Go struct field Options.thresholds of type map[string]metrics.Thresholds",
            ),
            (
                json!({"m": "avg<1"}),
                "json: cannot unmarshal string into Go value of type []metrics.thresholdConfig",
            ),
            (
                json!({"m": [5]}),
                "json: cannot unmarshal number into Go value of type metrics.rawThresholdConfig",
            ),
            (
                json!({"m": [{"threshold": 5}]}),
                "json: cannot unmarshal number into Go struct field rawThresholdConfig.threshold of type string",
            ),
            (
                json!({"m": [{"threshold": "avg<1", "abortOnFail": "yes"}]}),
                "json: cannot unmarshal string into Go struct field rawThresholdConfig.abortOnFail of type bool",
            ),
            (json!({"m": [{"delayAbortEval": "x"}]}), "time: invalid duration \"x\""),
        ] {
            assert_eq!(thresholds(&value), Err(want.to_owned()), "{value}");
        }
    }
}
