//! The target without its sockets: events in, asks out. Pure.
//!
//! Answers of a connection go out in the order of its requests, one send at a time (W5). Equal
//! answers that wait together go out as one slice of their block.
//! Not done: reading on after the client's FIN, and lingering before a close; a client that
//! pipelines past a response with `Connection: close` may see a reset.

use super::behaviour::{Answer, Behaviour, Body};
use super::dialogue::{Dialogue, Heard};
use crate::http::RequestCache;
use crate::metrics::served::Served;
use crate::time::Instant;
use crate::tls::{self, ServerLink};
use crate::wire::{Ask, ConnId, Event, Payload};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Answers that may wait on one connection, and bytes of those that are not shared. A client that
/// has more of them waiting does not read.
const WAITING_MAX: u32 = 16_384;
const OWNED_BYTES_MAX: usize = 64 << 20;

pub struct Service {
    behaviour: Behaviour,
    cache: RequestCache,
    conns: Vec<Conn>,
    /// Connections whose first waiting answer is not due yet.
    timers: BinaryHeap<Reverse<(Instant, ConnId, u32)>>,
    asks: VecDeque<Ask>,
    served: Served,
    /// `None`: plain HTTP.
    tls: Option<tls::Server>,
    tls_buffers: tls::Buffers,
    /// By status: an index instead of a search, for each response.
    answered: Box<[u64; 1000]>,
}

struct Conn {
    stage: Stage,
    /// Counts the uses of this slot, so that a timer of an earlier one is known.
    generation: u32,
    dialogue: Dialogue,
    tls: Option<Box<ServerLink>>,
    waiting: VecDeque<Waiting>,
    waiting_count: u32,
    waiting_owned: usize,
    sending: Option<Sending>,
    timer: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Free,
    Open,
    Closing,
}

/// `count` equal answers that are due.
struct Waiting {
    due: Instant,
    status: u16,
    body: Body,
    count: u32,
    close: bool,
}

#[derive(Clone, Copy)]
struct Sending {
    status: u16,
    count: u32,
    bytes: usize,
    close: bool,
}

impl Service {
    pub fn new(behaviour: Behaviour, tls: Option<tls::Server>) -> Service {
        Service {
            behaviour,
            cache: RequestCache::default(),
            conns: Vec::new(),
            timers: BinaryHeap::new(),
            asks: VecDeque::new(),
            served: Served::default(),
            tls,
            tls_buffers: tls::Buffers::default(),
            answered: Box::new([0; 1000]),
        }
    }

    pub fn on_event(&mut self, now: Instant, id: ConnId, event: Event<'_>) {
        let index = id.0 as usize;
        if index >= self.conns.len() {
            self.conns.resize_with(index + 1, Conn::free);
        }
        let conn = &mut self.conns[index];
        match event {
            Event::Accepted { .. } => {
                assert_eq!(conn.stage, Stage::Free, "{id:?} was given twice");
                conn.stage = Stage::Open;
                conn.tls = self.tls.as_ref().map(|tls| Box::new(tls.link()));
                self.served.connections += 1;
                self.served.open += 1;
            }
            Event::Closed => {
                let generation = conn.generation.wrapping_add(1);
                *conn = Conn { generation, ..Conn::free() };
            }
            // What was ready before our Close.
            _ if conn.stage != Stage::Open => {}
            Event::Received { at, bytes } => {
                self.served.bytes_received += bytes.len() as u64;
                match conn.tls.is_some() {
                    true => self.decrypt(id, now, at, bytes),
                    false => self.hear(id, now, at, bytes),
                }
                self.answer_due(id, now);
            }
            Event::Sent { .. } => {
                if let Some(link) = &mut conn.tls {
                    let sent = link.on_sent();
                    self.served.bytes_sent += sent.bytes;
                    self.send_ciphertext(id);
                    if !sent.carried {
                        return;
                    }
                }
                let conn = &mut self.conns[index];
                let sent = conn.sending.take().expect("a Sent answers our Send (W5)");
                self.answered[usize::from(sent.status)] += u64::from(sent.count);
                self.served.bytes_sent += sent.bytes as u64;
                match sent.close {
                    true => self.close(id),
                    false => self.answer_due(id, now),
                }
            }
            Event::Lost { .. } => self.close(id),
            Event::Connected { .. } | Event::Discarded { .. } => {
                unreachable!("the target neither connects nor discards")
            }
        }
    }

    /// Answers whose delay is over.
    pub fn on_time(&mut self, now: Instant) {
        while let Some(&Reverse((due, id, generation))) = self.timers.peek()
            && due <= now
        {
            self.timers.pop();
            let conn = &mut self.conns[id.0 as usize];
            if conn.generation == generation && conn.timer == Some(due) {
                conn.timer = None;
                self.answer_due(id, now);
            }
        }
    }

    pub fn next_timer(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((due, ..))| *due)
    }

    pub fn poll_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }

    /// The counts so far; `duration` is the caller's to fill.
    pub fn served(&self) -> Served {
        let counted = self.answered.iter().enumerate().filter(|(_, count)| **count > 0);
        let answered = counted.map(|(status, &count)| (status as u16, count)).collect();
        Served { answered, ..self.served.clone() }
    }

    /// Turns bytes into waiting answers.
    fn hear(&mut self, id: ConnId, now: Instant, at: Instant, bytes: &[u8]) {
        let Service { behaviour, cache, served, conns, .. } = self;
        let Conn { dialogue, waiting, waiting_count, waiting_owned, .. } = &mut conns[id.0 as usize];
        let mut dropped = 0;
        dialogue.on_bytes(at, bytes, behaviour, cache, |heard, answer| {
            match heard {
                Heard::Request => served.requests += 1,
                Heard::Garbage => served.parse_errors += 1,
            }
            if *waiting_count >= WAITING_MAX || *waiting_owned > OWNED_BYTES_MAX {
                dropped += 1;
                return;
            }
            *waiting_count += 1;
            *waiting_owned += answer.body.owned_len();
            wait_for(waiting, now, at.plus_ns(answer.delay_ns), answer);
        });
        if dropped > 0 {
            served.overruns += 1;
            served.dropped += dropped;
            self.close(id);
        }
    }

    /// Sends the next answers if they are due and nothing is under way.
    fn answer_due(&mut self, id: ConnId, now: Instant) {
        let conn = &mut self.conns[id.0 as usize];
        if conn.stage != Stage::Open || conn.sending.is_some() {
            return;
        }
        let Some(next) = conn.waiting.front_mut() else { return };
        if next.due > now {
            if conn.timer != Some(next.due) {
                conn.timer = Some(next.due);
                self.timers.push(Reverse((next.due, id, conn.generation)));
            }
            return;
        }
        let (payload, count) = match &mut next.body {
            Body::Block(block) => {
                let count = next.count.min(block.capacity());
                (Payload::Shared(block.responses(count)), count)
            }
            Body::Owned(bytes) => {
                conn.waiting_owned -= bytes.len();
                (Payload::Owned(std::mem::take(bytes)), 1)
            }
        };
        next.count -= count;
        conn.waiting_count -= count;
        let is_worn = conn.tls.as_ref().is_some_and(|link| link.is_worn());
        let close = (next.close && next.count == 0) || is_worn;
        // Of ciphertext the bytes are counted as they are sent.
        let bytes = if conn.tls.is_some() { 0 } else { payload.len() };
        conn.sending = Some(Sending { status: next.status, count, bytes, close });
        if next.count == 0 {
            conn.waiting.pop_front();
        }
        match &mut conn.tls {
            None => self.asks.push_back(Ask::Send { conn: id, payload }),
            Some(link) => {
                link.write(payload.as_slice());
                self.send_ciphertext(id);
            }
        }
    }

    /// What came is ciphertext. A client that is not understood is left without a word.
    fn decrypt(&mut self, id: ConnId, now: Instant, at: Instant, bytes: &[u8]) {
        let Some(link) = &mut self.conns[id.0 as usize].tls else { return };
        let taken = link.on_ciphertext(bytes, &mut self.tls_buffers);
        let is_over = taken.is_err() || link.has_ended();
        self.send_ciphertext(id);
        let plain = std::mem::take(&mut self.tls_buffers.plain);
        self.hear(id, now, at, &plain);
        self.tls_buffers.plain = plain;
        if is_over && self.conns[id.0 as usize].stage == Stage::Open {
            self.close(id);
        }
    }

    fn send_ciphertext(&mut self, id: ConnId) {
        let Some(link) = &mut self.conns[id.0 as usize].tls else { return };
        if let Some(bytes) = link.poll_send() {
            self.asks.push_back(Ask::Send { conn: id, payload: Payload::Owned(bytes) });
        }
    }

    fn close(&mut self, id: ConnId) {
        let conn = &mut self.conns[id.0 as usize];
        let unsent = conn.sending.map_or(0, |sending| sending.count);
        self.served.dropped += u64::from(unsent + conn.waiting_count);
        self.served.open -= 1;
        conn.stage = Stage::Closing;
        conn.waiting.clear();
        conn.waiting_count = 0;
        self.asks.push_back(Ask::Close { conn: id });
    }
}

/// Appends an answer, or adds it to the last ones if it is the same and need not wait longer.
fn wait_for(waiting: &mut VecDeque<Waiting>, now: Instant, due: Instant, answer: Answer) {
    if let (Some(last), Body::Block(block)) = (waiting.back_mut(), &answer.body)
        && let Body::Block(last_block) = &last.body
        && std::ptr::eq(*last_block, *block)
        // Due earlier, it still waits for those before it.
        && due <= last.due.max(now)
    {
        last.count += 1;
        return;
    }
    let Answer { status, body, close, .. } = answer;
    waiting.push_back(Waiting { due, status, body, count: 1, close });
}

impl Conn {
    fn free() -> Conn {
        Conn {
            stage: Stage::Free,
            generation: 0,
            dialogue: Dialogue::default(),
            tls: None,
            waiting: VecDeque::new(),
            waiting_count: 0,
            waiting_owned: 0,
            sending: None,
            timer: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{BehaviourOptions, Delay};
    use crate::wire::Lost;
    use std::time::Duration;

    const GET: &str = "GET / HTTP/1.1\r\nHost: t\r\n\r\n";

    /// What happens to slot 0, at a time in us.
    enum Fact {
        Accepted,
        Bytes(String),
        Sent,
        Lost,
        Closed,
        TimeOnly,
    }
    use Fact::*;

    fn gets(count: usize) -> Fact {
        Bytes(GET.repeat(count))
    }

    fn happen(service: &mut Service, us: u64, fact: &Fact) -> Vec<String> {
        let at = Instant(us * 1_000);
        let conn = ConnId(0);
        match fact {
            Accepted => service.on_event(at, conn, Event::Accepted { at }),
            Bytes(text) => service.on_event(at, conn, Event::Received { at, bytes: text.as_bytes() }),
            Sent => service.on_event(at, conn, Event::Sent { from: at, at }),
            Fact::Lost => service.on_event(at, conn, Event::Lost { at, why: Lost::Ended }),
            Closed => service.on_event(at, conn, Event::Closed),
            TimeOnly => {}
        }
        service.on_time(at);
        std::iter::from_fn(|| service.poll_ask()).map(|ask| describe(&ask)).collect()
    }

    /// `send 200 x3`, `close`.
    fn describe(ask: &Ask) -> String {
        match ask {
            Ask::Send { payload, .. } => {
                let text = std::str::from_utf8(payload.as_slice()).unwrap();
                let statuses: Vec<&str> =
                    text.match_indices("HTTP/1.1 ").map(|(at, _)| &text[at + 9..at + 12]).collect();
                assert!(statuses.iter().all(|status| *status == statuses[0]));
                format!("send {} x{}", statuses[0], statuses.len())
            }
            Ask::Close { .. } => "close".to_owned(),
            Ask::Connect { .. } => "connect".to_owned(),
            Ask::Discard { .. } => "discard".to_owned(),
        }
    }

    /// Facts at times, each with the asks it leads to; then the books must balance.
    #[track_caller]
    fn check(options: BehaviourOptions, facts: &[(u64, Fact, &[&str])]) -> Served {
        let mut service = Service::new(Behaviour::new(options, 1), None);
        for (step, (us, fact, want)) in facts.iter().enumerate() {
            assert_eq!(happen(&mut service, *us, fact), *want, "step {step} at {us} us");
        }
        let served = service.served();
        let waiting: u32 =
            service.conns.iter().map(|conn| conn.waiting_count + conn.sending.map_or(0, |s| s.count)).sum();
        let heard = served.requests + served.parse_errors;
        assert_eq!(heard, served.responses() + served.dropped + u64::from(waiting), "{served:?}");
        served
    }

    fn plain() -> BehaviourOptions {
        BehaviourOptions { size: 5, ..BehaviourOptions::default() }
    }

    fn slow() -> BehaviourOptions {
        BehaviourOptions { delay: Delay::Constant(Duration::from_millis(5)), ..plain() }
    }

    #[test]
    fn a_request_is_answered_at_once_and_the_connection_stays() {
        let served = check(
            plain(),
            &[
                (0, Accepted, &[]),
                (1, gets(1), &["send 200 x1"]),
                (2, Sent, &[]),
                (3, gets(1), &["send 200 x1"]),
                (4, Sent, &[]),
                (5, Fact::Lost, &["close"]),
                (6, Closed, &[]),
            ],
        );
        assert_eq!((served.connections, served.open, served.requests), (1, 0, 2));
        assert_eq!(served.answered, [(200, 2)].into());
        assert_eq!(served.bytes_received, 2 * GET.len() as u64);
    }

    #[test]
    fn pipelined_requests_are_answered_together_one_send_at_a_time() {
        check(
            plain(),
            &[
                (0, Accepted, &[]),
                (1, gets(3), &["send 200 x3"]),
                (2, gets(2), &[]),
                (3, gets(2), &[]),
                (4, Sent, &["send 200 x4"]),
                (5, gets(100), &[]),
                (6, Sent, &["send 200 x64"]),
                (7, Sent, &["send 200 x36"]),
                (8, Sent, &[]),
            ],
        );
    }

    #[test]
    fn different_answers_keep_the_order_of_their_requests() {
        let get = |path: &str| format!("GET {path} HTTP/1.1\r\n\r\n");
        let mixed = [get("/"), get("/status/503"), get("/status/503"), get("/")].concat();
        let served = check(
            plain(),
            &[
                (0, Accepted, &[]),
                (1, Bytes(mixed), &["send 200 x1"]),
                (2, Sent, &["send 503 x2"]),
                (3, Sent, &["send 200 x1"]),
                (4, Sent, &[]),
            ],
        );
        assert_eq!(served.answered, [(200, 2), (503, 2)].into());
    }

    #[test]
    fn a_delayed_answer_waits_and_holds_up_those_behind_it() {
        let both = format!("GET /?delay=8ms HTTP/1.1\r\n\r\n{GET}");
        check(
            plain(),
            &[
                (0, Accepted, &[]),
                (0, Bytes(both), &[]),
                (7_999, TimeOnly, &[]),
                (8_000, TimeOnly, &["send 200 x2"]),
                (8_001, Sent, &[]),
            ],
        );
        check(
            slow(),
            &[
                (0, Accepted, &[]),
                (0, gets(1), &[]),
                (1_000, gets(1), &[]),
                (5_000, TimeOnly, &["send 200 x1"]),
                (5_001, Sent, &[]),
                (6_000, TimeOnly, &["send 200 x1"]),
            ],
        );
    }

    #[test]
    fn a_timer_of_an_earlier_connection_does_nothing() {
        let served = check(
            slow(),
            &[
                (0, Accepted, &[]),
                (0, gets(1), &[]),
                (1_000, Fact::Lost, &["close"]),
                (1_001, Closed, &[]),
                (1_002, Accepted, &[]),
                (2_000, gets(1), &[]),
                (5_000, TimeOnly, &[]),
                (7_000, TimeOnly, &["send 200 x1"]),
            ],
        );
        assert_eq!((served.dropped, served.open), (1, 1));
    }

    #[test]
    fn close_follows_the_last_byte_of_the_answer() {
        let closing = BehaviourOptions { close: true, ..plain() };
        check(
            closing,
            &[
                (0, Accepted, &[]),
                (1, gets(3), &["send 200 x1"]),
                (2, gets(1), &[]),
                (3, Sent, &["close"]),
                (4, gets(1), &[]),
                (5, Closed, &[]),
            ],
        );
        let last = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
        check(
            plain(),
            &[
                (0, Accepted, &[]),
                (1, Bytes(format!("{GET}{last}")), &["send 200 x1"]),
                (2, Sent, &["send 200 x1"]),
                (3, Sent, &["close"]),
            ],
        );
    }

    #[test]
    fn garbage_is_answered_by_400_and_the_end() {
        let served = check(
            plain(),
            &[
                (0, Accepted, &[]),
                (1, Bytes("\x16\x03\x01 this is TLS\r\n\r\n".to_owned()), &["send 400 x1"]),
                (2, Sent, &["close"]),
                (3, Closed, &[]),
            ],
        );
        assert_eq!((served.requests, served.parse_errors), (0, 1));
    }

    #[test]
    fn a_client_that_does_not_read_is_cut_off() {
        let served = check(
            plain(),
            &[
                (0, Accepted, &[]),
                (1, gets(1), &["send 200 x1"]),
                (2, gets(WAITING_MAX as usize + 7), &["close"]),
                (3, Closed, &[]),
            ],
        );
        assert_eq!((served.overruns, served.dropped), (1, u64::from(WAITING_MAX) + 8));
    }
}
