//! The checks of a section: three counts, then a line for each check.

use super::{Page, Report};
use crate::metrics::summary::{Check, Contains, Metric, Section, Values};
use crate::output::style::Look;
use crate::output::table::{Columns, RateForm, Row};

pub(super) fn write(page: &mut Page, report: &Report, section: &Section, depth: usize) {
    let Some((passes, fails)) = tally(section) else {
        return;
    };
    let count = (passes + fails) as f64;
    let seconds = report.summary.duration.as_secs_f64();
    let rate = if seconds > 0.0 { count / seconds } else { 0.0 };
    let rows = [
        row("checks_total", Values::Counter { count, rate }),
        row("checks_succeeded", Values::Rate { passes, fails }),
        row("checks_failed", Values::Rate { passes: fails, fails: passes }),
    ];
    let columns = Columns::of(&rows);
    for row in &rows {
        page.line(4 + 2 * depth, &columns.line(row, report.paint));
    }
    page.gap();
    for check in &section.checks {
        write_check(page, report, check, depth);
    }
    page.gap();
}

/// Passed and failed checks; `None` if the section saw no check at all.
pub(super) fn tally(section: &Section) -> Option<(u64, u64)> {
    let metric = section.metrics.iter().find(|metric| metric.name == "checks");
    match metric.map(|metric| &metric.values) {
        Some(Values::Rate { passes, fails }) => Some((*passes, *fails)),
        _ if section.checks.is_empty() => None,
        _ => Some(section.checks.iter().fold((0, 0), |sum, c| (sum.0 + c.passes, sum.1 + c.fails))),
    }
}

fn row(name: &str, values: Values) -> Row {
    let metric =
        Metric { name: name.to_owned(), contains: Contains::Default, values, thresholds: Vec::new() };
    Row::new(&metric, None, RateForm::OutOf)
}

fn write_check(page: &mut Page, report: &Report, check: &Check, depth: usize) {
    if check.fails == 0 {
        page.line(4 + 2 * depth, &report.paint.text(Look::Green, &format!("✓ {}", check.name)));
        return;
    }
    page.line(4 + 2 * depth, &report.paint.text(Look::Red, &format!("✗ {}", check.name)));
    // k6 indents the detail twice inside nested groups: 6, 10, 14, …
    page.line(6 + 4 * depth, &report.paint.text(Look::Red, &failed_detail(check)));
}

/// `↳  33% — ✓ 1 / ✗ 2`; the percentage is cut.
pub(in crate::output) fn failed_detail(check: &Check) -> String {
    let (passes, fails) = (check.passes, check.fails);
    format!("↳  {}% — ✓ {passes} / ✗ {fails}", 100 * passes / (passes + fails).max(1))
}
