//! A target of known capacity: when a request that arrives now is served, or that it is not.
//!
//! One server for all workers, in order of arrival. A request's time is fixed when it arrives, so
//! a change of the capacity holds for those that arrive after it. Refused requests cost nothing.
//! Overload is judged by the queue that the load would make at the *whole* capacity: then a
//! collapse ends with the load that caused it, unless `recover` makes it wait for an empty queue.

use crate::metrics::served::Served;
use crate::options::CapacityOptions;
use crate::time::{Instant, duration_ns};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What an idle server may have saved up: a client's jitter is not overload. At least one request.
const BUCKET: Duration = Duration::from_millis(10);
/// Overload is more than half of the queue, or of so much time if the queue is shorter.
const PATIENCE: Duration = Duration::from_millis(100);
/// Times are counted in these, so that no rate is rounded by more than 1 in 200,000.
const PS_PER_NS: u64 = 1_000;
const PS_PER_S: u64 = 1_000_000_000_000;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Served after so long.
    Served { wait_ns: u64 },
    /// The queue is full.
    Refused,
}

/// What it came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapacityCounts {
    pub refused: u64,
    pub collapses: u64,
    pub pauses: u64,
}

/// All times in ps since instant 0.
#[derive(Debug)]
pub struct Capacity {
    /// Of one request, at the whole capacity; 0 without a limit.
    cost: u64,
    /// Of one request while collapsed; `None`: the capacity never falls.
    collapsed_cost: Option<u64>,
    bucket: u64,
    queue_bound: Option<usize>,
    /// Of the nominal backlog.
    patience: u64,
    recover: Option<u64>,
    /// Its length, and every how many requests.
    pause: Option<(u64, u64)>,

    /// When all that was accepted is served.
    busy_until: u64,
    /// When those that wait are served.
    waiting: VecDeque<u64>,
    /// When all that arrived, refused or not, would be served at the whole capacity; never more
    /// than `patience` from now.
    nominal_until: u64,
    is_collapsed: bool,
    /// When the last request that had to wait was served, or refused.
    queued_until: u64,
    accepted: u64,
    counts: CapacityCounts,
}

impl Capacity {
    pub fn new(options: &CapacityOptions) -> Capacity {
        let cost = options.per_second.map_or(0, |per_second| PS_PER_S / per_second);
        let queue_bound = options.queue_bound();
        let queue_time = queue_bound.unwrap_or(0).saturating_mul(cost);
        Capacity {
            cost,
            collapsed_cost: options.collapse.map(|share| (cost as f64 / share) as u64),
            bucket: ps(BUCKET).max(cost),
            queue_bound: queue_bound.map(|bound| bound as usize),
            patience: queue_time.max(ps(PATIENCE)),
            recover: options.recover.map(ps),
            pause: options.pause.map(|pause| (ps(pause.length), pause.every)),
            busy_until: 0,
            waiting: VecDeque::new(),
            nominal_until: 0,
            is_collapsed: false,
            queued_until: 0,
            accepted: 0,
            counts: CapacityCounts::default(),
        }
    }

    /// A request arrived at `at`.
    pub fn on_request(&mut self, at: Instant) -> Verdict {
        let now = at.0.saturating_mul(PS_PER_NS);
        while self.waiting.front().is_some_and(|served| *served <= now) {
            self.waiting.pop_front();
        }
        let cost = self.cost_now(now);
        // No limit, no bucket: what was paused goes on at once.
        let idle_since = if cost > 0 { now.saturating_sub(self.bucket) } else { now };
        let served = self.busy_until.max(idle_since).saturating_add(cost);
        if served > now && self.queue_bound.is_some_and(|bound| self.waiting.len() >= bound) {
            self.queued_until = self.queued_until.max(now);
            self.counts.refused += 1;
            return Verdict::Refused;
        }
        self.accepted += 1;
        let served = match self.pause {
            Some((length, every)) if self.accepted.is_multiple_of(every) => {
                self.counts.pauses += 1;
                served.max(now).saturating_add(length)
            }
            _ => served,
        };
        self.busy_until = served;
        if served > now {
            self.queued_until = served;
            if self.queue_bound.is_some() {
                self.waiting.push_back(served);
            }
        }
        Verdict::Served { wait_ns: served.saturating_sub(now).div_ceil(PS_PER_NS) }
    }

    pub fn counts(&self) -> CapacityCounts {
        self.counts
    }

    /// What a request that arrives now costs, after its arrival was counted in.
    fn cost_now(&mut self, now: u64) -> u64 {
        let Some(collapsed_cost) = self.collapsed_cost else { return self.cost };
        let has_nominal_backlog = self.nominal_until > now;
        let most = now.saturating_add(self.patience);
        self.nominal_until = self.nominal_until.max(now).saturating_add(self.cost).min(most);
        if self.is_collapsed {
            let has_rested = self.recover.is_none_or(|rest| now >= self.queued_until.saturating_add(rest));
            self.is_collapsed = has_nominal_backlog || !has_rested;
        } else if self.nominal_until - now > self.patience / 2 {
            self.is_collapsed = true;
            self.counts.collapses += 1;
        }
        if self.is_collapsed { collapsed_cost } else { self.cost }
    }
}

fn ps(duration: Duration) -> u64 {
    duration_ns(duration).saturating_mul(PS_PER_NS)
}

/// One capacity for all workers of a target. The kernel deals connections out unevenly, so a share
/// for each worker would be less than the whole. A lock, since what a request changes is more than
/// one word; it is held for some 20 ns.
#[derive(Clone, Debug)]
pub struct SharedCapacity(Arc<Mutex<Capacity>>);

impl SharedCapacity {
    /// `None` if `options` limit nothing.
    pub fn new(options: &CapacityOptions) -> Option<SharedCapacity> {
        options.is_any().then(|| SharedCapacity(Arc::new(Mutex::new(Capacity::new(options)))))
    }

    pub fn on_request(&self, at: Instant) -> Verdict {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).on_request(at)
    }

    /// Of all workers, so for the sum of what they served.
    pub fn write_counts(&self, served: &mut Served) {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner).counts();
        served.refused = counts.refused;
        served.collapses = counts.collapses;
        served.pauses = counts.pauses;
    }
}

#[cfg(test)]
mod tests;
