//! `--log-output`: where log lines go.

use std::path::PathBuf;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogOutput {
    #[default]
    Stderr,
    Stdout,
    Nowhere,
    /// Appended to.
    File {
        path: PathBuf,
        /// Lines below it are left out.
        level: LogThreshold,
    },
}

/// The least of the levels that are wanted; k6's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogThreshold {
    #[default]
    Debug,
    Info,
    Warning,
    Error,
    /// Above all that is ever logged.
    Fatal,
}

impl LogThreshold {
    fn parse(text: &str) -> Result<LogThreshold, String> {
        match text.to_ascii_lowercase().as_str() {
            "trace" | "debug" => Ok(LogThreshold::Debug),
            "info" => Ok(LogThreshold::Info),
            "warn" | "warning" => Ok(LogThreshold::Warning),
            "error" => Ok(LogThreshold::Error),
            "fatal" | "panic" => Ok(LogThreshold::Fatal),
            _ => Err(format!("unknown log level {text}")),
        }
    }
}

impl LogOutput {
    /// `stderr`, `stdout`, `none` or `file=PATH[,level=LEVEL]`; the error is a whole message.
    pub fn parse(text: &str) -> Result<LogOutput, String> {
        match text {
            "stderr" => Ok(LogOutput::Stderr),
            "stdout" => Ok(LogOutput::Stdout),
            "none" => Ok(LogOutput::Nowhere),
            _ if text == "file" || text.starts_with("file=") => parse_file(text),
            _ if text == "loki" || text.starts_with("loki=") => {
                Err("log output 'loki' is not supported yet, use file=PATH; see docs/k6-compat.md".to_owned())
            }
            // k6's text.
            _ => Err(format!("unsupported log output '{text}'")),
        }
    }
}

fn parse_file(text: &str) -> Result<LogOutput, String> {
    let (mut path, mut level) = (PathBuf::new(), LogThreshold::default());
    for pair in text.split(',') {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("file", value) => path = value.into(),
            ("level", value) => level = LogThreshold::parse(value)?,
            (key, _) => return Err(format!("unknown logfile config key {key}")),
        }
    }
    if path.as_os_str().is_empty() {
        return Err("filepath must not be empty".to_owned());
    }
    Ok(LogOutput::File { path, level })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<LogOutput, &str>) {
        assert_eq!(LogOutput::parse(text), want.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn streams_have_names_and_a_file_may_have_a_level() {
        check("stderr", Ok(LogOutput::Stderr));
        check("stdout", Ok(LogOutput::Stdout));
        check("none", Ok(LogOutput::Nowhere));
        let file = |level| LogOutput::File { path: "a.log".into(), level };
        check("file=a.log", Ok(file(LogThreshold::Debug)));
        check("file=a.log,level=Warn", Ok(file(LogThreshold::Warning)));
        check("file=a.log,level=panic", Ok(file(LogThreshold::Fatal)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        check("files", Err("unsupported log output 'files'"));
        check("", Err("unsupported log output ''"));
        check("file", Err("filepath must not be empty"));
        check("file=a,level=loud", Err("unknown log level loud"));
        check("file=a,size=1", Err("unknown logfile config key size"));
        assert!(LogOutput::parse("loki=http://a").unwrap_err().contains("not supported yet"));
    }
}
