//! Every stream here is read whole, byte by byte, in every split and in random pieces.

use super::*;

/// What came of one stream: each response with what was kept, then the end.
#[derive(Debug, PartialEq)]
enum Seen {
    Response { response: Response, head: Option<Head>, body: Vec<u8> },
    Failed(ParseError),
    Waiting,
}

/// How a stream is asked to be read.
#[derive(Clone, Copy, Debug)]
struct Asked {
    request_is_head: bool,
    keep: Keep,
    then_end: bool,
}

const ASKED: Asked = Asked { request_is_head: false, keep: Keep::HeadAndBody, then_end: false };

/// Reads a stream given in pieces, as many responses as it holds.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>, asked: Asked, cache: &mut HeadCache) -> Vec<Seen> {
    let mut parser = ResponseParser::new();
    let mut seen = Vec::new();
    let mut note = |parser: &mut ResponseParser, parsed| match parsed {
        Parsed::NeedMore => None,
        Parsed::Complete(response) => {
            let (head, body) = (parser.take_head(), parser.take_body());
            seen.push(Seen::Response { response, head, body });
            parser.begin(asked.request_is_head, asked.keep);
            Some(true)
        }
        Parsed::Failed(error) => {
            seen.push(Seen::Failed(error));
            Some(false)
        }
    };
    parser.begin(asked.request_is_head, asked.keep);
    for piece in pieces {
        let mut rest = piece;
        loop {
            let (consumed, parsed) = parser.parse(rest, cache);
            let need_more = parsed == Parsed::NeedMore;
            rest = &rest[consumed..];
            match note(&mut parser, parsed) {
                Some(false) => return seen,
                _ if need_more => break,
                _ => {}
            }
        }
        assert!(rest.is_empty(), "NeedMore consumes everything");
    }
    if asked.then_end {
        let parsed = parser.on_end();
        note(&mut parser, parsed);
    } else {
        seen.push(Seen::Waiting);
    }
    seen
}

/// How much of a refused line had come is up to the cut; everything else is not.
fn without_quotes(seen: Vec<Seen>) -> Vec<Seen> {
    let same = |seen| match seen {
        Seen::Failed(ParseError::MalformedResponse(_)) => {
            Seen::Failed(ParseError::MalformedResponse("".into()))
        }
        Seen::Failed(ParseError::MalformedVersion(_)) => {
            Seen::Failed(ParseError::MalformedVersion("".into()))
        }
        Seen::Failed(ParseError::MalformedStatus(_)) => Seen::Failed(ParseError::MalformedStatus("".into())),
        other => other,
    };
    seen.into_iter().map(same).collect()
}

/// Reads `stream` whole, and checks that no cut of it and no cache changes the answer.
#[track_caller]
fn read_in_every_cut(stream: &[u8], asked: Asked) -> Vec<Seen> {
    let fresh = || HeadCache::new();
    let whole = read([stream].into_iter(), asked, &mut fresh());
    let same = |how: String, got: Vec<Seen>| {
        let show = String::from_utf8_lossy(stream);
        assert_eq!(
            without_quotes(got),
            without_quotes(read([stream].into_iter(), asked, &mut fresh())),
            "{how} of {show:?} {asked:?}"
        );
    };
    let mut warm = fresh();
    read([stream].into_iter(), asked, &mut warm);
    same("from a warm cache".into(), read([stream].into_iter(), asked, &mut warm));
    same("byte by byte".into(), read(stream.chunks(1), asked, &mut fresh()));
    same("byte by byte, warm".into(), read(stream.chunks(1), asked, &mut warm));
    // Every split of short streams; of long ones only around their ends.
    for at in (0..=stream.len()).filter(|&at| at < 1_000 || stream.len() - at < 100) {
        let (front, back) = stream.split_at(at);
        same(format!("split at {at}"), read([front, back].into_iter(), asked, &mut fresh()));
        same(format!("split at {at}, warm"), read([front, back].into_iter(), asked, &mut warm));
    }
    for seed in 1..=20u64 {
        let mut state = seed;
        let mut rest = stream;
        let pieces = std::iter::from_fn(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let n = ((state >> 40) as usize % 40).min(rest.len());
            let (piece, after) = rest.split_at(n);
            rest = after;
            (n > 0 || !after.is_empty()).then_some(piece)
        });
        same(format!("seed {seed}"), read(pieces, asked, &mut warm));
    }
    whole
}

/// What `check` expects of one response.
fn response(status: u16, keep_alive: bool, body: &str) -> (u16, bool, String) {
    (status, keep_alive, body.to_owned())
}

#[track_caller]
fn check_asked(stream: &str, asked: Asked, want: &[(u16, bool, String)], end: Option<&str>) {
    let seen = read_in_every_cut(stream.as_bytes(), asked);
    let mut responses = Vec::new();
    let mut failure = None;
    for seen in seen {
        match seen {
            Seen::Response { response, body, .. } => {
                assert_eq!(response.body_bytes, body.len() as u64);
                let body = String::from_utf8(body).unwrap();
                responses.push((response.status, response.keep_alive, body));
            }
            Seen::Failed(error) => failure = Some(error.to_string()),
            Seen::Waiting => {}
        }
    }
    assert_eq!((&responses[..], failure.as_deref()), (want, end), "{stream:?}");
}

/// `end`: the error that follows the responses, if any.
#[track_caller]
fn check(stream: &str, want: &[(u16, bool, String)], end: Option<&str>) {
    check_asked(stream, ASKED, want, end);
}

/// The same, but the peer ends its side after the stream.
#[track_caller]
fn check_to_end(stream: &str, want: &[(u16, bool, String)], end: Option<&str>) {
    check_asked(stream, Asked { then_end: true, ..ASKED }, want, end);
}

#[test]
fn a_body_has_the_stated_length() {
    check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", &[response(200, true, "hello")], None);
    check("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &[response(200, true, "")], None);
    check("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", &[], None);
    check(
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok",
        &[response(200, true, "ok")],
        None,
    );
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        &[response(200, false, "ok")],
        None,
    );
}

#[test]
fn pipelined_responses_are_told_apart() {
    let plain = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nT: 1\r\n\r\n";
    let empty = "HTTP/1.1 204 No Content\r\n\r\n";
    check(
        &[plain, plain, chunked, empty, plain, chunked].concat(),
        &[
            response(200, true, "ok"),
            response(200, true, "ok"),
            response(200, true, "abc"),
            response(204, true, ""),
            response(200, true, "ok"),
            response(200, true, "abc"),
        ],
        None,
    );
}

#[test]
fn statuses_without_a_body_have_none_whatever_their_headers_say() {
    check(
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n",
        &[response(304, true, ""), response(204, true, "")],
        None,
    );
}

#[test]
fn responses_to_head_have_no_body() {
    let heads = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    let want = [response(200, true, ""), response(200, true, ""), response(200, true, "")];
    check_asked(heads, Asked { request_is_head: true, ..ASKED }, &want, None);
}

#[test]
fn interim_responses_are_skipped_but_an_upgrade_is_not() {
    let plain = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    check(
        &[interim, plain, interim, plain].concat(),
        &[response(200, true, "ok"), response(200, true, "ok")],
        None,
    );
    check(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        &[],
        Some("unsupported response status: 101 Switching Protocols"),
    );
}

#[test]
fn a_body_without_a_length_lasts_until_the_end() {
    check_to_end("HTTP/1.1 200 OK\r\n\r\nhello", &[response(200, false, "hello")], None);
    check_to_end("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", &[response(200, false, "")], None);
}

#[test]
fn an_end_inside_a_response_is_unexpected() {
    check_to_end("", &[], Some("EOF"));
    for cut in [
        "H",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        check_to_end(cut, &[], Some("unexpected EOF"));
    }
    check_to_end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", &[response(200, true, "ok")], Some("EOF"));
}

#[test]
fn what_is_not_http_is_refused() {
    let ok = "HTTP/1.1 200 OK\r\n";
    check("SSH-2.0-OpenSSH_9.6\r\n", &[], Some("malformed HTTP response \"SSH-2.0-OpenSSH_9.6\""));
    check("HTTP/3.0 200 OK\r\n\r\n", &[], Some("malformed HTTP version \"HTTP/3.0\""));
    check("HTTP/1.1 99 OK\r\n\r\n", &[], Some("malformed HTTP status code \"99\""));
    check(&format!("{ok}A : b\r\n\r\n"), &[], Some("malformed MIME header line \"A : b\""));
    check(&format!("{ok}A: b\r\n c\r\n\r\n"), &[], Some("malformed MIME header line \" c\""));
    check(&format!("{ok}Content-Length: 5x\r\n\r\n"), &[], Some("bad Content-Length \"5x\""));
    check(
        &format!("{ok}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        &[],
        Some("invalid byte in chunk length"),
    );
    check(
        &format!("{ok}Content-Length: 2\r\n\r\nokgarbage"),
        &[response(200, true, "ok")],
        Some("malformed HTTP response \"garbage\""),
    );
}

#[test]
fn heads_interim_heads_and_trailers_are_bounded() {
    let too_large = Some("net/http: server response headers exceeded 65536 bytes; aborted");
    // Every split of a stream this long would take minutes.
    #[track_caller]
    fn check(stream: &str, want_status: Option<u16>, want_error: Option<&str>) {
        for step in [stream.len(), 1, 4096, 1000] {
            let asked = Asked { keep: Keep::Nothing, ..ASKED };
            let seen = read(stream.as_bytes().chunks(step), asked, &mut HeadCache::new());
            let (status, error) = match &seen[0] {
                Seen::Response { response, .. } => (Some(response.status), None),
                Seen::Failed(error) => (None, Some(error.to_string())),
                Seen::Waiting => (None, None),
            };
            assert_eq!((status, error.as_deref()), (want_status, want_error), "in steps of {step}");
        }
    }
    let padded = |len: usize| {
        let (front, back) = ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ", "\r\n\r\n");
        format!("{front}{}{back}", "x".repeat(len - front.len() - back.len()))
    };
    check(&padded(HEAD_LIMIT), Some(200), None);
    check(&padded(HEAD_LIMIT + 1), None, too_large);
    check(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(3_000), None, too_large);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    check(&format!("{chunked}{}", "A: 1\r\n".repeat(11_000)), None, Some("header line too long"));
}

#[test]
fn only_what_was_asked_for_is_kept() {
    #[track_caller]
    fn check(status: u16, keep: Keep, want: (bool, bool)) {
        let stream = format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\nLocation: /a\r\n\r\nok");
        for seen in read_in_every_cut(stream.repeat(2).as_bytes(), Asked { keep, ..ASKED }) {
            if let Seen::Response { response, head, body } = seen {
                assert_eq!((response.status, response.body_bytes), (status, 2));
                assert_eq!((head.is_some(), !body.is_empty()), want, "{status} {keep:?}");
                let location = head.as_ref().and_then(|head| head.get("location"));
                assert!(location.is_none_or(|location| location == "/a"));
            }
        }
    }
    check(302, Keep::Nothing, (false, false));
    check(302, Keep::HeadOfRedirect, (true, false));
    check(200, Keep::HeadOfRedirect, (false, false));
    check(200, Keep::Head, (true, false));
    check(200, Keep::HeadAndBody, (true, true));
}

#[test]
fn a_discarded_body_counts_as_read() {
    let mut parser = ResponseParser::new();
    let mut cache = HeadCache::new();
    parser.begin(false, Keep::Nothing);
    assert!(parser.is_idle());
    assert_eq!(parser.body_remaining(), None);
    let (_, parsed) = parser.parse(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", &mut cache);
    assert_eq!((parsed, parser.is_idle()), (Parsed::NeedMore, false));
    assert_eq!(parser.body_remaining(), Some(7));
    assert_eq!(parser.on_discarded(4), Parsed::NeedMore);
    let want = Response { body_bytes: 10, status: 200, keep_alive: true, http10: false };
    assert_eq!(parser.on_discarded(3), Parsed::Complete(want));
    assert_eq!(parser.parse(b"H", &mut cache), (0, Parsed::Failed(ParseError::Unsolicited)));
}

#[test]
fn identical_responses_are_counted_at_once() {
    #[track_caller]
    fn check(one: &str, stream: &str, keep: Keep, at_most: u32, want: (u32, usize)) {
        let mut parser = ResponseParser::new();
        let mut cache = HeadCache::new();
        parser.begin(false, keep);
        parser.parse(one.as_bytes(), &mut cache);
        parser.begin(false, keep);
        let (count, consumed, response) = parser.parse_identical(stream.as_bytes(), &cache, at_most);
        assert_eq!((count, consumed), want);
        assert!(count == 0 || response.body_bytes == 2 && response.status == 200);
        assert!(parser.is_idle());
    }
    let one = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let n = one.len();
    let nothing = Keep::Nothing;
    check(one, &one.repeat(5), nothing, 16, (5, 5 * n));
    check(one, &one.repeat(5), nothing, 3, (3, 3 * n));
    check(one, &one.repeat(5), Keep::HeadOfRedirect, 16, (5, 5 * n));
    check(one, &one.repeat(5), Keep::Head, 16, (0, 0));
    check(one, &one.repeat(5)[..5 * n - 1], nothing, 16, (4, 4 * n));
    check(one, &[one, &one.replace("200", "201")].concat(), nothing, 16, (1, n));
    check(one, "", nothing, 16, (0, 0));
    let last = one.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    check(&last, &last.repeat(2), nothing, 16, (0, 0));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    check(chunked, &chunked.repeat(2), nothing, 16, (0, 0));
}
