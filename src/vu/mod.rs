//! The virtual users of one worker: each a program over its own connections.
//!
//! Pure: events and `now` in, asks out; who carries them is not known here. A VU runs one
//! iteration at a time. Its exchanges take an idle connection of its pool or open a new one; what
//! came of each is recorded once, in the leaf of its tags.
//!
//! Invariant V1. Requests wanted = answered + failed + interrupted, however often one was sent:
//! `awaited` of a busy connection counts those without an outcome, and every way out of `Busy`
//! accounts for them.

pub mod connection;
pub mod deadlines;
pub mod failure;
pub mod hosts;
pub mod pool;
#[cfg(test)]
mod tests;

use crate::http::{HeadCache, Keep, Parsed, Response};
use crate::metrics::{ExchangeTiming, LeafId, Recorder, error_code};
use crate::options::LocalIps;
use crate::script::{Answer, HostId, Program, Step, Template, TemplateId};
use crate::time::Instant;
use crate::wire::{Ask, ConnId, Event, Lost, Payload};
use connection::{Connection, Phase};
use deadlines::Deadlines;
use failure::Failure;
use hosts::{Address, Hosts};
use pool::Pool;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Of a body with at least so many bytes to come the rest is discarded by the transport: less is
/// copied sooner than the transport changes its way of receiving.
const DISCARD_FROM: u64 = 32 * 1024;

/// A VU of this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VuId(pub u32);

/// What all VUs of a run have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of a whole exchange, connecting included.
    pub timeout_ns: u64,
    /// k6's limit for dialing.
    pub dial_timeout_ns: u64,
    /// Every request on its own connection.
    pub no_connection_reuse: bool,
    /// Source addresses, dealt out to VUs; `None`: the kernel chooses.
    pub local_ips: Option<LocalIps>,
}

struct Vu<P> {
    program: P,
    pool: Pool,
    /// Place in the run of VUs, over all workers: picks the source address.
    number: u32,
    /// Scenario leaf of the iteration under way.
    leaf: LeafId,
    started_at: Instant,
    running: bool,
    /// Bytes since the last iteration's end.
    data_sent: u64,
    data_received: u64,
    wanted: Option<Wanted>,
    /// The connection that carries the exchange under way.
    conn: Option<ConnId>,
}

/// An exchange that waits for a connection.
#[derive(Clone, Copy)]
struct Wanted {
    template: TemplateId,
    /// Those of its requests that have no answer yet.
    requests: u32,
    since: Instant,
    /// When it is given up. Sending again gives it no more time.
    deadline: Instant,
    /// What the look-up found that it waited for: good for it, however short the ttl.
    address: Option<Address>,
}

/// The last answer's leaf of a template: the same status follows itself nearly always.
#[derive(Default)]
struct TemplateCache {
    status: u16,
    http10: bool,
    leaf: Option<LeafId>,
}

pub struct Vus<P> {
    settings: Settings,
    templates: Vec<Template>,
    caches: Vec<TemplateCache>,
    hosts: Hosts,
    vus: Vec<Vu<P>>,
    connections: Vec<Connection>,
    head_cache: HeadCache,
    deadlines: Deadlines,
    asks: VecDeque<Ask>,
    /// VUs that need a connection slot, in order.
    wanting: VecDeque<VuId>,
    /// VUs that wait for an address of this host.
    resolving: Vec<(HostId, VuId)>,
    finished: VecDeque<VuId>,
    /// Requests interrupted without an outcome (V1).
    interrupted_requests: u64,
    /// Requests that were sent, lost unanswered, and asked for once more.
    resent_requests: u64,
}

impl<P: Program> Vus<P> {
    /// `slots`: the transport's bound of connections.
    pub fn new(settings: Settings, templates: Vec<Template>, hosts: Hosts, slots: u32) -> Vus<P> {
        let mut connections = Vec::new();
        connections.resize_with(slots as usize, Connection::default);
        Vus {
            settings,
            caches: templates.iter().map(|_| TemplateCache::default()).collect(),
            templates,
            hosts,
            vus: Vec::new(),
            connections,
            head_cache: HeadCache::default(),
            deadlines: Deadlines::default(),
            asks: VecDeque::new(),
            wanting: VecDeque::new(),
            resolving: Vec::new(),
            finished: VecDeque::new(),
            interrupted_requests: 0,
            resent_requests: 0,
        }
    }

    /// Adds a VU; `number` is its place among all VUs of the run.
    pub fn add(&mut self, program: P, number: u32) -> VuId {
        let id = VuId(self.vus.len() as u32);
        self.vus.push(Vu {
            program,
            pool: Pool::default(),
            number,
            leaf: LeafId(0),
            started_at: Instant::ZERO,
            running: false,
            data_sent: 0,
            data_received: 0,
            wanted: None,
            conn: None,
        });
        id
    }

    pub fn is_running(&self, vu: VuId) -> bool {
        self.vus[vu.0 as usize].running
    }

    /// Requests that were interrupted without an outcome.
    pub fn interrupted_requests(&self) -> u64 {
        self.interrupted_requests
    }

    /// Requests that went out once more because their connection had ended as if idle. Each has
    /// one outcome all the same.
    pub fn resent_requests(&self) -> u64 {
        self.resent_requests
    }

    /// Begins an iteration of an idle VU. `leaf` is the scenario's.
    #[inline]
    pub fn start(&mut self, vu: VuId, leaf: LeafId, now: Instant, recorder: &mut Recorder) {
        let user = &mut self.vus[vu.0 as usize];
        assert!(!user.running, "VU {} starts twice", vu.0);
        user.running = true;
        user.leaf = leaf;
        user.started_at = now;
        let step = user.program.start();
        self.carry_out(vu, step, now, recorder);
    }

    /// The next wish for the transport.
    #[inline]
    pub fn poll_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }

    /// A VU whose iteration is over.
    #[inline]
    pub fn poll_finished(&mut self) -> Option<VuId> {
        self.finished.pop_front()
    }

    /// How many VUs wait for a connection: call `connect` for each.
    #[inline]
    pub fn wanting(&self) -> usize {
        self.wanting.len()
    }

    /// Gives the first waiting VU a connection in a slot of `open`; false if there is no slot now
    /// (one comes with the next `Closed`).
    pub fn connect(
        &mut self,
        open: impl FnOnce() -> Option<ConnId>,
        now: Instant,
        recorder: &mut Recorder,
    ) -> bool {
        let Some(vu) = self.wanting.pop_front() else { return true };
        let Some(wanted) = self.vus[vu.0 as usize].wanted else { return true };
        let host = self.templates[wanted.template.0 as usize].host;
        let target = match wanted.address.unwrap_or_else(|| self.hosts.address(host, now)) {
            Address::Known(target) => target,
            Address::Pending => {
                self.resolving.push((host, vu));
                return true;
            }
            Address::Unknown => {
                self.fail_unsent(vu, &Failure::NoSuchHost, now, recorder);
                return true;
            }
        };
        let Some(conn) = open() else {
            self.wanting.push_front(vu);
            return false;
        };
        let user = &mut self.vus[vu.0 as usize];
        user.wanted = None;
        user.conn = Some(conn);
        let local = self.settings.local_ips.as_ref().map(|ips| ips.for_vu(u64::from(user.number) + 1));
        let connection = &mut self.connections[conn.0 as usize];
        let heap_entry = connection.heap_entry;
        *connection = Connection {
            phase: Phase::Connecting,
            heap_entry,
            fresh: true,
            vu: vu.0,
            awaited: wanted.requests,
            template: wanted.template,
            host,
            deadline: wanted.deadline.min(now.plus_ns(self.settings.dial_timeout_ns)),
            exchange_deadline: wanted.deadline,
            wanted_at: wanted.since,
            connect_from: now,
            ..Connection::default()
        };
        self.arm_deadline(conn);
        self.asks.push_back(Ask::Connect { conn, target, local });
        true
    }

    /// There is a name to look up.
    #[inline]
    pub fn wants_lookup(&self) -> bool {
        self.hosts.wants_lookup()
    }

    /// The next name to look up for this worker.
    pub fn poll_lookup(&mut self) -> Option<(HostId, &str)> {
        self.hosts.poll_lookup()
    }

    /// A name's addresses are known (or there are none): waiting VUs go on.
    pub fn on_resolved(&mut self, host: HostId, addresses: &[IpAddr], now: Instant) {
        self.hosts.on_resolved(host, addresses, now);
        let Vus { resolving, wanting, vus, hosts, .. } = self;
        resolving.retain(|(waits_for, vu)| {
            let answered = *waits_for == host;
            if answered && let Some(wanted) = &mut vus[vu.0 as usize].wanted {
                wanted.address = Some(hosts.address(host, now));
                wanting.push_back(*vu);
            }
            !answered
        });
    }

    /// What happened to a connection.
    #[inline]
    pub fn on_event(&mut self, conn: ConnId, event: Event<'_>, recorder: &mut Recorder) {
        match event {
            Event::Received { at, bytes } => self.on_received(conn, at, bytes, recorder),
            Event::Discarded { at, bytes } => self.on_discarded(conn, at, bytes, recorder),
            Event::Sent { from, at } => self.on_sent(conn, from, at),
            Event::Connected { at } => self.on_connected(conn, at),
            Event::Lost { at, why } => self.on_lost(conn, at, why, recorder),
            Event::Closed => {
                let connection = &mut self.connections[conn.0 as usize];
                assert_eq!(connection.phase, Phase::Closing, "slot {} closed unasked", conn.0);
                connection.phase = Phase::Free;
            }
            Event::Accepted { .. } => unreachable!("a VU has no listener"),
        }
    }

    /// When `on_time` wants to be called.
    #[inline]
    pub fn next_timer(&self) -> Instant {
        self.deadlines.next()
    }

    /// Ends the exchanges whose time is up.
    pub fn on_time(&mut self, now: Instant, recorder: &mut Recorder) {
        while let Some((at, index)) = self.deadlines.pop_due(now) {
            let conn = ConnId(index);
            let connection = &mut self.connections[index as usize];
            if connection.heap_entry != at {
                // A later entry, given up for an earlier one.
                continue;
            }
            connection.heap_entry = Instant::NEVER;
            match connection.phase {
                Phase::Connecting | Phase::Busy if connection.deadline > now => self.arm_deadline(conn),
                Phase::Connecting => self.fail_exchange(conn, &Failure::DialTimeout, now, recorder),
                Phase::Busy => self.fail_exchange(conn, &Failure::RequestTimeout, now, recorder),
                Phase::Free | Phase::Idle | Phase::Closing => {}
            }
        }
    }

    /// Ends a VU's iteration without an outcome (k6: samples after the interruption are dropped).
    pub fn interrupt(&mut self, vu: VuId, recorder: &mut Recorder) {
        let user = &mut self.vus[vu.0 as usize];
        if !user.running {
            return;
        }
        user.running = false;
        user.program.cancel();
        recorder.record_interrupted(user.leaf);
        user.flush_data(recorder);
        if let Some(wanted) = user.wanted.take() {
            self.interrupted_requests += u64::from(wanted.requests);
            self.wanting.retain(|waiting| *waiting != vu);
            self.resolving.retain(|(_, waiting)| *waiting != vu);
        }
        if let Some(conn) = user.conn.take() {
            self.interrupted_requests += u64::from(self.connections[conn.0 as usize].awaited);
            self.close(conn);
        }
        self.finished.push_back(vu);
    }

    /// Gives a VU's idle connections back.
    pub fn close_idle(&mut self, vu: VuId) {
        let user = &mut self.vus[vu.0 as usize];
        let idle: Vec<ConnId> = user.pool.drain().collect();
        for conn in idle {
            self.close(conn);
        }
    }

    #[inline]
    fn carry_out(&mut self, vu: VuId, step: Step, now: Instant, recorder: &mut Recorder) {
        match step {
            Step::Exchange(template) => self.exchange(vu, template, now),
            Step::Done => {
                let user = &mut self.vus[vu.0 as usize];
                user.running = false;
                recorder.record_iteration(user.leaf, now.since(user.started_at));
                user.flush_data(recorder);
                self.finished.push_back(vu);
            }
        }
    }

    #[inline]
    fn exchange(&mut self, vu: VuId, template: TemplateId, now: Instant) {
        let Template { host, requests, .. } = self.templates[template.0 as usize];
        match self.vus[vu.0 as usize].pool.take(host) {
            Some(conn) => {
                self.vus[vu.0 as usize].conn = Some(conn);
                let connection = &mut self.connections[conn.0 as usize];
                connection.template = template;
                connection.awaited = requests;
                connection.deadline = now.plus_ns(self.settings.timeout_ns);
                self.send(conn);
            }
            None => {
                let deadline = now.plus_ns(self.settings.timeout_ns);
                self.want(vu, Wanted { template, requests, since: now, deadline, address: None });
            }
        }
    }

    fn want(&mut self, vu: VuId, wanted: Wanted) {
        self.vus[vu.0 as usize].wanted = Some(wanted);
        self.wanting.push_back(vu);
    }

    #[inline]
    fn send(&mut self, conn: ConnId) {
        let connection = &mut self.connections[conn.0 as usize];
        let template = &self.templates[connection.template.0 as usize];
        let bytes = match connection.awaited == template.requests {
            true => template.bytes,
            false => template.last(connection.awaited),
        };
        connection.phase = Phase::Busy;
        // Until `Sent` comes nothing was sent: a failure before it has no timings.
        connection.sent_from = Instant::NEVER;
        connection.sent_at = Instant::NEVER;
        connection.parser.begin(template.is_head, Keep::Nothing);
        self.arm_deadline(conn);
        self.asks.push_back(Ask::Send { conn, payload: Payload::Shared(bytes) });
    }

    /// Sees to it that the heap has an entry at or before this connection's deadline.
    #[inline]
    fn arm_deadline(&mut self, conn: ConnId) {
        let connection = &mut self.connections[conn.0 as usize];
        if connection.deadline < connection.heap_entry {
            connection.heap_entry = connection.deadline;
            self.deadlines.add(connection.deadline, conn.0);
        }
    }

    fn on_connected(&mut self, conn: ConnId, at: Instant) {
        let connection = &mut self.connections[conn.0 as usize];
        if connection.phase != Phase::Connecting {
            return;
        }
        connection.connected_at = at;
        connection.deadline = connection.exchange_deadline;
        self.send(conn);
    }

    #[inline]
    fn on_sent(&mut self, conn: ConnId, from: Instant, at: Instant) {
        let connection = &mut self.connections[conn.0 as usize];
        if connection.phase != Phase::Busy {
            return;
        }
        connection.sent_from = from;
        connection.sent_at = at;
        let template = &self.templates[connection.template.0 as usize];
        let bytes =
            template.bytes.len() as u64 / u64::from(template.requests) * u64::from(connection.awaited);
        self.vus[connection.vu as usize].data_sent += bytes;
    }

    #[inline]
    fn on_received(&mut self, conn: ConnId, at: Instant, bytes: &[u8], recorder: &mut Recorder) {
        let connection = &mut self.connections[conn.0 as usize];
        match connection.phase {
            Phase::Busy => {}
            // An answer nobody asked for: the connection cannot be trusted any more.
            Phase::Idle => return self.drop_idle(conn),
            Phase::Free | Phase::Connecting | Phase::Closing => return,
        }
        self.vus[connection.vu as usize].data_received += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            let connection = &mut self.connections[conn.0 as usize];
            if connection.phase != Phase::Busy {
                return;
            }
            if connection.parser.is_idle() {
                connection.first_byte_at = at;
                let (count, consumed, response) =
                    connection.parser.parse_identical(rest, &self.head_cache, connection.awaited);
                if count > 0 {
                    rest = &rest[consumed..];
                    self.answered(conn, response, count, rest.is_empty(), at, recorder);
                    continue;
                }
            }
            let (consumed, parsed) = connection.parser.parse(rest, &mut self.head_cache);
            rest = &rest[consumed..];
            match parsed {
                Parsed::NeedMore => return self.discard_rest(conn),
                Parsed::Complete(response) => {
                    self.answered(conn, response, 1, rest.is_empty(), at, recorder);
                }
                Parsed::Failed(error) => {
                    return self.fail_exchange(conn, &Failure::Response(error), at, recorder);
                }
            }
        }
    }

    /// The rest of a large body is not even copied out of the kernel.
    fn discard_rest(&mut self, conn: ConnId) {
        match self.connections[conn.0 as usize].parser.body_remaining() {
            Some(bytes) if bytes >= DISCARD_FROM => self.asks.push_back(Ask::Discard { conn, bytes }),
            _ => {}
        }
    }

    fn on_discarded(&mut self, conn: ConnId, at: Instant, bytes: u64, recorder: &mut Recorder) {
        let connection = &mut self.connections[conn.0 as usize];
        if connection.phase != Phase::Busy {
            return;
        }
        self.vus[connection.vu as usize].data_received += bytes;
        if let Parsed::Complete(response) = connection.parser.on_discarded(bytes) {
            self.answered(conn, response, 1, true, at, recorder);
        }
    }

    /// `count` equal responses came whole, and `nothing_follows` them. The last one may end the
    /// exchange.
    #[inline]
    fn answered(
        &mut self,
        conn: ConnId,
        response: Response,
        count: u32,
        nothing_follows: bool,
        at: Instant,
        recorder: &mut Recorder,
    ) {
        let connection = &mut self.connections[conn.0 as usize];
        let cache = &mut self.caches[connection.template.0 as usize];
        let leaf = match cache.leaf {
            Some(leaf) if (cache.status, cache.http10) == (response.status, response.http10) => leaf,
            _ => {
                let leaf = leaf_of(&self.templates[connection.template.0 as usize], response, recorder);
                *cache = TemplateCache { status: response.status, http10: response.http10, leaf: Some(leaf) };
                leaf
            }
        };
        recorder.record_exchange(leaf, timing(connection, at), count);
        record_opening(connection, leaf, recorder);
        connection.reused = true;
        connection.awaited -= count;
        let is_over = connection.awaited == 0;
        let keeps = response.keep_alive && !self.settings.no_connection_reuse;
        if !is_over {
            if keeps {
                let is_head = self.templates[connection.template.0 as usize].is_head;
                connection.parser.begin(is_head, Keep::Nothing);
            } else {
                // The peer ends the connection; it has not read the rest (RFC 9112 §9.6).
                self.lost_unanswered(conn, &Failure::Lost(Lost::Ended), at, recorder);
            }
            return;
        }
        let vu = VuId(connection.vu);
        let host = connection.host;
        self.vus[vu.0 as usize].conn = None;
        // Bytes that nobody asked for: the connection cannot be trusted any more.
        if keeps && nothing_follows {
            connection.phase = Phase::Idle;
            self.vus[vu.0 as usize].pool.put(host, conn);
        } else {
            self.close(conn);
        }
        let step = self.vus[vu.0 as usize].program.resume(Answer::Response { status: response.status });
        self.carry_out(vu, step, at, recorder);
    }

    fn on_lost(&mut self, conn: ConnId, at: Instant, why: Lost, recorder: &mut Recorder) {
        let connection = &mut self.connections[conn.0 as usize];
        match connection.phase {
            Phase::Free | Phase::Closing => {}
            Phase::Idle => self.drop_idle(conn),
            Phase::Connecting => self.fail_exchange(conn, &Failure::Lost(why), at, recorder),
            Phase::Busy => {
                if !connection.parser.is_idle() {
                    return self.lost_within(conn, why, at, recorder);
                }
                self.lost_unanswered(conn, &Failure::Lost(why), at, recorder);
            }
        }
    }

    /// The connection ended within a response: that completes one whose end is the connection's.
    fn lost_within(&mut self, conn: ConnId, why: Lost, at: Instant, recorder: &mut Recorder) {
        if why != Lost::Ended {
            return self.fail_exchange(conn, &Failure::Lost(why), at, recorder);
        }
        match self.connections[conn.0 as usize].parser.on_end() {
            Parsed::Complete(response) => self.answered(conn, response, 1, true, at, recorder),
            Parsed::Failed(error) => self.fail_exchange(conn, &Failure::Response(error), at, recorder),
            Parsed::NeedMore => unreachable!("the end leaves nothing to wait for"),
        }
    }

    /// The connection ended with requests unanswered. One that had answered before may just have
    /// been closed by the peer as idle: the requests are sent again, as Go's client does for
    /// methods that may be repeated.
    fn lost_unanswered(&mut self, conn: ConnId, failure: &Failure, at: Instant, recorder: &mut Recorder) {
        let connection = &self.connections[conn.0 as usize];
        let template = connection.template;
        let retries = connection.reused && self.templates[template.0 as usize].replayable;
        if !retries {
            return self.fail_exchange(conn, failure, at, recorder);
        }
        let (vu, requests, deadline) = (VuId(connection.vu), connection.awaited, connection.deadline);
        self.resent_requests += u64::from(requests);
        self.close(conn);
        self.vus[vu.0 as usize].conn = None;
        self.want(vu, Wanted { template, requests, since: at, deadline, address: None });
    }

    /// The exchange on this connection has no (further) answer.
    fn fail_exchange(&mut self, conn: ConnId, failure: &Failure, at: Instant, recorder: &mut Recorder) {
        let connection = &mut self.connections[conn.0 as usize];
        let (vu, awaited) = (VuId(connection.vu), connection.awaited);
        let timing = match connection.phase {
            Phase::Busy => timing(connection, at),
            _ => NO_TIMING,
        };
        let template = connection.template;
        let leaf = self.record_failure(template, failure, timing, awaited, recorder);
        let connection = &mut self.connections[conn.0 as usize];
        if connection.phase == Phase::Busy {
            record_opening(connection, leaf, recorder);
        }
        self.close(conn);
        self.vus[vu.0 as usize].conn = None;
        self.fail_program(vu, failure, at, recorder);
    }

    /// The exchange of a VU that waits for a connection has no answer.
    fn fail_unsent(&mut self, vu: VuId, failure: &Failure, at: Instant, recorder: &mut Recorder) {
        let Some(wanted) = self.vus[vu.0 as usize].wanted.take() else { return };
        self.record_failure(wanted.template, failure, NO_TIMING, wanted.requests, recorder);
        self.fail_program(vu, failure, at, recorder);
    }

    fn fail_program(&mut self, vu: VuId, failure: &Failure, at: Instant, recorder: &mut Recorder) {
        let error_code = failure.described().code;
        let step = self.vus[vu.0 as usize].program.resume(Answer::Failed { error_code });
        self.carry_out(vu, step, at, recorder);
    }

    fn record_failure(
        &mut self,
        template: TemplateId,
        failure: &Failure,
        timing: ExchangeTiming,
        count: u32,
        recorder: &mut Recorder,
    ) -> LeafId {
        let error_code::Failure { code, text } = failure.described();
        let mut tags = self.templates[template.0 as usize].tags.clone();
        tags.status = 0;
        tags.error_code = code;
        tags.error = text.into_owned();
        tags.expected_response = Some(false);
        let leaf = recorder.exchange_leaf(&tags);
        recorder.record_exchange(leaf, timing, count);
        leaf
    }

    fn drop_idle(&mut self, conn: ConnId) {
        let vu = self.connections[conn.0 as usize].vu;
        self.vus[vu as usize].pool.remove(conn);
        if self.connections[conn.0 as usize].phase == Phase::Idle {
            self.close(conn);
        }
    }

    #[inline]
    fn close(&mut self, conn: ConnId) {
        self.connections[conn.0 as usize].phase = Phase::Closing;
        self.asks.push_back(Ask::Close { conn });
    }
}

impl<P> Vu<P> {
    /// k6 emits the bytes of a VU at the end of each iteration, cut short or not.
    #[inline]
    fn flush_data(&mut self, recorder: &mut Recorder) {
        let sent = std::mem::take(&mut self.data_sent);
        let received = std::mem::take(&mut self.data_received);
        recorder.add_data(self.leaf, sent, received);
    }
}

const NO_TIMING: ExchangeTiming = ExchangeTiming { sending_ns: 0, waiting_ns: 0, receiving_ns: 0 };

/// k6's timings of what a busy connection has done until `at`. Without a first byte all the time
/// after sending was waiting.
#[inline]
fn timing(connection: &Connection, at: Instant) -> ExchangeTiming {
    let first_byte_at = if connection.parser.is_idle() { at } else { connection.first_byte_at };
    ExchangeTiming {
        sending_ns: connection.sent_at.since(connection.sent_from),
        waiting_ns: first_byte_at.since(connection.sent_at),
        receiving_ns: at.since(first_byte_at),
    }
}

/// The first outcome on a new connection carries what opening it cost.
#[inline]
fn record_opening(connection: &mut Connection, leaf: LeafId, recorder: &mut Recorder) {
    if connection.fresh {
        connection.fresh = false;
        let blocked_ns = connection.connected_at.since(connection.wanted_at);
        let connecting_ns = connection.connected_at.since(connection.connect_from);
        recorder.record_connection(leaf, blocked_ns, connecting_ns, 0);
    }
}

/// The leaf of a response with this status: k6's default is to expect 200 to 399.
fn leaf_of(template: &Template, response: Response, recorder: &mut Recorder) -> LeafId {
    let mut tags = template.tags.clone();
    tags.status = response.status;
    tags.proto = if response.http10 { "HTTP/1.0" } else { "HTTP/1.1" }.to_owned();
    tags.error_code = error_code::of_status(response.status);
    tags.expected_response = Some((200..=399).contains(&response.status));
    recorder.exchange_leaf(&tags)
}
