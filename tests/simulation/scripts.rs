//! Iterations of scripts, to the nanosecond: what they wait for, and that they end in time.

use crate::scripted::{Scripted, count, ok, run_scripted, say, trend};
use crate::watch::Move;
use crate::world::{MS, S, World, ns, one_vu};
use ringload::metrics::Builtin::{self, *};
use ringload::options::Executor;
use ringload::transport::sim::{Network, Reply};
use std::collections::BTreeMap;

const RTT: u64 = 100_000;

fn world(iterations: u64, moves: Vec<Move>) -> World {
    let mut world = World::ideal(one_vu(iterations));
    world.script = Some(moves);
    world
}

/// Statuses with error codes, how often; trends; and the end.
#[track_caller]
fn check(
    world: &World,
    far_end: &Scripted,
    outcomes: &[((u16, u16), u64)],
    trends: &[(Builtin, (u64, u64, u64))],
    ended_at_ns: u64,
) {
    let run = run_scripted(world, far_end);
    assert_eq!(run.totals.exchanges_by_outcome(), BTreeMap::from_iter(outcomes.iter().copied()));
    for (metric, want) in trends {
        assert_eq!(trend(&run, *metric), *want, "{}", metric.name());
    }
    assert_eq!(run.ended_at().0, ended_at_ns);
}

#[test]
fn a_batch_takes_as_long_as_its_slowest_request() {
    let slowest = RTT + 3 * MS;
    check(
        &world(1, vec![Move::Ask(3), Move::Sleep(MS), Move::Ask(1)]),
        &Scripted::new(vec![ok(MS), ok(3 * MS), ok(2 * MS), ok(0)]),
        &[((200, 0), 4)],
        &[(HttpReqDuration, (4, RTT, slowest)), (HttpReqConnecting, (4, 0, RTT))],
        RTT + slowest + MS + RTT,
    );
}

#[test]
fn each_hop_is_an_exchange_and_the_connection_is_kept() {
    let moved = "HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 0\r\n\r\n";
    let far_end = Scripted::new(vec![vec![say(MS, moved)], ok(2 * MS)]);
    let world = world(1, vec![Move::Ask(1)]);
    let trends = [(HttpReqDuration, (2, RTT + MS, RTT + 2 * MS)), (HttpReqBlocked, (2, 0, RTT))];
    check(&world, &far_end, &[((200, 0), 1), ((302, 0), 1)], &trends, 3 * RTT + 3 * MS);
}

#[test]
fn a_script_goes_on_after_a_failure() {
    let far_end = Scripted::new(vec![vec![(MS, Reply::Reset)], ok(0)]);
    let world = world(1, vec![Move::Ask(1), Move::Ask(1)]);
    let trends =
        [(HttpReqDuration, (2, RTT, RTT + MS)), (IterationDuration, (1, 4 * RTT + MS, 4 * RTT + MS))];
    check(&world, &far_end, &[((0, 1220), 1), ((200, 0), 1)], &trends, 4 * RTT + MS);
}

#[test]
fn rps_and_the_shortest_duration_set_the_pace() {
    let mut spaced = world(2, vec![Move::Ask(2)]);
    spaced.settings.request_every_ns = 10 * MS;
    check(&spaced, &Scripted::new(vec![ok(0)]), &[((200, 0), 4)], &[], 30 * MS + RTT);
    let mut rested = world(3, vec![Move::Ask(1), Move::Yield]);
    rested.settings.min_iteration_ns = S;
    // The rest is no part of the iteration's duration.
    let durations = [(IterationDuration, (3, RTT, 2 * RTT))];
    check(&rested, &Scripted::new(vec![ok(0)]), &[((200, 0), 3)], &durations, 3 * S);
}

#[test]
fn iterations_that_wait_for_nothing_end_with_their_scenario() {
    for moves in [vec![], vec![Move::Yield], vec![Move::Sleep(0)]] {
        let mut world = World::ideal(Executor::ConstantVus { vus: 2, duration: ns(MS) });
        world.network = Network { call_ns: 1_000, ..Network::ideal() };
        world.script = Some(moves);
        let run = run_scripted(&world, &Scripted::new(vec![ok(0)]));
        assert!(count(&run, Iterations) >= 100, "{}", count(&run, Iterations));
        assert!(run.ended_at().0 <= MS + world.slack_ns(), "{:?}", run.ended_at());
    }
}
