//! What the user asked for, in k6's words: durations, stages, scenarios, trend statistics.
//!
//! Pure: text and values in, validated values or k6's error message out. Reading files, the
//! environment and argv is the caller's (`cli`).

pub mod behaviour;
pub mod capacity;
pub mod config_file;
pub mod consolidated;
pub mod dns;
pub mod duration;
pub mod engine;
pub mod execution;
pub mod go;
pub mod go_json;
pub mod host_rules;
pub mod layers;
pub mod local_ips;
pub mod log_output;
pub mod outputs;
pub mod rate;
pub mod request;
pub mod scenario;
pub mod scenario_text;
pub mod script;
pub mod script_scenarios;
pub mod shortcuts;
pub mod stage;
pub mod summary;
pub mod system_tags;
pub mod tags;
pub mod threshold;
pub mod tls;
pub mod trend_stat;

pub use behaviour::{BehaviourOptions, Delay};
pub use capacity::CapacityOptions;
pub use dns::{Dns, DnsPolicy, DnsSelect};
pub use engine::{SpinChoice, TransportChoice};
pub use execution::Execution;
pub use host_rules::HostRules;
pub use layers::Layer;
pub use local_ips::LocalIps;
pub use log_output::{LogOutput, LogThreshold};
pub use outputs::OutputChoice;
pub use rate::{Rate, RateShape};
pub use request::Body;
pub use scenario::{Executor, Scenario, Stage};
pub use scenario_text::{ExecutorKind, ScenarioText};
pub use summary::{SummaryMode, TimeUnit};
pub use system_tags::SystemTags;
pub use threshold::{ThresholdSpec, Thresholds};
pub use tls::TlsOptions;
pub use trend_stat::TrendStat;
