//! What ringload counts is what the target served, in every way to load it and to report it.

use crate::figures::{Export, Figures};
use crate::peer::Peer;
use crate::program::{ringload, run};
use crate::transports::{serve, transports};
use ringload::metrics::served::Served;
use ringload::options::{BehaviourOptions, TransportChoice};

/// A run of `flags` against `path` of the built-in target; gives what the target did, after both
/// have been found to agree to the request and to the byte.
#[track_caller]
fn check(flags: &[&str], path: &str) -> Served {
    let export = Export::new();
    let target = serve(TransportChoice::Auto, [127, 0, 0, 1].into(), BehaviourOptions::default()).unwrap();
    let url = format!("http://{}{path}", target.address());
    let ended = run(ringload(&[&["run", &url, &export.flag()], flags].concat()));
    let served = target.stop();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{flags:?}");

    let figures = export.read();
    assert_eq!(figures.count("http_reqs"), served.requests, "{flags:?} {served:?}");
    assert_eq!(ended.printed_count("http_reqs"), served.requests, "{flags:?} {}", ended.stdout);
    assert_eq!(figures.count("data_sent"), served.bytes_received, "{flags:?} {served:?}");
    assert_eq!(figures.count("data_received"), served.bytes_sent, "{flags:?} {served:?}");
    assert_eq!(ended.last_progress(), (figures.count("iterations"), 0), "{flags:?}");
    let failing = |status: u16| !(200..400).contains(&status);
    let failed = served.answered.iter().filter(|(status, _)| failing(**status)).map(|(_, count)| count).sum();
    assert_eq!(figures.failed(), (failed, served.responses() - failed), "{flags:?} {served:?}");
    assert_eq!((served.dropped, served.parse_errors, served.overruns), (0, 0, 0), "{served:?}");
    served
}

#[test]
fn every_summary_counts_what_the_target_served() {
    for transport in transports() {
        for mode in ["compact", "full", "legacy", "legacy-marks"] {
            let mode_flag = format!("--summary-mode={mode}");
            let served = check(&["-i200", "-u5", transport, &mode_flag], "/");
            assert_eq!((served.requests, served.connections), (200, 5));
        }
    }
}

#[test]
fn a_run_without_summary_loads_as_much_and_leaves_no_file() {
    for transport in transports() {
        let export = Export::new();
        let target =
            serve(TransportChoice::Auto, [127, 0, 0, 1].into(), BehaviourOptions::default()).unwrap();
        let url = format!("http://{}/", target.address());
        let flags = ["run", &url, "-i200", "-u5", transport, "--summary-mode=disabled", &export.flag()];
        let ended = run(ringload(&flags));
        assert_eq!(target.stop().requests, 200);
        assert_eq!((ended.code, ended.last_progress()), (Some(0), (200, 0)));
        assert!(!ended.stdout.contains("http_reqs"), "{}", ended.stdout);
        // As in k6: the export is a part of the summary.
        assert!(!export.path().exists());
    }
}

#[test]
fn every_way_to_load_counts_what_the_target_served() {
    for transport in transports() {
        let served = check(&["-i200", "-u5", "--no-connection-reuse", transport], "/");
        assert_eq!((served.requests, served.connections), (200, 200));

        let served = check(&["-i50", "-u5", "--pipeline=8", transport], "/");
        assert_eq!((served.requests, served.connections), (400, 5));

        let served = check(&["-i100", "-u5", "-b", "a body", transport], "/?size=3k");
        assert_eq!((served.requests, served.connections), (100, 5));

        let served = check(&["-i8", "-u4", transport], "/?size=4m");
        assert_eq!((served.requests, served.connections), (8, 4));

        let served = check(&["-i100", "-u5", transport], "/?size=3k&chunked=1");
        assert_eq!((served.requests, served.connections), (100, 5));

        let served = check(&["-d1s", "-u5", transport], "/?delay=5ms");
        assert_eq!(served.connections, 5);

        let served = check(&["-s500ms:6,500ms:0", transport], "/?delay=5ms");
        assert!((2..=6).contains(&served.connections), "{served:?}");

        let served = check(&["-i200", "-u6", "--workers=3", transport], "/");
        assert_eq!((served.requests, served.connections), (200, 6));
    }
}

#[test]
fn every_start_of_a_rate_is_a_request_or_is_said_to_be_dropped() {
    for transport in transports() {
        // The ramp's hundredth start is due at its very end, which is no longer within it.
        for (rate, starts) in [("100", 100), ("50:150", 99)] {
            let export = Export::new();
            let target =
                serve(TransportChoice::Auto, [127, 0, 0, 1].into(), BehaviourOptions::default()).unwrap();
            let url = format!("http://{}/", target.address());
            let flags = ["run", &url, "--rate", rate, "-d1s", transport, &export.flag()];
            let ended = run(ringload(&flags));
            let served = target.stop();
            let figures = export.read();
            assert_eq!(ended.code, Some(0));
            assert_eq!(figures.count("http_reqs"), served.requests);
            assert_eq!(served.requests + figures.count("dropped_iterations"), starts, "{}", ended.stdout);
            assert!(ended.stdout.contains("start_lag"), "{}", ended.stdout);
        }
    }
}

#[test]
fn starts_without_a_free_vu_are_dropped_counted_and_doubted() {
    let export = Export::new();
    let target = serve(TransportChoice::Auto, [127, 0, 0, 1].into(), BehaviourOptions::default()).unwrap();
    let url = format!("http://{}/?delay=200ms", target.address());
    let ended = run(ringload(&["run", &url, "--rate=50", "-u1", "--max-vus=1", "-d1s", &export.flag()]));
    let served = target.stop();
    let figures = export.read();
    let dropped = figures.count("dropped_iterations");
    assert_eq!((figures.count("http_reqs"), served.requests + dropped), (served.requests, 50));
    assert!((1..=5).contains(&served.requests), "{served:?}");
    assert_eq!(ended.printed_count("dropped_iterations"), dropped);
    let doubt = format!("{dropped} of 50 iterations were dropped");
    assert!(ended.doubts().iter().any(|line| line.starts_with(&doubt)), "{}", ended.stdout);
}

#[test]
fn each_class_of_status_is_counted_as_it_was_answered() {
    for transport in transports() {
        for flags in [&["-i400", "-u5"][..], &["-i50", "-u5", "--pipeline=8"]] {
            let served = check(&[flags, &[transport]].concat(), "/?fail=0.5:503");
            assert_eq!(served.requests, 400);
            // 1 in 2^399 that one class is empty; the target's seed is fixed besides.
            assert_eq!(served.answered.keys().copied().collect::<Vec<_>>(), [200, 503]);
        }
        let served = check(&["-i50", "-u5", transport], "/status/404");
        assert_eq!(served.answered, [(404, 50)].into());
    }
}

#[test]
fn a_get_costs_the_bytes_it_costs_k6() {
    // "GET /json HTTP/1.1", "Host: 127.0.0.1:" and a port, k6's User-Agent, an empty line.
    for transport in transports() {
        let peer = Peer::answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        let export = Export::new();
        let url = format!("{}json", peer.url());
        let flags =
            ["run", &url, "-i10", "-u2", "--user-agent", "Grafana k6/2.2.0", transport, &export.flag()];
        assert_eq!(run(ringload(&flags)).code, Some(0));
        let each = 70 + peer.port().to_string().len() as u64;
        assert_eq!(export.read().count("data_sent"), 10 * each);
        let want = format!(
            "GET /json HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUser-Agent: Grafana k6/2.2.0\r\n\r\n",
            peer.port()
        );
        assert_eq!(peer.requests(), vec![want; 10]);
    }
}

#[test]
fn the_export_has_the_metrics_and_fields_of_k6() {
    let export = Export::new();
    let target = serve(TransportChoice::Auto, [127, 0, 0, 1].into(), BehaviourOptions::default()).unwrap();
    let url = format!("http://{}/?delay=1ms", target.address());
    // Over a second, because the VUs are sampled once a second.
    let ended = run(ringload(&["run", &url, "-d1200ms", "-u3", &export.flag()]));
    target.stop();
    assert_eq!(ended.code, Some(0));
    let Figures { root } = export.read();
    let got: Vec<(String, String)> = root["metrics"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, fields)| {
            let fields: Vec<&str> = fields.as_object().unwrap().keys().map(String::as_str).collect();
            (name.clone(), fields.join(" "))
        })
        .collect();
    let mut got: Vec<(&str, &str)> =
        got.iter().map(|(name, fields)| (name.as_str(), fields.as_str())).collect();
    got.sort_unstable();
    let trend = "avg min med max p(90) p(95)";
    assert_eq!(
        got,
        [
            ("data_received", "count rate"),
            ("data_sent", "count rate"),
            ("http_req_blocked", trend),
            ("http_req_connecting", trend),
            ("http_req_duration", trend),
            ("http_req_duration{expected_response:true}", trend),
            ("http_req_failed", "passes fails value"),
            ("http_req_receiving", trend),
            ("http_req_sending", trend),
            ("http_req_tls_handshaking", trend),
            ("http_req_waiting", trend),
            ("http_reqs", "count rate"),
            ("iteration_duration", trend),
            ("iterations", "count rate"),
            ("vus", "value min max"),
            ("vus_max", "value min max"),
        ]
    );
    let group = serde_json::json!(
        {"name": "", "path": "", "id": "d41d8cd98f00b204e9800998ecf8427e", "groups": {}, "checks": {}}
    );
    assert_eq!(root["root_group"], group);
    assert_eq!(root["metrics"]["vus"], serde_json::json!({"value": 3, "min": 3, "max": 3}));
}
