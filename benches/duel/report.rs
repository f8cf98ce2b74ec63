//! Samples into tables. Pure.

use super::cells::Cell;
use super::contenders::{BASELINE, Contender};
use super::goals::Judged;
use super::samples::{CellRuns, Sample};
use super::spread::Spread;

/// One table for a cell against a server; empty if nothing ran there.
pub fn table(samples: &[Sample], server: &str, cell: &Cell) -> String {
    let runs = CellRuns::of(samples, server, cell.name);
    let base = BASELINE.name();
    let mut rows = vec![
        ["", "requests/s", "CPU µs/request", "server µs", "RSS MB", "CPU, wrk ÷ this", "rate, this ÷ wrk"]
            .map(str::to_owned),
    ];
    let mut notes = String::new();
    for contender in Contender::ALL.map(Contender::name) {
        let Some(rate) = runs.spread(contender, Sample::rate) else { continue };
        let text = |figure, decimals| {
            runs.spread(contender, figure).map_or_else(String::new, |spread| spread.text(decimals))
        };
        let median = |figure, decimals: usize| {
            let spread = runs.spread(contender, figure);
            spread.map_or_else(String::new, |spread| format!("{:.decimals$}", spread.median))
        };
        let against = |spread: Option<Spread>| match spread {
            Some(spread) if contender != base => spread.text(2),
            _ => String::new(),
        };
        rows.push([
            contender.to_owned(),
            rate.text(0),
            text(Sample::cpu_us, 2),
            median(Sample::server_cpu_us, 2),
            median(Sample::rss_max_mb, 1),
            against(runs.ratio(Sample::cpu_us, base, contender)),
            against(runs.ratio(Sample::rate, contender, base)),
        ]);
        let failed: u64 = runs.by(contender).map(|sample| sample.failed).sum();
        if failed > 0 {
            notes += &format!("  ! {contender}: {failed} requests failed\n");
        }
        let lags = runs.by(contender).filter_map(|sample| sample.start_lag_p99_us);
        if let Some(lag) = Spread::of(lags) {
            notes += &format!("  {contender}: 99th percentile of the start lag {} µs\n", lag.text(2));
        }
    }
    if rows.len() == 1 {
        return String::new();
    }
    format!("{server}: {}\n{}{notes}\n", cell.title, aligned(&rows))
}

pub fn goals(judged: &[Judged]) -> String {
    let line = |goal: &Judged| match &goal.verdict {
        Some(verdict) => {
            let word = if verdict.reached { "reached" } else { "MISSED " };
            format!("  {word}       {}: {}\n", goal.text, verdict.measured.text(2))
        }
        None => format!("  not measured  {}\n", goal.text),
    };
    format!("Goals (median [least–most] of the rounds)\n{}", judged.iter().map(line).collect::<String>())
}

/// Columns as wide as their widest cell; the first to the left, figures to the right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    });
    let mut text = String::new();
    for row in rows {
        let mut line = format!("  {:<width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            line += &format!("  {cell:>width$}");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}
