//! A target that goes away in the middle of a run and comes back; and a ramp beyond what it bears.

use crate::peer::Peer;
use crate::program::{Ended, Program, ringload, run};
use crate::timeline::{Temporary, out};
use ringload::options::engine::TransportChoice;
use ringload::sys::clock;
use ringload::target::threads::{Target, TargetSettings};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

fn target_at(listen: SocketAddr) -> Target {
    let settings = TargetSettings { transport: TransportChoice::Epoll, ..TargetSettings::new(listen) };
    Target::start(&settings).expect("a target")
}

#[test]
fn a_target_that_stops_and_comes_back_was_gone_from_then_to_then() {
    let (first, file) = (target_at(([127, 0, 0, 1], 0).into()), Temporary::new(""));
    let (address, url) = (first.address(), format!("http://{}/", first.address()));
    let program = Program::start(ringload(&["run", &url, "--rate=200", "-d4s", "-o", &out(&file)]));
    clock::sleep(Duration::from_millis(1_500));
    first.stop();
    clock::sleep(Duration::from_millis(1_000));
    let second = target_at(address);
    let ended = program.end();
    second.stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let timeline = file.json();
    let outages = timeline["availability"]["outages"].as_array().expect("outages");
    let [outage] = &outages[..] else { panic!("{outages:?}") };
    let (requests, failed) = (outage["requests"].as_u64().unwrap(), outage["failed"].as_u64().unwrap());
    assert!(failed >= 150 && requests - failed <= 40, "{outage}");
    // It was gone for a second and as long as a start and a stop take.
    let length = outage["length_s"].as_f64().unwrap();
    assert!((0.9..2.0).contains(&length), "{outage}");
    assert!(outage["start"]["from_s"].as_f64() <= outage["start"]["at_s"].as_f64(), "{outage}");
    let errors = timeline["errors"].as_array().expect("errors");
    let refused = errors.iter().find(|error| error["error"] == "dial: connection refused");
    assert_eq!(refused.expect("refusals")["sample"]["url"], url);
    for said in ["    OUTAGE ", "    AVAILABILITY  ", "    ERRORS\n", "dial: connection refused (1212)"] {
        assert!(ended.stdout.contains(said), "{said}: {}", ended.stdout);
    }
    assert!(ended.stdout.contains("Starts followed the schedule"), "{}", ended.stdout);
}

#[test]
fn a_run_without_failures_says_nothing_of_outages_errors_and_ramps() {
    let (target, file) = (target_at(([127, 0, 0, 1], 0).into()), Temporary::new(""));
    let url = format!("http://{}/", target.address());
    let ended = run(ringload(&["run", "-q", &url, "--rate=100", "-d1s", "-o", &out(&file)]));
    target.stop();
    for unsaid in ["OUTAGE", "AVAILABILITY", "ERRORS", "RAMP ESTIMATE"] {
        assert!(!ended.stdout.contains(unsaid), "{unsaid}: {}", ended.stdout);
    }
    let timeline = file.json();
    assert_eq!(timeline["availability"]["outages"], Value::Array(Vec::new()));
    assert_eq!((&timeline["ramp"], &timeline["errors"]), (&Value::Null, &Value::Array(Vec::new())));
}

/// A ramp from 50 to 400 a second in 6 s; from the 500th request to the 800th there are errors.
pub fn ramp_into_errors(flags: &[&str]) -> Ended {
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    let asked = AtomicU32::new(0);
    let peer = Peer::start(move |mut visit| {
        while visit.request().is_some() {
            let is_bad = (500..800).contains(&asked.fetch_add(1, Ordering::Relaxed));
            if !visit.send(if is_bad { UNAVAILABLE } else { OK }) {
                return;
            }
        }
    });
    run(ringload(&[&["run", &peer.url(), "--rate=50:400", "-d6s"], flags].concat()))
}

#[test]
fn a_ramp_says_where_errors_began() {
    let ended = ramp_into_errors(&["-q"]);
    assert!(ended.stdout.contains("    RAMP ESTIMATE  errors start at 2"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("one pass, lag-biased upward: run `ringload breakpoint`"),
        "{}",
        ended.stdout
    );
}
