//! Starts workers, sends them messages, gathers their metrics.
//!
//! The control thread chooses the transport, places the workers (`crew`) and attends to them
//! (`control`): absorbs what they hand over every 100 ms, judges thresholds, samples the VU gauges
//! and reports progress every second, passes signals on. Around them it runs `setup` and
//! `teardown`, each as a crew of one VU. No request is touched here.

pub mod call;
pub mod conductor;
mod control;
mod crew;
pub mod evidence;
mod ground;
pub mod job;
pub mod mailbox;
pub mod outcome;
pub mod placement;
pub mod samples;
pub mod thread;
mod watching;

use crate::metrics::{Live, Totals};
use crate::options::{Executor, Scenario};
use crate::plan::split::Portion;
use crate::script::Program;
use crate::script::js::InitError;
use crate::script::log::LogLine;
use crate::search::Search;
use crate::sys::clock::{Clock, wall};
use crate::sys::{cpu, errno, signal};
use crate::time::Instant;
use crate::worker::{LaneReport, Report};
use conductor::{Conductor, SearchJob};
use control::Control;
use crew::Crew;
use ground::Ground;
use job::Job;
use outcome::{Ended, Engine, Outcome, TransportKind};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use thread::{MakeProgram, News};

/// How long the control thread sleeps at most before it looks at the clock and the signals.
const LOOK_AROUND: Duration = Duration::from_millis(20);
/// Descriptors of a process besides its connections: rings, wakers, files, DNS.
const OTHER_FILES: u64 = 64;

/// What is known while the test runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Since the test began, `setup` included.
    pub elapsed: Duration,
    /// Since the scenarios' clock began.
    pub scenarios_elapsed: Duration,
    /// One for each scenario, over all workers.
    pub scenarios: Vec<LaneReport>,
    pub live: Live,
    pub vus_active: u64,
    pub vus_initialized: u64,
    /// A signal came; iterations are being interrupted.
    pub is_stopping: bool,
}

/// Is told what a person wants to see; all methods are called on the control thread.
pub trait Observer {
    /// The engine stands, the first packet follows.
    fn on_begin(&mut self, engine: &Engine);
    /// The test's clock starts now, `setup` first.
    fn on_clock(&mut self, _now: Instant) {}
    /// Once a second.
    fn on_second(&mut self, progress: &Progress);
    /// So many of the planned VUs exist; several times before `on_begin` if there are many.
    fn on_initialized(&mut self, _made: u64) {}
    /// Log lines of scripts, and how many more did not fit.
    fn on_log(&mut self, _lines: Vec<LogLine>, _dropped: u64) {}
    /// What a worker of the scenarios hands over, with its window, before it is added to the
    /// totals. `worker`: from 0.
    fn on_report(&mut self, _worker: usize, _report: &Report) {}
    /// Whether `on_stretch` is wanted; asked once, when the scenarios begin.
    fn wants_stretches(&self) -> bool {
        false
    }
    /// What was measured in a second alone, and at the end in what is left of one; since the test
    /// began.
    fn on_stretch(&mut self, _totals: &Totals, _from: Duration, _to: Duration) {}
    /// A search has learned something.
    fn on_search(&mut self, _search: &Search, _now: Instant) {}
    /// Looked at all the time: why the test is to end now.
    fn wants_end(&mut self) -> Option<Ended> {
        None
    }
    /// Every two seconds while scenarios run: the message to stop with, if a threshold says so.
    fn judge(&mut self, _totals: &Totals, _elapsed: Duration) -> Option<String> {
        None
    }
}

/// Why a run could not begin; no packet was sent.
#[derive(Debug)]
pub enum Refused {
    /// Sockets that the VUs may need, and the open files that we may have.
    OpenFiles {
        needed: u64,
        limit: u64,
    },
    Transport {
        kind: TransportKind,
        error: io::Error,
    },
    Thread(io::Error),
    /// The script's init code failed in one of the VUs.
    Vu(InitError),
    /// A signal came while the VUs were being made; k6's name of it.
    Interrupted(&'static str),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::OpenFiles { needed, limit } => write!(
                f,
                "the VUs may need {needed} open files, but the limit is {limit}\n  \
                 fix: raise it (`ulimit -n {needed}`), or use at most {} VUs",
                limit.saturating_sub(OTHER_FILES)
            ),
            Refused::Transport { kind, error } => {
                let code = error.raw_os_error().unwrap_or(0);
                write!(f, "cannot set up {}: {error}", kind.name())?;
                if let Some(remedy) = errno::remedy(code) {
                    write!(f, "\n  cause: {remedy}")?;
                }
                match kind {
                    TransportKind::Uring => write!(f, "\n  fix: {}", ground::uring_remedy(error)),
                    TransportKind::Epoll => Ok(()),
                }
            }
            Refused::Thread(error) => write!(f, "cannot start a thread: {error}"),
            Refused::Vu(why) => f.write_str(&why.message),
            Refused::Interrupted(name) => {
                write!(f, "test run was aborted because ringload received a '{name}' signal")
            }
        }
    }
}

/// What a script does around its iterations; URL mode has none of it.
pub struct Lifecycle<P> {
    pub setup: Option<Phase<P>>,
    pub teardown: Option<Phase<P>>,
}

impl<P> Default for Lifecycle<P> {
    fn default() -> Lifecycle<P> {
        Lifecycle { setup: None, teardown: None }
    }
}

/// A function that is called once, in a VU of its own.
pub struct Phase<P> {
    pub make: MakeProgram<P>,
    pub timeout: Duration,
    /// How it went, asked after its VU has ended.
    pub result: Box<dyn Fn() -> PhaseResult>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhaseResult {
    Returned,
    /// It threw; the line to be logged.
    Threw(LogLine),
    /// It called `exec.test.abort()`; the message.
    Aborted(String),
    /// It did not come to its end.
    Unfinished,
}

/// Runs the job to its end. `Q` is the program of `setup` and `teardown`. `make` makes the program of a VU, by its place on its worker.
pub fn run<P: Program + 'static, Q: Program + 'static>(
    job: Job,
    make: MakeProgram<P>,
    lifecycle: Lifecycle<Q>,
    observer: &mut dyn Observer,
) -> Result<Outcome, Refused> {
    run_to_end(job, make, lifecycle, None, observer)
}

/// As `run`, but `search` says what is started. The job is `controlled` and `judges`.
pub fn search<P: Program + 'static, Q: Program + 'static>(
    job: Job,
    make: MakeProgram<P>,
    lifecycle: Lifecycle<Q>,
    search: SearchJob,
    observer: &mut dyn Observer,
) -> Result<Outcome, Refused> {
    assert!(job.controlled.is_some() && job.judges, "a job that is no search's");
    run_to_end(job, make, lifecycle, Some(search), observer)
}

fn run_to_end<P: Program + 'static, Q: Program + 'static>(
    job: Job,
    make: MakeProgram<P>,
    lifecycle: Lifecycle<Q>,
    search: Option<SearchJob>,
    observer: &mut dyn Observer,
) -> Result<Outcome, Refused> {
    let clock = Clock::start();
    let ground = Ground::prepare(&job, clock)?;
    let job = Arc::new(job);
    // First, so that whoever sees the header can stop the run in good order.
    signal::trap();
    let (news, inbox) = channel();
    let mut crew = Crew::muster(&ground, &job, &make, &ground.placement.workers, 0, &news)?;
    if !ground.placement.rest.is_empty() {
        cpu::restrict_to(&ground.placement.rest);
    }
    let because = crew.wait_until_ready(&inbox, ground.transport, observer)?;
    let engine = ground.engine(because);
    observer.on_begin(&engine);
    observer.on_clock(clock.now());
    let mut control = Control::new(clock, inbox, job.registry.clone(), crew.links.len(), job.keeps_timeline);
    if job.samples.is_wanted() {
        job.samples.begin(wall().saturating_sub(Duration::from_nanos(clock.now().0)));
        control.samples = Some(job.samples.clone());
    }
    if let Some(setup) = lifecycle.setup {
        run_phase(&ground, &job, &setup, SETUP, &news, &mut control, observer)?;
        control.note_phase((setup.result)(), Ended::SetupTimeout(setup.timeout));
    }
    let has_begun = control.ended == Ended::Finished;
    if has_begun {
        control.watch(ground.setting(&job), clock.now());
        let conductor = |search| Conductor::new(search, crew.links.len(), &job.registry);
        control.conductor = search.map(conductor);
        crew.begin(clock.now());
        control.attend(&mut crew, true, observer);
    }
    // k6: an abort or a first Ctrl-C does not keep teardown() from running; a second one does.
    if let Some(teardown) = lifecycle.teardown.filter(|_| has_begun && !control.was_abandoned()) {
        let timeout = Ended::TeardownTimeout(teardown.timeout);
        let result = match run_phase(&ground, &job, &teardown, TEARDOWN, &news, &mut control, observer) {
            Ok(()) => (teardown.result)(),
            // What was measured is not lost with it.
            Err(refused) => PhaseResult::Aborted(refused.to_string()),
        };
        control.note_phase(result, timeout);
    }
    Ok(control.finish(crew, engine, has_begun))
}

const SETUP: &str = "::setup";
const TEARDOWN: &str = "::teardown";

/// Calls one function in a VU of its own, on a worker of its own.
fn run_phase<P: Program + 'static>(
    ground: &Ground,
    job: &Arc<Job>,
    phase: &Phase<P>,
    group: &'static str,
    news: &Sender<(usize, News)>,
    control: &mut Control,
    observer: &mut dyn Observer,
) -> Result<(), Refused> {
    let once = Scenario {
        name: String::new(),
        executor: Executor::PerVuIterations { vus: 1, iterations: 1, max_duration: phase.timeout },
        start_time: Duration::ZERO,
        graceful_stop: Duration::ZERO,
        exec: None,
        env: Default::default(),
        tags: Default::default(),
    };
    let group = group.to_owned();
    let plain = Job {
        scenarios: vec![once],
        group,
        portion: Portion::whole(),
        controlled: None,
        judges: false,
        ..(**job).clone()
    };
    let job = Arc::new(plain);
    let first = control.workers_known();
    let cpu = ground.placement.workers.first().copied().flatten();
    let mut crew = Crew::muster(ground, &job, &phase.make, &[cpu], first, news)?;
    crew.wait_until_ready(&control.inbox, ground.transport, observer)?;
    control.add_workers(1);
    crew.begin(control.clock.now());
    control.attend(&mut crew, false, observer);
    Ok(())
}
