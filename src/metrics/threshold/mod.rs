//! Thresholds: what a user demands of metrics, and whether it held.
//!
//! Parsed once all metrics are declared, evaluated every `EVERY` while the run lasts and once at
//! its end; the last evaluation is what the summary shows. The texts are k6's. Those with a window
//! (`windows`) are judged as the seconds go by; one window that failed is enough.

pub mod expression;
pub mod selector;
mod windows;

use super::registry::{MetricId, Registry};
use super::sink::Sink;
use super::summary;
use super::totals::Totals;
use crate::options::{ThresholdSpec, TrendStat};
use expression::{Aggregate, Expression};
use selector::Selector;
use std::time::Duration;
use windows::Windows;

/// How often a run is evaluated.
pub const EVERY: Duration = Duration::from_secs(2);

/// All thresholds of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// In the order in which they were given.
    judged: Vec<Judged>,
    /// Not judged (`--no-thresholds`): only their sub-metrics are wanted.
    only_shown: bool,
    warnings: Vec<String>,
}

/// A metric or sub-metric, and what is demanded of it.
#[derive(Clone, Debug, PartialEq)]
struct Judged {
    selector: Selector,
    thresholds: Vec<Threshold>,
}

#[derive(Clone, Debug, PartialEq)]
struct Threshold {
    source: String,
    expression: Expression,
    windows: Option<Windows>,
    abort_on_fail: bool,
    delay_abort_eval: Option<Duration>,
    /// Whether it held when it was last evaluated.
    ok: bool,
}

/// What an evaluation found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crossed {
    /// Metrics and sub-metrics of which at least one threshold did not hold, sorted by name.
    pub metrics: Vec<String>,
    /// One of them demands that the test ends now.
    pub aborts: bool,
}

impl Crossed {
    /// Why the run failed, after its end.
    pub fn final_message(&self) -> String {
        format!("thresholds on metrics '{}' have been crossed", self.metrics.join(", "))
    }

    /// Why the run is cut short.
    pub fn abort_message(&self) -> String {
        format!(
            "thresholds on metrics '{}' were crossed; at least one has abortOnFail enabled, \
             stopping test prematurely",
            self.metrics.join(", ")
        )
    }
}

impl Thresholds {
    /// `specs`: by metric or sub-metric, as a script has them.
    pub fn parse(specs: &[(String, Vec<ThresholdSpec>)], registry: &Registry) -> Result<Thresholds, String> {
        let mut parsed = Thresholds::default();
        for (key, specs) in specs {
            let read = |spec: &ThresholdSpec| {
                let (expression, over) = windows::split(&spec.source)?;
                Ok((Expression::parse(expression)?, over.map(Windows::new)))
            };
            let expressions: Vec<(Expression, Option<Windows>)> =
                specs.iter().map(read).collect::<Result<_, String>>()?;
            let selector = parsed.select(key, registry)?;
            for ((expression, _), spec) in expressions.iter().zip(specs) {
                check_aggregate(expression.aggregate, &spec.source, key, selector.metric)?;
            }
            let thresholds =
                expressions.into_iter().zip(specs).map(|((expression, windows), spec)| Threshold {
                    source: spec.source.clone(),
                    expression,
                    windows,
                    abort_on_fail: spec.abort_on_fail,
                    delay_abort_eval: spec.delay_abort_eval,
                    ok: true,
                });
            parsed.judge(selector, thresholds.collect());
        }
        Ok(parsed)
    }

    /// For `--no-thresholds`: nothing is judged, but the sub-metrics are shown if they have
    /// samples. What cannot be understood is a warning.
    pub fn unjudged(specs: &[(String, Vec<ThresholdSpec>)], registry: &Registry) -> Thresholds {
        let mut parsed = Thresholds { only_shown: true, ..Thresholds::default() };
        for (key, _) in specs {
            match parsed.select(key, registry) {
                Ok(selector) => parsed.judge(selector, Vec::new()),
                Err(_) => parsed.warnings.push(format!("Invalid metric '{key}' in threshold definitions")),
            }
        }
        parsed
    }

    /// To log when the run begins.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Nothing is to be evaluated.
    pub fn is_empty(&self) -> bool {
        self.only_shown || self.judged.is_empty()
    }

    /// Judges the samples so far. Before the end (`is_final`) metrics without samples are passed
    /// over; `elapsed` is the test run's duration so far.
    pub fn evaluate(&mut self, totals: &Totals, elapsed: Duration, is_final: bool) -> Crossed {
        let mut crossed = Crossed::default();
        if self.only_shown {
            return crossed;
        }
        for judged in &mut self.judged {
            let kind = judged.selector.metric.kind();
            let sink = match totals.sink(judged.selector.metric, &judged.selector.tag_refs()) {
                None if is_final => Some(Sink::empty(kind)),
                sink => sink,
            };
            for threshold in &mut judged.thresholds {
                match (&mut threshold.windows, &sink) {
                    (Some(windows), _) => {
                        if is_final {
                            windows.finish(kind, &threshold.expression);
                        }
                        threshold.ok = windows.hold();
                    }
                    (None, Some(sink)) => threshold.judge(sink, elapsed),
                    (None, None) => continue,
                }
                crossed.aborts |= threshold.aborts(elapsed);
            }
            if judged.thresholds.iter().any(|threshold| !threshold.ok) {
                crossed.metrics.push(judged.selector.name.clone());
            }
        }
        crossed.metrics.sort_unstable();
        crossed
    }

    /// Whether `on_stretch` wants to be called.
    pub fn have_windows(&self) -> bool {
        self.judged.iter().flat_map(|judged| &judged.thresholds).any(|threshold| threshold.windows.is_some())
    }

    /// `totals` are those of a stretch of the run alone: a second, or the rest at its end.
    pub fn on_stretch(&mut self, totals: &Totals, from: Duration, to: Duration) {
        for judged in &mut self.judged {
            let (metric, kind) = (judged.selector.metric, judged.selector.metric.kind());
            let sink = || totals.sink(metric, &judged.selector.tag_refs());
            for threshold in &mut judged.thresholds {
                if let Some(windows) = &mut threshold.windows {
                    windows.add(from, to, sink(), kind, &threshold.expression);
                }
            }
        }
    }

    /// Every threshold as it stands: its metric or sub-metric, and its result.
    pub fn all_results(&self) -> Vec<(String, summary::Threshold)> {
        let each = |judged: &Judged| -> Vec<(String, summary::Threshold)> {
            let result = |threshold: &Threshold| {
                let windows = threshold.windows.as_ref();
                (
                    judged.selector.name.clone(),
                    summary::Threshold {
                        source: threshold.source.clone(),
                        ok: threshold.ok,
                        observed: windows.and_then(Windows::observed),
                        windows: windows.map(Windows::result),
                    },
                )
            };
            judged.thresholds.iter().map(result).collect()
        };
        self.judged.iter().flat_map(each).collect()
    }

    /// Every metric and sub-metric that is named, with what is demanded of it as it was written.
    pub fn demanded(&self) -> impl Iterator<Item = (&Selector, Vec<ThresholdSpec>)> {
        let spec = |threshold: &Threshold| ThresholdSpec {
            source: threshold.source.clone(),
            abort_on_fail: threshold.abort_on_fail,
            delay_abort_eval: threshold.delay_abort_eval,
        };
        self.judged.iter().map(move |judged| (&judged.selector, judged.thresholds.iter().map(spec).collect()))
    }

    /// The sub-metrics that are named.
    pub(super) fn sub_metrics(&self) -> impl Iterator<Item = &Selector> {
        self.judged.iter().map(|judged| &judged.selector).filter(|selector| selector.is_sub_metric())
    }

    /// Whether a metric is shown even without samples: it is judged, or a sub-metric of it.
    pub(super) fn demands(&self, metric: MetricId) -> bool {
        !self.only_shown && self.judged.iter().any(|judged| judged.selector.metric == metric)
    }

    /// If not, sub-metrics without samples are not shown.
    pub(super) fn are_judged(&self) -> bool {
        !self.only_shown
    }

    /// The results of a metric or sub-metric, with what was observed in its sink.
    pub(super) fn results(
        &self,
        name: &str,
        sink: &Sink,
        duration: Duration,
        stats: &[TrendStat],
    ) -> Vec<summary::Threshold> {
        let Some(judged) = self.judged.iter().find(|judged| judged.selector.name == name) else {
            return Vec::new();
        };
        let result = |threshold: &Threshold| summary::Threshold {
            source: threshold.source.clone(),
            ok: threshold.ok,
            observed: match &threshold.windows {
                Some(windows) => windows.observed(),
                None => observed(threshold.expression.aggregate, sink, duration, stats),
            },
            windows: threshold.windows.as_ref().map(Windows::result),
        };
        judged.thresholds.iter().map(result).collect()
    }

    fn select(&mut self, key: &str, registry: &Registry) -> Result<Selector, String> {
        let (name, labels) = selector::split_name(key)
            .map_err(|why| format!("unable to validate threshold expressions; reason: {why}"))?;
        let Some(metric) = registry.find(name) else {
            return Err(format!("invalid threshold defined on {key}; reason: no metric name {key:?} found"));
        };
        let Some(labels) = labels else {
            return Ok(Selector { metric, name: key.to_owned(), tags: Vec::new() });
        };
        let tags = selector::tags_of(labels);
        for gone in ["vu", "iter"] {
            if tags.iter().any(|(name, _)| name == gone) {
                self.warnings.push(format!(
                    "The high-cardinality '{gone}' metric tag was made non-indexable in k6 v0.41.0, so \
                     thresholds like '{key}' that are based on it won't work correctly."
                ));
            }
        }
        Ok(Selector { metric, name: format!("{name}{{{labels}}}"), tags })
    }

    /// Two ways to write the same tags are one sub-metric, under the name that came first.
    fn judge(&mut self, selector: Selector, thresholds: Vec<Threshold>) {
        let same = |known: &&mut Judged| {
            known.selector.metric == selector.metric && known.selector.tags == selector.tags
        };
        match self.judged.iter_mut().find(same) {
            Some(known) => known.thresholds.extend(thresholds),
            None => self.judged.push(Judged { selector, thresholds }),
        }
    }
}

impl Threshold {
    fn judge(&mut self, sink: &Sink, elapsed: Duration) {
        // What has no value yet breaks no promise.
        let observed = self.expression.aggregate.of(sink, elapsed);
        self.ok = observed.is_none_or(|observed| self.expression.holds(observed));
    }

    fn aborts(&self, elapsed: Duration) -> bool {
        !self.ok && self.abort_on_fail && self.delay_abort_eval.is_none_or(|delay| delay < elapsed)
    }
}

fn check_aggregate(aggregate: Aggregate, source: &str, key: &str, metric: MetricId) -> Result<(), String> {
    let supported = Aggregate::names_of(metric.kind());
    if supported.contains(&aggregate.name()) {
        return Ok(());
    }
    Err(format!(
        "invalid threshold {source:?} applied on metric {key}; reason: unsupported aggregation method {} on \
         metric of type {}. supported aggregation methods for this metric are: {}",
        aggregate.name(),
        metric.kind().name(),
        supported.join(", ")
    ))
}

/// What the summary shows beside a threshold: the value that it shows of the metric itself. A
/// trend's `avg`, `min`, `med` and `max` are there only among the statistics that are asked for.
fn observed(aggregate: Aggregate, sink: &Sink, duration: Duration, stats: &[TrendStat]) -> Option<f64> {
    match (aggregate, aggregate.trend_stat()) {
        (Aggregate::Percentile(_), _) | (_, None) => Some(aggregate.of(sink, duration).unwrap_or(0.0)),
        (_, Some(stat)) => aggregate.of(sink, duration).filter(|_| stats.contains(&stat)),
    }
}

#[cfg(test)]
mod tests;
