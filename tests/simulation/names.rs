//! Hosts that have a name: looked up by the worker's keeper, while virtual time goes on.

use crate::scripted::{Scripted, ok, run_scripted, trend};
use crate::world::{MS, Naming, S, World, ns, one_vu};
use ringload::metrics::Builtin;
use ringload::options::{Dns, DnsPolicy, DnsSelect};
use std::collections::BTreeMap;
use std::net::IpAddr;

const RTT: u64 = 100_000;
const LOOK_UP: u64 = 3 * MS;

/// Three iterations, each over a connection of its own.
fn world(ttl_ns: u64, answers: &[&[IpAddr]]) -> World {
    let mut world = World::ideal(one_vu(3));
    world.settings.no_connection_reuse = true;
    world.naming = Some(Naming {
        dns: Dns { ttl: ns(ttl_ns), select: DnsSelect::First, policy: DnsPolicy::PreferIpv4 },
        delay_ns: LOOK_UP,
        answers: answers.iter().map(|answer| answer.to_vec()).collect(),
    });
    world
}

#[track_caller]
fn check(world: &World, outcomes: &[((u16, u16), u64)], blocked: (u64, u64, u64), ended_at_ns: u64) {
    let run = run_scripted(world, &Scripted::new(vec![ok(0)]));
    assert_eq!(run.totals.exchanges_by_outcome(), BTreeMap::from_iter(outcomes.iter().copied()));
    assert_eq!(trend(&run, Builtin::HttpReqBlocked), blocked);
    assert_eq!(run.ended_at().0, ended_at_ns);
}

fn here() -> IpAddr {
    [10, 0, 0, 1].into()
}

#[test]
fn a_look_up_takes_its_time_and_no_more() {
    let world = world(300 * S, &[&[here()]]);
    check(&world, &[((200, 0), 3)], (3, RTT, LOOK_UP + RTT), LOOK_UP + 6 * RTT);
    // k6 counts the look-up as blocked, not as connecting.
    let run = run_scripted(&world, &Scripted::new(vec![ok(0)]));
    assert_eq!(trend(&run, Builtin::HttpReqConnecting), (3, RTT, RTT));
}

#[test]
fn an_answer_is_good_for_those_who_waited_however_short_its_ttl() {
    let blocked = (3, LOOK_UP + RTT, LOOK_UP + RTT);
    check(&world(0, &[&[here()]]), &[((200, 0), 3)], blocked, 3 * (LOOK_UP + 2 * RTT));
}

#[test]
fn a_name_without_addresses_fails_each_request_until_it_has_some() {
    let outcomes = [((0, 1101), 2), ((200, 0), 1)];
    let world = world(300 * S, &[&[], &[], &[here()]]);
    check(&world, &outcomes, (3, 0, LOOK_UP + RTT), 3 * LOOK_UP + 2 * RTT);
}
