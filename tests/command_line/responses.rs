//! Responses that are read by other rules than a Content-Length, on connections that live on: a
//! wrong end would make the next response wrong.

use crate::figures::Export;
use crate::peer::Peer;
use crate::program::{ringload, run};
use crate::transports::transports;

/// Six requests by two VUs, all answered by `response`, all over the same two connections.
#[track_caller]
fn check(flags: &[&str], response: &'static [u8], want_failed: u64) {
    for transport in transports() {
        let peer = Peer::answering(response);
        let export = Export::new();
        let ended =
            run(ringload(&[&["run", &peer.url(), "-i6", "-u2", transport, &export.flag()], flags].concat()));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
        let figures = export.read();
        assert_eq!((figures.count("http_reqs"), figures.failed()), (6, (want_failed, 6 - want_failed)));
        assert_eq!(figures.count("data_received"), 6 * response.len() as u64);
        assert_eq!((peer.visitors().len(), peer.requests().len()), (2, 6), "{transport} {flags:?}");
    }
}

#[test]
fn statuses_without_a_body_end_with_their_head() {
    check(&[], b"HTTP/1.1 204 No Content\r\n\r\n", 0);
    check(&[], b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", 0);
}

#[test]
fn the_answer_to_head_ends_with_its_head() {
    check(&["-X", "HEAD"], b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 0);
    check(&["-X", "HEAD"], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0);
}

#[test]
fn chunks_end_with_their_trailers() {
    check(&[], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 0);
    check(
        &[],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
        0,
    );
}

#[test]
fn interim_responses_are_not_the_answer() {
    check(
        &[],
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        0,
    );
    check(
        &["-b", "text"],
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        0,
    );
    check(&[], b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 6);
}

#[test]
fn a_redirect_is_counted_as_it_is_and_not_followed() {
    check(&[], b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 0);
    check(
        &[],
        b"HTTP/1.1 301 Moved Permanently\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n",
        0,
    );
}

#[test]
fn an_error_status_is_a_failed_request_on_a_sound_connection() {
    check(&[], b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", 6);
    check(&[], b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 6);
}

#[test]
fn a_body_may_end_with_its_connection() {
    for transport in transports() {
        let peer = Peer::start(|mut visit| {
            visit.request();
            visit.send(b"HTTP/1.0 200 OK\r\n\r\nall of it");
        });
        let export = Export::new();
        let ended = run(ringload(&["run", &peer.url(), "-i6", "-u2", transport, &export.flag()]));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
        let figures = export.read();
        assert_eq!((figures.count("http_reqs"), figures.failed()), (6, (0, 6)));
        assert_eq!((peer.visitors().len(), peer.requests().len()), (6, 6));
    }
}
