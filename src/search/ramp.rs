//! What one ramp of load says: an estimate, biased upward by the lag of its answers. A search says
//! more; the report of a ramp says so.

use super::curve;
use crate::metrics::Timeline;
use crate::options::{Executor, Scenario};

/// One second of a ramp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RampWindow {
    /// Scheduled a second.
    pub offered: f64,
    /// Good answers a second, to what was scheduled in the window.
    pub goodput: f64,
    /// Requests scheduled in the window, and those of them that failed.
    pub requests: u64,
    pub failed: u64,
    /// Any one percentile or mean, the same in all windows.
    pub latency_s: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RampEstimate {
    /// The load at which failures began.
    pub error_onset: Option<f64>,
    /// Where goodput leaves the line of what is offered.
    pub knee: Option<f64>,
    /// Where goodput / latency is highest.
    pub power: Option<f64>,
    /// The highest goodput of a window.
    pub capacity: f64,
    /// The ramp rose by more than 1 % of its range in two of its latest latencies: the answers
    /// belong to a load that was long passed.
    pub too_fast: bool,
}

/// What a ramp raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    IterationsPerSecond,
    Vus,
}

/// What the ramp of a run showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RampReading {
    pub axis: Axis,
    pub estimate: RampEstimate,
}

impl RampReading {
    /// `None`: there was no ramp, or too little of it.
    pub fn of(scenarios: &[Scenario], timeline: &Timeline) -> Option<RampReading> {
        let axis = axis(scenarios)?;
        Some(RampReading { axis, estimate: read(&windows(timeline, axis))? })
    }
}

/// A failure ratio that is a service's own, and one that is not.
const ACCEPTED: f64 = 1e-3;
const BROKEN: f64 = 0.05;
/// ln(10^4): false alarms are that rare.
const ALARM: f64 = 9.210_340_371_976_184;
/// Fewer are no curve.
const WINDOWS_MIN: usize = 5;
/// Beyond a knee goodput falls short of the line before it by at least this share; the top of a
/// ramp is reached at this share of its highest load.
const SHORTFALL_MIN: f64 = 0.05;
const TOP: f64 = 0.99;
/// A second that covers less is no second.
const SECOND_MIN: f64 = 0.9;

/// What the scenarios raise; `None`: nothing.
pub fn axis(scenarios: &[Scenario]) -> Option<Axis> {
    let rises = |from: u64, targets: &mut dyn Iterator<Item = u64>| {
        let (mut load, mut rises) = (from, false);
        for target in targets {
            rises |= target > load;
            load = target;
        }
        rises
    };
    let of = |scenario: &Scenario| match &scenario.executor {
        Executor::RampingArrivalRate { start_rate, stages, .. } => {
            rises(*start_rate, &mut stages.iter().map(|stage| stage.target))
                .then_some(Axis::IterationsPerSecond)
        }
        Executor::RampingVus { start_vus, stages, .. } => {
            rises(*start_vus, &mut stages.iter().map(|stage| stage.target)).then_some(Axis::Vus)
        }
        _ => None,
    };
    let mut axes = scenarios.iter().filter_map(of);
    let first = axes.next()?;
    // Of both, VUs are no measure of the load.
    Some(if axes.any(|axis| axis != first) { Axis::IterationsPerSecond } else { first })
}

/// The seconds of a run up to the top of its ramp. Loads and goodput are in iterations, of which
/// each makes as many requests as the mean.
fn windows(timeline: &Timeline, axis: Axis) -> Vec<RampWindow> {
    let seconds: Vec<_> = timeline.seconds().filter(|second| second.seconds >= SECOND_MIN).collect();
    let requests: f64 = seconds.iter().map(|s| s.good_per_s * s.seconds + s.failed as f64).sum();
    let iterations: f64 = seconds.iter().map(|s| s.offered_per_s * s.seconds - s.dropped as f64).sum();
    let each = if iterations > 0.0 && requests > 0.0 { requests / iterations } else { 1.0 };
    let windows = seconds.iter().map(|second| {
        let good = second.good_per_s * second.seconds;
        RampWindow {
            offered: match axis {
                Axis::IterationsPerSecond => second.offered_per_s,
                Axis::Vus => second.vus as f64,
            },
            goodput: second.good_per_s / each,
            requests: good.round() as u64 + second.failed,
            failed: second.failed,
            latency_s: second.p50_ms / 1e3,
        }
    });
    let mut windows: Vec<RampWindow> = windows.collect();
    let highest = windows.iter().map(|window| window.offered).fold(0.0, f64::max);
    let top = windows.iter().position(|window| window.offered >= TOP * highest);
    windows.truncate(top.map_or(0, |top| top + 1));
    windows
}

/// `windows` in the order of time, a second each. `None`: too few.
pub fn read(windows: &[RampWindow]) -> Option<RampEstimate> {
    if windows.len() < WINDOWS_MIN {
        return None;
    }
    let points: Vec<(f64, f64)> = windows.iter().map(|window| (window.offered, window.goodput)).collect();
    let powers = windows.iter().map(|window| (window.offered, window.goodput, window.latency_s));
    Some(RampEstimate {
        error_onset: error_onset(windows),
        knee: curve::two_segments(&points).map(|found| found.x).filter(|&knee| falls_short(&points, knee)),
        power: curve::power(powers),
        capacity: windows.iter().map(|window| window.goodput).fold(0.0, f64::max),
        too_fast: is_too_fast(windows),
    })
}

/// Whether the highest loads beyond a break bring less than those before promised: a break upward
/// is none of ours.
fn falls_short(points: &[(f64, f64)], knee: f64) -> bool {
    let ratio = |of: &dyn Fn(f64) -> bool| {
        let (x, y) =
            points.iter().filter(|(x, _)| of(*x)).fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
        if x > 0.0 { y / x } else { 0.0 }
    };
    let highest = points.iter().map(|(x, _)| *x).fold(0.0, f64::max);
    let at_the_top = ratio(&|x| x >= f64::midpoint(knee, highest));
    at_the_top < (1.0 - SHORTFALL_MIN) * ratio(&|x| x <= knee)
}

/// A cumulative sum over Bernoulli trials, window by window: its score rises with each failure and
/// falls with each success, never below 0; the onset is the first window since it last was 0. The
/// order within a window is not known, so failures count as spread evenly.
fn error_onset(windows: &[RampWindow]) -> Option<f64> {
    let on_failure = (BROKEN / ACCEPTED).ln();
    let on_success = ((1.0 - BROKEN) / (1.0 - ACCEPTED)).ln();
    let (mut score, mut since) = (0.0f64, None);
    for window in windows {
        let successes = window.requests.saturating_sub(window.failed) as f64;
        let change = window.failed as f64 * on_failure + successes * on_success;
        if score + change <= 0.0 {
            (score, since) = (0.0, None);
            continue;
        }
        score += change;
        since.get_or_insert(window.offered);
        if score > ALARM {
            return since;
        }
    }
    None
}

fn is_too_fast(windows: &[RampWindow]) -> bool {
    let offered = || windows.iter().map(|window| window.offered);
    let range = offered().fold(0.0, f64::max) - offered().fold(f64::INFINITY, f64::min);
    let per_second = range / (windows.len() - 1) as f64;
    // The median window's: beyond the limit every ramp is too fast.
    let mut latencies: Vec<f64> = windows.iter().map(|window| window.latency_s).collect();
    latencies.sort_by(f64::total_cmp);
    per_second * 2.0 * latencies[latencies.len() / 2] > 0.01 * range
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Stage;
    use std::time::Duration;

    /// From 100 to 2,000 a second in `seconds`; all good up to 1,000, then refused; latency 1 ms
    /// and 20 ms.
    fn ramp(seconds: u32) -> Vec<RampWindow> {
        let window = |second: u32| {
            let offered = 100.0 + 1900.0 * f64::from(second) / f64::from(seconds - 1);
            let goodput = offered.min(1000.0);
            RampWindow {
                offered,
                goodput,
                requests: offered as u64,
                failed: (offered - goodput) as u64,
                latency_s: if offered > 1000.0 { 0.02 } else { 0.001 },
            }
        };
        (0..seconds).map(window).collect()
    }

    #[test]
    fn a_ramp_shows_onset_knee_and_capacity() {
        let estimate = read(&ramp(96)).unwrap();
        assert_eq!(estimate.error_onset, Some(1020.0));
        assert!((estimate.knee.unwrap() - 1000.0).abs() < 10.0, "{estimate:?}");
        assert_eq!((estimate.power, estimate.capacity), (Some(1000.0), 1000.0));
        assert!(!estimate.too_fast);
    }

    #[test]
    fn a_ramp_of_few_windows_says_nothing_and_a_fast_one_that_it_is() {
        assert_eq!(read(&ramp(4)), None);
        let slow: Vec<RampWindow> =
            ramp(6).into_iter().map(|window| RampWindow { latency_s: 0.1, ..window }).collect();
        assert!(read(&slow).unwrap().too_fast);
    }

    #[test]
    fn single_failures_are_no_onset() {
        let mut windows = ramp(96)[..40].to_vec();
        for window in &mut windows {
            window.failed = 1;
        }
        assert_eq!(read(&windows).unwrap().error_onset, None);
    }

    #[test]
    fn a_break_upward_is_no_knee() {
        let mut windows = ramp(40);
        for window in &mut windows {
            window.failed = 0;
            window.goodput = window.offered - (700.0 - window.offered).max(0.0) / 2.0;
        }
        assert_eq!(read(&windows).unwrap().knee, None);
    }

    fn scenario(executor: Executor) -> Scenario {
        Scenario {
            name: "s".into(),
            executor,
            start_time: Duration::ZERO,
            graceful_stop: Duration::ZERO,
            exec: None,
            env: Default::default(),
            tags: Default::default(),
        }
    }

    fn stages(targets: &[u64]) -> Vec<Stage> {
        targets.iter().map(|&target| Stage { duration: Duration::from_secs(5), target }).collect()
    }

    fn vus(start_vus: u64, targets: &[u64]) -> Scenario {
        let stages = stages(targets);
        scenario(Executor::RampingVus { start_vus, stages, graceful_ramp_down: Duration::ZERO })
    }

    fn rate(start_rate: u64, targets: &[u64]) -> Scenario {
        scenario(Executor::RampingArrivalRate {
            start_rate,
            time_unit: Duration::from_secs(1),
            stages: stages(targets),
            pre_allocated_vus: 1,
            max_vus: 1,
        })
    }

    #[test]
    fn only_what_rises_is_a_ramp() {
        assert_eq!(axis(&[vus(1, &[10, 0])]), Some(Axis::Vus));
        assert_eq!(axis(&[rate(5, &[5, 50])]), Some(Axis::IterationsPerSecond));
        assert_eq!(axis(&[vus(1, &[10]), rate(5, &[50])]), Some(Axis::IterationsPerSecond));
        assert_eq!(axis(&[vus(10, &[10, 0]), rate(50, &[5])]), None);
        let duration = Duration::from_secs(1);
        assert_eq!(axis(&[scenario(Executor::ConstantVus { vus: 1, duration })]), None);
    }
}
