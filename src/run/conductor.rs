//! Carries out the orders of a search on one warm run, and tells it what came of them.
//!
//! Lives on the control thread and is looked at every few milliseconds. VUs, connections and workers
//! stay; messages change rates. A trial's span lies on the grid of the workers' ticks, so what they
//! hand over at its ends is of the trial alone. What counts as good is `metrics::Trials`' to say,
//! what invalidates a trial `diagnosis::Validity`'s.

use super::crew::Crew;
use super::evidence::Reading;
use super::watching::Watching;
use crate::diagnosis::{Diagnosis, Evidence, Fault, Validity};
use crate::metrics::registry::Registry;
use crate::metrics::threshold::Thresholds;
use crate::metrics::totals::Live;
use crate::metrics::trials::{Goal, SpanId, TrialCounts, Trials};
use crate::metrics::{Ending, Totals, Trend, timeline};
use crate::search::answer::Ceiling;
use crate::search::{
    self, Answer, Finding, GoalCount, Onward, Order, Outcome, Percentiles, Purpose, RecoveryWindow, Search,
};
use crate::time::{Instant, duration_ns};
use crate::worker::{Message, Report};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Between an order and its load: messages reach the workers meanwhile.
const LEAD: Duration = Duration::from_millis(20);
/// How long VUs of a closed loop are waited for, and what runs when the search is over.
const CLOSED_DRAIN_MAX: Duration = Duration::from_secs(5);
/// Drops with fewer VUs than this many times what a rate needs on the average may be chance.
const VUS_MARGIN: f64 = 1.25;

/// A search, and what its driver needs to know.
pub struct SearchJob {
    pub search: Search,
    /// VUs over all workers.
    pub vus: u64,
}

/// What a search came to.
pub struct Searched {
    pub answer: Answer,
    /// Why it was given up before it had begun to search.
    pub hopeless: Option<Hopeless>,
    /// Of the trial that shows the limit best; `None`: none was made.
    pub diagnosis: Option<Diagnosis>,
}

/// What a first look at the target showed: there is nothing to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hopeless {
    /// Every one of so many requests.
    AllFailed { requests: u64 },
    /// Nothing was answered, although this long was waited.
    NoAnswer { waited: Duration },
    /// The script's iterations, so many of them, ask for nothing.
    NoRequests { iterations: u64 },
}

pub(super) struct Conductor {
    search: Search,
    vus: u64,
    /// When the search began, and what `setup` had counted by then.
    begin: Option<(Instant, Live)>,
    hopeless: Option<Hopeless>,
    trials: Trials,
    lost: u64,
    conditions: Option<Conditions>,
    doing: Doing,
    /// Of each open trial: its rate, whether it was valid, and what was seen.
    seen: Vec<(f64, bool, Evidence)>,
}

enum Doing {
    Nothing,
    Trial(Box<Trial>),
    Resting {
        at_least: Instant,
        at_most: Instant,
        is_cut: bool,
    },
    Recovering(Recovering),
    /// Until `at_most` what still runs may finish.
    Over {
        at_most: Instant,
    },
}

struct Trial {
    is_open: bool,
    /// One connection, before anything is searched.
    is_first_look: bool,
    rate: f64,
    from: Instant,
    to: Instant,
    drain_until: Instant,
    span: SpanId,
    begin: Option<Mark>,
    end: Option<Mark>,
    conditions: Vec<bool>,
}

struct Recovering {
    begin: Instant,
    window: Duration,
    give_up: Duration,
    /// Windows that are watched, oldest first.
    spans: VecDeque<(SpanId, Instant)>,
}

/// How everything stood at one end of a trial.
struct Mark {
    at: Instant,
    reading: Option<Reading>,
    active: u64,
    in_flight_ns: u64,
}

impl Mark {
    fn of(crew: &Crew, now: Instant, totals: &Totals, watching: &mut Option<Watching>) -> Mark {
        Mark {
            at: crew.reports().map(|report| report.at).min().unwrap_or(now),
            reading: watching.as_mut().map(|watching| watching.read(now, totals, crew.reports())),
            active: active(crew.reports()),
            in_flight_ns: crew.reports().map(|report| report.in_flight_ns).sum(),
        }
    }
}

/// Thresholds that are no loss ratios, each judged over a trial alone.
struct Conditions {
    totals: Totals,
    thresholds: Vec<Thresholds>,
}

impl Conductor {
    pub fn new(job: SearchJob, workers: usize, registry: &Arc<Registry>) -> Conductor {
        let conditions = &job.search.goals().side_conditions;
        // Whoever made the search has parsed them.
        let parse = |condition: &search::SideCondition| {
            let specs = [(condition.metric.clone(), vec![condition.threshold.clone()])];
            Thresholds::parse(&specs, registry).unwrap_or_default()
        };
        let thresholds: Vec<Thresholds> = conditions.iter().map(parse).collect();
        Conductor {
            trials: Trials::new(workers),
            lost: 0,
            conditions: (!thresholds.is_empty())
                .then(|| Conditions { totals: Totals::with_registry(registry.clone()), thresholds }),
            search: job.search,
            vus: job.vus,
            begin: None,
            hopeless: None,
            doing: Doing::Nothing,
            seen: Vec::new(),
        }
    }

    pub fn search(&self) -> &Search {
        &self.search
    }

    /// A worker has handed over; its window has not been absorbed yet.
    pub fn on_report(&mut self, worker: usize, report: &Report) {
        self.trials.absorb(worker, &report.window);
        if let Some(conditions) = &mut self.conditions {
            conditions.totals.add(worker, &report.window);
        }
    }

    /// Goes on as far as possible; whether something was learned.
    pub fn on_look(
        &mut self,
        now: Instant,
        crew: &Crew,
        totals: &Totals,
        watching: &mut Option<Watching>,
    ) -> bool {
        match &mut self.doing {
            Doing::Nothing => {
                self.begin.get_or_insert_with(|| (now, totals.live()));
                self.take_order(now, crew);
                false
            }
            Doing::Trial(trial) => {
                let reached = |at: Instant| crew.has_reported(at);
                if trial.begin.is_none() && reached(trial.from) {
                    trial.begin = Some(Mark::of(crew, now, totals, watching));
                    if let Some(conditions) = &mut self.conditions {
                        conditions.totals.forget_samples();
                    }
                }
                if !trial.is_open && trial.end.is_none() && now >= trial.to {
                    crew.post(&Message::Loop { vus: 0 });
                }
                if trial.end.is_none() && reached(trial.to) {
                    trial.end = Some(Mark::of(crew, now, totals, watching));
                    if let Some(conditions) = &mut self.conditions {
                        trial.conditions = conditions.judge(trial.to.since(trial.from));
                    }
                }
                let is_drained =
                    trial.end.is_some() && active(crew.reports()) == 0 && self.trials.is_settled(trial.span);
                if !is_drained && (trial.end.is_none() || now < trial.drain_until) {
                    return false;
                }
                let is_first_look = trial.is_first_look;
                self.end_trial(now, is_drained, watching, crew);
                if is_first_look {
                    self.hopeless = self.judge_first_look(now, totals, crew);
                }
                if self.hopeless.is_some() {
                    self.doing = Doing::Over { at_most: now };
                }
                true
            }
            Doing::Resting { at_least, at_most, is_cut } => {
                let is_idle = active(crew.reports()) == 0;
                if !is_idle && now >= *at_most && !*is_cut {
                    *is_cut = true;
                    crew.post(&Message::Interrupt);
                }
                if is_idle && now >= *at_least {
                    self.search.on_rested(now);
                    self.doing = Doing::Nothing;
                }
                false
            }
            Doing::Recovering(_) => self.recover(now, crew),
            Doing::Over { at_most } => {
                if now >= *at_most {
                    crew.post(&Message::Stop { now: true });
                    *at_most = Instant::NEVER;
                }
                false
            }
        }
    }

    /// After the warm-up, and after the baseline: a search of what is not there, or never
    /// answers, would take minutes to say so.
    fn judge_first_look(&self, now: Instant, totals: &Totals, crew: &Crew) -> Option<Hopeless> {
        let (begin, before) = self.begin.as_ref()?;
        let live = totals.live();
        let (requests, failed) = (live.requests - before.requests, live.failed - before.failed);
        let was_sent = crew.reports().any(|report| report.in_flight_ns > 0);
        // An iteration may sleep before it asks; until the baseline is known, too.
        let is_decided = was_sent || self.search.is_past_baseline();
        match (requests, active(crew.reports())) {
            (1.., _) if failed == requests => Some(Hopeless::AllFailed { requests }),
            (0, 1..) if is_decided => {
                Some(Hopeless::NoAnswer { waited: Duration::from_nanos(now.since(*begin)) })
            }
            (0, 0) if is_decided => Some(Hopeless::NoRequests { iterations: live.started - before.started }),
            _ => None,
        }
    }

    fn take_order(&mut self, now: Instant, crew: &Crew) {
        let workers = crew.links.len() as u64;
        let each = |count: u64| u32::try_from(count.div_ceil(workers.max(1))).unwrap_or(u32::MAX);
        let begin = now + LEAD;
        match self.search.poll_order(now) {
            Order::Closed { connections, settle, measure, purpose } => {
                crew.post_each(|index| Message::Loop { vus: share(connections, index, crew.links.len()) });
                let mut trial = self.trial(false, 0.0, begin + settle, measure, CLOSED_DRAIN_MAX, crew);
                trial.is_first_look = matches!(purpose, Purpose::WarmUp | Purpose::Baseline);
                self.doing = Doing::Trial(Box::new(trial));
            }
            Order::Open { rate, settle, measure, drain_max, in_flight_max, handicap, .. } => {
                let share = handicap.map_or(0.0, |handicap| handicap.burn_share);
                let trial = self.trial(true, rate, begin + settle, measure, drain_max, crew);
                crew.post(&Message::Burn { share });
                crew.post(&Message::Limit { in_flight: each(in_flight_max.min(self.vus)) });
                crew.post(&Message::SetRate { at: begin, rate_per_s: rate });
                crew.post(&Message::SetRate { at: trial.to, rate_per_s: 0.0 });
                self.doing = Doing::Trial(Box::new(trial));
            }
            Order::Rest { at_least, at_most } => {
                crew.post(&Message::SetRate { at: now, rate_per_s: 0.0 });
                self.doing =
                    Doing::Resting { at_least: now + at_least, at_most: now + at_most, is_cut: false };
            }
            Order::Recover { rate, window, give_up, in_flight_max } => {
                let begin = on_grid(begin, crew);
                crew.post(&Message::Burn { share: 0.0 });
                crew.post(&Message::Limit { in_flight: each(in_flight_max.min(self.vus)) });
                crew.post(&Message::SetRate { at: begin, rate_per_s: rate });
                let mut recovering = Recovering { begin, window, give_up, spans: VecDeque::new() };
                recovering.watch_next(&mut self.trials, &goals(&self.search));
                self.doing = Doing::Recovering(recovering);
            }
            Order::Done => {
                crew.post(&Message::Stop { now: false });
                self.doing = Doing::Over { at_most: now + CLOSED_DRAIN_MAX };
            }
        }
    }

    fn trial(
        &mut self,
        is_open: bool,
        rate: f64,
        from: Instant,
        measure: Duration,
        drain_max: Duration,
        crew: &Crew,
    ) -> Trial {
        let from = on_grid(from, crew);
        let to = on_grid(from + measure, crew);
        Trial {
            is_open,
            is_first_look: false,
            rate,
            from,
            to,
            drain_until: to + drain_max,
            span: self.trials.watch(from, to, &goals(&self.search)),
            begin: None,
            end: None,
            conditions: vec![true; self.search.goals().side_conditions.len()],
        }
    }

    fn end_trial(&mut self, now: Instant, is_drained: bool, watching: &mut Option<Watching>, crew: &Crew) {
        let Doing::Trial(trial) = std::mem::replace(&mut self.doing, Doing::Nothing) else { return };
        let counts = self.trials.release(trial.span);
        let measured = Duration::from_nanos(trial.to.since(trial.from));
        let mut outcome = outcome(&counts, measured, &self.search, is_drained);
        if !trial.is_open {
            outcome.rate = counts.started as f64 / measured.as_secs_f64();
        } else {
            outcome.rate = trial.rate;
        }
        outcome.side_conditions = trial.conditions;
        if let (Some(begin), Some(end)) = (&trial.begin, &trial.end) {
            (outcome.backlog_begin, outcome.backlog_end) = (begin.active, end.active);
            let span_ns = end.at.since(begin.at).max(1);
            outcome.in_flight_mean =
                end.in_flight_ns.saturating_sub(begin.in_flight_ns) as f64 / span_ns as f64;
            let readings = (&begin.reading, &end.reading);
            if let (Some(watching), (Some(a), Some(b))) = (watching.as_ref(), readings) {
                let mut evidence = watching.between(a, b);
                evidence.load.is_open = trial.is_open;
                // A start is dropped only where as many run as may.
                evidence.load.is_at_cap = counts.dropped > 0;
                evidence.load.deadline_ns = self.shortest_deadline().map(duration_ns);
                if let Some(baseline) = self.search.baseline() {
                    evidence.load.quiet_wait_ns = Some(duration_ns(baseline.latency.p50));
                }
                outcome.validity = self.validity(&evidence, trial.rate, counts.dropped);
                if trial.is_open {
                    let is_valid = outcome.validity == search::Validity::Valid;
                    self.seen.push((trial.rate, is_valid, evidence));
                }
            }
        }
        crew.post(&Message::Burn { share: 0.0 });
        self.search.on_outcome(now, outcome);
    }

    fn validity(&mut self, evidence: &Evidence, rate: f64, dropped: u64) -> search::Validity {
        let mut reasons: Vec<String> = Validity::of(evidence).faults.iter().map(describe).collect();
        let lost = self.trials.lost();
        if lost > self.lost {
            reasons.push(format!("{} records found no room", lost - self.lost));
            self.lost = lost;
        }
        match self.search.vus_needed(rate) {
            Some(needed) if needed > self.vus || (dropped > 0 && self.is_scarce(needed)) => {
                reasons.push(format!("{needed} VUs are needed unloaded, and there are {}", self.vus));
            }
            _ => {}
        }
        match reasons.is_empty() {
            true => search::Validity::Valid,
            false => search::Validity::Invalid(reasons),
        }
    }

    /// There are hardly more VUs than `needed`: that a start found none is no news of the target.
    fn is_scarce(&self, needed: u64) -> bool {
        needed as f64 * VUS_MARGIN > self.vus as f64
    }

    fn shortest_deadline(&self) -> Option<Duration> {
        let within = |goal: &search::Goal| match goal.deadline {
            search::Deadline::Within(deadline) => Some(deadline),
            search::Deadline::Timeout | search::Deadline::OfBaseline { .. } => None,
        };
        self.search.goals().goals.iter().filter_map(within).min()
    }

    fn recover(&mut self, now: Instant, crew: &Crew) -> bool {
        let longest = self.search.goals().longest_deadline(Duration::from_secs(10));
        let Doing::Recovering(recovering) = &mut self.doing else { return false };
        let watched = recovering.spans.back().map_or(recovering.begin, |(_, to)| *to);
        // Always a window ahead of the load.
        if now + recovering.window >= watched
            && watched.since(recovering.begin) < duration_ns(recovering.give_up)
        {
            recovering.watch_next(&mut self.trials, &goals(&self.search));
        }
        let Some(&(span, to)) = recovering.spans.front() else { return false };
        if !self.trials.is_settled(span) && now < to + longest {
            return false;
        }
        recovering.spans.pop_front();
        let (ends_after, window) = (Duration::from_nanos(to.since(recovering.begin)), recovering.window);
        let counts = self.trials.release(span);
        let seen = outcome(&counts, window, &self.search, true);
        let window = RecoveryWindow {
            ends_after,
            scheduled: seen.scheduled,
            started: seen.started,
            goals: seen.goals,
            side_conditions: seen.side_conditions,
        };
        if self.search.on_window(now, window) == Onward::Stop {
            crew.post(&Message::SetRate { at: now, rate_per_s: 0.0 });
            let Doing::Recovering(recovering) = std::mem::replace(&mut self.doing, Doing::Nothing) else {
                return true;
            };
            for (span, _) in recovering.spans {
                self.trials.release(span);
            }
        }
        true
    }

    /// The best that is known now.
    pub fn conclude(self, now: Instant) -> Searched {
        let answer = self.search.answer(now);
        let telling = self.telling(&answer).map(|evidence| Diagnosis::of(evidence.clone(), None));
        Searched { answer, hopeless: self.hopeless, diagnosis: telling }
    }

    /// The trial nearest above the limit, or the one that the generator could not do.
    fn telling(&self, answer: &Answer) -> Option<&Evidence> {
        let wants_valid = !matches!(answer.limit, Finding::NotReached { why: Ceiling::Generator, .. });
        let at_least = match &answer.limit {
            Finding::Found(limit) => limit.upper * 0.999,
            Finding::NotReached { at_least, .. } => *at_least,
            Finding::Below { rate } => *rate * 0.999,
            Finding::Unknown => 0.0,
        };
        let fits =
            |(rate, is_valid, _): &&(f64, bool, Evidence)| *rate >= at_least && *is_valid == wants_valid;
        let nearest = self.seen.iter().filter(fits).min_by(|a, b| a.0.total_cmp(&b.0));
        nearest.or(self.seen.last()).map(|(_, _, evidence)| evidence)
    }
}

impl Recovering {
    fn watch_next(&mut self, trials: &mut Trials, goals: &[Goal]) {
        let from = self.spans.back().map_or(self.begin, |(_, to)| *to);
        let to = from + self.window;
        self.spans.push_back((trials.watch(from, to, goals), to));
    }
}

impl Conditions {
    /// By condition, whether it held since the samples were last forgotten.
    fn judge(&mut self, elapsed_ns: u64) -> Vec<bool> {
        let elapsed = Duration::from_nanos(elapsed_ns);
        let totals = &self.totals;
        let holds =
            |thresholds: &mut Thresholds| thresholds.evaluate(totals, elapsed, true).metrics.is_empty();
        self.thresholds.iter_mut().map(holds).collect()
    }
}

/// Iterations under way, as last reported.
fn active<'a>(reports: impl Iterator<Item = &'a Report>) -> u64 {
    reports.flat_map(|report| &report.lanes).map(|lane| lane.active).sum()
}

/// The part of `count` that falls to one of `workers`.
fn share(count: u32, index: usize, workers: usize) -> u32 {
    let (count, index, workers) = (u64::from(count), index as u64, workers as u64);
    (count * (index + 1) / workers - count * index / workers) as u32
}

/// The next instant at which all workers hand over.
fn on_grid(at: Instant, crew: &Crew) -> Instant {
    let since_ns = at.since(crew.begun_at);
    crew.begun_at.plus_ns(since_ns.div_ceil(timeline::TICK_NS) * timeline::TICK_NS)
}

fn goals(search: &Search) -> Vec<Goal> {
    let goal = |goal: &search::Goal| Goal {
        deadline: match goal.deadline {
            search::Deadline::Within(deadline) => Some(deadline),
            search::Deadline::Timeout | search::Deadline::OfBaseline { .. } => None,
        },
        tags: goal.tags.clone(),
    };
    search.goals().goals.iter().map(goal).collect()
}

/// What was counted, without what is known of the generator.
fn outcome(counts: &TrialCounts, measured: Duration, search: &Search, drained: bool) -> Outcome {
    let goals = search.goals();
    let count = |(goal, counted): (&search::Goal, &crate::metrics::trials::GoalCounts)| GoalCount {
        // Tags of a request without an outcome are not known.
        requests: match goal.tags.is_empty() {
            true => counts.asked,
            false => counted.good + counted.late + counted.failed,
        },
        good: counted.good,
    };
    Outcome {
        scheduled: counts.scheduled(),
        started: counts.started,
        requests: counts.asked,
        failed: counts.asked - counts.accepted,
        goals: goals.goals.iter().zip(&counts.goals).map(count).collect(),
        latency: percentiles(&counts.latency),
        measured,
        drained,
        ..Outcome::empty(goals.goals.len(), goals.side_conditions.len())
    }
}

fn percentiles(latency: &Trend) -> Percentiles {
    let at = |q: f64| Duration::from_secs_f64(latency.quantile(q).max(0.0) / 1e3);
    Percentiles { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

fn describe(fault: &Fault) -> String {
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    let ms = |ns: u64| format!("{:.1}ms", ns as f64 / 1e6);
    match *fault {
        Fault::Unsent { share } => format!("{} of the starts were not made", percent(share)),
        Fault::Late { p99_ns, limit_ns } => {
            format!("starts were {} late at the 99th percentile (allowed {})", ms(p99_ns), ms(limit_ns))
        }
        Fault::Busy { share } => format!("a worker was {} busy", percent(share)),
        Fault::OwnErrors { ending, requests } => {
            let what = match ending {
                Ending::OwnPorts => "ports",
                Ending::OwnFiles => "file descriptors",
                _ => "memory",
            };
            format!("{requests} requests failed for want of this machine's {what}")
        }
        Fault::Throttled { periods } => {
            format!("the CPU quota of the cgroup was used up in {periods} periods")
        }
        Fault::Stolen { share } => format!("the hypervisor took {} of the CPU time", percent(share)),
        Fault::SamplesDropped { samples } => format!("{samples} timings found no room"),
    }
}
