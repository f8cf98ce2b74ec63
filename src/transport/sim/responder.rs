//! The far end of a simulated network: bytes in; bytes and delays out.

use crate::time::Instant;

/// A connection as the far end knows it: numbered in the order of the `Connect`s, never reused.
/// A slot is reused as soon as its owner closed it, while its last bytes still travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// What becomes of a connection attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Accept,
    /// As a closed port does.
    Refuse,
    /// As a firewall that drops does: the attempt is never answered.
    Ignore,
}

/// What the far end does next on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Bytes(Vec<u8>),
    /// Ends the connection in good order; nothing is read or written after it.
    Close,
    Reset,
}

/// A server in virtual time.
pub trait Responder {
    /// A connection attempt arrived.
    fn on_connect(&mut self, link: LinkId, now: Instant) -> Admission;

    /// Bytes arrived, cut anywhere. Replies are pushed to `out` with the time from `now` until
    /// they leave; those of one connection leave in the order given, here and in later calls.
    fn on_bytes(&mut self, link: LinkId, now: Instant, bytes: &[u8], out: &mut Vec<(u64, Reply)>);

    /// An accepted connection is over, whoever ended it; called once, nothing follows.
    fn on_close(&mut self, link: LinkId, now: Instant);
}
