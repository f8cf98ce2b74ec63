//! A script from its argument to its exit status: loaded, configured, run, concluded.

use super::command::{LoadedScript, Refusal, RunCommand, RunRequest};
use super::conclude::{Conclusion, Export, render_machine_summary};
use super::console::Console;
use super::reports::Reports;
use super::run::complete_script;
use super::screen::Screen;
use super::{exit_code, sample_files, timeline_file, url_job};
use crate::metrics::threshold::Thresholds;
use crate::metrics::{Summary, Totals};
use crate::options::{HostRules, Layer, SummaryMode, script};
use crate::output::log::Level;
use crate::output::summary_data::{Surroundings, render_summary_data};
use crate::plan::Share;
use crate::plan::execution_plan::Needs;
use crate::plan::split::{Segment, SegmentSequence};
use crate::run::call::call_to_end;
use crate::run::job::Job;
use crate::run::outcome::{Ended, Engine};
use crate::run::samples::SampleQueue;
use crate::run::thread::MakeProgram;
use crate::run::{Lifecycle, Observer, Phase, PhaseResult, Progress};
use crate::script::js::{
    Blueprint, Call, CallOutcome, HttpSettings, InitError, JsProgram, LoadSettings, RunSettings,
};
use crate::script::log::LogLine;
use crate::script::source::{Disk, LoadError, Sources};
use crate::script::{Answer, Context, Iteration, LogQueue, Program, Step};
use crate::sys::{clock, socket};
use crate::time::{Instant, duration_ns};
use crate::tls::Setup;
use crate::vu::Settings;
use crate::worker::LaneReport;
use std::io::Read;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Of each VU's JavaScript heap: far above what load scripts need, so that only a leak meets it.
const MEMORY_MAX_BYTES: usize = 512 << 20;
/// k6's limit for connecting.
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections that a VU may keep, where there are few VUs; with many they share so many slots.
const CONNECTIONS_PER_VU: u64 = 20;
const CONNECTIONS: u64 = 20_000;

pub fn run(request: RunRequest, argument: &str, console: &Console) -> Result<u8, Refusal> {
    let (blueprint, layer) = load(&request, argument, console)?;
    let is_exported = |name: &str| blueprint.functions().contains(name);
    let specs = layer.thresholds.clone().unwrap_or_default();
    let command = complete_script(request, LoadedScript { layer, is_exported: &is_exported })?;
    keep_scripts_lines(&command, console)?;
    for warning in &command.script.warnings {
        console.warn(warning);
    }
    let thresholds = match command.script.thresholds.is_empty() {
        true => Thresholds::unjudged(&specs, blueprint.registry()),
        false => {
            Thresholds::parse(&command.script.thresholds, blueprint.registry()).map_err(Refusal::invalid)?
        }
    };
    for warning in thresholds.warnings() {
        console.warn(warning);
    }
    let tls = super::tls::setup(&command.tls, console)?;
    let export = Export::open(&command)?;
    let timelines = timeline_file::open(&command)?;
    let samples = sample_files::open(&command, blueprint.registry(), &thresholds)?;
    let reports = Reports::open(&command)?;
    blueprint.registry().show_system_tags(command.script.system_tags);
    blueprint.configure(run_settings(&command));
    let screen = Screen::new(console, &command, argument);
    let mut observer =
        ScriptObserver { screen, thresholds, blueprint: &blueprint, said_to_be_short: Vec::new() };
    let setup_data = Arc::new(Mutex::new(None));
    let lifecycle = lifecycle(&command, &blueprint, &setup_data);
    let make: MakeProgram<JsProgram> = {
        let blueprint = blueprint.clone();
        Arc::new(move |number, log| blueprint.make_vu_of(number.in_instance + 1, number.in_test + 1, log))
    };
    let job = Job { samples: samples.queue.clone(), ..job(&command, &blueprint, tls) };
    let outcome = crate::run::run(job, make, lifecycle, &mut observer)?;
    observer.warn_of_missing_vus(&outcome.scenarios);
    let ScriptObserver { screen, thresholds, .. } = observer;
    let setup_data = setup_data.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let conclusion = Conclusion {
        command: &command,
        console,
        screen: &screen,
        outcome: &outcome,
        thresholds,
        timelines,
        samples,
        reports,
        source_text: blueprint.sources().main_text(),
        setup_data,
        marked_as_failed: blueprint.signals().failed(),
    };
    let mut summarizer = Summarizer { command: &command, console, screen: &screen, blueprint: &blueprint };
    Ok(conclusion.tell(export, &mut |summary| summarizer.handle(summary)))
}

/// `--console-output`: as in k6, what the init code logged when it first ran is not in it.
pub(super) fn keep_scripts_lines(command: &RunCommand, console: &Console) -> Result<(), Refusal> {
    let Some(path) = &command.console_output else { return Ok(()) };
    console.keep_scripts_lines(path).map_err(Refusal::generic)
}

/// Runs the init code for the first time and reads the options that it exports.
pub(super) fn load(
    request: &RunRequest,
    argument: &str,
    console: &Console,
) -> Result<(Arc<Blueprint>, Layer), Refusal> {
    let stdin = match argument {
        "-" => {
            let mut text = Vec::new();
            std::io::stdin().read_to_end(&mut text).map_err(|error| Refusal {
                message: format!("cannot read the script from standard input: {error}"),
                exit_code: exit_code::GENERIC,
            })?;
            Some(text)
        }
        _ => None,
    };
    let current = std::env::current_dir().unwrap_or_default();
    let module_directory = request.flags_layer.module_dir.clone().or(request.env_layer.module_dir.clone());
    if let Some(directory) = module_directory.as_ref().filter(|directory| !directory.is_dir()) {
        return Err(Refusal {
            message: format!(
                "--module-dir {}: not a directory; it is to hold the modules of https:// imports as host/path",
                directory.display()
            ),
            exit_code: exit_code::INVALID_CONFIG,
        });
    }
    let files = Arc::new(Disk { module_directory });
    let (sources, _) =
        Sources::from_argument(argument, stdin.as_deref(), &current, files).map_err(Refusal::from)?;
    let settings = LoadSettings {
        env: request.script_env.clone(),
        memory_max_bytes: MEMORY_MAX_BYTES,
        clock: clock::monotonic,
    };
    let mut log = LogQueue::default();
    let loaded = Blueprint::load(sources, settings, &mut log);
    print_log(console, log);
    let blueprint = loaded.map_err(|error| say(console, &error))?;
    let (layer, warnings) = match blueprint.options_json() {
        None => (Layer::default(), Vec::new()),
        Some(json) => script::decode(json).and_then(with_segments).map_err(|message| {
            let error = LoadError { message, exit_code: exit_code::INVALID_CONFIG };
            Refusal::from(blueprint.sources().while_loading(error))
        })?,
    };
    for script::Warning { message, error } in warnings {
        match &error {
            Some(error) => console.log(Level::Warning, &message, &[("error", error)]),
            None => console.warn(&message),
        }
    }
    Ok((Arc::new(blueprint), layer))
}

/// Of the script's layer, whose texts about execution segments are read here: `options` cannot.
fn with_segments<W>((layer, warnings): (Layer, W)) -> Result<(Layer, W), String> {
    Segment::parse(layer.execution_segment.as_deref().unwrap_or_default())?;
    SegmentSequence::parse(layer.execution_segment_sequence.as_deref().unwrap_or_default())?;
    Ok((layer, warnings))
}

pub(super) fn run_settings(command: &RunCommand) -> RunSettings {
    let script = &command.script;
    RunSettings {
        no_sleep: false,
        options_json: script.script_options.clone(),
        test_options_json: script.test_options.clone(),
        scenarios: command.scenarios.clone(),
        tags: command.tags.clone(),
        http: HttpSettings {
            throw: script.throw,
            max_redirects: script.max_redirects,
            discard_response_bodies: command.discard_response_bodies,
            no_cookies_reset: script.no_cookies_reset,
            batch: script.batch,
            batch_per_host: script.batch_per_host.unwrap_or(u32::MAX),
        },
    }
}

pub(super) fn job(command: &RunCommand, blueprint: &Blueprint, tls: Setup) -> Job {
    let share = Share::of(command.portion.clone(), 0, 1);
    let vus = Needs::of(&command.scenarios, &share).max_vus.max(1);
    Job {
        scenarios: command.scenarios.clone(),
        portion: command.portion.clone(),
        templates: Vec::new(),
        hosts: Vec::new(),
        settings: Settings {
            // A script says it with each request.
            timeout_ns: u64::MAX,
            dial_timeout_ns: duration_ns(DIAL_TIMEOUT),
            no_connection_reuse: command.no_connection_reuse,
            no_vu_connection_reuse: command.no_vu_connection_reuse,
            tags_ip: command.script.system_tags.has("ip"),
            local_ips: command.local_ips.clone(),
            user_agent: url_job::user_agent(command),
            min_iteration_ns: command.script.min_iteration_duration.map_or(0, duration_ns),
            request_every_ns: 0,
            wall_at_begin: clock::wall().as_secs() as i64,
            tls,
        },
        dns: command.dns,
        host_rules: command.host_rules.clone(),
        registry: blueprint.registry().clone(),
        tags: command.tags.clone(),
        workers: command.workers,
        transport: command.transport,
        spin: command.spin,
        is_pipelined: false,
        // For the timeline's latencies from the due time.
        judges: command.writes_timeline() && command.is_open(),
        controlled: None,
        samples: SampleQueue::default(),
        keeps_timeline: command.keeps_timeline(),
        connections_per_vu: (CONNECTIONS / vus).clamp(2, CONNECTIONS_PER_VU) as u32,
        rps: command.script.rps,
        group: String::new(),
        target_is_local: blueprint.mentions_this_machine() || leads_here(&command.host_rules),
    }
}

/// Whether `hosts` sends requests to this machine.
fn leads_here(rules: &HostRules) -> bool {
    rules.hosts.iter().any(|(_, place)| socket::is_local(place.ip))
}

/// `setup` and `teardown`, as far as the script has them and the user wants them.
pub(super) fn lifecycle(
    command: &RunCommand,
    blueprint: &Arc<Blueprint>,
    setup_data: &Arc<Mutex<Option<String>>>,
) -> Lifecycle<OneCall> {
    let script = &command.script;
    let phase = |call: Call, timeout: Duration, on_return: Box<dyn Fn(Option<String>)>| {
        let outcome = Arc::new(Mutex::new(None));
        let (kept, maker) = (outcome.clone(), blueprint.clone());
        let signals = blueprint.clone();
        Phase {
            make: Arc::new(move |_, log: &mut LogQueue| {
                Ok(OneCall { inner: maker.make_call(call.clone(), log)?, outcome: outcome.clone() })
            }),
            timeout,
            result: Box::new(move || match kept.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(CallOutcome::Returned(json)) => {
                    on_return(json);
                    PhaseResult::Returned
                }
                Some(CallOutcome::Threw(line)) => PhaseResult::Threw(line),
                Some(CallOutcome::Files(_)) => PhaseResult::Returned,
                Some(CallOutcome::Aborted) => {
                    PhaseResult::Aborted(signals.signals().aborted().unwrap_or_default().to_owned())
                }
                None => PhaseResult::Unfinished,
            }),
        }
    };
    let mut lifecycle = Lifecycle::default();
    if blueprint.has(&Call::Setup) && !script.no_setup {
        let (data, sharer) = (setup_data.clone(), blueprint.clone());
        let keep = move |json: Option<String>| {
            data.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&json);
            sharer.set_setup_data(json);
        };
        lifecycle.setup = Some(phase(Call::Setup, script.setup_timeout, Box::new(keep)));
    } else {
        blueprint.set_setup_data(None);
    }
    if blueprint.has(&Call::Teardown) && !script.no_teardown {
        lifecycle.teardown = Some(phase(Call::Teardown, script.teardown_timeout, Box::new(|_| {})));
    }
    lifecycle
}

/// A program that calls one function and leaves what came of it where another thread finds it.
pub(super) struct OneCall {
    inner: JsProgram,
    outcome: Arc<Mutex<Option<CallOutcome>>>,
}

impl OneCall {
    fn keep(&mut self, step: Step) -> Step {
        if let Some(outcome) = self.inner.take_outcome() {
            *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        }
        step
    }
}

impl Program for OneCall {
    const IS_NUMBERED: bool = false;
    const IS_COSTLY: bool = true;
    const IS_ITERATION: bool = false;

    fn start(&mut self, context: &mut Context<'_>, iteration: Iteration) -> Step {
        let step = self.inner.start(context, iteration);
        self.keep(step)
    }

    fn resume(&mut self, context: &mut Context<'_>, answer: Answer) -> Step {
        let step = self.inner.resume(context, answer);
        self.keep(step)
    }

    fn cancel(&mut self, context: &mut Context<'_>) {
        self.inner.cancel(context);
    }
}

/// The screen, the judgement of thresholds, and what scripts say of the whole test.
struct ScriptObserver<'a> {
    screen: Screen<'a>,
    thresholds: Thresholds,
    blueprint: &'a Blueprint,
    /// Scenarios of which it was said that their VUs do not suffice.
    said_to_be_short: Vec<usize>,
}

impl ScriptObserver<'_> {
    /// Once for each scenario, as in k6.
    fn warn_of_missing_vus(&mut self, lanes: &[LaneReport]) {
        for (place, lane) in lanes.iter().enumerate() {
            if lane.is_short_of_vus && !self.said_to_be_short.contains(&place) {
                self.said_to_be_short.push(place);
                self.screen.warn_of_missing_vus(place, lane.allocated);
            }
        }
    }
}

impl Observer for ScriptObserver<'_> {
    fn on_begin(&mut self, engine: &Engine) {
        self.screen.on_begin(engine);
    }

    fn on_clock(&mut self, now: Instant) {
        if let Some(live) = self.blueprint.live() {
            live.test_started_at_ns.store(now.0, Ordering::Relaxed);
            live.test_started_at_unix_ms.store(clock::wall().as_millis() as u64, Ordering::Relaxed);
        }
    }

    fn on_second(&mut self, progress: &Progress) {
        if let Some(live) = self.blueprint.live() {
            live.iterations_completed.store(progress.live.complete, Ordering::Relaxed);
            live.iterations_interrupted.store(progress.live.interrupted, Ordering::Relaxed);
            live.vus_active.store(progress.vus_active, Ordering::Relaxed);
            live.vus_initialized.store(progress.vus_initialized, Ordering::Relaxed);
            for (share, cell) in self.screen.shares(progress).iter().zip(&live.progress) {
                cell.store((share * 1e6) as u64, Ordering::Relaxed);
            }
        }
        self.warn_of_missing_vus(&progress.scenarios);
        self.screen.on_second(progress);
    }

    fn on_initialized(&mut self, made: u64) {
        if let Some(live) = self.blueprint.live() {
            live.vus_initialized.store(made, Ordering::Relaxed);
        }
        self.screen.on_initialized(made);
    }

    fn on_log(&mut self, lines: Vec<LogLine>, dropped: u64) {
        self.screen.on_log(lines, dropped);
    }

    fn wants_end(&mut self) -> Option<Ended> {
        self.blueprint.signals().aborted().map(|message| Ended::Aborted(message.to_owned()))
    }

    fn wants_stretches(&self) -> bool {
        self.thresholds.have_windows()
    }

    fn on_stretch(&mut self, totals: &Totals, from: Duration, to: Duration) {
        self.thresholds.on_stretch(totals, from, to);
    }

    fn judge(&mut self, totals: &Totals, elapsed: Duration) -> Option<String> {
        let crossed = self.thresholds.evaluate(totals, elapsed, false);
        crossed.aborts.then(|| crossed.abort_message())
    }
}

/// The script's `handleSummary`.
struct Summarizer<'a> {
    command: &'a RunCommand,
    console: &'a Console,
    screen: &'a Screen<'a>,
    blueprint: &'a Blueprint,
}

impl Summarizer<'_> {
    /// `None`: k6's own text is wanted, or all that is left.
    fn handle(&mut self, summary: &Summary) -> Option<Vec<(String, Vec<u8>)>> {
        debug_assert!(self.command.summary_mode != SummaryMode::Disabled);
        let (out, err) = (self.console.out.is_terminal, self.console.err.is_terminal);
        let old_form = || {
            render_summary_data(
                summary,
                &Surroundings {
                    time_unit: self.command.time_unit,
                    no_color: self.command.no_color,
                    is_stdout_tty: out,
                    is_stderr_tty: err,
                },
            )
        };
        let data = match self.command.new_machine_readable_summary {
            true => {
                let source = self.blueprint.sources().main_text();
                render_machine_summary(self.command, source, summary)
            }
            false => old_form(),
        };
        let call = Call::Summary(data);
        let mut log = LogQueue::default();
        // k6 makes this VU in any case: its init code runs.
        let made = self.blueprint.make_call(call.clone(), &mut log);
        let handled = match made {
            Err(error) => {
                log.push(LogLine {
                    level: crate::script::log::LogLevel::Error,
                    message: error.message,
                    fields: error.fields,
                });
                None
            }
            Ok(_) if !self.blueprint.has(&call) => None,
            Ok(mut program) => self.call(&mut program, &mut log),
        };
        let (lines, dropped) = log.take();
        self.screen.print_log(lines, dropped);
        handled
    }

    fn call(&self, program: &mut JsProgram, log: &mut LogQueue) -> Option<Vec<(String, Vec<u8>)>> {
        let timeout = self.command.script.handle_summary_timeout;
        if !call_to_end(program, timeout, log) {
            let message =
                format!("handleSummary() execution timed out after {} seconds", timeout.as_secs_f64());
            let hint = "You can increase the time limit via the handleSummaryTimeout option";
            self.console.log(Level::Error, &message, &[("hint", hint)]);
            return None;
        }
        match program.take_outcome() {
            Some(CallOutcome::Files(files)) => Some(files),
            Some(CallOutcome::Threw(line)) => {
                log.push(line);
                None
            }
            _ => None,
        }
    }
}

fn print_log(console: &Console, mut log: LogQueue) {
    let (lines, _) = log.take();
    for line in lines {
        super::screen::print_line(console, &line, false);
    }
}

/// Says what went wrong with its fields; the refusal then has nothing more to say.
fn say(console: &Console, error: &InitError) -> Refusal {
    let fields: Vec<(&str, &str)> =
        error.fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    if fields.is_empty() {
        return Refusal { message: error.message.clone(), exit_code: error.exit_code };
    }
    console.log(Level::Error, &error.message, &fields);
    Refusal { message: String::new(), exit_code: error.exit_code }
}

impl From<LoadError> for Refusal {
    fn from(error: LoadError) -> Refusal {
        Refusal { message: error.message, exit_code: error.exit_code }
    }
}
