//! Numbers as k6 prints them: JavaScript's number text, bytes, percentages, times, Go durations.
//!
//! Everything here is an f64 made readable. k6 cuts more often than it rounds; each function says
//! which of the two it does.

use crate::metrics::summary::Contains;
use crate::options::{TimeUnit, TrendStat};
use std::time::Duration;

/// A value of a metric that is not a rate, by what the metric contains.
pub fn value(value: f64, contains: Contains, unit: Option<TimeUnit>) -> String {
    match contains {
        Contains::Default => plain(value),
        Contains::Data => bytes(value),
        Contains::Time => time(value, unit),
    }
}

/// A statistic of a trend: a value of the metric's kind, but for `count`, which is a plain number.
pub fn trend_stat(stat: &TrendStat, number: f64, contains: Contains, unit: Option<TimeUnit>) -> String {
    match stat {
        TrendStat::Count => javascript(number),
        _ => value(number, contains, unit),
    }
}

/// `Number.prototype.toString`: the shortest text that reads back as the same double.
pub fn javascript(value: f64) -> String {
    ryu_js::Buffer::new().format(value).to_owned()
}

/// `Number.prototype.toFixed`: rounded, with all its decimals.
pub fn fixed(value: f64, decimals: u8) -> String {
    ryu_js::Buffer::new().format_to_fixed(value, decimals).to_owned()
}

/// A share of one, cut (not rounded) to two decimals: 0.99999 is `99.99%`.
pub fn percent(share: f64) -> String {
    // Two factors of 100, as k6 multiplies: one of 10,000 would cut other values differently.
    format!("{}%", fixed((share * 100.0 * 100.0).trunc() / 100.0, 2))
}

/// Rounded to six decimals, without trailing zeros.
pub fn plain(value: f64) -> String {
    without_zeros(value, 6)
}

/// Decimal units of 1,000; one decimal below 10 of a unit, none above.
pub fn bytes(value: f64) -> String {
    const UNITS: [&str; 9] = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    if value < 10.0 || !value.is_finite() {
        return format!("{} B", javascript(value));
    }
    let step = ((value.ln() / 1000_f64.ln()).floor() as usize).min(UNITS.len() - 1);
    let scaled = (value / 1000_f64.powi(step as i32) * 10.0 + 0.5).floor() / 10.0;
    format!("{} {}", fixed(scaled, if scaled < 10.0 { 1 } else { 0 }), UNITS[step])
}

/// Milliseconds in the given unit (two decimals, rounded), or in the unit that fits (cut).
pub fn time(ms: f64, unit: Option<TimeUnit>) -> String {
    match unit {
        Some(TimeUnit::Seconds) => fixed(ms * 0.001, 2) + "s",
        Some(TimeUnit::Milliseconds) => fixed(ms, 2) + "ms",
        Some(TimeUnit::Microseconds) => fixed(ms * 1000.0, 2) + "µs",
        None => time_auto(ms),
    }
}

fn time_auto(ms: f64) -> String {
    const MINUTE_MS: f64 = 60_000.0;
    if ms == 0.0 {
        return "0s".to_owned();
    }
    if ms < 0.001 {
        return javascript((ms * 1_000_000.0).trunc()) + "ns";
    }
    if ms < 1.0 {
        return cut(ms * 1000.0, 2) + "µs";
    }
    if ms < 1000.0 {
        return cut(ms, 2) + "ms";
    }
    // Exactly one minute still counts as short here, which only shows in `1m0s`.
    let seconds = cut((ms % MINUTE_MS) / 1000.0, if ms > MINUTE_MS { 0 } else { 2 });
    let minutes = (ms / MINUTE_MS).trunc();
    if minutes < 1.0 {
        return format!("{seconds}s");
    }
    let hours = (minutes / 60.0).trunc();
    let minutes = javascript(minutes % 60.0);
    if hours < 1.0 {
        return format!("{minutes}m{seconds}s");
    }
    format!("{}h{minutes}m{seconds}s", javascript(hours))
}

fn cut(value: f64, decimals: u8) -> String {
    let scale = 10_f64.powi(i32::from(decimals));
    without_zeros((scale * value).trunc() / scale, decimals)
}

fn without_zeros(value: f64, decimals: u8) -> String {
    let text = fixed(value, decimals);
    text.parse().map(javascript).unwrap_or(text)
}

/// Go's `time.Duration` text: `1m30s`, `1.5s`, `250ms`, `0s`.
pub fn go_duration(duration: Duration) -> String {
    let ns = duration.as_nanos();
    match ns {
        0 => "0s".to_owned(),
        1..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => fraction(ns, 1_000) + "µs",
        1_000_000..1_000_000_000 => fraction(ns, 1_000_000) + "ms",
        _ => {
            let minutes = ns / 60_000_000_000;
            let seconds = fraction(ns % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// `ns` in a unit of `unit_ns` (a power of ten), exact, without trailing zeros.
fn fraction(ns: u128, unit_ns: u128) -> String {
    let digits = unit_ns.ilog10() as usize;
    let text = format!("{}.{:0digits$}", ns / unit_ns, ns % unit_ns);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
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
    fn shares_are_cut_to_two_decimals() {
        check(
            percent,
            &[
                (0.0, "0.00%"),
                (0.99999, "99.99%"),
                (2.0 / 3.0, "66.66%"),
                (0.451, "45.10%"),
                (1.0, "100.00%"),
            ],
        );
    }

    #[test]
    fn bytes_have_one_decimal_below_ten_of_a_unit() {
        check(
            bytes,
            &[
                (0.0, "0 B"),
                (0.3, "0.3 B"),
                (9.0, "9 B"),
                (10.4, "10 B"),
                (142.0, "142 B"),
                (999.0, "999 B"),
                (1_011.0, "1.0 kB"),
                (1_911.0, "1.9 kB"),
                (9_999.6, "10 kB"),
                (85_226.557, "85 kB"),
                (12_345_678.0, "12 MB"),
                (3.1e6, "3.1 MB"),
                (7.2e27, "7200 YB"),
            ],
        );
    }

    #[test]
    fn a_time_takes_the_unit_that_fits_and_is_cut() {
        check(
            |ms| time(ms, None),
            &[
                (0.0, "0s"),
                (0.000_500, "500ns"),
                (0.000_999_9, "999ns"),
                (0.001, "1µs"),
                (0.780_039, "780.03µs"),
                (0.021, "21µs"),
                (1.7612, "1.76ms"),
                (12.5, "12.5ms"),
                (999.999, "999.99ms"),
                (1_000.0, "1s"),
                (1_239.9, "1.23s"),
                (60_000.0, "1m0s"),
                (61_234.5, "1m1s"),
                (3_723_004.5, "1h2m3s"),
                (90_000_000.0, "25h0m0s"),
            ],
        );
    }

    #[test]
    fn a_time_in_a_chosen_unit_is_rounded_to_two_decimals() {
        check(|ms| time(ms, Some(TimeUnit::Microseconds)), &[(1.283_966, "1283.97µs"), (6.441, "6441.00µs")]);
        check(|ms| time(ms, Some(TimeUnit::Milliseconds)), &[(1.286, "1.29ms"), (0.0, "0.00ms")]);
        check(|ms| time(ms, Some(TimeUnit::Seconds)), &[(1_234.0, "1.23s"), (61_000.0, "61.00s")]);
    }

    #[test]
    fn a_plain_number_has_six_decimals_at_most() {
        check(
            plain,
            &[
                (1.234_567_89, "1.234568"),
                (3_000.0, "3000"),
                (12.5, "12.5"),
                (1_459.924_88, "1459.92488"),
                (1e21, "1e+21"),
                (0.000_000_1, "0"),
            ],
        );
    }

    #[test]
    fn javascript_prints_the_shortest_digits() {
        check(
            javascript,
            &[
                (15.0, "15"),
                (26.599999999999994, "26.599999999999994"),
                (1e-7, "1e-7"),
                (0.00001, "0.00001"),
                (1e21, "1e+21"),
            ],
        );
    }

    #[test]
    fn durations_read_as_in_go() {
        check(
            |ns| go_duration(Duration::from_nanos(ns)),
            &[
                (0, "0s"),
                (1, "1ns"),
                (1_500, "1.5µs"),
                (250_000_000, "250ms"),
                (1_500_000_000, "1.5s"),
                (30_000_000_000, "30s"),
                (60_000_000_000, "1m0s"),
                (630_000_000_000, "10m30s"),
                (3_600_000_000_000, "1h0m0s"),
                (3_601_000_000_001, "1h0m1.000000001s"),
            ],
        );
    }
}
