//! A VU's script as a `Program`: its iterations, or one call of setup, teardown, handleSummary.

use super::engine::{self, Vm};
use super::event_loop;
use super::exceptions::{self, Failure};
use super::vu::{Stage, Vu};
use crate::script::log::{LogLevel, LogLine};
use crate::script::{Answer, Context, Iteration, Program, Step};
use rquickjs::function::Args;
use rquickjs::{ArrayBuffer, Ctx, Function, Persistent, Result, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// A function of the script that runs once, in a VU of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Setup,
    Teardown,
    /// With the summary's data as JSON.
    Summary(String),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// What it returned as JSON; `None`: nothing that JSON knows.
    Returned(Option<String>),
    /// What handleSummary wants to be written: name (`stdout`, a path) and content.
    Files(Vec<(String, Vec<u8>)>),
    /// To be logged as the end of the run.
    Threw(LogLine),
    /// `exec.test.abort()`: see `Signals::aborted`.
    Aborted,
}

pub struct JsProgram {
    vm: Vm,
    /// `None`: it iterates.
    call: Option<Call>,
    outcome: Rc<RefCell<Option<CallOutcome>>>,
    /// The test was aborted: the iteration never ends by itself, it is to be interrupted.
    halted: bool,
}

impl JsProgram {
    pub(super) fn new(vm: Vm, call: Option<Call>) -> JsProgram {
        JsProgram { vm, call, outcome: Rc::default(), halted: false }
    }

    /// How the call ended; `None` as long as it did not.
    pub fn take_outcome(&mut self) -> Option<CallOutcome> {
        self.outcome.borrow_mut().take()
    }

    /// Of this VU's JavaScript heap; slow.
    pub fn heap_bytes(&self) -> u64 {
        self.vm.heap_bytes()
    }

    /// A step of the VM as the VU is to see it.
    fn seen(&mut self, step: Step) -> Step {
        let aborted = self.vm.host::<Vu>().test.signals.aborted().is_some();
        if step == Step::Done && aborted && self.call.is_none() {
            self.halted = true;
            return Step::Wait;
        }
        step
    }
}

impl Program for JsProgram {
    const IS_NUMBERED: bool = true;
    /// Made, it is a runtime, a context and the init code: 100 µs and more.
    const IS_COSTLY: bool = true;

    fn start(&mut self, context: &mut Context<'_>, iteration: Iteration) -> Step {
        let vu = self.vm.host::<Vu>();
        let step = match &self.call {
            None if vu.test.signals.aborted().is_some() => Step::Done,
            None => {
                vu.begin(Stage::Iteration, Some(iteration));
                self.vm.start(context, iterate)
            }
            Some(call) => {
                vu.begin(call.stage(), None);
                let (call, outcome) = (call.clone(), Rc::clone(&self.outcome));
                self.vm.start(context, move |ctx| {
                    let ended = run_call(ctx, &call);
                    outcome.replace(Some(ended));
                })
            }
        };
        self.seen(step)
    }

    fn resume(&mut self, context: &mut Context<'_>, answer: Answer) -> Step {
        if self.halted {
            return Step::Wait;
        }
        let step = self.vm.resume(context, answer);
        self.seen(step)
    }

    fn cancel(&mut self, context: &mut Context<'_>) {
        self.halted = false;
        self.vm.cancel(Some(context));
        let events = &self.vm.host::<Vu>().events;
        for (id, repeats) in events.pending_timers() {
            let kind = if repeats { "setInterval" } else { "setTimeout" };
            let message = format!("{kind} {id} was stopped because the VU iteration was interrupted");
            context.log.push(LogLine { level: LogLevel::Warning, message, fields: Vec::new() });
        }
        events.clear();
    }
}

impl Call {
    pub(super) fn function(&self) -> &'static str {
        match self {
            Call::Setup => "setup",
            Call::Teardown => "teardown",
            Call::Summary(_) => "handleSummary",
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Call::Setup => Stage::Setup,
            Call::Teardown => Stage::Teardown,
            Call::Summary(_) => Stage::Summary,
        }
    }
}

fn iterate(ctx: &Ctx<'_>) {
    if let Err(failure) = try_iterate(ctx) {
        log_failure(ctx, failure);
    }
}

fn try_iterate(ctx: &Ctx<'_>) -> std::result::Result<(), Failure> {
    let vu = Vu::of(ctx);
    let scenario = vu.scenario().expect("an iteration is of a scenario");
    super::globals::begin_iteration(ctx, vu, scenario)?;
    let name = scenario.exec.as_deref().unwrap_or("default");
    let function = vu
        .function(ctx, name)?
        .ok_or_else(|| exceptions::throw(ctx, &format!("function '{name}' not found in exports")))?;
    let data = vu.setup_data(ctx)?;
    run_function(ctx, &function, Some(data)).map(drop)
}

/// Calls a function and waits for all that it began; gives what it returned or resolved to.
fn run_function<'js>(
    ctx: &Ctx<'js>,
    function: &Function<'js>,
    argument: Option<Value<'js>>,
) -> std::result::Result<Value<'js>, Failure> {
    let mut call = Args::new(ctx.clone(), 1);
    if let Some(argument) = argument {
        call.push_arg(argument)?;
    }
    let returned: Value = function.call_arg(call)?;
    event_loop::run(ctx)?;
    match returned.as_promise() {
        None => Ok(returned),
        Some(promise) => match promise.result::<Value>() {
            Some(result) => Ok(result?),
            None => Err(exceptions::throw(ctx, "the promise that was returned is never settled").into()),
        },
    }
}

fn log_failure(ctx: &Ctx<'_>, failure: Failure) {
    if engine::is_stopping(ctx) {
        return;
    }
    let mut line = failure_line(ctx, failure);
    if let Some(scenario) = Vu::of(ctx).scenario() {
        line.fields.push(("executor".to_owned(), scenario.executor.name().to_owned()));
        line.fields.push(("scenario".to_owned(), scenario.name.clone()));
        line.fields.sort();
    }
    // Outside of an iteration there is nobody to tell.
    let _ = engine::with_log(ctx, |log| log.push(line));
}

/// k6's line about an error that nothing caught.
pub(super) fn failure_line(ctx: &Ctx<'_>, failure: Failure) -> LogLine {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let (message, fields) = match failure {
        Failure::Exception(error) => (
            exceptions::take_text(ctx, &error),
            vec![field("hint", "script exception"), field("source", "stacktrace")],
        ),
        Failure::Rejection(reason) => (rejection_text(ctx, reason), Vec::new()),
    };
    LogLine { level: LogLevel::Error, message, fields }
}

fn rejection_text(ctx: &Ctx<'_>, reason: Persistent<Value<'static>>) -> String {
    let reason = reason.restore(ctx).map(|reason| exceptions::rejection_text(ctx, reason));
    format!("Uncaught (in promise) {}", reason.unwrap_or_default())
}

fn run_call(ctx: &Ctx<'_>, call: &Call) -> CallOutcome {
    match try_call(ctx, call) {
        Ok(outcome) => outcome,
        Err(_) if engine::is_stopping(ctx) => CallOutcome::Aborted,
        Err(failure) => CallOutcome::Threw(failure_line(ctx, failure)),
    }
}

fn try_call(ctx: &Ctx<'_>, call: &Call) -> std::result::Result<CallOutcome, Failure> {
    let vu = Vu::of(ctx);
    let Some(function) = vu.function(ctx, call.function())? else {
        return Ok(CallOutcome::Returned(None));
    };
    let argument = match call {
        Call::Setup => None,
        Call::Teardown => Some(vu.setup_data(ctx)?),
        Call::Summary(data) => Some(ctx.json_parse(data.as_str())?),
    };
    let returned = run_function(ctx, &function, argument)?;
    Ok(match call {
        Call::Summary(_) => CallOutcome::Files(files(ctx, &returned)?),
        Call::Setup | Call::Teardown => {
            let json = ctx.json_stringify(returned)?;
            CallOutcome::Returned(json.map(|json| json.to_string()).transpose()?)
        }
    })
}

/// handleSummary's answer: an object of texts and ArrayBuffers by name.
fn files<'js>(ctx: &Ctx<'js>, returned: &Value<'js>) -> Result<Vec<(String, Vec<u8>)>> {
    let Some(object) = returned.as_object().filter(|object| !object.is_function()) else {
        return Ok(Vec::new());
    };
    object
        .props::<String, Value>()
        .map(|entry| {
            entry.and_then(|(name, value)| {
                let content = content(ctx, &name, &value)?;
                Ok((name, content))
            })
        })
        .collect()
}

fn content<'js>(ctx: &Ctx<'js>, name: &str, value: &Value<'js>) -> Result<Vec<u8>> {
    if let Some(text) = value.as_string() {
        return Ok(text.to_string()?.into_bytes());
    }
    let buffer = value.as_object().cloned().and_then(ArrayBuffer::from_object);
    match buffer.as_ref().and_then(|buffer| buffer.as_bytes()) {
        Some(bytes) => Ok(bytes.to_vec()),
        None => Err(exceptions::throw(
            ctx,
            &format!("error while generating {name}: handleSummary() must return strings or ArrayBuffers"),
        )),
    }
}
