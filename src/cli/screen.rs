//! What a person sees of a run: banner, header, progress.

use super::console::Console;
use crate::options::{Executor, Scenario};
use crate::output::banner::render_banner;
use crate::output::header::{Header, render_header};
use crate::output::progress::{
    Counts, Live, Overall, ProgressState, ScenarioProgress, Status, render_block, render_terminal_block,
};
use crate::plan::execution_plan::Needs;
use crate::plan::{Share, planned_rate};
use crate::run::outcome::{Engine, Outcome};
use crate::run::{Observer, Progress};
use crate::sys::terminal;
use std::time::Duration;

pub struct Screen<'a> {
    console: &'a Console,
    quiet: bool,
    /// As typed.
    script: &'a str,
    scenario: &'a Scenario,
    needs: Needs,
}

impl<'a> Screen<'a> {
    pub fn new(console: &'a Console, quiet: bool, script: &'a str, scenario: &'a Scenario) -> Screen<'a> {
        let needs = Needs::of(std::slice::from_ref(scenario), &Share::whole());
        Screen { console, quiet, script, scenario, needs }
    }

    /// The last block, after the summary.
    pub fn finish(&self, outcome: &Outcome, interrupted: bool) {
        if self.quiet {
            return;
        }
        let live = outcome.totals.live();
        let progress = Progress {
            elapsed: outcome.duration,
            live,
            vus_active: 0,
            vus_initialized: outcome.vus_initialized,
            is_stopping: interrupted,
        };
        let status = if interrupted { Status::Interrupted } else { Status::Done };
        self.show(&progress, status, true);
    }

    fn show(&self, progress: &Progress, status: Status, is_last: bool) {
        let live = &progress.live;
        let whole = regular_duration(&self.scenario.executor);
        let elapsed = progress.elapsed.saturating_sub(self.scenario.start_time);
        // Once over, k6 shows the whole for what lasts a given time.
        let ends_by_time = !is_counted(&self.scenario.executor);
        let shown = if status == Status::Done && ends_by_time { whole.max(elapsed) } else { elapsed };
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
            scenarios: vec![ScenarioProgress {
                scenario: self.scenario,
                segment_share: 1.0,
                status,
                live: Live {
                    elapsed: shown,
                    vus_busy: progress.vus_active,
                    vus_allocated: progress.vus_initialized,
                    iterations_done: live.complete + live.interrupted,
                    rate: planned_rate(&self.scenario.executor, elapsed.min(whole)),
                },
            }],
        };
        match self.console.out.is_terminal {
            true => {
                let columns = terminal::columns(&std::io::stdout()).unwrap_or(80);
                let colors = self.console.out.colors;
                self.console.print_raw(&render_terminal_block(&state, columns, colors, is_last));
            }
            false => self.console.print(&render_block(&state)),
        }
    }
}

impl Observer for Screen<'_> {
    fn on_begin(&mut self, engine: &Engine) {
        if self.quiet {
            return;
        }
        let colors = self.console.out.colors;
        let header = Header {
            script: self.script,
            outputs: &[],
            facts: &[("engine", engine_text(engine))],
            scenarios: std::slice::from_ref(self.scenario),
            segment_share: 1.0,
            max_vus: self.needs.max_vus,
            max_duration: self.needs.max_duration,
        };
        self.console.print(&(render_banner(colors) + &render_header(&header, colors)));
    }

    fn on_second(&mut self, progress: &Progress) {
        if self.quiet {
            return;
        }
        let elapsed = progress.elapsed.saturating_sub(self.scenario.start_time);
        let status = match regular_duration(&self.scenario.executor) {
            _ if progress.is_stopping => Status::Interrupted,
            _ if progress.elapsed < self.scenario.start_time => {
                Status::Waiting { left: self.scenario.start_time - progress.elapsed }
            }
            whole if elapsed > whole => Status::Stopping,
            _ => Status::Running,
        };
        self.show(progress, status, false);
    }
}

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
