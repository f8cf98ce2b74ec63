use super::*;
use crate::diagnosis::{Failing, Generator, Host, Load, Network, Occupant, Rtt};
use crate::metrics::{Ladder, Tally};

const MS: u64 = 1_000_000;

/// A run of 3 s with a schedule, of which `shed` requests were answered with 503.
fn diagnosis(shed: u64) -> Diagnosis {
    let mut tally = Tally::default();
    tally.add(Ending::Expected, 900 - shed);
    tally.started = 900;
    tally.add(Ending::Unavailable, shed);
    tally.waits = Ladder::of((0..900).map(|_| 2 * MS));
    tally.lags.record_n(40_000, 900);
    let failing = Failing { ending: Ending::Unavailable, first_ns: 1_200 * MS, last_ns: 2_400 * MS };
    let evidence = Evidence {
        span_ns: 3_000 * MS,
        load: Load { is_open: true, quiet_wait_ns: Some(2 * MS), ..Load::default() },
        tally,
        failing: if shed > 0 { vec![failing] } else { Vec::new() },
        generator: Generator { busy_max: 0.25, cpus: 0.26, run_delay_max: Some(0.0), ..Generator::default() },
        host: Host {
            cpus: 2,
            idle: Some(0.5),
            steal: Some(0.0),
            has_target: true,
            target: Some(Occupant { name: "nginx".into(), cpus: 0.5, throttling: None }),
            ..Host::default()
        },
        network: Network {
            segments_in: Some(1_800),
            segments_out: Some(1_800),
            retransmitted: Some(0),
            rtt: Some(Rtt { samples: 9, min_ns: 5_000, p50_ns: 2 * MS }),
            is_loopback: true,
            ..Network::default()
        },
    };
    Diagnosis::of(evidence, None)
}

#[test]
fn a_run_that_broke_nothing_says_what_it_can_claim() {
    let want = "    BROKE FIRST  nothing: 900 requests, none failed, at the scheduled rate   (confidence high: 7 of 7 checks)
      generator   25% busy, start lag p99 38.9µs, 4.0x headroom
      network     within this machine, 0.00% retransmits, round trip 2ms (best 5µs)
      application first byte after 2.02ms (p99 2.02ms)
      machine     of 2 CPUs the generator used 0.26, the target (nginx) 0.50, others 0.24, idle 1.00
";
    assert_eq!(render(&diagnosis(0), false), want);
}

#[test]
fn a_verdict_says_when_and_how_much() {
    let text = render(&diagnosis(90), false);
    let first = "    BROKE FIRST  the application: it turned requests away, from 1.2s to 2.4s   (confidence high: 9 of 9 checks)\n";
    assert!(text.starts_with(first), "{text}");
    assert!(text.contains(", 90 of 900 answered 503\n"), "{text}");
}

#[test]
fn a_shared_machine_comes_with_what_would_help() {
    let mut evidence = diagnosis(0).evidence;
    evidence.load.is_open = false;
    evidence.host.idle = Some(0.01);
    evidence.generator.cpus = 1.0;
    evidence.host.target.as_mut().unwrap().cpus = 0.9;
    let text = render(&Diagnosis::of(evidence, None), false);
    assert!(text.contains("BROKE FIRST  this machine, which generator and target share: its CPUs are full"));
    assert!(
        text.ends_with(
            "      try         another machine for the load: here each takes CPUs from the other\n"
        ),
        "{text}"
    );
}

#[test]
fn json_has_the_names_and_null_for_what_is_unknown() {
    let json = to_json(&diagnosis(90));
    assert_eq!((&json["who"], &json["side"]), (&json!("shedding"), &json!("application")));
    assert_eq!(json["because"][0], json!({ "signal": "ended", "ending": "503", "requests": 90, "of": 900 }));
    assert_eq!(json["validity"], json!({ "valid": true, "faults": [] }));
    assert_eq!(json["evidence"]["host"]["pressure"], Value::Null);
    assert_eq!(json["evidence"]["endings"], json!({ "expected": 810, "503": 90 }));
}
