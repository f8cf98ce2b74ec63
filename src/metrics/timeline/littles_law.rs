//! Little's law as a check of ourselves: in a steady second the mean number of requests in flight
//! is the rate of completions times their mean time.
//!
//! The left side comes from the stamps of sends and ends, the right side from the recorded
//! durations. Where they differ, requests get no answer, timings are wrong, or time on the wire has
//! no outcome (sent again, cut short). A second is looked at only if it is steady and if its edges
//! cut few requests, so that by itself the law holds within less than `GAP_MAX`.

use super::row::Row;
use super::{TICK_NS, digest::Digest};

/// What the sides may differ by, as a share of the number in flight.
pub const GAP_MAX: f64 = 0.05;
/// Violations that are kept; the others are counted.
pub const KEPT: usize = 100;

const TICKS: usize = (1_000_000_000 / TICK_NS) as usize;
/// With fewer completions a second, chance is larger than the gap.
const COMPLETIONS_MIN: u64 = 100;
/// Both halves of a steady second have the same number in flight and of completions, but for this
/// share.
const STEADY: f64 = 0.1;
/// The 99th percentile of durations, as a share of the second: requests cut by its edges are fewer.
const CUT_MAX: f64 = 0.04;

/// A second in which the law did not hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Violation {
    /// Since the scenarios began.
    pub from_s: u64,
    /// Mean number in flight, and completions per second times their mean time.
    pub in_flight: f64,
    pub expected: f64,
}

impl Violation {
    pub fn gap(&self) -> f64 {
        (self.in_flight - self.expected).abs() / self.in_flight
    }
}

#[derive(Debug, Default)]
pub(super) struct LittlesLaw {
    second: Vec<Row>,
    seconds: u64,
    checked: u64,
    violated: u64,
    violations: Vec<Violation>,
}

impl LittlesLaw {
    pub fn on_row(&mut self, row: &Row, workers: usize) {
        self.second.push(row.clone());
        if self.second.len() < TICKS {
            return;
        }
        let second = std::mem::take(&mut self.second);
        if let Some((in_flight, expected)) = sides_of(&second, workers) {
            self.checked += 1;
            let violation = Violation { from_s: self.seconds, in_flight, expected };
            if violation.gap() > GAP_MAX {
                self.violated += 1;
                if self.violations.len() < KEPT {
                    self.violations.push(violation);
                }
            }
        }
        self.seconds += 1;
    }

    /// What is left is no second.
    pub fn finish(&mut self) {
        self.second.clear();
    }

    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Seconds looked at, and those in which the law did not hold.
    pub fn counts(&self) -> (u64, u64) {
        (self.checked, self.violated)
    }
}

/// Both sides of the law; `None` if the second is not steady.
fn sides_of(second: &[Row], workers: usize) -> Option<(f64, f64)> {
    let (first, last) = second.split_at(second.len() / 2);
    let halves = [Row::merged(first), Row::merged(last)];
    let whole = Row::merged(&halves);
    let [before, after] = &halves;
    let is_steady = differ_little(before.in_flight(workers), after.in_flight(workers))
        && differ_little(before.answered as f64, after.answered as f64);
    let long = whole.duration.quantiles([0.99])[0];
    let second_ns = whole.covered_ns as f64 / workers.max(1) as f64;
    let is_fine = whole.answered >= COMPLETIONS_MIN && long <= CUT_MAX * second_ns;
    (is_steady && is_fine).then(|| (whole.in_flight(workers), expected(&whole, &whole.duration, second_ns)))
}

fn expected(whole: &Row, duration: &Digest, second_ns: f64) -> f64 {
    whole.answered as f64 / second_ns * duration.mean()
}

fn differ_little(a: f64, b: f64) -> bool {
    (a - b).abs() <= STEADY * a.max(b)
}
