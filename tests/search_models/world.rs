//! A driver in virtual time: makes the trials that are ordered of it, on a simulated service.

use super::service::{Random, Reply, Service, Time};
use ringload::search::{
    Answer, Deadline, GoalCount, Goals, Onward, Order, Outcome, Percentiles, RecoveryWindow, Search,
    Settings, Validity,
};
use ringload::time::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// What gathering one trial's figures takes, beside its own time.
const OVERHEAD: f64 = 0.1;

pub struct World {
    pub now: f64,
    pub random: Random,
    pub service: Service,
    pub poisson: bool,
    /// Trials above this rate are invalid.
    pub generator_max: f64,
    /// Answers that are still to come.
    in_system: BinaryHeap<Reverse<Time>>,
    pub trials: u32,
}

/// A request of the measured time.
#[derive(Clone, Copy)]
struct Request {
    at: f64,
    answered: f64,
    ok: bool,
}

impl World {
    pub fn new(service: Service, seed: u64) -> World {
        World {
            now: 0.0,
            random: Random(seed),
            service,
            poisson: false,
            generator_max: f64::INFINITY,
            in_system: BinaryHeap::new(),
            trials: 0,
        }
    }

    /// A whole search; virtual time is left at its end.
    pub fn search(&mut self, settings: Settings, goals: Goals) -> Answer {
        let mut search = Search::new(settings, goals);
        loop {
            match search.poll_order(self.instant()) {
                Order::Closed { connections, settle, measure, .. } => {
                    let outcome = self.closed(connections, settle, measure, search.goals());
                    search.on_outcome(self.instant(), outcome);
                }
                Order::Open { rate, settle, measure, drain_max, in_flight_max, .. } => {
                    let (settle, drain_max) = (settle.as_secs_f64(), drain_max.as_secs_f64());
                    let cap = in_flight_max as usize;
                    let outcome =
                        self.open(rate, settle, measure.as_secs_f64(), drain_max, cap, search.goals());
                    search.on_outcome(self.instant(), outcome);
                }
                Order::Rest { at_least, at_most } => {
                    let idle = self.idle_at();
                    self.now =
                        idle.clamp(self.now + at_least.as_secs_f64(), self.now + at_most.as_secs_f64());
                    search.on_rested(self.instant());
                }
                Order::Recover { rate, window, .. } => self.recover(&mut search, rate, window),
                Order::Done => return search.answer(self.instant()),
            }
        }
    }

    /// One trial at a constant rate.
    pub fn open(
        &mut self,
        rate: f64,
        settle: f64,
        measure: f64,
        drain_max: f64,
        cap: usize,
        goals: &Goals,
    ) -> Outcome {
        self.trials += 1;
        let begin = self.now;
        let (from, to) = (begin + settle, begin + settle + measure);
        let (mut requests, mut scheduled) = (Vec::with_capacity((rate * measure) as usize + 1), 0);
        let (mut at, mut backlog_begin) = (begin + self.gap(rate) * self.random.share(), None);
        while at < to {
            if at >= from && backlog_begin.is_none() {
                backlog_begin = Some(self.backlog(from));
            }
            let waiting = self.backlog(at);
            scheduled += u64::from(at >= from);
            if waiting < cap {
                let reply = self.arrive(at, waiting);
                if at >= from {
                    requests.push(Request { at, answered: reply.at, ok: reply.ok });
                }
            }
            at += self.gap(rate);
        }
        let backlog_begin = backlog_begin.unwrap_or_else(|| self.backlog(from)) as u64;
        let backlog_end = self.backlog(to) as u64;
        let given_up = (to + drain_max).min(self.idle_at().max(to));
        let drained = self.idle_at() <= given_up;
        self.now = given_up + OVERHEAD;
        let mut outcome = outcome(&requests, (from, to), given_up, goals);
        outcome.rate = scheduled as f64 / measure;
        (outcome.scheduled, outcome.drained) = (scheduled, drained);
        (outcome.backlog_begin, outcome.backlog_end) = (backlog_begin, backlog_end);
        if rate > self.generator_max {
            outcome.validity = Validity::Invalid(vec!["the generator is at its end".to_owned()]);
        }
        outcome
    }

    fn closed(&mut self, connections: u32, settle: Duration, measure: Duration, goals: &Goals) -> Outcome {
        let from = self.now + settle.as_secs_f64();
        let to = from + measure.as_secs_f64();
        let mut ready: BinaryHeap<Reverse<Time>> =
            (0..connections).map(|_| Reverse(Time(self.now))).collect();
        let mut requests = Vec::new();
        while let Some(Reverse(Time(at))) = ready.pop().filter(|Reverse(Time(at))| *at < to) {
            let waiting = self.backlog(at);
            let reply = self.arrive(at, waiting);
            // A client's own time between two requests.
            ready.push(Reverse(Time(reply.at + 20e-6)));
            if at >= from {
                requests.push(Request { at, answered: reply.at, ok: reply.ok });
            }
        }
        self.now = self.idle_at().max(to) + OVERHEAD;
        let mut outcome = outcome(&requests, (from, to), self.now, goals);
        outcome.rate = outcome.scheduled as f64 / (to - from);
        outcome
    }

    fn recover(&mut self, search: &mut Search, rate: f64, window: Duration) {
        let begin = self.now;
        for number in 1u32.. {
            let seconds = window.as_secs_f64();
            let counted = self.open(rate, 0.0, seconds, f64::INFINITY, usize::MAX, search.goals());
            // The load goes on; how its requests will be answered is known beforehand here.
            self.now = begin + seconds * f64::from(number);
            let window = RecoveryWindow {
                ends_after: window * number,
                scheduled: counted.scheduled,
                started: counted.started,
                goals: counted.goals,
                side_conditions: Vec::new(),
            };
            if search.on_window(self.instant(), window) == Onward::Stop {
                return;
            }
        }
    }

    fn arrive(&mut self, at: f64, waiting: usize) -> Reply {
        let reply = self.service.arrive(at, waiting, &mut self.random);
        self.in_system.push(Reverse(Time(reply.at)));
        reply
    }

    /// Requests that are not answered at `at`; never asked for an earlier time again.
    fn backlog(&mut self, at: f64) -> usize {
        while self.in_system.peek().is_some_and(|Reverse(Time(answered))| *answered <= at) {
            self.in_system.pop();
        }
        self.in_system.len()
    }

    fn idle_at(&self) -> f64 {
        self.in_system.iter().map(|Reverse(Time(at))| *at).fold(0.0, f64::max)
    }

    fn gap(&mut self, rate: f64) -> f64 {
        let factor = if self.poisson { self.random.exponential() } else { 1.0 };
        factor / rate
    }

    pub fn instant(&self) -> Instant {
        Instant((self.now * 1e9) as u64)
    }
}

fn outcome(requests: &[Request], (from, to): (f64, f64), given_up: f64, goals: &Goals) -> Outcome {
    let ok = |request: &Request| request.ok && request.answered <= given_up;
    let mut outcome = Outcome::empty(goals.goals.len(), 0);
    outcome.measured = Duration::from_secs_f64(to - from);
    outcome.scheduled = requests.len() as u64;
    (outcome.started, outcome.requests) = (outcome.scheduled, outcome.scheduled);
    outcome.failed = requests.iter().filter(|request| !ok(request)).count() as u64;
    for (count, goal) in outcome.goals.iter_mut().zip(&goals.goals) {
        let deadline = match goal.deadline {
            Deadline::Within(deadline) => deadline.as_secs_f64(),
            _ => 60.0,
        };
        let good = |request: &&Request| ok(request) && request.answered - request.at <= deadline;
        *count =
            GoalCount { requests: requests.len() as u64, good: requests.iter().filter(good).count() as u64 };
    }
    let inside = requests.iter().map(|request| request.answered.min(to) - request.at);
    outcome.in_flight_mean = inside.sum::<f64>() / (to - from);
    outcome.latency = percentiles(requests.iter().map(|request| request.answered - request.at).collect());
    outcome
}

fn percentiles(mut times: Vec<f64>) -> Percentiles {
    if times.is_empty() {
        return Percentiles::default();
    }
    let mut at = |share: f64| {
        let index = ((times.len() - 1) as f64 * share) as usize;
        let (_, time, _) = times.select_nth_unstable_by(index, f64::total_cmp);
        Duration::from_secs_f64(*time)
    };
    Percentiles { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
