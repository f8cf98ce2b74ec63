//! Over a network of two namespaces.

use crate::figures::Export;
use crate::network::{FAR, NOBODY, Network};
use crate::program::{Program, command, run};
use crate::transports::transports;

#[test]
fn a_target_on_another_machine_counts_the_same_and_leaves_us_all_cpus() {
    let Some(network) = Network::make() else { return };
    let cpus = ringload::sys::cpu::allowed().len();
    for transport in transports() {
        let listen = format!("{FAR}:8080");
        let mut target =
            Program::start(network.ringload(&network.far, &["target", "--json", "--listen", &listen]));
        target.wait_for_output(&listen);
        let export = Export::new();
        let url = format!("http://{listen}/?size=20k");
        let flags = ["run", &url, "-u20", "-i5000", transport, &export.flag()];
        let ended = run(network.ringload(&network.near, &flags));
        target.signal("INT");
        let target = target.end();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        let served: serde_json::Value = serde_json::from_str(target.stdout.lines().last().unwrap()).unwrap();
        let figures = export.read();
        assert_eq!((figures.count("http_reqs"), figures.failed()), (5_000, (0, 5_000)));
        assert_eq!(served["answered"], serde_json::json!({"200": 5_000}));
        assert_eq!(served["bytes_sent"], figures.count("data_received"));
        let quota = ringload::sys::cpu::cgroup_quota().unwrap_or(cpus);
        let workers = match cpus.min(quota).min(20) {
            1 => ", 1 worker ".to_owned(),
            count => format!(", {count} workers "),
        };
        assert!(ended.stdout.contains(&workers), "{workers} in {}", ended.stdout);
    }
}

#[test]
fn an_address_that_nobody_has_is_a_dial_timeout() {
    let Some(network) = Network::make() else { return };
    for transport in transports() {
        let url = format!("http://{NOBODY}/");
        let flags = ["run", &url, "-u4", "-i4", "--timeout=500ms", transport];
        let ended = run(network.ringload(&network.near, &flags));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(ended.failures(), [(4, "1211".to_owned(), "dial: i/o timeout".to_owned())]);
    }
}

#[test]
fn a_cable_pulled_in_the_middle_is_timeouts_until_it_is_back() {
    let Some(network) = Network::make() else { return };
    for transport in transports() {
        let listen = format!("{FAR}:8080");
        let mut target =
            Program::start(network.ringload(&network.far, &["target", "--json", "--listen", &listen]));
        target.wait_for_output(&listen);
        let export = Export::new();
        let url = format!("http://{listen}/?delay=1ms");
        let flags = ["run", &url, "-u4", "-d4s", "--timeout=300ms", transport, &export.flag()];
        let mut running = Program::start(network.ringload(&network.near, &flags));
        running.wait_for_output("running (01.");
        let link = |state: &str| {
            let ended = run(command("ip", &["-n", &network.far, "link", "set", "eth0", state]));
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        };
        link("down");
        running.wait_for_output("running (02.");
        link("up");
        let ended = running.end();
        target.signal("INT");
        let target = target.end();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let (failed, answered) = export.read().failed();
        let served: serde_json::Value = serde_json::from_str(target.stdout.lines().last().unwrap()).unwrap();
        let responses = served["responses"].as_u64().unwrap();
        // The target answered what it had read; each VU had one request under way at the cut.
        assert!((answered..=answered + 4).contains(&responses), "{answered} {served}");
        let failures = ended.failures();
        assert_eq!(failures.iter().map(|(count, ..)| count).sum::<u64>(), failed, "{}", ended.stderr);
        assert!(failed > 0, "{}", ended.stdout);
        for (count, code, text) in failures {
            match (code.as_str(), text.as_str()) {
                ("1050", "request timeout") | ("1211", "dial: i/o timeout") => {}
                ("1213", text) if text.contains("no route to host") || text.contains("unreachable") => {}
                _ => panic!("unexplained: {count} times {code} {text}"),
            }
        }
    }
}
