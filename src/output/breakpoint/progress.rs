//! What is shown while a search goes on: plain lines, fit for a pipe.

use super::quantity::{Unit, in_ms, rate, share, span};
use crate::search::answer::{Standing, Trial};
use crate::search::{Answer, Finding, Purpose, Validity};
use std::time::Duration;

/// One line with its newline for a trial that ended. `limit` is `Answer::limit` after it. Columns
/// keep their places up to 9,999,999 a second.
pub fn render_trial_line(trial: &Trial, limit: &Finding) -> String {
    let ended = format!("{:.1}s", Duration::from_nanos(trial.ended.0).as_secs_f64());
    let outcome = &trial.outcome;
    let failed = outcome.failed as f64 / outcome.requests.max(1) as f64;
    let p99 = match in_ms(outcome.latency.p99) {
        none if none == "-" => none,
        ms => ms + "ms",
    };
    let (said, is_known) = said(trial);
    let mut line = format!(
        "{ended:>7}  {:<13}  {:>9}/s  goodput {:>9}  p99 {p99:>9}  failed {:>6}  {said}",
        purpose(trial.purpose),
        rate(trial.offered),
        rate(trial.goodput),
        share(failed),
    );
    if is_known && *limit != Finding::Unknown {
        line += &format!("  ({})", so_far(limit));
    }
    line.trim_end().to_owned() + "\n"
}

fn purpose(purpose: Purpose) -> String {
    match purpose {
        Purpose::Overload { factor } => format!("overload {factor}x"),
        other => other.name().to_owned(),
    }
}

/// What a trial came to, and whether the limit may have changed by it.
fn said(trial: &Trial) -> (String, bool) {
    match trial.standing {
        Standing::Counts if trial.passed => ("pass".to_owned(), true),
        Standing::Counts => ("fail".to_owned(), true),
        Standing::Aside => (String::new(), false),
        Standing::Tainted => {
            ("discarded: what the trial before left behind was still there".to_owned(), false)
        }
        Standing::Invalid => match &trial.outcome.validity {
            Validity::Invalid(reasons) => (format!("invalid: {}", reasons.join(", ")), false),
            Validity::Valid => ("invalid".to_owned(), false),
        },
    }
}

/// What is known so far, in one line without a newline.
pub fn render_status(answer: &Answer) -> String {
    let (trials, took) = (answer.trials.len(), span(answer.took));
    let trials = if trials == 1 { "1 trial".to_owned() } else { format!("{trials} trials") };
    let known = match &answer.limit {
        Finding::Unknown => "looking for the range".to_owned(),
        known => format!("limit {} {}", so_far(known), Unit::of(answer).name()),
    };
    format!("{known}, {trials} in {took}")
}

fn so_far(limit: &Finding) -> String {
    match limit {
        Finding::Unknown => "unknown".to_owned(),
        Finding::Found(limit) => format!("between {} and {}", rate(limit.lower), rate(limit.upper)),
        Finding::NotReached { at_least, .. } => format!(">= {}", rate(*at_least)),
        Finding::Below { rate: failed } => format!("< {}", rate(*failed)),
    }
}
