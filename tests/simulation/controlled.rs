//! What a search says to a worker while it runs: loops, limits, interruptions.

use crate::drive::Run;
use crate::scripted::{Scripted, count, ok, run_scripted};
use crate::world::{Load, MS, S, World, ns};
use ringload::metrics::Builtin;
use ringload::options::Executor;
use ringload::time::Instant;
use ringload::worker::Message;

const RTT: u64 = 100_000;
/// An iteration on a connection that is open.
const ITERATION: u64 = 10 * MS + RTT;

/// Eight VUs that start `rate_per_s` for a second, and what they are told, by milliseconds.
fn run(rate_per_s: f64, answer_ns: u64, messages: &[(u64, Message)]) -> Run<Scripted> {
    let mut world = World::ideal(Executor::ConstantVus { vus: 1, duration: ns(1) });
    world.load = Load::Controlled { begin: Instant(0), rate_per_s, end: Instant(S), max_vus: 8 };
    world.messages = messages.iter().map(|(ms, message)| (Instant(ms * MS), message.clone())).collect();
    world.judges = true;
    let run = run_scripted(&world, &Scripted::new(vec![ok(answer_ns)]));
    let judged = &run.workers[0].judged.as_ref().expect("it judges").whole;
    let live = run.totals.live();
    assert_eq!((judged.started, judged.dropped), (live.started, live.dropped));
    assert_eq!(live.started, live.complete + live.interrupted, "nothing runs on");
    run
}

fn starts_between(run: &Run<Scripted>, from_ms: u64, to_ms: u64) -> usize {
    let starts = &run.workers[0].log.starts;
    starts.iter().filter(|start| (from_ms * MS..to_ms * MS).contains(&start.0)).count()
}

#[test]
fn a_loop_keeps_so_many_iterations_running_and_ends_them() {
    let looped = run(0.0, 10 * MS, &[(100, Message::Loop { vus: 3 }), (300, Message::Loop { vus: 0 })]);
    // The first of a VU opens its connection, a round trip more.
    let each = 1 + (200 * MS - ITERATION - RTT).div_ceil(ITERATION);
    assert_eq!(looped.workers[0].log.starts.len() as u64, 3 * each);
    assert_eq!((starts_between(&looped, 0, 100), starts_between(&looped, 300, 1000)), (0, 0));
    assert_eq!(looped.totals.live().interrupted, 0, "they finish");
}

#[test]
fn a_loop_shrinks_and_grows_to_what_it_is_told() {
    let orders = [
        (0, Message::Loop { vus: 4 }),
        (200, Message::Loop { vus: 1 }),
        (400, Message::Loop { vus: 2 }),
        (600, Message::Loop { vus: 0 }),
    ];
    let run = run(0.0, 10 * MS, &orders);
    let per_vu = |count: usize| count as f64 / 20.0;
    for (from_ms, to_ms, vus) in [(0, 200, 4.0), (220, 400, 0.9), (400, 600, 2.0)] {
        let ran = per_vu(starts_between(&run, from_ms, to_ms));
        assert!((ran - vus).abs() <= 0.2, "{ran} VUs from {from_ms} ms on, not {vus}");
    }
}

#[test]
fn more_loops_than_vus_are_as_many_as_there_are() {
    let run = run(0.0, 10 * MS, &[(0, Message::Loop { vus: 100 }), (100, Message::Loop { vus: 0 })]);
    assert_eq!(run.workers[0].last.vus_initialized, 8);
}

#[test]
fn a_stop_ends_loops_too() {
    for now in [true, false] {
        let stop = Message::Stop { now };
        let stopped = run(0.0, 300 * MS, &[(0, Message::Loop { vus: 2 }), (450, stop)]);
        let ended_at = if now { 450 * MS } else { 2 * (300 * MS + RTT) + RTT };
        assert_eq!((stopped.ended_at().0, stopped.totals.live().started), (ended_at, 4));
    }
}

#[test]
fn starts_beyond_the_limit_are_dropped_and_no_vu_is_made_for_them() {
    // Ten starts, 100 ms apart; an answer takes 250 ms and a little.
    let limited = run(10.0, 250 * MS, &[(0, Message::Limit { in_flight: 2 })]);
    let started_at_ms: Vec<u64> = limited.workers[0].log.starts.iter().map(|start| start.0 / MS).collect();
    assert_eq!(started_at_ms, [0, 100, 300, 400, 600, 700, 900]);
    assert_eq!(count(&limited, Builtin::DroppedIterations), 3);
    let lifted = [(0, Message::Limit { in_flight: 1 }), (350, Message::Limit { in_flight: 8 })];
    assert_eq!(count(&run(10.0, 250 * MS, &lifted), Builtin::DroppedIterations), 2);
}

#[test]
fn few_connections_carry_a_rate_that_needs_few() {
    let run = run(50.0, 10 * MS, &[]);
    assert_eq!((run.workers[0].log.starts.len(), run.workers[0].counts.connects), (50, 1));
}

#[test]
fn an_interruption_ends_what_runs_and_later_starts_go_on() {
    let run = run(10.0, 250 * MS, &[(350, Message::Interrupt)]);
    let live = run.totals.live();
    // Those of 100, 200 and 300 ms; and at the end of the plan those of 800 and 900.
    assert_eq!((live.started, live.interrupted, live.dropped), (10, 5, 0));
    assert_eq!(run.workers[0].judged.as_ref().unwrap().whole.interrupted, 5);
    assert_eq!(starts_between(&run, 350, 1000), 6);
}

#[test]
fn a_burn_changes_nothing_in_a_time_that_stands_still() {
    let starts = |messages: &[(u64, Message)]| run(100.0, 10 * MS, messages).workers[0].log.starts.clone();
    assert_eq!(starts(&[(0, Message::Burn { share: 0.5 })]), starts(&[]));
}
