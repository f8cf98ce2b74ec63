//! `k6/timers`: the four functions that are globals, too.

use crate::script::js::event_loop;
use crate::script::js::exceptions;
use crate::script::js::vu::Vu;
use rquickjs::function::{Func, Opt, Rest};
use rquickjs::{Coerced, Ctx, Object, Result, Value};

pub fn exports<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let exports = Object::new(ctx.clone())?;
    define(&exports)?;
    Ok(exports)
}

/// Puts the four functions on an object.
pub fn define(on: &Object<'_>) -> Result<()> {
    on.set("setTimeout", Func::from(set_timeout))?;
    on.set("clearTimeout", Func::from(clear))?;
    on.set("setInterval", Func::from(set_interval))?;
    on.set("clearInterval", Func::from(clear))
}

fn set_timeout<'js>(
    ctx: Ctx<'js>,
    callback: Opt<Value<'js>>,
    delay_ms: Opt<Coerced<f64>>,
    arguments: Rest<Value<'js>>,
) -> Result<f64> {
    set(&ctx, "setTimeout", callback, delay_ms, arguments)
}

fn set_interval<'js>(
    ctx: Ctx<'js>,
    callback: Opt<Value<'js>>,
    delay_ms: Opt<Coerced<f64>>,
    arguments: Rest<Value<'js>>,
) -> Result<f64> {
    set(&ctx, "setInterval", callback, delay_ms, arguments)
}

fn set<'js>(
    ctx: &Ctx<'js>,
    name: &str,
    callback: Opt<Value<'js>>,
    delay_ms: Opt<Coerced<f64>>,
    arguments: Rest<Value<'js>>,
) -> Result<f64> {
    // Module scope is run to its end at once; nothing could wait in it.
    exceptions::not_in_init(ctx, &format!("Using {name}() in the init context is not supported"))?;
    let Some(callback) = callback.0.as_ref().and_then(Value::as_function).cloned() else {
        return Err(exceptions::throw(ctx, &format!("{name} requires a function as first argument")));
    };
    let delay_ms = delay_ms.0.map_or(0.0, |delay| delay.0);
    let delay_ns = (delay_ms.max(0.0) * 1e6) as u64;
    let repeats = name == "setInterval";
    Ok(event_loop::set_timer(ctx, callback, delay_ns, repeats, arguments.0) as f64)
}

fn clear(ctx: Ctx<'_>, id: Opt<Coerced<f64>>) {
    if let Some(id) = id.0 {
        Vu::of(&ctx).events.clear_timer(id.0 as u64);
    }
}
