//! When a service was gone: lines for a person, if there was an outage, and JSON always.

use crate::diagnosis::outage::{Availability, Edge, Outage, Reading};
use crate::metrics::timeline::FAILURE_CLASSES;
use crate::output::style::{Look, Paint};
use serde_json::{Map, Value, json};

/// Two shares that differ by this factor need a word on why.
const DIFFERENT: f64 = 1.5;

/// Nothing without an outage.
pub fn render(availability: &Availability, colors: bool) -> String {
    let paint = Paint { colors };
    let mut text = String::new();
    for outage in &availability.outages {
        text += &format!("    {}\n", paint.text(Look::Red, &headline(outage)));
        text += &format!("      {}\n", paint.text(Look::FaintWhite, &edges(outage)));
    }
    if availability.more > 0 {
        text += &format!("    and {} more outages\n", availability.more);
    }
    if !availability.outages.is_empty() {
        text += &format!("    {}  {}\n", paint.text(Look::Bold, "AVAILABILITY"), figures(availability));
    }
    text
}

/// An outage in one sentence.
pub fn headline(outage: &Outage) -> String {
    let until = match outage.end {
        Some(end) => at(end.at_ns),
        None => "the end".to_owned(),
    };
    let mut facts = vec![failures(outage)];
    if outage.silent_ns > 0 {
        facts.push(format!("no answer at all for {}", seconds(outage.silent_ns)));
    }
    facts.extend(outage.readings.iter().map(reading));
    match outage.recovery_ns {
        Some(0) => facts.push("full rate again at once".to_owned()),
        Some(ns) => facts.push(format!("full rate again {} later", seconds(ns))),
        None => {}
    }
    let length = seconds(outage.length_ns);
    format!("OUTAGE {}-{until} ({length}): {}", at(outage.start.at_ns), facts.join("; "))
}

fn failures(outage: &Outage) -> String {
    let Outage { requests, failed, .. } = *outage;
    if requests == 0 {
        return "no request came to its end".to_owned();
    }
    let by = FAILURE_CLASSES.iter().zip(outage.failed_by).filter(|(_, count)| *count > 0);
    let by: Vec<String> = by.map(|(class, count)| format!("{count} {class}")).collect();
    let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
    format!("{} of {requests} requests failed{by}", percent(failed as f64 / requests as f64))
}

fn reading(reading: &Reading) -> String {
    match *reading {
        Reading::Backends { down, backends } => {
            format!("consistent with {down} of {backends} backends down and still in rotation")
        }
        Reading::NoLongerRouted { after_ns } => {
            format!("it came back, or the balancer stopped routing to it, after {}", seconds(after_ns))
        }
        Reading::TriedAgain { times, every_ns } => format!(
            "then failures {times} times, every {}: consistent with a balancer that tries it again",
            seconds(every_ns)
        ),
    }
}

fn edges(outage: &Outage) -> String {
    let between = |edge: Edge| format!("between {} and {}", at(edge.from_ns), at(edge.to_ns));
    match outage.end {
        Some(end) => format!("began {}, ended {}", between(outage.start), between(end)),
        None => format!("began {}, and was not seen to end", between(outage.start)),
    }
}

/// The three numbers, and why they differ.
fn figures(availability: &Availability) -> String {
    let (of_requests, of_time) = shares(availability);
    let mut text = format!(
        "{} of requests failed; unavailable for {} of {} ({}), with any failure in {}",
        percent(of_requests),
        seconds(availability.unavailable_ns),
        seconds(availability.span_ns),
        percent(of_time),
        seconds(availability.any_failure_ns),
    );
    match availability.never_happened {
        Some(arrivals @ 0..) => text += &format!("; about {arrivals} arrivals never happened"),
        Some(arrivals) => text += &format!("; {} more arrivals than without it", -arrivals),
        None => {}
    }
    text + ". " + why(availability)
}

/// Failed of all requests, and unavailable of all time.
fn shares(availability: &Availability) -> (f64, f64) {
    let share = |part: u64, all: u64| part as f64 / all.max(1) as f64;
    (
        share(availability.failed, availability.requests),
        share(availability.unavailable_ns, availability.span_ns),
    )
}

fn why(availability: &Availability) -> &'static str {
    let (of_requests, of_time) = shares(availability);
    match availability.never_happened {
        None => "Starts followed the schedule, so the share of requests is that of arrivals",
        Some(_) if of_requests > DIFFERENT * of_time => {
            "VUs that were refused at once asked again sooner than served ones, so the share of requests is \
             above that of time"
        }
        Some(_) if of_time > DIFFERENT * of_requests => {
            "VUs that waited asked for less, so the share of requests is below that of time: it is the time \
             that users see"
        }
        Some(_) => "VUs asked about as often as before, so both shares are alike",
    }
}

pub fn to_json(availability: &Availability) -> Value {
    json!({
        "requests": availability.requests,
        "failed": availability.failed,
        "unavailable_s": in_s(availability.unavailable_ns),
        "any_failure_s": in_s(availability.any_failure_ns),
        "span_s": in_s(availability.span_ns),
        "never_happened": availability.never_happened,
        "outages": availability.outages.iter().map(outage_json).collect::<Vec<_>>(),
        "more_outages": availability.more,
    })
}

fn outage_json(outage: &Outage) -> Value {
    let edge = |edge: Edge| json!({ "from_s": in_s(edge.from_ns), "to_s": in_s(edge.to_ns), "at_s": in_s(edge.at_ns) });
    let failed_by = FAILURE_CLASSES.iter().zip(outage.failed_by).filter(|(_, count)| *count > 0);
    json!({
        "start": edge(outage.start),
        "end": outage.end.map(edge),
        "length_s": in_s(outage.length_ns),
        "requests": outage.requests,
        "failed": outage.failed,
        "failed_by": failed_by.map(|(name, count)| ((*name).to_owned(), count.into())).collect::<Map<_, _>>(),
        "silent_s": in_s(outage.silent_ns),
        "rate_before_per_s": outage.rate_before,
        "recovery_s": outage.recovery_ns.map(in_s),
        "readings": outage.readings.iter().map(reading).collect::<Vec<_>>(),
    })
}

fn in_s(ns: u64) -> f64 {
    (ns as f64 / 1e6).round() / 1e3
}

fn at(ns: u64) -> String {
    format!("{:.2}s", ns as f64 / 1e9)
}

fn seconds(ns: u64) -> String {
    format!("{:.2}s", ns as f64 / 1e9)
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn edge(from_ms: u64, to_ms: u64, at_ms: u64) -> Edge {
        Edge { from_ns: from_ms * MS, to_ns: to_ms * MS, at_ns: at_ms * MS }
    }

    fn availability() -> Availability {
        let mut failed_by = [0; FAILURE_CLASSES.len()];
        failed_by[5] = 4_961;
        let outage = Outage {
            start: edge(12_300, 12_400, 12_310),
            end: Some(edge(22_200, 22_300, 22_280)),
            length_ns: 9_970 * MS,
            requests: 9_880,
            failed: 4_961,
            failed_by,
            silent_ns: 0,
            rate_before: Some(1_000.0),
            recovery_ns: Some(300 * MS),
            readings: vec![Reading::Backends { down: 1, backends: 2 }],
        };
        Availability {
            span_ns: 30_000 * MS,
            requests: 30_000,
            failed: 4_961,
            unavailable_ns: 9_900 * MS,
            any_failure_ns: 10_000 * MS,
            never_happened: Some(90),
            outages: vec![outage],
            more: 0,
        }
    }

    #[test]
    fn an_outage_is_told_in_a_line_with_its_uncertainty_and_what_it_means() {
        let want = "    OUTAGE 12.31s-22.28s (9.97s): 50.2% of 9880 requests failed (4961 status_5xx); consistent \
                    with 1 of 2 backends down and still in rotation; full rate again 0.30s later\n      began \
                    between 12.30s and 12.40s, ended between 22.20s and 22.30s\n    AVAILABILITY  16.5% of \
                    requests failed; unavailable for 9.90s of 30.00s (33.0%), with any failure in 10.00s; about \
                    90 arrivals never happened. VUs that waited asked for less, so the share of requests is \
                    below that of time: it is the time that users see\n";
        assert_eq!(render(&availability(), false), want);
    }

    #[test]
    fn the_three_numbers_say_why_they_differ() {
        let retried = Availability { failed: 25_000, never_happened: Some(-9_000), ..availability() };
        let text = figures(&retried);
        assert!(text.contains("9000 more arrivals than without it. VUs that were refused at once"), "{text}");
        let open = Availability { never_happened: None, ..availability() };
        assert!(figures(&open).contains("followed the schedule"));
    }

    #[test]
    fn without_an_outage_there_is_nothing_to_say() {
        assert_eq!(render(&Availability { outages: Vec::new(), ..availability() }, false), "");
    }
}
