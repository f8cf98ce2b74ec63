//! Standard output and standard error: who is a terminal, who wants colours; and how and where a
//! line is logged.

use crate::options::{LogOutput, LogThreshold};
use crate::output::log::{Level, LogFormat, Record, WallTime, render_line};
use crate::output::style::erase_line_ends;
use crate::sys::{clock, terminal};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

pub struct Console {
    pub out: Stream,
    pub err: Stream,
    /// Wall time at the start, for the seconds on coloured log lines.
    started: Duration,
    format: LogFormat,
    journal: Journal,
    /// `--console-output`, once the script is loaded.
    script_journal: OnceLock<File>,
}

/// Where log lines go.
enum Journal {
    Err,
    Out,
    Nowhere,
    File(File, LogThreshold),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    pub is_terminal: bool,
    pub colors: bool,
}

impl Console {
    /// `no_color` is the flag; `NO_COLOR` counts when present, `K6_NO_COLOR` when not empty, and
    /// `TERM=dumb` makes a terminal no terminal (k6's rules).
    pub fn new(no_color: bool, env: &BTreeMap<String, String>) -> Console {
        let plain = no_color
            || env.contains_key("NO_COLOR")
            || env.get("K6_NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env.get("TERM").is_some_and(|term| term == "dumb");
        let stream = |is_terminal: bool| {
            let is_terminal = is_terminal && !dumb;
            Stream { is_terminal, colors: is_terminal && !plain }
        };
        Console {
            out: stream(terminal::is_terminal(&io::stdout())),
            err: stream(terminal::is_terminal(&io::stderr())),
            started: clock::wall(),
            // Until the flags are known; they win.
            format: LogFormat::parse(env.get("K6_LOG_FORMAT").map_or("", String::as_str)),
            journal: Journal::Err,
            script_journal: OnceLock::new(),
        }
    }

    /// With `--log-format` and `--log-output`. A file is appended to; why it cannot be opened is
    /// the error.
    pub fn logging(self, format: LogFormat, output: &LogOutput) -> Result<Console, String> {
        let journal = match output {
            LogOutput::Stderr => Journal::Err,
            LogOutput::Stdout => Journal::Out,
            LogOutput::Nowhere => Journal::Nowhere,
            LogOutput::File { path, level } => Journal::File(append_to(path, "--log-output")?, *level),
        };
        Ok(Console { format, journal, ..self })
    }

    /// From now on what a script's console logs is appended to this file, and goes nowhere else.
    pub fn keep_scripts_lines(&self, path: &Path) -> Result<(), String> {
        let file = append_to(path, "--console-output")?;
        let _ = self.script_journal.set(file);
        Ok(())
    }

    /// To standard output. A reader that went away (`| head`) is no reason to stop measuring.
    pub fn print(&self, text: &str) {
        let text = if self.out.is_terminal { erase_line_ends(text) } else { text.to_owned() };
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// To standard output, as it is: for text that moves the cursor itself.
    pub fn print_raw(&self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// A script's own bytes for standard output and standard error.
    pub fn write_out(&self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }

    pub fn write_err(&self, bytes: &[u8]) {
        let _ = io::stderr().lock().write_all(bytes);
    }

    /// A line in k6's form, where log lines are wanted.
    pub fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let wall = clock::wall();
        let time =
            WallTime { unix_seconds: wall.as_secs() as i64, offset_seconds: terminal::utc_offset_seconds() };
        let record = Record { time, elapsed: wall.saturating_sub(self.started), level, message, fields };
        if let Some(mut file) = self.script_journal.get().filter(|_| fields == FROM_CONSOLE) {
            // As in k6: the file's lines do not say where they come from.
            let _ =
                file.write_all(render_line(&Record { fields: &[], ..record }, self.format, false).as_bytes());
            return;
        }
        let shown = |stream: Stream| {
            let line = render_line(&record, self.format, stream.colors);
            if stream.is_terminal { erase_line_ends(&line) } else { line }
        };
        // A line that cannot be written is no reason to stop measuring.
        let _ = match &self.journal {
            Journal::Err => io::stderr().lock().write_all(shown(self.err).as_bytes()),
            Journal::Out => {
                let mut out = io::stdout().lock();
                out.write_all(shown(self.out).as_bytes()).and_then(|()| out.flush())
            }
            Journal::Nowhere => Ok(()),
            Journal::File(file, least) => {
                let mut file = file;
                match threshold(level) >= *least {
                    true => file.write_all(render_line(&record, self.format, false).as_bytes()),
                    false => Ok(()),
                }
            }
        };
    }

    pub fn error(&self, message: &str) {
        self.log(Level::Error, message, &[]);
    }

    pub fn warn(&self, message: &str) {
        self.log(Level::Warning, message, &[]);
    }
}

/// The fields of a line that a script's console logs.
const FROM_CONSOLE: &[(&str, &str)] = &[("source", "console")];

fn threshold(level: Level) -> LogThreshold {
    match level {
        Level::Debug => LogThreshold::Debug,
        Level::Info => LogThreshold::Info,
        Level::Warning => LogThreshold::Warning,
        Level::Error => LogThreshold::Error,
    }
}

fn append_to(path: &Path, flag: &str) -> Result<File, String> {
    OpenOptions::new().append(true).create(true).open(path).map_err(|error| {
        format!(
            "cannot write the log to {}: {error}\n  set by: {flag}\n  fix: name a file in a directory that \
             exists and is writable",
            path.display()
        )
    })
}
