//! `-o timeline=FILE` and thresholds with a window: what is written, whatever ends the run.

use crate::peer::Peer;
use crate::program::{Ended, Program, ringload, run};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

/// A file that goes away with it.
pub struct Temporary(PathBuf);

impl Temporary {
    pub fn new(content: &str) -> Temporary {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("ringload-timeline-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).expect("a temporary file");
        Temporary(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a plain path")
    }

    pub fn json(&self) -> Value {
        let text = std::fs::read_to_string(&self.0).expect("a timeline");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn windows(timeline: &Value) -> &Vec<Value> {
    timeline["windows"].as_array().expect("windows")
}

fn sum(timeline: &Value, field: &str) -> u64 {
    windows(timeline).iter().map(|window| window[field].as_u64().expect("a count")).sum()
}

pub fn out(file: &Temporary) -> String {
    format!("timeline={}", file.path())
}

#[test]
fn the_windows_hold_every_request_and_say_how_it_failed() {
    let (peer, file) = (Peer::answering(NOT_FOUND), Temporary::new(""));
    let ended = run(ringload(&["run", &peer.url(), "-i40", "-u4", "-o", &out(&file)]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(&format!("output: timeline ({})\n", file.path())), "{}", ended.stdout);
    let timeline = file.json();
    for field in ["started", "offered", "completed", "sent", "answered", "failed"] {
        assert_eq!(sum(&timeline, field), 40, "{field}");
    }
    assert!(windows(&timeline).iter().any(|window| window["failed_by"]["status_4xx"].is_u64()));
    assert_eq!(timeline["run"]["ended"], "finished");
    assert_eq!(timeline["window_s"], 0.1);
}

#[test]
fn an_open_loop_has_latencies_from_the_due_time_and_windows_as_long_as_asked() {
    let (peer, file) = (Peer::answering(OK), Temporary::new(""));
    let env = [("K6_OUT", format!("{}?window=500ms", out(&file)))];
    let mut command = ringload(&["run", "-q", &peer.url(), "--rate=100", "-d1s"]);
    command.envs(env);
    assert_eq!(run(command).code, Some(0));
    let timeline = file.json();
    assert_eq!(timeline["window_s"], 0.5);
    // The last answers may come after the second.
    assert!((2..=4).contains(&windows(&timeline).len()), "{timeline}");
    assert_eq!(sum(&timeline, "offered"), 100);
    let first = &windows(&timeline)[0];
    assert!(first["from_due_ms"]["p50"].as_f64() >= first["duration_ms"]["p50"].as_f64(), "{first}");
}

#[test]
fn several_timelines_may_be_asked_for() {
    let (peer, files) = (Peer::answering(OK), [Temporary::new(""), Temporary::new("")]);
    let [first, second] = [out(&files[0]), format!("{}?window=1s", out(&files[1]))];
    run(ringload(&["run", "-q", &peer.url(), "-i5", "-o", &first, "--out", &second]));
    let windows: Vec<_> = files.iter().map(|file| file.json()["window_s"].clone()).collect();
    assert_eq!(windows, [Value::from(0.1), Value::from(1.0)]);
}

#[test]
fn what_was_measured_before_ctrl_c_is_written() {
    let (peer, file) = (Peer::answering(OK), Temporary::new(""));
    let mut program = Program::start(ringload(&["run", &peer.url(), "-d60s", "-o", &out(&file)]));
    peer.wait_for_requests(5);
    program.signal("INT");
    assert_eq!(program.end().code, Some(105));
    let timeline = file.json();
    assert_eq!(timeline["run"]["ended"], "interrupted");
    assert!(sum(&timeline, "answered") >= 5);
}

#[test]
fn a_full_disk_is_an_error_line_and_the_run_a_run() {
    let peer = Peer::answering(OK);
    let ended = run(ringload(&["run", "-q", &peer.url(), "-i5", "-o", "timeline=/dev/full"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let errors: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("level=error")).collect();
    assert!(
        matches!(errors[..], [line] if line.contains("could not write the timeline to /dev/full")),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("http_reqs"), "{}", ended.stdout);
}

/// A script that asks 100 times a second for 2.5 s, with this threshold on requests.
#[track_caller]
fn with_threshold(threshold: &str, flags: &[&str]) -> Ended {
    let peer = Peer::answering(NOT_FOUND);
    let script = Temporary::new(&format!(
        "import http from 'k6/http';
         export const options = {{
           scenarios: {{ s: {{ executor: 'constant-arrival-rate', rate: 100, duration: '2500ms',
                               preAllocatedVUs: 5 }} }},
           thresholds: {{ {threshold} }},
         }};
         export default function () {{ http.get('{}'); }}",
        peer.url()
    ));
    run(ringload(&[&["run", script.path()], flags].concat()))
}

#[test]
fn a_windowed_threshold_names_the_first_window_that_failed() {
    let ended = with_threshold("http_req_failed: ['rate<0.5 over 1s']", &[]);
    assert_eq!(ended.code, Some(99), "{ended:?}");
    // VUs are made before the first request, which may take some ticks on a busy machine.
    let begins = ["0s to 1s", "100ms to 1.1s", "200ms to 1.2s", "300ms to 1.3s", "400ms to 1.4s"];
    let is_told = |begin: &&str| {
        let want = format!("✗ 'rate<0.5 over 1s' rate=100.00% from {begin}, the first of ");
        ended.stdout.contains(&want)
    };
    assert!(begins.iter().any(is_told), "{}", ended.stdout);
    assert!(ended.stderr.contains("thresholds on metrics 'http_req_failed' have been crossed"), "{ended:?}");
}

#[test]
fn a_windowed_threshold_holds_for_sub_metrics_and_shows_its_worst_window() {
    let ended = with_threshold("'http_reqs{status:404}': ['count>50 over 1s']", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(" at worst in 2 windows"), "{}", ended.stdout);
}

#[test]
fn a_windowed_threshold_may_end_the_test() {
    let threshold = "http_req_failed: [{ threshold: 'rate<0.5 over 1s', abortOnFail: true }]";
    let ended = with_threshold(threshold, &[]);
    assert_eq!(ended.code, Some(99), "{ended:?}");
    assert!(ended.stderr.contains("at least one has abortOnFail enabled"), "{ended:?}");
}

#[test]
fn a_bad_window_is_refused_before_the_first_packet() {
    for (threshold, why) in [
        ("rate<0.5 over", r#"\"\" is no duration"#),
        ("rate<0.5 over soon", r#"\"soon\" is no duration"#),
        ("rate<0.5 over 500ms", "must be of whole seconds, 1s to 1h, but is 500ms"),
        ("rate<0.5 over 2h", "must be of whole seconds, 1s to 1h, but is 2h"),
    ] {
        let ended = with_threshold(&format!("http_req_failed: ['{threshold}']"), &[]);
        assert_eq!(ended.code, Some(104), "{ended:?}");
        assert!(ended.stderr.contains(why), "{why}: {}", ended.stderr);
    }
}

/// Names of all fields, with those of list entries under `[]`.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) if !path.ends_with("failed_by") => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                fields(value, &path, found);
            }
        }
        Value::Array(entries) if entries.iter().any(Value::is_object) => {
            entries.iter().for_each(|entry| fields(entry, &format!("{path}[]"), found));
        }
        Value::Array(entries) if entries.is_empty() => {}
        Value::Null => {}
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn the_page_describes_every_field_that_is_written() {
    let file = Temporary::new("");
    with_threshold("http_req_failed: ['rate<0.5 over 1s']", &["-o", &out(&file)]);
    let mut written = BTreeSet::new();
    fields(&file.json(), "", &mut written);
    crate::outage::ramp_into_errors(&["-o", &out(&file)]);
    fields(&file.json(), "", &mut written);
    let page = include_str!("../../docs/timeline.md");
    let described: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned()))
        .collect();
    let missing: Vec<_> = written.difference(&described).collect();
    assert!(missing.is_empty(), "not described: {missing:?}");
    // A healthy run has none, this one no checks, an open loop no number, and a ramp not always a
    // knee.
    let rare = [
        "littles_law.violations",
        "availability.never_happened",
        "availability.outages[].readings",
        "ramp.knee",
        "doubts",
        "checks[]",
    ];
    let is_rare = |name: &&String| rare.iter().any(|rare| name.starts_with(rare));
    let untrue: Vec<_> = described.difference(&written).filter(|name| !is_rare(name)).collect();
    assert!(untrue.is_empty(), "described, but not written: {untrue:?}");
}
