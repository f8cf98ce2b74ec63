//! The script, loaded once: what it exports, and the maker of VUs.

use super::engine::{ImportError, Vm, VmSettings};
use super::exceptions::{self, Failure};
use super::globals;
use super::loader::{self, Loader};
use super::program::{self, Call, JsProgram};
use super::test_run::{LiveNumbers, LoadSettings, RunSettings, Signals, TestRun};
use super::vu::Vu;
use crate::metrics::registry::Registry;
use crate::script::LogQueue;
use crate::script::log::LogLine;
use crate::script::source::{LoadError, Sources};
use rquickjs::{Ctx, Error, Object, Value};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// Why a script cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitError {
    /// To be logged as the end of the run.
    pub message: String,
    pub fields: Vec<(String, String)>,
    pub exit_code: u8,
}

/// k6's exit codes.
const EXIT_EXCEPTION: u8 = 107;
const EXIT_ABORTED: u8 = 108;
const EXIT_GENERIC: u8 = 255;

/// Shared by all workers; each makes its own VUs with it.
pub struct Blueprint {
    test: Arc<TestRun>,
    options: Option<String>,
    functions: BTreeSet<String>,
}

impl Blueprint {
    /// Runs module scope for the first time, as `__VU` 0.
    pub fn load(
        sources: Sources,
        settings: LoadSettings,
        log: &mut LogQueue,
    ) -> Result<Blueprint, InitError> {
        let test = Arc::new(TestRun::new(sources, settings));
        let vm = make_vm(&test, 0, log)?;
        let (options, functions) = vm.enter(log, |ctx| {
            let exports = read_exports(ctx);
            exports.map_err(|error| exception(ctx, Failure::Exception(error)))
        })?;
        if let Some(not_finite) = options.as_ref().and_then(|options| options.as_ref().err()) {
            return Err(InitError::generic(format!(
                "error parsing script options: json: unsupported value: {not_finite}"
            )));
        }
        if functions.is_empty() {
            return Err(InitError::generic("no exported functions in script".to_owned()));
        }
        test.sources.seal();
        Ok(Blueprint { test, options: options.and_then(Result::ok), functions })
    }

    /// The exported `options` as JSON; `None` if there are none.
    pub fn options_json(&self) -> Option<&str> {
        self.options.as_deref()
    }

    /// Names of the functions that the script exports.
    pub fn functions(&self) -> &BTreeSet<String> {
        &self.functions
    }

    pub fn has(&self, call: &Call) -> bool {
        self.functions.contains(call.function())
    }

    /// Metrics that the script declared, beside the built-in ones.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.test.registry
    }

    pub fn sources(&self) -> &Sources {
        &self.test.sources
    }

    /// Whether its texts or its environment name this machine: then the target probably runs here.
    pub fn mentions_this_machine(&self) -> bool {
        let names = ["localhost", "127.0.0.", "[::1]"];
        let is_named = |text: &str| names.iter().any(|name| text.contains(name));
        self.test.sources.any_text(is_named) || self.test.load.env.values().any(|value| is_named(value))
    }

    /// Says what the options are, once; before VUs are made.
    pub fn configure(&self, settings: RunSettings) {
        self.test.configure(settings);
    }

    /// What setup returned, once; before the first iteration.
    pub fn set_setup_data(&self, json: Option<String>) {
        self.test.set_setup_data(json);
    }

    /// What scripts tell the run.
    pub fn signals(&self) -> &Signals {
        &self.test.signals
    }

    /// For `k6/execution`; there once the run is configured.
    pub fn live(&self) -> Option<&LiveNumbers> {
        self.test.live()
    }

    /// A VU with this `__VU`. It stays on the calling thread.
    pub fn make_vu(&self, id: u64, log: &mut LogQueue) -> Result<JsProgram, InitError> {
        Ok(JsProgram::new(self.make_configured(id, log)?, None))
    }

    /// As `make_vu`, where execution segments give the VU another number in the whole test.
    pub fn make_vu_of(&self, id: u64, id_in_test: u64, log: &mut LogQueue) -> Result<JsProgram, InitError> {
        let vm = self.make_configured(id, log)?;
        vm.enter(log, |ctx| {
            Vu::of(ctx).id_in_test.set(id_in_test);
            Ok::<(), InitError>(())
        })?;
        Ok(JsProgram::new(vm, None))
    }

    /// A temporary VU for one call; it runs when the program is started.
    pub fn make_call(&self, call: Call, log: &mut LogQueue) -> Result<JsProgram, InitError> {
        Ok(JsProgram::new(self.make_configured(0, log)?, Some(call)))
    }

    fn make_configured(&self, id: u64, log: &mut LogQueue) -> Result<Vm, InitError> {
        let vm = make_vm(&self.test, id, log)?;
        let settings = self.test.settings().expect("a run is configured before its VUs are made");
        vm.enter(log, |ctx| {
            let written = write_options(ctx, &settings.options_json);
            written.map_err(|error| exception(ctx, Failure::Exception(error)))
        })?;
        Ok(vm)
    }
}

/// Makes a VM and runs module scope in it.
fn make_vm(test: &Arc<TestRun>, id: u64, log: &mut LogQueue) -> Result<Vm, InitError> {
    let settings = VmSettings {
        memory_max_bytes: test.load.memory_max_bytes,
        clock: test.load.clock,
        on_rejection: |ctx, promise, reason, is_handled| {
            Vu::of(ctx).events.on_rejection(ctx, promise, reason, is_handled);
        },
    };
    let vu = Vu::new(test.clone(), id);
    let vm = Vm::new(&settings, Box::new(vu), Rc::new(Loader(test.clone())))
        .map_err(|error| InitError::generic(format!("a JavaScript VM cannot be made: {error}")))?;
    vm.enter(log, |ctx| {
        let vu = Vu::of(ctx);
        globals::define(ctx, vu).map_err(|error| exception(ctx, Failure::Exception(error)))?;
        match loader::import_main(ctx, test.sources.main_url()) {
            Ok(exports) => {
                vu.set_exports(ctx, exports);
                Ok(())
            }
            Err(ImportError::Linking) => Err(linking(ctx)),
            Err(ImportError::Evaluating) => Err(exception(ctx, Failure::Exception(Error::Exception))),
        }
    })?;
    Ok(vm)
}

/// The exported options, or the number in them that JSON cannot hold; and the exported functions.
type Exports = (Option<Result<String, String>>, BTreeSet<String>);

fn read_exports(ctx: &Ctx<'_>) -> rquickjs::Result<Exports> {
    let exports = Vu::of(ctx).exports(ctx)?;
    let mut functions = BTreeSet::new();
    for entry in exports.props::<String, Value>() {
        let (name, value) = entry?;
        if value.is_function() {
            functions.insert(name);
        }
    }
    let options: Value = exports.get("options")?;
    if let Some(not_finite) = not_finite(&options, 0)? {
        return Ok((Some(Err(not_finite)), functions));
    }
    let json = match options.is_null() {
        true => None,
        false => ctx.json_stringify(options)?,
    };
    Ok((json.map(|json| json.to_string()).transpose()?.map(Ok), functions))
}

/// A number in a value that JSON would silently make null; Go refuses it.
fn not_finite(value: &Value<'_>, depth: usize) -> rquickjs::Result<Option<String>> {
    const DEPTH_MAX: usize = 64;
    if let Some(number) = value.as_float().filter(|number| !number.is_finite()) {
        return Ok(Some(match number {
            number if number.is_nan() => "NaN".to_owned(),
            number if number > 0.0 => "+Inf".to_owned(),
            _ => "-Inf".to_owned(),
        }));
    }
    let Some(object) = value.as_object().filter(|object| !object.is_function() && depth < DEPTH_MAX) else {
        return Ok(None);
    };
    for value in object.props::<String, Value>() {
        if let Some(found) = not_finite(&value?.1, depth + 1)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// k6 writes the final options into each VU's own.
fn write_options(ctx: &Ctx<'_>, json: &str) -> rquickjs::Result<()> {
    let options: Value = Vu::of(ctx).exports(ctx)?.get("options")?;
    let (Some(options), false) = (options.as_object(), json.is_empty()) else { return Ok(()) };
    let Some(consolidated) = ctx.json_parse(json)?.into_object() else { return Ok(()) };
    for entry in consolidated.props::<String, Value>() {
        let (name, value) = entry?;
        if !value.is_null() {
            options.set(name, value)?;
        }
    }
    Ok(())
}

fn exception(ctx: &Ctx<'_>, failure: Failure) -> InitError {
    if let Some(text) = Vu::of(ctx).test.signals.aborted() {
        return InitError { message: text.to_owned(), fields: Vec::new(), exit_code: EXIT_ABORTED };
    }
    let LogLine { message, fields, .. } = program::failure_line(ctx, failure);
    InitError { message, fields, exit_code: EXIT_EXCEPTION }
}

/// What is wrong before anything ran, in k6's frame around it.
fn linking(ctx: &Ctx<'_>) -> InitError {
    let thrown = ctx.catch();
    let message = match thrown.as_object() {
        Some(error) => link_text(error).unwrap_or_default(),
        None => exceptions::text_of(ctx, thrown).0,
    };
    let error = LoadError { message, exit_code: EXIT_EXCEPTION };
    let framed = Vu::of(ctx).test.sources.while_loading(error);
    InitError { message: framed.message, fields: Vec::new(), exit_code: framed.exit_code }
}

/// `file:///a.js: Line 1:35 unexpected token` of an error of the compiler, which says in its stack
/// where it is; others are their message.
fn link_text(error: &Object<'_>) -> rquickjs::Result<String> {
    let message: String = error.get("message")?;
    let stack: Option<String> = error.get("stack")?;
    let place = stack.as_deref().and_then(|stack| {
        let place = stack.lines().next()?.trim_start().strip_prefix("at ")?;
        let (rest, column) = place.rsplit_once(':')?;
        let (url, line) = rest.rsplit_once(':')?;
        Some(format!("{url}: Line {line}:{column} {message}"))
    });
    Ok(place.unwrap_or(message))
}

impl InitError {
    fn generic(message: String) -> InitError {
        InitError { message, fields: Vec::new(), exit_code: EXIT_GENERIC }
    }
}
