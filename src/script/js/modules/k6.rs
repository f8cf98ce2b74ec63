//! `k6`: check, group, sleep, fail, randomSeed.

use crate::script::js::engine;
use crate::script::js::event_loop;
use crate::script::js::exceptions::{self, not_in_init};
use crate::script::js::random;
use crate::script::js::samples;
use crate::script::js::vu::Vu;
use rquickjs::function::{Func, Opt};
use rquickjs::{Coerced, Ctx, Function, Object, Persistent, Result, Value};
use std::cell::OnceCell;

pub fn exports<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let exports = Object::new(ctx.clone())?;
    exports.set("check", Func::from(check))?;
    exports.set("fail", Func::from(fail))?;
    exports.set("group", Func::from(group))?;
    exports.set("randomSeed", Func::from(random_seed))?;
    exports.set("sleep", Func::from(sleep))?;
    Ok(exports)
}

/// k6's separator of groups in paths.
const SEPARATOR: &str = "::";
const SEPARATOR_IN_NAME: &str = "group and check names may not contain '::'";

/// Whether all conditions hold; each is a sample. One that throws has failed, and is the last.
fn check<'js>(
    ctx: Ctx<'js>,
    subject: Value<'js>,
    conditions: Opt<Value<'js>>,
    tags: Opt<Value<'js>>,
) -> Result<bool> {
    not_in_init(&ctx, "Using check() in the init context is not supported")?;
    let Some(conditions) = conditions.0.filter(|value| !value.is_undefined()) else {
        return Err(exceptions::throw(&ctx, "no checks provided to `check`"));
    };
    let Some(conditions) = conditions.as_object() else {
        return match conditions.is_null() {
            true => Err(rquickjs::Exception::throw_type(&ctx, "Cannot convert undefined or null to object")),
            // Texts and numbers have no conditions of their own that would be functions.
            false => Ok(true),
        };
    };
    let tags = samples::tags_given(&ctx, tags.0.as_ref())?;
    let mut all_hold = true;
    for entry in conditions.props::<String, Value>() {
        let (name, condition) = entry?;
        if name.contains(SEPARATOR) {
            return Err(exceptions::throw(&ctx, SEPARATOR_IN_NAME));
        }
        let held = match condition.as_function() {
            Some(function) if is_async(&ctx, function)? => {
                return Err(exceptions::throw(&ctx, ASYNC_CHECK));
            }
            Some(function) => {
                function.call::<_, Value>((subject.clone(),)).and_then(|held| truth(&ctx, held))
            }
            None => truth(&ctx, condition),
        };
        if held.is_err() && engine::is_stopping(&ctx) {
            return held;
        }
        // Recording fails only while the iteration ends, and then its error is the one to keep.
        samples::record_check(&ctx, &name, matches!(held, Ok(true)), tags.as_ref())?;
        all_hold &= held?;
    }
    Ok(all_hold)
}

const ASYNC_CHECK: &str = "the built-in check() does not support async functions as arguments. Use the JavaScript utils \
     library as a replacement. Refer to https://grafana.com/docs/k6/latest/javascript-api/jslib/utils/check/ for \
     more info";
const ASYNC_GROUP: &str = "group() does not support async functions as arguments, please see \
     https://grafana.com/docs/k6/latest/javascript-api/k6/group/ for more info";

/// Calls back inside a group, whose duration is a sample also when the function throws.
fn group<'js>(ctx: Ctx<'js>, name: Coerced<String>, function: Opt<Value<'js>>) -> Result<Value<'js>> {
    not_in_init(&ctx, "Using group() in the init context is not supported")?;
    let Some(function) = function.0.as_ref().and_then(Value::as_function) else {
        return Err(exceptions::throw(&ctx, "group() requires a callback as a second argument"));
    };
    if is_async(&ctx, function)? {
        return Err(exceptions::throw(&ctx, ASYNC_GROUP));
    }
    if name.0.contains(SEPARATOR) {
        return Err(exceptions::throw(&ctx, SEPARATOR_IN_NAME));
    }
    let vu = Vu::of(&ctx);
    let outer = vu.group();
    vu.set_group(format!("{outer}{SEPARATOR}{}", name.0).into());
    let begin = engine::now(&ctx);
    let result = function.call::<_, Value>(());
    if !engine::is_stopping(&ctx) {
        samples::record_group(&ctx, engine::now(&ctx).since(begin))?;
    }
    vu.set_group(outer);
    result
}

/// Blocks the VU for so many seconds.
fn sleep(ctx: Ctx<'_>, seconds: Coerced<f64>) -> Result<()> {
    not_in_init(&ctx, "Using sleep() in the init context is not supported")?;
    if Vu::of(&ctx).settings().is_some_and(|run| run.no_sleep) {
        return Ok(());
    }
    event_loop::sleep(&ctx, (seconds.0.max(0.0) * 1e9) as u64)
}

fn fail(ctx: Ctx<'_>, message: Opt<Coerced<String>>) -> Result<()> {
    Err(exceptions::throw(&ctx, &message.0.map_or(String::new(), |message| message.0)))
}

fn random_seed(ctx: Ctx<'_>, seed: Coerced<f64>) {
    random::seed(&ctx, seed.0 as i64 as u64);
}

fn truth<'js>(ctx: &Ctx<'js>, value: Value<'js>) -> Result<bool> {
    match value.as_bool() {
        Some(truth) => Ok(truth),
        None => rquickjs::FromJs::from_js(ctx, value).map(|Coerced(truth)| truth),
    }
}

/// The prototype that all async functions of a VM have.
#[derive(Default)]
struct AsyncFunctions(OnceCell<Persistent<Object<'static>>>);

fn is_async<'js>(ctx: &Ctx<'js>, function: &Function<'js>) -> Result<bool> {
    let known = Vu::of(ctx).slot::<AsyncFunctions>();
    let prototype = match known.0.get() {
        Some(prototype) => prototype.clone().restore(ctx)?,
        None => {
            let prototype: Object = ctx.eval("Object.getPrototypeOf(async () => {})")?;
            known.0.get_or_init(|| Persistent::save(ctx, prototype.clone()));
            prototype
        }
    };
    Ok(function.get_prototype() == Some(prototype))
}
