//! The metrics of a run by name: the built-in ones and those that a script declares.
//!
//! One registry is shared by all VUs of a run (`Arc<Registry>`), so an id means the same metric in
//! all of them. Its lock is taken when a VU is made and when a report is, never on the data plane:
//! an id knows its kind by itself.

use super::builtin::{Builtin, Kind, TABLE};
use super::summary::Contains;
use crate::options::SystemTags;
use rustc_hash::FxHashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A metric of the registry that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricId {
    place: u32,
    kind: Kind,
}

/// What a metric is called, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricDefinition {
    pub name: String,
    pub kind: Kind,
    pub contains: Contains,
}

/// Metrics that k6 knows in every run and nothing here emits yet. A script may name them in
/// thresholds, and may not declare them as something else.
const KNOWN_TO_K6: [(&str, Kind, Contains); 7] = [
    ("ws_sessions", Kind::Counter, Contains::Default),
    ("ws_msgs_sent", Kind::Counter, Contains::Default),
    ("ws_msgs_received", Kind::Counter, Contains::Default),
    ("ws_ping", Kind::Trend, Contains::Time),
    ("ws_session_duration", Kind::Trend, Contains::Time),
    ("ws_connecting", Kind::Trend, Contains::Time),
    ("grpc_req_duration", Kind::Trend, Contains::Time),
];

#[derive(Debug)]
pub struct Registry {
    metrics: Mutex<Metrics>,
    /// Which of k6's own tags samples carry.
    system_tags: Mutex<SystemTags>,
}

#[derive(Debug, Default)]
struct Metrics {
    /// By `MetricId::place`; the built-in ones first, in the order of their table.
    definitions: Vec<MetricDefinition>,
    places: FxHashMap<String, u32>,
}

impl MetricId {
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// The built-in metric that this is, if it is one.
    pub fn builtin(self) -> Option<Builtin> {
        TABLE.get(self.place as usize).map(|row| row.metric)
    }

    pub(super) fn place(self) -> usize {
        self.place as usize
    }
}

impl From<Builtin> for MetricId {
    fn from(builtin: Builtin) -> MetricId {
        MetricId { place: builtin as u32, kind: builtin.definition().kind }
    }
}

impl Default for Registry {
    fn default() -> Registry {
        Registry::new()
    }
}

impl Registry {
    /// With the built-in metrics.
    pub fn new() -> Registry {
        let mut metrics = Metrics::default();
        for row in TABLE {
            metrics.add(row.name, row.kind, row.contains);
        }
        for (name, kind, contains) in KNOWN_TO_K6 {
            metrics.add(name, kind, contains);
        }
        Registry { metrics: Mutex::new(metrics), system_tags: Mutex::default() }
    }

    /// Samples carry these system tags; said once, before the run.
    pub fn show_system_tags(&self, tags: SystemTags) {
        *self.system_tags.lock().unwrap_or_else(PoisonError::into_inner) = tags;
    }

    pub fn system_tags(&self) -> SystemTags {
        *self.system_tags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The metric of this name, made if there is none. k6's text if the name is not allowed or
    /// belongs to a metric of another kind.
    pub fn declare(&self, name: &str, kind: Kind, contains: Contains) -> Result<MetricId, String> {
        if !is_name(name) {
            return Err(format!(
                "Invalid metric name: '{name}'. Metric names must only include up to 128 ASCII letters, \
                 numbers, or underscores and start with a letter or an underscore."
            ));
        }
        let mut metrics = self.lock();
        let Some(known) = metrics.find(name) else {
            return Ok(metrics.add(name, kind, contains));
        };
        let definition = &metrics.definitions[known.place()];
        if definition.kind != kind {
            return Err(format!(
                "metric '{name}' already exists but with type {}, instead of {}",
                definition.kind.name(),
                kind.name()
            ));
        }
        if definition.contains != contains {
            return Err(format!(
                "metric '{name}' already exists but with a value type {}, instead of {}",
                definition.contains.name(),
                contains.name()
            ));
        }
        Ok(known)
    }

    pub fn find(&self, name: &str) -> Option<MetricId> {
        self.lock().find(name)
    }

    pub fn definition(&self, id: MetricId) -> MetricDefinition {
        self.lock().definitions[id.place()].clone()
    }

    /// All metrics so far: the built-in ones, then the script's in order of declaration.
    pub fn all(&self) -> Vec<MetricId> {
        let metrics = self.lock();
        let definitions = metrics.definitions.iter().enumerate();
        definitions.map(|(place, known)| MetricId { place: place as u32, kind: known.kind }).collect()
    }

    /// A panic of another thread leaves no half-made metric behind.
    fn lock(&self) -> MutexGuard<'_, Metrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Metrics {
    fn add(&mut self, name: &str, kind: Kind, contains: Contains) -> MetricId {
        let place = self.definitions.len() as u32;
        self.definitions.push(MetricDefinition { name: name.to_owned(), kind, contains });
        self.places.insert(name.to_owned(), place);
        MetricId { place, kind }
    }

    fn find(&self, name: &str) -> Option<MetricId> {
        let &place = self.places.get(name)?;
        Some(MetricId { place, kind: self.definitions[place as usize].kind })
    }
}

/// k6's `^[a-zA-Z_][a-zA-Z0-9_]{1,128}$`: so at least two characters.
fn is_name(name: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    match name.as_bytes() {
        [first, rest @ ..] => {
            !first.is_ascii_digit()
                && is_word(first)
                && (1..=128).contains(&rest.len())
                && rest.iter().all(is_word)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(registry: &Registry, name: &str, kind: Kind, contains: Contains, want: Result<usize, &str>) {
        let custom = TABLE.len() + KNOWN_TO_K6.len();
        let got = registry.declare(name, kind, contains).map(|id| id.place().wrapping_sub(custom));
        assert_eq!(got, want.map_err(str::to_owned), "{name}");
    }

    #[test]
    fn a_name_has_one_id_however_often_it_is_declared() {
        let registry = Registry::new();
        check(&registry, "my_trend", Kind::Trend, Contains::Time, Ok(0));
        check(&registry, "_1", Kind::Gauge, Contains::Default, Ok(1));
        check(&registry, "my_trend", Kind::Trend, Contains::Time, Ok(0));
        let id = registry.find("my_trend").unwrap();
        assert_eq!((id.kind(), id.builtin()), (Kind::Trend, None));
        assert_eq!(registry.definition(id).name, "my_trend");
        assert_eq!(registry.find("nope"), None);
        assert_eq!(registry.all().last(), registry.find("_1").as_ref());
    }

    #[test]
    fn a_metric_keeps_its_type() {
        let registry = Registry::new();
        check(&registry, "a_b", Kind::Counter, Contains::Default, Ok(0));
        let other = "metric 'a_b' already exists but with type counter, instead of trend";
        check(&registry, "a_b", Kind::Trend, Contains::Time, Err(other));
        let other = "metric 'a_b' already exists but with a value type default, instead of time";
        check(&registry, "a_b", Kind::Counter, Contains::Time, Err(other));
    }

    #[test]
    fn a_built_in_metric_may_be_declared_as_what_it_is() {
        let registry = Registry::new();
        let id = registry.declare("http_req_duration", Kind::Trend, Contains::Time).unwrap();
        assert_eq!(id.builtin(), Some(Builtin::HttpReqDuration));
        assert_eq!(id, MetricId::from(Builtin::HttpReqDuration));
        let other = "metric 'checks' already exists but with type rate, instead of counter";
        check(&registry, "checks", Kind::Counter, Contains::Default, Err(other));
        let other = "metric 'ws_ping' already exists but with type trend, instead of counter";
        check(&registry, "ws_ping", Kind::Counter, Contains::Default, Err(other));
    }

    #[test]
    fn a_name_is_two_to_129_letters_digits_and_underscores() {
        let registry = Registry::new();
        let longest = "a".repeat(129);
        for (at, name) in ["aB", "__", "z9", &longest].iter().enumerate() {
            check(&registry, name, Kind::Rate, Contains::Default, Ok(at));
        }
        for name in ["", "a", "1a", "a b", "a.b", "é_", "a-b", &"a".repeat(130)] {
            let refused = registry.declare(name, Kind::Rate, Contains::Default).unwrap_err();
            assert_eq!(
                refused,
                format!(
                    "Invalid metric name: '{name}'. Metric names must only include up to 128 ASCII letters, \
                     numbers, or underscores and start with a letter or an underscore."
                )
            );
        }
    }
}
