//! What each phase of a search orders.

use super::answer::{Confirmed, Skipped, Standing, Trial};
use super::machine::{Phase, RECOVERY_MAX, RECOVERY_WINDOW, RECOVERY_WINDOWS, SETTLE, Search};
use super::order::{Order, Purpose};
use super::settings::Handicap;
use std::time::Duration;

const BASELINE: Duration = Duration::from_secs(2);
/// A p99 of fewer is little more than a maximum.
pub(super) const BASELINE_MIN: u64 = 200;
const BASELINE_MAX: Duration = Duration::from_secs(8);
/// A trial for the range, or one that only looks whether the target is well again.
const CHECK: Duration = Duration::from_secs(2);
const OVERLOAD: Duration = Duration::from_secs(5);
pub(super) const FACTORS: [f64; 4] = [1.1, 1.25, 1.5, 2.0];
const RECOVERY_SHARE: f64 = 0.8;
/// How many steps lower the next long trial is, after each that failed.
pub(super) const LOWERED: [i32; 4] = [2, 2, 4, 8];

impl Search {
    /// Little of a short search: what is not narrowed needs no long confirmation.
    pub(super) fn confirmation(&self) -> Duration {
        let long = Duration::from_secs(if self.settings.strict { 60 } else { 30 });
        long.min(self.settings.max_time / 6)
    }

    /// What goes before the search, shorter if there is less than a minute for all of it.
    pub(super) fn brief(&self, usual: Duration) -> Duration {
        usual.min(self.settings.max_time / 20)
    }

    pub(super) fn open(&self, purpose: Purpose, rate: f64, measure: Duration) -> Order {
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
    pub(super) fn drain_max(&self) -> Duration {
        let deadline = self.goals.longest_deadline(self.settings.timeout);
        deadline.min(Duration::from_secs(5)) + Duration::from_secs(5)
    }

    pub(super) fn in_flight_max(&self, rate: f64) -> u64 {
        let deadline = self.goals.longest_deadline(self.settings.timeout);
        (4.0 * rate * deadline.as_secs_f64()).ceil().max(64.0) as u64
    }

    pub(super) fn baseline_order(&self) -> Order {
        let measure = match self.trials.last().filter(|trial| trial.purpose == Purpose::Baseline) {
            Some(short) if short.outcome.rate > 0.0 => {
                Duration::from_secs_f64(BASELINE_MIN as f64 / short.outcome.rate).min(self.baseline_max())
            }
            Some(_) => self.baseline_max(),
            None => self.brief(BASELINE),
        };
        closed(Purpose::Baseline, 1, Duration::ZERO, measure)
    }

    fn baseline_max(&self) -> Duration {
        BASELINE_MAX.min(self.settings.max_time / 6)
    }

    pub(super) fn bracket_order(&mut self, elapsed: Duration) -> Option<(Order, Option<i32>)> {
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

    pub(super) fn probe_order(
        &mut self,
        with_handicap: bool,
        elapsed: Duration,
    ) -> Option<(Order, Option<i32>)> {
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

    pub(super) fn first_confirmation(&self) -> Phase {
        let lower = self.bracket.as_ref().and_then(|bracket| bracket.relevant().0);
        match lower {
            Some(at) => Phase::Confirm { at, failures: 0, invalid: 0 },
            None => Phase::Overload { step: 0 },
        }
    }

    pub(super) fn confirm_order(
        &mut self,
        at: i32,
        failures: u32,
        elapsed: Duration,
    ) -> Option<(Order, Option<i32>)> {
        let is_confirmed = matches!(self.confirmed, Confirmed::Yes { .. });
        if is_confirmed || failures > LOWERED.len() as u32 {
            return None;
        }
        let rate = self.bracket.as_ref()?.rate(at);
        let measure = self.confirmation();
        self.has_time(elapsed, measure + SETTLE, Skipped::Confirmation)
            .then(|| (self.open(Purpose::Confirm, rate, measure), Some(at)))
    }

    pub(super) fn overload_order(&mut self, step: usize, elapsed: Duration) -> Option<Order> {
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
    pub(super) fn overload_base(&self) -> Option<f64> {
        let bracket = self.bracket.as_ref().filter(|_| self.settings.overload)?;
        let (lower, upper) = bracket.relevant();
        upper.filter(|upper| !bracket.is_ceiling(*upper))?;
        lower.map(|lower| bracket.rate(lower))
    }

    pub(super) fn recover_order(&mut self, elapsed: Duration) -> Option<Order> {
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
    pub(super) fn check_order(&self) -> Order {
        let last = self.trials.last().map_or(self.settings.min_rate, |trial| trial.offered);
        let passed =
            |trial: &&Trial| trial.passed && trial.standing == Standing::Counts && trial.offered <= last;
        let best = self.trials.iter().filter(passed).map(|trial| trial.offered).fold(0.0, f64::max);
        let rate = if best > 0.0 { best } else { (last / 2.0).max(self.settings.min_rate) };
        self.open(Purpose::Bracket, rate, CHECK)
    }
}

pub(super) fn closed(purpose: Purpose, connections: u32, settle: Duration, measure: Duration) -> Order {
    Order::Closed { purpose, connections, settle, measure }
}
