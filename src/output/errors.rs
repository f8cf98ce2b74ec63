//! What went wrong, as a table after k6's block and as JSON.

use crate::metrics::ErrorKind;
use crate::output::style::{Look, Paint, padding};
use serde_json::{Value, json};

/// Kinds shown; the JSON has all.
const SHOWN_MAX: usize = 10;
const URL_MAX: usize = 60;

/// Nothing if nothing went wrong. `requests`: of the whole run.
pub fn render(errors: &[ErrorKind], requests: u64, colors: bool) -> String {
    if errors.is_empty() {
        return String::new();
    }
    let paint = Paint { colors };
    let rows: Vec<[String; 5]> = errors.iter().take(SHOWN_MAX).map(|kind| cells(kind, requests)).collect();
    let widths: [usize; 5] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let mut text = format!("    {}\n", paint.text(Look::Bold, "ERRORS"));
    for [what, count, share, when, sample] in &rows {
        let right = |cell: &str, width: usize| " ".repeat(width - cell.chars().count()) + cell;
        text += &format!(
            "    {what}{}  {}  {}  {when}{}  {}\n",
            padding(what, widths[0]),
            paint.text(Look::Red, &right(count, widths[1])),
            right(share, widths[2]),
            padding(when, widths[3]),
            paint.text(Look::FaintWhite, sample),
        );
    }
    if errors.len() > SHOWN_MAX {
        let rest: u64 = errors[SHOWN_MAX..].iter().map(|kind| kind.requests).sum();
        text += &format!("    {} more kinds, {rest} requests\n", errors.len() - SHOWN_MAX);
    }
    text + "\n"
}

fn cells(kind: &ErrorKind, requests: u64) -> [String; 5] {
    let mut sample = format!("{} {}", kind.method, kind.url);
    if sample.chars().count() > URL_MAX {
        sample = sample.chars().take(URL_MAX - 1).chain(['…']).collect();
    }
    [
        what(kind),
        kind.requests.to_string(),
        format!("{:.2}%", share(kind, requests) * 100.0),
        format!("{:.1}s to {:.1}s", kind.first_ns as f64 / 1e9, kind.last_ns as f64 / 1e9),
        sample.trim().to_owned(),
    ]
}

fn what(kind: &ErrorKind) -> String {
    match (kind.status, kind.text.as_str(), kind.code) {
        (0, text, 0) => text.to_owned(),
        (0, text, code) => format!("{text} ({code})"),
        (status, "", _) => format!("status {status}"),
        (status, text, _) => format!("status {status}: {text}"),
    }
}

fn share(kind: &ErrorKind, requests: u64) -> f64 {
    kind.requests as f64 / requests.max(1) as f64
}

pub fn to_json(errors: &[ErrorKind], requests: u64) -> Value {
    let kind = |kind: &ErrorKind| {
        json!({
            "status": kind.status,
            "error_code": kind.code,
            "error": kind.text,
            "count": kind.requests,
            "share": (share(kind, requests) * 1e6).round() / 1e6,
            "first_s": kind.first_ns as f64 / 1e9,
            "last_s": kind.last_ns as f64 / 1e9,
            "sample": { "method": kind.method, "url": kind.url },
        })
    };
    errors.iter().map(kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, code: u16, text: &str, requests: u64) -> ErrorKind {
        ErrorKind {
            status,
            code,
            text: text.into(),
            requests,
            first_ns: 1_200_000_000,
            last_ns: 23_400_000_000,
            method: "GET".into(),
            url: "http://t/".into(),
        }
    }

    #[test]
    fn a_table_has_a_line_for_each_kind() {
        let errors = [kind(502, 1502, "", 4_961), kind(0, 1212, "dial: connection refused", 39)];
        let want = "    ERRORS\n    \
                    status 502                       4961  49.61%  1.2s to 23.4s  GET http://t/\n    \
                    dial: connection refused (1212)    39   0.39%  1.2s to 23.4s  GET http://t/\n\n";
        assert_eq!(render(&errors, 10_000, false), want);
    }

    #[test]
    fn no_error_no_table_and_of_many_the_first_ten() {
        assert_eq!(render(&[], 10, false), "");
        let errors: Vec<ErrorKind> = (400..415).map(|status| kind(status, 0, "", 2)).collect();
        assert!(render(&errors, 100, false).ends_with("    5 more kinds, 10 requests\n\n"));
    }
}
