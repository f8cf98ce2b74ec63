//! `--summary-export` against what k6 wrote.

use crate::recording;
use ringload::metrics::Summary;
use ringload::metrics::summary::{Check, Contains, Group, Metric, Threshold, Values};
use ringload::options::TrendStat;
use ringload::output::json::render_export;
use serde_json::{Map, Value};

#[test]
fn the_export_has_the_structure_and_the_numbers_of_k6() {
    let recorded = recording("export_summary", "summary.json");
    let want: Value = serde_json::from_str(&recorded).unwrap();
    let text = render_export(&read(&want));
    let got: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(got, want, "{text}");
    // Equal as JSON leaves the text of numbers open: every line of a number must be k6's as well.
    let lines = |text: &str| {
        let mut lines: Vec<String> =
            text.lines().map(|line| line.trim().trim_end_matches(',').to_owned()).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&text), lines(&recorded));
    assert!(text.starts_with("{\n    \"metrics\": {\n        \"") && text.ends_with("}\n}"), "{text}");
}

fn read(export: &Value) -> Summary {
    let mut summary = Summary {
        setup_data: export.get("setup_data").map(Value::to_string),
        root_group: read_group(&export["root_group"], |named| object(named).values().collect()),
        ..Summary::default()
    };
    for (name, fields) in object(&export["metrics"]) {
        let number = |key: &str| fields[key].as_f64().unwrap();
        let count = |key: &str| fields[key].as_u64().unwrap();
        let values = if fields.get("passes").is_some() {
            Values::Rate { passes: count("passes"), fails: count("fails") }
        } else if fields.get("count").is_some() {
            Values::Counter { count: number("count"), rate: number("rate") }
        } else if fields.get("value").is_some() {
            Values::Gauge { value: number("value"), min: number("min"), max: number("max") }
        } else {
            let stats = TrendStat::defaults().into_iter();
            Values::Trend { stats: stats.map(|stat| (stat.clone(), number(&stat.to_string()))).collect() }
        };
        let thresholds = fields.get("thresholds").map(object).into_iter().flatten();
        let threshold = |(source, failed): (&String, &Value)| Threshold {
            source: source.clone(),
            ok: !failed.as_bool().unwrap(),
            observed: None,
            windows: None,
        };
        summary.total.metrics.push(Metric {
            name: name.clone(),
            contains: Contains::Default,
            values,
            thresholds: thresholds.map(threshold).collect(),
        });
    }
    summary
}

/// Groups and checks are `members` of an object in the export, of an array in the data.
pub fn read_group(group: &Value, members: fn(&Value) -> Vec<&Value>) -> Group {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let check = |check: &Value| Check {
        name: text(check, "name"),
        path: text(check, "path"),
        passes: check["passes"].as_u64().unwrap(),
        fails: check["fails"].as_u64().unwrap(),
    };
    Group {
        name: text(group, "name"),
        path: text(group, "path"),
        groups: members(&group["groups"]).into_iter().map(|group| read_group(group, members)).collect(),
        checks: members(&group["checks"]).into_iter().map(check).collect(),
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}
