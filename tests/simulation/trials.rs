//! What a search judges: latency from the due time, to the nanosecond.

use crate::scripted::{Scripted, ok, run_scripted};
use crate::watch::Move;
use crate::world::{MS, S, World, ns, one_vu};
use ringload::options::Executor;
use ringload::transport::sim::Network;

const RTT: u64 = 100_000;

/// Accepted, smallest and largest latency, and the largest lag.
#[track_caller]
fn check(mut world: World, far_end: &Scripted, want: (u64, u64, u64), want_lag: u64) {
    world.judges = true;
    let run = run_scripted(&world, far_end);
    let judged = &run.workers[0].judged.as_ref().expect("it judges").whole;
    let ns = |ms: f64| (ms * 1e6).round() as u64;
    let latency = &judged.latency;
    assert_eq!((latency.count(), ns(latency.min()), ns(latency.max())), want);
    assert_eq!(ns(judged.lag.max()), want_lag);
    assert_eq!(judged.accepted, latency.count());
}

#[test]
fn the_first_request_counts_from_the_due_time_and_later_ones_from_their_send() {
    let mut world = World::ideal(one_vu(1));
    world.script = Some(vec![Move::Ask(1), Move::Sleep(S), Move::Ask(1)]);
    // The first one also opens the connection.
    check(world, &Scripted::new(vec![ok(3 * MS), ok(MS)]), (2, RTT + MS, 2 * RTT + 3 * MS), 0);
}

#[test]
fn what_the_generator_is_late_counts_against_the_latency() {
    let arrivals = Executor::ConstantArrivalRate {
        rate: 1_000,
        time_unit: ns(S),
        duration: ns(100 * MS),
        pre_allocated_vus: 50,
        max_vus: 50,
    };
    let mut world = World::ideal(arrivals);
    // A call of 30 ms: starts of that time come together, and late.
    world.network = Network { call_ns: 30 * MS, ..Network::ideal() };
    world.judges = true;
    let run = run_scripted(&world, &Scripted::new(vec![ok(0)]));
    let judged = &run.workers[0].judged.as_ref().expect("it judges").whole;
    assert_eq!(judged.scheduled(), 100);
    assert!(judged.lag.max() >= 29.0, "{}", judged.lag.max());
    assert!(judged.latency.max() >= judged.lag.max() + 0.1, "{}", judged.latency.max());
    let [any, soon] = judged.goals[..] else { panic!("two goals") };
    assert_eq!(any.good, judged.accepted);
    assert!(soon.late > 0 && soon.good + soon.late == any.good, "{soon:?}");
}

#[test]
fn all_requests_of_a_pipeline_were_due_at_once() {
    let mut world = World::ideal(one_vu(1));
    world.request.pipeline = 4;
    let answers = (1..=4).map(|i| ok(i * MS)).collect();
    check(world, &Scripted::new(answers), (4, 2 * RTT + MS, 2 * RTT + 4 * MS), 0);
}
