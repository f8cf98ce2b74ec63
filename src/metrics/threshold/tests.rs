//! Parsing against k6's texts, and evaluation over time.

use super::*;
use crate::metrics::builtin::Kind;
use crate::metrics::summary::Contains;
use crate::metrics::{CheckTags, ExchangeTags, ExchangeTiming, Recorder, RecorderBounds, SampleTags};
use std::sync::Arc;

fn spec(source: &str) -> ThresholdSpec {
    ThresholdSpec { source: source.to_owned(), abort_on_fail: false, delay_abort_eval: None }
}

fn aborting(source: &str, delay_s: Option<u64>) -> ThresholdSpec {
    let delay_abort_eval = delay_s.map(Duration::from_secs);
    ThresholdSpec { abort_on_fail: true, delay_abort_eval, ..spec(source) }
}

fn specs(thresholds: &[(&str, &[&str])]) -> Vec<(String, Vec<ThresholdSpec>)> {
    let specs = |sources: &[&str]| sources.iter().map(|source| spec(source)).collect();
    thresholds.iter().map(|&(key, sources)| (key.to_owned(), specs(sources))).collect()
}

/// With a metric of each kind.
fn registry() -> Arc<Registry> {
    let registry = Registry::new();
    let kinds = [
        ("my_counter", Kind::Counter),
        ("my_gauge", Kind::Gauge),
        ("my_rate", Kind::Rate),
        ("my_trend", Kind::Trend),
    ];
    for (name, kind) in kinds {
        registry.declare(name, kind, Contains::Default).unwrap();
    }
    Arc::new(registry)
}

#[track_caller]
fn check_refused(key: &str, source: &str, want: &str) {
    let got = Thresholds::parse(&specs(&[(key, &[source])]), &registry());
    assert_eq!(got, Err(want.to_owned()));
}

#[test]
fn a_script_with_a_bad_threshold_is_refused_in_k6s_words() {
    check_refused(
        "http_req_duration",
        "rate<100",
        "invalid threshold \"rate<100\" applied on metric http_req_duration; reason: unsupported aggregation \
         method rate on metric of type trend. supported aggregation methods for this metric are: avg, min, max, \
         med, p",
    );
    check_refused(
        "nope_metric",
        "rate<0.1",
        "invalid threshold defined on nope_metric; reason: no metric name \"nope_metric\" found",
    );
    check_refused(
        "http_req_duration",
        "p95<100",
        "failed parsing threshold expression's \"p95<100\" left hand side; reason: failed parsing method from \
         expression",
    );
    check_refused(
        "http_reqs{status:200}",
        "p(95)<1",
        "invalid threshold \"p(95)<1\" applied on metric http_reqs{status:200}; reason: unsupported aggregation \
         method p on metric of type counter. supported aggregation methods for this metric are: count, rate",
    );
    check_refused(
        "my_gauge",
        "max<1",
        "invalid threshold \"max<1\" applied on metric my_gauge; reason: unsupported aggregation method max on \
         metric of type gauge. supported aggregation methods for this metric are: value",
    );
    check_refused(
        "checks",
        "count>1",
        "invalid threshold \"count>1\" applied on metric checks; reason: unsupported aggregation method count \
         on metric of type rate. supported aggregation methods for this metric are: rate",
    );
    check_refused(
        "http_reqs{status:200",
        "count>1",
        "unable to validate threshold expressions; reason: parsing metric name failed, metric \
         \"http_reqs{status:200\" has unmatched opening/close curly brace",
    );
}

#[test]
fn an_expression_is_read_before_its_metric_is_looked_up() {
    check_refused(
        "nope",
        "x",
        "failed parsing threshold expression \"x\"; reason: malformed threshold expression",
    );
}

#[test]
fn tags_that_no_longer_exist_are_warned_of() {
    let thresholds =
        Thresholds::parse(&specs(&[("iterations{vu:1,iter:0}", &["count>0"])]), &registry()).unwrap();
    let text = |tag: &str| {
        format!(
            "The high-cardinality '{tag}' metric tag was made non-indexable in k6 v0.41.0, so thresholds like \
             'iterations{{vu:1,iter:0}}' that are based on it won't work correctly."
        )
    };
    assert_eq!(thresholds.warnings(), [text("vu"), text("iter")]);
}

#[test]
fn without_thresholds_a_bad_one_is_a_warning_and_nothing_is_judged() {
    let specs = specs(&[("nope", &["x"]), ("http_reqs{status:200}", &["count>1000"])]);
    let mut thresholds = Thresholds::unjudged(&specs, &registry());
    assert_eq!(thresholds.warnings(), ["Invalid metric 'nope' in threshold definitions"]);
    assert!(thresholds.is_empty());
    assert_eq!(thresholds.evaluate(&Totals::new(), EVERY, true), Crossed::default());
    assert_eq!(thresholds.sub_metrics().count(), 1);
}

#[test]
fn the_same_tags_written_twice_are_one_sub_metric() {
    let registry = registry();
    let twice = specs(&[("http_reqs{a:1,b:2}", &["count>0"]), ("http_reqs{ b:\"2\", a:1 }", &["count>1"])]);
    let mut thresholds = Thresholds::parse(&twice, &registry).unwrap();
    assert_eq!(thresholds.sub_metrics().count(), 1);
    assert_eq!(thresholds.evaluate(&Totals::new(), EVERY, true).metrics, ["http_reqs{a:1,b:2}"]);
    let sink = Sink::Counter(1.0);
    let results = thresholds.results("http_reqs{a:1,b:2}", &sink, EVERY, &[]);
    assert_eq!(results.len(), 2);
}

/// A run with a few samples of everything: 4 exchanges of 6 ms, one of them failed; 3 checks, one
/// of them failed; and what `add` adds.
fn totals(registry: &Arc<Registry>) -> Totals {
    let mut recorder = Recorder::new(RecorderBounds { samples: 100, leaves: 100 });
    let timing = ExchangeTiming { sending_ns: 1_000_000, waiting_ns: 2_000_000, receiving_ns: 3_000_000 };
    for (status, n) in [(200, 3), (500, 1)] {
        let leaf = recorder.exchange_leaf(&ExchangeTags {
            scenario: "default".to_owned(),
            group: "::front".to_owned(),
            status,
            expected_response: Some(status == 200),
            ..ExchangeTags::default()
        });
        recorder.record_exchange(leaf, timing, n);
    }
    let user = [("t".to_owned(), "x".to_owned())].into();
    let leaf = recorder.check_leaf(&CheckTags { name: "c".to_owned(), user, ..CheckTags::default() });
    [true, true, false].iter().for_each(|&passed| recorder.record_check(leaf, passed));
    for (name, values) in [("my_counter", [4.0, 6.0]), ("my_gauge", [1.0, 7.0]), ("my_trend", [-1.0, 3.0])] {
        let leaf = recorder.custom_leaf(registry.find(name).unwrap(), &SampleTags::default());
        values.iter().for_each(|&value| recorder.record_custom(leaf, value));
    }
    let mut totals = Totals::with_registry(registry.clone());
    totals.absorb(0, recorder.take_window(None));
    totals
}

#[track_caller]
fn check(key: &str, source: &str, want: bool) {
    let registry = registry();
    let mut thresholds = Thresholds::parse(&specs(&[(key, &[source])]), &registry).unwrap();
    let crossed = thresholds.evaluate(&totals(&registry), Duration::from_secs(2), true);
    assert_eq!(crossed.metrics.is_empty(), want, "{key}: {source}");
}

#[test]
fn thresholds_judge_metrics_in_their_own_units() {
    check("http_reqs", "count==4", true);
    check("http_reqs", "rate==2", true);
    check("http_reqs", "rate>2", false);
    check("http_req_duration", "p(95)<6.1", true);
    check("http_req_duration", "avg<6", false);
    check("http_req_duration{status:500}", "max==6", true);
    check("http_req_failed", "rate<=0.25", true);
    check("checks{t:x}", "rate>0.6", true);
    check("checks{check:c,group:''}", "rate>0.7", false);
    check("http_reqs{group:::front,expected_response:true}", "count==3", true);
    check("my_counter", "count===10", true);
    check("my_gauge", "value!=7", false);
    check("my_trend", "min==-1", true);
    check("my_trend", "med==1", true);
}

#[test]
fn an_empty_metric_is_judged_as_zeros_but_for_a_rate() {
    check("http_reqs{nope:x}", "count>0", false);
    check("http_reqs{nope:x}", "rate<1", true);
    check("my_gauge{nope:x}", "value>0", false);
    check("http_req_duration{nope:x}", "p(95)<500", true);
    check("http_req_duration{nope:x}", "avg>1", false);
    check("my_rate", "rate>0.9", true);
}

#[test]
fn a_rate_over_no_time_breaks_no_promise() {
    let registry = registry();
    let mut thresholds = Thresholds::parse(&specs(&[("http_reqs", &["rate>1000"])]), &registry).unwrap();
    let totals = totals(&registry);
    assert!(thresholds.evaluate(&totals, Duration::ZERO, true).metrics.is_empty());
    assert_eq!(thresholds.evaluate(&totals, EVERY, true).metrics, ["http_reqs"]);
}

#[test]
fn before_the_end_metrics_without_samples_are_passed_over() {
    let registry = registry();
    let both =
        specs(&[("my_rate", &["rate>2"]), ("http_reqs{nope:x}", &["count>0"]), ("checks", &["rate>2"])]);
    let mut thresholds = Thresholds::parse(&both, &registry).unwrap();
    let totals = totals(&registry);
    assert_eq!(thresholds.evaluate(&totals, EVERY, false).metrics, ["checks"]);
    assert_eq!(thresholds.evaluate(&totals, EVERY, true).metrics, ["checks", "http_reqs{nope:x}"]);
}

#[test]
fn the_last_evaluation_counts() {
    let registry = registry();
    let mut thresholds = Thresholds::parse(&specs(&[("http_reqs", &["rate>=2"])]), &registry).unwrap();
    let totals = totals(&registry);
    let ok = |thresholds: &Thresholds| {
        thresholds.results("http_reqs", &Sink::Counter(4.0), EVERY, &[]).iter().all(|result| result.ok)
    };
    thresholds.evaluate(&totals, Duration::from_secs(4), false);
    assert!(!ok(&thresholds));
    thresholds.evaluate(&totals, Duration::from_secs(2), true);
    assert!(ok(&thresholds));
}

#[track_caller]
fn check_aborts(specs: Vec<ThresholdSpec>, elapsed_s: u64, want: bool) {
    let registry = registry();
    let mut thresholds = Thresholds::parse(&[("http_reqs".to_owned(), specs)], &registry).unwrap();
    let crossed = thresholds.evaluate(&totals(&registry), Duration::from_secs(elapsed_s), false);
    assert_eq!(crossed.aborts, want);
}

#[test]
fn a_crossed_threshold_aborts_if_it_says_so_and_its_delay_is_over() {
    check_aborts(vec![spec("count>10")], 2, false);
    check_aborts(vec![aborting("count>10", None)], 2, true);
    check_aborts(vec![aborting("count>1", None), spec("count>10")], 2, false);
    check_aborts(vec![aborting("count>10", Some(10))], 10, false);
    check_aborts(vec![aborting("count>10", Some(10))], 11, true);
}

#[test]
fn messages_name_the_metrics_in_order() {
    let crossed = Crossed { metrics: vec!["a".to_owned(), "b{c:d}".to_owned()], aborts: true };
    assert_eq!(crossed.final_message(), "thresholds on metrics 'a, b{c:d}' have been crossed");
    assert_eq!(
        crossed.abort_message(),
        "thresholds on metrics 'a, b{c:d}' were crossed; at least one has abortOnFail enabled, stopping test \
         prematurely"
    );
}

#[test]
fn what_was_observed_is_what_the_summary_shows() {
    let registry = registry();
    let sources: &[&str] = &["med<1", "avg<1", "p(99)<1"];
    let thresholds = Thresholds::parse(&specs(&[("my_trend", sources)]), &registry).unwrap();
    let sink = totals(&registry).sink(registry.find("my_trend").unwrap(), &[]).unwrap();
    let results = thresholds.results("my_trend", &sink, EVERY, &[TrendStat::Avg]);
    let observed: Vec<Option<f64>> = results.iter().map(|result| result.observed).collect();
    assert_eq!(observed, [None, Some(1.0), Some(2.96)]);
}

/// Judges seconds with these durations of requests (in ms) each; results in the summary's form.
fn windowed(key: &str, source: &str, seconds: &[&[u64]]) -> (Thresholds, summary::Threshold) {
    let registry = registry();
    let mut thresholds = Thresholds::parse(&specs(&[(key, &[source])]), &registry).unwrap();
    assert!(thresholds.have_windows());
    let mut recorder = Recorder::new(RecorderBounds { samples: 100, leaves: 100 });
    let mut second = Totals::with_registry(registry);
    for (place, durations) in seconds.iter().enumerate() {
        let tags = ExchangeTags { status: 200, expected_response: Some(true), ..ExchangeTags::default() };
        let leaf = recorder.exchange_leaf(&tags);
        for ms in *durations {
            let timing = ExchangeTiming { sending_ns: 0, waiting_ns: ms * 1_000_000, receiving_ns: 0 };
            recorder.record_exchange(leaf, timing, 1);
        }
        second.absorb(0, recorder.take_window(None));
        let from = Duration::from_secs(place as u64);
        thresholds.on_stretch(&second, from, from + Duration::from_secs(1));
        second.forget_samples();
    }
    thresholds.evaluate(&Totals::new(), Duration::from_secs(seconds.len() as u64), true);
    let (_, result) = thresholds.all_results().remove(0);
    (thresholds, result)
}

/// Windows judged and failed, the first that failed in seconds, and what was observed.
#[track_caller]
fn check_windows(
    key: &str,
    source: &str,
    seconds: &[&[u64]],
    counts: (u64, u64),
    first: Option<(u64, u64)>,
    observed: Option<f64>,
) {
    let (_, result) = windowed(key, source, seconds);
    let windows = result.windows.unwrap();
    assert_eq!((windows.judged, windows.failed), counts, "{source}");
    let seconds = |(from, to): (Duration, Duration)| (from.as_secs(), to.as_secs());
    assert_eq!(windows.first_failed.map(seconds), first, "{source}");
    assert_eq!((result.observed, result.ok), (observed, counts.1 == 0), "{source}");
}

#[test]
fn every_window_is_judged_as_it_slides_and_the_first_that_failed_is_named() {
    let seconds: &[&[u64]] = &[&[10], &[10], &[90, 10], &[10], &[10]];
    check_windows("http_req_duration", "max<50 over 1s", seconds, (5, 1), Some((2, 3)), Some(90.0));
    check_windows("http_req_duration", "max<50 over 2s", seconds, (4, 2), Some((1, 3)), Some(90.0));
    check_windows("http_req_duration", "max<100 over 2s", seconds, (4, 0), None, Some(90.0));
    check_windows("http_req_duration{status:200}", "avg<31 over 3s", seconds, (3, 0), None, Some(30.0));
}

#[test]
fn a_silence_is_zero_to_a_counter_and_nothing_to_the_others() {
    let seconds: &[&[u64]] = &[&[10, 20], &[], &[], &[10, 20]];
    check_windows("http_reqs", "count>1 over 1s", seconds, (4, 2), Some((1, 2)), Some(0.0));
    check_windows("http_reqs", "count>=2 over 3s", seconds, (2, 0), None, Some(2.0));
    check_windows("http_reqs", "rate>0.9 over 2s", seconds, (3, 1), Some((1, 3)), Some(0.0));
    check_windows("http_req_duration", "min>5 over 1s", seconds, (2, 0), None, Some(10.0));
}

#[test]
fn a_run_shorter_than_the_window_is_one_window() {
    check_windows("http_req_duration", "max<50 over 10s", &[&[10], &[60]], (1, 1), Some((0, 2)), Some(60.0));
    check_windows("http_reqs", "count>2 over 10s", &[&[10], &[60]], (1, 1), Some((0, 2)), Some(2.0));
}

#[test]
fn long_windows_slide_by_a_sixtieth() {
    let second: &[u64] = &[10];
    let seconds = vec![second; 200];
    check_windows("http_reqs", "count>0 over 2m", &seconds, (41, 0), None, Some(120.0));
}

#[test]
fn what_k6_reads_has_no_window() {
    let registry = registry();
    let thresholds = Thresholds::parse(&specs(&[("http_reqs", &["count>0"])]), &registry).unwrap();
    assert!(!thresholds.have_windows());
    for (source, why) in [
        ("count>0 over", "\"\" is no duration"),
        ("count>0 over 10", "\"10\" is no duration"),
        ("count>0 over 1500ms", "must be of whole seconds, 1s to 1h, but is 1500ms"),
    ] {
        let error = Thresholds::parse(&specs(&[("http_reqs", &[source])]), &registry).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    check_refused(
        "http_reqs",
        "cnt<1 over 2s",
        "failed parsing threshold expression's \"cnt<1 \" left hand side; reason: failed parsing method from expression",
    );
}
