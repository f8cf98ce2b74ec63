//! One exchange on a connection: sent, answered, lost or failed.
//!
//! The fast path. A template's requests end here; those that scripts build one by one share
//! sending and receiving, and go to `requests` for their outcome. Invariant V1 of `vu` holds here:
//! what is awaited gets its outcome before a connection leaves `Busy`. Interruption is in `vu`.

use super::connection::{Connection, Opening, Phase};
use super::failure::Failure;
use super::{VuId, Vus, Want, Wanted};
use crate::http::{Keep, ParseError, Parsed, Response};
use crate::metrics::{ExchangeTiming, LeafId, Recorder, Verdict, error_code};
use crate::options::tls::TlsVersion;
use crate::script::{Answer, Program, Template, TemplateId};
use crate::time::Instant;
use crate::wire::{Ask, ConnId, Lost, Payload};

/// Of a body with at least so many bytes to come the rest is discarded by the transport: less is
/// copied sooner than the transport changes its way of receiving.
const DISCARD_FROM: u64 = 32 * 1024;

impl<P: Program> Vus<P> {
    #[inline]
    pub(super) fn exchange(&mut self, vu: VuId, template: TemplateId, now: Instant) {
        let Template { host, requests, .. } = self.templates[template.0 as usize];
        match self.vus[vu.0 as usize].pool.take(host) {
            Some(conn) => {
                self.vus[vu.0 as usize].conn = Some(conn);
                let connection = &mut self.connections[conn.0 as usize];
                connection.template = template;
                connection.request = None;
                connection.awaited = requests;
                connection.deadline = now.plus_ns(self.settings.timeout_ns);
                self.send(conn);
            }
            None => {
                let deadline = now.plus_ns(self.settings.timeout_ns);
                self.vus[vu.0 as usize].wanted = Some(Wanted { template, requests, since: now, deadline });
                self.waiting.add(Want::Template(vu), deadline);
            }
        }
    }

    #[inline]
    pub(super) fn send(&mut self, conn: ConnId) {
        let connection = &mut self.connections[conn.0 as usize];
        connection.phase = Phase::Busy;
        // Until `Sent` comes nothing was sent: a failure before it has no timings.
        connection.sent_from = Instant::NEVER;
        connection.sent_at = Instant::NEVER;
        let payload = match connection.request {
            None => {
                let template = &self.templates[connection.template.0 as usize];
                connection.parser.begin(template.is_head, Keep::Nothing);
                Payload::Shared(match connection.awaited == template.requests {
                    true => template.bytes,
                    false => template.last(connection.awaited),
                })
            }
            Some(place) => {
                let active = self.requests.expect(place);
                connection.parser.begin(active.is_head, active.keep());
                Payload::Owned(active.take_bytes())
            }
        };
        let is_tls = connection.tls.is_some();
        self.arm_deadline(conn);
        match is_tls {
            false => self.asks.push_back(Ask::Send { conn, payload }),
            true => self.send_secured(conn, &payload),
        }
    }

    /// Sees to it that the heap has an entry at or before this connection's deadline.
    #[inline]
    pub(super) fn arm_deadline(&mut self, conn: ConnId) {
        let connection = &mut self.connections[conn.0 as usize];
        if connection.deadline < connection.heap_entry {
            connection.heap_entry = connection.deadline;
            let (at, connections) = (connection.deadline, &self.connections);
            self.deadlines.add(at, conn.0, |at, index| connections[index as usize].heap_entry == at);
        }
    }

    pub(super) fn on_connected(&mut self, conn: ConnId, at: Instant, recorder: &mut Recorder) {
        let connection = &mut self.connections[conn.0 as usize];
        if connection.phase != Phase::Connecting {
            return;
        }
        connection.connected_at = at;
        connection.deadline = connection.exchange_deadline;
        match self.hosts.is_tls(connection.host) {
            false => self.send(conn),
            true => self.shake_hands(conn, at, recorder),
        }
    }

    #[inline]
    pub(super) fn on_sent(&mut self, conn: ConnId, from: Instant, at: Instant) {
        let connection = &mut self.connections[conn.0 as usize];
        if connection.tls.is_some() {
            return self.on_ciphertext_sent(conn, from, at);
        }
        if connection.phase != Phase::Busy {
            return;
        }
        connection.sent_from = from;
        connection.sent_at = at;
        self.flight.on_sent(connection.awaited, from);
        let bytes = match connection.request {
            None => {
                let template = &self.templates[connection.template.0 as usize];
                template.bytes.len() as u64 / u64::from(template.requests) * u64::from(connection.awaited)
            }
            Some(place) => self.requests.expect(place).bytes_len,
        };
        self.vus[connection.vu as usize].data_sent += bytes;
    }

    #[inline]
    pub(super) fn on_received(&mut self, conn: ConnId, at: Instant, bytes: &[u8], recorder: &mut Recorder) {
        let connection = &mut self.connections[conn.0 as usize];
        if connection.tls.is_some() {
            return self.on_ciphertext(conn, at, bytes, recorder);
        }
        if connection.phase == Phase::Busy {
            self.vus[connection.vu as usize].data_received += bytes.len() as u64;
        }
        self.read(conn, at, bytes, recorder);
    }

    /// What comes from the peer, without the TLS around it.
    #[inline]
    pub(super) fn read(&mut self, conn: ConnId, at: Instant, bytes: &[u8], recorder: &mut Recorder) {
        match self.connections[conn.0 as usize].phase {
            Phase::Busy => {}
            // An answer nobody asked for: the connection cannot be trusted any more.
            Phase::Idle => return self.drop_idle(conn),
            Phase::Handshaking => {
                let failure = Failure::Response(ParseError::Unsolicited);
                return self.fail_exchange(conn, &failure, at, recorder);
            }
            Phase::Free | Phase::Connecting | Phase::Closing => return,
        }
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
        let connection = &self.connections[conn.0 as usize];
        match connection.parser.body_remaining() {
            // Ciphertext is of another length, and each record counts.
            Some(bytes) if bytes >= DISCARD_FROM && connection.tls.is_none() => {
                self.asks.push_back(Ask::Discard { conn, bytes })
            }
            _ => {}
        }
    }

    pub(super) fn on_discarded(&mut self, conn: ConnId, at: Instant, bytes: u64, recorder: &mut Recorder) {
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
        if let Some(place) = connection.request {
            return self.responded(conn, place, response, nothing_follows, at, recorder);
        }
        let cache = &mut self.caches[connection.template.0 as usize];
        let leaf = match cache.leaf {
            Some(leaf)
                if (cache.status, cache.http10, cache.tls_version)
                    == (response.status, response.http10, connection.tls_version) =>
            {
                leaf
            }
            _ => {
                let template = &self.templates[connection.template.0 as usize];
                let leaf = leaf_of(template, response, connection.tls_version, recorder);
                (cache.status, cache.http10) = (response.status, response.http10);
                (cache.tls_version, cache.leaf) = (connection.tls_version, Some(leaf));
                leaf
            }
        };
        recorder.record_exchange(leaf, timing(connection, at), count);
        self.flight.on_ended(count, connection.sent_from, at);
        if recorder.judges() {
            let (judged, sent_from) = (self.vus[connection.vu as usize].judged, connection.sent_from);
            judged.on_response(is_expected(response.status), sent_from, at, count, leaf, recorder);
        }
        record_opening(connection, leaf, recorder);
        connection.reused = true;
        connection.awaited -= count;
        let is_over = connection.awaited == 0;
        // An answer that came before all was sent leaves a send under way (W5): no more on this one.
        let is_sent = connection.sent_at != Instant::NEVER;
        let keeps =
            response.keep_alive && is_sent && !self.settings.no_connection_reuse && connection.lasts();
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
        self.resume(vu, Answer::Exchanged { status: response.status }, at, recorder);
    }

    pub(super) fn on_lost(&mut self, conn: ConnId, at: Instant, why: Lost, recorder: &mut Recorder) {
        let connection = &mut self.connections[conn.0 as usize];
        match connection.phase {
            Phase::Free | Phase::Closing => {}
            Phase::Idle => self.drop_idle(conn),
            Phase::Connecting => self.fail_exchange(conn, &Failure::Lost(why), at, recorder),
            Phase::Handshaking => self.fail_exchange(conn, &self.lost_as(conn, why), at, recorder),
            Phase::Busy => {
                if !connection.parser.is_idle() {
                    return self.lost_within(conn, why, at, recorder);
                }
                self.lost_unanswered(conn, &self.lost_as(conn, why), at, recorder);
            }
        }
    }

    /// The connection ended within a response: that completes one whose end is the connection's.
    fn lost_within(&mut self, conn: ConnId, why: Lost, at: Instant, recorder: &mut Recorder) {
        match self.lost_as(conn, why) {
            Failure::Lost(Lost::Ended) => {}
            failure => return self.fail_exchange(conn, &failure, at, recorder),
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
        if let Some(place) = connection.request {
            return self.request_lost_unanswered(conn, place, failure, at, recorder);
        }
        let template = connection.template;
        let retries = connection.reused && self.templates[template.0 as usize].replayable;
        if !retries {
            return self.fail_exchange(conn, failure, at, recorder);
        }
        let (vu, requests, deadline) = (VuId(connection.vu), connection.awaited, connection.deadline);
        self.resent_requests += u64::from(requests);
        self.flight.on_ended(requests, connection.sent_from, at);
        self.close(conn);
        let user = &mut self.vus[vu.0 as usize];
        user.conn = None;
        user.wanted = Some(Wanted { template, requests, since: at, deadline });
        self.waiting.add(Want::Template(vu), deadline);
    }

    /// The exchange on this connection has no (further) answer.
    pub(super) fn fail_exchange(
        &mut self,
        conn: ConnId,
        failure: &Failure,
        at: Instant,
        recorder: &mut Recorder,
    ) {
        let connection = &mut self.connections[conn.0 as usize];
        let (vu, awaited) = (VuId(connection.vu), connection.awaited);
        self.flight.on_ended(awaited, connection.sent_from, at);
        let timing = match connection.phase {
            Phase::Busy => timing(connection, at),
            _ => NO_TIMING,
        };
        if let Some(place) = connection.request {
            return self.request_failed(place, failure, timing, recorder);
        }
        let template = connection.template;
        let leaf = self.record_failure(template, failure, timing, awaited, recorder);
        if recorder.judges() {
            self.vus[vu.0 as usize].judged.on_failure(self.failed_as(conn), awaited, leaf, recorder);
        }
        let connection = &mut self.connections[conn.0 as usize];
        if matches!(connection.phase, Phase::Handshaking | Phase::Busy) {
            record_opening(connection, leaf, recorder);
        }
        self.close(conn);
        self.vus[vu.0 as usize].conn = None;
        self.resume(vu, Answer::Exchanged { status: 0 }, at, recorder);
    }

    /// The exchange of a VU that waits for a connection has no answer.
    pub(super) fn fail_unsent(
        &mut self,
        want: Want,
        failure: &Failure,
        at: Instant,
        recorder: &mut Recorder,
    ) {
        let vu = match want {
            Want::Template(vu) => vu,
            Want::Request(place) => return self.request_failed(place, failure, NO_TIMING, recorder),
        };
        let Some(wanted) = self.vus[vu.0 as usize].wanted.take() else { return };
        let leaf = self.record_failure(wanted.template, failure, NO_TIMING, wanted.requests, recorder);
        if recorder.judges() {
            let judged = self.vus[vu.0 as usize].judged;
            judged.on_failure(Verdict::Unsent, wanted.requests, leaf, recorder);
        }
        self.resume(vu, Answer::Exchanged { status: 0 }, at, recorder);
    }

    fn record_failure(
        &mut self,
        template: TemplateId,
        failure: &Failure,
        timing: ExchangeTiming,
        count: u32,
        recorder: &mut Recorder,
    ) -> LeafId {
        let cache = &mut self.caches[template.0 as usize];
        let leaf = match &cache.failure {
            Some((last, leaf)) if last == failure => *leaf,
            _ => {
                let leaf = leaf_of_failure(&self.templates[template.0 as usize], failure, recorder);
                cache.failure = Some((failure.clone(), leaf));
                leaf
            }
        };
        recorder.record_exchange(leaf, timing, count);
        leaf
    }

    pub(super) fn drop_idle(&mut self, conn: ConnId) {
        let vu = self.connections[conn.0 as usize].vu;
        self.vus[vu as usize].pool.remove(conn);
        if self.connections[conn.0 as usize].phase == Phase::Idle {
            self.close(conn);
        }
    }

    #[inline]
    pub(super) fn close(&mut self, conn: ConnId) {
        let connection = &mut self.connections[conn.0 as usize];
        connection.phase = Phase::Closing;
        connection.tls = None;
        self.asks.push_back(Ask::Close { conn });
    }
}

pub(super) const NO_TIMING: ExchangeTiming = ExchangeTiming { sending_ns: 0, waiting_ns: 0, receiving_ns: 0 };

/// k6's timings of what a busy connection has done until `at`. Without a first byte all the time
/// after sending was waiting.
#[inline]
pub(super) fn timing(connection: &Connection, at: Instant) -> ExchangeTiming {
    let first_byte_at = if connection.parser.is_idle() { at } else { connection.first_byte_at };
    ExchangeTiming {
        sending_ns: connection.sent_at.since(connection.sent_from),
        waiting_ns: first_byte_at.since(connection.sent_at),
        receiving_ns: at.since(first_byte_at),
    }
}

/// The first outcome on a new connection carries what opening it cost.
#[inline]
pub(super) fn record_opening(connection: &mut Connection, leaf: LeafId, recorder: &mut Recorder) {
    if connection.fresh {
        connection.fresh = false;
        let Opening { blocked_ns, connecting_ns, tls_handshaking_ns } = connection.opening();
        recorder.record_connection(leaf, blocked_ns, connecting_ns, tls_handshaking_ns);
    }
}

/// k6's default is to expect 200 to 399.
fn is_expected(status: u16) -> bool {
    (200..=399).contains(&status)
}

/// Whether the exchange on a connection had been put on the wire.
pub(super) fn was_sent(connection: &Connection) -> bool {
    connection.phase == Phase::Busy && connection.sent_at != Instant::NEVER
}

/// The leaf of a response with this status.
fn leaf_of(
    template: &Template,
    response: Response,
    tls_version: Option<TlsVersion>,
    recorder: &mut Recorder,
) -> LeafId {
    let mut tags = template.tags.clone();
    tags.status = response.status;
    tags.proto = if response.http10 { "HTTP/1.0" } else { "HTTP/1.1" }.to_owned();
    tags.tls_version = tls_version.map_or("", TlsVersion::name);
    tags.error_code = error_code::of_status(response.status);
    tags.expected_response = Some(is_expected(response.status));
    recorder.exchange_leaf(&tags)
}

fn leaf_of_failure(template: &Template, failure: &Failure, recorder: &mut Recorder) -> LeafId {
    let error_code::Failure { code, text } = failure.described();
    let mut tags = template.tags.clone();
    tags.status = 0;
    tags.error_code = code;
    tags.error = text.into_owned();
    tags.expected_response = Some(false);
    recorder.exchange_leaf(&tags)
}
