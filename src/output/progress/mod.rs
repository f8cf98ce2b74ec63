//! The progress of a run: a line for the whole, then a line for each scenario.
//!
//! A state goes in, a block of text comes out: one form for a terminal, where a block overwrites
//! the one before it, and one for everything else. When to print is the caller's.

mod bar;
mod columns;

use crate::options::Scenario;
use crate::output::fixed_width;
use crate::output::style::{Look, Paint};
use bar::{Bar, Form};
use std::time::Duration;

/// All that a block shows.
pub struct ProgressState<'a> {
    pub overall: Overall<'a>,
    /// Only scenarios that have work here, as sorted by `header::in_order`.
    pub scenarios: Vec<ScenarioProgress<'a>>,
}

/// The first line.
pub enum Overall<'a> {
    /// Before scenarios start: `Init [  70% ] 07/10 VUs initialized`.
    Preparing { label: &'a str, share: f64, text: &'a str },
    /// `running (0m01.0s), 10/10 VUs, 42 complete and 0 interrupted iterations`.
    Running(Counts),
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub paused: bool,
    /// Since the test's start; `None` before.
    pub elapsed: Option<Duration>,
    /// Of the execution plan: sets the width of `elapsed`.
    pub max_duration: Duration,
    pub vus_active: u64,
    pub vus_initialized: u64,
    /// The most VUs that the plan allows: sets the width of both.
    pub vus_max: u64,
    pub iterations_complete: u64,
    pub iterations_interrupted: u64,
}

pub struct ScenarioProgress<'a> {
    pub scenario: &'a Scenario,
    /// This instance's share of the test: scales the rate's width, as in the header.
    pub segment_share: f64,
    pub status: Status,
    pub live: Live,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The test has not started; nothing but an empty bar is shown.
    Pending,
    /// The test runs, the scenario starts in `left`.
    Waiting {
        left: Duration,
    },
    Running,
    /// After the regular end, within the graceful stop.
    Stopping,
    Interrupted,
    Done,
}

/// What a scenario did so far. The caller freezes it when the scenario ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Live {
    /// Since the scenario's start.
    pub elapsed: Duration,
    /// Ramping VUs: looping now. Arrival rates: running an iteration.
    pub vus_busy: u64,
    /// Arrival rates: VUs that may be given an iteration.
    pub vus_allocated: u64,
    /// Shared and per-VU iterations: ended, in whatever way.
    pub iterations_done: u64,
    /// Arrival rates: starts a second now, as planned.
    pub rate: f64,
}

impl Status {
    fn mark(self) -> (&'static str, Option<Look>) {
        match self {
            Status::Pending | Status::Running => (" ", None),
            Status::Waiting { .. } => ("•", Some(Look::Faint)),
            Status::Stopping => ("↓", None),
            Status::Interrupted => ("✗", Some(Look::Red)),
            Status::Done => ("✓", Some(Look::Green)),
        }
    }
}

/// For pipes and files: bars are percentages, lines are never taken back.
pub fn render_block(state: &ProgressState) -> String {
    let block = Block::new(state);
    let lines = block.lines(Form::Percent, Paint { colors: false });
    format!("\n{}\n", lines.join("\n"))
}

/// For a terminal. Unless this is the run's last block, the cursor ends where the block began, so
/// that the next output overwrites it.
pub fn render_terminal_block(state: &ProgressState, columns: usize, colors: bool, last: bool) -> String {
    const CLEAR: &str = "\x1b[K\n";
    let block = Block::new(state);
    let plain = Paint { colors: false };
    let widths = |lines: Vec<String>| lines.into_iter().map(|line| line.chars().count());
    // One column stays free: a full row would already wrap on some terminals.
    let longest = widths(bar::lines(&block.bars, Form::Cells(bar::WIDTH_MAX), plain)).max().unwrap_or(0);
    let form = Form::fitting(bar::WIDTH_MAX.saturating_sub((longest + 1).saturating_sub(columns)));
    let mut text = CLEAR.to_owned();
    for line in block.lines(form, Paint { colors }) {
        text += &line;
        text += CLEAR;
    }
    if !last {
        let rows = |width: usize| 1 + width.saturating_sub(1) / columns.max(1);
        let rows: usize = widths(block.lines(form, plain)).map(rows).sum();
        text += &format!("\r\x1b[J\x1b[{}A", 1 + rows);
    }
    text
}

/// The lines of a block before they are aligned.
struct Block {
    sentence: Option<String>,
    bars: Vec<Bar>,
}

impl Block {
    fn new(state: &ProgressState) -> Block {
        let mut block = Block { sentence: None, bars: Vec::new() };
        match &state.overall {
            Overall::Running(counts) => block.sentence = Some(sentence(counts)),
            Overall::Preparing { label, share, text } => block.bars.push(Bar {
                label: (*label).to_owned(),
                status: Status::Running,
                share: *share,
                columns: vec![(*text).to_owned()],
            }),
        }
        block.bars.extend(state.scenarios.iter().map(columns::bar));
        block
    }

    fn lines(&self, form: Form, paint: Paint) -> Vec<String> {
        let bars = bar::lines(&self.bars, form, paint);
        self.sentence.iter().cloned().chain(bars).collect()
    }
}

fn sentence(counts: &Counts) -> String {
    let vus = |value| fixed_width::count(value, counts.vus_max);
    let time = match counts.elapsed {
        Some(elapsed) => format!(" ({})", fixed_width::duration(elapsed, counts.max_duration)),
        None => String::new(),
    };
    format!(
        "{}{time}, {}/{} VUs, {} complete and {} interrupted iterations",
        if counts.paused { "paused" } else { "running" },
        vus(counts.vus_active),
        vus(counts.vus_initialized),
        counts.iterations_complete,
        counts.iterations_interrupted,
    )
}

#[cfg(test)]
mod tests;
