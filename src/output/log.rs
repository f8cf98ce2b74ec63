//! Log lines in k6's formats: text, coloured text, JSON, raw. What is logged is the caller's.

use crate::output::style::width;
use serde_json::{Map, Value};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }

    /// Four letters and their ANSI colour.
    fn badge(self) -> (&'static str, u8) {
        match self {
            Level::Debug => ("DEBU", 37),
            Level::Info => ("INFO", 36),
            Level::Warning => ("WARN", 33),
            Level::Error => ("ERRO", 31),
        }
    }
}

/// `--log-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
    Raw,
}

impl LogFormat {
    /// As in k6, any other text means text.
    pub fn parse(text: &str) -> LogFormat {
        match text {
            "json" => LogFormat::Json,
            "raw" => LogFormat::Raw,
            _ => LogFormat::Text,
        }
    }
}

/// A moment of the day, read by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallTime {
    pub unix_seconds: i64,
    /// Local time minus UTC.
    pub offset_seconds: i32,
}

pub struct Record<'a> {
    pub time: WallTime,
    /// Since the process started; shown instead of the time on a terminal.
    pub elapsed: Duration,
    pub level: Level,
    pub message: &'a str,
    pub fields: &'a [(&'a str, &'a str)],
}

/// One line with its newline. `colors` concerns text only.
pub fn render_line(record: &Record, format: LogFormat, colors: bool) -> String {
    match format {
        LogFormat::Raw => format!("{}\n", record.message),
        LogFormat::Json => json_line(record),
        LogFormat::Text if colors => terminal_line(record),
        LogFormat::Text => text_line(record),
    }
}

fn text_line(record: &Record) -> String {
    let mut line = format!(
        "time=\"{}\" level={} msg={}",
        record.time.rfc3339(),
        record.level.name(),
        quoted_if_needed(record.message)
    );
    for (key, value) in sorted_fields(record) {
        line += &format!(" {key}={}", quoted_if_needed(value));
    }
    line.push('\n');
    line
}

fn terminal_line(record: &Record) -> String {
    let (badge, color) = record.level.badge();
    let message = record.message.strip_suffix('\n').unwrap_or(record.message);
    let spaces = " ".repeat(44_usize.saturating_sub(width(message)));
    let mut line = format!("\x1b[{color}m{badge}\x1b[0m[{:04}] {message}{spaces} ", record.elapsed.as_secs());
    for (key, value) in sorted_fields(record) {
        line += &format!(" \x1b[{color}m{key}\x1b[0m={}", quoted_if_needed(value));
    }
    line.push('\n');
    line
}

fn json_line(record: &Record) -> String {
    let mut pairs: Vec<(String, &str)> = sorted_fields(record);
    let time = record.time.rfc3339();
    pairs.extend([
        ("level".to_owned(), record.level.name()),
        ("msg".to_owned(), record.message),
        ("time".to_owned(), &time),
    ]);
    pairs.sort();
    let object: Map<String, Value> = pairs.into_iter().map(|(key, value)| (key, value.into())).collect();
    // Go's encoder also escapes what HTML and JavaScript might stumble over.
    let mut line = String::new();
    for c in Value::from(object).to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => line += &format!("\\u{:04x}", c as u32),
            c => line.push(c),
        }
    }
    line.push('\n');
    line
}

/// By key; a field that would hide one of the line's own is renamed.
fn sorted_fields<'a>(record: &Record<'a>) -> Vec<(String, &'a str)> {
    let rename = |key: &str| match key {
        "time" | "level" | "msg" => format!("fields.{key}"),
        _ => key.to_owned(),
    };
    let mut fields: Vec<_> = record.fields.iter().map(|(key, value)| (rename(key), *value)).collect();
    fields.sort();
    fields
}

fn quoted_if_needed(value: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-._/@^+".contains(c);
    if value.chars().all(bare) { value.to_owned() } else { go_quoted(value) }
}

/// Go's `%q`.
fn go_quoted(value: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in value.chars() {
        match c {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            '\n' => quoted += "\\n",
            '\r' => quoted += "\\r",
            '\t' => quoted += "\\t",
            '\x07' => quoted += "\\a",
            '\x08' => quoted += "\\b",
            '\x0b' => quoted += "\\v",
            '\x0c' => quoted += "\\f",
            '\0'..'\x20' | '\x7f' => quoted += &format!("\\x{:02x}", c as u32),
            c if is_printable(c) => quoted.push(c),
            c if (c as u32) < 0x1_0000 => quoted += &format!("\\u{:04x}", c as u32),
            c => quoted += &format!("\\U{:08x}", c as u32),
        }
    }
    quoted.push('"');
    quoted
}

/// Letters, marks, numbers, punctuation, symbols and the space; unassigned code points count too,
/// where Go would escape them.
fn is_printable(c: char) -> bool {
    let format_or_private = matches!(c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    c == ' ' || !(c.is_control() || c.is_whitespace() || format_or_private)
}

impl WallTime {
    /// As Go's RFC3339Nano: with these nanoseconds of the second, without trailing zeros.
    pub fn rfc3339_nano(self, ns: u32) -> String {
        let text = self.rfc3339();
        if ns == 0 {
            return text;
        }
        let (second, zone) = text.split_at("2026-11-24T05:48:12".len());
        let fraction = format!("{ns:09}");
        format!("{second}.{}{zone}", fraction.trim_end_matches('0'))
    }

    /// `2026-11-24T05:48:12Z`, or with the offset of the local zone: `…+01:00`.
    pub fn rfc3339(self) -> String {
        let local = self.unix_seconds + i64::from(self.offset_seconds);
        let (year, month, day) = civil_date(local.div_euclid(86_400));
        let second = local.rem_euclid(86_400);
        let zone = match self.offset_seconds {
            0 => "Z".to_owned(),
            offset => {
                let minutes = offset.unsigned_abs() / 60;
                let sign = if offset < 0 { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        };
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}{zone}",
            second / 3_600,
            second / 60 % 60,
            second % 60
        )
    }
}

/// Year, month and day of the proleptic Gregorian calendar, from days since 1970-01-01.
fn civil_date(days: i64) -> (i64, i64, i64) {
    // Counted from 1 March of year 0, so that the leap day is a year's last; 400 years repeat.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: WallTime = WallTime { unix_seconds: 1_795_502_400, offset_seconds: 0 };

    #[track_caller]
    fn check(
        level: Level,
        message: &str,
        fields: &[(&str, &str)],
        format: LogFormat,
        colors: bool,
        want: &str,
    ) {
        let record = Record { time: TIME, elapsed: Duration::from_millis(3_999), level, message, fields };
        assert_eq!(render_line(&record, format, colors), want);
    }

    #[test]
    fn text_quotes_only_what_needs_it() {
        let text = |level, message, fields: &[(&str, &str)], want| {
            check(level, message, fields, LogFormat::Text, false, want);
        };
        text(
            Level::Info,
            "a log { a: 1, b: [ 1, 2 ] } 3 null undefined",
            &[("source", "console")],
            "time=\"2026-11-24T06:40:00Z\" level=info msg=\"a log { a: 1, b: [ 1, 2 ] } 3 null undefined\" source=console\n",
        );
        text(
            Level::Warning,
            "warn",
            &[("source", "console")],
            "time=\"2026-11-24T06:40:00Z\" level=warning msg=warn source=console\n",
        );
        text(Level::Debug, "", &[], "time=\"2026-11-24T06:40:00Z\" level=debug msg=\n");
    }

    #[test]
    fn fields_are_sorted_and_escaped_as_in_go() {
        check(
            Level::Error,
            "Error: boom\n\tat default (file:///tmp/t.js:1:34(3))\n",
            &[("source", "stacktrace"), ("hint", "script exception"), ("msg", "a\u{1}\u{a0}µ\"")],
            LogFormat::Text,
            false,
            "time=\"2026-11-24T06:40:00Z\" level=error msg=\"Error: boom\\n\\tat default (file:///tmp/t.js:1:34(3))\\n\" fields.msg=\"a\\x01\\u00a0µ\\\"\" hint=\"script exception\" source=stacktrace\n",
        );
    }

    #[test]
    fn a_terminal_gets_a_badge_the_seconds_and_coloured_keys() {
        check(
            Level::Info,
            "in teardown abc",
            &[("source", "console")],
            LogFormat::Text,
            true,
            "\x1b[36mINFO\x1b[0m[0003] in teardown abc                               \x1b[36msource\x1b[0m=console\n",
        );
        check(
            Level::Warning,
            "Insufficient VUs, reached 10 active VUs and cannot initialize more",
            &[("scenario", "open"), ("executor", "constant-arrival-rate")],
            LogFormat::Text,
            true,
            "\x1b[33mWARN\x1b[0m[0003] Insufficient VUs, reached 10 active VUs and cannot initialize more  \x1b[33mexecutor\x1b[0m=constant-arrival-rate \x1b[33mscenario\x1b[0m=open\n",
        );
    }

    #[test]
    fn json_has_its_keys_sorted_and_raw_has_none() {
        let fields = [("source", "console")];
        check(
            Level::Info,
            "[ 1, \"x\" ] <{}>",
            &fields,
            LogFormat::Json,
            true,
            "{\"level\":\"info\",\"msg\":\"[ 1, \\\"x\\\" ] \\u003c{}\\u003e\",\"source\":\"console\",\"time\":\"2026-11-24T06:40:00Z\"}\n",
        );
        check(Level::Info, "Error: e1", &fields, LogFormat::Raw, true, "Error: e1\n");
    }

    #[test]
    fn times_are_in_the_local_zone() {
        let at = |unix_seconds, offset_seconds| WallTime { unix_seconds, offset_seconds }.rfc3339();
        assert_eq!(at(0, 0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_399, 3_600), "2000-02-29T00:59:59+01:00");
        assert_eq!(at(1_709_164_800, -12_600), "2024-02-28T20:30:00-03:30");
    }
}
