//! The object that a script's `handleSummary(data)` is given, as JSON text.
//!
//! Unlike the export (`json`) it keeps groups and checks as lists, a threshold says whether it is
//! `ok`, and a metric tells its type.

use crate::metrics::Summary;
use crate::metrics::summary::{Group, Metric, Values};
use crate::options::TimeUnit;
use crate::output::json::{check_value, fields, setup_data, write_pretty};
use crate::output::{md5, table};
use serde_json::{Map, Value, json};

/// What the object says besides the summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    pub time_unit: Option<TimeUnit>,
    pub no_color: bool,
    pub is_stdout_tty: bool,
    pub is_stderr_tty: bool,
}

/// `setup_data` is absent if `setup()` returned nothing.
pub fn render_summary_data(summary: &Summary, surroundings: &Surroundings) -> String {
    let stats = summary.trend_stats.iter().map(|stat| Value::from(stat.to_string()));
    let metrics = summary.total.metrics.iter().map(|metric| (metric.name.clone(), metric_value(metric)));
    let mut data = json!({
        "root_group": group_value(&summary.root_group),
        "options": {
            "summaryTrendStats": stats.collect::<Vec<_>>(),
            "summaryTimeUnit": surroundings.time_unit.map_or("", TimeUnit::name),
            "noColor": surroundings.no_color,
        },
        "state": {
            "isStdOutTTY": surroundings.is_stdout_tty,
            "isStdErrTTY": surroundings.is_stderr_tty,
            "testRunDurationMs": summary.duration.as_nanos() as f64 / 1e6,
        },
        "metrics": metrics.collect::<Map<_, _>>(),
    });
    if let Some(returned) = setup_data(summary) {
        data["setup_data"] = returned;
    }
    let mut text = String::new();
    write_pretty(&mut text, &data, 0);
    text
}

fn metric_value(metric: &Metric) -> Value {
    let (kind, values) = match &metric.values {
        Values::Counter { count, rate } => ("counter", fields([("count", *count), ("rate", *rate)])),
        Values::Gauge { value, min, max } => {
            ("gauge", fields([("value", *value), ("min", *min), ("max", *max)]))
        }
        Values::Rate { passes, fails } => {
            let rate = table::share(*passes, *fails);
            ("rate", fields([("rate", rate), ("passes", *passes as f64), ("fails", *fails as f64)]))
        }
        Values::Trend { stats } => {
            let stats = stats.iter().map(|(stat, value)| (stat.to_string(), (*value).into()));
            ("trend", stats.collect())
        }
    };
    let mut value = json!({ "type": kind, "contains": metric.contains.name(), "values": values });
    if !metric.thresholds.is_empty() {
        let results = metric.thresholds.iter().map(|t| (t.source.clone(), json!({ "ok": t.ok })));
        value["thresholds"] = results.collect::<Map<_, _>>().into();
    }
    value
}

fn group_value(group: &Group) -> Value {
    json!({
        "name": group.name,
        "path": group.path,
        "id": md5::hex(group.path.as_bytes()),
        "groups": group.groups.iter().map(group_value).collect::<Vec<_>>(),
        "checks": group.checks.iter().map(check_value).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::summary::{Contains, Section, Threshold};

    #[track_caller]
    fn check(summary: &Summary, surroundings: Surroundings, pointer: &str, want: Value) {
        let text = render_summary_data(summary, &surroundings);
        let data: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(data.pointer(pointer).unwrap_or(&Value::Null), &want, "{pointer} of {text}");
    }

    #[test]
    fn setup_data_is_what_setup_returned() {
        let returned = |text: &str| Summary { setup_data: Some(text.to_owned()), ..Summary::default() };
        let plain = Surroundings::default();
        check(&returned(r#"{"token":"abc","n":[1]}"#), plain, "/setup_data/token", json!("abc"));
        check(&returned("null"), plain, "/setup_data", json!(null));
        assert!(render_summary_data(&returned("null"), &plain).contains("\"setup_data\": null"));
        assert!(!render_summary_data(&Summary::default(), &plain).contains("setup_data"));
    }

    #[test]
    fn surroundings_are_told() {
        let surroundings = Surroundings {
            time_unit: Some(TimeUnit::Microseconds),
            no_color: true,
            is_stdout_tty: true,
            is_stderr_tty: false,
        };
        let options = json!({ "summaryTrendStats": [], "summaryTimeUnit": "us", "noColor": true });
        check(&Summary::default(), surroundings, "/options", options);
        check(&Summary::default(), surroundings, "/state/isStdOutTTY", json!(true));
    }

    #[test]
    fn thresholds_of_the_same_text_are_one_key_and_the_last_counts() {
        let threshold = |ok| Threshold { source: "rate>0.5".to_owned(), ok, observed: None, windows: None };
        let checks = Metric {
            name: "checks".to_owned(),
            contains: Contains::Default,
            values: Values::Rate { passes: 0, fails: 0 },
            thresholds: vec![threshold(false), threshold(true)],
        };
        let total = Section { metrics: vec![checks], ..Section::default() };
        let summary = Summary { total, ..Summary::default() };
        let want = json!({
            "type": "rate",
            "contains": "default",
            "values": { "rate": 0, "passes": 0, "fails": 0 },
            "thresholds": { "rate>0.5": { "ok": true } },
        });
        check(&summary, Surroundings::default(), "/metrics/checks", want);
    }
}
