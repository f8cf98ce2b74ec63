//! Reports in full, one for each kind of answer.

mod samples;

use super::*;
use crate::diagnosis::Diagnosis;
use crate::search::Answer;
use crate::search::answer::*;
use samples::*;
use std::time::Duration;

#[track_caller]
fn check(answer: &Answer, diagnosis: Option<&Diagnosis>, context: &Context, want: &str) {
    let got = render_report(answer, diagnosis, context, false);
    println!("{got}");
    assert_eq!(got, want);
}

#[test]
fn p1() { check(&found(), Some(&application()), &context(), ""); }
#[test]
fn p2() {
    let mut a = not_reached(Ceiling::Generator);
    a.loads.push(load(83_800.0, 0.0, latency(0.0,0.0,0.0), 0.0, (0,0,3)));
    for t in [30.0, 35.0, 40.0] { a.trials.push(invalid(trial(crate::search::Purpose::Bracket, t, 83_800.0), "worker 0 was 97% busy")); }
    check(&a, Some(&generator()), &context(), "");
}
#[test]
fn p3() {
    let mut a = found();
    a.requests_per_iteration = 3.0;
    a.goals = goals(&[("http_req_duration", "p(95)<500"), ("http_req_failed", "rate<0.01"), ("checks", "rate>0.99")]);
    a.findings.push(GoalFinding{finding: Finding::Found(Limit{rate: 45_000.0, lower: 45_000.0, upper: 49_000.0, ..LIMIT}), resolvable_floor: None});
    check(&a, Some(&application()), &Context{blocks: false, ..context()}, "");
}
