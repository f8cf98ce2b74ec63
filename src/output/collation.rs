//! The order of metric names: Unicode collation (root locale) as far as names and labels need it.
//!
//! Punctuation, then digits, then letters whatever their case; a lower-case letter goes first only
//! between names that are otherwise equal. Letters outside ASCII are ordered by their lower-case
//! code points, which is not the full collation table.

use std::cmp::Ordering;

/// By the part before `{`, then by the labels.
pub fn compare_metrics(a: &str, b: &str) -> Ordering {
    let (a_name, a_labels) = split_labels(a);
    let (b_name, b_labels) = split_labels(b);
    compare(a_name, b_name).then_with(|| compare(a_labels.unwrap_or(""), b_labels.unwrap_or("")))
}

/// `metric{labels}` into `metric` and `{labels}`.
pub fn split_labels(name: &str) -> (&str, Option<&str>) {
    match name.find('{') {
        Some(at) => (&name[..at], Some(&name[at..])),
        None => (name, None),
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    a.chars()
        .map(primary)
        .cmp(b.chars().map(primary))
        .then_with(|| a.chars().map(char::is_uppercase).cmp(b.chars().map(char::is_uppercase)))
}

fn primary(c: char) -> (u8, u32) {
    const PUNCTUATION: &str = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";
    if let Some(at) = PUNCTUATION.find(c) {
        return (0, at as u32);
    }
    let lower = c.to_lowercase().next().unwrap_or(c);
    (if c.is_numeric() { 1 } else { 2 }, lower as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(want: &[&str]) {
        let mut got = want.to_vec();
        got.reverse();
        got.sort_by(|a, b| compare_metrics(a, b));
        assert_eq!(got, want);
    }

    #[test]
    fn case_counts_only_between_equals() {
        check(&["a_gauge", "my_trend", "My_trend", "Zeta"]);
    }

    #[test]
    fn an_underscore_goes_before_digits_and_digits_before_letters() {
        check(&["a_b", "a1", "ab"]);
    }

    #[test]
    fn sub_metrics_follow_their_parent() {
        check(&[
            "http_req_duration",
            "http_req_duration{expected_response:true}",
            "http_req_duration{group:::front}",
            "http_req_duration{status:500}",
            "http_req_failed",
            "http_reqs",
        ]);
    }
}
