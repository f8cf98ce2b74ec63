//! Log lines of scripts on their way to the control thread: bounded, and what did not fit counted.

/// k6's levels of `console` and of warnings about requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Debug,
    Info,
    Warning,
    Error,
}

/// One line with its fields, in k6's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub level: LogLevel,
    pub message: String,
    pub fields: Vec<(String, String)>,
}

/// Lines between two windows of a worker.
const LINES_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub struct LogQueue {
    lines: Vec<LogLine>,
    dropped: u64,
}

impl LogQueue {
    pub fn push(&mut self, line: LogLine) {
        if self.lines.len() < LINES_MAX {
            self.lines.push(line);
        } else {
            self.dropped += 1;
        }
    }

    /// All lines so far, and how many did not fit since the last time.
    pub fn take(&mut self) -> (Vec<LogLine>, u64) {
        (std::mem::take(&mut self.lines), std::mem::take(&mut self.dropped))
    }
}
