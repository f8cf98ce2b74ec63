//! TCP over io_uring: multishot receive into provided buffers, plain sends without completions.
//!
//! Invariants
//! K1. Bytes named by a submitted send outlive it: shared payloads are `'static`, owned ones stay
//!     in their slot until the send's completion.
//! K2. A slot is given out again only when its descriptor is closed and every tracked operation
//!     (connect, receive, owned send) has completed; completions of untracked ones (shared sends,
//!     which complete only on failure) carry a generation and are ignored once it is over.
//! K3. The ring is dropped before the buffers and payloads it may still write to or read.
#![allow(unsafe_code)]

mod buffers;
mod ring;

use crate::sys::clock::Clock;
use crate::sys::socket::{ClientSocket, Path, may_meet_itself, met_itself, path};
use crate::sys::wake::Waker;
use crate::time::Instant;
use crate::transport::{SocketConfig, Transport, Wait};
use crate::wire::{Ask, ConnId, Event, Lost, Op, Payload};
use buffers::Buffers;
use io_uring::{cqueue, opcode, squeue, types};
use ring::{Completion, Ring, Setup};
use socket2::{SockAddr, Socket};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, RawFd};

/// Sends submitted at once. More of them push the lines of the first connections out of the cache
/// before their responses are read; the kernel delivers in batches of the same order.
const SENDS_AT_ONCE: usize = 32;
/// Completions handled in one turn, for kernels that deliver any number at once.
const COMPLETIONS_AT_ONCE: usize = 64;
const SUBMISSIONS: u32 = 256;
/// A shared payload up to this length goes without a completion: it fits any socket buffer, so it
/// is written when it is submitted. A longer one may wait for the peer, and is tracked.
const UNTRACKED_MAX: u32 = 16 * 1024;
/// Thrown away in one go: results are 32 bits wide.
const DISCARD_MAX: u64 = 1 << 30;

/// What `user_data` says an entry was: kind (4 bits), generation (28 bits), slot (32 bits).
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Receive = 0,
    SendShared = 1,
    SendOwned = 2,
    Connect = 3,
    Cancel = 4,
    Accept = 5,
    Wake = 6,
    Discard = 7,
}

const GENERATION_MASK: u32 = (1 << 28) - 1;

fn user_data(kind: Kind, generation: u32, slot: u32) -> u64 {
    ((kind as u64) << 60) | ((generation as u64) << 32) | slot as u64
}

struct Slot {
    fd: RawFd,
    generation: u32,
    /// Tracked operations under way (K2).
    pending: u8,
    receiving: bool,
    closing: bool,
    /// Bytes of untracked sends; above `UNTRACKED_MAX` one of them may still wait for the peer.
    untracked: u64,
    /// Bytes to throw away before anything is handed out (W6).
    discard: u64,
    /// See `sys::socket::may_meet_itself`.
    may_meet_itself: bool,
    /// In use by its owner, from `open` to `Closed`.
    taken: bool,
    /// The payload of a tracked send (K1), and when its entry was submitted.
    sending: Option<Payload>,
    send_from: Instant,
}

/// An event that did not come with bytes.
enum Ready {
    Connected(Instant),
    Accepted(Instant),
    Sent { from: Instant, at: Instant },
    Discarded { at: Instant, bytes: u64 },
    Lost { at: Instant, why: Lost },
    Closed,
}

pub struct Uring {
    // Dropped in this order (K3).
    ring: Ring,
    buffers: Buffers,
    slots: Vec<Slot>,
    free: Vec<u32>,
    clock: Clock,
    socket: ClientSocket,
    listener: Option<Socket>,
    waker: Waker,
    waker_armed: bool,
    accept_armed: bool,
    /// Addresses connected to so far: few, and the kernel reads them at submission.
    addresses: HashMap<SocketAddr, Box<SockAddr>>,
    ready: VecDeque<(ConnId, Ready)>,
    batch: Vec<Completion>,
    batch_next: usize,
    reaped_at: Instant,
    /// Shared sends of the submission being built: slot and position among all its entries.
    sends: Vec<(ConnId, u32)>,
    /// Receives to arm again: the provided buffers had run out.
    starved: Vec<ConnId>,
    /// Buffer lent out with the last event.
    lent: Option<u16>,
    /// A reception whose first bytes were discarded; see `Happened::Bytes`.
    held: Option<(ConnId, u16, usize, usize)>,
}

impl Uring {
    /// Fails where io_uring, multishot receive or provided buffers are not to be had.
    pub fn new(config: SocketConfig) -> io::Result<Uring> {
        let completions = (config.connections.max(64) * 4).next_power_of_two();
        let ring = Ring::new(SUBMISSIONS, completions)?;
        let buffers = Buffers::register(&ring.submitter())?;
        if !supports_multishot_receive(&ring)? {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "no multishot receive (Linux 6.0)"));
        }
        Ok(Uring {
            ring,
            buffers,
            slots: Vec::new(),
            free: Vec::new(),
            clock: config.clock,
            socket: config.socket,
            listener: config.listener,
            waker: config.waker,
            waker_armed: false,
            accept_armed: false,
            addresses: HashMap::new(),
            ready: VecDeque::new(),
            batch: Vec::with_capacity(COMPLETIONS_AT_ONCE),
            batch_next: 0,
            reaped_at: Instant::ZERO,
            sends: Vec::with_capacity(SENDS_AT_ONCE),
            starved: Vec::new(),
            lent: None,
            held: None,
        }
        .with_slots(config.connections))
    }

    fn with_slots(mut self, connections: u32) -> Uring {
        self.slots.reserve_exact(connections as usize);
        for _ in 0..connections {
            self.slots.push(Slot {
                fd: -1,
                generation: 0,
                pending: 0,
                receiving: false,
                closing: false,
                untracked: 0,
                discard: 0,
                may_meet_itself: false,
                taken: false,
                sending: None,
                send_from: Instant::ZERO,
            });
        }
        self.free = (0..connections).rev().collect();
        self
    }

    /// The set-up in force, for the banner.
    pub fn describe(&self) -> &'static str {
        match self.ring.setup() {
            Setup::DeferTaskrun => "single issuer, deferred task work, multishot receive",
            Setup::CoopTaskrun => "cooperative task work, multishot receive",
            Setup::Plain => "multishot receive",
        }
    }

    /// Queues an entry; submits first if the queue is full.
    ///
    /// # Safety
    /// Whatever the entry points to must outlive its completion (K1).
    unsafe fn push(&mut self, entry: &squeue::Entry) {
        if self.ring.is_full() {
            self.flush();
        }
        // SAFETY: the caller's promise.
        unsafe { self.ring.push(entry) };
    }

    fn connect(&mut self, conn: ConnId, target: SocketAddr, local: Option<IpAddr>) {
        match self.socket.open(target, local) {
            Ok(socket) => {
                let address =
                    self.addresses.entry(target).or_insert_with(|| Box::new(SockAddr::from(target)));
                let slot = &mut self.slots[conn.0 as usize];
                slot.fd = socket.into_raw_fd();
                slot.may_meet_itself = may_meet_itself(target);
                slot.pending += 1;
                let entry = opcode::Connect::new(types::Fd(slot.fd), address.as_ptr().cast(), address.len())
                    .build()
                    .user_data(user_data(Kind::Connect, slot.generation, conn.0));
                // SAFETY: the address is boxed and kept for the transport's life (K1).
                unsafe { self.push(&entry) };
            }
            Err(error) => {
                let why = Lost::NoSocket { errno: error.raw_os_error().unwrap_or(0) };
                let at = self.clock.now();
                self.ready.push_back((conn, Ready::Lost { at, why }));
            }
        }
    }

    fn send(&mut self, conn: ConnId, payload: Payload) {
        let slot = &mut self.slots[conn.0 as usize];
        let (pointer, len) = (payload.as_slice().as_ptr(), payload.len() as u32);
        let send = opcode::Send::new(types::Fd(slot.fd), pointer, len)
            .flags(libc::MSG_WAITALL | libc::MSG_NOSIGNAL)
            .build();
        let entry = match payload {
            Payload::Shared(_) if len <= UNTRACKED_MAX => {
                slot.untracked += u64::from(len);
                send.flags(squeue::Flags::SKIP_SUCCESS).user_data(user_data(
                    Kind::SendShared,
                    slot.generation,
                    conn.0,
                ))
            }
            payload => {
                assert!(slot.sending.is_none(), "one send at a time on slot {} (W5)", conn.0);
                slot.sending = Some(payload);
                slot.pending += 1;
                send.user_data(user_data(Kind::SendOwned, slot.generation, conn.0))
            }
        };
        // SAFETY: the bytes are `'static`, or in `slot.sending` until the completion (K1); moving
        // the Vec does not move its heap block.
        unsafe { self.push(&entry) };
        let position = self.ring.queued() as u32 - 1;
        self.sends.push((conn, position));
        if self.sends.len() >= SENDS_AT_ONCE {
            self.flush();
        }
    }

    fn arm_receive(&mut self, conn: ConnId) {
        let slot = &mut self.slots[conn.0 as usize];
        slot.receiving = true;
        slot.pending += 1;
        let entry = opcode::RecvMulti::new(types::Fd(slot.fd), buffers::GROUP).build().user_data(user_data(
            Kind::Receive,
            slot.generation,
            conn.0,
        ));
        // SAFETY: the entry names no memory of ours but the registered buffers (K3).
        unsafe { self.push(&entry) };
    }

    /// Ends the multishot receive, which would copy; `receive` goes on with MSG_TRUNC.
    fn discard(&mut self, conn: ConnId, bytes: u64) {
        let slot = &mut self.slots[conn.0 as usize];
        slot.discard = bytes;
        if slot.receiving {
            let entry = opcode::AsyncCancel::new(user_data(Kind::Receive, slot.generation, conn.0))
                .build()
                .flags(squeue::Flags::SKIP_SUCCESS)
                .user_data(user_data(Kind::Cancel, slot.generation, conn.0));
            // SAFETY: the entry names no memory.
            unsafe { self.push(&entry) };
        } else {
            self.receive(conn);
        }
    }

    /// Asks for what comes next: into buffers, or to be thrown away.
    fn receive(&mut self, conn: ConnId) {
        let slot = &mut self.slots[conn.0 as usize];
        if slot.discard == 0 {
            return self.arm_receive(conn);
        }
        slot.receiving = true;
        slot.pending += 1;
        let len = slot.discard.min(DISCARD_MAX) as u32;
        // With MSG_TRUNC a stream socket drops the bytes and only counts them (tcp(7)).
        let entry = opcode::Recv::new(types::Fd(slot.fd), std::ptr::null_mut(), len)
            .flags(libc::MSG_TRUNC)
            .build()
            .user_data(user_data(Kind::Discard, slot.generation, conn.0));
        // SAFETY: nothing is written through the pointer.
        unsafe { self.push(&entry) };
    }

    fn close(&mut self, conn: ConnId) {
        let slot = &mut self.slots[conn.0 as usize];
        debug_assert!(slot.taken && !slot.closing, "slot {} closed twice", conn.0);
        slot.closing = true;
        if slot.pending > 0 {
            let entry = opcode::AsyncCancel2::new(types::CancelBuilder::fd(types::Fd(slot.fd)).all())
                .build()
                .flags(squeue::Flags::SKIP_SUCCESS)
                .user_data(user_data(Kind::Cancel, slot.generation, conn.0));
            // SAFETY: the entry names no memory.
            unsafe { self.push(&entry) };
        } else {
            self.finish_close(conn);
        }
    }

    /// All tracked operations are over (K2): the descriptor goes, and the slot is free.
    fn finish_close(&mut self, conn: ConnId) {
        // Entries that name the descriptor must reach the kernel before it can be used anew.
        if self.ring.queued() > 0 {
            self.flush();
        }
        let slot = &mut self.slots[conn.0 as usize];
        if slot.fd >= 0 {
            // SAFETY: the descriptor came from `connect` or accept and is owned by this slot.
            let socket = unsafe { Socket::from_raw_fd(slot.fd) };
            if slot.untracked > u64::from(UNTRACKED_MAX) {
                // A send that waits for the peer has a hold of its own on the socket: this ends it.
                let _ = socket.shutdown(std::net::Shutdown::Both);
            }
        }
        slot.fd = -1;
        slot.closing = false;
        slot.receiving = false;
        slot.untracked = 0;
        slot.discard = 0;
        slot.taken = false;
        self.starved.retain(|starved| *starved != conn);
        slot.generation = (slot.generation + 1) & GENERATION_MASK;
        self.free.push(conn.0);
        self.ready.push_back((conn, Ready::Closed));
    }

    fn arm_waker_and_accept(&mut self) {
        if !self.waker_armed {
            self.waker_armed = true;
            let entry = opcode::PollAdd::new(types::Fd(self.waker.raw_fd()), libc::POLLIN as u32)
                .multi(true)
                .build()
                .user_data(user_data(Kind::Wake, 0, 0));
            // SAFETY: the entry names no memory.
            unsafe { self.push(&entry) };
        }
        if let Some(listener) = &self.listener
            && !self.accept_armed
            && !self.free.is_empty()
        {
            self.accept_armed = true;
            let entry = opcode::AcceptMulti::new(types::Fd(listener.as_raw_fd()))
                .flags(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
                .build()
                .user_data(user_data(Kind::Accept, 0, 0));
            // SAFETY: the entry names no memory.
            unsafe { self.push(&entry) };
        }
    }

    /// Turns a completion into an event; `None` if it means nothing to a connection's owner.
    fn on_completion(&mut self, completion: Completion) -> Option<(ConnId, Happened)> {
        let slot_index = completion.user_data as u32;
        let generation = (completion.user_data >> 32) as u32 & GENERATION_MASK;
        let kind = (completion.user_data >> 60) as u8;
        let conn = ConnId(slot_index);
        if kind == Kind::Receive as u8 {
            return self.on_receive(conn, generation, completion);
        }
        if kind == Kind::Discard as u8 {
            return self.on_discard(conn, completion.result);
        }
        if kind == Kind::Wake as u8 {
            self.waker.drain();
            self.waker_armed = cqueue::more(completion.flags);
            return None;
        }
        if kind == Kind::Accept as u8 {
            self.accept_armed = cqueue::more(completion.flags);
            return self.on_accept(completion.result);
        }
        if kind == Kind::Cancel as u8 || self.slots[slot_index as usize].generation != generation {
            return None;
        }
        let at = self.reaped_at;
        let slot = &mut self.slots[slot_index as usize];
        if kind == Kind::SendShared as u8 {
            let why = failed(Op::Write, completion.result);
            return (!slot.closing).then_some((conn, Happened::Plain(Ready::Lost { at, why })));
        }
        slot.pending -= 1;
        if kind == Kind::SendOwned as u8 {
            let whole = slot.sending.take().map_or(0, |payload| payload.len());
            if !slot.closing {
                let ready = match completion.result {
                    sent if sent >= 0 && sent as usize == whole => Ready::Sent { from: slot.send_from, at },
                    result => Ready::Lost { at, why: failed(Op::Write, result) },
                };
                return Some((conn, Happened::Plain(ready)));
            }
        } else if !slot.closing {
            let result = match completion.result {
                // SAFETY: the slot owns the descriptor and keeps it open past this block.
                0 if slot.may_meet_itself && met_itself(&unsafe { BorrowedFd::borrow_raw(slot.fd) }) => {
                    -libc::ECONNREFUSED
                }
                result => result,
            };
            if result == 0 {
                self.arm_receive(conn);
                return Some((conn, Happened::Plain(Ready::Connected(at))));
            }
            let why = failed(Op::Dial, result);
            return Some((conn, Happened::Plain(Ready::Lost { at, why })));
        }
        if slot.pending == 0 {
            self.finish_close(conn);
        }
        None
    }

    fn on_receive(
        &mut self,
        conn: ConnId,
        generation: u32,
        completion: Completion,
    ) -> Option<(ConnId, Happened)> {
        let buffer = cqueue::buffer_select(completion.flags);
        let slot = &mut self.slots[conn.0 as usize];
        debug_assert_eq!(slot.generation, generation, "receives are tracked (K2)");
        let more = cqueue::more(completion.flags);
        if !more {
            slot.receiving = false;
            slot.pending -= 1;
        }
        if slot.closing {
            if let Some(id) = buffer {
                self.buffers.give_back(id);
            }
            if self.slots[conn.0 as usize].pending == 0 {
                self.finish_close(conn);
            }
            return None;
        }
        let at = self.reaped_at;
        match completion.result {
            len if len > 0 => {
                let len = len as usize;
                let id = buffer.expect("a reception names its buffer");
                let skip = self.count_discarded(conn, len, at);
                if !more {
                    self.receive(conn);
                }
                if skip == len {
                    self.buffers.give_back(id);
                    return None;
                }
                Some((conn, Happened::Bytes { id, skip, len }))
            }
            0 => {
                if let Some(id) = buffer {
                    self.buffers.give_back(id);
                }
                Some((conn, Happened::Plain(Ready::Lost { at, why: Lost::Ended })))
            }
            result if result == -libc::ECANCELED => {
                // The multishot gives way to MSG_TRUNC, or to itself if all was there already.
                self.receive(conn);
                None
            }
            result if result == -libc::ENOBUFS => {
                // All buffers are lent or waiting in this batch: arm again once they are back.
                self.starved.push(conn);
                None
            }
            result => Some((conn, Happened::Plain(Ready::Lost { at, why: failed(Op::Read, result) }))),
        }
    }

    /// Of `len` bytes that were received, how many were to be discarded. Says so.
    fn count_discarded(&mut self, conn: ConnId, len: usize, at: Instant) -> usize {
        let slot = &mut self.slots[conn.0 as usize];
        let bytes = slot.discard.min(len as u64);
        if bytes > 0 {
            slot.discard -= bytes;
            self.ready.push_back((conn, Ready::Discarded { at, bytes }));
        }
        bytes as usize
    }

    fn on_discard(&mut self, conn: ConnId, result: i32) -> Option<(ConnId, Happened)> {
        let at = self.reaped_at;
        let slot = &mut self.slots[conn.0 as usize];
        slot.receiving = false;
        slot.pending -= 1;
        if slot.closing {
            if slot.pending == 0 {
                self.finish_close(conn);
            }
            return None;
        }
        match result {
            len if len > 0 => {
                self.count_discarded(conn, len as usize, at);
                self.receive(conn);
                None
            }
            0 => Some((conn, Happened::Plain(Ready::Lost { at, why: Lost::Ended }))),
            result => Some((conn, Happened::Plain(Ready::Lost { at, why: failed(Op::Read, result) }))),
        }
    }

    fn on_accept(&mut self, result: i32) -> Option<(ConnId, Happened)> {
        if result < 0 {
            // EMFILE and friends: the peer's connection waits in the backlog.
            return None;
        }
        let Some(conn) = self.open() else {
            // SAFETY: the descriptor is new and owned by nobody else.
            drop(unsafe { Socket::from_raw_fd(result) });
            return None;
        };
        self.slots[conn.0 as usize].fd = result;
        self.arm_receive(conn);
        Some((conn, Happened::Plain(Ready::Accepted(self.reaped_at))))
    }

    fn reap(&mut self) {
        self.batch.clear();
        self.batch_next = 0;
        self.ring.take_completions(&mut self.batch, COMPLETIONS_AT_ONCE);
        self.reaped_at = self.clock.now();
    }

    fn take_back_lent(&mut self) {
        if let Some(id) = self.lent.take() {
            self.buffers.give_back(id);
        }
    }
}

/// A completion as `next_event` needs it.
enum Happened {
    Plain(Ready),
    /// `len` bytes in buffer `id`, of which the first `skip` were discarded.
    Bytes {
        id: u16,
        skip: usize,
        len: usize,
    },
}

impl Transport for Uring {
    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn open(&mut self) -> Option<ConnId> {
        let index = self.free.pop()?;
        self.slots[index as usize].taken = true;
        Some(ConnId(index))
    }

    #[inline]
    fn submit(&mut self, ask: Ask) {
        match ask {
            Ask::Send { conn, payload } => self.send(conn, payload),
            Ask::Connect { conn, target, local } => self.connect(conn, target, local),
            Ask::Discard { conn, bytes } => self.discard(conn, bytes),
            Ask::Close { conn } => self.close(conn),
        }
    }

    fn flush(&mut self) {
        let entries = self.ring.queued();
        if entries == 0 {
            return;
        }
        let before = self.clock.now();
        self.ring.submit();
        if self.sends.is_empty() {
            return;
        }
        // Entries are issued one after another inside the call: stamp each by interpolation.
        let after = self.clock.now();
        let each_ns = after.since(before) / entries as u64;
        for (conn, position) in self.sends.drain(..) {
            let from = before.plus_ns(each_ns * position as u64);
            let slot = &mut self.slots[conn.0 as usize];
            if slot.sending.is_some() {
                slot.send_from = from;
            } else {
                self.ready.push_back((conn, Ready::Sent { from, at: from.plus_ns(each_ns) }));
            }
        }
    }

    fn wait(&mut self, wait: Wait) {
        self.take_back_lent();
        if self.batch_next < self.batch.len() {
            return;
        }
        while let Some(conn) = self.starved.pop() {
            let slot = &self.slots[conn.0 as usize];
            if slot.taken && !slot.closing && !slot.receiving {
                self.receive(conn);
            }
        }
        self.arm_waker_and_accept();
        self.flush();
        self.reap();
        if !self.batch.is_empty() || !self.ready.is_empty() {
            return;
        }
        match wait {
            Wait::No => self.ring.poll(),
            Wait::Until(until) => self.ring.wait(1, until.since(self.reaped_at), 0),
            Wait::Batch { until, at_least, for_ns } => {
                self.ring.wait(at_least.max(1), until.since(self.reaped_at), for_ns);
            }
        }
        self.reap();
    }

    fn paths(&self, count: usize) -> Vec<Path> {
        // Receiving: it is connected.
        let connected = self.slots.iter().filter(|slot| slot.fd >= 0 && slot.receiving && !slot.closing);
        let paths = connected.filter_map(|slot| {
            // SAFETY: the descriptor is open as long as it stands in its slot.
            path(unsafe { BorrowedFd::borrow_raw(slot.fd) })
        });
        paths.take(count).collect()
    }

    fn overflows(&self) -> u64 {
        self.ring.overflows
    }

    #[inline]
    fn next_event(&mut self) -> Option<(ConnId, Event<'_>)> {
        self.take_back_lent();
        loop {
            if let Some((conn, ready)) = self.ready.pop_front() {
                return Some((conn, ready.into_event()));
            }
            if let Some((conn, id, skip, len)) = self.held.take() {
                self.lent = Some(id);
                let bytes = &self.buffers.bytes(id, len)[skip..];
                return Some((conn, Event::Received { at: self.reaped_at, bytes }));
            }
            let completion = *self.batch.get(self.batch_next)?;
            self.batch_next += 1;
            match self.on_completion(completion) {
                Some((conn, Happened::Bytes { id, skip, len })) if skip > 0 => {
                    // `Discarded` goes first (W6): hand the bytes out after it.
                    self.held = Some((conn, id, skip, len));
                }
                Some((conn, Happened::Bytes { id, len, .. })) => {
                    self.lent = Some(id);
                    let bytes = self.buffers.bytes(id, len);
                    return Some((conn, Event::Received { at: self.reaped_at, bytes }));
                }
                Some((conn, Happened::Plain(ready))) => return Some((conn, ready.into_event())),
                None => {}
            }
        }
    }
}

impl Ready {
    fn into_event(self) -> Event<'static> {
        match self {
            Ready::Connected(at) => Event::Connected { at },
            Ready::Accepted(at) => Event::Accepted { at },
            Ready::Sent { from, at } => Event::Sent { from, at },
            Ready::Discarded { at, bytes } => Event::Discarded { at, bytes },
            Ready::Lost { at, why } => Event::Lost { at, why },
            Ready::Closed => Event::Closed,
        }
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| slot.fd >= 0) {
            // SAFETY: the descriptor is owned by this slot.
            drop(unsafe { Socket::from_raw_fd(slot.fd) });
            // The kernel cancels what is under way after this call returns (K1).
            std::mem::forget(slot.sending.take());
        }
    }
}

fn failed(op: Op, result: i32) -> Lost {
    Lost::Failed { op, errno: -result }
}

/// Multishot receive came with 6.0, together with zero-copy send, which the probe can see.
fn supports_multishot_receive(ring: &Ring) -> io::Result<bool> {
    let mut probe = io_uring::Probe::new();
    ring.submitter().register_probe(&mut probe)?;
    Ok(probe.is_supported(opcode::SendZc::CODE))
}
