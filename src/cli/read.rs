//! Texts of flags and variables into a `Layer`, one option after the other.
//!
//! A flag and its variable meet here, because they set the same thing; where k6 reads their texts
//! differently, `Source` says so.

use super::command::Refusal;
use super::exit_code;
use super::flags::{self, Flag, Kind, Status};
use super::grammar::Given;
use crate::options::dns::DnsText;
use crate::options::stage::parse_stages;
use crate::options::{
    Body, Layer, LocalIps, Rate, SpinChoice, SummaryMode, TimeUnit, TransportChoice, TrendStat, duration, go,
    request, tags,
};
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

/// What flags say.
pub fn from_flags(given: &[Given]) -> Result<Layer, Refusal> {
    let refusal = |message: String| Refusal { message, exit_code: exit_code::GENERIC };
    if let Some(refused) = given.iter().find(|given| given.flag.status == Status::Refused) {
        return Err(refusal(not_supported(&format!("--{}", refused.flag.name))));
    }
    let mut layer = Layer::default();
    for Given { flag, values } in given {
        set(&mut layer, flag, values, Source::Flag).map_err(|wrong| {
            refusal(match wrong {
                Wrong::Whole(message) => message,
                Wrong::Value { text, why } => invalid_argument(flag, &text, &why),
            })
        })?;
    }
    Ok(layer)
}

/// What variables say. As in k6, an empty one says nothing.
pub fn from_env(env: &BTreeMap<String, String>) -> Result<Layer, Refusal> {
    let mut layer = Layer::default();
    for flag in flags::RUN.iter().filter(|flag| !flag.env.is_empty()) {
        let Some(text) = env.get(flag.env) else { continue };
        if flag.env == "NO_COLOR" {
            // By its convention it counts however it is set, even to nothing.
            layer.no_color = Some(true);
        }
        if text.is_empty() {
            continue;
        }
        if flag.status == Status::Refused {
            return Err(Refusal { message: not_supported(flag.env), exit_code: exit_code::INVALID_CONFIG });
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
    let execution = &mut layer.execution;
    match flag.name {
        "vus" => execution.vus = Some(int()?),
        "duration" => {
            let parse = if is_flag { duration::parse_go } else { duration::parse_k6 };
            execution.duration_ns = Some(parse(text).map_err(value)?);
        }
        "iterations" => execution.iterations = Some(int()?),
        "stage" => {
            let stages =
                parse_stages(&list(flag, values, source)?).map_err(|why| own_text(why, source, text))?;
            execution.stages = Some(stages);
        }
        "rate" => execution.rate = Some(Rate::parse(text).map_err(value)?),
        "max-vus" => execution.max_vus = Some(int()?),

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
        "user-agent" => layer.user_agent = Some(header_value(text).map_err(value)?),
        "discard-response-bodies" => layer.discard_response_bodies = Some(switch()?),

        "pipeline" => layer.pipeline = Some(count(text, PIPELINE_MAX).map_err(value)?),
        "no-connection-reuse" => layer.no_connection_reuse = Some(switch()?),
        "local-ips" => {
            let pool = LocalIps::parse(text).map_err(|why| own_text(why, source, text))?;
            layer.local_ips = Some(pool);
        }
        "dns" => layer.dns = DnsText::parse(text).map_err(|why| own_text(why, source, text))?,
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
            let stats = stats.iter().map(|stat| TrendStat::parse(stat)).collect::<Result<_, _>>();
            layer.trend_stats = Some(stats.map_err(Wrong::Whole)?);
        }
        // k6 lets a bad unit in the variable pass and shows automatic units; a typo deserves better.
        "summary-time-unit" => layer.time_unit = Some(TimeUnit::parse(text).map_err(Wrong::Whole)?),

        // Any text in the variable means yes, as in k6.
        "no-color" => layer.no_color = Some(if is_flag { switch()? } else { true }),
        "quiet" => layer.quiet = Some(switch()?),
        "verbose" => layer.verbose = Some(switch()?),
        "no-usage-report" => {
            switch()?;
        }
        "" => {} // NO_COLOR, read by `from_env`.
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

fn header_value(text: &str) -> Result<String, String> {
    request::parse_header(&format!("User-Agent:{text}")).map(|(_, value)| value)
}
