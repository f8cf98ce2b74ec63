//! A request that a script makes and the response it gets: all that `k6/http` shows of them.

use crate::http::Target;
use crate::http::cookies::Jar;
use crate::metrics::TagSet;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

/// Told apart within one VU; never reused within an iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub u64);

/// One request, redirects included.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    pub target: Rc<Target>,
    /// As the script wrote them; k6's own (Host, User-Agent, Content-Length) are added when it is
    /// put on the wire.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Cookies of this request: name, value, and whether it replaces the jar's of that name.
    pub cookies: Vec<(String, String, bool)>,
    /// The jar that redirects and responses write to; `None`: no jar.
    pub jar: Option<Rc<RefCell<Jar>>>,
    /// Answers challenges (RFC 7616) with the URL's credentials, which are not sent otherwise.
    pub digest_auth: bool,
    /// Of the whole request, redirects included.
    pub timeout_ns: u64,
    /// Redirects to follow; the response that would exceed it is returned as it is.
    pub max_redirects: u32,
    /// Whether to warn when `max_redirects` is exceeded (k6: only for the global option).
    pub warn_of_redirects: bool,
    /// Whether the body is handed to the script.
    pub keep_body: bool,
    /// `None`: null response callback, no `http_req_failed` and no `expected_response`.
    pub expected: Option<Expected>,
    /// Of the scenario and group in which it is made.
    pub scenario: String,
    pub group: String,
    /// The user's `name` tag or URL template; replaces both `url` and `name`.
    pub name: Option<String>,
    /// Run, scenario, VU and request tags.
    pub tags: TagSet,
}

/// Which statuses count as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Inclusive ranges.
    pub ranges: Vec<(u16, u16)>,
}

impl Default for Expected {
    /// k6's default: 200 to 399.
    fn default() -> Expected {
        Expected { ranges: vec![(200, 399)] }
    }
}

impl Expected {
    /// A failed request is asked with status 0.
    pub fn matches(&self, status: u16) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&status))
    }
}

/// The last hop's response, or why there is none.
#[derive(Debug, Default)]
pub struct Response {
    /// 0 when it failed.
    pub status: u16,
    /// `200 OK`; empty when it failed.
    pub status_text: String,
    /// `HTTP/1.1`; empty when it failed.
    pub proto: String,
    /// Header lines in order, names canonical; of the last hop.
    pub headers: Vec<(String, String)>,
    /// `None`: not kept, none sent, or failed.
    pub body: Option<Vec<u8>>,
    /// URL of the last hop.
    pub url: String,
    /// The request of the last hop as it was sent: method and headers.
    pub request_method: String,
    pub request_headers: Vec<(String, String)>,
    pub remote: Option<SocketAddr>,
    /// As k6 names them (`tls1.3`); empty over plain HTTP.
    pub tls_version: &'static str,
    pub tls_cipher_suite: &'static str,
    pub timings: Timings,
    /// k6's error text and code; empty and 0 when it did not fail (code 1000 + status from 400 on).
    pub error: String,
    pub error_code: u16,
    /// The raw error as k6 logs it: `dial tcp 127.0.0.1:1: connect: connection refused`.
    pub raw_error: String,
    /// A warning to log, such as too many redirects.
    pub warning: Option<String>,
}

/// k6's timings of the last hop, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    pub blocked_ns: u64,
    pub connecting_ns: u64,
    pub tls_handshaking_ns: u64,
    pub sending_ns: u64,
    pub waiting_ns: u64,
    pub receiving_ns: u64,
}
