//! One trial, judged: loss ratios, the backlog's growth, goodput.

use super::goal::Goals;
use super::outcome::{GoalCount, Outcome};

/// What a trial says of each goal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judgement {
    /// By goal; growth of the backlog is in it.
    pub loss: Vec<f64>,
    /// By goal, then one more for all side conditions together if there are any.
    pub exceeded: Vec<bool>,
    /// Good iterations a second under the strictest goal.
    pub goodput: f64,
}

/// Requests per iteration, as the baseline made them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PerIteration {
    pub all: f64,
    /// By goal: those with its tags.
    pub by_goal: Vec<f64>,
}

impl PerIteration {
    pub(super) fn one(goals: usize) -> PerIteration {
        PerIteration { all: 1.0, by_goal: vec![1.0; goals] }
    }

    /// As it was in `outcome`; as before where nothing was started.
    pub(super) fn observe(&mut self, outcome: &Outcome) {
        if outcome.started == 0 {
            return;
        }
        let started = outcome.started as f64;
        self.all = outcome.requests as f64 / started;
        self.by_goal = outcome.goals.iter().map(|count| count.requests as f64 / started).collect();
    }
}

/// How many standard deviations of a random walk the backlog may wander before that is growth.
const WALK: f64 = 1.65;

pub(super) fn judge(outcome: &Outcome, goals: &Goals, per_iteration: &PerIteration) -> Judgement {
    let growth = growth_ratio(outcome);
    let unstarted = outcome.scheduled.saturating_sub(outcome.started) as f64;
    let loss: Vec<f64> = std::iter::zip(&outcome.goals, &per_iteration.by_goal)
        .map(|(count, per_iteration)| loss_ratio(*count, unstarted * per_iteration).max(growth))
        .collect();
    let mut exceeded: Vec<bool> =
        std::iter::zip(&loss, &goals.goals).map(|(loss, goal)| *loss > goal.loss_ratio).collect();
    if !goals.side_conditions.is_empty() {
        exceeded.push(!outcome.side_conditions.iter().all(|held| *held));
    }
    let worst = outcome
        .goals
        .iter()
        .zip(&per_iteration.by_goal)
        .map(|(count, per_iteration)| loss_ratio(*count, unstarted * per_iteration));
    let worst = worst.fold(0.0, f64::max);
    let goodput = (outcome.rate * (1.0 - worst)).min(finished_rate(outcome)).max(0.0);
    Judgement { loss, exceeded, goodput }
}

/// Requests that are not good, over those that should have been made.
pub(super) fn loss_ratio(count: GoalCount, never_made: f64) -> f64 {
    let all = count.requests as f64 + never_made;
    if all > 0.0 { 1.0 - count.good as f64 / all } else { 0.0 }
}

/// What the backlog grew by, over what was scheduled; 0 within what chance does. Were the trial to
/// go on, this share would never be answered in time: a trial of seconds with a deadline of
/// seconds passes above the capacity else.
fn growth_ratio(outcome: &Outcome) -> f64 {
    let growth = backlog_growth(outcome);
    // Arrivals and departures of a saturated queue are a random walk of variance 2 a request.
    let chance = WALK * (2.0 * outcome.scheduled as f64).sqrt();
    if growth > chance { growth / outcome.scheduled as f64 } else { 0.0 }
}

pub(super) fn backlog_growth(outcome: &Outcome) -> f64 {
    outcome.backlog_end as f64 - outcome.backlog_begin as f64
}

/// Iterations a second that left the backlog within the measured time.
pub(super) fn finished_rate(outcome: &Outcome) -> f64 {
    let seconds = outcome.measured.as_secs_f64();
    if seconds > 0.0 { outcome.rate - backlog_growth(outcome) / seconds } else { 0.0 }
}
