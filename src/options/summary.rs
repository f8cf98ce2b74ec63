//! How the end-of-test summary is shown: its form and the unit of its times.

/// `--summary-mode`: the form of the text summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SummaryMode {
    /// Totals only, without the parts of a request's time.
    #[default]
    Compact,
    /// Totals with every metric, then groups and scenarios.
    Full,
    /// Nothing is printed.
    Disabled,
    /// One list, rates as `45.10% 1353 out of 3000` (k6 0.54 to 1.7).
    Legacy,
    /// One list, rates as `45.10% ✓ 1353 ✗ 1647` (k6 up to 0.53).
    LegacyMarks,
}

impl SummaryMode {
    /// Parses the flag's value; empty means the default. k6's error text (exit status 255 there).
    pub fn parse(text: &str) -> Result<SummaryMode, String> {
        match text {
            "" | "compact" => Ok(SummaryMode::Compact),
            "full" => Ok(SummaryMode::Full),
            "disabled" => Ok(SummaryMode::Disabled),
            "legacy" => Ok(SummaryMode::Legacy),
            "legacy-marks" => Ok(SummaryMode::LegacyMarks),
            _ => Err("invalid summary mode".to_owned()),
        }
    }
}

/// `--summary-time-unit`: one unit for all times. Without it each time gets the unit that fits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    Seconds,
    Milliseconds,
    Microseconds,
}

impl TimeUnit {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            TimeUnit::Seconds => "s",
            TimeUnit::Milliseconds => "ms",
            TimeUnit::Microseconds => "us",
        }
    }

    /// Parses the flag's value. k6's error text (exit status 255 there); in a script's options k6
    /// accepts any text and falls back to automatic units, so a caller there drops the error.
    pub fn parse(text: &str) -> Result<TimeUnit, String> {
        match text {
            "s" => Ok(TimeUnit::Seconds),
            "ms" => Ok(TimeUnit::Milliseconds),
            "us" => Ok(TimeUnit::Microseconds),
            _ => Err(format!("invalid summary time unit '{text}', use 's', 'ms' or 'us'")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_named_as_on_the_command_line_of_k6() {
        for (text, mode) in [
            ("", SummaryMode::Compact),
            ("compact", SummaryMode::Compact),
            ("full", SummaryMode::Full),
            ("disabled", SummaryMode::Disabled),
            ("legacy", SummaryMode::Legacy),
            ("legacy-marks", SummaryMode::LegacyMarks),
        ] {
            assert_eq!(SummaryMode::parse(text), Ok(mode), "{text}");
        }
        assert_eq!(SummaryMode::parse("Full"), Err("invalid summary mode".to_owned()));
    }

    #[test]
    fn a_time_unit_is_s_ms_or_us() {
        assert_eq!(TimeUnit::parse("s"), Ok(TimeUnit::Seconds));
        assert_eq!(TimeUnit::parse("ms"), Ok(TimeUnit::Milliseconds));
        assert_eq!(TimeUnit::parse("us"), Ok(TimeUnit::Microseconds));
        assert_eq!(
            TimeUnit::parse("ns"),
            Err("invalid summary time unit 'ns', use 's', 'ms' or 'us'".to_owned())
        );
    }
}
