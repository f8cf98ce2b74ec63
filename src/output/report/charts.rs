//! What is drawn: charts of lines, each line a value of every window.

use super::document::{Document, Spread, Window};
use super::page::visible;
use super::{POINTS_MAX, thinning};
use serde_json::{Value, json};

/// A line of a chart.
struct Line {
    name: String,
    values: Vec<Option<f64>>,
    /// Not drawn until it is asked for.
    hidden: bool,
}

/// A window that covers less of its time than this says nothing of a rate.
const COVERED_MIN: f64 = 0.25;

/// The data of the page's script. Times are numbers of windows, but for the marks (seconds).
pub fn data(document: &Document) -> Value {
    let charts = charts(document).into_iter().filter_map(|(title, unit, lines)| {
        let lines: Vec<Line> =
            lines.into_iter().filter(|line| line.values.iter().any(Option::is_some)).collect();
        let lines: Vec<Value> = lines.iter().map(line_value).collect();
        (!lines.is_empty()).then(|| json!({ "title": title, "unit": unit, "lines": lines }))
    });
    json!({
        "window_s": document.window_s,
        "windows": document.windows.len(),
        "charts": charts.collect::<Vec<_>>(),
        "marks": marks(document),
    })
}

fn charts(document: &Document) -> Vec<(&'static str, &'static str, Vec<Line>)> {
    let draw = Draw(document);
    let of = |name, value: fn(&Window) -> f64| draw.line(name, |window| Some(value(window)));
    let rate = |name, value: fn(&Window) -> u64| draw.rate(name, value);
    let spread = |name, value: fn(Spread) -> f64| draw.line(name, move |w| w.duration_ms.map(value));
    let due = |name, value: fn(Spread) -> f64| draw.line(name, move |w| w.from_due_ms.map(value));
    let mut iterations = vec![rate("started", |w| w.started), rate("completed", |w| w.completed)];
    iterations.extend(draw.rate_if_any("dropped", |w| w.dropped));
    iterations.extend(draw.rate_if_any("interrupted", |w| w.interrupted));
    if document.engine.is_open {
        iterations.insert(0, rate("offered", |w| w.offered));
    }
    let mut requests = vec![rate("answered", |w| w.answered)];
    requests.extend(draw.rate_if_any("failed", |w| w.failed));
    vec![
        ("Iterations", "/s", iterations),
        ("Requests", "/s", requests),
        ("Failed requests by class", "/s", draw.failures()),
        (
            "http_req_duration",
            "ms",
            vec![
                spread("p50", |s| s.p50),
                spread("p90", |s| s.p90).hidden(),
                spread("p95", |s| s.p95),
                spread("p99", |s| s.p99),
                spread("max", |s| s.max).hidden(),
            ],
        ),
        (
            "Response time from the scheduled start",
            "ms",
            vec![
                due("p50", |s| s.p50),
                due("p90", |s| s.p90).hidden(),
                due("p95", |s| s.p95),
                due("p99", |s| s.p99),
                due("max", |s| s.max).hidden(),
            ],
        ),
        (
            "VUs and requests in flight",
            "",
            vec![
                of("VUs at work", |w| w.vus as f64),
                of("VUs made", |w| w.vus_max as f64),
                of("requests in flight", |w| w.in_flight),
            ],
        ),
        ("Start lag", "ms", vec![of("p99", |w| w.lag_ms.p99), of("max", |w| w.lag_ms.max)]),
        (
            "Generator busy",
            "%",
            vec![of("mean of workers", |w| w.busy * 100.0), of("busiest worker", |w| w.busiest * 100.0)],
        ),
        ("Data", "B/s", vec![rate("received", |w| w.data_received), rate("sent", |w| w.data_sent)]),
    ]
}

struct Draw<'a>(&'a Document);

impl Draw<'_> {
    fn line(&self, name: &str, value: impl Fn(&Window) -> Option<f64>) -> Line {
        let values = self.0.windows.iter().map(|window| value(window).filter(|value| value.is_finite()));
        Line { name: name.chars().map(visible).collect(), values: values.collect(), hidden: false }
    }

    /// A count as a rate a second.
    fn rate(&self, name: &str, count: impl Fn(&Window) -> u64) -> Line {
        let covered_min_s = COVERED_MIN * self.0.window_s;
        self.line(name, |window| {
            (window.covered_s > covered_min_s).then(|| count(window) as f64 / window.covered_s)
        })
    }

    fn rate_if_any(&self, name: &str, count: impl Fn(&Window) -> u64) -> Option<Line> {
        self.0.windows.iter().any(|window| count(window) > 0).then(|| self.rate(name, count))
    }

    /// A line for each class that occurred.
    fn failures(&self) -> Vec<Line> {
        let mut classes: Vec<&String> = self.0.windows.iter().flat_map(|w| w.failed_by.keys()).collect();
        classes.sort();
        classes.dedup();
        let line = |class: &String| self.rate(class, |w| w.failed_by.get(class).copied().unwrap_or(0));
        classes.into_iter().map(line).collect()
    }
}

impl Line {
    fn hidden(self) -> Line {
        Line { hidden: true, ..self }
    }
}

fn line_value(line: &Line) -> Value {
    let kept = thinning::kept(&line.values, POINTS_MAX);
    let values: Vec<Value> = kept.iter().map(|&place| number(line.values[place])).collect();
    let mut value = json!({ "name": line.name, "y": values });
    // Without places the points are all windows.
    if kept.len() < line.values.len() {
        value["x"] = kept.into();
    }
    if line.hidden {
        value["hidden"] = true.into();
    }
    value
}

/// To four digits, or to the whole: what a screen can show. Whole numbers without a point.
fn number(value: Option<f64>) -> Value {
    let Some(value) = value else { return Value::Null };
    let decimals = (3.0 - value.abs().max(1e-9).log10().floor()).clamp(0.0, 6.0);
    let scale = 10_f64.powf(decimals);
    let rounded = (value * scale).round() / scale;
    match rounded == rounded.trunc() && rounded.abs() < 9e15 {
        true => (rounded as i64).into(),
        false => rounded.into(),
    }
}

/// Stretches of time that a reader should see, in seconds of the windows' clock.
fn marks(document: &Document) -> Vec<Value> {
    let mut marks = Vec::new();
    for threshold in &document.thresholds {
        let first = threshold.windows.as_ref().and_then(|windows| windows.first_failed.as_ref());
        if let Some(first) = first {
            let begun_s = document.run.scenarios_begun_s;
            let text = format!("{}: {} failed first here", threshold.metric, threshold.source);
            let text: String = text.chars().map(visible).collect();
            marks.push(json!({ "from": first.from_s - begun_s, "to": first.to_s - begun_s, "text": text }));
        }
    }
    for violation in &document.littles_law.violations {
        let text = "Little's law did not hold in this second";
        marks.push(json!({ "from": violation.from_s, "to": violation.from_s + 1.0, "text": text }));
    }
    marks
}
