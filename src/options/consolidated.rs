//! The options that a run ends up with, as the JSON that a script sees.
//!
//! Keys and their order are k6's; times are Go's texts; what nobody said is null.

use super::dns::{DnsPolicy, DnsSelect, DnsText};
use super::duration;
use super::host_rules::{Pattern, Place};
use super::layers::Layer;
use super::scenario_text::ScenarioText;
use super::script::KEYS;
use super::shortcuts::Scenarios;
use super::stage::StageText;
use super::summary::TimeUnit;
use super::threshold::ThresholdSpec;
use super::tls;
use super::trend_stat::TrendStat;
use serde_json::{Map, Value, json};

const SHORTCUTS: [&str; 4] = ["vus", "duration", "iterations", "stages"];

/// `exec.test.options`: every key but the shortcuts, which have become scenarios.
pub fn test_options(layer: &Layer, scenarios: &Scenarios) -> String {
    let keys = KEYS.iter().map(|key| key.name).filter(|key| !SHORTCUTS.contains(key) && *key != "cloud");
    let mut object: Map<_, _> =
        keys.map(|key| (key.to_owned(), value(key, layer, Some(scenarios)))).collect();
    object.insert("consoleOutput".to_owned(), json!(layer.console_output));
    object.insert("localIPs".to_owned(), json!(layer.local_ips.as_ref().map(ToString::to_string)));
    Value::Object(object).to_string()
}

/// What is written back into the script's own `options`: every key that somebody set, or that has a
/// default there.
pub fn script_options(layer: &Layer) -> String {
    let keys = KEYS.iter().map(|key| (key.name, value(key.name, layer, layer.execution.scenarios.as_ref())));
    let mut set: Map<_, _> =
        keys.filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)).collect();
    if layer.dns == DnsText::default() {
        set.remove("dns");
    }
    Value::Object(set).to_string()
}

fn value(key: &str, layer: &Layer, scenarios: Option<&Scenarios>) -> Value {
    let execution = &layer.execution;
    match key {
        "vus" => json!(execution.vus),
        "duration" => time(execution.duration_ns),
        "iterations" => json!(execution.iterations),
        "stages" => stages(execution.stages.as_deref()),
        "scenarios" => match scenarios {
            Some(scenarios) => {
                Value::Object(scenarios.iter().map(|(name, text)| (name.clone(), scenario(text))).collect())
            }
            None => Value::Null,
        },
        "executionSegment" => json!(layer.execution_segment),
        "executionSegmentSequence" => json!(layer.execution_segment_sequence),
        "noSetup" => json!(layer.no_setup),
        "setupTimeout" => time(layer.setup_timeout_ns),
        "noTeardown" => json!(layer.no_teardown),
        "teardownTimeout" => time(layer.teardown_timeout_ns),
        "handleSummaryTimeout" => time(layer.handle_summary_timeout_ns),
        "rps" => json!(layer.rps),
        "dns" => dns(&layer.dns),
        "maxRedirects" => json!(layer.max_redirects),
        "userAgent" => json!(layer.user_agent),
        "batch" => json!(layer.batch),
        "batchPerHost" => json!(layer.batch_per_host),
        "insecureSkipTLSVerify" => json!(layer.insecure_skip_tls_verify),
        "tlsCipherSuites" => match &layer.tls_cipher_suites {
            // By their numbers, as in k6.
            Some(suites) => suites.iter().map(|suite| json!(suite.id)).collect(),
            None => Value::Null,
        },
        "tlsVersion" => layer.tls_versions.map_or(Value::Null, tls::versions_json),
        "tlsAuth" => layer.tls_auth.as_deref().map_or(Value::Null, tls::auth_json),
        "throw" => json!(layer.throw),
        "thresholds" => match &layer.thresholds {
            Some(thresholds) => {
                let of_metric = |specs: &Vec<ThresholdSpec>| specs.iter().map(threshold).collect::<Value>();
                Value::Object(
                    thresholds.iter().map(|(metric, specs)| (metric.clone(), of_metric(specs))).collect(),
                )
            }
            None => Value::Null,
        },
        "blacklistIPs" => json!(layer.blacklist_ips.as_ref().map(|networks| displayed(networks))),
        "blockHostnames" => {
            let texts = |patterns: &Vec<Pattern>| -> Value {
                patterns.iter().map(|pattern| json!(pattern.as_str())).collect()
            };
            layer.block_hostnames.as_ref().map_or(Value::Null, texts)
        }
        "hosts" => match &layer.hosts {
            Some(hosts) => {
                let entry =
                    |(host, place): &(Pattern, Place)| (host.as_str().to_owned(), json!(place.to_string()));
                Value::Object(hosts.iter().map(entry).collect())
            }
            None => Value::Null,
        },
        "noVUConnectionReuse" => json!(layer.no_vu_connection_reuse),
        "noConnectionReuse" => json!(layer.no_connection_reuse),
        "minIterationDuration" => time(layer.min_iteration_duration_ns),
        "summaryTrendStats" => match &layer.trend_stats {
            Some(stats) => json!(stats),
            None => TrendStat::defaults().iter().map(|stat| json!(stat.to_string())).collect(),
        },
        "summaryTimeUnit" => json!(layer.time_unit.map(|unit| match unit {
            TimeUnit::Seconds => "s",
            TimeUnit::Milliseconds => "ms",
            TimeUnit::Microseconds => "us",
        })),
        "systemTags" => layer.system_tags.unwrap_or_default().names().map(|name| json!(name)).collect(),
        "tags" => json!(layer.tags),
        "noCookiesReset" => json!(layer.no_cookies_reset),
        "discardResponseBodies" => json!(layer.discard_response_bodies),
        // Refused and ignored keys are as nobody set them.
        _ => Value::Null,
    }
}

fn scenario(text: &ScenarioText) -> Value {
    let common = json!({
        "executor": text.executor.name(),
        "startTime": time(text.start_time_ns),
        "gracefulStop": time(text.graceful_stop_ns),
        "env": text.env,
        "exec": text.exec,
        "tags": text.tags,
    });
    let Value::Object(mut object) = common else { unreachable!("it was written as an object") };
    for &field in text.executor.fields() {
        let value = match field {
            "vus" => json!(text.vus),
            "iterations" => json!(text.iterations),
            "maxDuration" => time(text.max_duration_ns),
            "duration" => time(text.duration_ns),
            "startVUs" => json!(text.start_vus),
            "stages" => stages(text.stages.as_deref()),
            "gracefulRampDown" => time(text.graceful_ramp_down_ns),
            "rate" => json!(text.rate),
            "startRate" => json!(text.start_rate),
            "timeUnit" => time(text.time_unit_ns),
            "preAllocatedVUs" => json!(text.pre_allocated_vus),
            "maxVUs" => json!(text.max_vus),
            field => unreachable!("the field {field} of a scenario is in the table, but nothing shows it"),
        };
        object.insert(field.to_owned(), value);
    }
    Value::Object(object)
}

fn displayed<T: ToString>(things: &[T]) -> Vec<String> {
    things.iter().map(ToString::to_string).collect()
}

fn time(ns: Option<i64>) -> Value {
    json!(ns.map(duration::format))
}

fn stages(stages: Option<&[StageText]>) -> Value {
    let stage = |stage: &StageText| json!({"duration": time(stage.duration_ns), "target": stage.target});
    stages.map_or(Value::Null, |stages| stages.iter().map(stage).collect())
}

fn dns(text: &DnsText) -> Value {
    json!({
        "ttl": text.ttl.map(|ttl| duration::format(crate::time::duration_ns(ttl) as i64)),
        "select": text.select.map(|select| match select {
            DnsSelect::First => "first",
            DnsSelect::RoundRobin => "roundRobin",
            DnsSelect::Random => "random",
        }),
        "policy": text.policy.map(|policy| match policy {
            DnsPolicy::PreferIpv4 => "preferIPv4",
            DnsPolicy::PreferIpv6 => "preferIPv6",
            DnsPolicy::OnlyIpv4 => "onlyIPv4",
            DnsPolicy::OnlyIpv6 => "onlyIPv6",
            DnsPolicy::Any => "any",
        }),
    })
}

/// The text alone unless it can end the test, as k6 shows it.
fn threshold(spec: &ThresholdSpec) -> Value {
    if !spec.abort_on_fail {
        return json!(spec.source);
    }
    let delay = spec.delay_abort_eval.map(|delay| duration::format(crate::time::duration_ns(delay) as i64));
    json!({"threshold": spec.source, "abortOnFail": true, "delayAbortEval": delay})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{LocalIps, SystemTags, script};

    /// The keys of `test_options` that are not null, for a script with these options.
    #[track_caller]
    fn check(options: Value, want: Value) {
        let (layer, _) = script::decode(&options.to_string()).unwrap();
        let (scenarios, _) = layer.execution.script_scenarios().unwrap();
        let got: Value = serde_json::from_str(&test_options(&layer, &scenarios)).unwrap();
        let Value::Object(mut got) = got else { panic!("{got}") };
        got.retain(|_, value| !value.is_null());
        // Always there.
        let shown = got.remove("systemTags").unwrap();
        if options.get("systemTags").is_none() {
            assert_eq!(shown, json!(SystemTags::default().names().collect::<Vec<_>>()));
        } else {
            got.insert("systemTags".to_owned(), shown);
        }
        if options.get("summaryTrendStats").is_none() {
            let defaults = json!(["avg", "min", "med", "max", "p(90)", "p(95)"]);
            assert_eq!(got.remove("summaryTrendStats"), Some(defaults));
        }
        assert_eq!(Value::Object(got), want, "{options}");
    }

    #[test]
    fn shortcuts_are_shown_as_the_scenario_they_stand_for() {
        let no_dns = json!({"ttl": null, "select": null, "policy": null});
        check(
            json!({"iterations": 1}),
            json!({"scenarios": {"default": {
                "executor": "shared-iterations", "startTime": null, "gracefulStop": null, "env": null,
                "exec": null, "tags": null, "vus": null, "iterations": 1, "maxDuration": null,
            }}, "dns": no_dns}),
        );
        check(
            json!({"vus": 5, "duration": "3s", "tags": {"run": "ref"}}),
            json!({"scenarios": {"default": {
                "executor": "constant-vus", "startTime": null, "gracefulStop": null, "env": null,
                "exec": null, "tags": null, "vus": 5, "duration": "3s",
            }}, "dns": no_dns, "tags": {"run": "ref"}}),
        );
    }

    #[test]
    fn what_a_script_says_comes_back_in_k6s_form() {
        let scenarios = json!({
            "a": {
                "executor": "ramping-arrival-rate", "startTime": "1s", "gracefulStop": "0s", "env": {"A": "1"},
                "exec": "per", "tags": {"s": "b"}, "startRate": 5, "timeUnit": "1s",
                "stages": [{"duration": "3s", "target": 20}], "preAllocatedVUs": 3, "maxVUs": null,
            },
            "b": {
                "executor": "ramping-vus", "startTime": null, "gracefulStop": null, "env": null, "exec": null,
                "tags": null, "startVUs": 1, "stages": [{"duration": "2s", "target": 4}],
                "gracefulRampDown": "1s",
            },
            "c": {
                "executor": "constant-arrival-rate", "startTime": null, "gracefulStop": null, "env": null,
                "exec": null, "tags": null, "rate": 5, "timeUnit": "1m0s", "duration": "1m30s",
                "preAllocatedVUs": 3, "maxVUs": 4,
            },
        });
        let options = json!({
            "scenarios": scenarios, "noSetup": true, "setupTimeout": "5s", "noTeardown": false,
            "teardownTimeout": "5s", "handleSummaryTimeout": "1m0s", "rps": 5, "maxRedirects": 0,
            "dns": {"ttl": "5m0s", "select": "roundRobin", "policy": "any"}, "userAgent": "me", "batch": 3,
            "batchPerHost": 2, "throw": true,
            "thresholds": {
                "checks": ["rate>0.9", {"threshold": "rate>0.5", "abortOnFail": true, "delayAbortEval": "10s"}],
                "vus": [{"threshold": "value>1", "abortOnFail": true, "delayAbortEval": null}],
            },
            "noConnectionReuse": true, "noVUConnectionReuse": true, "blacklistIPs": ["10.0.0.0/8"],
            "blockHostnames": ["*.test"], "hosts": {"a.test": "::1", "b.test:80": "[::1]:81"},
            "systemTags": ["status", "url"], "minIterationDuration": "500ms", "summaryTrendStats": ["avg", "p(99.9)"],
            "summaryTimeUnit": "ms", "tags": {"a": "b"}, "noCookiesReset": true, "discardResponseBodies": true,
        });
        check(options.clone(), options);
    }

    #[test]
    fn every_key_is_there_in_k6s_order() {
        let layer =
            Layer { local_ips: Some(LocalIps::parse("10.0.0.1,10.0.1.0/24").unwrap()), ..Layer::default() };
        let got: Value = serde_json::from_str(&test_options(&layer, &Scenarios::new())).unwrap();
        let keys: Vec<_> = got.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys[..4], ["paused", "scenarios", "executionSegment", "executionSegmentSequence"]);
        assert_eq!(keys[keys.len() - 3..], ["features", "consoleOutput", "localIPs"]);
        assert_eq!((keys.len(), &got["localIPs"]), (39, &json!("10.0.0.1,10.0.1.0/24")));
    }

    #[test]
    fn a_script_finds_in_its_own_options_what_was_set() {
        let (layer, _) =
            script::decode(r#"{"vus": 2, "duration": 3000, "dns": {"select": "first"}}"#).unwrap();
        let got: Value = serde_json::from_str(&script_options(&layer)).unwrap();
        let want = json!({
            "vus": 2, "duration": "3s", "dns": {"ttl": null, "select": "first", "policy": null},
            "summaryTrendStats": ["avg", "min", "med", "max", "p(90)", "p(95)"], "systemTags": SystemTags::default().names().collect::<Vec<_>>(),
        });
        assert_eq!(got, want);
    }
}
