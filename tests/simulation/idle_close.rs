//! Servers that end idle connections: a request that meets the end on its way is sent again, as
//! Go's client does, where that can do no harm.

use crate::scripted::{OK, Scripted, ok, run_scripted, say};
use crate::world::{MS, S, World, ns, one_vu};
use ringload::options::Executor;
use ringload::transport::sim::Reply;
use std::collections::BTreeMap;

const RTT: u64 = 100_000;

/// Answers, and ends the connection `later_ns` after that without having said so.
fn ends_after(later_ns: u64, end: Reply) -> Scripted {
    Scripted::new(vec![vec![say(0, OK), (later_ns, end)]])
}

/// Five iterations: how many were answered and how many failed with this code; connections opened;
/// requests sent again.
#[track_caller]
fn check(world: &World, far_end: &Scripted, ok: u64, failed: Option<(u16, u64)>, connects: u64, resent: u64) {
    let run = run_scripted(world, far_end);
    let failed = failed.map(|(code, requests)| ((0, code), requests));
    let want: BTreeMap<(u16, u16), u64> = failed.into_iter().chain([((200, 0), ok)]).collect();
    assert_eq!(run.totals.exchanges_by_outcome(), want);
    let worker = &run.workers[0];
    assert_eq!((worker.counts.connects, worker.last.resent_requests), (connects, resent));
}

fn asking(method: &'static str, executor: Executor) -> World {
    let mut world = World::ideal(executor);
    world.request.method = method;
    world
}

#[test]
fn a_get_that_meets_the_end_is_sent_again_and_a_post_fails() {
    for (end, code) in [(Reply::Close, 1000), (Reply::Reset, 1220)] {
        let far_end = ends_after(10_000, end);
        // Each but the first finds its connection ending, and opens another.
        check(&asking("GET", one_vu(5)), &far_end, 5, None, 5, 4);
        // A connection is opened after a failure only: every second request fails.
        check(&asking("POST", one_vu(5)), &far_end, 3, Some((code, 2)), 3, 0);
    }
}

#[test]
fn an_end_between_requests_harms_nobody() {
    let once_a_second = Executor::ConstantArrivalRate {
        rate: 1,
        time_unit: ns(S),
        duration: ns(5 * S),
        pre_allocated_vus: 1,
        max_vus: 1,
    };
    for method in ["GET", "POST"] {
        check(&asking(method, once_a_second.clone()), &ends_after(100 * MS, Reply::Close), 5, None, 5, 0);
        let far_end = ends_after(100 * MS, Reply::Reset);
        check(&asking(method, once_a_second.clone()), &far_end, 5, None, 5, 0);
    }
}

#[test]
fn sending_again_gives_no_more_time() {
    let end = vec![say(0, OK), (10_000, Reply::Close)];
    let run = run_scripted(&World::ideal(one_vu(2)), &Scripted::new(vec![end, vec![]]));
    assert_eq!(run.totals.exchanges_by_outcome(), BTreeMap::from([((0, 1050), 1), ((200, 0), 1)]));
    let second_asked_at = 2 * RTT;
    assert_eq!(run.ended_at().0, second_asked_at + 60 * S);
    assert_eq!(run.workers[0].responder.requests(), 2);
}

#[test]
fn what_was_answered_before_the_end_is_not_sent_again() {
    let mut world = World::ideal(one_vu(1));
    world.request.pipeline = 4;
    let closes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let far_end = Scripted::new(vec![ok(0), vec![say(0, closes), (0, Reply::Close)], vec![], vec![], ok(0)]);
    let run = run_scripted(&world, &far_end);
    assert_eq!(run.totals.exchanges_by_outcome(), BTreeMap::from([((200, 0), 4)]));
    assert_eq!((run.workers[0].counts.connects, run.workers[0].last.resent_requests), (2, 2));
}
