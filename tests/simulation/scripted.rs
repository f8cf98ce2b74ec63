//! A far end that does as it is told: about the nth connection and the nth request, counted over
//! all connections. The last order stands for all that follow.

use crate::drive::{Run, run};
use crate::world::World;
use ringload::metrics::{Builtin, Sink};
use ringload::time::Instant;
use ringload::transport::sim::{Admission, LinkId, Reply, Responder};

#[derive(Clone, Debug)]
pub struct Scripted {
    admissions: Vec<Admission>,
    replies: Vec<Vec<(u64, Reply)>>,
    connections: usize,
    requests: usize,
}

impl Scripted {
    pub fn new(replies: Vec<Vec<(u64, Reply)>>) -> Scripted {
        Scripted { admissions: vec![Admission::Accept], replies, connections: 0, requests: 0 }
    }

    pub fn admitting(admissions: Vec<Admission>) -> Scripted {
        Scripted { admissions, ..Scripted::new(vec![ok(0)]) }
    }

    pub fn requests(&self) -> usize {
        self.requests
    }
}

fn nth<T>(orders: &[T], count: &mut usize) -> usize {
    *count += 1;
    (*count).min(orders.len()) - 1
}

impl Responder for Scripted {
    fn on_connect(&mut self, _: LinkId, _: Instant) -> Admission {
        self.admissions[nth(&self.admissions, &mut self.connections)]
    }

    fn on_bytes(&mut self, _: LinkId, _: Instant, bytes: &[u8], out: &mut Vec<(u64, Reply)>) {
        // Writes are not cut here, so heads come whole.
        for _ in 0..bytes.windows(4).filter(|four| four == b"\r\n\r\n").count() {
            out.extend_from_slice(&self.replies[nth(&self.replies, &mut self.requests)]);
        }
    }

    fn on_close(&mut self, _: LinkId, _: Instant) {}
}

/// 41 bytes that say 200 and keep the connection.
pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

/// These bytes, so much later.
pub fn say(delay_ns: u64, text: &str) -> (u64, Reply) {
    (delay_ns, Reply::Bytes(text.as_bytes().to_vec()))
}

pub fn ok(delay_ns: u64) -> Vec<(u64, Reply)> {
    vec![say(delay_ns, OK)]
}

pub fn run_scripted(world: &World, far_end: &Scripted) -> Run<Scripted> {
    run(world, |_| far_end.clone())
}

/// Count, smallest and largest value of a trend, in nanoseconds.
#[track_caller]
pub fn trend<R>(run: &Run<R>, metric: Builtin) -> (u64, u64, u64) {
    let Some(Sink::Times(trend)) = run.totals.sink(metric, &[]) else { return (0, 0, 0) };
    // Values are held as milliseconds; whole nanoseconds come back.
    let ns = |ms: f64| (ms * 1e6).round() as u64;
    (trend.count(), ns(trend.min()), ns(trend.max()))
}

#[track_caller]
pub fn count<R>(run: &Run<R>, metric: Builtin) -> u64 {
    let Some(Sink::Counter(count)) = run.totals.sink(metric, &[]) else { return 0 };
    count as u64
}
