//! Digest authentication: two exchanges on one connection.

use super::*;

fn digest(url: &str) -> Request {
    Request { digest_auth: true, ..request("GET", url) }
}

const CHALLENGE: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"\r\n\
                         WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\nContent-Length: 2\r\n\r\nno";

/// A first request without credentials, connected.
fn asked(url: &str) -> Two {
    let mut two = Two::new(settings());
    two.next(vec![wish(1, digest(url))], Step::Wait);
    two.start(0, A);
    two.happens(0, 0, connected);
    assert_eq!(two.sent, ["GET /a?b HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n"]);
    two
}

#[track_caller]
fn authorization(sent: &str) -> String {
    let line = sent.lines().find_map(|line| line.strip_prefix("Authorization: Digest "));
    line.expect("an answer to the challenge").to_owned()
}

#[test]
fn a_challenge_is_answered_on_the_same_connection() {
    let mut two = asked("http://user:pass@10.0.0.1/a?b");
    assert_eq!(two.answers(0, 0, CHALLENGE), ["send 0"]);
    let answer = authorization(&two.sent[1]);
    assert!(
        answer.starts_with("username=\"user\", realm=\"r\", nonce=\"n\", uri=\"/a?b\", response=\""),
        "{answer}"
    );
    assert!(answer.ends_with("qop=auth, nc=00000001"), "{answer}");
    two.answers(0, 0, OK);
    assert_eq!(two.told(), ["a: start", "a: 1 200 0 http://10.0.0.1/a?b ok"]);
    // The challenge is what k6 expects first: it did not fail.
    two.check(1, &[((200, 0), 1), ((401, 1401), 1)]);
}

#[test]
fn wrong_credentials_are_told_to_the_script() {
    let mut two = asked("http://user:pass@10.0.0.1/a?b");
    two.answers(0, 0, CHALLENGE);
    two.answers(0, 0, CHALLENGE);
    assert_eq!(two.told(), ["a: start", "a: 1 401 1401 http://10.0.0.1/a?b no"]);
    two.check(1, &[((401, 1401), 2)]);
}

#[test]
fn a_redirect_on_the_same_origin_uses_the_nonce_again() {
    let mut two = asked("http://user:pass@10.0.0.1/a?b");
    two.answers(0, 0, CHALLENGE);
    two.answers(0, 0, "HTTP/1.1 302 Found\r\nLocation: /c\r\nContent-Length: 0\r\n\r\n");
    let answer = authorization(&two.sent[2]);
    assert!(answer.contains("uri=\"/c\"") && answer.ends_with("nc=00000002"), "{answer}");
    two.answers(0, 0, OK);
    two.check(2, &[((200, 0), 1), ((302, 0), 1), ((401, 1401), 1)]);
}

#[test]
fn another_origin_is_not_told() {
    let mut two = asked("http://user:pass@10.0.0.1/a?b");
    two.answers(0, 0, CHALLENGE);
    two.answers(0, 0, "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1:81/c\r\nContent-Length: 0\r\n\r\n");
    two.happens(0, 1, connected);
    assert!(!two.sent[2].contains("Authorization"), "{}", two.sent[2]);
    two.answers(0, 1, CHALLENGE);
    assert_eq!(two.told(), ["a: start", "a: 1 401 1401 http://10.0.0.1:81/c no"]);
    two.check(2, &[((302, 0), 1), ((401, 1401), 2)]);
}

#[test]
fn what_offers_no_digest_is_an_answer_without_its_body() {
    let mut two = asked("http://user:pass@10.0.0.1/a?b");
    let bare = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 2\r\n\r\nno";
    two.answers(0, 0, bare);
    assert_eq!(two.told(), ["a: start", "a: 1 401 1401 http://10.0.0.1/a?b"]);
    two.check(0, &[((401, 1401), 1)]);
}

#[test]
fn a_challenge_that_cannot_be_read_is_a_warning() {
    let mut two = asked("http://user:pass@10.0.0.1/a?b");
    let torn = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"\r\nContent-Length: 0\r\n\r\n";
    two.answers(0, 0, torn);
    let want = "a: 1 401 1401 http://10.0.0.1/a?b Malformed digest authentication challenge: malformed: \"realm=\\\"\"";
    assert_eq!(two.told(), ["a: start", want]);
}
