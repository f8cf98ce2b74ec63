//! What scripts find without importing it, and what they must not find.

use super::console;
use super::engine;
use super::exceptions;
use super::loader;
use super::modules::timers;
use super::random;
use super::text_encoding;
use super::values::array_buffer;
use super::vu::{Stage, Vu};
use super::webcrypto;
use crate::options::Scenario;
use rquickjs::function::{Func, Opt};
use rquickjs::object::{Accessor, Property};
use rquickjs::{Ctx, Function, IntoJs, Object, Result, Value};

/// QuickJS has them and k6 does not; libraries test for some and then take other ways.
const ABSENT: &[&str] = &[
    "performance",
    "queueMicrotask",
    "DOMException",
    "atob",
    "btoa",
    "SharedArrayBuffer",
    "Atomics",
    "WeakRef",
    "FinalizationRegistry",
    "Iterator",
];

type Make = for<'js> fn(&Ctx<'js>) -> Result<Value<'js>>;

/// Made when a script first names them: most do not, and each VU would pay.
const LAZY: &[(&str, Make)] = &[
    ("crypto", webcrypto::object),
    ("TextEncoder", text_encoding::encoder),
    ("TextDecoder", text_encoding::decoder),
];

fn define_lazy<'js>(globals: &Object<'js>, name: &'static str, make: Make) -> Result<()> {
    let keep = move |ctx: &Ctx<'js>, value: Value<'js>| {
        ctx.globals().prop(name, Property::from(value).writable().enumerable().configurable())
    };
    let get = move |ctx: Ctx<'js>| -> Result<Value<'js>> {
        let value = make(&ctx)?;
        keep(&ctx, value.clone())?;
        Ok(value)
    };
    let set = move |ctx: Ctx<'js>, value: Value<'js>| keep(&ctx, value);
    globals.prop(name, Accessor::new(get, set).enumerable().configurable())
}

/// Sets a new VM's globals up, before any script runs.
pub fn define<'js>(ctx: &Ctx<'js>, vu: &Vu) -> Result<()> {
    let globals = ctx.globals();
    for name in ABSENT {
        globals.remove(*name)?;
    }
    globals.set("global", globals.clone())?;
    globals.set("__VU", vu.id as f64)?;
    globals.set("__ENV", env(ctx, vu, None)?)?;
    console::define(ctx)?;
    timers::define(&globals)?;
    random::define(ctx)?;
    for (name, make) in LAZY {
        define_lazy(&globals, name, *make)?;
    }
    for name in engine::TYPED_ARRAYS {
        let get = move |ctx: Ctx<'js>| -> Result<Value<'js>> {
            engine::need_typed_arrays(&ctx)?;
            ctx.globals().get(*name)
        };
        globals.prop(*name, Accessor::new_get(get).configurable())?;
    }
    globals.set("open", Func::from(open))?;
    let main = vu.test.sources.main_url().to_owned();
    let require = Function::new(ctx.clone(), move |ctx: Ctx<'js>, specifier: String| {
        loader::require(&ctx, &main, &specifier)
    })?;
    globals.set("require", require.with_name("require")?)
}

/// Sets what changes from one iteration to the next.
pub fn begin_iteration(ctx: &Ctx<'_>, vu: &Vu, scenario: &Scenario) -> Result<()> {
    let globals = ctx.globals();
    globals.set("__ITER", vu.iteration_in_instance() as f64)?;
    let has_own = |scenario: &Scenario| !scenario.env.is_empty();
    if vu.scenario_changed() && vu.settings().is_some_and(|run| run.scenarios.iter().any(has_own)) {
        globals.set("__ENV", env(ctx, vu, Some(scenario))?)?;
    }
    Ok(())
}

fn env<'js>(ctx: &Ctx<'js>, vu: &Vu, scenario: Option<&Scenario>) -> Result<Object<'js>> {
    let env = Object::new(ctx.clone())?;
    let of_scenario = scenario.into_iter().flat_map(|scenario| &scenario.env);
    for (name, value) in vu.test.load.env.iter().chain(of_scenario) {
        env.set(name.as_str(), value.as_str())?;
    }
    Ok(env)
}

fn open<'js>(ctx: Ctx<'js>, path: String, mode: Opt<String>) -> Result<Value<'js>> {
    let vu = Vu::of(&ctx);
    if vu.stage() != Stage::Init {
        return Err(exceptions::throw(&ctx, ONLY_IN_INIT));
    }
    let sources = &vu.test.sources;
    let bytes =
        sources.open(sources.main_url(), &path).map_err(|error| exceptions::throw(&ctx, &error.message))?;
    match mode.0.as_deref() {
        Some("b") => array_buffer(&ctx, &bytes),
        _ => String::from_utf8_lossy(&bytes).into_owned().into_js(&ctx),
    }
}

const ONLY_IN_INIT: &str = "the \"open\" function is only available in the init stage (i.e. the global scope), see \
     https://grafana.com/docs/k6/latest/using-k6/test-lifecycle for more information";
