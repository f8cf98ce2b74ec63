//! Runs scripts without a network: wishes, log lines and steps are looked at by the test.

use crate::metrics::{Recorder, RecorderBounds};
use crate::options::{Executor, Scenario};
use crate::script::js::{
    Blueprint, Call, CallOutcome, HttpSettings, InitError, JsProgram, LoadSettings, RunSettings,
};
use crate::script::log::{LogLine, LogQueue};
use crate::script::source::{MemoryFiles, Sources};
use crate::script::{Answer, Context, Iteration, Program, Step, Wish};
use crate::time::Instant;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

thread_local! {
    /// What the VMs of a test take for the clock; a nanosecond goes by per look at it.
    static CLOCK: Cell<u64> = const { Cell::new(0) };
}

fn clock() -> Instant {
    CLOCK.set(CLOCK.get() + 1);
    Instant(CLOCK.get())
}

/// A clock that makes every look a whole slice, so that computing scripts yield at once.
fn hasty_clock() -> Instant {
    CLOCK.set(CLOCK.get() + 2_000_000);
    Instant(CLOCK.get())
}

pub fn load_settings() -> LoadSettings {
    LoadSettings {
        env: BTreeMap::from([("NAME".to_owned(), "value".to_owned())]),
        memory_max_bytes: 64 << 20,
        clock,
    }
}

pub fn scenario(name: &str) -> Scenario {
    Scenario {
        name: name.to_owned(),
        executor: Executor::PerVuIterations { vus: 1, iterations: 1, max_duration: Duration::from_secs(600) },
        start_time: Duration::ZERO,
        graceful_stop: Duration::from_secs(30),
        exec: None,
        env: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

pub fn run_settings() -> RunSettings {
    RunSettings {
        no_sleep: false,
        options_json: "{}".to_owned(),
        test_options_json: "{}".to_owned(),
        scenarios: vec![scenario("default")],
        tags: BTreeMap::new(),
        http: HttpSettings::default(),
    }
}

/// What a test script is run with, and what it did.
pub struct Driver {
    pub recorder: Recorder,
    pub log: LogQueue,
    pub wishes: Vec<Wish>,
    pub now: Instant,
    /// Of the iterations that are started.
    pub scenario: u32,
}

impl Default for Driver {
    fn default() -> Driver {
        Driver {
            recorder: Recorder::new(RecorderBounds { samples: 100, leaves: 100 }),
            log: LogQueue::default(),
            wishes: Vec::new(),
            now: Instant(1_000_000_000),
            scenario: 0,
        }
    }
}

/// Files besides `file:///dir/t.js`, which is the script.
pub fn sources(script: &str, files: &[(&str, &str)]) -> Result<Sources, InitError> {
    let main = [("/dir/t.js", script)];
    let files = MemoryFiles::new(main.iter().chain(files).copied());
    let refused = |message: String, exit_code| InitError { message, fields: Vec::new(), exit_code };
    Sources::from_argument("t.js", None, Path::new("/dir"), Arc::new(files))
        .map(|(sources, _)| sources)
        .map_err(|error| refused(error.message, error.exit_code))
}

impl Driver {
    pub fn load(&mut self, script: &str) -> Result<Blueprint, InitError> {
        self.load_with(script, &[], load_settings())
    }

    pub fn load_with(
        &mut self,
        script: &str,
        files: &[(&str, &str)],
        settings: LoadSettings,
    ) -> Result<Blueprint, InitError> {
        Blueprint::load(sources(script, files)?, settings, &mut self.log)
    }

    /// A VU of a script that is right.
    #[track_caller]
    pub fn vu(&mut self, script: &str) -> JsProgram {
        let blueprint = self.load(script).unwrap_or_else(|error| panic!("{}", error.message));
        blueprint.configure(run_settings());
        blueprint.make_vu(1, &mut self.log).unwrap_or_else(|error| panic!("{}", error.message))
    }

    /// As `vu`, for scripts that compute: each look at the clock is a slice of time.
    #[track_caller]
    pub fn computing_vu(&mut self, script: &str) -> JsProgram {
        let settings = LoadSettings { clock: hasty_clock, ..load_settings() };
        let blueprint =
            self.load_with(script, &[], settings).unwrap_or_else(|error| panic!("{}", error.message));
        blueprint.configure(run_settings());
        blueprint.make_vu(1, &mut self.log).unwrap_or_else(|error| panic!("{}", error.message))
    }

    pub fn start(&mut self, program: &mut JsProgram) -> Step {
        let Driver { recorder, log, wishes, now, scenario } = self;
        let iteration = Iteration { scenario: *scenario, ..Iteration::default() };
        program.start(&mut Context { now: *now, recorder, log, wishes }, iteration)
    }

    pub fn resume(&mut self, program: &mut JsProgram, answer: Answer) -> Step {
        let Driver { recorder, log, wishes, now, .. } = self;
        program.resume(&mut Context { now: *now, recorder, log, wishes }, answer)
    }

    pub fn cancel(&mut self, program: &mut JsProgram) {
        let Driver { recorder, log, wishes, now, .. } = self;
        program.cancel(&mut Context { now: *now, recorder, log, wishes });
    }

    /// Answers timers and yields until the program is done or waits for something else.
    pub fn go_on(&mut self, program: &mut JsProgram, mut step: Step) -> Step {
        loop {
            let wake_at = match self.wishes.last() {
                Some(Wish::WakeAt(at)) => Some(*at),
                _ => None,
            };
            step = match (step, wake_at) {
                (Step::Yield, _) => self.resume(program, Answer::Continue),
                (Step::Wait, Some(at)) => {
                    self.wishes.pop();
                    self.now = self.now.max(at);
                    self.resume(program, Answer::Woken)
                }
                (step, _) => return step,
            };
        }
    }

    /// Runs one iteration that needs no answers but of timers.
    #[track_caller]
    pub fn iterate(&mut self, program: &mut JsProgram) {
        let step = self.start(program);
        let step = self.go_on(program, step);
        assert_eq!(step, Step::Done, "wishes: {:?}", self.wishes);
    }

    /// Runs setup, teardown or handleSummary.
    #[track_caller]
    pub fn call(&mut self, blueprint: &Blueprint, call: Call) -> CallOutcome {
        let mut program =
            blueprint.make_call(call, &mut self.log).unwrap_or_else(|error| panic!("{}", error.message));
        self.iterate(&mut program);
        program.take_outcome().expect("a call that is done has an outcome")
    }

    /// Messages of log lines since the last time.
    pub fn messages(&mut self) -> Vec<String> {
        self.log.take().0.into_iter().map(|line| line.message).collect()
    }

    pub fn lines(&mut self) -> Vec<LogLine> {
        self.log.take().0
    }
}
