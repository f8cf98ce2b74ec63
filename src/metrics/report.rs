//! From totals to what the user sees: the whole `Summary`, section by section.
//!
//! A section is a choice of leaves by their tags: all of them, a scenario's, a group's. A metric
//! without samples is absent, as in k6, unless a threshold asks for it.

use super::builtin::Builtin;
use super::registry::MetricId;
use super::sink::Sink;
use super::summary::{Group, Metric, Section, Summary};
use super::threshold::Thresholds;
use super::totals::Totals;
use crate::options::TrendStat;
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

impl Totals {
    /// Of a run without thresholds.
    pub fn summary(&self, duration: Duration, stats: &[TrendStat], scope: SummaryScope) -> Summary {
        self.judged_summary(duration, stats, scope, &Thresholds::default())
    }

    /// `duration` is that of the test run; all rates are over it, those of groups too.
    /// `thresholds` have been evaluated.
    pub fn judged_summary(
        &self,
        duration: Duration,
        stats: &[TrendStat],
        scope: SummaryScope,
        thresholds: &Thresholds,
    ) -> Summary {
        let report = Report { totals: self, duration, stats };
        let mut summary = Summary {
            duration,
            trend_stats: stats.to_vec(),
            total: report.total(thresholds),
            root_group: self.root_group(),
            ..Summary::default()
        };
        if scope == SummaryScope::Full {
            for name in self.scenario_names() {
                let mut section = report.section(&[("scenario", name)]);
                section.groups = report.group_sections(name, &self.groups_of(name));
                if name == DEFAULT_SCENARIO {
                    summary.groups = section.groups;
                } else {
                    summary.scenarios.push((name.to_owned(), section));
                }
            }
        }
        summary
    }
}

/// What every part of a summary needs to know.
struct Report<'a> {
    totals: &'a Totals,
    duration: Duration,
    stats: &'a [TrendStat],
}

impl Report<'_> {
    /// The whole run, with sub-metrics and what thresholds say.
    fn total(&self, thresholds: &Thresholds) -> Section {
        let mut metrics = Vec::new();
        let mut push = |name: String, id: MetricId, tags: &[(&str, &str)], even_if_empty: bool| {
            let empty = || even_if_empty.then(|| Sink::empty(id.kind()));
            if let Some(sink) = self.totals.sink(id, tags).or_else(empty) {
                let results = thresholds.results(&name, &sink, self.duration, self.stats);
                metrics.push(Metric { thresholds: results, ..self.metric(name, id, &sink) });
            }
        };
        for id in self.totals.registry.all() {
            push(self.totals.registry.definition(id).name, id, &[], thresholds.demands(id));
        }
        for sub_metric in thresholds.sub_metrics() {
            push(sub_metric.name.clone(), sub_metric.metric, &sub_metric.tag_refs(), thresholds.are_judged());
        }
        // Always there; under the name that a threshold gives it, if one does.
        let expected = [("expected_response", "true")];
        let duration = MetricId::from(Builtin::HttpReqDuration);
        if !thresholds.sub_metrics().any(|known| known.metric == duration && known.tag_refs() == expected) {
            push("http_req_duration{expected_response:true}".to_owned(), duration, &expected, false);
        }
        Section { metrics, checks: self.totals.checks(&[]), groups: Vec::new() }
    }

    /// What has these tags; groups are for the caller to add.
    fn section(&self, tags: &[(&str, &str)]) -> Section {
        let observed = self.totals.registry.all().into_iter().filter_map(|id| {
            let sink = self.totals.sink(id, tags)?;
            Some(self.metric(self.totals.registry.definition(id).name, id, &sink))
        });
        Section { metrics: observed.collect(), checks: self.totals.checks(tags), groups: Vec::new() }
    }

    fn group_sections(&self, scenario: &str, parent: &Group) -> Vec<(String, Section)> {
        let section = |group: &Group| {
            // Exactly this group: k6 keeps a nested group's samples out of its parent's.
            let mut section = self.section(&[("scenario", scenario), ("group", group.path.as_str())]);
            section.groups = self.group_sections(scenario, group);
            (group.name.clone(), section)
        };
        parent.groups.iter().map(section).collect()
    }

    fn metric(&self, name: String, id: MetricId, sink: &Sink) -> Metric {
        Metric {
            name,
            contains: self.totals.registry.definition(id).contains,
            values: sink.values(self.duration, self.stats),
            thresholds: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::summary::Values;
    use crate::metrics::{ExchangeTags, ExchangeTiming, Recorder, RecorderBounds, TagSet};
    use crate::options::{SystemTags, ThresholdSpec};

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
    fn what_samples_do_not_carry_selects_nothing() {
        let totals = totals(|recorder| exchanges(recorder, "default", "", 200, 1));
        let sent = |tags: &[(&str, &str)]| totals.sink(MetricId::from(Builtin::HttpReqs), tags).is_some();
        assert!(sent(&[("status", "200")]) && sent(&[("scenario", "default")]));
        totals.registry.show_system_tags(SystemTags::of(["scenario"]));
        assert!(!sent(&[("status", "200")]) && sent(&[("scenario", "default")]));
    }

    #[test]
    fn the_expected_response_sub_metric_needs_an_expected_response() {
        let totals = totals(|recorder| exchanges(recorder, "default", "", 0, 2));
        let summary = totals.summary(TEN_SECONDS, &stats(), SummaryScope::Total);
        assert!(summary.total.metrics.iter().all(|metric| !metric.name.contains('{')));
    }

    fn judged(thresholds: &[(&str, &str)], totals: &Totals) -> Summary {
        let spec = |&(key, source): &(&str, &str)| {
            let spec =
                ThresholdSpec { source: source.to_owned(), abort_on_fail: false, delay_abort_eval: None };
            (key.to_owned(), vec![spec])
        };
        let specs: Vec<_> = thresholds.iter().map(spec).collect();
        let mut thresholds = Thresholds::parse(&specs, &totals.registry).unwrap();
        thresholds.evaluate(totals, TEN_SECONDS, true);
        totals.judged_summary(TEN_SECONDS, &stats(), SummaryScope::Total, &thresholds)
    }

    #[test]
    fn a_sub_metric_is_of_the_leaves_that_carry_all_its_tags() {
        let totals = totals(|recorder| {
            exchanges(recorder, "a", "", 200, 3);
            exchanges(recorder, "a", "::g", 200, 5);
            exchanges(recorder, "b", "", 200, 7);
        });
        let wanted = [
            "http_reqs{scenario:a}",
            "http_reqs{scenario: a ,group:''}",
            "http_reqs{status:200}",
            "http_reqs{status:200,nope:x}",
        ];
        let summary = judged(&wanted.map(|key| (key, "count>3")), &totals);
        let shown = lines(&summary.total).into_iter().filter(|line| line.starts_with("http_reqs{"));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                "http_reqs{scenario:a}: 8 0.8/s",
                "http_reqs{scenario: a ,group:''}: 3 0.3/s",
                "http_reqs{status:200}: 15 1.5/s",
                "http_reqs{status:200,nope:x}: 0 0/s",
            ]
        );
        let failed = |metric: &&Metric| metric.thresholds.iter().any(|threshold| !threshold.ok);
        let failed: Vec<&str> =
            summary.total.metrics.iter().filter(failed).map(|m| m.name.as_str()).collect();
        assert_eq!(failed, [wanted[1], wanted[3]]);
    }

    #[test]
    fn a_threshold_shows_its_metric_without_samples_and_the_parent_of_a_sub_metric() {
        let summary = judged(
            &[("checks", "rate>0.5"), ("iterations{scenario:x}", "count==0"), ("vus", "value==0")],
            &Totals::new(),
        );
        assert_eq!(
            lines(&summary.total),
            ["vus: 0 0..0", "iterations: 0 0/s", "checks: 0 of 0", "iterations{scenario:x}: 0 0/s"]
        );
    }

    #[test]
    fn the_expected_response_sub_metric_has_the_name_that_a_threshold_gives_it() {
        let totals = totals(|recorder| exchanges(recorder, "a", "", 200, 1));
        let summary = judged(&[("http_req_duration{expected_response:'true'}", "max<1")], &totals);
        let names = summary.total.metrics.iter().map(|metric| metric.name.as_str());
        let shown: Vec<&str> = names.filter(|name| name.contains('{')).collect();
        assert_eq!(shown, ["http_req_duration{expected_response:'true'}"]);
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
