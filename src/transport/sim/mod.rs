//! A network in virtual time: a `Transport` whose every delay and fault comes from a seed.
//!
//! The same seed, network, responder and calls give the same events at the same instants, so a
//! failure is repeated by its seed. The far end is a `Responder`; no HTTP here.
//! It is also a judge: whoever breaks a rule of `wire` (W1, W2, W5) is stopped by a panic that
//! names the seed. What the rules leave open it does the hard way: events that were ready before
//! a `Close` still come before `Closed`, and freed slots are given out again first.
//! Events carry the instant at which they happened, which may be before the turn that reads them.

pub mod network;
pub mod random;
pub mod responder;

mod agenda;
#[cfg(test)]
mod tests;

pub use network::{Chunking, Network, Span};
pub use random::Random;
pub use responder::{Admission, LinkId, Reply, Responder};

use super::{Transport, Wait};
use crate::time::Instant;
use crate::wire::{Ask, ConnId, Event, Lost, Op, Payload};
use agenda::Agenda;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::mem;

/// Connections at once, unless `with_bound` says otherwise.
const DEFAULT_BOUND: usize = 65_536;
/// The most bytes of one `Received`, as a read buffer has a size.
const READ_MAX: usize = 65_536;
/// Linux resends a SYN after 1 s and data after at least 200 ms, then doubles (RFC 6298).
const SYN_TIMEOUT_NS: u64 = 1_000_000_000;
const DATA_TIMEOUT_NS: u64 = 200_000_000;
/// A SYN that nobody answers fails after 1+2+4+8+16+32+64 s (tcp(7), tcp_syn_retries = 6).
const CONNECT_GIVES_UP_NS: u64 = 127_000_000_000;
const RESENDS_MAX: u32 = 6;

/// What happened so far. Bytes are counted as the owner is told of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub connects: u64,
    pub connected: u64,
    /// Payload bytes whose `Sent` was given out.
    pub bytes_sent: u64,
    /// Bytes given out as `Received`.
    pub bytes_received: u64,
    /// Connections taken at once, at most.
    pub slots_peak: usize,
    pub losses: u64,
    /// Attempts refused or never answered, by the network or by the responder.
    pub refusals: u64,
    pub blackholes: u64,
    pub mutes: u64,
    pub resets: u64,
    pub cuts: u64,
    pub garbage: u64,
    pub stalls: u64,
}

pub struct Sim<R> {
    seed: u64,
    network: Network,
    random: Random,
    responder: R,
    now: Instant,
    slots: Vec<Slot>,
    free: Vec<ConnId>,
    bound: usize,
    links: FxHashMap<LinkId, Link>,
    agenda: Agenda<Happening>,
    /// Asks not yet flushed.
    asks: Vec<Ask>,
    /// Events not yet given out.
    ready: VecDeque<(ConnId, Fact)>,
    /// The bytes that the event last given out borrows.
    reading: Vec<u8>,
    replies: Vec<(u64, Reply)>,
    counts: Counts,
}

/// A slot as its owner can know it: it moves with asks submitted and events given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Free,
    Taken,
    Connecting,
    Idle,
    Sending,
    Lost,
    Closing,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    stage: Stage,
    /// Bytes to throw away before anything is handed out (W6).
    discard: u64,
    link: Option<LinkId>,
}

/// A connection as the network knows it; it outlives its slot's `Close` by one way to the far end.
#[derive(Debug)]
struct Link {
    slot: ConnId,
    far: Far,
    /// The owner was told of the end, or closed: nothing more is for it.
    near_over: bool,
    closed_at: Option<Instant>,
    /// Everything the far end says is swallowed.
    muted: bool,
    /// Last arrival at either end, and last departure from the far one: order is kept.
    at_far: Instant,
    at_near: Instant,
    left_far: Instant,
    /// When the send under way is wholly written; the past if there is none.
    sent: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Far {
    Asked,
    Open,
    Over,
}

/// An entry of the agenda.
#[derive(Debug)]
enum Happening {
    Attempt { link: LinkId, refused: bool },
    AtFar { link: LinkId, written: Instant, bytes: Vec<u8> },
    CloseAtFar { link: LinkId },
    AtNear { link: LinkId, fact: Fact },
    Freed { conn: ConnId },
}

/// An `Event` that owns its bytes.
#[derive(Debug)]
enum Fact {
    Connected { at: Instant },
    Sent { from: Instant, at: Instant, bytes: u64 },
    Received { at: Instant, bytes: Vec<u8> },
    Lost { at: Instant, why: Lost },
    Closed,
}

impl<R: Responder> Sim<R> {
    pub fn new(seed: u64, network: Network, responder: R) -> Sim<R> {
        Sim {
            seed,
            network,
            random: Random::new(seed),
            responder,
            now: Instant::ZERO,
            slots: Vec::new(),
            free: Vec::new(),
            bound: DEFAULT_BOUND,
            links: FxHashMap::default(),
            agenda: Agenda::default(),
            asks: Vec::new(),
            ready: VecDeque::new(),
            reading: Vec::new(),
            replies: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// At most `connections` slots are taken at once.
    /// The owner did something else for so long.
    pub fn spend(&mut self, ns: u64) {
        self.now = self.now.plus_ns(ns);
    }

    pub fn with_bound(mut self, connections: usize) -> Sim<R> {
        self.bound = connections;
        self
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    pub fn responder(&self) -> &R {
        &self.responder
    }

    /// For a test that changes the far end in the course of a run.
    pub fn responder_mut(&mut self) -> &mut R {
        &mut self.responder
    }

    pub fn into_responder(self) -> R {
        self.responder
    }

    /// The same for the network.
    pub fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }

    pub fn slots_taken(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    #[track_caller]
    fn stage_for(&mut self, conn: ConnId, allowed: &[Stage], wish: &str) -> &mut Stage {
        let seed = self.seed;
        let Some(slot) = self.slots.get_mut(conn.0 as usize) else {
            panic!("seed {seed}: {wish} on {conn:?}, a slot never given");
        };
        let stage = slot.stage;
        assert!(allowed.contains(&stage), "seed {seed}: {wish} on {conn:?}, which is {stage:?}");
        &mut slot.stage
    }

    fn take_effect(&mut self, ask: Ask, from: Instant) {
        match ask {
            Ask::Connect { conn, .. } => self.connect(conn),
            Ask::Send { conn, payload } => self.send(conn, payload, from),
            // From `submit` on it counts down what is handed out.
            Ask::Discard { .. } => {}
            Ask::Close { conn } => self.close(conn),
        }
    }

    fn connect(&mut self, conn: ConnId) {
        let id = LinkId(self.counts.connects);
        self.counts.connects += 1;
        self.slots[conn.0 as usize].link = Some(id);
        let now = self.now;
        let mut link = Link {
            slot: conn,
            far: Far::Asked,
            near_over: false,
            closed_at: None,
            muted: false,
            at_far: now,
            at_near: now,
            left_far: now,
            sent: Instant::ZERO,
        };
        let refused = self.random.happens(self.network.refuse_ppm);
        if !refused && self.random.happens(self.network.blackhole_ppm) {
            self.counts.blackholes += 1;
            self.links.insert(id, link);
            self.leave_unanswered(id, now);
            return;
        }
        link.at_far = now.plus_ns(self.travel_ns(SYN_TIMEOUT_NS));
        self.agenda.add(link.at_far, Happening::Attempt { link: id, refused });
        self.links.insert(id, link);
    }

    fn leave_unanswered(&mut self, id: LinkId, asked: Instant) {
        let at = asked.plus_ns(CONNECT_GIVES_UP_NS);
        let why = Lost::Failed { op: Op::Dial, errno: libc::ETIMEDOUT };
        self.agenda.add(at, Happening::AtNear { link: id, fact: Fact::Lost { at, why } });
    }

    fn send(&mut self, conn: ConnId, payload: Payload, from: Instant) {
        let id = self.slots[conn.0 as usize].link.expect("a slot that sends was connected");
        let link = &self.links[&id];
        if link.near_over {
            // Its `Lost` is ready but was not read yet: the answer to this send.
            return;
        }
        let (mut at_far, mut written) = (link.at_far, self.now);
        let mut rest = payload.as_slice();
        let in_pieces = rest.len() > 1 && self.random.happens(self.network.partial_write_ppm);
        while !rest.is_empty() {
            let cut = match in_pieces {
                true => self.random.between(1, rest.len() as u64) as usize,
                false => rest.len(),
            };
            let (piece, after) = rest.split_at(cut);
            at_far = at_far.max(written.plus_ns(self.travel_ns(DATA_TIMEOUT_NS)));
            self.agenda.add(at_far, Happening::AtFar { link: id, written, bytes: piece.to_vec() });
            rest = after;
            if !rest.is_empty() {
                let wait_ns = self.network.rtt.draw_ns(&mut self.random);
                written = written.plus_ns(self.random.below(wait_ns + 1));
            }
        }
        let fact = Fact::Sent { from, at: written, bytes: payload.len() as u64 };
        self.agenda.add(written, Happening::AtNear { link: id, fact });
        let link = self.links.get_mut(&id).expect("looked up above");
        link.at_far = at_far;
        link.sent = written;
    }

    fn close(&mut self, conn: ConnId) {
        let at = self.now.plus_ns(self.network.close.draw_ns(&mut self.random));
        self.agenda.add(at, Happening::Freed { conn });
        let Some(id) = self.slots[conn.0 as usize].link.take() else { return };
        let travel_ns = self.travel_ns(DATA_TIMEOUT_NS);
        let link = self.links.get_mut(&id).expect("a link lives until its close arrived");
        link.near_over = true;
        link.closed_at = Some(self.now);
        let at = link.at_far.max(self.now.plus_ns(travel_ns));
        self.agenda.add(at, Happening::CloseAtFar { link: id });
    }

    /// One way, and the wait for the packet's resends if it is lost.
    fn travel_ns(&mut self, timeout_ns: u64) -> u64 {
        let mut ns = self.network.rtt.draw_ns(&mut self.random) / 2;
        for resend in 0..RESENDS_MAX {
            if !self.random.happens(self.network.loss_ppm) {
                break;
            }
            self.counts.losses += 1;
            ns += timeout_ns << resend;
        }
        ns
    }

    /// Makes happen what is due, in order, each at its own instant.
    fn catch_up(&mut self) {
        while let Some((at, happening)) = self.agenda.take_due(self.now) {
            match happening {
                Happening::Attempt { link, refused } => self.attempt(link, at, refused),
                Happening::AtFar { link, written, bytes } => self.arrive_at_far(link, at, written, &bytes),
                Happening::CloseAtFar { link } => {
                    self.end_far(link, at);
                    // Both ends are over, and nothing to the far end is still under way.
                    self.links.remove(&link);
                }
                Happening::AtNear { link, fact } => self.arrive_at_near(link, at, fact),
                Happening::Freed { conn } => self.ready.push_back((conn, Fact::Closed)),
            }
        }
    }

    fn attempt(&mut self, id: LinkId, at: Instant, refused: bool) {
        let admission = match refused {
            true => Admission::Refuse,
            false => self.responder.on_connect(id, at),
        };
        match admission {
            Admission::Accept => {
                self.link(id).far = Far::Open;
                self.tell(id, at, |at| Fact::Connected { at });
            }
            Admission::Refuse => {
                self.counts.refusals += 1;
                let why = Lost::Failed { op: Op::Dial, errno: libc::ECONNREFUSED };
                self.tell(id, at, |at| Fact::Lost { at, why });
            }
            Admission::Ignore => {
                self.counts.blackholes += 1;
                self.leave_unanswered(id, at);
            }
        }
    }

    fn arrive_at_far(&mut self, id: LinkId, at: Instant, written: Instant, bytes: &[u8]) {
        let link = self.link(id);
        let unwritten = link.closed_at.is_some_and(|closed| closed < written);
        if link.far != Far::Open || unwritten {
            return;
        }
        let mut replies = mem::take(&mut self.replies);
        self.responder.on_bytes(id, at, bytes, &mut replies);
        for (delay_ns, reply) in replies.drain(..) {
            if self.link(id).far == Far::Open {
                self.reply(id, at, at.plus_ns(delay_ns), reply);
            }
        }
        self.replies = replies;
    }

    fn reply(&mut self, id: LinkId, now: Instant, leaves: Instant, reply: Reply) {
        let Network { stall_ppm, stall, mute_ppm, garbage_ppm, reset_ppm, cut_ppm, .. } = self.network;
        let link = self.link(id);
        let mut leaves = leaves.max(link.left_far);
        let muted = link.muted;
        let mut bytes = match reply {
            Reply::Bytes(_) if muted => return,
            Reply::Bytes(bytes) => bytes,
            Reply::Close | Reply::Reset if muted => return self.end_far(id, now),
            Reply::Close => return self.end_both(id, now, leaves, Lost::Ended),
            Reply::Reset => return self.end_both(id, now, leaves, RESET),
        };
        if self.random.happens(stall_ppm) {
            self.counts.stalls += 1;
            leaves = leaves.plus_ns(stall.draw_ns(&mut self.random));
        }
        self.link(id).left_far = leaves;
        if self.random.happens(mute_ppm) {
            self.counts.mutes += 1;
            self.link(id).muted = true;
            return;
        }
        if self.random.happens(garbage_ppm) {
            self.counts.garbage += 1;
            bytes.iter_mut().for_each(|byte| *byte = self.random.next_u64() as u8);
        }
        let end = if self.random.happens(reset_ppm) {
            self.counts.resets += 1;
            Some(RESET)
        } else if self.random.happens(cut_ppm) {
            self.counts.cuts += 1;
            Some(Lost::Ended)
        } else {
            None
        };
        if end.is_some() {
            bytes.truncate(self.random.below(bytes.len().max(1) as u64) as usize);
        }
        self.carry(id, leaves, &bytes);
        if let Some(why) = end {
            self.end_both(id, now, leaves, why);
        }
    }

    /// Sends the far end's bytes on their way, cut as the network cuts.
    fn carry(&mut self, id: LinkId, leaves: Instant, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let cut = match self.network.chunking {
                Chunking::Whole => READ_MAX,
                Chunking::Random { at_most } => self.random.between(1, u64::from(at_most.max(1))) as usize,
                Chunking::Bytes => 1,
            };
            let (piece, rest) = bytes.split_at(cut.min(bytes.len()));
            self.tell(id, leaves, |at| Fact::Received { at, bytes: piece.to_vec() });
            bytes = rest;
        }
    }

    /// Puts a fact that leaves the far end at `leaves` on its way to the owner.
    fn tell(&mut self, id: LinkId, leaves: Instant, fact: impl FnOnce(Instant) -> Fact) {
        let travel_ns = self.travel_ns(DATA_TIMEOUT_NS);
        let link = self.link(id);
        // Not before `sent`: what the first piece of a send caused comes after its `Sent` (W4).
        let at = link.at_near.max(leaves.plus_ns(travel_ns)).max(link.sent);
        link.at_near = at;
        self.agenda.add(at, Happening::AtNear { link: id, fact: fact(at) });
    }

    /// The far end is over at `now`; the owner learns it after all that left before.
    fn end_both(&mut self, id: LinkId, now: Instant, leaves: Instant, why: Lost) {
        self.tell(id, leaves, |at| Fact::Lost { at, why });
        self.end_far(id, now);
    }

    fn end_far(&mut self, id: LinkId, now: Instant) {
        let was = mem::replace(&mut self.link(id).far, Far::Over);
        if was == Far::Open {
            self.responder.on_close(id, now);
        }
    }

    fn arrive_at_near(&mut self, id: LinkId, at: Instant, mut fact: Fact) {
        // Absent: its owner closed long ago.
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.near_over {
            return;
        }
        let conn = link.slot;
        match &mut fact {
            Fact::Lost { why, .. } => {
                link.near_over = true;
                if *why == RESET && link.sent > at {
                    *why = Lost::Failed { op: Op::Write, errno: libc::ECONNRESET };
                }
            }
            Fact::Received { bytes, .. } if self.read_together(conn, at, bytes) => return,
            _ => {}
        }
        self.ready.push_back((conn, fact));
    }

    /// Adds `more` to the last event if that is a reading of the same connection still unread.
    fn read_together(&mut self, conn: ConnId, now: Instant, more: &[u8]) -> bool {
        let Some((owner, Fact::Received { at, bytes })) = self.ready.back_mut() else { return false };
        if *owner != conn || bytes.len() + more.len() > READ_MAX {
            return false;
        }
        let together = match self.network.chunking {
            Chunking::Whole => true,
            Chunking::Random { .. } => self.random.below(2) == 0,
            Chunking::Bytes => false,
        };
        if together {
            bytes.extend_from_slice(more);
            *at = now;
        }
        together
    }

    fn link(&mut self, id: LinkId) -> &mut Link {
        self.links.get_mut(&id).expect("a link lives until its close arrived")
    }
}

/// As a read reports it; `Op::Write` takes its place while a send is under way.
const RESET: Lost = Lost::Failed { op: Op::Read, errno: libc::ECONNRESET };

impl<R: Responder> Transport for Sim<R> {
    fn now(&mut self) -> Instant {
        self.now
    }

    fn open(&mut self) -> Option<ConnId> {
        let conn = match self.free.pop() {
            Some(conn) => conn,
            None if self.slots.len() < self.bound => {
                self.slots.push(Slot { stage: Stage::Free, discard: 0, link: None });
                ConnId(self.slots.len() as u32 - 1)
            }
            None => return None,
        };
        self.slots[conn.0 as usize].stage = Stage::Taken;
        self.counts.slots_peak = self.counts.slots_peak.max(self.slots_taken());
        Some(conn)
    }

    fn submit(&mut self, ask: Ask) {
        use Stage::*;
        match &ask {
            Ask::Connect { conn, .. } => *self.stage_for(*conn, &[Taken], "Connect") = Connecting,
            Ask::Send { conn, payload } => {
                assert!(!payload.is_empty(), "seed {}: Send of nothing on {conn:?}", self.seed);
                *self.stage_for(*conn, &[Idle], "Send") = Sending;
            }
            Ask::Discard { conn, bytes } => {
                let slot = &mut self.slots[conn.0 as usize];
                assert!(slot.discard == 0 && *bytes > 0, "seed {}: Discard twice on {conn:?}", self.seed);
                slot.discard = *bytes;
            }
            Ask::Close { conn } => {
                let any = [Taken, Connecting, Idle, Sending, Lost];
                *self.stage_for(*conn, &any, "Close") = Closing;
            }
        }
        self.asks.push(ask);
    }

    fn flush(&mut self) {
        let from = self.now;
        self.now = from.plus_ns(self.network.call_ns);
        let mut asks = mem::take(&mut self.asks);
        for ask in asks.drain(..) {
            self.take_effect(ask, from);
        }
        self.asks = asks;
    }

    fn wait(&mut self, wait: Wait) {
        let begin = self.now;
        self.now = begin.plus_ns(self.network.call_ns);
        let (until, at_least, for_ns) = match wait {
            Wait::No => (begin, 1, 0),
            Wait::Until(until) => (until, 1, 0),
            Wait::Batch { until, at_least, for_ns } => (until, at_least, for_ns),
        };
        loop {
            self.catch_up();
            let got_some = !self.ready.is_empty();
            let until = if got_some { until.min(begin.plus_ns(u64::from(for_ns))) } else { until };
            if (got_some && self.ready.len() >= at_least as usize) || self.now >= until {
                return;
            }
            let next = until.min(self.agenda.next().unwrap_or(Instant::NEVER));
            assert!(next != Instant::NEVER, "seed {}: waits for ever, nothing is under way", self.seed);
            self.now = self.now.max(next);
        }
    }

    fn next_event(&mut self) -> Option<(ConnId, Event<'_>)> {
        let (conn, fact) = self.ready.pop_front()?;
        let discard = self.slots[conn.0 as usize].discard;
        let stage = &mut self.slots[conn.0 as usize].stage;
        // A slot that is closing stays so, whatever was ready before.
        let mut now_in = |next: Stage| {
            if *stage != Stage::Closing {
                *stage = next;
            }
        };
        let event = match fact {
            Fact::Connected { at } => {
                now_in(Stage::Idle);
                self.counts.connected += 1;
                Event::Connected { at }
            }
            Fact::Sent { from, at, bytes } => {
                now_in(Stage::Idle);
                self.counts.bytes_sent += bytes;
                Event::Sent { from, at }
            }
            Fact::Received { at, mut bytes } if discard > 0 => {
                let thrown = discard.min(bytes.len() as u64);
                self.slots[conn.0 as usize].discard -= thrown;
                self.counts.bytes_received += thrown;
                let rest = bytes.split_off(thrown as usize);
                if !rest.is_empty() {
                    self.ready.push_front((conn, Fact::Received { at, bytes: rest }));
                }
                Event::Discarded { at, bytes: thrown }
            }
            Fact::Received { at, bytes } => {
                self.counts.bytes_received += bytes.len() as u64;
                self.reading = bytes;
                Event::Received { at, bytes: &self.reading }
            }
            Fact::Lost { at, why } => {
                now_in(Stage::Lost);
                Event::Lost { at, why }
            }
            Fact::Closed => {
                *stage = Stage::Free;
                self.slots[conn.0 as usize].discard = 0;
                self.free.push(conn);
                Event::Closed
            }
        };
        Some((conn, event))
    }
}
