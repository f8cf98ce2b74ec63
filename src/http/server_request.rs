//! Reads requests for the built-in target, one parser a connection, in any cut of the stream.
//!
//! The mirror of `response`: the same heads, limits and refusals, each refusal a 400. Bodies are
//! skipped. It serves load, not the world: no check of Host, no `100 Continue`.

use super::chunked::Chunked;
use super::error::{ParseError, quote};
use super::framing::{BodyLength, Framing};
use super::head::{HEAD_LIMIT, Read, TOKEN, first_bad_line, with_headers};
use super::head_reader::{CutHead, LastHead, MessageHead, Place, Taken, head_end};
use httparse::{Header, ParserConfig, Status};
use std::mem::MaybeUninit;

/// The last request head; one per worker.
pub type RequestCache = LastHead<RequestHead>;

/// Methods are shorter than this, or what came is not HTTP.
const METHOD_MAX: usize = 32;

/// A complete request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Request<'a> {
    pub method: &'a str,
    /// As sent.
    pub path_and_query: &'a str,
    /// The connection ends after the answer.
    pub wants_close: bool,
    pub is_http10: bool,
    pub body_bytes: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub enum RequestParsed<'a> {
    NeedMore,
    Complete(Request<'a>),
    /// To be answered by 400 and the end of the connection.
    Failed(ParseError),
}

/// A request's head: where its parts are, and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RequestHead {
    len: u32,
    method_end: u32,
    target_end: u32,
    body: BodyLength,
    persists: bool,
    is_http10: bool,
}

/// Where in a request the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    #[default]
    Idle,
    Head,
    Length(u64),
    Chunked(Chunked),
    Failed,
}

#[derive(Debug, Default)]
pub struct RequestParser {
    state: State,
    /// The beginning of a cut head; then, if the body is cut, the request line.
    cut: CutHead,
    head: RequestHead,
    body_bytes: u64,
}

/// What `advance` came to; `Complete` says where the request line is.
enum Outcome {
    NeedMore,
    CompleteAt(usize),
    CompleteInCut,
    Failed(ParseError),
}

impl RequestParser {
    pub fn new() -> RequestParser {
        RequestParser::default()
    }

    /// No byte of the next request was seen yet.
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Reads from the front of `input`; returns the bytes consumed, all of them on `NeedMore`.
    #[inline]
    pub fn parse<'a>(&'a mut self, input: &'a [u8], cache: &mut RequestCache) -> (usize, RequestParsed<'a>) {
        let (count, consumed, request) = self.parse_identical(input, cache, 1);
        if count == 1 {
            return (consumed, RequestParsed::Complete(request));
        }
        let (consumed, outcome) = self.advance(input, cache);
        let parsed = match outcome {
            Outcome::NeedMore => RequestParsed::NeedMore,
            Outcome::Failed(error) => RequestParsed::Failed(error),
            Outcome::CompleteAt(at) => {
                RequestParsed::Complete(self.head.request(&input[at..], self.body_bytes))
            }
            Outcome::CompleteInCut => {
                RequestParsed::Complete(self.head.request(&self.cut.bytes, self.body_bytes))
            }
        };
        (consumed, parsed)
    }

    /// How many complete requests at the front of `input` have the cached head, byte for byte:
    /// their count (at most `at_most`), their bytes, and what each of them is. Zero if the parser is
    /// not idle, if the request ends the connection, or if its head does not tell its length.
    #[inline]
    pub fn parse_identical<'a>(
        &self,
        input: &'a [u8],
        cache: &RequestCache,
        at_most: u32,
    ) -> (u32, usize, Request<'a>) {
        let head = cache.head();
        if self.state != State::Idle || !head.persists {
            return (0, 0, Request::default());
        }
        match cache.count_repeats(input, at_most) {
            (0, _) => (0, 0, Request::default()),
            (count, consumed) => (count, consumed, head.request(input, head.body.stated().unwrap_or(0))),
        }
    }

    fn advance(&mut self, input: &[u8], cache: &mut RequestCache) -> (usize, Outcome) {
        let mut at = 0;
        // Where this input holds the request line, if it does.
        let mut line_at = None;
        loop {
            let rest = &input[at..];
            if rest.is_empty() {
                if let Some(line_at) = line_at {
                    let line = &input[line_at..line_at + self.head.target_end as usize];
                    self.cut.bytes.extend_from_slice(line);
                }
                return (at, Outcome::NeedMore);
            }
            let (consumed, complete) = match &mut self.state {
                State::Failed => return (at, Outcome::Failed(ParseError::Unsolicited)),
                // RFC 9112 §2.2: empty lines before a request are ignored.
                State::Idle if matches!(rest[0], b'\r' | b'\n') => (1, false),
                State::Idle => {
                    self.cut.clear();
                    self.body_bytes = 0;
                    self.state = State::Head;
                    (0, false)
                }
                State::Head => match self.cut.take_head(rest, HEAD_LIMIT, cache) {
                    Taken::Refused(error) => return (at, self.fail(error)),
                    Taken::Part => (rest.len(), false),
                    Taken::Whole { head, bytes, place } => {
                        line_at = (place == Place::Input).then_some(at);
                        self.head = head;
                        self.state = match head.body {
                            BodyLength::CHUNKED => State::Chunked(Chunked::default()),
                            body => State::Length(body.stated().unwrap_or(0)),
                        };
                        (bytes, self.state == State::Length(0))
                    }
                },
                State::Length(left) => {
                    let here = (*left).min(rest.len() as u64);
                    *left -= here;
                    self.body_bytes += here;
                    (here as usize, *left == 0)
                }
                State::Chunked(chunked) => {
                    match chunked.decode(rest, |data| self.body_bytes += data.len() as u64) {
                        Err(error) => return (at, self.fail(ParseError::Chunk(error))),
                        Ok(done) => done,
                    }
                }
            };
            at += consumed;
            if complete {
                self.state = State::Idle;
                return (at, line_at.map_or(Outcome::CompleteInCut, Outcome::CompleteAt));
            }
        }
    }

    fn fail(&mut self, error: ParseError) -> Outcome {
        self.state = State::Failed;
        Outcome::Failed(error)
    }
}

impl RequestHead {
    /// `line`: begins with the request line of this head.
    fn request<'a>(&self, line: &'a [u8], body_bytes: u64) -> Request<'a> {
        let (method_end, target_end) = (self.method_end as usize, self.target_end as usize);
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        Request {
            method: text(&line[..method_end]),
            path_and_query: text(&line[method_end + 1..target_end]),
            wants_close: !self.persists,
            is_http10: self.is_http10,
            body_bytes,
        }
    }
}

impl MessageHead for RequestHead {
    fn head_len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    fn whole_len(&self) -> Option<u64> {
        let body = self.body.stated().unwrap_or(0);
        (self.body != BodyLength::CHUNKED).then_some(u64::from(self.len) + body)
    }

    fn is_final(&self) -> bool {
        true
    }

    /// No quick scan: a load generator's requests repeat.
    fn scan(_: &[u8]) -> Option<RequestHead> {
        None
    }

    fn read(input: &[u8]) -> Result<Option<RequestHead>, ParseError> {
        RequestHead::check_start(input)?;
        if let Some(head) = with_headers(|headers| parse_into(input, headers))? {
            return Ok(Some(head));
        }
        let Some(end) = head_end(input, 0) else { return Ok(None) };
        let whole = &input[..end];
        match with_headers(|headers| parse_into(whole, headers))? {
            Some(head) => Ok(Some(head)),
            None => Err(first_bad_line(whole)),
        }
    }

    fn check_start(input: &[u8]) -> Result<(), ParseError> {
        let method_len = input.iter().take(METHOD_MAX).take_while(|&&byte| TOKEN[usize::from(byte)]).count();
        match input.get(method_len) {
            None => Ok(()),
            Some(b' ') if method_len > 0 => Ok(()),
            Some(_) => {
                let line = input.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or(b"");
                Err(ParseError::MalformedRequest(quote(line)))
            }
        }
    }
}

fn parse_into<'a>(input: &'a [u8], headers: &mut [MaybeUninit<Header<'a>>]) -> Read<RequestHead> {
    let mut request = httparse::Request::new(&mut []);
    let config = ParserConfig::default();
    let len = match config.parse_request_with_uninit_headers(&mut request, input, headers)? {
        Status::Complete(len) => len,
        Status::Partial => return Ok(Ok(None)),
    };
    let (method, target) = (request.method.unwrap_or(""), request.path.unwrap_or(""));
    let mut framing = Framing::default();
    for header in request.headers.iter() {
        if let Err(error) = framing.on_header(header.name, header.value) {
            return Ok(Err(error));
        }
    }
    let is_http10 = request.version == Some(0);
    Ok(framing.finish(is_http10).map(|(body, persists)| {
        Some(RequestHead {
            len: len as u32,
            method_end: method.len() as u32,
            target_end: (method.len() + 1 + target.len()) as u32,
            body,
            persists,
            is_http10,
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method, target, whether the connection ends, bytes of the body.
    type Seen = (String, String, bool, u64);

    /// Reads a stream given in pieces: the requests, and the error that followed them.
    fn read<'a>(
        pieces: impl Iterator<Item = &'a [u8]>,
        cache: &mut RequestCache,
    ) -> (Vec<Seen>, Option<String>) {
        let mut parser = RequestParser::new();
        let mut seen = Vec::new();
        for mut rest in pieces {
            loop {
                let (consumed, parsed) = parser.parse(rest, cache);
                rest = &rest[consumed..];
                match parsed {
                    RequestParsed::NeedMore => break,
                    RequestParsed::Failed(error) => return (seen, Some(error.to_string())),
                    RequestParsed::Complete(request) => seen.push((
                        request.method.to_owned(),
                        request.path_and_query.to_owned(),
                        request.wants_close,
                        request.body_bytes,
                    )),
                }
            }
            assert!(rest.is_empty(), "NeedMore consumes everything");
        }
        (seen, None)
    }

    /// Reads `stream` in every split, with and without a warm cache.
    #[track_caller]
    fn check(stream: &str, want: &[(&str, &str, bool, u64)], error: Option<&str>) {
        let bytes = stream.as_bytes();
        let want = want.iter().map(|&(method, path, close, body)| (method.into(), path.into(), close, body));
        let want = (want.collect::<Vec<Seen>>(), error.map(str::to_owned));
        let fresh = RequestCache::new;
        let mut warm = fresh();
        assert_eq!(read([bytes].into_iter(), &mut warm), want, "whole: {stream:?}");
        assert_eq!(read([bytes].into_iter(), &mut warm), want, "warm: {stream:?}");
        // How much of a refused line had come depends on the cut; nothing else does.
        let kind = |(seen, error): (Vec<Seen>, Option<String>)| {
            (seen, error.map(|error| error.split('"').next().unwrap_or("").to_owned()))
        };
        let want = kind(want);
        assert_eq!(kind(read(bytes.chunks(1), &mut fresh())), want, "byte by byte: {stream:?}");
        assert_eq!(kind(read(bytes.chunks(1), &mut warm)), want, "byte by byte, warm: {stream:?}");
        for at in 0..=bytes.len() {
            let (front, back) = bytes.split_at(at);
            let got = kind(read([front, back].into_iter(), &mut fresh()));
            assert_eq!(got, want, "split at {at}: {stream:?}");
            let got = kind(read([front, back].into_iter(), &mut warm));
            assert_eq!(got, want, "split at {at}, warm: {stream:?}");
        }
    }

    #[test]
    fn pipelined_requests_are_told_apart_and_bodies_skipped() {
        let get = "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n";
        let post = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
        let chunked = "PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
        check(
            &[get, get, post, post, chunked, "\r\n", chunked, get].concat(),
            &[
                ("GET", "/a?b=c", false, 0),
                ("GET", "/a?b=c", false, 0),
                ("POST", "/p", false, 3),
                ("POST", "/p", false, 3),
                ("PUT", "/c", false, 2),
                ("PUT", "/c", false, 2),
                ("GET", "/a?b=c", false, 0),
            ],
            None,
        );
        check(&get[..get.len() - 1], &[], None);
        check(&post[..post.len() - 1], &[], None);
    }

    #[test]
    fn a_request_says_whether_the_connection_ends() {
        check("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", &[("GET", "/", true, 0)], None);
        check("GET / HTTP/1.0\r\n\r\n", &[("GET", "/", true, 0)], None);
        check("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &[("GET", "/", false, 0)], None);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        check("\x16\x03\x01", &[], Some("malformed HTTP request \"\\x16\\x03\\x01\""));
        check(" / HTTP/1.1\r\n", &[], Some("malformed HTTP request \" / HTTP/1.1\""));
        check("GET / HTTP/2.0\r\n\r\n", &[], Some("malformed HTTP request \"GET / HTTP/2.0\""));
        check("GET  / HTTP/1.1\r\n\r\n", &[], Some("malformed HTTP request \"GET  / HTTP/1.1\""));
        check("GET / HTTP/1.1\r\nA : b\r\n\r\n", &[], Some("malformed MIME header line \"A : b\""));
        check("GET / HTTP/1.1\r\nContent-Length: 1a\r\n\r\n", &[], Some("bad Content-Length \"1a\""));
        check(
            "GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            &[],
            Some("http: message with a Transfer-Encoding has no unambiguous length"),
        );
        let long = format!("{} / HTTP/1.1\r\n\r\n", "M".repeat(METHOD_MAX + 1));
        check(&long, &[], Some(&format!("malformed HTTP request \"{}\"", long.trim_end())));
    }

    #[test]
    fn a_head_is_bounded() {
        let stream = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(HEAD_LIMIT));
        for step in [stream.len(), 1000, 1] {
            let (seen, error) = read(stream.as_bytes().chunks(step), &mut RequestCache::new());
            assert_eq!((seen.len(), error), (0, Some(ParseError::HeadTooLarge.to_string())));
        }
    }

    #[test]
    fn identical_requests_are_counted_at_once() {
        #[track_caller]
        fn check(one: &str, stream: &str, at_most: u32, want: u32) {
            let (mut parser, mut cache) = (RequestParser::new(), RequestCache::new());
            parser.parse(one.as_bytes(), &mut cache);
            let (count, consumed, request) = parser.parse_identical(stream.as_bytes(), &cache, at_most);
            assert_eq!((count, consumed), (want, want as usize * one.len()));
            assert_eq!(request.path_and_query, if want > 0 { "/p" } else { "" });
        }
        let get = "GET /p HTTP/1.1\r\n\r\n";
        check(get, &get.repeat(5), 16, 5);
        check(get, &get.repeat(5), 2, 2);
        check(get, &get.replace("/p", "/q"), 16, 0);
        let post = "POST /p HTTP/1.1\r\nContent-Length: 1\r\n\r\na";
        check(post, &(post.repeat(3) + &post[..post.len() - 1]), 16, 3);
        let last = "GET /p HTTP/1.0\r\n\r\n";
        check(last, &last.repeat(2), 16, 0);
    }
}
