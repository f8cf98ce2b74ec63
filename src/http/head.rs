//! The heads of responses: read, or refused.
//!
//! There are two readers. The one-pass scan knows only the plain case and answers `None` to
//! anything it is not sure of, so that the other, around `httparse`, alone decides what is refused.
//! A refusal needs the whole head (but for the status line, see `check_status_line`), so it does
//! not depend on how the stream was cut. The token table and `with_headers` also serve requests.

use super::error::{ParseError, quote};
use super::framing::{BodyLength, Framing};
use super::head_reader::{MessageHead, head_end};
use httparse::{Header, ParserConfig, Status};
use std::mem::MaybeUninit;

/// The longest head, with the interim (1xx) heads before it; the same bound holds for trailers.
pub const HEAD_LIMIT: usize = 64 * 1024;

/// Headers that are read without an allocation.
const HEADERS_ON_STACK: usize = 48;
/// No head within `HEAD_LIMIT` has more headers: the shortest line is `a:` CR LF.
const HEADERS_MAX: usize = HEAD_LIMIT / 4;

/// A response's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ResponseHead {
    pub body: BodyLength,
    /// Bytes of the head, with the empty line.
    pub len: u32,
    pub status: u16,
    pub http10: bool,
    /// The connection lives on, if the body's end can be told.
    pub persists: bool,
}

impl ResponseHead {
    /// Whatever the headers say (RFC 9112 §6.3).
    pub(super) fn has_no_body(&self) -> bool {
        matches!(self.status, 204 | 304)
    }
}

impl MessageHead for ResponseHead {
    fn head_len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    fn whole_len(&self) -> Option<u64> {
        let length = self.body.stated().filter(|_| !self.has_no_body())?;
        Some(u64::from(self.len) + length)
    }

    fn is_final(&self) -> bool {
        self.status >= 200
    }

    fn scan(input: &[u8]) -> Option<ResponseHead> {
        scan_response(input)
    }

    fn read(input: &[u8]) -> Result<Option<ResponseHead>, ParseError> {
        read_response(input)
    }

    fn check_start(input: &[u8]) -> Result<(), ParseError> {
        check_status_line(input)
    }
}

/// Reads a plain head at the front of `input` in one pass: HTTP/1.1, a final status, one
/// Content-Length or none, a Connection header of one word. `None`: ask `read_response`.
pub fn scan_response(input: &[u8]) -> Option<ResponseHead> {
    let (line, _) = input.split_first_chunk::<13>()?;
    if !line.starts_with(b"HTTP/1.1 ") || line[12] != b' ' {
        return None;
    }
    let digit = |at: usize| Some(line[at].wrapping_sub(b'0')).filter(|&digit| digit <= 9).map(u16::from);
    let status = digit(9)? * 100 + digit(10)? * 10 + digit(11)?;
    if status < 200 {
        return None;
    }
    let (mut body, mut connection) = (BodyLength::UNSTATED, None);
    let mut at = line_end(input, 13)?;
    loop {
        // The next line is found first: the search for the colon then waits for nothing.
        let line_start = at;
        at = line_end(input, line_start)?;
        let line = &input[line_start..at - 2];
        if line.is_empty() {
            let len = u32::try_from(at).ok()?;
            let persists = connection.unwrap_or(true);
            return Some(ResponseHead { body, len, status, http10: false, persists });
        }
        let name_end = name_end(line)?;
        let (name, value) = (&line[..name_end], &line[name_end + 1..]);
        match name.len() {
            10 if name.eq_ignore_ascii_case(b"connection") => {
                let value = value.trim_ascii();
                let keep_alive = value.eq_ignore_ascii_case(b"keep-alive");
                if connection.is_some() || !keep_alive && !value.eq_ignore_ascii_case(b"close") {
                    return None;
                }
                connection = Some(keep_alive);
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let value = value.trim_ascii();
                if body != BodyLength::UNSTATED || !(1..=18).contains(&value.len()) {
                    return None;
                }
                // 18 digits cannot overflow.
                let mut length = 0;
                for &byte in value {
                    let digit = byte.wrapping_sub(b'0');
                    if digit > 9 {
                        return None;
                    }
                    length = length * 10 + u64::from(digit);
                }
                body = BodyLength::of(length);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => return None,
            _ => {}
        }
    }
}

/// The length of the header name before the colon of `line`.
#[inline]
fn name_end(line: &[u8]) -> Option<usize> {
    let len = line.iter().position(|&byte| !TOKEN[usize::from(byte)])?;
    (len > 0 && line[len] == b':').then_some(len)
}

/// A byte of one in each of a word's eight, and the high bits.
const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;

/// The start of the next line, if the first control character from `at` on is a CR with its LF.
#[inline]
fn line_end(input: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let Some(chunk) = input.get(at..at + 8) else {
            at += input.get(at..)?.iter().position(|&byte| byte < b' ' || byte == 0x7f)?;
            break;
        };
        // The lowest high bit set marks the first byte below 0x20, or equal to 0x7f. (Borrows only
        // reach bytes above the first hit.)
        let word = u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
        let delete = word ^ (ONES * 0x7f);
        let hits = (word.wrapping_sub(ONES * 0x20) & !word | delete.wrapping_sub(ONES) & !delete) & HIGHS;
        if hits != 0 {
            at += hits.trailing_zeros() as usize / 8;
            break;
        }
        at += 8;
    }
    (input.get(at..at + 2)? == b"\r\n").then_some(at + 2)
}

/// Characters of a token (RFC 9110 §5.6.2): header names and methods.
pub(super) const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| TOKEN[usize::from(byte)])
}

/// Reads any head at the front of `input`. `None`: it is not whole yet, and not refused so far.
pub fn read_response(input: &[u8]) -> Result<Option<ResponseHead>, ParseError> {
    if let Some(head) = parse_response(input)? {
        return Ok(Some(head));
    }
    check_status_line(input)?;
    let Some(end) = head_end(input, 0) else { return Ok(None) };
    let whole = &input[..end];
    match parse_response(whole)? {
        Some(head) => Ok(Some(head)),
        None => Err(first_bad_line(whole)),
    }
}

/// `None`: `httparse` wants more, or refuses.
fn parse_response(input: &[u8]) -> Result<Option<ResponseHead>, ParseError> {
    with_headers(|headers| parse_response_into(input, headers))
}

/// What `httparse` found (`None`: it wants more), what we refuse, what `httparse` refuses.
pub(super) type Read<T> = Result<Result<Option<T>, ParseError>, httparse::Error>;

/// Calls `parse` with room for headers; again with the most room if it did not suffice.
pub(super) fn with_headers<'a, T>(
    parse: impl Fn(&mut [MaybeUninit<Header<'a>>]) -> Read<T>,
) -> Result<Option<T>, ParseError> {
    let mut on_stack = [const { MaybeUninit::uninit() }; HEADERS_ON_STACK];
    match parse(&mut on_stack) {
        Err(httparse::Error::TooManyHeaders) => {
            parse(&mut vec![MaybeUninit::uninit(); HEADERS_MAX]).unwrap_or(Ok(None))
        }
        other => other.unwrap_or(Ok(None)),
    }
}

fn parse_response_into<'a>(input: &'a [u8], headers: &mut [MaybeUninit<Header<'a>>]) -> Read<ResponseHead> {
    let mut response = httparse::Response::new(&mut []);
    let config = ParserConfig::default();
    let len = match config.parse_response_with_uninit_headers(&mut response, input, headers)? {
        Status::Complete(len) => len,
        Status::Partial => return Ok(Ok(None)),
    };
    let status = response.code.unwrap_or(0);
    // httparse skips empty lines before the status line, and takes a status like 042.
    if status < 100 || !input.starts_with(b"HTTP/") {
        return Ok(check_status_line(input).and(Err(first_bad_line(input))));
    }
    let http10 = response.version == Some(0);
    let mut framing = Framing::default();
    for header in response.headers.iter() {
        if let Err(error) = framing.on_header(header.name, header.value) {
            return Ok(Err(error));
        }
    }
    Ok(framing
        .finish(http10)
        .map(|(body, persists)| Some(ResponseHead { body, len: len as u32, status, http10, persists })))
}

/// Refuses what cannot become a status line, however few bytes have come.
pub(super) fn check_status_line(input: &[u8]) -> Result<(), ParseError> {
    let line = || input.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or(b"");
    let word = |nth: usize| quote(line().split(|&byte| byte == b' ').nth(nth).unwrap_or(b""));
    for (at, &byte) in input.iter().take(13).enumerate() {
        let fits = match at {
            0..7 => byte == b"HTTP/1."[at],
            7 => matches!(byte, b'0' | b'1'),
            8 => byte == b' ',
            9 => matches!(byte, b'1'..=b'9'),
            10 | 11 => byte.is_ascii_digit(),
            _ => matches!(byte, b' ' | b'\r' | b'\n'),
        };
        if !fits {
            return Err(match at {
                0..5 => ParseError::MalformedResponse(quote(line())),
                5..8 => ParseError::MalformedVersion(word(0)),
                8 => ParseError::MalformedResponse(quote(line())),
                _ => ParseError::MalformedStatus(word(1)),
            });
        }
    }
    Ok(())
}

/// Names the culprit in a whole head that `httparse` refuses.
pub(super) fn first_bad_line(head: &[u8]) -> ParseError {
    let mut lines = head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first_line = lines.next().unwrap_or(b"");
    let is_good = |line: &[u8]| {
        let name_len = line.iter().take_while(|&&byte| TOKEN[usize::from(byte)]).count();
        let control = line.iter().any(|&byte| byte < b' ' && byte != b'\t' || byte == 0x7f);
        line.is_empty() || name_len > 0 && line.get(name_len) == Some(&b':') && !control
    };
    match lines.find(|line| !is_good(line)) {
        Some(line) => ParseError::MalformedHeader(quote(line)),
        None if first_line.starts_with(b"HTTP/") => ParseError::MalformedResponse(quote(first_line)),
        None => ParseError::MalformedRequest(quote(first_line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What both readers say of a whole head.
    #[track_caller]
    fn check(head: &str, want: Result<ResponseHead, ParseError>) {
        let got = read_response(head.as_bytes()).map(|head| head.expect("the head is whole"));
        let want = want.map(|want| ResponseHead { len: head.len() as u32, ..want });
        assert_eq!(got, want, "{head:?}");
        if let Some(scanned) = scan_response(head.as_bytes()) {
            assert_eq!(Ok(scanned), want, "the scan, of {head:?}");
        }
    }

    fn length(status: u16, content_length: u64) -> Result<ResponseHead, ParseError> {
        Ok(ResponseHead {
            body: BodyLength::of(content_length),
            status,
            persists: true,
            ..ResponseHead::default()
        })
    }

    fn with(status: &str, headers: &str) -> String {
        format!("HTTP/1.1 {status}\r\n{headers}\r\n")
    }

    #[test]
    fn plain_heads_are_read() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", length(200, 5));
        check("HTTP/1.1 404 Not Found\r\nX: \ty\r\nCONTENT-length:007 \r\n\r\n", length(404, 7));
        check("HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n", length(200, 5));
        check("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", length(200, 5));
        check("HTTP/1.1 200 OK\nContent-Length: 5\n\n", length(200, 5));
        check(&with("200 OK", "Content-Length: 5\r\nContent-Length: 5\r\n"), length(200, 5));
    }

    #[test]
    fn shapes_that_smuggle_are_refused() {
        let quoted = |text: &str| quote(text.as_bytes());
        let length = |headers: &str, error| check(&with("200 OK", headers), Err(error));
        length("Content-Length: 5\r\nContent-Length: 6\r\n", ParseError::ContentLengthsDiffer);
        length("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", ParseError::AmbiguousLength);
        length("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", ParseError::AmbiguousLength);
        for bad in ["+5", "-5", "5, 5", "5 5", "0x5", "", "9223372036854775808", "99999999999999999999999"] {
            length(&format!("Content-Length: {bad}\r\n"), ParseError::BadContentLength(quoted(bad)));
        }
        for bad in ["gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked", ""] {
            length(&format!("Transfer-Encoding: {bad}\r\n"), ParseError::TransferEncoding(quoted(bad)));
        }
        length(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            ParseError::TransferEncoding(quoted("chunked")),
        );
        for bad in ["Content-Length : 5", " folded", "\tfolded", "no colon", ": no name", "a b: c", "A: b\rc"]
        {
            length(&format!("A: b\r\n{bad}\r\n"), ParseError::MalformedHeader(quoted(bad)));
        }
        length("A: b\0c\r\n", ParseError::MalformedHeader(quoted("A: b\0c")));
        length("A: b\x7fc\r\n", ParseError::MalformedHeader(quoted("A: b\x7fc")));
        check("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Err(ParseError::AmbiguousLength));
    }

    #[test]
    fn the_connection_header_is_a_list_and_http_1_0_closes() {
        #[track_caller]
        fn persists(line: &str, headers: &str, want: bool) {
            let head = format!("{line} 200 OK\r\nContent-Length: 0\r\n{headers}\r\n");
            let head = read_response(head.as_bytes()).unwrap().unwrap();
            assert_eq!(head.persists, want, "{line} {headers:?}");
        }
        persists("HTTP/1.1", "", true);
        persists("HTTP/1.1", "Connection: close\r\n", false);
        persists("HTTP/1.1", "Connection: X-A, CLOSE\r\n", false);
        persists("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", false);
        persists("HTTP/1.1", "Connection: closed\r\n", true);
        persists("HTTP/1.0", "", false);
        persists("HTTP/1.0", "Connection: Keep-Alive\r\n", true);
        persists("HTTP/1.0", "Connection: keep-alive, close\r\n", false);
    }

    #[test]
    fn garbage_is_refused_at_its_first_wrong_byte() {
        #[track_caller]
        fn refused(input: &[u8], want: &str) {
            assert_eq!(read_response(input).unwrap_err().to_string(), want);
            let first = (0..=input.len()).find(|&n| read_response(&input[..n]).is_err());
            assert_eq!(first, Some(input.len()), "{input:?}");
        }
        refused(b"\x15", "malformed HTTP response \"\\x15\"");
        refused(b"HTTPS", "malformed HTTP response \"HTTPS\"");
        refused(b"\r", "malformed HTTP response \"\"");
        refused(b"HTTP/2", "malformed HTTP version \"HTTP/2\"");
        refused(b"HTTP/1.2", "malformed HTTP version \"HTTP/1.2\"");
        refused(b"HTTP/1.1\r", "malformed HTTP response \"HTTP/1.1\"");
        refused(b"HTTP/1.1 0", "malformed HTTP status code \"0\"");
        refused(b"HTTP/1.1 20 ", "malformed HTTP status code \"20\"");
        refused(b"HTTP/1.1 2000", "malformed HTTP status code \"2000\"");
    }

    #[test]
    fn more_headers_than_fit_on_the_stack_are_read() {
        let headers = format!("{}Content-Length: 3\r\n", "a:\r\n".repeat(10_000));
        check(&with("200 OK", &headers), length(200, 3));
    }

    /// Pieces from which heads are made, legal and not.
    const LINES: &[&str] = &[
        "Content-Length: 5\r\n",
        "content-length:\t12 \r\n",
        "Content-Length: 6\n",
        "Content-Length: 1x\r\n",
        "Content-Length: 123456789012345678901\r\n",
        "Connection: close\r\n",
        "Connection: Keep-Alive\r\n",
        "Connection: a, close\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Server: nginx/1.24.0\r\n",
        "Date: Tue, 24 Nov 2026 08:07:01 GMT\r\n",
        "X-Name: caf\u{e9} \u{1f600}\r\n",
        "X-Tab: a\tb\r\n",
        "X-Cr: a\rb\r\n",
        "X-Nul: \0\r\n",
        "X-Del: \x7f\r\n",
        "x!#$%&'*+-.^_`|~: 1\r\n",
        "X\u{e9}: 1\r\n",
        "No colon\r\n",
        "Space : 1\r\n",
        " folded\r\n",
        "X:\r\n",
        ":\r\n",
    ];

    #[test]
    fn the_scan_never_disagrees_with_httparse() {
        let status_lines = [
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 500 \r\n",
            "HTTP/1.1 304 Not Modified\r\n",
            "HTTP/1.1 100 Continue\r\n",
            "HTTP/1.0 200 OK\r\n",
            "HTTP/1.1 200 \u{e9}\r\n",
            "HTTP/1.1 200 a\rb\r\n",
            "HTTP/1.1 2x0 OK\r\n",
        ];
        let mut seed = 7u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        let (mut scanned, mut refused) = (0, 0);
        for round in 0..20_000 {
            let mut head = status_lines[if round % 2 == 0 { 0 } else { random(8) }].to_owned();
            for _ in 0..random(5) {
                // Mostly harmless lines, or hardly any head would be accepted.
                head.push_str(LINES[if random(3) == 0 { random(LINES.len()) } else { 9 + random(2) }]);
            }
            head.push_str("\r\nrest");
            let full = read_response(head.as_bytes());
            refused += u32::from(full.is_err());
            if let Some(plain) = scan_response(head.as_bytes()) {
                scanned += 1;
                assert_eq!(full, Ok(Some(plain)), "{head:?}");
            }
        }
        assert!(scanned > 4_000 && refused > 1_000, "{scanned} scanned, {refused} refused");
    }
}
