//! The timeline: what happened in each 100 ms of the scenarios' time, over all workers.
//!
//! Merged on the control thread from what workers hand over at their ticks; time 0 is when the
//! scenarios' clock began. At most `ROWS_MAX` rows are kept, an hour of 100 ms: then rows are merged
//! to 200 ms, 1 s, 2 s, 10 s … A timeline that nobody will read keeps slots only. What an iteration moved
//! (`data_sent`, `data_received`) is counted when it ends, as in k6. What `setup` and `teardown` do
//! is not in it.

pub mod digest;
mod filling;
pub mod littles_law;
pub mod row;
pub mod slots;

use super::window::Window;
use crate::time::Instant;
use digest::Digest;
use filling::{Filling, LeafClass};
use littles_law::{LittlesLaw, Violation};
pub use row::{FAILURE_CLASSES, Row};
pub use slots::{Slot, Slots};
use std::collections::VecDeque;

/// How often a worker hands its window over: the time of a row before any are merged.
pub const TICK_NS: u64 = 100_000_000;
/// Rows kept: an hour of ticks. A multiple of the factors that rows are merged by.
pub const ROWS_MAX: usize = 36_000;
/// Ticks being filled, at most: a worker that is later than that counts in the oldest of them.
const FILLING_MAX: usize = 16;
/// A last report that covers less than this counts in the row before its own.
const LAST_MIN_NS: u64 = TICK_NS / 10;

/// What a worker says beside its window. Sums are since its beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tick {
    pub at: Instant,
    pub begun_at: Instant,
    pub vus_active: u32,
    pub vus_initialized: u32,
    pub sent_requests: u64,
    /// The integral of the number of requests on the wire.
    pub in_flight_ns: u64,
    /// CPU time, and the part of it that only spun.
    pub cpu_ns: u64,
    pub spun_ns: u64,
    pub is_last: bool,
}

#[derive(Debug)]
pub struct Timeline {
    keeps: bool,
    workers: Vec<Known>,
    /// Ticks that some workers may still add to; the first one is number `first`.
    filling: VecDeque<Filling>,
    first: u64,
    /// Emptied, for the next tick.
    spare: Vec<Filling>,
    rows: Vec<Row>,
    /// Ticks in a row, and those that do not make up one yet.
    ticks_per_row: usize,
    partial: Vec<Row>,
    law: LittlesLaw,
    slots: Slots,
}

/// What is known of a worker.
#[derive(Debug, Default)]
struct Known {
    last: Option<Tick>,
    /// By `LeafId`.
    leaves: Vec<LeafClass>,
}

impl Timeline {
    /// Of so many workers. Unless `keeps`, only slots are kept, and Little's law is looked at.
    pub fn new(workers: usize, keeps: bool) -> Timeline {
        let mut known = Vec::new();
        known.resize_with(workers, Known::default);
        Timeline {
            keeps,
            workers: known,
            filling: VecDeque::new(),
            first: 0,
            spare: Vec::new(),
            rows: Vec::new(),
            ticks_per_row: 1,
            partial: Vec::new(),
            law: LittlesLaw::default(),
            slots: Slots::default(),
        }
    }

    /// What `worker` hands over, before `Totals::absorb` empties it; in the order of its windows.
    pub fn absorb(&mut self, worker: usize, tick: Tick, window: &Window) {
        let known = &mut self.workers[worker];
        known.leaves.extend(window.new_leaves.iter().map(LeafClass::of));
        let before = known.last.unwrap_or(Tick { at: tick.begun_at, ..Tick::default() });
        let number = number_of(&before, &tick).max(self.first);
        while number - self.first >= FILLING_MAX as u64 {
            self.finish_first();
        }
        let place = (number - self.first) as usize;
        while self.filling.len() <= place {
            self.filling.push_back(self.spare.pop().unwrap_or_default());
        }
        self.filling[place].add(&self.workers[worker].leaves, window, &before, &tick);
        self.workers[worker].last = Some(tick);
        self.finish_complete();
    }

    /// Nothing more comes: the last ticks become rows.
    pub fn finish(&mut self) {
        while !self.filling.is_empty() {
            self.finish_first();
        }
        self.law.finish();
        self.slots.finish();
        if !self.partial.is_empty() {
            self.rows.push(Row::merged(&self.partial));
            self.partial.clear();
        }
    }

    /// The rows so far, one after the other from time 0. The last may cover less than `row_ns`.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Of every run, kept or not.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// The time of each row.
    pub fn row_ns(&self) -> u64 {
        self.ticks_per_row as u64 * TICK_NS
    }

    /// Rows of at least `width_ns`, each with the time at which it begins: as they are if they are
    /// as long or longer, else merged.
    pub fn rows_of(&self, width_ns: u64) -> (u64, Vec<Row>) {
        let each = (width_ns.div_ceil(self.row_ns()) as usize).max(1);
        let width_ns = each as u64 * self.row_ns();
        (width_ns, self.rows.chunks(each).map(Row::merged).collect())
    }

    /// What a ramp is read from: each second (or each row, if rows are longer) in plain numbers.
    pub fn seconds(&self) -> impl Iterator<Item = Second> {
        let workers = self.workers.len();
        let (width_ns, rows) = self.rows_of(1_000_000_000);
        rows.into_iter().enumerate().map(move |(place, row)| {
            let from_s = place as f64 * width_ns as f64 / 1e9;
            Second::of(&row, from_s, workers, width_ns)
        })
    }

    /// The seconds in which Little's law did not hold; the first `littles_law::KEPT` of them.
    pub fn violations(&self) -> &[Violation] {
        self.law.violations()
    }

    /// Seconds that were stationary, so that the law was looked at; and those it did not hold in.
    pub fn seconds_checked(&self) -> (u64, u64) {
        self.law.counts()
    }

    /// Rows of all ticks that no worker will add to.
    fn finish_complete(&mut self) {
        let until = |known: &Known| match known.last {
            None => 0,
            Some(tick) if tick.is_last => u64::MAX,
            // A report that comes at the end of a tick ends it; but should the worker's last one
            // follow at once, it counts there, too.
            Some(tick) => (tick.at.since(tick.begun_at) / TICK_NS).saturating_sub(1),
        };
        let complete = self.workers.iter().map(until).min().unwrap_or(0);
        while !self.filling.is_empty() && self.first < complete {
            self.finish_first();
        }
    }

    fn finish_first(&mut self) {
        // Nobody reported in it: an empty row keeps the others at their time.
        let mut filled = self.filling.pop_front().or_else(|| self.spare.pop()).unwrap_or_default();
        self.first += 1;
        let vus = |of: fn(&Tick) -> u32| {
            self.workers.iter().filter_map(|known| known.last.as_ref()).map(|tick| u64::from(of(tick))).sum()
        };
        let row = Row {
            vus_active: vus(|tick| tick.vus_active),
            vus_initialized: vus(|tick| tick.vus_initialized),
            ..filled.take()
        };
        self.spare.push(filled);
        self.law.on_row(&row, self.workers.len());
        self.slots.keep(&row, self.workers.len());
        if self.keeps {
            self.keep(row);
        }
    }

    fn keep(&mut self, row: Row) {
        if self.ticks_per_row == 1 {
            self.rows.push(row);
        } else {
            self.partial.push(row);
            if self.partial.len() < self.ticks_per_row {
                return;
            }
            self.rows.push(Row::merged(&self.partial));
            self.partial.clear();
        }
        if self.rows.len() >= ROWS_MAX {
            let together = merge_factor(self.ticks_per_row);
            self.rows = self.rows.chunks(together).map(Row::merged).collect();
            self.ticks_per_row *= together;
        }
    }
}

/// 100 ms, 200 ms, 1 s, 2 s, 10 s: seconds stay whole.
fn merge_factor(ticks: usize) -> usize {
    if ticks.to_string().starts_with('1') { 2 } else { 5 }
}

/// The tick that most of the time since the report before lies in.
fn number_of(before: &Tick, tick: &Tick) -> u64 {
    let covered_ns = tick.at.since(before.at);
    let middle = before.at.since(tick.begun_at) + covered_ns / 2;
    let number = middle / TICK_NS;
    // What is left after the last whole tick is no tick of its own.
    match tick.is_last && covered_ns < LAST_MIN_NS {
        true => number.saturating_sub(1),
        false => number,
    }
}

/// A second of a ramp, in plain numbers: per second where it says so, times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Second {
    /// Since the scenarios began.
    pub from_s: f64,
    /// How long it is: 1, but for the last one and for runs of hours.
    pub seconds: f64,
    /// Iterations that were due, and that ended, per second.
    pub offered_per_s: f64,
    pub completed_per_s: f64,
    /// Requests answered as expected per second.
    pub good_per_s: f64,
    /// Requests that failed, and starts that were dropped: numbers, not rates.
    pub failed: u64,
    pub dropped: u64,
    /// Mean number of requests on the wire.
    pub in_flight: f64,
    /// VUs at work at its end.
    pub vus: u64,
    /// Of answered requests, k6's `http_req_duration`.
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    /// How late starts were.
    pub lag_p99_ms: f64,
}

impl Second {
    fn of(row: &Row, from_s: f64, workers: usize, width_ns: u64) -> Second {
        let seconds = row.covered_s(workers).min(width_ns as f64 / 1e9);
        let per_s = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let [p50_ms, p95_ms, p99_ms] = in_ms(&row.duration, [0.5, 0.95, 0.99]);
        let [lag_p99_ms] = in_ms(&row.lag, [0.99]);
        Second {
            from_s,
            seconds,
            offered_per_s: per_s(row.offered()),
            completed_per_s: per_s(row.completed),
            good_per_s: per_s(row.answered - row.failed),
            failed: row.failed,
            dropped: row.dropped,
            in_flight: row.in_flight(workers),
            vus: row.vus_active,
            p50_ms,
            p95_ms,
            p99_ms,
            lag_p99_ms,
        }
    }
}

fn in_ms<const N: usize>(digest: &Digest, shares: [f64; N]) -> [f64; N] {
    digest.quantiles(shares).map(|ns| ns / 1e6)
}

#[cfg(test)]
mod tests;
