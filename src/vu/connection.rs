//! One connection of a VU and the exchange that it carries.

use super::secured::Secured;
use crate::http::ResponseParser;
use crate::options::tls::TlsVersion;
use crate::script::{HostId, TemplateId};
use crate::time::Instant;
use std::net::SocketAddr;

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The slot is not in use.
    Free,
    Connecting,
    /// Connected; TLS is being agreed on.
    Handshaking,
    /// Kept alive in its VU's pool.
    Idle,
    /// A request is being written or a response awaited.
    Busy,
    /// `Ask::Close` was given; only `Closed` counts now.
    Closing,
}

/// State of one connection slot. The fields of a busy connection come first: one or two lines.
pub struct Connection {
    pub phase: Phase,
    /// It has answered before: losing it unanswered may be the peer's idle timeout (retry).
    pub reused: bool,
    /// Its cost of opening is still to be recorded with the first answer.
    pub fresh: bool,
    /// Of a connection that speaks TLS, once it was agreed on.
    pub tls_version: Option<TlsVersion>,
    pub vu: u32,
    /// Responses of this exchange still to come.
    pub awaited: u32,
    pub template: TemplateId,
    /// The script's request that it carries, by its place; `None`: the template's.
    pub request: Option<u32>,
    pub host: HostId,
    /// Of the last send that was done; `NEVER`: none yet, so that no time counts as waiting.
    pub sent_from: Instant,
    pub sent_at: Instant,
    /// When the first byte of the response being read arrived.
    pub first_byte_at: Instant,
    /// When the exchange, or dialing for it, is given up.
    pub deadline: Instant,
    /// When its entry in `Deadlines` comes up; `NEVER`: it has none.
    pub heap_entry: Instant,
    pub parser: ResponseParser,
    /// When the exchange that had this connection opened is given up.
    pub exchange_deadline: Instant,
    /// The peer's address.
    pub remote: Option<SocketAddr>,
    /// When the VU asked for a connection, when connecting began and ended.
    pub wanted_at: Instant,
    pub connect_from: Instant,
    pub connected_at: Instant,
    /// `None`: plain HTTP.
    pub tls: Option<Box<Secured>>,
}

impl Default for Connection {
    fn default() -> Connection {
        Connection {
            phase: Phase::Free,
            reused: false,
            fresh: false,
            tls_version: None,
            vu: 0,
            awaited: 0,
            template: TemplateId(0),
            request: None,
            host: HostId(0),
            sent_from: Instant::NEVER,
            sent_at: Instant::NEVER,
            first_byte_at: Instant::ZERO,
            deadline: Instant::NEVER,
            heap_entry: Instant::NEVER,
            parser: ResponseParser::default(),
            exchange_deadline: Instant::NEVER,
            remote: None,
            wanted_at: Instant::ZERO,
            connect_from: Instant::ZERO,
            connected_at: Instant::ZERO,
            tls: None,
        }
    }
}

/// What opening a connection cost, as k6 divides it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    pub blocked_ns: u64,
    pub connecting_ns: u64,
    pub tls_handshaking_ns: u64,
}

impl Connection {
    /// Whether it can carry another exchange.
    #[inline]
    pub fn lasts(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| !tls.link.is_worn())
    }

    /// Of a connection that was made; of one whose handshake came to nothing k6 only knows how long
    /// it took to connect.
    pub fn opening(&self) -> Opening {
        let connecting_ns = self.connected_at.since(self.connect_from);
        if self.phase == Phase::Handshaking {
            return Opening { connecting_ns, ..Opening::default() };
        }
        let ready_at = self.tls.as_ref().map_or(self.connected_at, |tls| tls.agreed_at);
        Opening {
            blocked_ns: ready_at.since(self.wanted_at),
            connecting_ns,
            tls_handshaking_ns: ready_at.since(self.connected_at),
        }
    }
}
