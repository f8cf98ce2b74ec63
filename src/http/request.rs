//! Makes the bytes of a request once, exactly as k6 (so Go) puts them on the wire.
//!
//! Request line, Host, User-Agent, Connection, Content-Length, then all other headers sorted by
//! their canonical names. Nothing is added that k6 would not send: no Accept, no Accept-Encoding.

use super::error::quote;
use super::head::is_token;
use super::headers::canonical_name;
use super::url::Target;
use std::collections::BTreeMap;
use std::fmt;

/// What to ask for.
#[derive(Clone, Copy, Debug)]
pub struct RequestSpec<'a> {
    /// Empty means GET.
    pub method: &'a str,
    pub target: &'a Target,
    /// Empty: no such header.
    pub user_agent: &'a str,
    /// The user's. Of equal names, in any case, the last one counts. `Host` and `User-Agent`
    /// override; those that describe the body's length are dropped.
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
    /// Says `Connection: close` (k6's option noConnectionReuse).
    pub close: bool,
    /// Sends the URL's credentials, unless `headers` has an Authorization.
    pub basic_auth: bool,
}

impl<'a> RequestSpec<'a> {
    /// A GET as k6 sends it without any options.
    pub fn get(target: &'a Target, user_agent: &'a str) -> RequestSpec<'a> {
        RequestSpec {
            method: "GET",
            target,
            user_agent,
            headers: &[],
            body: b"",
            close: false,
            basic_auth: true,
        }
    }
}

/// A request, ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestTemplate {
    pub bytes: Vec<u8>,
    /// Its response has no body.
    pub is_head: bool,
}

/// What cannot be put on the wire; the text is Go's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    Method(String),
    HeaderName(String),
    /// Holds the header's name: values may be secret.
    HeaderValue(String),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::Method(method) => {
                write!(f, "net/http: invalid method {}", quote(method.as_bytes()))
            }
            RequestError::HeaderName(name) => {
                write!(f, "net/http: invalid header field name {}", quote(name.as_bytes()))
            }
            RequestError::HeaderValue(name) => {
                write!(f, "net/http: invalid header field value for {}", quote(name.as_bytes()))
            }
        }
    }
}

impl std::error::Error for RequestError {}

impl RequestTemplate {
    pub fn build(spec: &RequestSpec<'_>) -> Result<RequestTemplate, RequestError> {
        let method = if spec.method.is_empty() { "GET" } else { spec.method };
        if !is_token(method.as_bytes()) {
            return Err(RequestError::Method(method.to_owned()));
        }
        let mut headers = canonical_headers(spec.headers)?;
        if let Some(authorization) = spec.target.basic_authorization().filter(|_| spec.basic_auth) {
            headers.entry("Authorization".into()).or_insert(authorization);
        }
        let host = headers.remove("Host").filter(|host| !host.is_empty());
        let user_agent = headers.remove("User-Agent").unwrap_or(spec.user_agent.trim_ascii().to_owned());
        if !is_field_value(&user_agent) {
            return Err(RequestError::HeaderValue("User-Agent".into()));
        }

        let mut head = format!("{method} {} HTTP/1.1\r\n", spec.target.path_and_query);
        let mut line = |name: &str, value: &str| {
            for part in [name, ": ", value, "\r\n"] {
                head.push_str(part);
            }
        };
        line("Host", host.as_deref().unwrap_or(&spec.target.authority));
        if !user_agent.is_empty() {
            line("User-Agent", &user_agent);
        }
        if spec.close {
            headers.remove("Connection");
            line("Connection", "close");
        }
        if !spec.body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            line("Content-Length", &spec.body.len().to_string());
        }
        for (name, value) in &headers {
            line(name, value);
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(spec.body);
        Ok(RequestTemplate { bytes, is_head: method == "HEAD" })
    }
}

/// By canonical name, the last value of each; without those that state the body's length, which
/// the body alone decides.
fn canonical_headers(headers: &[(&str, &str)]) -> Result<BTreeMap<String, String>, RequestError> {
    let mut canonical = BTreeMap::new();
    for (name, value) in headers {
        if !is_token(name.as_bytes()) {
            return Err(RequestError::HeaderName((*name).to_owned()));
        }
        let name = canonical_name(name);
        if !is_field_value(value) {
            return Err(RequestError::HeaderValue(name));
        }
        if !matches!(name.as_str(), "Content-Length" | "Transfer-Encoding" | "Trailer") {
            canonical.insert(name, value.trim_ascii().to_owned());
        }
    }
    Ok(canonical)
}

fn is_field_value(value: &str) -> bool {
    !value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://127.0.0.1:18999/x?y=1";

    /// Builds a request to `URL` with this user agent `a`.
    fn build(
        method: &str,
        headers: &[(&str, &str)],
        body: &str,
        change: impl Fn(&mut RequestSpec<'_>),
    ) -> Result<String, RequestError> {
        let target = Target::parse(URL).unwrap();
        let mut spec =
            RequestSpec { method, headers, body: body.as_bytes(), ..RequestSpec::get(&target, "a") };
        change(&mut spec);
        RequestTemplate::build(&spec).map(|template| String::from_utf8(template.bytes).unwrap())
    }

    #[track_caller]
    fn check(method: &str, headers: &[(&str, &str)], body: &str, want: &str) {
        assert_eq!(build(method, headers, body, |_| {}).unwrap(), want);
    }

    #[test]
    fn a_get_costs_what_it_costs_in_k6() {
        let target = Target::parse("http://127.0.0.1:18777/json").unwrap();
        let template = RequestTemplate::build(&RequestSpec::get(&target, "Grafana k6/2.2.0")).unwrap();
        assert_eq!(template.bytes.len(), 75);
    }

    #[test]
    fn a_post_has_its_lines_in_the_order_of_k6() {
        check(
            "POST",
            &[("x-foo", "1"), ("B", " 2"), ("a", "3 ")],
            "abc",
            "POST /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:18999\r\nUser-Agent: a\r\nContent-Length: 3\r\nA: 3\r\nB: 2\r\nX-Foo: 1\r\n\r\nabc",
        );
    }

    #[test]
    fn some_methods_state_an_empty_body() {
        let front = "/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:18999\r\nUser-Agent: a\r\n";
        for method in ["POST", "PUT", "PATCH"] {
            check(method, &[], "", &format!("{method} {front}Content-Length: 0\r\n\r\n"));
        }
        for method in ["GET", "HEAD", "DELETE", "OPTIONS", "post"] {
            check(method, &[], "", &format!("{method} {front}\r\n"));
        }
        check("GET", &[], "x", &format!("GET {front}Content-Length: 1\r\n\r\nx"));
        check("", &[], "", &format!("GET {front}\r\n"));
    }

    #[test]
    fn some_headers_of_the_user_override_and_some_are_dropped() {
        check(
            "GET",
            &[("hOST", "other"), ("user-agent", "mine"), ("content-length", "9"), ("Transfer-Encoding", "x")],
            "",
            "GET /x?y=1 HTTP/1.1\r\nHost: other\r\nUser-Agent: mine\r\n\r\n",
        );
        check(
            "GET",
            &[("User-Agent", ""), ("a", "1"), ("A", "2")],
            "",
            "GET /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:18999\r\nA: 2\r\n\r\n",
        );
    }

    #[test]
    fn without_reuse_the_connection_is_closed() {
        assert_eq!(
            build("GET", &[("connection", "keep-alive")], "", |spec| {
                spec.close = true;
                spec.user_agent = "";
            })
            .unwrap(),
            "GET /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:18999\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn credentials_become_a_header_unless_the_user_gave_one() {
        let target = Target::parse("http://u:p@h/").unwrap();
        let built =
            |spec: RequestSpec<'_>| String::from_utf8(RequestTemplate::build(&spec).unwrap().bytes).unwrap();
        let spec = RequestSpec::get(&target, "");
        let front = "GET / HTTP/1.1\r\nHost: h\r\n";
        assert_eq!(built(spec), format!("{front}Authorization: Basic dTpw\r\n\r\n"));
        assert_eq!(built(RequestSpec { basic_auth: false, ..spec }), format!("{front}\r\n"));
        let headers = [("authorization", "Bearer x")];
        assert_eq!(
            built(RequestSpec { headers: &headers, ..spec }),
            format!("{front}Authorization: Bearer x\r\n\r\n")
        );
    }

    #[test]
    fn what_would_break_the_head_is_refused() {
        #[track_caller]
        fn refused(method: &str, headers: &[(&str, &str)], want: &str) {
            assert_eq!(build(method, headers, "", |_| {}).unwrap_err().to_string(), want);
        }
        refused("GE T", &[], "net/http: invalid method \"GE T\"");
        refused("GET\r\n", &[], "net/http: invalid method \"GET\\r\\n\"");
        refused("GET", &[("a b", "")], "net/http: invalid header field name \"a b\"");
        refused("GET", &[("", "")], "net/http: invalid header field name \"\"");
        refused("GET", &[("a:", "")], "net/http: invalid header field name \"a:\"");
        refused("GET", &[("x-a", "b\r\nc: d")], "net/http: invalid header field value for \"X-A\"");
        refused("GET", &[("host", "b\0")], "net/http: invalid header field value for \"Host\"");
        let error = build("GET", &[], "", |spec| spec.user_agent = "a\nb").unwrap_err();
        assert_eq!(error.to_string(), "net/http: invalid header field value for \"User-Agent\"");
    }
}
