//! Precedence: what several sources said becomes what is asked for.
//!
//! A layer holds what one source said and nothing else; `None` is silence. From lowest to highest:
//! defaults, the configuration file, the script's options, environment, flags.
//! Keys are independent of each other but for the block of `Execution`.

use super::dns::DnsText;
use super::engine::{SpinChoice, TransportChoice};
use super::execution::Execution;
use super::host_rules::{HostMap, HostRules, Network, Pattern};
use super::local_ips::LocalIps;
use super::log_output::LogOutput;
use super::outputs::{CsvOutput, OutputChoice};
use super::request::Body;
use super::summary::{SummaryMode, TimeUnit};
use super::system_tags::SystemTags;
use super::threshold::Thresholds;
use super::tls::{CipherSuite, TlsAuth, TlsOptions, TlsVersions};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What one source said about a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    pub execution: Execution,
    /// As written: `plan` knows what it means.
    pub execution_segment: Option<String>,
    pub execution_segment_sequence: Option<String>,

    pub method: Option<String>,
    pub headers: Option<Vec<(String, String)>>,
    pub body: Option<Body>,
    /// Empty: send no User-Agent at all.
    pub user_agent: Option<String>,
    pub timeout: Option<Duration>,
    pub discard_response_bodies: Option<bool>,
    /// Requests a second of all VUs; 0 or less: no limit.
    pub rps: Option<i64>,
    pub max_redirects: Option<i64>,
    pub batch: Option<i64>,
    pub batch_per_host: Option<i64>,
    pub no_cookies_reset: Option<bool>,
    pub throw: Option<bool>,

    pub no_setup: Option<bool>,
    pub no_teardown: Option<bool>,
    pub setup_timeout_ns: Option<i64>,
    pub teardown_timeout_ns: Option<i64>,
    pub handle_summary_timeout_ns: Option<i64>,
    pub min_iteration_duration_ns: Option<i64>,
    pub thresholds: Option<Thresholds>,
    pub no_thresholds: Option<bool>,
    /// `-e NAME=value`.
    pub script_env: Option<BTreeMap<String, String>>,
    /// Where the remote modules of a script are.
    pub module_dir: Option<std::path::PathBuf>,
    pub include_system_env_vars: Option<bool>,

    pub pipeline: Option<u32>,
    pub no_connection_reuse: Option<bool>,
    pub no_vu_connection_reuse: Option<bool>,
    pub hosts: Option<HostMap>,
    pub block_hostnames: Option<Vec<Pattern>>,
    pub blacklist_ips: Option<Vec<Network>>,
    pub local_ips: Option<LocalIps>,
    pub dns: DnsText,
    pub insecure_skip_tls_verify: Option<bool>,
    pub tls_versions: Option<TlsVersions>,
    pub tls_cipher_suites: Option<Vec<CipherSuite>>,
    pub tls_auth: Option<Vec<TlsAuth>>,
    pub tls_resumption: Option<bool>,
    pub workers: Option<u32>,
    pub transport: Option<TransportChoice>,
    pub spin: Option<SpinChoice>,

    pub tags: Option<BTreeMap<String, String>>,
    pub system_tags: Option<SystemTags>,
    pub linger: Option<bool>,
    /// `--config`: of flags and variables only.
    pub config: Option<PathBuf>,
    pub quiet: Option<bool>,
    pub no_color: Option<bool>,
    pub verbose: Option<bool>,
    pub summary_mode: Option<SummaryMode>,
    pub no_summary: Option<bool>,
    pub summary_export: Option<PathBuf>,
    /// As written: only those that win must be statistics.
    pub trend_stats: Option<Vec<String>>,
    pub time_unit: Option<TimeUnit>,
    pub outputs: Option<Vec<OutputChoice>>,
    pub report: Option<PathBuf>,
    /// Of the variables `K6_CSV_*`.
    pub csv: CsvOutput,
    pub new_machine_readable_summary: Option<bool>,
    /// Any text; what it means is `output::log`'s.
    pub log_format: Option<String>,
    pub log_output: Option<LogOutput>,
    pub console_output: Option<PathBuf>,
}

impl Layer {
    /// This layer where it speaks, `lower` where it is silent.
    pub fn over(self, lower: Layer) -> Layer {
        Layer {
            execution: self.execution.over(lower.execution),
            execution_segment: self.execution_segment.or(lower.execution_segment),
            execution_segment_sequence: self.execution_segment_sequence.or(lower.execution_segment_sequence),
            method: self.method.or(lower.method),
            // Replaced whole, like tags: a half-overridden list would surprise more.
            headers: self.headers.or(lower.headers),
            body: self.body.or(lower.body),
            user_agent: self.user_agent.or(lower.user_agent),
            timeout: self.timeout.or(lower.timeout),
            discard_response_bodies: self.discard_response_bodies.or(lower.discard_response_bodies),
            rps: self.rps.or(lower.rps),
            max_redirects: self.max_redirects.or(lower.max_redirects),
            batch: self.batch.or(lower.batch),
            batch_per_host: self.batch_per_host.or(lower.batch_per_host),
            no_cookies_reset: self.no_cookies_reset.or(lower.no_cookies_reset),
            throw: self.throw.or(lower.throw),
            no_setup: self.no_setup.or(lower.no_setup),
            no_teardown: self.no_teardown.or(lower.no_teardown),
            setup_timeout_ns: self.setup_timeout_ns.or(lower.setup_timeout_ns),
            teardown_timeout_ns: self.teardown_timeout_ns.or(lower.teardown_timeout_ns),
            handle_summary_timeout_ns: self.handle_summary_timeout_ns.or(lower.handle_summary_timeout_ns),
            min_iteration_duration_ns: self.min_iteration_duration_ns.or(lower.min_iteration_duration_ns),
            thresholds: self.thresholds.or(lower.thresholds),
            no_thresholds: self.no_thresholds.or(lower.no_thresholds),
            script_env: self.script_env.or(lower.script_env),
            module_dir: self.module_dir.or(lower.module_dir),
            include_system_env_vars: self.include_system_env_vars.or(lower.include_system_env_vars),
            pipeline: self.pipeline.or(lower.pipeline),
            no_connection_reuse: self.no_connection_reuse.or(lower.no_connection_reuse),
            no_vu_connection_reuse: self.no_vu_connection_reuse.or(lower.no_vu_connection_reuse),
            hosts: self.hosts.or(lower.hosts),
            block_hostnames: self.block_hostnames.or(lower.block_hostnames),
            blacklist_ips: self.blacklist_ips.or(lower.blacklist_ips),
            local_ips: self.local_ips.or(lower.local_ips),
            dns: self.dns.over(lower.dns),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify.or(lower.insecure_skip_tls_verify),
            tls_versions: self.tls_versions.or(lower.tls_versions),
            tls_cipher_suites: self.tls_cipher_suites.or(lower.tls_cipher_suites),
            tls_auth: self.tls_auth.or(lower.tls_auth),
            tls_resumption: self.tls_resumption.or(lower.tls_resumption),
            workers: self.workers.or(lower.workers),
            transport: self.transport.or(lower.transport),
            spin: self.spin.or(lower.spin),
            tags: self.tags.or(lower.tags),
            system_tags: self.system_tags.or(lower.system_tags),
            linger: self.linger.or(lower.linger),
            config: self.config.or(lower.config),
            quiet: self.quiet.or(lower.quiet),
            no_color: self.no_color.or(lower.no_color),
            verbose: self.verbose.or(lower.verbose),
            summary_mode: self.summary_mode.or(lower.summary_mode),
            no_summary: self.no_summary.or(lower.no_summary),
            summary_export: self.summary_export.or(lower.summary_export),
            trend_stats: self.trend_stats.or(lower.trend_stats),
            time_unit: self.time_unit.or(lower.time_unit),
            outputs: self.outputs.or(lower.outputs),
            report: self.report.or(lower.report),
            csv: self.csv.over(&lower.csv),
            new_machine_readable_summary: self
                .new_machine_readable_summary
                .or(lower.new_machine_readable_summary),
            log_format: self.log_format.or(lower.log_format),
            log_output: self.log_output.or(lower.log_output),
            console_output: self.console_output.or(lower.console_output),
        }
    }
}

impl Layer {
    /// What it says of TLS, complete with k6's defaults.
    pub fn tls(&self) -> TlsOptions {
        TlsOptions {
            insecure_skip_verify: self.insecure_skip_tls_verify.unwrap_or(false),
            versions: self.tls_versions.unwrap_or_default(),
            cipher_suites: self.tls_cipher_suites.clone(),
            auth: self.tls_auth.clone().unwrap_or_default(),
            resumption: self.tls_resumption.unwrap_or(false),
        }
    }
}

impl Layer {
    /// What it says of where hosts lead.
    pub fn host_rules(&self) -> HostRules {
        HostRules {
            hosts: self.hosts.clone().unwrap_or_default(),
            blocked: self.block_hostnames.clone().unwrap_or_default(),
            blacklist: self.blacklist_ips.clone().unwrap_or_default(),
        }
    }
}

/// Lays all layers over each other; the first is the lowest.
pub fn consolidate(lowest_first: impl IntoIterator<Item = Layer>) -> Layer {
    lowest_first.into_iter().fold(Layer::default(), |lower, layer| layer.over(lower))
}

/// As `consolidate` for the four sources of a script's run, with k6's warnings of a source that
/// replaced the scenarios of a lower one.
pub fn consolidate_script(config: Layer, script: Layer, env: Layer, flags: Layer) -> (Layer, Vec<String>) {
    let mut warnings = Vec::new();
    let mut over = |lower: Layer, name: &str, higher: Layer| {
        if lower.execution.scenarios.is_some() && higher.execution.is_a_way_to_run() {
            warnings.push(format!("{name:?} level configuration overrode scenarios configuration entirely"));
        }
        higher.over(lower)
    };
    let config_and_script = over(config, "script", script);
    let script_and_env = over(config_and_script, "env", env);
    let layer = over(script_and_env, "cli", flags);
    (layer, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_layer_lets_the_lower_one_speak() {
        let env = Layer { quiet: Some(true), pipeline: Some(4), ..Layer::default() };
        let flags = Layer { quiet: Some(false), ..Layer::default() };
        let got = consolidate([env, flags]);
        assert_eq!((got.quiet, got.pipeline, got.workers), (Some(false), Some(4), None));
    }

    #[test]
    fn tags_are_replaced_whole_and_dns_key_by_key() {
        let tags = |name: &str| Some(BTreeMap::from([(name.to_owned(), "x".to_owned())]));
        let dns = |text| DnsText::parse(text).unwrap();
        let env = Layer { tags: tags("a"), dns: dns("ttl=0,select=first"), ..Layer::default() };
        let flags = Layer { tags: tags("b"), dns: dns("select=random,policy=any"), ..Layer::default() };
        let got = consolidate([env, flags]);
        assert_eq!(got.tags, tags("b"));
        assert_eq!(got.dns, dns("ttl=0,select=random,policy=any"));
    }

    #[track_caller]
    fn check_warnings(script: Execution, env: Execution, flags: Execution, want: &[&str]) {
        let layer = |execution| Layer { execution, ..Layer::default() };
        let (_, warnings) = consolidate_script(Layer::default(), layer(script), layer(env), layer(flags));
        let levels: Vec<_> = warnings.iter().map(|text| text.split('"').nth(1).unwrap()).collect();
        assert_eq!(levels, want);
    }

    #[test]
    fn replaced_scenarios_are_warned_of_once() {
        let nothing = Execution::default;
        let scenarios = || Execution { scenarios: Some(BTreeMap::new()), ..nothing() };
        let lasting = || Execution { duration_ns: Some(1), ..nothing() };
        let vus = || Execution { vus: Some(1), ..nothing() };
        check_warnings(scenarios(), nothing(), nothing(), &[]);
        check_warnings(scenarios(), vus(), vus(), &[]);
        check_warnings(scenarios(), lasting(), nothing(), &["env"]);
        check_warnings(scenarios(), nothing(), lasting(), &["cli"]);
        check_warnings(scenarios(), lasting(), lasting(), &["env"]);
        check_warnings(lasting(), lasting(), lasting(), &[]);
    }
}
