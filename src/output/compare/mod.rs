//! Two summaries side by side: what each says of a metric, the ratio, and conditions on it.
//!
//! `figures` reads a summary of any form, `condition` is `--fail-if`, `text` and `json` show a
//! `Comparison`. A is what was before, B what is now. No tests of significance: two runs are two runs.

pub mod condition;
pub mod figures;

mod json;
mod text;

pub use condition::{Condition, Judged};
pub use figures::Figures;
pub use json::render_json;
pub use text::render_text;

use crate::output::collation::compare_metrics;
use figures::Kind;

/// A summary and what to call it.
pub struct Side {
    /// The file, as named.
    pub name: String,
    pub figures: Figures,
}

/// Everything that is shown.
pub struct Comparison {
    pub a: Side,
    pub b: Side,
    /// In the order of the conditions.
    pub judged: Vec<Judged>,
}

/// A statistic of a metric; at least one side has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub stat: String,
    pub a: Option<f64>,
    pub b: Option<f64>,
}

impl Line {
    /// B over A; `None` if a side is missing, or A is 0.
    pub fn ratio(&self) -> Option<f64> {
        match (self.a, self.b) {
            (Some(a), Some(b)) if a != 0.0 => Some(b / a),
            _ => None,
        }
    }
}

impl Comparison {
    /// `Err`: what a condition asks for and a side does not have.
    pub fn new(a: Side, b: Side, conditions: &[Condition]) -> Result<Comparison, String> {
        let judged = conditions.iter().map(|condition| condition.judge(&a, &b));
        let judged = judged.collect::<Result<_, _>>()?;
        Ok(Comparison { a, b, judged })
    }

    /// The metrics of both sides, in the order of k6's summary.
    pub fn metrics(&self) -> Vec<&str> {
        let names = self.a.figures.metrics.keys().chain(self.b.figures.metrics.keys());
        let mut names: Vec<&str> = names.map(String::as_str).collect();
        names.sort_by(|a, b| compare_metrics(a, b).then_with(|| a.cmp(b)));
        names.dedup();
        names
    }

    fn lines(&self, metric: &str) -> Vec<Line> {
        let of = |side: &'_ Side| side.figures.metrics.get(metric).map(|found| found.stats.clone());
        let (a, b) = (of(&self.a).unwrap_or_default(), of(&self.b).unwrap_or_default());
        let mut stats: Vec<&String> = a.keys().chain(b.keys()).collect();
        stats.sort_by(|x, y| figures::rank(x).total_cmp(&figures::rank(y)).then_with(|| x.cmp(y)));
        stats.dedup();
        let line =
            |stat: &String| Line { stat: stat.clone(), a: a.get(stat).copied(), b: b.get(stat).copied() };
        stats.into_iter().map(line).collect()
    }

    fn kind(&self, metric: &str) -> Kind {
        let found = [&self.a, &self.b].map(|side| side.figures.metrics.get(metric).map(|found| found.kind));
        found.into_iter().flatten().next().unwrap_or(Kind::Plain)
    }
}

#[cfg(test)]
mod tests;
