//! `ringload run` and `ringload demo`: flags, variables and an argument into a `RunRequest`, and that,
//! with what a script says, into a validated `RunCommand`.

use super::command::{LoadedScript, Refusal, RunCommand, RunRequest, ScriptSettings, Source};
use super::exit_code;
use super::flags::Takes;
use super::grammar::Given;
use super::read;
use crate::options::layers::{consolidate, consolidate_script};
use crate::options::{
    Layer, OutputChoice, Scenario, SummaryMode, Thresholds, TrendStat, config_file, consolidated, duration,
    shortcuts,
};
use crate::plan::split::{Portion, Segment, SegmentSequence};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

const TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

/// The one argument of `run`, or why it is none that can be loaded.
pub fn source(arguments: &[String]) -> Result<Source, Refusal> {
    let refuse = |message: String| Err(Refusal { message, exit_code: exit_code::GENERIC });
    let [argument] = arguments else {
        return refuse(format!(
            "accepts 1 arg(s), received {}: arg should either be \"-\", if reading script from stdin, or a path to a script file",
            arguments.len()
        ));
    };
    match scheme(argument).as_deref() {
        Some("http" | "https") => match Url::parse(argument) {
            Ok(_) => Ok(Source::Url(argument.clone())),
            Err(why) => refuse(format!("invalid URL {argument:?}: {why}")),
        },
        _ if argument == "-" || Path::new(argument).exists() => Ok(Source::Script(argument.clone())),
        _ if is_host_and_port(argument) => {
            refuse(format!("{argument:?} is neither a file nor a URL: write http://{argument}"))
        }
        _ => refuse(missing_script(argument)),
    }
}

/// A request of what `source` is; a source that cannot be loaded is refused after bad flags, as in k6.
pub fn request(
    source: Result<Source, Refusal>,
    flags: &[Given],
    env: &BTreeMap<String, String>,
) -> Result<RunRequest, Refusal> {
    let takes = match &source {
        Ok(Source::Url(_)) => Takes::Url,
        Ok(Source::Script(_)) => Takes::Script,
        Err(_) => Takes::Both,
    };
    let flags_layer = read::from_flags(flags, takes)?;
    let source = source?;
    let given = flags_layer.script_env.clone().unwrap_or_default();
    // Whether the environment is wanted is asked before `-e` is laid over it.
    let include = match flags_layer.include_system_env_vars {
        Some(include) => include,
        None => read::from_env(env, &BTreeMap::new(), takes)?.include_system_env_vars.unwrap_or(true),
    };
    let laid_over = if include { given.clone() } else { BTreeMap::new() };
    let env_layer = read::from_env(env, &laid_over, takes)?;
    let mut script_env = BTreeMap::new();
    if takes == Takes::Script {
        script_env = if include { env.clone() } else { script_env };
        script_env.extend(given);
    }
    let config_layer = match takes {
        Takes::Script => config(flags_layer.config.as_ref().or(env_layer.config.as_ref()), env)?,
        _ => Layer::default(),
    };
    Ok(RunRequest { source, config_layer, flags_layer, env_layer, script_env })
}

/// The configuration file: one that is named must be there, k6's usual one need not.
fn config(named: Option<&PathBuf>, env: &BTreeMap<String, String>) -> Result<Layer, Refusal> {
    let Some(path) = named.cloned().or_else(|| usual_config(env)) else { return Ok(Layer::default()) };
    let shown = path.display();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => match named {
            None => return Ok(Layer::default()),
            Some(_) => {
                return Err(Refusal::invalid(format!(
                    "failed to load the configuration file from the local file system: stat {shown}: no such file or directory"
                )));
            }
        },
        Err(error) => {
            return Err(Refusal::invalid(format!(
                "couldn't load the configuration from \"{shown}\": {error}"
            )));
        }
    };
    let malformed =
        |why: String| Refusal::invalid(format!("couldn't parse the configuration from \"{shown}\": {why}"));
    let layer = config_file::decode(&text).map_err(malformed)?;
    Segment::parse(layer.execution_segment.as_deref().unwrap_or_default()).map_err(malformed)?;
    let sequence = layer.execution_segment_sequence.as_deref().unwrap_or_default();
    SegmentSequence::parse(sequence).map_err(malformed)?;
    Ok(layer)
}

fn usual_config(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let of = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let directory = of("XDG_CONFIG_HOME").or_else(|| of("HOME").map(|home| home.join(".config")))?;
    Some(directory.join("k6/config.json"))
}

fn scheme(argument: &str) -> Option<String> {
    argument.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase())
}

/// `localhost:8080/path`: a URL somebody forgot to begin.
fn is_host_and_port(argument: &str) -> bool {
    let authority = argument.split('/').next().unwrap_or_default();
    authority.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

/// k6's own text.
fn missing_script(path: &str) -> String {
    format!(
        "The moduleSpecifier \"{path}\" couldn't be found on local disk. Make sure that you've specified the right path to the file. If you're running k6 using the Docker image make sure you have mounted the local directory (-v /local/path/:/inside/docker/path) containing your script and modules so that they're accessible by k6 from inside of the container, see https://grafana.com/docs/k6/latest/using-k6/modules/#use-modules-with-docker."
    )
}

/// The run of a URL.
pub fn complete_url(request: RunRequest) -> Result<RunCommand, Refusal> {
    let layer = consolidate([request.env_layer, request.flags_layer]);
    let scenario = layer.execution.url_scenario().map_err(Refusal::invalid)?;
    command(request.source, layer, vec![scenario], ScriptSettings::default())
}

/// The run of a script that has been loaded. Thresholds are parsed by whoever knows the metrics.
pub fn complete_script(request: RunRequest, script: LoadedScript<'_>) -> Result<RunCommand, Refusal> {
    let (layer, mut warnings) =
        consolidate_script(request.config_layer, script.layer, request.env_layer, request.flags_layer);
    // k6 asks this before it looks at the scenarios.
    trend_stats(&layer)?;
    let (texts, more) = layer.execution.script_scenarios().map_err(Refusal::invalid)?;
    warnings.extend(more);
    let scenarios =
        shortcuts::validate(&texts, layer.setup_timeout_ns, script.is_exported).map_err(Refusal::invalid)?;
    let settings = script_settings(&layer, &texts, warnings, request.script_env)?;
    command(request.source, layer, scenarios, settings)
}

fn script_settings(
    layer: &Layer,
    texts: &shortcuts::Scenarios,
    warnings: Vec<String>,
    env: BTreeMap<String, String>,
) -> Result<ScriptSettings, Refusal> {
    let default = ScriptSettings::default();
    let time = |ns: Option<i64>, default| ns.map_or(default, duration::from_ns);
    let bounded = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
    if let Some(batch @ ..=0) = layer.batch {
        return Err(Refusal::invalid(format!("the `batch` option must be more than 0, but is {batch}")));
    }
    let system_tags = layer.system_tags.unwrap_or_default();
    let mut warnings = warnings;
    warnings.extend(system_tags.warning());
    Ok(ScriptSettings {
        warnings,
        env,
        no_setup: layer.no_setup.unwrap_or(false),
        no_teardown: layer.no_teardown.unwrap_or(false),
        setup_timeout: time(layer.setup_timeout_ns, default.setup_timeout),
        teardown_timeout: time(layer.teardown_timeout_ns, default.teardown_timeout),
        handle_summary_timeout: time(layer.handle_summary_timeout_ns, default.handle_summary_timeout),
        thresholds: match layer.no_thresholds {
            Some(true) => Thresholds::new(),
            _ => layer.thresholds.clone().unwrap_or_default(),
        },
        min_iteration_duration: layer.min_iteration_duration_ns.filter(|&ns| ns > 0).map(duration::from_ns),
        rps: layer.rps.filter(|&rps| rps > 0).map(|rps| rps as u64),
        max_redirects: layer.max_redirects.map_or(default.max_redirects, bounded),
        batch: layer.batch.map_or(default.batch, bounded),
        batch_per_host: match layer.batch_per_host {
            None => default.batch_per_host,
            Some(number) => (number > 0).then(|| bounded(number)),
        },
        throw: layer.throw.unwrap_or(false),
        system_tags,
        no_cookies_reset: layer.no_cookies_reset.unwrap_or(false),
        test_options: consolidated::test_options(layer, texts),
        script_options: consolidated::script_options(layer),
    })
}

/// Everything that was asked for, complete with defaults.
fn command(
    source: Source,
    layer: Layer,
    scenarios: Vec<Scenario>,
    script: ScriptSettings,
) -> Result<RunCommand, Refusal> {
    let trend_stats = trend_stats(&layer)?;
    let portion = portion(&layer)?;
    let host_rules = layer.host_rules();
    let pipeline = layer.pipeline.unwrap_or(1);
    let no_connection_reuse = layer.no_connection_reuse.unwrap_or(false);
    if pipeline > 1 && no_connection_reuse {
        return Err(Refusal::invalid(
            "a `pipeline` needs connections that `no-connection-reuse` forbids".to_owned(),
        ));
    }
    let summary_mode = match layer.no_summary {
        Some(true) => SummaryMode::Disabled,
        _ => layer.summary_mode.unwrap_or_default(),
    };
    let tls = layer.tls();
    let laid_over = |output: OutputChoice| match output {
        OutputChoice::Csv(csv) => OutputChoice::Csv(csv.over(&layer.csv)),
        other => other,
    };
    let mut outputs: Vec<_> = layer.outputs.unwrap_or_default().into_iter().map(laid_over).collect();
    outputs.extend(layer.report.map(OutputChoice::Report));
    let default_method = if layer.body.is_some() { "POST" } else { "GET" };
    Ok(RunCommand {
        source,
        method: layer.method.unwrap_or_else(|| default_method.to_owned()),
        headers: layer.headers.unwrap_or_default(),
        body: layer.body,
        pipeline,
        scenarios,
        portion,
        script,
        workers: layer.workers,
        transport: layer.transport.unwrap_or_default(),
        spin: layer.spin.unwrap_or_default(),
        timeout: layer.timeout.unwrap_or(TIMEOUT_DEFAULT),
        linger: layer.linger.unwrap_or(false),
        quiet: layer.quiet.unwrap_or(false),
        no_color: layer.no_color.unwrap_or(false),
        verbose: layer.verbose.unwrap_or(false),
        summary_mode,
        summary_export: layer.summary_export,
        new_machine_readable_summary: layer.new_machine_readable_summary.unwrap_or(false),
        trend_stats,
        time_unit: layer.time_unit,
        no_connection_reuse,
        no_vu_connection_reuse: layer.no_vu_connection_reuse.unwrap_or(false),
        host_rules,
        discard_response_bodies: layer.discard_response_bodies.unwrap_or(false),
        user_agent: layer.user_agent,
        local_ips: layer.local_ips,
        tags: layer.tags.unwrap_or_default(),
        dns: layer.dns.or_defaults(),
        tls,
        outputs,
        console_output: layer.console_output,
    })
}

/// The execution segment; texts of a script were read when it was loaded.
fn portion(layer: &Layer) -> Result<Portion, Refusal> {
    let segment =
        Segment::parse(layer.execution_segment.as_deref().unwrap_or_default()).map_err(Refusal::invalid)?;
    let sequence = layer.execution_segment_sequence.as_deref().unwrap_or_default();
    let sequence = SegmentSequence::parse(sequence).map_err(Refusal::invalid)?;
    Portion::new(segment, &sequence).map_err(|why| {
        Refusal::invalid(format!("There were problems with the specified script configuration:\n\t- {why}"))
    })
}

/// k6 has no status of its own for these.
fn trend_stats(layer: &Layer) -> Result<Vec<TrendStat>, Refusal> {
    let Some(texts) = &layer.trend_stats else { return Ok(TrendStat::defaults()) };
    let stats = texts.iter().map(|text| TrendStat::parse(text)).collect::<Result<_, _>>();
    stats.map_err(|message| Refusal { message, exit_code: exit_code::GENERIC })
}
