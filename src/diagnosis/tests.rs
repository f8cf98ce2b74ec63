//! Evidence as real runs gave it (two CPUs, 300 requests a second for 3 s unless said), and the
//! verdicts on it.

use super::*;
use crate::metrics::{Ending, Ladder, Tally};

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

fn tally(endings: &[(Ending, u64)]) -> Tally {
    let mut tally = Tally::default();
    endings.iter().for_each(|&(ending, requests)| tally.add(ending, requests));
    tally.started = tally.requests();
    tally
}

/// Answers after these times, each so often.
fn waits(of: &[(u64, u64)]) -> Ladder {
    let mut ladder = Ladder::default();
    of.iter().for_each(|&(ns, n)| ladder.record_n(ns, n));
    ladder
}

/// An open loop that was well, everything to be read, generator and target on one machine.
fn healthy() -> Evidence {
    let mut tally = tally(&[(Ending::Expected, 900)]);
    tally.waits = waits(&[(2_200_000, 890), (6 * MS, 10)]);
    tally.lags = waits(&[(0, 800), (60_000, 100)]);
    Evidence {
        span_ns: 3 * S,
        load: Load {
            is_open: true,
            in_flight_from: 1,
            in_flight_to: 2,
            quiet_wait_ns: Some(2_100_000),
            ..Load::default()
        },
        tally,
        failing: Vec::new(),
        generator: Generator {
            busy_max: 0.03,
            run_delay_max: Some(0.01),
            cpus: 0.04,
            throttling: Some(Throttling::default()),
            ..Generator::default()
        },
        host: Host {
            cpus: 2,
            idle: Some(0.95),
            steal: Some(0.0),
            softirq_max: Some(0.01),
            pressure: Some(0.02),
            has_target: true,
            target: Some(Occupant { name: "nginx".into(), cpus: 0.03, throttling: None }),
            time_wait: Some(3),
            ports: Some(28_232),
        },
        network: Network {
            segments_in: Some(2_000),
            segments_out: Some(2_000),
            retransmitted: Some(0),
            syns_retransmitted: Some(0),
            out_of_order: Some(0),
            listen_drops: Some(0),
            packets_dropped: Some(0),
            link_used_bps: Some(1e6),
            link_bps: None,
            rtt: Some(Rtt { samples: 300, min_ns: 5_000, p50_ns: 2 * MS }),
            is_loopback: true,
        },
    }
}

/// As `healthy`, across a network to a machine that cannot be looked into.
fn remote() -> Evidence {
    let mut evidence = healthy();
    evidence.host.has_target = false;
    evidence.host.target = None;
    evidence.network.is_loopback = false;
    evidence.network.link_bps = Some(10e9);
    evidence
}

/// 16 VUs as fast as they can.
fn closed() -> Evidence {
    let mut evidence = healthy();
    evidence.load =
        Load { in_flight_from: 16, in_flight_to: 16, quiet_wait_ns: Some(60_000), ..Load::default() };
    evidence.tally = tally(&[(Ending::Expected, 120_000)]);
    evidence.tally.waits = waits(&[(65_000, 119_000), (300_000, 1_000)]);
    evidence.generator.busy_max = 0.67;
    evidence.generator.cpus = 0.7;
    evidence.host.idle = Some(0.2);
    evidence.host.target.as_mut().unwrap().cpus = 0.85;
    evidence
}

#[track_caller]
fn check(evidence: &Evidence, want: Who, confidence: Confidence) -> Verdict {
    let verdict = Verdict::of(evidence);
    assert_eq!((verdict.who, verdict.confidence()), (want, confidence), "{verdict:?}");
    verdict
}

#[track_caller]
fn check_change(of: Evidence, change: impl FnOnce(&mut Evidence), want: Who) -> Verdict {
    let mut evidence = of;
    change(&mut evidence);
    let verdict = Verdict::of(&evidence);
    assert_eq!(verdict.who, want, "{verdict:?}");
    verdict
}

#[test]
fn a_run_below_the_limit_broke_nothing_and_says_how_much_was_left() {
    let verdict = check(&healthy(), Who::Nobody, Confidence::High);
    assert!(verdict.headroom.is_some_and(|headroom| (33.0..34.0).contains(&headroom)));
    check(&remote(), Who::Nobody, Confidence::High);
    check(&closed(), Who::Nobody, Confidence::High);
}

#[test]
fn wrong_requests_are_no_breaking_point() {
    check_change(healthy(), |e| e.tally = tally(&[(Ending::Unexpected, 900)]), Who::Nobody);
}

#[test]
fn nothing_is_needed_to_say_so_with_low_confidence() {
    check(&Evidence::default(), Who::Nobody, Confidence::Low);
}

#[test]
fn own_errors_are_the_generators_whatever_else_there_is() {
    let errors = |ending| tally(&[(ending, 5), (Ending::Unavailable, 100), (Ending::Expected, 800)]);
    check_change(healthy(), |e| e.tally = errors(Ending::OwnPorts), Who::ClientPorts);
    check_change(healthy(), |e| e.tally = errors(Ending::OwnFiles), Who::ClientFiles);
    check_change(healthy(), |e| e.tally = errors(Ending::OwnMemory), Who::ClientMemory);
}

#[test]
fn a_quota_that_stopped_it_is_the_generators() {
    let stop = |e: &mut Evidence| {
        e.generator.throttling = Some(Throttling { periods: 29, stopped_ns: 1_370 * MS });
        e.generator.run_delay_max = Some(0.68);
        e.host.pressure = Some(0.7);
    };
    let verdict = check_change(closed(), stop, Who::ClientCpu);
    assert_eq!(verdict.because[0], Signal::Throttled { periods: 29, stopped_ns: 1_370 * MS });
    // 10 ms in all are not what broke.
    let a_little = |e: &mut Evidence| {
        e.generator.throttling = Some(Throttling { periods: 1, stopped_ns: 10 * MS });
    };
    check_change(closed(), a_little, Who::Nobody);
}

#[test]
fn a_full_worker_is_the_generators_unless_the_whole_machine_is_full() {
    check_change(closed(), |e| e.generator.busy_max = 0.97, Who::ClientCpu);
    let both = |e: &mut Evidence| (e.generator.busy_max, e.host.idle) = (0.97, Some(0.02));
    check_change(closed(), both, Who::SharedHost);
    // Spinning is idle time.
    let spun = |e: &mut Evidence| (e.generator.spun_cpus, e.host.idle) = (0.9, Some(0.02));
    check_change(closed(), spun, Who::Nobody);
}

#[test]
fn others_on_the_generators_cpu_are_no_shared_host() {
    let hogs = |e: &mut Evidence| {
        e.generator.run_delay_max = Some(0.44);
        e.generator.busy_max = 0.21;
        e.generator.cpus = 0.22;
        e.host.target.as_mut().unwrap().cpus = 0.2;
        e.host.idle = Some(0.02);
    };
    let verdict = check_change(closed(), hogs, Who::ClientCpu);
    assert!(verdict.because.iter().any(|signal| matches!(signal, Signal::OthersBusy { .. })));
}

#[test]
fn a_hypervisor_and_interrupts_are_found() {
    check_change(healthy(), |e| e.host.steal = Some(0.08), Who::ClientCpu);
    check_change(closed(), |e| e.host.softirq_max = Some(0.9), Who::ClientCpu);
}

#[test]
fn late_starts_alone_are_the_generators_only_if_very_late() {
    check_change(healthy(), |e| e.tally.lags = waits(&[(4 * MS, 900)]), Who::Nobody);
    check_change(healthy(), |e| e.tally.lags = waits(&[(40 * MS, 900)]), Who::ClientCpu);
}

/// Twice as much as it can do: the median wait climbs.
fn overloaded(mut evidence: Evidence) -> Evidence {
    evidence.tally = tally(&[(Ending::Expected, 600)]);
    evidence.tally.dropped = 295;
    evidence.tally.waits = waits(&[(24 * MS, 10), (770 * MS, 590)]);
    evidence.tally.lags = waits(&[(60_000, 900)]);
    evidence.load.quiet_wait_ns = Some(24 * MS);
    (evidence.load.in_flight_from, evidence.load.in_flight_to) = (180, 560);
    evidence.load.is_at_cap = true;
    evidence
}

#[test]
fn answers_that_come_ever_later_are_the_applications() {
    let verdict = check(&overloaded(healthy()), Who::ApplicationQueue, Confidence::High);
    assert!(matches!(verdict.because[0], Signal::WaitGrew { .. }), "{verdict:?}");
    check(&overloaded(remote()), Who::ApplicationQueue, Confidence::High);
}

#[test]
fn never_the_application_if_the_generator_was_at_fault() {
    let faults: [fn(&mut Evidence); 7] = [
        |e| e.generator.busy_max = 0.97,
        |e| e.generator.run_delay_max = Some(0.08),
        |e| e.generator.throttling = Some(Throttling { periods: 10, stopped_ns: 500 * MS }),
        |e| e.host.steal = Some(0.05),
        |e| e.tally.add(Ending::OwnFiles, 1),
        |e| e.host.softirq_max = Some(0.95),
        |e| {
            e.tally.lags = waits(&[(3 * MS, 900)]);
            e.tally.waits = waits(&[(30 * MS, 600)]);
            e.load.quiet_wait_ns = Some(2 * MS);
            e.host.pressure = Some(0.5);
        },
    ];
    for fault in faults {
        for evidence in [overloaded(healthy()), overloaded(remote())] {
            let mut evidence = evidence;
            fault(&mut evidence);
            let verdict = Verdict::of(&evidence);
            assert_eq!(verdict.who.side(), Side::Generator, "{verdict:?}");
        }
    }
    let full = |e: &mut Evidence| {
        e.host.idle = Some(0.01);
        e.generator.cpus = 0.9;
        e.host.target.as_mut().unwrap().cpus = 1.0;
    };
    check_change(overloaded(healthy()), full, Who::SharedHost);
}

#[test]
fn starts_a_little_late_do_not_explain_answers_that_take_far_longer() {
    let mut evidence = overloaded(healthy());
    evidence.tally.lags = waits(&[(3 * MS, 900)]);
    evidence.host.pressure = Some(0.5);
    check(&evidence, Who::ApplicationQueue, Confidence::Medium);
}

#[test]
fn some_answers_that_stall_are_the_applications() {
    let stall = |e: &mut Evidence| {
        e.tally.waits = waits(&[(2_200_000, 800), (190 * MS, 100)]);
        e.network.rtt = Some(Rtt { samples: 300, min_ns: 5_000, p50_ns: 5_500_000 });
    };
    let verdict = check_change(remote(), stall, Who::ApplicationQueue);
    assert!(matches!(verdict.because[0], Signal::Stalled { .. }));
}

#[test]
fn lost_segments_are_the_networks() {
    let lose = |e: &mut Evidence| {
        e.network.retransmitted = Some(50);
        e.tally.waits = waits(&[(2_200_000, 850), (226 * MS, 50)]);
    };
    check_change(remote(), lose, Who::Network);
    // On the way to us: only gaps are seen.
    check_change(remote(), |e| e.network.out_of_order = Some(40), Who::Network);
    check_change(remote(), |e| e.network.retransmitted = Some(3), Who::Nobody);
}

#[test]
fn a_full_link_is_the_networks() {
    check_change(remote(), |e| e.network.link_used_bps = Some(9.4e9), Who::Network);
    check_change(remote(), |e| e.network.packets_dropped = Some(60), Who::Network);
    let bloated =
        |e: &mut Evidence| e.network.rtt = Some(Rtt { samples: 300, min_ns: 5_000, p50_ns: 400 * MS });
    check_change(overloaded(remote()), bloated, Who::Network);
}

#[test]
fn no_way_to_the_target_is_the_networks() {
    check_change(remote(), |e| e.tally = tally(&[(Ending::Unreachable, 900)]), Who::Network);
    check_change(remote(), |e| e.tally = tally(&[(Ending::DialTimeout, 9)]), Who::Network);
}

#[test]
fn connections_that_nobody_accepts_are_the_applications() {
    let hung = |e: &mut Evidence| {
        e.tally = tally(&[(Ending::DialTimeout, 55), (Ending::RequestTimeout, 5)]);
        e.tally.connects = waits(&[(40_000, 5)]);
        e.network.syns_retransmitted = Some(55);
    };
    let seen_here = |e: &mut Evidence| {
        hung(e);
        e.network.listen_drops = Some(55);
    };
    check_change(healthy(), seen_here, Who::AcceptBacklog);
    // Over there only the SYNs tell.
    check_change(remote(), hung, Who::AcceptBacklog);
    let retried = |e: &mut Evidence| {
        e.tally.connects = waits(&[(200_000, 60), (1_020 * MS, 30), (3_050 * MS, 10)]);
    };
    let verdict = check_change(remote(), retried, Who::AcceptBacklog);
    assert_eq!(verdict.because[0], Signal::SynsRetried { connections: 40, of: 100 });
}

#[test]
fn what_the_application_says_itself_needs_no_idle_generator() {
    let refused = tally(&[(Ending::Refused, 98_000)]);
    check_change(closed(), |e| (e.tally, e.generator.busy_max) = (refused, 1.0), Who::Refusing);
    let shed = tally(&[(Ending::Unavailable, 30_000), (Ending::Expected, 70_000)]);
    check_change(closed(), |e| (e.tally, e.generator.busy_max) = (shed, 0.97), Who::Shedding);
    let gateway = tally(&[(Ending::BadGateway, 300), (Ending::Expected, 600)]);
    check_change(healthy(), |e| e.tally = gateway, Who::Shedding);
    let cut = tally(&[(Ending::Cut, 300), (Ending::Expected, 600)]);
    check_change(healthy(), |e| e.tally = cut, Who::Refusing);
}

#[test]
fn too_few_vus_for_an_application_as_fast_as_ever() {
    let few = |e: &mut Evidence| {
        e.tally = tally(&[(Ending::Expected, 300)]);
        e.tally.dropped = 600;
        e.tally.waits = waits(&[(100 * MS, 300)]);
        e.load.quiet_wait_ns = Some(100 * MS);
        e.load.is_at_cap = true;
        e.load.in_flight_to = 10;
    };
    let verdict = check_change(healthy(), few, Who::ClientVus);
    assert!(matches!(verdict.because[1], Signal::VusNeeded { vus: 28..=34 }), "{verdict:?}");
}

#[test]
fn what_cannot_be_read_is_not_counted_as_a_check() {
    let mut evidence = overloaded(remote());
    let all = Verdict::of(&evidence).checks;
    evidence.host.steal = None;
    evidence.network.segments_out = None;
    evidence.network.segments_in = None;
    let fewer = Verdict::of(&evidence).checks;
    assert_eq!((fewer.known, fewer.unknown), (all.known - 2, all.unknown + 2));
}

#[test]
fn the_worst_second_speaks_for_a_run_that_dilutes_it() {
    let second = |evidence| Some(Second { from_ns: 5 * S, to_ns: 6 * S, evidence });
    let diagnosis = Diagnosis::of(healthy(), second(overloaded(healthy())));
    assert_eq!((diagnosis.verdict.who, diagnosis.within), (Who::ApplicationQueue, Some((5 * S, 6 * S))));
    // A second in which nothing did harm is noise.
    let mut pushed = healthy();
    pushed.generator.run_delay_max = Some(0.3);
    assert_eq!(Diagnosis::of(healthy(), second(pushed)).verdict.who, Who::Nobody);
    // The generator's fault when it was worst clears the application.
    let mut busy = overloaded(healthy());
    busy.generator.busy_max = 0.99;
    let diagnosis = Diagnosis::of(overloaded(healthy()), second(busy));
    assert_eq!(diagnosis.verdict.who, Who::ClientCpu);
}

#[test]
fn a_trial_is_valid_or_says_why_not() {
    #[track_caller]
    fn faults(change: impl FnOnce(&mut Evidence)) -> Vec<Fault> {
        let mut evidence = healthy();
        change(&mut evidence);
        Validity::of(&evidence).faults
    }
    assert_eq!(faults(|_| {}), []);
    assert_eq!(faults(|e| e.generator.busy_max = 0.96), [Fault::Busy { share: 0.96 }]);
    assert_eq!(faults(|e| e.host.steal = Some(0.03)), [Fault::Stolen { share: 0.03 }]);
    assert_eq!(faults(|e| e.tally.dropped_samples = 7), [Fault::SamplesDropped { samples: 7 }]);
    let once = Throttling { periods: 1, stopped_ns: 1 };
    assert_eq!(faults(|e| e.generator.throttling = Some(once)), [Fault::Throttled { periods: 1 }]);
    let files = Fault::OwnErrors { ending: Ending::OwnFiles, requests: 1 };
    assert_eq!(faults(|e| e.tally.add(Ending::OwnFiles, 1)), [files]);
    // Below the cap a start that is not made is ours; at the cap it is the application's loss.
    assert_eq!(faults(|e| e.tally.dropped = 100), [Fault::Unsent { share: 0.1 }]);
    let at_cap = |e: &mut Evidence| (e.tally.dropped, e.load.is_at_cap) = (100, true);
    assert_eq!(faults(at_cap), []);
    let late = |deadline_ns| {
        move |e: &mut Evidence| {
            e.tally.lags = waits(&[(3 * MS, 900)]);
            e.load.deadline_ns = deadline_ns;
        }
    };
    assert!(matches!(faults(late(None))[..], [Fault::Late { limit_ns: MS, .. }]));
    // A twentieth of 500 ms is 25 ms.
    assert_eq!(faults(late(Some(500 * MS))), []);
    let mut closed_loop = closed();
    closed_loop.tally.lags = waits(&[(30 * MS, 900)]);
    assert!(Validity::of(&closed_loop).is_valid());
}
