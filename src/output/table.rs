//! Metric lines: a name, dots, and columns that line up within one table.
//!
//! The caller decides which metrics share a table, how far it is indented, and where the lines go.

use crate::metrics::summary::{Metric, Values};
use crate::options::TimeUnit;
use crate::output::collation::split_labels;
use crate::output::number;
use crate::output::style::{Look, Paint, padding, width};

/// How a rate names its two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateForm {
    /// `45.10% 1353 out of 3000`
    OutOf,
    /// `45.10% ✓ 1353 ✗ 1647`
    Marks,
}

/// One metric, formatted but not aligned.
pub struct Row {
    name: String,
    data: Data,
}

enum Data {
    /// `stat=value` for each statistic.
    Trend(Vec<(String, String)>),
    /// A main value, and beside it a rate, a count, or `min=` and `max=`.
    Single { main: String, extras: Vec<String> },
}

impl Row {
    pub fn new(metric: &Metric, unit: Option<TimeUnit>, rates: RateForm) -> Row {
        let value = |value| number::value(value, metric.contains, unit);
        let data = match &metric.values {
            Values::Counter { count, rate } => {
                Data::Single { main: value(*count), extras: vec![value(*rate) + "/s"] }
            }
            Values::Gauge { value: last, min, max } => Data::Single {
                main: value(*last),
                extras: vec![format!("min={}", value(*min)), format!("max={}", value(*max))],
            },
            Values::Rate { passes, fails } => Data::Single {
                main: number::percent(share(*passes, *fails)),
                extras: match rates {
                    RateForm::OutOf => vec![format!("{passes} out of {}", passes + fails)],
                    RateForm::Marks => vec![format!("✓ {passes}"), format!("✗ {fails}")],
                },
            },
            Values::Trend { stats } => Data::Trend(
                stats
                    .iter()
                    .map(|(stat, value)| {
                        (stat.to_string(), number::trend_stat(stat, *value, metric.contains, unit))
                    })
                    .collect(),
            ),
        };
        Row { name: display_name(&metric.name), data }
    }
}

/// Non-zero samples among all; 0 if there are none.
pub fn share(passes: u64, fails: u64) -> f64 {
    let all = passes + fails;
    if all == 0 { 0.0 } else { passes as f64 / all as f64 }
}

fn display_name(name: &str) -> String {
    match split_labels(name) {
        (_, Some(labels)) => {
            let inner = labels.trim_start_matches('{').trim_end_matches('}');
            format!("  {{ {inner} }}")
        }
        (name, None) => name.to_owned(),
    }
}

/// The common widths of the rows of one table.
#[derive(Default)]
pub struct Columns {
    name: usize,
    main: usize,
    extras: Vec<usize>,
    stats: Vec<usize>,
}

impl Columns {
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Columns {
        let mut columns = Columns::default();
        for row in rows {
            columns.name = columns.name.max(width(&row.name));
            match &row.data {
                Data::Trend(stats) => widen(&mut columns.stats, stats.iter().map(|(_, value)| value)),
                Data::Single { main, extras } => {
                    columns.main = columns.main.max(width(main));
                    widen(&mut columns.extras, extras);
                }
            }
        }
        columns
    }

    /// `name....: data`, without indentation.
    pub fn line(&self, row: &Row, paint: Paint) -> String {
        let dots = ".".repeat(self.name - width(&row.name) + 3) + ":";
        format!("{}{} {}", row.name, paint.text(Look::FaintWhite, &dots), self.data(row, paint))
    }

    /// A report of a single metric has no dots: k6 takes the width over all names by a reduction
    /// that breaks down on one element.
    pub fn line_without_dots(&self, row: &Row, paint: Paint) -> String {
        format!("{}{} {}", row.name, paint.text(Look::FaintWhite, ":"), self.data(row, paint))
    }

    fn data(&self, row: &Row, paint: Paint) -> String {
        match &row.data {
            Data::Trend(stats) => {
                let cells = stats.iter().zip(&self.stats).map(|((stat, value), &wanted)| {
                    format!("{stat}={}{}", paint.text(Look::Cyan, value), padding(value, wanted))
                });
                cells.collect::<Vec<_>>().join(" ")
            }
            Data::Single { main, extras } => {
                let mut line = paint.text(Look::Cyan, main) + &padding(main, self.main);
                for (extra, &wanted) in extras.iter().zip(&self.extras) {
                    line.push(' ');
                    line += &paint.text(Look::FaintCyan, extra);
                    // A single extra ends its line unpadded, a pair is a table of its own.
                    if extras.len() > 1 {
                        line += &padding(extra, wanted);
                    }
                }
                line
            }
        }
    }
}

fn widen<'a>(widths: &mut Vec<usize>, cells: impl IntoIterator<Item = &'a String>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at == widths.len() {
            widths.push(0);
        }
        widths[at] = widths[at].max(width(cell));
    }
}
