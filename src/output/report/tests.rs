use super::*;
use serde_json::{Value, json};

/// A window of a run with failures; `seed` makes its numbers its own.
fn window(seed: u64) -> Value {
    let noise = |salt: u64| ((seed * 2_654_435_761 + salt * 40_503) % 100_003) as f64 / 7.0;
    let spread = |salt: u64| {
        json!({ "avg": 1.0, "p50": noise(salt), "p90": noise(salt + 1), "p95": noise(salt + 2),
                "p99": noise(salt + 3), "max": noise(salt + 4) })
    };
    let count = |salt: u64| noise(salt) as u64 + 1;
    json!({
        "from_s": seed as f64 / 10.0, "covered_s": 0.1, "offered": count(1), "started": count(2), "late": 0,
        "dropped": count(3), "completed": count(4), "interrupted": count(5), "sent": 9, "answered": count(6),
        "failed": count(7), "failed_by": { "tcp": count(8), "status_5xx": count(9), "general": count(10) },
        "untimed": 0, "in_flight": noise(11), "vus": count(12), "vus_max": count(13), "data_sent": count(14),
        "data_received": count(15), "duration_ms": spread(16), "from_due_ms": spread(30),
        "lag_ms": { "p99": noise(40), "max": noise(41) }, "busy": noise(42), "busiest": noise(43),
        "littles_law_violated": false,
    })
}

fn timeline(windows: u64) -> Value {
    json!({
        "schema": 1,
        "run": { "ringload": "0.1.0", "args": ["run", "http://h/"], "begun_at": "2026-01-01T00:00:00Z",
                 "duration_s": 3.5, "scenarios_begun_s": 0.5, "ended": "finished" },
        "engine": { "transport": "io_uring", "workers": 1, "worker_cpus": [1], "is_open": true,
                    "congestion_control": "cubic" },
        "machine": { "kernel": "6.8", "cpu": "a processor", "cpus": 2 },
        "scenarios": [{ "name": "s", "executor": "constant-vus", "start_s": 0.0, "in_words": "10 looping VUs" }],
        "thresholds": [{ "metric": "m", "source": "p(95)<1 over 1s", "ok": false, "windows": {
            "judged": 3, "failed": 2, "first_failed": { "from_s": 1.5, "to_s": 2.5, "observed": 2.0 } } }],
        "verdict": { "who": "network", "text": "the network", "confidence": "high: 3 of 3 checks",
                     "facts": [{ "about": "try", "text": "a better one" }] },
        "doubts": ["a doubt"],
        "checks": [{ "group": "::g", "name": "c", "passes": 1234567, "fails": 1 }],
        "littles_law": { "seconds_checked": 2, "seconds_violated": 1, "violations": [
            { "from_s": 1, "in_flight": 2.0, "rate_times_time": 1.0 }] },
        "window_s": 0.1, "windows_merged": false,
        "windows": (0..windows).map(window).collect::<Vec<_>>(),
    })
}

fn page(timeline: &Value) -> String {
    String::from_utf8(render_report(&timeline.to_string()).unwrap()).unwrap()
}

/// What the page's script is given.
fn data(page: &str) -> Value {
    let start = "<script type=\"application/json\" id=\"data\">";
    let (_, rest) = page.split_once(start).expect("the data");
    serde_json::from_str(rest.split_once("</script>").expect("its end").0).unwrap()
}

#[test]
fn the_page_says_verdict_run_thresholds_and_checks_and_has_the_data_of_its_charts() {
    let page = page(&timeline(30));
    for said in [
        "<title>ringload: http://h/</title>",
        "<p class=\"said\">the network</p>",
        "<dt>try</dt><dd>a better one</dd>",
        "<p class=\"doubt\">a doubt</p>",
        "<code>p(95)&lt;1 over 1s</code></td><td>2 of 3 windows failed</td>",
        "1\u{202f}234\u{202f}567",
        "<dt>scenario</dt><dd>s: 10 looping VUs</dd>",
    ] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
    let data = data(&page);
    let titles: Vec<&str> =
        data["charts"].as_array().unwrap().iter().map(|c| c["title"].as_str().unwrap()).collect();
    assert_eq!(titles.len(), 9, "{titles:?}");
    let lines = data["charts"][2]["lines"].as_array().unwrap();
    let classes: Vec<&str> = lines.iter().map(|line| line["name"].as_str().unwrap()).collect();
    assert_eq!(classes, ["general", "status_5xx", "tcp"]);
    // Marks are on the clock of the windows, which began half a second after the test.
    assert_eq!((&data["marks"][0]["from"], &data["marks"][1]["from"]), (&json!(1.0), &json!(1.0)));
    assert_eq!(lines[0]["y"].as_array().unwrap().len(), 30);
}

#[test]
fn nothing_of_the_page_comes_from_or_goes_to_a_network() {
    let mut quiet = timeline(3);
    quiet["run"]["args"] = json!([]);
    let page = page(&quiet);
    assert!(page.contains("default-src 'none'"));
    for word in ["http://", "https://", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "innerHTML"] {
        // The name of SVG's elements is an address that nobody asks.
        let page = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn names_cannot_leave_the_place_they_stand_in() {
    const HOSTILE: &str =
        "</script><script>alert(1)</script><!--<img src=x onerror='alert(2)'>\"&amp;\u{202e}\u{1b}";
    fn poison(value: &mut Value) {
        match value {
            Value::String(text) => *text = format!("{HOSTILE}.js"),
            Value::Array(list) => list.iter_mut().for_each(poison),
            Value::Object(fields) => {
                if let Some(classes) = fields.get_mut("failed_by").and_then(Value::as_object_mut) {
                    classes.insert(HOSTILE.to_owned(), 1.into());
                }
                fields.values_mut().for_each(poison);
            }
            _ => {}
        }
    }
    let (harmless, mut hostile) = (timeline(3), timeline(3));
    poison(&mut hostile);
    let (harmless, hostile) = (page(&harmless), page(&hostile));
    let tags = |page: &str| ["<script", "</script", "<img", "<!--"].map(|tag| page.matches(tag).count());
    assert_eq!(tags(&hostile), tags(&harmless), "{hostile}");
    assert!(!hostile.contains('\u{202e}') && !hostile.contains('\u{1b}'));
    // But they are shown.
    assert!(hostile.contains("&lt;/script&gt;&lt;script&gt;alert(1)"));
    let shown = HOSTILE.replace(['\u{202e}', '\u{1b}'], "\u{fffd}");
    let data = data(&hostile);
    let lines = data["charts"][2]["lines"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["name"] == shown.as_str()), "{lines:?}");
}

#[test]
fn an_hour_is_below_a_megabyte() {
    let page = page(&timeline(36_000));
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    let data = data(&page);
    for chart in data["charts"].as_array().unwrap() {
        for line in chart["lines"].as_array().unwrap() {
            let points = line["y"].as_array().unwrap().len();
            assert!(points <= POINTS_MAX && points == line["x"].as_array().unwrap().len(), "{points}");
        }
    }
}

#[test]
fn a_run_of_no_time_and_a_file_of_an_older_version_have_a_page() {
    let empty = page(&timeline(0));
    assert!(empty.contains("there is nothing to draw"));
    let mut older = timeline(3);
    for field in ["verdict", "doubts", "checks"] {
        older.as_object_mut().unwrap().remove(field);
    }
    for window in older["windows"].as_array_mut().unwrap() {
        window["duration_ms"] = Value::Null;
        window.as_object_mut().unwrap().remove("from_due_ms");
    }
    let older = page(&older);
    assert!(older.contains("No verdict is in this file."));
    assert_eq!(data(&older)["charts"].as_array().unwrap().len(), 7);
}

#[test]
fn what_is_no_timeline_is_refused_with_what_is_wrong() {
    #[track_caller]
    fn check(text: &str, why: &str) {
        let got = render_report(text).unwrap_err();
        assert!(got.contains(why) && got.contains("fix:"), "{got}");
    }
    let with = |field: &str, value: Value| {
        let mut changed = timeline(1);
        changed[field] = value;
        changed.to_string()
    };
    check("", "EOF while parsing");
    check("{}", "missing field `schema`");
    check("{\"metrics\":{}}", "missing field `schema`");
    check(&with("schema", 9.into()), "its `schema` is 9, and only 1 is known");
    check(&with("window_s", 0.into()), "`window_s` is 0, not above 0");
    check(&with("windows", json!([{}])), "missing field `covered_s`");
}
