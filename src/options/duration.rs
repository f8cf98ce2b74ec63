//! Durations as users write them: Go's syntax, and k6's additions to it.
//!
//! Signed whole nanoseconds here, because `-d -5s` must parse before it can be refused by name;
//! validated options hold `std::time::Duration`.

use std::time::Duration;

const NS_PER_MS: i64 = 1_000_000;
const NS_PER_DAY: i64 = 24 * 3_600 * 1_000_000_000;

/// Go's syntax (`1m30s`, `500ms`, `1.5h`), as flags take it. A bare number has no unit: an error.
pub fn parse_go(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = rest.split_at(digits(rest));
        let (fraction, after) = match after.strip_prefix('.') {
            Some(tail) => tail.split_at(digits(tail)),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let unit = &after[..after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len())];
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {text:?}"));
        }
        let unit_ns =
            unit_ns(unit).ok_or_else(|| format!("time: unknown unit {unit:?} in duration {text:?}"))?;
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        total = whole
            .checked_mul(unit_ns)
            .and_then(|ns| ns.checked_add(fraction_ns(fraction, unit_ns)))
            .and_then(|ns| total.checked_add(ns))
            .filter(|&total| total <= i64::MAX as u64)
            .ok_or_else(invalid)?;
        rest = &after[unit.len()..];
    }
    Ok(if negative { -(total as i64) } else { total as i64 })
}

/// k6's wider syntax of variables, config files and scripts: a bare number is milliseconds, and
/// whole days may come first (`2d`, `1d12h`).
pub fn parse_k6(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    if number {
        let ns = text.parse::<f64>().map_err(|_| invalid())? * NS_PER_MS as f64;
        return if ns.abs() < i64::MAX as f64 { Ok(ns as i64) } else { Err(invalid()) };
    }
    let Some((days, rest)) = text.split_once('d') else { return parse_go(text) };
    let days_ns =
        days.parse::<i64>().ok().and_then(|days| days.checked_mul(NS_PER_DAY)).ok_or_else(invalid)?;
    let rest_ns = if rest.is_empty() { 0 } else { parse_go(rest).map_err(|_| invalid())? };
    if rest_ns < 0 {
        return Err(invalid());
    }
    let rest_ns = if days.starts_with('-') { -rest_ns } else { rest_ns };
    days_ns.checked_add(rest_ns).ok_or_else(invalid)
}

/// A duration of more than zero, in Go's syntax.
pub fn parse_positive(text: &str) -> Result<Duration, String> {
    match parse_go(text)? {
        ns if ns > 0 => Ok(from_ns(ns)),
        _ => Err(format!("the duration must be more than 0, but is {text}")),
    }
}

/// `Duration` of validated nanoseconds.
pub fn from_ns(ns: i64) -> Duration {
    Duration::from_nanos(ns.max(0) as u64)
}

/// Go's text of a duration: `0s`, `500ms`, `1.5s`, `1m0s`, `10m30s`, `1h0m0s`.
pub fn format(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    let text = match ns {
        0 => "0s".to_owned(),
        1..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => decimal(ns, 1_000, "µs"),
        1_000_000..1_000_000_000 => decimal(ns, 1_000_000, "ms"),
        _ => {
            let seconds = decimal(ns % 60_000_000_000, 1_000_000_000, "s");
            match (ns / 3_600_000_000_000, ns / 60_000_000_000 % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    };
    format!("{sign}{text}")
}

fn decimal(ns: u64, unit_ns: u64, unit: &str) -> String {
    let width = unit_ns.ilog10() as usize;
    let fraction = format!("{:0width$}", ns % unit_ns);
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{}{dot}{fraction}{unit}", ns / unit_ns)
}

/// In floating point and cut off, as in Go, so that the same text is the same nanosecond.
fn fraction_ns(digits: &str, unit_ns: u64) -> u64 {
    let (mut number, mut scale) = (0i64, 1.0);
    for digit in digits.bytes().map(|byte| i64::from(byte - b'0')) {
        match number.checked_mul(10).and_then(|number| number.checked_add(digit)) {
            Some(longer) => (number, scale) = (longer, scale * 10.0),
            None => break,
        }
    }
    (number as f64 * (unit_ns as f64 / scale)) as u64
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn unit_ns(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        // U+00B5 (micro sign) and U+03BC (Greek mu).
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    #[track_caller]
    fn check(parse: fn(&str) -> Result<i64, String>, text: &str, want: Result<i64, &str>) {
        assert_eq!(parse(text), want.map_err(str::to_owned), "{text:?}");
    }

    #[test]
    fn flags_take_go_durations_only() {
        check(parse_go, "0", Ok(0));
        check(parse_go, "-0", Ok(0));
        check(parse_go, "30s", Ok(30 * S));
        check(parse_go, "1m30s", Ok(90 * S));
        check(parse_go, "1.5h", Ok(5_400 * S));
        check(parse_go, ".5s", Ok(S / 2));
        check(parse_go, "1.s", Ok(S));
        check(parse_go, "-5s", Ok(-5 * S));
        check(parse_go, "3us2ns", Ok(3_002));
        check(parse_go, "1µs", Ok(1_000));
        check(parse_go, "0.1ms", Ok(100_000));
        check(parse_go, "1.9999999999s", Ok(1_999_999_999));
        check(parse_go, "0.33333333333333333333h", Ok(1_200 * S));
        check(parse_go, "2562047h47m16.854775807s", Ok(i64::MAX));
        check(parse_go, "30", Err("time: missing unit in duration \"30\""));
        check(parse_go, "1s30", Err("time: missing unit in duration \"1s30\""));
        check(parse_go, "2d", Err("time: unknown unit \"d\" in duration \"2d\""));
        check(parse_go, "abc", Err("time: invalid duration \"abc\""));
        check(parse_go, "", Err("time: invalid duration \"\""));
        check(parse_go, "-", Err("time: invalid duration \"-\""));
        check(parse_go, ".s", Err("time: invalid duration \".s\""));
        check(parse_go, "9999999h", Err("time: invalid duration \"9999999h\""));
    }

    #[test]
    fn variables_also_take_milliseconds_and_days() {
        check(parse_k6, "1500", Ok(1_500_000_000));
        check(parse_k6, "0.5", Ok(500_000));
        check(parse_k6, "1e3", Ok(S));
        check(parse_k6, "10s", Ok(10 * S));
        check(parse_k6, "2d", Ok(172_800 * S));
        check(parse_k6, "1d12h", Ok(129_600 * S));
        check(parse_k6, "-1d1h", Ok(-90_000 * S));
        check(parse_k6, "1.5d", Err("time: invalid duration \"1.5d\""));
        check(parse_k6, "1d-1h", Err("time: invalid duration \"1d-1h\""));
        check(parse_k6, "d", Err("time: invalid duration \"d\""));
        check(parse_k6, "1.2.3", Err("time: invalid duration \"1.2.3\""));
        check(parse_k6, "1e99", Err("time: invalid duration \"1e99\""));
        check(parse_k6, "9999999d", Err("time: invalid duration \"9999999d\""));
    }

    #[test]
    fn text_is_gos() {
        for (ns, want) in [
            (0, "0s"),
            (5, "5ns"),
            (1_500, "1.5µs"),
            (500_000_000, "500ms"),
            (1_500_000_000, "1.5s"),
            (60 * S, "1m0s"),
            (630 * S, "10m30s"),
            (3_600 * S, "1h0m0s"),
            (-5 * S, "-5s"),
            (i64::MAX, "2562047h47m16.854775807s"),
        ] {
            assert_eq!(format(ns), want);
        }
    }
}
