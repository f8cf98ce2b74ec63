//! The `options` that a script exports, as JSON, into a `Layer`.
//!
//! As in k6, an unknown key is worth a warning and a wrong value is an end. What ringload cannot
//! honour yet is refused by name, unless the script only says that it does not want it.

use super::dns::{self, DnsText};
use super::go_json::{self, known, members, unknown_field, wrong_kind};
use super::host_rules::{HostMap, Network, Pattern, Place};
use super::layers::Layer;
use super::request;
use super::script_scenarios;
use super::summary::TimeUnit;
use super::system_tags::SystemTags;
use super::tls::{self, TlsVersion};
use serde_json::Value;

/// A key of `options`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub name: &'static str,
    pub status: KeyStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    Honoured,
    /// Known and refused, unless the value asks for nothing.
    Refused,
    /// k6 running on this machine ignores it too.
    Ignored,
}

const fn key(name: &'static str, status: KeyStatus) -> Key {
    Key { name, status }
}

/// Every key that k6 knows, in the order in which it shows them.
pub const KEYS: &[Key] = &[
    key("paused", KeyStatus::Refused),
    key("vus", KeyStatus::Honoured),
    key("duration", KeyStatus::Honoured),
    key("iterations", KeyStatus::Honoured),
    key("stages", KeyStatus::Honoured),
    key("scenarios", KeyStatus::Honoured),
    key("executionSegment", KeyStatus::Honoured),
    key("executionSegmentSequence", KeyStatus::Honoured),
    key("noSetup", KeyStatus::Honoured),
    key("setupTimeout", KeyStatus::Honoured),
    key("noTeardown", KeyStatus::Honoured),
    key("teardownTimeout", KeyStatus::Honoured),
    key("handleSummaryTimeout", KeyStatus::Honoured),
    key("rps", KeyStatus::Honoured),
    key("dns", KeyStatus::Honoured),
    key("maxRedirects", KeyStatus::Honoured),
    key("userAgent", KeyStatus::Honoured),
    key("batch", KeyStatus::Honoured),
    key("batchPerHost", KeyStatus::Honoured),
    key("httpDebug", KeyStatus::Refused),
    key("insecureSkipTLSVerify", KeyStatus::Honoured),
    key("tlsCipherSuites", KeyStatus::Honoured),
    key("tlsVersion", KeyStatus::Honoured),
    key("tlsAuth", KeyStatus::Honoured),
    key("throw", KeyStatus::Honoured),
    key("thresholds", KeyStatus::Honoured),
    key("blacklistIPs", KeyStatus::Honoured),
    key("blockHostnames", KeyStatus::Honoured),
    key("hosts", KeyStatus::Honoured),
    key("noConnectionReuse", KeyStatus::Honoured),
    key("noVUConnectionReuse", KeyStatus::Honoured),
    key("minIterationDuration", KeyStatus::Honoured),
    key("cloud", KeyStatus::Ignored),
    key("ext", KeyStatus::Ignored),
    key("summaryTrendStats", KeyStatus::Honoured),
    key("summaryTimeUnit", KeyStatus::Honoured),
    key("systemTags", KeyStatus::Honoured),
    key("tags", KeyStatus::Honoured),
    key("metricSamplesBufferSize", KeyStatus::Refused),
    key("noCookiesReset", KeyStatus::Honoured),
    key("discardResponseBodies", KeyStatus::Honoured),
    key("features", KeyStatus::Ignored),
];

/// Something to log before the run; `error` is the field of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub message: String,
    pub error: Option<String>,
}

/// The layer of a script whose exported `options` are this JSON text, and what to warn of. The error
/// has no frame: whoever loads the script says which one it was.
pub fn decode(json: &str) -> Result<(Layer, Vec<Warning>), String> {
    let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let object = match &value {
        Value::Null => return Ok((Layer::default(), Vec::new())),
        Value::Object(object) => object,
        _ => return Err(wrong_kind(&value, "value of type lib.Options")),
    };
    let mut layer = Layer::default();
    let mut unknown = None;
    let mut warnings = Vec::new();
    for (name, value) in members(object) {
        let key = known(name, KEYS.iter().map(|key| key.name));
        let Some(key) = key.and_then(|name| KEYS.iter().find(|key| key.name == name)) else {
            unknown = unknown.or_else(|| Some(unknown_field(name)));
            continue;
        };
        match key.status {
            KeyStatus::Honoured => set(&mut layer, key.name, value)?,
            KeyStatus::Refused if asks_for_nothing(value) => {}
            KeyStatus::Refused => {
                return Err(format!("the option `{}` is not supported yet; see docs/k6-compat.md", key.name));
            }
            KeyStatus::Ignored if key.name == "features" && !value.is_null() => warnings.push(Warning {
                message: "the option `features` has no effect in a script".to_owned(),
                error: None,
            }),
            KeyStatus::Ignored => {}
        }
    }
    if layer.tls_versions.and_then(|versions| versions.min).is_some_and(|min| min < TlsVersion::Tls12) {
        let message = "tlsVersion begins below tls1.2, which is the lowest that ringload speaks".to_owned();
        warnings.push(Warning { message, error: None });
    }
    if let Some(error) = unknown {
        let message = "There were unknown fields in the options exported in the script".to_owned();
        warnings.insert(0, Warning { message, error: Some(error) });
    }
    Ok((layer, warnings))
}

/// What leaves k6's default as it is.
fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Number(_) | Value::Bool(true) => false,
    }
}

fn set(layer: &mut Layer, key: &str, value: &Value) -> Result<(), String> {
    let execution = &mut layer.execution;
    match key {
        "vus" => execution.vus = go_json::int(value)?,
        "duration" => execution.duration_ns = go_json::duration_ns(value)?,
        "iterations" => execution.iterations = go_json::int(value)?,
        "stages" => execution.stages = script_scenarios::stages(value)?,
        "scenarios" => execution.scenarios = script_scenarios::scenarios(value)?,
        "executionSegment" => layer.execution_segment = go_json::string(value)?,
        "executionSegmentSequence" => layer.execution_segment_sequence = go_json::string(value)?,
        "noSetup" => layer.no_setup = go_json::bool(value)?,
        "setupTimeout" => layer.setup_timeout_ns = go_json::duration_ns(value)?,
        "noTeardown" => layer.no_teardown = go_json::bool(value)?,
        "teardownTimeout" => layer.teardown_timeout_ns = go_json::duration_ns(value)?,
        "handleSummaryTimeout" => layer.handle_summary_timeout_ns = go_json::duration_ns(value)?,
        "rps" => layer.rps = go_json::int(value)?,
        "dns" => layer.dns = dns(value)?,
        "maxRedirects" => layer.max_redirects = go_json::int(value)?,
        "userAgent" => layer.user_agent = user_agent(value)?,
        "batch" => layer.batch = go_json::int(value)?,
        "batchPerHost" => layer.batch_per_host = go_json::int(value)?,
        "insecureSkipTLSVerify" => layer.insecure_skip_tls_verify = go_json::bool(value)?,
        "tlsCipherSuites" => layer.tls_cipher_suites = tls::cipher_suites(value)?,
        "tlsVersion" => layer.tls_versions = tls::versions(value)?,
        "tlsAuth" => layer.tls_auth = tls::auth(value)?,
        "throw" => layer.throw = go_json::bool(value)?,
        "thresholds" => layer.thresholds = script_scenarios::thresholds(value)?,
        "blacklistIPs" => layer.blacklist_ips = parsed(value, "blacklistIPs", Network::parse)?,
        "blockHostnames" => layer.block_hostnames = parsed(value, "blockHostnames", Pattern::parse)?,
        "hosts" => layer.hosts = hosts(value)?,
        "noVUConnectionReuse" => layer.no_vu_connection_reuse = go_json::bool(value)?,
        "noConnectionReuse" => layer.no_connection_reuse = go_json::bool(value)?,
        "minIterationDuration" => layer.min_iteration_duration_ns = go_json::duration_ns(value)?,
        // Which of them are statistics is asked when it is known that no flag overrides them.
        "summaryTrendStats" => layer.trend_stats = texts(value, "summaryTrendStats")?,
        // k6 takes any text, and shows automatic units for what is none.
        "summaryTimeUnit" => {
            layer.time_unit = go_json::string(value)?.and_then(|text| TimeUnit::parse(&text).ok());
        }
        "systemTags" => layer.system_tags = system_tags(value)?,
        "tags" => layer.tags = go_json::texts(value, "Options.tags")?,
        "noCookiesReset" => layer.no_cookies_reset = go_json::bool(value)?,
        "discardResponseBodies" => layer.discard_response_bodies = go_json::bool(value)?,
        key => unreachable!("the option {key} is in the table, but nothing reads it"),
    }
    Ok(())
}

fn dns(value: &Value) -> Result<DnsText, String> {
    let mut text = DnsText::default();
    let fields = match value {
        Value::Null => return Ok(text),
        Value::Object(fields) => fields,
        _ => return Err(wrong_kind(value, "struct field Options.dns of type types.DNSConfig")),
    };
    for (name, value) in members(fields) {
        let name = known(name, ["ttl", "select", "policy"].into_iter());
        match (name, value) {
            (None, _) | (_, Value::Null) => {}
            (Some("ttl"), value) => {
                text.ttl = go_json::string(value)?.map(|ttl| dns::parse_ttl(&ttl)).transpose()?;
            }
            (Some("select"), Value::String(select)) => text.select = Some(dns::parse_select(select)?),
            (Some("select"), value) => return Err(format!("DNSSelect should be a string, got {value}")),
            (Some(_), Value::String(policy)) => text.policy = Some(dns::parse_policy(policy)?),
            (Some(_), value) => return Err(format!("DNSPolicy should be a string, got {value}")),
        }
    }
    Ok(text)
}

/// A list of texts, each read by `parse`.
fn parsed<T>(
    value: &Value,
    key: &str,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<Vec<T>>, String> {
    let texts = texts(value, key)?;
    texts.map(|texts| texts.iter().map(|text| parse(text)).collect()).transpose()
}

fn texts(value: &Value, key: &str) -> Result<Option<Vec<String>>, String> {
    let Some(entries) = go_json::list(value, &format!("Options.{key}"), "string")? else { return Ok(None) };
    let text = |entry: &Value| match entry {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        _ => Err(wrong_kind(entry, &format!("struct field Options.{key} of type string"))),
    };
    entries.iter().map(text).collect::<Result<_, _>>().map(Some)
}

fn hosts(value: &Value) -> Result<Option<HostMap>, String> {
    let Some(texts) = go_json::texts(value, "Options.hosts")? else { return Ok(None) };
    let host =
        |(host, place): (&String, &String)| Ok((Pattern::parse_with_port(host)?, Place::parse(host, place)?));
    texts.iter().map(host).collect::<Result<_, _>>().map(Some)
}

fn system_tags(value: &Value) -> Result<Option<SystemTags>, String> {
    let names = texts(value, "systemTags")?;
    Ok(names.map(|names| SystemTags::of(names.iter().map(String::as_str))))
}

/// k6 finds a value that cannot be sent only with the first request.
fn user_agent(value: &Value) -> Result<Option<String>, String> {
    let Some(text) = go_json::string(value)? else { return Ok(None) };
    match request::parse_user_agent(&text) {
        Ok(agent) => Ok(Some(agent)),
        Err(why) => Err(format!("invalid value {text:?} of the option `userAgent`: {why}")),
    }
}

#[cfg(test)]
mod tests;
