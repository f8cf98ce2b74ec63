//! What a command line asks for, complete with defaults.

use super::exit_code;
use crate::options::{
    BehaviourOptions, Body, CapacityOptions, Dns, Executor, HostRules, Layer, LocalIps, LogOutput,
    OutputChoice, Scenario, SpinChoice, SummaryMode, SystemTags, Thresholds, TimeUnit, TlsOptions,
    TransportChoice, TrendStat,
};
use crate::output::compare::Condition;
use crate::output::log::LogFormat;
use crate::plan::split::Portion;
use crate::run::Refused;
use crate::search::{self, ramp};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Run(RunRequest),
    /// A run against a built-in target; its URL is empty until that target listens.
    Demo(RunRequest),
    Breakpoint(Box<BreakpointRequest>),
    Target(TargetCommand),
    /// A first script is to be written.
    New {
        path: PathBuf,
        overwrites: bool,
    },
    Compare(CompareCommand),
    Report(ReportCommand),
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

impl Refusal {
    /// Bad options, or options that contradict each other.
    pub fn invalid(message: String) -> Refusal {
        Refusal { message, exit_code: exit_code::INVALID_CONFIG }
    }

    /// Everything without a status of its own.
    pub fn generic(message: String) -> Refusal {
        Refusal { message, exit_code: exit_code::GENERIC }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Refusal {
        let exit_code = match &refused {
            Refused::Vu(error) => error.exit_code,
            Refused::Interrupted(_) => exit_code::INTERRUPTED,
            _ => exit_code::GENERIC,
        };
        Refusal { message: refused.to_string(), exit_code }
    }
}

/// What a run loads, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An `http://` or `https://` URL with a host.
    Url(String),
    /// A file, or `-` for standard input.
    Script(String),
}

/// `ringload run`, before a script has said its part: `complete_url` and `complete_script` make a
/// `RunCommand` of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRequest {
    pub source: Source,
    /// Of a script: what k6's configuration file says.
    pub config_layer: Layer,
    pub flags_layer: Layer,
    pub env_layer: Layer,
    /// `__ENV` of the script: the environment unless that is not wanted, and `-e` over it.
    pub script_env: BTreeMap<String, String>,
}

impl RunRequest {
    /// What the log lines of loading a script need to know.
    pub fn no_color(&self) -> bool {
        self.flags_layer.no_color.or(self.env_layer.no_color).unwrap_or(false)
    }

    pub fn log_format(&self) -> LogFormat {
        let text = self.flags_layer.log_format.as_ref().or(self.env_layer.log_format.as_ref());
        LogFormat::parse(text.map_or("", String::as_str))
    }

    pub fn log_output(&self) -> LogOutput {
        let output = self.flags_layer.log_output.as_ref().or(self.env_layer.log_output.as_ref());
        output.cloned().unwrap_or_default()
    }
}

/// `ringload breakpoint`.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakpointRequest {
    /// What is requested, and how; of load it says nothing.
    pub run: RunRequest,
    pub settings: search::Settings,
    /// Of the command line; they replace the script's thresholds.
    pub goals: Thresholds,
    pub no_sleep: bool,
    /// Starts come at random, not evenly.
    pub at_random: bool,
    /// `None`: as many as is usual.
    pub vus_max: Option<u32>,
    /// `None`: the script has one.
    pub scenario: Option<String>,
    pub json: Option<PathBuf>,
    /// Iterations a second.
    pub fail_below: Option<f64>,
}

/// What is known of a script once its init code has run.
pub struct LoadedScript<'a> {
    /// Its `options` (`options::script::decode`).
    pub layer: Layer,
    /// Whether it exports a function of this name.
    pub is_exported: &'a dyn Fn(&str) -> bool,
}

/// A run: every number validated.
#[derive(Clone, Debug, PartialEq)]
pub struct RunCommand {
    pub source: Source,
    /// Of URLs. GET, or POST if there is a body, unless given.
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Body>,
    /// Requests in flight on one connection, 1..=1024.
    pub pipeline: u32,
    /// At least one, in the order in which they begin.
    pub scenarios: Vec<Scenario>,
    /// This instance's part of the test.
    pub portion: Portion,
    /// Of scripts.
    pub script: ScriptSettings,
    /// `None`: as many as there are CPUs for us.
    pub workers: Option<u32>,
    pub transport: TransportChoice,
    pub spin: SpinChoice,
    /// Limit of one request of a URL; a script says it with each request.
    pub timeout: Duration,
    /// The summary waits for Ctrl-C.
    pub linger: bool,
    pub quiet: bool,
    pub no_color: bool,
    pub verbose: bool,
    pub summary_mode: SummaryMode,
    pub summary_export: Option<PathBuf>,
    /// The export, and what `handleSummary` is given, in k6's new form.
    pub new_machine_readable_summary: bool,
    pub trend_stats: Vec<TrendStat>,
    /// `None`: each time in a unit that fits it.
    pub time_unit: Option<TimeUnit>,
    pub no_connection_reuse: bool,
    /// A VU's connections end with each iteration.
    pub no_vu_connection_reuse: bool,
    pub host_rules: HostRules,
    pub discard_response_bodies: bool,
    /// `None`: ringload's own; empty: no such header.
    pub user_agent: Option<String>,
    /// `None`: the kernel chooses source addresses.
    pub local_ips: Option<LocalIps>,
    pub tags: BTreeMap<String, String>,
    pub dns: Dns,
    pub tls: TlsOptions,
    /// `--out` and `--report`.
    pub outputs: Vec<OutputChoice>,
    /// The file that a script's console lines go to.
    pub console_output: Option<PathBuf>,
}

impl RunCommand {
    /// Starts are given by a schedule, in some scenario.
    pub fn is_open(&self) -> bool {
        self.scenarios.iter().any(|scenario| {
            let executor = &scenario.executor;
            matches!(executor, Executor::ConstantArrivalRate { .. } | Executor::RampingArrivalRate { .. })
        })
    }

    /// Somebody wants to read it: a file, or the reading of a ramp.
    pub fn keeps_timeline(&self) -> bool {
        self.writes_timeline() || ramp::axis(&self.scenarios).is_some()
    }

    pub fn writes_timeline(&self) -> bool {
        let is_of_rows =
            |output: &OutputChoice| matches!(output, OutputChoice::Timeline(_) | OutputChoice::Report(_));
        self.outputs.iter().any(is_of_rows)
    }
}

/// What only scripts have; the default is what a URL has, and k6's.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptSettings {
    /// To be logged before the run, in k6's words.
    pub warnings: Vec<String>,
    /// `__ENV`, without what scenarios lay over it.
    pub env: BTreeMap<String, String>,
    pub no_setup: bool,
    pub no_teardown: bool,
    pub setup_timeout: Duration,
    pub teardown_timeout: Duration,
    pub handle_summary_timeout: Duration,
    /// Not yet parsed; empty with `--no-thresholds`.
    pub thresholds: Thresholds,
    pub min_iteration_duration: Option<Duration>,
    /// Requests a second of all VUs together; `None`: no limit.
    pub rps: Option<u64>,
    pub max_redirects: u32,
    /// Requests of one `http.batch` in flight at once, at least 1.
    pub batch: u32,
    /// The same for each host; `None`: no limit but `batch`.
    pub batch_per_host: Option<u32>,
    pub throw: bool,
    pub system_tags: SystemTags,
    pub no_cookies_reset: bool,
    /// `exec.test.options`, as JSON.
    pub test_options: String,
    /// What is written back into the script's own `options`, as JSON.
    pub script_options: String,
}

impl Default for ScriptSettings {
    fn default() -> ScriptSettings {
        ScriptSettings {
            warnings: Vec::new(),
            env: BTreeMap::new(),
            no_setup: false,
            no_teardown: false,
            setup_timeout: Duration::from_secs(60),
            teardown_timeout: Duration::from_secs(60),
            handle_summary_timeout: Duration::from_secs(120),
            thresholds: Thresholds::new(),
            min_iteration_duration: None,
            rps: None,
            max_redirects: 10,
            batch: 20,
            batch_per_host: Some(6),
            throw: false,
            system_tags: SystemTags::default(),
            no_cookies_reset: false,
            test_options: "{}".to_owned(),
            script_options: "{}".to_owned(),
        }
    }
}

/// `ringload compare`: two summaries, and what must not be true of the second.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareCommand {
    pub a: PathBuf,
    pub b: PathBuf,
    pub conditions: Vec<Condition>,
    pub json: bool,
}

/// `ringload report`: a timeline, and where its page goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportCommand {
    pub timeline: PathBuf,
    pub page: PathBuf,
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
    pub capacity: CapacityOptions,
    /// Connections that may wait to be accepted.
    pub backlog: u32,
    /// Accept nothing for so long after the start.
    pub accept_pause: Duration,
    /// HTTPS, with a certificate of its own.
    pub tls: bool,
    pub tls_cert_out: Option<PathBuf>,
}
