//! What went wrong with an exchange, in k6's error codes and texts.

use crate::http::ParseError;
use crate::metrics::error_code::{self, Operation};
use crate::tls::{self, Cause};
use crate::wire::{Lost, Op};

/// Why an exchange has no (whole) response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The connection was refused, reset, or never made.
    Lost(Lost),
    /// What came is not HTTP/1.1 that we accept, or ended too early.
    Response(ParseError),
    /// Nothing came in time.
    RequestTimeout,
    DialTimeout,
    /// The host's name has no address.
    NoSuchHost,
    /// It could not be looked up; the text says why.
    Lookup(String),
    /// TLS was not agreed on, or broken.
    Tls(tls::Failure),
    /// Of a name that `blockHostnames` forbids; in k6's words.
    BlockedHostname(String),
    /// Of an address that `blacklistIPs` forbids; in k6's words.
    BlacklistedIp(String),
}

impl Failure {
    /// k6's error code and text.
    pub fn described(&self) -> error_code::Failure {
        match self {
            Failure::Lost(Lost::Ended) => error_code::EOF,
            Failure::Lost(Lost::Failed { op, errno }) => error_code::of_errno(operation(*op), *errno),
            Failure::Lost(Lost::NoSocket { errno }) => error_code::of_errno(Operation::Dial, *errno),
            Failure::Response(ParseError::Eof) => error_code::EOF,
            Failure::Response(ParseError::UnexpectedEof) => error_code::UNEXPECTED_EOF,
            Failure::Response(error) => error_code::unclassified(error.to_string()),
            Failure::RequestTimeout => error_code::REQUEST_TIMEOUT,
            Failure::DialTimeout => error_code::DIAL_TIMEOUT,
            Failure::NoSuchHost => error_code::NO_SUCH_HOST,
            Failure::Lookup(text) => error_code::dns(text.clone()),
            Failure::Tls(failure) => match failure.cause {
                Cause::NotTls => error_code::TLS_RECORD_HEADER,
                Cause::UnknownAuthority => error_code::UNKNOWN_AUTHORITY,
                Cause::WrongHostname => error_code::WRONG_HOSTNAME,
                Cause::Alert => error_code::non_tcp(failure.text.to_string()),
                Cause::Other => error_code::unclassified(failure.text.to_string()),
            },
            Failure::BlockedHostname(_) => error_code::BLOCKED_HOSTNAME,
            Failure::BlacklistedIp(_) => error_code::BLACKLISTED_IP,
        }
    }
}

fn operation(op: Op) -> Operation {
    match op {
        Op::Dial => Operation::Dial,
        Op::Read => Operation::Read,
        Op::Write => Operation::Write,
    }
}
