//! Corner cases that recordings do not show; the recordings themselves are integration tests.

use super::*;
use crate::metrics::summary::{Check, Contains, Group, Threshold, Values};
use crate::options::TrendStat;
use std::time::Duration;

fn metric(name: &str, contains: Contains, values: Values) -> Metric {
    Metric { name: name.to_owned(), contains, values, thresholds: Vec::new() }
}

fn counter(name: &str, count: f64, rate: f64) -> Metric {
    metric(name, Contains::Default, Values::Counter { count, rate })
}

fn gauge(name: &str, value: f64, min: f64, max: f64) -> Metric {
    metric(name, Contains::Default, Values::Gauge { value, min, max })
}

fn times(name: &str, values: [f64; 6]) -> Metric {
    let stats = TrendStat::defaults().into_iter().zip(values).collect();
    metric(name, Contains::Time, Values::Trend { stats })
}

fn with(mut metric: Metric, thresholds: &[(&str, bool, Option<f64>)]) -> Metric {
    let threshold = |&(source, ok, observed): &(&str, bool, Option<f64>)| Threshold {
        windows: None,
        source: source.to_owned(),
        ok,
        observed,
    };
    metric.thresholds = thresholds.iter().map(threshold).collect();
    metric
}

fn failed_check(name: &str, passes: u64, fails: u64) -> Check {
    Check { name: name.to_owned(), path: String::new(), passes, fails }
}

fn totals(metrics: Vec<Metric>) -> Summary {
    let total = Section { metrics, ..Section::default() };
    Summary { duration: Duration::from_secs(2), total, ..Summary::default() }
}

#[track_caller]
fn check(summary: &Summary, mode: SummaryMode, want: &str) {
    let got = render_summary(summary, mode, None, false);
    assert_eq!(got, want, "\n{got}");
}

/// The metrics of the mixed example: gauges, rates, times beyond an hour.
fn mixed() -> Summary {
    let hours = [3_723_004.5, 0.0005, 0.0, 61_234.5, 2.749, 3.0449];
    totals(vec![
        times("my_wait", [100.25, 1.0, 1.0, 1.0, 1.0, 1.0]),
        gauge("vus_max", 10.0, 10.0, 10.0),
        gauge("vus", 10.0, 10.0, 10.0),
        times("iteration_duration", hours),
        counter("iterations", 3000.0, 99.876543),
        counter("http_reqs", 3000.0, 99.876543),
        metric("http_req_failed", Contains::Default, Values::Rate { passes: 1353, fails: 1647 }),
        with(
            times(
                "http_req_duration{expected_response:true}",
                [61_234.5, 0.447421, 1.7599, 15.4161, 2.749, 3.0449],
            ),
            &[("p(95)<500", true, Some(3.0449))],
        ),
        with(
            times("http_req_duration", [1.7612, 0.447421, 1.7599, 15.4161, 2.749, 3.0449]),
            &[("p(99)<500", true, Some(10.1)), (" avg < 1 ", false, Some(1.7612))],
        ),
    ])
}

#[test]
fn gauges_rates_and_long_times_share_their_columns() {
    check(
        &mixed(),
        SummaryMode::Compact,
        "

  █ THRESHOLDS 

    http_req_duration
    ✓ 'p(99)<500' p(99)=10.1ms
    ✗ 'avg < 1' avg=1.76ms

      {expected_response:true}
      ✓ 'p(95)<500' p(95)=3.04ms


  █ TOTAL RESULTS 

    CUSTOM
    my_wait........................: avg=100.25ms min=1ms      med=1ms    max=1ms     p(90)=1ms    p(95)=1ms   

    HTTP
    http_req_duration..............: avg=1.76ms   min=447.42µs med=1.75ms max=15.41ms p(90)=2.74ms p(95)=3.04ms
      { expected_response:true }...: avg=1m1s     min=447.42µs med=1.75ms max=15.41ms p(90)=2.74ms p(95)=3.04ms
    http_req_failed................: 45.10% 1353 out of 3000
    http_reqs......................: 3000   99.876543/s

    EXECUTION
    iteration_duration.............: avg=1h2m3s   min=500ns    med=0s     max=1m1s    p(90)=2.74ms p(95)=3.04ms
    iterations.....................: 3000   99.876543/s
    vus............................: 10     min=10           max=10
    vus_max........................: 10     min=10           max=10



",
    );
}

#[test]
fn a_lone_metric_has_no_dots() {
    check(
        &totals(vec![counter("iterations", 1.0, 10.0)]),
        SummaryMode::Compact,
        "

  █ TOTAL RESULTS 

    EXECUTION
    iterations: 1 10/s



",
    );
}

#[test]
fn an_unknown_aggregate_and_a_counters_rate_are_told_apart() {
    let judged = with(counter("a", 4.0, 2.0), &[("count>1", true, Some(4.0)), ("rate>3", false, Some(2.0))]);
    let summary = totals(vec![judged, with(gauge("b", 1.0, 1.0, 1.0), &[("med<1", false, None)])]);
    check(
        &summary,
        SummaryMode::Compact,
        "

  █ THRESHOLDS 

    a
    ✓ 'count>1' count=4
    ✗ 'rate>3' rate=2/s

    b
    ✗ 'med<1' med=undefined


  █ TOTAL RESULTS 

    CUSTOM
    a...: 4 2/s
    b...: 1 min=1 max=1



",
    );
}

#[test]
fn the_detail_of_a_failed_check_is_indented_twice_as_deep() {
    let inner = Section { checks: vec![failed_check("deep", 1, 2)], ..Section::default() };
    let middle = Section { groups: vec![("B".to_owned(), inner)], ..Section::default() };
    let outer = Section { groups: vec![("A".to_owned(), middle)], ..Section::default() };
    let mut summary = totals(Vec::new());
    summary.scenarios.push(("s".to_owned(), outer));
    check(
        &summary,
        SummaryMode::Full,
        "

  █ TOTAL RESULTS 


  █ SCENARIO: s 

    ↳ GROUP: A 

      ↳ GROUP: B 

        checks_total.......: 3      1.5/s
        checks_succeeded...: 33.33% 1 out of 3
        checks_failed......: 66.66% 2 out of 3

        ✗ deep
              ↳  33% — ✓ 1 / ✗ 2



",
    );
}

#[test]
fn a_disabled_summary_is_empty() {
    check(&mixed(), SummaryMode::Disabled, "");
}

/// The mixed example with groups, checks and a gauge of uneven width.
fn grouped() -> Summary {
    let mut summary = mixed();
    summary.root_group = Group {
        checks: vec![failed_check("root check", 1, 0)],
        groups: vec![Group {
            name: "child".to_owned(),
            checks: vec![failed_check("c1", 3, 0), failed_check("c2", 1, 2)],
            ..Group::default()
        }],
        ..Group::default()
    };
    let shown = ["http_req_duration", "http_req_failed", "http_reqs"];
    summary.total.metrics.retain(|metric| shown.iter().any(|name| metric.name.starts_with(name)));
    let reqs = summary.total.metrics.iter_mut().find(|metric| metric.name == "http_reqs");
    *reqs.unwrap() = with(counter("http_reqs", 3000.0, 99.876543), &[("count<1", false, Some(3000.0))]);
    for metric in &mut summary.total.metrics {
        metric.thresholds.retain(|threshold| ["p(99)<500", "count<1"].contains(&threshold.source.as_str()));
    }
    let data = Values::Counter { count: 9.0, rate: 0.3 };
    summary.total.metrics.extend([
        metric("data_received", Contains::Data, data),
        metric("checks", Contains::Default, Values::Rate { passes: 45, fails: 15 }),
        gauge("a_gauge", 1.5, 0.0, 2.0),
        gauge("vus", 10.0, 10.0, 10.0),
    ]);
    summary
}

#[test]
fn the_legacy_form_lists_every_metric_with_a_mark() {
    check(
        &grouped(),
        SummaryMode::Legacy,
        "
     ✓ root check

     █ child

       ✓ c1
       ✗ c2
        ↳  33% — ✓ 1 / ✗ 2

     a_gauge........................: 1.5    min=0            max=2 
     checks.........................: 75.00% 45 out of 60
     data_received..................: 9 B    0.3 B/s
   ✓ http_req_duration..............: avg=1.76ms min=447.42µs med=1.75ms max=15.41ms p(90)=2.74ms p(95)=3.04ms
       { expected_response:true }...: avg=1m1s   min=447.42µs med=1.75ms max=15.41ms p(90)=2.74ms p(95)=3.04ms
     http_req_failed................: 45.10% 1353 out of 3000
   ✗ http_reqs......................: 3000   99.876543/s
     vus............................: 10     min=10           max=10

",
    );
}

#[test]
fn the_older_legacy_form_counts_both_sides_of_a_rate_with_marks() {
    let mut summary = grouped();
    summary.total.metrics.retain(|metric| !matches!(metric.values, Values::Trend { .. }));
    summary.root_group = Group::default();
    check(
        &summary,
        SummaryMode::LegacyMarks,
        "
     a_gauge...........: 1.5    min=0       max=2 
     checks............: 75.00% ✓ 45        ✗ 15  
     data_received.....: 9 B    0.3 B/s
     http_req_failed...: 45.10% ✓ 1353      ✗ 1647
   ✗ http_reqs.........: 3000   99.876543/s
     vus...............: 10     min=10      max=10

",
    );
}
