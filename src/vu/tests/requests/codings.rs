//! Bodies with a content coding.

use super::*;
use crate::http::coding::Coding;

/// What the script is told of a body that came with these headers.
#[track_caller]
fn check(method: &str, status: &str, codings: &str, body: &[u8], want: &str) {
    let mut two = Two::new(settings());
    two.next(vec![wish(1, request(method, "http://10.0.0.1/"))], Step::Wait);
    two.start(0, A);
    two.happens(0, 0, connected);
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Encoding: {codings}\r\nContent-Length: {length}\r\nLocation: /to\r\n\r\n"
    );
    let body = if method == "HEAD" { b"" } else { body };
    let bytes = [head.as_bytes(), body].concat();
    let (at, bytes) = (Instant(0), bytes.as_slice());
    two.vus.on_event(ConnId(0), sent(at), &mut two.recorder);
    two.vus.on_event(ConnId(0), Event::Received { at, bytes }, &mut two.recorder);
    if status.starts_with("302") {
        assert_eq!(two.asks(0), ["send 0"]);
        two.answers(0, 0, OK);
    }
    two.give_answers(0);
    assert_eq!(two.told()[1], format!("a: 1 {want}"));
}

#[test]
fn scripts_get_bodies_without_their_codings() {
    for coding in [Coding::Gzip, Coding::Deflate, Coding::Br, Coding::Zstd] {
        check("GET", "200 OK", coding.name(), &coding.encode(b"hello"), "200 0 http://10.0.0.1/ hello");
    }
    let twice = Coding::Br.encode(&Coding::Gzip.encode(b"hello"));
    check("GET", "404 Not Found", "gzip, br", &twice, "404 1404 http://10.0.0.1/ hello");
    check("GET", "200 OK", "x-own", b"hello", "200 0 http://10.0.0.1/ hello");
}

#[test]
fn a_body_that_is_not_so_encoded_is_a_failure() {
    check("GET", "200 OK", "gzip", b"hello, hello, hello", "0 1701 http://10.0.0.1/");
    check("GET", "200 OK", "gzip", b"", "0 1701 http://10.0.0.1/");
    let mut cut = Coding::Gzip.encode(b"hello");
    cut.pop();
    check("GET", "200 OK", "gzip", &cut, "0 1000 http://10.0.0.1/");
}

#[test]
fn bodies_that_nobody_reads_are_not_decoded() {
    check("HEAD", "200 OK", "gzip", b"x", "200 0 http://10.0.0.1/");
    check("GET", "302 Found", "gzip", b"no gzip at all, really", "200 0 http://10.0.0.1/to ok");
    check("GET", "304 Not Modified", "gzip", b"", "304 0 http://10.0.0.1/");
}
