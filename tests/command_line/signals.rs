//! Ctrl-C and kill: the run ends at once, its summary is printed, and the exit status is k6's.

use crate::figures::Export;
use crate::peer::Peer;
use crate::program::{Ended, Program, ringload};
use crate::transports::{serve, transports};
use ringload::options::{BehaviourOptions, TransportChoice};
use std::time::Duration;

const VUS: usize = 4;
/// From the (last) signal to the end of the process.
const SOON: Duration = Duration::from_secs(1);

/// A run against a server that takes every request and answers none.
#[track_caller]
fn unanswered(transport: &str, export: &Export) -> (Peer, Program) {
    let peer = Peer::silent();
    let vus = format!("-u{VUS}");
    let run = Program::start(ringload(&["run", &peer.url(), &vus, "-d60s", transport, &export.flag()]));
    peer.wait_for_requests(VUS);
    (peer, run)
}

#[track_caller]
fn check_aborted(ended: &Ended, signal: &str) {
    assert_eq!(ended.code, Some(105), "{}", ended.stderr);
    let message = format!("test run was aborted because ringload received a '{signal}' signal");
    assert_eq!(ended.last_message(), message, "{}", ended.stderr);
    assert!(ended.after_signal.unwrap() < SOON, "it took {:?}", ended.after_signal);
    assert!(ended.stdout.contains("█ TOTAL RESULTS"), "{}", ended.stdout);
    assert!(ended.stdout.contains("\ndefault ✗ ["), "{}", ended.stdout);
}

#[test]
fn one_signal_interrupts_what_runs_and_the_summary_comes() {
    for transport in transports() {
        for (name, in_words) in [("INT", "interrupt"), ("TERM", "terminated")] {
            let export = Export::new();
            let (peer, mut run) = unanswered(transport, &export);
            run.signal(name);
            let ended = run.end();
            check_aborted(&ended, in_words);
            // None has an outcome, so none is in a metric; but they were sent, and that is said.
            let figures = export.read();
            assert_eq!((peer.requests().len(), figures.count("http_reqs")), (VUS, 0));
            assert_eq!(ended.last_progress(), (0, VUS as u64));
            let doubt = format!("{VUS} requests were interrupted without an answer");
            assert!(ended.doubts().iter().any(|line| line.starts_with(&doubt)), "{}", ended.stdout);
            let warning = "No script iterations fully finished, consider making the test duration longer";
            assert!(ended.stderr.contains(warning), "{}", ended.stderr);
        }
    }
}

#[test]
fn what_was_answered_before_the_signal_is_all_counted() {
    for transport in transports() {
        let export = Export::new();
        let target =
            serve(TransportChoice::Auto, [127, 0, 0, 1].into(), BehaviourOptions::default()).unwrap();
        let url = format!("http://{}/?delay=uniform:1ms-20ms", target.address());
        let mut run = Program::start(ringload(&["run", &url, "-u8", "-d60s", transport, &export.flag()]));
        run.wait_for_output("running (");
        run.signal("INT");
        let ended = run.end();
        let served = target.stop();
        check_aborted(&ended, "interrupt");
        let figures = export.read();
        let (complete, interrupted) = ended.last_progress();
        assert_eq!((figures.count("http_reqs"), figures.failed().0), (complete, 0));
        // At most one request of each VU was cut off: on its way there, there, or on its way back.
        assert!(interrupted <= 8 && complete <= served.requests, "{complete} {interrupted} {served:?}");
        assert!(served.requests <= complete + interrupted, "{complete} {interrupted} {served:?}");
    }
}

#[test]
fn a_second_signal_does_not_cost_the_summary() {
    for transport in transports() {
        let export = Export::new();
        let (_peer, mut run) = unanswered(transport, &export);
        run.signal("INT");
        run.signal("INT");
        check_aborted(&run.end(), "interrupt");
    }
}

#[test]
fn an_open_loop_and_a_connect_under_way_end_as_soon() {
    for transport in transports() {
        let peer = Peer::silent();
        let flags = ["run", &peer.url(), "--rate=50", "--max-vus=20", "-d60s", transport];
        let mut run = Program::start(ringload(&flags));
        peer.wait_for_requests(5);
        run.signal("INT");
        check_aborted(&run.end(), "interrupt");
    }
}

#[test]
fn a_target_tells_what_it_served_when_it_is_told_to_end() {
    for name in ["INT", "TERM"] {
        let mut target = Program::start(ringload(&["target", "--listen=127.0.0.1:0"]));
        target.wait_for_output("listening on http://127.0.0.1:");
        target.signal(name);
        let ended = target.end();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        assert!(ended.stdout.contains("\nserved       0 responses in "), "{}", ended.stdout);
        assert!(ended.after_signal.unwrap() < SOON, "it took {:?}", ended.after_signal);
    }
}
