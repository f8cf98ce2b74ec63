//! `ringload run` and `ringload demo`: a layer and an argument into a validated `RunCommand`.

use super::command::{Refusal, RunCommand};
use super::exit_code;
use crate::options::{Layer, SummaryMode, TrendStat};
use std::path::Path;
use std::time::Duration;
use url::Url;

const TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

/// The one argument of `run`, or why it is none that can be loaded yet.
pub fn url(arguments: &[String]) -> Result<String, Refusal> {
    let refuse = |message: String| Err(Refusal { message, exit_code: exit_code::GENERIC });
    let [argument] = arguments else {
        return refuse(format!(
            "accepts 1 arg(s), received {}: arg should either be \"-\", if reading script from stdin, or a path to a script file",
            arguments.len()
        ));
    };
    match scheme(argument).as_deref() {
        Some("http") => match Url::parse(argument) {
            Ok(_) => Ok(argument.clone()),
            Err(why) => refuse(format!("invalid URL {argument:?}: {why}")),
        },
        Some("https") => refuse(format!(
            "https:// is not supported yet, so {argument:?} cannot be loaded; see docs/k6-compat.md"
        )),
        _ if argument == "-" || Path::new(argument).exists() => refuse(format!(
            "scripts are not supported yet, so {argument:?} cannot be run: give an http:// URL; see docs/k6-compat.md"
        )),
        _ if is_host_and_port(argument) => {
            refuse(format!("{argument:?} is neither a file nor a URL: write http://{argument}"))
        }
        _ => refuse(missing_script(argument)),
    }
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

/// Everything that was asked for, complete with defaults.
pub fn command(url: String, layer: Layer) -> Result<RunCommand, Refusal> {
    let invalid = |message: String| Refusal { message, exit_code: exit_code::INVALID_CONFIG };
    let scenario = layer.execution.url_scenario().map_err(invalid)?;
    let pipeline = layer.pipeline.unwrap_or(1);
    let no_connection_reuse = layer.no_connection_reuse.unwrap_or(false);
    if pipeline > 1 && no_connection_reuse {
        return Err(invalid("a `pipeline` needs connections that `no-connection-reuse` forbids".to_owned()));
    }
    let summary_mode = match layer.no_summary {
        Some(true) => SummaryMode::Disabled,
        _ => layer.summary_mode.unwrap_or_default(),
    };
    let default_method = if layer.body.is_some() { "POST" } else { "GET" };
    Ok(RunCommand {
        url,
        method: layer.method.unwrap_or_else(|| default_method.to_owned()),
        headers: layer.headers.unwrap_or_default(),
        body: layer.body,
        pipeline,
        scenario,
        workers: layer.workers,
        transport: layer.transport.unwrap_or_default(),
        spin: layer.spin.unwrap_or_default(),
        timeout: layer.timeout.unwrap_or(TIMEOUT_DEFAULT),
        quiet: layer.quiet.unwrap_or(false),
        no_color: layer.no_color.unwrap_or(false),
        verbose: layer.verbose.unwrap_or(false),
        summary_mode,
        summary_export: layer.summary_export,
        trend_stats: layer.trend_stats.unwrap_or_else(TrendStat::defaults),
        time_unit: layer.time_unit,
        no_connection_reuse,
        discard_response_bodies: layer.discard_response_bodies.unwrap_or(false),
        user_agent: layer.user_agent,
        local_ips: layer.local_ips,
        tags: layer.tags.unwrap_or_default(),
        dns: layer.dns.or_defaults(),
    })
}
