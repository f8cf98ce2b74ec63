//! `k6/data`: SharedArray, one copy per process.
//!
//! Elements are kept as JSON, each parsed and frozen anew whenever it is read, as k6 does. To
//! scripts it is an array: a proxy around an empty one, so that the methods of arrays work.

use crate::script::js::engine;
use crate::script::js::exceptions;
use crate::script::js::vu::{Stage, Vu};
use rquickjs::function::{Func, Opt};
use rquickjs::proxy::{Proxy, ProxyHandler};
use rquickjs::{Array, Coerced, Ctx, Exception, Function, Object, Result, Value};
use std::sync::Arc;

pub fn exports<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let exports = Object::new(ctx.clone())?;
    let prototype = Array::new(ctx.clone())?.get_prototype().expect("arrays have a prototype");
    // The proxy answers for its prototype, so the constructor must not set another.
    let constructor = Function::new(ctx.clone(), construct)?.with_name("SharedArray")?.with_constructor(true);
    constructor.set("prototype", prototype)?;
    exports.set("SharedArray", constructor)?;
    Ok(exports)
}

fn construct<'js>(ctx: Ctx<'js>, name: Opt<Coerced<String>>, make: Opt<Value<'js>>) -> Result<Object<'js>> {
    let vu = Vu::of(&ctx);
    if vu.stage() != Stage::Init {
        return Err(exceptions::throw(&ctx, "new SharedArray must be called in the init context"));
    }
    let name = name.0.map(|name| name.0).unwrap_or_default();
    if name.is_empty() {
        return Err(exceptions::throw(&ctx, "empty name provided to SharedArray's constructor"));
    }
    let Some(make) = make.0.as_ref().and_then(Value::as_function) else {
        return Err(exceptions::throw(
            &ctx,
            "a function is expected as the second argument of SharedArray's constructor",
        ));
    };
    if make.get_prototype() != Some(Function::prototype(ctx.clone())) {
        return Err(exceptions::throw(
            &ctx,
            "SharedArray constructor does not support async functions as second argument",
        ));
    }
    let elements = match vu.test.array(&name) {
        Some(elements) => elements,
        None => vu.test.keep_array(&name, elements(&ctx, make)?),
    };
    shared(&ctx, elements)
}

/// The elements of what the function returns, each as JSON.
fn elements<'js>(ctx: &Ctx<'js>, make: &Function<'js>) -> Result<Vec<String>> {
    let made: Value = make.call(())?;
    let Some(array) = made.as_array() else {
        return Err(exceptions::throw(ctx, "only arrays can be made into SharedArray"));
    };
    array
        .iter::<Value>()
        .map(|element| match ctx.json_stringify(element?)? {
            Some(json) => json.to_string(),
            None => Ok("null".to_owned()),
        })
        .collect()
}

fn shared<'js>(ctx: &Ctx<'js>, elements: Arc<[String]>) -> Result<Object<'js>> {
    let handler = Object::new(ctx.clone())?;
    let of = elements.clone();
    handler.set(
        "get",
        Func::from(move |ctx: Ctx<'js>, target: Object<'js>, key: Value<'js>| match place(&key)? {
            Some(Key::Length) => Ok(Value::new_number(ctx, of.len() as f64)),
            Some(Key::Element(place)) => element(&ctx, &of, place),
            None => target.get::<_, Value>(key),
        }),
    )?;
    let of = elements.clone();
    handler.set(
        "has",
        Func::from(move |target: Object<'js>, key: Value<'js>| match place(&key)? {
            Some(Key::Length) => Ok(true),
            Some(Key::Element(place)) => Ok(place < of.len()),
            None => target.contains_key(key),
        }),
    )?;
    let of = elements.clone();
    handler.set(
        "ownKeys",
        Func::from(move |_target: Object<'js>| {
            let places = (0..of.len()).map(|place| place.to_string());
            places.chain(["length".to_owned()]).collect::<Vec<String>>()
        }),
    )?;
    handler.set(
        "getOwnPropertyDescriptor",
        Func::from(move |ctx: Ctx<'js>, _target: Object<'js>, key: Value<'js>| {
            describe(&ctx, &elements, place(&key)?)
        }),
    )?;
    for trap in ["set", "deleteProperty", "defineProperty", "setPrototypeOf", "preventExtensions"] {
        handler.set(trap, Func::from(immutable))?;
    }
    let target = Array::new(ctx.clone())?.into_object();
    Ok(Proxy::new(ctx.clone(), target, ProxyHandler::from_object(handler)?)?.into_inner())
}

fn immutable(ctx: Ctx<'_>) -> Result<bool> {
    Err(Exception::throw_type(&ctx, "SharedArray is immutable"))
}

enum Key {
    Length,
    Element(usize),
}

/// `None`: a key of arrays in general.
fn place(key: &Value<'_>) -> Result<Option<Key>> {
    let Some(text) = key.as_string() else { return Ok(None) };
    let text = text.to_string()?;
    Ok(match text.as_str() {
        "length" => Some(Key::Length),
        // `01` is a name like any other.
        digits if digits.len() > 1 && digits.starts_with('0') => None,
        digits if digits.bytes().all(|digit| digit.is_ascii_digit()) => digits.parse().ok().map(Key::Element),
        _ => None,
    })
}

fn element<'js>(ctx: &Ctx<'js>, elements: &[String], place: usize) -> Result<Value<'js>> {
    let Some(json) = elements.get(place) else { return Ok(Value::new_undefined(ctx.clone())) };
    let value = ctx.json_parse(json.as_str())?;
    if let Some(object) = value.as_object() {
        engine::freeze(ctx, object)?;
    }
    Ok(value)
}

fn describe<'js>(ctx: &Ctx<'js>, elements: &[String], key: Option<Key>) -> Result<Option<Object<'js>>> {
    let described = Object::new(ctx.clone())?;
    let (value, is_element) = match key {
        Some(Key::Element(place)) if place < elements.len() => (element(ctx, elements, place)?, true),
        Some(Key::Length) => (Value::new_number(ctx.clone(), elements.len() as f64), false),
        _ => return Ok(None),
    };
    described.set("value", value)?;
    // As the array behind the proxy has it: what a proxy says must not contradict that.
    described.set("writable", true)?;
    described.set("enumerable", is_element)?;
    described.set("configurable", is_element)?;
    Ok(Some(described))
}
