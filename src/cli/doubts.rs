//! Our own lines after k6's block: what the engine spent, and every reason to doubt the figures.

use super::command::RunCommand;
use crate::diagnosis::{Availability, outage};
use crate::output::engine::{Doubt, EngineReport};
use crate::run::outcome::Outcome;
use crate::search::ramp::RampReading;
use crate::sys::errno;
use std::time::Duration;

/// Starts that are later than this at the 99th percentile are worth a word.
const LATE_MS: f64 = 1.0;

pub fn engine_report(command: &RunCommand, outcome: &Outcome) -> EngineReport {
    let engine = &outcome.engine;
    let because = match engine.because.as_str() {
        "" => String::new(),
        because => format!(" ({because})"),
    };
    let worked: Duration = outcome.usage.iter().map(|usage| usage.cpu).sum();
    let lag = outcome.totals.start_lag();
    EngineReport {
        transport: format!("{}{because}", engine.transport.name()),
        congestion_control: engine.congestion_control.clone(),
        requests: outcome.totals.live().requests,
        cpu: worked + outcome.control_cpu,
        busy: outcome.usage.iter().map(|usage| usage.busy()).collect(),
        spun: outcome.usage.iter().map(|usage| usage.spun).sum(),
        start_lag_ms: engine.is_open.then(|| (lag.quantile(0.5), lag.quantile(0.99))),
        diagnosis: outcome.diagnosis.clone(),
        availability: Some(availability(outcome)),
        ramp: RampReading::of(&command.scenarios, &outcome.timeline),
        doubts: doubts(outcome),
    }
}

/// When the target was gone, by what its answers say.
pub fn availability(outcome: &Outcome) -> Availability {
    outage::read(outcome.timeline.slots(), outcome.engine.is_open)
}

/// Every reason to doubt the figures, with its number.
fn doubts(outcome: &Outcome) -> Vec<Doubt> {
    let totals = &outcome.totals;
    let live = totals.live();
    let mut doubts = Vec::new();
    if outcome.engine.is_open {
        let p99_ms = totals.start_lag().quantile(0.99);
        if p99_ms > LATE_MS {
            doubts.push(Doubt::StartsLate { p99_ms });
        }
    }
    if live.dropped > 0 {
        doubts.push(Doubt::IterationsDropped { dropped: live.dropped, due: live.started + live.dropped });
    }
    if totals.dropped_samples() > 0 {
        doubts.push(Doubt::SamplesDropped { samples: totals.dropped_samples() });
    }
    if totals.coarse_lookups() > 0 {
        doubts.push(Doubt::TagsCoarsened { lookups: totals.coarse_lookups() });
    }
    if outcome.interrupted_requests > 0 {
        doubts.push(Doubt::RequestsInterrupted { requests: outcome.interrupted_requests });
    }
    if let Some(first) = outcome.timeline.violations().first() {
        doubts.push(Doubt::LittlesLawBroken {
            seconds: outcome.timeline.seconds_checked().1,
            first_s: first.from_s,
            in_flight: first.in_flight,
            expected: first.expected,
        });
    }
    if outcome.overflows > 0 {
        doubts.push(Doubt::CompletionsPutOff { times: outcome.overflows });
    }
    for failure in totals.failures() {
        if let Some(remedy) = local_remedy(&failure.text) {
            doubts.push(Doubt::LocalErrors {
                requests: failure.requests,
                text: failure.text.clone(),
                remedy: remedy.to_owned(),
            });
        }
    }
    for message in &outcome.panics {
        doubts.push(Doubt::WorkerPanicked { message: message.clone() });
    }
    if outcome.abandoned > 0 {
        doubts.push(Doubt::WorkersAbandoned { workers: outcome.abandoned });
    }
    doubts
}

/// The remedy for an error text that names an errno of our own machine.
fn local_remedy(text: &str) -> Option<&'static str> {
    let number = text.split("errno ").nth(1)?;
    let digits: String = number.chars().skip_while(|c| *c == '`').take_while(char::is_ascii_digit).collect();
    errno::remedy(digits.parse().ok()?)
}
