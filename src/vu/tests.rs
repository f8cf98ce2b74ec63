//! VUs without a transport: facts in, asks out. Here those of URL mode; `requests` has scripts.

mod requests;

use super::*;
use crate::metrics::{Builtin, ExchangeTags, RecorderBounds, Sink, TagSet, Totals};
use crate::options::Dns;
use crate::plan::Share;
use crate::script::url::UrlProgram;
use crate::vu::hosts::Host;
use crate::wire::{Lost, Op};
use std::net::IpAddr;
use std::time::Duration;

const S: u64 = 1_000_000_000;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const RESET: Lost = Lost::Failed { op: Op::Write, errno: 104 };

/// One VU that is told what happens, at times in seconds.
struct OneVu {
    vus: Vus<UrlProgram>,
    recorder: Recorder,
    leaf: LeafId,
    vu: VuId,
    slots: u32,
}

impl OneVu {
    fn new(method: &str, host: &str, ttl: Duration) -> OneVu {
        let settings = Settings {
            timeout_ns: 60 * S,
            dial_timeout_ns: 30 * S,
            no_connection_reuse: false,
            no_vu_connection_reuse: false,
            tags_ip: false,
            local_ips: None,
            user_agent: "ringload".to_owned(),
            min_iteration_ns: 0,
            request_every_ns: 0,
            wall_at_begin: 0,
            tls: Default::default(),
        };
        let template = Template {
            bytes: b"X / HTTP/1.1\r\n\r\n",
            requests: 1,
            host: HostId(0),
            is_head: false,
            replayable: method == "GET",
            tags: ExchangeTags::default(),
        };
        let host = Host { name: host.to_owned(), port: 80, is_tls: false };
        let hosts = Hosts::new(&[host], Dns { ttl, ..Dns::default() }, 1);
        let mut vus = Vus::new(settings, Share::whole().stripes(), vec![template], hosts, 8);
        let mut recorder = Recorder::new(RecorderBounds { samples: 100, leaves: 16 });
        let leaf = recorder.scenario_leaf("default", &TagSet::new());
        let vu = vus.add(UrlProgram::new(TemplateId(0)));
        OneVu { vus, recorder, leaf, vu, slots: 0 }
    }

    /// Begins an iteration; what the VU asks for.
    fn start(&mut self, at_s: u64) -> Vec<String> {
        self.vus.start(self.vu, self.leaf, Iteration::default(), Instant(at_s * S), &mut self.recorder);
        self.asks(at_s)
    }

    fn happens(&mut self, at_s: u64, conn: u32, event: fn(Instant) -> Event<'static>) -> Vec<String> {
        self.vus.on_event(ConnId(conn), event(Instant(at_s * S)), &mut self.recorder);
        self.asks(at_s)
    }

    fn time(&mut self, at_s: u64) -> Vec<String> {
        self.vus.wake_next(Instant(at_s * S), &mut self.recorder);
        self.vus.on_time(Instant(at_s * S), &mut self.recorder);
        self.asks(at_s)
    }

    fn asks(&mut self, at_s: u64) -> Vec<String> {
        while self.vus.wanting() > 0 {
            let slots = &mut self.slots;
            let open = || {
                *slots += 1;
                Some(ConnId(*slots - 1))
            };
            self.vus.connect(open, Instant(at_s * S), &mut self.recorder);
        }
        let describe = |ask| match ask {
            Ask::Connect { conn, .. } => format!("connect {}", conn.0),
            Ask::Send { conn, .. } => format!("send {}", conn.0),
            Ask::Discard { conn, bytes } => format!("discard {} {bytes}", conn.0),
            Ask::Close { conn } => format!("close {}", conn.0),
        };
        std::iter::from_fn(|| self.vus.poll_ask()).map(describe).collect()
    }

    fn resolved(&mut self, at_s: u64, addresses: &[IpAddr]) -> Vec<String> {
        assert!(self.vus.wants_lookup());
        let (host, _) = self.vus.poll_lookup().expect("a name to look up");
        self.vus.on_resolved(host, Ok(addresses), Instant(at_s * S));
        // A worker reads the clock again before its VUs connect.
        self.asks(at_s + 1)
    }

    /// Outcomes, and the longest `http_req_duration` in seconds.
    #[track_caller]
    fn check(mut self, outcomes: &[((u16, u16), u64)], longest_s: u64) {
        let mut totals = Totals::new();
        totals.absorb(0, self.recorder.take_window(None));
        let got: Vec<_> = totals.exchanges_by_outcome().into_iter().collect();
        assert_eq!(got, outcomes);
        let Some(Sink::Times(trend)) = totals.sink(Builtin::HttpReqDuration, &[]) else { panic!("no trend") };
        assert_eq!(trend.max(), longest_s as f64 * 1e3);
    }
}

fn connected(at: Instant) -> Event<'static> {
    Event::Connected { at }
}

fn sent(at: Instant) -> Event<'static> {
    Event::Sent { from: at, at }
}

fn answered(at: Instant) -> Event<'static> {
    Event::Received { at, bytes: ANSWER }
}

fn ended(at: Instant) -> Event<'static> {
    Event::Lost { at, why: Lost::Ended }
}

fn reset_while_writing(at: Instant) -> Event<'static> {
    Event::Lost { at, why: RESET }
}

/// One VU after its first exchange, which took from second 0 to 3 over slot 0.
fn after_one_exchange(method: &str) -> OneVu {
    let mut one = OneVu::new(method, "10.0.0.1", Duration::ZERO);
    assert_eq!(one.start(0), ["connect 0"]);
    assert_eq!(one.happens(1, 0, connected), ["send 0"]);
    assert!(one.happens(2, 0, sent).is_empty());
    assert!(one.happens(3, 0, answered).is_empty());
    assert_eq!(one.vus.poll_finished(), Some(VuId(0)));
    one
}

#[test]
fn a_kept_connection_carries_the_next_exchange() {
    let mut one = after_one_exchange("GET");
    assert_eq!(one.start(5), ["send 0"]);
    one.happens(5, 0, sent);
    one.happens(7, 0, answered);
    one.check(&[((200, 0), 2)], 2);
}

#[test]
fn a_request_that_was_never_wholly_sent_has_no_timings() {
    for begin in [0, 10] {
        let mut fresh = OneVu::new("POST", "10.0.0.1", Duration::ZERO);
        fresh.start(begin);
        fresh.happens(begin + 1, 0, connected);
        assert_eq!(fresh.happens(begin + 9, 0, reset_while_writing), ["close 0"]);
        fresh.check(&[((0, 1220), 1)], 0);
    }

    let mut kept = after_one_exchange("POST");
    assert_eq!(kept.start(30), ["send 0"]);
    assert_eq!(kept.happens(40, 0, reset_while_writing), ["close 0"]);
    kept.check(&[((0, 1220), 1), ((200, 0), 1)], 1);
}

#[test]
fn a_request_sent_again_is_given_up_when_the_first_would_have_been() {
    let mut one = after_one_exchange("GET");
    one.start(10);
    assert_eq!(one.happens(50, 0, ended), ["close 0", "connect 1"]);
    assert_eq!(one.vus.resent_requests(), 1);
    assert_eq!(one.happens(51, 1, connected), ["send 1"]);
    one.happens(51, 1, sent);
    assert!(one.time(69).is_empty());
    assert_eq!(one.time(70), ["close 1"]);
    one.check(&[((0, 1050), 1), ((200, 0), 1)], 19);
}

#[test]
fn dialing_has_a_limit_of_its_own_within_that_of_the_exchange() {
    let mut one = OneVu::new("GET", "10.0.0.1", Duration::ZERO);
    one.start(0);
    assert!(one.time(29).is_empty());
    assert_eq!(one.time(30), ["close 0"]);
    one.check(&[((0, 1211), 1)], 0);
}

#[test]
fn a_deadline_that_moves_with_each_exchange_is_looked_at_once_a_timeout() {
    let mut one = after_one_exchange("GET");
    assert_eq!(one.vus.next_timer(), Instant(30 * S), "the limit of dialing");
    for second in 4..30 {
        one.start(second);
        one.happens(second, 0, sent);
        one.happens(second, 0, answered);
    }
    assert_eq!(one.vus.next_timer(), Instant(30 * S));
    one.start(30);
    assert!(one.time(30).is_empty());
    assert_eq!(one.vus.next_timer(), Instant(90 * S));
}

#[test]
fn an_answer_of_dns_is_good_for_those_who_waited_however_short_its_ttl() {
    let mut one = OneVu::new("GET", "far.test", Duration::ZERO);
    assert!(one.start(0).is_empty());
    assert_eq!(one.resolved(1, &[[10, 0, 0, 1].into()]), ["connect 0"]);
    assert!(!one.vus.wants_lookup());
}

#[test]
fn a_name_without_addresses_fails_those_who_waited() {
    let mut one = OneVu::new("GET", "far.test", Duration::from_secs(300));
    one.start(0);
    assert!(one.resolved(1, &[]).is_empty());
    assert_eq!(one.vus.poll_finished(), Some(VuId(0)));
    one.check(&[((0, 1101), 1)], 0);
}

#[test]
fn an_interrupted_vu_gives_up_its_connection_and_what_it_waits_for() {
    let mut busy = after_one_exchange("GET");
    busy.start(5);
    busy.vus.interrupt(VuId(0), Instant(5 * S), &mut busy.recorder);
    assert_eq!(busy.asks(5), ["close 0"]);
    assert!(busy.happens(6, 0, answered).is_empty());
    assert_eq!(busy.vus.interrupted_requests(), 1);

    let mut waiting = OneVu::new("GET", "far.test", Duration::ZERO);
    waiting.start(0);
    waiting.vus.interrupt(VuId(0), Instant(0), &mut waiting.recorder);
    assert!(waiting.resolved(1, &[[10, 0, 0, 1].into()]).is_empty());
    assert_eq!(waiting.vus.interrupted_requests(), 1);
}

#[test]
fn an_idle_connection_that_ends_or_speaks_is_given_back() {
    for event in [ended as fn(Instant) -> Event<'static>, answered] {
        let mut one = after_one_exchange("POST");
        assert_eq!(one.happens(4, 0, event), ["close 0"]);
        assert_eq!(one.start(5), ["connect 1"]);
    }
}

#[test]
fn an_exchange_that_waits_for_an_address_times_out_like_any_other() {
    let mut one = OneVu::new("GET", "far.test", Duration::from_secs(300));
    assert!(one.start(0).is_empty());
    assert!(one.time(59).is_empty());
    assert_eq!(one.vus.next_timer(), Instant(60 * S));
    assert!(one.time(60).is_empty());
    assert_eq!(one.vus.poll_finished(), Some(VuId(0)));
    // The answer that comes late is nobody's, but the next exchange's.
    assert!(one.resolved(70, &[[10, 0, 0, 1].into()]).is_empty());
    assert_eq!(one.vus.next_timer(), Instant::NEVER);
    assert_eq!(one.start(71), ["connect 0"]);
    one.check(&[((0, 1050), 1)], 0);
}

#[test]
fn an_exchange_that_waits_for_a_slot_times_out_like_any_other() {
    let mut one = OneVu::new("GET", "10.0.0.1", Duration::ZERO);
    one.vus.start(one.vu, one.leaf, Iteration::default(), Instant(0), &mut one.recorder);
    for second in [0, 30, 59] {
        one.vus.on_time(Instant(second * S), &mut one.recorder);
        assert!(!one.vus.connect(|| None, Instant(second * S), &mut one.recorder));
    }
    assert_eq!(one.vus.next_timer(), Instant(60 * S));
    one.time(60);
    assert_eq!((one.vus.wanting(), one.vus.poll_finished()), (0, Some(VuId(0))));
    one.check(&[((0, 1050), 1)], 0);
}

#[test]
fn why_a_name_could_not_be_looked_up_is_in_the_outcome() {
    let mut one = OneVu::new("GET", "far.test", Duration::ZERO);
    for (at_s, why) in [(0, "i/o timeout"), (10, "i/o timeout"), (20, "refused")] {
        one.start(at_s);
        let (host, _) = one.vus.poll_lookup().expect("a name to look up");
        one.vus.on_resolved(host, Err(why), Instant(at_s * S));
        one.asks(at_s + 1);
        assert_eq!(one.vus.poll_finished(), Some(VuId(0)));
    }
    let mut totals = Totals::new();
    totals.absorb(0, one.recorder.take_window(None));
    let errors: Vec<(String, u64)> =
        totals.failures().into_iter().map(|failure| (failure.text, failure.requests)).collect();
    let want = [("lookup far.test: i/o timeout".to_owned(), 2), ("lookup far.test: refused".to_owned(), 1)];
    assert_eq!(errors, want);
}

#[test]
fn failures_of_one_kind_after_another_keep_their_own_leaves() {
    let mut one = OneVu::new("POST", "10.0.0.1", Duration::ZERO);
    let refused: fn(Instant) -> Event<'static> =
        |at| Event::Lost { at, why: Lost::Failed { op: Op::Dial, errno: 111 } };
    let ends: [fn(Instant) -> Event<'static>; 5] = [refused, refused, reset_while_writing, refused, ended];
    for (conn, end) in ends.into_iter().enumerate() {
        one.start(conn as u64);
        one.happens(conn as u64, conn as u32, end);
        assert_eq!(one.vus.poll_finished(), Some(VuId(0)));
    }
    one.check(&[((0, 1000), 1), ((0, 1212), 3), ((0, 1220), 1)], 0);
}
