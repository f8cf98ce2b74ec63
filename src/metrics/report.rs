//! From totals to what the user sees: each metric's samples added up, and the whole `Summary`.
//!
//! A metric, a sub-metric, a scenario's and a group's share are one question: "these leaves,
//! merged". The answer is a `Sink`, which `Summary` shows and thresholds judge. A metric without
//! samples is absent, as in k6.

use super::builtin::Builtin;
use super::summary::{Group, Metric, Section, Summary, Values};
use super::totals::{ExchangeLeaf, Gauge, ScenarioLeaf, Totals};
use super::trend::Trend;
use crate::options::TrendStat;
use std::borrow::Cow;
use std::time::Duration;

/// k6's name of the scenario that the shortcut options make. It has no section of its own.
const DEFAULT_SCENARIO: &str = "default";

/// How much of the summary is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummaryScope {
    /// The whole run (k6's `compact`).
    Total,
    /// Also each scenario and group by itself (k6's `full`).
    Full,
}

/// The samples of one metric, added up.
#[derive(Clone, Debug)]
pub enum Sink {
    Counter(u64),
    Gauge {
        value: u64,
        min: u64,
        max: u64,
    },
    /// `passes` counts the non-zero samples.
    Rate {
        passes: u64,
        fails: u64,
    },
    Trend(Trend),
}

impl Sink {
    /// `duration` is that of the test run: counters have a rate per second of it.
    pub fn values(&self, duration: Duration, stats: &[TrendStat]) -> Values {
        match self {
            Sink::Counter(count) => {
                let count = *count as f64;
                let rate = if duration.is_zero() { 0.0 } else { count / duration.as_secs_f64() };
                Values::Counter { count, rate }
            }
            Sink::Gauge { value, min, max } => {
                Values::Gauge { value: *value as f64, min: *min as f64, max: *max as f64 }
            }
            Sink::Rate { passes, fails } => Values::Rate { passes: *passes, fails: *fails },
            Sink::Trend(trend) => Values::Trend { stats: trend.stats(stats) },
        }
    }
}

impl Totals {
    /// What the metric's samples with all of these tags add up to; `None` if there are none.
    /// Gauges of the run (`vus`, `vus_max`) carry no tags.
    pub fn sink(&self, metric: Builtin, tags: &[(&str, &str)]) -> Option<Sink> {
        let trend = |of: fn(&ExchangeLeaf) -> &Trend| self.exchange_trend(tags, of);
        let opened = |of: fn(&ExchangeLeaf) -> &Trend| self.connection_trend(tags, of);
        match metric {
            Builtin::Vus => gauge(self.vus, tags),
            Builtin::VusMax => gauge(self.vus_max, tags),
            Builtin::Iterations => self.scenario_count(tags, |leaf| leaf.complete),
            Builtin::IterationDuration => {
                let mut merged = Trend::default();
                self.scenarios_with(tags).for_each(|leaf| merged.merge(&leaf.iteration_duration));
                unless_empty(merged)
            }
            Builtin::DroppedIterations => self.scenario_count(tags, |leaf| leaf.dropped),
            Builtin::HttpReqs => unless_zero(self.exchanges_with(tags).map(|leaf| leaf.requests).sum()),
            Builtin::HttpReqDuration => trend(|leaf| &leaf.duration),
            Builtin::HttpReqBlocked => opened(|leaf| &leaf.blocked),
            Builtin::HttpReqConnecting => opened(|leaf| &leaf.connecting),
            Builtin::HttpReqTlsHandshaking => opened(|leaf| &leaf.tls_handshaking),
            Builtin::HttpReqSending => trend(|leaf| &leaf.sending),
            Builtin::HttpReqWaiting => trend(|leaf| &leaf.waiting),
            Builtin::HttpReqReceiving => trend(|leaf| &leaf.receiving),
            Builtin::HttpReqFailed => self.failed_rate(tags),
            Builtin::DataSent => self.data(tags, |leaf| leaf.data_sent),
            Builtin::DataReceived => self.data(tags, |leaf| leaf.data_received),
        }
    }

    /// The sub-metric `parent{labels}`: `labels` as the user wrote them, `tags` what they mean.
    /// `None` if it has no samples.
    pub fn sub_metric(
        &self,
        parent: Builtin,
        labels: &str,
        tags: &[(&str, &str)],
        duration: Duration,
        stats: &[TrendStat],
    ) -> Option<Metric> {
        let sink = self.sink(parent, tags)?;
        let name = format!("{}{{{labels}}}", parent.name());
        Some(metric(name, parent, sink.values(duration, stats)))
    }

    /// `duration` is that of the test run; all rates are over it, those of groups too.
    pub fn summary(&self, duration: Duration, stats: &[TrendStat], scope: SummaryScope) -> Summary {
        let mut total = self.section(&[], duration, stats);
        total.metrics.extend(self.sub_metric(
            Builtin::HttpReqDuration,
            "expected_response:true",
            &[("expected_response", "true")],
            duration,
            stats,
        ));
        let mut summary = Summary {
            duration,
            trend_stats: stats.to_vec(),
            total,
            root_group: group_tree(self.exchanges.iter().map(|leaf| leaf.tags.group.as_str())),
            ..Summary::default()
        };
        if scope == SummaryScope::Full {
            for name in self.scenario_names() {
                let mut section = self.section(&[("scenario", name)], duration, stats);
                section.groups = self.group_sections(name, &self.groups_of(name), duration, stats);
                if name == DEFAULT_SCENARIO {
                    summary.groups = section.groups;
                } else {
                    summary.scenarios.push((name.to_owned(), section));
                }
            }
        }
        summary
    }

    /// All built-in metrics of the leaves with these tags; groups are for the caller to add.
    fn section(&self, tags: &[(&str, &str)], duration: Duration, stats: &[TrendStat]) -> Section {
        let observed = Builtin::all().filter_map(|builtin| {
            let sink = self.sink(builtin, tags)?;
            Some(metric(builtin.name().to_owned(), builtin, sink.values(duration, stats)))
        });
        Section { metrics: observed.collect(), ..Section::default() }
    }

    fn group_sections(
        &self,
        scenario: &str,
        parent: &Group,
        duration: Duration,
        stats: &[TrendStat],
    ) -> Vec<(String, Section)> {
        let section = |group: &Group| {
            // Exactly this group: k6 keeps a nested group's samples out of its parent's.
            let tags = [("scenario", scenario), ("group", group.path.as_str())];
            let mut section = self.section(&tags, duration, stats);
            section.groups = self.group_sections(scenario, group, duration, stats);
            (group.name.clone(), section)
        };
        parent.groups.iter().map(section).collect()
    }

    /// Sorted by name, without the nameless (setup and teardown).
    fn scenario_names(&self) -> Vec<&str> {
        let of_exchanges = self.exchanges.iter().map(|leaf| leaf.tags.scenario.as_str());
        let of_iterations = self.scenarios.iter().map(|leaf| leaf.tags.scenario.as_str());
        let mut names: Vec<&str> =
            of_exchanges.chain(of_iterations).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn groups_of(&self, scenario: &str) -> Group {
        let leaves = self.exchanges.iter().filter(|leaf| leaf.tags.scenario == scenario);
        group_tree(leaves.map(|leaf| leaf.tags.group.as_str()))
    }

    fn exchange_trend(&self, tags: &[(&str, &str)], of: fn(&ExchangeLeaf) -> &Trend) -> Option<Sink> {
        let mut merged = Trend::default();
        self.exchanges_with(tags).for_each(|leaf| merged.merge(of(leaf)));
        unless_empty(merged)
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

    fn failed_rate(&self, tags: &[(&str, &str)]) -> Option<Sink> {
        let (mut passes, mut fails) = (0, 0);
        for leaf in self.exchanges_with(tags) {
            match leaf.tags.expected_response {
                Some(true) => fails += leaf.requests,
                Some(false) => passes += leaf.requests,
                None => {}
            }
        }
        (passes + fails > 0).then_some(Sink::Rate { passes, fails })
    }

    fn scenario_count(&self, tags: &[(&str, &str)], of: fn(&ScenarioLeaf) -> u64) -> Option<Sink> {
        unless_zero(self.scenarios_with(tags).map(of).sum())
    }

    /// Emitted even if no byte was moved, so a count of 0 is no absence here.
    fn data(&self, tags: &[(&str, &str)], of: fn(&ScenarioLeaf) -> u64) -> Option<Sink> {
        let flushed = self.scenarios_with(tags).any(|leaf| leaf.data_flushes > 0);
        flushed.then(|| Sink::Counter(self.scenarios_with(tags).map(of).sum()))
    }

    fn exchanges_with(&self, tags: &[(&str, &str)]) -> impl Iterator<Item = &ExchangeLeaf> {
        self.exchanges.iter().filter(move |leaf| carries(tags, |name| leaf.tags.tag(name)))
    }

    fn scenarios_with(&self, tags: &[(&str, &str)]) -> impl Iterator<Item = &ScenarioLeaf> {
        self.scenarios.iter().filter(move |leaf| carries(tags, |name| leaf.tags.tag(name)))
    }
}

fn carries<'a>(tags: &[(&str, &str)], tag: impl Fn(&str) -> Option<Cow<'a, str>>) -> bool {
    tags.iter().all(|(name, value)| tag(name).is_some_and(|carried| carried == *value))
}

fn gauge(gauge: Option<Gauge>, tags: &[(&str, &str)]) -> Option<Sink> {
    let Gauge { value, min, max } = gauge.filter(|_| tags.is_empty())?;
    Some(Sink::Gauge { value, min, max })
}

fn unless_zero(count: u64) -> Option<Sink> {
    (count > 0).then_some(Sink::Counter(count))
}

fn unless_empty(trend: Trend) -> Option<Sink> {
    (trend.count() > 0).then_some(Sink::Trend(trend))
}

fn metric(name: String, builtin: Builtin, values: Values) -> Metric {
    Metric { name, contains: builtin.definition().contains, values, thresholds: Vec::new() }
}

/// The tree of these group paths, in order of first appearance. k6 leaves out what `setup` and
/// `teardown` did outside of checks.
fn group_tree<'a>(paths: impl Iterator<Item = &'a str>) -> Group {
    let mut root = Group::default();
    for path in paths {
        let mut names = path.split("::").skip(1).peekable();
        if matches!(names.peek(), Some(&("setup" | "teardown"))) {
            continue;
        }
        let mut group = &mut root;
        for name in names {
            group = child(group, name);
        }
    }
    root
}

fn child<'a>(parent: &'a mut Group, name: &str) -> &'a mut Group {
    let at = parent.groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
        let path = format!("{}::{name}", parent.path);
        parent.groups.push(Group { name: name.to_owned(), path, ..Group::default() });
        parent.groups.len() - 1
    });
    &mut parent.groups[at]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{ExchangeTags, ExchangeTiming, Recorder, RecorderBounds, TagSet};

    const MS: u64 = 1_000_000;
    const TEN_SECONDS: Duration = Duration::from_secs(10);

    /// Exchanges of one leaf: 1 ms sending, 2 ms waiting, 3 ms receiving.
    fn exchanges(recorder: &mut Recorder, scenario: &str, group: &str, status: u16, n: u32) {
        let leaf = recorder.exchange_leaf(&ExchangeTags {
            scenario: scenario.to_owned(),
            group: group.to_owned(),
            status,
            expected_response: Some((200..400).contains(&status)),
            ..ExchangeTags::default()
        });
        let timing = ExchangeTiming { sending_ns: MS, waiting_ns: 2 * MS, receiving_ns: 3 * MS };
        recorder.record_exchange(leaf, timing, n);
        recorder.record_connection(leaf, 8 * MS, 4 * MS, 0);
    }

    fn totals(fill: impl FnOnce(&mut Recorder)) -> Totals {
        let mut recorder = Recorder::new(RecorderBounds { samples: 100, leaves: 100 });
        fill(&mut recorder);
        let mut totals = Totals::new();
        totals.absorb(0, recorder.take_window(None));
        totals
    }

    /// A section as lines: values in the order avg, max, count for trends.
    fn lines(section: &Section) -> Vec<String> {
        let line = |metric: &Metric| {
            let values = match &metric.values {
                Values::Counter { count, rate } => format!("{count} {rate}/s"),
                Values::Gauge { value, min, max } => format!("{value} {min}..{max}"),
                Values::Rate { passes, fails } => format!("{passes} of {}", passes + fails),
                Values::Trend { stats } => {
                    stats.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" ")
                }
            };
            format!("{}: {values}", metric.name)
        };
        section.metrics.iter().map(line).collect()
    }

    fn stats() -> [TrendStat; 3] {
        [TrendStat::Avg, TrendStat::Max, TrendStat::Count]
    }

    #[track_caller]
    fn check(totals: &Totals, want: &[&str]) {
        let summary = totals.summary(TEN_SECONDS, &stats(), SummaryScope::Total);
        assert_eq!(lines(&summary.total), want);
        assert_eq!((summary.groups.len(), summary.scenarios.len()), (0, 0));
    }

    #[test]
    fn a_metric_without_samples_is_absent() {
        check(&Totals::new(), &[]);
        check(
            &totals(|recorder| {
                recorder.scenario_leaf("default", &TagSet::new());
            }),
            &[],
        );
    }

    #[test]
    fn every_builtin_metric_has_the_meaning_of_k6() {
        let mut totals = totals(|recorder| {
            exchanges(recorder, "default", "", 200, 3);
            exchanges(recorder, "default", "", 404, 1);
            let leaf = recorder.scenario_leaf("default", &TagSet::new());
            recorder.record_iteration(leaf, 20 * MS);
            recorder.record_iteration(leaf, 40 * MS);
            recorder.record_interrupted(leaf);
            recorder.record_dropped(leaf, 5);
            recorder.add_data(leaf, 100, 0);
        });
        totals.sample_vus(3, 10);
        totals.sample_vus(1, 10);
        check(
            &totals,
            &[
                "vus: 1 1..3",
                "vus_max: 10 10..10",
                "iterations: 2 0.2/s",
                "iteration_duration: 30 40 2",
                "dropped_iterations: 5 0.5/s",
                "http_reqs: 4 0.4/s",
                "http_req_duration: 6 6 4",
                "http_req_blocked: 4 8 4",
                "http_req_connecting: 2 4 4",
                "http_req_tls_handshaking: 0 0 4",
                "http_req_sending: 1 1 4",
                "http_req_waiting: 2 2 4",
                "http_req_receiving: 3 3 4",
                "http_req_failed: 1 of 4",
                "data_sent: 100 10/s",
                "data_received: 0 0/s",
                "http_req_duration{expected_response:true}: 6 6 3",
            ],
        );
    }

    #[test]
    fn the_expected_response_sub_metric_needs_an_expected_response() {
        let totals = totals(|recorder| exchanges(recorder, "default", "", 0, 2));
        let summary = totals.summary(TEN_SECONDS, &stats(), SummaryScope::Total);
        assert!(summary.total.metrics.iter().all(|metric| !metric.name.contains('{')));
    }

    #[test]
    fn a_sub_metric_is_of_the_leaves_that_carry_all_its_tags() {
        let totals = totals(|recorder| {
            exchanges(recorder, "a", "", 200, 3);
            exchanges(recorder, "a", "::g", 200, 5);
            exchanges(recorder, "b", "", 200, 7);
        });
        let count = |tags: &[(&str, &str)]| {
            let metric = totals.sub_metric(Builtin::HttpReqs, " as : typed ", tags, TEN_SECONDS, &stats())?;
            assert_eq!(metric.name, "http_reqs{ as : typed }");
            match metric.values {
                Values::Counter { count, .. } => Some(count),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(count(&[("scenario", "a")]), Some(8.0));
        assert_eq!(count(&[("scenario", "a"), ("group", "")]), Some(3.0));
        assert_eq!(count(&[("status", "200")]), Some(15.0));
        assert_eq!(count(&[("status", "200"), ("nope", "x")]), None);
    }

    #[test]
    fn scenarios_but_the_default_have_sections_and_groups_stand_in_them() {
        let totals = totals(|recorder| {
            exchanges(recorder, "z", "::A::B", 200, 1);
            exchanges(recorder, "z", "::A", 200, 2);
            exchanges(recorder, "b", "", 200, 4);
            exchanges(recorder, "default", "::top", 200, 8);
            exchanges(recorder, "", "::setup", 200, 16);
        });
        let summary = totals.summary(TEN_SECONDS, &stats(), SummaryScope::Full);
        let requests = |section: &Section| lines(section)[0].clone();

        assert_eq!(requests(&summary.total), "http_reqs: 31 3.1/s");
        let names: Vec<&str> = summary.scenarios.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "z"]);
        let (_, z) = &summary.scenarios[1];
        assert_eq!(requests(z), "http_reqs: 3 0.3/s");
        let (name, a) = &z.groups[0];
        assert_eq!((name.as_str(), requests(a)), ("A", "http_reqs: 2 0.2/s".to_owned()));
        let (name, b) = &a.groups[0];
        assert_eq!((name.as_str(), requests(b)), ("B", "http_reqs: 1 0.1/s".to_owned()));
        assert_eq!(summary.groups[0].0, "top");

        let root: Vec<&str> = summary.root_group.groups.iter().map(|group| group.path.as_str()).collect();
        assert_eq!(root, ["::A", "::top"]);
        assert_eq!(summary.root_group.groups[0].groups[0].path, "::A::B");
    }
}
