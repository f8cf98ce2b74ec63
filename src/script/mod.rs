//! WHAT an iteration does, behind one `Program`.
//!
//! A program is asked to start an iteration; it leaves wishes (requests, timers) in its `Context`
//! and answers whether it waits, yields or is done; each answer to a wish resumes it. URL mode
//! (`url`) is the first form, JavaScript (`js`) the second. A program knows requests and
//! responses, never connections.

pub mod builtin_modules;
pub mod exchange;
pub mod js;
pub mod log;
pub mod source;
pub mod url;

use crate::metrics::Recorder;
use crate::time::Instant;
pub use exchange::{Expected, Request, RequestId, Response, Timings};
pub use log::LogQueue;

use crate::metrics::ExchangeTags;

/// A host of the run: the place in the run's list of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HostId(pub u32);

/// The place of a template in the run's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TemplateId(pub u32);

/// Requests that are sent together, serialized before the run.
#[derive(Clone, Debug)]
pub struct Template {
    /// One request, or several of the same in a row (pipelining).
    pub bytes: &'static [u8],
    /// How many requests `bytes` holds; each is `bytes.len() / requests` long.
    pub requests: u32,
    pub host: HostId,
    /// Responses to HEAD have no body.
    pub is_head: bool,
    /// May be sent again on a new connection if the old one ended before it answered
    /// (RFC 9110 §9.2.2): GET, HEAD, OPTIONS, TRACE.
    pub replayable: bool,
    /// The tags known before the answer: scenario, method, url, name, user tags.
    pub tags: ExchangeTags,
}

impl Template {
    /// The bytes of the last `requests` of them.
    pub fn last(&self, requests: u32) -> &'static [u8] {
        let each = self.bytes.len() / self.requests as usize;
        &self.bytes[self.bytes.len() - each * requests as usize..]
    }
}

/// What a program may use while it runs; handed in at every entry, never kept.
pub struct Context<'a> {
    pub now: Instant,
    pub recorder: &'a mut Recorder,
    pub log: &'a mut LogQueue,
    /// Wishes made during this entry, in order.
    pub wishes: &'a mut Vec<Wish>,
}

/// What a program wants from its VU. Any number may be outstanding.
#[derive(Debug)]
pub enum Wish {
    /// Answered by `Answer::Response` with the same id.
    Request(RequestId, Box<Request>),
    /// Answered by `Answer::Woken` at or after this instant; a VU has one timer, the last one set.
    WakeAt(Instant),
}

/// Which iteration begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Iteration {
    /// Place of the scenario in the run's list.
    pub scenario: u32,
    /// Of the scenario, over all workers and instances; from 0.
    pub in_test: u64,
    /// Of the scenario on this machine; from 0.
    pub in_instance: u64,
}

/// What a program answers when it is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make these pre-serialized requests; `Answer::Exchanged` follows.
    Exchange(TemplateId),
    /// Go on when a wish is answered.
    Wait,
    /// It has run long enough: enter again with `Answer::Continue` in the next turn.
    Yield,
    /// The iteration is over; complete also when the script threw.
    Done,
}

/// Why a program is entered again.
#[derive(Debug)]
pub enum Answer {
    /// To `Step::Exchange`: the last response's status; 0 when it failed.
    Exchanged {
        status: u16,
    },
    Response(RequestId, Box<Response>),
    Woken,
    /// After `Step::Yield`.
    Continue,
}

/// One VU's script.
pub trait Program {
    /// Whether it wants to know which `Iteration` begins; if not, a default one is given.
    const IS_NUMBERED: bool;
    /// Whether entering it takes microseconds, and making it more: the clock is read again after each
    /// time, and none is made between two starts.
    const IS_COSTLY: bool;
    /// Whether what it does counts as iterations; `setup` and `teardown` are none.
    const IS_ITERATION: bool = true;
    /// Begins an iteration.
    fn start(&mut self, context: &mut Context<'_>, iteration: Iteration) -> Step;
    /// Goes on with an answer.
    fn resume(&mut self, context: &mut Context<'_>, answer: Answer) -> Step;
    /// The iteration is interrupted; no answer will come. The program can be started again.
    fn cancel(&mut self, context: &mut Context<'_>);
}
