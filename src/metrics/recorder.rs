//! The recorder: what one worker measures, at the price of a store.
//!
//! Data plane: `record_*` and `add_data` neither allocate, lock, hash nor read a clock. An exchange
//! is one bounds check and one store of 32 bytes; everything else about it is worked out later,
//! by `totals` on the control thread. A full buffer loses samples (timings), never counts.

use super::builtin::Kind;
use super::judged::{JudgedAsk, JudgedSample, JudgedStart};
use super::leaf::{CheckTags, Coarse, ExchangeTags, LeafId, SampleTags, TagSet};
use super::registry::MetricId;
use super::traces::{Happening, Opening, Trace, TraceBuffer};
use super::window::{
    ConnectionSample, Counts, ExchangeSample, GroupSample, IterationSample, LeafTags, StartSample,
    ValueSample, Window,
};
use crate::time::Instant;
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
    /// Samples of each kind (exchanges, connections, iterations, late starts, groups, values of
    /// custom trends) in a window.
    pub samples: usize,
    /// Distinct tag sets. Beyond them a new one is recorded without the tags that a script can
    /// give ever new values (`leaf::Coarse`).
    pub leaves: usize,
}

/// One per worker.
pub struct Recorder {
    filling: Filling,
    judges: bool,
    traces: bool,
    /// Of the turn; only traces need it.
    now: Instant,
    exchange_leaves: Leaves<ExchangeTags>,
    function_leaves: Leaves<SampleTags>,
    check_leaves: Leaves<CheckTags>,
    group_leaves: Leaves<SampleTags>,
    /// By metric.
    custom_leaves: FxHashMap<MetricId, Leaves<SampleTags>>,
}

/// The window being filled, and what there is to know of its leaves.
struct Filling {
    bounds: RecorderBounds,
    window: Window,
    /// For each leaf; `None` if it is not one of a custom metric.
    custom_kinds: Vec<Option<Kind>>,
}

type Leaves<T> = FxHashMap<T, LeafId>;

impl Recorder {
    pub fn new(bounds: RecorderBounds) -> Recorder {
        Recorder {
            filling: Filling { bounds, window: Window::with_room(bounds.samples), custom_kinds: Vec::new() },
            judges: false,
            traces: false,
            now: Instant::default(),
            exchange_leaves: Leaves::default(),
            function_leaves: Leaves::default(),
            check_leaves: Leaves::default(),
            group_leaves: Leaves::default(),
            custom_leaves: FxHashMap::default(),
        }
    }

    /// The leaf of exchanges with these tags. As all of its kind it hashes strings: callers keep
    /// the answer for as long as the tags stay the same.
    pub fn exchange_leaf(&mut self, tags: &ExchangeTags) -> LeafId {
        self.filling.leaf(&mut self.exchange_leaves, tags, LeafTags::Exchange)
    }

    /// The leaf of a scenario's iterations, starts and data.
    pub fn scenario_leaf(&mut self, scenario: &str, user: &TagSet) -> LeafId {
        let (scenario, group) = (scenario.to_owned(), String::new());
        self.function_leaf(&SampleTags { scenario, group, user: user.clone() })
    }

    /// As `scenario_leaf`, for setup and teardown too: these have a group and no scenario, and
    /// emit data only.
    pub fn function_leaf(&mut self, tags: &SampleTags) -> LeafId {
        self.filling.leaf(&mut self.function_leaves, tags, LeafTags::Function)
    }

    /// The leaf of a check. Checks are shown in the order in which their leaves were made.
    pub fn check_leaf(&mut self, tags: &CheckTags) -> LeafId {
        self.filling.leaf(&mut self.check_leaves, tags, LeafTags::Check)
    }

    /// The leaf of a group's durations; `tags.group` is the group itself.
    pub fn group_leaf(&mut self, tags: &SampleTags) -> LeafId {
        self.filling.leaf(&mut self.group_leaves, tags, LeafTags::Group)
    }

    /// The leaf of a metric's values that a script adds.
    pub fn custom_leaf(&mut self, metric: MetricId, tags: &SampleTags) -> LeafId {
        let leaves = self.custom_leaves.entry(metric).or_default();
        self.filling.leaf(leaves, tags, |tags| LeafTags::Custom(metric, tags))
    }

    /// `n` exchanges with the same timings: responses of a pipeline that came in one reading.
    #[inline]
    pub fn record_exchange(&mut self, leaf: LeafId, timing: ExchangeTiming, n: u32) {
        let ExchangeTiming { sending_ns, waiting_ns, receiving_ns } = timing;
        let sample = ExchangeSample { sending_ns, waiting_ns, receiving_ns, n, leaf };
        if !push_within(&mut self.filling.window.exchanges, sample) {
            self.counts(leaf).unsampled.exchanges += u64::from(n);
        }
        if self.traces {
            self.trace_that(leaf, Happening::Exchange { timing, n, opening: Opening::default() });
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
        if !push_within(&mut self.filling.window.connections, sample) {
            self.counts(leaf).unsampled.connections += 1;
        }
        if self.traces {
            self.filling.window.traces.open(leaf, Opening { blocked_ns, connecting_ns, tls_handshaking_ns });
        }
    }

    /// An iteration begins, `lag_ns` after the instant it was meant for (0 in closed loop).
    #[inline]
    pub fn record_started(&mut self, leaf: LeafId, lag_ns: u64) {
        if lag_ns == 0 {
            self.counts(leaf).on_time += 1;
        } else if !push_within(&mut self.filling.window.late_starts, StartSample { lag_ns, leaf }) {
            self.counts(leaf).unsampled.late_starts += 1;
        }
    }

    /// A full iteration has ended.
    #[inline]
    pub fn record_iteration(&mut self, leaf: LeafId, duration_ns: u64) {
        if !push_within(&mut self.filling.window.iterations, IterationSample { duration_ns, leaf }) {
            self.counts(leaf).unsampled.iterations += 1;
        }
        if self.traces {
            self.trace_that(leaf, Happening::Iteration { duration_ns });
        }
    }

    /// An iteration was cut short: counted for the progress line; no metric of k6.
    pub fn record_interrupted(&mut self, leaf: LeafId) {
        self.counts(leaf).interrupted += 1;
    }

    /// Starts that found no free VU (`dropped_iterations`).
    pub fn record_dropped(&mut self, leaf: LeafId, n: u64) {
        self.counts(leaf).dropped_iterations += n;
        if self.traces && n > 0 {
            self.trace_that(leaf, Happening::Dropped { n });
        }
    }

    /// Bytes since the VU's last flush; k6 flushes once per run of a VU function, even if 0.
    #[inline]
    pub fn add_data(&mut self, leaf: LeafId, sent: u64, received: u64) {
        let counts = self.counts(leaf);
        counts.data_flushes += 1;
        counts.data_sent += sent;
        counts.data_received += received;
        if self.traces {
            let trace = Trace { at: self.now, leaf, what: Happening::Data { sent, received } };
            self.filling.window.traces.push_before_iteration(trace);
        }
    }

    /// A condition of a check held or not.
    #[inline]
    pub fn record_check(&mut self, leaf: LeafId, passed: bool) {
        self.count_outcome(leaf, passed);
        if self.traces {
            self.trace_that(leaf, Happening::Check { passed });
        }
    }

    /// A group has ended.
    #[inline]
    pub fn record_group(&mut self, leaf: LeafId, duration_ns: u64) {
        if !push_within(&mut self.filling.window.groups, GroupSample { duration_ns, leaf }) {
            self.counts(leaf).unsampled.groups += 1;
        }
        if self.traces {
            self.trace_that(leaf, Happening::Group { duration_ns });
        }
    }

    /// A script adds to a metric, in the metric's own unit; a rate asks whether it is 0.
    #[inline]
    pub fn record_custom(&mut self, leaf: LeafId, value: f64) {
        match self.filling.custom_kinds[leaf.0 as usize] {
            Some(Kind::Trend) => {
                if !push_within(&mut self.filling.window.values, ValueSample { value, leaf }) {
                    self.counts(leaf).unsampled.values += 1;
                }
            }
            Some(Kind::Rate) => self.count_outcome(leaf, value != 0.0),
            Some(Kind::Counter | Kind::Gauge) => {
                self.filling.window.additions += 1;
                let at = self.filling.window.additions;
                self.counts(leaf).added.add(value, at);
            }
            None => panic!("a value was added to leaf {}, which is no custom metric's", leaf.0),
        }
        if self.traces {
            self.trace_that(leaf, Happening::Value(value));
        }
    }

    /// From now on everything that happens is recorded one by one, too (`traces`).
    pub fn trace(&mut self) {
        self.traces = true;
        self.filling.window.traces = TraceBuffer::with_room(self.filling.bounds.samples);
    }

    /// The time of what is recorded from now on, for traces; once a turn.
    #[inline]
    pub fn set_time(&mut self, now: Instant) {
        self.now = now;
    }

    fn trace_that(&mut self, leaf: LeafId, what: Happening) {
        self.filling.window.traces.push(Trace { at: self.now, leaf, what });
    }

    #[inline]
    fn count_outcome(&mut self, leaf: LeafId, passed: bool) {
        let counts = self.counts(leaf);
        counts.passes += u64::from(passed);
        counts.fails += u64::from(!passed);
    }

    /// From now on what a search judges is recorded, too (`judged`).
    pub fn judge(&mut self) {
        self.judges = true;
        self.filling.window.judged.reserve(self.filling.bounds.samples);
    }

    /// Whether the `judge_*` functions are to be called.
    #[inline]
    pub fn judges(&self) -> bool {
        self.judges
    }

    /// An iteration was due: it begins so late, or is dropped.
    pub fn judge_start(&mut self, due: Instant, lag_ns: Option<u64>) {
        let judged = &mut self.filling.window.judged;
        judged.lost += u64::from(!push_within(&mut judged.starts, JudgedStart { due, lag_ns }));
    }

    /// The iteration that was due then asks for `n` requests.
    pub fn judge_ask(&mut self, due: Instant, n: u32) {
        let judged = &mut self.filling.window.judged;
        judged.lost += u64::from(!push_within(&mut judged.asks, JudgedAsk { due, n }));
    }

    /// A request that was asked for has its outcome.
    pub fn judge_outcome(&mut self, sample: JudgedSample) {
        let judged = &mut self.filling.window.judged;
        judged.lost += u64::from(!push_within(&mut judged.outcomes, sample));
    }

    /// Before a window is taken: every start due before this was given or dropped.
    pub fn note_due_until(&mut self, due_until: Instant) {
        self.filling.window.judged.due_until = due_until;
    }

    /// False once a buffer is full, and samples are lost until the window is taken.
    pub fn has_room(&self) -> bool {
        let window = &self.filling.window;
        let samples = self.filling.bounds.samples;
        window.exchanges.len() < samples
            && window.connections.len() < samples
            && window.iterations.len() < samples
            && window.late_starts.len() < samples
            && window.groups.len() < samples
            && window.values.len() < samples
    }

    /// Samples that this window had no room for.
    pub fn dropped_samples(&self) -> u64 {
        self.filling.window.counts.iter().map(|counts| counts.unsampled.sum()).sum()
    }

    /// What was measured since the last call. `recycled` is a window that came back from
    /// `Totals::absorb`; without one, room is allocated.
    pub fn take_window(&mut self, recycled: Option<Window>) -> Window {
        let mut next = recycled.unwrap_or_else(|| Window::with_room(self.filling.bounds.samples));
        assert!(next.is_clear(), "a recycled window was not absorbed");
        if self.judges && next.judged.asks.capacity() == 0 {
            next.judged.reserve(self.filling.bounds.samples);
        }
        if self.traces && !next.traces.has_room() {
            next.traces = TraceBuffer::with_room(self.filling.bounds.samples);
        }
        next.counts.resize(self.filling.window.counts.len(), Counts::default());
        std::mem::replace(&mut self.filling.window, next)
    }

    #[inline]
    fn counts(&mut self, leaf: LeafId) -> &mut Counts {
        &mut self.filling.window.counts[leaf.0 as usize]
    }
}

impl Filling {
    /// The leaf of these tags or, once the bound of leaves is reached, of what is left of them.
    fn leaf<T: Coarse>(
        &mut self,
        leaves: &mut Leaves<T>,
        tags: &T,
        leaf_tags: impl FnOnce(T) -> LeafTags,
    ) -> LeafId {
        if let Some(&leaf) = leaves.get(tags) {
            return leaf;
        }
        let mut kept = tags.clone();
        if self.window.counts.len() >= self.bounds.leaves {
            kept = tags.coarse();
            self.window.coarse_lookups += u64::from(kept != *tags);
            if let Some(&leaf) = leaves.get(&kept) {
                return leaf;
            }
        }
        let leaf = LeafId(self.window.counts.len() as u32);
        leaves.insert(kept.clone(), leaf);
        let made_for = leaf_tags(kept);
        self.custom_kinds.push(match &made_for {
            LeafTags::Custom(metric, _) => Some(metric.kind()),
            _ => None,
        });
        self.window.counts.push(Counts::default());
        self.window.new_leaves.push(made_for);
        leaf
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
    use crate::metrics::Registry;
    use crate::metrics::summary::Contains;

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

    fn in_group(group: &str, user: &str) -> SampleTags {
        let (scenario, group) = ("s".to_owned(), group.to_owned());
        SampleTags { scenario, group, user: [("user".to_owned(), user.to_owned())].into() }
    }

    fn check_named(name: &str) -> CheckTags {
        CheckTags { scenario: "s".to_owned(), name: name.to_owned(), ..CheckTags::default() }
    }

    #[test]
    fn each_kind_of_sample_has_leaves_of_its_own() {
        let registry = Registry::new();
        let [a, b] = ["aa", "bb"].map(|name| registry.declare(name, Kind::Trend, Contains::Default).unwrap());
        let mut recorder = recorder(2, 8);
        let tags = in_group("::g", "1");
        let mut leaves = vec![
            recorder.function_leaf(&tags),
            recorder.group_leaf(&tags),
            recorder.custom_leaf(a, &tags),
            recorder.custom_leaf(b, &tags),
            recorder.check_leaf(&check_named("c")),
        ];
        assert_eq!(recorder.custom_leaf(b, &tags), leaves[3]);
        leaves.dedup();
        assert_eq!(leaves.len(), 5);
    }

    #[test]
    fn past_the_bound_checks_become_other_checks_and_samples_lose_group_and_user_tags() {
        let registry = Registry::new();
        let metric = registry.declare("my_rate", Kind::Rate, Contains::Default).unwrap();
        let mut recorder = recorder(2, 1);
        let first = recorder.check_leaf(&check_named("1"));
        let other = recorder.check_leaf(&check_named("2"));
        assert_ne!(first, other);
        assert_eq!(recorder.check_leaf(&check_named("3")), other);
        let group = recorder.group_leaf(&in_group("::a", "1"));
        assert_eq!(recorder.group_leaf(&in_group("::b", "2")), group);
        let added = recorder.custom_leaf(metric, &in_group("::a", "1"));
        assert_eq!(recorder.custom_leaf(metric, &in_group("::b", "2")), added);
        let setup = |path: &str| SampleTags { group: path.to_owned(), ..SampleTags::default() };
        let data = recorder.function_leaf(&setup("::setup"));
        assert_eq!(recorder.function_leaf(&setup("::setup::a")), data);
        assert_ne!(recorder.function_leaf(&setup("::teardown")), data);
        assert_eq!(recorder.take_window(None).coarse_lookups, 7);
    }

    #[test]
    fn full_buffers_of_groups_and_values_lose_samples_and_other_metrics_nothing() {
        let registry = Registry::new();
        let metric = |name, kind| registry.declare(name, kind, Contains::Default).unwrap();
        let mut recorder = recorder(2, 8);
        let group = recorder.group_leaf(&in_group("::g", "1"));
        let trend = recorder.custom_leaf(metric("my_trend", Kind::Trend), &in_group("", "1"));
        let counter = recorder.custom_leaf(metric("my_counter", Kind::Counter), &in_group("", "1"));
        let check = recorder.check_leaf(&check_named("c"));
        for _ in 0..5 {
            recorder.record_group(group, 1);
            recorder.record_custom(trend, 1.0);
            recorder.record_custom(counter, 2.0);
            recorder.record_check(check, true);
        }
        assert!(!recorder.has_room());
        assert_eq!(recorder.dropped_samples(), 6);
        let window = recorder.take_window(None);
        assert_eq!((window.groups.len(), window.values.len()), (2, 2));
        let counts = |leaf: LeafId| window.counts[leaf.0 as usize];
        assert_eq!((counts(counter).added.sum, counts(check).passes), (10.0, 5));
    }

    #[test]
    #[should_panic(expected = "no custom metric's")]
    fn a_value_for_another_kind_of_leaf_is_our_own_fault() {
        let mut recorder = recorder(2, 2);
        let leaf = recorder.group_leaf(&in_group("::g", "1"));
        recorder.record_custom(leaf, 1.0);
    }
}
