//! Reads responses, one parser a connection, in any cut of the stream.
//!
//! The answer never depends on where reads were cut. Bodies nobody asked for are counted, not
//! kept. Interim responses (1xx) are skipped. A parser that failed stays refused: the caller
//! closes the connection. Content codings are the caller's.

use super::chunked::Chunked;
use super::error::ParseError;
use super::framing::BodyLength;
use super::head::{HEAD_LIMIT, ResponseHead};
use super::head_reader::{CutHead, LastHead, Place, Taken};
use super::headers::Head;

/// The last response head; one per worker.
pub type HeadCache = LastHead<ResponseHead>;

/// What must be at hand once the response is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Keep {
    #[default]
    Nothing,
    /// The head, only if the status is 3xx: enough to follow redirects.
    HeadOfRedirect,
    Head,
    HeadAndBody,
}

/// A complete response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Response {
    /// Of the body, after the chunked coding was removed.
    pub body_bytes: u64,
    pub status: u16,
    /// Another request may follow on this connection.
    pub keep_alive: bool,
    /// The version is HTTP/1.0, not HTTP/1.1.
    pub http10: bool,
}

impl Response {
    /// With the body as the head announces it.
    fn of(head: &ResponseHead) -> Response {
        Response {
            body_bytes: head.body.stated().unwrap_or(0),
            status: head.status,
            keep_alive: head.persists,
            http10: head.http10,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    NeedMore,
    Complete(Response),
    Failed(ParseError),
}

/// Where in a response the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No response is awaited.
    Between,
    /// Awaited; no byte came yet.
    Idle,
    Head,
    /// Bytes of a Content-Length body still to come.
    Length(u64),
    Chunked(Chunked),
    UntilEnd,
}

#[derive(Debug, Default)]
struct Kept {
    head: Vec<u8>,
    body: Vec<u8>,
}

#[derive(Debug)]
pub struct ResponseParser {
    state: State,
    cut: CutHead,
    kept: Option<Box<Kept>>,
    response: Response,
    /// Of interim heads of this response, which count against `HEAD_LIMIT`.
    interim_bytes: u32,
    keep: Keep,
    request_is_head: bool,
}

// 10,000 connections a worker is usual, so this is kept in two cache lines.
const _: () = assert!(size_of::<ResponseParser>() <= 96);

impl Default for ResponseParser {
    fn default() -> ResponseParser {
        ResponseParser::new()
    }
}

impl ResponseParser {
    pub fn new() -> ResponseParser {
        ResponseParser {
            state: State::Between,
            cut: CutHead::default(),
            kept: None,
            response: Response::default(),
            interim_bytes: 0,
            keep: Keep::Nothing,
            request_is_head: false,
        }
    }

    /// Awaits the next response: of a HEAD request or not, keeping `keep` of it.
    pub fn begin(&mut self, request_is_head: bool, keep: Keep) {
        self.state = State::Idle;
        self.keep = keep;
        self.request_is_head = request_is_head;
        self.interim_bytes = 0;
        self.kept = None;
        self.cut.clear();
    }

    /// A response is awaited, and no byte of it was seen yet.
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Reads from the front of `input`; returns the bytes consumed, all of them on `NeedMore`.
    /// After `Complete` the rest belongs to the next response: `begin`, then parse again.
    #[inline]
    pub fn parse(&mut self, input: &[u8], cache: &mut HeadCache) -> (usize, Parsed) {
        let (count, consumed, response) = self.repeats(input, cache, 1);
        if count == 1 {
            self.state = State::Between;
            return (consumed, Parsed::Complete(response));
        }
        self.parse_any(input, cache)
    }

    /// How many complete responses at the front of `input` have the cached head, byte for byte:
    /// their count (at most `at_most`), their bytes, and what each of them is. For pipelining; the
    /// parser must be idle, and stays so. Zero if something is to be kept, if the response ends
    /// the connection, or if its head does not tell its length.
    pub fn parse_identical(&self, input: &[u8], cache: &HeadCache, at_most: u32) -> (u32, usize, Response) {
        self.repeats(input, cache, at_most)
    }

    #[inline]
    fn repeats(&self, input: &[u8], cache: &HeadCache, at_most: u32) -> (u32, usize, Response) {
        let head = cache.head();
        let response = Response::of(&head);
        let wants_more = self.request_is_head || !self.keeps_nothing_of(&head);
        if self.state != State::Idle || wants_more || !response.keep_alive {
            return (0, 0, response);
        }
        let (count, consumed) = cache.count_repeats(input, at_most);
        (count, consumed, response)
    }

    /// The peer ended its side: that completes a body without a stated length, and is an error
    /// anywhere else.
    pub fn on_end(&mut self) -> Parsed {
        match self.state {
            State::UntilEnd => self.complete(),
            State::Between | State::Idle => self.fail(ParseError::Eof),
            _ => self.fail(ParseError::UnexpectedEof),
        }
    }

    /// Bytes of a Content-Length body still to come that nobody wants to see: the transport may
    /// throw away up to so many, and must then tell `on_discarded`.
    pub fn body_remaining(&self) -> Option<u64> {
        match self.state {
            State::Length(left) if self.keep != Keep::HeadAndBody => Some(left),
            _ => None,
        }
    }

    /// The transport threw away `bytes` of the body, no more than `body_remaining`.
    pub fn on_discarded(&mut self, bytes: u64) -> Parsed {
        let left = self.body_remaining().unwrap_or(0);
        assert!(bytes <= left, "{bytes} bytes of a body discarded, {left} were left");
        self.response.body_bytes += bytes;
        self.state = State::Length(left - bytes);
        if bytes == left { self.complete() } else { Parsed::NeedMore }
    }

    /// The head of the response, if `Keep` asked for it; once.
    pub fn take_head(&mut self) -> Option<Head> {
        let head = std::mem::take(&mut self.kept.as_mut()?.head);
        (!head.is_empty()).then(|| Head::new(head))
    }

    /// The body of the response, chunked coding removed, if `Keep` asked for it; once.
    pub fn take_body(&mut self) -> Vec<u8> {
        self.kept.as_mut().map_or_else(Vec::new, |kept| std::mem::take(&mut kept.body))
    }

    fn parse_any(&mut self, input: &[u8], cache: &mut HeadCache) -> (usize, Parsed) {
        let mut at = 0;
        loop {
            let rest = &input[at..];
            let (consumed, parsed) = match &mut self.state {
                State::Between if rest.is_empty() => return (at, Parsed::NeedMore),
                State::Between => return (at, Parsed::Failed(ParseError::Unsolicited)),
                State::Idle | State::Head if rest.is_empty() => return (at, Parsed::NeedMore),
                State::Idle | State::Head => {
                    self.state = State::Head;
                    let limit = HEAD_LIMIT - self.interim_bytes as usize;
                    match self.cut.take_head(rest, limit, cache) {
                        Taken::Refused(error) => return (at, self.fail(error)),
                        Taken::Part => return (input.len(), Parsed::NeedMore),
                        Taken::Whole { head, bytes, place } => {
                            (bytes, self.on_head(head, &rest[..bytes], place))
                        }
                    }
                }
                State::Length(left) => {
                    let here = (*left).min(rest.len() as u64);
                    *left -= here;
                    let done = *left == 0;
                    self.on_body(&rest[..here as usize]);
                    (here as usize, done.then(|| self.complete()))
                }
                State::Chunked(chunked) => {
                    let mut chunked = *chunked;
                    match chunked.decode(rest, |data| self.on_body(data)) {
                        Err(error) => return (at, self.fail(ParseError::Chunk(error))),
                        Ok((consumed, true)) => (consumed, Some(self.complete())),
                        Ok((consumed, false)) => {
                            self.state = State::Chunked(chunked);
                            (consumed, None)
                        }
                    }
                }
                State::UntilEnd => {
                    self.on_body(rest);
                    (rest.len(), None)
                }
            };
            at += consumed;
            if let Some(parsed) = parsed {
                return (at, parsed);
            }
            if at == input.len() {
                return (at, Parsed::NeedMore);
            }
        }
    }

    /// `Some` if the response ends with its head. `input`: the end of the head, or all of it.
    fn on_head(&mut self, head: ResponseHead, input: &[u8], place: Place) -> Option<Parsed> {
        if head.status == 101 {
            return Some(self.fail(ParseError::Upgrade));
        }
        if head.status < 200 {
            self.interim_bytes += head.len;
            self.cut.clear();
            return None;
        }
        self.response = Response { body_bytes: 0, ..Response::of(&head) };
        if !self.keeps_nothing_of(&head) {
            let bytes = if place == Place::Cut { &self.cut.bytes } else { input };
            self.kept = Some(Box::new(Kept { head: bytes.to_vec(), body: Vec::new() }));
        }
        self.cut.clear();
        self.state = if self.request_is_head || head.has_no_body() {
            State::Length(0)
        } else if head.body == BodyLength::CHUNKED {
            State::Chunked(Chunked::default())
        } else if let Some(length) = head.body.stated() {
            State::Length(length)
        } else {
            self.response.keep_alive = false;
            State::UntilEnd
        };
        (self.state == State::Length(0)).then(|| self.complete())
    }

    fn keeps_nothing_of(&self, head: &ResponseHead) -> bool {
        match self.keep {
            Keep::Nothing => true,
            Keep::HeadOfRedirect => head.status / 100 != 3,
            Keep::Head | Keep::HeadAndBody => false,
        }
    }

    fn on_body(&mut self, data: &[u8]) {
        self.response.body_bytes += data.len() as u64;
        if self.keep == Keep::HeadAndBody
            && let Some(kept) = &mut self.kept
        {
            kept.body.extend_from_slice(data);
        }
    }

    fn complete(&mut self) -> Parsed {
        self.state = State::Between;
        Parsed::Complete(self.response)
    }

    fn fail(&mut self, error: ParseError) -> Parsed {
        self.state = State::Between;
        self.cut.clear();
        Parsed::Failed(error)
    }
}

#[cfg(test)]
mod tests;
