//! Every sample of a run as JSON and as CSV, against the beginnings of what k6 wrote for the same
//! script: the same metrics, introduced alike, with the same tags; and as many samples as the
//! summary counts.

use crate::run::Run;
use crate::server;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const COMMAND: &str =
    "k6 run --quiet --out json=out.json -o csv=out.csv --summary-export summary.json scripts/all.js";
const JSON: &str = include_str!("../cases/k6/samples/json.txt");
const CSV: &str = include_str!("../cases/k6/samples/csv.txt");

#[test]
fn samples_are_those_of_k6_and_as_many_as_the_summary_counts() {
    let port = server::start().port();
    let run = Run::of("samples", COMMAND, port);
    assert_eq!(run.ended.code, Some(99), "{}", run.ended.stderr);
    assert!(!run.ended.stderr.contains("left out"), "{}", run.ended.stderr);
    let file = |name| {
        let text = run.file(name).unwrap_or_else(|| panic!("{name} was not written"));
        text.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:18080")
    };
    let (json, csv) = (file("out.json"), file("out.csv"));

    let (introduced, points) = read_json(&json);
    let (wanted, recorded) = read_json(JSON);
    for (metric, want) in &wanted {
        assert_eq!(introduced.get(metric), Some(want), "the introduction of {metric}");
    }
    let missing: Vec<_> = recorded.keys().filter(|series| !points.contains_key(*series)).collect();
    assert!(missing.is_empty(), "series of k6 that are not there: {missing:#?}");

    let (header, rows) = read_csv(&csv);
    let (wanted, recorded) = read_csv(CSV);
    assert_eq!(header, wanted);
    let missing: Vec<_> = recorded.difference(&rows).collect();
    assert!(missing.is_empty(), "rows of k6 that are not there: {missing:#?}");
    assert_eq!(csv.lines().count() - 1, points.values().map(Vec::len).sum::<usize>(), "samples of both");

    let summary: Value = serde_json::from_str(&file("summary.json")).expect("it is JSON");
    let of = |metric: &str| -> Vec<f64> {
        let series = points.iter().filter(|((name, _), _)| name == metric);
        series.flat_map(|(_, values)| values).copied().collect()
    };
    for metric in ["http_reqs", "iterations", "data_sent", "data_received", "my_counter"] {
        let count = summary["metrics"][metric]["count"].as_f64();
        assert_eq!(Some(of(metric).iter().sum::<f64>()), count, "{metric}");
    }
    let requests = summary["metrics"]["http_reqs"]["count"].as_u64().map(|count| count as usize);
    for metric in ["http_req_duration", "http_req_failed", "http_req_blocked"] {
        assert_eq!(Some(of(metric).len()), requests, "{metric}");
    }
    let checks = &summary["metrics"]["checks"];
    assert_eq!(Some(of("checks").iter().sum::<f64>()), checks["passes"].as_f64());
    let max = of("http_req_duration").into_iter().fold(0.0, f64::max);
    assert_eq!(Some(max), summary["metrics"]["http_req_duration"]["max"].as_f64());
}

/// A metric and its tags.
type Series = (String, BTreeMap<String, String>);

/// What introduces each metric, and the values of each series.
fn read_json(text: &str) -> (BTreeMap<String, Value>, BTreeMap<Series, Vec<f64>>) {
    let (mut introduced, mut points) = (BTreeMap::new(), BTreeMap::<Series, Vec<f64>>::new());
    for line in text.lines() {
        let mut line: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
        let metric = line["metric"].as_str().expect("a metric").to_owned();
        if line["type"] == "Metric" {
            if let Some(list) = line["data"]["submetrics"].as_array_mut() {
                list.sort_by_key(|sub_metric| sub_metric["name"].to_string());
            }
            assert!(introduced.insert(metric.clone(), line).is_none(), "{metric} is introduced twice");
            continue;
        }
        assert!(introduced.contains_key(&metric), "{metric} is not introduced");
        let time = line["data"]["time"].as_str().expect("a time");
        assert!(time.starts_with("20") && time.ends_with('Z') && time.len() <= 30, "{time}");
        let tags = line["data"]["tags"].as_object().expect("tags");
        let tags = tags.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        points.entry((metric, tags.collect())).or_default().push(line["data"]["value"].as_f64().unwrap());
    }
    (introduced, points)
}

/// The header, and what all rows are without time and value.
fn read_csv(text: &str) -> (&str, BTreeSet<String>) {
    let (header, rows) = text.split_once('\n').expect("a header");
    let series = |row: &str| {
        let mut cells: Vec<&str> = row.split(',').collect();
        assert_eq!(cells.len(), header.split(',').count(), "{row}");
        cells.drain(1..3);
        // k6 has the tags of one's own in any order.
        let place = cells.len() - 2;
        let mut extra: Vec<&str> = cells[place].split('&').collect();
        extra.sort_unstable();
        let extra = extra.join("&");
        cells[place] = &extra;
        cells.join(",")
    };
    (header, rows.lines().map(series).collect())
}
