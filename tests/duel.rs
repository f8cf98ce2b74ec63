//! The pure parts of `benches/duel`: what it reads from each tool, and how it judges.

#[path = "../benches/duel/goals.rs"]
mod goals;
#[path = "../benches/duel/reading.rs"]
mod reading;
#[path = "../benches/duel/samples.rs"]
mod samples;
#[path = "../benches/duel/spread.rs"]
mod spread;

use reading::Count;
use samples::{CellRuns, Sample};
use spread::Spread;

#[track_caller]
fn check_count(read: fn(&str) -> Option<Count>, text: &str, requests: u64, milliseconds: u64, failed: u64) {
    let got = read(text).expect("a count");
    let rounded = Count { seconds: (got.seconds * 1e3).round(), ..got };
    assert_eq!(rounded, Count { requests, seconds: milliseconds as f64, failed });
}

#[test]
fn the_count_of_wrk_is_without_wrong_statuses_and_its_time_more_exact_than_printed() {
    let good = "  36209 requests in 1.10s, 2.90MB read\nRequests/sec:  32815.66\nTransfer/sec:      2.63MB\n";
    check_count(reading::wrk, good, 36_209, 1_103, 0);
    let bad = "  70958 requests in 1.11s, 6.83MB read\n\
               \x20 Socket errors: connect 1, read 20, write 0, timeout 300\n\
               \x20 Non-2xx or 3xx responses: 70000\nRequests/sec:  63943.64\n";
    check_count(reading::wrk, bad, 958, 1_110, 70_321);
}

#[test]
fn the_count_of_ab_is_read() {
    let text = "Time taken for tests:   1.001 seconds\nComplete requests:      4927\nFailed requests:        7\n\
                \x20  (Connect: 0, Receive: 0, Length: 7, Exceptions: 0)\nNon-2xx responses:      20\n";
    check_count(reading::ab, text, 4_900, 1_001, 27);
}

#[test]
fn the_count_of_h2load_is_what_succeeded() {
    let text = "finished in 1.00s, 17685.00 req/s, 1.42MB/s\n\
                requests: 17690 total, 17692 started, 17690 done, 17685 succeeded, 5 failed, 4 errored, 0 timeout\n\
                status codes: 17685 2xx, 0 3xx, 0 4xx, 5 5xx\n";
    check_count(reading::h2load, text, 17_685, 1_000, 9);
}

#[test]
fn the_count_of_hey_is_by_status_and_error() {
    let text = "\nSummary:\n  Total:\t2.0021 secs\n  Slowest:\t0.0121 secs\n\nResponse time histogram:\n\
                \x20 0.000 [1]\t|\n\nStatus code distribution:\n  [200]\t102000 responses\n  [503]\t4 responses\n\n\
                Error distribution:\n  [3]\tGet \"http://127.0.0.1:1/\": dial tcp: connection refused\n";
    check_count(reading::hey, text, 102_000, 2_002, 7);
}

#[test]
fn the_count_of_oha_is_without_what_its_end_cut_off() {
    let text = r#"{"summary": {"successRate": 1.0, "total": 2.0005}, "statusCodeDistribution": {"200": 320000, "500": 2},
                   "errorDistribution": {"aborted due to deadline": 64, "connection refused": 3}}"#;
    check_count(reading::oha, text, 320_000, 2_001, 5);
}

#[test]
fn the_count_of_bombardier_is_read() {
    let text = r#"{"spec":{"numberOfConnections":64},"result":{"bytesRead":1,"bytesWritten":1,"timeTakenSeconds":2.001,
                   "req1xx":0,"req2xx":378000,"req3xx":1,"req4xx":2,"req5xx":3,"others":4}}"#;
    check_count(reading::bombardier, text, 378_000, 2_001, 10);
}

#[test]
fn the_count_of_k6_and_ringload_is_in_their_export() {
    let text = r#"{"metrics": {"http_reqs": {"count": 3000, "rate": 1500.0},
                   "http_req_failed": {"passes": 40, "fails": 2960, "value": 0.0133}}}"#;
    check_count(reading::summary_export, text, 2_960, 2_000, 40);
}

#[test]
fn output_without_a_count_has_none() {
    let readers =
        [reading::wrk, reading::ab, reading::h2load, reading::hey, reading::oha, reading::bombardier];
    for read in readers.into_iter().chain([reading::summary_export as fn(&str) -> Option<Count>]) {
        assert_eq!(read(""), None);
        assert_eq!(read("unable to connect to 127.0.0.1:1 Connection refused\n"), None);
    }
}

#[track_caller]
fn check_lag(shown: &str, want_us: f64) {
    let text = format!(
        "    ENGINE\n    transport...: io_uring\n    start_lag......................: p50=0s p99={shown}\n"
    );
    assert_eq!(reading::start_lag_p99_us(&text), Some(want_us));
}

#[test]
fn the_start_lag_is_read_in_every_unit() {
    check_lag("0s", 0.0);
    check_lag("250ns", 0.25);
    check_lag("19.5µs", 19.5);
    check_lag("7.22ms", 7_220.0);
    check_lag("1.5s", 1_500_000.0);
    assert_eq!(reading::start_lag_p99_us("    ENGINE\n    transport...: io_uring\n"), None);
}

#[track_caller]
fn check_spread(figures: &[f64], want: Option<[f64; 3]>, text: &str) {
    let got = Spread::of(figures.iter().copied());
    assert_eq!(got, want.map(|[min, median, max]| Spread { median, min, max }));
    assert_eq!(got.map_or_else(String::new, |spread| spread.text(1)), text);
}

#[test]
fn a_spread_is_the_median_between_least_and_most() {
    check_spread(&[3.0, 1.0, 2.0], Some([1.0, 2.0, 3.0]), "2.0 [1.0–3.0]");
    check_spread(&[4.0, 1.0, 2.0, 3.0], Some([1.0, 2.5, 4.0]), "2.5 [1.0–4.0]");
    check_spread(&[], None, "");
}

/// A run that took a second, of 100 requests for each CPU millisecond given.
fn sample(
    server: &'static str,
    cell: &'static str,
    contender: &'static str,
    round: u32,
    cpu_ms: u32,
) -> Sample {
    Sample {
        server,
        cell,
        contender,
        round,
        requests: 1_000,
        failed: 0,
        seconds: 1.0,
        wall_seconds: 1.1,
        cpu_seconds: f64::from(cpu_ms) / 1e3,
        server_cpu_seconds: 0.001,
        rss_max_bytes: 61_000_000,
        start_lag_p99_us: None,
    }
}

#[test]
fn a_ratio_is_taken_within_each_round() {
    let samples = [
        sample("target", "64", "wrk", 0, 10),
        sample("target", "64", "ringload", 0, 5),
        sample("target", "64", "wrk", 1, 30),
        sample("target", "64", "ringload", 1, 10),
        // No partner in its round, another server, another cell.
        sample("target", "64", "ringload", 2, 1),
        sample("nginx", "64", "ringload", 0, 1),
        sample("target", "1", "ringload", 0, 1),
    ];
    let runs = CellRuns::of(&samples, "target", "64");
    let ratio = runs.ratio(Sample::cpu_us, "wrk", "ringload");
    assert_eq!(ratio, Some(Spread { median: 2.5, min: 2.0, max: 3.0 }));
    assert_eq!(runs.spread("wrk", Sample::cpu_us), Some(Spread { median: 20.0, min: 10.0, max: 30.0 }));
    assert_eq!(runs.spread("wrk", Sample::server_cpu_us).map(|spread| spread.median), Some(1.0));
    assert_eq!(runs.spread("ab", Sample::rate), None);
}

/// The verdict on the goal whose text begins so: reached or not, or not measured.
#[track_caller]
fn check_goal(samples: &[Sample], goal: &str, want: Option<bool>) {
    let judged = goals::judge(samples);
    let found: Vec<_> = judged.iter().filter(|judged| judged.text.starts_with(goal)).collect();
    assert_eq!(found.len(), 1, "{goal}");
    assert_eq!(found[0].verdict.as_ref().map(|verdict| verdict.reached), want, "{goal}");
}

#[test]
fn goals_are_judged_by_the_median_of_the_rounds() {
    let mut samples = Vec::new();
    for (round, wrk_cpu_ms) in [(0, 13), (1, 15), (2, 17)] {
        samples.push(sample("target", "64", "wrk", round, wrk_cpu_ms));
        samples.push(sample("target", "64", "ringload", round, 10));
        samples.push(sample("target", "1024", "wrk", round, wrk_cpu_ms));
        samples.push(sample("target", "1024", "ringload", round, 10));
        samples.push(sample("target", "10000", "ringload", round, 10));
        let late = Some(f64::from(round) * 10.0);
        let on_time = sample("target", "rate-50000", "ringload-spin", round, 10);
        samples.push(Sample { start_lag_p99_us: late, ..on_time });
    }
    check_goal(&samples, "target, 64: CPU", Some(true));
    check_goal(&samples, "target, 1024: CPU", Some(false));
    check_goal(&samples, "target, 10000: CPU", None);
    check_goal(&samples, "target, 10000: peak memory", Some(false));
    check_goal(&samples, "target, rate-50000", Some(true));
    check_goal(&samples, "nginx, close", None);
    let worst = goals::judge(&samples).into_iter().find_map(|goal| goal.verdict).map(|v| v.measured);
    assert_eq!(worst.map(|spread| spread.min), Some(1.3));
}
