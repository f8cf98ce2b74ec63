//! `ringload breakpoint`: flags and an argument into a `BreakpointRequest`.

use super::command::{BreakpointRequest, Refusal, RunRequest, Source};
use super::exit_code;
use super::flags;
use super::grammar::Given;
use super::read::{count, invalid_argument};
use super::run;
use crate::options::{Execution, ThresholdSpec, duration, go, rate};
use crate::search;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

const VUS_MAX: u32 = 1_000_000;
/// Narrower than the losses that the goals allow would be noise.
const WIDTH_MIN: f64 = 0.002;
const WIDTH_MAX: f64 = 0.5;

pub fn request(
    source: Result<Source, Refusal>,
    given: &[Given],
    env: &BTreeMap<String, String>,
) -> Result<BreakpointRequest, Refusal> {
    let is_own = |given: &&Given| flags::BREAKPOINT.iter().any(|flag| flag.name == given.flag.name);
    let of_run: Vec<Given> = given.iter().filter(|given| !is_own(given)).cloned().collect();
    let mut request = BreakpointRequest {
        run: run::request(source, &of_run, env)?,
        settings: search::Settings {
            probe: Some(search::Handicap { burn_share: 0.3 }),
            ..search::Settings::default()
        },
        goals: Vec::new(),
        no_sleep: false,
        at_random: false,
        vus_max: None,
        scenario: None,
        json: None,
        fail_below: None,
    };
    forget_load(&mut request.run);
    for Given { flag, values } in given.iter().filter(is_own) {
        for text in values {
            set(&mut request, flag.name, text).map_err(|why| Refusal {
                message: invalid_argument(flag, text, &why),
                exit_code: exit_code::GENERIC,
            })?;
        }
    }
    Ok(request)
}

/// The search says how much is started; variables of `run` that do are not its.
fn forget_load(request: &mut RunRequest) {
    request.config_layer.execution = Execution::default();
    request.config_layer.rps = None;
    request.config_layer.outputs = None;
    request.env_layer.execution = Execution::default();
    request.env_layer.summary_export = None;
    request.env_layer.rps = None;
}

fn set(request: &mut BreakpointRequest, name: &str, text: &str) -> Result<(), String> {
    let settings = &mut request.settings;
    match name {
        "max-rate" => settings.max_rate = Some(per_second(text)?),
        "max-time" => settings.max_time = duration::parse_positive(text)?,
        "width" => settings.width = width(text)?,
        "strict" => settings.strict = go::parse_flag_bool(text)?,
        "no-overload" => settings.overload = !go::parse_flag_bool(text)?,
        "no-sleep" => request.no_sleep = go::parse_flag_bool(text)?,
        "arrivals" => {
            request.at_random = match text {
                "uniform" => false,
                "poisson" => true,
                _ => return Err("write uniform or poisson".to_owned()),
            }
        }
        "goal" => request.goals.push(goal(text)?),
        "vus-limit" => request.vus_max = Some(count(text, VUS_MAX)?),
        "scenario" => request.scenario = Some(text.to_owned()),
        "json" => request.json = Some(PathBuf::from(text)),
        "fail-below" => request.fail_below = Some(per_second(text)?),
        other => unreachable!("the flag --{other} of breakpoint is in the table, but nothing reads it"),
    }
    Ok(())
}

/// Iterations a second, `500`, or `30/1m`.
fn per_second(text: &str) -> Result<f64, String> {
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let per = rate::parse_unit(unit)?;
    let number: f64 = number.parse().map_err(|_| "write a number, or N/UNIT".to_owned())?;
    let rate = number / per.as_secs_f64();
    if !(rate.is_finite() && rate > 0.0) {
        return Err("it must be above 0".to_owned());
    }
    Ok(rate)
}

/// `2%` or `0.02`.
fn width(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    let share = share.map_err(|_| "write a share such as 2% or 0.02".to_owned())?;
    if !(WIDTH_MIN..=WIDTH_MAX).contains(&share) {
        return Err(format!("it must lie between {WIDTH_MIN} and {WIDTH_MAX}"));
    }
    Ok(share)
}

/// `p(95)<200` is of `http_req_duration`, `rate<0.01` of `http_req_failed`; any other metric stands
/// before a colon.
fn goal(text: &str) -> Result<(String, Vec<ThresholdSpec>), String> {
    let (metric, source) = match text.rsplit_once(':') {
        Some((metric, source)) if source.contains(['<', '>', '=']) => (metric.trim(), source.trim()),
        _ if text.trim_start().starts_with("rate") => ("http_req_failed", text.trim()),
        _ => ("http_req_duration", text.trim()),
    };
    let spec = ThresholdSpec { source: source.to_owned(), abort_on_fail: false, delay_abort_eval: None };
    Ok((metric.to_owned(), vec![spec]))
}

/// So that a script's `exec` and graceful times have something to stand on.
pub fn longest(settings: &search::Settings) -> Duration {
    settings.max_time + Duration::from_secs(120)
}
