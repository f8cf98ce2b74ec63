//! What goes wrong on the way is data: each request is counted once, under k6's code and text,
//! and the run goes on to its end.

use crate::figures::Export;
use crate::peer::{Peer, Refusing, Visit};
use crate::program::{Ended, ringload, run};
use crate::transports::{serve, transports};
use ringload::options::{BehaviourOptions, TransportChoice};

/// Ten requests to `url`, which all fail. Gives the reasons that were logged.
#[track_caller]
fn all_fail(url: &str, flags: &[&str]) -> (Ended, Vec<(u64, String, String)>) {
    let export = Export::new();
    let ended = run(ringload(&[&["run", url, "-i10", "-u2", &export.flag()], flags].concat()));
    let figures = export.read();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(figures.count("http_reqs"), 10, "{}", ended.stdout);
    assert_eq!(figures.count("iterations"), 10, "{}", ended.stdout);
    assert_eq!(figures.failed(), (10, 0), "{}", ended.stdout);
    assert!(ended.stdout.contains("http_req_failed......: 100.00% 10 out of 10"), "{}", ended.stdout);
    let failures = ended.failures();
    assert_eq!(failures.iter().map(|(count, ..)| count).sum::<u64>(), 10, "{}", ended.stderr);
    (ended, failures)
}

/// All ten have this one reason, whatever the transport.
#[track_caller]
fn check_url(url: &str, flags: &[&str], code: &str, text: &str) {
    for transport in transports() {
        let (ended, failures) = all_fail(url, &[flags, &[transport]].concat());
        let want = (10, code.to_owned(), text.to_owned());
        assert_eq!(failures, [want], "{transport} {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[track_caller]
fn check(serve: impl Fn(Visit) + Send + Sync + 'static, code: &str, text: &str) {
    check_url(&Peer::start(serve).url(), &[], code, text);
}

#[test]
fn a_refused_connection_has_k6_s_code() {
    let refusing = Refusing::start();
    check_url(&refusing.url(), &[], "1212", "dial: connection refused");
    check_url(&refusing.url(), &["--no-connection-reuse"], "1212", "dial: connection refused");
}

#[test]
fn a_response_cut_short_says_how() {
    let begin = |visit: &mut Visit| {
        visit.request();
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning");
    };
    check(move |mut visit| begin(&mut visit), "1000", "unexpected EOF");
    check(
        move |mut visit| {
            begin(&mut visit);
            visit.reset();
        },
        "1220",
        "read: connection reset by peer",
    );
    check(
        |mut visit| {
            visit.request();
            visit.send(b"HTTP/1.1 200 OK\r\nContent-");
        },
        "1000",
        "unexpected EOF",
    );
    check(
        |mut visit| {
            visit.request();
            visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        },
        "1000",
        "unexpected EOF",
    );
}

#[test]
fn a_server_that_closes_instead_of_answering_gives_eof() {
    check(
        |mut visit| {
            visit.request();
        },
        "1000",
        "EOF",
    );
}

#[test]
fn a_server_that_closes_what_it_has_not_read_gives_one_of_three_reasons() {
    // Which one depends on whether its end is seen before or after our request is sent.
    let known = [
        ("1000", "EOF"),
        ("1220", "read: connection reset by peer"),
        ("1220", "write: connection reset by peer"),
        ("1201", "write: broken pipe"),
    ];
    for transport in transports() {
        let peer = Peer::start(drop);
        let (_, failures) = all_fail(&peer.url(), &[transport]);
        for (_, code, text) in failures {
            assert!(known.contains(&(&*code, &*text)), "{code} {text}");
        }
        assert_eq!((peer.visitors().len(), peer.requests().len()), (10, 0));
    }
}

#[test]
fn what_is_no_http_is_quoted() {
    check(
        |mut visit| {
            visit.send(b"SSH-2.0-OpenSSH_9.2\r\n");
            while visit.request().is_some() {}
        },
        "1000",
        "malformed HTTP response \"SSH-2.0-OpenSSH_9.2\"",
    );
    check(
        |mut visit| {
            visit.request();
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello");
        },
        "1000",
        "http: message cannot contain multiple Content-Length headers",
    );
}

#[test]
fn an_endless_head_is_given_up_at_64_kib() {
    for transport in transports() {
        let peer = Peer::start(|mut visit| {
            visit.request();
            visit.send(b"HTTP/1.1 200 OK\r\n");
            while visit.send(&b"X-Filler: 0123456789\r\n".repeat(64)) {}
        });
        let export = Export::new();
        let ended = run(ringload(&["run", &peer.url(), "-i10", "-u2", transport, &export.flag()]));
        let text = "net/http: server response headers exceeded 65536 bytes; aborted";
        assert_eq!(ended.failures(), [(10, "1000".to_owned(), text.to_owned())], "{}", ended.stderr);
        // What was received when the limit was noticed: one more buffer at the most.
        let received = export.read().count("data_received") / 10;
        assert!((65_536..=3 * 65_536).contains(&received), "{received} bytes each");
    }
}

#[test]
fn an_answer_that_does_not_come_is_a_timeout() {
    for transport in transports() {
        let peer = Peer::silent();
        let export = Export::new();
        let flags = ["run", &peer.url(), "-i4", "-u2", "--timeout=300ms", transport, &export.flag()];
        let ended = run(ringload(&flags));
        assert_eq!(ended.failures(), [(4, "1050".to_owned(), "request timeout".to_owned())]);
        let figures = export.read();
        assert_eq!((figures.count("http_reqs"), figures.failed()), (4, (4, 0)));
        let duration = &figures.root["metrics"]["iteration_duration"];
        assert!(duration["min"].as_f64().unwrap() >= 300.0, "{duration}");
    }
}

#[test]
fn a_timeout_ends_a_response_that_trickles() {
    for transport in transports() {
        let peer = Peer::start(|mut visit| {
            visit.request();
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
            while visit.send(b"x") {
                ringload::sys::clock::sleep(std::time::Duration::from_millis(20));
            }
        });
        let ended = run(ringload(&["run", &peer.url(), "-i2", "-u2", "--timeout=300ms", transport]));
        assert_eq!(ended.failures(), [(2, "1050".to_owned(), "request timeout".to_owned())]);
    }
}

#[test]
fn a_failure_of_this_machine_is_not_laid_at_the_target_s_door() {
    let peer = Peer::silent();
    for transport in transports() {
        // An address for documentation (RFC 5737), so nobody's: bind(2) fails.
        let (ended, failures) = all_fail(&peer.url(), &["--local-ips=192.0.2.1", transport]);
        let text = "dial: unknown errno 99 error with msg `cannot assign requested address`";
        assert_eq!(failures, [(10, "1213".to_owned(), text.to_owned())]);
        let doubt = format!("10 requests failed on this machine, not at the target ({text}): ");
        assert!(ended.doubts().iter().any(|line| line.starts_with(&doubt)), "{}", ended.stdout);
    }
    assert_eq!(peer.visitors().len(), 0);
}

#[test]
fn a_connection_closed_while_idle_is_no_failure() {
    // As Go's client: a request that met a closed kept-alive connection goes out on a new one.
    for transport in transports() {
        let peer = Peer::start(|mut visit| {
            visit.request();
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
        let export = Export::new();
        let ended = run(ringload(&["run", &peer.url(), "-i20", "-u2", transport, &export.flag()]));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        let figures = export.read();
        assert_eq!((figures.count("http_reqs"), figures.failed()), (20, (0, 20)));
        assert_eq!((peer.visitors().len(), peer.requests().len()), (20, 20));
    }
}

#[test]
fn a_pipeline_cut_by_the_server_goes_on_elsewhere() {
    for transport in transports() {
        let export = Export::new();
        let target =
            serve(TransportChoice::Auto, [127, 0, 0, 1].into(), BehaviourOptions::default()).unwrap();
        let url = format!("http://{}/?close=1", target.address());
        let ended = run(ringload(&["run", &url, "-i10", "-u2", "--pipeline=4", transport, &export.flag()]));
        let served = target.stop();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
        let figures = export.read();
        assert_eq!((figures.count("http_reqs"), figures.failed()), (40, (0, 40)));
        assert_eq!(served.connections, 40, "{served:?}");
    }
}
