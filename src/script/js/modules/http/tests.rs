//! Scripts against scripted answers: what they send, what they see, what is logged.

mod arguments;
mod batches;
mod cookies;
mod forms;
mod responses;
mod sessions;

use crate::script::js::tests::driver::{Driver, run_settings};
use crate::script::js::{HttpSettings, JsProgram, RunSettings};
use crate::script::log::LogLine;
use crate::script::{Answer, Request, RequestId, Response, Step, Wish};
use std::collections::VecDeque;

/// One iteration and what came of it.
struct Ran {
    /// As text, what the script's function returned (or threw).
    result: String,
    /// Messages before that, with the field `error`.
    log: Vec<String>,
    requests: Vec<Request>,
    /// Requests under way at a time.
    most: usize,
}

fn answer(status: u16, body: &str) -> Response {
    Response {
        status,
        status_text: format!("{status} Text"),
        proto: "HTTP/1.1".to_owned(),
        body: Some(body.into()),
        ..Response::default()
    }
}

fn refused_connection() -> Response {
    Response {
        error: "dial: connection refused".to_owned(),
        error_code: 1212,
        raw_error: "dial tcp 127.0.0.1:1: connect: connection refused".to_owned(),
        ..Response::default()
    }
}

fn throwing() -> HttpSettings {
    HttpSettings { throw: true, ..HttpSettings::default() }
}

/// Runs `body` as an iteration; what it returns is seen as its text.
#[track_caller]
fn run(body: &str, respond: impl FnMut(&Request) -> Response) -> Ran {
    run_with(HttpSettings::default(), body, respond)
}

#[track_caller]
fn run_with(http: HttpSettings, body: &str, respond: impl FnMut(&Request) -> Response) -> Ran {
    let mut driver = Driver::default();
    let mut vu = vu(&mut driver, http, body);
    iterate(&mut driver, &mut vu, respond)
}

#[track_caller]
fn vu(driver: &mut Driver, http: HttpSettings, body: &str) -> JsProgram {
    let script = format!(
        "import http from 'k6/http'; export default async function () {{
           const result = await (async () => {{ {body} }})();
           throw typeof result === 'string' ? result : '' + JSON.stringify(result);
         }}"
    );
    vu_of(driver, http, &script)
}

#[track_caller]
fn vu_of(driver: &mut Driver, http: HttpSettings, script: &str) -> JsProgram {
    let blueprint = driver.load(script).unwrap_or_else(|error| panic!("{}", error.message));
    blueprint.configure(RunSettings { http, ..run_settings() });
    blueprint.make_vu(1, &mut driver.log).unwrap_or_else(|error| panic!("{}", error.message))
}

/// Answers requests in the order they were made, one at a time.
#[track_caller]
fn iterate(driver: &mut Driver, vu: &mut JsProgram, mut respond: impl FnMut(&Request) -> Response) -> Ran {
    let mut ran = Ran { result: String::new(), log: Vec::new(), requests: Vec::new(), most: 0 };
    let mut under_way: VecDeque<(RequestId, Response)> = VecDeque::new();
    let mut step = driver.start(vu);
    loop {
        for wish in driver.wishes.drain(..) {
            let Wish::Request(id, request) = wish else { panic!("{wish:?}") };
            under_way.push_back((id, respond(&request)));
            ran.requests.push(*request);
        }
        ran.most = ran.most.max(under_way.len());
        if step == Step::Done {
            break;
        }
        let (id, response) = under_way.pop_front().expect("the script waits for a request");
        step = driver.resume(vu, Answer::Response(id, Box::new(response)));
    }
    assert!(under_way.is_empty(), "the iteration ended before its requests");
    let mut lines: Vec<String> = driver.log.take().0.into_iter().map(shown).collect();
    let last = lines.pop().expect("the result is thrown");
    ran.result = last.strip_prefix("Uncaught (in promise) ").unwrap_or(&last).to_owned();
    ran.log = lines;
    ran
}

fn shown(line: LogLine) -> String {
    match line.fields.iter().find(|(name, _)| name == "error") {
        Some((_, error)) => format!("{}: {error}", line.message),
        None => line.message,
    }
}

/// The result of a script whose requests are all answered with this body.
#[track_caller]
fn check(body: &str, want: &str) {
    let ran = run(body, |_| answer(200, "{\"hello\":\"world\",\"n\":1}"));
    assert_eq!(ran.result, want, "{body}; log: {:?}", ran.log);
}
