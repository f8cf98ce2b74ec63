//! Connections that speak TLS: the handshake before the first request, ciphertext around each.
//!
//! `exchange` and `requests` know plaintext only; what differs for these connections is here. Bytes
//! of the VU are counted as the transport moves them: ciphertext, handshakes included.

use super::Vus;
use super::connection::Phase;
use super::failure::Failure;
use crate::http::ParseError;
use crate::metrics::Recorder;
use crate::script::Program;
use crate::time::Instant;
use crate::tls::ClientLink;
use crate::wire::{Ask, ConnId, Lost, Payload};

/// TLS of one connection.
pub struct Secured {
    pub link: ClientLink,
    /// When the handshake was over: received or, if ours was the last word, sent.
    pub agreed_at: Instant,
}

impl<P: Program> Vus<P> {
    /// Begins the handshake on a connection that was just made.
    pub(super) fn shake_hands(&mut self, conn: ConnId, at: Instant, recorder: &mut Recorder) {
        let connection = &mut self.connections[conn.0 as usize];
        connection.phase = Phase::Handshaking;
        match self.tls.link(connection.vu, self.hosts.name(connection.host)) {
            Ok(link) => {
                connection.tls = Some(Box::new(Secured { link, agreed_at: Instant::ZERO }));
                self.arm_deadline(conn);
                self.send_ciphertext(conn);
            }
            Err(failure) => self.fail_exchange(conn, &Failure::Tls(failure), at, recorder),
        }
    }

    /// Encrypts a request and sends it as soon as the connection is free to.
    pub(super) fn send_secured(&mut self, conn: ConnId, payload: &Payload) {
        let Some(tls) = &mut self.connections[conn.0 as usize].tls else { unreachable!("it speaks TLS") };
        tls.link.write(payload.as_slice());
        self.send_ciphertext(conn);
    }

    fn send_ciphertext(&mut self, conn: ConnId) {
        let Some(tls) = &mut self.connections[conn.0 as usize].tls else { return };
        if let Some(bytes) = tls.link.poll_send() {
            self.asks.push_back(Ask::Send { conn, payload: Payload::Owned(bytes) });
        }
    }

    pub(super) fn on_ciphertext_sent(&mut self, conn: ConnId, from: Instant, at: Instant) {
        let connection = &mut self.connections[conn.0 as usize];
        let Some(tls) = &mut connection.tls else { return };
        let sent = tls.link.on_sent();
        self.vus[connection.vu as usize].data_sent += sent.bytes;
        if sent.carried && connection.phase == Phase::Busy {
            connection.sent_from = from;
            connection.sent_at = at;
            self.flight.on_sent(connection.awaited, from);
        }
        self.send_ciphertext(conn);
        self.agree(conn, at);
    }

    /// What comes is ciphertext: of the handshake, of answers, or for rustls alone.
    pub(super) fn on_ciphertext(&mut self, conn: ConnId, at: Instant, bytes: &[u8], recorder: &mut Recorder) {
        let connection = &mut self.connections[conn.0 as usize];
        let Some(tls) = &mut connection.tls else { return };
        self.vus[connection.vu as usize].data_received += bytes.len() as u64;
        let taken = tls.link.on_ciphertext(bytes, &mut self.tls_buffers);
        let has_ended = tls.link.has_ended();
        self.send_ciphertext(conn);
        self.agree(conn, at);
        if !self.tls_buffers.plain.is_empty() {
            let plain = std::mem::take(&mut self.tls_buffers.plain);
            self.read(conn, at, &plain, recorder);
            self.tls_buffers.plain = plain;
        }
        match taken {
            Ok(()) if has_ended => self.on_lost(conn, at, Lost::Ended, recorder),
            Ok(()) => {}
            Err(failure) => match self.connections[conn.0 as usize].phase {
                Phase::Idle => self.drop_idle(conn),
                Phase::Handshaking | Phase::Busy => {
                    self.fail_exchange(conn, &Failure::Tls(failure), at, recorder);
                }
                Phase::Free | Phase::Connecting | Phase::Closing => {}
            },
        }
    }

    /// Sends the first request once the handshake is over. As in Go, our last word of it is a
    /// sending of its own, and belongs to the handshake's time.
    fn agree(&mut self, conn: ConnId, at: Instant) {
        let connection = &mut self.connections[conn.0 as usize];
        let Some(tls) = connection.tls.as_mut().filter(|_| connection.phase == Phase::Handshaking) else {
            return;
        };
        if tls.link.is_open() {
            tls.agreed_at = at;
            connection.tls_version = tls.link.version();
            self.send(conn);
        }
    }

    /// An end within a record is none in good order; at its border it counts as one, as in Go.
    pub(super) fn lost_as(&self, conn: ConnId, why: Lost) -> Failure {
        match &self.connections[conn.0 as usize].tls {
            Some(tls) if why == Lost::Ended && tls.link.is_within_record() => {
                Failure::Response(ParseError::UnexpectedEof)
            }
            _ => Failure::Lost(why),
        }
    }
}
