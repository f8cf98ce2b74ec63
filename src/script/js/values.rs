//! JavaScript's values as Rust has them, and as Go, so k6, names them.

use super::engine;
use super::exceptions;
use rquickjs::{ArrayBuffer, Coerced, Ctx, Error, FromJs, Result, Value};

/// A value as JavaScript makes text of it; lone surrogates become U+FFFD.
pub fn text<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<String> {
    let string = match value.as_string() {
        Some(string) => string.clone(),
        None => Coerced::<rquickjs::String>::from_js(ctx, value.clone())?.0,
    };
    match string.to_string() {
        Err(Error::Utf8(_)) => {
            let bytes = string.to_cstring()?;
            Ok(String::from_utf8_lossy(bytes.as_ref()).into_owned())
        }
        text => text,
    }
}

/// Text or bytes, as most functions of k6's modules take them.
pub fn to_bytes<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<Vec<u8>> {
    if value.is_string() {
        return Ok(text(ctx, value)?.into_bytes());
    }
    bytes_of(ctx, value).ok_or_else(|| {
        let why = format!("invalid type {}, expected string, []byte or ArrayBuffer", go_type(value));
        exceptions::throw(ctx, &why)
    })
}

/// Bytes as scripts get them.
pub fn array_buffer<'js>(ctx: &Ctx<'js>, bytes: &[u8]) -> Result<Value<'js>> {
    engine::need_typed_arrays(ctx)?;
    Ok(ArrayBuffer::new_copy(ctx.clone(), bytes)?.into_value())
}

/// The bytes of an ArrayBuffer, a typed array or a DataView.
pub fn bytes_of<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Option<Vec<u8>> {
    let object = value.as_object()?;
    if value.is_array() || value.is_function() {
        return None;
    }
    let whole = ArrayBuffer::from_object(object.clone());
    if let Some(buffer) = whole {
        return Some(buffer.as_bytes()?.to_vec());
    }
    // Asking whether it is one leaves an exception.
    drop(ctx.catch());
    let view = object.get::<_, Value>("buffer").ok()?.into_object()?;
    let Some(buffer) = ArrayBuffer::from_object(view) else {
        drop(ctx.catch());
        return None;
    };
    let (from, len): (usize, usize) = (object.get("byteOffset").ok()?, object.get("byteLength").ok()?);
    Some(buffer.as_bytes()?.get(from..from.checked_add(len)?)?.to_vec())
}

/// What Go calls the type that k6 makes of a value.
pub fn go_type(value: &Value<'_>) -> &'static str {
    match value {
        value if value.is_undefined() || value.is_null() => "<nil>",
        value if value.is_bool() => "bool",
        value if value.is_string() => "string",
        value if value.is_function() => "func(sobek.FunctionCall) sobek.Value",
        value if value.is_array() => "[]interface {}",
        value => match value.as_number() {
            Some(number) if number == number.trunc() => "int64",
            Some(_) => "float64",
            None => "map[string]interface {}",
        },
    }
}
