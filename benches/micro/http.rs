//! Nanoseconds per response head: by comparison with the last one, by the scan, by httparse; and
//! per pipelined response of a batch. Median and best of 15 rounds; `cargo bench --bench http`.
#![allow(clippy::disallowed_methods)]

use ringload::http::head::{read_response, scan_response};
use ringload::http::{HeadCache, Keep, Parsed, RequestCache, RequestParsed, RequestParser, ResponseParser};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 15;
const CALLS: u32 = 400_000;

const SHORT: &str = "HTTP/1.1 200 OK\r\n\
    Server: nginx/1.9.5\r\n\
    Date: Tue, 24 Nov 2026 08:07:01 GMT\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 13\r\n\
    Connection: keep-alive\r\n\
    \r\n";

const LONG: &str = "HTTP/1.1 200 OK\r\n\
    Server: nginx/1.9.5\r\n\
    Date: Tue, 24 Nov 2026 08:07:01 GMT\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 13\r\n\
    Last-Modified: Mon, 23 Nov 2026 18:22:10 GMT\r\n\
    Connection: keep-alive\r\n\
    ETag: \"6742abcde-0d\"\r\n\
    Accept-Ranges: bytes\r\n\
    \r\n";

const REQUEST: &str = "GET /json HTTP/1.1\r\nHost: 127.0.0.1:18777\r\nUser-Agent: Grafana k6/2.2.0\r\n\r\n";

fn main() {
    println!("{:<44} {:>9} {:>9}", "ns per response (or request)", "median", "best");
    for head in [SHORT, LONG] {
        let response = format!("{head}Hello, World!");
        let name = |path: &str| format!("{}-byte head, {path}", head.len());
        let bytes = response.as_bytes();

        let mut parser = ResponseParser::new();
        let mut cache = HeadCache::new();
        report(&name("comparison"), || {
            parser.begin(false, Keep::Nothing);
            let (_, parsed) = parser.parse(black_box(bytes), &mut cache);
            assert!(matches!(black_box(parsed), Parsed::Complete(_)));
        });
        report(&name("scan"), || {
            assert!(black_box(scan_response(black_box(bytes))).is_some());
        });
        report(&name("httparse"), || {
            assert!(black_box(read_response(black_box(bytes))).is_ok_and(|head| head.is_some()));
        });

        // Two heads in turn: each misses the cache, is scanned, and replaces the other.
        let other = response.replace("08:07:01", "08:07:02");
        let mut turn = false;
        report(&name("whole parser, never the same head"), || {
            turn = !turn;
            let bytes = if turn { bytes } else { other.as_bytes() };
            parser.begin(false, Keep::Nothing);
            let (_, parsed) = parser.parse(black_box(bytes), &mut cache);
            assert!(matches!(black_box(parsed), Parsed::Complete(_)));
        });

        let batch = response.repeat(16);
        parser.begin(false, Keep::Nothing);
        parser.parse(bytes, &mut cache);
        parser.begin(false, Keep::Nothing);
        let per_batch = || {
            let (count, ..) = parser.parse_identical(black_box(batch.as_bytes()), &cache, 16);
            assert_eq!(black_box(count), 16);
        };
        report_divided(&name("16 at once"), 16.0, per_batch);
    }

    let mut parser = RequestParser::new();
    let mut cache = RequestCache::new();
    report("75-byte request, comparison", || {
        let (_, parsed) = parser.parse(black_box(REQUEST.as_bytes()), &mut cache);
        assert!(matches!(black_box(parsed), RequestParsed::Complete(_)));
    });
}

fn report(name: &str, call: impl FnMut()) {
    report_divided(name, 1.0, call);
}

fn report_divided(name: &str, parts: f64, mut call: impl FnMut()) {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            for _ in 0..CALLS {
                call();
            }
            begin.elapsed().as_nanos() as f64 / f64::from(CALLS) / parts
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{name:<44} {:>9.1} {:>9.1}", rounds[ROUNDS / 2], rounds[0]);
}
