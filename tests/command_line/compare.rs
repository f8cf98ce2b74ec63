//! `ringload compare`, on summaries of k6 and of this program.

use crate::program::{Ended, ringload, run};

const EXPORT: &str = "tests/cases/k6/export_summary/summary.json";
const DATA: &str = "tests/cases/k6/handle/data.json";
const DATA_NEW: &str = "tests/cases/k6/handle/data_new.json";

fn compare(args: &[&str]) -> Ended {
    run(ringload(&[&["compare"], args].concat()))
}

#[track_caller]
fn check(args: &[&str], code: i32, stderr: &str) {
    let ended = compare(args);
    assert_eq!(ended.code, Some(code), "{args:?}: {}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stderr.contains(stderr) && (code == 0) == ended.stderr.is_empty(),
        "{args:?}: {}",
        ended.stderr
    );
}

#[test]
fn conditions_decide_the_exit_status() {
    check(&[DATA, DATA_NEW], 0, "");
    check(&[DATA, DATA_NEW, "--fail-if", "checks.rate<-1%", "--fail-if=http_reqs.count<20"], 0, "");
    check(
        &[DATA, EXPORT, "--fail-if", "http_reqs.count>+10%", "--fail-if", "checks.rate<0"],
        99,
        "is true of",
    );
}

#[test]
fn what_cannot_be_compared_is_refused() {
    check(&[DATA], 255, "accepts 2 arg(s), received 1");
    check(&[DATA, "nowhere.json"], 255, "cannot read the summary nowhere.json");
    check(&["Cargo.toml", DATA], 255, "Cargo.toml is no summary: it is no JSON");
    check(&[DATA, DATA, "--fail-if", "x"], 255, "invalid argument \\\"x\\\" for \\\"--fail-if\\\" flag");
    check(&[DATA, DATA, "--fail-if", "vus_max.value>+1%"], 104, "there is no metric `vus_max`");
}

#[test]
fn the_json_goes_to_standard_output() {
    let ended = compare(&[DATA, DATA_NEW, "--json", "--fail-if", "http_reqs.count>+1%"]);
    let got: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(got["metrics"]["http_reqs"]["count"]["ratio"], 1.0, "{got}");
    assert_eq!(got["failed"], false);
}
