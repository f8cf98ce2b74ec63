//! A cumulative sum over Bernoulli trials: tells while a run goes on that the share of failures has
//! changed, a few requests after it did. The report at the end rests on `segments`, not on this.

/// ln(10^4): in 10,000 requests one false alarm at most, on the average.
const ALARM: f64 = 9.210_340_371_976_184;
/// A share of failures that is a service's own, and one that is a fault, at least.
const OWN: f64 = 1e-3;
const FAULTY: f64 = 0.05;
/// A fault is so many times the service's own share.
const FACTOR: f64 = 10.0;
const SHARE_MAX: f64 = 0.9;

/// Watches for a change from one share of failures to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Cusum {
    on_failure: f64,
    on_success: f64,
    score: f64,
    /// When the score last was 0.
    since_ns: u64,
}

impl Cusum {
    fn new((before, after): (f64, f64)) -> Cusum {
        Cusum {
            on_failure: (after / before).ln(),
            on_success: ((1.0 - after) / (1.0 - before)).ln(),
            score: 0.0,
            since_ns: 0,
        }
    }

    /// For the beginning of a fault, where `failed` of `requests` failed before.
    pub fn of_fault(failed: u64, requests: u64) -> Cusum {
        Cusum::new(shares(failed, requests))
    }

    /// For its end.
    pub fn of_recovery(failed: u64, requests: u64) -> Cusum {
        let (own, faulty) = shares(failed, requests);
        Cusum::new((faulty, own))
    }

    /// Outcomes up to `at_ns`. Their order is not known, so failures count as spread evenly. Answers
    /// since when, once the change is certain, and begins anew.
    pub fn on_outcomes(&mut self, at_ns: u64, good: u64, failed: u64) -> Option<u64> {
        self.score += failed as f64 * self.on_failure + good as f64 * self.on_success;
        if self.score <= 0.0 {
            (self.score, self.since_ns) = (0.0, at_ns);
        }
        (self.score > ALARM).then(|| {
            self.score = 0.0;
            self.since_ns
        })
    }
}

/// A service's own share of failures, to the upper end of what it may be; and that of a fault.
fn shares(failed: u64, requests: u64) -> (f64, f64) {
    let own = super::wilson(failed, requests).1;
    let own = if requests == 0 { OWN } else { own.clamp(OWN, SHARE_MAX / 2.0) };
    (own, (FACTOR * own).clamp(FAULTY, SHARE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::outage::tests::Dice;

    /// Requests of which each fails with probability `share`, until the alarm.
    fn requests_to_alarm(mut cusum: Cusum, dice: &mut Dice, share: f64, limit: u64) -> Option<u64> {
        (1..=limit).find(|&request| {
            let failed = u64::from(dice.share() < share);
            cusum.on_outcomes(request, 1 - failed, failed).is_some()
        })
    }

    #[track_caller]
    fn check(share: f64, mean_max: f64) {
        let delays = (0..1_000).map(|seed| {
            let found = requests_to_alarm(Cusum::of_fault(0, 0), &mut Dice(seed), share, 10_000);
            found.expect("there is a fault") as f64
        });
        let mean = delays.sum::<f64>() / 1_000.0;
        assert!(mean <= mean_max, "{mean} requests at a share of {share}");
    }

    #[test]
    fn a_fault_is_found_within_a_hundred_requests() {
        check(0.05, 100.0);
        check(0.10, 40.0);
        check(0.33, 12.0);
        check(0.50, 7.0);
        check(1.00, 3.0);
    }

    #[test]
    fn a_tenth_of_a_percent_alarms_less_often_than_once_in_a_hundred_thousand_requests() {
        let alarms = (0..1_000).filter(|&seed| {
            requests_to_alarm(Cusum::of_fault(0, 0), &mut Dice(seed), 0.001, 1_000).is_some()
        });
        assert!(alarms.count() <= 10);
    }

    #[test]
    fn the_onset_is_when_the_score_last_was_nothing() {
        let mut cusum = Cusum::of_fault(0, 0);
        assert_eq!(cusum.on_outcomes(100, 50, 0), None);
        assert_eq!(cusum.on_outcomes(200, 50, 1), None);
        assert_eq!(cusum.on_outcomes(300, 100, 0), None);
        assert_eq!(cusum.on_outcomes(400, 10, 9), Some(300));
    }

    #[test]
    fn a_recovery_is_found_by_the_same_sum_the_other_way_round() {
        let mut cusum = Cusum::of_recovery(0, 1_000);
        assert_eq!(cusum.on_outcomes(100, 0, 50), None);
        assert_eq!(cusum.on_outcomes(200, 400, 0), Some(100));
    }
}
