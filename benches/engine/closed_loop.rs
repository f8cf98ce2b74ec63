//! The loop of this bench over one of our transports: send, count the response, send again.

use super::{Load, Measured, WARM_UP};
use ringload::sys::cpu;
use ringload::time::Instant;
use ringload::transport::{Transport, Wait};
use ringload::wire::{Ask, ConnId, Event, Payload};
use std::time::Duration;

struct Loop<'a, T> {
    transport: T,
    load: &'a Load,
    /// Bytes of its response that each connection still waits for.
    missing: Vec<usize>,
    connected: u32,
    requests: u64,
    /// No request after this.
    end: Instant,
}

pub fn drive<T: Transport>(transport: T, load: &Load) -> Measured {
    let missing = vec![0; load.connections as usize];
    let mut this = Loop { transport, load, missing, connected: 0, requests: 0, end: Instant::NEVER };
    for _ in 0..load.connections {
        let conn = this.transport.open().expect("the transport has a slot for each connection");
        this.transport.submit(Ask::Connect { conn, target: load.address, local: None });
    }
    while this.connected < load.connections {
        this.turn();
    }
    let begin = this.transport.now() + WARM_UP;
    while this.turn() < begin {}
    let (requests, cpu_before, begin) = (this.requests, cpu::thread_time(), this.transport.now());
    this.end = begin + Duration::from_secs(u64::from(load.seconds));
    let mut now = begin;
    while now < this.end {
        now = this.turn();
    }
    Measured {
        requests: this.requests - requests,
        cpu: cpu::thread_time() - cpu_before,
        seconds: now.since(begin) as f64 / 1e9,
    }
}

impl<T: Transport> Loop<'_, T> {
    /// As the worker's: events, what they ask for, the stamps of what was sent, wait.
    fn turn(&mut self) -> Instant {
        let now = self.transport.now();
        self.take_events();
        self.transport.flush();
        self.take_events();
        // The end of the warm-up need not be met exactly: responses come all the time.
        self.transport.wait(Wait::Until(self.end.min(now + WARM_UP)));
        now
    }

    fn take_events(&mut self) {
        while let Some((conn, event)) = self.transport.next_event() {
            match event {
                Event::Connected { .. } => {
                    self.connected += 1;
                    self.send(conn);
                }
                Event::Received { bytes, .. } => {
                    let received = bytes.len();
                    let missing = &mut self.missing[conn.0 as usize];
                    *missing = missing.checked_sub(received).expect("one response at a time");
                    if *missing == 0 {
                        self.requests += 1;
                        self.send(conn);
                    }
                }
                Event::Sent { .. } => {}
                Event::Lost { why, .. } => panic!("a connection was lost: {why:?}"),
                Event::Accepted { .. } | Event::Discarded { .. } | Event::Closed => {
                    unreachable!("nobody asked for {event:?}")
                }
            }
        }
    }

    fn send(&mut self, conn: ConnId) {
        self.missing[conn.0 as usize] = self.load.response_len;
        self.transport.submit(Ask::Send { conn, payload: Payload::Shared(self.load.request) });
    }
}
