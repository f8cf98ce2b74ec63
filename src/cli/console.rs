//! Standard output and standard error: who is a terminal, who wants colours, how a line is logged.

use crate::output::log::{Level, LogFormat, Record, WallTime, render_line};
use crate::output::style::erase_line_ends;
use crate::sys::{clock, terminal};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

pub struct Console {
    pub out: Stream,
    pub err: Stream,
    /// Wall time at the start, for the seconds on coloured log lines.
    started: Duration,
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
        }
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

    /// A line on standard error, in k6's form.
    pub fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let wall = clock::wall();
        let time =
            WallTime { unix_seconds: wall.as_secs() as i64, offset_seconds: terminal::utc_offset_seconds() };
        let record = Record { time, elapsed: wall.saturating_sub(self.started), level, message, fields };
        let line = render_line(&record, LogFormat::Text, self.err.colors);
        let line = if self.err.is_terminal { erase_line_ends(&line) } else { line };
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }

    pub fn error(&self, message: &str) {
        self.log(Level::Error, message, &[]);
    }

    pub fn warn(&self, message: &str) {
        self.log(Level::Warning, message, &[]);
    }
}
