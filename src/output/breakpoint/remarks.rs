//! What a reader must know before believing the rest: each remark in one sentence.

use super::Context;
use super::limit::goal_text;
use super::quantity::{Unit, rate, share, span};
use crate::search::Answer;
use crate::search::answer::{Confirmed, Finding, Remark, Skipped};

/// In the order of the answer, then the driver's notes. What the line of the limit says already is
/// left out, and brackets of other goals than the one that sets it: they are wide on purpose.
pub(super) fn sentences(answer: &Answer, context: &Context) -> Vec<String> {
    let is_said = |remark: &&Remark| !matches!(remark, Remark::Irregular { .. });
    let mut sentences: Vec<String> =
        answer.remarks.iter().filter(is_said).map(|remark| sentence(remark, answer, context)).collect();
    if let (Confirmed::Failed { rate: failed }, Finding::Found(_)) = (answer.confirmed, &answer.limit) {
        sentences.push(format!(
            "The limit was not confirmed: every long trial failed, the last one at {}. What the target bears \
             for seconds it does not bear for longer",
            rate(failed)
        ));
    }
    sentences.extend(context.notes.iter().cloned());
    sentences
}

/// Without a full stop at its end.
pub(super) fn sentence(remark: &Remark, answer: &Answer, context: &Context) -> String {
    let unit = Unit::of(answer);
    match *remark {
        Remark::DefaultGoals => {
            "There are no thresholds and no --goal, so the default goals are in force: at most \
                                 0.1% errors, and a p(99) within ten times the unloaded one or 100ms"
                .to_owned()
        }
        Remark::Irregular { lower, upper } => format!(
            "Between {} and {} {} trials did not agree: the bracket is wider than {} of the limit",
            rate(lower),
            rate(upper),
            unit.name(),
            share(2.0 * context.settings.width)
        ),
        Remark::LossInversion { failed, passed_above } => format!(
            "{} {} passed, though {} failed: the lower one counts",
            rate(passed_above),
            unit.name(),
            rate(failed)
        ),
        Remark::CannotResolve { goal, floor } => format!(
            "A trial at the limit has too few requests for the goal {}: it can tell {} lost from none, and no \
             less",
            answer.goals.goals.get(goal).map_or("?".to_owned(), goal_text),
            share(floor)
        ),
        Remark::OutOfTime { skipped } => {
            let max_time = span(context.settings.max_time);
            format!("--max-time {max_time} was over before {}", skipped_words(skipped))
        }
        Remark::Noisy { lowest, highest } if lowest == highest => format!(
            "At {} {} alike trials both passed and failed: what the target bears differs from moment to moment",
            rate(lowest),
            unit.name()
        ),
        Remark::Noisy { lowest, highest } => format!(
            "From {} to {} {} alike trials both passed and failed: what the target bears differs from moment \
             to moment",
            rate(lowest),
            rate(highest),
            unit.name()
        ),
        Remark::DidNotDrain { offered } => format!(
            "After {} {} the target did not come to rest: what was measured next may be too low",
            rate(offered),
            unit.name()
        ),
    }
}

fn skipped_words(skipped: Skipped) -> &'static str {
    match skipped {
        Skipped::Narrowing => "the bracket was as narrow as was asked for",
        Skipped::Probe => "the generator was probed",
        Skipped::Confirmation => "the limit was confirmed by a long trial",
        Skipped::Overload => "all overloads were tried",
        Skipped::Recovery => "the recovery from overload was measured",
    }
}
