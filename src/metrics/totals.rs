//! Totals of a run: every worker's windows added up by tag set, on the control thread.
//!
//! Leaves of different workers with the same tags become one. Metrics, sub-metrics, scenarios and
//! groups are merges of leaves, made when somebody asks (`report`).

use super::leaf::{ExchangeTags, ScenarioTags};
use super::trend::Trend;
use super::window::{Counts, LeafTags, Window};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// All that was measured so far.
#[derive(Debug, Default)]
pub struct Totals {
    /// For each worker, where its leaves went, by `LeafId`.
    places: Vec<Vec<Place>>,
    exchange_places: FxHashMap<ExchangeTags, usize>,
    scenario_places: FxHashMap<ScenarioTags, usize>,
    /// In order of first appearance, like `scenarios`.
    pub(super) exchanges: Vec<ExchangeLeaf>,
    pub(super) scenarios: Vec<ScenarioLeaf>,
    pub(super) vus: Option<Gauge>,
    pub(super) vus_max: Option<Gauge>,
    dropped_samples: u64,
    coarse_lookups: u64,
}

/// Index into `Totals::exchanges` or `Totals::scenarios`.
#[derive(Clone, Copy, Debug)]
enum Place {
    Exchange(usize),
    Scenario(usize),
}

/// Exchanges of one tag set.
#[derive(Debug, Default)]
pub(super) struct ExchangeLeaf {
    pub tags: ExchangeTags,
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

/// What the VUs of a scenario emit outside of exchanges.
#[derive(Debug, Default)]
pub(super) struct ScenarioLeaf {
    pub tags: ScenarioTags,
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
    pub fn new() -> Totals {
        Totals::default()
    }

    /// Adds what `worker` (any small number, the same for all its windows) measured; windows of a
    /// worker come in the order in which it took them. Returns the window emptied, for
    /// `Recorder::take_window`.
    pub fn absorb(&mut self, worker: usize, mut window: Window) -> Window {
        if self.places.len() <= worker {
            self.places.resize_with(worker + 1, Vec::new);
        }
        for tags in window.new_leaves.drain(..) {
            let place = self.place(tags);
            self.places[worker].push(place);
        }
        let places = &self.places[worker];
        let (exchanges, scenarios) = (&mut self.exchanges, &mut self.scenarios);
        for sample in &window.exchanges {
            let leaf = exchange_leaf(exchanges, places[sample.leaf.0 as usize]);
            let n = u64::from(sample.n);
            leaf.requests += n;
            leaf.duration.record_n(sample.sending_ns + sample.waiting_ns + sample.receiving_ns, n);
            leaf.sending.record_n(sample.sending_ns, n);
            leaf.waiting.record_n(sample.waiting_ns, n);
            leaf.receiving.record_n(sample.receiving_ns, n);
        }
        for sample in &window.connections {
            let leaf = exchange_leaf(exchanges, places[sample.leaf.0 as usize]);
            leaf.connections += 1;
            leaf.blocked.record(sample.blocked_ns);
            leaf.connecting.record(sample.connecting_ns);
            leaf.tls_handshaking.record(sample.tls_handshaking_ns);
        }
        for sample in &window.late_starts {
            let leaf = scenario_leaf(scenarios, places[sample.leaf.0 as usize]);
            leaf.started += 1;
            leaf.start_lag.record(sample.lag_ns);
        }
        for sample in &window.iterations {
            let leaf = scenario_leaf(scenarios, places[sample.leaf.0 as usize]);
            leaf.complete += 1;
            leaf.iteration_duration.record(sample.duration_ns);
        }
        for (&place, counts) in places.iter().zip(&window.counts) {
            self.dropped_samples += counts.unsampled.sum();
            match place {
                Place::Exchange(at) => exchanges[at].add(counts),
                Place::Scenario(at) => scenarios[at].add(counts),
            }
        }
        self.coarse_lookups += window.coarse_lookups;
        window.clear();
        window
    }

    /// VUs at work and VUs that exist, once a second (`vus`, `vus_max`).
    pub fn sample_vus(&mut self, active: u64, initialized: u64) {
        Gauge::sample(&mut self.vus, active);
        Gauge::sample(&mut self.vus_max, initialized);
    }

    pub fn live(&self) -> Live {
        let mut live = Live::default();
        for leaf in &self.scenarios {
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
        self.scenarios.iter().for_each(|leaf| lag.merge(&leaf.start_lag));
        lag
    }

    fn place(&mut self, tags: LeafTags) -> Place {
        match tags {
            LeafTags::Exchange(tags) => {
                let leaves = &mut self.exchanges;
                Place::Exchange(*self.exchange_places.entry(tags).or_insert_with_key(|tags| {
                    leaves.push(ExchangeLeaf { tags: tags.clone(), ..ExchangeLeaf::default() });
                    leaves.len() - 1
                }))
            }
            LeafTags::Scenario(tags) => {
                let leaves = &mut self.scenarios;
                Place::Scenario(*self.scenario_places.entry(tags).or_insert_with_key(|tags| {
                    leaves.push(ScenarioLeaf { tags: tags.clone(), ..ScenarioLeaf::default() });
                    leaves.len() - 1
                }))
            }
        }
    }
}

fn exchange_leaf(leaves: &mut [ExchangeLeaf], place: Place) -> &mut ExchangeLeaf {
    match place {
        Place::Exchange(at) => &mut leaves[at],
        Place::Scenario(at) => panic!("an exchange was recorded in scenario leaf {at}"),
    }
}

fn scenario_leaf(leaves: &mut [ScenarioLeaf], place: Place) -> &mut ScenarioLeaf {
    match place {
        Place::Scenario(at) => &mut leaves[at],
        Place::Exchange(at) => panic!("an iteration was recorded in exchange leaf {at}"),
    }
}

impl ExchangeLeaf {
    fn add(&mut self, counts: &Counts) {
        assert_eq!(counts.data_flushes + counts.on_time, 0, "data or starts in an exchange leaf");
        self.requests += counts.unsampled.exchanges;
        self.connections += counts.unsampled.connections;
    }
}

impl ScenarioLeaf {
    fn add(&mut self, counts: &Counts) {
        assert_eq!(counts.unsampled.exchanges, 0, "exchanges in a scenario leaf");
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
    #[should_panic(expected = "an exchange was recorded in scenario leaf")]
    fn a_leaf_of_the_wrong_kind_is_our_own_fault() {
        let mut recorder = recorder(4);
        let leaf = recorder.scenario_leaf("default", &TagSet::new());
        recorder.record_exchange(leaf, TIMING, 1);
        Totals::new().absorb(0, recorder.take_window(None));
    }
}
