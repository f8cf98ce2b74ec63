//! The words between a VU (or the built-in target) and a transport.
//!
//! An `Ask` goes to the transport, an `Event` comes back; both name a connection slot. No HTTP
//! here. Rules that both sides keep:
//! W1. `Transport::open` gives a free slot; it stays taken until `Event::Closed`, which comes
//!     after the slot's `Ask::Close` and all its completions.
//! W2. After `Event::Lost` the slot is still taken: its owner answers with `Ask::Close`.
//! W3. An owned payload belongs to the transport until it was written or the slot is closed.
//! W4. Per slot, events keep their order; `Sent` comes before the first `Received` it caused.
//! W5. At most one send per slot is in flight: the next one is asked after `Sent`.
//! W6. Of the bytes that arrive after `Ask::Discard`, so many are thrown away unread; only then
//!     `Received` goes on. One such ask per slot at a time.

use crate::time::Instant;
use std::net::SocketAddr;

/// A connection slot of one transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(pub u32);

/// Bytes to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Pre-serialized once, shared by all; lives as long as the process (templates are few).
    Shared(&'static [u8]),
    /// Made for this send; the transport's until written (W3).
    Owned(Vec<u8>),
}

impl Payload {
    pub fn len(&self) -> usize {
        match self {
            Payload::Shared(bytes) => bytes.len(),
            Payload::Owned(bytes) => bytes.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn as_slice(&self) -> &[u8] {
        match self {
            Payload::Shared(bytes) => bytes,
            Payload::Owned(bytes) => bytes,
        }
    }
}

/// A wish of a connection's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Open a TCP connection, from `local` if given. Answered by `Connected` or `Lost`.
    Connect { conn: ConnId, target: SocketAddr, local: Option<std::net::IpAddr> },
    /// Write all of `payload`. Answered by `Sent` or `Lost`.
    Send { conn: ConnId, payload: Payload },
    /// Throw the next `bytes` away without reading them (a body that nobody wants). Answered by
    /// `Discarded`, once or in parts, until all of them have come.
    Discard { conn: ConnId, bytes: u64 },
    /// End the connection now, whatever is under way. Answered by `Closed`.
    Close { conn: ConnId },
}

/// Why a connection is no longer usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lost {
    /// The peer ended its side in good order (FIN).
    Ended,
    /// A system call failed with this errno during `op`.
    Failed { op: Op, errno: i32 },
    /// The local machine could not give a socket at all (EMFILE, ENFILE, ENOBUFS, …).
    NoSocket { errno: i32 },
}

/// What the transport was doing, in the words of k6's error texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Dial,
    Read,
    Write,
}

/// What happened to a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    Connected {
        at: Instant,
    },
    /// A server's listener gave a new connection in this slot.
    Accepted {
        at: Instant,
    },
    /// The whole payload was handed to the kernel between `from` and `at`.
    Sent {
        from: Instant,
        at: Instant,
    },
    /// Bytes that arrived; borrowed until the next call of the transport.
    Received {
        at: Instant,
        bytes: &'a [u8],
    },
    /// So many bytes arrived and were thrown away, as asked.
    Discarded {
        at: Instant,
        bytes: u64,
    },
    /// The connection is unusable; the owner must `Close` it (W2).
    Lost {
        at: Instant,
        why: Lost,
    },
    /// The slot is free again (W1).
    Closed,
}
