//! A comparison for a person.

use super::figures::Kind;
use super::{Comparison, Judged, Line, Side};
use crate::metrics::summary::Contains;
use crate::output::number;
use crate::output::style::{Look, Paint};
use std::fmt::Write;

/// Several lines: the files, a table for each metric, and what became of the conditions.
pub fn render_text(comparison: &Comparison, colors: bool) -> String {
    let paint = Paint { colors };
    let mut out = String::new();
    for (letter, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        let _ = writeln!(out, "{letter}  {}{}", shown(&side.name), duration(side));
    }
    let names = comparison.metrics();
    let tables: Vec<(&str, Vec<[String; 5]>)> =
        names.iter().map(|name| (*name, cells(&comparison.lines(name), comparison.kind(name)))).collect();
    let mut widths = [0, 1, 1, 3, 0];
    for row in tables.iter().flat_map(|(_, rows)| rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let _ = write!(out, "\n{}", line(&["", "A", "B", "B/A", ""].map(str::to_owned), &widths));
    for (name, rows) in tables {
        let _ = writeln!(out, "{}", paint.text(Look::Bold, &shown(name)));
        for row in rows {
            out += &line(&row, &widths);
        }
    }
    if !comparison.judged.is_empty() {
        out.push('\n');
    }
    for judged in &comparison.judged {
        out += &verdict(judged, comparison.kind(&judged.metric), paint);
    }
    out
}

/// Names come from files; a control character must not reach the terminal.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn duration(side: &Side) -> String {
    side.figures
        .duration_s
        .map_or(String::new(), |seconds| format!("  ({})", number::time(seconds * 1e3, None)))
}

fn cells(lines: &[Line], kind: Kind) -> Vec<[String; 5]> {
    let cell = |line: &Line, side: Option<f64>| side.map_or("-".to_owned(), |v| value(v, kind, &line.stat));
    let row = |line: &Line| {
        let ratio = line.ratio();
        [
            shown(&line.stat),
            cell(line, line.a),
            cell(line, line.b),
            ratio.map_or("-".to_owned(), times),
            ratio.map_or(String::new(), |ratio| format!("{:+.1} %", (ratio - 1.0) * 100.0)),
        ]
    };
    lines.iter().map(row).collect()
}

fn line(cells: &[String; 5], widths: &[usize; 5]) -> String {
    let [stat, a, b, ratio, change] = cells;
    let line = format!(
        "  {stat:<w0$}  {a:>w1$}  {b:>w2$}  {ratio:>w3$}  {change:>w4$}",
        w0 = widths[0],
        w1 = widths[1],
        w2 = widths[2],
        w3 = widths[3],
        w4 = widths[4]
    );
    line.trim_end().to_owned() + "\n"
}

fn verdict(judged: &Judged, kind: Kind, paint: Paint) -> String {
    let (mark, look) = if judged.fails { ("✗", Look::Red) } else { ("✓", Look::Green) };
    let stat = judged.source.rsplit_once(['<', '>']).map_or("", |(left, _)| left.trim());
    let stat = stat.strip_prefix(&judged.metric).unwrap_or(stat).trim_start_matches('.');
    let value = |number: f64| value(number, kind, stat);
    let from = judged.a.map_or(String::new(), |a| format!("{} -> ", value(a)));
    let source = shown(&judged.source);
    format!(
        "{} {source}  {from}{} (limit {})\n",
        paint.text(look, mark),
        value(judged.b),
        value(judged.bound)
    )
}

fn value(value: f64, kind: Kind, stat: &str) -> String {
    match (kind, stat) {
        (Kind::Share, "rate") => number::percent(value),
        (Kind::Time, "count") | (Kind::Share | Kind::Plain, _) => digits(value),
        (Kind::Time, _) => number::value(value, Contains::Time, None),
        (Kind::Bytes, _) => number::value(value, Contains::Data, None),
    }
}

/// Two decimals, or three digits of what is below 0.1.
fn times(ratio: f64) -> String {
    match ratio.abs() {
        small if small < 0.1 && small > 0.0 => digits(ratio) + "x",
        _ => number::fixed(ratio, 2) + "x",
    }
}

/// Whole numbers whole, all others to two decimals or three digits.
fn digits(value: f64) -> String {
    if value == value.trunc() || value.abs() >= 1e6 {
        return number::fixed(value, 0);
    }
    let small = (2.0 - value.abs().log10().floor()).clamp(2.0, 9.0);
    number::fixed(value, small as u8)
}
