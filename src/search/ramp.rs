//! What one ramp of load says: an estimate, biased upward by the lag of its answers. A search says
//! more; the report of a ramp says so.

use super::curve;

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

/// A failure ratio that is a service's own, and one that is not.
const ACCEPTED: f64 = 1e-3;
const BROKEN: f64 = 0.05;
/// ln(10^4): false alarms are that rare.
const ALARM: f64 = 9.210_340_371_976_184;
/// Fewer are no curve.
const WINDOWS_MIN: usize = 5;

/// `windows` in the order of time, a second each. `None`: too few.
pub fn read(windows: &[RampWindow]) -> Option<RampEstimate> {
    if windows.len() < WINDOWS_MIN {
        return None;
    }
    let points: Vec<(f64, f64)> = windows.iter().map(|window| (window.offered, window.goodput)).collect();
    let powers = windows.iter().map(|window| (window.offered, window.goodput, window.latency_s));
    Some(RampEstimate {
        error_onset: error_onset(windows),
        knee: curve::two_segments(&points).map(|found| found.x),
        power: curve::power(powers),
        capacity: windows.iter().map(|window| window.goodput).fold(0.0, f64::max),
        too_fast: is_too_fast(windows),
    })
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
}
