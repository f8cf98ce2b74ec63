//! Rates, times and shares as a report of a search shows them.

use crate::output::{number, verdict};
use crate::search::Answer;
use crate::time::duration_ns;
use std::time::Duration;

/// What a rate counts: requests, or iterations that make more or fewer of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    requests_per_iteration: f64,
}

impl Unit {
    pub(super) fn of(answer: &Answer) -> Unit {
        Unit { requests_per_iteration: answer.requests_per_iteration }
    }

    /// An iteration is a request.
    pub(super) fn is_requests(self) -> bool {
        (self.requests_per_iteration - 1.0).abs() < 0.000_5
    }

    pub(super) fn name(self) -> &'static str {
        if self.is_requests() { "req/s" } else { "iterations/s" }
    }

    pub(super) fn requests(self, iterations: f64) -> f64 {
        iterations * self.requests_per_iteration
    }

    /// `41,900 req/s`, or `4,190 iterations/s = 12,570 req/s`.
    pub(super) fn rate(self, iterations: f64) -> String {
        let own = format!("{} {}", rate(iterations), self.name());
        match self.is_requests() {
            true => own,
            false => format!("{own} = {} req/s", rate(self.requests(iterations))),
        }
    }
}

/// Three digits or more, in groups: `5`, `1.25`, `41.9`, `5,000,000`.
pub(super) fn rate(value: f64) -> String {
    let decimals = match value.abs() {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let Some((whole, fraction)) = text.split_once('.') else { return grouped(&text) };
    match fraction.trim_end_matches('0') {
        "" => grouped(whole),
        fraction => format!("{}.{fraction}", grouped(whole)),
    }
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `41,200-42,500`
pub(super) fn range((from, to): (f64, f64)) -> String {
    format!("{}-{}", rate(from), rate(to))
}

/// In milliseconds, for a column of them: `0.84`, `9.2`, `1,200`. Zero is no measurement.
pub(super) fn in_ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    match ms {
        0.0 => "-".to_owned(),
        ..0.995 => format!("{ms:.2}"),
        ..99.95 => format!("{ms:.1}"),
        _ => grouped(&format!("{ms:.0}")),
    }
}

/// Three digits, in the unit that fits: `6.2ms`.
pub(super) fn time(time: Duration) -> String {
    verdict::time(duration_ns(time))
}

/// How long something of seconds and minutes took: `2.4s`, `3m12s`.
pub(super) fn span(time: Duration) -> String {
    let tenths = (time.as_secs_f64() * 10.0).round();
    match tenths {
        ..600.0 => format!("{}s", number::plain(tenths / 10.0)),
        _ => number::time(tenths * 100.0, None),
    }
}

/// A share of one that may be small: `0%`, `<0.01%`, `0.04%`, `1.9%`, `2%`, `45%`.
pub(super) fn share(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        ..=0.0 => "0%".to_owned(),
        ..0.005 => "<0.01%".to_owned(),
        ..0.095 => format!("{percent:.2}%"),
        ..9.95 => format!("{}%", format!("{percent:.1}").trim_end_matches(".0")),
        _ => format!("{percent:.0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: Copy>(format: impl Fn(T) -> String, table: &[(T, &str)]) {
        for &(value, want) in table {
            assert_eq!(format(value), want);
        }
    }

    #[test]
    fn a_rate_has_three_digits_or_more_in_groups() {
        check(
            rate,
            &[
                (0.0, "0"),
                (1.0, "1"),
                (1.254, "1.25"),
                (9.996, "10"),
                (41.96, "42"),
                (41.9, "41.9"),
                (99.96, "100"),
                (999.6, "1,000"),
                (41_873.0, "41,873"),
                (5_000_000.0, "5,000,000"),
            ],
        );
    }

    #[test]
    fn a_column_of_milliseconds_has_as_many_decimals_as_mean_something() {
        let us = |us| in_ms(Duration::from_micros(us));
        check(
            us,
            &[(0, "-"), (84, "0.08"), (996, "1.0"), (9_240, "9.2"), (310_400, "310"), (1_200_000, "1,200")],
        );
    }

    #[test]
    fn a_small_share_is_not_nothing() {
        check(
            share,
            &[
                (0.0, "0%"),
                (1e-6, "<0.01%"),
                (0.000_4, "0.04%"),
                (0.001, "0.1%"),
                (0.019, "1.9%"),
                (0.45, "45%"),
                (1.0, "100%"),
            ],
        );
    }

    #[test]
    fn a_span_is_told_in_tenths_of_seconds() {
        check(
            |ms| span(Duration::from_millis(ms)),
            &[(2_430, "2.4s"), (39_790, "39.8s"), (60_000, "1m0s"), (192_400, "3m12s")],
        );
    }
}
