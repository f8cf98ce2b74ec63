//! The page: what is known in words as HTML, what is drawn as data, and the script that draws it.

use super::charts;
use super::document::{Check, Document, Threshold};
use serde_json::Value;
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Nothing may be loaded or sent, whatever the page may hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

pub fn render(document: &Document) -> String {
    let title = title(document);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n",
        escape(&title),
        escape(&title)
    );
    write_verdict(&mut out, document);
    write_totals(&mut out, document);
    write_thresholds(&mut out, &document.thresholds);
    write_charts(&mut out, document);
    write_checks(&mut out, &document.checks);
    write_about(&mut out, document);
    let data = embed(&charts::data(document));
    let _ = write!(
        out,
        "</main>\n<script type=\"application/json\" id=\"data\">{data}</script>\n<script>\n{SCRIPT}</script>\n\
         </body>\n</html>\n"
    );
    out
}

/// The last argument that is no flag: the URL or the script.
fn title(document: &Document) -> String {
    let args = &document.run.args;
    let is_url = |arg: &&String| arg.contains("://") && !arg.starts_with('-');
    let is_script = |arg: &&String| [".js", ".ts", ".tar"].iter().any(|end| arg.ends_with(end));
    let what = args.iter().rev().find(is_url).or_else(|| args.iter().rev().find(is_script));
    match what {
        Some(what) => format!("ringload: {what}"),
        None => "ringload".to_owned(),
    }
}

fn write_verdict(out: &mut String, document: &Document) {
    let Some(verdict) = &document.verdict else {
        *out += "<section class=\"verdict\"><p class=\"said\">No verdict is in this file.</p></section>\n";
        return;
    };
    let mood = if verdict.who == "nobody" { "good" } else { "bad" };
    let _ = write!(
        out,
        "<section class=\"verdict {mood}\">\n<p class=\"label\">Broke first</p>\n<p class=\"said\">{}</p>\n\
         <p class=\"quiet\">Confidence {}</p>\n",
        escape(&verdict.text),
        escape(&verdict.confidence)
    );
    let facts = verdict.facts.iter().map(|fact| (fact.about.as_str(), fact.text.clone()));
    write_list(out, facts);
    for doubt in &document.doubts {
        let _ = writeln!(out, "<p class=\"doubt\">{}</p>", escape(doubt));
    }
    *out += "</section>\n";
}

fn write_totals(out: &mut String, document: &Document) {
    let sum = |count: fn(&super::document::Window) -> u64| document.windows.iter().map(count).sum::<u64>();
    let (answered, failed) = (sum(|w| w.answered), sum(|w| w.failed));
    let seconds: f64 = document.windows.iter().map(|window| window.covered_s).sum();
    let rate = if seconds > 0.0 { answered as f64 / seconds } else { 0.0 };
    let share = if answered > 0 { failed as f64 / answered as f64 * 100.0 } else { 0.0 };
    let mut totals = vec![
        ("requests", grouped(answered)),
        ("requests/s", grouped(rate.round() as u64)),
        ("failed", format!("{} ({share:.2} %)", grouped(failed))),
        ("iterations", grouped(sum(|w| w.completed))),
    ];
    if sum(|w| w.dropped) > 0 {
        totals.push(("dropped", grouped(sum(|w| w.dropped))));
    }
    *out += "<section class=\"totals\">\n";
    for (name, value) in totals {
        let _ = writeln!(out, "<div><b>{value}</b><span>{name}</span></div>");
    }
    *out += "</section>\n";
}

fn write_thresholds(out: &mut String, thresholds: &[Threshold]) {
    if thresholds.is_empty() {
        return;
    }
    *out += "<section>\n<h2>Thresholds</h2>\n<div class=\"wide\"><table>\n";
    for threshold in thresholds {
        let (mark, mood) = mark(threshold.ok);
        let windows = threshold.windows.as_ref().map_or(String::new(), |windows| {
            format!("{} of {} windows failed", windows.failed, windows.judged)
        });
        let _ = writeln!(
            out,
            "<tr><td class=\"{mood}\">{mark}</td><td>{}</td><td><code>{}</code></td><td>{windows}</td></tr>",
            escape(&threshold.metric),
            escape(&threshold.source)
        );
    }
    *out += "</table></div>\n</section>\n";
}

/// Filled by the script.
fn write_charts(out: &mut String, document: &Document) {
    *out += "<section>\n<h2>Over time</h2>\n";
    if document.windows.is_empty() {
        *out += "<p>No time passed in this run: there is nothing to draw.</p>\n</section>\n";
        return;
    }
    *out += "<noscript><p>The charts are drawn by a script, and scripts are off.</p></noscript>\n\
             <p class=\"quiet\">Drag across a chart to zoom all of them. A line's button shows or hides it. \
             <button id=\"whole\" hidden>Show the whole run</button></p>\n<div id=\"charts\"></div>\n";
    let _ = writeln!(
        out,
        "<p class=\"quiet\">A point is {} s; of long runs each stretch shows its lowest and its highest.</p>\n\
         </section>",
        document.window_s
    );
}

fn write_checks(out: &mut String, checks: &[Check]) {
    if checks.is_empty() {
        return;
    }
    *out += "<section>\n<h2>Checks</h2>\n<div class=\"wide\"><table>\n\
             <tr><th></th><th>check</th><th>group</th><th>passed</th><th>failed</th></tr>\n";
    for check in checks {
        let (mark, mood) = mark(check.fails == 0);
        let _ = writeln!(
            out,
            "<tr><td class=\"{mood}\">{mark}</td><td>{}</td><td>{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td></tr>",
            escape(&check.name),
            escape(check.group.trim_start_matches("::")),
            grouped(check.passes),
            grouped(check.fails)
        );
    }
    *out += "</table></div>\n</section>\n";
}

fn write_about(out: &mut String, document: &Document) {
    let Document { run, engine, machine, .. } = document;
    *out += "<section>\n<h2>The run</h2>\n";
    let mut about = vec![
        ("command", format!("ringload {}", run.args.join(" "))),
        ("begun", run.begun_at.clone()),
        ("duration", format!("{} s, {}", run.duration_s, run.ended)),
    ];
    let scenarios = document.scenarios.iter();
    about.extend(scenarios.map(|scenario| ("scenario", format!("{}: {}", scenario.name, scenario.in_words))));
    let workers = if engine.workers == 1 { "worker" } else { "workers" };
    about.push((
        "engine",
        format!("{}, {} {workers}, {}", engine.transport, engine.workers, engine.congestion_control),
    ));
    about.push(("machine", format!("{}, {} CPUs, Linux {}", machine.cpu, machine.cpus, machine.kernel)));
    about.push(("ringload", run.ringload.clone()));
    write_list(out, about.into_iter());
    *out += "</section>\n";
}

fn write_list<'a>(out: &mut String, entries: impl Iterator<Item = (&'a str, String)>) {
    *out += "<dl>\n";
    for (name, text) in entries {
        let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(&text));
    }
    *out += "</dl>\n";
}

fn mark(ok: bool) -> (&'static str, &'static str) {
    if ok { ("✓", "good") } else { ("✗", "bad") }
}

/// `1 234 567`, with spaces that do not break.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// Text for an element or a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().map(visible) {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

/// Characters that turn the direction of what follows, or are no text at all, are shown as such.
pub fn visible(c: char) -> char {
    match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() && !matches!(c, '\n' | '\t') => '\u{fffd}',
        c => c,
    }
}

/// JSON for a script element: without `<` nothing can end it or begin a comment in it.
pub fn embed(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
