//! A sink: the samples of one metric with some tags, added up.
//!
//! A metric, a sub-metric, a scenario's and a group's share are one question: "these leaves,
//! merged". The answer is what `report` shows and `threshold` judges.

use super::builtin::{Builtin, Kind};
use super::numbers::Numbers;
use super::registry::MetricId;
use super::summary::Values;
use super::totals::{CheckLeaf, ExchangeLeaf, FunctionLeaf, Gauge, Totals};
use super::trend::Trend;
use crate::options::TrendStat;
use std::borrow::Cow;
use std::time::Duration;

/// The samples of one metric, added up.
#[derive(Clone, Debug)]
pub enum Sink {
    Counter(f64),
    Gauge {
        value: f64,
        min: f64,
        max: f64,
    },
    /// `passes` counts the non-zero samples.
    Rate {
        passes: u64,
        fails: u64,
    },
    /// Timings of the engine.
    Times(Trend),
    /// Values of a script; of a built-in metric, together with the engine's.
    Numbers(Numbers),
}

impl Sink {
    /// Of a metric without samples.
    pub fn empty(kind: Kind) -> Sink {
        match kind {
            Kind::Counter => Sink::Counter(0.0),
            Kind::Gauge => Sink::Gauge { value: 0.0, min: 0.0, max: 0.0 },
            Kind::Rate => Sink::Rate { passes: 0, fails: 0 },
            Kind::Trend => Sink::Times(Trend::default()),
        }
    }

    /// `duration` is that of the test run: counters have a rate per second of it.
    pub fn values(&self, duration: Duration, stats: &[TrendStat]) -> Values {
        match self {
            Sink::Counter(count) => {
                let rate = if duration.is_zero() { 0.0 } else { count / duration.as_secs_f64() };
                Values::Counter { count: *count, rate }
            }
            Sink::Gauge { value, min, max } => Values::Gauge { value: *value, min: *min, max: *max },
            Sink::Rate { passes, fails } => Values::Rate { passes: *passes, fails: *fails },
            Sink::Times(times) => Values::Trend { stats: times.stats(stats) },
            Sink::Numbers(numbers) => Values::Trend { stats: numbers.stats(stats) },
        }
    }

    /// Both together; `later` has a gauge's value.
    pub(super) fn plus(self, later: Sink) -> Sink {
        match (self, later) {
            (Sink::Counter(a), Sink::Counter(b)) => Sink::Counter(a + b),
            (Sink::Gauge { min, max, .. }, Sink::Gauge { value, min: later_min, max: later_max }) => {
                Sink::Gauge { value, min: min.min(later_min), max: max.max(later_max) }
            }
            (Sink::Rate { passes, fails }, Sink::Rate { passes: more_passes, fails: more_fails }) => {
                Sink::Rate { passes: passes + more_passes, fails: fails + more_fails }
            }
            (Sink::Times(mut times), Sink::Times(more)) => {
                times.merge(&more);
                Sink::Times(times)
            }
            (Sink::Numbers(mut numbers), Sink::Numbers(more)) => {
                numbers.merge(&more);
                Sink::Numbers(numbers)
            }
            (Sink::Times(times), Sink::Numbers(mut numbers))
            | (Sink::Numbers(mut numbers), Sink::Times(times)) => {
                numbers.merge_times(&times);
                Sink::Numbers(numbers)
            }
            (a, b) => panic!("a metric has samples of two kinds: {a:?} and {b:?}"),
        }
    }
}

impl Totals {
    /// What the metric's samples with all of these tags add up to; `None` if there are none.
    /// Gauges of the run (`vus`, `vus_max`) carry no tags.
    pub fn sink(&self, metric: impl Into<MetricId>, tags: &[(&str, &str)]) -> Option<Sink> {
        let metric = metric.into();
        let measured = metric.builtin().and_then(|builtin| self.measured(builtin, tags));
        match (measured, self.added_by_scripts(metric, tags)) {
            (Some(measured), Some(added)) => Some(measured.plus(added)),
            (measured, added) => measured.or(added),
        }
    }

    fn measured(&self, metric: Builtin, tags: &[(&str, &str)]) -> Option<Sink> {
        let trend = |of: fn(&ExchangeLeaf) -> &Trend| self.exchange_trend(tags, of);
        let opened = |of: fn(&ExchangeLeaf) -> &Trend| self.connection_trend(tags, of);
        match metric {
            Builtin::Vus => gauge(self.vus, tags),
            Builtin::VusMax => gauge(self.vus_max, tags),
            Builtin::Iterations => self.function_count(tags, |leaf| leaf.complete),
            Builtin::IterationDuration => {
                merged(self.functions_with(tags).map(|leaf| &leaf.iteration_duration))
            }
            Builtin::DroppedIterations => self.function_count(tags, |leaf| leaf.dropped),
            Builtin::Checks => {
                let outcomes = self.checks_with(tags).map(|leaf| (leaf.passes, leaf.fails));
                rate(outcomes)
            }
            Builtin::GroupDuration => {
                let shown = self.registry.system_tags();
                let leaves =
                    self.groups.iter().filter(|leaf| carries(tags, |name| leaf.tags.tag(name, shown)));
                merged(leaves.map(|leaf| &leaf.duration))
            }
            Builtin::HttpReqs => unless_zero(self.exchanges_with(tags).map(|leaf| leaf.requests).sum()),
            Builtin::HttpReqDuration => trend(|leaf| &leaf.duration),
            Builtin::HttpReqBlocked => opened(|leaf| &leaf.blocked),
            Builtin::HttpReqConnecting => opened(|leaf| &leaf.connecting),
            Builtin::HttpReqTlsHandshaking => opened(|leaf| &leaf.tls_handshaking),
            Builtin::HttpReqSending => trend(|leaf| &leaf.sending),
            Builtin::HttpReqWaiting => trend(|leaf| &leaf.waiting),
            Builtin::HttpReqReceiving => trend(|leaf| &leaf.receiving),
            Builtin::HttpReqFailed => rate(self.exchanges_with(tags).map(failures_of)),
            Builtin::DataSent => self.data(tags, |leaf| leaf.data_sent),
            Builtin::DataReceived => self.data(tags, |leaf| leaf.data_received),
        }
    }

    fn added_by_scripts(&self, metric: MetricId, tags: &[(&str, &str)]) -> Option<Sink> {
        let shown = self.registry.system_tags();
        let leaves = || {
            let of_metric = self.customs.iter().filter(move |leaf| leaf.metric == metric);
            of_metric.filter(move |leaf| carries(tags, |name| leaf.tags.tag(name, shown)))
        };
        let added = || leaves().filter(|leaf| leaf.added.samples > 0);
        match metric.kind() {
            Kind::Counter => {
                added().next()?;
                Some(Sink::Counter(added().map(|leaf| leaf.added.sum).sum()))
            }
            Kind::Gauge => {
                let last = added().max_by_key(|leaf| (leaf.last_window, leaf.added.last_at))?;
                let min = added().map(|leaf| leaf.added.min).fold(f64::INFINITY, f64::min);
                let max = added().map(|leaf| leaf.added.max).fold(f64::NEG_INFINITY, f64::max);
                Some(Sink::Gauge { value: last.added.last, min, max })
            }
            Kind::Rate => rate(leaves().map(|leaf| (leaf.passes, leaf.fails))),
            Kind::Trend => {
                let mut merged = Numbers::default();
                leaves().for_each(|leaf| merged.merge(&leaf.numbers));
                (merged.count() > 0).then_some(Sink::Numbers(merged))
            }
        }
    }

    fn exchange_trend(&self, tags: &[(&str, &str)], of: fn(&ExchangeLeaf) -> &Trend) -> Option<Sink> {
        merged(self.exchanges_with(tags).map(of))
    }

    /// As `exchange_trend`, with a zero for each exchange that opened no connection.
    fn connection_trend(&self, tags: &[(&str, &str)], of: fn(&ExchangeLeaf) -> &Trend) -> Option<Sink> {
        let mut merged = Trend::default();
        for leaf in self.exchanges_with(tags) {
            merged.merge(of(leaf));
            // A connection may be told of before the end of its exchange, in an earlier window.
            merged.record_n(0, leaf.requests.saturating_sub(leaf.connections));
        }
        unless_empty(merged)
    }

    fn function_count(&self, tags: &[(&str, &str)], of: fn(&FunctionLeaf) -> u64) -> Option<Sink> {
        unless_zero(self.functions_with(tags).map(of).sum())
    }

    /// Emitted even if no byte was moved, so a count of 0 is no absence here.
    fn data(&self, tags: &[(&str, &str)], of: fn(&FunctionLeaf) -> u64) -> Option<Sink> {
        let flushed = self.functions_with(tags).any(|leaf| leaf.data_flushes > 0);
        flushed.then(|| Sink::Counter(self.functions_with(tags).map(of).sum::<u64>() as f64))
    }

    fn exchanges_with(&self, tags: &[(&str, &str)]) -> impl Iterator<Item = &ExchangeLeaf> {
        let shown = self.registry.system_tags();
        self.exchanges.iter().filter(move |leaf| carries(tags, |name| leaf.tags.tag(name, shown)))
    }

    fn functions_with(&self, tags: &[(&str, &str)]) -> impl Iterator<Item = &FunctionLeaf> {
        let shown = self.registry.system_tags();
        self.functions.iter().filter(move |leaf| carries(tags, |name| leaf.tags.tag(name, shown)))
    }

    /// Those that have an outcome: a leaf may be made before its first.
    pub(super) fn checks_with(&self, tags: &[(&str, &str)]) -> impl Iterator<Item = &CheckLeaf> {
        let shown = self.registry.system_tags();
        let outcomes = self.checks.iter().filter(|leaf| leaf.passes + leaf.fails > 0);
        outcomes.filter(move |leaf| carries(tags, |name| leaf.tags.tag(name, shown)))
    }
}

/// A rate's passes are its non-zero samples: here, the failures.
fn failures_of(leaf: &ExchangeLeaf) -> (u64, u64) {
    match leaf.tags.expected_response {
        Some(true) => (0, leaf.requests),
        Some(false) => (leaf.requests, 0),
        None => (0, 0),
    }
}

fn carries<'a>(tags: &[(&str, &str)], tag: impl Fn(&str) -> Option<Cow<'a, str>>) -> bool {
    tags.iter().all(|(name, value)| tag(name).is_some_and(|carried| carried == *value))
}

fn gauge(gauge: Option<Gauge>, tags: &[(&str, &str)]) -> Option<Sink> {
    let Gauge { value, min, max } = gauge.filter(|_| tags.is_empty())?;
    Some(Sink::Gauge { value: value as f64, min: min as f64, max: max as f64 })
}

fn rate(outcomes: impl Iterator<Item = (u64, u64)>) -> Option<Sink> {
    let (passes, fails) = outcomes.fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
    (passes + fails > 0).then_some(Sink::Rate { passes, fails })
}

fn merged<'a>(trends: impl Iterator<Item = &'a Trend>) -> Option<Sink> {
    let mut merged = Trend::default();
    trends.for_each(|trend| merged.merge(trend));
    unless_empty(merged)
}

fn unless_zero(count: u64) -> Option<Sink> {
    (count > 0).then_some(Sink::Counter(count as f64))
}

fn unless_empty(trend: Trend) -> Option<Sink> {
    (trend.count() > 0).then_some(Sink::Times(trend))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::summary::Contains;
    use crate::metrics::{Recorder, RecorderBounds, Registry, SampleTags, TagSet};
    use std::sync::Arc;

    /// A run of two workers with one metric of each kind.
    struct Run {
        totals: Totals,
        recorders: [Recorder; 2],
        registry: Arc<Registry>,
    }

    impl Run {
        fn new() -> Run {
            let registry = Arc::new(Registry::new());
            let kinds = [
                ("my_counter", Kind::Counter),
                ("my_gauge", Kind::Gauge),
                ("my_rate", Kind::Rate),
                ("my_trend", Kind::Trend),
            ];
            for (name, kind) in kinds {
                registry.declare(name, kind, Contains::Default).unwrap();
            }
            let recorder = || Recorder::new(RecorderBounds { samples: 8, leaves: 8 });
            Run {
                totals: Totals::with_registry(registry.clone()),
                recorders: [recorder(), recorder()],
                registry,
            }
        }

        fn add(&mut self, worker: usize, metric: &str, user: &[(&str, &str)], values: &[f64]) {
            let user: TagSet =
                user.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            let tags = SampleTags { scenario: "s".to_owned(), user, ..SampleTags::default() };
            let recorder = &mut self.recorders[worker];
            let leaf = recorder.custom_leaf(self.registry.find(metric).unwrap(), &tags);
            values.iter().for_each(|&value| recorder.record_custom(leaf, value));
        }

        fn absorb(&mut self) {
            for (worker, recorder) in self.recorders.iter_mut().enumerate() {
                self.totals.absorb(worker, recorder.take_window(None));
            }
        }

        #[track_caller]
        fn check(&self, metric: &str, tags: &[(&str, &str)], want: Option<Values>) {
            let stats = [TrendStat::Avg, TrendStat::Med, TrendStat::Count];
            let sink = self.totals.sink(self.registry.find(metric).unwrap(), tags);
            let got = sink.map(|sink| sink.values(Duration::from_secs(2), &stats));
            assert_eq!(got, want, "{metric} {tags:?}");
        }
    }

    fn trend(avg: f64, med: f64, count: f64) -> Option<Values> {
        let stats = vec![(TrendStat::Avg, avg), (TrendStat::Med, med), (TrendStat::Count, count)];
        Some(Values::Trend { stats })
    }

    #[test]
    fn counters_rates_and_trends_add_up_over_workers_and_tags() {
        let mut run = Run::new();
        for (worker, color) in [(0, "red"), (1, "blue")] {
            run.add(worker, "my_counter", &[("color", color)], &[1.5, 2.0]);
            run.add(worker, "my_rate", &[("color", color)], &[0.0, 1.0, -3.0]);
            run.add(worker, "my_trend", &[("color", color)], &[-1.0, 4.0]);
        }
        run.absorb();
        run.check("my_counter", &[], Some(Values::Counter { count: 7.0, rate: 3.5 }));
        run.check("my_counter", &[("color", "red")], Some(Values::Counter { count: 3.5, rate: 1.75 }));
        run.check("my_counter", &[("color", "green")], None);
        run.check("my_rate", &[("scenario", "s")], Some(Values::Rate { passes: 4, fails: 2 }));
        run.check("my_trend", &[], trend(1.5, 1.5, 4.0));
        run.check("my_trend", &[("color", "blue"), ("group", "")], trend(1.5, 1.5, 2.0));
        run.check("my_gauge", &[], None);
    }

    #[test]
    fn a_counter_to_which_nothing_but_zeros_were_added_is_observed() {
        let mut run = Run::new();
        run.add(0, "my_counter", &[], &[0.0]);
        run.absorb();
        run.check("my_counter", &[], Some(Values::Counter { count: 0.0, rate: 0.0 }));
    }

    #[test]
    fn a_gauge_has_the_last_value_of_the_last_window() {
        let mut run = Run::new();
        run.add(0, "my_gauge", &[("vu", "1")], &[5.0]);
        run.add(0, "my_gauge", &[("vu", "2")], &[-2.0, 7.0]);
        run.add(0, "my_gauge", &[("vu", "1")], &[3.0]);
        run.absorb();
        let gauge = |value| Some(Values::Gauge { value, min: -2.0, max: 7.0 });
        run.check("my_gauge", &[], gauge(3.0));
        run.add(0, "my_gauge", &[("vu", "2")], &[4.0]);
        run.absorb();
        run.check("my_gauge", &[], gauge(4.0));
        run.check("my_gauge", &[("vu", "1")], Some(Values::Gauge { value: 3.0, min: 3.0, max: 5.0 }));
    }

    #[test]
    fn a_script_may_add_to_built_in_metrics() {
        let mut run = Run::new();
        let leaf = run.recorders[0].function_leaf(&SampleTags::default());
        run.recorders[0].record_iteration(leaf, 1_000_000);
        run.add(0, "iterations", &[], &[2.0]);
        run.add(1, "iteration_duration", &[], &[2.0, 6.0]);
        run.add(1, "vus", &[], &[9.0]);
        run.add(1, "checks", &[], &[0.0]);
        run.absorb();
        run.totals.sample_vus(4, 4);
        run.check("iterations", &[], Some(Values::Counter { count: 3.0, rate: 1.5 }));
        run.check("iteration_duration", &[], trend(3.0, 2.0, 3.0));
        run.check("vus", &[], Some(Values::Gauge { value: 9.0, min: 4.0, max: 9.0 }));
        run.check("checks", &[], Some(Values::Rate { passes: 0, fails: 1 }));
    }
}
