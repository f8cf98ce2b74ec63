//! `console`: five levels, and k6's way of printing values.

use super::engine;
use crate::script::log::{LogLevel, LogLine};
use rquickjs::atom::PredefinedAtom;
use rquickjs::function::{Func, Rest};
use rquickjs::{Array, ArrayBuffer, Coerced, Ctx, Exception, FromJs, Function, Object, Result, Value};
use std::fmt::Write;

/// Puts `console` into a VM.
pub fn define(ctx: &Ctx<'_>) -> Result<()> {
    let console = Object::new(ctx.clone())?;
    console.set("log", Func::from(|ctx: Ctx<'_>, values| print(&ctx, LogLevel::Info, values)))?;
    console.set("info", Func::from(|ctx: Ctx<'_>, values| print(&ctx, LogLevel::Info, values)))?;
    console.set("debug", Func::from(|ctx: Ctx<'_>, values| print(&ctx, LogLevel::Debug, values)))?;
    console.set("warn", Func::from(|ctx: Ctx<'_>, values| print(&ctx, LogLevel::Warning, values)))?;
    console.set("error", Func::from(|ctx: Ctx<'_>, values| print(&ctx, LogLevel::Error, values)))?;
    ctx.globals().set("console", console)
}

fn print(ctx: &Ctx<'_>, level: LogLevel, values: Rest<Printed>) -> Result<()> {
    let texts: Vec<String> = values.0.into_iter().map(|printed| printed.0).collect();
    let fields = vec![("source".to_owned(), "console".to_owned())];
    engine::with_log(ctx, |log| log.push(LogLine { level, message: texts.join(" "), fields }))
}

/// A value as an argument of `console.log` is printed.
struct Printed(String);

impl<'js> FromJs<'js> for Printed {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> Result<Printed> {
        let text = match value.as_string() {
            Some(text) => text.to_string()?,
            None if value.is_undefined() => "undefined".to_owned(),
            None => {
                let mut text = String::new();
                write_value(ctx, &mut text, &value, &mut Vec::new())?;
                text
            }
        };
        Ok(Printed(text))
    }
}

/// A value inside another. `path`: the objects that it is in.
fn write_value<'js>(
    ctx: &Ctx<'js>,
    text: &mut String,
    value: &Value<'js>,
    path: &mut Vec<Value<'js>>,
) -> Result<()> {
    engine::check_stack(ctx)?;
    // Writing to a string cannot fail.
    let _ = match value.as_object() {
        _ if value.is_function() => write!(text, "[object Function]"),
        Some(_) if path.contains(value) => write!(text, "[Circular]"),
        Some(object) => {
            path.push(value.clone());
            let written = write_object(ctx, text, object, path);
            path.pop();
            return written;
        }
        None => write!(text, "{}", scalar(ctx, value)?),
    };
    Ok(())
}

fn scalar<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<String> {
    if let Some(text) = value.as_string() {
        return Ok(format!("\"{}\"", text.to_string()?));
    }
    if let Some(symbol) = value.as_symbol() {
        return Ok(symbol
            .description()?
            .as_string()
            .map(|text| text.to_string())
            .transpose()?
            .unwrap_or_default());
    }
    if value.is_undefined() || value.is_null() {
        return Ok("null".to_owned());
    }
    Ok(Coerced::<String>::from_js(ctx, value.clone())?.0)
}

fn write_object<'js>(
    ctx: &Ctx<'js>,
    text: &mut String,
    object: &Object<'js>,
    path: &mut Vec<Value<'js>>,
) -> Result<()> {
    if object.is_error() {
        // An error of a native is, to Go, the text alone.
        let is_native = object.get::<_, Coerced<String>>("name").is_ok_and(|name| name.0 == "GoError");
        let shown = match Exception::from_object(object.clone()).and_then(|error| error.message()) {
            Some(message) if is_native => message,
            _ => Coerced::<String>::from_js(ctx, object.clone().into_value())?.0,
        };
        text.push_str(&shown);
        return Ok(());
    }
    if let Some(buffer) = ArrayBuffer::from_object(object.clone()) {
        let bytes = buffer.as_bytes().unwrap_or_default();
        let shown: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = write!(
            text,
            "ArrayBuffer {{ [Uint8Contents]: <{}>, byteLength: {} }}",
            shown.join(" "),
            bytes.len()
        );
        return Ok(());
    }
    if let Some(array) = object.as_array() {
        return write_list(ctx, text, array, path);
    }
    if let Some(name) = typed_array_name(object)? {
        let values: Array = array_from(ctx, object)?;
        let _ = write!(text, "{name}({}) ", values.len());
        return write_list(ctx, text, &values, path);
    }
    if is_date(ctx, object)? {
        let shown = object
            .get::<_, Function>("toISOString")
            .and_then(|show| show.call::<_, String>((rquickjs::function::This(object.clone()),)));
        let _ = match shown {
            Ok(shown) => write!(text, "\"{shown}\""),
            Err(_) if engine::is_stopping(ctx) => return shown.map(drop),
            Err(_) => {
                drop(ctx.catch());
                write!(text, "null")
            }
        };
        return Ok(());
    }
    write_fields(ctx, text, object, path)
}

fn write_list<'js>(
    ctx: &Ctx<'js>,
    text: &mut String,
    array: &Array<'js>,
    path: &mut Vec<Value<'js>>,
) -> Result<()> {
    if array.is_empty() {
        text.push_str("[]");
        return Ok(());
    }
    for place in 0..array.len() {
        text.push_str(if place == 0 { "[ " } else { ", " });
        write_value(ctx, text, &array.get::<Value>(place)?, path)?;
    }
    text.push_str(" ]");
    Ok(())
}

fn write_fields<'js>(
    ctx: &Ctx<'js>,
    text: &mut String,
    object: &Object<'js>,
    path: &mut Vec<Value<'js>>,
) -> Result<()> {
    let mut is_empty = true;
    for entry in object.props::<String, Value>() {
        let (name, value) = entry?;
        text.push_str(if is_empty { "{ " } else { ", " });
        is_empty = false;
        let _ = write!(text, "{name}: ");
        write_value(ctx, text, &value, path)?;
    }
    text.push_str(if is_empty { "{}" } else { " }" });
    Ok(())
}

/// k6 shows clamped ones as `Uint8Array`.
fn typed_array_name(object: &Object<'_>) -> Result<Option<String>> {
    let element: Value = object.get("BYTES_PER_ELEMENT")?;
    let tag: Value = object.get(PredefinedAtom::SymbolToStringTag)?;
    let (Some(tag), true) = (tag.as_string(), element.is_number()) else { return Ok(None) };
    let name = tag.to_string()?;
    Ok(name.ends_with("Array").then(|| name.replace("Clamped", "")))
}

fn array_from<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<Array<'js>> {
    let constructor: Object = ctx.globals().get(PredefinedAtom::Array)?;
    let from: Function = constructor.get("from")?;
    from.call((rquickjs::function::This(constructor), object.clone()))
}

fn is_date<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<bool> {
    let date: Value = ctx.globals().get(PredefinedAtom::Date)?;
    Ok(date.is_function() && object.is_instance_of(date))
}
