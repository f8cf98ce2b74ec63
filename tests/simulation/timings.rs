//! An exchange's timings are what the simulated network and far end took, to the nanosecond.

use crate::scripted::{OK, Scripted, count, ok, run_scripted, say, trend};
use crate::world::{MS, World, one_vu};
use ringload::metrics::Builtin::{self, *};
use ringload::transport::sim::Network;

/// Of the ideal network.
const RTT: u64 = 100_000;

/// (count, smallest, largest) of each metric.
#[track_caller]
fn check(world: &World, far_end: &Scripted, want: &[(Builtin, (u64, u64, u64))]) {
    let run = run_scripted(world, far_end);
    for (metric, want) in want {
        assert_eq!(trend(&run, *metric), *want, "{}", metric.name());
    }
}

#[test]
fn the_first_request_pays_for_the_connection_that_the_next_ones_keep() {
    let world = World::ideal(one_vu(3));
    let far_end = Scripted::new(vec![ok(5 * MS)]);
    check(
        &world,
        &far_end,
        &[
            (HttpReqDuration, (3, RTT + 5 * MS, RTT + 5 * MS)),
            (HttpReqWaiting, (3, RTT + 5 * MS, RTT + 5 * MS)),
            (HttpReqSending, (3, 0, 0)),
            (HttpReqReceiving, (3, 0, 0)),
            (HttpReqBlocked, (3, 0, RTT)),
            (HttpReqConnecting, (3, 0, RTT)),
            (IterationDuration, (3, RTT + 5 * MS, 2 * RTT + 5 * MS)),
        ],
    );
    let run = run_scripted(&world, &far_end);
    assert_eq!(run.ended_at().0, 4 * RTT + 15 * MS);
    assert_eq!(count(&run, DataSent), 3 * world.template().bytes.len() as u64);
    assert_eq!(count(&run, DataReceived), 3 * OK.len() as u64);
}

#[test]
fn receiving_is_from_the_first_byte_to_the_last() {
    let (head, body) = OK.split_at(10);
    let (middle, last) = body.split_at(30);
    check(
        &World::ideal(one_vu(2)),
        &Scripted::new(vec![vec![say(2 * MS, head), say(3 * MS, middle), say(7 * MS, last)]]),
        &[
            (HttpReqWaiting, (2, RTT + 2 * MS, RTT + 2 * MS)),
            (HttpReqReceiving, (2, 5 * MS, 5 * MS)),
            (HttpReqDuration, (2, RTT + 7 * MS, RTT + 7 * MS)),
        ],
    );
}

#[test]
fn sending_is_what_the_call_takes() {
    let mut world = World::ideal(one_vu(4));
    world.network = Network { call_ns: 700, ..Network::ideal() };
    check(
        &world,
        &Scripted::new(vec![ok(0)]),
        &[
            (HttpReqSending, (4, 700, 700)),
            (HttpReqWaiting, (4, RTT, RTT)),
            (HttpReqDuration, (4, RTT + 700, RTT + 700)),
            (HttpReqConnecting, (4, 0, RTT + 700)),
        ],
    );
}

#[test]
fn without_reuse_every_request_opens_a_connection() {
    let mut world = World::ideal(one_vu(3));
    world.settings.no_connection_reuse = true;
    check(
        &world,
        &Scripted::new(vec![ok(MS)]),
        &[
            (HttpReqBlocked, (3, RTT, RTT)),
            (HttpReqConnecting, (3, RTT, RTT)),
            (HttpReqDuration, (3, RTT + MS, RTT + MS)),
            (IterationDuration, (3, 2 * RTT + MS, 2 * RTT + MS)),
        ],
    );
}

#[test]
fn pipelined_requests_wait_each_for_its_own_answer() {
    let mut world = World::ideal(one_vu(1));
    world.request.pipeline = 4;
    let apart = Scripted::new(vec![ok(MS), ok(2 * MS), ok(3 * MS), ok(4 * MS)]);
    check(
        &world,
        &apart,
        &[
            (HttpReqDuration, (4, RTT + MS, RTT + 4 * MS)),
            (HttpReqBlocked, (4, 0, RTT)),
            (IterationDuration, (1, 2 * RTT + 4 * MS, 2 * RTT + 4 * MS)),
        ],
    );
    let together = Scripted::new(vec![ok(MS)]);
    check(&world, &together, &[(HttpReqDuration, (4, RTT + MS, RTT + MS)), (HttpReqReceiving, (4, 0, 0))]);
}
