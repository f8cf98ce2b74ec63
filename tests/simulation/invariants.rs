//! What is true of every run, whatever the network does.

use crate::drive::{Judged, Run, WorkerRun};
use crate::restless::Restless;
use crate::world::{Load, World};
use ringload::metrics::timeline::Row;
use ringload::metrics::totals::Live;
use ringload::metrics::{Builtin, Sink, Totals};
use ringload::options::Executor;
use ringload::plan::{Plan, Wish};
use ringload::time::Instant;
use ringload::worker::Message;
use std::collections::BTreeMap;

pub fn check(world: &World, run: &Run<Restless>) {
    for (index, worker) in run.workers.iter().enumerate() {
        let plan = world.plan(&world.share(index as u32));
        iterations_add_up(world, &plan, worker);
        starts_come_at_their_time(world, &plan, worker);
        requests_add_up(world, worker);
        answers_are_those_of_the_far_end(worker);
        times_are_bounded(world, &plan, worker);
        slots_come_back(world, worker);
        judged_is_what_was_measured(&plan, worker);
    }
    workers_add_up(run);
    the_timeline_adds_up(run);
}

/// Due = started + dropped; started = complete + interrupted.
fn iterations_add_up(world: &World, plan: &Plan, worker: &WorkerRun<Restless>) {
    let live = worker.totals.live();
    assert_eq!(live.started, live.complete + live.interrupted, "{live:?}");
    assert_eq!(live.started, worker.log.starts.len() as u64, "starts, as the programs know them");
    assert_eq!(live.interrupted, worker.log.cancelled, "interruptions, as the programs know them");
    match executor(world) {
        Some(Executor::ConstantVus { .. } | Executor::RampingVus { .. }) => assert_eq!(live.dropped, 0),
        Some(Executor::SharedIterations { .. } | Executor::PerVuIterations { .. }) => {
            assert_eq!(live.started + live.dropped, plan.unstarted(), "{live:?}");
        }
        _ => {
            let due = due_starts(world, plan, worker).len() as u64;
            assert_eq!(live.started + live.dropped, due, "{live:?}");
        }
    }
}

fn executor(world: &World) -> Option<&Executor> {
    match &world.load {
        Load::Scenario(scenario) => Some(&scenario.executor),
        Load::Controlled { .. } => None,
    }
}

/// The starts of an open plan, had it been asked at the end of time only.
fn due_starts(world: &World, plan: &Plan, worker: &WorkerRun<Restless>) -> Vec<Instant> {
    let mut plan = plan.clone();
    // What was due in that turn was given in it.
    let stopped_at = worker.stopped.map_or(Instant::NEVER, |stop| stop.turn.plus_ns(1));
    for (_, message) in &world.messages {
        if let Message::SetRate { at, rate_per_s } = message {
            plan.set_rate(*at, *rate_per_s);
        }
    }
    plan.stop(stopped_at);
    let due = std::iter::from_fn(|| plan.poll(Instant::NEVER));
    due.filter_map(|wish| match wish {
        Wish::Iterate { due } => Some(due),
        _ => None,
    })
    .collect()
}

fn starts_come_at_their_time(world: &World, plan: &Plan, worker: &WorkerRun<Restless>) {
    let starts = &worker.log.starts;
    if let Some(stop) = worker.stopped {
        assert_eq!(starts.len(), stop.started, "nothing starts after a stop");
    }
    let lag_ms = worker.totals.start_lag().max();
    if plan.is_open() {
        // Some were dropped, so the nth that started is the nth due, or a later one.
        for (start, due) in starts.iter().zip(due_starts(world, plan, worker)) {
            assert!(*start >= due, "a start at {start:?}, due at {due:?}");
            assert!(due < plan.regular_end(), "a start due at {due:?}, the end is {:?}", plan.regular_end());
        }
    } else {
        for start in starts {
            assert!(*start >= begin(world) && *start < plan.regular_end(), "a start at {start:?}");
        }
    }
    assert!(lag_ms * 1e6 <= world.slack_ns() as f64, "a start was {lag_ms} ms late");
}

fn begin(world: &World) -> Instant {
    match &world.load {
        Load::Scenario(scenario) => Instant::ZERO + scenario.start_time,
        Load::Controlled { begin, .. } => *begin,
    }
}

/// Asked for = recorded + interrupted, and what was sent is what was asked for and sent again.
fn requests_add_up(world: &World, worker: &WorkerRun<Restless>) {
    let live = worker.totals.live();
    let asked = worker.log.asked;
    let interrupted = worker.last.interrupted_requests;
    assert_eq!(asked, live.requests + interrupted, "{live:?}");

    let most = asked + worker.last.resent_requests;
    let heard = worker.responder.served().requests;
    let data_sent = count(&worker.totals, Builtin::DataSent);
    assert!(data_sent <= worker.counts.bytes_sent, "data_sent {data_sent}, {:?}", worker.counts);
    wire_time_adds_up(worker);
    if world.is_tls {
        // Ciphertext does not say how many requests it holds.
        assert!(worker.last.sent_requests <= most, "{} told of, {most} asked for", worker.last.sent_requests);
        return assert!(heard <= most, "{heard} requests heard, {most} asked for");
    }
    let each = world.template().bytes.len() as u64 / u64::from(world.request.pipeline);
    let sent = worker.log.bytes_asked_to_send / each;
    assert_eq!(sent * each, worker.log.bytes_asked_to_send, "whole requests are sent");
    assert!(sent <= most, "{sent} requests sent, {most} asked for");
    assert!(worker.last.sent_requests <= sent, "{} told of, {sent} sent", worker.last.sent_requests);
    // One that waits for an address, or for a slot, may time out before it is sent.
    let unsent = |code: &u16| [1050, 1101, 1211, 1212].contains(code);
    if interrupted == 0 && !outcomes(&worker.totals).keys().any(|(_, code)| unsent(code)) {
        assert_eq!(sent, most, "requests sent");
    }
    assert!(heard <= sent, "{heard} requests heard, {sent} sent");
}

/// The integral of requests in flight is the sum of their times: recorded ones, and those that
/// were cut short or sent again.
fn wire_time_adds_up(worker: &WorkerRun<Restless>) {
    let area_ms = worker.last.in_flight_ns as f64 / 1e6;
    let sum_ms = match worker.totals.sink(Builtin::HttpReqDuration, &[]) {
        Some(Sink::Times(trend)) => trend.sum(),
        _ => 0.0,
    };
    if worker.totals.dropped_samples() > 0 {
        return;
    }
    let is_all = worker.last.resent_requests + worker.last.interrupted_requests == 0;
    assert!(area_ms >= sum_ms - 1e-6 * sum_ms - 1e-3, "{area_ms} ms in flight, {sum_ms} ms recorded");
    // An answer before its request's end has no time of its own on the wire.
    if is_all && worker.last.sent_requests == worker.totals.live().requests {
        assert!(area_ms <= sum_ms * (1.0 + 1e-6) + 1e-3, "{area_ms} ms in flight, {sum_ms} ms recorded");
    }
}

/// (status, error code) to requests.
fn outcomes(totals: &Totals) -> BTreeMap<(u16, u16), u64> {
    totals.exchanges_by_outcome()
}

fn count(totals: &Totals, metric: Builtin) -> u64 {
    match totals.sink(metric, &[]) {
        Some(Sink::Counter(count)) => count as u64,
        None => 0,
        other => panic!("{other:?} is no counter"),
    }
}

/// No response is counted that was not given, and none is lost where nothing went wrong.
fn answers_are_those_of_the_far_end(worker: &WorkerRun<Restless>) {
    let served = worker.responder.served();
    let outcomes = outcomes(&worker.totals);
    let mut counted: BTreeMap<u16, u64> = BTreeMap::new();
    for (&(status, _), &requests) in outcomes.iter().filter(|((status, _), _)| *status != 0) {
        *counted.entry(status).or_default() += requests;
    }
    for (status, requests) in &counted {
        let given = served.answered.get(status).copied().unwrap_or(0);
        assert!(*requests <= given, "{requests} responses of {status}, {given} given");
    }
    let counts = &worker.counts;
    let flawless = counts.resets + counts.cuts + counts.mutes + counts.garbage == 0;
    let failed = outcomes.keys().any(|(status, _)| *status == 0);
    if flawless && !failed && worker.last.interrupted_requests == 0 {
        assert_eq!(counted, served.answered, "responses");
        assert_eq!(count(&worker.totals, Builtin::DataSent), counts.bytes_sent, "data_sent");
        assert_eq!(count(&worker.totals, Builtin::DataReceived), counts.bytes_received, "data_received");
    }
}

fn times_are_bounded(world: &World, plan: &Plan, worker: &WorkerRun<Restless>) {
    let longest_ns = worker.log.longest_ns;
    let patience_ns = world.patience_ns();
    assert!(longest_ns <= patience_ns, "an outcome took {longest_ns} ns, not {patience_ns}");
    let longest_ms = (longest_ns + world.slack_ns()) as f64 / 1e6;
    for metric in [Builtin::HttpReqDuration, Builtin::HttpReqBlocked, Builtin::HttpReqConnecting] {
        if let Some(Sink::Times(trend)) = worker.totals.sink(metric, &[]) {
            let max = trend.max();
            assert!(max <= longest_ms, "{}: {max} ms, of exchanges of {longest_ms}", metric.name());
        }
    }
    let last_end = match worker.stopped {
        None => plan.max_end(),
        Some(stop) if stop.at_once => stop.at.min(plan.max_end()),
        // Nothing is interrupted any more: what runs has its own time.
        Some(stop) => stop.at.plus_ns(world.iteration_ns()),
    };
    let ended = worker.last.at;
    assert!(ended <= last_end.plus_ns(world.slack_ns()), "ended at {ended:?}, not by {last_end:?}");
}

/// Those in no VU's hands came back by themselves, and the rest when it was closed (`drive`).
fn slots_come_back(world: &World, worker: &WorkerRun<Restless>) {
    let (open, vus) =
        (worker.log.open.len(), (worker.last.vus_initialized * world.connections_per_vu()) as usize);
    assert!(open <= vus, "{open} connections are open, at most {vus} are of use");
    assert_eq!(worker.last.vus_active, 0, "VUs at the end");
    assert_eq!(worker.responder.served().open, 0, "connections that the far end holds");
}

/// What is counted by due time is, in the sum, what is counted by time.
fn judged_is_what_was_measured(plan: &Plan, worker: &WorkerRun<Restless>) {
    let Some(Judged { whole, spans, lost }) = &worker.judged else { return };
    if *lost > 0 {
        return;
    }
    let live = worker.totals.live();
    assert_eq!(whole.started, live.started, "{live:?}");
    if plan.is_open() {
        assert_eq!(whole.dropped, live.dropped, "{live:?}");
    }
    let measured = whole.accepted + whole.failed + whole.unsent;
    assert_eq!((measured, whole.failed + whole.unsent), (live.requests, live.failed), "{live:?}");
    let [any, soon] = whole.goals[..] else { panic!("two goals") };
    assert_eq!((any.good, any.late, any.failed), (whole.accepted, 0, live.failed));
    assert_eq!((soon.good + soon.late, soon.failed), (any.good, any.failed));
    assert_eq!(whole.asked, worker.log.asked, "requests asked for");
    assert_eq!(whole.interrupted, worker.last.interrupted_requests);
    assert_eq!(whole.unanswered(), 0, "all is over");
    let mut sum = spans[0].clone();
    spans[1..].iter().for_each(|span| sum.add(span));
    assert_eq!((sum.scheduled(), sum.asked, &sum.goals), (whole.scheduled(), whole.asked, &whole.goals));
}

/// The sums of its rows are the totals of the run.
fn the_timeline_adds_up(run: &Run<Restless>) {
    let whole = Row::merged(run.timeline.rows());
    let live = run.totals.live();
    assert_eq!((whole.offered(), whole.started), (live.started + live.dropped, live.started));
    assert_eq!((whole.completed, whole.interrupted), (live.complete, live.interrupted));
    assert_eq!((whole.answered, whole.failed), (live.requests, live.failed));
    assert_eq!(whole.failed_by.iter().sum::<u64>(), whole.failed);
    assert_eq!(whole.data_sent, count(&run.totals, Builtin::DataSent));
    assert_eq!(whole.data_received, count(&run.totals, Builtin::DataReceived));
    let sum_of = |of: fn(&WorkerRun<Restless>) -> u64| run.workers.iter().map(of).sum::<u64>();
    assert_eq!(whole.sent, sum_of(|worker| worker.last.sent_requests));
    assert!(whole.in_flight_ns >= sum_of(|worker| worker.last.in_flight_ns));
    let covered_ns = sum_of(|worker| worker.last.at.since(worker.last.begun_at));
    assert_eq!(whole.covered_ns, covered_ns);
    assert_eq!(whole.duration.count() + whole.untimed, whole.answered);
    if run.totals.dropped_samples() == 0 {
        let lag = run.totals.start_lag();
        assert_eq!((whole.lag.count(), whole.lag.max() as f64 / 1e6), (lag.count(), lag.max()));
    }
    let last = run.timeline.rows().len() as u64 * run.timeline.row_ns();
    assert!(last + run.timeline.row_ns() > run.ended_at().0, "rows up to {last} ns, {:?}", run.ended_at());
}

fn workers_add_up<R>(run: &Run<R>) {
    let each = || run.workers.iter().map(|worker| &worker.totals);
    let mut sum = Live::default();
    let mut sums: BTreeMap<(u16, u16), u64> = BTreeMap::new();
    for totals in each() {
        let live = totals.live();
        sum.started += live.started;
        sum.complete += live.complete;
        sum.interrupted += live.interrupted;
        sum.dropped += live.dropped;
        sum.requests += live.requests;
        sum.failed += live.failed;
        for (outcome, requests) in outcomes(totals) {
            *sums.entry(outcome).or_default() += requests;
        }
    }
    assert_eq!(run.totals.live(), sum, "the workers' sums");
    assert_eq!(outcomes(&run.totals), sums, "the workers' outcomes");
    for metric in [Builtin::DataSent, Builtin::DataReceived] {
        let sum: u64 = each().map(|totals| count(totals, metric)).sum();
        assert_eq!(count(&run.totals, metric), sum, "{}", metric.name());
    }
}
