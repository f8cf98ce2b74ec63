//! The way of single samples from workers to whoever writes them down.
//!
//! What a worker traced is handed on by the control thread and never waited for: each outlet holds
//! at most `WAITING_MAX` happenings that nobody has read yet (a record of pipelined exchanges is as
//! many as it stands for), and what is more is left out evenly and counted. Leaves are never left out, so what follows is still understood.

use crate::metrics::Traces;
use crate::time::Instant;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Happenings that may wait at one outlet, in records of some 80 bytes: what is still to be written
/// at the end of a run.
const WAITING_MAX: usize = 1 << 18;

/// For reader and writer threads of a run; the clone that calls `end` need not be the last.
#[derive(Clone, Debug, Default)]
pub struct SampleQueue {
    outlets: Vec<Outlet>,
}

#[derive(Clone, Debug)]
struct Outlet {
    sender: Sender<Parcel>,
    stock: Arc<Stock>,
}

/// What an outlet holds, and has left out.
#[derive(Debug, Default)]
struct Stock {
    waiting: AtomicUsize,
    handed: AtomicU64,
    left_out: AtomicU64,
}

/// What comes out of an outlet.
#[derive(Debug)]
pub enum Parcel {
    /// When instants are counted from, since the Unix epoch. The first of all.
    Clock {
        zero: Duration,
    },
    Traces {
        worker: usize,
        traces: Traces,
    },
    Vus {
        at: Instant,
        active: u64,
        initialized: u64,
    },
    End,
}

/// The other end of an outlet.
pub struct Parcels {
    receiver: Receiver<Parcel>,
    stock: Arc<Stock>,
}

impl SampleQueue {
    pub fn is_wanted(&self) -> bool {
        !self.outlets.is_empty()
    }

    /// One more who reads everything.
    pub fn add_outlet(&mut self) -> Parcels {
        let (sender, receiver) = channel();
        let stock = Arc::new(Stock::default());
        self.outlets.push(Outlet { sender, stock: stock.clone() });
        Parcels { receiver, stock }
    }

    pub fn begin(&self, zero: Duration) {
        self.send(|| Parcel::Clock { zero });
    }

    pub fn hand_over(&self, worker: usize, traces: Traces) {
        for outlet in &self.outlets {
            outlet.hand_over(worker, traces.clone());
        }
    }

    pub fn sample_vus(&self, at: Instant, active: u64, initialized: u64) {
        self.send(|| Parcel::Vus { at, active, initialized });
    }

    /// Nothing follows.
    pub fn end(&self) {
        self.send(|| Parcel::End);
    }

    fn send(&self, parcel: impl Fn() -> Parcel) {
        for outlet in &self.outlets {
            // Its reader may have given up.
            let _ = outlet.sender.send(parcel());
        }
    }
}

impl Outlet {
    fn hand_over(&self, worker: usize, mut traces: Traces) {
        let stock = &self.stock;
        let came = traces.weight() as u64 + traces.left_out;
        traces.keep(WAITING_MAX.saturating_sub(stock.waiting.load(Ordering::Acquire)));
        stock.waiting.fetch_add(traces.weight(), Ordering::AcqRel);
        stock.handed.fetch_add(came, Ordering::Relaxed);
        stock.left_out.fetch_add(traces.left_out, Ordering::Relaxed);
        let _ = self.sender.send(Parcel::Traces { worker, traces });
    }
}

impl Parcels {
    /// `None` if nothing came in this time; `End` if nothing will any more.
    pub fn next_within(&self, time: Duration) -> Option<Parcel> {
        match self.receiver.recv_timeout(time) {
            Ok(parcel) => Some(parcel),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Parcel::End),
        }
    }

    /// So many happenings are written, and others may come in their place.
    pub fn on_written(&self, happenings: usize) {
        self.stock.waiting.fetch_sub(happenings, Ordering::AcqRel);
    }

    /// Happenings that came in all, and how many of them were left out.
    pub fn counts(&self) -> (u64, u64) {
        (self.stock.handed.load(Ordering::Relaxed), self.stock.left_out.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::traces::{Happening, Opening};
    use crate::metrics::{ExchangeTiming, LeafId, Trace};

    fn traces(records: usize) -> Traces {
        let record = Trace { at: Instant(1), leaf: LeafId(0), what: Happening::Value(0.0) };
        Traces { records: vec![record; records], ..Traces::default() }
    }

    fn pipelined(records: usize, n: u32) -> Traces {
        let timing = ExchangeTiming { sending_ns: 1, waiting_ns: 1, receiving_ns: 1 };
        let what = Happening::Exchange { timing, n, opening: Opening::default() };
        let record = Trace { at: Instant(1), leaf: LeafId(0), what };
        Traces { records: vec![record; records], ..Traces::default() }
    }

    #[track_caller]
    fn check(parcels: &Parcels, want: usize) {
        match parcels.next_within(Duration::ZERO) {
            Some(Parcel::Traces { traces, .. }) => assert_eq!(traces.records.len(), want),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_nobody_has_read_bounds_what_more_is_kept() {
        let mut queue = SampleQueue::default();
        let (slow, quick) = (queue.add_outlet(), queue.add_outlet());
        for _ in 0..2 {
            queue.hand_over(0, traces(WAITING_MAX / 2 + 10));
            check(&quick, WAITING_MAX / 2 + 10);
            quick.on_written(WAITING_MAX / 2 + 10);
        }
        queue.hand_over(0, traces(5));
        check(&slow, WAITING_MAX / 2 + 10);
        check(&slow, WAITING_MAX / 2 - 10);
        check(&slow, 0);
        slow.on_written(4);
        queue.hand_over(0, traces(5));
        check(&slow, 4);
        assert_eq!(slow.counts(), (WAITING_MAX as u64 + 30, 26));
        assert_eq!(quick.counts(), (WAITING_MAX as u64 + 30, 0));
    }

    #[test]
    fn a_record_of_pipelined_exchanges_counts_as_many_as_it_stands_for() {
        let mut queue = SampleQueue::default();
        let parcels = queue.add_outlet();
        let of_16 = WAITING_MAX / 16;
        queue.hand_over(0, pipelined(of_16 - 1, 16));
        queue.hand_over(0, pipelined(4, 16));
        check(&parcels, of_16 - 1);
        check(&parcels, 1);
        parcels.on_written(2 * 16 + 15);
        queue.hand_over(0, pipelined(4, 16));
        check(&parcels, 2);
        assert_eq!(parcels.counts(), (WAITING_MAX as u64 + 7 * 16, 5 * 16));
    }
}
