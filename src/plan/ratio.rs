//! Exact fractions: where an execution segment begins and ends.
//!
//! Bounded: numerator and denominator stay below 10^18, so that products of two fit an `i128`.
//! What does not fit is refused in the words of an unreadable number, never rounded.

use std::cmp::Ordering;
use std::fmt;

const BOUND: i128 = 1_000_000_000_000_000_000;

/// `numerator / denominator`, reduced, with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    pub numerator: i128,
    pub denominator: i128,
}

impl Ratio {
    pub const ZERO: Ratio = Ratio { numerator: 0, denominator: 1 };
    pub const ONE: Ratio = Ratio { numerator: 1, denominator: 1 };

    fn new(numerator: i128, denominator: i128) -> Option<Ratio> {
        if denominator == 0 {
            return None;
        }
        let divisor =
            gcd(numerator.unsigned_abs(), denominator.unsigned_abs()) as i128 * denominator.signum();
        let ratio = Ratio { numerator: numerator / divisor, denominator: denominator / divisor };
        (ratio.numerator.abs() < BOUND && ratio.denominator < BOUND).then_some(ratio)
    }

    /// Reads `20%`, `0.2`, `2e-1` or `1/5`; the error is k6's text.
    pub fn parse(text: &str) -> Result<Ratio, String> {
        if let Some(percent) = text.strip_suffix('%') {
            return parse_integer(percent)
                .and_then(|percent| Ratio::new(percent, 100))
                .ok_or_else(|| format!("'{percent}%' is not a valid percentage"));
        }
        let ratio = match text.split_once('/') {
            Some((numerator, denominator)) if !denominator.starts_with(['+', '-']) => {
                parse_integer(numerator)
                    .zip(parse_integer(denominator))
                    .and_then(|(numerator, denominator)| Ratio::new(numerator, denominator))
            }
            Some(_) => None,
            None => parse_decimal(text),
        };
        ratio
            .ok_or_else(|| format!("'{text}' is not a valid percentage, decimal, fraction or interval value"))
    }

    /// `self - other`; `None` when the exact result is out of bounds.
    pub fn minus(self, other: Ratio) -> Option<Ratio> {
        Ratio::new(
            self.numerator * other.denominator - other.numerator * self.denominator,
            self.denominator * other.denominator,
        )
    }

    /// Two decimals, halves away from zero: how k6's messages show a fraction.
    pub fn two_decimals(self) -> String {
        let hundredths = (self.numerator.abs() * 200 + self.denominator) / (2 * self.denominator);
        let sign = if self.numerator < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Ratio) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Ratio) -> Ordering {
        (self.numerator * other.denominator).cmp(&(other.numerator * self.denominator))
    }
}

/// `1/3`, or `1` when the denominator is 1.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            _ => write!(f, "{}/{}", self.numerator, self.denominator),
        }
    }
}

pub fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn parse_integer(text: &str) -> Option<i128> {
    text.parse::<i128>().ok().filter(|integer| integer.abs() < BOUND)
}

/// `[+-]digits[.digits][e[+-]digits]`, with a digit on at least one side of the point.
fn parse_decimal(text: &str) -> Option<Ratio> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = sign * parse_integer(&all)?;
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10i128.checked_pow(shift.unsigned_abs()).filter(|&power| power <= BOUND)?;
    if shift < 0 { Ratio::new(value, power) } else { Ratio::new(value * power, 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<&str, &str>) {
        let got = Ratio::parse(text).map(|ratio| ratio.to_string());
        assert_eq!(got, want.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn percentages_decimals_and_fractions_are_exact() {
        check("20%", Ok("1/5"));
        check("0.2", Ok("1/5"));
        check("2e-1", Ok("1/5"));
        check(".5", Ok("1/2"));
        check("5.", Ok("5"));
        check("2/6", Ok("1/3"));
        check("-1/2", Ok("-1/2"));
        check("0", Ok("0"));
        check("0.333333333", Ok("333333333/1000000000"));
    }

    #[test]
    fn what_is_no_number_is_refused_in_k6s_words() {
        check("1.5%", Err("'1.5%' is not a valid percentage"));
        for text in ["", "x", "1/0", "1/-2", "1/x", "1.2.3", ".", "e1", "0.1234567890123456789", "1e99"] {
            check(
                text,
                Err(&format!("'{text}' is not a valid percentage, decimal, fraction or interval value")),
            );
        }
    }

    #[test]
    fn messages_show_two_decimals_with_halves_away_from_zero() {
        for (text, want) in
            [("1/3", "0.33"), ("2/3", "0.67"), ("0.125", "0.13"), ("-0.125", "-0.13"), ("1", "1.00")]
        {
            assert_eq!(Ratio::parse(text).unwrap().two_decimals(), want);
        }
    }
}
