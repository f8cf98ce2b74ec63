//! Reads a printed summary back into a `Summary`.
//!
//! Printed values are cut, so each is read as a value a little above its text: rendering cuts it
//! to the same text again.

use ringload::metrics::Summary;
use ringload::metrics::summary::{Check, Contains, Metric, Section, Threshold, Values};
use ringload::options::TrendStat;
use std::time::Duration;

pub fn without_colors(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let mut plain = pieces.next().unwrap_or("").to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or(piece, |(_, rest)| rest));
    }
    plain
}

pub fn read(text: &str) -> Summary {
    let mut summary = Summary::default();
    let mut judged = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let trimmed = line.trim();
        if let Some(title) = trimmed.strip_prefix("█ ") {
            parts.push(Part::new(0, title));
        } else if let Some(title) = trimmed.strip_prefix("↳ GROUP: ") {
            let depth = (line.len() - line.trim_start().len() - 2) / 2;
            parts.push(Part::new(depth, title));
        } else if parts.last().is_some_and(|part| part.title == "THRESHOLDS") {
            read_threshold_line(&mut judged, line);
        } else if let Some(part) = parts.last_mut() {
            read_content_line(&mut summary, part, trimmed);
        }
    }
    let mut parts = parts.into_iter().peekable();
    while let Some(part) = parts.next() {
        let mut section = part.section;
        section.groups = nested(&mut parts, 1);
        match part.title.split_once(": ") {
            Some(("GROUP", name)) => summary.groups.push((name.to_owned(), section)),
            Some(("SCENARIO", name)) => summary.scenarios.push((name.to_owned(), section)),
            _ if part.title == "TOTAL RESULTS" => summary.total = section,
            _ => assert_eq!(part.title, "THRESHOLDS"),
        }
    }
    for (name, thresholds) in judged {
        attach(&mut summary.total, name, thresholds);
    }
    summary
}

struct Part {
    depth: usize,
    title: String,
    section: Section,
}

impl Part {
    fn new(depth: usize, title: &str) -> Part {
        Part { depth, title: title.trim().to_owned(), section: Section::default() }
    }
}

fn nested(
    parts: &mut std::iter::Peekable<impl Iterator<Item = Part>>,
    depth: usize,
) -> Vec<(String, Section)> {
    let mut groups = Vec::new();
    while let Some(part) = parts.next_if(|part| part.depth == depth) {
        let mut section = part.section;
        section.groups = nested(parts, depth + 1);
        groups.push((part.title, section));
    }
    groups
}

fn read_threshold_line(judged: &mut Vec<(String, Vec<Threshold>)>, line: &str) {
    let trimmed = line.trim();
    let Some(rest) = trimmed.strip_prefix("✓ '").or_else(|| trimmed.strip_prefix("✗ '")) else {
        let parent = judged.iter().rev().map(|(name, _)| name.as_str()).find(|name| !name.contains('{'));
        let name = match parent {
            Some(parent) if line.starts_with("      {") => format!("{parent}{trimmed}"),
            _ => trimmed.to_owned(),
        };
        return judged.push((name, Vec::new()));
    };
    let (source, shown) = rest.split_once("' ").expect("a quoted threshold");
    let (_, observed) = shown.split_once('=').expect("an observed value");
    let (_, thresholds) = judged.last_mut().expect("a metric above its thresholds");
    thresholds.push(Threshold {
        source: format!(" {source} "),
        ok: trimmed.starts_with('✓'),
        observed: Some(read_observed(observed)),
        windows: None,
    });
}

fn read_observed(text: &str) -> f64 {
    match text.strip_suffix('%') {
        Some(percent) => (number(percent) + 0.003) / 100.0,
        None => read_time(text).unwrap_or_else(|| number(text)),
    }
}

/// Sub-metrics of checks are not listed, so their thresholds bring them along.
fn attach(total: &mut Section, name: String, thresholds: Vec<Threshold>) {
    match total.metrics.iter_mut().find(|metric| metric.name == name) {
        Some(metric) => metric.thresholds = thresholds,
        None => {
            assert!(name.starts_with("checks"), "{name} has a threshold but is not listed");
            let values = Values::Rate { passes: 0, fails: 0 };
            total.metrics.push(Metric { name, contains: Contains::Default, values, thresholds });
        }
    }
}

fn read_content_line(summary: &mut Summary, part: &mut Part, line: &str) {
    let section = &mut part.section;
    if let Some(name) = line.strip_prefix("✓ ") {
        section.checks.push(Check { name: name.to_owned(), passes: 1, ..Check::default() });
    } else if let Some(name) = line.strip_prefix("✗ ") {
        section.checks.push(Check { name: name.to_owned(), ..Check::default() });
    } else if line.starts_with("↳  ") {
        let (_, counts) = line.split_once("✓ ").expect("passes");
        let (passes, fails) = counts.split_once(" / ✗ ").expect("fails");
        let check = section.checks.last_mut().expect("a failed check above its detail");
        (check.passes, check.fails) = (passes.parse().unwrap(), fails.parse().unwrap());
    } else if let Some((name, data)) = line.split_once("...") {
        let data = data.trim_start_matches('.').strip_prefix(": ").expect("a colon after the dots");
        read_metric(summary, section, name, data);
    }
}

fn read_metric(summary: &mut Summary, section: &mut Section, name: &str, data: &str) {
    let cells: Vec<&str> = data.split_whitespace().collect();
    let name = match name.strip_prefix("{ ").and_then(|name| name.strip_suffix(" }")) {
        Some(labels) => {
            let parent = section.metrics.iter().rev().find(|metric| !metric.name.contains('{'));
            format!("{}{{{labels}}}", parent.expect("a parent above its sub-metric").name)
        }
        None => name.to_owned(),
    };
    let (name, contains, values) = match (name.as_str(), cells.as_slice()) {
        ("checks_total", [count, rate]) => {
            if summary.duration.is_zero() {
                let seconds = number(count) / number(rate.strip_suffix("/s").unwrap());
                // The run's duration was whole nanoseconds, so the rate's digits come back exactly.
                summary.duration = Duration::from_nanos((seconds * 1e9).round() as u64);
            }
            return;
        }
        ("checks_failed", _) => return,
        (_, [_, passes, "out", "of", all]) => {
            let name = if name == "checks_succeeded" { "checks".to_owned() } else { name };
            let (passes, all): (u64, u64) = (passes.parse().unwrap(), all.parse().unwrap());
            (name, Contains::Default, Values::Rate { passes, fails: all - passes })
        }
        (_, [value, min, max]) if min.starts_with("min=") => {
            let inner = |cell: &str| number(cell.split_once('=').unwrap().1);
            let values = Values::Gauge { value: number(value), min: inner(min), max: inner(max) };
            (name, Contains::Default, values)
        }
        (_, [count, unit, rate, rate_unit]) => {
            let rate = bytes(rate, rate_unit.strip_suffix("/s").unwrap());
            (name, Contains::Data, Values::Counter { count: bytes(count, unit), rate })
        }
        (_, [count, rate]) if rate.ends_with("/s") => {
            let rate = number(rate.strip_suffix("/s").unwrap());
            (name, Contains::Default, Values::Counter { count: number(count), rate })
        }
        (_, stats) => {
            let (contains, stats) = read_stats(stats);
            summary.trend_stats = stats.iter().map(|(stat, _)| stat.clone()).collect();
            (name, contains, Values::Trend { stats })
        }
    };
    section.metrics.push(Metric { name, contains, values, thresholds: Vec::new() });
}

fn read_stats(cells: &[&str]) -> (Contains, Vec<(TrendStat, f64)>) {
    let mut contains = Contains::Default;
    let mut stats = Vec::new();
    for cell in cells {
        let (stat, value) = cell.split_once('=').unwrap_or_else(|| panic!("a statistic, not {cell}"));
        let value = match read_time(value) {
            Some(ms) => {
                contains = Contains::Time;
                ms
            }
            None => number(value),
        };
        stats.push((TrendStat::parse(stat).unwrap(), value));
    }
    (contains, stats)
}

/// Milliseconds of `1h2m3s`, `1.76ms`, `780.03µs`, `500ns`; `None` if it is no time.
fn read_time(text: &str) -> Option<f64> {
    let mut rest = text.strip_suffix('s').filter(|rest| !rest.ends_with('/'))?;
    let (unit_ms, resolution) = match rest.chars().last()? {
        'm' => (1.0, 0.01),
        'µ' => (0.001, 0.01),
        'n' => (0.000_001, 1.0),
        _ => (1_000.0, 0.01),
    };
    rest = rest.trim_end_matches(['m', 'µ', 'n']);
    let mut minutes = 0.0;
    if let Some((hours, after)) = rest.split_once('h') {
        minutes += number(hours) * 60.0;
        rest = after;
    }
    if let Some((own, after)) = rest.split_once('m') {
        minutes += number(own);
        rest = after;
    }
    let shown = number(rest);
    if shown == 0.0 && minutes == 0.0 {
        return Some(0.0);
    }
    Some(minutes * 60_000.0 + (shown + 0.3 * resolution) * unit_ms)
}

fn bytes(text: &str, unit: &str) -> f64 {
    let power = ["B", "kB", "MB", "GB"].iter().position(|known| *known == unit);
    number(text) * 1_000_f64.powi(power.unwrap_or_else(|| panic!("{unit} is no unit of bytes")) as i32)
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}
