//! Flags and variables reach the wire: read off the requests that a server received.

use crate::peer::Peer;
use crate::program::{ringload, run};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Runs `args`, with `{}` for the server's URL; gives the requests that came and the connections.
#[track_caller]
fn received(args: &[&str], env: &[(&str, &str)]) -> (Vec<String>, usize) {
    let peer = Peer::answering(ANSWER);
    let args: Vec<String> = args.iter().map(|arg| arg.replace("{}", &peer.url())).collect();
    let mut command = ringload(&args.iter().map(String::as_str).collect::<Vec<_>>());
    command.envs(env.iter().copied());
    let ended = run(command);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{args:?} {env:?}");
    let host = format!("127.0.0.1:{}", peer.port());
    let requests = peer.requests().iter().map(|request| request.replace(&host, "HOST")).collect();
    (requests, peer.visitors().len())
}

/// So many requests over so many connections.
#[track_caller]
fn check_amount(args: &[&str], env: &[(&str, &str)], want: (usize, usize)) {
    let (requests, connections) = received(args, env);
    assert_eq!((requests.len(), connections), want, "{args:?} {env:?}");
}

/// One request, to the byte, but for the version in ringload's own User-Agent.
#[track_caller]
fn check_request(flags: &[&str], env: &[(&str, &str)], want: &str) {
    let (requests, _) = received(&[&["run", "{}", "-i1", "-u1"], flags].concat(), env);
    let own = concat!("ringload/", env!("CARGO_PKG_VERSION"));
    assert_eq!(requests, [want.replace("RINGLOAD", own)], "{flags:?} {env:?}");
}

#[test]
fn flags_stand_before_or_after_the_url_and_global_ones_before_the_command() {
    check_amount(&["run", "-i", "6", "-u", "2", "{}"], &[], (6, 2));
    check_amount(&["run", "{}", "-i", "6", "-u", "2"], &[], (6, 2));
    check_amount(&["run", "-i6", "{}", "-u2"], &[], (6, 2));
    check_amount(&["-q", "run", "-i6", "--", "{}"], &[], (6, 6));
}

#[test]
fn variables_count_unless_a_flag_says_otherwise() {
    let env = [("K6_VUS", "2"), ("K6_ITERATIONS", "6")];
    check_amount(&["run", "{}"], &env, (6, 2));
    check_amount(&["run", "{}", "-u3"], &env, (6, 3));
    check_amount(&["run", "{}", "-i4"], &env, (4, 2));
    check_amount(&["run", "{}", "-i4", "-u1"], &[("K6_NO_CONNECTION_REUSE", "true")], (4, 4));
    check_amount(&["run", "{}", "-i4", "-u1"], &[("RINGLOAD_PIPELINE", "3")], (12, 1));
    check_amount(&["run", "{}", "-i4", "-u1", "--pipeline=2"], &[("RINGLOAD_PIPELINE", "3")], (8, 1));
}

#[test]
fn a_plain_request_is_a_get_of_ringload() {
    check_request(&[], &[], "GET / HTTP/1.1\r\nHost: HOST\r\nUser-Agent: RINGLOAD\r\n\r\n");
    let mut url_with_query = received(&["run", "{}a/b?c=d%20e#f", "-i1"], &[]).0;
    let line = url_with_query.remove(0);
    assert!(line.starts_with("GET /a/b?c=d%20e HTTP/1.1\r\n"), "{line}");
}

#[test]
fn method_headers_and_body_are_sent_as_they_were_said() {
    let want = "PUT / HTTP/1.1\r\nHost: HOST\r\nUser-Agent: RINGLOAD\r\nContent-Length: 4\r\nA: b\r\n\
                C: d, e\r\n\r\ntext";
    check_request(&["-X", "PUT", "-H", "A: b", "-H", "C: d, e", "-b", "text"], &[], want);
    let env = [("RINGLOAD_METHOD", "PUT"), ("RINGLOAD_HEADER", "A: b\nC: d, e"), ("RINGLOAD_BODY", "text")];
    check_request(&[], &env, want);

    let want = "GET / HTTP/1.1\r\nHost: HOST\r\nUser-Agent: me\r\n\r\n";
    check_request(&["--user-agent=me"], &[("K6_USER_AGENT", "you")], want);
    check_request(&[], &[("K6_USER_AGENT", "me")], want);
    check_request(&["--user-agent="], &[], "GET / HTTP/1.1\r\nHost: HOST\r\n\r\n");
}

#[test]
fn a_body_may_come_from_a_file() {
    let path = std::env::temp_dir().join(format!("ringload-{}-body", std::process::id()));
    std::fs::write(&path, "line\nline\n").unwrap();
    let (requests, _) = received(&["run", "{}", "-i1", "-b", &format!("@{}", path.display())], &[]);
    std::fs::remove_file(&path).unwrap();
    let request = &requests[0];
    assert!(request.starts_with("POST / HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nContent-Length: 10\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\nline\nline\n"), "{request}");
}

#[test]
fn the_transport_asked_for_is_the_one_in_use() {
    let peer = Peer::answering(ANSWER);
    let mut command = ringload(&["run", &peer.url(), "-i1"]);
    command.env("RINGLOAD_TRANSPORT", "epoll");
    let ended = run(command);
    assert!(ended.stdout.contains("        engine: epoll (asked for), 1 worker"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("    transport......................: epoll (asked for)"),
        "{}",
        ended.stdout
    );
}
