//! `--out` and `--report`: where samples and series go, beside the summary.

use super::duration;
use std::path::PathBuf;

/// One output that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputChoice {
    Timeline(TimelineOutput),
    /// `--report`: the file of the page.
    Report(PathBuf),
}

/// `timeline=FILE` or `timeline=FILE?window=1s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineOutput {
    pub path: PathBuf,
    /// The time of a row.
    pub window_ns: u64,
}

/// Outputs of k6 that ringload does not have.
const NOT_YET: [&str; 8] = [
    "cloud",
    "csv",
    "experimental-opentelemetry",
    "experimental-prometheus-rw",
    "influxdb",
    "json",
    "opentelemetry",
    "web-dashboard",
];

/// Workers hand over so often: no row can be shorter.
const WINDOW_MIN_NS: u64 = 100_000_000;
const WINDOW_MAX_NS: u64 = 60_000_000_000;

impl OutputChoice {
    /// `TYPE=ARGUMENT` of `--out`.
    pub fn parse(text: &str) -> Result<OutputChoice, String> {
        let (kind, argument) = text.split_once('=').unwrap_or((text, ""));
        match kind {
            "timeline" => TimelineOutput::parse(argument).map(OutputChoice::Timeline),
            _ if NOT_YET.contains(&kind) => Err(format!(
                "output type '{kind}' is not supported yet, available types are: timeline; see docs/k6-compat.md"
            )),
            // k6's text.
            _ => Err(format!("invalid output type '{kind}', available types are: timeline")),
        }
    }

    /// For the header.
    pub fn describe(&self) -> String {
        match self {
            OutputChoice::Timeline(timeline) => format!("timeline ({})", timeline.path.display()),
            OutputChoice::Report(path) => format!("report ({})", path.display()),
        }
    }
}

impl TimelineOutput {
    fn parse(argument: &str) -> Result<TimelineOutput, String> {
        let wrong = |why: String| {
            Err(format!(
                "could not create the 'timeline' output: {why}\n  fix: -o timeline=FILE or -o timeline=FILE?window=1s"
            ))
        };
        let (path, window) = match argument.rsplit_once("?window=") {
            Some((path, window)) => (path, Some(window)),
            None => (argument, None),
        };
        if path.is_empty() || path == "-" {
            return wrong("it needs the name of a file".to_owned());
        }
        let window_ns = match window.map(|text| (text, duration::parse_go(text))) {
            None => WINDOW_MIN_NS,
            Some((_, Ok(ns))) if ns > 0 => ns as u64,
            Some((text, _)) => return wrong(format!("{text:?} is no duration")),
        };
        let is_whole = window_ns.is_multiple_of(WINDOW_MIN_NS);
        if !is_whole || !(WINDOW_MIN_NS..=WINDOW_MAX_NS).contains(&window_ns) {
            return wrong("the window must be a multiple of 100ms, up to 1m".to_owned());
        }
        Ok(TimelineOutput { path: path.into(), window_ns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, path: &str, window_ms: u64) {
        let want = TimelineOutput { path: path.into(), window_ns: window_ms * 1_000_000 };
        assert_eq!(OutputChoice::parse(text), Ok(OutputChoice::Timeline(want)));
    }

    #[track_caller]
    fn check_refused(text: &str, why: &str) {
        let got = OutputChoice::parse(text).unwrap_err();
        assert!(got.contains(why), "{text}: {got}");
    }

    #[test]
    fn a_timeline_has_a_file_and_may_have_a_window() {
        check("timeline=a.json", "a.json", 100);
        check("timeline=dir/a=b?.json?window=1s", "dir/a=b?.json", 1_000);
        check("timeline=a.json?window=200ms", "a.json", 200);
    }

    #[test]
    fn what_is_wrong_is_said() {
        check_refused("timeline", "needs the name of a file");
        check_refused("timeline=-", "needs the name of a file");
        check_refused("timeline=a?window=1", "no duration");
        check_refused("timeline=a?window=150ms", "multiple of 100ms");
        check_refused("timeline=a?window=2m", "up to 1m");
        check_refused("json=a.json", "output type 'json' is not supported yet");
        check_refused("foo", "invalid output type 'foo', available types are: timeline");
    }
}
