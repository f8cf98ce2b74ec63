//! The machine of phases: baseline, burst, bracket, probe, confirmation, overload, recovery.

use super::answer::{Baseline, Confirmed, OverloadStep, Probe, Recovery, Remark, Skipped, Standing, Trial};
use super::bracket::Bracket;
use super::goal::Goals;
use super::judge::PerIteration;
use super::order::{Order, Purpose};
use super::orders;
use super::outcome::{Outcome, RecoveryWindow};
use super::settings::Settings;
use crate::time::Instant;
use std::time::Duration;

const WARM_UP: Duration = Duration::from_secs(3);
const BURST: Duration = Duration::from_secs(3);
pub(super) const SETTLE: Duration = Duration::from_millis(500);
const REST: Duration = Duration::from_secs(5);
/// Some targets come back only when nobody asks for a while.
const REST_MIN: Duration = Duration::from_secs(2);
pub(super) const RECOVERY_WINDOW: Duration = Duration::from_secs(1);
pub(super) const RECOVERY_WINDOWS: u32 = 5;
pub(super) const RECOVERY_MAX: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
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
pub(super) enum Aftermath {
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
    pub(super) phase: Phase,
    begin: Option<Instant>,
    /// What was ordered and is not answered, with its load if it is one of the grid.
    pub(super) ordered: Option<(Order, Option<i32>)>,
    pub(super) aftermath: Aftermath,
    windows: Windows,
    pub(super) per_iteration: PerIteration,
    pub(super) baseline: Option<Baseline>,
    /// Good iterations a second of the best burst.
    pub(super) burst: f64,
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

    /// What one connection has shown.
    pub fn baseline(&self) -> Option<Baseline> {
        self.baseline
    }

    /// One connection has shown what it does; more load may follow.
    pub fn is_past_baseline(&self) -> bool {
        !matches!(self.phase, Phase::WarmUp | Phase::Baseline)
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
                Phase::WarmUp => {
                    return (orders::closed(Purpose::WarmUp, 1, Duration::ZERO, self.brief(WARM_UP)), None);
                }
                Phase::Baseline => return (self.baseline_order(), None),
                Phase::Burst { connections } => {
                    return (orders::closed(Purpose::Burst, connections, SETTLE, self.brief(BURST)), None);
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
    pub(super) fn has_time(&mut self, elapsed: Duration, needed: Duration, skipped: Skipped) -> bool {
        let is_enough = elapsed + needed <= self.settings.max_time;
        if !is_enough {
            self.remark(Remark::OutOfTime { skipped });
        }
        is_enough
    }

    pub(super) fn remark(&mut self, remark: Remark) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
}
