//! A comparison for programs.

use super::{Comparison, Judged, Line, Side};
use serde_json::{Map, Value, json};

/// Of the fields; a change that a reader must know of makes it one more.
const SCHEMA: u32 = 1;

/// One document with a newline at its end; `docs/compare.md` describes it.
pub fn render_json(comparison: &Comparison) -> String {
    let metrics = comparison.metrics().into_iter().map(|name| {
        let lines = comparison.lines(name);
        let lines: Map<String, Value> =
            lines.iter().map(|line| (line.stat.clone(), line_value(line))).collect();
        (name.to_owned(), lines.into())
    });
    let value = json!({
        "schema": SCHEMA,
        "a": side_value(&comparison.a),
        "b": side_value(&comparison.b),
        "metrics": metrics.collect::<Map<_, _>>(),
        "fail_if": comparison.judged.iter().map(judged_value).collect::<Vec<_>>(),
        "failed": comparison.judged.iter().any(|judged| judged.fails),
    });
    format!("{value:#}\n")
}

fn side_value(side: &Side) -> Value {
    json!({ "file": side.name, "duration_s": side.figures.duration_s })
}

fn line_value(line: &Line) -> Value {
    json!({ "a": line.a, "b": line.b, "ratio": line.ratio() })
}

fn judged_value(judged: &Judged) -> Value {
    json!({
        "condition": judged.source,
        "a": judged.a,
        "b": judged.b,
        "limit": judged.bound,
        "failed": judged.fails,
    })
}
