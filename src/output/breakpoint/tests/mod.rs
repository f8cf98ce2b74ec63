//! Reports in full, one for each kind of answer, and the lines of a search that goes on.

mod document;
mod lines;
mod samples;

use super::*;
use crate::diagnosis::{Diagnosis, Signal, Who};
use crate::search::answer::*;
use crate::search::{Answer, Goals, Handicap, Percentiles, Purpose, Settings};
use samples::*;
use std::time::Duration;

#[track_caller]
fn check(answer: &Answer, diagnosis: Option<&Diagnosis>, context: &Context, want: &str) {
    let got = render_report(answer, diagnosis, context, false);
    assert_eq!(got, want, "\n{got}");
}

fn within(settings: Settings) -> Context {
    Context { settings, ..context() }
}

#[test]
fn a_limit_that_was_found_is_told_with_its_interval_its_goal_and_who_broke_first() {
    check(&found(), Some(&application()), &context(), "\
LIMIT  41,900 req/s  (95% CI 41,200-42,500; passes at 41,900, fails at 42,700)   goal: http_req_duration: p(95)<500
BROKE FIRST  the application: requests queue up in it   (confidence high: 6 of 6 checks, probe: 30% more CPU a request 41,800 = as usual 41,900)
  generator   31% busy, start lag p99 38.9µs, 3.2x headroom
  network     0.02% retransmits, round trip 200µs (best 180µs), 14.00% of 10 Gbit/s
  application first byte after 3ms -> 487ms (p99 487ms), 400 of 170800 answered 503
CONFIRMED  30s at 41,900   UNLOADED  p50 410µs, p99 920µs
KNEE  33,000 req/s (p95 6ms)   ERRORS START  46,090   AT 1.5x LOAD  goodput 38,100 (91% of the most: degrades, no collapse)
RECOVERY  2.4s after load returned to 33,500
  offered  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
   20,950   20,950    0.84     2.1     3.9      0%    6/6  pass
   33,000   33,000     1.2     6.0    14.2      0%    6/6  pass
   41,900   41,870     9.2     310     480   0.06%  10/10  pass  <- limit
   42,700   41,900     190     610   1,200    0.1%  10/10  fail
   46,090   41,300     420     980   1,900    1.9%    1/1  fail
   62,850   38,100   1,100   2,400   4,000     21%    1/1  fail
  goodput
   41,900 │                               ▁▂▃▄▄▅▆▇█████▇▇▇▇▇▇▇▆▆▆▆▆▆▅▅▅
          │                     ▁▂▃▄▄▅▆▇███████████████████████████████
          │           ▁▂▃▄▄▅▆▇█████████████████████████████████████████
          │ ▁▂▃▄▄▅▆▇███████████████████████████████████████████████████
        0 └────────────────────────────────────────┴───────────────────
                                                41,900           62,850 req/s offered
");
}

#[test]
fn where_the_generator_ran_out_first_the_limit_is_a_lower_bound() {
    let mut answer = not_reached(Ceiling::Generator);
    answer.loads.push(load(83_800.0, 0.0, Percentiles::default(), 0.0, (0, 0, 3)));
    for ended_s in [30.0, 35.0, 40.0] {
        let trial = trial(Purpose::Bracket, ended_s, 83_800.0);
        answer.trials.push(invalid(trial, "a worker was 97.2% busy"));
    }
    check(&answer, Some(&generator()), &context(), "\
LIMIT >= 61,000 req/s, not reached: generator-limited, a worker was 97.2% busy at 83,800. The target was still passing
TRY  the generator on a larger machine, or on several
BROKE FIRST  the generator: a worker had no time left   (confidence high: 6 of 6 checks)
  generator   97% busy, start lag p99 38.9µs
  network     0.02% retransmits, round trip 200µs (best 180µs), 14.00% of 10 Gbit/s
  application first byte after 3ms -> 487ms (p99 487ms), 400 of 170800 answered 503
UNLOADED  p50 410µs, p99 920µs
KNEE  33,000 req/s (p95 6ms)   ERRORS START  above 61,000
  offered  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
   20,950   20,950    0.84     2.1     3.9      0%    6/6  pass
   33,000   33,000     1.2     6.0    14.2      0%    6/6  pass
   61,000   61,000     2.2     7.0    19.0      0%    4/4  pass  <- at least
   83,800        -       -       -       -       -    0/3  invalid
  goodput
   61,000 │                                              ▁▁▂▂▃▃▄▅▅▆▆▇▇█
          │                               ▁▁▂▂▃▃▄▅▅▆▆▇▇████████████████
          │                ▁▁▂▂▃▃▄▅▅▆▆▇▇███████████████████████████████
          │ ▁▁▂▂▃▃▄▅▅▆▆▇▇██████████████████████████████████████████████
        0 └───────────────────────────────────────────────────────────┴
                                                                 61,000 req/s offered
");
}

#[test]
fn the_highest_rate_that_is_allowed_may_pass() {
    let context = within(Settings { max_rate: Some(61_000.0), ..context().settings });
    check(
        &not_reached(Ceiling::MaxRate),
        Some(&nobody()),
        &context,
        "\
LIMIT >= 61,000 req/s, not reached: --max-rate 61,000 allows no more. The target was still passing
TRY  a higher --max-rate
BROKE FIRST  nothing: 244000 requests, none failed, at the scheduled rate   (confidence high: 6 of 6 checks)
  generator   31% busy, 3.2x headroom
  network     0.02% retransmits, round trip 200µs (best 180µs), 14.00% of 10 Gbit/s
  application first byte after 2.23ms (p99 2.23ms)
UNLOADED  p50 410µs, p99 920µs
KNEE  33,000 req/s (p95 6ms)   ERRORS START  above 61,000
  offered  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
   20,950   20,950    0.84     2.1     3.9      0%    6/6  pass
   33,000   33,000     1.2     6.0    14.2      0%    6/6  pass
   61,000   61,000     2.2     7.0    19.0      0%    4/4  pass  <- at least
  goodput
   61,000 │                                              ▁▁▂▂▃▃▄▅▅▆▆▇▇█
          │                               ▁▁▂▂▃▃▄▅▅▆▆▇▇████████████████
          │                ▁▁▂▂▃▃▄▅▅▆▆▇▇███████████████████████████████
          │ ▁▁▂▂▃▃▄▅▅▆▆▇▇██████████████████████████████████████████████
        0 └───────────────────────────────────────────────────────────┴
                                                                 61,000 req/s offered
",
    );
}

#[test]
fn what_lies_beyond_the_highest_load_is_told_as_beyond_it() {
    let mut answer = not_reached(Ceiling::MaxRate);
    answer.goals = Goals::defaults();
    answer.findings.push(answer.findings[0].clone());
    answer.limiting_goal = Some(0);
    answer.knee.power = Some(61_000.0);
    let text = render_report(&answer, None, &context(), false);
    assert!(text.contains("\n  errors<=0.1%                          passes up to 61,000\n"), "{text}");
    assert!(text.contains("\nKNEE  above 61,000 req/s   ERRORS START  above 61,000\n"), "{text}");
    answer.loads.truncate(2);
    assert!(!render_report(&answer, None, &context(), false).contains("KNEE"));
}

#[test]
fn the_time_may_be_over_before_any_load_fails() {
    let mut answer = not_reached(Ceiling::MaxTime);
    answer.remarks.push(Remark::OutOfTime { skipped: Skipped::Narrowing });
    let context = within(Settings { max_time: Duration::from_secs(30), ..context().settings });
    check(
        &answer,
        Some(&nobody()),
        &context,
        "\
LIMIT >= 61,000 req/s, not reached: --max-time 30s was over. The target was still passing
TRY  a longer --max-time
BROKE FIRST  nothing: 244000 requests, none failed, at the scheduled rate   (confidence high: 6 of 6 checks)
  generator   31% busy, 3.2x headroom
  network     0.02% retransmits, round trip 200µs (best 180µs), 14.00% of 10 Gbit/s
  application first byte after 2.23ms (p99 2.23ms)
UNLOADED  p50 410µs, p99 920µs
KNEE  33,000 req/s (p95 6ms)   ERRORS START  above 61,000
! --max-time 30s was over before the bracket was as narrow as was asked for
  offered  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
   20,950   20,950    0.84     2.1     3.9      0%    6/6  pass
   33,000   33,000     1.2     6.0    14.2      0%    6/6  pass
   61,000   61,000     2.2     7.0    19.0      0%    4/4  pass  <- at least
  goodput
   61,000 │                                              ▁▁▂▂▃▃▄▅▅▆▆▇▇█
          │                               ▁▁▂▂▃▃▄▅▅▆▆▇▇████████████████
          │                ▁▁▂▂▃▃▄▅▅▆▆▇▇███████████████████████████████
          │ ▁▁▂▂▃▃▄▅▅▆▆▇▇██████████████████████████████████████████████
        0 └───────────────────────────────────────────────────────────┴
                                                                 61,000 req/s offered
",
    );
}

#[test]
fn a_service_may_fail_at_the_lowest_load() {
    let mut answer = Answer {
        knee: Knee::default(),
        error_onset: ErrorOnset::Between { clean: 0.0, failing: 1.0 },
        loads: vec![load(1.0, 0.5, latency(520.0, 1_240.0, 2_400.0), 0.25, (0, 2, 2))],
        trials: vec![failed(trial(Purpose::Range, 12.0, 1.0), 0.5)],
        ..not_reached(Ceiling::MaxTime)
    };
    set_limit(&mut answer, Finding::Below { rate: 1.0 });
    answer.limiting_goal = Some(0);
    answer.capacity = Some(0.5);
    check(&answer, None, &context(), "\
LIMIT < 1 req/s  (fails at the lowest load that was tried: 50% lost, 5% allowed)   goal: http_req_duration: p(95)<500
TRY  a look at single answers, or another goal: this one fails almost without load
UNLOADED  p50 410µs, p99 920µs
ERRORS START  1
  offered  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
        1      0.5     520   1,240   2,400     25%    2/2  fail
");
}

#[test]
fn a_target_that_answers_nothing_has_no_limit() {
    let mut answer = Answer {
        baseline: None,
        capacity: Some(0.0),
        knee: Knee::default(),
        error_onset: ErrorOnset::Between { clean: 0.0, failing: 1.0 },
        loads: vec![load(1.0, 0.0, Percentiles::default(), 1.0, (0, 2, 2))],
        trials: vec![failed(trial(Purpose::Range, 12.0, 1.0), 1.0)],
        ..not_reached(Ceiling::MaxTime)
    };
    set_limit(&mut answer, Finding::Below { rate: 1.0 });
    answer.limiting_goal = Some(0);
    check(&answer, None, &context(), "\
LIMIT < 1 req/s  (fails at the lowest load that was tried: 100% lost, 5% allowed)   goal: http_req_duration: p(95)<500
TRY  a look at the target first: nothing was answered as it should be
ERRORS START  1
  offered  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
        1        0       -       -       -    100%    2/2  fail
");
}

#[test]
fn trials_that_do_not_agree_leave_a_wide_bracket() {
    let mut answer = found();
    let wide =
        Limit { interval: (32_400.0, 47_300.0), lower: 33_000.0, upper: 46_090.0, resolved: false, ..LIMIT };
    set_limit(&mut answer, Finding::Found(wide));
    answer.remarks = vec![
        Remark::OutOfTime { skipped: Skipped::Narrowing },
        Remark::Irregular { lower: 33_000.0, upper: 46_090.0 },
        Remark::LossInversion { failed: 42_700.0, passed_above: 46_090.0 },
    ];
    answer.confirmed = Confirmed::Failed { rate: 33_000.0 };
    answer.probe = None;
    check(&answer, Some(&application()), &context(), "\
LIMIT  irregular: between 33,000 and 46,090 req/s  (95% CI 32,400-47,300)   goal: http_req_duration: p(95)<500
TRY  a longer --max-time
BROKE FIRST  the application: requests queue up in it   (confidence high: 6 of 6 checks)
  generator   31% busy, start lag p99 38.9µs, 3.2x headroom
  network     0.02% retransmits, round trip 200µs (best 180µs), 14.00% of 10 Gbit/s
  application first byte after 3ms -> 487ms (p99 487ms), 400 of 170800 answered 503
UNLOADED  p50 410µs, p99 920µs
KNEE  33,000 req/s (p95 6ms)   ERRORS START  46,090   AT 1.5x LOAD  goodput 38,100 (91% of the most: degrades, no collapse)
RECOVERY  2.4s after load returned to 33,500
! --max-time 10m0s was over before the bracket was as narrow as was asked for
! 46,090 req/s passed, though 42,700 failed: the lower one counts
! The limit was not confirmed: every long trial failed, the last one at 33,000. What the target bears for seconds it does not bear for longer
  offered  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
   20,950   20,950    0.84     2.1     3.9      0%    6/6  pass
   33,000   33,000     1.2     6.0    14.2      0%    6/6  pass  <- passes
   41,900   41,870     9.2     310     480   0.06%  10/10  pass
   42,700   41,900     190     610   1,200    0.1%  10/10  fail
   46,090   41,300     420     980   1,900    1.9%    1/1  fail  <- fails
   62,850   38,100   1,100   2,400   4,000     21%    1/1  fail
  goodput
   41,900 │                               ▁▂▃▄▄▅▆▇█████▇▇▇▇▇▇▇▆▆▆▆▆▆▅▅▅
          │                     ▁▂▃▄▄▅▆▇███████████████████████████████
          │           ▁▂▃▄▄▅▆▇█████████████████████████████████████████
          │ ▁▂▃▄▄▅▆▇███████████████████████████████████████████████████
        0 └───────────────────────────────┴────────────────────────────
                                       33,000                    62,850 req/s offered
");
}

#[test]
fn an_interrupted_search_tells_its_bracket_as_provisional() {
    let mut answer = Answer {
        provisional: true,
        confirmed: Confirmed::No,
        probe: None,
        overload: None,
        recovery: None,
        error_onset: ErrorOnset::NoneUpTo(42_700.0),
        loads: found().loads[..4].to_vec(),
        took: Duration::from_secs(42),
        ..found()
    };
    set_limit(
        &mut answer,
        Finding::Found(Limit { upper: 42_700.0, lower: 33_000.0, resolved: false, ..LIMIT }),
    );
    check(&answer, Some(&application()), &Context { interrupted: true, ..context() }, "\
LIMIT SO FAR  between 33,000 and 42,700 req/s  (interrupted after 42s: provisional)   goal: http_req_duration: p(95)<500
BROKE FIRST  the application: requests queue up in it   (confidence high: 6 of 6 checks)
  generator   31% busy, start lag p99 38.9µs, 3.2x headroom
  network     0.02% retransmits, round trip 200µs (best 180µs), 14.00% of 10 Gbit/s
  application first byte after 3ms -> 487ms (p99 487ms), 400 of 170800 answered 503
UNLOADED  p50 410µs, p99 920µs
KNEE  33,000 req/s (p95 6ms)   ERRORS START  above 42,700
  offered  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
   20,950   20,950    0.84     2.1     3.9      0%    6/6  pass
   33,000   33,000     1.2     6.0    14.2      0%    6/6  pass  <- passes
   41,900   41,870     9.2     310     480   0.06%  10/10  pass
   42,700   41,900     190     610   1,200    0.1%  10/10  fail  <- fails
  goodput
   41,900 │                                             ▁▁▂▂▃▃▄▅▅▆▆▇▇██
          │                              ▁▁▂▂▃▃▄▄▅▅▆▇▇█████████████████
          │                ▁▂▂▃▃▄▄▅▅▆▆▇▇███████████████████████████████
          │ ▁▁▂▂▃▄▄▅▅▆▆▇▇██████████████████████████████████████████████
        0 └──────────────────────────────────────────────┴─────────────
                                                      33,000     42,700 req/s offered
");
}

#[test]
fn a_search_may_be_interrupted_before_it_knows_anything() {
    let mut answer = Answer {
        provisional: true,
        knee: Knee::default(),
        error_onset: ErrorOnset::Unknown,
        baseline: None,
        loads: vec![],
        trials: vec![],
        took: Duration::from_secs(4),
        ..not_reached(Ceiling::MaxTime)
    };
    set_limit(&mut answer, Finding::Unknown);
    let context = Context { interrupted: true, ..context() };
    check(
        &answer,
        None,
        &context,
        "LIMIT SO FAR  unknown  (interrupted after 4s, before any load was decided)\n",
    );
}

#[test]
fn a_target_that_does_not_come_back_is_metastable() {
    let mut answer = found();
    answer.recovery = Some(Recovery::Metastable { rate: 33_500.0, waited: Duration::from_secs(60) });
    answer.confirmed = Confirmed::Yes { rate: 41_900.0, after_failures: 2 };
    answer.remarks = vec![Remark::DidNotDrain { offered: 62_850.0 }];
    check(&answer, Some(&application()), &context(), "\
LIMIT  41,900 req/s  (95% CI 41,200-42,500; passes at 41,900, fails at 42,700)   goal: http_req_duration: p(95)<500
BROKE FIRST  the application: requests queue up in it   (confidence high: 6 of 6 checks, probe: 30% more CPU a request 41,800 = as usual 41,900)
  generator   31% busy, start lag p99 38.9µs, 3.2x headroom
  network     0.02% retransmits, round trip 200µs (best 180µs), 14.00% of 10 Gbit/s
  application first byte after 3ms -> 487ms (p99 487ms), 400 of 170800 answered 503
CONFIRMED  30s at 41,900 (2 long trials above failed)   UNLOADED  p50 410µs, p99 920µs
KNEE  33,000 req/s (p95 6ms)   ERRORS START  46,090   AT 1.5x LOAD  goodput 38,100 (91% of the most: degrades, no collapse)
RECOVERY  none: metastable, still failing 1m0s after load returned to 33,500, below the limit
! After 62,850 req/s the target did not come to rest: what was measured next may be too low
  offered  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
   20,950   20,950    0.84     2.1     3.9      0%    6/6  pass
   33,000   33,000     1.2     6.0    14.2      0%    6/6  pass
   41,900   41,870     9.2     310     480   0.06%  10/10  pass  <- limit
   42,700   41,900     190     610   1,200    0.1%  10/10  fail
   46,090   41,300     420     980   1,900    1.9%    1/1  fail
   62,850   38,100   1,100   2,400   4,000     21%    1/1  fail
  goodput
   41,900 │                               ▁▂▃▄▄▅▆▇█████▇▇▇▇▇▇▇▆▆▆▆▆▆▅▅▅
          │                     ▁▂▃▄▄▅▆▇███████████████████████████████
          │           ▁▂▃▄▄▅▆▇█████████████████████████████████████████
          │ ▁▂▃▄▄▅▆▇███████████████████████████████████████████████████
        0 └────────────────────────────────────────┴───────────────────
                                                41,900           62,850 req/s offered
");
}

#[test]
fn a_target_may_collapse_under_more_than_it_bears() {
    let mut answer = found();
    answer.overload = Some(overload(9_600.0, Behaviour::Collapsing));
    answer.loads[5] = load(62_850.0, 9_600.0, latency(4_000.0, 9_000.0, 10_000.0), 0.84, (0, 1, 1));
    answer.knee.break_of_goodput = Some(41_500.0);
    check(&answer, Some(&application()), &Context { blocks: false, ..context() }, "\
LIMIT  41,900 req/s  (95% CI 41,200-42,500; passes at 41,900, fails at 42,700)   goal: http_req_duration: p(95)<500
BROKE FIRST  the application: requests queue up in it   (confidence high: 6 of 6 checks, probe: 30% more CPU a request 41,800 = as usual 41,900)
  generator   31% busy, start lag p99 38.9us, 3.2x headroom
  network     0.02% retransmits, round trip 200us (best 180us), 14.00% of 10 Gbit/s
  application first byte after 3ms -> 487ms (p99 487ms), 400 of 170800 answered 503
CONFIRMED  30s at 41,900   UNLOADED  p50 410us, p99 920us
KNEE  33,000 req/s (p95 6ms; goodput bends at 41,500)   ERRORS START  46,090   AT 1.5x LOAD  goodput 9,600 (23% of the most: collapses)
RECOVERY  2.4s after load returned to 33,500
  offered  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
   20,950   20,950    0.84     2.1     3.9      0%    6/6  pass
   33,000   33,000     1.2     6.0    14.2      0%    6/6  pass
   41,900   41,870     9.2     310     480   0.06%  10/10  pass  <- limit
   42,700   41,900     190     610   1,200    0.1%  10/10  fail
   46,090   41,300     420     980   1,900    1.9%    1/1  fail
   62,850    9,600   4,000   9,000  10,000     84%    1/1  fail
  goodput
   41,900 |                                ...:::#######:..
          |                      ...:::######################::.
          |            ...:::#####################################::..
          |  ...:::####################################################
        0 +----------------------------------------^-------------------
                                                41,900           62,850 req/s offered
");
}

#[test]
fn default_goals_are_named_and_told_apart() {
    let mut answer = found();
    answer.goals = Goals::defaults();
    answer.goals.goals[1].deadline = crate::search::goal::Deadline::Within(Duration::from_millis(100));
    let wide = Limit { lower: 42_700.0, upper: 46_090.0, ..LIMIT };
    answer.findings.insert(0, GoalFinding { finding: Finding::Found(wide), resolvable_floor: None });
    answer.limiting_goal = Some(1);
    answer.remarks = vec![Remark::DefaultGoals];
    check(&answer, Some(&application()), &context(), "\
LIMIT  41,900 req/s  (95% CI 41,200-42,500; passes at 41,900, fails at 42,700)   goal: p(99)<=max(10 x unloaded p99, 100ms) = 100ms
GOALS
  errors<=0.1%                                  passes at 42,700, fails at 46,090
  p(99)<=max(10 x unloaded p99, 100ms) = 100ms  passes at 41,900, fails at 42,700  <- sets the limit
BROKE FIRST  the application: requests queue up in it   (confidence high: 6 of 6 checks, probe: 30% more CPU a request 41,800 = as usual 41,900)
  generator   31% busy, start lag p99 38.9µs, 3.2x headroom
  network     0.02% retransmits, round trip 200µs (best 180µs), 14.00% of 10 Gbit/s
  application first byte after 3ms -> 487ms (p99 487ms), 400 of 170800 answered 503
CONFIRMED  30s at 41,900   UNLOADED  p50 410µs, p99 920µs
KNEE  33,000 req/s (p95 6ms)   ERRORS START  46,090   AT 1.5x LOAD  goodput 38,100 (91% of the most: degrades, no collapse)
RECOVERY  2.4s after load returned to 33,500
! There are no thresholds and no --goal, so the default goals are in force: at most 0.1% errors, and a p(99) within ten times the unloaded one or 100ms
  offered  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
   20,950   20,950    0.84     2.1     3.9      0%    6/6  pass
   33,000   33,000     1.2     6.0    14.2      0%    6/6  pass
   41,900   41,870     9.2     310     480   0.06%  10/10  pass  <- limit
   42,700   41,900     190     610   1,200    0.1%  10/10  fail
   46,090   41,300     420     980   1,900    1.9%    1/1  fail
   62,850   38,100   1,100   2,400   4,000     21%    1/1  fail
  goodput
   41,900 │                               ▁▂▃▄▄▅▆▇█████▇▇▇▇▇▇▇▆▆▆▆▆▆▅▅▅
          │                     ▁▂▃▄▄▅▆▇███████████████████████████████
          │           ▁▂▃▄▄▅▆▇█████████████████████████████████████████
          │ ▁▂▃▄▄▅▆▇███████████████████████████████████████████████████
        0 └────────────────────────────────────────┴───────────────────
                                                41,900           62,850 req/s offered
");
}

#[test]
fn a_script_of_several_requests_is_told_in_iterations_with_requests_beside() {
    let mut answer = found();
    answer.requests_per_iteration = 3.0;
    answer.goals = goals(&[("http_req_duration", "p(95)<500"), ("checks", "rate>0.99")]);
    answer.limiting_goal = None;
    check(
        &answer,
        Some(&application()),
        &Context { notes: vec!["Starts came at random (--arrivals poisson)".into()], ..context() },
        "\
LIMIT  41,900 iterations/s = 125,700 req/s  (95% CI 41,200-42,500; passes at 41,900, fails at 42,700)   side condition: checks: rate>0.99
GOALS
  http_req_duration: p(95)<500  passes at 41,900, fails at 42,700
  checks: rate>0.99             side condition: held or not, trial by trial  <- sets the limit
BROKE FIRST  the application: requests queue up in it   (confidence high: 6 of 6 checks, probe: 30% more CPU a request 41,800 = as usual 41,900)
  generator   31% busy, start lag p99 38.9µs, 3.2x headroom
  network     0.02% retransmits, round trip 200µs (best 180µs), 14.00% of 10 Gbit/s
  application first byte after 3ms -> 487ms (p99 487ms), 400 of 170800 answered 503
CONFIRMED  30s at 41,900   UNLOADED  p50 410µs, p99 920µs
KNEE  33,000 iterations/s (p95 6ms)   ERRORS START  46,090   AT 1.5x LOAD  goodput 38,100 (91% of the most: degrades, no collapse)
RECOVERY  2.4s after load returned to 33,500
! Starts came at random (--arrivals poisson)
  offered    req/s  goodput  p50 ms  p95 ms  p99 ms  failed  valid  verdict
   20,950   62,850   20,950    0.84     2.1     3.9      0%    6/6  pass
   33,000   99,000   33,000     1.2     6.0    14.2      0%    6/6  pass
   41,900  125,700   41,870     9.2     310     480   0.06%  10/10  pass  <- limit
   42,700  128,100   41,900     190     610   1,200    0.1%  10/10  fail
   46,090  138,270   41,300     420     980   1,900    1.9%    1/1  fail
   62,850  188,550   38,100   1,100   2,400   4,000     21%    1/1  fail
  goodput
   41,900 │                               ▁▂▃▄▄▅▆▇█████▇▇▇▇▇▇▇▆▆▆▆▆▆▅▅▅
          │                     ▁▂▃▄▄▅▆▇███████████████████████████████
          │           ▁▂▃▄▄▅▆▇█████████████████████████████████████████
          │ ▁▂▃▄▄▅▆▇███████████████████████████████████████████████████
        0 └────────────────────────────────────────┴───────────────────
                                                41,900           62,850 iterations/s offered
",
    );
}

#[test]
fn a_probe_that_shows_the_generator_takes_the_blame_from_the_application() {
    let mut answer = found();
    answer.probe =
        answer.probe.map(|probe| Probe { goodput: (41_900.0, 33_000.0), generator_matters: true, ..probe });
    let context = within(Settings { probe: Some(Handicap { burn_share: 0.3 }), ..context().settings });
    let text = render_report(&answer, Some(&application()), &context, false);
    let want = "BROKE FIRST  not clear: the generator is a part of the limit, as the probe shows   \
                (confidence high: 6 of 6 checks, probe: 30% more CPU a request 33,000 < as usual 41,900)\n";
    assert!(text.contains(want), "{text}");
}

#[test]
fn what_helps_the_generator_most_is_what_it_ran_out_of() {
    let tries = |who, because: &[Signal], workers| {
        let diagnosis = diagnosis(who, because.to_vec(), None, application().evidence);
        let context = Context { workers, ..context() };
        let text = render_report(&not_reached(Ceiling::Generator), Some(&diagnosis), &context, false);
        let line = text.lines().find_map(|line| line.strip_prefix("TRY  "));
        line.map(str::to_owned)
    };
    let table = [
        (Who::ClientCpu, vec![Signal::Busy { share: 0.97 }], 1, "--workers 2"),
        (
            Who::ClientCpu,
            vec![Signal::Busy { share: 0.97 }],
            2,
            "the generator on a larger machine, or on several",
        ),
        (
            Who::ClientVus,
            vec![Signal::VusNeeded { vus: 12_000 }],
            2,
            "a higher --vus-limit: about 12000 VUs are needed",
        ),
        (Who::ClientFiles, vec![], 2, "a higher limit of open files (`ulimit -n`)"),
        (Who::Nobody, vec![], 2, "the generator on a larger machine, or on several"),
    ];
    for (who, because, workers, want) in table {
        assert_eq!(tries(who, &because, workers).as_deref(), Some(want), "{who:?}");
    }
}

#[test]
fn colours_change_no_text() {
    let plain = render_report(&found(), Some(&application()), &context(), false);
    let painted = render_report(&found(), Some(&application()), &context(), true);
    assert!(painted.contains("\x1b[1mLIMIT\x1b[0m"), "{painted}");
    let mut text = String::new();
    for (place, part) in painted.split('\x1b').enumerate() {
        text += if place == 0 { part } else { part.split_once('m').unwrap().1 };
    }
    assert_eq!(text, plain);
}
