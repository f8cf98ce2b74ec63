//! What a person sees of a run: banner, header, progress.

use super::command::RunCommand;
use super::console::Console;
use crate::options::{Executor, OutputChoice, Scenario};
use crate::output::banner::render_banner;
use crate::output::header::{Header, render_header};
use crate::output::log::Level;
use crate::output::progress::{
    Counts, Live, Overall, ProgressState, ScenarioProgress, Status, render_block, render_terminal_block,
};
use crate::plan::execution_plan::Needs;
use crate::plan::part::{part_of, share_of_rate};
use crate::plan::{Share, planned_rate};
use crate::run::outcome::{Ended, Engine, Outcome};
use crate::run::{Observer, Progress};
use crate::script::log::{LogLevel, LogLine};
use crate::sys::terminal;
use crate::worker::LaneReport;
use std::time::Duration;

pub struct Screen<'a> {
    console: &'a Console,
    quiet: bool,
    verbose: bool,
    /// As typed.
    script: &'a str,
    scenarios: &'a [Scenario],
    /// What this instance has of each; `None`: nothing.
    parts: Vec<Option<Scenario>>,
    /// Of each arrival rate; and of the whole test.
    rate_shares: Vec<f64>,
    segment_share: f64,
    needs: Needs,
    /// Described.
    outputs: Vec<String>,
}

impl<'a> Screen<'a> {
    /// `script`: as typed.
    pub fn new(console: &'a Console, command: &'a RunCommand, script: &'a str) -> Screen<'a> {
        Screen {
            console,
            quiet: command.quiet,
            verbose: command.verbose,
            script,
            scenarios: &command.scenarios,
            parts: command.scenarios.iter().map(|scenario| part_of(scenario, &command.portion)).collect(),
            rate_shares: command
                .scenarios
                .iter()
                .map(|scenario| share_of_rate(&scenario.executor, &command.portion))
                .collect(),
            segment_share: command.portion.length(),
            needs: Needs::of(&command.scenarios, &Share::of(command.portion.clone(), 0, 1)),
            outputs: command.outputs.iter().map(OutputChoice::describe).collect(),
        }
    }

    /// The last block, after the summary.
    pub fn finish(&self, outcome: &Outcome) {
        if self.quiet {
            return;
        }
        let progress = Progress {
            elapsed: outcome.duration,
            scenarios_elapsed: outcome.duration,
            scenarios: outcome.scenarios.clone(),
            live: outcome.totals.live(),
            vus_active: 0,
            vus_initialized: outcome.vus_initialized,
            is_stopping: outcome.ended != Ended::Finished,
        };
        self.show(&progress, true);
    }

    pub fn print_log(&self, lines: Vec<LogLine>, dropped: u64) {
        for line in &lines {
            print_line(self.console, line, self.verbose);
        }
        if dropped > 0 {
            self.console.warn(&format!("{dropped} log lines were dropped: more came than can be printed"));
        }
    }

    /// A scenario has all VUs that it may have, and needed more.
    pub fn warn_of_missing_vus(&self, scenario: usize, allocated: u64) {
        let scenario = &self.scenarios[scenario];
        self.console.log(
            Level::Warning,
            &format!("Insufficient VUs, reached {allocated} active VUs and cannot initialize more"),
            &[("executor", scenario.executor.name()), ("scenario", &scenario.name)],
        );
    }

    /// How far each scenario is, from 0 to 1, by time.
    pub fn shares(&self, progress: &Progress) -> Vec<f64> {
        let share = |scenario: &Scenario| {
            let whole = regular_duration(&scenario.executor).as_secs_f64();
            let elapsed = progress.scenarios_elapsed.saturating_sub(scenario.start_time).as_secs_f64();
            if whole > 0.0 { (elapsed / whole).min(1.0) } else { 1.0 }
        };
        self.scenarios.iter().map(share).collect()
    }

    fn show(&self, progress: &Progress, is_last: bool) {
        let live = &progress.live;
        let scenarios = self.parts.iter().enumerate().filter_map(|(place, part)| {
            let lane = progress.scenarios.get(place).copied().unwrap_or_default();
            Some(scenario_progress(part.as_ref()?, self.rate_shares[place], &lane, progress))
        });
        let mut scenarios: Vec<ScenarioProgress> = scenarios.collect();
        // As in the header.
        scenarios.sort_by(|a, b| {
            (a.scenario.start_time, &a.scenario.name).cmp(&(b.scenario.start_time, &b.scenario.name))
        });
        let state = ProgressState {
            overall: Overall::Running(Counts {
                paused: false,
                elapsed: Some(progress.elapsed),
                max_duration: self.needs.max_duration,
                vus_active: progress.vus_active,
                vus_initialized: progress.vus_initialized,
                vus_max: self.needs.max_vus,
                iterations_complete: live.complete,
                iterations_interrupted: live.interrupted,
            }),
            scenarios,
        };
        self.put(&state, is_last);
    }

    fn put(&self, state: &ProgressState, is_last: bool) {
        match self.console.out.is_terminal {
            true => {
                let columns = terminal::columns(&std::io::stdout()).unwrap_or(80);
                let colors = self.console.out.colors;
                self.console.print_raw(&render_terminal_block(state, columns, colors, is_last));
            }
            false => self.console.print(&render_block(state)),
        }
    }
}

fn scenario_progress<'s>(
    scenario: &'s Scenario,
    rate_share: f64,
    lane: &LaneReport,
    progress: &Progress,
) -> ScenarioProgress<'s> {
    let whole = regular_duration(&scenario.executor);
    let since_begin = match lane.over_after_ns {
        Some(ns) => Duration::from_nanos(ns),
        None => progress.scenarios_elapsed,
    };
    let elapsed = since_begin.saturating_sub(scenario.start_time);
    let status = match lane.over_after_ns {
        _ if progress.is_stopping => Status::Interrupted,
        Some(_) => Status::Done,
        None if since_begin < scenario.start_time => {
            Status::Waiting { left: scenario.start_time - since_begin }
        }
        None if elapsed > whole => Status::Stopping,
        None => Status::Running,
    };
    // Once over, k6 shows the whole for what lasts a given time.
    let ends_by_time = !is_counted(&scenario.executor);
    let shown = if status == Status::Done && ends_by_time { whole.max(elapsed) } else { elapsed };
    ScenarioProgress {
        scenario,
        segment_share: rate_share,
        status,
        live: Live {
            elapsed: shown,
            vus_busy: lane.active,
            vus_allocated: lane.allocated,
            iterations_done: lane.ended,
            rate: planned_rate(&scenario.executor, elapsed.min(whole)) * rate_share,
        },
    }
}

impl Observer for Screen<'_> {
    fn on_begin(&mut self, engine: &Engine) {
        if self.quiet {
            return;
        }
        let colors = self.console.out.colors;
        let has_work = |place: &usize| self.parts[*place].is_some();
        let places: Vec<usize> = (0..self.parts.len()).filter(has_work).collect();
        let scenarios: Vec<Scenario> = places.iter().filter_map(|&place| self.parts[place].clone()).collect();
        let rate_shares: Vec<f64> = places.iter().map(|&place| self.rate_shares[place]).collect();
        let header = Header {
            script: self.script,
            outputs: &self.outputs,
            facts: &[("engine", engine_text(engine))],
            scenarios: &scenarios,
            segment_share: self.segment_share,
            rate_shares: &rate_shares,
            max_vus: self.needs.max_vus,
            max_duration: self.needs.max_duration,
        };
        self.console.print(&(render_banner(colors) + &render_header(&header, colors)));
    }

    fn on_second(&mut self, progress: &Progress) {
        if !self.quiet {
            self.show(progress, false);
        }
    }

    fn on_initialized(&mut self, made: u64) {
        // Few are made at once: no reader would see the line.
        if self.quiet || self.needs.planned_vus < SLOW_TO_MAKE {
            return;
        }
        let planned = self.needs.planned_vus;
        let text = format!("{made:0width$}/{planned} VUs initialized", width = planned.to_string().len());
        let share = made as f64 / planned as f64;
        let overall = Overall::Preparing { label: "Init", share, text: &text };
        if self.console.out.is_terminal || made == planned || made % 1_000 < 50 {
            self.put(&ProgressState { overall, scenarios: Vec::new() }, false);
        }
    }

    fn on_log(&mut self, lines: Vec<LogLine>, dropped: u64) {
        self.print_log(lines, dropped);
    }
}

/// A script's line in k6's form; debug lines only if they are wanted.
pub fn print_line(console: &Console, line: &LogLine, verbose: bool) {
    let level = match line.level {
        LogLevel::Debug if !verbose => return,
        LogLevel::Debug => Level::Debug,
        LogLevel::Info => Level::Info,
        LogLevel::Warning => Level::Warning,
        LogLevel::Error => Level::Error,
    };
    let fields: Vec<(&str, &str)> =
        line.fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    console.log(level, &line.message, &fields);
}

/// With so many VUs making them takes long enough to say so.
const SLOW_TO_MAKE: u64 = 500;

/// `io_uring (…), 1 worker on CPU 1, cubic`.
fn engine_text(engine: &Engine) -> String {
    let count = engine.workers.len();
    let pinned: Vec<String> = engine.workers.iter().flatten().map(usize::to_string).collect();
    let place = match pinned.len() {
        0 => String::new(),
        1 => format!(" on CPU {}", pinned[0]),
        _ => format!(" on CPUs {}", pinned.join(",")),
    };
    let because = if engine.because.is_empty() { String::new() } else { format!(" ({})", engine.because) };
    format!(
        "{}{because}, {count} worker{}{place}, {}",
        engine.transport.name(),
        if count == 1 { "" } else { "s" },
        engine.congestion_control
    )
}

/// Ends when its iterations are done, not when its time is up.
fn is_counted(executor: &Executor) -> bool {
    matches!(executor, Executor::SharedIterations { .. } | Executor::PerVuIterations { .. })
}

fn regular_duration(executor: &Executor) -> Duration {
    match executor {
        Executor::SharedIterations { max_duration, .. } | Executor::PerVuIterations { max_duration, .. } => {
            *max_duration
        }
        Executor::ConstantVus { duration, .. } | Executor::ConstantArrivalRate { duration, .. } => *duration,
        Executor::RampingVus { stages, .. } | Executor::RampingArrivalRate { stages, .. } => {
            stages.iter().map(|stage| stage.duration).sum()
        }
    }
}
