//! `--new-machine-readable-summary`: k6's new form of the export and of what `handleSummary` is given.
//!
//! The metrics are those that the text summary shows; no thresholds, groups or scenarios. Its keys
//! are named by k6, so `k6_version` is there: the version whose form this is.

use crate::metrics::Summary;
use crate::metrics::summary::{Metric, Section, Values};
use crate::options::TrendStat;
use crate::output::{json, table, text};
use serde_json::{Value, json};

/// k6 2.2 writes this form.
const K6_VERSION: &str = "2.2.0";
const FORM_VERSION: &str = "1.0.0";

/// What it says besides the summary.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The main script's text, or the URL that was loaded.
    pub script: &'a str,
    /// RFC 3339.
    pub generated_at: &'a str,
    /// `--summary-mode=full`: all metrics.
    pub is_full: bool,
}

/// Four spaces of indentation, no newline at the end.
pub fn render(summary: &Summary, origin: &Origin) -> String {
    let total = &summary.total;
    let metrics = total.metrics.iter().filter(|metric| text::shows(&metric.name, origin.is_full));
    let document = json!({
        "config": {
            "duration": summary.duration.as_secs_f64(),
            "execution": "local",
            "script": origin.script,
        },
        "metadata": { "generated_at": origin.generated_at, "k6_version": K6_VERSION },
        "results": { "checks": checks(total), "metrics": metrics.map(metric).collect::<Vec<_>>() },
        "version": FORM_VERSION,
    });
    let mut text = String::new();
    json::write_pretty(&mut text, &document, 0);
    text
}

fn checks(total: &Section) -> Value {
    let Some((passes, fails)) = text::tally(total) else {
        return json!({ "metrics": null, "results": [] });
    };
    let rate =
        |name: &str, passes: u64, fails: u64| entry("default", name, "rate", rate_values(passes, fails));
    let results = total
        .checks
        .iter()
        .map(|check| json!({ "fails": check.fails, "name": check.name, "passes": check.passes }));
    json!({
        "metrics": [
            entry("default", "checks_total", "counter", json!({ "count": passes + fails })),
            rate("checks_failed", fails, passes),
            rate("checks_succeeded", passes, fails),
        ],
        "results": results.collect::<Vec<_>>(),
    })
}

fn metric(metric: &Metric) -> Value {
    let (kind, values) = match &metric.values {
        Values::Counter { count, .. } => ("counter", json!({ "count": count })),
        Values::Gauge { value, min, max } => ("gauge", json!({ "max": max, "min": min, "value": value })),
        Values::Rate { passes, fails } => ("rate", rate_values(*passes, *fails)),
        Values::Trend { stats } => ("trend", trend_values(stats)),
    };
    entry(metric.contains.name(), &metric.name, kind, values)
}

fn entry(contains: &str, name: &str, kind: &str, values: Value) -> Value {
    json!({ "contains": contains, "name": name, "type": kind, "values": values })
}

fn rate_values(passes: u64, fails: u64) -> Value {
    json!({ "matches": passes, "rate": table::share(passes, fails), "total": passes + fails })
}

/// These six, whatever statistics the summary shows; those that it does not are `null`.
fn trend_values(stats: &[(TrendStat, f64)]) -> Value {
    let find = |is_it: &dyn Fn(&TrendStat) -> bool| {
        stats.iter().find(|(stat, _)| is_it(stat)).map(|(_, value)| *value)
    };
    let plain = |wanted: TrendStat| find(&|stat| *stat == wanted);
    let percentile = |wanted: f64| {
        find(&|stat| matches!(stat, TrendStat::Percentile { percent, .. } if *percent == wanted))
    };
    json!({
        "avg": plain(TrendStat::Avg),
        "max": plain(TrendStat::Max),
        "med": plain(TrendStat::Med),
        "min": plain(TrendStat::Min),
        "p90": percentile(90.0),
        "p95": percentile(95.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::summary::{Check, Contains};

    fn metric_named(name: &str, values: Values) -> Metric {
        Metric { name: name.to_owned(), contains: Contains::Default, values, thresholds: Vec::new() }
    }

    #[track_caller]
    fn check(metrics: Vec<Metric>, is_full: bool, pointer: &str, want: Value) {
        let passed = Check { name: "a".to_owned(), path: "::a".to_owned(), passes: 3, fails: 1 };
        let summary = Summary {
            total: Section { metrics, checks: vec![passed], groups: Vec::new() },
            duration: std::time::Duration::from_millis(1_500),
            ..Summary::default()
        };
        let origin = Origin { script: "x", generated_at: "2026-11-24T06:08:52.9Z", is_full };
        let text = render(&summary, &origin);
        let got: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(got.pointer(pointer), Some(&want), "{text}");
    }

    #[test]
    fn metrics_are_those_of_the_text_summary_in_its_mode() {
        let metrics = || {
            ["checks", "http_req_blocked", "vus"]
                .map(|name| metric_named(name, Values::Gauge { value: 1.0, min: 0.0, max: 2.0 }))
                .to_vec()
        };
        let vus = json!({
            "contains": "default", "name": "vus", "type": "gauge",
            "values": { "max": 2, "min": 0, "value": 1 },
        });
        check(metrics(), false, "/results/metrics", json!([vus]));
        check(metrics(), true, "/results/metrics/1", vus);
        check(metrics(), false, "/config/duration", json!(1.5));
    }

    #[test]
    fn checks_have_three_metrics_and_a_list() {
        let rate = |matches: u64| json!({ "matches": matches, "rate": matches as f64 / 4.0, "total": 4 });
        check(Vec::new(), false, "/results/checks/metrics/1/values", rate(1));
        check(Vec::new(), false, "/results/checks/metrics/2/values", rate(3));
        check(
            Vec::new(),
            false,
            "/results/checks/results/0",
            json!({ "fails": 1, "name": "a", "passes": 3 }),
        );
    }

    #[test]
    fn a_statistic_that_is_not_shown_is_null() {
        let stats = vec![(TrendStat::Med, 2.5), (TrendStat::parse("p(90.0)").unwrap(), 9.0)];
        let want = json!({ "avg": null, "max": null, "med": 2.5, "min": null, "p90": 9, "p95": null });
        check(vec![metric_named("t1", Values::Trend { stats })], false, "/results/metrics/0/values", want);
    }
}
