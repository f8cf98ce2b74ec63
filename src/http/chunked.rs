//! The chunked transfer coding (RFC 9112 §7.1), decoded in any cut of the stream.
//!
//! Chunk extensions and trailers are skipped, and bounded. Stricter than it need be: every line
//! ends with CR LF, because a lone LF is where two parsers begin to disagree.

use super::error::ChunkError;
use super::head::HEAD_LIMIT;

/// Go's bound for the line that holds a chunk's size and extensions.
const SIZE_LINE_MAX: u32 = 4096;

/// Where in a chunked body the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunked {
    /// While a size is read: its value so far. In data: bytes of the chunk still to come.
    left: u64,
    /// Bytes of the current size line, or of all trailers.
    line_bytes: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    SizeFirst,
    Size { digits: u8 },
    SpaceAfterSize,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    LastLf,
}

impl Default for Chunked {
    fn default() -> Chunked {
        Chunked { left: 0, line_bytes: 0, state: State::SizeFirst }
    }
}

impl Chunked {
    /// Decodes from the front of `input`, giving decoded bytes to `data`. Returns the bytes
    /// consumed and whether the body is complete; if it is not, all of `input` was consumed.
    pub fn decode(&mut self, input: &[u8], mut data: impl FnMut(&[u8])) -> Result<(usize, bool), ChunkError> {
        let mut at = 0;
        while at < input.len() {
            if self.state == State::Data {
                let here = self.left.min((input.len() - at) as u64) as usize;
                data(&input[at..at + here]);
                at += here;
                self.left -= here as u64;
                if self.left == 0 {
                    self.state = State::DataCr;
                }
                continue;
            }
            let last = self.state == State::LastLf;
            self.on_byte(input[at])?;
            at += 1;
            if last {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    fn on_byte(&mut self, byte: u8) -> Result<(), ChunkError> {
        self.state = match (self.state, byte) {
            (State::SizeFirst, _) => {
                self.left = hex(byte)?;
                self.line_bytes = 1;
                State::Size { digits: 1 }
            }
            (State::Size { .. } | State::SpaceAfterSize | State::Extension, b'\r') => State::SizeLf,
            (State::Size { .. } | State::SpaceAfterSize, b';') => State::Extension,
            (State::Size { .. } | State::SpaceAfterSize, b' ' | b'\t') => State::SpaceAfterSize,
            (State::Size { digits }, _) => {
                let digit = hex(byte)?;
                if digits == 16 {
                    return Err(ChunkError::LengthTooLarge);
                }
                self.left = self.left << 4 | digit;
                State::Size { digits: digits + 1 }
            }
            (State::SpaceAfterSize, _) => return Err(ChunkError::Length),
            (State::Extension, b'\n' | 0) => return Err(ChunkError::Malformed),
            (State::Extension, _) => State::Extension,
            (State::SizeLf, b'\n') => {
                self.line_bytes = 0;
                if self.left == 0 { State::TrailerStart } else { State::Data }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::SizeFirst,
            (State::TrailerStart, b'\r') => State::LastLf,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::TrailerStart | State::Trailer, b'\n' | 0) => return Err(ChunkError::Malformed),
            (State::TrailerStart | State::Trailer, _) => State::Trailer,
            (State::TrailerLf | State::LastLf, b'\n') => State::TrailerStart,
            _ => return Err(ChunkError::Malformed),
        };
        self.bound_line()
    }

    fn bound_line(&mut self) -> Result<(), ChunkError> {
        let max = match self.state {
            State::Size { .. } | State::SpaceAfterSize | State::Extension => SIZE_LINE_MAX,
            State::Trailer | State::TrailerLf | State::TrailerStart => HEAD_LIMIT as u32,
            _ => return Ok(()),
        };
        self.line_bytes += 1;
        if self.line_bytes > max { Err(ChunkError::LineTooLong) } else { Ok(()) }
    }
}

fn hex(byte: u8) -> Result<u64, ChunkError> {
    (byte as char).to_digit(16).map(u64::from).ok_or(ChunkError::Length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes whole and byte by byte, and checks that both agree.
    #[track_caller]
    fn check(input: &[u8], want: Result<(&str, usize, bool), ChunkError>) {
        let decode = |step: usize| {
            let (mut chunked, mut body, mut consumed, mut done) = (Chunked::default(), Vec::new(), 0, false);
            for piece in input.chunks(step) {
                let (n, complete) = chunked.decode(piece, |data| body.extend_from_slice(data))?;
                consumed += n;
                done = complete;
                if done {
                    break;
                }
            }
            Ok((String::from_utf8(body).unwrap(), consumed, done))
        };
        let want = want.map(|(body, consumed, done)| (body.to_owned(), consumed, done));
        assert_eq!(decode(input.len().max(1)), want, "whole");
        assert_eq!(decode(1), want, "byte by byte");
    }

    #[test]
    fn chunks_extensions_and_trailers_are_taken_apart() {
        check(b"0\r\n\r\n", Ok(("", 5, true)));
        check(b"5\r\nhello\r\n0\r\n\r\n", Ok(("hello", 15, true)));
        check(b"5\r\nhello\r\n0\r\n\r\nHTTP/1.1", Ok(("hello", 15, true)));
        check(b"2\r\nhe\r\n3;a=b;c=\"d;e\"\r\nllo\r\n00\r\n\r\n", Ok(("hello", 33, true)));
        check(b"A \t;x\r\n0123456789\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", Ok(("0123456789", 40, true)));
        check(b"1\r\na\r\n000", Ok(("a", 9, false)));
    }

    #[test]
    fn bad_sizes_are_refused() {
        check(b"\r\n", Err(ChunkError::Length));
        check(b"g\r\n", Err(ChunkError::Length));
        check(b"-1\r\n", Err(ChunkError::Length));
        check(b"+1\r\n", Err(ChunkError::Length));
        check(b"0x1\r\n", Err(ChunkError::Length));
        check(b" 1\r\n", Err(ChunkError::Length));
        check(b"1 1\r\n", Err(ChunkError::Length));
        check(b"1\na", Err(ChunkError::Length));
        check(b"fffffffffffffffff\r\n", Err(ChunkError::LengthTooLarge));
        check(b"00000000000000001\r\n", Err(ChunkError::LengthTooLarge));
    }

    #[test]
    fn line_ends_other_than_cr_lf_are_refused() {
        check(b"1\r\nab\r\n", Err(ChunkError::Malformed));
        check(b"1\r\na\n0\r\n\r\n", Err(ChunkError::Malformed));
        check(b"1;x\na", Err(ChunkError::Malformed));
        check(b"1\r\ra", Err(ChunkError::Malformed));
        check(b"0\r\n\n", Err(ChunkError::Malformed));
        check(b"0\r\nA: 1\n\r\n", Err(ChunkError::Malformed));
    }

    #[test]
    fn the_largest_size_is_taken_and_extensions_and_trailers_are_bounded() {
        check(b"ffffffffffffffff\r\na", Ok(("a", 19, false)));
        check(&[b"1;".as_slice(), &[b'x'; 5_000]].concat(), Err(ChunkError::LineTooLong));
        check(&[b"0\r\n".as_slice(), &b"A: 1\r\n".repeat(11_000)].concat(), Err(ChunkError::LineTooLong));
    }
}
