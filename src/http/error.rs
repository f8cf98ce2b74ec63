//! Why bytes were refused, in Go's words where k6 shows them.
//!
//! All of these are the peer's doing, so they are data: the caller counts them (k6's error code
//! 1000) and closes the connection. Quoted text is bounded, since a peer chooses it.

use std::fmt;

/// The most bytes of the peer's text that a message quotes.
const QUOTED_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// The connection ended before any byte of the response.
    Eof,
    /// The connection ended inside a response.
    UnexpectedEof,
    /// `101 Switching Protocols`: what follows is not HTTP/1.1.
    Upgrade,
    /// Bytes came though no response is awaited.
    Unsolicited,
    /// Not a status line. Holds the line as far as it had come: garbage is refused at its first
    /// wrong byte, so how much more was at hand is up to the network.
    MalformedResponse(Box<str>),
    /// Not a request line; holds it as `MalformedResponse` does.
    MalformedRequest(Box<str>),
    /// Not HTTP/1.0 or HTTP/1.1.
    MalformedVersion(Box<str>),
    MalformedStatus(Box<str>),
    /// A header line without a legal name, with white space before its colon, folded, or with
    /// control characters.
    MalformedHeader(Box<str>),
    BadContentLength(Box<str>),
    /// Two Content-Length headers that disagree.
    ContentLengthsDiffer,
    /// Content-Length beside Transfer-Encoding, or Transfer-Encoding in HTTP/1.0: two peers may
    /// see different ends of such a message.
    AmbiguousLength,
    /// Anything but a single `chunked`.
    TransferEncoding(Box<str>),
    Chunk(ChunkError),
    /// The head, with its interim responses, or the trailers are longer than 64 KiB.
    HeadTooLarge,
}

/// What is wrong with a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkError {
    Length,
    LengthTooLarge,
    LineTooLong,
    Malformed,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseError::Eof => f.write_str("EOF"),
            ParseError::UnexpectedEof => f.write_str("unexpected EOF"),
            ParseError::Upgrade => f.write_str("unsupported response status: 101 Switching Protocols"),
            ParseError::Unsolicited => f.write_str("unsolicited response on an idle connection"),
            ParseError::MalformedResponse(line) => write!(f, "malformed HTTP response {line}"),
            ParseError::MalformedRequest(line) => write!(f, "malformed HTTP request {line}"),
            ParseError::MalformedVersion(text) => write!(f, "malformed HTTP version {text}"),
            ParseError::MalformedStatus(text) => write!(f, "malformed HTTP status code {text}"),
            ParseError::MalformedHeader(line) => write!(f, "malformed MIME header line {line}"),
            ParseError::BadContentLength(text) => write!(f, "bad Content-Length {text}"),
            ParseError::ContentLengthsDiffer => {
                f.write_str("http: message cannot contain multiple Content-Length headers")
            }
            ParseError::AmbiguousLength => {
                f.write_str("http: message with a Transfer-Encoding has no unambiguous length")
            }
            ParseError::TransferEncoding(text) => write!(f, "unsupported transfer encoding: {text}"),
            ParseError::Chunk(ChunkError::Length) => f.write_str("invalid byte in chunk length"),
            ParseError::Chunk(ChunkError::LengthTooLarge) => f.write_str("http chunk length too large"),
            ParseError::Chunk(ChunkError::LineTooLong) => f.write_str("header line too long"),
            ParseError::Chunk(ChunkError::Malformed) => f.write_str("malformed chunked encoding"),
            ParseError::HeadTooLarge => {
                f.write_str("net/http: server response headers exceeded 65536 bytes; aborted")
            }
        }
    }
}

impl std::error::Error for ParseError {}

/// `bytes` as Go's `%q` writes them, cut after `QUOTED_MAX` bytes.
pub fn quote(bytes: &[u8]) -> Box<str> {
    let mut quoted = String::from("\"");
    for chunk in bytes[..bytes.len().min(QUOTED_MAX)].utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => quoted.push_str("\\\""),
                '\\' => quoted.push_str("\\\\"),
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\t' => quoted.push_str("\\t"),
                '\x07' => quoted.push_str("\\a"),
                '\x08' => quoted.push_str("\\b"),
                '\x0b' => quoted.push_str("\\v"),
                '\x0c' => quoted.push_str("\\f"),
                c if c < ' ' || c == '\x7f' => quoted.push_str(&format!("\\x{:02x}", c as u32)),
                c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", c as u32)),
                c => quoted.push(c),
            }
        }
        for byte in chunk.invalid() {
            quoted.push_str(&format!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: ParseError, want: &str) {
        assert_eq!(error.to_string(), want);
    }

    #[test]
    fn texts_are_those_of_go() {
        check(ParseError::Eof, "EOF");
        check(ParseError::UnexpectedEof, "unexpected EOF");
        check(ParseError::MalformedResponse(quote(b"SSH-2.0-x")), "malformed HTTP response \"SSH-2.0-x\"");
        check(
            ParseError::MalformedResponse(quote(b"\x15\x03\x01\x00\x02\"\\\xff\t")),
            "malformed HTTP response \"\\x15\\x03\\x01\\x00\\x02\\\"\\\\\\xff\\t\"",
        );
        check(ParseError::BadContentLength(quote(b"+5")), "bad Content-Length \"+5\"");
    }

    #[test]
    fn quoted_text_is_bounded() {
        assert_eq!(quote(&[b'x'; 5_000]).len(), QUOTED_MAX + 2);
    }
}
