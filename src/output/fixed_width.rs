//! Numbers whose text keeps its width while they change, for lines that are printed over each other.

use std::time::Duration;

/// Digits of `max`: the width of a count that goes up to it.
pub fn digits(max: u64) -> usize {
    max.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Zero-padded to the width of `max`.
pub fn count(value: u64, max: u64) -> String {
    format!("{value:0width$}", width = digits(max))
}

/// Two decimals, zero-padded to the width of `max`.
pub fn rate(value: f64, max: f64) -> String {
    format!("{value:0width$.2}", width = digits(max as u64) + 3)
}

/// Tenths of a second, with as many minutes, hours and days as `max` needs: `0m01.0s`.
pub fn duration(value: Duration, max: Duration) -> String {
    let tenths = tenths(value);
    let max = tenths.max(self::tenths(max));
    let (seconds, tenth) = (tenths / 10, tenths % 10);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let day_part = |max_days| format!("{days:0width$}d", width = digits(max_days));
    let short = format!("{}.{tenth}s", seconds % 60);
    let long = format!("{:02}.{tenth}s", seconds % 60);
    match max / 10 {
        0..10 => short,
        10..60 => long,
        60..600 => format!("{minutes}m{long}"),
        600..3_600 => format!("{minutes:02}m{long}"),
        3_600..36_000 => format!("{hours}h{:02}m{long}", minutes % 60),
        36_000..86_400 => format!("{hours:02}h{:02}m{long}", minutes % 60),
        max => format!("{}{:02}h{:02}m{long}", day_part(max / 86_400), hours % 24, minutes % 60),
    }
}

fn tenths(value: Duration) -> u64 {
    u64::try_from((value.as_nanos() + 50_000_000) / 100_000_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value_ms: u64, max_s: u64, want: &str) {
        assert_eq!(duration(Duration::from_millis(value_ms), Duration::from_secs(max_s)), want);
    }

    #[test]
    fn a_duration_is_as_wide_as_its_maximum_needs() {
        check(1_000, 9, "1.0s");
        check(1_049, 33, "01.0s");
        check(1_050, 33, "01.1s");
        check(1_000, 60, "0m01.0s");
        check(61_000, 631, "01m01.0s");
        check(1_000, 3_600, "0h00m01.0s");
        check(3_661_000, 50_000, "01h01m01.0s");
        check(90_061_000, 864_000, "01d01h01m01.0s");
    }

    #[test]
    fn a_duration_beyond_its_maximum_is_still_shown() {
        check(61_000, 9, "1m01.0s");
    }

    #[test]
    fn counts_and_rates_are_zero_padded() {
        assert_eq!(count(7, 10), "07");
        assert_eq!(count(0, 0), "0");
        assert_eq!(rate(5.456, 20.0), "05.46");
        assert_eq!(rate(100.0, 100.0), "100.00");
        assert_eq!(rate(0.5, 0.5), "0.50");
    }
}
