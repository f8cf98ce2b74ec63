//! The THRESHOLDS section: each threshold with its mark, its text and what was observed.

use super::{Page, Report, SECTION_MARK};
use crate::metrics::summary::{Metric, Threshold, Values, Windowed};
use crate::options::TrendStat;
use crate::output::collation::{compare_metrics, split_labels};
use crate::output::number;
use crate::output::style::Look;
use std::time::Duration;

pub(super) fn write(page: &mut Page, report: &Report) {
    let total = &report.summary.total;
    let mut judged: Vec<&Metric> = total.metrics.iter().filter(|m| !m.thresholds.is_empty()).collect();
    if judged.is_empty() {
        return;
    }
    judged.sort_by(|a, b| compare_metrics(&a.name, &b.name));
    page.title(2, SECTION_MARK, "THRESHOLDS", report.paint);
    for metric in &judged {
        // A sub-metric stands under its parent if the parent has thresholds too.
        let (indent, name) = match split_labels(&metric.name) {
            (parent, Some(labels)) if judged.iter().any(|other| other.name == parent) => (6, labels),
            _ => (4, metric.name.as_str()),
        };
        page.line(indent, name);
        for threshold in &metric.thresholds {
            page.line(indent, &line(report, metric, threshold));
        }
        page.gap();
    }
    page.gap();
}

fn line(report: &Report, metric: &Metric, threshold: &Threshold) -> String {
    let paint = report.paint;
    let source = threshold.source.trim();
    let aggregate = source.split(['=', '<', '>']).next().unwrap_or(source).trim();
    let observed = match threshold.observed {
        Some(value) => observed_text(report, metric, aggregate, value),
        None => "undefined".to_owned(),
    };
    let windows = threshold.windows.as_ref().map(windows_text).unwrap_or_default();
    format!(
        "{} {} {}={}{windows}",
        if threshold.ok { paint.text(Look::Green, "✓") } else { paint.text(Look::Red, "✗") },
        paint.text(Look::White, &format!("'{source}'")),
        paint.text(Look::White, aggregate),
        paint.text(Look::Cyan, &observed),
    )
}

/// What became of a windowed threshold's windows.
fn windows_text(windows: &Windowed) -> String {
    let Windowed { judged, failed, first_failed } = windows;
    match first_failed {
        Some((from, to)) => {
            let (from, to) = (seconds(*from), seconds(*to));
            format!(" from {from} to {to}, the first of {failed} in {judged} windows that failed")
        }
        None if *judged == 0 => " in no window".to_owned(),
        None => format!(" at worst in {judged} windows"),
    }
}

fn seconds(since_begin: Duration) -> String {
    number::go_duration(Duration::from_millis(since_begin.as_millis() as u64 / 100 * 100))
}

fn observed_text(report: &Report, metric: &Metric, aggregate: &str, value: f64) -> String {
    match &metric.values {
        Values::Rate { .. } => number::percent(value),
        Values::Gauge { .. } => number::value(value, metric.contains, report.unit),
        Values::Counter { .. } => {
            let text = number::value(value, metric.contains, report.unit);
            if aggregate == "count" { text } else { text + "/s" }
        }
        Values::Trend { .. } => {
            let stat = if aggregate == "count" { TrendStat::Count } else { TrendStat::Avg };
            number::trend_stat(&stat, value, metric.contains, report.unit)
        }
    }
}
