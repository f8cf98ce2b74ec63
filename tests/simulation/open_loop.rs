//! Arrival rates: every start at its own instant, and `dropped_iterations` by k6's rule: a start
//! that finds no idle VU is dropped, and one more VU is made for later ones.

use crate::scripted::{Scripted, count, ok, run_scripted};
use crate::world::{Load, MS, S, World, ns};
use ringload::metrics::Builtin;
use ringload::options::Executor;
use ringload::time::Instant;
use ringload::worker::Message;

/// Ten starts, 100 ms apart; an answer takes 250 ms and a little.
#[track_caller]
fn check(pre_allocated_vus: u64, max_vus: u64, want_started_at_ms: &[u64], want_vus: u32) {
    let world = World::ideal(Executor::ConstantArrivalRate {
        rate: 10,
        time_unit: ns(S),
        duration: ns(S),
        pre_allocated_vus,
        max_vus,
    });
    let run = run_scripted(&world, &Scripted::new(vec![ok(250 * MS)]));
    let worker = &run.workers[0];
    let started_at_ms: Vec<u64> = worker.log.starts.iter().map(|start| start.0 / MS).collect();
    assert_eq!(started_at_ms, want_started_at_ms);
    assert!(worker.log.starts.iter().all(|start| start.0.is_multiple_of(100 * MS)), "to the nanosecond");
    assert_eq!(count(&run, Builtin::DroppedIterations), 10 - want_started_at_ms.len() as u64);
    assert_eq!(worker.last.vus_initialized, want_vus);
    assert_eq!(run.totals.start_lag().max(), 0.0);
}

#[test]
fn enough_vus_drop_nothing() {
    check(3, 3, &[0, 100, 200, 300, 400, 500, 600, 700, 800, 900], 3);
    check(10, 20, &[0, 100, 200, 300, 400, 500, 600, 700, 800, 900], 10);
}

#[test]
fn each_drop_makes_one_vu_for_later_starts() {
    check(1, 3, &[0, 200, 300, 500, 600, 700, 800, 900], 3);
    check(0, 2, &[100, 300, 400, 600, 700, 900], 2);
}

#[test]
fn at_the_most_vus_nothing_is_made() {
    check(1, 1, &[0, 300, 600, 900], 1);
    check(2, 2, &[0, 100, 300, 400, 600, 700, 900], 2);
}

#[test]
fn a_changed_rate_keeps_the_phase_and_starts_on_time() {
    let mut world = World::ideal(Executor::ConstantVus { vus: 1, duration: ns(1) });
    world.load = Load::Controlled { begin: Instant(0), rate_per_s: 10.0, end: Instant(S), max_vus: 8 };
    let at = |at_ms: u64, rate_per_s| {
        let at = Instant(at_ms * MS);
        (at.minus_ns(20 * MS), Message::SetRate { at, rate_per_s })
    };
    // At 250 ms half of a period has passed; the other half takes 25 ms at the double rate.
    world.messages = vec![at(250, 20.0), at(450, 0.0), at(750, 10.0)];
    let run = run_scripted(&world, &Scripted::new(vec![ok(MS)]));
    let started_at_ms: Vec<u64> = run.workers[0].log.starts.iter().map(|start| start.0 / MS).collect();
    assert_eq!(started_at_ms, [0, 100, 200, 275, 325, 375, 425, 800, 900]);
    assert_eq!(run.totals.start_lag().max(), 0.0);
    assert_eq!(run.ended_at(), Instant(S));
}

#[test]
fn vus_are_made_one_at_a_time_so_that_starts_are_late_by_one_at_most() {
    let mut world = World::ideal(Executor::ConstantArrivalRate {
        rate: 1_000,
        time_unit: ns(S),
        duration: ns(S),
        pre_allocated_vus: 1,
        max_vus: 50,
    });
    world.making_ns = 5 * MS;
    let run = run_scripted(&world, &Scripted::new(vec![ok(30 * MS)]));
    let worker = &run.workers[0];
    assert!(run.totals.start_lag().max() <= 5.0, "{} ms late", run.totals.start_lag().max());
    // 31 are needed; more are made while starts gather behind the making of one.
    let made = worker.last.vus_initialized;
    assert!((31..=50).contains(&made), "{made} VUs");
    let started = worker.log.starts.len() as u64;
    assert_eq!(started + count(&run, Builtin::DroppedIterations), 1_000);
    // Made one after another they are all there after 50 x 5 ms.
    let late = worker.log.starts.iter().filter(|start| start.0 >= 300 * MS).count();
    assert_eq!(late, 700, "nothing is dropped any more");
}
