//! WHAT an iteration does, behind one `Program`.
//!
//! A program is asked to start an iteration and answers with its first wish; each answer to a
//! wish resumes it, until it is done. URL mode (`url`) is the only form today; scripts are to be
//! others. A program knows requests and answers, never connections.

pub mod url;

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

/// A program's next wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make these requests, then resume with the `Answer`.
    Exchange(TemplateId),
    /// The iteration is over.
    Done,
}

/// How an exchange went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The last response of the exchange had this status.
    Response { status: u16 },
    /// No (whole) response came; k6's error code.
    Failed { error_code: u16 },
}

/// One VU's script.
pub trait Program {
    /// Begins an iteration.
    fn start(&mut self) -> Step;
    /// Goes on with the answer to the last wish.
    fn resume(&mut self, answer: Answer) -> Step;
    /// The iteration is interrupted; no answer will come.
    fn cancel(&mut self);
}
