//! `k6/encoding`: base64.

use crate::http::base64::{self, STANDARD, STANDARD_RAW, URL, URL_RAW, Variant};
use crate::script::js::exceptions;
use crate::script::js::values::{array_buffer, text, to_bytes};
use rquickjs::function::{Func, Opt};
use rquickjs::{Ctx, IntoJs, Object, Result, Value};

pub fn exports<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let exports = Object::new(ctx.clone())?;
    exports.set("b64encode", Func::from(encode))?;
    exports.set("b64decode", Func::from(decode))?;
    Ok(exports)
}

fn encode<'js>(ctx: Ctx<'js>, input: Value<'js>, encoding: Opt<Value<'js>>) -> Result<String> {
    let bytes = to_bytes(&ctx, &input)?;
    Ok(base64::encode(variant(&ctx, encoding)?, &bytes))
}

/// An ArrayBuffer, or with the format `s` a string.
fn decode<'js>(
    ctx: Ctx<'js>,
    input: Value<'js>,
    encoding: Opt<Value<'js>>,
    format: Opt<Value<'js>>,
) -> Result<Value<'js>> {
    let input = text(&ctx, &input)?;
    let bytes = base64::decode(variant(&ctx, encoding)?, &input);
    let bytes = bytes.map_err(|why| exceptions::throw(&ctx, &why))?;
    match format.0 {
        Some(format) if text(&ctx, &format)? == "s" => String::from_utf8_lossy(&bytes).into_js(&ctx),
        _ => array_buffer(&ctx, &bytes),
    }
}

/// As in k6, any other name is the standard encoding.
fn variant<'js>(ctx: &Ctx<'js>, name: Opt<Value<'js>>) -> Result<Variant> {
    let name = name.0.map(|name| text(ctx, &name)).transpose()?;
    Ok(match name.as_deref() {
        Some("rawstd") => STANDARD_RAW,
        Some("url") => URL,
        Some("rawurl") => URL_RAW,
        _ => STANDARD,
    })
}
