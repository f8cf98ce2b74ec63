//! Summaries as JSON, of every form that k6 or ringload writes, into numbers by metric and statistic.
//!
//! The forms: `--summary-export`; the data of `handleSummary`; k6's new machine-readable form of
//! either. Statistics get k6's names in thresholds: a rate's share is `rate`, a percentile `p(95)`.

use crate::metrics::builtin::Builtin;
use crate::metrics::summary::Contains;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The numbers of a summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Metrics and sub-metrics.
    pub metrics: BTreeMap<String, MetricFigures>,
    /// `None`: this form does not say it.
    pub duration_s: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MetricFigures {
    pub kind: Kind,
    pub stats: BTreeMap<String, f64>,
}

/// What the numbers are, for showing them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// Milliseconds.
    Time,
    Bytes,
    /// Its `rate` is a share.
    Share,
}

impl Figures {
    /// `Err` says what is wrong with the text, and how to mend it.
    pub fn parse(text: &str) -> Result<Figures, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            format!("it is no JSON: {error}\n  fix: give a file that --summary-export wrote, whole")
        })?;
        let figures = match (&value["metrics"], &value["results"]["metrics"]) {
            (Value::Object(metrics), _) => of_map(metrics, &value)?,
            (_, Value::Array(metrics)) => of_list(metrics, &value)?,
            _ => return Err(no_summary(&value)),
        };
        match figures.metrics.is_empty() {
            true => {
                Err("it holds no metric\n  fix: give the summary of a run that made a request".to_owned())
            }
            false => Ok(figures),
        }
    }

    pub fn get(&self, metric: &str, stat: &str) -> Option<f64> {
        self.metrics.get(metric)?.stats.get(stat).copied()
    }
}

fn no_summary(value: &Value) -> String {
    let found = match value {
        Value::Object(fields) if fields.contains_key("windows") => {
            "it is a timeline, not a summary".to_owned()
        }
        Value::Object(fields) if fields.contains_key("trials") => {
            "it is the answer of a search, not a summary".to_owned()
        }
        Value::Object(_) => "`metrics` is missing".to_owned(),
        _ => "it is JSON, but no object".to_owned(),
    };
    format!("{found}\n  fix: give a file that --summary-export wrote, or the data of handleSummary as JSON")
}

/// The export, where statistics are the fields of a metric, and the data of `handleSummary`, where
/// they are in `values`.
fn of_map(metrics: &Map<String, Value>, whole: &Value) -> Result<Figures, String> {
    let mut found = BTreeMap::new();
    for (name, value) in metrics {
        let Value::Object(fields) = value else { return Err(not_an_object(name)) };
        let (values, contains) = match fields.get("values") {
            Some(Value::Object(values)) => (values, fields.get("contains").and_then(Value::as_str)),
            _ => (fields, None),
        };
        found.insert(name.clone(), of_metric(name, values, contains)?);
    }
    let duration_s = whole["state"]["testRunDurationMs"].as_f64().map(|ms| ms / 1e3);
    Ok(Figures { metrics: found, duration_s })
}

fn of_list(metrics: &[Value], whole: &Value) -> Result<Figures, String> {
    let duration_s = whole["config"]["duration"].as_f64();
    let checks = whole["results"]["checks"]["metrics"].as_array().into_iter().flatten();
    let mut found = BTreeMap::new();
    for metric in metrics.iter().chain(checks) {
        let (Some(name), Value::Object(values)) = (metric["name"].as_str(), &metric["values"]) else {
            return Err(
                "an entry of `results.metrics` has no `name` or no `values`\n  fix: write it again".into()
            );
        };
        let mut figures = of_metric(name, values, metric["contains"].as_str())?;
        // This form leaves it out; in the others it is exactly this.
        if let (Some("counter"), Some(count), Some(duration_s)) =
            (metric["type"].as_str(), figures.stats.get("count").copied(), duration_s.filter(|s| *s > 0.0))
        {
            figures.stats.insert("rate".to_owned(), count / duration_s);
        }
        found.insert(name.to_owned(), figures);
    }
    // What the other forms call `checks`.
    if let Some(checks) = found.get("checks_succeeded").cloned() {
        found.retain(|name, _| {
            !["checks_succeeded", "checks_failed", "checks_total"].contains(&name.as_str())
        });
        found.insert("checks".to_owned(), checks);
    }
    Ok(Figures { metrics: found, duration_s })
}

fn of_metric(
    name: &str,
    values: &Map<String, Value>,
    contains: Option<&str>,
) -> Result<MetricFigures, String> {
    let mut stats = BTreeMap::new();
    for (stat, value) in values {
        match value {
            Value::Number(number) => {
                stats.insert(in_k6_words(stat), number.as_f64().unwrap_or(f64::NAN));
            }
            // `null` is how JSON writes a number that is none.
            Value::Null => {}
            Value::Object(_) if stat == "thresholds" => {}
            other => {
                return Err(format!(
                    "`{stat}` of the metric `{name}` is {other}, not a number\n  fix: write the summary again"
                ));
            }
        }
    }
    let is_rate = match (stats.get("matches").copied(), stats.get("total").copied()) {
        (Some(matches), Some(total)) => {
            stats.retain(|stat, _| stat == "rate");
            stats.insert("passes".to_owned(), matches);
            stats.insert("fails".to_owned(), total - matches);
            true
        }
        _ => stats.contains_key("passes") && stats.contains_key("fails"),
    };
    if is_rate && let Some(share) = stats.remove("value") {
        stats.insert("rate".to_owned(), share);
    }
    let kind = if is_rate { Kind::Share } else { kind(name, contains) };
    Ok(MetricFigures { kind, stats })
}

/// By what the file says; else by what the built-in metric of this name contains.
fn kind(name: &str, contains: Option<&str>) -> Kind {
    let base = name.split('{').next().unwrap_or(name);
    let builtin = Builtin::by_name(base).map(|metric| metric.definition().contains);
    match contains {
        Some("time") => Kind::Time,
        Some("data") => Kind::Bytes,
        Some(_) => Kind::Plain,
        None => match builtin {
            Some(Contains::Time) => Kind::Time,
            Some(Contains::Data) => Kind::Bytes,
            _ => Kind::Plain,
        },
    }
}

/// `p95` and `p99.9` of the new form are `p(95)` and `p(99.9)`.
fn in_k6_words(stat: &str) -> String {
    match stat.strip_prefix('p').filter(|rest| rest.parse::<f64>().is_ok()) {
        Some(percent) => format!("p({percent})"),
        None => stat.to_owned(),
    }
}

fn not_an_object(name: &str) -> String {
    format!("the metric `{name}` is not an object\n  fix: give a file that --summary-export wrote, unchanged")
}

/// The place of a statistic among those of its metric; percentiles by their number.
pub fn rank(stat: &str) -> f64 {
    let fixed = ["avg", "min", "med", "max", "rate", "count", "value", "passes", "fails"];
    let percent = stat.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')')?.parse::<f64>().ok());
    match (percent, fixed.iter().position(|known| *known == stat)) {
        // After `max`, before all others.
        (Some(percent), _) => 3.0 + percent.clamp(0.0, 100.0) / 101.0,
        (None, Some(place)) => place as f64,
        (None, None) => fixed.len() as f64,
    }
}
