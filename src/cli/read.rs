//! Texts of flags and variables into a `Layer`, one option after the other.
//!
//! A flag and its variable meet here, because they set the same thing; where k6 reads their texts
//! differently, `Source` says so.

use super::command::Refusal;
use super::exit_code;
use super::flags::{self, Flag, Kind, Status, Takes};
use super::grammar::Given;
use crate::options::dns::DnsText;
use crate::options::host_rules::{Network, Pattern};
use crate::options::stage::parse_stages;
use crate::options::{
    Body, Layer, LocalIps, LogOutput, OutputChoice, Rate, SpinChoice, SummaryMode, SystemTags, TimeUnit,
    TransportChoice, TrendStat, duration, go, request, tags,
};
use crate::plan::split::{Segment, SegmentSequence};
use std::collections::BTreeMap;

/// Largest `--pipeline`: what a transport's buffers are laid out for.
const PIPELINE_MAX: u32 = 1024;
/// Largest `--workers`: more than any machine has CPUs.
const WORKERS_MAX: u32 = 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Flag,
    Variable,
}

/// Why a text was not accepted.
enum Wrong {
    /// The reason alone; the refusal names flag or variable, and the text.
    Value { text: String, why: String },
    /// k6's whole message.
    Whole(String),
}

/// What flags say of a run that loads `takes` (`Both`: nobody knows what).
pub fn from_flags(given: &[Given], takes: Takes) -> Result<Layer, Refusal> {
    let refusal = |message: String| Refusal { message, exit_code: exit_code::GENERIC };
    if let Some(refused) = given.iter().find(|given| given.flag.status == Status::Refused) {
        return Err(refusal(not_supported(&format!("--{}", refused.flag.name))));
    }
    let mut layer = Layer::default();
    for Given { flag, values } in given {
        if let Some(why) = means_nothing(flag, takes) {
            return Err(refusal(format!("--{} {why}", flag.name)));
        }
        set(&mut layer, flag, values, Source::Flag).map_err(|wrong| {
            refusal(match wrong {
                Wrong::Whole(message) => message,
                Wrong::Value { text, why } => invalid_argument(flag, &text, &why),
            })
        })?;
    }
    Ok(layer)
}

/// What variables say. As in k6, an empty one says nothing. `laid_over` is `-e`, which k6 takes for
/// the variables of script options too, but not for those of the run around it.
pub fn from_env(
    env: &BTreeMap<String, String>,
    laid_over: &BTreeMap<String, String>,
    takes: Takes,
) -> Result<Layer, Refusal> {
    let mut layer = Layer::default();
    for flag in flags::RUN.iter().filter(|flag| !flag.env.is_empty()) {
        let invalid = |message: String| Refusal { message, exit_code: exit_code::INVALID_CONFIG };
        let is_option = !flag.go.0.is_empty() || flag.status == Status::Refused;
        let over = laid_over.get(flag.env).filter(|_| is_option);
        let Some(text) = over.or_else(|| env.get(flag.env)) else { continue };
        if flag.env == "NO_COLOR" {
            // By its convention it counts however it is set, even to nothing.
            layer.no_color = Some(true);
        }
        if text.is_empty() {
            continue;
        }
        if flag.status == Status::Refused {
            return Err(invalid(not_supported(flag.env)));
        }
        if let Some(why) = means_nothing(flag, takes) {
            return Err(invalid(format!("{} {why}", flag.env)));
        }
        set(&mut layer, flag, std::slice::from_ref(text), Source::Variable).map_err(|wrong| {
            let message = match wrong {
                Wrong::Whole(message) => message,
                Wrong::Value { why, .. } => invalid_variable(flag, text, &why),
            };
            Refusal { message, exit_code: flag.env_exit_code }
        })?;
    }
    Ok(layer)
}

fn means_nothing(flag: &Flag, takes: Takes) -> Option<&'static str> {
    match (flag.takes, takes) {
        (Takes::Url, Takes::Script) => Some("means nothing to a script: it is for a URL"),
        (Takes::Script, Takes::Url) => Some("means nothing to a URL: it is for a script"),
        _ => None,
    }
}

pub fn not_supported(what: &str) -> String {
    format!("{what} is not supported yet; see docs/k6-compat.md")
}

/// pflag's text.
pub fn invalid_argument(flag: &Flag, text: &str, why: &str) -> String {
    format!("invalid argument {text:?} for \"{}\" flag: {why}", flag.display())
}

fn invalid_variable(flag: &Flag, text: &str, why: &str) -> String {
    match flag.go {
        ("", _) if flag.kind == Kind::Switch => {
            format!("env var '{}' is not a valid boolean value: {why}", flag.env)
        }
        ("", _) => format!("invalid value {text:?} of {}: {why}", flag.env),
        (field, go_type) => format!(
            "envconfig.Process: assigning {} to {field}: converting '{text}' to type {go_type}. details: {why}",
            flag.env
        ),
    }
}

fn set(layer: &mut Layer, flag: &Flag, values: &[String], source: Source) -> Result<(), Wrong> {
    let text = values.last().map_or("", String::as_str);
    let value = |why: String| Wrong::Value { text: text.to_owned(), why };
    let is_flag = source == Source::Flag;
    let int = || if is_flag { go::parse_flag_int(text) } else { go::parse_env_int(text) }.map_err(value);
    let switch = || {
        // k6 reads variables of script options strictly, all others as flags.
        let strict = !is_flag && flag.go.1 == "null.Bool";
        if strict { go::parse_env_bool(text) } else { go::parse_flag_bool(text) }.map_err(value)
    };
    let time = || if is_flag { duration::parse_go(text) } else { duration::parse_k6(text) }.map_err(value);
    let execution = &mut layer.execution;
    match if flag.name.is_empty() { flag.env } else { flag.name } {
        "vus" => execution.vus = Some(int()?),
        "duration" => execution.duration_ns = Some(time()?),
        "iterations" => execution.iterations = Some(int()?),
        "stage" => {
            let stages =
                parse_stages(&list(flag, values, source)?).map_err(|why| own_text(why, source, text))?;
            execution.stages = Some(stages);
        }
        "rate" => execution.rate = Some(Rate::parse(text).map_err(value)?),
        "max-vus" => execution.max_vus = Some(int()?),

        "execution-segment" => {
            Segment::parse(text).map_err(|why| own_text(why, source, text))?;
            layer.execution_segment = Some(text.to_owned());
        }
        "execution-segment-sequence" => {
            SegmentSequence::parse(text).map_err(|why| own_text(why, source, text))?;
            layer.execution_segment_sequence = Some(text.to_owned());
        }

        "method" => layer.method = Some(request::parse_method(text).map_err(value)?),
        "header" => {
            let lines = values.iter().flat_map(|value| match source {
                Source::Flag => vec![value.as_str()],
                Source::Variable => value.lines().filter(|line| !line.trim().is_empty()).collect(),
            });
            let parse = |line: &str| {
                request::parse_header(line).map_err(|why| Wrong::Value { text: line.to_owned(), why })
            };
            layer.headers = Some(lines.map(parse).collect::<Result<_, _>>()?);
        }
        "body" => layer.body = Some(Body::parse(text).map_err(value)?),
        "timeout" => layer.timeout = Some(timeout(text, source).map_err(value)?),
        "user-agent" => layer.user_agent = Some(request::parse_user_agent(text).map_err(value)?),
        "discard-response-bodies" => layer.discard_response_bodies = Some(switch()?),

        "module-dir" => layer.module_dir = Some(text.into()),
        "config" => layer.config = Some(text.into()),
        "linger" => layer.linger = Some(switch()?),
        "env" => layer.script_env = Some(script_env(values)?),
        "include-system-env-vars" => layer.include_system_env_vars = Some(switch()?),
        "no-setup" => layer.no_setup = Some(switch()?),
        "no-teardown" => layer.no_teardown = Some(switch()?),
        "K6_SETUP_TIMEOUT" => layer.setup_timeout_ns = Some(time()?),
        "K6_TEARDOWN_TIMEOUT" => layer.teardown_timeout_ns = Some(time()?),
        "K6_HANDLE_SUMMARY_TIMEOUT" => layer.handle_summary_timeout_ns = Some(time()?),
        "no-thresholds" => layer.no_thresholds = Some(switch()?),
        "min-iteration-duration" => layer.min_iteration_duration_ns = Some(time()?),
        "throw" => layer.throw = Some(switch()?),
        "rps" => layer.rps = Some(int()?),
        "max-redirects" => layer.max_redirects = Some(int()?),
        "batch" => layer.batch = Some(int()?),
        "batch-per-host" => layer.batch_per_host = Some(int()?),
        "K6_NO_COOKIES_RESET" => layer.no_cookies_reset = Some(switch()?),

        "pipeline" => layer.pipeline = Some(count(text, PIPELINE_MAX).map_err(value)?),
        "no-connection-reuse" => layer.no_connection_reuse = Some(switch()?),
        "no-vu-connection-reuse" => layer.no_vu_connection_reuse = Some(switch()?),
        "blacklist-ip" => {
            let network = |text: &String| {
                Network::parse(text).map_err(|why| match source {
                    Source::Flag => Wrong::Whole(format!("error parsing blacklist-ip '{text}': {why}")),
                    Source::Variable => value(why),
                })
            };
            layer.blacklist_ips =
                Some(list(flag, values, source)?.iter().map(network).collect::<Result<_, _>>()?);
        }
        "block-hostnames" => {
            let pattern = |text: &String| {
                Pattern::parse(text).map_err(|why| match source {
                    Source::Flag => Wrong::Whole(format!("error parsing block-hostnames: {why}")),
                    Source::Variable => value(why),
                })
            };
            layer.block_hostnames =
                Some(list(flag, values, source)?.iter().map(pattern).collect::<Result<_, _>>()?);
        }
        "local-ips" => {
            let pool = LocalIps::parse(text).map_err(|why| own_text(why, source, text))?;
            layer.local_ips = Some(pool);
        }
        "dns" => layer.dns = DnsText::parse(text).map_err(|why| own_text(why, source, text))?,
        "insecure-skip-tls-verify" => layer.insecure_skip_tls_verify = Some(switch()?),
        "tls-resumption" => layer.tls_resumption = Some(switch()?),
        "workers" => layer.workers = Some(count(text, WORKERS_MAX).map_err(value)?),
        "transport" => layer.transport = Some(TransportChoice::parse(text).map_err(value)?),
        "spin" => layer.spin = Some(SpinChoice::parse(text).map_err(value)?),

        "tag" => {
            let tags = match source {
                Source::Flag => tags::parse_flag_tags(values).map_err(Wrong::Whole)?,
                Source::Variable => tags::parse_env_tags(text).map_err(value)?,
            };
            layer.tags = Some(tags);
        }
        "system-tags" => {
            let names = list(flag, values, source)?;
            layer.system_tags = Some(SystemTags::of(names.iter().map(String::as_str)));
        }
        "summary-mode" => {
            let mode = SummaryMode::parse(text).map_err(|why| {
                Wrong::Whole(format!("{why} '{text}', use compact, full, disabled, legacy or legacy-marks"))
            })?;
            layer.summary_mode = Some(mode);
        }
        "no-summary" => layer.no_summary = Some(switch()?),
        "summary-export" => layer.summary_export = Some(text.into()),
        "summary-trend-stats" => {
            let stats = list(flag, values, source)?;
            for stat in &stats {
                TrendStat::parse(stat).map_err(Wrong::Whole)?;
            }
            layer.trend_stats = Some(stats);
        }
        // k6 lets a bad unit in the variable pass and shows automatic units; a typo deserves better.
        "summary-time-unit" => layer.time_unit = Some(TimeUnit::parse(text).map_err(Wrong::Whole)?),

        "out" => {
            let texts = values.iter().flat_map(|value| match source {
                Source::Flag => vec![value.as_str()],
                Source::Variable => value.split(',').collect(),
            });
            let outputs = texts.map(OutputChoice::parse).collect::<Result<_, _>>();
            layer.outputs = Some(outputs.map_err(Wrong::Whole)?);
        }

        "report" if text.is_empty() || text == "-" => {
            return Err(value("it needs the name of a file".to_owned()));
        }
        "report" => layer.report = Some(text.into()),
        "K6_CSV_FILENAME" => layer.csv.set_file(text),
        "K6_CSV_SAVE_INTERVAL" => layer.csv.set_save_interval(text).map_err(Wrong::Whole)?,
        "K6_CSV_TIME_FORMAT" => layer.csv.set_time_format(text).map_err(Wrong::Whole)?,
        "new-machine-readable-summary" => layer.new_machine_readable_summary = Some(switch()?),

        "log-format" => layer.log_format = Some(text.to_owned()),
        "log-output" => layer.log_output = Some(LogOutput::parse(text).map_err(Wrong::Whole)?),
        "console-output" => layer.console_output = Some(text.into()),

        // Any text in the variable means yes, as in k6.
        "no-color" => layer.no_color = Some(if is_flag { switch()? } else { true }),
        "quiet" => layer.quiet = Some(switch()?),
        "verbose" => layer.verbose = Some(switch()?),
        "no-usage-report" => {
            switch()?;
        }
        "NO_COLOR" => {} // Read by `from_env`.
        name => unreachable!("the flag --{name} is supported, but nothing reads it"),
    }
    Ok(())
}

/// k6 frames a bad variable; a flag's own parser speaks for itself.
fn own_text(why: String, source: Source, text: &str) -> Wrong {
    match source {
        Source::Flag => Wrong::Whole(why),
        Source::Variable => Wrong::Value { text: text.to_owned(), why },
    }
}

/// Entries of a comma-separated flag, given once or several times, or of its variable.
fn list(flag: &Flag, values: &[String], source: Source) -> Result<Vec<String>, Wrong> {
    debug_assert_eq!(flag.kind, Kind::List);
    let mut entries = Vec::new();
    for value in values {
        match source {
            Source::Flag => entries
                .extend(go::parse_list(value).map_err(|why| Wrong::Value { text: value.clone(), why })?),
            Source::Variable => entries.extend(value.split(',').map(str::to_owned)),
        }
    }
    Ok(entries)
}

/// `-e NAME=value`; without `=` the value is empty.
fn script_env(values: &[String]) -> Result<BTreeMap<String, String>, Wrong> {
    let variable = |text: &String| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts_well || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(Wrong::Whole(format!("invalid environment variable name '{name}'")));
        }
        Ok((name.to_owned(), value.to_owned()))
    };
    values.iter().map(variable).collect()
}

fn timeout(text: &str, source: Source) -> Result<std::time::Duration, String> {
    let ns = match source {
        Source::Flag => duration::parse_go(text)?,
        Source::Variable => duration::parse_k6(text)?,
    };
    if ns <= 0 {
        return Err("the timeout must be more than 0".to_owned());
    }
    Ok(duration::from_ns(ns))
}

/// A number from 1 to `max`.
pub fn count(text: &str, max: u32) -> Result<u32, String> {
    match go::parse_flag_int(text)? {
        number if (1..=i64::from(max)).contains(&number) => Ok(number as u32),
        _ => Err(format!("must be from 1 to {max}")),
    }
}
