//! The limit in one line, and what each goal has to do with it.

use super::Context;
use super::quantity::{Unit, range, rate, share, span, time};
use crate::search::answer::{Ceiling, Finding, Limit, Load, Remark, Standing, Trial};
use crate::search::goal::{Deadline, Goal, SideCondition};
use crate::search::{Answer, Purpose, Validity};
use std::time::Duration;

/// `LIMIT`, what stands after it, and in brackets or after a comma how that is known.
pub(super) struct Line {
    pub label: &'static str,
    pub figure: String,
    pub grounds: String,
    /// Whether the figure is a limit that was found.
    pub is_found: bool,
}

pub(super) fn line(answer: &Answer, context: &Context) -> Line {
    let unit = Unit::of(answer);
    let label = if answer.provisional { "LIMIT SO FAR" } else { "LIMIT" };
    let ended = ended(answer, context);
    match &answer.limit {
        Finding::Unknown => {
            let figure = "unknown".to_owned();
            Line { label, figure, grounds: unknown(answer, &ended), is_found: false }
        }
        Finding::Found(limit) if answer.provisional => Line {
            label,
            figure: between(limit, unit),
            grounds: format!("  ({ended}: provisional){}", of_goal(answer)),
            is_found: false,
        },
        Finding::Found(limit) if is_irregular(answer) => Line {
            label,
            figure: format!("irregular: {}", between(limit, unit)),
            grounds: format!("  (95% CI {}){}", range(limit.interval), of_goal(answer)),
            is_found: true,
        },
        Finding::Found(limit) => {
            let (interval, lower, upper) = (range(limit.interval), rate(limit.lower), rate(limit.upper));
            let grounds =
                format!("  (95% CI {interval}; passes at {lower}, fails at {upper}){}", of_goal(answer));
            Line { label, figure: unit.rate(limit.rate), grounds, is_found: true }
        }
        Finding::NotReached { at_least, why } => {
            let why = match answer.provisional && *why == Ceiling::MaxTime {
                true => format!("{ended}, before any load failed: provisional"),
                false => not_reached(answer, context, *why),
            };
            let figure = format!(">= {}", unit.rate(*at_least));
            Line { label, figure, grounds: format!(", not reached: {why}"), is_found: false }
        }
        Finding::Below { rate: failed } => Line {
            label,
            figure: format!("< {}", unit.rate(*failed)),
            grounds: format!(
                "  (fails at the lowest load that was tried{}){}",
                lost(answer, *failed),
                of_goal(answer)
            ),
            is_found: true,
        },
    }
}

/// The bracket of the limit stayed far wider than was asked for.
pub(super) fn is_irregular(answer: &Answer) -> bool {
    let Finding::Found(limit) = &answer.limit else { return false };
    let bracket = Remark::Irregular { lower: limit.lower, upper: limit.upper };
    !answer.provisional && answer.remarks.contains(&bracket)
}

fn between(limit: &Limit, unit: Unit) -> String {
    let own = format!("between {} and {} {}", rate(limit.lower), rate(limit.upper), unit.name());
    match unit.is_requests() {
        true => own,
        false => {
            let (lower, upper) = (unit.requests(limit.lower), unit.requests(limit.upper));
            format!("{own} = {} and {} req/s", rate(lower), rate(upper))
        }
    }
}

fn ended(answer: &Answer, context: &Context) -> String {
    let how = if context.interrupted { "interrupted" } else { "not over" };
    format!("{how} after {}", span(answer.took))
}

fn unknown(answer: &Answer, ended: &str) -> String {
    match (answer.provisional, invalid_because(answer)) {
        (_, Some(reason)) => format!("  (the generator could not make the load: {reason})"),
        (true, None) => format!("  ({ended}, before any load was decided)"),
        (false, None) => "  (no load was decided)".to_owned(),
    }
}

fn not_reached(answer: &Answer, context: &Context, why: Ceiling) -> String {
    let settings = &context.settings;
    let why = match why {
        Ceiling::Generator => match invalid_because(answer) {
            Some(reason) => format!("generator-limited, {reason}"),
            None => "generator-limited".to_owned(),
        },
        Ceiling::MaxRate => match settings.max_rate {
            Some(highest) => format!("--max-rate {} allows no more", rate(highest)),
            None => "no more is allowed".to_owned(),
        },
        Ceiling::MaxTime => format!("--max-time {} was over", span(settings.max_time)),
    };
    format!("{why}. The target was still passing")
}

/// Why most trials were invalid at the lowest load at which most were: what most of them say first.
fn invalid_because(answer: &Answer) -> Option<String> {
    let invalid_at = |offered: f64| {
        answer
            .trials
            .iter()
            .filter(move |trial| trial.offered == offered && trial.standing == Standing::Invalid)
    };
    let is_invalid = |load: &&Load| invalid_at(load.offered).count() > load.valid as usize;
    let load = answer.loads.iter().find(is_invalid)?;
    let mut counts: Vec<(&String, u32)> = Vec::new();
    for trial in invalid_at(load.offered) {
        let Validity::Invalid(reasons) = &trial.outcome.validity else { continue };
        let Some(reason) = reasons.first() else { continue };
        match counts.iter_mut().find(|(counted, _)| *counted == reason) {
            Some((_, count)) => *count += 1,
            None => counts.push((reason, 1)),
        }
    }
    // Of equals the first.
    let (reason, _) = counts.iter().rev().max_by_key(|(_, count)| *count)?;
    Some(format!("{reason} at {}", rate(load.offered)))
}

/// `: 12% lost, 1.0% allowed`, by the last trial at a load.
fn lost(answer: &Answer, offered: f64) -> String {
    let Some(goal) = answer.limiting_goal else { return String::new() };
    let trial = answer.trials.iter().rfind(|trial| trial.offered == offered);
    let loss = trial.and_then(|trial| trial.loss.get(goal));
    match loss.zip(answer.goals.goals.get(goal)) {
        Some((loss, goal)) => format!(": {} lost, {} allowed", share(*loss), share(goal.loss_ratio)),
        None => String::new(),
    }
}

/// What breaks first: a goal, or one of the side conditions.
fn of_goal(answer: &Answer) -> String {
    match answer.limiting_goal.and_then(|goal| answer.goals.goals.get(goal)) {
        Some(goal) => format!("   goal: {}", goal_text(goal)),
        None => {
            let conditions = answer.goals.side_conditions.iter().map(condition_text);
            format!("   side condition: {}", conditions.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A line each for goals and side conditions, if there is more than one: its text, and what became
/// of it.
pub(super) fn goals(answer: &Answer) -> Vec<(String, String)> {
    let goals = &answer.goals;
    if goals.goals.len() + goals.side_conditions.len() < 2 {
        return Vec::new();
    }
    let is_limited = matches!(answer.limit, Finding::Found(_) | Finding::Below { .. });
    let of_goals = goals.goals.iter().zip(&answer.findings).enumerate().map(|(place, (goal, found))| {
        let is_limiting = is_limited && answer.limiting_goal == Some(place);
        let mark = if is_limiting { "  <- sets the limit" } else { "" };
        (goal_text(goal), format!("{}{mark}", finding_text(&found.finding)))
    });
    let mark = match goals.side_conditions.len() {
        _ if !is_limited || answer.limiting_goal.is_some() => "",
        1 => "  <- sets the limit",
        _ => "  <- one of these sets the limit",
    };
    let of_conditions = goals.side_conditions.iter().map(|condition| {
        (condition_text(condition), format!("side condition: held or not, trial by trial{mark}"))
    });
    of_goals.chain(of_conditions).collect()
}

/// A finding in a few words, without its unit.
pub(super) fn finding_text(finding: &Finding) -> String {
    match finding {
        Finding::Unknown => "not decided".to_owned(),
        Finding::Found(limit) => format!("passes at {}, fails at {}", rate(limit.lower), rate(limit.upper)),
        Finding::NotReached { at_least, .. } => format!("passes up to {}", rate(*at_least)),
        Finding::Below { rate: failed } => format!("fails at {}", rate(*failed)),
    }
}

/// As it was written; a deadline that hangs on the baseline is told beside it.
pub(super) fn goal_text(goal: &Goal) -> String {
    match goal.deadline {
        Deadline::Within(deadline) if goal.text.contains("unloaded") => {
            format!("{} = {}", goal.text, time(deadline))
        }
        _ => goal.text.clone(),
    }
}

pub(super) fn condition_text(condition: &SideCondition) -> String {
    format!("{}: {}", condition.metric, condition.threshold.source.trim())
}

/// How long the trial that confirmed a load was measured.
pub(super) fn confirmed_for(answer: &Answer, offered: f64) -> Option<Duration> {
    let is_it = |trial: &&Trial| trial.purpose == Purpose::Confirm && trial.offered == offered;
    answer.trials.iter().rfind(is_it).map(|trial| trial.outcome.measured)
}
