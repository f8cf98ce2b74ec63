//! The commands beside `run`.

use crate::figures::Export;
use crate::program::{Program, ringload, run};
use serde_json::Value;

#[test]
fn a_demo_starts_a_target_loads_it_and_shows_both_sides() {
    let export = Export::new();
    let ended = run(ringload(&["demo", "-d", "1s", &export.flag()]));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains("/ (built-in target)\n"), "{}", ended.stdout);
    let requests = export.read().count("http_reqs");
    let served = ended.stdout.lines().find_map(|line| line.strip_prefix("requests     "));
    assert_eq!(served, Some(requests.to_string().as_str()), "{}", ended.stdout);
    assert!(requests > 100, "{requests} requests in a second");
}

#[test]
fn a_quiet_demo_prints_the_summary_alone() {
    let ended = run(ringload(&["demo", "-q", "-i", "10"]));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(ended.printed_count("http_reqs"), 10);
    assert!(!ended.stdout.contains("built-in") && !ended.stdout.contains("served"), "{}", ended.stdout);
}

#[test]
fn a_target_reports_in_two_lines_of_json() {
    let flags = ["target", "--listen=127.0.0.1:0", "--json", "--duration=1s", "--size=1k", "--fail=1:503"];
    let mut target = Program::start(ringload(&flags));
    let first = target.wait_for_output("\n");
    let first: Value = serde_json::from_str(&first).unwrap();
    let url = format!("http://{}/", first["listen"].as_str().unwrap());
    let ended = run(ringload(&["run", &url, "-i20", "-u2"]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ended = target.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ended.stdout);
    let served: Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(served["requests"], 20);
    assert_eq!(served["connections"], 2);
    assert_eq!(served["answered"], serde_json::json!({"503": 20}));
    assert!(served["bytes_sent"].as_u64().unwrap() > 20 * 1024, "{served}");
    assert!(served["duration_s"].as_f64().unwrap() >= 1.0, "{served}");
}

#[test]
fn help_and_version_go_to_standard_output() {
    for args in [&["--help"][..], &[], &["run", "--help"], &["target", "--help"]] {
        let ended = run(ringload(args));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(ended.stdout.contains("Usage: ringload "), "{args:?} {}", ended.stdout);
    }
    let version = format!("ringload v{}", env!("CARGO_PKG_VERSION"));
    for args in [["--version"], ["version"]] {
        let ended = run(ringload(&args));
        assert!(ended.code == Some(0) && ended.stdout.starts_with(&version), "{}", ended.stdout);
    }
    let ended = run(ringload(&["version", "--json"]));
    assert!(serde_json::from_str::<Value>(&ended.stdout).is_ok(), "{}", ended.stdout);
}
