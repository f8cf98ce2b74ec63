//! The response as scripts see it: every field is made when it is first read.

use super::arguments::ResponseType;
use super::exchange::Sent;
use super::forms;
use crate::http::Target;
use crate::http::cookies::SetCookie;
use crate::http::json::{self, Selected};
use crate::script::js::engine::{self, Lazy, LazyFields};
use crate::script::js::exceptions;
use crate::script::js::modules::html::Picked;
use crate::script::js::values::{array_buffer, text};
use crate::script::{Response, Timings};
use rquickjs::function::{Opt, This};
use rquickjs::{Array, Class, Ctx, Function, IntoJs, Object, Result, TypedArray, Value};
use std::cell::OnceCell;
use std::rc::Rc;

/// Where `json()` keeps what it parsed.
const PARSED: usize = 0;

/// The first instant of Go's calendar, in nanoseconds since 1970, as it overflows there; k6 shows
/// it for cookies without a date.
const NO_DATE_SECONDS: i64 = -62_135_596_800;

pub(super) struct ResponseFields {
    response: Box<Response>,
    response_type: ResponseType,
    /// `None`: refused before it became a request.
    request: Option<RequestFields>,
    /// The body as HTML, once it was asked for.
    pub page: OnceCell<Picked>,
}

struct RequestFields {
    target: Rc<Target>,
    body: Vec<u8>,
}

impl ResponseFields {
    pub fn object<'js>(ctx: &Ctx<'js>, response: Box<Response>, sent: Sent) -> Result<Value<'js>> {
        let handling = sent.handling;
        let request = RequestFields { target: handling.target, body: handling.body };
        let fields = ResponseFields {
            response,
            response_type: handling.response_type,
            request: Some(request),
            page: OnceCell::new(),
        };
        Lazy::object(ctx, fields)
    }

    /// What a script gets for a request that could not be made.
    pub fn refused<'js>(ctx: &Ctx<'js>, error: String, error_code: u16) -> Result<Value<'js>> {
        let response = Box::new(Response { error, error_code, ..Response::default() });
        Lazy::object(
            ctx,
            ResponseFields {
                response,
                response_type: ResponseType::Text,
                request: None,
                page: OnceCell::new(),
            },
        )
    }

    /// `None`: there is none, or the script did not want it.
    pub fn body_bytes(&self) -> Option<&[u8]> {
        match &self.response.body {
            Some(body) if self.response_type != ResponseType::None => Some(body),
            None if self.request.is_none() => Some(b""),
            _ => None,
        }
    }

    pub fn url(&self) -> &str {
        &self.response.url
    }

    fn body<'js>(&self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        match (&self.response.body, self.response_type) {
            // k6 shows an empty list of bytes here.
            _ if self.request.is_none() => {
                engine::need_typed_arrays(ctx)?;
                Ok(TypedArray::<u8>::new(ctx.clone(), Vec::new())?.into_value())
            }
            (None, _) | (_, ResponseType::None) => Ok(Value::new_null(ctx.clone())),
            (Some(body), ResponseType::Text) => String::from_utf8_lossy(body).into_js(ctx),
            (Some(body), ResponseType::Binary) => array_buffer(ctx, body),
        }
    }

    fn request<'js>(&self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        let object = Object::new(ctx.clone())?;
        let (url, body) = match &self.request {
            Some(request) => (request.target.url.as_str(), request.body.as_slice()),
            None => ("", b"".as_slice()),
        };
        object.set("method", self.response.request_method.as_str())?;
        object.set("url", url)?;
        let headers = Object::new(ctx.clone())?;
        let cookies = Object::new(ctx.clone())?;
        for (name, value) in &self.response.request_headers {
            match name.as_str() {
                // To Go these are facts of the request, not headers.
                "Host" | "Content-Length" | "Connection" => continue,
                "Cookie" => sent_cookies(ctx, &cookies, value)?,
                _ => {}
            }
            append(&headers, name, value.as_str())?;
        }
        object.set("headers", headers)?;
        object.set("body", String::from_utf8_lossy(body).into_js(ctx)?)?;
        object.set("cookies", cookies)?;
        Ok(object.into_value())
    }
}

impl LazyFields for ResponseFields {
    const NAME: &'static str = "Response";
    const FIELDS: &'static [&'static str] = &[
        "remote_ip",
        "remote_port",
        "url",
        "status",
        "status_text",
        "proto",
        "headers",
        "cookies",
        "body",
        "timings",
        "tls_version",
        "tls_cipher_suite",
        "ocsp",
        "error",
        "error_code",
        "request",
    ];

    fn make<'js>(&self, ctx: &Ctx<'js>, field: usize) -> Result<Value<'js>> {
        let response = &*self.response;
        match Self::FIELDS[field] {
            "status" => response.status.into_js(ctx),
            "body" => self.body(ctx),
            "headers" => headers(ctx, &response.headers),
            "timings" => timings(ctx, &response.timings),
            "error" => response.error.as_str().into_js(ctx),
            "error_code" => response.error_code.into_js(ctx),
            "url" => response.url.as_str().into_js(ctx),
            "status_text" => response.status_text.as_str().into_js(ctx),
            "proto" => response.proto.as_str().into_js(ctx),
            "cookies" => cookies(ctx, &response.headers),
            "remote_ip" => {
                response.remote.map_or_else(String::new, |peer| peer.ip().to_string()).into_js(ctx)
            }
            "remote_port" => response.remote.map_or(0, |peer| peer.port()).into_js(ctx),
            "ocsp" => ocsp(ctx),
            "request" => self.request(ctx),
            "tls_version" => response.tls_version.into_js(ctx),
            "tls_cipher_suite" => response.tls_cipher_suite.into_js(ctx),
            field => unreachable!("the field {field} is in the list, but nothing makes it"),
        }
    }

    fn shared<'js>(ctx: &Ctx<'js>) -> Result<Vec<(&'static str, Value<'js>)>> {
        let click_link = Function::new(ctx.clone(), forms::click_link)?.with_name("clickLink")?;
        let html = Function::new(ctx.clone(), forms::html)?.with_name("html")?;
        let json = Function::new(ctx.clone(), json)?.with_name("json")?;
        let submit_form = Function::new(ctx.clone(), forms::submit_form)?.with_name("submitForm")?;
        Ok(vec![
            ("clickLink", click_link.into_value()),
            ("html", html.into_value()),
            ("json", json.into_value()),
            ("submitForm", submit_form.into_value()),
        ])
    }
}

/// `Response.json([selector])`.
fn json<'js>(
    ctx: Ctx<'js>,
    This(this): This<Class<'js, Lazy<'js, ResponseFields>>>,
    selector: Opt<Value<'js>>,
) -> Result<Value<'js>> {
    let this = this.borrow();
    let fields = this.value();
    let Some(body) = fields.body_bytes() else {
        let why = "the body is null so we can't transform it to JSON - this likely was because of a request error \
                   getting the response";
        return Err(exceptions::throw(&ctx, why));
    };
    match selector.0 {
        Some(selector) if !selector.is_undefined() => select(&ctx, body, &text(&ctx, &selector)?),
        _ => {
            if let Some(parsed) = this.hidden(PARSED) {
                return Ok(parsed);
            }
            let parsed = parse(&ctx, body)?;
            this.set_hidden(PARSED, parsed.clone());
            Ok(parsed)
        }
    }
}

fn parse<'js>(ctx: &Ctx<'js>, body: &[u8]) -> Result<Value<'js>> {
    ctx.json_parse(String::from_utf8_lossy(body).as_bytes()).map_err(|error| {
        match json::error(body) {
            Some(why) => {
                drop(ctx.catch());
                exceptions::throw(ctx, &why)
            }
            // Not for its grammar: it is too deep, or memory is short.
            None => error,
        }
    })
}

fn select<'js>(ctx: &Ctx<'js>, body: &[u8], selector: &str) -> Result<Value<'js>> {
    match json::select(body, selector).map_err(|why| exceptions::throw(ctx, &why))? {
        Selected::Nothing => Ok(Value::new_undefined(ctx.clone())),
        Selected::Null => Ok(Value::new_null(ctx.clone())),
        Selected::Bool(value) => value.into_js(ctx),
        Selected::Number(value) => value.into_js(ctx),
        Selected::Text(value) => value.into_js(ctx),
        Selected::Json(value) => ctx.json_parse(value),
    }
}

/// By name; repeated ones in one value.
fn headers<'js>(ctx: &Ctx<'js>, lines: &[(String, String)]) -> Result<Value<'js>> {
    let object = Object::new(ctx.clone())?;
    for (place, (name, value)) in lines.iter().enumerate() {
        if lines[..place].iter().any(|(earlier, _)| earlier == name) {
            continue;
        }
        let rest = lines[place + 1..].iter().filter(|(other, _)| other == name);
        let mut joined = std::borrow::Cow::Borrowed(value.as_str());
        for (_, other) in rest {
            joined.to_mut().push_str(", ");
            joined.to_mut().push_str(other);
        }
        object.set(name.as_str(), joined.as_ref())?;
    }
    Ok(object.into_value())
}

fn timings<'js>(ctx: &Ctx<'js>, timings: &Timings) -> Result<Value<'js>> {
    let ms = |ns: u64| Value::new_number(ctx.clone(), ns as f64 / 1e6);
    let object = Object::new(ctx.clone())?;
    object.set("duration", ms(timings.sending_ns + timings.waiting_ns + timings.receiving_ns))?;
    object.set("blocked", ms(timings.blocked_ns))?;
    object.set("looking_up", ms(0))?;
    object.set("connecting", ms(timings.connecting_ns))?;
    object.set("tls_handshaking", ms(timings.tls_handshaking_ns))?;
    object.set("sending", ms(timings.sending_ns))?;
    object.set("waiting", ms(timings.waiting_ns))?;
    object.set("receiving", ms(timings.receiving_ns))?;
    Ok(object.into_value())
}

/// By name, the cookies that this response sets.
fn cookies<'js>(ctx: &Ctx<'js>, lines: &[(String, String)]) -> Result<Value<'js>> {
    let object = Object::new(ctx.clone())?;
    for cookie in lines.iter().filter(|(name, _)| name == "Set-Cookie") {
        let Some(cookie) = SetCookie::parse(&cookie.1) else { continue };
        let shown = Object::new(ctx.clone())?;
        shown.set("name", cookie.name.as_str())?;
        shown.set("value", cookie.value)?;
        shown.set("domain", cookie.domain)?;
        shown.set("path", cookie.path)?;
        shown.set("http_only", cookie.http_only)?;
        shown.set("secure", cookie.secure)?;
        shown.set("max_age", cookie.max_age as f64)?;
        let expires_ns = cookie.expires.unwrap_or(NO_DATE_SECONDS).wrapping_mul(1_000_000_000);
        shown.set("expires", (expires_ns / 1_000_000) as f64)?;
        append(&object, &cookie.name, shown)?;
    }
    Ok(object.into_value())
}

fn ocsp<'js>(ctx: &Ctx<'js>) -> Result<Value<'js>> {
    let object = Object::new(ctx.clone())?;
    for name in ["produced_at", "this_update", "next_update", "revoked_at"] {
        object.set(name, 0)?;
    }
    object.set("revocation_reason", "")?;
    object.set("status", "")?;
    Ok(object.into_value())
}

/// The cookies of a request, by name, read back from its header as k6 does.
fn sent_cookies<'js>(ctx: &Ctx<'js>, cookies: &Object<'js>, header: &str) -> Result<()> {
    for pair in header.split(';') {
        let Some((name, value)) = pair.trim().split_once('=') else { continue };
        let shown = Object::new(ctx.clone())?;
        shown.set("name", name)?;
        shown.set("value", value.trim_matches('"'))?;
        shown.set("replace", false)?;
        append(cookies, name, shown)?;
    }
    Ok(())
}

/// Adds to the list of that name.
fn append<'js>(lists: &Object<'js>, name: &str, value: impl IntoJs<'js>) -> Result<()> {
    match lists.get::<_, Value>(name)?.into_array() {
        Some(list) => list.set(list.len(), value),
        None => {
            let list = Array::new(lists.ctx().clone())?;
            list.set(0, value)?;
            lists.set(name, list)
        }
    }
}
