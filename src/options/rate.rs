//! `--rate 50k`, `--rate 100:5000/s`: how often iterations start, whatever the target answers.

use super::duration;
use std::time::Duration;

/// A rate as asked for: so many starts each time unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub shape: RateShape,
    /// More than zero; one second unless given.
    pub time_unit: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateShape {
    Constant(u64),
    /// Linear over the whole duration.
    Ramp {
        from: u64,
        to: u64,
    },
}

impl Rate {
    /// `N[/unit]` or `A:B[/unit]`.
    pub fn parse(text: &str) -> Result<Rate, String> {
        let (numbers, time_unit) = match text.split_once('/') {
            Some((numbers, unit)) => (numbers, parse_unit(unit)?),
            None => (text, Duration::from_secs(1)),
        };
        let shape = match numbers.split_once(':') {
            Some((from, to)) => RateShape::Ramp { from: parse_count(from)?, to: parse_count(to)? },
            None => RateShape::Constant(parse_count(numbers)?),
        };
        Ok(Rate { shape, time_unit })
    }

    /// The highest number of starts in one time unit.
    pub fn peak(&self) -> u64 {
        match self.shape {
            RateShape::Constant(rate) => rate,
            RateShape::Ramp { from, to } => from.max(to),
        }
    }

    /// The highest number of starts in one second, rounded up.
    pub fn peak_per_second(&self) -> u64 {
        let per_second = (u128::from(self.peak()) * 1_000_000_000).div_ceil(self.time_unit.as_nanos());
        u64::try_from(per_second).unwrap_or(u64::MAX)
    }
}

/// `s`, `m`, `10s`: a unit of Go's durations, or a duration.
pub fn parse_unit(text: &str) -> Result<Duration, String> {
    let one = if text.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "1" };
    duration::parse_positive(&format!("{one}{text}"))
        .map_err(|_| format!("{text:?} is no time unit: write s, m, h, ms or a duration such as 10s"))
}

/// A whole number, or one in thousands (`1.5k`) or millions (`2M`) that comes out whole.
fn parse_count(text: &str) -> Result<u64, String> {
    let (digits, zeros) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 3),
        Some(b'M') => (&text[..text.len() - 1], 6),
        _ => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let only_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !only_digits(whole) || !only_digits(fraction) {
        return Err(format!("{text:?} is no number of starts: write 500, 50k, 1.5k or 2M"));
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > zeros {
        return Err(format!("{text:?} is not a whole number of starts: choose a longer unit, as in 3/2s"));
    }
    format!("{whole}{fraction:0<zeros$}").parse().map_err(|_| format!("{text:?} is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[track_caller]
    fn check(text: &str, shape: RateShape, time_unit: Duration) {
        assert_eq!(Rate::parse(text), Ok(Rate { shape, time_unit }), "{text:?}");
    }

    #[track_caller]
    fn check_refused(text: &str, want: &str) {
        let got = Rate::parse(text).unwrap_err();
        assert!(got.contains(want), "{text:?}: {got}");
    }

    #[test]
    fn rates_are_numbers_per_unit() {
        use RateShape::{Constant, Ramp};
        check("50000", Constant(50_000), S);
        check("50k", Constant(50_000), S);
        check("1.5k", Constant(1_500), S);
        check("2M/m", Constant(2_000_000), S * 60);
        check("3/2s", Constant(3), S * 2);
        check("10/ms", Constant(10), S / 1000);
        check("0", Constant(0), S);
        check("100:5k", Ramp { from: 100, to: 5_000 }, S);
        check("0:10/1m30s", Ramp { from: 0, to: 10 }, S * 90);
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", "k", "abc", "-5", "1e3", ".5k", "1:2:3", "10:", "1_000"] {
            check_refused(text, "is no number of starts");
        }
        check_refused("1.5", "is not a whole number of starts");
        check_refused("1.0005k", "is not a whole number of starts");
        check_refused("99999999999999999999", "is too large");
        for text in ["10/", "10/x", "10/0s", "10/-1s", "10/2d"] {
            check_refused(text, "is no time unit");
        }
    }

    #[test]
    fn the_peak_is_rounded_up_to_whole_starts_a_second() {
        for (text, want) in
            [("10", 10), ("10:50", 50), ("50:10", 50), ("1/m", 1), ("3/2s", 2), ("1/ms", 1000)]
        {
            assert_eq!(Rate::parse(text).unwrap().peak_per_second(), want, "{text}");
        }
    }
}
