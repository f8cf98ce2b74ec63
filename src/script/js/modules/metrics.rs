//! `k6/metrics`: Counter, Gauge, Rate, Trend.

use crate::metrics::builtin::Kind;
use crate::metrics::registry::MetricId;
use crate::metrics::summary::Contains;
use crate::script::js::engine::{self, Native, NativeClass};
use crate::script::js::exceptions;
use crate::script::js::samples;
use crate::script::js::vu::{Stage, Vu};
use crate::script::log::{LogLevel, LogLine};
use rquickjs::function::{Constructor, Func, Opt, This};
use rquickjs::object::Property;
use rquickjs::{Coerced, Ctx, FromJs, Object, Result, Value};

/// A metric that a script declared.
struct Declared {
    id: MetricId,
    name: String,
}

impl NativeClass for Declared {
    const NAME: &'static str = "Metric";

    fn prototype<'js>(_ctx: &Ctx<'js>, prototype: &Object<'js>) -> Result<()> {
        prototype.set("add", Func::from(add))
    }
}

pub fn exports<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let exports = Object::new(ctx.clone())?;
    for kind in [Kind::Counter, Kind::Gauge, Kind::Rate, Kind::Trend] {
        let name = class_name(kind);
        let make = move |ctx: Ctx<'js>, name: Opt<Value<'js>>, is_time: Opt<Coerced<bool>>| {
            declare(&ctx, kind, name.0, is_time.0.is_some_and(|is_time| is_time.0))
        };
        let constructor = Constructor::new_class::<Native<Declared>, _, _>(ctx.clone(), make)?;
        constructor.set_name(name)?;
        exports.set(name, constructor)?;
    }
    Ok(exports)
}

fn class_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "Counter",
        Kind::Gauge => "Gauge",
        Kind::Rate => "Rate",
        Kind::Trend => "Trend",
    }
}

fn declare<'js>(ctx: &Ctx<'js>, kind: Kind, name: Option<Value<'js>>, is_time: bool) -> Result<Object<'js>> {
    let vu = Vu::of(ctx);
    if vu.stage() != Stage::Init {
        return Err(exceptions::throw(ctx, "metrics must be declared in the init context"));
    }
    let name = match name {
        Some(name) => Coerced::<String>::from_js(ctx, name)?.0,
        None => String::new(),
    };
    let contains = if is_time { Contains::Time } else { Contains::Default };
    let id = vu.test.registry.declare(&name, kind, contains);
    let id = id.map_err(|text| exceptions::throw(ctx, &text))?;
    let object = Native::object(ctx, Declared { id, name: name.clone() })?;
    object.prop("name", Property::from(name).enumerable())?;
    Ok(object)
}

fn add<'js>(
    ctx: Ctx<'js>,
    this: This<Value<'js>>,
    value: Opt<Value<'js>>,
    tags: Opt<Value<'js>>,
) -> Result<bool> {
    let Some(metric) = Native::<Declared>::from_value(&this.0) else {
        return Err(rquickjs::Exception::throw_type(&ctx, "add() is a method of metrics"));
    };
    let metric = metric.borrow();
    let Declared { id, name } = &metric.0;
    exceptions::not_in_init(&ctx, "Adding to metrics in the init context is not supported")?;
    let value = value.0.unwrap_or_else(|| Value::new_undefined(ctx.clone()));
    let Some(number) = number(&ctx, &value)? else {
        refuse(&ctx, name, value)?;
        return Ok(false);
    };
    let tags = samples::tags_given(&ctx, tags.0.as_ref())?;
    samples::record_value(&ctx, *id, number, tags.as_ref())?;
    Ok(true)
}

/// `None`: nothing that can be added.
fn number<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<Option<f64>> {
    let number = match (value.as_number(), value.as_bool()) {
        (Some(number), _) => number,
        (None, Some(truth)) => f64::from(u8::from(truth)),
        (None, None) if value.is_string() => Coerced::<f64>::from_js(ctx, value.clone())?.0,
        (None, None) => f64::NAN,
    };
    Ok(Some(number).filter(|number| !number.is_nan()))
}

/// An exception if failures throw, else a warning.
fn refuse<'js>(ctx: &Ctx<'js>, name: &str, value: Value<'js>) -> Result<()> {
    let shown = match value.is_undefined() {
        true => "undefined".to_owned(),
        false => Coerced::<String>::from_js(ctx, value)?.0,
    };
    let message =
        format!("'{shown}' is an invalid value for metric '{name}', a number or a boolean value is expected");
    if Vu::of(ctx).settings().is_some_and(|run| run.http.throw) {
        return Err(exceptions::throw(ctx, &message));
    }
    engine::with_log(ctx, |log| log.push(LogLine { level: LogLevel::Warning, message, fields: Vec::new() }))
}
