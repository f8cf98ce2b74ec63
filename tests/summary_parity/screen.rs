//! Header and progress: whole outputs of k6, rebuilt from what a run would know.

use crate::{reader, recording, summary_text};
use ringload::options::{Executor, Scenario, Stage, SummaryMode};
use ringload::output::header::{Header, render_header};
use ringload::output::progress::{
    Counts, Live, Overall, ProgressState, ScenarioProgress, Status, render_block, render_terminal_block,
};
use ringload::output::style::erase_line_ends;
use ringload::output::text::render_summary;
use std::collections::BTreeMap;
use std::time::Duration;

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn scenario(name: &str, exec: Option<&str>, executor: Executor) -> Scenario {
    Scenario {
        name: name.to_owned(),
        executor,
        start_time: Duration::ZERO,
        graceful_stop: s(30.0),
        exec: exec.map(str::to_owned),
        env: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

fn stages(legs: &[(f64, u64)]) -> Vec<Stage> {
    legs.iter().map(|&(seconds, target)| Stage { duration: s(seconds), target }).collect()
}

/// A run as its header describes it.
struct Run {
    name: &'static str,
    script: &'static str,
    scenarios: Vec<Scenario>,
    segment_share: f64,
    max_vus: u64,
    max_duration_s: f64,
}

impl Run {
    fn header(&self, colors: bool) -> String {
        let header = Header {
            script: self.script,
            outputs: &[],
            facts: &[],
            scenarios: &self.scenarios,
            segment_share: self.segment_share,
            rate_shares: &vec![self.segment_share; self.scenarios.len()],
            max_vus: self.max_vus,
            max_duration: s(self.max_duration_s),
        };
        render_header(&header, colors)
    }

    /// The state at `elapsed_s`: active and initialized VUs, complete iterations, scenarios.
    fn state(
        &self,
        elapsed_s: f64,
        vus: (u64, u64),
        iterations_complete: u64,
        scenarios: &[(Status, Live)],
    ) -> ProgressState<'_> {
        assert_eq!(scenarios.len(), self.scenarios.len());
        let with_status = |(scenario, (status, live)): (_, &(Status, Live))| ScenarioProgress {
            scenario,
            segment_share: self.segment_share,
            status: *status,
            live: *live,
        };
        ProgressState {
            overall: Overall::Running(Counts {
                elapsed: Some(s(elapsed_s)),
                max_duration: s(self.max_duration_s),
                vus_active: vus.0,
                vus_initialized: vus.1,
                vus_max: self.max_vus,
                iterations_complete,
                ..Counts::default()
            }),
            scenarios: self.scenarios.iter().zip(scenarios).map(with_status).collect(),
        }
    }

    /// Everything that k6 printed, with `states.last()` after the summary.
    #[track_caller]
    fn check(&self, states: &[ProgressState]) {
        let want = recording(self.name, "stdout.txt");
        let (last, running) = states.split_last().expect("a last block");
        let summary = reader::read(summary_text(&want, "\nrunning ("));
        let got = self.header(false)
            + &running.iter().map(render_block).collect::<String>()
            + &render_summary(&summary, SummaryMode::Compact, None, false)
            + &render_block(last);
        assert_eq!(got, want, "{}:\n{got}\n--- but k6 printed\n{want}", self.name);
    }
}

fn elapsed(elapsed_s: f64) -> Live {
    Live { elapsed: s(elapsed_s), ..Live::default() }
}

fn looping(elapsed_s: f64, vus_busy: u64) -> Live {
    Live { vus_busy, ..elapsed(elapsed_s) }
}

fn iterations(elapsed_s: f64, iterations_done: u64) -> Live {
    Live { iterations_done, ..elapsed(elapsed_s) }
}

fn arriving(elapsed_s: f64, vus_busy: u64, vus_allocated: u64, rate: f64) -> Live {
    Live { vus_busy, vus_allocated, rate, ..elapsed(elapsed_s) }
}

use Status::{Done, Interrupted, Running, Stopping, Waiting};

#[test]
fn a_run_of_single_iterations_prints_what_k6_prints() {
    let per_vu = Executor::PerVuIterations { vus: 1, iterations: 1, max_duration: s(600.0) };
    let run = Run {
        name: "sum_minimal",
        script: "scripts/minimal.js",
        scenarios: vec![scenario("default", None, per_vu)],
        segment_share: 1.0,
        max_vus: 1,
        max_duration_s: 630.0,
    };
    run.check(&[run.state(0.002, (0, 1), 1, &[(Done, iterations(0.002, 1))])]);

    let shared = Executor::SharedIterations { vus: 2, iterations: 4, max_duration: s(600.0) };
    let run = Run {
        name: "refused",
        script: "scripts/refused.js",
        scenarios: vec![scenario("default", None, shared)],
        max_vus: 2,
        ..run
    };
    run.check(&[run.state(0.002, (0, 2), 4, &[(Done, iterations(0.002, 4))])]);
}

#[test]
fn a_run_of_looping_vus_prints_what_k6_prints() {
    let mut run = Run {
        name: "rps",
        script: "scripts/minimal.js",
        scenarios: vec![scenario("default", None, Executor::ConstantVus { vus: 3, duration: s(2.0) })],
        segment_share: 1.0,
        max_vus: 3,
        max_duration_s: 32.0,
    };
    run.check(&[
        run.state(1.001, (3, 3), 10, &[(Running, elapsed(1.001))]),
        run.state(1.999, (3, 3), 20, &[(Running, elapsed(1.999))]),
        run.state(2.2, (0, 3), 23, &[(Done, elapsed(2.2))]),
    ]);

    run.name = "segment";
    run.scenarios = vec![scenario("default", None, Executor::ConstantVus { vus: 2, duration: s(1.0) })];
    run.segment_share = 0.5;
    run.max_vus = 2;
    run.max_duration_s = 31.0;
    run.check(&[
        run.state(0.9995, (2, 2), 29_993, &[(Running, elapsed(0.9995))]),
        run.state(1.0008, (0, 2), 30_000, &[(Done, elapsed(1.0008))]),
    ]);
}

#[test]
fn a_ramp_of_vus_prints_what_k6_prints() {
    let executor = Executor::RampingVus {
        start_vus: 1,
        stages: stages(&[(1.0, 3), (1.0, 0)]),
        graceful_ramp_down: s(30.0),
    };
    let run = Run {
        name: "ramp_flags",
        script: "scripts/minimal.js",
        scenarios: vec![scenario("default", None, executor)],
        segment_share: 1.0,
        max_vus: 3,
        max_duration_s: 32.0,
    };
    run.check(&[
        run.state(1.0, (2, 3), 18_706, &[(Running, looping(0.9996, 2))]),
        run.state(2.0, (1, 3), 43_061, &[(Running, looping(1.9996, 1))]),
        run.state(2.0, (0, 3), 43_075, &[(Done, looping(2.0001, 0))]),
    ]);
}

fn open_run(name: &'static str) -> Run {
    let executor = Executor::ConstantArrivalRate {
        rate: 100,
        time_unit: s(1.0),
        duration: s(4.0),
        pre_allocated_vus: 5,
        max_vus: 10,
    };
    Run {
        name,
        script: "scripts/car.js",
        scenarios: vec![scenario("open", None, executor)],
        segment_share: 1.0,
        max_vus: 10,
        max_duration_s: 34.0,
    }
}

#[test]
fn a_run_of_constant_arrivals_prints_what_k6_prints() {
    let run = open_run("car");
    let at = |elapsed_s, busy, complete| {
        let live = arriving(elapsed_s, busy, 10, 100.0);
        run.state(elapsed_s, (busy, 10), complete, &[(Running, live)])
    };
    run.check(&[
        at(1.0, 10, 26),
        at(2.0, 9, 60),
        at(3.0, 10, 90),
        at(3.9996, 10, 120),
        run.state(4.15, (0, 10), 130, &[(Done, arriving(4.15, 0, 10, 100.0))]),
    ]);
}

fn mixed_run(name: &'static str) -> Run {
    let arrivals = Executor::RampingArrivalRate {
        start_rate: 5,
        time_unit: s(1.0),
        stages: stages(&[(3.0, 20)]),
        pre_allocated_vus: 3,
        max_vus: 3,
    };
    let ramp = Executor::RampingVus {
        start_vus: 1,
        stages: stages(&[(2.0, 4), (1.0, 0)]),
        graceful_ramp_down: s(1.0),
    };
    let shared = Executor::SharedIterations { vus: 2, iterations: 6, max_duration: s(600.0) };
    let per_vu = Executor::PerVuIterations { vus: 2, iterations: 3, max_duration: s(600.0) };
    let mut scenarios = vec![
        scenario("browse", Some("browse"), Executor::ConstantVus { vus: 3, duration: s(3.0) }),
        scenario("ramp_rate", Some("per"), arrivals),
        scenario("ramp_vus", Some("browse"), ramp),
        scenario("shared", Some("per"), shared),
        scenario("per_vu", Some("per"), per_vu),
    ];
    scenarios[1].graceful_stop = s(1.0);
    scenarios[4].start_time = s(1.0);
    Run {
        name,
        script: "scripts/multi.js",
        scenarios,
        segment_share: 1.0,
        max_vus: 14,
        max_duration_s: 631.0,
    }
}

#[test]
fn a_run_of_five_scenarios_prints_what_k6_prints() {
    let run = mixed_run("multi_compact");
    let shared = (Done, iterations(0.004, 6));
    let per_vu = (Done, iterations(0.004, 6));
    run.check(&[
        run.state(
            1.0,
            (5, 14),
            30,
            &[
                (Running, elapsed(1.0)),
                (Running, arriving(0.99, 0, 3, 10.0)),
                (Running, looping(1.0, 2)),
                shared,
                (Waiting { left: s(0.001) }, Live::default()),
            ],
        ),
        run.state(
            2.0,
            (6, 14),
            76,
            &[
                (Running, elapsed(2.0)),
                (Running, arriving(1.99, 0, 3, 14.83)),
                (Running, looping(1.98, 3)),
                shared,
                per_vu,
            ],
        ),
        run.state(
            3.0,
            (4, 14),
            124,
            &[
                (Running, elapsed(2.999)),
                (Interrupted, arriving(2.96, 0, 3, 19.75)),
                (Running, looping(2.999, 1)),
                shared,
                per_vu,
            ],
        ),
        run.state(
            3.02,
            (0, 14),
            128,
            &[
                (Done, elapsed(3.02)),
                (Interrupted, arriving(2.96, 0, 3, 19.75)),
                (Done, looping(3.02, 0)),
                shared,
                per_vu,
            ],
        ),
    ]);
}

#[track_caller]
fn check_terminal(run: &Run, state: &ProgressState, last: bool) {
    let output = recording(run.name, "terminal.txt");
    let got = render_terminal_block(state, 120, true, last);
    assert!(output.contains(&got), "{}: k6 never printed\n{got:?}", run.name);
    assert_eq!(output.ends_with(&got), last, "{}: last block", run.name);
}

#[test]
fn a_terminal_gets_bars_and_colours() {
    let run = open_run("car_tty");
    assert!(recording(run.name, "terminal.txt").starts_with(&erase_line_ends(&run.header(true))));
    let first = run.state(0.1, (7, 8), 0, &[(Running, arriving(0.1, 7, 8, 100.0))]);
    check_terminal(&run, &first, false);
    let middle = run.state(0.2, (10, 10), 0, &[(Running, arriving(0.2, 10, 10, 100.0))]);
    check_terminal(&run, &middle, false);
    let stopping = run.state(4.1, (3, 10), 127, &[(Stopping, arriving(4.1, 10, 10, 100.0))]);
    check_terminal(&run, &stopping, false);
    let last = run.state(4.2, (0, 10), 130, &[(Done, arriving(4.2, 0, 10, 100.0))]);
    check_terminal(&run, &last, true);
}

#[test]
fn a_terminal_gets_five_scenarios_in_a_block() {
    let run = mixed_run("multi_tty");
    assert!(recording(run.name, "terminal.txt").starts_with(&erase_line_ends(&run.header(true))));
    let shared = (Done, iterations(0.004, 6));
    let waiting = run.state(
        0.1,
        (4, 14),
        6,
        &[
            (Running, elapsed(0.1)),
            (Running, arriving(0.1, 0, 3, 5.46)),
            (Running, looping(0.1, 1)),
            shared,
            (Waiting { left: s(0.9) }, Live::default()),
        ],
    );
    check_terminal(&run, &waiting, false);
    let last = run.state(
        3.02,
        (0, 14),
        128,
        &[
            (Done, elapsed(3.02)),
            (Interrupted, arriving(2.96, 0, 3, 19.75)),
            (Done, looping(3.02, 0)),
            shared,
            shared,
        ],
    );
    check_terminal(&run, &last, true);
}
