//! k6's error codes and texts: what went wrong with an exchange, as the tags `error_code` and
//! `error` say it.
//!
//! One table: the constants have fixed texts, the functions make those with an errno or a foreign
//! text in them. Codes of HTTP/2 (1600 and up) have no cause here yet. Errno numbers are Linux's.

use std::borrow::Cow;

/// A code and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: u16,
    pub text: Cow<'static, str>,
}

/// The system call, in the words of k6's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Dial,
    Read,
    Write,
}

/// The server closed the connection before the first byte of a response.
pub const EOF: Failure = fixed(1000, "EOF");
/// The server closed the connection within a response.
pub const UNEXPECTED_EOF: Failure = fixed(1000, "unexpected EOF");
/// The request's own timeout, once it was connected.
pub const REQUEST_TIMEOUT: Failure = fixed(1050, "request timeout");
pub const NO_SUCH_HOST: Failure = fixed(1101, "lookup: no such host");
pub const BLACKLISTED_IP: Failure = fixed(1110, "ip is blacklisted");
pub const BLOCKED_HOSTNAME: Failure = fixed(1111, "hostname is blocked");
/// The dial limit of 30 s, or the request's timeout while it was connecting.
pub const DIAL_TIMEOUT: Failure = fixed(1211, "dial: i/o timeout");
pub const CONNECTION_REFUSED: Failure = fixed(1212, "dial: connection refused");
/// What came is not TLS.
pub const TLS_RECORD_HEADER: Failure = fixed(1301, "tls: first record does not look like a TLS handshake");
pub const UNKNOWN_AUTHORITY: Failure = fixed(1310, "x509: unknown authority");
pub const WRONG_HOSTNAME: Failure = fixed(1311, "x509: certificate doesn't match hostname");

/// Anything else, in its own words (a malformed response, for example).
pub fn unclassified(text: impl Into<Cow<'static, str>>) -> Failure {
    Failure { code: 1000, text: text.into() }
}

/// A URL that cannot be requested.
pub fn invalid_url(why: &str) -> Failure {
    Failure { code: 1020, text: format!("invalid URL: {why}").into() }
}

/// A DNS failure other than `NO_SUCH_HOST`.
pub fn dns(text: impl Into<Cow<'static, str>>) -> Failure {
    Failure { code: 1100, text: text.into() }
}

/// A failure to connect that has no errno.
pub fn dial(text: impl Into<Cow<'static, str>>) -> Failure {
    Failure { code: 1210, text: text.into() }
}

/// What k6 takes for an error of a network that is not TCP: alerts of TLS, the peer's or ours.
pub fn non_tcp(text: impl Into<Cow<'static, str>>) -> Failure {
    Failure { code: 1010, text: text.into() }
}

pub const DECOMPRESSION: u16 = 1701;

/// A body that does not match its `content-encoding`.
pub fn decompression(why: &str) -> Failure {
    Failure { code: DECOMPRESSION, text: format!("error decompressing response body ({why})").into() }
}

/// A system call that failed. The order of the rules is k6's: timeouts first, then the two that
/// have a code whatever the operation.
pub fn of_errno(operation: Operation, errno: i32) -> Failure {
    let op = operation.word();
    match (operation, errno) {
        (Operation::Dial, EAGAIN | ETIMEDOUT) => DIAL_TIMEOUT,
        (_, EAGAIN | ETIMEDOUT) => REQUEST_TIMEOUT,
        (_, EPIPE) => Failure { code: 1201, text: format!("{op}: broken pipe").into() },
        (_, ECONNRESET) => Failure { code: 1220, text: format!("{op}: connection reset by peer").into() },
        (Operation::Dial, ECONNREFUSED) => CONNECTION_REFUSED,
        (Operation::Dial, _) => {
            let text = format!("dial: unknown errno {errno} error with msg `{}`", errno_text(errno));
            Failure { code: 1213, text: text.into() }
        }
        _ => {
            let message = errno_text(errno);
            let text = format!("{op}: unknown errno `{errno}` on linux with message `{message}`");
            Failure { code: 1202, text: text.into() }
        }
    }
}

/// The code of a response: 1000 + status from 400 on, else 0 (no tag). It has no text.
pub fn of_status(status: u16) -> u16 {
    if status >= 400 { 1000 + status } else { 0 }
}

const fn fixed(code: u16, text: &'static str) -> Failure {
    Failure { code, text: Cow::Borrowed(text) }
}

impl Operation {
    fn word(self) -> &'static str {
        match self {
            Operation::Dial => "dial",
            Operation::Read => "read",
            Operation::Write => "write",
        }
    }
}

const EAGAIN: i32 = 11;
const EPIPE: i32 = 32;
const ECONNRESET: i32 = 104;
const ETIMEDOUT: i32 = 110;
const ECONNREFUSED: i32 = 111;

/// The texts that k6's runtime has for the errnos a socket can give.
fn errno_text(errno: i32) -> Cow<'static, str> {
    Cow::Borrowed(match errno {
        1 => "operation not permitted",
        4 => "interrupted system call",
        5 => "input/output error",
        9 => "bad file descriptor",
        12 => "cannot allocate memory",
        13 => "permission denied",
        22 => "invalid argument",
        23 => "too many open files in system",
        24 => "too many open files",
        71 => "protocol error",
        90 => "message too long",
        92 => "protocol not available",
        97 => "address family not supported by protocol",
        98 => "address already in use",
        99 => "cannot assign requested address",
        100 => "network is down",
        101 => "network is unreachable",
        102 => "network dropped connection on reset",
        103 => "software caused connection abort",
        105 => "no buffer space available",
        106 => "transport endpoint is already connected",
        107 => "transport endpoint is not connected",
        108 => "cannot send after transport endpoint shutdown",
        ECONNREFUSED => "connection refused",
        112 => "host is down",
        113 => "no route to host",
        114 => "operation already in progress",
        115 => "operation now in progress",
        125 => "operation canceled",
        _ => return Cow::Owned(format!("errno {errno}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(operation: Operation, errno: i32, code: u16, text: &str) {
        assert_eq!(of_errno(operation, errno), Failure { code, text: text.to_owned().into() });
    }

    #[test]
    fn errnos_have_the_codes_and_texts_of_k6() {
        check(Operation::Dial, ECONNREFUSED, 1212, "dial: connection refused");
        check(Operation::Dial, ETIMEDOUT, 1211, "dial: i/o timeout");
        check(Operation::Read, ETIMEDOUT, 1050, "request timeout");
        check(Operation::Write, EPIPE, 1201, "write: broken pipe");
        check(Operation::Read, ECONNRESET, 1220, "read: connection reset by peer");
        check(Operation::Dial, ECONNRESET, 1220, "dial: connection reset by peer");
        check(Operation::Dial, 113, 1213, "dial: unknown errno 113 error with msg `no route to host`");
        check(Operation::Dial, 24, 1213, "dial: unknown errno 24 error with msg `too many open files`");
        check(
            Operation::Read,
            113,
            1202,
            "read: unknown errno `113` on linux with message `no route to host`",
        );
        check(Operation::Read, 999, 1202, "read: unknown errno `999` on linux with message `errno 999`");
    }

    #[test]
    fn a_status_has_a_code_from_400_on() {
        assert_eq!([200, 399, 400, 503].map(of_status), [0, 0, 1400, 1503]);
    }
}
