//! `ringload breakpoint`, from what was asked for to the exit status.

use super::breakpoint::longest;
use super::command::{BreakpointRequest, LoadedScript, Refusal, RunCommand, Source};
use super::console::Console;
use super::execute::warn_of_failures;
use super::run::{complete_script, complete_url};
use super::screen::print_line;
use super::timeline_file::without_secrets;
use super::{exit_code, script_job, url_job};
use crate::metrics::registry::Registry;
use crate::metrics::threshold::Thresholds;
use crate::options::{Executor, Scenario};
use crate::output::breakpoint::{Context, render_json, render_report, render_status, render_trial_line};
use crate::output::log::{Level, WallTime};
use crate::run::conductor::{Hopeless, SearchJob, Searched};
use crate::run::job::{Controlled, Job};
use crate::run::outcome::{Ended, Engine, Outcome};
use crate::run::thread::MakeProgram;
use crate::run::{Lifecycle, Observer};
use crate::script::TemplateId;
use crate::script::js::{Blueprint, JsProgram};
use crate::script::log::LogLine;
use crate::script::url::UrlProgram;
use crate::search::answer::{Ceiling, Limit};
use crate::search::{Answer, Finding, Goals, Search};
use crate::sys::{clock, cpu, limits, machine};
use crate::time::Instant;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// VUs unless told otherwise: a VU of a URL costs 2 KB, one of a script 128 KiB and more.
const URL_VUS: u32 = 10_000;
const SCRIPT_VUS: u32 = 1_000;
/// Connections of a script's VU, as in a browser to one host: `http.batch` uses as many at once.
const CONNECTIONS_PER_VU: u32 = 6;
/// The status stands on a line of its own until there is more to say.
const CLEAR_LINE: &str = "\r\x1b[K";
/// Descriptors that are no connections.
const OTHER_FILES: u64 = 512;

pub fn run(request: BreakpointRequest, console: &Console) -> Result<u8, Refusal> {
    match request.run.source.clone() {
        Source::Url(url) => search_url(request, &url, console),
        Source::Script(script) => search_script(request, &script, console),
    }
}

fn search_url(request: BreakpointRequest, url: &str, console: &Console) -> Result<u8, Refusal> {
    refuse_flags_of_scripts(&request)?;
    let mut command = complete_url(request.run.clone())?;
    let registry = Registry::new();
    let goals = read_goals(&request.goals, &registry)?;
    let vus = vus_of(&request, URL_VUS, 1);
    command.scenarios = vec![scenario(&request, None, vus)];
    let job = Job {
        controlled: Some(controlled(&request, vus)),
        judges: true,
        ..url_job::make(&command, url, console)?
    };
    let json = JsonFile::open(&request)?;
    let make: MakeProgram<UrlProgram> = Arc::new(|_, _| Ok(UrlProgram::new(TemplateId(0))));
    let mut screen = Screen::new(console, &command, url, &request, None);
    let search = SearchJob { search: Search::new(settings(&request, &command), goals), vus: u64::from(vus) };
    let outcome = crate::run::search(job, make, Lifecycle::<UrlProgram>::default(), search, &mut screen)?;
    conclude(&outcome, screen, json)
}

fn refuse_flags_of_scripts(request: &BreakpointRequest) -> Result<(), Refusal> {
    let given = [(request.no_sleep, "--no-sleep"), (request.scenario.is_some(), "--scenario")];
    match given.into_iter().find(|(is_given, _)| *is_given) {
        None => Ok(()),
        Some((_, flag)) => Err(Refusal {
            message: format!(
                "{flag} means nothing for a URL: it is of scripts\n  fix: leave it out, or name a script"
            ),
            exit_code: exit_code::GENERIC,
        }),
    }
}

fn search_script(request: BreakpointRequest, script: &str, console: &Console) -> Result<u8, Refusal> {
    let (blueprint, layer) = script_job::load(&request.run, script, console)?;
    if layer.execution_segment.is_some() {
        return Err(Refusal {
            message: "a search tries loads of a whole test: remove the option `executionSegment`".to_owned(),
            exit_code: exit_code::INVALID_CONFIG,
        });
    }
    let is_exported = |name: &str| blueprint.functions().contains(name);
    let mut command =
        complete_script(request.run.clone(), LoadedScript { layer, is_exported: &is_exported })?;
    script_job::keep_scripts_lines(&command, console)?;
    for warning in &command.script.warnings {
        console.warn(warning);
    }
    let thresholds = match request.goals.is_empty() {
        true => command.script.thresholds.clone(),
        false => request.goals.clone(),
    };
    let goals = read_goals(&thresholds, blueprint.registry())?;
    let tls = super::tls::setup(&command.tls, console)?;
    let vus = vus_of(&request, SCRIPT_VUS, CONNECTIONS_PER_VU);
    let chosen = choose(&command.scenarios, request.scenario.as_deref())?;
    command.scenarios = vec![scenario(&request, Some(&chosen), vus)];
    blueprint.configure(crate::script::js::RunSettings {
        no_sleep: request.no_sleep,
        ..script_job::run_settings(&command)
    });
    let job = Job {
        controlled: Some(controlled(&request, vus)),
        judges: true,
        connections_per_vu: CONNECTIONS_PER_VU,
        ..script_job::job(&command, &blueprint, tls)
    };
    let json = JsonFile::open(&request)?;
    let lifecycle = script_job::lifecycle(&command, &blueprint, &Arc::default());
    let make: MakeProgram<JsProgram> = {
        let blueprint = blueprint.clone();
        Arc::new(move |number, log| blueprint.make_vu(number.in_instance + 1, log))
    };
    let mut screen = Screen::new(console, &command, script, &request, Some(&blueprint));
    let search = SearchJob { search: Search::new(settings(&request, &command), goals), vus: u64::from(vus) };
    let outcome = crate::run::search(job, make, lifecycle, search, &mut screen)?;
    conclude(&outcome, screen, json)
}

fn settings(request: &BreakpointRequest, command: &RunCommand) -> crate::search::Settings {
    crate::search::Settings { timeout: command.timeout, ..request.settings.clone() }
}

fn controlled(request: &BreakpointRequest, vus: u32) -> Controlled {
    Controlled { vus: u64::from(vus), at_random: request.at_random }
}

/// As many as were asked for, or as are usual and have descriptors.
fn vus_of(request: &BreakpointRequest, usual: u32, connections: u32) -> u32 {
    request.vus_max.unwrap_or_else(|| {
        let files = limits::raise_open_files(u64::from(usual * connections) + OTHER_FILES);
        let connections = files.saturating_sub(OTHER_FILES);
        u32::try_from(connections).unwrap_or(u32::MAX).clamp(1, usual)
    })
}

/// The scenario whose iterations are counted.
fn choose(scenarios: &[Scenario], name: Option<&str>) -> Result<Scenario, Refusal> {
    let names = || scenarios.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>().join(", ");
    match (scenarios, name) {
        ([one], None) => Ok(one.clone()),
        (_, None) => Err(Refusal::invalid(format!(
            "a search drives one scenario, and the script has {}: {}\n  fix: choose one with --scenario NAME",
            scenarios.len(),
            names()
        ))),
        (_, Some(name)) => {
            scenarios.iter().find(|scenario| scenario.name == name).cloned().ok_or_else(|| {
                Refusal::invalid(format!(
                    "the script has no scenario {name:?}, but: {}\n  set by: --scenario",
                    names()
                ))
            })
        }
    }
}

fn scenario(request: &BreakpointRequest, of: Option<&Scenario>, vus: u32) -> Scenario {
    Scenario {
        name: of.map_or("default".to_owned(), |of| of.name.clone()),
        executor: Executor::ConstantArrivalRate {
            rate: 1,
            time_unit: Duration::from_secs(1),
            duration: longest(&request.settings),
            pre_allocated_vus: u64::from(vus),
            max_vus: u64::from(vus),
        },
        start_time: Duration::ZERO,
        graceful_stop: Duration::from_secs(30),
        exec: of.and_then(|of| of.exec.clone()),
        env: of.map(|of| of.env.clone()).unwrap_or_default(),
        tags: of.map(|of| of.tags.clone()).unwrap_or_default(),
    }
}

/// Every threshold must be one that the run can judge, whatever the search makes of it.
fn read_goals(thresholds: &crate::options::Thresholds, registry: &Registry) -> Result<Goals, Refusal> {
    Thresholds::parse(thresholds, registry).map_err(Refusal::invalid)?;
    Goals::from_thresholds(thresholds).map_err(Refusal::invalid)
}

fn conclude(outcome: &Outcome, screen: Screen<'_>, json: Option<JsonFile>) -> Result<u8, Refusal> {
    let console = screen.console;
    warn_of_failures(outcome, console);
    for panic in &outcome.panics {
        console.error(&format!("a worker ended by a panic: {panic}"));
    }
    let Some(Searched { answer, hopeless, diagnosis }) = &outcome.searched else {
        return Ok(ended_early(outcome, console).unwrap_or(exit_code::GENERIC));
    };
    if console.out.is_terminal {
        console.print_raw(CLEAR_LINE);
    }
    let context = Context { interrupted: outcome.ended != Ended::Finished, ..screen.context.clone() };
    if hopeless.is_none() {
        console.print(&render_report(answer, diagnosis.as_ref(), &context, console.out.colors));
    }
    if let Some(json) = json {
        json.write(&render_json(answer, diagnosis.as_ref(), &context), console);
    }
    if let (Some(hopeless), Ended::Finished) = (hopeless, &outcome.ended) {
        console.error(&hopeless_message(*hopeless, &screen.context.target));
        return Ok(exit_code::GENERIC);
    }
    Ok(ended_early(outcome, console).unwrap_or_else(|| exit_status(answer, screen.fail_below, console)))
}

fn hopeless_message(hopeless: Hopeless, target: &str) -> String {
    match hopeless {
        Hopeless::AllFailed { requests } => format!(
            "there is nothing to search: of {requests} requests to {target} by one connection, all failed\n  \
             fix: see the warnings above for the cause, and try `ringload run` first"
        ),
        Hopeless::NoAnswer { waited } => format!(
            "there is nothing to search: {target} answered no request in {:.0} s\n  fix: see whether it hangs; if it \
             is a script that sleeps before its first request, add --no-sleep",
            waited.as_secs_f64()
        ),
        Hopeless::NoRequests { iterations } => format!(
            "there is nothing to search: {iterations} iterations of {target} made no request\n  fix: see whether it \
             throws before it asks for anything"
        ),
    }
}

/// The exit status of a search that did not come to its own end.
fn ended_early(outcome: &Outcome, console: &Console) -> Option<u8> {
    if !outcome.panics.is_empty() {
        return Some(exit_code::PANIC);
    }
    match &outcome.ended {
        Ended::Finished => None,
        Ended::Signal(name) => {
            console.error(&format!("the search was ended by a '{name}' signal"));
            Some(exit_code::INTERRUPTED)
        }
        Ended::Aborted(message) => {
            console.error(message);
            Some(exit_code::SCRIPT_ABORTED)
        }
        Ended::Threw(line) => {
            let fields: Vec<(&str, &str)> =
                line.fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            console.log(Level::Error, &line.message, &fields);
            Some(exit_code::SCRIPT_EXCEPTION)
        }
        Ended::SetupTimeout(_) => {
            console.error("setup() took too long");
            Some(exit_code::SETUP_TIMEOUT)
        }
        Ended::TeardownTimeout(_) => {
            console.error("teardown() took too long");
            Some(exit_code::TEARDOWN_TIMEOUT)
        }
        Ended::Thresholds(message) => {
            console.error(message);
            Some(exit_code::THRESHOLDS_FAILED)
        }
    }
}

fn exit_status(answer: &Answer, fail_below: Option<f64>, console: &Console) -> u8 {
    let is_short = |rate: f64| fail_below.filter(|least| rate < *least);
    match &answer.limit {
        Finding::Found(Limit { rate, .. }) | Finding::Below { rate } => {
            let Some(least) = is_short(*rate) else { return exit_code::SUCCESS };
            console.error(&format!("the limit of {rate:.0}/s is below {least:.0}/s (--fail-below)"));
            exit_code::THRESHOLDS_FAILED
        }
        Finding::NotReached { why: Ceiling::Generator, .. } => exit_code::GENERATOR_LIMITED,
        Finding::NotReached { at_least, .. } => {
            let Some(least) = is_short(*at_least) else { return exit_code::SUCCESS };
            console.error(&format!(
                "nothing above {at_least:.0}/s was tried, so {least:.0}/s (--fail-below) is not shown to be borne\n  \
                 fix: raise --max-rate or --max-time"
            ));
            exit_code::THRESHOLDS_FAILED
        }
        Finding::Unknown => {
            console.error("no load was judged, so there is no limit to tell\n  fix: raise --max-time");
            exit_code::GENERIC
        }
    }
}

/// `--json`: opened before the first packet.
struct JsonFile {
    path: std::path::PathBuf,
    file: File,
}

impl JsonFile {
    fn open(request: &BreakpointRequest) -> Result<Option<JsonFile>, Refusal> {
        let Some(path) = request.json.clone() else { return Ok(None) };
        match File::create(&path) {
            Ok(file) => Ok(Some(JsonFile { path, file })),
            Err(error) => Err(Refusal {
                message: format!(
                    "cannot write to {}: {error}\n  set by: --json\n  fix: name a file in a directory that exists \
                     and is writable",
                    path.display()
                ),
                exit_code: exit_code::GENERIC,
            }),
        }
    }

    fn write(mut self, text: &str, console: &Console) {
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            console.error(&format!("could not write the answer to {}: {error}", self.path.display()));
        }
    }
}

/// What a person sees while the search goes on.
struct Screen<'a> {
    console: &'a Console,
    quiet: bool,
    verbose: bool,
    blueprint: Option<&'a Blueprint>,
    fail_below: Option<f64>,
    context: Context,
    trials_shown: usize,
}

impl<'a> Screen<'a> {
    fn new(
        console: &'a Console,
        command: &'a RunCommand,
        target: &str,
        request: &BreakpointRequest,
        blueprint: Option<&'a Blueprint>,
    ) -> Screen<'a> {
        let wall = clock::wall();
        Screen {
            console,
            quiet: command.quiet,
            verbose: command.verbose,
            blueprint,
            fail_below: request.fail_below,
            trials_shown: 0,
            context: Context {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                args: without_secrets(std::env::args().skip(1)),
                target: target.to_owned(),
                begun_at: WallTime { unix_seconds: wall.as_secs() as i64, offset_seconds: 0 }.rfc3339(),
                settings: settings(request, command),
                interrupted: false,
                transport: String::new(),
                workers: 0,
                cpus: cpu::allowed().len(),
                cpu: machine::cpu_model(),
                kernel: machine::kernel(),
                notes: match request.at_random {
                    true => vec![
                        "arrivals are random (Poisson): at the same mean rate queues are longer".to_owned(),
                    ],
                    false => Vec::new(),
                },
                blocks: is_utf8(),
            },
        }
    }
}

/// What locale(7) makes of the environment.
fn is_utf8() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    set.is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"))
}

impl Observer for Screen<'_> {
    fn on_begin(&mut self, engine: &Engine) {
        self.context.transport = engine.transport.name().to_owned();
        self.context.workers = engine.workers.len();
        if !self.quiet {
            self.console.print(&format!("searching the breaking point of {}\n\n", self.context.target));
        }
    }

    fn on_second(&mut self, _: &crate::run::Progress) {}

    fn on_search(&mut self, search: &Search, now: Instant) {
        let answer = search.answer(now);
        if self.quiet {
            return;
        }
        if self.console.out.is_terminal {
            self.console.print_raw(CLEAR_LINE);
        }
        for trial in &answer.trials[self.trials_shown..] {
            self.console.print(&render_trial_line(trial, &answer.limit));
        }
        self.trials_shown = answer.trials.len();
        // On a pipe the lines of trials say it all.
        if self.console.out.is_terminal && !search.is_done() {
            self.console.print_raw(&render_status(&answer));
        }
    }

    fn on_log(&mut self, lines: Vec<LogLine>, dropped: u64) {
        for line in &lines {
            print_line(self.console, line, self.verbose);
        }
        if dropped > 0 {
            self.console.warn(&format!("{dropped} log lines were dropped: more came than can be printed"));
        }
    }

    fn wants_end(&mut self) -> Option<Ended> {
        let message = self.blueprint?.signals().aborted()?;
        Some(Ended::Aborted(message.to_owned()))
    }
}
