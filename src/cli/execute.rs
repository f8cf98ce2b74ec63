//! Carries a command out; the answer is the exit status.

use super::command::{Command, Refusal, RunCommand, TargetCommand};
use super::console::Console;
use super::screen::Screen;
use super::{exit_code, render_version, url_job};
use crate::metrics::SummaryScope;
use crate::options::SummaryMode;
use crate::output::engine::{BUSY_LIMIT, Doubt, EngineReport};
use crate::output::{engine, json, served, text};
use crate::run::outcome::{Ended, Outcome};
use crate::run::{self, thread::MakeProgram};
use crate::script::TemplateId;
use crate::script::url::UrlProgram;
use crate::sys::{clock, cpu, errno, signal};
use crate::target::threads::{Target, TargetSettings};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Starts that are later than this at the 99th percentile are worth a word.
const LATE_MS: f64 = 1.0;

pub fn execute(command: Command, env: &BTreeMap<String, String>) -> u8 {
    match command {
        Command::Help(text) => {
            Console::new(false, env).print(&text);
            exit_code::SUCCESS
        }
        Command::Version { json } => {
            Console::new(false, env).print(&(render_version(json) + "\n"));
            exit_code::SUCCESS
        }
        Command::Run(run) => {
            let console = Console::new(run.no_color, env);
            let script = run.url.clone();
            carry_out(&run, &script, &console).unwrap_or_else(|refusal| refuse(&console, &refusal))
        }
        Command::Demo(run) => {
            let console = Console::new(run.no_color, env);
            demo(run, &console).unwrap_or_else(|refusal| refuse(&console, &refusal))
        }
        Command::Target(target) => {
            let console = Console::new(false, env);
            serve(&target, &console).unwrap_or_else(|refusal| refuse(&console, &refusal))
        }
    }
}

/// Says why nothing is run.
pub fn refuse(console: &Console, refusal: &Refusal) -> u8 {
    console.error(&refusal.message);
    refusal.exit_code
}

/// The built-in target on a free port, and a run against it.
fn demo(mut run: RunCommand, console: &Console) -> Result<u8, Refusal> {
    let allowed = cpu::allowed();
    let target = Target::start(&TargetSettings {
        listen: ([127, 0, 0, 1], 0).into(),
        workers: 1,
        transport: run.transport,
        behaviour: Default::default(),
        cpus: allowed.first().copied().into_iter().collect(),
    })
    .map_err(|error| generic(format!("cannot start the built-in target: {error}")))?;
    run.url = format!("http://{}/", target.address());
    let script = format!("{} (built-in target)", run.url);
    let code = carry_out(&run, &script, console);
    let served = target.stop();
    if !run.quiet && code.is_ok() {
        console.print(&format!("\n{}", served::render_text(&served)));
    }
    code
}

/// A run from its first check to its last line.
fn carry_out(command: &RunCommand, script: &str, console: &Console) -> Result<u8, Refusal> {
    let job = url_job::make(command)?;
    // As in k6, the export is a part of the summary: without one there is no file.
    let export = match command.summary_mode {
        SummaryMode::Disabled => None,
        _ => command.summary_export.as_ref().map(open_export).transpose()?,
    };
    let mut screen = Screen::new(console, command.quiet, script, &command.scenario);
    let make: MakeProgram<UrlProgram> = Arc::new(|_| UrlProgram::new(TemplateId(0)));
    let outcome = run::run(job, make, &mut screen)
        .map_err(|refused| Refusal { message: refused.to_string(), exit_code: exit_code::GENERIC })?;

    warn_of_failures(&outcome, console);
    let live = outcome.totals.live();
    if live.complete == 0 {
        console.warn("No script iterations fully finished, consider making the test duration longer");
    }
    let scope = match command.summary_mode {
        SummaryMode::Full => SummaryScope::Full,
        _ => SummaryScope::Total,
    };
    let summary = outcome.totals.summary(outcome.duration, &command.trend_stats, scope);
    if command.summary_mode != SummaryMode::Disabled {
        let colors = console.out.colors;
        console.print(&text::render_summary(&summary, command.summary_mode, command.time_unit, colors));
        console.print(&(engine::render(&engine_report(&outcome), colors) + "\n"));
        if let Some((path, mut file)) = export {
            let written = file.write_all(json::render_export(&summary).as_bytes());
            if let Err(error) = written {
                let why = format!(
                    "Could not save some summary information:\n\t- could not write '{}': {error}",
                    path.display()
                );
                console.log(
                    crate::output::log::Level::Error,
                    "failed to handle the end-of-test summary",
                    &[("error", &why)],
                );
            }
        }
    }
    let interrupted = matches!(outcome.ended, Ended::Signal(_));
    screen.finish(&outcome, interrupted);
    Ok(match outcome.ended {
        Ended::Signal(name) => {
            console.error(&format!("test run was aborted because ringload received a '{name}' signal"));
            exit_code::INTERRUPTED
        }
        Ended::Finished if !outcome.panics.is_empty() => exit_code::PANIC,
        Ended::Finished => exit_code::SUCCESS,
    })
}

/// Output files are opened first: a bad path is found before the test, not after it.
fn open_export(path: &PathBuf) -> Result<(PathBuf, File), Refusal> {
    match File::create(path) {
        Ok(file) => Ok((path.clone(), file)),
        Err(error) => Err(generic(format!(
            "cannot write the summary to {}: {error}\n  set by: --summary-export\n  fix: name a file in a \
             directory that exists and is writable",
            path.display()
        ))),
    }
}

/// k6 logs each failed request; at our rates one line for each kind of failure must do.
fn warn_of_failures(outcome: &Outcome, console: &Console) {
    for failure in outcome.totals.failures() {
        let count = failure.requests.to_string();
        console.log(
            crate::output::log::Level::Warning,
            "Request Failed",
            &[("count", &count), ("error", &failure.text), ("error_code", &failure.code.to_string())],
        );
    }
}

fn engine_report(outcome: &Outcome) -> EngineReport {
    let engine = &outcome.engine;
    let because = match engine.because.as_str() {
        "" => String::new(),
        because => format!(" ({because})"),
    };
    let worked: Duration = outcome.usage.iter().map(|usage| usage.cpu).sum();
    let lag = outcome.totals.start_lag();
    EngineReport {
        transport: format!("{}{because}", engine.transport.name()),
        congestion_control: engine.congestion_control.clone(),
        requests: outcome.totals.live().requests,
        cpu: worked + outcome.control_cpu,
        busy: outcome.usage.iter().map(|usage| usage.busy()).collect(),
        spun: outcome.usage.iter().map(|usage| usage.spun).sum(),
        start_lag_ms: engine.is_open.then(|| (lag.quantile(0.5), lag.quantile(0.99))),
        doubts: doubts(outcome),
    }
}

/// Every reason to doubt the figures, with its number.
fn doubts(outcome: &Outcome) -> Vec<Doubt> {
    let totals = &outcome.totals;
    let live = totals.live();
    let mut doubts = Vec::new();
    let busiest = outcome.usage.iter().map(|usage| usage.busy()).fold(0.0, f64::max);
    if busiest > BUSY_LIMIT {
        doubts.push(Doubt::GeneratorBusy { busy: busiest });
    }
    if outcome.engine.is_open {
        let p99_ms = totals.start_lag().quantile(0.99);
        if p99_ms > LATE_MS {
            doubts.push(Doubt::StartsLate { p99_ms });
        }
    }
    if live.dropped > 0 {
        doubts.push(Doubt::IterationsDropped { dropped: live.dropped, due: live.started + live.dropped });
    }
    if totals.dropped_samples() > 0 {
        doubts.push(Doubt::SamplesDropped { samples: totals.dropped_samples() });
    }
    if totals.coarse_lookups() > 0 {
        doubts.push(Doubt::TagsCoarsened { lookups: totals.coarse_lookups() });
    }
    if outcome.interrupted_requests > 0 {
        doubts.push(Doubt::RequestsInterrupted { requests: outcome.interrupted_requests });
    }
    for failure in totals.failures() {
        if let Some(remedy) = local_remedy(&failure.text) {
            doubts.push(Doubt::LocalErrors {
                requests: failure.requests,
                text: failure.text.clone(),
                remedy: remedy.to_owned(),
            });
        }
    }
    for message in &outcome.panics {
        doubts.push(Doubt::WorkerPanicked { message: message.clone() });
    }
    if outcome.abandoned > 0 {
        doubts.push(Doubt::WorkersAbandoned { workers: outcome.abandoned });
    }
    doubts
}

/// The remedy for an error text that names an errno of our own machine.
fn local_remedy(text: &str) -> Option<&'static str> {
    let number = text.split("errno ").nth(1)?;
    let digits: String = number.chars().skip_while(|c| *c == '`').take_while(char::is_ascii_digit).collect();
    errno::remedy(digits.parse().ok()?)
}

fn serve(command: &TargetCommand, console: &Console) -> Result<u8, Refusal> {
    let settings = TargetSettings {
        listen: command.listen,
        workers: command.workers,
        transport: command.transport,
        behaviour: command.behaviour,
        cpus: Vec::new(),
    };
    signal::trap();
    let target = Target::start(&settings).map_err(|error| {
        generic(format!(
            "cannot listen on {}: {error}\n  fix: choose another --listen HOST:PORT, or stop what uses it",
            command.listen
        ))
    })?;
    let address = target.address();
    match command.json {
        true => console.print(&format!("{{\"listen\":\"{address}\"}}\n")),
        false => console.print(&format!("listening on http://{address}/ (Ctrl-C ends it)\n")),
    }
    let clock = clock::Clock::start();
    let until = command.duration.map(|duration| clock.now() + duration);
    while signal::received().total() == 0 && until.is_none_or(|until| clock.now() < until) {
        clock::sleep(Duration::from_millis(20));
    }
    let served = target.stop();
    match command.json {
        true => console.print(&served::render_json(&served)),
        false => console.print(&served::render_text(&served)),
    }
    Ok(exit_code::SUCCESS)
}

fn generic(message: String) -> Refusal {
    Refusal { message, exit_code: exit_code::GENERIC }
}
