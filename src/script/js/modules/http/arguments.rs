//! What a script passes to a request function, read as k6 reads it.
//!
//! An argument that is no good is not an exception but a failed response, unless the option
//! `throw` is set; getters and `toString` of the script may still throw.

use super::body;
use super::callback;
use super::cookie_jar;
use super::exchange;
use super::state::HttpState;
use crate::http::coding::{self, Coding};
use crate::http::headers::canonical_name;
use crate::http::{Target, UrlError};
use crate::metrics::TagSet;
use crate::metrics::error_code;
use crate::options::duration;
use crate::script::js::engine::{self, Native, NativeClass};
use crate::script::js::test_run::HttpSettings;
use crate::script::js::values::text;
use crate::script::js::vu::Vu;
use crate::script::{Expected, Request};
use rquickjs::{Coerced, Ctx, Error, FromJs, Object, Value};
use std::rc::Rc;

const DEFAULT_TIMEOUT_NS: u64 = 60_000_000_000;

/// A request, and how its answer is to be handed to the script.
pub(super) struct Prepared {
    pub request: Request,
    pub handling: Handling,
}

/// What is needed once the answer is there.
pub(super) struct Handling {
    /// Of the first hop.
    pub target: Rc<Target>,
    pub body: Vec<u8>,
    pub response_type: ResponseType,
    /// A failure is an exception.
    pub throws: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseType {
    Text,
    Binary,
    None,
}

/// Why a request cannot be made.
pub(super) enum Refused {
    /// The script's own code threw.
    Script(Error),
    Argument(Refusal),
}

/// An argument that is no good.
pub(super) struct Refusal {
    /// The `error` of the response, and its code.
    pub text: String,
    pub code: u16,
    /// What is logged or thrown.
    pub raw: String,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused::Script(error)
    }
}

impl Refused {
    pub fn argument(text: impl Into<String>) -> Refused {
        let text = text.into();
        Refused::Argument(Refusal { raw: text.clone(), text, code: 0 })
    }

    fn url(why: &str) -> Refused {
        let failure = error_code::invalid_url(why);
        let text = failure.text.into_owned();
        Refused::Argument(Refusal { raw: text.clone(), text, code: failure.code })
    }
}

/// The value of http.url`...`.
pub(super) struct NamedUrl {
    target: Rc<Target>,
    name: String,
}

impl NativeClass for NamedUrl {
    const NAME: &'static str = "URL";

    fn prototype<'js>(_ctx: &Ctx<'js>, _prototype: &Object<'js>) -> rquickjs::Result<()> {
        Ok(())
    }
}

impl NamedUrl {
    pub fn object<'js>(ctx: &Ctx<'js>, target: Rc<Target>, name: String) -> rquickjs::Result<Object<'js>> {
        Native::object(ctx, NamedUrl { target, name })
    }
}

pub(super) fn is_named_url(value: &Value<'_>) -> bool {
    Native::<NamedUrl>::from_value(value).is_some()
}

/// `None`, undefined and null are all "not given".
pub(super) fn given(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.filter(|value| !value.is_undefined() && !value.is_null())
}

pub(super) fn parse_request<'js>(
    ctx: &Ctx<'js>,
    method: &str,
    url: Option<Value<'js>>,
    body: Option<Value<'js>>,
    params: Option<Value<'js>>,
) -> Result<Prepared, Refused> {
    let vu = Vu::of(ctx);
    let state = HttpState::of(ctx);
    let defaults = HttpSettings::default();
    let settings = vu.settings().map_or(&defaults, |run| &run.http);
    let (target, name) = parse_url(ctx, &state, method, url)?;
    let body = given(body);
    let has_body = body.is_some();
    let encoded = match body {
        Some(body) => body::encode(ctx, body)?,
        None => body::Encoded::default(),
    };
    let response_type =
        if settings.discard_response_bodies { ResponseType::None } else { ResponseType::Text };
    let request = Request {
        method: method.to_owned(),
        target: target.clone(),
        headers: Vec::new(),
        body: encoded.bytes,
        cookies: Vec::new(),
        jar: None,
        digest_auth: false,
        timeout_ns: DEFAULT_TIMEOUT_NS,
        max_redirects: settings.max_redirects,
        warn_of_redirects: true,
        keep_body: true,
        expected: None,
        scenario: vu.scenario_name().to_owned(),
        group: String::from(&*vu.group()),
        name,
        tags: vu.tags().clone(),
    };
    let handling = Handling { target, body: Vec::new(), response_type, throws: settings.throw };
    let mut parsed = Parsed { prepared: Prepared { request, handling }, expected: None, codings: Vec::new() };
    if let Some(params) = given(params) {
        let Some(params) = params.as_object() else {
            return Err(Refused::argument(format!("invalid params: '{}'", text(ctx, &params)?)));
        };
        for entry in params.props::<String, Value>() {
            let (key, value) = entry?;
            parsed.param(ctx, &key, value)?;
        }
    }
    let Parsed { mut prepared, expected, codings } = parsed;
    let request = &mut prepared.request;
    request.expected = expected.unwrap_or_else(|| state.expected());
    request.jar.get_or_insert_with(|| state.jar(vu));
    request.keep_body = prepared.handling.response_type != ResponseType::None;
    if has_body {
        compress(ctx, request, &codings)?;
    }
    prepared.handling.body.clone_from(&request.body);
    if let Some(content_type) = encoded.content_type
        && !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Content-Type"))
    {
        request.headers.push(("Content-Type".to_owned(), content_type));
    }
    drop_content_length(ctx, request)?;
    Ok(prepared)
}

fn parse_url<'js>(
    ctx: &Ctx<'js>,
    state: &HttpState,
    method: &str,
    url: Option<Value<'js>>,
) -> Result<(Rc<Target>, Option<String>), Refused> {
    let refuse = |what: String| Refused::url(&format!("'{what}'"));
    let Some(url) = given(url) else { return Err(refuse("<nil>".to_owned())) };
    if let Some(string) = url.as_string() {
        // Borrowed from QuickJS where that is possible: most requests find their URL in the cache.
        let borrowed = string.clone().to_cstring()?;
        return match std::str::from_utf8(borrowed.as_ref()) {
            Ok(url) => match state.target(url) {
                Ok(target) => Ok((target, None)),
                Err(error) => Err(url_refused(method, url, &error)),
            },
            Err(_) => Err(refuse(text(ctx, &url)?)),
        };
    }
    match Native::<NamedUrl>::from_value(&url) {
        Some(named) => {
            let NamedUrl { target, name } = &named.borrow().0;
            Ok((target.clone(), Some(name.clone())))
        }
        None => Err(refuse(text(ctx, &url)?)),
    }
}

/// What Go cannot parse is an invalid URL; what it cannot request fails like a request.
pub(super) fn url_refused(method: &str, url: &str, error: &UrlError) -> Refused {
    let why = error.to_string();
    if why.starts_with("parse ") {
        return Refused::url(&why);
    }
    let raw = exchange::raw_error(method, url, &why);
    let failure = error_code::unclassified(why);
    Refused::Argument(Refusal { text: failure.text.into_owned(), code: failure.code, raw })
}

/// The body alone decides its length.
fn drop_content_length(ctx: &Ctx<'_>, request: &mut Request) -> Result<(), Refused> {
    let is_length = |name: &str| name.eq_ignore_ascii_case("Content-Length");
    let Some(place) = request.headers.iter().position(|(name, _)| is_length(name)) else {
        return Ok(());
    };
    let (_, stated) = request.headers.remove(place);
    let length = request.body.len();
    if stated.trim() != length.to_string() {
        let why = format!(
            "The specified Content-Length header {stated:?} in the {} request for {} doesn't match the actual request \
             body length of {length}, so it will be ignored!",
            request.method, request.target.url
        );
        exchange::warn(ctx, why, &[])?;
    }
    Ok(())
}

struct Parsed {
    prepared: Prepared,
    /// Of the request itself; `Some(None)`: `responseCallback: null`.
    expected: Option<Option<Expected>>,
    codings: Vec<Coding>,
}

impl Parsed {
    fn param<'js>(&mut self, ctx: &Ctx<'js>, key: &str, value: Value<'js>) -> Result<(), Refused> {
        let Prepared { request, handling } = &mut self.prepared;
        let is_given = !value.is_undefined() && !value.is_null();
        match key {
            "headers" if is_given => {
                for entry in object(&value, key)?.props::<String, Value>() {
                    let (name, value) = entry?;
                    request.headers.push((canonical_name(&name), text(ctx, &value)?));
                }
            }
            "cookies" if is_given => {
                for entry in object(&value, key)?.props::<String, Value>() {
                    let (name, value) = entry?;
                    if let Some(value) = given(Some(value)) {
                        let (value, replaces) = cookie(ctx, &value)?;
                        request.cookies.push((name, value, replaces));
                    }
                }
            }
            "jar" if is_given => request.jar = cookie_jar::jar_of(&value),
            "tags" if is_given => add_tags(ctx, &value, &mut request.tags, &mut request.name)?,
            "timeout" => request.timeout_ns = timeout_ns(ctx, &value)?,
            "redirects" => {
                let redirects = Coerced::<f64>::from_js(ctx, value)?.0;
                request.max_redirects = redirects.max(0.0) as u32;
                request.warn_of_redirects = false;
            }
            "responseType" => {
                handling.response_type = match text(ctx, &value)?.as_str() {
                    "text" => ResponseType::Text,
                    "binary" => ResponseType::Binary,
                    "none" => ResponseType::None,
                    other => {
                        return Err(Refused::argument(format!(
                            "{other} does not belong to ResponseType values"
                        )));
                    }
                };
            }
            "responseCallback" => {
                self.expected = Some(match is_given {
                    false => None,
                    true => {
                        let expected = callback::expected_of(&value);
                        Some(expected.ok_or_else(|| Refused::argument("unsupported responseCallback"))?)
                    }
                });
            }
            "auth" => match text(ctx, &value)?.as_str() {
                "digest" => request.digest_auth = true,
                "ntlm" => {
                    let why = "the request param auth: \"ntlm\" is not supported by ringload";
                    return Err(Refused::argument(why));
                }
                // As in k6, anything else changes nothing: the URL's credentials are sent anyway.
                _ => {}
            },
            "compression" => self.codings = codings(&text(ctx, &value)?)?,
            "throw" => handling.throws = Coerced::<bool>::from_js(ctx, value)?.0,
            _ => {}
        }
        Ok(())
    }
}

/// The codings of a body, in the order in which they are applied.
fn codings(list: &str) -> Result<Vec<Coding>, Refused> {
    if list.trim().is_empty() {
        return Ok(Vec::new());
    }
    let coding = |name: &str| {
        let name = name.trim();
        Coding::of(name).ok_or_else(|| {
            let known = coding::NAMES;
            Refused::argument(format!(
                "unknown compression algorithm {name}, supported algorithms are {known}"
            ))
        })
    };
    list.split(',').map(coding).collect()
}

/// Compresses the body and says so, unless the script's own header does.
fn compress(ctx: &Ctx<'_>, request: &mut Request, codings: &[Coding]) -> Result<(), Refused> {
    if codings.is_empty() {
        return Ok(());
    }
    for coding in codings {
        // Brotli needs more stack than a running iteration has.
        request.body = engine::on_worker_stack(ctx, || coding.encode(&request.body));
    }
    let names = codings.iter().map(|coding| coding.name()).collect::<Vec<_>>().join(", ");
    match request.headers.iter().find(|(name, value)| name == "Content-Encoding" && !value.is_empty()) {
        None => request.headers.push(("Content-Encoding".to_owned(), names)),
        Some((_, own)) if *own == names => {}
        Some(_) => {
            let (method, url) = (&request.method, &request.target.url);
            let why = format!(
                "There's a mismatch between the desired `compression` the manually set `Content-Encoding` header in \
                 the {method} request for '{url}', the custom header has precedence and won't be overwritten. This \
                 may result in invalid data being sent to the server."
            );
            exchange::warn(ctx, why, &[])?;
        }
    }
    Ok(())
}

fn object<'a, 'js>(value: &'a Value<'js>, key: &str) -> Result<&'a Object<'js>, Refused> {
    value.as_object().ok_or_else(|| Refused::argument(format!("the request param {key} is not an object")))
}

/// Text, or an object that says whether the jar's cookie of that name is replaced.
fn cookie<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<(String, bool), Refused> {
    let Some(object) = value.as_object() else { return Ok((text(ctx, value)?, false)) };
    let (mut content, mut replaces) = (String::new(), false);
    for entry in object.props::<String, Value>() {
        let (key, value) = entry?;
        match key.to_ascii_lowercase().as_str() {
            "value" => content = text(ctx, &value)?,
            "replace" => replaces = Coerced::<bool>::from_js(ctx, value)?.0,
            _ => {}
        }
    }
    Ok((content, replaces))
}

fn timeout_ns<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<u64, Refused> {
    let ns = match value.as_number() {
        Some(ms) => Ok((ms * 1e6) as i64),
        None => duration::parse_k6(&text(ctx, value)?),
    };
    let ns = ns.map_err(|why| Refused::argument(format!("invalid timeout value: {why}")))?;
    Ok(ns.max(0) as u64)
}

/// Adds the script's tags; `name` is one of the request itself.
pub(super) fn add_tags<'js>(
    ctx: &Ctx<'js>,
    value: &Value<'js>,
    tags: &mut TagSet,
    name: &mut Option<String>,
) -> Result<(), Refused> {
    for entry in object(value, "tags")?.props::<String, Value>() {
        let (key, value) = entry?;
        if !(value.is_string() || value.is_number() || value.is_bool()) {
            return Err(Refused::argument(format!(
                "invalid value for metric tag '{key}': only String, Boolean and Number types are accepted \
                 as a metric tag values"
            )));
        }
        let value = text(ctx, &value)?;
        if key == "name" {
            *name = Some(value);
        } else {
            tags.insert(key, value);
        }
    }
    Ok(())
}
