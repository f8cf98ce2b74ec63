//! What an outcome does to a search: the phase that follows, and whether the target needs a rest.

use super::answer::{Baseline, Confirmed, OverloadStep, Probe, Remark, Standing, Trial};
use super::bracket::Bracket;
use super::fit;
use super::judge;
use super::machine::{Aftermath, Phase, Search};
use super::order::Purpose;
use super::orders::{BASELINE_MIN, FACTORS, LOWERED};
use super::outcome::{Outcome, RecoveryWindow, Validity};
use super::settings::Handicap;
use crate::time::Instant;
use std::time::Duration;

const BURST_CONNECTIONS: u32 = 64;
const BURST_CONNECTIONS_MAX: u32 = 4096;
/// After so many checks that failed, the target's state is taken for its nature.
const CHECKS_MAX: u32 = 3;
/// Below this share of the best rate of good answers, late ones too, a target got slower under
/// load, and may not have come back by itself.
const COLLAPSED: f64 = 0.8;
const PROBE_DIFFERENCE: f64 = 0.03;

impl Search {
    pub(super) fn on_closed(&mut self, now: Instant, purpose: Purpose, connections: u32, outcome: Outcome) {
        match purpose {
            Purpose::WarmUp => self.phase = Phase::Baseline,
            Purpose::Baseline => self.on_baseline(&outcome),
            _ => self.on_burst(connections, &outcome),
        }
        self.record(now, purpose, outcome.rate, None, Standing::Aside, outcome);
    }

    pub(super) fn on_baseline(&mut self, outcome: &Outcome) {
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
    pub(super) fn on_burst(&mut self, connections: u32, outcome: &Outcome) {
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

    pub(super) fn on_open(
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
    pub(super) fn on_aftermath(&mut self, purpose: Purpose, standing: Standing, drained: bool, passed: bool) {
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

    pub(super) fn on_probed(&mut self, rate: f64, without: (f64, Duration), with: (f64, Duration)) {
        let at_load = self.trials.iter().filter(|trial| trial.offered == rate);
        let counted: Vec<f64> =
            at_load.filter(|trial| trial.standing == Standing::Counts).map(|trial| trial.goodput).collect();
        let noise = 2.0 * fit::standard_deviation(&counted);
        let difference = (without.0 - with.0).abs();
        self.probe = Some(Probe {
            rate,
            goodput: (without.0, with.0),
            p99: (without.1, with.1),
            generator_matters: difference > PROBE_DIFFERENCE * without.0 && difference > noise,
        });
    }

    pub(super) fn after_confirmation(
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

    pub(super) fn is_good(&self, window: &RecoveryWindow) -> bool {
        let unstarted = window.scheduled.saturating_sub(window.started) as f64;
        let counts = std::iter::zip(&window.goals, &self.per_iteration.by_goal);
        let mut losses = counts.map(|(count, each)| judge::loss_ratio(*count, unstarted * each));
        let is_met =
            self.goals.goals.iter().all(|goal| losses.next().is_some_and(|loss| loss <= goal.loss_ratio));
        is_met && window.side_conditions.iter().all(|held| *held)
    }

    pub(super) fn record(
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
