//! What goes wrong with a request has k6's code and text, its time, and does no harm to the next.

use crate::scripted::{OK, Scripted, count, ok, run_scripted, say, trend};
use crate::world::{MS, S, World, one_vu};
use ringload::metrics::Builtin;
use ringload::transport::sim::{Admission, Reply};
use std::collections::BTreeMap;

const RTT: u64 = 100_000;

/// One VU asks twice: the first request fails, `failed_at_ns` after the beginning and with this
/// duration; the second is answered over a new connection.
#[track_caller]
fn check(world: &World, far_end: &Scripted, code: u16, text: &str, failed_at_ns: u64, duration_ns: u64) {
    let run = run_scripted(world, far_end);
    let want = BTreeMap::from([((0, code), 1), ((200, 0), 1)]);
    assert_eq!(run.totals.exchanges_by_outcome(), want);
    let failures = run.totals.failures();
    let texts: Vec<(u16, &str)> =
        failures.iter().map(|failure| (failure.code, failure.text.as_str())).collect();
    assert_eq!(texts, [(code, text)]);
    assert_eq!(run.ended_at().0, failed_at_ns + 2 * RTT);
    assert_eq!(run.workers[0].counts.connects, 2);
    let (shorter, longer) = (duration_ns.min(RTT), duration_ns.max(RTT));
    assert_eq!(trend(&run, Builtin::HttpReqDuration), (2, shorter, longer));
    assert_eq!(count(&run, Builtin::Iterations), 2);
    assert_eq!(run.workers[0].last.resent_requests, 0);
}

fn world() -> World {
    World::ideal(one_vu(2))
}

/// The first request is answered like this.
fn first(replies: Vec<(u64, Reply)>) -> Scripted {
    Scripted::new(vec![replies, ok(0)])
}

#[test]
fn no_answer_is_a_request_timeout_after_exactly_60_s() {
    check(&world(), &first(vec![]), 1050, "request timeout", 60 * S, 60 * S - RTT);
    let (head, _) = OK.split_at(30);
    check(&world(), &first(vec![say(0, head)]), 1050, "request timeout", 60 * S, 60 * S - RTT);
    let mut short = world();
    (short.settings.timeout_ns, short.settings.dial_timeout_ns) = (1_234_567, 1_234_567);
    check(&short, &first(vec![]), 1050, "request timeout", 1_234_567, 1_234_567 - RTT);
}

#[test]
fn an_answer_at_the_very_end_of_the_time_counts() {
    let run = run_scripted(&world(), &Scripted::new(vec![ok(60 * S - 2 * RTT), ok(0)]));
    assert_eq!(run.totals.exchanges_by_outcome(), BTreeMap::from([((200, 0), 2)]));
}

#[test]
fn an_attempt_that_nobody_answers_is_a_dial_timeout_after_exactly_30_s() {
    let ignore = Scripted::admitting(vec![Admission::Ignore, Admission::Accept]);
    check(&world(), &ignore, 1211, "dial: i/o timeout", 30 * S, 0);
    let mut short = world();
    (short.settings.timeout_ns, short.settings.dial_timeout_ns) = (7 * S, 7 * S);
    check(&short, &ignore, 1211, "dial: i/o timeout", 7 * S, 0);
}

#[test]
fn a_closed_port_refuses() {
    let refuse = Scripted::admitting(vec![Admission::Refuse, Admission::Accept]);
    check(&world(), &refuse, 1212, "dial: connection refused", RTT, 0);
}

#[test]
fn a_reset_has_its_own_code_wherever_it_strikes() {
    let reset = "read: connection reset by peer";
    check(&world(), &first(vec![(3 * MS, Reply::Reset)]), 1220, reset, 2 * RTT + 3 * MS, RTT + 3 * MS);
    for cut in [10, OK.len() - 1] {
        let replies = vec![say(MS, &OK[..cut]), (3 * MS, Reply::Reset)];
        check(&world(), &first(replies), 1220, reset, 2 * RTT + 3 * MS, RTT + 3 * MS);
    }
}

#[test]
fn an_end_before_the_answer_is_eof_and_one_within_it_is_unexpected() {
    check(&world(), &first(vec![(3 * MS, Reply::Close)]), 1000, "EOF", 2 * RTT + 3 * MS, RTT + 3 * MS);
    for cut in [1, 10, OK.len() - 3, OK.len() - 1] {
        let replies = vec![say(MS, &OK[..cut]), (3 * MS, Reply::Close)];
        check(&world(), &first(replies), 1000, "unexpected EOF", 2 * RTT + 3 * MS, RTT + 3 * MS);
    }
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let replies = vec![say(MS, chunked), (MS, Reply::Close)];
    check(&world(), &first(replies), 1000, "unexpected EOF", 2 * RTT + MS, RTT + MS);
}

#[test]
fn what_is_not_http_is_refused_at_once() {
    let text = "malformed HTTP response \"SSH-2.0-OpenSSH_9.6\"";
    check(&world(), &first(vec![say(MS, "SSH-2.0-OpenSSH_9.6\r\n")]), 1000, text, 2 * RTT + MS, RTT + MS);
    let length = "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc";
    let text = "bad Content-Length \"+3\"";
    check(&world(), &first(vec![say(MS, length)]), 1000, text, 2 * RTT + MS, RTT + MS);
}

#[test]
fn a_head_above_64_kib_is_refused() {
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let text = "net/http: server response headers exceeded 65536 bytes; aborted";
    check(&world(), &first(vec![say(0, &head)]), 1000, text, 2 * RTT, RTT);
}

#[test]
fn a_failure_within_a_pipeline_is_that_of_all_requests_left() {
    let mut world = World::ideal(one_vu(1));
    world.request.pipeline = 4;
    let run = run_scripted(&world, &Scripted::new(vec![ok(0), vec![(MS, Reply::Reset)]]));
    // One answer came, so this is a connection that had answered: a POST is not repeated.
    assert_eq!(run.workers[0].last.resent_requests, 3);
    world.request.method = "POST";
    let run = run_scripted(&world, &Scripted::new(vec![ok(0), vec![(MS, Reply::Reset)]]));
    assert_eq!(run.totals.exchanges_by_outcome(), BTreeMap::from([((0, 1220), 3), ((200, 0), 1)]));
    assert_eq!(trend(&run, Builtin::HttpReqDuration), (4, RTT, RTT + MS));
    assert_eq!(run.workers[0].last.resent_requests, 0);
}
