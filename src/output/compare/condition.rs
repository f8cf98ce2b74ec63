//! `--fail-if METRIC.STAT OP BOUND`: what must not be true of B.
//!
//! A bound with a sign is a change against A: `+10%` of A's value, `+20` in the metric's own unit
//! (milliseconds, bytes). A bound without one is B's value itself, and A need not have the metric.

use super::Side;
use super::figures::rank;

/// One condition, as parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// As written.
    pub source: String,
    metric: String,
    stat: String,
    operator: Operator,
    bound: Bound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Above,
    AtLeast,
    Below,
    AtMost,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    /// Of A's value: 0.1 is `+10%`.
    Share(f64),
    /// In the metric's unit.
    Change(f64),
    Value(f64),
}

/// What became of a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub source: String,
    pub metric: String,
    /// `None` where the condition does not ask A.
    pub a: Option<f64>,
    pub b: f64,
    /// What B was held against.
    pub bound: f64,
    /// The condition is true: B is not as it should be.
    pub fails: bool,
}

const FORMS: &str = "write METRIC.STAT, then >, >=, < or <=, then +10%, +20 or 500, as in \
                     http_req_duration.p(95)>+10%";

impl Condition {
    pub fn parse(text: &str) -> Result<Condition, String> {
        // The last sign: a tag's value may have others.
        let at = text.rfind(['>', '<']).ok_or_else(|| format!("it compares nothing; {FORMS}"))?;
        let (operator, bound) = match (&text[at..=at], text[at + 1..].strip_prefix('=')) {
            (">", Some(rest)) => (Operator::AtLeast, rest),
            (">", None) => (Operator::Above, &text[at + 1..]),
            (_, Some(rest)) => (Operator::AtMost, rest),
            (_, None) => (Operator::Below, &text[at + 1..]),
        };
        let (metric, stat) =
            split_stat(text[..at].trim()).ok_or_else(|| format!("no METRIC.STAT; {FORMS}"))?;
        Ok(Condition {
            source: text.trim().to_owned(),
            metric: metric.to_owned(),
            stat: stat.to_owned(),
            operator,
            bound: Bound::parse(bound.trim())?,
        })
    }

    /// `Err` names what a side does not have.
    pub(super) fn judge(&self, a: &Side, b: &Side) -> Result<Judged, String> {
        let value = self.of(b)?;
        let before = match self.bound {
            Bound::Value(_) => a.figures.get(&self.metric, &self.stat),
            _ => Some(self.of(a)?),
        };
        let bound = match (self.bound, before) {
            (Bound::Share(share), Some(before)) => before + before.abs() * share,
            (Bound::Change(change), Some(before)) => before + change,
            (Bound::Share(bound) | Bound::Change(bound) | Bound::Value(bound), _) => bound,
        };
        let fails = match self.operator {
            Operator::Above => value > bound,
            Operator::AtLeast => value >= bound,
            Operator::Below => value < bound,
            Operator::AtMost => value <= bound,
        };
        let (source, metric) = (self.source.clone(), self.metric.clone());
        Ok(Judged { source, metric, a: before, b: value, bound, fails })
    }

    fn of(&self, side: &Side) -> Result<f64, String> {
        let Condition { source, metric, stat, .. } = self;
        let known = &side.figures.metrics;
        let Some(figures) = known.get(metric) else {
            // A sub-metric's base is what it is mistaken for most often.
            let base = metric.split('{').next().unwrap_or(metric);
            let near: Vec<&str> =
                known.keys().map(String::as_str).filter(|name| name.starts_with(base)).collect();
            let near = if near.is_empty() { known.keys().map(String::as_str).collect() } else { near };
            return Err(format!(
                "{}: there is no metric `{metric}`\n  asked for by: --fail-if '{source}'\n  fix: name one of \
                 these: {}",
                side.name,
                near.join(", ")
            ));
        };
        figures.stats.get(stat).copied().ok_or_else(|| {
            let mut stats: Vec<&str> = figures.stats.keys().map(String::as_str).collect();
            stats.sort_by(|x, y| rank(x).total_cmp(&rank(y)));
            format!(
                "{}: the metric `{metric}` has no `{stat}`\n  asked for by: --fail-if '{source}'\n  fix: name one \
                 of these: {}; or let the run write it (--summary-trend-stats)",
                side.name,
                stats.join(", ")
            )
        })
    }
}

impl Bound {
    fn parse(text: &str) -> Result<Bound, String> {
        let (number, is_share) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), true),
            None => (text, false),
        };
        let is_change = number.starts_with(['+', '-']);
        let value: f64 = match number.parse() {
            Ok(value) if f64::is_finite(value) => value,
            _ => return Err(format!("{text:?} is no number; {FORMS}")),
        };
        match (is_change, is_share) {
            (true, true) => Ok(Bound::Share(value / 100.0)),
            (true, false) => Ok(Bound::Change(value)),
            (false, false) => Ok(Bound::Value(value)),
            (false, true) => Err(format!("{text:?} has no sign: write +{text} or -{text} of A's value")),
        }
    }
}

/// Behind the last dot, but for the one in `p(99.9)`.
fn split_stat(text: &str) -> Option<(&str, &str)> {
    let (metric, stat) = match text.ends_with(')').then(|| text.rfind(".p(")).flatten() {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => text.rsplit_once('.')?,
    };
    (!metric.is_empty() && !stat.is_empty() && !stat.ends_with('}')).then_some((metric, stat))
}
