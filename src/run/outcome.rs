//! What a run leaves behind.

use super::conductor::Searched;
use crate::diagnosis::Diagnosis;
use crate::metrics::{ErrorKind, Timeline, Totals};
use crate::script::log::LogLine;
use crate::worker::LaneReport;
use std::time::Duration;

/// How bytes moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    Uring,
    Epoll,
}

impl TransportKind {
    pub fn name(self) -> &'static str {
        match self {
            TransportKind::Uring => "io_uring",
            TransportKind::Epoll => "epoll",
        }
    }
}

/// The engine as it was set up: for the banner, our own summary lines, and JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    pub transport: TransportKind,
    /// Set-up flags in force, or why it is not io_uring.
    pub because: String,
    pub congestion_control: String,
    /// CPU of each worker, `None` where it is not pinned.
    pub workers: Vec<Option<usize>>,
    /// Starts are given by a schedule (arrival rates).
    pub is_open: bool,
}

/// Why the run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All scenarios came to their end.
    Finished,
    /// k6's name of the signal: `interrupt` or `terminated`.
    Signal(&'static str),
    /// A threshold with abortOnFail was crossed; the message.
    Thresholds(String),
    /// `exec.test.abort()`, or a VU that could not be made; the message.
    Aborted(String),
    SetupTimeout(Duration),
    TeardownTimeout(Duration),
    /// `setup()` or `teardown()` threw; the line to be logged as the last one.
    Threw(LogLine),
}

/// What one worker spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerUsage {
    pub wall: Duration,
    /// CPU time of its thread, and the part of it that only spun.
    pub cpu: Duration,
    pub spun: Duration,
}

impl WorkerUsage {
    /// Share of the wall time in which it had work to do.
    pub fn busy(&self) -> f64 {
        let working = self.cpu.saturating_sub(self.spun).as_secs_f64();
        if self.wall.is_zero() { 0.0 } else { (working / self.wall.as_secs_f64()).min(1.0) }
    }
}

pub struct Outcome {
    pub totals: Totals,
    /// Of the scenarios; without rows unless the job keeps it.
    pub timeline: Timeline,
    /// Kinds of failed requests, the most frequent first.
    pub errors: Vec<ErrorKind>,
    /// From the beginning of the test to the end of its last iteration.
    pub duration: Duration,
    /// When in the test the scenarios' clock began.
    pub scenarios_begun: Duration,
    pub ended: Ended,
    pub engine: Engine,
    pub usage: Vec<WorkerUsage>,
    /// Scenarios came to their turn: `setup` did not keep them from it.
    pub scenarios_began: bool,
    /// How each scenario stood at its end, over all workers.
    pub scenarios: Vec<LaneReport>,
    /// VUs made in all.
    pub vus_initialized: u64,
    /// CPU time of the control thread.
    pub control_cpu: Duration,
    /// Requests cut off without an outcome when their iteration was interrupted.
    pub interrupted_requests: u64,
    /// How often a worker's ring had no room for what the kernel had to say.
    pub overflows: u64,
    /// Workers that ended by a panic, with its message. Their last 100 ms are not counted.
    pub panics: Vec<String>,
    /// Workers that had not ended when the user asked a second time.
    pub abandoned: u32,
    /// Who broke first; `None` if the scenarios did not come to their turn.
    pub diagnosis: Option<Diagnosis>,
    /// What a search came to, if the run was one.
    pub searched: Option<Searched>,
}
