//! `--summary-export`: the summary as JSON, in k6's default (old) format.
//!
//! Two of its habits surprise: a threshold is `true` if it FAILED, and a rate's share is called
//! `value`. Numbers are those that JavaScript would print.

use crate::metrics::Summary;
use crate::metrics::summary::{Check, Group, Metric, Values};
use crate::output::{md5, number, table};
use serde_json::{Map, Value, json};

/// Four spaces of indentation, no newline at the end.
pub fn render_export(summary: &Summary) -> String {
    let mut export = Map::new();
    let metrics = summary.total.metrics.iter().map(|metric| (metric.name.clone(), metric_value(metric)));
    export.insert("metrics".to_owned(), metrics.collect::<Map<_, _>>().into());
    if let Some(data) = setup_data(summary) {
        export.insert("setup_data".to_owned(), data);
    }
    export.insert("root_group".to_owned(), group_value(&summary.root_group));
    let mut text = String::new();
    write_pretty(&mut text, &export.into(), 0);
    text
}

/// It came out of the script as JSON; if not, it is shown as the text that it is.
pub(super) fn setup_data(summary: &Summary) -> Option<Value> {
    let text = summary.setup_data.as_deref()?;
    Some(serde_json::from_str(text).unwrap_or_else(|_| text.into()))
}

fn metric_value(metric: &Metric) -> Value {
    let mut fields = match &metric.values {
        Values::Counter { count, rate } => fields([("count", *count), ("rate", *rate)]),
        Values::Gauge { value, min, max } => fields([("value", *value), ("min", *min), ("max", *max)]),
        Values::Trend { stats } => {
            stats.iter().map(|(stat, value)| (stat.to_string(), (*value).into())).collect()
        }
        Values::Rate { passes, fails } => fields([
            ("passes", *passes as f64),
            ("fails", *fails as f64),
            ("value", table::share(*passes, *fails)),
        ]),
    };
    if !metric.thresholds.is_empty() {
        let failed = metric.thresholds.iter().map(|t| (t.source.clone(), Value::from(!t.ok)));
        fields.insert("thresholds".to_owned(), failed.collect::<Map<_, _>>().into());
    }
    fields.into()
}

pub(super) fn fields<const N: usize>(fields: [(&str, f64); N]) -> Map<String, Value> {
    fields.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
}

fn group_value(group: &Group) -> Value {
    let groups = group.groups.iter().map(|nested| (nested.name.clone(), group_value(nested)));
    let checks = group.checks.iter().map(|check| (check.name.clone(), check_value(check)));
    json!({
        "name": group.name,
        "path": group.path,
        "id": md5::hex(group.path.as_bytes()),
        "groups": groups.collect::<Map<_, _>>(),
        "checks": checks.collect::<Map<_, _>>(),
    })
}

pub(super) fn check_value(check: &Check) -> Value {
    json!({
        "name": check.name,
        "path": check.path,
        "id": md5::hex(check.path.as_bytes()),
        "passes": check.passes,
        "fails": check.fails,
    })
}

/// JSON as `JSON.stringify(value, null, 4)` writes it; serde_json alone prints other doubles.
pub(super) fn write_pretty(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(double) => out.push_str(&number::javascript(double)),
            None => out.push_str(&number.to_string()),
        },
        Value::Array(items) => write_list(out, ['[', ']'], items, depth, |out, item| {
            write_pretty(out, item, depth + 1);
        }),
        Value::Object(fields) => write_list(out, ['{', '}'], fields, depth, |out, (key, value)| {
            out.push_str(&format!("{}: ", Value::from(key.as_str())));
            write_pretty(out, value, depth + 1);
        }),
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
    }
}

fn write_list<T>(
    out: &mut String,
    brackets: [char; 2],
    items: impl IntoIterator<Item = T>,
    depth: usize,
    mut write_item: impl FnMut(&mut String, T),
) {
    out.push(brackets[0]);
    let mut empty = true;
    for item in items {
        out.push_str(if empty { "\n" } else { ",\n" });
        out.push_str(&INDENT.repeat(depth + 1));
        write_item(out, item);
        empty = false;
    }
    if !empty {
        out.push('\n');
        out.push_str(&INDENT.repeat(depth));
    }
    out.push(brackets[1]);
}

const INDENT: &str = "    ";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, want: &str) {
        let mut out = String::new();
        write_pretty(&mut out, &serde_json::from_str(json).unwrap(), 0);
        assert_eq!(out, want);
    }

    #[test]
    fn numbers_are_those_of_javascript() {
        check("15.0", "15");
        check("26.599999999999994", "26.599999999999994");
        check("1e21", "1e+21");
        check("0.0000001", "1e-7");
        check("-3", "-3");
    }

    #[test]
    fn lists_are_indented_by_four_spaces_and_empty_ones_stay_closed() {
        check(
            r#"{"a":[1,{"b":null}],"c":{},"d":[]}"#,
            "{\n    \"a\": [\n        1,\n        {\n            \"b\": null\n        }\n    ],\n    \"c\": {},\n    \"d\": []\n}",
        );
    }
}
