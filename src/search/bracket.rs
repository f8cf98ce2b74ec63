//! Which load to try next, until every goal's bounds are as close as was asked for.

use super::answer::{Standing, Trial};
use super::bounds::{self, Class, Durations, Target};
use super::goal::Goals;
use super::grid::Grid;
use super::judge::{Judgement, PerIteration};
use super::outcome::Outcome;
use super::settings::Settings;
use std::collections::BTreeMap;
use std::time::Duration;

/// A trial that measures for less says little of a service that pauses now and then.
const TRIAL_MIN: f64 = 2.0;
const TRIAL_MAX: f64 = 10.0;
/// A trial's requests, times the goal's loss ratio: what it should lose at the limit.
const LOST_WANTED: f64 = 10.0;
const LOST_MIN: f64 = 3.0;
/// A trial is this many times the p99, so that requests at its edges do not matter.
const P99_IN_TRIAL: f64 = 20.0;
/// Invalid trials at one load before it is the generator's ceiling; and below a load at which
/// trials were valid, where it may have been an accident.
const INVALID_MAX: u32 = 2;
const INVALID_MAX_BELOW_VALID: u32 = 4;

/// One trial of the ledger.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    index: i32,
    seconds: f64,
    exceeded: Vec<bool>,
    /// By goal only; side conditions lose nothing that could be added up.
    loss: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bracket {
    grid: Grid,
    targets: Vec<Target>,
    /// By goal.
    allowed_loss: Vec<f64>,
    /// By goal, then one more for side conditions: the target it is at. Beyond the last: over.
    reached: Vec<usize>,
    entries: Vec<Entry>,
    /// By load, in seconds; fixed when a load is tried for more than its range.
    full: BTreeMap<i32, f64>,
    invalid: BTreeMap<i32, u32>,
    ceiling: Option<i32>,
}

impl Bracket {
    pub(super) fn new(base: f64, settings: &Settings, goals: &Goals) -> Bracket {
        let grid = Grid::new(base, settings.width, settings.min_rate, settings.max_rate);
        let judged = goals.goals.len() + usize::from(!goals.side_conditions.is_empty());
        let mut targets = vec![Target { duration_sum: 0.0, width: grid.octave() }];
        let between = [(4.0, 0.08), (8.0, 0.04)].into_iter().filter(|(_, width)| *width > settings.width);
        targets
            .extend(between.map(|(duration_sum, width)| Target { duration_sum, width: grid.steps(width) }));
        targets.push(Target { duration_sum: 20.0, width: 1 });
        Bracket {
            grid,
            targets,
            allowed_loss: goals.goals.iter().map(|goal| goal.loss_ratio).collect(),
            reached: vec![0; judged],
            entries: Vec::new(),
            full: BTreeMap::new(),
            invalid: BTreeMap::new(),
            ceiling: None,
        }
    }

    pub(super) fn rate(&self, index: i32) -> f64 {
        self.grid.rate(index)
    }

    pub(super) fn lowest(&self) -> i32 {
        self.grid.lowest()
    }

    pub(super) fn is_ceiling(&self, index: i32) -> bool {
        self.ceiling.is_some_and(|ceiling| index >= ceiling)
    }

    /// No trial at it or above: the generator's ceiling, or what the user allows.
    pub(super) fn ceiling_rate(&self) -> f64 {
        let allowed = self.grid.rate(self.grid.highest()) * (1.0 + 1e-9);
        self.ceiling.map_or(allowed, |ceiling| self.rate(ceiling).min(allowed))
    }

    pub(super) fn full_length(&self, index: i32) -> Duration {
        Duration::from_secs_f64(self.full.get(&index).copied().unwrap_or(TRIAL_MIN))
    }

    pub(super) fn on_trial(&mut self, index: i32, outcome: &Outcome, judgement: &Judgement) {
        let seconds = outcome.measured.as_secs_f64();
        let (exceeded, loss) = (judgement.exceeded.clone(), judgement.loss.clone());
        self.entries.push(Entry { index, seconds, exceeded, loss });
    }

    /// A load whose trials stay invalid, and all above it, are beyond the generator.
    pub(super) fn on_invalid(&mut self, index: i32, trials: &[Trial]) {
        let times = self.invalid.entry(index).or_default();
        *times += 1;
        let rate = self.grid.rate(index);
        let valid_above =
            trials.iter().any(|trial| trial.standing == Standing::Counts && trial.offered > rate);
        let allowed = if valid_above { INVALID_MAX_BELOW_VALID } else { INVALID_MAX };
        let valid_here = self.entries.iter().filter(|entry| entry.index == index).count() as u32;
        if *times >= allowed && *times > valid_here {
            self.ceiling = Some(self.ceiling.map_or(index, |ceiling| ceiling.min(index)));
        }
    }

    /// The load of the next trial, and whether it is for the range only; `None`: the search is
    /// over. Of the goals' wishes the smallest: it is below most of what may go wrong.
    pub(super) fn next(
        &mut self,
        trials: &[Trial],
        goals: &Goals,
        per_iteration: &PerIteration,
    ) -> Option<(i32, bool)> {
        let mut wishes = Vec::new();
        for judged in 0..self.reached.len() {
            while self.reached[judged] < self.targets_of(judged) {
                if let Some(index) = self.wish(judged, self.reached[judged]) {
                    wishes.push((index, self.reached[judged] == 0));
                    break;
                }
                self.reached[judged] += 1;
            }
        }
        let &(index, is_range) = wishes.iter().min()?;
        let is_range = is_range && wishes.iter().all(|(other, range)| *other != index || *range);
        if !is_range && !self.full.contains_key(&index) {
            let seconds = self.seconds_needed(index, trials, goals, per_iteration);
            self.full.insert(index, seconds);
        }
        Some((index, is_range))
    }

    /// The relevant bounds of all goals together, as sure as they are by now. A ceiling is an
    /// upper bound here; see `is_ceiling`.
    pub(super) fn relevant(&self) -> (Option<i32>, Option<i32>) {
        let bounds: Vec<_> = (0..self.reached.len()).map(|judged| self.best_bounds(judged)).collect();
        let upper = bounds.iter().filter_map(|(_, upper)| *upper).min();
        let lower = bounds.iter().map(|(lower, _)| *lower).min().flatten();
        (lower.filter(|lower| upper.is_none_or(|upper| *lower < upper)), upper)
    }

    /// Of one goal, at the strictest target that has both, else that has a lower one. An upper
    /// bound that a search had no time to be so sure of still stands: between a long trial that
    /// passed and a load twice as high, what failed last is where to look.
    pub(super) fn best_bounds(&self, judged: usize) -> (Option<i32>, Option<i32>) {
        let last = self.reached[judged].min(self.targets.len() - 1);
        let all: Vec<_> = (0..=last).rev().map(|target| self.bounds(judged, target)).collect();
        let both = all.iter().position(|(lower, upper)| lower.is_some() && upper.is_some());
        let one = all.iter().find(|(lower, upper)| lower.is_some() || upper.is_some());
        let Some(strictest) = both else { return one.copied().unwrap_or((None, None)) };
        let (lower, upper) = all[strictest];
        let less_sure = all[strictest..].iter().filter_map(|(_, upper)| *upper);
        (lower, less_sure.filter(|index| Some(*index) > lower).chain(upper).min())
    }

    pub(super) fn class(&self, judged: usize, index: i32) -> Class {
        let classes = self.classes(judged, self.targets.len() - 1);
        let found = classes.iter().find(|(tried, _)| *tried == index);
        found.map_or(Class::Undecided, |(_, class)| *class)
    }

    /// The goal that breaks first is narrowed to the end. The others get a bracket that shows how
    /// far away they are: minutes of overload would buy nothing that the limit hangs on.
    fn targets_of(&self, judged: usize) -> usize {
        let upper = |judged| self.best_bounds(judged).1.unwrap_or(i32::MAX);
        let lowest = (0..self.reached.len()).map(upper).min();
        let is_limiting = lowest.is_none_or(|lowest| upper(judged) <= lowest);
        if is_limiting { self.targets.len() } else { self.targets.len().min(2) }
    }

    fn bounds(&self, judged: usize, target: usize) -> (Option<i32>, Option<i32>) {
        let mut classes = self.classes(judged, target);
        let (lower, upper) = bounds::relevant(&classes);
        match self.ceiling {
            Some(ceiling) if upper.is_none_or(|upper| upper >= ceiling) => {
                classes.retain(|(index, _)| *index < ceiling);
                (bounds::relevant(&classes).0, Some(ceiling))
            }
            _ => (lower, upper),
        }
    }

    /// Of every load that was tried, ascending.
    fn classes(&self, judged: usize, target: usize) -> Vec<(i32, Class)> {
        let mut loads: BTreeMap<i32, Durations> = BTreeMap::new();
        for entry in &self.entries {
            // To find the range any trial will do.
            let is_full = target == 0 || entry.seconds >= 0.99 * self.full_length(entry.index).as_secs_f64();
            let loss = entry.loss.get(judged).copied().unwrap_or(0.0);
            let durations = loads.entry(entry.index).or_default();
            durations.add(entry.seconds, is_full, entry.exceeded[judged], loss);
        }
        let allowed = self.allowed_loss.get(judged).copied().unwrap_or(1.0);
        let class = |(index, durations): (&i32, &Durations)| {
            (*index, durations.classify(self.sum_at(target, *index), allowed))
        };
        loads.iter().map(class).collect()
    }

    /// Long trials would decide alone: at the last target there are at least three.
    fn sum_at(&self, target: usize, index: i32) -> f64 {
        let trials = if target + 1 == self.targets.len() { 3.0 } else { target as f64 };
        self.targets[target].duration_sum.max(trials * self.full_length(index).as_secs_f64())
    }

    /// Where one goal wants a trial; `None`: its target is reached, or cannot be.
    fn wish(&self, judged: usize, target: usize) -> Option<i32> {
        let (lower, upper) = self.bounds(judged, target);
        let (was_lower, was_upper) = match target {
            0 => (None, None),
            _ => self.bounds(judged, target - 1),
        };
        let width = self.targets[target].width;
        let is_open = |index: &i32| {
            upper.is_none_or(|upper| *index < upper)
                && lower.is_none_or(|lower| *index > lower)
                && !self.is_ceiling(*index)
        };
        if let (Some(lower), Some(upper)) = (lower, upper) {
            let known = [was_lower, was_upper].into_iter().flatten().find(is_open);
            return (upper - lower > width).then(|| known.unwrap_or(lower + (upper - lower) / 2));
        }
        if let Some(known) = was_lower.filter(is_open).or(was_upper.filter(is_open)) {
            return Some(known);
        }
        match (lower, upper) {
            (Some(lower), None) => {
                let step = self.expansion(lower, width, |index| lower - index, judged, target, Class::Lower);
                let next = (lower + step).min(self.grid.highest());
                (next > lower).then_some(next)
            }
            (None, Some(upper)) => {
                let step = self.expansion(upper, width, |index| index - upper, judged, target, Class::Upper);
                let next = (upper - step).max(self.grid.lowest());
                (next < upper).then_some(next)
            }
            _ => Some(0.clamp(self.grid.lowest(), self.grid.highest())),
        }
    }

    /// Twice as far each time: from the bound to the next of its kind behind it, doubled.
    fn expansion(
        &self,
        bound: i32,
        width: i32,
        behind: impl Fn(i32) -> i32,
        judged: usize,
        target: usize,
        kind: Class,
    ) -> i32 {
        let classes = self.classes(judged, target);
        let same = classes.iter().filter(|(index, class)| *index != bound && *class == kind);
        let nearest = same.map(|(index, _)| behind(*index)).filter(|distance| *distance > 0).min();
        // From one range target to the next everything lies within an octave.
        let doubled = nearest.map_or(width, |distance| (2 * distance).max(width));
        doubled.min(self.grid.octave())
    }

    /// Enough requests to see the goals' loss ratios, and long against the latency.
    fn seconds_needed(
        &self,
        index: i32,
        trials: &[Trial],
        goals: &Goals,
        per_iteration: &PerIteration,
    ) -> f64 {
        let rate = self.grid.rate(index);
        let of_goal = |(goal, each): (&super::goal::Goal, &f64)| {
            let per_second = (rate * each).max(1e-9) * goal.loss_ratio;
            let wanted = LOST_WANTED / per_second;
            if wanted <= TRIAL_MAX { wanted } else { (LOST_MIN / per_second).min(TRIAL_MAX) }
        };
        let counts = goals.goals.iter().zip(&per_iteration.by_goal).map(of_goal).fold(0.0, f64::max);
        let passed =
            |trial: &&Trial| trial.standing == Standing::Counts && trial.passed && trial.offered <= rate;
        let nearest = trials.iter().filter(passed).max_by(|a, b| a.offered.total_cmp(&b.offered));
        let p99 = nearest.map_or(Duration::ZERO, |trial| trial.outcome.latency.p99);
        let p99 = goals.shortest_deadline().map_or(p99, |deadline| p99.min(deadline));
        TRIAL_MIN.max(counts).max(P99_IN_TRIAL * p99.as_secs_f64()).min(TRIAL_MAX)
    }

    /// 3 / requests of a trial at this load, for one goal.
    pub(super) fn resolvable_floor(&self, index: i32, requests_per_iteration: f64) -> f64 {
        let requests = self.rate(index) * requests_per_iteration * self.full_length(index).as_secs_f64();
        if requests > 0.0 { LOST_MIN / requests } else { 1.0 }
    }

    /// Goals, and one more for side conditions.
    pub(super) fn judged(&self) -> usize {
        self.reached.len()
    }

    pub(super) fn index_of_tried(&self, rate: f64) -> Option<i32> {
        self.entries.iter().map(|entry| entry.index).find(|index| self.grid.rate(*index) == rate)
    }

    /// The highest load that the user allows passed.
    pub(super) fn is_highest(&self, index: i32) -> bool {
        index >= self.grid.highest()
    }
}
