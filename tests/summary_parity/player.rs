//! Plays a script's samples into recorders, as two workers would record them.

use ringload::metrics::summary::Contains;
use ringload::metrics::{
    CheckTags, ExchangeTags, ExchangeTiming, Kind, Recorder, RecorderBounds, Registry, SampleTags,
    Thresholds, Totals,
};
use ringload::options::ThresholdSpec;
use std::sync::Arc;

pub struct Player {
    pub registry: Arc<Registry>,
    pub totals: Totals,
    recorders: [Recorder; 2],
}

/// Where a sample comes from.
#[derive(Clone, Copy)]
pub struct Place {
    pub worker: usize,
    pub scenario: &'static str,
    pub group: &'static str,
}

impl Place {
    pub fn within(self, group: &'static str) -> Place {
        Place { group, ..self }
    }

    fn tags(self) -> SampleTags {
        let (scenario, group) = (self.scenario.to_owned(), self.group.to_owned());
        SampleTags { scenario, group, ..SampleTags::default() }
    }
}

impl Player {
    pub fn new(metrics: &[(&str, Kind, Contains)]) -> Player {
        let registry = Arc::new(Registry::new());
        for &(name, kind, contains) in metrics {
            registry.declare(name, kind, contains).unwrap();
        }
        let recorder = || Recorder::new(RecorderBounds { samples: 1_000, leaves: 100 });
        Player {
            totals: Totals::with_registry(registry.clone()),
            registry,
            recorders: [recorder(), recorder()],
        }
    }

    pub fn thresholds(&self, specs: &[(&str, &[&str])]) -> Thresholds {
        let spec = |source: &&str| ThresholdSpec {
            source: (*source).to_owned(),
            abort_on_fail: false,
            delay_abort_eval: None,
        };
        let specs: Vec<_> = specs
            .iter()
            .map(|&(key, sources)| (key.to_owned(), sources.iter().map(spec).collect()))
            .collect();
        Thresholds::parse(&specs, &self.registry).unwrap()
    }

    pub fn http(&mut self, place: Place, status: u16) {
        let recorder = &mut self.recorders[place.worker];
        let leaf = recorder.exchange_leaf(&ExchangeTags {
            scenario: place.scenario.to_owned(),
            group: place.group.to_owned(),
            status,
            expected_response: Some((200..400).contains(&status)),
            ..ExchangeTags::default()
        });
        let timing = ExchangeTiming { sending_ns: 3_000, waiting_ns: 150_000, receiving_ns: 9_000 };
        recorder.record_exchange(leaf, timing, 1);
    }

    pub fn check(&mut self, place: Place, name: &str, passed: bool) {
        let recorder = &mut self.recorders[place.worker];
        let leaf = recorder.check_leaf(&CheckTags {
            scenario: place.scenario.to_owned(),
            group: place.group.to_owned(),
            name: name.to_owned(),
            ..CheckTags::default()
        });
        recorder.record_check(leaf, passed);
    }

    /// The group of this place ends.
    pub fn group_end(&mut self, place: Place) {
        let recorder = &mut self.recorders[place.worker];
        let leaf = recorder.group_leaf(&place.tags());
        recorder.record_group(leaf, 400_000);
    }

    pub fn add(&mut self, place: Place, metric: &str, value: f64) {
        let metric = self.registry.find(metric).unwrap();
        let recorder = &mut self.recorders[place.worker];
        let leaf = recorder.custom_leaf(metric, &place.tags());
        recorder.record_custom(leaf, value);
    }

    /// An iteration ends.
    pub fn iteration(&mut self, place: Place, sent: u64, received: u64) {
        self.data(place, sent, received);
        let recorder = &mut self.recorders[place.worker];
        let leaf = recorder.function_leaf(&place.tags());
        recorder.record_iteration(leaf, 101_000_000);
    }

    /// A VU function ends.
    pub fn data(&mut self, place: Place, sent: u64, received: u64) {
        let recorder = &mut self.recorders[place.worker];
        let leaf = recorder.function_leaf(&place.tags());
        recorder.add_data(leaf, sent, received);
    }

    /// The workers hand over, `last` after the other.
    pub fn hand_over(&mut self, last: usize) {
        for worker in [1 - last, last] {
            let window = self.recorders[worker].take_window(None);
            self.totals.absorb(worker, window);
        }
    }
}
