//! A scenario: which executor runs it, and its numbers.

use std::collections::BTreeMap;
use std::time::Duration;

/// One leg of a ramp: reach `target` linearly within `duration` (0: at once).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    pub duration: Duration,
    pub target: u64,
}

/// One k6 scenario, validated and complete with defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Key in `scenarios`; `default` for the shortcuts.
    pub name: String,
    pub executor: Executor,
    /// Delay of the scenario's first start after the beginning of the test; default 0.
    pub start_time: Duration,
    /// How long running iterations may go on after the regular end; default 30 s.
    pub graceful_stop: Duration,
    /// Exported function to run; default `default`. `None` when the user did not set it.
    pub exec: Option<String>,
    /// Laid over `__ENV` for this scenario's VUs.
    pub env: BTreeMap<String, String>,
    /// Added to every sample of the scenario, over the run's tags.
    pub tags: BTreeMap<String, String>,
}

impl Scenario {
    /// k6's defaults for everything but the executor.
    pub fn of(executor: Executor) -> Scenario {
        Scenario {
            name: "default".to_owned(),
            executor,
            start_time: Duration::ZERO,
            graceful_stop: Duration::from_secs(30),
            exec: None,
            env: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }
}

/// The six executors, named and parameterised as k6 does (times are from the scenario's start).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executor {
    SharedIterations {
        vus: u64,
        iterations: u64,
        max_duration: Duration,
    },
    PerVuIterations {
        vus: u64,
        iterations: u64,
        max_duration: Duration,
    },
    ConstantVus {
        vus: u64,
        duration: Duration,
    },
    RampingVus {
        start_vus: u64,
        stages: Vec<Stage>,
        graceful_ramp_down: Duration,
    },
    ConstantArrivalRate {
        rate: u64,
        time_unit: Duration,
        duration: Duration,
        pre_allocated_vus: u64,
        max_vus: u64,
    },
    RampingArrivalRate {
        start_rate: u64,
        time_unit: Duration,
        stages: Vec<Stage>,
        pre_allocated_vus: u64,
        max_vus: u64,
    },
}

impl Executor {
    /// k6's name of the executor.
    pub fn name(&self) -> &'static str {
        match self {
            Executor::SharedIterations { .. } => "shared-iterations",
            Executor::PerVuIterations { .. } => "per-vu-iterations",
            Executor::ConstantVus { .. } => "constant-vus",
            Executor::RampingVus { .. } => "ramping-vus",
            Executor::ConstantArrivalRate { .. } => "constant-arrival-rate",
            Executor::RampingArrivalRate { .. } => "ramping-arrival-rate",
        }
    }
}
