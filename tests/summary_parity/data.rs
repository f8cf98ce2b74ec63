//! The object that `handleSummary` is given, against what k6 gave.

use crate::export::read_group;
use crate::recording;
use ringload::metrics::Summary;
use ringload::metrics::summary::{Contains, Metric, Threshold, Values};
use ringload::options::TrendStat;
use ringload::output::summary_data::{Surroundings, render_summary_data};
use serde_json::Value;
use std::time::Duration;

#[test]
fn the_data_has_the_structure_and_the_numbers_of_k6() {
    let want: Value = serde_json::from_str(&recording("handle", "data.json")).unwrap();
    let text = render_summary_data(&read(&want), &Surroundings::default());
    let got: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(got, want, "{text}");
}

fn read(data: &Value) -> Summary {
    let stats = data["options"]["summaryTrendStats"].as_array().unwrap();
    let trend_stats: Vec<TrendStat> =
        stats.iter().map(|stat| TrendStat::parse(stat.as_str().unwrap()).unwrap()).collect();
    let duration_ns = data["state"]["testRunDurationMs"].as_f64().unwrap() * 1e6;
    let mut summary = Summary {
        duration: Duration::from_nanos(duration_ns.round() as u64),
        root_group: read_group(&data["root_group"], |list| list.as_array().unwrap().iter().collect()),
        ..Summary::default()
    };
    for (name, fields) in data["metrics"].as_object().unwrap() {
        let values = &fields["values"];
        let number = |key: &str| values[key].as_f64().unwrap();
        let count = |key: &str| values[key].as_u64().unwrap();
        let values = match fields["type"].as_str().unwrap() {
            "counter" => Values::Counter { count: number("count"), rate: number("rate") },
            "gauge" => Values::Gauge { value: number("value"), min: number("min"), max: number("max") },
            "rate" => Values::Rate { passes: count("passes"), fails: count("fails") },
            "trend" => Values::Trend {
                stats: trend_stats.iter().map(|stat| (stat.clone(), number(&stat.to_string()))).collect(),
            },
            other => panic!("{other} is no type of metric"),
        };
        let contains = match fields["contains"].as_str().unwrap() {
            "time" => Contains::Time,
            "data" => Contains::Data,
            _ => Contains::Default,
        };
        let thresholds = fields.get("thresholds").and_then(Value::as_object).into_iter().flatten();
        let threshold = |(source, result): (&String, &Value)| Threshold {
            source: source.clone(),
            ok: result["ok"].as_bool().unwrap(),
            observed: None,
            windows: None,
        };
        summary.total.metrics.push(Metric {
            name: name.clone(),
            contains,
            values,
            thresholds: thresholds.map(threshold).collect(),
        });
    }
    Summary { trend_stats, ..summary }
}
