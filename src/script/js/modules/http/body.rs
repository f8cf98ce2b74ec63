//! Bodies of requests: text, bytes, or an object that becomes a form.

use super::arguments::Refused;
use super::exchange::warn;
use crate::http::form;
use crate::http::multipart::{self, FileInfo, Part};
use crate::script::js::engine::{self, Native, NativeClass};
use crate::script::js::values::{self, bytes_of, go_type, text};
use crate::script::js::vu::Vu;
use rquickjs::function::{Opt, This};
use rquickjs::object::Accessor;
use rquickjs::{Class, Ctx, Object, Result, Value};

/// A body and the media type that comes with it.
#[derive(Default)]
pub(super) struct Encoded {
    pub bytes: Vec<u8>,
    pub content_type: Option<String>,
}

/// The value of `http.file()`.
struct FileData {
    data: Vec<u8>,
    info: FileInfo,
}

impl NativeClass for FileData {
    const NAME: &'static str = "FileData";

    /// As k6's: libraries that build bodies themselves read them.
    fn prototype<'js>(_ctx: &Ctx<'js>, prototype: &Object<'js>) -> Result<()> {
        type ThisFile<'js> = This<Class<'js, Native<FileData>>>;
        let data =
            |ctx: Ctx<'js>, This(file): ThisFile<'js>| values::array_buffer(&ctx, &file.borrow().0.data);
        prototype.prop("data", Accessor::new_get(data).enumerable())?;
        let name = |This(file): ThisFile<'js>| file.borrow().0.info.name.clone();
        prototype.prop("filename", Accessor::new_get(name).enumerable())?;
        let content_type = |This(file): ThisFile<'js>| file.borrow().0.info.content_type.clone();
        prototype.prop("content_type", Accessor::new_get(content_type).enumerable())
    }
}

/// `http.file(data, [filename], [contentType])`.
pub(super) fn file<'js>(
    ctx: Ctx<'js>,
    data: Value<'js>,
    name: Opt<String>,
    content_type: Opt<String>,
) -> Result<Object<'js>> {
    let data = values::to_bytes(&ctx, &data)?;
    let name = match name.0 {
        Some(name) if !name.is_empty() => name,
        _ => engine::now(&ctx).0.to_string(),
    };
    let content_type = content_type.0.filter(|text| !text.is_empty());
    let content_type = content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    Native::object(&ctx, FileData { data, info: FileInfo { name, content_type } })
}

/// `body` is neither undefined nor null.
pub(super) fn encode<'js>(ctx: &Ctx<'js>, body: Value<'js>) -> std::result::Result<Encoded, Refused> {
    if body.is_string() {
        return Ok(Encoded { bytes: text(ctx, &body)?.into_bytes(), content_type: None });
    }
    if let Some(bytes) = bytes_of(ctx, &body) {
        return Ok(Encoded { bytes, content_type: None });
    }
    match body.as_object() {
        Some(fields) if !body.is_function() && !body.is_array() => Ok(encode_form(ctx, fields)?),
        _ => Err(Refused::argument(format!("unknown request body type {}", go_type(&body)))),
    }
}

fn encode_form<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<Encoded> {
    let mut fields: Vec<(String, Value<'js>)> = Vec::new();
    let mut has_files = false;
    for entry in object.props::<String, Value>() {
        let (name, value) = entry?;
        has_files |= Native::<FileData>::from_value(&value).is_some();
        fields.push((name, value));
    }
    if has_files {
        return encode_multipart(ctx, fields);
    }
    let mut texts = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let values = match value.as_array() {
            Some(array) => {
                let field = |item: Result<Value<'js>>| field_text(ctx, &item?);
                array.iter::<Value>().map(field).collect::<Result<_>>()?
            }
            None => vec![field_text(ctx, &value)?],
        };
        texts.push((name, values));
    }
    let content_type = Some(form::CONTENT_TYPE.to_owned());
    Ok(Encoded { bytes: form::encode(texts).into_bytes(), content_type })
}

/// A value of a form; k6 has no text for what is nested in it.
fn field_text<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<String> {
    if let Some(number) = value.as_number() {
        return Ok(form::number(number));
    }
    if value.is_undefined() || value.is_null() {
        return Ok(String::new());
    }
    if !value.is_object() {
        return text(ctx, value);
    }
    let why = format!(
        "cannot urlencode a nested {} value in a request form body; encoding it as an empty value, use \
         JSON.stringify() to send structured data",
        go_type(value)
    );
    warn(ctx, why, &[])?;
    Ok(String::new())
}

fn encode_multipart<'js>(ctx: &Ctx<'js>, fields: Vec<(String, Value<'js>)>) -> Result<Encoded> {
    let mut parts = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        parts.push(match Native::<FileData>::from_value(&value) {
            Some(file) => {
                let FileData { data, info } = &file.borrow().0;
                Part { name, file: Some(info.clone()), data: data.clone() }
            }
            None => Part { name, file: None, data: plain_field(ctx, &value)?.into_bytes() },
        });
    }
    let boundary = boundary(ctx);
    let content_type = Some(multipart::content_type(&boundary));
    Ok(Encoded { bytes: multipart::encode(&parts, &boundary), content_type })
}

/// A field beside files; lists are as Go prints them.
fn plain_field<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<String> {
    match value.as_array() {
        Some(array) => {
            let items = array.iter::<Value>().map(|item| field_text(ctx, &item?));
            Ok(format!("[{}]", items.collect::<Result<Vec<_>>>()?.join(" ")))
        }
        None => field_text(ctx, value),
    }
}

/// 60 hexadecimal digits that differ from request to request, as k6's do.
fn boundary(ctx: &Ctx<'_>) -> String {
    let mut seed = engine::now(ctx).0 ^ Vu::of(ctx).id.rotate_left(40);
    let words = (0..4).map(|_| {
        // SplitMix64.
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", mixed ^ (mixed >> 31))
    });
    let mut text: String = words.collect();
    text.truncate(60);
    text
}
