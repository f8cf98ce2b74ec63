//! Every key of a script's options: what it sets, and what is said of a value it cannot have.

use super::*;
use crate::options::execution::Execution;
use crate::options::scenario_text::{ExecutorKind, ScenarioText};
use crate::options::stage::StageText;
use crate::options::threshold::ThresholdSpec;
use crate::options::tls::{CIPHER_SUITES, TlsAuth, TlsVersions};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const S: i64 = 1_000_000_000;

#[track_caller]
fn check(options: Value, want: Layer) {
    assert_eq!(decode(&options.to_string()), Ok((want, vec![])), "{options}");
}

#[track_caller]
fn check_refused(options: Value, want: &str) {
    assert_eq!(decode(&options.to_string()), Err(want.to_owned()), "{options}");
}

fn silent() -> Layer {
    Layer::default()
}

fn executing(execution: Execution) -> Layer {
    Layer { execution, ..silent() }
}

/// A value of each honoured key, and the layer that says it.
fn honoured() -> Vec<(&'static str, Value, Layer)> {
    let nothing = Execution::default;
    let stage = StageText { duration_ns: Some(S), target: Some(3) };
    let scenario = ScenarioText { vus: Some(2), ..ScenarioText::new(ExecutorKind::PerVuIterations) };
    let spec = ThresholdSpec { source: "rate>0.9".to_owned(), abort_on_fail: false, delay_abort_eval: None };
    vec![
        ("vus", json!("5"), executing(Execution { vus: Some(5), ..nothing() })),
        ("duration", json!("1m"), executing(Execution { duration_ns: Some(60 * S), ..nothing() })),
        ("iterations", json!(7), executing(Execution { iterations: Some(7), ..nothing() })),
        (
            "stages",
            json!([{"duration": "1s", "target": 3}]),
            executing(Execution { stages: Some(vec![stage]), ..nothing() }),
        ),
        (
            "scenarios",
            json!({"a": {"executor": "per-vu-iterations", "vus": 2}}),
            executing(Execution {
                scenarios: Some(BTreeMap::from([("a".to_owned(), scenario)])),
                ..nothing()
            }),
        ),
        (
            "executionSegment",
            json!("0:1/2"),
            Layer { execution_segment: Some("0:1/2".to_owned()), ..silent() },
        ),
        (
            "executionSegmentSequence",
            json!("0,1/2,1"),
            Layer { execution_segment_sequence: Some("0,1/2,1".to_owned()), ..silent() },
        ),
        ("noSetup", json!(true), Layer { no_setup: Some(true), ..silent() }),
        ("setupTimeout", json!("5s"), Layer { setup_timeout_ns: Some(5 * S), ..silent() }),
        ("noTeardown", json!(true), Layer { no_teardown: Some(true), ..silent() }),
        ("teardownTimeout", json!(500), Layer { teardown_timeout_ns: Some(S / 2), ..silent() }),
        ("handleSummaryTimeout", json!("1s"), Layer { handle_summary_timeout_ns: Some(S), ..silent() }),
        ("rps", json!(100), Layer { rps: Some(100), ..silent() }),
        (
            "dns",
            json!({"ttl": "0", "select": "first", "policy": "onlyIPv4", "cache": true}),
            Layer { dns: DnsText::parse("ttl=0,select=first,policy=onlyIPv4").unwrap(), ..silent() },
        ),
        ("maxRedirects", json!(0), Layer { max_redirects: Some(0), ..silent() }),
        ("userAgent", json!(""), Layer { user_agent: Some(String::new()), ..silent() }),
        ("batch", json!(15), Layer { batch: Some(15), ..silent() }),
        ("batchPerHost", json!(5), Layer { batch_per_host: Some(5), ..silent() }),
        ("insecureSkipTLSVerify", json!(true), Layer { insecure_skip_tls_verify: Some(true), ..silent() }),
        (
            "tlsCipherSuites",
            json!(["TLS_AES_128_GCM_SHA256"]),
            Layer { tls_cipher_suites: Some(vec![CIPHER_SUITES[0]]), ..silent() },
        ),
        (
            "tlsVersion",
            json!({"min": "tls1.2"}),
            Layer { tls_versions: Some(TlsVersions { min: Some(TlsVersion::Tls12), max: None }), ..silent() },
        ),
        (
            "tlsAuth",
            json!([{"cert": "c", "key": "k"}]),
            Layer {
                tls_auth: Some(vec![TlsAuth { cert: "c".into(), key: "k".into(), ..TlsAuth::default() }]),
                ..silent()
            },
        ),
        ("throw", json!(true), Layer { throw: Some(true), ..silent() }),
        (
            "thresholds",
            json!({"checks": ["rate>0.9"]}),
            Layer { thresholds: Some(vec![("checks".to_owned(), vec![spec])]), ..silent() },
        ),
        (
            "blacklistIPs",
            json!(["10.0.0.0/8"]),
            Layer { blacklist_ips: Some(vec![Network::parse("10.0.0.0/8").unwrap()]), ..silent() },
        ),
        (
            "blockHostnames",
            json!(["*.test"]),
            Layer { block_hostnames: Some(vec![Pattern::parse("*.test").unwrap()]), ..silent() },
        ),
        (
            "hosts",
            json!({"a.test:80": "1.2.3.4:8080"}),
            Layer {
                hosts: Some(vec![(
                    Pattern::parse_with_port("a.test:80").unwrap(),
                    Place::parse("a.test:80", "1.2.3.4:8080").unwrap(),
                )]),
                ..silent()
            },
        ),
        ("noVUConnectionReuse", json!(true), Layer { no_vu_connection_reuse: Some(true), ..silent() }),
        ("systemTags", json!([]), Layer { system_tags: Some(SystemTags::of([])), ..silent() }),
        ("noConnectionReuse", json!(false), Layer { no_connection_reuse: Some(false), ..silent() }),
        ("minIterationDuration", json!("2s"), Layer { min_iteration_duration_ns: Some(2 * S), ..silent() }),
        (
            "summaryTrendStats",
            json!(["avg", "nonsense"]),
            Layer { trend_stats: Some(vec!["avg".to_owned(), "nonsense".to_owned()]), ..silent() },
        ),
        ("summaryTimeUnit", json!("us"), Layer { time_unit: Some(TimeUnit::Microseconds), ..silent() }),
        (
            "tags",
            json!({"run": "ref"}),
            Layer { tags: Some(BTreeMap::from([("run".to_owned(), "ref".to_owned())])), ..silent() },
        ),
        ("noCookiesReset", json!(true), Layer { no_cookies_reset: Some(true), ..silent() }),
        ("discardResponseBodies", json!(true), Layer { discard_response_bodies: Some(true), ..silent() }),
    ]
}

#[test]
fn every_honoured_key_says_something() {
    for (key, value, want) in honoured() {
        check(json!({ key: value }), want.clone());
        assert_ne!(want, silent(), "{key}");
        check(json!({ key.to_uppercase(): value }), want);
    }
    let tested: BTreeSet<_> = honoured().iter().map(|(key, ..)| *key).collect();
    let honoured = KEYS.iter().filter(|key| key.status == KeyStatus::Honoured).map(|key| key.name);
    assert_eq!(tested, honoured.collect());
}

#[test]
fn null_and_no_options_at_all_are_silence() {
    check(json!(null), silent());
    check(json!({}), silent());
    for key in KEYS {
        check(json!({ key.name: null }), silent());
    }
    check(json!({"summaryTimeUnit": "hours"}), silent());
}

#[test]
fn what_cannot_be_honoured_is_refused_by_name() {
    for key in KEYS.iter().filter(|key| key.status == KeyStatus::Refused) {
        let message = format!("the option `{}` is not supported yet; see docs/k6-compat.md", key.name);
        for wish in [json!(true), json!("x"), json!(1), json!(["x"]), json!({"x": "y"})] {
            check_refused(json!({ key.name: wish }), &message);
        }
        for no_wish in [json!(false), json!(""), json!({})] {
            check(json!({ key.name: no_wish }), silent());
        }
    }
}

#[test]
fn versions_below_those_that_are_spoken_are_warned_of() {
    let (layer, warnings) = decode(r#"{"tlsVersion": {"min": "tls1.0", "max": "tls1.3"}}"#).unwrap();
    assert!(layer.tls_versions.is_some());
    let message = "tlsVersion begins below tls1.2, which is the lowest that ringload speaks".to_owned();
    assert_eq!(warnings, [Warning { message, error: None }]);
}

#[test]
fn what_k6_ignores_is_ignored() {
    check(json!({"cloud": {"projectID": 1}, "ext": {"loadimpact": {}}}), silent());
    let warning =
        Warning { message: "the option `features` has no effect in a script".to_owned(), error: None };
    assert_eq!(decode(r#"{"features": ["x"]}"#), Ok((silent(), vec![warning])));
}

#[test]
fn the_first_unknown_key_by_name_is_warned_of() {
    let (layer, warnings) = decode(r#"{"vus": 1, "zoom": 1, "unknownOption": 3, "localIPs": 2}"#).unwrap();
    assert_eq!(layer.execution.vus, Some(1));
    let want = Warning {
        message: "There were unknown fields in the options exported in the script".to_owned(),
        error: Some("json: unknown field \"localIPs\"".to_owned()),
    };
    assert_eq!(warnings, [want]);
}

#[test]
fn wrong_values_have_k6s_texts() {
    for (options, want) in [
        (json!({"vus": "x"}), "strconv.ParseInt: parsing \"x\": invalid syntax"),
        (json!({"vus": 1.5}), "json: cannot unmarshal number 1.5 into Go value of type int64"),
        (json!({"duration": "abc"}), "time: invalid duration \"abc\""),
        (json!({"iterations": true}), "json: cannot unmarshal bool into Go value of type null.Int"),
        (json!({"noSetup": 1}), "json: cannot unmarshal float64 into Go value of type null.Bool"),
        (json!({"setupTimeout": false}), "'false' is not a valid duration value"),
        (json!({"userAgent": 5}), "json: cannot unmarshal float64 into Go value of type null.String"),
        (
            json!({"userAgent": "a\nb"}),
            "invalid value \"a\\nb\" of the option `userAgent`: a header value cannot hold control characters",
        ),
        (json!({"scenarios": {"a": {"executor": "nope"}}}), "unknown executor type 'nope'"),
        (
            json!({"thresholds": {"checks": "rate>0.9"}}),
            "json: cannot unmarshal string into Go value of type []metrics.thresholdConfig",
        ),
        (
            json!({"tags": ["a"]}),
            "json: cannot unmarshal array into Go struct field Options.tags of type map[string]string",
        ),
        (
            json!({"summaryTrendStats": "avg"}),
            "json: cannot unmarshal string into Go struct field Options.summaryTrendStats of type []string",
        ),
        (
            json!({"summaryTrendStats": [5]}),
            "json: cannot unmarshal number into Go struct field Options.summaryTrendStats of type string",
        ),
        (
            json!({"dns": "ttl=0"}),
            "json: cannot unmarshal string into Go struct field Options.dns of type types.DNSConfig",
        ),
        (json!({"dns": {"ttl": 5}}), "json: cannot unmarshal float64 into Go value of type null.String"),
        (json!({"dns": {"ttl": "x"}}), "invalid DNS TTL: x"),
        (json!({"dns": {"select": "last"}}), "last does not belong to DNSSelect values"),
        (json!({"dns": {"select": 1}}), "DNSSelect should be a string, got 1"),
        (json!({"dns": {"policy": "ipv4"}}), "ipv4 does not belong to DNSPolicy values"),
        (json!({"dns": {"policy": true}}), "DNSPolicy should be a string, got true"),
        (json!({"blacklistIPs": ["10.0.0.1"]}), "invalid CIDR address: 10.0.0.1"),
        (json!({"blockHostnames": ["a.*"]}), "invalid hostname pattern 'a.*'"),
        (json!({"hosts": {"a b": "1.2.3.4"}}), "invalid host pattern 'a b'"),
        (
            json!({"hosts": {"a.io": "b.io"}}),
            "invalid value \"b.io\" of the host \"a.io\": write IP or IP:port",
        ),
        (
            json!({"systemTags": "url"}),
            "json: cannot unmarshal string into Go struct field Options.systemTags of type []string",
        ),
        (json!([1]), "json: cannot unmarshal array into Go value of type lib.Options"),
        (json!("x"), "json: cannot unmarshal string into Go value of type lib.Options"),
        // Of several mistakes the first by name is told.
        (json!({"vus": "x", "batch": "y"}), "strconv.ParseInt: parsing \"y\": invalid syntax"),
    ] {
        check_refused(options, want);
    }
}
