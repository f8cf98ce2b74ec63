//! How iterations end that run when their time is over.

use crate::scripted::{Scripted, count, ok, run_scripted};
use crate::world::{Load, MS, S, World, ns};
use ringload::metrics::Builtin;
use ringload::metrics::totals::Live;
use ringload::options::{Executor, Stage};
use ringload::time::Instant;
use ringload::worker::Message;

const RTT: u64 = 100_000;

/// Two VUs for a second; an iteration takes 300 ms and a round trip, the first of a VU one more.
fn world(graceful_stop_ns: u64, messages: &[(u64, Message)]) -> World {
    let mut world = World::ideal(Executor::ConstantVus { vus: 2, duration: ns(S) });
    let Load::Scenario(scenario) = &mut world.load else { unreachable!("made of an executor") };
    scenario.graceful_stop = ns(graceful_stop_ns);
    world.messages = messages.iter().map(|(at, message)| (Instant(*at), message.clone())).collect();
    world
}

/// The end of a VU's nth iteration.
fn end_of(nth: u64) -> u64 {
    nth * (300 * MS + RTT) + RTT
}

#[track_caller]
fn check(world: &World, complete: u64, interrupted: u64, ended_at_ns: u64) {
    let run = run_scripted(world, &Scripted::new(vec![ok(300 * MS)]));
    let (started, requests) = (complete + interrupted, complete);
    let want = Live { started, complete, interrupted, requests, ..Live::default() };
    assert_eq!(run.totals.live(), want);
    assert_eq!(run.workers[0].last.interrupted_requests, interrupted);
    assert_eq!(run.ended_at().0, ended_at_ns);
    assert_eq!(run.workers[0].log.open.len() as u64, 2 - interrupted, "kept connections");
}

#[test]
fn graceful_stop_lets_iterations_finish_within_its_time() {
    check(&world(30 * S, &[]), 8, 0, end_of(4));
    check(&world(0, &[]), 6, 2, S);
    check(&world(100 * MS, &[]), 6, 2, S + 100 * MS);
    check(&world(300 * MS, &[]), 8, 0, end_of(4));
}

#[test]
fn nothing_starts_at_the_regular_end() {
    let mut world = world(30 * S, &[]);
    let Load::Scenario(scenario) = &mut world.load else { unreachable!("made of an executor") };
    scenario.executor = Executor::ConstantVus { vus: 2, duration: ns(end_of(2)) };
    check(&world, 4, 0, end_of(2));
}

#[test]
fn a_stop_ends_the_run_as_it_says() {
    let stop = |now| (450 * MS, Message::Stop { now });
    check(&world(30 * S, &[stop(true)]), 2, 2, 450 * MS);
    check(&world(30 * S, &[stop(false)]), 4, 0, end_of(2));
    // After a graceful stop nothing is interrupted, however short the scenario's own grace.
    check(&world(0, &[(950 * MS, Message::Stop { now: false })]), 8, 0, end_of(4));
    check(&world(30 * S, &[stop(false), (500 * MS, Message::Stop { now: true })]), 2, 2, 500 * MS);
}

#[test]
fn a_ramp_down_interrupts_the_vus_that_are_too_many_when_their_grace_is_over() {
    let ramp = |grace_ns| {
        let stages = [(300, 2), (0, 1), (400, 1)];
        World::ideal(Executor::RampingVus {
            start_vus: 2,
            stages: stages.map(|(ms, target)| Stage { duration: ns(ms * MS), target }).to_vec(),
            graceful_ramp_down: ns(grace_ns),
        })
    };
    let live = |world: &World| {
        let run = run_scripted(world, &Scripted::new(vec![ok(300 * MS)]));
        let live = run.totals.live();
        (live.started, live.complete, live.interrupted, run.ended_at().0)
    };
    // The second VU is told to finish at 300 ms, a round trip or two before it would.
    assert_eq!(live(&ramp(0)), (4, 3, 1, end_of(3)));
    assert_eq!(live(&ramp(MS)), (4, 4, 0, end_of(3)));
}

#[test]
fn iterations_that_were_promised_and_never_started_are_dropped() {
    let executors = [
        Executor::SharedIterations { vus: 2, iterations: 20, max_duration: ns(S) },
        Executor::PerVuIterations { vus: 2, iterations: 10, max_duration: ns(S) },
    ];
    for executor in executors {
        let run = run_scripted(&World::ideal(executor), &Scripted::new(vec![ok(300 * MS)]));
        assert_eq!((count(&run, Builtin::Iterations), count(&run, Builtin::DroppedIterations)), (8, 12));
    }
}
