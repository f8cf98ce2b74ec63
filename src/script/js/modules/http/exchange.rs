//! Making prepared requests, and judging what comes of them: a response, a warning, an exception.

use super::arguments::{Handling, Prepared, Refusal, Refused};
use super::response::ResponseFields;
use crate::metrics::error_code::DECOMPRESSION;
use crate::script::js::engine;
use crate::script::js::event_loop;
use crate::script::js::exceptions;
use crate::script::log::{LogLevel, LogLine};
use crate::script::{RequestId, Response};
use rquickjs::{Ctx, Persistent, Promise, Result, Value};

/// Makes a request and waits for its answer.
pub(super) fn exchange<'js>(ctx: &Ctx<'js>, prepared: Prepared) -> Result<Value<'js>> {
    let (id, sent) = send(ctx, prepared)?;
    let response = event_loop::response(ctx, id)?;
    judge(ctx, sent, response)
}

/// A request under way.
pub(super) struct Sent {
    pub method: String,
    pub handling: Handling,
}

pub(super) fn send(ctx: &Ctx<'_>, prepared: Prepared) -> Result<(RequestId, Sent)> {
    let Prepared { request, handling } = prepared;
    let sent = Sent { method: request.method.clone(), handling };
    Ok((event_loop::request(ctx, request)?, sent))
}

/// What the script gets for an answer.
pub(super) fn judge<'js>(ctx: &Ctx<'js>, sent: Sent, mut response: Box<Response>) -> Result<Value<'js>> {
    if let Some(warning) = response.warning.take() {
        warn(ctx, warning, &[])?;
    }
    // Codes from 1400 up only repeat a status: such a response did not fail.
    if !response.error.is_empty() {
        let why = if response.raw_error.is_empty() { &response.error } else { &response.raw_error };
        let url = if response.url.is_empty() { &sent.handling.target.url } else { &response.url };
        let why = match response.error_code {
            // Found when the response was there: to Go no error of the request.
            DECOMPRESSION => why.clone(),
            _ => raw_error(&sent.method, url, why),
        };
        fail(ctx, sent.handling.throws, &why)?;
    }
    ResponseFields::object(ctx, response, sent)
}

/// What the script gets when the request cannot even be made.
pub(super) fn refuse<'js>(ctx: &Ctx<'js>, refused: Refused) -> Result<Value<'js>> {
    let refusal = match refused {
        Refused::Script(error) => return Err(error),
        Refused::Argument(refusal) => refusal,
    };
    fail(ctx, throws_by_option(ctx), &refusal.raw)?;
    let Refusal { text, code, .. } = refusal;
    ResponseFields::refused(ctx, text, code)
}

/// A promise of the answer; nothing waits for it but the event loop.
pub(super) fn promise<'js>(
    ctx: &Ctx<'js>,
    parsed: std::result::Result<Prepared, Refused>,
) -> Result<Promise<'js>> {
    let (promise, resolve, reject) = ctx.promise()?;
    let prepared = match parsed {
        Ok(prepared) => prepared,
        Err(refused) => {
            event_loop::settle(ctx, resolve, reject, refuse(ctx, refused))?;
            return Ok(promise);
        }
    };
    let (id, sent) = send(ctx, prepared)?;
    let (resolve, reject) = (Persistent::save(ctx, resolve), Persistent::save(ctx, reject));
    let settle = move |ctx: &Ctx<'_>, response: Box<Response>| {
        let (resolve, reject) = (resolve.restore(ctx)?, reject.restore(ctx)?);
        event_loop::settle(ctx, resolve, reject, judge(ctx, sent, response))
    };
    event_loop::on_response(ctx, id, Box::new(settle));
    Ok(promise)
}

/// The option `throw`, for what no request's own params decide.
pub(super) fn throws_by_option(ctx: &Ctx<'_>) -> bool {
    crate::script::js::vu::Vu::of(ctx).settings().is_some_and(|run| run.http.throw)
}

/// An exception if failures throw, else a warning.
fn fail(ctx: &Ctx<'_>, throws: bool, why: &str) -> Result<()> {
    match throws {
        true => Err(exceptions::throw(ctx, why)),
        false => warn(ctx, "Request Failed".to_owned(), &[("error", why)]),
    }
}

/// A failure as Go words it: `Get "http://a/": EOF`.
pub(super) fn raw_error(method: &str, url: &str, why: &str) -> String {
    let (first, rest) = method.split_at_checked(1).unwrap_or(("", method));
    format!("{first}{} {url:?}: {why}", rest.to_ascii_lowercase())
}

pub(super) fn warn(ctx: &Ctx<'_>, message: String, fields: &[(&str, &str)]) -> Result<()> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let fields = fields.iter().map(owned).collect();
    engine::with_log(ctx, |log| log.push(LogLine { level: LogLevel::Warning, message, fields }))
}
