//! `-o markdown=FILE`: thresholds, checks and metrics as tables, for a comment or a job's page. k6 has
//! no such output.

use crate::metrics::Summary;
use crate::metrics::summary::{Metric, Values};
use crate::options::TimeUnit;
use crate::output::collation::compare_metrics;
use crate::output::{number, table, text};
use std::fmt::Write;

/// Sections without rows are left out.
pub fn render(summary: &Summary, unit: Option<TimeUnit>) -> String {
    let mut out = String::from("# Load test\n");
    let mut metrics: Vec<&Metric> = summary.total.metrics.iter().collect();
    metrics.sort_by(|a, b| compare_metrics(&a.name, &b.name));
    write_thresholds(&mut out, &metrics);
    write_checks(&mut out, summary);
    write_metrics(&mut out, &metrics, unit);
    let _ = writeln!(out, "\nTest run duration: {}.", number::go_duration(summary.duration));
    out
}

fn write_thresholds(out: &mut String, metrics: &[&Metric]) {
    if metrics.iter().all(|metric| metric.thresholds.is_empty()) {
        return;
    }
    out.push_str("\n## Thresholds\n\n| | metric | threshold | observed |\n|---|---|---|---|\n");
    for metric in metrics {
        for threshold in &metric.thresholds {
            let observed = threshold.observed.map_or("undefined".to_owned(), number::plain);
            let source = cell(threshold.source.trim());
            let _ = writeln!(
                out,
                "| {} | `{}` | `{source}` | {observed} |",
                mark(threshold.ok),
                cell(&metric.name)
            );
        }
    }
}

fn write_checks(out: &mut String, summary: &Summary) {
    if summary.total.checks.is_empty() {
        return;
    }
    out.push_str("\n## Checks\n\n| | check | passed | failed |\n|---|---|--:|--:|\n");
    for check in &summary.total.checks {
        let (mark, name) = (mark(check.fails == 0), cell(&check.name));
        let _ = writeln!(out, "| {mark} | {name} | {} | {} |", check.passes, check.fails);
    }
}

fn write_metrics(out: &mut String, metrics: &[&Metric], unit: Option<TimeUnit>) {
    let shown = metrics.iter().filter(|metric| text::shows(&metric.name, false));
    let rows: Vec<String> = shown
        .map(|metric| format!("| `{}` | {} |\n", cell(&metric.name), cell(&values(metric, unit))))
        .collect();
    if !rows.is_empty() {
        out.push_str("\n## Metrics\n\n| metric | values |\n|---|---|\n");
        out.push_str(&rows.concat());
    }
}

fn values(metric: &Metric, unit: Option<TimeUnit>) -> String {
    let value = |value: f64| number::value(value, metric.contains, unit);
    match &metric.values {
        Values::Counter { count, rate } => format!("{}, {}/s", value(*count), value(*rate)),
        Values::Gauge { value: last, min, max } => {
            format!("{}, min {}, max {}", value(*last), value(*min), value(*max))
        }
        Values::Rate { passes, fails } => {
            let share = number::percent(table::share(*passes, *fails));
            format!("{share}, {passes} out of {}", passes + fails)
        }
        Values::Trend { stats } => {
            let stat = |(stat, value): &(_, f64)| {
                format!("{stat} {}", number::trend_stat(stat, *value, metric.contains, unit))
            };
            stats.iter().map(stat).collect::<Vec<_>>().join(", ")
        }
    }
}

fn mark(ok: bool) -> &'static str {
    if ok { "✓" } else { "✗" }
}

/// Nothing in it ends the cell or its row.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::summary::{Check, Contains, Section, Threshold};
    use crate::options::TrendStat;

    #[track_caller]
    fn check(total: Section, want: &str) {
        let duration = std::time::Duration::from_millis(1_500);
        let summary = Summary { total, duration, ..Summary::default() };
        let got = render(&summary, None);
        let body = got
            .strip_prefix("# Load test\n")
            .and_then(|rest| rest.strip_suffix("\nTest run duration: 1.5s.\n"));
        assert_eq!(body, Some(want), "{got}");
    }

    #[test]
    fn what_was_demanded_and_checked_and_measured_is_a_table_each() {
        let threshold =
            |source: &str, ok, observed| Threshold { source: source.to_owned(), ok, observed, windows: None };
        let duration = Metric {
            name: "http_req_duration".to_owned(),
            contains: Contains::Time,
            values: Values::Trend { stats: vec![(TrendStat::Avg, 1.5), (TrendStat::Max, 20.0)] },
            thresholds: vec![threshold("max<10", false, Some(20.0)), threshold("med<10", true, None)],
        };
        let checks = vec![Check { name: "a|b".to_owned(), path: String::new(), passes: 2, fails: 0 }];
        check(
            Section { metrics: vec![duration], checks, groups: Vec::new() },
            "
## Thresholds

| | metric | threshold | observed |
|---|---|---|---|
| ✗ | `http_req_duration` | `max<10` | 20 |
| ✓ | `http_req_duration` | `med<10` | undefined |

## Checks

| | check | passed | failed |
|---|---|--:|--:|
| ✓ | a\\|b | 2 | 0 |

## Metrics

| metric | values |
|---|---|
| `http_req_duration` | avg 1.5ms, max 20ms |
",
        );
    }

    #[test]
    fn what_there_is_none_of_is_not_mentioned() {
        check(Section::default(), "");
    }
}
