//! Recorded runs of k6, played into our metrics: all that does not depend on the machine must come
//! out as k6 printed it.

use crate::player::{Place, Player};
use crate::{recording, summary_text};
use ringload::metrics::summary::Contains;
use ringload::metrics::{Kind, SummaryScope};
use ringload::options::{SummaryMode, TrendStat};
use ringload::output::json::render_export;
use ringload::output::number;
use ringload::output::summary_data::{Surroundings, render_summary_data};
use ringload::output::text::render_summary;
use serde_json::Value;
use std::time::Duration;

const ALL_JS_THRESHOLDS: &[(&str, &[&str])] = &[
    ("http_req_duration", &["p(95)<500", "avg<0.001"]),
    ("http_req_failed", &["rate<0.9"]),
    ("http_req_duration{status:500}", &["max<10000"]),
    ("http_req_duration{group:::front}", &["p(99)<1000"]),
    ("checks", &["rate>0.5"]),
    ("my_counter", &["count>10"]),
    ("my_trend", &["med>1"]),
];

/// 5 VUs with 30 iterations each on two workers, and a script that does a little of everything.
/// `last_vu` is the one that was the last to set the gauge.
fn play_all_js(last_vu: u32) -> Player {
    let mut player = Player::new(&[
        ("my_counter", Kind::Counter, Contains::Default),
        ("my_gauge", Kind::Gauge, Contains::Default),
        ("my_rate", Kind::Rate, Contains::Default),
        ("my_trend", Kind::Trend, Contains::Default),
        ("my_time", Kind::Trend, Contains::Time),
    ]);
    let outside = |group| Place { worker: 0, scenario: "", group };
    player.data(outside("::setup"), 0, 0);
    for iteration in 0..30 {
        for vu in (1..=5).map(|turn| (last_vu + turn - 1) % 5 + 1) {
            let root = Place { worker: (vu % 2) as usize, scenario: "default", group: "" };
            let (front, assets) = (root.within("::front"), root.within("::front::assets"));
            player.http(front, 200);
            player.check(front, "status is 200", true);
            player.check(front, "body is ok", true);
            player.http(assets, 200);
            player.http(assets, 200);
            player.check(assets, "1k size", true);
            player.group_end(assets);
            player.group_end(front);
            let back = root.within("::back");
            player.http(back, 500);
            player.check(back, "is not 500 (always fails)", false);
            player.check(back, "sometimes", iteration % 3 == 0);
            player.group_end(back);
            player.add(root, "my_counter", 2.0);
            player.add(root, "my_gauge", f64::from(vu));
            player.add(root, "my_rate", f64::from(iteration % 2));
            player.add(root, "my_trend", f64::from(iteration) + 0.5);
            player.add(root, "my_time", 12.345);
            player.iteration(root, 290, 1_700);
        }
        player.hand_over((last_vu % 2) as usize);
    }
    player.data(outside("::teardown"), 0, 0);
    player.hand_over(0);
    (0..3).for_each(|_| player.totals.sample_vus(5, 5));
    player
}

/// A line without what the machine's speed decides. Columns are not compared: their widths hang
/// on those values.
fn untimed(line: &str) -> String {
    let mut words = line.split_whitespace().peekable();
    let first = words.peek().copied().unwrap_or("");
    let timed = ["http_req_", "iteration_duration", "group_duration", "data_", "{"];
    if line.contains("...:")
        && timed.iter().any(|start| first.starts_with(start))
        && !line.contains(" out of ")
    {
        return line[..line.find(':').unwrap_or(0)].to_owned();
    }
    let word = |word: &str| match word.split_once('=') {
        Some((stat, value)) if matches!(first, "✓" | "✗") && value.ends_with('s') => format!("{stat}=…"),
        _ => word.to_owned(),
    };
    let indent = &line[..line.len() - line.trim_start().len()];
    format!("{indent}{}", words.map(word).collect::<Vec<_>>().join(" "))
}

/// The one duration of the run from which all its printed rates follow.
fn duration_of(text: &str) -> Duration {
    let rates: Vec<(f64, &str)> = text
        .lines()
        .filter_map(|line| {
            let (_, data) = line.split_once("...: ")?;
            let [count, rate] = data.split_whitespace().collect::<Vec<_>>()[..] else { return None };
            Some((count.parse().ok()?, rate.strip_suffix("/s")?))
        })
        .collect();
    let (count, rate) = rates[0];
    let guess = (count / rate.parse::<f64>().unwrap() * 1e9).round() as u64;
    let candidates = (guess - 1_000..guess + 1_000).map(Duration::from_nanos);
    let fits = |duration: &Duration| {
        rates.iter().all(|(count, rate)| number::plain(count / duration.as_secs_f64()) == *rate)
    };
    candidates.into_iter().find(fits).expect("the printed rates are of one run")
}

#[track_caller]
fn check(name: &str, mode: SummaryMode, player: &Player, thresholds: &[(&str, &[&str])], crossed: &[&str]) {
    let output = recording(name, "stdout.txt");
    let want = summary_text(&output, "\nrunning (");
    let duration = duration_of(want);
    let mut thresholds = player.thresholds(thresholds);
    assert_eq!(thresholds.evaluate(&player.totals, duration, true).metrics, crossed);
    let scope = if mode == SummaryMode::Full { SummaryScope::Full } else { SummaryScope::Total };
    let summary = player.totals.judged_summary(duration, &TrendStat::defaults(), scope, &thresholds);
    let got = render_summary(&summary, mode, None, false);
    let lines = |text: &str| text.lines().map(untimed).collect::<Vec<_>>();
    assert_eq!(lines(&got), lines(want), "{name}:\n{got}\n--- but k6 printed\n{want}");
}

#[test]
fn checks_groups_and_custom_metrics_add_up_as_in_k6() {
    let crossed = &["http_req_duration"];
    check("sum_compact", SummaryMode::Compact, &play_all_js(2), ALL_JS_THRESHOLDS, crossed);
    check("sum_quiet", SummaryMode::Compact, &play_all_js(3), ALL_JS_THRESHOLDS, crossed);
    check("sum_full", SummaryMode::Full, &play_all_js(5), ALL_JS_THRESHOLDS, crossed);
}

#[test]
fn the_export_of_checks_and_custom_metrics_is_that_of_k6() {
    let want: Value = serde_json::from_str(&recording("export_summary", "summary.json")).unwrap();
    let player = play_all_js(3);
    let counter = &want["metrics"]["my_counter"];
    let seconds = counter["count"].as_f64().unwrap() / counter["rate"].as_f64().unwrap();
    let duration = Duration::from_nanos((seconds * 1e9).round() as u64);
    let mut thresholds = player.thresholds(ALL_JS_THRESHOLDS);
    thresholds.evaluate(&player.totals, duration, true);
    let stats = TrendStat::defaults();
    let mut summary = player.totals.judged_summary(duration, &stats, SummaryScope::Total, &thresholds);
    summary.setup_data = Some(r#"{"token":"abc"}"#.to_owned());
    let got: Value = serde_json::from_str(&render_export(&summary)).unwrap();
    check_equal_but_for_times(
        &got,
        &want,
        &["my_", "checks", "http_req_failed", "http_reqs", "iterations", "vus"],
    );
}

/// Groups, names and thresholds must be equal; numbers only of metrics that begin as in `exact`.
#[track_caller]
fn check_equal_but_for_times(got: &Value, want: &Value, exact: &[&str]) {
    let reduced = |data: &Value| {
        let mut data = data.clone();
        for (name, metric) in data["metrics"].as_object_mut().unwrap() {
            // Their sum is that of doubles in another order, which may differ in the last digit.
            if !exact.iter().any(|start| name.starts_with(start)) || name == "my_time" {
                forget_numbers(metric);
            }
        }
        data
    };
    assert_eq!(reduced(got), reduced(want));
}

fn forget_numbers(value: &mut Value) {
    match value {
        Value::Number(_) => *value = Value::Null,
        Value::Object(fields) => fields.values_mut().for_each(forget_numbers),
        _ => {}
    }
}

#[test]
fn the_data_of_handle_summary_is_that_of_k6() {
    let mut player = Player::new(&[
        ("my_trend", Kind::Trend, Contains::Time),
        ("my_counter", Kind::Counter, Contains::Default),
        ("my_gauge", Kind::Gauge, Contains::Default),
        ("my_rate", Kind::Rate, Contains::Default),
    ]);
    for iteration in 0..20 {
        let root = Place { worker: iteration % 2, scenario: "default", group: "" };
        let group = root.within("::g1");
        player.http(group, 200);
        player.check(group, "ok", true);
        player.check(group, "bad", false);
        player.group_end(group);
        for (metric, value) in [("my_trend", 3.5), ("my_counter", 1.0), ("my_gauge", 7.0), ("my_rate", 1.0)] {
            player.add(root, metric, value);
        }
        player.iteration(root, 71, 142);
    }
    player.hand_over(0);
    let want: Value = serde_json::from_str(&recording("handle", "data.json")).unwrap();
    let duration = Duration::from_nanos(5_354_729);
    let mut thresholds = player.thresholds(&[
        ("http_req_duration", &["p(95)<500", "avg<0.001"]),
        ("http_reqs{status:200}", &["count>5"]),
    ]);
    thresholds.evaluate(&player.totals, duration, true);
    let stats: Vec<TrendStat> = ["avg", "min", "med", "max", "p(90)", "p(95)", "p(99)", "p(99.9)", "count"]
        .iter()
        .map(|stat| TrendStat::parse(stat).unwrap())
        .collect();
    let summary = player.totals.judged_summary(duration, &stats, SummaryScope::Total, &thresholds);
    let got: Value = serde_json::from_str(&render_summary_data(&summary, &Surroundings::default())).unwrap();
    let exact = ["my_", "checks", "http_req_failed", "http_reqs", "iterations", "data_"];
    check_equal_but_for_times(&got, &want, &exact);
}

#[test]
fn scenarios_and_their_groups_are_told_apart_as_in_k6() {
    let mut player = Player::new(&[]);
    let s2 = Place { worker: 0, scenario: "s2", group: "" };
    player.check(s2, "oth", true);
    player.iteration(s2, 0, 0);
    let s1 = Place { worker: 0, scenario: "s1", group: "" };
    let (a, b) = (s1.within("::A"), s1.within("::A::B"));
    player.http(a, 200);
    player.check(a, "one", true);
    player.check(b, "two", false);
    player.group_end(b);
    player.group_end(a);
    player.iteration(s1, 75, 171);
    player.hand_over(0);
    let thresholds: &[(&str, &[&str])] =
        &[("http_req_duration", &["p(95)<5000"]), ("http_req_duration{scenario:s2}", &["max<5000"])];
    check("full_nested", SummaryMode::Full, &player, thresholds, &[]);
}

#[test]
fn sub_metrics_by_scenario_count_as_in_k6() {
    let mut player = Player::new(&[]);
    for (scenario, iterations, checks) in [
        ("browse", 45, true),
        ("ramp_vus", 34, true),
        ("ramp_rate", 37, false),
        ("shared", 6, false),
        ("per_vu", 6, false),
    ] {
        for iteration in 0..iterations {
            let place = Place { worker: iteration % 2, scenario, group: "" };
            player.http(place, 200);
            if checks {
                player.check(place, "c", true);
            }
            player.iteration(place, 72, 828);
        }
    }
    player.hand_over(1);
    for active in [5, 6, 4] {
        player.totals.sample_vus(active, 14);
    }
    let thresholds: &[(&str, &[&str])] = &[
        ("http_req_duration{scenario:browse}", &["p(95)<1000"]),
        ("iterations{scenario:per_vu}", &["count==6"]),
    ];
    check("multi_compact", SummaryMode::Compact, &player, thresholds, &[]);
}
