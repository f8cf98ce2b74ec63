//! All trials so far, made into an answer.

use super::answer::{
    Answer, Behaviour, Ceiling, ErrorOnset, Finding, GoalFinding, Knee, Limit, Load, LoadVerdict, Overload,
    Remark, Standing, Trial,
};
use super::bounds::Class;
use super::bracket::Bracket;
use super::fit::{self, Point};
use super::judge;
use super::machine::Search;
use super::order::Purpose;
use super::outcome::Percentiles;
use super::{curve, usl};
use crate::time::Instant;
use std::time::Duration;

/// The most that "no errors" may have.
const ERRORS: f64 = 0.001;
/// Two-sided, 95 %, of Student's distribution with ten degrees of freedom: about so many
/// trials are near.
const SIGMAS: f64 = 2.23;
/// What a fit looks at, beyond the bounds: further away a curve has another form.
const NEAR: f64 = 0.12;
/// A load is clear if no trial lost more, or less, than so many times what is allowed, over so many
/// seconds. Below it takes more: near its limit a queue mostly loses nothing, and now and then much.
const CLEARLY_BELOW: (f64, f64) = (0.1, 25.0);
const CLEARLY_ABOVE: (f64, f64) = (2.0, 6.0);
/// A fit that knows nothing says so by this factor, not by infinity.
const FARTHEST: f64 = 1.5;
/// Loads with mixed results that are farther apart than this are worth a remark.
const NOISY: f64 = 0.05;
/// Part of a step of the grid that every interval is wider by: the finest that was asked.
const RESOLUTION: f64 = 0.5;

impl Search {
    /// What is known now; final once the order was `Done`.
    pub fn answer(&self, now: Instant) -> Answer {
        let judged = self.goals.goals.len() + usize::from(!self.goals.side_conditions.is_empty());
        let findings: Vec<Finding> = (0..judged).map(|judged| self.finding(judged)).collect();
        let limiting = limiting(&findings);
        let loads = self.loads();
        let capacity = counted(&self.trials).map(|trial| trial.goodput).max_by(f64::total_cmp);
        let mut remarks = self.remarks.clone();
        remarks.extend(self.remarks_at_the_end(&findings));
        Answer {
            provisional: !self.is_done(),
            limit: limiting.map_or(Finding::Unknown, |index| findings[index].clone()),
            limiting_goal: limiting.filter(|index| *index < self.goals.goals.len()),
            findings: self.goal_findings(findings),
            goals: self.goals.clone(),
            error_onset: error_onset(&loads),
            baseline: self.baseline,
            knee: knee(&loads),
            overload: self.overload_answer(capacity),
            capacity,
            confirmed: self.confirmed,
            probe: self.probe,
            recovery: self.recovery,
            loads,
            trials: self.trials.clone(),
            remarks,
            usl_points: self.usl_points(),
            requests_per_iteration: self.per_iteration.all,
            took: self.took(now),
        }
    }

    fn finding(&self, judged: usize) -> Finding {
        let Some(bracket) = &self.bracket else { return Finding::Unknown };
        match bracket.best_bounds(judged) {
            (Some(lower), Some(upper)) if bracket.is_ceiling(upper) => {
                self.not_reached(bracket, judged, lower, Ceiling::Generator)
            }
            (Some(lower), Some(upper)) => Finding::Found(self.limit(bracket, judged, lower, upper)),
            (Some(lower), None) if bracket.is_highest(lower) => {
                self.not_reached(bracket, judged, lower, Ceiling::MaxRate)
            }
            (Some(lower), None) => self.not_reached(bracket, judged, lower, Ceiling::MaxTime),
            (None, Some(upper)) if !bracket.is_ceiling(upper) => Finding::Below { rate: bracket.rate(upper) },
            _ => Finding::Unknown,
        }
    }

    fn not_reached(&self, bracket: &Bracket, judged: usize, lower: i32, why: Ceiling) -> Finding {
        Finding::NotReached { at_least: self.conditional_throughput(bracket.rate(lower), judged), why }
    }

    fn limit(&self, bracket: &Bracket, judged: usize, lower: i32, upper: i32) -> Limit {
        let (low, high) = (bracket.rate(lower), bracket.rate(upper));
        let rate = self.conditional_throughput(low, judged);
        let step = (bracket.rate(lower + 1) / low).ln();
        let allowed = self.goals.goals.get(judged).map_or(0.0, |goal| goal.loss_ratio);
        let near: Vec<Point> = self
            .points(judged)
            .into_iter()
            .filter(|point| point.rate > low * (1.0 - NEAR) && point.rate < high * (1.0 + NEAR))
            .collect();
        let fitted = (allowed > 0.0).then(|| fit::crossing(&near, allowed, step)).flatten();
        let mixed = mixed_loads(&near, allowed);
        let (mut from, mut to) = (low, high);
        if let Some(crossing) = fitted {
            let (clear_below, clear_above) = clear_loads(&self.points(judged), allowed, low, high);
            let clear_below = if mixed.is_some() { low / FARTHEST } else { clear_below.max(low / FARTHEST) };
            let error = (SIGMAS * crossing.error).exp();
            from = from.min((crossing.rate / error).max(clear_below));
            to = to.max((crossing.rate * error).min(clear_above).min(high * FARTHEST));
        }
        // Below the bracket trials that differ are a warning. Above it they are not: a short trial
        // begins with an empty queue, and passes where a long one does not.
        from = from.min(mixed.map_or(from, |(lowest, _)| lowest));
        // Between the bounds the loss lies between what it is at the lower one and what is allowed.
        let at_lower = self.points(judged).into_iter().filter(|point| point.rate == low);
        let (lost, seconds) = at_lower.fold((0.0, 0.0), |(lost, seconds), point| {
            (lost + point.loss * point.seconds, seconds + point.seconds)
        });
        let lost = if seconds > 0.0 { (lost / seconds).min(allowed) } else { 0.0 };
        let below = if from < low { allowed } else { lost };
        let margin = RESOLUTION * step;
        Limit {
            rate,
            interval: (
                (from * (1.0 - below)).min(rate) * (1.0 - margin),
                (to * (1.0 - lost)).max(rate) * (1.0 + margin),
            ),
            lower: low,
            upper: high,
            resolved: upper - lower <= 2,
        }
    }

    /// Trials of one goal, without those that were meant to be far from its limit.
    fn points(&self, judged: usize) -> Vec<Point> {
        let loss = |trial: &Trial| trial.loss.get(judged).copied().unwrap_or(0.0);
        counted(&self.trials)
            .filter(|trial| !matches!(trial.purpose, Purpose::Overload { .. }))
            .map(|trial| Point {
                rate: trial.offered,
                seconds: trial.outcome.measured.as_secs_f64(),
                loss: loss(trial),
            })
            .collect()
    }

    /// What the median second of trials at a load brought: the load itself, less what was lost,
    /// and less what the backlog grew by over all of them.
    fn conditional_throughput(&self, rate: f64, judged: usize) -> f64 {
        let at_load = || counted(&self.trials).filter(move |trial| trial.offered == rate);
        let good = |trial: &Trial| match trial.loss.get(judged) {
            Some(loss) => trial.outcome.rate * (1.0 - loss),
            None => trial.goodput,
        };
        let seconds = |trial: &Trial| trial.outcome.measured.as_secs_f64();
        let median = fit::median(at_load().map(|trial| (good(trial), seconds(trial))).collect());
        let all_seconds: f64 = at_load().map(seconds).sum();
        let growth: f64 = at_load().map(|trial| judge::backlog_growth(&trial.outcome)).sum();
        median.map_or(0.0, |median| median.min(rate - growth / all_seconds)).max(0.0)
    }

    fn goal_findings(&self, findings: Vec<Finding>) -> Vec<GoalFinding> {
        let floor = |judged: usize| {
            let bracket = self.bracket.as_ref()?;
            let lower = bracket.best_bounds(judged).0?;
            Some(bracket.resolvable_floor(lower, *self.per_iteration.by_goal.get(judged)?))
        };
        let of_goals = findings.into_iter().enumerate().take(self.goals.goals.len());
        of_goals.map(|(judged, finding)| GoalFinding { finding, resolvable_floor: floor(judged) }).collect()
    }

    fn remarks_at_the_end(&self, findings: &[Finding]) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let Some(bracket) = &self.bracket else { return remarks };
        for (judged, finding) in findings.iter().enumerate() {
            if let Finding::Found(limit) = finding
                && limit.lower < limit.upper * (1.0 - 2.0 * self.settings.width)
            {
                remarks.push(Remark::Irregular { lower: limit.lower, upper: limit.upper });
            }
            let Some(goal) = self.goals.goals.get(judged) else { continue };
            if let Some((lowest, highest)) = mixed_loads(&self.points(judged), goal.loss_ratio)
                && lowest < highest * (1.0 - NOISY)
            {
                remarks.push(Remark::Noisy { lowest, highest });
            }
            if let Some(lower) = bracket.best_bounds(judged).0 {
                let floor = bracket.resolvable_floor(lower, self.per_iteration.by_goal[judged]);
                if floor > goal.loss_ratio {
                    remarks.push(Remark::CannotResolve { goal: judged, floor });
                }
            }
        }
        remarks.extend(self.inversion());
        remarks
    }

    /// The highest load below which another one was found to fail.
    fn inversion(&self) -> Option<Remark> {
        let bracket = self.bracket.as_ref()?;
        let (_, upper) = bracket.relevant();
        let failed = bracket.rate(upper.filter(|upper| !bracket.is_ceiling(*upper))?);
        let loads = self.loads();
        let passed_above =
            loads.iter().filter(|load| load.verdict == LoadVerdict::Pass && load.offered > failed);
        let passed_above = passed_above.map(|load| load.offered).max_by(f64::total_cmp)?;
        Some(Remark::LossInversion { failed, passed_above })
    }

    fn loads(&self) -> Vec<Load> {
        let is_open =
            |trial: &&Trial| !matches!(trial.purpose, Purpose::WarmUp | Purpose::Baseline | Purpose::Burst);
        let mut rates: Vec<f64> = self.trials.iter().filter(is_open).map(|trial| trial.offered).collect();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        rates.into_iter().map(|rate| self.load(rate)).collect()
    }

    fn load(&self, rate: f64) -> Load {
        let all: Vec<&Trial> = self.trials.iter().filter(|trial| trial.offered == rate).collect();
        let valid: Vec<&Trial> = counted(&self.trials).filter(|trial| trial.offered == rate).collect();
        let passed = valid.iter().filter(|trial| trial.passed).count();
        let of_median = |value: fn(&Trial) -> f64| {
            let values = valid.iter().map(|trial| (value(trial), trial.outcome.measured.as_secs_f64()));
            fit::median(values.collect()).unwrap_or(0.0)
        };
        let time = |value: fn(&Trial) -> f64| Duration::from_secs_f64(of_median(value));
        let failed: u64 = valid.iter().map(|trial| trial.outcome.failed).sum();
        let requests: u64 = valid.iter().map(|trial| trial.outcome.requests).sum();
        let unstarted: u64 =
            valid.iter().map(|trial| trial.outcome.scheduled.saturating_sub(trial.outcome.started)).sum();
        let unmade = unstarted as f64 * self.per_iteration.all;
        let should = requests as f64 + unmade;
        Load {
            offered: rate,
            goodput: of_median(|trial| trial.goodput),
            latency: Percentiles {
                p50: time(|trial| trial.outcome.latency.p50.as_secs_f64()),
                p95: time(|trial| trial.outcome.latency.p95.as_secs_f64()),
                p99: time(|trial| trial.outcome.latency.p99.as_secs_f64()),
            },
            failed_ratio: if should > 0.0 { (failed as f64 + unmade) / should } else { 0.0 },
            passed: passed as u32,
            valid: valid.len() as u32,
            all: all.len() as u32,
            verdict: self.verdict(rate, valid.len(), passed),
        }
    }

    /// As the bounds see it; by the majority where they have not looked closely.
    fn verdict(&self, rate: f64, valid: usize, passed: usize) -> LoadVerdict {
        if valid == 0 {
            return LoadVerdict::Invalid;
        }
        if let Some(bracket) = &self.bracket
            && let Some(index) = bracket.index_of_tried(rate)
        {
            let classes = (0..bracket.judged()).map(|judged| bracket.class(judged, index));
            let classes: Vec<Class> = classes.collect();
            if classes.contains(&Class::Upper) {
                return LoadVerdict::Fail;
            }
            if classes.iter().all(|class| *class == Class::Lower) {
                return LoadVerdict::Pass;
            }
        }
        match (2 * passed).cmp(&valid) {
            std::cmp::Ordering::Greater => LoadVerdict::Pass,
            std::cmp::Ordering::Less => LoadVerdict::Fail,
            std::cmp::Ordering::Equal => LoadVerdict::Undecided,
        }
    }

    fn overload_answer(&self, capacity: Option<f64>) -> Option<Overload> {
        let steps = self.overload.clone();
        let at_1_5 = steps.iter().find(|step| step.factor == 1.5 && step.valid);
        let kept_at_1_5 = at_1_5.zip(capacity.filter(|capacity| *capacity > 0.0));
        let kept_at_1_5 = kept_at_1_5.map(|(step, capacity)| step.goodput / capacity);
        let behaviour = kept_at_1_5.map(|kept| match kept {
            0.95.. => Behaviour::Plateau,
            0.5.. => Behaviour::Degrading,
            _ => Behaviour::Collapsing,
        });
        (!steps.is_empty()).then_some(Overload { steps, kept_at_1_5, behaviour })
    }

    fn usl_points(&self) -> Option<Vec<(f64, f64)>> {
        let points: Vec<(f64, f64)> = counted(&self.trials)
            .map(|trial| (trial.outcome.in_flight_mean, judge::finished_rate(&trial.outcome)))
            .filter(|(in_flight, finished)| *in_flight > 0.0 && *finished > 0.0)
            .collect();
        usl::has_spread(&points).then_some(points)
    }
}

/// The lowest and the highest load at which trials of about one length both passed and failed.
fn mixed_loads(points: &[Point], allowed: f64) -> Option<(f64, f64)> {
    let is_mixed = |point: &&Point| {
        let differs = |other: &Point| {
            let alike = other.seconds < 2.0 * point.seconds && point.seconds < 2.0 * other.seconds;
            other.rate == point.rate && alike && (other.loss > allowed) != (point.loss > allowed)
        };
        points.iter().any(differs)
    };
    let rates = || points.iter().filter(is_mixed).map(|point| point.rate);
    Some((rates().min_by(f64::total_cmp)?, rates().max_by(f64::total_cmp)?))
}

/// The nearest loads on both sides of a bracket whose trials, all of them, are clearly on theirs.
/// Where losses jump from none to all a fit knows nothing of the place of the jump; these do.
fn clear_loads(points: &[Point], allowed: f64, low: f64, high: f64) -> (f64, f64) {
    let is_clear = |rate: f64, needed: f64, is_on_side: &dyn Fn(f64) -> bool| {
        let at_load = || points.iter().filter(move |point| point.rate == rate);
        let seconds: f64 = at_load().map(|point| point.seconds).sum();
        seconds >= needed && at_load().all(|point| is_on_side(point.loss))
    };
    let rates = || points.iter().map(|point| point.rate);
    let is_below = |loss: f64| loss <= allowed * CLEARLY_BELOW.0;
    let is_above = |loss: f64| loss > allowed * CLEARLY_ABOVE.0;
    let below = rates().filter(|rate| *rate <= low && is_clear(*rate, CLEARLY_BELOW.1, &is_below));
    let above = rates().filter(|rate| *rate >= high && is_clear(*rate, CLEARLY_ABOVE.1, &is_above));
    (below.fold(0.0, f64::max), above.fold(f64::INFINITY, f64::min))
}

/// The goal that breaks first; what is unknown breaks nothing.
fn limiting(findings: &[Finding]) -> Option<usize> {
    let breaks_at = |finding: &Finding| match finding {
        Finding::Unknown => None,
        // Fails below everything that was tried.
        Finding::Below { .. } => Some(0.0),
        Finding::Found(limit) => Some(limit.upper),
        // Of equals the one that was found is the limit.
        Finding::NotReached { at_least, .. } => Some(at_least * 2.0),
    };
    let known = findings.iter().enumerate().filter_map(|(index, finding)| Some((index, breaks_at(finding)?)));
    known.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
}

fn counted(trials: &[Trial]) -> impl Iterator<Item = &Trial> {
    trials.iter().filter(|trial| trial.standing == Standing::Counts)
}

fn error_onset(loads: &[Load]) -> ErrorOnset {
    let valid = || loads.iter().filter(|load| load.valid > 0);
    let Some(failing) = valid().find(|load| load.failed_ratio > ERRORS) else {
        return valid().next_back().map_or(ErrorOnset::Unknown, |load| ErrorOnset::NoneUpTo(load.offered));
    };
    let clean = valid().rfind(|load| load.offered < failing.offered);
    ErrorOnset::Between { clean: clean.map_or(0.0, |load| load.offered), failing: failing.offered }
}

fn knee(loads: &[Load]) -> Knee {
    let valid = || loads.iter().filter(|load| load.valid > 0);
    let points: Vec<(f64, f64)> = valid().map(|load| (load.offered, load.goodput)).collect();
    Knee {
        power: curve::power(valid().map(|load| (load.offered, load.goodput, load.latency.p50.as_secs_f64()))),
        break_of_goodput: curve::two_segments(&points).map(|found| found.x),
    }
}
