//! k6's configuration file: the keys of a script's `options`, and some of the run around it.

use super::go_json::{known, members};
use super::layers::Layer;
use super::outputs::OutputChoice;
use super::{go_json, script};
use serde_json::{Map, Value};

/// Keys of the run. `noUsageReport` asks for what is always so, `collectors` configures outputs of
/// k6, and `features` its experiments: none of them changes what is done here.
const OF_THE_RUN: [&str; 6] = ["out", "linger", "webDashboard", "noUsageReport", "features", "collectors"];

/// What a file with this text says. As in k6, unknown keys are nothing to speak of.
pub fn decode(text: &str) -> Result<Layer, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Value::Object(object) = &value else {
        return Err(go_json::wrong_kind(&value, "value of type cmd.Config"));
    };
    let is_of_the_run = |name: &str| known(name, OF_THE_RUN.into_iter()).is_some();
    let options: Map<String, Value> =
        object.iter().filter(|(name, _)| !is_of_the_run(name)).map(|(k, v)| (k.clone(), v.clone())).collect();
    let (mut layer, _) = script::decode(&Value::Object(options).to_string())?;
    for (name, value) in members(object) {
        match known(name, OF_THE_RUN.into_iter()) {
            Some("out") => layer.outputs = outputs(value)?,
            Some("linger") => layer.linger = go_json::bool(value)?,
            Some("webDashboard") if go_json::bool(value)? == Some(true) => {
                return Err(
                    "the option `webDashboard` is not supported yet; see docs/k6-compat.md".to_owned()
                );
            }
            _ => {}
        }
    }
    Ok(layer)
}

fn outputs(value: &Value) -> Result<Option<Vec<OutputChoice>>, String> {
    let Some(entries) = go_json::list(value, "Config.out", "string")? else { return Ok(None) };
    let output = |entry: &Value| match entry {
        Value::String(text) => OutputChoice::parse(text),
        _ => Err(go_json::wrong_kind(entry, "struct field Config.out of type string")),
    };
    entries.iter().map(output).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<Layer, &str>) {
        assert_eq!(decode(text), want.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn a_file_says_what_a_script_may_say_and_more() {
        let outputs = Some(vec![OutputChoice::parse("timeline=t.json").unwrap()]);
        check(
            r#"{"batch": 3, "linger": true, "out": ["timeline=t.json"], "unknown": 1, "noUsageReport": true}"#,
            Ok(Layer { batch: Some(3), linger: Some(true), outputs, ..Layer::default() }),
        );
        check(r#"{"webDashboard": false, "collectors": {"cloud": {"token": "x"}}}"#, Ok(Layer::default()));
    }

    #[test]
    fn mistakes_are_told_as_of_a_script() {
        check("[]", Err("json: cannot unmarshal array into Go value of type cmd.Config"));
        check(r#"{"vus": "x"}"#, Err("strconv.ParseInt: parsing \"x\": invalid syntax"));
        check(
            r#"{"webDashboard": true}"#,
            Err("the option `webDashboard` is not supported yet; see docs/k6-compat.md"),
        );
    }
}
