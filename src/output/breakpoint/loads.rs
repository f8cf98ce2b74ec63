//! The table of loads.

use super::limit::is_irregular;
use super::quantity::{Unit, in_ms, rate, share};
use crate::output::style::{Look, Paint, padding, width};
use crate::search::Answer;
use crate::search::answer::{Finding, Load, LoadVerdict};

/// A line for each load, columns aligned; nothing before the first open trial.
pub(super) fn render(answer: &Answer, paint: Paint) -> String {
    if answer.loads.is_empty() {
        return String::new();
    }
    let unit = Unit::of(answer);
    let mut rows = vec![heading(unit)];
    rows.extend(answer.loads.iter().map(|load| cells(load, unit)));
    let columns = rows[0].len();
    let widths: Vec<usize> =
        (0..columns).map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0)).collect();
    let lines = rows.iter().enumerate().map(|(place, row)| {
        let load = place.checked_sub(1).map(|place| &answer.loads[place]);
        let cells = row.iter().zip(&widths).map(|(cell, &width)| padding(cell, width) + cell);
        let line = format!("  {}", cells.collect::<Vec<_>>().join("  "));
        match load {
            None => paint.text(Look::FaintWhite, &format!("{line}  verdict")) + "\n",
            Some(load) => {
                let (look, verdict) = verdict(load);
                let mark = mark(answer, load.offered).map_or(String::new(), |mark| format!("  <- {mark}"));
                let mark = if mark.is_empty() { mark } else { paint.text(Look::Bold, &mark) };
                format!("{line}  {}{mark}\n", paint.text(look, verdict))
            }
        }
    });
    lines.collect()
}

fn heading(unit: Unit) -> Vec<String> {
    let mut names = vec!["offered", "goodput", "p50 ms", "p95 ms", "p99 ms", "failed", "valid"];
    if !unit.is_requests() {
        names.insert(1, "req/s");
    }
    names.into_iter().map(str::to_owned).collect()
}

/// What no valid trial measured is a dash.
fn cells(load: &Load, unit: Unit) -> Vec<String> {
    let measured = |text: String| if load.valid > 0 { text } else { "-".to_owned() };
    let mut cells = vec![
        rate(load.offered),
        measured(rate(load.goodput)),
        measured(in_ms(load.latency.p50)),
        measured(in_ms(load.latency.p95)),
        measured(in_ms(load.latency.p99)),
        measured(share(load.failed_ratio)),
        format!("{}/{}", load.valid, load.all),
    ];
    if !unit.is_requests() {
        cells.insert(1, rate(unit.requests(load.offered)));
    }
    cells
}

fn verdict(load: &Load) -> (Look, &'static str) {
    match load.verdict {
        LoadVerdict::Pass => (Look::Green, "pass"),
        LoadVerdict::Fail => (Look::Red, "fail"),
        LoadVerdict::Undecided => (Look::Cyan, "undecided"),
        LoadVerdict::Invalid => (Look::FaintWhite, "invalid"),
    }
}

/// What a load is to the limit.
fn mark(answer: &Answer, offered: f64) -> Option<&'static str> {
    match &answer.limit {
        Finding::Found(limit) if answer.provisional || is_irregular(answer) => match offered {
            _ if offered == limit.lower => Some("passes"),
            _ if offered == limit.upper => Some("fails"),
            _ => None,
        },
        Finding::Found(limit) => (offered == limit.lower).then_some("limit"),
        Finding::NotReached { .. } => (highest_passed(answer) == Some(offered)).then_some("at least"),
        Finding::Below { .. } | Finding::Unknown => None,
    }
}

fn highest_passed(answer: &Answer) -> Option<f64> {
    let passed = answer.loads.iter().rfind(|load| load.verdict == LoadVerdict::Pass);
    passed.map(|load| load.offered)
}

/// The load that the plot marks.
pub(super) fn marked(answer: &Answer) -> Option<f64> {
    match &answer.limit {
        Finding::Found(limit) => Some(limit.lower),
        Finding::NotReached { .. } => highest_passed(answer),
        Finding::Below { .. } | Finding::Unknown => None,
    }
}
