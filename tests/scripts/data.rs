//! JSON that a run wrote or logged, against k6's: same structure, names, kinds and counts; what a
//! clock measured may differ.

use serde_json::{Map, Value};

/// Says what differs first. `counted`: so much was done in each run.
pub fn compare(got: &str, want: &str, counted: bool) -> Result<(), String> {
    let parse = |text| serde_json::from_str::<Value>(text).map_err(|why| format!("{why}: {text}"));
    same(&parse(got)?, &parse(want)?, "", counted)
}

/// The new form of the export: its metrics in an order (k6 has none), the port of the script's server
/// that of the recordings, and without the time at which it was made.
pub fn in_order(text: &str, port: u16) -> String {
    let text = text.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:18080");
    let Ok(mut document) = serde_json::from_str::<Value>(&text) else { return text };
    if let Some(metrics) = document.pointer_mut("/results/metrics").and_then(Value::as_array_mut) {
        metrics.sort_by_key(|metric| metric["name"].to_string());
    }
    if let Some(time) = document.pointer_mut("/metadata/generated_at") {
        assert!(time.as_str().is_some_and(|time| time.ends_with('Z')), "{time}");
        *time = Value::Null;
    }
    document.to_string()
}

/// The numbers of these are counts of what a script did.
const COUNTED: &[&str] = &["checks", "http_reqs", "iterations", "my_counter", "http_req_failed", "my_rate"];

fn same(got: &Value, want: &Value, path: &str, counted: bool) -> Result<(), String> {
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => {
            let names = |object: &Map<String, Value>| {
                let mut names: Vec<String> = object.keys().cloned().collect();
                names.sort();
                names
            };
            if names(got) != names(want) {
                return Err(format!("{path} has {:?}, but with k6 {:?}", names(got), names(want)));
            }
            want.iter()
                .try_for_each(|(name, want)| same(&got[name], want, &format!("{path}/{name}"), counted))
        }
        (Value::Array(got), Value::Array(want)) if got.len() == want.len() => {
            let mut pairs = got.iter().zip(want).enumerate();
            pairs.try_for_each(|(at, (got, want))| same(got, want, &format!("{path}/{at}"), counted))
        }
        (Value::Number(_), Value::Number(_)) if !(counted && is_count(path)) => Ok(()),
        _ if got == want => Ok(()),
        _ => Err(format!("{path} is {got}, but with k6 {want}")),
    }
}

fn is_count(path: &str) -> bool {
    let is_of = |name: &&str| path.contains(&format!("/{name}/"));
    let is_number = ["passes", "fails", "count"].iter().any(|name| path.ends_with(&format!("/{name}")));
    is_number && COUNTED.iter().any(is_of)
}

/// A log line whose message is an object in text form: the object with its names sorted, without
/// what was measured; else the line itself.
pub fn canonical(line: &str) -> String {
    let Some((message, fields)) =
        line.strip_prefix("level=info msg=").and_then(|rest| rest.rsplit_once(" source="))
    else {
        return line.to_owned();
    };
    // Go's quotes are JSON's for such a text.
    let object =
        serde_json::from_str::<String>(message).and_then(|text| serde_json::from_str::<Value>(&text));
    match object {
        Ok(mut object) => {
            for measured in [&["timings"][..], &["headers", "Date"]] {
                let (last, way) = measured.split_last().expect("a way has an end");
                let place = way.iter().try_fold(&mut object, |value, name| value.get_mut(*name));
                if let Some(value) = place.and_then(|value| value.get_mut(*last)) {
                    *value = names_only(value);
                }
            }
            format!("{} source={fields}", sorted(&object))
        }
        Err(_) => line.to_owned(),
    }
}

fn names_only(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            object.keys().map(|name| (name.clone(), Value::Null)).collect::<Map<_, _>>().into()
        }
        _ => Value::Null,
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut pairs: Vec<_> =
                object.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            pairs.into_iter().collect::<Map<_, _>>().into()
        }
        Value::Array(values) => values.iter().map(sorted).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}
