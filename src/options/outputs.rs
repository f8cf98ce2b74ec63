//! `--out` and `--report`: where samples, series and reports go, beside the summary.

use super::duration;
use std::path::PathBuf;
use std::time::Duration;

/// One output that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputChoice {
    Timeline(TimelineOutput),
    /// `--report`: the file of the page.
    Report(PathBuf),
    /// Every sample, as k6 writes it: an object a line.
    Json(SampleFile),
    /// Every sample, as k6 writes it: a row each.
    Csv(CsvOutput),
    /// Thresholds and checks as test cases.
    Junit(PathBuf),
    /// Thresholds, checks and metrics for a person to read.
    Markdown(PathBuf),
}

/// `timeline=FILE` or `timeline=FILE?window=1s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineOutput {
    pub path: PathBuf,
    /// The time of a row.
    pub window_ns: u64,
}

/// Where samples are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleFile {
    Stdout,
    /// Compressed if its name ends in `.gz`.
    File(PathBuf),
}

/// `csv=FILE` or `csv=fileName=FILE,saveInterval=1s,timeFormat=unix`; of the variables `K6_CSV_*`
/// the same. What is not said is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvOutput {
    pub file: Option<SampleFile>,
    pub save_interval: Option<Duration>,
    pub time_format: Option<CsvTimeFormat>,
}

/// k6's forms of a time stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CsvTimeFormat {
    #[default]
    Unix,
    UnixMilli,
    UnixMicro,
    UnixNano,
    Rfc3339,
    Rfc3339Nano,
}

/// Outputs of k6 that ringload does not have.
const NOT_YET: [&str; 6] = [
    "cloud",
    "experimental-opentelemetry",
    "experimental-prometheus-rw",
    "influxdb",
    "opentelemetry",
    "web-dashboard",
];
const AVAILABLE: &str = "csv, json, junit, markdown, timeline";

/// Workers hand over so often: no row can be shorter.
const WINDOW_MIN_NS: u64 = 100_000_000;
const WINDOW_MAX_NS: u64 = 60_000_000_000;

impl OutputChoice {
    /// `TYPE=ARGUMENT` of `--out`.
    pub fn parse(text: &str) -> Result<OutputChoice, String> {
        let (kind, argument) = text.split_once('=').unwrap_or((text, ""));
        match kind {
            "timeline" => TimelineOutput::parse(argument).map(OutputChoice::Timeline),
            "json" => Ok(OutputChoice::Json(SampleFile::parse(argument))),
            "csv" => CsvOutput::parse(argument).map(OutputChoice::Csv).map_err(csv_refused),
            "junit" => report_file(kind, argument).map(OutputChoice::Junit),
            "markdown" => report_file(kind, argument).map(OutputChoice::Markdown),
            _ if NOT_YET.contains(&kind) => Err(format!(
                "output type '{kind}' is not supported yet, available types are: {AVAILABLE}; see docs/k6-compat.md"
            )),
            // k6's text.
            _ => Err(format!("invalid output type '{kind}', available types are: {AVAILABLE}")),
        }
    }

    /// For the header, in k6's words where it has the output.
    pub fn describe(&self) -> String {
        match self {
            OutputChoice::Timeline(timeline) => format!("timeline ({})", timeline.path.display()),
            OutputChoice::Report(path) => format!("report ({})", path.display()),
            OutputChoice::Json(SampleFile::Stdout) => "json(stdout)".to_owned(),
            OutputChoice::Json(SampleFile::File(path)) => format!("json ({})", path.display()),
            OutputChoice::Csv(csv) => match csv.file() {
                SampleFile::Stdout => "csv (stdout)".to_owned(),
                SampleFile::File(path) => format!("csv ({})", path.display()),
            },
            OutputChoice::Junit(path) => format!("junit ({})", path.display()),
            OutputChoice::Markdown(path) => format!("markdown ({})", path.display()),
        }
    }
}

fn report_file(kind: &str, argument: &str) -> Result<PathBuf, String> {
    match argument {
        "" | "-" => Err(format!(
            "could not create the '{kind}' output: it needs the name of a file\n  fix: -o {kind}=FILE"
        )),
        path => Ok(path.into()),
    }
}

fn csv_refused(why: String) -> String {
    format!("could not create the 'csv' output: {why}")
}

impl SampleFile {
    fn parse(text: &str) -> SampleFile {
        match text {
            "" | "-" => SampleFile::Stdout,
            path => SampleFile::File(path.into()),
        }
    }

    /// `None`: standard output.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            SampleFile::Stdout => None,
            SampleFile::File(path) => Some(path),
        }
    }
}

impl CsvOutput {
    fn parse(argument: &str) -> Result<CsvOutput, String> {
        let mut output = CsvOutput::default();
        if argument.is_empty() {
            return Ok(output);
        }
        if !argument.contains('=') {
            output.file = Some(SampleFile::parse(argument));
            return Ok(output);
        }
        for pair in argument.split(',') {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(format!("couldn't parse {pair:?} as argument for csv output"));
            };
            match key {
                "fileName" | "file_name" => output.file = Some(SampleFile::parse(value)),
                "saveInterval" | "save_interval" => output.save_interval = Some(parse_interval(value)?),
                "timeFormat" => output.time_format = Some(CsvTimeFormat::parse(value)?),
                _ => return Err(format!("unknown key {key:?} as argument for csv output")),
            }
        }
        Ok(output)
    }

    /// From `K6_CSV_FILENAME`.
    pub fn set_file(&mut self, text: &str) {
        self.file = Some(SampleFile::parse(text));
    }

    /// From `K6_CSV_SAVE_INTERVAL`.
    pub fn set_save_interval(&mut self, text: &str) -> Result<(), String> {
        self.save_interval = Some(parse_interval(text).map_err(csv_refused)?);
        Ok(())
    }

    /// From `K6_CSV_TIME_FORMAT`.
    pub fn set_time_format(&mut self, text: &str) -> Result<(), String> {
        self.time_format = Some(CsvTimeFormat::parse(text).map_err(csv_refused)?);
        Ok(())
    }

    /// This where it speaks, `lower` where it is silent.
    pub fn over(self, lower: &CsvOutput) -> CsvOutput {
        CsvOutput {
            file: self.file.or_else(|| lower.file.clone()),
            save_interval: self.save_interval.or(lower.save_interval),
            time_format: self.time_format.or(lower.time_format),
        }
    }

    pub fn file(&self) -> SampleFile {
        self.file.clone().unwrap_or_else(|| SampleFile::File("file.csv".into()))
    }

    pub fn save_interval(&self) -> Duration {
        self.save_interval.unwrap_or(Duration::from_secs(1))
    }

    pub fn time_format(&self) -> CsvTimeFormat {
        self.time_format.unwrap_or_default()
    }
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    match duration::parse_k6(text) {
        Ok(ns) if ns > 0 => Ok(duration::from_ns(ns)),
        Ok(_) => Err(format!("the save interval must be more than 0, but is {text:?}")),
        Err(why) => Err(format!("{text:?} is no save interval: {why}")),
    }
}

impl CsvTimeFormat {
    fn parse(text: &str) -> Result<CsvTimeFormat, String> {
        match text {
            "unix" => Ok(CsvTimeFormat::Unix),
            "unix_milli" => Ok(CsvTimeFormat::UnixMilli),
            "unix_micro" => Ok(CsvTimeFormat::UnixMicro),
            "unix_nano" => Ok(CsvTimeFormat::UnixNano),
            "rfc3339" => Ok(CsvTimeFormat::Rfc3339),
            "rfc3339_nano" => Ok(CsvTimeFormat::Rfc3339Nano),
            _ => Err(format!(
                "{text:?} is no time format\n  fix: unix, unix_milli, unix_micro, unix_nano, rfc3339 or rfc3339_nano"
            )),
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
        check_refused("influxdb=a", "output type 'influxdb' is not supported yet");
        check_refused("foo", "invalid output type 'foo', available types are: csv, json,");
        check_refused("junit", "could not create the 'junit' output: it needs the name of a file");
        check_refused("csv=fileName=a,b", "couldn't parse \"b\" as argument for csv output");
        check_refused("csv=colour=red", "unknown key \"colour\" as argument for csv output");
        check_refused("csv=timeFormat=iso", "is no time format");
        check_refused("csv=saveInterval=soon", "is no save interval");
    }

    #[track_caller]
    fn check_described(text: &str, want: &str) {
        assert_eq!(OutputChoice::parse(text).unwrap().describe(), want);
    }

    #[test]
    fn samples_go_to_a_file_or_to_standard_output_as_in_k6() {
        check_described("json", "json(stdout)");
        check_described("json=-", "json(stdout)");
        check_described("json=a=b.gz", "json (a=b.gz)");
        check_described("csv", "csv (file.csv)");
        check_described("csv=-", "csv (stdout)");
        check_described("csv=a.csv", "csv (a.csv)");
        check_described("csv=timeFormat=unix_nano,fileName=b.csv", "csv (b.csv)");
        check_described("junit=a.xml", "junit (a.xml)");
    }

    #[test]
    fn the_argument_of_csv_wins_over_its_variables() {
        let Ok(OutputChoice::Csv(csv)) = OutputChoice::parse("csv=saveInterval=5s") else { panic!("no csv") };
        let mut env = CsvOutput::default();
        env.set_file("e.csv");
        env.set_save_interval("2s").unwrap();
        env.set_time_format("rfc3339").unwrap();
        let got = csv.over(&env);
        assert_eq!(got.file(), SampleFile::File("e.csv".into()));
        assert_eq!(
            (got.save_interval(), got.time_format()),
            (Duration::from_secs(5), CsvTimeFormat::Rfc3339)
        );
    }
}
