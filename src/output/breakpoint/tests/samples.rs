//! Answers as searches give them: one that found a limit, which each test changes.

use super::super::Context;
use crate::diagnosis::{Checks, Diagnosis, Evidence, Network, Rtt, Signal, Verdict, Who};
use crate::diagnosis::{Generator, Load as Asked};
use crate::metrics::{Ending, Ladder, Tally};
use crate::options::ThresholdSpec;
use crate::search::answer::{
    Answer, Baseline, Behaviour, Confirmed, ErrorOnset, Finding, GoalFinding, Knee, Limit, Load, LoadVerdict,
    Overload, OverloadStep, Probe, Recovery, Standing, Trial,
};
use crate::search::{Goals, Handicap, Outcome, Percentiles, Purpose, Settings, Validity};
use crate::time::Instant;
use std::time::Duration;

pub(super) const LIMIT: Limit = Limit {
    rate: 41_900.0,
    interval: (41_200.0, 42_500.0),
    lower: 41_900.0,
    upper: 42_700.0,
    resolved: true,
};

pub(super) fn context() -> Context {
    Context {
        version: "0.1.0".into(),
        args: vec!["breakpoint".into(), "http://shop.test/".into()],
        target: "http://shop.test/".into(),
        begun_at: "2026-01-02T03:04:05Z".into(),
        settings: Settings { probe: Some(Handicap { burn_share: 0.3 }), ..Settings::default() },
        interrupted: false,
        transport: "io_uring".into(),
        workers: 2,
        cpus: 2,
        cpu: "a processor".into(),
        kernel: "6.8.0".into(),
        notes: Vec::new(),
        blocks: true,
    }
}

/// A goal of latency that sets the limit.
pub(super) fn found() -> Answer {
    let mut answer = Answer {
        provisional: false,
        goals: goals(&[("http_req_duration", "p(95)<500")]),
        findings: vec![],
        limit: Finding::Found(LIMIT),
        limiting_goal: Some(0),
        error_onset: ErrorOnset::Between { clean: 42_700.0, failing: 46_090.0 },
        baseline: Some(Baseline {
            latency: latency(0.41, 0.55, 0.92),
            rate: 2_400.0,
            requests_per_iteration: 1.0,
            iteration: Duration::from_micros(416),
        }),
        knee: Knee { power: Some(33_000.0), break_of_goodput: None },
        capacity: Some(41_900.0),
        confirmed: Confirmed::Yes { rate: 41_900.0, after_failures: 0 },
        probe: Some(Probe {
            rate: 42_700.0,
            goodput: (41_900.0, 41_800.0),
            p99: (Duration::from_millis(1_200), Duration::from_millis(1_230)),
            generator_matters: false,
        }),
        overload: Some(overload(38_100.0, Behaviour::Degrading)),
        recovery: Some(Recovery::After { rate: 33_500.0, time: Duration::from_millis(2_400) }),
        loads: vec![
            load(20_950.0, 20_950.0, latency(0.84, 2.1, 3.9), 0.0, (6, 6, 6)),
            load(33_000.0, 33_000.0, latency(1.2, 6.0, 14.2), 0.0, (6, 6, 6)),
            load(41_900.0, 41_870.0, latency(9.2, 310.0, 480.0), 0.0006, (9, 10, 10)),
            load(42_700.0, 41_900.0, latency(190.0, 610.0, 1_200.0), 0.001, (1, 10, 10)),
            load(46_090.0, 41_300.0, latency(420.0, 980.0, 1_900.0), 0.019, (0, 1, 1)),
            load(62_850.0, 38_100.0, latency(1_100.0, 2_400.0, 4_000.0), 0.21, (0, 1, 1)),
        ],
        trials: vec![
            trial(Purpose::WarmUp, 3.0, 2_300.0),
            trial(Purpose::Range, 12.0, 20_950.0),
            trial(Purpose::Bracket, 22.5, 41_900.0),
            failed(trial(Purpose::Bracket, 32.5, 42_700.0), 0.19),
            confirm(81.0, 41_900.0),
            failed(trial(Purpose::Overload { factor: 1.5 }, 93.0, 62_850.0), 0.39),
        ],
        remarks: vec![],
        usl_points: None,
        requests_per_iteration: 1.0,
        took: Duration::from_millis(192_400),
    };
    set_limit(&mut answer, Finding::Found(LIMIT));
    answer
}

/// As above; the generator ran out before anything failed.
pub(super) fn not_reached(why: crate::search::answer::Ceiling) -> Answer {
    let mut answer = Answer {
        error_onset: ErrorOnset::NoneUpTo(61_000.0),
        confirmed: Confirmed::No,
        probe: None,
        overload: None,
        recovery: None,
        loads: found().loads[..2].to_vec(),
        trials: vec![trial(Purpose::Range, 12.0, 33_000.0)],
        ..found()
    };
    answer.loads.push(load(61_000.0, 61_000.0, latency(2.2, 7.0, 19.0), 0.0, (4, 4, 4)));
    set_limit(&mut answer, Finding::NotReached { at_least: 61_000.0, why });
    answer.limiting_goal = None;
    answer
}

pub(super) fn set_limit(answer: &mut Answer, limit: Finding) {
    answer.findings = vec![GoalFinding { finding: limit.clone(), resolvable_floor: Some(0.000_04) }];
    answer.limit = limit;
}

pub(super) fn goals(thresholds: &[(&str, &str)]) -> Goals {
    let spec =
        |source: &str| ThresholdSpec { source: source.into(), abort_on_fail: false, delay_abort_eval: None };
    let thresholds: Vec<_> =
        thresholds.iter().map(|(metric, source)| ((*metric).to_owned(), vec![spec(source)])).collect();
    Goals::from_thresholds(&thresholds).unwrap()
}

pub(super) fn overload(goodput: f64, behaviour: Behaviour) -> Overload {
    let step = |factor, goodput| OverloadStep { factor, rate: 41_900.0 * factor, goodput, valid: true };
    Overload {
        steps: vec![step(1.1, 41_300.0), step(1.5, goodput)],
        kept_at_1_5: Some(goodput / 41_900.0),
        behaviour: Some(behaviour),
    }
}

pub(super) fn latency(p50_ms: f64, p95_ms: f64, p99_ms: f64) -> Percentiles {
    let [p50, p95, p99] = [p50_ms, p95_ms, p99_ms].map(|ms| Duration::from_secs_f64(ms / 1e3));
    Percentiles { p50, p95, p99 }
}

/// `counts`: passed, valid, all.
pub(super) fn load(
    offered: f64,
    goodput: f64,
    latency: Percentiles,
    failed_ratio: f64,
    (passed, valid, all): (u32, u32, u32),
) -> Load {
    let verdict = match (valid, 2 * passed) {
        (0, _) => LoadVerdict::Invalid,
        (valid, twice) if twice > valid => LoadVerdict::Pass,
        (valid, twice) if twice < valid => LoadVerdict::Fail,
        _ => LoadVerdict::Undecided,
    };
    Load { offered, goodput, latency, failed_ratio, passed, valid, all, verdict }
}

pub(super) fn trial(purpose: Purpose, ended_s: f64, offered: f64) -> Trial {
    let is_aside = matches!(purpose, Purpose::WarmUp | Purpose::Baseline | Purpose::Burst);
    let requests = (offered * 4.0) as u64;
    Trial {
        purpose,
        ended: Instant((ended_s * 1e9) as u64),
        offered,
        goodput: offered,
        loss: vec![0.0],
        standing: if is_aside { Standing::Aside } else { Standing::Counts },
        passed: true,
        outcome: Outcome {
            rate: offered,
            measured: Duration::from_secs(4),
            scheduled: requests,
            started: requests,
            requests,
            latency: latency(9.2, 310.0, 480.0),
            ..Outcome::empty(1, 0)
        },
    }
}

pub(super) fn confirm(ended_s: f64, offered: f64) -> Trial {
    let trial = trial(Purpose::Confirm, ended_s, offered);
    Trial { outcome: Outcome { measured: Duration::from_secs(30), ..trial.outcome }, ..trial }
}

pub(super) fn failed(trial: Trial, loss: f64) -> Trial {
    let failed = (trial.outcome.requests as f64 * loss / 10.0) as u64;
    Trial {
        passed: false,
        loss: vec![loss],
        goodput: trial.offered * (1.0 - loss),
        outcome: Outcome { failed, ..trial.outcome },
        ..trial
    }
}

pub(super) fn invalid(trial: Trial, reason: &str) -> Trial {
    let validity = Validity::Invalid(vec![reason.to_owned()]);
    Trial { standing: Standing::Invalid, outcome: Outcome { validity, ..trial.outcome }, ..trial }
}

/// Requests queue up in the application.
pub(super) fn application() -> Diagnosis {
    let mut evidence = Evidence {
        span_ns: 4_000_000_000,
        load: Asked { is_open: true, quiet_wait_ns: Some(3_000_000), ..Asked::default() },
        generator: Generator { busy_max: 0.31, ..Generator::default() },
        network: Network {
            segments_out: Some(1_000_000),
            retransmitted: Some(200),
            rtt: Some(Rtt { samples: 100, min_ns: 180_000, p50_ns: 200_000 }),
            link_used_bps: Some(1.4e9),
            link_bps: Some(1e10),
            ..Network::default()
        },
        ..Evidence::default()
    };
    evidence.tally.started = 170_800;
    evidence.tally.lags = Ladder::of([40_000; 8]);
    evidence.tally.waits = Ladder::of([480_000_000; 8]);
    evidence.tally.add(Ending::Expected, 170_400);
    evidence.tally.add(Ending::Unavailable, 400);
    let because = vec![Signal::WaitGrew { quiet_ns: 3_000_000, p50_ns: 480_000_000 }];
    diagnosis(Who::ApplicationQueue, because, Some(3.2), evidence)
}

/// Its workers had no time left.
pub(super) fn generator() -> Diagnosis {
    let evidence = Evidence {
        generator: Generator { busy_max: 0.97, ..Generator::default() },
        ..application().evidence
    };
    diagnosis(Who::ClientCpu, vec![Signal::Busy { share: 0.97 }], None, evidence)
}

/// All went well.
pub(super) fn nobody() -> Diagnosis {
    let mut evidence = Evidence { tally: Tally::default(), ..application().evidence };
    evidence.tally.started = 244_000;
    evidence.tally.add(Ending::Expected, 244_000);
    evidence.tally.waits = Ladder::of([2_200_000; 8]);
    diagnosis(Who::Nobody, Vec::new(), Some(3.2), evidence)
}

pub(super) fn diagnosis(
    who: Who,
    because: Vec<Signal>,
    headroom: Option<f64>,
    evidence: Evidence,
) -> Diagnosis {
    let checks = Checks { agree: 6, known: 6, unknown: 0 };
    Diagnosis { verdict: Verdict { who, because, checks, headroom }, evidence, within: None }
}
