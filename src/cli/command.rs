//! What a command line asks for, complete with defaults.

use crate::options::{
    BehaviourOptions, Body, Dns, LocalIps, Scenario, SpinChoice, SummaryMode, TimeUnit, TransportChoice,
    TrendStat,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Run(RunCommand),
    /// A run against a built-in target; its URL is empty until that target listens.
    Demo(RunCommand),
    Target(TargetCommand),
    Version {
        json: bool,
    },
    /// The text for standard output.
    Help(String),
}

/// Why nothing is run: one line for the error log, and the exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    pub exit_code: u8,
}

/// `ringload run URL`: every number validated.
#[derive(Clone, Debug, PartialEq)]
pub struct RunCommand {
    /// As typed; an `http://` URL with a host.
    pub url: String,
    /// GET, or POST if there is a body, unless given.
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Body>,
    /// Requests in flight on one connection, 1..=1024.
    pub pipeline: u32,
    pub scenario: Scenario,
    /// `None`: as many as there are CPUs for us.
    pub workers: Option<u32>,
    pub transport: TransportChoice,
    pub spin: SpinChoice,
    /// Limit of one request.
    pub timeout: Duration,
    pub quiet: bool,
    pub no_color: bool,
    pub verbose: bool,
    pub summary_mode: SummaryMode,
    pub summary_export: Option<PathBuf>,
    pub trend_stats: Vec<TrendStat>,
    /// `None`: each time in a unit that fits it.
    pub time_unit: Option<TimeUnit>,
    pub no_connection_reuse: bool,
    pub discard_response_bodies: bool,
    /// `None`: ringload's own; empty: no such header.
    pub user_agent: Option<String>,
    /// `None`: the kernel chooses source addresses.
    pub local_ips: Option<LocalIps>,
    pub tags: BTreeMap<String, String>,
    pub dns: Dns,
}

/// `ringload target`: the built-in server of known behaviour.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetCommand {
    pub listen: SocketAddr,
    pub workers: u32,
    pub transport: TransportChoice,
    /// Say where it listens, and at the end what it served, as JSON.
    pub json: bool,
    /// Stop after this time; `None`: at Ctrl-C.
    pub duration: Option<Duration>,
    pub behaviour: BehaviourOptions,
}
