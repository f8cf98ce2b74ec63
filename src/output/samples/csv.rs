//! k6's CSV: a column for each system tag that is on by default, the other tags in one.

use crate::metrics::TagSet;
use std::fmt::Write;

pub struct Csv;

const TAGS: [&str; 14] = [
    "check",
    "error",
    "error_code",
    "expected_response",
    "group",
    "method",
    "name",
    "proto",
    "scenario",
    "service",
    "status",
    "subproto",
    "tls_version",
    "url",
];

impl Csv {
    pub fn header(&self) -> String {
        format!("metric_name,timestamp,metric_value,{},extra_tags,metadata\n", TAGS.join(","))
    }

    /// What follows the value, with the end of the line.
    pub fn tags(&self, tags: &TagSet) -> String {
        let mut text = String::new();
        for name in TAGS {
            text.push(',');
            text.push_str(&field(tags.get(name).map_or("", String::as_str)));
        }
        let extra = tags.iter().filter(|(name, _)| !TAGS.contains(&name.as_str()));
        let extra: Vec<String> = extra.map(|(name, value)| format!("{name}={value}")).collect();
        text + "," + &field(&extra.join("&")) + ",\n"
    }

    pub fn row(&self, out: &mut String, metric: &str, time: &str, value: f64, tags: &str) {
        out.push_str(metric);
        out.push(',');
        out.push_str(time);
        out.push(',');
        let _ = write!(out, "{value:.6}");
        out.push_str(tags);
    }
}

/// Quoted where Go's writer does.
fn field(text: &str) -> String {
    let needs_quotes =
        text == "\\." || text.contains([',', '"', '\n', '\r']) || text.starts_with(char::is_whitespace);
    match needs_quotes {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}
