//! The summary of k6 before 1.0: the tree of groups and checks, then one list of all metrics.
//!
//! Rates read `45.10% 1353 out of 3000` (since 0.54) or `45.10% ✓ 1353 ✗ 1647` (before).

use crate::metrics::Summary;
use crate::metrics::summary::{Group, Metric};
use crate::options::TimeUnit;
use crate::output::collation::compare_metrics;
use crate::output::style::{Look, Paint};
use crate::output::table::{Columns, RateForm, Row};
use crate::output::text::failed_detail;

pub(super) fn render_body(
    summary: &Summary,
    rates: RateForm,
    unit: Option<TimeUnit>,
    paint: Paint,
) -> String {
    let mut lines = Vec::new();
    write_group(&mut lines, &summary.root_group, 5, paint);

    let mut metrics: Vec<&Metric> = summary.total.metrics.iter().collect();
    metrics.sort_by(|a, b| compare_metrics(&a.name, &b.name));
    let rows: Vec<Row> = metrics.iter().map(|metric| Row::new(metric, unit, rates)).collect();
    let columns = Columns::of(&rows);
    for (metric, row) in metrics.iter().zip(&rows) {
        lines.push(format!("   {} {}", mark(metric, paint), columns.line(row, paint)));
    }
    lines.join("\n")
}

/// Space without thresholds; else whether all of them hold.
fn mark(metric: &Metric, paint: Paint) -> String {
    if metric.thresholds.is_empty() {
        " ".to_owned()
    } else if metric.thresholds.iter().all(|threshold| threshold.ok) {
        paint.text(Look::Green, "✓")
    } else {
        paint.text(Look::Red, "✗")
    }
}

fn write_group(lines: &mut Vec<String>, group: &Group, indent: usize, paint: Paint) {
    let space = " ".repeat(indent);
    for check in &group.checks {
        lines.push(if check.fails == 0 {
            paint.text(Look::Green, &format!("{space}✓ {}", check.name))
        } else {
            let detail = failed_detail(check);
            paint.text(Look::Red, &format!("{space}✗ {}\n{space} {detail}", check.name))
        });
    }
    if !group.checks.is_empty() {
        lines.push(String::new());
    }
    for nested in &group.groups {
        lines.push(format!("{space}█ {}\n", nested.name));
        write_group(lines, nested, indent + 2, paint);
    }
}
