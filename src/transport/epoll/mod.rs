//! TCP over epoll(7): edge-triggered, for kernels and containers that forbid io_uring.
//!
//! Same slots and stamps as `uring`; a reception is one recv(2) into a shared buffer.
//!
//! Invariants
//! P1. A descriptor is registered once, with slot and generation as the token, and closed exactly
//!     once by `finish_close` or `Drop`; closing it removes it from the epoll set (epoll(7)).
//! P2. Edge-triggered: a socket is read until a reception is shorter than the buffer, or EAGAIN;
//!     once the peer has ended its side, until that end is read.
#![allow(unsafe_code)]

use crate::sys::clock::Clock;
use crate::sys::socket::{ClientSocket, Path, may_meet_itself, met_itself, path};
use crate::sys::wake::Waker;
use crate::time::Instant;
use crate::transport::{SocketConfig, Transport, Wait};
use crate::wire::{Ask, ConnId, Event, Lost, Op, Payload};
use socket2::{SockAddr, Socket};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// Sends made between two readings of the clock; see `uring::SENDS_AT_ONCE`.
const SENDS_AT_ONCE: usize = 32;
/// Small, so that a connection is answered while its lines are hot.
const EVENTS_AT_ONCE: usize = 64;
const BUFFER: usize = 64 * 1024;
/// Thrown away in one call: recv(2) returns an int.
const DISCARD_MAX: u64 = 1 << 30;
/// Accepted in one go before other events get their turn.
const ACCEPTS_AT_ONCE: usize = 64;

const TOKEN_WAKER: u64 = u64::MAX;
const TOKEN_LISTENER: u64 = u64::MAX - 1;

#[derive(Default)]
struct Slot {
    socket: Option<Socket>,
    connecting: bool,
    /// See `sys::socket::may_meet_itself`.
    may_meet_itself: bool,
    /// The rest of a send that the socket buffer did not take at once.
    unsent: Option<Unsent>,
    /// Bytes to throw away before anything is handed out (W6).
    discard: u64,
    /// Tells events of an earlier connection in this slot from those of the present one.
    generation: u32,
}

struct Unsent {
    payload: Payload,
    written: usize,
    from: Instant,
}

enum Ready {
    Connected(Instant),
    Accepted(Instant),
    Sent { from: Instant, at: Instant },
    Lost { at: Instant, why: Lost },
    Closed,
}

/// A socket that may have something to read.
#[derive(Clone, Copy)]
struct Readable {
    conn: ConnId,
    generation: u32,
    /// The peer has ended its side: read until the end is seen.
    ended: bool,
}

pub struct Epoll {
    epoll: OwnedFd,
    clock: Clock,
    config: ClientSocket,
    listener: Option<Socket>,
    /// The listener may hold more connections than the last turn accepted.
    accept_more: bool,
    waker: Waker,
    slots: Vec<Slot>,
    free: Vec<u32>,
    ready: VecDeque<(ConnId, Ready)>,
    readable: VecDeque<Readable>,
    sends: Vec<(ConnId, Payload)>,
    events: Vec<libc::epoll_event>,
    buffer: Box<[u8]>,
    reaped_at: Instant,
}

impl Epoll {
    pub fn new(config: SocketConfig) -> io::Result<Epoll> {
        // SAFETY: no pointers; the result is checked before it is owned.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` is new and owned by nobody else.
        let epoll = unsafe { OwnedFd::from_raw_fd(fd) };
        let mut slots = Vec::new();
        slots.resize_with(config.connections as usize, Slot::default);
        let this = Epoll {
            epoll,
            clock: config.clock,
            config: config.socket,
            listener: config.listener,
            accept_more: false,
            waker: config.waker,
            slots,
            free: (0..config.connections).rev().collect(),
            ready: VecDeque::new(),
            readable: VecDeque::new(),
            sends: Vec::with_capacity(SENDS_AT_ONCE),
            events: Vec::with_capacity(EVENTS_AT_ONCE),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            reaped_at: Instant::ZERO,
        };
        let level = libc::EPOLLIN as u32;
        this.register(this.waker.raw_fd(), level, TOKEN_WAKER)?;
        if let Some(listener) = &this.listener {
            this.register(listener.as_raw_fd(), level, TOKEN_LISTENER)?;
        }
        Ok(this)
    }

    fn register(&self, fd: i32, events: u32, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events, u64: token };
        // SAFETY: `event` is a live local.
        let result = unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &mut event) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    fn watch(&mut self, conn: ConnId, socket: Socket, connecting: bool) -> io::Result<()> {
        let edges = libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET;
        let generation = self.slots[conn.0 as usize].generation;
        let token = ((generation as u64) << 32) | conn.0 as u64;
        self.register(socket.as_raw_fd(), edges as u32, token)?;
        let slot = &mut self.slots[conn.0 as usize];
        slot.socket = Some(socket);
        slot.connecting = connecting;
        Ok(())
    }

    fn connect(&mut self, conn: ConnId, target: SocketAddr, local: Option<IpAddr>) {
        let begun = self.config.open(target, local).and_then(|socket| {
            match socket.connect(&SockAddr::from(target)) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
                // As the ring reports it: a connection that failed, not a socket we lack.
                Err(error) => return Ok(Err(error)),
            }
            self.slots[conn.0 as usize].may_meet_itself = may_meet_itself(target);
            self.watch(conn, socket, true).map(Ok)
        });
        let why = match begun {
            Ok(Ok(())) => return,
            Ok(Err(error)) => Lost::Failed { op: Op::Dial, errno: error.raw_os_error().unwrap_or(0) },
            Err(error) => Lost::NoSocket { errno: error.raw_os_error().unwrap_or(0) },
        };
        let at = self.clock.now();
        self.ready.push_back((conn, Ready::Lost { at, why }));
    }

    fn finish_close(&mut self, conn: ConnId) {
        let slot = &mut self.slots[conn.0 as usize];
        let generation = slot.generation.wrapping_add(1);
        // Dropping the socket closes the descriptor (P1).
        *slot = Slot { generation, ..Slot::default() };
        self.free.push(conn.0);
        self.ready.push_back((conn, Ready::Closed));
    }

    /// Writes what the socket takes; answers whether the payload is done.
    fn write(&mut self, conn: ConnId, payload: &Payload, written: usize) -> Result<usize, i32> {
        let Some(socket) = &self.slots[conn.0 as usize].socket else { return Err(libc::EPIPE) };
        let rest = &payload.as_slice()[written..];
        match socket.send_with_flags(rest, libc::MSG_NOSIGNAL) {
            Ok(count) => Ok(written + count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(written),
            Err(error) => Err(error.raw_os_error().unwrap_or(libc::EIO)),
        }
    }

    fn continue_send(&mut self, conn: ConnId) {
        let Some(unsent) = self.slots[conn.0 as usize].unsent.take() else { return };
        let at = self.reaped_at;
        match self.write(conn, &unsent.payload, unsent.written) {
            Ok(written) if written == unsent.payload.len() => {
                self.ready.push_back((conn, Ready::Sent { from: unsent.from, at }));
            }
            Ok(written) => self.slots[conn.0 as usize].unsent = Some(Unsent { written, ..unsent }),
            Err(errno) => {
                let why = Lost::Failed { op: Op::Write, errno };
                self.ready.push_back((conn, Ready::Lost { at, why }));
            }
        }
    }

    fn on_ready(&mut self, event: libc::epoll_event) {
        match event.u64 {
            TOKEN_WAKER => return self.waker.drain(),
            TOKEN_LISTENER => {
                self.accept_more = true;
                return;
            }
            _ => {}
        }
        let (conn, generation) = (ConnId(event.u64 as u32), (event.u64 >> 32) as u32);
        let slot = &mut self.slots[conn.0 as usize];
        if slot.generation != generation {
            return;
        }
        let Some(socket) = &slot.socket else { return };
        if slot.connecting {
            // SO_ERROR tells how connect(2) went, once the socket is writable or broken.
            let outcome = socket.take_error().ok().flatten();
            slot.connecting = false;
            let errno = match outcome {
                None if slot.may_meet_itself && met_itself(socket) => libc::ECONNREFUSED,
                None => 0,
                Some(error) => error.raw_os_error().unwrap_or(libc::EIO),
            };
            let ready = match errno {
                0 => Ready::Connected(self.reaped_at),
                errno => Ready::Lost { at: self.reaped_at, why: Lost::Failed { op: Op::Dial, errno } },
            };
            let failed = matches!(ready, Ready::Lost { .. });
            self.ready.push_back((conn, ready));
            if failed {
                return;
            }
        }
        if event.events & libc::EPOLLOUT as u32 != 0 {
            self.continue_send(conn);
        }
        let readable = libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR;
        if event.events & readable as u32 != 0 {
            let ended = event.events & !(libc::EPOLLIN | libc::EPOLLOUT) as u32 != 0;
            self.readable.push_back(Readable { conn, generation, ended });
        }
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTS_AT_ONCE {
            if self.free.is_empty() {
                return;
            }
            let Some(listener) = &self.listener else { return };
            // SAFETY: no address is asked for; the result is checked before it is owned.
            let fd = unsafe {
                libc::accept4(
                    listener.as_raw_fd(),
                    std::ptr::null_mut(),
                    std::ptr::null_mut(),
                    libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
                )
            };
            if fd < 0 {
                self.accept_more = false;
                return;
            }
            // SAFETY: `fd` is new and owned by nobody else.
            let socket = unsafe { Socket::from_raw_fd(fd) };
            let Some(conn) = self.open() else { return };
            match self.watch(conn, socket, false) {
                Ok(()) => self.ready.push_back((conn, Ready::Accepted(self.reaped_at))),
                Err(_) => self.free.push(conn.0),
            }
        }
    }

    fn sleep(&mut self, timeout_ns: u64) {
        let timeout = libc::timespec {
            tv_sec: (timeout_ns / 1_000_000_000) as libc::time_t,
            tv_nsec: (timeout_ns % 1_000_000_000) as libc::c_long,
        };
        self.events.clear();
        // SAFETY: `events` has room for EVENTS_AT_ONCE entries; `timeout` is a live local.
        let count = unsafe {
            let fd = self.epoll.as_raw_fd();
            let events = self.events.as_mut_ptr();
            let null = std::ptr::null::<libc::sigset_t>();
            let waited = libc::syscall(
                libc::SYS_epoll_pwait2,
                fd,
                events,
                EVENTS_AT_ONCE,
                &raw const timeout,
                null,
                0,
            );
            match waited {
                // Before 5.11: whole milliseconds, rounded up so that a deadline is not spun for.
                -1 if *libc::__errno_location() == libc::ENOSYS => {
                    let ms = timeout_ns.div_ceil(1_000_000).min(i32::MAX as u64) as i32;
                    libc::epoll_wait(fd, events, EVENTS_AT_ONCE as i32, ms) as i64
                }
                count => count,
            }
        };
        // SAFETY: the kernel filled `count` entries.
        unsafe { self.events.set_len(count.max(0) as usize) };
    }
}

impl Transport for Epoll {
    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn open(&mut self) -> Option<ConnId> {
        self.free.pop().map(ConnId)
    }

    fn submit(&mut self, ask: Ask) {
        match ask {
            Ask::Send { conn, payload } => {
                self.sends.push((conn, payload));
                if self.sends.len() >= SENDS_AT_ONCE {
                    self.flush();
                }
            }
            Ask::Connect { conn, target, local } => self.connect(conn, target, local),
            Ask::Discard { conn, bytes } => self.slots[conn.0 as usize].discard = bytes,
            Ask::Close { conn } => {
                self.flush();
                self.finish_close(conn);
            }
        }
    }

    fn flush(&mut self) {
        if self.sends.is_empty() {
            return;
        }
        let mut sends = std::mem::take(&mut self.sends);
        let first_ready = self.ready.len();
        let before = self.clock.now();
        for (conn, payload) in sends.drain(..) {
            match self.write(conn, &payload, 0) {
                Ok(written) if written == payload.len() => {
                    self.ready.push_back((conn, Ready::Sent { from: before, at: before }));
                }
                Ok(written) => {
                    self.slots[conn.0 as usize].unsent = Some(Unsent { payload, written, from: before });
                }
                Err(errno) => {
                    let why = Lost::Failed { op: Op::Write, errno };
                    self.ready.push_back((conn, Ready::Lost { at: before, why }));
                }
            }
        }
        // As in `uring`: the stamps of a batch are interpolated between two readings of the clock.
        let count = (self.ready.len() - first_ready).max(1) as u64;
        let each_ns = self.clock.now().since(before) / count;
        for (position, (_, ready)) in self.ready.iter_mut().skip(first_ready).enumerate() {
            if let Ready::Sent { from, at } = ready {
                *from = before.plus_ns(each_ns * position as u64);
                *at = from.plus_ns(each_ns);
            }
        }
        self.sends = sends;
    }

    fn wait(&mut self, wait: Wait) {
        self.flush();
        if !self.readable.is_empty() {
            return;
        }
        let timeout_ns = match wait {
            _ if !self.ready.is_empty() || self.accept_more => 0,
            Wait::No => 0,
            Wait::Until(until) | Wait::Batch { until, .. } => until.since(self.clock.now()),
        };
        self.sleep(timeout_ns);
        self.reaped_at = self.clock.now();
        for index in 0..self.events.len() {
            self.on_ready(self.events[index]);
        }
        if self.accept_more {
            self.accept();
        }
    }

    fn paths(&self, count: usize) -> Vec<Path> {
        let connected = self.slots.iter().filter(|slot| !slot.connecting);
        let sockets = connected.filter_map(|slot| slot.socket.as_ref());
        sockets.filter_map(|socket| path(socket.as_fd())).take(count).collect()
    }

    fn next_event(&mut self) -> Option<(ConnId, Event<'_>)> {
        if let Some((conn, ready)) = self.ready.pop_front() {
            let event = match ready {
                Ready::Connected(at) => Event::Connected { at },
                Ready::Accepted(at) => Event::Accepted { at },
                Ready::Sent { from, at } => Event::Sent { from, at },
                Ready::Lost { at, why } => Event::Lost { at, why },
                Ready::Closed => Event::Closed,
            };
            return Some((conn, event));
        }
        loop {
            let readable = self.readable.pop_front()?;
            let Readable { conn, generation, .. } = readable;
            let slot = &self.slots[conn.0 as usize];
            if slot.generation != generation {
                continue;
            }
            let Some(socket) = &slot.socket else { continue };
            let discard = slot.discard;
            let (pointer, len, flags) = match discard {
                0 => (self.buffer.as_mut_ptr(), BUFFER, 0),
                // With MSG_TRUNC a stream socket drops the bytes and only counts them (tcp(7)).
                bytes => (std::ptr::null_mut(), bytes.min(DISCARD_MAX) as usize, libc::MSG_TRUNC),
            };
            // SAFETY: `buffer` is live and BUFFER bytes long; with MSG_TRUNC nothing is written.
            let count = unsafe { libc::recv(socket.as_raw_fd(), pointer.cast(), len, flags) };
            let at = self.reaped_at;
            match count {
                0 => return Some((conn, Event::Lost { at, why: Lost::Ended })),
                count if count > 0 && discard > 0 => {
                    let bytes = count as u64;
                    self.slots[conn.0 as usize].discard -= bytes;
                    // Whether that was all cannot be told from a count that is as asked (P2).
                    self.readable.push_front(readable);
                    return Some((conn, Event::Discarded { at, bytes }));
                }
                count if count > 0 => {
                    let count = count as usize;
                    if count == BUFFER || readable.ended {
                        self.readable.push_front(readable);
                    }
                    return Some((conn, Event::Received { at, bytes: &self.buffer[..count] }));
                }
                _ => {
                    let errno = io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
                    if errno != libc::EAGAIN && errno != libc::EINTR {
                        let why = Lost::Failed { op: Op::Read, errno };
                        return Some((conn, Event::Lost { at, why }));
                    }
                }
            }
        }
    }
}
