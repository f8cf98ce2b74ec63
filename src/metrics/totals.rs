//! Totals of a run: every worker's windows added up by tag set, on the control thread.
//!
//! Leaves of different workers with the same tags become one. Metrics, sub-metrics, scenarios and
//! groups are merges of leaves, made when somebody asks (`sink`, `report`).

use super::leaf::{CheckTags, ExchangeTags, SampleTags};
use super::numbers::Numbers;
use super::registry::{MetricId, Registry};
use super::tally::{Ending, Tally};
use super::trend::Trend;
use super::window::{Added, Counts, LeafTags, Window};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

/// All that was measured so far.
#[derive(Debug, Default)]
pub struct Totals {
    /// For each worker, where its leaves went, by `LeafId`.
    places: Vec<Vec<Place>>,
    pub(super) registry: Arc<Registry>,
    exchange_places: FxHashMap<ExchangeTags, usize>,
    function_places: FxHashMap<SampleTags, usize>,
    check_places: FxHashMap<CheckTags, usize>,
    group_places: FxHashMap<SampleTags, usize>,
    custom_places: FxHashMap<(MetricId, SampleTags), usize>,
    /// Each kind in order of first appearance; `appeared` is the order over all kinds.
    pub(super) exchanges: Vec<ExchangeLeaf>,
    pub(super) functions: Vec<FunctionLeaf>,
    pub(super) checks: Vec<CheckLeaf>,
    pub(super) groups: Vec<GroupLeaf>,
    pub(super) customs: Vec<CustomLeaf>,
    pub(super) appeared: Vec<Place>,
    pub(super) vus: Option<Gauge>,
    pub(super) vus_max: Option<Gauge>,
    windows_absorbed: u64,
    dropped_samples: u64,
    coarse_lookups: u64,
    tally: Tally,
}

/// Index into the leaves of a kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Exchange(usize),
    Function(usize),
    Check(usize),
    Group(usize),
    Custom(usize),
}

/// Exchanges of one tag set.
#[derive(Debug, Default)]
pub(super) struct ExchangeLeaf {
    pub tags: ExchangeTags,
    /// How its exchanges ended.
    pub ending: Ending,
    pub requests: u64,
    /// Those that opened their connection.
    pub connections: u64,
    pub duration: Trend,
    pub sending: Trend,
    pub waiting: Trend,
    pub receiving: Trend,
    /// These three hold opened connections only; the other exchanges are zeros yet to be added.
    pub blocked: Trend,
    pub connecting: Trend,
    pub tls_handshaking: Trend,
}

/// What a scenario's iterations, setup or teardown emit by running.
#[derive(Debug, Default)]
pub(super) struct FunctionLeaf {
    pub tags: SampleTags,
    pub started: u64,
    pub complete: u64,
    pub interrupted: u64,
    pub dropped: u64,
    pub start_lag: Trend,
    pub iteration_duration: Trend,
    pub data_flushes: u64,
    pub data_sent: u64,
    pub data_received: u64,
}

/// Outcomes of a check under one tag set.
#[derive(Debug, Default)]
pub(super) struct CheckLeaf {
    pub tags: CheckTags,
    pub passes: u64,
    pub fails: u64,
}

#[derive(Debug, Default)]
pub(super) struct GroupLeaf {
    /// `group` is the group that took so long.
    pub tags: SampleTags,
    pub duration: Trend,
}

/// What a script added to one metric under one tag set; which of the three is the metric's kind.
#[derive(Debug)]
pub(super) struct CustomLeaf {
    pub metric: MetricId,
    pub tags: SampleTags,
    /// Counters and gauges.
    pub added: Added,
    /// Rates.
    pub passes: u64,
    pub fails: u64,
    /// Trends.
    pub numbers: Numbers,
    /// The window that brought the last addition.
    pub last_window: u64,
}

/// The last, smallest and largest sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gauge {
    pub value: u64,
    pub min: u64,
    pub max: u64,
}

/// Counts for the progress line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Iterations begun.
    pub started: u64,
    /// Full iterations.
    pub complete: u64,
    pub interrupted: u64,
    /// Starts that found no free VU.
    pub dropped: u64,
    pub requests: u64,
    /// Requests whose response was not an expected one.
    pub failed: u64,
}

/// Requests that failed in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureCount {
    /// k6's error code and text.
    pub code: u16,
    pub text: String,
    pub requests: u64,
}

impl Totals {
    /// Of a run without metrics of its own.
    pub fn new() -> Totals {
        Totals::default()
    }

    /// `registry` is the one that gave the ids that workers record under.
    pub fn with_registry(registry: Arc<Registry>) -> Totals {
        Totals { registry, ..Totals::default() }
    }

    /// Adds what `worker` (any small number, the same for all its windows) measured; windows of a
    /// worker come in the order in which it took them. Returns the window emptied, for
    /// `Recorder::take_window`.
    pub fn absorb(&mut self, worker: usize, mut window: Window) -> Window {
        self.add(worker, &window);
        window.clear();
        window
    }

    /// As `absorb`, but the window is left as it is.
    pub fn add(&mut self, worker: usize, window: &Window) {
        if self.places.len() <= worker {
            self.places.resize_with(worker + 1, Vec::new);
        }
        for tags in &window.new_leaves {
            let place = self.place(tags.clone());
            self.places[worker].push(place);
        }
        let places = &self.places[worker];
        self.windows_absorbed += 1;
        for sample in &window.exchanges {
            let leaf = places[sample.leaf.0 as usize].exchange(&mut self.exchanges);
            let n = u64::from(sample.n);
            leaf.requests += n;
            self.tally.add(leaf.ending, n);
            if sample.waiting_ns > 0 {
                self.tally.waits.record_n(sample.waiting_ns, n);
                self.tally.receives.record_n(sample.receiving_ns, n);
            }
            leaf.duration.record_n(sample.sending_ns + sample.waiting_ns + sample.receiving_ns, n);
            leaf.sending.record_n(sample.sending_ns, n);
            leaf.waiting.record_n(sample.waiting_ns, n);
            leaf.receiving.record_n(sample.receiving_ns, n);
        }
        for sample in &window.connections {
            let leaf = places[sample.leaf.0 as usize].exchange(&mut self.exchanges);
            leaf.connections += 1;
            leaf.blocked.record(sample.blocked_ns);
            leaf.connecting.record(sample.connecting_ns);
            self.tally.connects.record_n(sample.connecting_ns, 1);
            leaf.tls_handshaking.record(sample.tls_handshaking_ns);
        }
        for sample in &window.late_starts {
            let leaf = places[sample.leaf.0 as usize].function(&mut self.functions);
            leaf.started += 1;
            leaf.start_lag.record(sample.lag_ns);
            self.tally.started += 1;
            self.tally.lags.record_n(sample.lag_ns, 1);
        }
        for sample in &window.iterations {
            let leaf = places[sample.leaf.0 as usize].function(&mut self.functions);
            leaf.complete += 1;
            leaf.iteration_duration.record(sample.duration_ns);
        }
        for sample in &window.groups {
            places[sample.leaf.0 as usize].group(&mut self.groups).duration.record(sample.duration_ns);
        }
        for sample in &window.values {
            places[sample.leaf.0 as usize].custom(&mut self.customs).numbers.record(sample.value);
        }
        for (&place, counts) in places.iter().zip(&window.counts) {
            self.dropped_samples += counts.unsampled.sum();
            self.tally.dropped_samples += counts.unsampled.sum();
            self.tally.started += counts.on_time + counts.unsampled.late_starts;
            self.tally.lags.record_n(0, counts.on_time);
            self.tally.dropped += counts.dropped_iterations;
            self.tally.data_sent += counts.data_sent;
            self.tally.data_received += counts.data_received;
            if let Place::Exchange(at) = place {
                self.tally.add(self.exchanges[at].ending, counts.unsampled.exchanges);
            }
            match place {
                Place::Exchange(at) => self.exchanges[at].add(counts),
                Place::Function(at) => self.functions[at].add(counts),
                Place::Check(at) => self.checks[at].add(counts),
                Place::Group(_) => {}
                Place::Custom(at) => self.customs[at].add(counts, self.windows_absorbed),
            }
        }
        self.coarse_lookups += window.coarse_lookups;
    }

    /// Forgets what was measured, but not whose leaf is whose: the workers' next windows may come.
    pub fn forget_samples(&mut self) {
        for leaf in &mut self.exchanges {
            *leaf = ExchangeLeaf { tags: std::mem::take(&mut leaf.tags), ..ExchangeLeaf::default() };
        }
        for leaf in &mut self.functions {
            *leaf = FunctionLeaf { tags: std::mem::take(&mut leaf.tags), ..FunctionLeaf::default() };
        }
        for leaf in &mut self.checks {
            *leaf = CheckLeaf { tags: std::mem::take(&mut leaf.tags), ..CheckLeaf::default() };
        }
        for leaf in &mut self.groups {
            *leaf = GroupLeaf { tags: std::mem::take(&mut leaf.tags), ..GroupLeaf::default() };
        }
        for leaf in &mut self.customs {
            *leaf = CustomLeaf::new(leaf.metric, std::mem::take(&mut leaf.tags));
        }
        (self.vus, self.vus_max) = (None, None);
        (self.dropped_samples, self.coarse_lookups) = (0, 0);
    }

    /// Of the metrics that were recorded.
    pub fn registry(&self) -> Arc<Registry> {
        self.registry.clone()
    }

    /// VUs at work and VUs that exist, once a second (`vus`, `vus_max`).
    pub fn sample_vus(&mut self, active: u64, initialized: u64) {
        Gauge::sample(&mut self.vus, active);
        Gauge::sample(&mut self.vus_max, initialized);
    }

    pub fn live(&self) -> Live {
        let mut live = Live::default();
        for leaf in &self.functions {
            live.started += leaf.started;
            live.complete += leaf.complete;
            live.interrupted += leaf.interrupted;
            live.dropped += leaf.dropped;
        }
        for leaf in &self.exchanges {
            live.requests += leaf.requests;
            live.failed += if leaf.tags.expected_response == Some(false) { leaf.requests } else { 0 };
        }
        live
    }

    /// What a diagnosis needs of all this.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Samples whose timings were lost because a worker's buffer was full. Counts include them.
    pub fn dropped_samples(&self) -> u64 {
        self.dropped_samples
    }

    /// How often a tag set was recorded without its url, name, group, error and user tags because
    /// a worker had reached its bound of leaves. At least one exchange or iteration each.
    pub fn coarse_lookups(&self) -> u64 {
        self.coarse_lookups
    }

    /// Exchanges by status and error code, 0 for none.
    pub fn exchanges_by_outcome(&self) -> BTreeMap<(u16, u16), u64> {
        let mut outcomes = BTreeMap::new();
        for leaf in &self.exchanges {
            *outcomes.entry((leaf.tags.status, leaf.tags.error_code)).or_default() += leaf.requests;
        }
        outcomes
    }

    /// What went wrong without a response, by code and text, the most frequent first.
    pub fn failures(&self) -> Vec<FailureCount> {
        let mut counts: BTreeMap<(u16, &str), u64> = BTreeMap::new();
        for leaf in self.exchanges.iter().filter(|leaf| !leaf.tags.error.is_empty()) {
            *counts.entry((leaf.tags.error_code, &leaf.tags.error)).or_default() += leaf.requests;
        }
        let mut failures: Vec<FailureCount> = counts
            .into_iter()
            .map(|((code, text), requests)| FailureCount { code, text: text.to_owned(), requests })
            .collect();
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.requests));
        failures
    }

    /// How late iterations began, against the instant they were meant for.
    pub fn start_lag(&self) -> Trend {
        let mut lag = Trend::default();
        self.functions.iter().for_each(|leaf| lag.merge(&leaf.start_lag));
        lag
    }

    /// Where a worker's new leaf goes: to the one with its tags, made if there is none.
    fn place(&mut self, tags: LeafTags) -> Place {
        let (place, is_new) = match tags {
            LeafTags::Exchange(tags) => {
                let (at, is_new) = place_of(&mut self.exchange_places, &mut self.exchanges, tags, |tags| {
                    ExchangeLeaf { tags: tags.clone(), ending: Ending::of(tags), ..ExchangeLeaf::default() }
                });
                (Place::Exchange(at), is_new)
            }
            LeafTags::Function(tags) => {
                let (at, is_new) = place_of(&mut self.function_places, &mut self.functions, tags, |tags| {
                    FunctionLeaf { tags: tags.clone(), ..FunctionLeaf::default() }
                });
                (Place::Function(at), is_new)
            }
            LeafTags::Check(tags) => {
                let (at, is_new) = place_of(&mut self.check_places, &mut self.checks, tags, |tags| {
                    CheckLeaf { tags: tags.clone(), ..CheckLeaf::default() }
                });
                (Place::Check(at), is_new)
            }
            LeafTags::Group(tags) => {
                let (at, is_new) = place_of(&mut self.group_places, &mut self.groups, tags, |tags| {
                    GroupLeaf { tags: tags.clone(), ..GroupLeaf::default() }
                });
                (Place::Group(at), is_new)
            }
            LeafTags::Custom(metric, tags) => {
                let (at, is_new) =
                    place_of(&mut self.custom_places, &mut self.customs, (metric, tags), |(metric, tags)| {
                        CustomLeaf::new(*metric, tags.clone())
                    });
                (Place::Custom(at), is_new)
            }
        };
        if is_new {
            self.appeared.push(place);
        }
        place
    }
}

/// Index of the leaf with these tags, and whether it had to be made.
fn place_of<Tags: Eq + Hash, Leaf>(
    places: &mut FxHashMap<Tags, usize>,
    leaves: &mut Vec<Leaf>,
    tags: Tags,
    make: impl FnOnce(&Tags) -> Leaf,
) -> (usize, bool) {
    let before = leaves.len();
    let at = *places.entry(tags).or_insert_with_key(|tags| {
        leaves.push(make(tags));
        before
    });
    (at, leaves.len() > before)
}

/// The leaf of a sample; one of another kind is our own mistake.
impl Place {
    fn exchange(self, leaves: &mut [ExchangeLeaf]) -> &mut ExchangeLeaf {
        match self {
            Place::Exchange(at) => &mut leaves[at],
            other => panic!("an exchange was recorded in {other:?}"),
        }
    }

    fn function(self, leaves: &mut [FunctionLeaf]) -> &mut FunctionLeaf {
        match self {
            Place::Function(at) => &mut leaves[at],
            other => panic!("an iteration was recorded in {other:?}"),
        }
    }

    fn group(self, leaves: &mut [GroupLeaf]) -> &mut GroupLeaf {
        match self {
            Place::Group(at) => &mut leaves[at],
            other => panic!("a group was recorded in {other:?}"),
        }
    }

    fn custom(self, leaves: &mut [CustomLeaf]) -> &mut CustomLeaf {
        match self {
            Place::Custom(at) => &mut leaves[at],
            other => panic!("a value was recorded in {other:?}"),
        }
    }
}

impl ExchangeLeaf {
    fn add(&mut self, counts: &Counts) {
        assert_eq!(counts.data_flushes + counts.on_time, 0, "data or starts in an exchange leaf");
        self.requests += counts.unsampled.exchanges;
        self.connections += counts.unsampled.connections;
    }
}

impl FunctionLeaf {
    fn add(&mut self, counts: &Counts) {
        assert_eq!(counts.unsampled.exchanges, 0, "exchanges in a function's leaf");
        self.started += counts.on_time + counts.unsampled.late_starts;
        self.start_lag.record_n(0, counts.on_time);
        self.complete += counts.unsampled.iterations;
        self.interrupted += counts.interrupted;
        self.dropped += counts.dropped_iterations;
        self.data_flushes += counts.data_flushes;
        self.data_sent += counts.data_sent;
        self.data_received += counts.data_received;
    }
}

impl CheckLeaf {
    fn add(&mut self, counts: &Counts) {
        self.passes += counts.passes;
        self.fails += counts.fails;
    }
}

impl CustomLeaf {
    fn new(metric: MetricId, tags: SampleTags) -> CustomLeaf {
        CustomLeaf {
            metric,
            tags,
            added: Added::default(),
            passes: 0,
            fails: 0,
            numbers: Numbers::default(),
            last_window: 0,
        }
    }

    fn add(&mut self, counts: &Counts, window: u64) {
        self.passes += counts.passes;
        self.fails += counts.fails;
        if counts.added.samples > 0 {
            self.added.samples += counts.added.samples;
            self.added.sum += counts.added.sum;
            self.added.min = self.added.min.min(counts.added.min);
            self.added.max = self.added.max.max(counts.added.max);
            (self.added.last, self.added.last_at) = (counts.added.last, counts.added.last_at);
            self.last_window = window;
        }
    }
}

impl Gauge {
    fn sample(gauge: &mut Option<Gauge>, value: u64) {
        let (min, max) = gauge.map_or((value, value), |gauge| (gauge.min.min(value), gauge.max.max(value)));
        *gauge = Some(Gauge { value, min, max });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{ExchangeTiming, Recorder, RecorderBounds, TagSet};

    const TIMING: ExchangeTiming =
        ExchangeTiming { sending_ns: 1_000, waiting_ns: 2_000, receiving_ns: 3_000 };

    fn tags(status: u16, error_code: u16) -> ExchangeTags {
        let expected_response = Some((200..400).contains(&status));
        ExchangeTags { status, error_code, expected_response, ..ExchangeTags::default() }
    }

    fn recorder(samples: usize) -> Recorder {
        Recorder::new(RecorderBounds { samples, leaves: 16 })
    }

    #[test]
    fn workers_add_up_by_tag_set_whatever_their_leaf_numbers() {
        let mut totals = Totals::new();
        let orders = [[(200, 0), (0, 1212)], [(0, 1212), (200, 0)]];
        for (worker, order) in orders.iter().enumerate() {
            let mut recorder = recorder(8);
            for &(status, code) in order {
                let leaf = recorder.exchange_leaf(&tags(status, code));
                recorder.record_exchange(leaf, TIMING, if status == 200 { 16 } else { 1 });
            }
            totals.absorb(worker, recorder.take_window(None));
        }
        assert_eq!(totals.exchanges_by_outcome(), BTreeMap::from([((0, 1212), 2), ((200, 0), 32)]));
        assert_eq!(totals.live(), Live { requests: 34, failed: 2, ..Live::default() });
        assert_eq!(totals.exchanges.len(), 2);
    }

    #[test]
    fn a_recycled_window_brings_nothing_back() {
        let mut totals = Totals::new();
        let mut recorder = recorder(8);
        let scenario = recorder.scenario_leaf("default", &TagSet::new());
        let exchange = recorder.exchange_leaf(&tags(200, 0));
        let mut spare = None;
        for _ in 0..10 {
            recorder.record_started(scenario, 0);
            recorder.record_started(scenario, 5_000_000);
            recorder.record_exchange(exchange, TIMING, 1);
            recorder.record_iteration(scenario, 6_000);
            recorder.record_interrupted(scenario);
            recorder.record_dropped(scenario, 3);
            spare = Some(totals.absorb(0, recorder.take_window(spare)));
        }
        let want = Live { started: 20, complete: 10, interrupted: 10, dropped: 30, requests: 10, failed: 0 };
        assert_eq!(totals.live(), want);
        let lag = totals.start_lag();
        assert_eq!((lag.count(), lag.max(), lag.avg()), (20, 5.0, 2.5));
    }

    #[test]
    fn counts_are_exact_when_samples_are_dropped() {
        let mut totals = Totals::new();
        let mut recorder = recorder(4);
        let scenario = recorder.scenario_leaf("default", &TagSet::new());
        let exchange = recorder.exchange_leaf(&tags(500, 1500));
        for _ in 0..100 {
            recorder.record_started(scenario, 7);
            recorder.record_exchange(exchange, TIMING, 1);
            recorder.record_connection(exchange, 3, 2, 1);
            recorder.record_iteration(scenario, 6_000);
        }
        totals.absorb(3, recorder.take_window(None));
        let want = Live { started: 100, complete: 100, requests: 100, failed: 100, ..Live::default() };
        assert_eq!(totals.live(), want);
        assert_eq!(totals.dropped_samples(), 4 * 96);
        assert_eq!(totals.exchanges[0].duration.count(), 4);
    }

    #[test]
    #[should_panic(expected = "an exchange was recorded in Function")]
    fn a_leaf_of_the_wrong_kind_is_our_own_fault() {
        let mut recorder = recorder(4);
        let leaf = recorder.scenario_leaf("default", &TagSet::new());
        recorder.record_exchange(leaf, TIMING, 1);
        Totals::new().absorb(0, recorder.take_window(None));
    }
}
