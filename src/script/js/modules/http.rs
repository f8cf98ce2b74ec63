//! `k6/http`: what scripts ask of HTTP services.
//!
//! `arguments` and `body` read what a script passes into a `script::Request`; `exchange` makes it
//! and judges the answer; `response` shows it, field by field when first read. `batch` keeps k6's
//! limits, `cookie_jar` and `callback` are the objects of those names. What a VU keeps is `state`.

mod arguments;
mod batch;
mod batch_order;
mod body;
mod callback;
mod cookie_jar;
mod exchange;
mod forms;
mod response;
mod state;
#[cfg(test)]
mod tests;

use crate::script::js::engine::Lazy;
use crate::script::js::exceptions;
use crate::script::js::values::text;
use arguments::{Refused, parse_request};
use response::ResponseFields;
use rquickjs::function::{Opt, Rest};
use rquickjs::{Array, Ctx, Function, Object, Promise, Result, Value};
use state::HttpState;

const CONSTANTS: &[(&str, &str)] = &[
    ("SSL_3_0", "ssl3.0"),
    ("TLS_1_0", "tls1.0"),
    ("TLS_1_1", "tls1.1"),
    ("TLS_1_2", "tls1.2"),
    ("TLS_1_3", "tls1.3"),
    ("OCSP_STATUS_GOOD", "good"),
    ("OCSP_STATUS_REVOKED", "revoked"),
    ("OCSP_STATUS_SERVER_FAILED", "server_failed"),
    ("OCSP_STATUS_UNKNOWN", "unknown"),
    ("OCSP_REASON_UNSPECIFIED", "unspecified"),
    ("OCSP_REASON_KEY_COMPROMISE", "key_compromise"),
    ("OCSP_REASON_CA_COMPROMISE", "ca_compromise"),
    ("OCSP_REASON_AFFILIATION_CHANGED", "affiliation_changed"),
    ("OCSP_REASON_SUPERSEDED", "superseded"),
    ("OCSP_REASON_CESSATION_OF_OPERATION", "cessation_of_operation"),
    ("OCSP_REASON_CERTIFICATE_HOLD", "certificate_hold"),
    ("OCSP_REASON_REMOVE_FROM_CRL", "remove_from_crl"),
    ("OCSP_REASON_PRIVILEGE_WITHDRAWN", "privilege_withdrawn"),
    ("OCSP_REASON_AA_COMPROMISE", "aa_compromise"),
];

const NOT_IN_INIT: &str = "Making http requests in the init context is not supported";

/// The module's object: its default export, and by name each of its properties.
pub fn exports<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    Lazy::<ResponseFields>::register(ctx)?;
    let http = Object::new(ctx.clone())?;
    http.set("get", bodyless(ctx, "get", "GET")?)?;
    http.set("head", bodyless(ctx, "head", "HEAD")?)?;
    for (name, method) in
        [("post", "POST"), ("put", "PUT"), ("patch", "PATCH"), ("del", "DELETE"), ("options", "OPTIONS")]
    {
        http.set(name, with_body(ctx, name, method)?)?;
    }
    http.set("request", Function::new(ctx.clone(), request)?.with_name("request")?)?;
    http.set("asyncRequest", Function::new(ctx.clone(), async_request)?.with_name("asyncRequest")?)?;
    http.set("batch", Function::new(ctx.clone(), batch::batch)?.with_name("batch")?)?;
    let set_callback = Function::new(ctx.clone(), callback::set_response_callback)?;
    http.set("setResponseCallback", set_callback.with_name("setResponseCallback")?)?;
    let expected = Function::new(ctx.clone(), callback::expected_statuses)?;
    http.set("expectedStatuses", expected.with_name("expectedStatuses")?)?;
    http.set("url", Function::new(ctx.clone(), url)?.with_name("url")?)?;
    http.set("cookieJar", Function::new(ctx.clone(), cookie_jar::of_vu)?.with_name("cookieJar")?)?;
    http.set("CookieJar", cookie_jar::constructor(ctx)?)?;
    http.set("file", Function::new(ctx.clone(), body::file)?.with_name("file")?)?;
    for (name, value) in CONSTANTS {
        http.set(*name, *value)?;
    }
    Ok(http)
}

/// `http.get` and `http.head`: a URL and params.
fn bodyless<'js>(ctx: &Ctx<'js>, name: &'static str, method: &'static str) -> Result<Function<'js>> {
    let call = move |ctx: Ctx<'js>,
                     url: Opt<Value<'js>>,
                     params: Opt<Value<'js>>,
                     more: Rest<Value<'js>>|
          -> Result<Value<'js>> {
        if !more.is_empty() {
            let given = 2 + more.len();
            let why = format!(
                "http.{name} only accepts a url and a params argument (2 arguments), but {given} were given"
            );
            exchange::warn(&ctx, why, &[])?;
        }
        make(&ctx, method, url.0, None, params.0)
    };
    Function::new(ctx.clone(), call)?.with_name(name)
}

/// `http.post` and its like: a URL, a body and params.
fn with_body<'js>(ctx: &Ctx<'js>, name: &'static str, method: &'static str) -> Result<Function<'js>> {
    let call = move |ctx: Ctx<'js>,
                     url: Opt<Value<'js>>,
                     body: Opt<Value<'js>>,
                     params: Opt<Value<'js>>|
          -> Result<Value<'js>> { make(&ctx, method, url.0, body.0, params.0) };
    Function::new(ctx.clone(), call)?.with_name(name)
}

fn request<'js>(
    ctx: Ctx<'js>,
    method: Value<'js>,
    url: Opt<Value<'js>>,
    body: Opt<Value<'js>>,
    params: Opt<Value<'js>>,
) -> Result<Value<'js>> {
    let method = text(&ctx, &method)?;
    make(&ctx, &method, url.0, body.0, params.0)
}

/// Makes one request and waits for its answer.
fn make<'js>(
    ctx: &Ctx<'js>,
    method: &str,
    url: Option<Value<'js>>,
    body: Option<Value<'js>>,
    params: Option<Value<'js>>,
) -> Result<Value<'js>> {
    exceptions::not_in_init(ctx, NOT_IN_INIT)?;
    match parse_request(ctx, method, url, body, params) {
        Ok(prepared) => exchange::exchange(ctx, prepared),
        Err(refused) => exchange::refuse(ctx, refused),
    }
}

fn async_request<'js>(
    ctx: Ctx<'js>,
    method: Value<'js>,
    url: Opt<Value<'js>>,
    body: Opt<Value<'js>>,
    params: Opt<Value<'js>>,
) -> Result<Promise<'js>> {
    exceptions::not_in_init(&ctx, NOT_IN_INIT)?;
    let method = text(&ctx, &method)?;
    let parsed = parse_request(&ctx, &method, url.0, body.0, params.0);
    exchange::promise(&ctx, parsed)
}

/// http.url`http://a/${id}`: the URL, named by its template.
fn url<'js>(ctx: Ctx<'js>, parts: Array<'js>, values: Rest<Value<'js>>) -> Result<Object<'js>> {
    let (mut url, mut name) = (String::new(), String::new());
    for place in 0..parts.len() {
        let part = text(&ctx, &parts.get::<Value>(place)?)?;
        url.push_str(&part);
        name.push_str(&part);
        if place + 1 < parts.len()
            && let Some(value) = values.get(place)
        {
            url.push_str(&text(&ctx, value)?);
            name.push_str("${}");
        }
    }
    match HttpState::of(&ctx).target(&url) {
        Ok(target) => arguments::NamedUrl::object(&ctx, target, name),
        Err(error) => match arguments::url_refused("GET", &url, &error) {
            Refused::Argument(refusal) => Err(exceptions::throw(&ctx, &refusal.raw)),
            Refused::Script(error) => Err(error),
        },
    }
}
