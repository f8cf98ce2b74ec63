//! Progress blocks, on a terminal and elsewhere, as k6 prints them.

use super::*;
use crate::options::{Executor, Stage};
use std::collections::BTreeMap;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn scenario(name: &str, executor: Executor) -> Scenario {
    Scenario {
        name: name.to_owned(),
        executor,
        start_time: ms(90_000),
        graceful_stop: ms(30_000),
        exec: None,
        env: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

fn looping(name: &str) -> Scenario {
    scenario(name, Executor::ConstantVus { vus: 2, duration: ms(1_000) })
}

fn arriving(name: &str) -> Scenario {
    let executor = Executor::ConstantArrivalRate {
        rate: 10,
        time_unit: ms(1_000),
        duration: ms(1_000),
        pre_allocated_vus: 1,
        max_vus: 1,
    };
    scenario(name, executor)
}

fn at<'a>(scenario: &'a Scenario, status: Status, live: Live) -> ScenarioProgress<'a> {
    ScenarioProgress { scenario, segment_share: 1.0, status, live }
}

fn elapsed(elapsed_ms: u64) -> Live {
    Live { elapsed: ms(elapsed_ms), ..Live::default() }
}

const STARTED: Overall = Overall::Running(Counts {
    paused: false,
    elapsed: None,
    max_duration: Duration::from_secs(31),
    vus_active: 1,
    vus_initialized: 2,
    vus_max: 100,
    iterations_complete: 3,
    iterations_interrupted: 4,
});

#[track_caller]
fn check(overall: Overall, scenarios: Vec<ScenarioProgress>, want: &str) {
    assert_eq!(render_block(&ProgressState { overall, scenarios }), want);
}

#[test]
fn before_the_start_there_is_a_bar_for_the_preparation() {
    let one = looping("default");
    let preparing = |label, share, text| Overall::Preparing { label, share, text };
    check(
        preparing("Init", 0.7, "07/10 VUs initialized"),
        vec![at(&one, Status::Pending, Live::default())],
        "\nInit      [  70% ] 07/10 VUs initialized\ndefault   [   0% ]\n",
    );
    check(
        preparing("Run", 1.0, "setup()"),
        vec![at(&one, Status::Pending, Live::default())],
        "\nRun       [ 100% ] setup()\ndefault   [   0% ]\n",
    );
}

#[test]
fn a_paused_test_says_so_and_has_no_time_before_its_start() {
    check(STARTED, vec![], "\nrunning, 001/002 VUs, 3 complete and 4 interrupted iterations\n");
    let paused =
        Counts { paused: true, elapsed: Some(ms(1_000)), max_duration: ms(31_000), ..Counts::default() };
    check(
        Overall::Running(paused),
        vec![],
        "\npaused (01.0s), 0/0 VUs, 0 complete and 0 interrupted iterations\n",
    );
}

#[test]
fn columns_are_padded_by_those_that_have_a_column_after_them() {
    let (aa, bbb) = (looping("aa"), arriving("bbb"));
    check(
        STARTED,
        vec![
            at(&aa, Status::Done, elapsed(1_100)),
            at(&bbb, Status::Stopping, Live { vus_busy: 1, vus_allocated: 1, rate: 10.0, ..elapsed(1_100) }),
        ],
        "\nrunning, 001/002 VUs, 3 complete and 4 interrupted iterations
aa   ✓ [ 100% ] 2 VUs    1s 
bbb  ↓ [ 100% ] 1/1 VUs  1s  10.00 iters/s
",
    );
}

#[test]
fn a_waiting_scenario_counts_down_against_its_start_time() {
    let one = looping("late");
    check(
        STARTED,
        vec![at(&one, Status::Waiting { left: ms(59_400) }, Live::default())],
        "\nrunning, 001/002 VUs, 3 complete and 4 interrupted iterations
late • [   0% ] waiting  0m59.4s
",
    );
}

#[test]
fn a_long_name_is_cut_to_thirty_columns() {
    let one = looping("a23456789_b23456789_c23456789_d");
    check(
        STARTED,
        vec![at(&one, Status::Interrupted, elapsed(500))],
        "\nrunning, 001/002 VUs, 3 complete and 4 interrupted iterations
a23456789_b23456789_c234567... ✗ [  50% ] 2 VUs  0.5s/1s
",
    );
}

#[test]
fn iterations_and_vus_are_zero_padded_to_their_totals() {
    let shared = scenario(
        "shared",
        Executor::SharedIterations { vus: 5, iterations: 200, max_duration: ms(3_600_000) },
    );
    let per_vu =
        scenario("per_vu", Executor::PerVuIterations { vus: 5, iterations: 4, max_duration: ms(2_000) });
    let ramp = scenario(
        "ramp",
        Executor::RampingVus {
            start_vus: 0,
            stages: vec![Stage { duration: ms(60_000), target: 12 }],
            graceful_ramp_down: ms(0),
        },
    );
    check(
        STARTED,
        vec![
            at(&shared, Status::Running, Live { iterations_done: 7, ..elapsed(1_000) }),
            at(&per_vu, Status::Running, Live { iterations_done: 7, ..elapsed(2_000) }),
            at(&ramp, Status::Running, Live { vus_busy: 3, ..elapsed(15_000) }),
        ],
        "\nrunning, 001/002 VUs, 3 complete and 4 interrupted iterations
shared   [   4% ] 5 VUs      0h00m01.0s/1h0m0s  007/200 shared iters
per_vu   [  35% ] 5 VUs      2s                 07/20 iters, 4 per VU
ramp     [  25% ] 03/12 VUs  0m15.0s/1m00.0s   
",
    );
}

#[track_caller]
fn check_terminal(columns: usize, want: &str) {
    let one = looping("name");
    let state = ProgressState { overall: STARTED, scenarios: vec![at(&one, Status::Running, elapsed(500))] };
    assert_eq!(render_terminal_block(&state, columns, false, false), want);
}

#[test]
fn a_bar_shrinks_with_the_terminal_and_ends_as_a_percentage() {
    let first = "\x1b[K\nrunning, 001/002 VUs, 3 complete and 4 interrupted iterations\x1b[K\n";
    let block = |bar: &str, rows| format!("{first}name   {bar} 2 VUs  0.5s/1s\x1b[K\n\r\x1b[J\x1b[{rows}A");
    check_terminal(120, &block("[==================>-------------------]", 3));
    check_terminal(63, &block("[==================>-------------------]", 3));
    check_terminal(62, &block("[=================>-------------------]", 3));
    check_terminal(32, &block("[==>----]", 4));
    check_terminal(31, &block("[  50% ]", 4));
    check_terminal(20, &block("[  50% ]", 7));
}

#[test]
fn the_last_block_leaves_the_cursor_below_it() {
    let state = ProgressState { overall: STARTED, scenarios: vec![] };
    assert_eq!(
        render_terminal_block(&state, 120, true, true),
        "\x1b[K\nrunning, 001/002 VUs, 3 complete and 4 interrupted iterations\x1b[K\n"
    );
}
