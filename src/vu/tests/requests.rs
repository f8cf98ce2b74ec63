//! Requests of scripts, without a transport: a program that does as its tape says.

mod authentication;
mod codings;

use super::*;
use crate::http::Target;
use crate::http::cookies::Jar;
use crate::options::HostRules;
use crate::options::host_rules::{Network, Pattern, Place};
use crate::script::{Expected, Request, RequestId};
use std::cell::RefCell;
use std::rc::Rc;

/// What is done at one entry of the program.
struct Entry {
    wishes: Vec<Wish>,
    step: Step,
}

/// What the programs of a test are to do, entry by entry, and what they were told; at the tape's
/// end they are done.
#[derive(Default)]
struct Tape {
    entries: VecDeque<Entry>,
    told: Vec<String>,
}

/// The letter says whose entry it was.
struct Taped(char, Rc<RefCell<Tape>>);

impl Taped {
    fn enter(&self, context: &mut Context<'_>, told: &str) -> Step {
        let mut tape = self.1.borrow_mut();
        tape.told.push(format!("{}: {told}", self.0));
        let Some(Entry { wishes, step }) = tape.entries.pop_front() else { return Step::Done };
        context.wishes.extend(wishes);
        step
    }
}

impl Program for Taped {
    const IS_NUMBERED: bool = true;
    const IS_COSTLY: bool = true;

    fn start(&mut self, context: &mut Context<'_>, _: Iteration) -> Step {
        self.enter(context, "start")
    }

    fn resume(&mut self, context: &mut Context<'_>, answer: Answer) -> Step {
        let told = match answer {
            Answer::Response(RequestId(id), response) => {
                let body = response.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
                let crate::script::Response { status, error_code, url, warning, .. } = &*response;
                let warning = warning.as_deref().unwrap_or_default();
                format!("{id} {status} {error_code} {url} {body}{warning}").trim_end().to_owned()
            }
            other => format!("{other:?}"),
        };
        self.enter(context, &told)
    }

    fn cancel(&mut self, context: &mut Context<'_>) {
        self.enter(context, "cancel");
    }
}

/// Two VUs, `a` and `b`, with a tape in common.
struct Two {
    vus: Vus<Taped>,
    recorder: Recorder,
    leaf: LeafId,
    tape: Rc<RefCell<Tape>>,
    slots: u32,
    /// The bytes of each send, in order.
    sent: Vec<String>,
    /// Requests that were wished for, and hops that followed them.
    wanted: u64,
}

const A: VuId = VuId(0);
const B: VuId = VuId(1);

fn settings() -> Settings {
    Settings {
        timeout_ns: 60 * S,
        dial_timeout_ns: 30 * S,
        no_connection_reuse: false,
        no_vu_connection_reuse: false,
        tags_ip: false,
        local_ips: None,
        user_agent: String::new(),
        min_iteration_ns: 0,
        request_every_ns: 0,
        wall_at_begin: 0,
        tls: Default::default(),
    }
}

impl Two {
    fn new(settings: Settings) -> Two {
        let hosts = Hosts::new(&[], Dns { ttl: Duration::from_secs(300), ..Dns::default() }, 1);
        let mut vus = Vus::new(settings, Share::whole().stripes(), Vec::new(), hosts, 16);
        let tape = Rc::new(RefCell::new(Tape::default()));
        for name in ['a', 'b'] {
            vus.add(Taped(name, tape.clone()));
        }
        let mut recorder = Recorder::new(RecorderBounds { samples: 100, leaves: 16 });
        let leaf = recorder.scenario_leaf("default", &TagSet::new());
        Two { vus, recorder, leaf, tape, slots: 0, sent: Vec::new(), wanted: 0 }
    }

    /// Adds an entry to the tape.
    fn next(&mut self, wishes: Vec<Wish>, step: Step) -> &mut Two {
        self.wanted += wishes.iter().filter(|wish| matches!(wish, Wish::Request(..))).count() as u64;
        self.tape.borrow_mut().entries.push_back(Entry { wishes, step });
        self
    }

    /// Those that have come up by now.
    fn give_answers(&mut self, at_s: u64) {
        for _ in 0..self.vus.answers.len() {
            self.vus.answer_next(Instant(at_s * S), &mut self.recorder);
        }
    }

    fn start(&mut self, at_s: u64, vu: VuId) -> Vec<String> {
        self.vus.start(vu, self.leaf, Iteration::default(), Instant(at_s * S), &mut self.recorder);
        self.give_answers(at_s);
        self.asks(at_s)
    }

    fn happens(&mut self, at_s: u64, conn: u32, event: fn(Instant) -> Event<'static>) -> Vec<String> {
        self.vus.on_event(ConnId(conn), event(Instant(at_s * S)), &mut self.recorder);
        self.give_answers(at_s);
        self.asks(at_s)
    }

    fn answers(&mut self, at_s: u64, conn: u32, bytes: &str) -> Vec<String> {
        let (at, bytes) = (Instant(at_s * S), bytes.as_bytes());
        self.vus.on_event(ConnId(conn), sent(at), &mut self.recorder);
        self.vus.on_event(ConnId(conn), Event::Received { at, bytes }, &mut self.recorder);
        self.give_answers(at_s);
        self.asks(at_s)
    }

    fn time(&mut self, at_s: u64) -> Vec<String> {
        for _ in 0..self.vus.timers.entries() {
            self.vus.wake_next(Instant(at_s * S), &mut self.recorder);
        }
        self.vus.on_time(Instant(at_s * S), &mut self.recorder);
        self.give_answers(at_s);
        self.asks(at_s)
    }

    fn turn(&mut self, at_s: u64) -> Vec<String> {
        self.give_answers(at_s);
        for _ in 0..self.vus.yielded.len() {
            self.vus.continue_next(Instant(at_s * S), &mut self.recorder);
        }
        self.asks(at_s)
    }

    fn interrupt(&mut self, at_s: u64) -> Vec<String> {
        self.vus.interrupt(A, Instant(at_s * S), &mut self.recorder);
        self.asks(at_s)
    }

    /// Connections are opened at once; each ask in a few words.
    fn asks(&mut self, at_s: u64) -> Vec<String> {
        for _ in 0..self.vus.wanting() {
            let slots = &mut self.slots;
            let open = || {
                *slots += 1;
                Some(ConnId(*slots - 1))
            };
            self.vus.connect(open, Instant(at_s * S), &mut self.recorder);
        }
        let mut asks = Vec::new();
        while let Some(ask) = self.vus.poll_ask() {
            asks.push(match ask {
                Ask::Connect { conn, target, .. } => format!("connect {} {target}", conn.0),
                Ask::Send { conn, payload } => {
                    self.sent.push(String::from_utf8_lossy(payload.as_slice()).into_owned());
                    format!("send {}", conn.0)
                }
                Ask::Discard { conn, bytes } => format!("discard {} {bytes}", conn.0),
                Ask::Close { conn } => format!("close {}", conn.0),
            });
        }
        asks
    }

    /// What the programs were told since the last time.
    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.tape.borrow_mut().told)
    }

    fn finished(&mut self) -> Vec<VuId> {
        std::iter::from_fn(|| self.vus.poll_finished()).collect()
    }

    /// Outcomes; and V1: nothing that was wanted was forgotten or counted twice.
    #[track_caller]
    fn check(mut self, followed: u64, outcomes: &[((u16, u16), u64)]) {
        let mut totals = Totals::new();
        totals.absorb(0, self.recorder.take_window(None));
        let got: Vec<_> = totals.exchanges_by_outcome().into_iter().collect();
        assert_eq!(got, outcomes);
        let recorded: u64 = outcomes.iter().map(|(_, count)| count).sum();
        assert_eq!(self.wanted + followed, recorded + self.vus.interrupted_requests(), "V1");
    }
}

fn request(method: &str, url: &str) -> Request {
    Request {
        method: method.to_owned(),
        target: Rc::new(Target::parse(url).expect("a URL")),
        headers: Vec::new(),
        body: Vec::new(),
        cookies: Vec::new(),
        jar: None,
        digest_auth: false,
        timeout_ns: 60 * S,
        max_redirects: 10,
        warn_of_redirects: true,
        keep_body: true,
        expected: Some(Expected::default()),
        scenario: "default".to_owned(),
        group: String::new(),
        name: None,
        tags: TagSet::new(),
    }
}

fn wish(id: u64, request: Request) -> Wish {
    Wish::Request(RequestId(id), Box::new(request))
}

fn get(id: u64, url: &str) -> Wish {
    wish(id, request("GET", url))
}

fn post(id: u64, url: &str) -> Wish {
    wish(id, request("POST", url))
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn refused(at: Instant) -> Event<'static> {
    Event::Lost { at, why: Lost::Failed { op: Op::Dial, errno: 111 } }
}

/// `a`, told about the first answer of its first request, whose connection stays idle in slot 0.
fn after_one(settings: Settings) -> Two {
    let mut two = Two::new(settings);
    two.next(vec![get(1, "http://10.0.0.1/")], Step::Wait);
    assert_eq!(two.start(0, A), ["connect 0 10.0.0.1:80"]);
    assert_eq!(two.happens(1, 0, connected), ["send 0"]);
    two
}

/// A request as it is first sent, the redirection it meets, and the next hop's bytes.
#[track_caller]
fn check_redirect(first: Request, redirection: &str, want_next: &str) {
    let mut two = Two::new(settings());
    two.next(vec![wish(1, first)], Step::Wait);
    two.start(0, A);
    two.happens(0, 0, connected);
    let asks = two.answers(0, 0, &format!("HTTP/1.1 {redirection}\r\nContent-Length: 0\r\n\r\n"));
    let conn = match asks[0].as_str() {
        "send 0" => 0,
        _ => {
            assert_eq!(two.happens(0, 1, connected), ["send 1"]);
            1
        }
    };
    assert_eq!(two.sent[1], want_next.replace('\n', "\r\n"));
    two.answers(0, conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(two.finished(), [A]);
    let status = redirection[..3].parse().expect("a status");
    two.check(1, &[((200, 0), 1), ((status, 0), 1)]);
}

fn with_body(method: &str) -> Request {
    Request {
        headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
        body: b"body".to_vec(),
        ..request(method, "http://10.0.0.1/from")
    }
}

#[test]
fn moved_and_see_other_become_get_without_a_body() {
    for status in ["301 Moved", "302 Found", "303 See Other"] {
        let next = "GET /to HTTP/1.1\nHost: 10.0.0.1\nReferer: http://10.0.0.1/from\n\n";
        check_redirect(with_body("POST"), &format!("{status}\r\nLocation: /to"), next);
        check_redirect(with_body("PUT"), &format!("{status}\r\nLocation: /to"), next);
    }
    let next = "HEAD /to HTTP/1.1\nHost: 10.0.0.1\nReferer: http://10.0.0.1/from\n\n";
    check_redirect(request("HEAD", "http://10.0.0.1/from"), "302 Found\r\nLocation: /to", next);
}

#[test]
fn temporary_and_permanent_redirects_repeat_method_and_body() {
    for status in ["307 Temporary", "308 Permanent"] {
        let next = "PUT /to HTTP/1.1\nHost: 10.0.0.1\nContent-Length: 4\nContent-Type: text/plain\n\
                    Referer: http://10.0.0.1/from\n\nbody";
        check_redirect(with_body("PUT"), &format!("{status}\r\nLocation: to"), next);
    }
}

#[test]
fn another_host_is_not_told_what_was_meant_for_the_first() {
    let secret = |headers: &[(&str, &str)]| Request {
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..request("GET", "http://10.0.0.1/")
    };
    let headers = [("Authorization", "a"), ("Cookie", "c=1"), ("X-Own", "x")];
    check_redirect(
        secret(&headers),
        "302 Found\r\nLocation: http://10.0.0.2:81/",
        "GET / HTTP/1.1\nHost: 10.0.0.2:81\nReferer: http://10.0.0.1/\nX-Own: x\n\n",
    );
    check_redirect(
        secret(&headers),
        "302 Found\r\nLocation: /",
        "GET / HTTP/1.1\nHost: 10.0.0.1\nAuthorization: a\nCookie: c=1\nReferer: http://10.0.0.1/\nX-Own: x\n\n",
    );
    let headers = [("Host", "own.test"), ("Referer", "r")];
    check_redirect(
        secret(&headers),
        "302 Found\r\nLocation: /",
        "GET / HTTP/1.1\nHost: own.test\nReferer: r\n\n",
    );
    check_redirect(
        secret(&headers),
        "302 Found\r\nLocation: http://10.0.0.1/",
        "GET / HTTP/1.1\nHost: 10.0.0.1\nReferer: r\n\n",
    );
}

#[test]
fn cookies_of_a_hop_are_for_the_next_one_as_far_as_its_url_goes() {
    let first = || Request {
        jar: Some(Rc::new(RefCell::new(Jar::default()))),
        cookies: vec![("own".to_owned(), "1".to_owned(), false)],
        headers: vec![("Cookie".to_owned(), "header=1".to_owned())],
        ..request("GET", "http://10.0.0.1/dir/")
    };
    check_redirect(
        first(),
        "302 Found\r\nLocation: /dir/to\r\nSet-Cookie: set=2",
        "GET /dir/to HTTP/1.1\nHost: 10.0.0.1\nCookie: own=1; set=2\nReferer: http://10.0.0.1/dir/\n\n",
    );
    for location in ["/elsewhere", "http://10.0.0.2/elsewhere"] {
        let host = if location.starts_with('/') { "10.0.0.1" } else { "10.0.0.2" };
        check_redirect(
            first(),
            &format!("302 Found\r\nLocation: {location}\r\nSet-Cookie: set=2"),
            &format!(
                "GET /elsewhere HTTP/1.1\nHost: {host}\nCookie: own=1\nReferer: http://10.0.0.1/dir/\n\n"
            ),
        );
    }
}

/// What the script is told about one response to a request that follows so many redirects.
#[track_caller]
fn check_stands(max_redirects: u32, warns: bool, redirection: &str, want_told: &str) {
    let mut two = Two::new(settings());
    let first = Request { max_redirects, warn_of_redirects: warns, ..request("GET", "http://10.0.0.1/") };
    two.next(vec![wish(1, first)], Step::Wait);
    two.start(0, A);
    two.happens(0, 0, connected);
    two.answers(0, 0, &format!("HTTP/1.1 {redirection}\r\nContent-Length: 0\r\n\r\n"));
    assert_eq!(two.told()[1], format!("a: 1 {want_told}"));
    assert_eq!(two.finished(), [A]);
}

#[test]
fn a_redirection_beyond_the_limit_stands_with_a_warning_if_the_option_set_it() {
    let warning = "Stopped after 1 redirects and returned the redirection; pass { redirects: n } in request \
                   params or set global maxRedirects to silence this";
    check_stands(0, true, "302 Found\r\nLocation: /", &format!("302 0 http://10.0.0.1/ {warning}"));
    check_stands(0, false, "302 Found\r\nLocation: /", "302 0 http://10.0.0.1/");
}

#[test]
fn what_leads_nowhere_is_the_response() {
    check_stands(10, true, "302 Found", "302 0 http://10.0.0.1/");
    check_stands(10, true, "302 Found\r\nLocation:", "302 0 http://10.0.0.1/");
    check_stands(10, true, "304 Not Modified\r\nLocation: /", "304 0 http://10.0.0.1/");
    check_stands(0, true, "304 Not Modified\r\nLocation: /", "304 0 http://10.0.0.1/");
    check_stands(10, true, "302 Found\r\nLocation: http://10.0.0.1:x/", "0 1000 http://10.0.0.1/");
}

#[test]
fn a_vu_may_keep_its_connection_within_an_iteration_only() {
    let mut two = after_one(Settings { no_vu_connection_reuse: true, ..settings() });
    two.next(vec![get(2, "http://10.0.0.1/again")], Step::Wait);
    two.next(vec![], Step::Done);
    assert_eq!(two.answers(2, 0, OK), ["send 0"]);
    assert_eq!(two.answers(3, 0, OK), ["close 0"]);
    assert_eq!(two.finished(), [A]);
}

#[test]
fn a_forbidden_host_fails_with_k6s_codes() {
    for (blocked, blacklist, code) in [(vec!["*.test"], vec![], 1111), (vec![], vec!["10.0.0.0/8"], 1110)] {
        let mut two = Two::new(settings());
        let hosts = [("a.test", "10.0.0.7")].map(|(host, place)| {
            (Pattern::parse_with_port(host).unwrap(), Place::parse(host, place).unwrap())
        });
        two.vus.hosts = Hosts::new(&[], Dns::default(), 1).with_rules(HostRules {
            hosts: hosts.to_vec(),
            blocked: blocked.into_iter().map(|text| Pattern::parse(text).unwrap()).collect(),
            blacklist: blacklist.into_iter().map(|text| Network::parse(text).unwrap()).collect(),
        });
        two.next(vec![get(1, "http://a.test/")], Step::Wait);
        assert!(two.start(0, A).is_empty() && two.time(1).is_empty());
        assert_eq!(two.told()[1..], [format!("a: 1 0 {code} http://a.test/")]);
        two.check(0, &[((0, code), 1)]);
    }
}

#[test]
fn hops_have_one_timeout_in_common() {
    let mut two = after_one(settings());
    assert_eq!(
        two.answers(40, 0, "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"),
        ["send 0"]
    );
    two.happens(41, 0, sent);
    assert!(two.time(59).is_empty());
    assert_eq!(two.time(60), ["close 0"]);
    assert_eq!(two.told()[1..], ["a: 1 0 1050 http://10.0.0.1/b"]);
    two.check(1, &[((0, 1050), 1), ((302, 0), 1)]);
}

#[test]
fn a_get_over_a_connection_that_ends_idle_is_sent_again_and_a_post_fails() {
    let mut two = after_one(settings());
    two.next(vec![get(2, "http://10.0.0.1/again")], Step::Wait);
    two.next(vec![post(3, "http://10.0.0.1/")], Step::Wait);
    assert_eq!(two.answers(2, 0, OK), ["send 0"]);
    assert_eq!(two.happens(3, 0, ended), ["close 0", "connect 1 10.0.0.1:80"]);
    assert_eq!(two.happens(4, 1, connected), ["send 1"]);
    assert_eq!(two.sent[1], two.sent[2]);
    assert_eq!(two.vus.resent_requests(), 1);
    assert_eq!(two.answers(5, 1, OK), ["send 1"]);
    assert_eq!(two.happens(6, 1, ended), ["close 1"]);
    let want = [
        "a: 1 200 0 http://10.0.0.1/ ok",
        "a: 2 200 0 http://10.0.0.1/again ok",
        "a: 3 0 1000 http://10.0.0.1/",
    ];
    assert_eq!(two.told()[1..], want);
    two.check(0, &[((0, 1000), 1), ((200, 0), 2)]);
}

#[test]
fn dialing_that_takes_too_long_or_is_refused_is_told() {
    let mut slow = Two::new(settings());
    slow.next(vec![get(1, "http://10.0.0.1/")], Step::Wait);
    slow.start(0, A);
    assert!(slow.time(29).is_empty());
    assert_eq!(slow.time(30), ["close 0"]);
    assert_eq!(slow.told()[1..], ["a: 1 0 1211 http://10.0.0.1/"]);
    slow.check(0, &[((0, 1211), 1)]);

    let mut closed = Two::new(settings());
    closed.next(vec![get(1, "http://10.0.0.1/")], Step::Wait);
    closed.start(0, A);
    assert_eq!(closed.happens(1, 0, refused), ["close 0"]);
    assert_eq!(closed.told()[1..], ["a: 1 0 1212 http://10.0.0.1/"]);
    closed.check(0, &[((0, 1212), 1)]);
}

#[test]
fn requests_at_once_have_a_connection_each_and_come_back_in_any_order() {
    let mut two = Two::new(settings());
    let (one, other) = ("http://10.0.0.1/", "http://10.0.0.2/");
    two.next(vec![get(1, one), get(2, one), get(3, other)], Step::Wait);
    two.next(vec![], Step::Wait).next(vec![get(4, one)], Step::Wait).next(vec![], Step::Wait);
    let connects = ["connect 0 10.0.0.1:80", "connect 1 10.0.0.1:80", "connect 2 10.0.0.2:80"];
    assert_eq!(two.start(0, A), connects);
    for conn in 0..3 {
        two.happens(1, conn, connected);
    }
    assert!(two.answers(2, 2, OK).is_empty());
    assert_eq!(two.answers(3, 1, OK), ["send 1"], "the idle connection to the same host");
    assert!(two.answers(4, 1, OK).is_empty());
    two.answers(5, 0, OK);
    let ids: Vec<String> = two.told()[1..].iter().map(|told| told[3..4].to_owned()).collect();
    assert_eq!(ids, ["3", "2", "4", "1"]);
    assert_eq!(two.finished(), [A]);
    two.check(0, &[((200, 0), 4)]);
}

#[test]
fn what_a_script_leaves_under_way_when_it_is_done_is_interrupted() {
    let mut two = Two::new(settings());
    two.next(vec![get(1, "http://10.0.0.1/"), get(2, "http://far.test/")], Step::Done);
    assert!(two.start(0, A).is_empty(), "nobody waits for a connection any more");
    assert_eq!(two.finished(), [A]);
    two.check(0, &[]);
}

#[test]
fn rps_spaces_the_requests_of_all_vus_and_its_wait_is_no_part_of_their_timeout() {
    let mut two = Two::new(Settings { request_every_ns: 50 * S, ..settings() });
    two.next(vec![get(1, "http://10.0.0.1/"), get(2, "http://10.0.0.1/")], Step::Wait);
    two.next(vec![get(3, "http://10.0.0.1/")], Step::Wait);
    assert_eq!(two.start(0, A), ["connect 0 10.0.0.1:80"]);
    assert!(two.start(1, B).is_empty());
    two.happens(1, 0, connected);
    two.next(vec![], Step::Wait);
    two.answers(2, 0, OK);
    assert_eq!(two.vus.next_timer(), Instant(30 * S), "the old limit of dialing");
    two.time(30);
    assert_eq!(two.vus.next_timer(), Instant(50 * S));
    assert!(two.time(49).is_empty());
    assert_eq!(two.time(50), ["send 0"]);
    assert_eq!(two.time(100), ["connect 1 10.0.0.1:80"], "of the other VU");
    two.happens(101, 1, connected);
    assert!(two.time(109).is_empty());
    assert_eq!(two.time(110), ["close 0"]);
    assert_eq!(two.time(160), ["close 1"]);
    let want =
        ["a: 1 200 0 http://10.0.0.1/ ok", "a: 2 0 1050 http://10.0.0.1/", "b: 3 0 1050 http://10.0.0.1/"];
    assert_eq!(two.told()[2..], want);
    two.check(0, &[((0, 1050), 2), ((200, 0), 1)]);
}

/// `a` is interrupted in second 20 in the state that `bring` leaves it in: what its connections do,
/// and that neither time nor turn has anything for it afterwards.
#[track_caller]
fn check_interrupted(settings: Settings, bring: impl Fn(&mut Two), want_asks: &[&str], outcomes: u64) {
    let mut two = Two::new(settings);
    bring(&mut two);
    two.told();
    assert_eq!(two.interrupt(20), want_asks);
    assert_eq!(two.finished(), [A]);
    assert_eq!(two.told(), ["a: cancel"]);
    if let Some((host, _)) = two.vus.poll_lookup() {
        two.vus.on_resolved(host, Ok(&[[10, 0, 0, 1].into()]), Instant(20 * S));
    }
    assert!(two.time(1_000).is_empty());
    assert!(two.turn(1_000).is_empty());
    assert!(two.told().is_empty());
    let outcomes: &[_] = if outcomes == 0 { &[] } else { &[((200, 0), outcomes)] };
    two.check(0, outcomes);
}

#[test]
fn an_interruption_ends_a_script_in_any_state() {
    let asks_for = |url: &'static str| {
        move |two: &mut Two| {
            two.next(vec![get(1, url)], Step::Wait);
            two.start(0, A);
        }
    };
    let near = asks_for("http://10.0.0.1/");
    check_interrupted(settings(), asks_for("http://far.test/"), &[], 0);
    check_interrupted(settings(), near, &["close 0"], 0);
    let sending = |two: &mut Two| {
        near(two);
        two.happens(1, 0, connected);
    };
    check_interrupted(settings(), sending, &["close 0"], 0);
    let reading = |two: &mut Two| {
        sending(two);
        two.answers(2, 0, &OK[..10]);
    };
    check_interrupted(settings(), reading, &["close 0"], 0);
    let held_back = |two: &mut Two| {
        two.next(vec![get(1, "http://10.0.0.1/"), get(2, "http://10.0.0.1/")], Step::Wait);
        two.next(vec![], Step::Wait);
        two.start(0, A);
        two.happens(1, 0, connected);
        two.answers(2, 0, OK);
    };
    check_interrupted(Settings { request_every_ns: 100 * S, ..settings() }, held_back, &[], 1);
    let sleeping = |two: &mut Two| {
        two.next(vec![Wish::WakeAt(Instant(500 * S))], Step::Wait);
        two.start(0, A);
    };
    check_interrupted(settings(), sleeping, &[], 0);
    let yielding = |two: &mut Two| {
        two.next(vec![], Step::Yield);
        two.start(0, A);
    };
    check_interrupted(settings(), yielding, &[], 0);
    let refused_at_once = |two: &mut Two| {
        two.next(vec![wish(1, request("B A D", "http://10.0.0.1/"))], Step::Wait);
        two.next(vec![wish(2, request("B A D", "http://10.0.0.1/"))], Step::Wait);
        two.start(0, A);
        // No exchange took place: nothing is recorded of what cannot be sent.
        two.wanted -= 2;
    };
    check_interrupted(settings(), refused_at_once, &[], 0);
}

#[test]
fn a_short_iteration_rests_and_an_interruption_ends_the_rest_only() {
    let rested = Settings { min_iteration_ns: 10 * S, ..settings() };
    let mut two = Two::new(rested);
    assert!(two.start(0, A).is_empty());
    assert!(two.finished().is_empty());
    two.time(9);
    assert!(two.finished().is_empty() && two.vus.is_running(A));
    two.time(10);
    assert_eq!(two.finished(), [A]);
    two.start(11, A);
    two.interrupt(12);
    assert_eq!(two.finished(), [A]);
    assert_eq!(two.told(), ["a: start", "a: start"], "nothing was cancelled");
    two.time(100);
    assert!(two.finished().is_empty());
    two.check(0, &[]);
}

#[test]
fn answers_left_over_reach_neither_a_rest_nor_the_next_iteration() {
    for min_iteration_ns in [0, 10 * S] {
        let mut two = Two::new(Settings { min_iteration_ns, ..settings() });
        let bad = |id| wish(id, request("B A D", "http://10.0.0.1/"));
        // Both are refused at once; the first answer already ends the iteration.
        two.next(vec![bad(1), bad(2)], Step::Wait);
        two.start(0, A);
        two.turn(0);
        two.time(10);
        assert_eq!(two.finished(), [A]);
        two.next(vec![], Step::Wait);
        two.start(11, A);
        two.turn(11);
        assert_eq!(two.told(), ["a: start", "a: 1 0 1000 http://10.0.0.1/", "a: start"]);
    }
}

#[test]
fn those_that_yield_take_turns_of_one_each() {
    let mut two = Two::new(settings());
    for _ in 0..5 {
        two.next(vec![], Step::Yield);
    }
    two.start(0, A);
    two.start(0, B);
    assert_eq!(two.told(), ["a: start", "b: start"]);
    for _ in 0..2 {
        assert!(two.vus.is_ready());
        two.turn(0);
        let told = two.told();
        assert_eq!(told, ["a: Continue", "b: Continue"]);
    }
    assert_eq!(two.finished(), [B]);
}

#[test]
fn an_answer_to_one_that_yielded_is_its_turn() {
    let mut two = Two::new(settings());
    two.next(vec![get(1, "http://10.0.0.1/")], Step::Yield);
    two.start(0, A);
    two.happens(1, 0, connected);
    two.next(vec![], Step::Yield).next(vec![], Step::Wait);
    two.answers(2, 0, OK);
    two.turn(2);
    two.turn(2);
    let want = ["a: start", "a: 1 200 0 http://10.0.0.1/ ok", "a: Continue"];
    assert_eq!(two.told(), want, "one turn, and none once it waits");
    assert!(!two.vus.is_ready());
}

#[test]
fn a_script_whose_requests_fail_at_once_does_not_keep_the_worker() {
    let mut two = Two::new(settings());
    for id in 0..100 {
        two.next(vec![wish(id, request("B A D", "http://10.0.0.1/"))], Step::Wait);
    }
    two.start(0, A);
    for turn in 0..10 {
        assert_eq!(two.told().len(), if turn == 0 { 2 } else { 1 });
        assert!(two.vus.is_ready());
        two.turn(0);
    }
}

#[test]
fn a_timer_that_is_due_at_once_comes_after_the_others() {
    let mut two = Two::new(settings());
    for _ in 0..100 {
        two.next(vec![Wish::WakeAt(Instant(0))], Step::Wait);
    }
    two.start(0, A);
    two.start(0, B);
    two.time(1);
    assert_eq!(two.told(), ["a: start", "b: start", "a: Woken", "b: Woken"]);
}

#[test]
fn of_two_timers_the_last_one_counts() {
    let mut two = Two::new(settings());
    two.next(vec![Wish::WakeAt(Instant(5 * S)), Wish::WakeAt(Instant(9 * S))], Step::Wait);
    two.start(0, A);
    two.time(8);
    assert_eq!(two.told(), ["a: start"]);
    two.time(9);
    assert_eq!(two.told(), ["a: Woken"]);
}

#[test]
fn a_request_that_waits_for_an_address_has_its_own_deadline() {
    let mut two = Two::new(settings());
    let hurried = Request { timeout_ns: 5 * S, ..request("GET", "http://far.test/") };
    two.next(vec![wish(1, hurried), get(2, "http://far.test/")], Step::Wait).next(vec![], Step::Wait);
    assert!(two.start(0, A).is_empty());
    assert_eq!(two.vus.next_timer(), Instant(5 * S));
    two.time(5);
    assert_eq!(two.told()[1..], ["a: 1 0 1050 http://far.test/"]);
    let (host, _) = two.vus.poll_lookup().expect("a name to look up");
    two.vus.on_resolved(host, Ok(&[[10, 0, 0, 1].into()]), Instant(6 * S));
    assert_eq!(two.asks(6), ["connect 0 10.0.0.1:80"]);
    two.happens(6, 0, connected);
    two.answers(7, 0, OK);
    assert_eq!(two.told(), ["a: 2 200 0 http://far.test/ ok"]);
    two.check(0, &[((0, 1050), 1), ((200, 0), 1)]);
}

#[test]
fn timers_set_again_and_again_leave_nothing_behind() {
    let mut two = Two::new(settings());
    // Each entry gives the timer of the one before up for one far away and one at once.
    for second in 1..=100_000 {
        let wishes = vec![Wish::WakeAt(Instant(1_000_000 * S)), Wish::WakeAt(Instant(second * S))];
        two.next(wishes, Step::Wait);
    }
    two.start(0, A);
    for second in 1..=100_000 {
        two.time(second);
        two.told();
    }
    assert_eq!(two.finished(), [A]);
    assert!(two.vus.timers.entries() <= 64, "{}", two.vus.timers.entries());
}

#[test]
fn ever_new_hosts_of_requests_are_released() {
    let mut two = Two::new(settings());
    for number in 0..10_000 {
        two.next(vec![get(1, &format!("http://a{number}.test/"))], Step::Wait).next(vec![], Step::Done);
    }
    for number in 0..10_000 {
        two.start(number, A);
        let (host, name) = two.vus.poll_lookup().expect("a new name");
        assert_eq!(name, format!("a{number}.test"));
        two.vus.on_resolved(host, Ok(&[]), Instant(number * S));
        two.asks(number + 1);
        two.turn(number + 1);
        assert_eq!(two.finished(), [A]);
    }
    assert!(two.vus.hosts.kept() <= 4_096, "{}", two.vus.hosts.kept());
}
