//! `http.batch`: several requests under way at a time.

use super::NOT_IN_INIT;
use super::arguments::{Handling, Prepared, Refused, given, is_named_url, parse_request};
use super::batch_order::BatchOrder;
use super::exchange::{Sent, judge, send, throws_by_option, warn};
use super::response::ResponseFields;
use crate::script::js::test_run::HttpSettings;
use crate::script::js::values::{go_type, text};
use crate::script::js::vu::Vu;
use crate::script::js::{event_loop, exceptions};
use crate::script::{RequestId, Response};
use rquickjs::function::Opt;
use rquickjs::{Array, Ctx, Object, Result, Value};

/// Names or places of the requests, and the object or list that the responses go to.
struct Answers<'js> {
    /// In their order; empty for a list.
    keys: Vec<String>,
    responses: Object<'js>,
}

impl<'js> Answers<'js> {
    fn set(&self, place: usize, response: Value<'js>) -> Result<()> {
        match self.keys.get(place) {
            Some(key) => self.responses.set(key.as_str(), response),
            None => self.responses.set(place as u32, response),
        }
    }
}

pub(super) fn batch<'js>(ctx: Ctx<'js>, requests: Opt<Value<'js>>) -> Result<Value<'js>> {
    exceptions::not_in_init(&ctx, NOT_IN_INIT)?;
    let Some(requests) = given(requests.0) else {
        return Err(exceptions::throw(&ctx, "no argument was provided to http.batch()"));
    };
    let Some(object) = requests.as_object() else {
        let why = "http.batch() accepts only an array or an object of requests";
        return Err(exceptions::throw(&ctx, why));
    };
    let (answers, entries) = match object.as_array() {
        Some(array) => {
            let entries = array.iter::<Value>().collect::<Result<Vec<_>>>()?;
            let responses = Array::new(ctx.clone())?.into_object();
            (Answers { keys: Vec::new(), responses }, entries)
        }
        None => {
            let pairs = object.props::<String, Value>().collect::<Result<Vec<_>>>()?;
            let (keys, entries) = pairs.into_iter().unzip();
            (Answers { keys, responses: Object::new(ctx.clone())? }, entries)
        }
    };
    let total = entries.len();
    let mut prepared = Vec::with_capacity(total);
    for (place, entry) in entries.into_iter().enumerate() {
        let key = answers.keys.get(place).cloned().unwrap_or_else(|| place.to_string());
        match parse_entry(&ctx, &key, entry) {
            Ok(request) => prepared.push(request),
            Err(refused) => return refuse_all(&ctx, &answers, prepared.len(), total, refused),
        }
    }
    exchange_all(&ctx, &answers, prepared)?;
    Ok(answers.responses.into_value())
}

/// One that cannot be made stops them all: k6 returns what it had prepared, without any answer.
fn refuse_all<'js>(
    ctx: &Ctx<'js>,
    answers: &Answers<'js>,
    prepared: usize,
    total: usize,
    refused: Refused,
) -> Result<Value<'js>> {
    let refusal = match refused {
        Refused::Script(error) => return Err(error),
        Refused::Argument(refusal) => refusal,
    };
    if throws_by_option(ctx) {
        return Err(exceptions::throw(ctx, &refusal.raw));
    }
    warn(ctx, "A batch request failed".to_owned(), &[("error", &refusal.raw)])?;
    for place in 0..prepared {
        answers.set(place, ResponseFields::refused(ctx, String::new(), 0)?)?;
    }
    for place in prepared..total {
        answers.set(place, Value::new_null(ctx.clone()))?;
    }
    Ok(answers.responses.clone().into_value())
}

/// A URL; `[method, url, body, params]`; or an object with these keys.
fn parse_entry<'js>(ctx: &Ctx<'js>, key: &str, entry: Value<'js>) -> std::result::Result<Prepared, Refused> {
    if let Some(array) = entry.as_array() {
        if array.len() < 2 {
            return Err(Refused::argument(format!(
                "invalid batch request '{key}': expected [method, url, body?, params?]"
            )));
        }
        let item = |place: usize| array.get::<Value>(place);
        let method = text(ctx, &item(0)?)?;
        return parse_parts(ctx, &method, item(1)?, item(2)?, item(3)?);
    }
    if entry.is_string() || is_named_url(&entry) {
        return parse_request(ctx, "GET", Some(entry), None, None);
    }
    let Some(object) = entry.as_object() else {
        let why = format!("invalid http.batch() argument type {}", go_type(&entry));
        return Err(Refused::argument(why));
    };
    let url = given(Some(object.get::<_, Value>("url")?))
        .ok_or_else(|| Refused::argument(format!("batch request {key} doesn't have a url key")))?;
    let method = match given(Some(object.get::<_, Value>("method")?)) {
        Some(method) => text(ctx, &method)?,
        None => "GET".to_owned(),
    };
    parse_parts(ctx, &method, url, object.get("body")?, object.get("params")?)
}

fn parse_parts<'js>(
    ctx: &Ctx<'js>,
    method: &str,
    url: Value<'js>,
    body: Value<'js>,
    params: Value<'js>,
) -> std::result::Result<Prepared, Refused> {
    let method = method.to_ascii_uppercase();
    let body = (method != "GET" && method != "HEAD").then_some(body);
    parse_request(ctx, &method, Some(url), body, Some(params))
}

/// Sends as many as may be under way; goes on with each answer. The first exception is thrown
/// once all have been answered.
fn exchange_all<'js>(ctx: &Ctx<'js>, answers: &Answers<'js>, prepared: Vec<Prepared>) -> Result<()> {
    let defaults = HttpSettings::default();
    let settings = Vu::of(ctx).settings().map_or(&defaults, |run| &run.http);
    let hosts = number_hosts(prepared.iter().map(|prepared| &prepared.handling));
    let mut order = BatchOrder::new(hosts, settings.batch, settings.batch_per_host);
    let mut unsent: Vec<Option<Prepared>> = prepared.into_iter().map(Some).collect();
    let mut under_way: Vec<(RequestId, usize, Sent)> = Vec::new();
    let mut arrived: Vec<Option<(Sent, Box<Response>)>> = unsent.iter().map(|_| None).collect();
    loop {
        while let Some(place) = order.poll_send() {
            let request = unsent[place].take().expect("each is sent once");
            let (id, sent) = send(ctx, request)?;
            under_way.push((id, place, sent));
        }
        if under_way.is_empty() {
            break;
        }
        let is_ours = |arrived| under_way.iter().any(|(id, ..)| *id == arrived);
        let (id, response) = event_loop::any_response(ctx, is_ours)?;
        let entry = under_way.iter().position(|(known, ..)| *known == id).expect("it was wanted");
        let (_, place, sent) = under_way.swap_remove(entry);
        order.on_answer(place);
        arrived[place] = Some((sent, response));
    }
    let mut thrown = None;
    for (place, answer) in arrived.into_iter().enumerate() {
        let (sent, response) = answer.expect("all were answered");
        match judge(ctx, sent, response) {
            Ok(response) => answers.set(place, response)?,
            // The exception is in the context, and the next one would replace it.
            Err(rquickjs::Error::Exception) if thrown.is_none() => thrown = Some(ctx.catch()),
            Err(rquickjs::Error::Exception) => drop(ctx.catch()),
            Err(error) => return Err(error),
        }
    }
    thrown.map_or(Ok(()), |thrown| Err(ctx.throw(thrown)))
}

fn number_hosts<'a>(requests: impl Iterator<Item = &'a Handling>) -> Vec<usize> {
    let mut known: Vec<(&crate::http::Host, u16)> = Vec::new();
    let number = |handling: &'a Handling| {
        let host = (&handling.target.host, handling.target.port);
        known.iter().position(|other| *other == host).unwrap_or_else(|| {
            known.push(host);
            known.len() - 1
        })
    };
    requests.map(number).collect()
}
