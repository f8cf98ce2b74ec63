//! The services that searches are tried on, each with the goodput at its breaking point.

use super::service::{Ill, Random, Service};
use super::world::World;
use ringload::options::ThresholdSpec;
use ringload::search::Goals;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Refuses what is beyond its capacity.
    HardCapacity,
    /// One server, deterministic service, no limit to its queue, a lazy deadline.
    LazyQueue,
    /// Poisson arrivals, one server, exponential service.
    Mm1,
    /// Poisson arrivals, four servers, deterministic service.
    Md4,
    /// Refuses; its capacity differs by 5 % (deviation) from one half second to the next.
    Noise,
    /// Stops for 30 ms once a second on average; one server, deterministic service.
    Pauses,
    /// Works at two fifths of its speed when many wait.
    Collapse,
    /// The same until its queue is empty again.
    Hysteresis,
    /// The same until nobody asked for a second.
    Metastable,
    /// Refuses; its capacity falls by 3 % in 100 s.
    Drift,
    /// The generator's end is at seven tenths of the capacity.
    Generator,
}

pub const ALL: [Model; 11] = [
    Model::HardCapacity,
    Model::LazyQueue,
    Model::Mm1,
    Model::Md4,
    Model::Noise,
    Model::Pauses,
    Model::Collapse,
    Model::Hysteresis,
    Model::Metastable,
    Model::Drift,
    Model::Generator,
];

const DRIFT: f64 = -0.000_3;

impl Model {
    pub fn name(self) -> &'static str {
        match self {
            Model::HardCapacity => "hard capacity",
            Model::LazyQueue => "queue, lazy deadline",
            Model::Mm1 => "M/M/1",
            Model::Md4 => "M/D/4",
            Model::Noise => "noisy capacity",
            Model::Pauses => "pauses",
            Model::Collapse => "collapse",
            Model::Hysteresis => "hysteresis",
            Model::Metastable => "metastable",
            Model::Drift => "drifting capacity",
            Model::Generator => "generator ends first",
        }
    }

    /// Thresholds as a script has them. Deadlines are in units of the service, so that its
    /// breaking point is at the same utilization whatever its capacity.
    pub fn goals(self, capacity: f64) -> Goals {
        let ms = 1e3 / capacity;
        let threshold = |metric: &str, source: String| {
            let spec = ThresholdSpec { source, abort_on_fail: false, delay_abort_eval: None };
            (metric.to_owned(), vec![spec])
        };
        let failed = || threshold("http_req_failed", "rate<0.01".to_owned());
        let within = |p: u32, ms: f64| threshold("http_req_duration", format!("p({p})<{ms}"));
        let thresholds = match self {
            Model::HardCapacity | Model::Noise | Model::Drift | Model::Generator => vec![failed()],
            Model::LazyQueue => vec![failed(), within(95, 500.0 * ms)],
            Model::Mm1 => vec![failed(), within(99, 100.0 * ms)],
            Model::Md4 => vec![failed(), within(99, 30.0 * ms)],
            Model::Pauses => vec![failed(), within(95, 20.0)],
            Model::Collapse | Model::Hysteresis | Model::Metastable => vec![failed(), within(99, 100.0 * ms)],
        };
        Goals::from_thresholds(&thresholds).expect("thresholds of a model")
    }

    pub fn world(self, capacity: f64, seed: u64) -> World {
        let mean = 1.0 / capacity;
        let queue = |servers: usize, exponential, ill| {
            Service::queue(servers, mean * servers as f64, exponential, ill)
        };
        let service = match self {
            Model::HardCapacity | Model::Generator => Service::bucket(capacity, 0.0, 0.0),
            Model::Noise => Service::bucket(capacity, 0.05, 0.0),
            Model::Drift => Service::bucket(capacity, 0.0, DRIFT),
            Model::LazyQueue => queue(1, false, Ill::Never),
            Model::Mm1 => queue(1, true, Ill::Never),
            Model::Md4 => queue(4, false, Ill::Never),
            Model::Pauses => queue(1, false, Ill::Pauses { every: 1.0, length: 0.03 }),
            Model::Collapse => queue(1, false, Ill::WhileMany { from: 50, slower: 2.5 }),
            Model::Hysteresis => queue(1, false, Ill::Until { from: 50, slower: 2.5, until: 1 }),
            Model::Metastable => queue(1, false, Ill::UntilIdle { from: 50, slower: 2.5 }),
        };
        let mut world = World::new(service, seed);
        world.poisson = matches!(self, Model::Mm1 | Model::Md4);
        if self == Model::Generator {
            world.generator_max = 0.7 * capacity;
        }
        world
    }

    /// Goodput at the highest load that meets the goals in the long run; `at`: when, for what
    /// changes.
    pub fn truth(self, capacity: f64, at: f64) -> f64 {
        match self {
            Model::HardCapacity
            | Model::LazyQueue
            | Model::Collapse
            | Model::Hysteresis
            | Model::Metastable => capacity,
            Model::Drift => capacity * (1.0 + DRIFT * at),
            Model::Generator => 0.7 * capacity,
            // P(time in system > d) = exp(-(mu - lambda) d), and d is 100 service times.
            Model::Mm1 => 0.99 * (capacity - 100f64.ln() * capacity / 100.0),
            // No closed form: bisection over `long_run`.
            Model::Noise => 0.99 * capacity * NOISE_LOAD,
            Model::Md4 => 0.99 * capacity * MD4_LOAD,
            Model::Pauses => 0.95 * capacity * PAUSES_LOAD,
        }
    }
}

/// Each from three times 50,000 simulated seconds a load.
pub const NOISE_LOAD: f64 = 0.979_1;
pub const MD4_LOAD: f64 = 0.917_1;
pub const PAUSES_LOAD: f64 = 0.780_0;

/// The loss ratio of a model of capacity 1000 under a load that never ends, from one long trial.
pub fn long_run(model: Model, load: f64, seconds: f64, seed: u64) -> f64 {
    let mut world = model.world(1000.0, seed);
    world.random = Random(seed);
    let goals = model.goals(1000.0);
    let outcome = world.open(load * 1000.0, 20.0, seconds, 1e9, usize::MAX, &goals);
    let lost = outcome.goals.iter().map(|count| 1.0 - count.good as f64 / count.requests as f64);
    lost.fold(0.0, f64::max)
}
