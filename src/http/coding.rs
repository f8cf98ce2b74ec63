//! Content codings: gzip, deflate (zlib), br, zstd; what k6 compresses and decompresses.
//!
//! Whole bodies in memory, at k6's levels. Words of errors are Go's where a script could tell.

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use std::borrow::Cow;
use std::io::{ErrorKind, Read, Write};

/// A decoded body is at most so large: a small response could ask for any amount of memory.
const DECODED_MAX_BYTES: u64 = 512 << 20;

/// Brotli's defaults in Go: quality and log2 of the window.
const BROTLI_QUALITY: i32 = 6;
const BROTLI_WINDOW: i32 = 22;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Deflate,
    Br,
    Zstd,
}

/// The names as k6 lists them in an error.
pub const NAMES: &str = "[gzip deflate zstd br]";

/// Go's words.
const NO_ZSTD: &str = "invalid input: magic number mismatch";

/// Why a body could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// It is not of that coding; in words.
    Corrupt(String),
    /// It ends too early.
    Cut,
}

impl Coding {
    pub fn of(name: &str) -> Option<Coding> {
        Some(match name {
            "gzip" => Coding::Gzip,
            "deflate" => Coding::Deflate,
            "br" => Coding::Br,
            "zstd" => Coding::Zstd,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Br => "br",
            Coding::Zstd => "zstd",
        }
    }

    pub fn encode(self, bytes: &[u8]) -> Vec<u8> {
        let written = "writing to memory cannot fail";
        match self {
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).expect(written);
                encoder.finish().expect(written)
            }
            Coding::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).expect(written);
                encoder.finish().expect(written)
            }
            Coding::Br => {
                let mut encoded = Vec::new();
                let parameters = BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: BROTLI_WINDOW,
                    ..BrotliEncoderParams::default()
                };
                let mut source = bytes;
                brotli::BrotliCompress(&mut source, &mut encoded, &parameters).expect(written);
                encoded
            }
            Coding::Zstd => {
                ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
            }
        }
    }

    pub fn decode(self, bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
        if bytes.is_empty() && self != Coding::Br {
            return Err(DecodeError::Corrupt("EOF".to_owned()));
        }
        match self {
            Coding::Gzip => self.read_all(MultiGzDecoder::new(bytes)),
            Coding::Deflate => self.read_all(ZlibDecoder::new(bytes)),
            Coding::Br => self.read_all(brotli::Decompressor::new(bytes, 4096)),
            Coding::Zstd => {
                // Frames may follow each other.
                let mut rest = bytes;
                let mut decoded = Vec::new();
                while !rest.is_empty() {
                    let decoder = ruzstd::decoding::StreamingDecoder::new(&mut rest)
                        .map_err(|_| DecodeError::Corrupt(NO_ZSTD.to_owned()))?;
                    decoded.extend(self.read_all(decoder)?);
                }
                Ok(decoded)
            }
        }
    }

    fn read_all(self, decoder: impl Read) -> Result<Vec<u8>, DecodeError> {
        let mut decoded = Vec::new();
        match decoder.take(DECODED_MAX_BYTES + 1).read_to_end(&mut decoded) {
            Ok(_) if decoded.len() as u64 > DECODED_MAX_BYTES => {
                let limit = DECODED_MAX_BYTES >> 20;
                Err(DecodeError::Corrupt(format!("the body is larger than {limit} MiB")))
            }
            Ok(_) => Ok(decoded),
            // The decoder of zstd says so in its text only.
            Err(error)
                if error.kind() == ErrorKind::UnexpectedEof
                    || error.to_string().contains("UnexpectedEof") =>
            {
                Err(DecodeError::Cut)
            }
            Err(error) => Err(DecodeError::Corrupt(self.words(&error.to_string()))),
        }
    }

    /// The decoders' words do not tell what exactly is wrong; Go's do, and the usual case is that the
    /// body was never encoded.
    fn words(self, why: &str) -> String {
        match self {
            Coding::Gzip if why.contains("checksum") => "gzip: invalid checksum".to_owned(),
            Coding::Gzip => "gzip: invalid header".to_owned(),
            Coding::Deflate => "zlib: invalid header".to_owned(),
            Coding::Br => format!("brotli: {why}"),
            Coding::Zstd => "zstd: corrupt data".to_owned(),
        }
    }
}

/// The codings of a header such as `deflate, gzip`, as k6 sees them: unknown ones are ignored.
fn codings(header: &str) -> impl DoubleEndedIterator<Item = Coding> {
    header.split(',').filter_map(|name| Coding::of(name.trim()))
}

/// Undoes the codings that a header names, the last one first.
pub fn decode<'a>(header: &str, body: &'a [u8]) -> Result<Cow<'a, [u8]>, DecodeError> {
    let mut decoded = Cow::Borrowed(body);
    for coding in codings(header).rev() {
        decoded = Cow::Owned(coding.decode(&decoded)?);
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Br, Coding::Zstd];

    #[test]
    fn what_is_encoded_is_decoded_again() {
        for coding in ALL {
            assert_eq!(Coding::of(coding.name()), Some(coding));
            for body in [&b""[..], b"a", &b"hello ".repeat(10_000)] {
                let encoded = coding.encode(body);
                assert_eq!(coding.decode(&encoded).as_deref(), Ok(body), "{coding:?}");
                assert!(body.len() < 1_000 || encoded.len() < 1_000, "{coding:?}: {}", encoded.len());
            }
        }
    }

    #[test]
    fn the_last_coding_is_undone_first_and_unknown_ones_are_ignored() {
        let body = Coding::Gzip.encode(&Coding::Deflate.encode(b"hi"));
        assert_eq!(decode("deflate, gzip", &body).as_deref(), Ok(&b"hi"[..]));
        assert_eq!(decode("identity", b"hi").as_deref(), Ok(&b"hi"[..]));
        assert_eq!(decode("x, gzip", &Coding::Gzip.encode(b"hi")).as_deref(), Ok(&b"hi"[..]));
    }

    #[test]
    fn several_members_are_one_body() {
        for coding in [Coding::Gzip, Coding::Zstd] {
            let body = [coding.encode(b"a"), coding.encode(b"b")].concat();
            assert_eq!(coding.decode(&body).as_deref(), Ok(&b"ab"[..]), "{coding:?}");
        }
    }

    #[test]
    fn what_was_never_encoded_is_refused() {
        let refused = |coding: Coding, body: &[u8], want: &str| {
            assert_eq!(coding.decode(body), Err(DecodeError::Corrupt(want.into())), "{coding:?}");
        };
        refused(Coding::Gzip, b"plain text, plainly", "gzip: invalid header");
        refused(Coding::Deflate, b"plain text, plainly", "zlib: invalid header");
        refused(Coding::Gzip, b"", "EOF");
        refused(Coding::Deflate, b"", "EOF");
        refused(Coding::Zstd, b"plain text, plainly", NO_ZSTD);
        assert!(Coding::Br.decode(b"plain text, plainly").is_err());
    }

    #[test]
    fn a_body_that_is_cut_says_so() {
        // Brotli's decoder does not tell a cut body from a wrong one.
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Zstd] {
            let mut body = coding.encode(&b"hello ".repeat(100));
            body.truncate(body.len() - 5);
            let got = coding.decode(&body);
            assert_eq!(got, Err(DecodeError::Cut), "{coding:?}");
        }
    }

    #[test]
    fn a_wrong_checksum_is_named() {
        let mut body = Coding::Gzip.encode(b"hello");
        let at = body.len() - 8;
        body[at] ^= 1;
        assert_eq!(Coding::Gzip.decode(&body), Err(DecodeError::Corrupt("gzip: invalid checksum".into())));
    }
}
