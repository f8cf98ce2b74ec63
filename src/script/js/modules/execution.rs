//! `k6/execution`: what runs, and the way to end it.

use crate::script::Iteration;
use crate::script::js::engine;
use crate::script::js::exceptions;
use crate::script::js::samples;
use crate::script::js::test_run::LiveNumbers;
use crate::script::js::vu::{Stage, Vu};
use crate::script::log::{LogLevel, LogLine};
use rquickjs::function::{Func, Opt};
use rquickjs::object::Accessor;
use rquickjs::proxy::{Proxy, ProxyHandler};
use rquickjs::{Coerced, Ctx, Exception, Object, Persistent, Result, Value};
use std::cell::OnceCell;
use std::sync::atomic::{AtomicU64, Ordering};

pub fn exports<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let exports = Object::new(ctx.clone())?;
    exports.set("instance", instance(ctx)?)?;
    exports.set("scenario", scenario(ctx)?)?;
    exports.set("test", test(ctx)?)?;
    exports.set("vu", vu(ctx)?)?;
    Ok(exports)
}

fn instance<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    let run_duration = |ctx: Ctx<'_>| {
        let started_at_ns = of_live(&ctx, |live| &live.test_started_at_ns)?;
        Ok((engine::now(&ctx).0 as f64 - started_at_ns) / 1e6)
    };
    object.prop("currentTestRunDuration", Accessor::from(getter(run_duration)).enumerable())?;
    for (name, number) in [
        ("iterationsCompleted", (|live| &live.iterations_completed) as fn(&LiveNumbers) -> &AtomicU64),
        ("iterationsInterrupted", |live| &live.iterations_interrupted),
        ("vusActive", |live| &live.vus_active),
        ("vusInitialized", |live| &live.vus_initialized),
    ] {
        let get = move |ctx: Ctx<'_>| of_live(&ctx, number);
        object.prop(name, Accessor::from(getter(get)).enumerable())?;
    }
    Ok(object)
}

/// Fixes a closure's type to that of a getter of numbers.
fn getter<F: Fn(Ctx<'_>) -> Result<f64>>(get: F) -> F {
    get
}

fn of_live(ctx: &Ctx<'_>, number: impl Fn(&LiveNumbers) -> &AtomicU64) -> Result<f64> {
    let vu = Vu::of(ctx);
    match vu.test.live() {
        Some(live) if vu.stage() != Stage::Init => Ok(number(live).load(Ordering::Relaxed) as f64),
        _ => Err(exceptions::throw(ctx, "getting instance information in the init context is not supported")),
    }
}

fn scenario<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    let name = |ctx: Ctx<'_>| in_scenario(&ctx).map(|(vu, _)| vu.scenario_name().to_owned());
    object.prop("name", Accessor::from(name).enumerable())?;
    let executor = |ctx: Ctx<'_>| {
        in_scenario(&ctx).map(|(vu, _)| vu.scenario().map_or("", |scenario| scenario.executor.name()))
    };
    object.prop("executor", Accessor::from(executor).enumerable())?;
    let start_time = getter(|ctx: Ctx<'_>| {
        let (vu, _) = in_scenario(&ctx)?;
        let delay_ms = vu.scenario().map_or(0, |scenario| scenario.start_time.as_millis());
        Ok(of_live(&ctx, |live| &live.test_started_at_unix_ms)? + delay_ms as f64)
    });
    object.prop("startTime", Accessor::from(start_time).enumerable())?;
    let progress = getter(|ctx: Ctx<'_>| {
        let (vu, iteration) = in_scenario(&ctx)?;
        let progress = vu.test.live().and_then(|live| live.progress.get(iteration.scenario as usize));
        Ok(progress.map_or(0.0, |millionths| millionths.load(Ordering::Relaxed) as f64 / 1e6))
    });
    object.prop("progress", Accessor::from(progress).enumerable())?;
    let in_instance = getter(|ctx: Ctx<'_>| Ok(in_scenario(&ctx)?.1.in_instance as f64));
    object.prop("iterationInInstance", Accessor::from(in_instance).enumerable())?;
    let in_test = getter(|ctx: Ctx<'_>| Ok(in_scenario(&ctx)?.1.in_test as f64));
    object.prop("iterationInTest", Accessor::from(in_test).enumerable())?;
    Ok(object)
}

fn in_scenario<'a>(ctx: &'a Ctx<'_>) -> Result<(&'a Vu, Iteration)> {
    let vu = Vu::of(ctx);
    match vu.iteration() {
        Some(iteration) if vu.stage() == Stage::Iteration => Ok((vu, iteration)),
        _ => Err(exceptions::throw(
            ctx,
            "getting scenario information outside of the VU context is not supported",
        )),
    }
}

fn vu<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    let id = getter(|ctx: Ctx<'_>| Ok(in_vu(&ctx)?.id as f64));
    object.prop("idInInstance", Accessor::from(id).enumerable())?;
    let id_in_test = getter(|ctx: Ctx<'_>| Ok(in_vu(&ctx)?.id_in_test.get() as f64));
    object.prop("idInTest", Accessor::from(id_in_test).enumerable())?;
    let in_instance = getter(|ctx: Ctx<'_>| Ok(in_vu(&ctx)?.iteration_in_instance() as f64));
    object.prop("iterationInInstance", Accessor::from(in_instance).enumerable())?;
    let in_scenario = getter(|ctx: Ctx<'_>| Ok(in_vu(&ctx)?.iteration_in_scenario() as f64));
    object.prop("iterationInScenario", Accessor::from(in_scenario).enumerable())?;
    let tags = tags(ctx)?;
    object.set("tags", tags.clone())?;
    let metrics = Object::new(ctx.clone())?;
    metrics.set("tags", tags)?;
    // Kept for the script; no output shows it.
    metrics.set("metadata", Object::new(ctx.clone())?)?;
    object.set("metrics", metrics)?;
    Ok(object)
}

fn in_vu<'a>(ctx: &'a Ctx<'_>) -> Result<&'a Vu> {
    exceptions::not_in_init(ctx, "getting VU information in the init context is not supported")?;
    Ok(Vu::of(ctx))
}

/// The VU's tags as an object: what a script sets is on all samples from then on.
fn tags<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let handler = Object::new(ctx.clone())?;
    let get = |ctx: Ctx<'js>, target: Object<'js>, key: Value<'js>| match key.as_string() {
        Some(name) => Ok(rquickjs::IntoJs::into_js(tag(in_vu(&ctx)?, &name.to_string()?), &ctx)?),
        None => target.get::<_, Value>(key),
    };
    handler.set("get", Func::from(get))?;
    let has = |ctx: Ctx<'js>, _target: Object<'js>, key: Coerced<String>| {
        Ok::<_, rquickjs::Error>(tag(in_vu(&ctx)?, &key.0).is_some())
    };
    handler.set("has", Func::from(has))?;
    let set = |ctx: Ctx<'js>, _target: Object<'js>, key: Coerced<String>, value: Value<'js>| {
        let vu = in_vu(&ctx)?;
        if !(value.is_string() || value.is_number() || value.is_bool()) {
            let text = format!(
                "invalid value for metric tag '{}': only String, Boolean and Number types are accepted as a metric \
                 tag values",
                key.0
            );
            return Err(Exception::throw_type(&ctx, &text));
        }
        let value = samples::tag_value(&ctx, &key.0, value)?;
        vu.set_tag(key.0, value);
        Ok(true)
    };
    handler.set("set", Func::from(set))?;
    let delete = |ctx: Ctx<'js>, _target: Object<'js>, key: Coerced<String>| {
        in_vu(&ctx)?.remove_tag(&key.0);
        Ok::<_, rquickjs::Error>(true)
    };
    handler.set("deleteProperty", Func::from(delete))?;
    let keys = |ctx: Ctx<'js>, _target: Object<'js>| Ok::<_, rquickjs::Error>(tag_names(in_vu(&ctx)?));
    handler.set("ownKeys", Func::from(keys))?;
    let describe = |ctx: Ctx<'js>, _target: Object<'js>, key: Coerced<String>| {
        let Some(value) = tag(in_vu(&ctx)?, &key.0) else { return Ok(None) };
        let described = Object::new(ctx.clone())?;
        described.set("value", value)?;
        for flag in ["writable", "enumerable", "configurable"] {
            described.set(flag, true)?;
        }
        Ok::<_, rquickjs::Error>(Some(described))
    };
    handler.set("getOwnPropertyDescriptor", Func::from(describe))?;
    let target = Object::new(ctx.clone())?;
    Ok(Proxy::new(ctx.clone(), target, ProxyHandler::from_object(handler)?)?.into_inner())
}

fn tag(vu: &Vu, name: &str) -> Option<String> {
    match name {
        "group" => Some(vu.group().to_string()),
        "scenario" if vu.scenario().is_some() => Some(vu.scenario_name().to_owned()),
        name => vu.tags().get(name).cloned(),
    }
}

fn tag_names(vu: &Vu) -> Vec<String> {
    let mut names = vec!["group".to_owned()];
    if vu.scenario().is_some() {
        names.push("scenario".to_owned());
    }
    let user = vu.tags();
    names.extend(user.keys().filter(|name| !matches!(name.as_str(), "group" | "scenario")).cloned());
    names
}

fn test<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    object.set("abort", Func::from(abort))?;
    object.set("fail", Func::from(fail))?;
    object.prop("options", Accessor::from(options).enumerable())?;
    Ok(object)
}

/// Ends the test: this VU at once, the others when the run hears of it.
fn abort<'js>(ctx: Ctx<'js>, why: Opt<Value<'js>>) -> Result<()> {
    let vu = Vu::of(&ctx);
    let mut text = "test aborted".to_owned();
    if let Some(why) = why.0.filter(|why| !why.is_undefined()) {
        let Coerced(why) = rquickjs::FromJs::from_js(&ctx, why)?;
        let why: String = why;
        text = format!("{text}: {why}");
    }
    // k6 names the place only in an iteration.
    if let (Stage::Iteration, Some(place)) = (vu.stage(), exceptions::caller(&ctx)) {
        text = format!("{text} at {place}");
    }
    vu.test.signals.abort(text);
    Err(engine::stop(&ctx))
}

/// Marks the test as failed and goes on.
fn fail(ctx: Ctx<'_>, why: Opt<Coerced<String>>) -> Result<()> {
    Vu::of(&ctx).test.signals.fail();
    let message = match why.0 {
        Some(why) => format!("test marked as failed: {}", why.0),
        None => "test marked as failed".to_owned(),
    };
    engine::with_log(&ctx, |log| log.push(LogLine { level: LogLevel::Error, message, fields: Vec::new() }))
}

/// Made when first read.
#[derive(Default)]
struct Options(OnceCell<Persistent<Value<'static>>>);

/// The consolidated options, frozen.
fn options<'js>(ctx: Ctx<'js>) -> Result<Value<'js>> {
    let vu = Vu::of(&ctx);
    let known = vu.slot::<Options>();
    if let Some(options) = known.0.get() {
        return options.clone().restore(&ctx);
    }
    let Some(settings) = vu.settings().filter(|_| vu.stage() != Stage::Init) else {
        return Err(exceptions::throw(&ctx, "getting test options in the init context is not supported"));
    };
    let options = ctx.json_parse(settings.test_options_json.as_str())?;
    if let Some(object) = options.as_object() {
        for absent in ["vus", "iterations", "duration", "stages"] {
            object.remove(absent)?;
        }
        engine::freeze(&ctx, object)?;
    }
    known.0.get_or_init(|| Persistent::save(&ctx, options.clone()));
    Ok(options)
}
