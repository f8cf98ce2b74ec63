//! Carries a command out; the answer is the exit status.

use super::command::{Command, Refusal, RunCommand, RunRequest, Source, TargetCommand};
use super::conclude::{Conclusion, Export};
use super::console::Console;
use super::reports::Reports;
use super::run::complete_url;
use super::screen::Screen;
use super::{
    compare, exit_code, new, render_version, report, sample_files, script_job, search_job, timeline_file,
    url_job,
};
use crate::metrics::threshold::Thresholds;
use crate::output::served;
use crate::run::Lifecycle;
use crate::run::outcome::Outcome;
use crate::run::thread::MakeProgram;
use crate::script::TemplateId;
use crate::script::url::UrlProgram;
use crate::sys::{clock, cpu, signal};
use crate::target::Certificate;
use crate::target::threads::{Target, TargetSettings};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub fn execute(command: Command, env: &BTreeMap<String, String>) -> u8 {
    match command {
        Command::Help(text) => {
            Console::new(false, env).print(&text);
            exit_code::SUCCESS
        }
        Command::New { path, overwrites } => {
            let console = Console::new(false, env);
            new::write(&path, overwrites, &console).unwrap_or_else(|refusal| refuse(&console, &refusal))
        }
        Command::Version { json } => {
            Console::new(false, env).print(&(render_version(json) + "\n"));
            exit_code::SUCCESS
        }
        Command::Run(request) => {
            let console = match console_of(&request, env) {
                Ok(console) => console,
                Err(code) => return code,
            };
            run(request, &console).unwrap_or_else(|refusal| refuse(&console, &refusal))
        }
        Command::Demo(request) => {
            let console = match console_of(&request, env) {
                Ok(console) => console,
                Err(code) => return code,
            };
            demo(request, &console).unwrap_or_else(|refusal| refuse(&console, &refusal))
        }
        Command::Breakpoint(request) => {
            let console = match console_of(&request.run, env) {
                Ok(console) => console,
                Err(code) => return code,
            };
            search_job::run(*request, &console).unwrap_or_else(|refusal| refuse(&console, &refusal))
        }
        Command::Compare(command) => {
            let console = Console::new(false, env);
            compare::run(&command, &console).unwrap_or_else(|refusal| refuse(&console, &refusal))
        }
        Command::Report(command) => {
            let console = Console::new(false, env);
            report::run(&command, &console).unwrap_or_else(|refusal| refuse(&console, &refusal))
        }
        Command::Target(target) => {
            let console = Console::new(false, env);
            serve(&target, &console).unwrap_or_else(|refusal| refuse(&console, &refusal))
        }
    }
}

/// Logs as the request says; or the exit status, if its log file cannot be opened.
fn console_of(request: &RunRequest, env: &BTreeMap<String, String>) -> Result<Console, u8> {
    let plain = || Console::new(request.no_color(), env);
    plain()
        .logging(request.log_format(), &request.log_output())
        .map_err(|message| refuse(&plain(), &Refusal::generic(message)))
}

/// Says why nothing is run.
pub fn refuse(console: &Console, refusal: &Refusal) -> u8 {
    // Empty: it was said already, with fields of its own.
    if !refusal.message.is_empty() {
        console.error(&refusal.message);
    }
    refusal.exit_code
}

fn run(request: RunRequest, console: &Console) -> Result<u8, Refusal> {
    match request.source.clone() {
        Source::Url(url) => carry_out(&complete_url(request)?, &url, &url, console),
        Source::Script(script) => script_job::run(request, &script, console),
    }
}

/// The built-in target on a free port, and a run against it.
fn demo(request: RunRequest, console: &Console) -> Result<u8, Refusal> {
    let run = complete_url(request)?;
    let allowed = cpu::allowed();
    let target = Target::start(&TargetSettings {
        transport: run.transport,
        cpus: allowed.first().copied().into_iter().collect(),
        ..TargetSettings::new(([127, 0, 0, 1], 0).into())
    })
    .map_err(|error| Refusal::generic(format!("cannot start the built-in target: {error}")))?;
    let url = format!("http://{}/", target.address());
    let code = carry_out(&run, &url, &format!("{url} (built-in target)"), console);
    let served = target.stop();
    if !run.quiet && code.is_ok() {
        console.print(&format!("\n{}", served::render_text(&served)));
    }
    code
}

/// A run of a URL, shown as `script`, from its first check to its last line.
fn carry_out(command: &RunCommand, url: &str, script: &str, console: &Console) -> Result<u8, Refusal> {
    let mut job = url_job::make(command, url, console)?;
    let export = Export::open(command)?;
    let timelines = timeline_file::open(command)?;
    let samples = sample_files::open(command, &job.registry, &Thresholds::default())?;
    let reports = Reports::open(command)?;
    job.samples = samples.queue.clone();
    let mut screen = Screen::new(console, command, script);
    let make: MakeProgram<UrlProgram> = Arc::new(|_, _| Ok(UrlProgram::new(TemplateId(0))));
    let outcome =
        crate::run::run(job, make, Lifecycle::<UrlProgram>::default(), &mut screen).map_err(Refusal::from)?;

    warn_of_failures(&outcome, console);
    let conclusion = Conclusion {
        command,
        console,
        screen: &screen,
        outcome: &outcome,
        thresholds: Thresholds::default(),
        timelines,
        samples,
        reports,
        source_text: url,
        setup_data: None,
        marked_as_failed: false,
    };
    Ok(conclusion.tell(export, &mut |_| None))
}

/// k6 logs each failed request; at our rates one line for each kind of failure must do.
pub(super) fn warn_of_failures(outcome: &Outcome, console: &Console) {
    for failure in outcome.totals.failures() {
        let count = failure.requests.to_string();
        console.log(
            crate::output::log::Level::Warning,
            "Request Failed",
            &[("count", &count), ("error", &failure.text), ("error_code", &failure.code.to_string())],
        );
    }
}

fn serve(command: &TargetCommand, console: &Console) -> Result<u8, Refusal> {
    let tls = server_tls(command)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let settings = TargetSettings {
        listen: command.listen,
        workers: command.workers,
        transport: command.transport,
        behaviour: command.behaviour,
        capacity: command.capacity,
        backlog: command.backlog,
        accept_pause: command.accept_pause,
        tls,
        cpus: Vec::new(),
    };
    signal::trap();
    let target = Target::start(&settings).map_err(|error| {
        Refusal::generic(format!(
            "cannot listen on {}: {error}\n  fix: choose another --listen HOST:PORT, or stop what uses it",
            command.listen
        ))
    })?;
    let address = target.address();
    match command.json {
        true => console.print(&served::render_listening(address, &command.capacity)),
        false => console.print(&format!("listening on {scheme}://{address}/ (Ctrl-C ends it)\n")),
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

/// The certificate of `--tls`, written where it was asked for.
fn server_tls(command: &TargetCommand) -> Result<Option<crate::tls::Server>, Refusal> {
    if !command.tls {
        return Ok(None);
    }
    let certificate = Certificate::self_signed(command.listen.ip()).map_err(Refusal::generic)?;
    if let Some(path) = &command.tls_cert_out {
        std::fs::write(path, &certificate.pem).map_err(|error| {
            Refusal::generic(format!("cannot write the certificate to {}: {error}", path.display()))
        })?;
    }
    certificate.into_server().map(Some).map_err(Refusal::generic)
}
