//! HOW bytes move. A transport knows sockets and time, never HTTP and never a VU.
//!
//! `uring` and `epoll` drive the kernel; `sim` is a network in virtual time. Whatever loops over a
//! `Transport` is generic, and its thread (`run::thread`, `target::threads`) chooses in one `match`.

pub mod epoll;
pub mod sim;
pub mod uring;

use crate::sys::clock::Clock;
use crate::sys::socket::{ClientSocket, Path};
use crate::sys::wake::Waker;
use crate::time::Instant;
use crate::wire::{Ask, ConnId, Event};

/// How a turn of the loop waits for the next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Look, do not wait.
    No,
    /// Sleep until an event, a wake-up, or `until`.
    Until(Instant),
    /// As `Until`, but once `at_least` events can be had, or `for_ns` after the call if there is
    /// at least one; spares the peer a wake-up per response when it is the bottleneck.
    Batch { until: Instant, at_least: u32, for_ns: u32 },
}

/// Moves bytes for one worker. All calls come from the worker's thread.
pub trait Transport {
    /// Now, on this transport's clock (the machine's, or virtual time).
    fn now(&mut self) -> Instant;
    /// Takes a free slot; `None` when the stated bound of connections is reached.
    fn open(&mut self) -> Option<ConnId>;
    /// Accepts a wish; it takes effect at the latest in the next `flush`.
    fn submit(&mut self, ask: Ask);
    /// Hands all submitted wishes to the kernel.
    fn flush(&mut self);
    /// Waits for events as `wait` says. Events are then had by `next_event`.
    fn wait(&mut self, wait: Wait);
    /// How often the kernel had more to say than there was room for: what it put off came late.
    fn overflows(&self) -> u64 {
        0
    }
    /// The next event, if any; the bytes it borrows are valid until the next call.
    fn next_event(&mut self) -> Option<(ConnId, Event<'_>)>;
    /// Some of the connections, at most `count`, as the kernel sees them; none where there is no
    /// kernel.
    fn paths(&self, _count: usize) -> Vec<Path> {
        Vec::new()
    }
}

/// What a transport over sockets is made with.
pub struct SocketConfig {
    pub clock: Clock,
    /// Bound of connection slots.
    pub connections: u32,
    pub socket: ClientSocket,
    /// Accepted connections get slots too (the built-in target).
    pub listener: Option<socket2::Socket>,
    /// Wakes the wait of this transport.
    pub waker: Waker,
}
