//! JSON values as k6's options take them: lenient numbers, durations, and Go's words for a mistake.
//!
//! k6 exports a script's `options` to JSON with sorted keys and decodes that, so `members` walks in
//! that order: of several mistakes the first by name is told.

use super::duration;
use super::go;
use serde_json::Value;
use std::collections::BTreeMap;

/// Members of an object in the order of their names.
pub fn members(object: &serde_json::Map<String, Value>) -> Vec<(&str, &Value)> {
    let mut members: Vec<_> = object.iter().map(|(name, value)| (name.as_str(), value)).collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}

/// The known name that a member's name means; like Go, we do not look at the case.
pub fn known<'k>(name: &str, mut known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known.find(|known| known.eq_ignore_ascii_case(name))
}

pub fn unknown_field(name: &str) -> String {
    format!("json: unknown field {name:?}")
}

/// Go's text for a value of the wrong kind; `into` as in `Go value of type lib.Options`.
pub fn wrong_kind(value: &Value, into: &str) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {kind} into Go {into}")
}

/// As `wrong_kind`, for the types that k6 decodes with a library of its own words.
fn not_nullable(value: &Value, go_type: &str) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {kind} into Go value of type {go_type}")
}

/// A whole number, or one as text; null and the empty text are silence.
pub fn int(value: &Value) -> Result<Option<i64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => match number.as_i64() {
            Some(int) => Ok(Some(int)),
            None => Err(format!("json: cannot unmarshal number {number} into Go value of type int64")),
        },
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => go::parse_env_int(text).map(Some),
        _ => Err(not_nullable(value, "null.Int")),
    }
}

pub fn bool(value: &Value) -> Result<Option<bool>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(bool) => Ok(Some(*bool)),
        _ => Err(not_nullable(value, "null.Bool")),
    }
}

pub fn string(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(not_nullable(value, "null.String")),
    }
}

/// Milliseconds, or a text that variables may hold too.
pub fn duration_ns(value: &Value) -> Result<Option<i64>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => duration::parse_k6(&number.to_string()).map(Some),
        Value::String(text) => duration::parse_k6(text).map(Some),
        _ => Err(format!("'{value}' is not a valid duration value")),
    }
}

/// A map of texts; `field` as in `Options.tags`.
pub fn texts(value: &Value, field: &str) -> Result<Option<BTreeMap<String, String>>, String> {
    let object = match value {
        Value::Null => return Ok(None),
        Value::Object(object) => object,
        _ => return Err(wrong_kind(value, &format!("struct field {field} of type map[string]string"))),
    };
    let text = |(name, value): (&str, &Value)| match value {
        Value::String(text) => Ok((name.to_owned(), text.clone())),
        // Go leaves the text empty.
        Value::Null => Ok((name.to_owned(), String::new())),
        _ => Err(wrong_kind(value, &format!("struct field {field} of type string"))),
    };
    members(object).into_iter().map(text).collect::<Result<_, _>>().map(Some)
}

/// A list; `go_type` is that of its entries.
pub fn list<'v>(value: &'v Value, field: &str, go_type: &str) -> Result<Option<&'v [Value]>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Array(entries) => Ok(Some(entries)),
        _ => Err(wrong_kind(value, &format!("struct field {field} of type []{go_type}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check<T: PartialEq + std::fmt::Debug>(
        read: fn(&Value) -> Result<Option<T>, String>,
        value: Value,
        want: Result<Option<T>, &str>,
    ) {
        assert_eq!(read(&value), want.map_err(str::to_owned), "{value}");
    }

    #[test]
    fn integers_are_numbers_or_texts_of_numbers() {
        check(int, json!(10), Ok(Some(10)));
        check(int, json!(-3), Ok(Some(-3)));
        check(int, json!("10"), Ok(Some(10)));
        check(int, json!(""), Ok(None));
        check(int, json!(null), Ok(None));
        check(int, json!(1.5), Err("json: cannot unmarshal number 1.5 into Go value of type int64"));
        check(
            int,
            json!(9_223_372_036_854_775_808u64),
            Err("json: cannot unmarshal number 9223372036854775808 into Go value of type int64"),
        );
        check(int, json!("x"), Err("strconv.ParseInt: parsing \"x\": invalid syntax"));
        check(int, json!("1.5"), Err("strconv.ParseInt: parsing \"1.5\": invalid syntax"));
        check(int, json!(true), Err("json: cannot unmarshal bool into Go value of type null.Int"));
        check(int, json!([1]), Err("json: cannot unmarshal array into Go value of type null.Int"));
    }

    #[test]
    fn booleans_and_texts_are_nothing_else() {
        check(bool, json!(true), Ok(Some(true)));
        check(bool, json!(null), Ok(None));
        check(bool, json!(1), Err("json: cannot unmarshal float64 into Go value of type null.Bool"));
        check(bool, json!("true"), Err("json: cannot unmarshal string into Go value of type null.Bool"));
        check(string, json!(""), Ok(Some(String::new())));
        check(string, json!(null), Ok(None));
        check(string, json!(5), Err("json: cannot unmarshal float64 into Go value of type null.String"));
    }

    #[test]
    fn durations_are_milliseconds_or_texts() {
        check(duration_ns, json!(1500), Ok(Some(1_500_000_000)));
        check(duration_ns, json!(0.5), Ok(Some(500_000)));
        check(duration_ns, json!("1500"), Ok(Some(1_500_000_000)));
        check(duration_ns, json!("1m30s"), Ok(Some(90_000_000_000)));
        check(duration_ns, json!("1d"), Ok(Some(86_400_000_000_000)));
        check(duration_ns, json!(null), Ok(None));
        check(duration_ns, json!("abc"), Err("time: invalid duration \"abc\""));
        check(duration_ns, json!(""), Err("time: invalid duration \"\""));
        check(duration_ns, json!(true), Err("'true' is not a valid duration value"));
        check(duration_ns, json!({"a": 1}), Err("'{\"a\":1}' is not a valid duration value"));
    }

    #[test]
    fn maps_hold_texts() {
        let tags = |value: &Value| texts(value, "Options.tags");
        check(tags, json!({"a": "1"}), Ok(Some(BTreeMap::from([("a".to_owned(), "1".to_owned())]))));
        check(
            tags,
            json!({"a": 1}),
            Err("json: cannot unmarshal number into Go struct field Options.tags of type string"),
        );
        check(
            tags,
            json!("a"),
            Err("json: cannot unmarshal string into Go struct field Options.tags of type map[string]string"),
        );
    }

    #[test]
    fn names_are_known_whatever_their_case_and_walked_in_order() {
        assert_eq!(known("VUS", ["duration", "vus"].into_iter()), Some("vus"));
        assert_eq!(known("vu", ["vus"].into_iter()), None);
        let value = json!({"b": 1, "a": 2, "B": 3});
        let names: Vec<_> = members(value.as_object().unwrap()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["B", "a", "b"]);
    }
}
