//! The end-of-test summary as text, in the compact and the full form of k6 1.0 and later.
//!
//! A report is a list of sections; a section is a title, checks, metrics under headings and, in
//! full mode, nested groups. Columns line up within one section and one block (checks, metrics)
//! only: k6 means to align the whole report, but does not.

mod checks;
mod heading;
mod thresholds;

use crate::metrics::Summary;
use crate::metrics::summary::{Metric, Section};
use crate::options::{SummaryMode, TimeUnit};
use crate::output::collation::compare_metrics;
use crate::output::legacy;
use crate::output::style::{Look, Paint};
use crate::output::table::{Columns, RateForm, Row};
pub(super) use checks::failed_detail;
use heading::Heading;

/// The whole text as k6 prints it, with the empty lines around it; empty if `mode` is disabled.
pub fn render_summary(summary: &Summary, mode: SummaryMode, unit: Option<TimeUnit>, colors: bool) -> String {
    let paint = Paint { colors };
    let body = match mode {
        SummaryMode::Disabled => return String::new(),
        SummaryMode::Compact => Report::new(summary, false, unit, paint).render(),
        SummaryMode::Full => Report::new(summary, true, unit, paint).render(),
        SummaryMode::Legacy => legacy::render_body(summary, RateForm::OutOf, unit, paint),
        SummaryMode::LegacyMarks => legacy::render_body(summary, RateForm::Marks, unit, paint),
    };
    format!("\n{body}\n\n")
}

/// Whether the totals show this metric.
pub(in crate::output) fn shows(name: &str, full: bool) -> bool {
    heading::of(name, full).is_some()
}

/// Passed and failed checks; `None` if the section saw no check at all.
pub(in crate::output) fn tally(section: &Section) -> Option<(u64, u64)> {
    checks::tally(section)
}

/// What every part of a report needs to know.
struct Report<'a> {
    summary: &'a Summary,
    full: bool,
    unit: Option<TimeUnit>,
    paint: Paint,
    /// The report shows one metric only (see `Columns::line_without_dots`).
    lone_metric: bool,
}

/// Text under construction. Every line begins with its newline; a gap ends the line before it.
struct Page(String);

impl Page {
    fn line(&mut self, indent: usize, text: &str) {
        self.0.push('\n');
        self.0.push_str(&" ".repeat(indent));
        self.0.push_str(text);
    }

    fn gap(&mut self) {
        self.0.push('\n');
    }

    fn title(&mut self, indent: usize, mark: char, title: &str, paint: Paint) {
        self.line(indent, &format!("{mark} {} \n", paint.text(Look::Bold, title)));
    }
}

const SECTION_MARK: char = '█';
const NESTED_MARK: char = '↳';

impl<'a> Report<'a> {
    fn new(summary: &'a Summary, full: bool, unit: Option<TimeUnit>, paint: Paint) -> Report<'a> {
        let mut report = Report { summary, full, unit, paint, lone_metric: false };
        report.lone_metric = report.metric_lines() == 1;
        report
    }

    fn render(&self) -> String {
        let mut page = Page(String::new());
        thresholds::write(&mut page, self);
        page.title(2, SECTION_MARK, "TOTAL RESULTS", self.paint);
        self.write_content(&mut page, &self.summary.total, 0, true);
        page.gap();
        if self.full {
            for (name, section) in &self.summary.groups {
                self.write_section(&mut page, &format!("GROUP: {name}"), section);
            }
            for (name, section) in &self.summary.scenarios {
                self.write_section(&mut page, &format!("SCENARIO: {name}"), section);
            }
        }
        page.0
    }

    fn write_section(&self, page: &mut Page, title: &str, section: &Section) {
        page.title(2, SECTION_MARK, title, self.paint);
        self.write_content(page, section, 0, false);
        self.write_nested(page, section, 1);
        page.gap();
    }

    fn write_nested(&self, page: &mut Page, section: &Section, depth: usize) {
        for (name, group) in &section.groups {
            page.title(2 + 2 * depth, NESTED_MARK, &format!("GROUP: {name}"), self.paint);
            self.write_content(page, group, depth, false);
            self.write_nested(page, group, depth + 1);
        }
    }

    /// Checks and metrics; sub-metrics only in the totals.
    fn write_content(&self, page: &mut Page, section: &Section, depth: usize, total: bool) {
        checks::write(page, self, section, depth);
        let metrics = self.shown(section, total);
        let rows: Vec<(Heading, Row)> = metrics
            .iter()
            .map(|(heading, metric)| (*heading, Row::new(metric, self.unit, RateForm::OutOf)))
            .collect();
        let columns = Columns::of(rows.iter().map(|(_, row)| row));
        let indent = 4 + 2 * depth;
        for under in rows.chunk_by(|(a, _), (b, _)| a == b) {
            page.line(indent, &self.paint.text(Look::Bold, under[0].0.text()));
            for (_, row) in under {
                page.line(indent, &self.metric_line(&columns, row));
            }
            page.gap();
        }
    }

    fn metric_line(&self, columns: &Columns, row: &Row) -> String {
        if self.lone_metric {
            columns.line_without_dots(row, self.paint)
        } else {
            columns.line(row, self.paint)
        }
    }

    /// The metrics of a section that are shown, by heading and name.
    fn shown<'s>(&self, section: &'s Section, total: bool) -> Vec<(Heading, &'s Metric)> {
        let mut shown: Vec<_> = section
            .metrics
            .iter()
            .filter(|metric| total || !metric.name.contains('{'))
            .filter_map(|metric| Some((heading::of(&metric.name, self.full)?, metric)))
            .collect();
        shown.sort_by(|(a_heading, a), (b_heading, b)| {
            a_heading.cmp(b_heading).then_with(|| compare_metrics(&a.name, &b.name))
        });
        shown
    }

    fn metric_lines(&self) -> usize {
        let summary = self.summary;
        let mut lines = self.shown(&summary.total, true).len();
        lines += if checks::tally(&summary.total).is_some() { 3 } else { 0 };
        if self.full {
            // Whatever a group or scenario shows, the totals show as well.
            let parts = summary.groups.iter().chain(&summary.scenarios);
            lines += parts.map(|(_, section)| self.shown(section, false).len()).sum::<usize>();
        }
        lines
    }
}

#[cfg(test)]
mod tests;
