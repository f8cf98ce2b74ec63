//! The recorder: what one worker measures, at the price of a store.
//!
//! Data plane: `record_*` and `add_data` neither allocate, lock, hash nor read a clock. An exchange
//! is one bounds check and one store of 32 bytes; everything else about it is worked out later,
//! by `totals` on the control thread. A full buffer loses samples (timings), never counts.

use super::leaf::{ExchangeTags, LeafId, ScenarioTags, TagSet};
use super::window::{
    ConnectionSample, Counts, ExchangeSample, IterationSample, LeafTags, StartSample, Window,
};
use rustc_hash::FxHashMap;

/// The timings of an exchange; their sum is its duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeTiming {
    pub sending_ns: u64,
    pub waiting_ns: u64,
    pub receiving_ns: u64,
}

/// How much a recorder may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecorderBounds {
    /// Samples of each kind (exchanges, connections, iterations, late starts) in a window.
    pub samples: usize,
    /// Distinct tag sets. Beyond them a new one is recorded without the tags that a script can
    /// give ever new values (`ExchangeTags::coarse`).
    pub leaves: usize,
}

/// One per worker.
pub struct Recorder {
    bounds: RecorderBounds,
    window: Window,
    exchange_leaves: FxHashMap<ExchangeTags, LeafId>,
    scenario_leaves: FxHashMap<ScenarioTags, LeafId>,
}

impl Recorder {
    pub fn new(bounds: RecorderBounds) -> Recorder {
        Recorder {
            bounds,
            window: Window::with_room(bounds.samples),
            exchange_leaves: FxHashMap::default(),
            scenario_leaves: FxHashMap::default(),
        }
    }

    /// The leaf of exchanges with these tags. Hashes strings: callers keep the answer for as long
    /// as the tags stay the same.
    pub fn exchange_leaf(&mut self, tags: &ExchangeTags) -> LeafId {
        if let Some(&leaf) = self.exchange_leaves.get(tags) {
            return leaf;
        }
        if self.window.counts.len() < self.bounds.leaves {
            return self.make_exchange_leaf(tags.clone());
        }
        let coarse = tags.coarse();
        self.window.coarse_lookups += u64::from(coarse != *tags);
        match self.exchange_leaves.get(&coarse) {
            Some(&leaf) => leaf,
            None => self.make_exchange_leaf(coarse),
        }
    }

    /// The leaf of a scenario's iterations, starts and data. As cold as `exchange_leaf`.
    pub fn scenario_leaf(&mut self, scenario: &str, user: &TagSet) -> LeafId {
        let mut tags = ScenarioTags { scenario: scenario.to_owned(), user: user.clone() };
        if let Some(&leaf) = self.scenario_leaves.get(&tags) {
            return leaf;
        }
        if self.window.counts.len() >= self.bounds.leaves && !user.is_empty() {
            self.window.coarse_lookups += 1;
            tags.user.clear();
            if let Some(&leaf) = self.scenario_leaves.get(&tags) {
                return leaf;
            }
        }
        let leaf = self.make_leaf(LeafTags::Scenario(tags.clone()));
        self.scenario_leaves.insert(tags, leaf);
        leaf
    }

    /// `n` exchanges with the same timings: responses of a pipeline that came in one reading.
    #[inline]
    pub fn record_exchange(&mut self, leaf: LeafId, timing: ExchangeTiming, n: u32) {
        let ExchangeTiming { sending_ns, waiting_ns, receiving_ns } = timing;
        let sample = ExchangeSample { sending_ns, waiting_ns, receiving_ns, n, leaf };
        if !push_within(&mut self.window.exchanges, sample) {
            self.counts(leaf).unsampled.exchanges += u64::from(n);
        }
    }

    /// The connection that an exchange of this leaf had to open. Exchanges over pooled connections
    /// are not told of here: they count as zeros.
    pub fn record_connection(
        &mut self,
        leaf: LeafId,
        blocked_ns: u64,
        connecting_ns: u64,
        tls_handshaking_ns: u64,
    ) {
        let sample = ConnectionSample { blocked_ns, connecting_ns, tls_handshaking_ns, leaf };
        if !push_within(&mut self.window.connections, sample) {
            self.counts(leaf).unsampled.connections += 1;
        }
    }

    /// An iteration begins, `lag_ns` after the instant it was meant for (0 in closed loop).
    #[inline]
    pub fn record_started(&mut self, leaf: LeafId, lag_ns: u64) {
        if lag_ns == 0 {
            self.counts(leaf).on_time += 1;
        } else if !push_within(&mut self.window.late_starts, StartSample { lag_ns, leaf }) {
            self.counts(leaf).unsampled.late_starts += 1;
        }
    }

    /// A full iteration has ended.
    #[inline]
    pub fn record_iteration(&mut self, leaf: LeafId, duration_ns: u64) {
        if !push_within(&mut self.window.iterations, IterationSample { duration_ns, leaf }) {
            self.counts(leaf).unsampled.iterations += 1;
        }
    }

    /// An iteration was cut short: counted for the progress line; no metric of k6.
    pub fn record_interrupted(&mut self, leaf: LeafId) {
        self.counts(leaf).interrupted += 1;
    }

    /// Starts that found no free VU (`dropped_iterations`).
    pub fn record_dropped(&mut self, leaf: LeafId, n: u64) {
        self.counts(leaf).dropped_iterations += n;
    }

    /// Bytes since the VU's last flush; k6 flushes once per run of a VU function, even if 0.
    #[inline]
    pub fn add_data(&mut self, leaf: LeafId, sent: u64, received: u64) {
        let counts = self.counts(leaf);
        counts.data_flushes += 1;
        counts.data_sent += sent;
        counts.data_received += received;
    }

    /// False once a buffer is full, and samples are lost until the window is taken.
    pub fn has_room(&self) -> bool {
        let window = &self.window;
        let samples = self.bounds.samples;
        window.exchanges.len() < samples
            && window.connections.len() < samples
            && window.iterations.len() < samples
            && window.late_starts.len() < samples
    }

    /// Samples that this window had no room for.
    pub fn dropped_samples(&self) -> u64 {
        self.window.counts.iter().map(|counts| counts.unsampled.sum()).sum()
    }

    /// What was measured since the last call. `recycled` is a window that came back from
    /// `Totals::absorb`; without one, room is allocated.
    pub fn take_window(&mut self, recycled: Option<Window>) -> Window {
        let mut next = recycled.unwrap_or_else(|| Window::with_room(self.bounds.samples));
        assert!(next.is_clear(), "a recycled window was not absorbed");
        next.counts.resize(self.window.counts.len(), Counts::default());
        std::mem::replace(&mut self.window, next)
    }

    fn make_exchange_leaf(&mut self, tags: ExchangeTags) -> LeafId {
        let leaf = self.make_leaf(LeafTags::Exchange(tags.clone()));
        self.exchange_leaves.insert(tags, leaf);
        leaf
    }

    fn make_leaf(&mut self, tags: LeafTags) -> LeafId {
        let leaf = LeafId(self.window.counts.len() as u32);
        self.window.counts.push(Counts::default());
        self.window.new_leaves.push(tags);
        leaf
    }

    #[inline]
    fn counts(&mut self, leaf: LeafId) -> &mut Counts {
        &mut self.window.counts[leaf.0 as usize]
    }
}

/// Appends if that takes no allocation.
#[inline(always)]
fn push_within<T>(buffer: &mut Vec<T>, sample: T) -> bool {
    let fits = buffer.len() < buffer.capacity();
    if fits {
        buffer.push(sample);
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: ExchangeTiming = ExchangeTiming { sending_ns: 1, waiting_ns: 2, receiving_ns: 3 };

    fn recorder(samples: usize, leaves: usize) -> Recorder {
        Recorder::new(RecorderBounds { samples, leaves })
    }

    fn tags(url: &str, status: u16) -> ExchangeTags {
        ExchangeTags { url: url.to_owned(), status, ..ExchangeTags::default() }
    }

    #[test]
    fn a_tag_set_has_one_leaf_in_all_windows() {
        let mut recorder = recorder(4, 4);
        let first = recorder.exchange_leaf(&tags("/", 200));
        let scenario = recorder.scenario_leaf("default", &TagSet::new());
        assert_eq!(recorder.take_window(None).new_leaves.len(), 2);
        assert_eq!(recorder.exchange_leaf(&tags("/", 200)), first);
        assert_eq!(recorder.scenario_leaf("default", &TagSet::new()), scenario);
        assert_ne!(recorder.exchange_leaf(&tags("/", 404)), first);
        assert_eq!(recorder.take_window(None).new_leaves.len(), 1);
    }

    #[test]
    fn a_full_buffer_loses_samples_but_no_counts() {
        let mut recorder = recorder(2, 4);
        let leaf = recorder.exchange_leaf(&tags("/", 200));
        for _ in 0..5 {
            recorder.record_exchange(leaf, QUICK, 16);
        }
        assert!(!recorder.has_room());
        assert_eq!(recorder.dropped_samples(), 48);
        let window = recorder.take_window(None);
        assert_eq!((window.exchanges.len(), window.counts[0].unsampled.exchanges), (2, 48));
        assert!(recorder.has_room());
        assert_eq!(recorder.dropped_samples(), 0);
    }

    #[test]
    fn past_the_bound_of_leaves_a_tag_set_loses_its_endless_tags() {
        let mut recorder = recorder(2, 2);
        recorder.exchange_leaf(&tags("/1", 200));
        recorder.exchange_leaf(&tags("/2", 200));
        let coarse = recorder.exchange_leaf(&tags("/3", 200));
        assert_eq!(recorder.exchange_leaf(&tags("/4", 200)), coarse);
        assert_ne!(recorder.exchange_leaf(&tags("/4", 500)), coarse);
        let user = TagSet::from([("tenant".to_owned(), "7".to_owned())]);
        assert_eq!(recorder.scenario_leaf("s", &user), recorder.scenario_leaf("s", &TagSet::new()));
        assert_eq!(recorder.take_window(None).coarse_lookups, 4);
    }
}
