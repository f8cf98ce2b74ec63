//! Every request that ringload counts is a line in nginx's log, and the other way round.

use crate::figures::Export;
use crate::nginx::{Nginx, Stop};
use crate::program::{ringload, run};
use crate::transports::transports;
use std::collections::BTreeMap;

const MODES: [&str; 5] = ["compact", "full", "disabled", "legacy", "legacy-marks"];

/// A run of ten VUs with `flags` against `path`: totals, and each class of status, are the log's.
/// Gives the log.
#[track_caller]
fn check(path: &str, flags: &[&str], mode: &str) -> BTreeMap<u16, u64> {
    let Some(mut nginx) = Nginx::start() else { return BTreeMap::new() };
    let export = Export::new();
    let mode_flag = format!("--summary-mode={mode}");
    let arguments = ["run", &nginx.url(path), "-u10", &export.flag(), &mode_flag];
    let ended = run(ringload(&[&arguments, flags].concat()));
    nginx.stop(Stop::Gracefully);
    let logged = nginx.logged();
    let total: u64 = logged.values().sum();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{flags:?} {mode}");
    assert_eq!(ended.last_progress(), (total, 0), "{flags:?} {mode} {logged:?}");
    if mode != "disabled" {
        assert_eq!(ended.printed_count("http_reqs"), total, "{flags:?} {mode} {logged:?}");
        let figures = export.read();
        assert_eq!((figures.count("http_reqs"), figures.count("iterations")), (total, total));
        let failed = logged.range(400..).map(|(_, count)| count).sum();
        assert_eq!(figures.failed(), (failed, total - failed), "{flags:?} {mode} {logged:?}");
    }
    logged
}

#[test]
fn ten_vus_for_three_seconds_are_the_lines_of_the_log() {
    for transport in transports() {
        for mode in MODES {
            let logged = check("/", &["-d3s", transport], mode);
            assert!(logged.is_empty() || logged[&200] > 1_000, "{logged:?}");
        }
    }
}

#[test]
fn a_hundred_thousand_iterations_are_as_many_lines() {
    for transport in transports() {
        for mode in MODES {
            let logged = check("/", &["-i100000", transport], mode);
            assert!(logged.is_empty() || logged == [(200, 100_000)].into(), "{logged:?}");
        }
    }
}

#[test]
fn each_class_of_status_is_as_often_in_the_log() {
    for transport in transports() {
        for mode in MODES {
            let logged = check("/mixed", &["-i10000", transport], mode);
            assert!(logged.is_empty() || logged.len() == 3, "{logged:?}");
        }
        let logged = check("/status/500", &["-i10000", transport], "compact");
        assert!(logged.is_empty() || logged == [(500, 10_000)].into(), "{logged:?}");
        let logged = check("/moved", &["-i10000", transport], "compact");
        assert!(logged.is_empty() || logged == [(302, 10_000)].into(), "{logged:?}");
    }
}

#[test]
fn every_way_to_load_is_the_lines_of_the_log() {
    for transport in transports() {
        for flags in [&["-i5000", "--no-connection-reuse"][..], &["--rate=2000", "-d2s"], &["-s1s:10,1s:0"]] {
            check("/", &[flags, &[transport]].concat(), "compact");
        }
    }
}
