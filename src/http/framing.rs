//! Where a message ends, and whether its connection lives on, from its headers (RFC 9112 §6, §9).
//!
//! Strict where two readers could come to different ends (request smuggling).

use super::error::{ParseError, quote};

/// What the headers say of the body's length. One word, since heads are copied per response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLength(u64);

impl BodyLength {
    pub const UNSTATED: BodyLength = BodyLength(u64::MAX);
    pub const CHUNKED: BodyLength = BodyLength(u64::MAX - 1);

    /// `bytes`: below 2^63.
    pub fn of(bytes: u64) -> BodyLength {
        debug_assert!(bytes <= i64::MAX as u64, "{bytes}");
        BodyLength(bytes)
    }

    pub fn stated(self) -> Option<u64> {
        (self.0 < BodyLength::CHUNKED.0).then_some(self.0)
    }
}

impl Default for BodyLength {
    fn default() -> BodyLength {
        BodyLength::UNSTATED
    }
}

/// The headers that frame a message, gathered one by one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Framing {
    content_length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
}

impl Framing {
    /// Takes one header into account.
    pub fn on_header(&mut self, name: &str, value: &[u8]) -> Result<(), ParseError> {
        match name.len() {
            10 if name.eq_ignore_ascii_case("connection") => {
                for token in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                    self.close |= token.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            14 if name.eq_ignore_ascii_case("content-length") => {
                let length = parse_length(value)?;
                if self.content_length.is_some_and(|earlier| earlier != length) {
                    return Err(ParseError::ContentLengthsDiffer);
                }
                self.content_length = Some(length);
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(ParseError::TransferEncoding(quote(value)));
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// After the last header: the length of the body, and whether the connection persists.
    pub fn finish(self, http10: bool) -> Result<(BodyLength, bool), ParseError> {
        let persists = !self.close && (!http10 || self.keep_alive);
        match (self.chunked, self.content_length) {
            (true, Some(_)) => Err(ParseError::AmbiguousLength),
            (true, None) if http10 => Err(ParseError::AmbiguousLength),
            (true, None) => Ok((BodyLength::CHUNKED, persists)),
            (false, Some(length)) => Ok((BodyLength::of(length), persists)),
            (false, None) => Ok((BodyLength::UNSTATED, persists)),
        }
    }
}

/// Digits only, below 2^63 as in Go.
pub(super) fn parse_length(value: &[u8]) -> Result<u64, ParseError> {
    let mut length = Some(0u64).filter(|_| !value.is_empty());
    for &byte in value {
        let digit = byte.wrapping_sub(b'0');
        length = length
            .filter(|_| digit <= 9)
            .and_then(|length| length.checked_mul(10)?.checked_add(u64::from(digit)))
            .filter(|&length| length <= i64::MAX as u64);
    }
    length.ok_or_else(|| ParseError::BadContentLength(quote(value)))
}
