//! The machine of phases: baseline, burst, bracket, probe, confirmation, overload, recovery.

use super::answer::{Baseline, Confirmed, OverloadStep, Probe, Recovery, Remark, Skipped, Standing, Trial};
use super::bracket::Bracket;
use super::goal::{Deadline, Goals};
use super::judge::{self, PerIteration};
use super::order::{Order, Purpose};
use super::outcome::{Outcome, RecoveryWindow, Validity};
use super::settings::{Handicap, Settings};
use crate::time::Instant;
use std::time::Duration;

const WARM_UP: Duration = Duration::from_secs(3);
const BASELINE: Duration = Duration::from_secs(2);
/// A p99 of fewer is little more than a maximum.
const BASELINE_MIN: u64 = 200;
const BASELINE_MAX: Duration = Duration::from_secs(8);
const BURST: Duration = Duration::from_secs(3);
const BURST_CONNECTIONS: u32 = 64;
const BURST_CONNECTIONS_MAX: u32 = 4096;
const SETTLE: Duration = Duration::from_millis(500);
/// A trial that only looks whether the target is well again.
const CHECK: Duration = Duration::from_secs(2);
const REST: Duration = Duration::from_secs(5);
/// Some targets come back only when nobody asks for a while.
const REST_MIN: Duration = Duration::from_secs(2);
/// After so many checks that failed, the target's state is taken for its nature.
const CHECKS_MAX: u32 = 3;
const OVERLOAD: Duration = Duration::from_secs(5);
pub(super) const FACTORS: [f64; 4] = [1.1, 1.25, 1.5, 2.0];
pub(super) const RECOVERY_SHARE: f64 = 0.8;
const RECOVERY_WINDOW: Duration = Duration::from_secs(1);
const RECOVERY_WINDOWS: u32 = 5;
const RECOVERY_MAX: Duration = Duration::from_secs(60);
/// How many steps lower the next long trial is, after each that failed.
const LOWERED: [i32; 4] = [2, 2, 4, 8];
/// Below this share of the best rate of good answers, late ones too, a target got slower under
/// load, and may not have come back by itself.
const COLLAPSED: f64 = 0.8;
const PROBE_DIFFERENCE: f64 = 0.03;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    WarmUp,
    Baseline,
    Burst { connections: u32 },
    Bracket,
    Probe { without: Option<(f64, Duration)> },
    Confirm { at: i32, failures: u32, invalid: u32 },
    Overload { step: usize },
    Recover,
    Done,
}

/// What a trial left behind, and what is done about it before the next one counts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Aftermath {
    None,
    /// Something is still in flight.
    Rest {
        checks: u32,
    },
    /// The next trial is tainted: it looks whether the target is well.
    Check {
        checks: u32,
    },
}

/// What a recovery has shown so far.
#[derive(Clone, Copy, Debug, Default)]
struct Windows {
    good_in_a_row: u32,
    first_good: Duration,
}

/// Whether the load of `Order::Recover` goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    GoOn,
    Stop,
}

/// A search for the breaking point.
#[derive(Clone, Debug)]
pub struct Search {
    pub(super) settings: Settings,
    pub(super) goals: Goals,
    phase: Phase,
    begin: Option<Instant>,
    /// What was ordered and is not answered, with its load if it is one of the grid.
    ordered: Option<(Order, Option<i32>)>,
    aftermath: Aftermath,
    windows: Windows,
    pub(super) per_iteration: PerIteration,
    pub(super) baseline: Option<Baseline>,
    /// Good iterations a second of the best burst.
    burst: f64,
    pub(super) bracket: Option<Bracket>,
    pub(super) trials: Vec<Trial>,
    pub(super) confirmed: Confirmed,
    pub(super) probe: Option<Probe>,
    pub(super) overload: Vec<OverloadStep>,
    pub(super) recovery: Option<Recovery>,
    pub(super) remarks: Vec<Remark>,
}

impl Search {
    pub fn new(settings: Settings, goals: Goals) -> Search {
        let remarks = if goals.are_defaults { vec![Remark::DefaultGoals] } else { Vec::new() };
        Search {
            per_iteration: PerIteration::one(goals.goals.len()),
            settings,
            goals,
            phase: Phase::WarmUp,
            begin: None,
            ordered: None,
            aftermath: Aftermath::None,
            windows: Windows::default(),
            baseline: None,
            burst: 0.0,
            bracket: None,
            trials: Vec::new(),
            confirmed: Confirmed::No,
            probe: None,
            overload: Vec::new(),
            recovery: None,
            remarks,
        }
    }

    /// What trials are counted by. Deadlines that hang on the baseline are resolved from the
    /// second order on that is no `Closed`; a driver reads them at each order.
    pub fn goals(&self) -> &Goals {
        &self.goals
    }

    /// How many VUs a rate needs at least: rate x unloaded time of an iteration. `None` before
    /// the baseline.
    pub fn vus_needed(&self, rate: f64) -> Option<u64> {
        self.baseline.map(|baseline| (rate * baseline.iteration.as_secs_f64()).ceil() as u64)
    }

    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// The next order; the same one until it is answered.
    pub fn poll_order(&mut self, now: Instant) -> Order {
        let begin = *self.begin.get_or_insert(now);
        if let Some((order, _)) = &self.ordered {
            return order.clone();
        }
        let elapsed = Duration::from_nanos(now.since(begin));
        let next = match self.aftermath {
            Aftermath::Rest { .. } => (Order::Rest { at_least: REST_MIN, at_most: REST }, None),
            Aftermath::Check { .. } => (self.check_order(), None),
            Aftermath::None => self.next(elapsed),
        };
        self.ordered = Some(next.clone());
        next.0
    }

    /// The answer to `Order::Closed` and `Order::Open`.
    pub fn on_outcome(&mut self, now: Instant, outcome: Outcome) {
        let Some((order, index)) = self.ordered.take() else { return };
        match order {
            Order::Closed { purpose, connections, .. } => self.on_closed(now, purpose, connections, outcome),
            Order::Open { purpose, rate, handicap, .. } => {
                self.on_open(now, purpose, rate, index, handicap, outcome);
            }
            other => self.ordered = Some((other, index)),
        }
    }

    /// The answer to `Order::Rest`.
    pub fn on_rested(&mut self, _now: Instant) {
        if let Aftermath::Rest { checks } = self.aftermath {
            // After the burst nothing has been judged yet, so there is nothing to look for.
            let is_first = !self.trials.iter().any(|trial| trial.standing == Standing::Counts);
            self.aftermath = if is_first { Aftermath::None } else { Aftermath::Check { checks } };
            self.ordered = None;
        }
    }

    /// One window of `Order::Recover`.
    pub fn on_window(&mut self, _now: Instant, window: RecoveryWindow) -> Onward {
        let Some((Order::Recover { rate, .. }, _)) = self.ordered else { return Onward::Stop };
        if self.is_good(&window) {
            if self.windows.good_in_a_row == 0 {
                self.windows.first_good = window.ends_after.saturating_sub(RECOVERY_WINDOW);
            }
            self.windows.good_in_a_row += 1;
        } else {
            self.windows.good_in_a_row = 0;
        }
        if self.windows.good_in_a_row >= RECOVERY_WINDOWS {
            self.recovery = Some(Recovery::After { rate, time: self.windows.first_good });
        } else if window.ends_after >= RECOVERY_MAX {
            self.recovery = Some(Recovery::Metastable { rate, waited: window.ends_after });
        } else {
            return Onward::GoOn;
        }
        self.ordered = None;
        self.phase = Phase::Done;
        Onward::Stop
    }

    /// Since the first order.
    pub(super) fn took(&self, now: Instant) -> Duration {
        self.begin.map_or(Duration::ZERO, |begin| Duration::from_nanos(now.since(begin)))
    }

    fn next(&mut self, elapsed: Duration) -> (Order, Option<i32>) {
        loop {
            match self.phase {
                Phase::WarmUp => return (closed(Purpose::WarmUp, 1, Duration::ZERO, WARM_UP), None),
                Phase::Baseline => return (self.baseline_order(), None),
                Phase::Burst { connections } => {
                    return (closed(Purpose::Burst, connections, SETTLE, BURST), None);
                }
                Phase::Bracket => match self.bracket_order(elapsed) {
                    Some(next) => return next,
                    None => self.phase = Phase::Probe { without: None },
                },
                Phase::Probe { without } => match self.probe_order(without.is_some(), elapsed) {
                    Some(next) => return next,
                    None => self.phase = self.first_confirmation(),
                },
                Phase::Confirm { at, failures, .. } => match self.confirm_order(at, failures, elapsed) {
                    Some(next) => return next,
                    None => self.phase = Phase::Overload { step: 0 },
                },
                Phase::Overload { step } => match self.overload_order(step, elapsed) {
                    Some(order) => return (order, None),
                    None => self.phase = Phase::Recover,
                },
                Phase::Recover => match self.recover_order(elapsed) {
                    Some(order) => return (order, None),
                    None => self.phase = Phase::Done,
                },
                Phase::Done => return (Order::Done, None),
            }
        }
    }

    /// Whether there is time for something; if not, it is remarked.
    fn has_time(&mut self, elapsed: Duration, needed: Duration, skipped: Skipped) -> bool {
        let is_enough = elapsed + needed <= self.settings.max_time;
        if !is_enough {
            self.remark(Remark::OutOfTime { skipped });
        }
        is_enough
    }

    fn remark(&mut self, remark: Remark) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    fn confirmation(&self) -> Duration {
        Duration::from_secs(if self.settings.strict { 60 } else { 30 })
    }

    fn open(&self, purpose: Purpose, rate: f64, measure: Duration) -> Order {
        Order::Open {
            purpose,
            rate,
            settle: SETTLE,
            measure,
            drain_max: self.drain_max(),
            in_flight_max: self.in_flight_max(rate),
            handicap: None,
        }
    }

    /// As long as an answer may still be in time, and 5 s more for the target's own sake; but a
    /// target that hangs until the timeout is not waited for after every trial.
    fn drain_max(&self) -> Duration {
        let deadline = self.goals.longest_deadline(self.settings.timeout);
        deadline.min(Duration::from_secs(5)) + Duration::from_secs(5)
    }

    fn in_flight_max(&self, rate: f64) -> u64 {
        let deadline = self.goals.longest_deadline(self.settings.timeout);
        (4.0 * rate * deadline.as_secs_f64()).ceil().max(64.0) as u64
    }

    // Closed loops.

    fn baseline_order(&self) -> Order {
        let measure = match self.trials.last().filter(|trial| trial.purpose == Purpose::Baseline) {
            Some(short) if short.outcome.rate > 0.0 => {
                Duration::from_secs_f64(BASELINE_MIN as f64 / short.outcome.rate).min(BASELINE_MAX)
            }
            Some(_) => BASELINE_MAX,
            None => BASELINE,
        };
        closed(Purpose::Baseline, 1, Duration::ZERO, measure)
    }

    fn on_closed(&mut self, now: Instant, purpose: Purpose, connections: u32, outcome: Outcome) {
        match purpose {
            Purpose::WarmUp => self.phase = Phase::Baseline,
            Purpose::Baseline => self.on_baseline(&outcome),
            _ => self.on_burst(connections, &outcome),
        }
        self.record(now, purpose, outcome.rate, None, Standing::Aside, outcome);
    }

    fn on_baseline(&mut self, outcome: &Outcome) {
        let is_repeated = self.trials.last().is_some_and(|trial| trial.purpose == Purpose::Baseline);
        if outcome.started < BASELINE_MIN && !is_repeated {
            return;
        }
        self.per_iteration.observe(outcome);
        self.goals.resolve(outcome.latency.p99);
        let iteration = if outcome.rate > 0.0 { 1.0 / outcome.rate } else { 0.0 };
        self.baseline = Some(Baseline {
            latency: outcome.latency,
            rate: outcome.rate,
            requests_per_iteration: self.per_iteration.all,
            iteration: Duration::from_secs_f64(iteration),
        });
        self.phase = Phase::Burst { connections: BURST_CONNECTIONS };
    }

    /// The generator may well be at its end here; the figure only says where to begin.
    fn on_burst(&mut self, connections: u32, outcome: &Outcome) {
        let good = 1.0 - outcome.failed as f64 / outcome.requests.max(1) as f64;
        let goodput = outcome.rate * good;
        let rises = goodput > self.burst * 1.1;
        self.burst = self.burst.max(goodput);
        if rises && connections < BURST_CONNECTIONS_MAX {
            self.phase = Phase::Burst { connections: connections * 4 };
            return;
        }
        let unloaded = self.baseline.map_or(0.0, |baseline| baseline.rate);
        let base = (self.burst / 2.0).max(unloaded / 2.0).max(self.settings.min_rate);
        self.bracket = Some(Bracket::new(base, &self.settings, &self.goals));
        self.phase = Phase::Bracket;
        // A burst may be an overload, too.
        self.aftermath = Aftermath::Rest { checks: 0 };
    }

    // Open loops.

    fn bracket_order(&mut self, elapsed: Duration) -> Option<(Order, Option<i32>)> {
        let bracket = self.bracket.as_mut()?;
        let (index, is_range) = bracket.next(&self.trials, &self.goals, &self.per_iteration)?;
        let (rate, full) = (bracket.rate(index), bracket.full_length(index));
        let (purpose, measure) = match is_range {
            true => (Purpose::Range, CHECK),
            false => (Purpose::Bracket, full),
        };
        let reserved = self.confirmation() + SETTLE + measure;
        self.has_time(elapsed, reserved, Skipped::Narrowing)
            .then(|| (self.open(purpose, rate, measure), Some(index)))
    }

    fn probe_order(&mut self, with_handicap: bool, elapsed: Duration) -> Option<(Order, Option<i32>)> {
        let handicap: Handicap = self.settings.probe?;
        let bracket = self.bracket.as_ref()?;
        let upper = bracket.relevant().1.filter(|upper| !bracket.is_ceiling(*upper))?;
        let measure = bracket.full_length(upper);
        let rate = bracket.rate(upper);
        let needed = self.confirmation() + (measure + SETTLE) * 2;
        if !with_handicap && !self.has_time(elapsed, needed, Skipped::Probe) {
            return None;
        }
        let mut order = self.open(Purpose::Probe, rate, measure);
        if let Order::Open { handicap: of_order, .. } = &mut order {
            *of_order = with_handicap.then_some(handicap);
        }
        Some((order, Some(upper)))
    }

    fn first_confirmation(&self) -> Phase {
        let lower = self.bracket.as_ref().and_then(|bracket| bracket.relevant().0);
        match lower {
            Some(at) => Phase::Confirm { at, failures: 0, invalid: 0 },
            None => Phase::Overload { step: 0 },
        }
    }

    fn confirm_order(&mut self, at: i32, failures: u32, elapsed: Duration) -> Option<(Order, Option<i32>)> {
        let is_confirmed = matches!(self.confirmed, Confirmed::Yes { .. });
        if is_confirmed || failures > LOWERED.len() as u32 {
            return None;
        }
        let rate = self.bracket.as_ref()?.rate(at);
        let measure = self.confirmation();
        self.has_time(elapsed, measure + SETTLE, Skipped::Confirmation)
            .then(|| (self.open(Purpose::Confirm, rate, measure), Some(at)))
    }

    fn overload_order(&mut self, step: usize, elapsed: Duration) -> Option<Order> {
        let factor = *FACTORS.get(step)?;
        let rate = self.overload_base()? * factor;
        let bracket = self.bracket.as_ref()?;
        let is_out_of_reach = rate >= bracket.ceiling_rate() || self.overload.iter().any(|step| !step.valid);
        let left = OVERLOAD * (FACTORS.len() - step) as u32 + Duration::from_secs(10);
        if is_out_of_reach || !self.has_time(elapsed, left, Skipped::Overload) {
            return None;
        }
        let mut order = self.open(Purpose::Overload { factor }, rate, OVERLOAD);
        if let Order::Open { drain_max, .. } = &mut order {
            // A pause would be a recovery.
            *drain_max = self.goals.longest_deadline(self.settings.timeout).min(Duration::from_secs(1));
        }
        Some(order)
    }

    /// The limit, if one was found that overloads can be measured by.
    fn overload_base(&self) -> Option<f64> {
        let bracket = self.bracket.as_ref().filter(|_| self.settings.overload)?;
        let (lower, upper) = bracket.relevant();
        upper.filter(|upper| !bracket.is_ceiling(*upper))?;
        lower.map(|lower| bracket.rate(lower))
    }

    fn recover_order(&mut self, elapsed: Duration) -> Option<Order> {
        let rate = self.overload_base()? * RECOVERY_SHARE;
        let was_overloaded = !self.overload.is_empty();
        let has_time = self.has_time(elapsed, RECOVERY_WINDOW * RECOVERY_WINDOWS, Skipped::Recovery);
        (was_overloaded && has_time).then(|| Order::Recover {
            rate,
            window: RECOVERY_WINDOW,
            give_up: RECOVERY_MAX,
            in_flight_max: self.in_flight_max(rate),
        })
    }

    /// At a load that passed, if there is one below the trial that left something behind.
    fn check_order(&self) -> Order {
        let last = self.trials.last().map_or(self.settings.min_rate, |trial| trial.offered);
        let passed =
            |trial: &&Trial| trial.passed && trial.standing == Standing::Counts && trial.offered <= last;
        let best = self.trials.iter().filter(passed).map(|trial| trial.offered).fold(0.0, f64::max);
        let rate = if best > 0.0 { best } else { (last / 2.0).max(self.settings.min_rate) };
        self.open(Purpose::Bracket, rate, CHECK)
    }

    fn on_open(
        &mut self,
        now: Instant,
        purpose: Purpose,
        rate: f64,
        index: Option<i32>,
        handicap: Option<Handicap>,
        outcome: Outcome,
    ) {
        let standing = match (&outcome.validity, self.aftermath, handicap) {
            (_, Aftermath::Check { .. }, _) => Standing::Tainted,
            (Validity::Invalid(_), _, _) => Standing::Invalid,
            (_, _, Some(_)) => Standing::Aside,
            _ => Standing::Counts,
        };
        let drained = outcome.drained;
        self.record(now, purpose, rate, index, standing, outcome);
        let trial = self.trials.last().expect("it was recorded just now");
        let (passed, goodput, p99) = (trial.passed, trial.goodput, trial.outcome.latency.p99);
        if standing == Standing::Invalid
            && let (Some(index), Some(bracket)) = (index, &mut self.bracket)
        {
            bracket.on_invalid(index, &self.trials);
        }
        self.on_aftermath(purpose, standing, drained, passed);
        if standing == Standing::Tainted {
            return;
        }
        match self.phase {
            Phase::Probe { without: None } => self.phase = Phase::Probe { without: Some((goodput, p99)) },
            Phase::Probe { without: Some(without) } => {
                self.on_probed(rate, without, (goodput, p99));
                self.phase = self.first_confirmation();
            }
            Phase::Confirm { at, failures, invalid } => {
                self.phase = self.after_confirmation(at, failures, invalid, standing, passed);
            }
            Phase::Overload { step } => {
                let factor = FACTORS[step];
                let valid = standing == Standing::Counts;
                self.overload.push(OverloadStep { factor, rate, goodput, valid });
                self.phase = Phase::Overload { step: step + 1 };
            }
            _ => {}
        }
    }

    /// Whether the next trial would begin in the shadow of this one.
    fn on_aftermath(&mut self, purpose: Purpose, standing: Standing, drained: bool, passed: bool) {
        let checks = match self.aftermath {
            Aftermath::Check { checks } | Aftermath::Rest { checks } => checks + 1,
            Aftermath::None => 0,
        };
        let answered = self.trials.last().map_or(0.0, answered_rate);
        let best = self.trials.iter().filter(|trial| trial.standing == Standing::Counts);
        let best = best.map(answered_rate).fold(0.0, f64::max);
        let is_check = standing == Standing::Tainted;
        let is_ill = if is_check { !passed || !drained } else { !drained };
        let may_be_ill = !is_check && !passed && answered < COLLAPSED * best;
        self.aftermath = match () {
            // Overload and recovery are about just that.
            () if matches!(purpose, Purpose::Overload { .. }) => Aftermath::None,
            () if is_ill && checks < CHECKS_MAX => Aftermath::Rest { checks },
            () if may_be_ill => Aftermath::Check { checks },
            () => Aftermath::None,
        };
        if is_ill && checks >= CHECKS_MAX {
            let offered = self.trials.last().map_or(0.0, |trial| trial.offered);
            self.remark(Remark::DidNotDrain { offered });
        }
    }

    fn on_probed(&mut self, rate: f64, without: (f64, Duration), with: (f64, Duration)) {
        let at_load = self.trials.iter().filter(|trial| trial.offered == rate);
        let counted: Vec<f64> =
            at_load.filter(|trial| trial.standing == Standing::Counts).map(|trial| trial.goodput).collect();
        let noise = 2.0 * super::fit::standard_deviation(&counted);
        let difference = (without.0 - with.0).abs();
        self.probe = Some(Probe {
            rate,
            goodput: (without.0, with.0),
            p99: (without.1, with.1),
            generator_matters: difference > PROBE_DIFFERENCE * without.0 && difference > noise,
        });
    }

    fn after_confirmation(
        &mut self,
        at: i32,
        failures: u32,
        invalid: u32,
        standing: Standing,
        passed: bool,
    ) -> Phase {
        let Some(bracket) = &self.bracket else { return Phase::Done };
        let rate = bracket.rate(at);
        if standing == Standing::Invalid {
            return match invalid {
                0 => Phase::Confirm { at, failures, invalid: 1 },
                _ => Phase::Overload { step: 0 },
            };
        }
        if passed {
            self.confirmed = Confirmed::Yes { rate, after_failures: failures };
            return Phase::Confirm { at, failures, invalid };
        }
        self.confirmed = Confirmed::Failed { rate };
        let steps = LOWERED.get(failures as usize).copied().unwrap_or(0);
        let lowered = (at - steps).max(bracket.lowest());
        Phase::Confirm { at: lowered, failures: failures + 1, invalid }
    }

    fn is_good(&self, window: &RecoveryWindow) -> bool {
        let unstarted = window.scheduled.saturating_sub(window.started) as f64;
        let counts = std::iter::zip(&window.goals, &self.per_iteration.by_goal);
        let mut losses = counts.map(|(count, each)| judge::loss_ratio(*count, unstarted * each));
        let is_met =
            self.goals.goals.iter().all(|goal| losses.next().is_some_and(|loss| loss <= goal.loss_ratio));
        is_met && window.side_conditions.iter().all(|held| *held)
    }

    fn record(
        &mut self,
        now: Instant,
        purpose: Purpose,
        offered: f64,
        index: Option<i32>,
        standing: Standing,
        outcome: Outcome,
    ) {
        let judgement = judge::judge(&outcome, &self.goals, &self.per_iteration);
        if let (Some(bracket), Some(index), Standing::Counts) = (&mut self.bracket, index, standing) {
            bracket.on_trial(index, &outcome, &judgement);
        }
        self.trials.push(Trial {
            purpose,
            ended: now,
            offered,
            goodput: judgement.goodput,
            passed: !judgement.exceeded.contains(&true),
            loss: judgement.loss,
            standing,
            outcome,
        });
    }
}

/// Iterations a second that were answered well, however late.
fn answered_rate(trial: &Trial) -> f64 {
    let failed = trial.outcome.failed as f64 / trial.outcome.requests.max(1) as f64;
    judge::finished_rate(&trial.outcome) * (1.0 - failed)
}

fn closed(purpose: Purpose, connections: u32, settle: Duration, measure: Duration) -> Order {
    Order::Closed { purpose, connections, settle, measure }
}

/// The deadline that latencies are compared with, the shortest of all goals.
pub(super) fn shortest_deadline(goals: &Goals) -> Option<Duration> {
    let within = goals.goals.iter().filter_map(|goal| match goal.deadline {
        Deadline::Within(deadline) => Some(deadline),
        _ => None,
    });
    within.min()
}
