//! When a service was gone: counts of every tenth of a second in, outages out, each with the
//! intervals in which it began and ended, and what it means.
//!
//! An outage is a stretch (`segments`) whose share of failures is far above the run's own, or a
//! silence: requests on the wire and no answer for seconds. Counts are of when outcomes came, so a
//! request that hangs until its timeout fails that much later; the silence before is found instead.
//! A run that fails throughout has no outage.

pub mod cusum;
mod reading;
mod segments;
mod silence;

use crate::metrics::timeline::{FAILURE_CLASSES, Slot, Slots};
pub use reading::Reading;
use segments::Counts;
use std::ops::Range;

/// Outages that are described; more are counted only.
const OUTAGES_MAX: usize = 20;
/// A fault has at least this share of failures, and so many times the run's own.
const SHARE_MIN: f64 = 0.05;
const FACTOR: f64 = 10.0;
/// An outage has ended when it has been over for so long.
const OVER_NS: u64 = 1_000_000_000;
/// What came before an outage is looked at for so long.
const BEFORE_NS: u64 = 5_000_000_000;
/// The rate has recovered at this share of what it was.
const RECOVERED: f64 = 0.9;
/// Requests in the second before, without which recovery is not spoken of.
const RATE_MIN: f64 = 10.0;

/// An instant that is known to lie between two others; nanoseconds since the scenarios began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub from_ns: u64,
    pub to_ns: u64,
    /// The best guess.
    pub at_ns: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Outage {
    /// Between the last good and the first bad outcome.
    pub start: Edge,
    /// Between the last bad outcome and the first good one of a second without fault; `None`: it
    /// lasted to the end of the run.
    pub end: Option<Edge>,
    pub length_ns: u64,
    /// Outcomes in it, and those that failed, by `FAILURE_CLASSES`.
    pub requests: u64,
    pub failed: u64,
    pub failed_by: [u64; FAILURE_CLASSES.len()],
    /// Time in which requests were on the wire and none was answered.
    pub silent_ns: u64,
    /// Outcomes a second before it; `None`: nothing came before.
    pub rate_before: Option<f64>,
    /// From its end until the rate of good answers was back; `None`: it was not seen to.
    pub recovery_ns: Option<u64>,
    pub readings: Vec<Reading>,
}

/// A run's availability, as far as its requests tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Availability {
    pub span_ns: u64,
    pub requests: u64,
    pub failed: u64,
    /// Time of the slots in which less than half was good, or that nothing came of in an outage; and
    /// of those with any failure.
    pub unavailable_ns: u64,
    pub any_failure_ns: u64,
    /// Of closed loops: requests that the rate before the outages promised, less those that came.
    /// Negative: refused VUs came back faster than served ones.
    pub never_happened: Option<i64>,
    pub outages: Vec<Outage>,
    /// Outages beyond those that are described.
    pub more: usize,
}

/// What the slots of a whole run say. `is_open`: starts came from a schedule.
pub fn read(slots: &Slots, is_open: bool) -> Availability {
    Reader::new(slots.all(), slots.slot_ns()).availability(is_open)
}

/// 95 % limits of a share of which `hits` of `all` were seen (Wilson's interval).
pub(crate) fn wilson(hits: u64, all: u64) -> (f64, f64) {
    if all == 0 {
        return (0.0, 1.0);
    }
    let (n, z2) = (all as f64, 1.96f64.powi(2));
    let p = hits as f64 / n;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = 1.96 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

struct Reader<'a> {
    slots: &'a [Slot],
    slot_ns: u64,
    is_silent: Vec<bool>,
}

impl Reader<'_> {
    fn new(slots: &[Slot], slot_ns: u64) -> Reader<'_> {
        Reader { slots, slot_ns, is_silent: silence::find(slots, slot_ns) }
    }

    fn availability(&self, is_open: bool) -> Availability {
        let places = self.outage_places();
        let mut outages: Vec<Outage> = places
            .iter()
            .enumerate()
            .map(|(at, place)| self.outage(place, at.checked_sub(1).map(|at| places[at].end)))
            .collect();
        reading::read(self, &places, &mut outages);
        let never_happened = (!is_open && outages.iter().any(|outage| outage.rate_before.is_some()))
            .then(|| outages.iter().map(never_happened).sum::<f64>().round() as i64);
        let more = outages.len().saturating_sub(OUTAGES_MAX);
        outages.truncate(OUTAGES_MAX);
        let of_time = |is_so: &dyn Fn(usize) -> bool| {
            (0..self.slots.len()).filter(|&at| is_so(at)).count() as u64 * self.slot_ns
        };
        let is_out = |at: usize| places.iter().any(|place| place.contains(&at));
        Availability {
            span_ns: self.slots.len() as u64 * self.slot_ns,
            requests: self.sum(0..self.slots.len(), |slot| slot.answered),
            failed: self.sum(0..self.slots.len(), |slot| slot.failed),
            unavailable_ns: of_time(&|at| match self.slots[at] {
                Slot { answered: 0, .. } => is_out(at),
                Slot { answered, failed, .. } => u64::from(failed) * 2 > u64::from(answered),
            }),
            any_failure_ns: of_time(&|at| self.slots[at].failed > 0 || self.is_silent[at]),
            never_happened,
            outages,
            more,
        }
    }

    fn sum(&self, places: Range<usize>, of: impl Fn(&Slot) -> u32) -> u64 {
        self.slots[places].iter().map(|slot| u64::from(of(slot))).sum()
    }

    /// What a slot says of the service. A silent one says as much as the requests that wait.
    fn counts(&self, at: usize) -> Counts {
        let slot = &self.slots[at];
        match self.is_silent[at] {
            true => Counts { good: 0, bad: (slot.in_flight.ceil() as u64).max(1) },
            false => Counts { good: u64::from(slot.answered - slot.failed), bad: u64::from(slot.failed) },
        }
    }

    fn counts_of(&self, places: Range<usize>) -> Counts {
        places.map(|at| self.counts(at)).fold(Counts::default(), |sum, slot| Counts {
            good: sum.good + slot.good,
            bad: sum.bad + slot.bad,
        })
    }

    /// From the first bad slot of each outage to beyond its last.
    fn outage_places(&self) -> Vec<Range<usize>> {
        let counts: Vec<Counts> = (0..self.slots.len()).map(|at| self.counts(at)).collect();
        let stretches = segments::stretches(&counts);
        let shares: Vec<f64> =
            stretches.iter().map(|stretch| share(self.counts_of(stretch.clone()))).collect();
        // The run's own share of failures: that of its best second or more.
        let is_long = |stretch: &Range<usize>| stretch.len() as u64 * self.slot_ns >= OVER_NS;
        let own = std::iter::zip(&stretches, &shares).filter(|(stretch, _)| is_long(stretch));
        let Some(own) = own.map(|(_, share)| *share).min_by(f64::total_cmp) else { return Vec::new() };
        let fault = SHARE_MIN.max((FACTOR * own).min(f64::midpoint(own, 1.0)));
        let mut places: Vec<Range<usize>> = Vec::new();
        for (stretch, share) in std::iter::zip(&stretches, shares) {
            if share < fault || share <= own {
                continue;
            }
            let is_bad = |at: &usize| counts[*at].bad > 0;
            let Some(first) = stretch.clone().find(is_bad) else { continue };
            let last = stretch.clone().rev().find(is_bad).unwrap_or(first);
            // A slot in which it began or ended has too few failures for a stretch of its own.
            let is_fault = |at: usize| counts.get(at).is_some_and(|&slot| self::share(slot) >= fault);
            let first = if first > 0 && is_fault(first - 1) { first - 1 } else { first };
            let last = if is_fault(last + 1) { last + 1 } else { last };
            match places.last_mut() {
                Some(before) if (first.saturating_sub(before.end) as u64) * self.slot_ns < OVER_NS => {
                    before.end = last + 1
                }
                _ => places.push(first..last + 1),
            }
        }
        places
    }

    /// `after`: the end of the outage before.
    fn outage(&self, place: &Range<usize>, after: Option<usize>) -> Outage {
        let start = self.start(place.start);
        let end = self.end(place.end);
        let end_ns = end.map_or(self.slots.len() as u64 * self.slot_ns, |end| end.at_ns);
        let mut failed_by = [0; FAILURE_CLASSES.len()];
        for slot in &self.slots[place.clone()] {
            failed_by.iter_mut().zip(slot.failed_by).for_each(|(sum, more)| *sum += u64::from(more));
        }
        let rate_before = self.rate_before(place.start, after.unwrap_or(0));
        Outage {
            start,
            end,
            length_ns: end_ns.saturating_sub(start.at_ns),
            requests: self.sum(place.clone(), |slot| slot.answered),
            failed: self.sum(place.clone(), |slot| slot.failed),
            failed_by,
            silent_ns: place.clone().filter(|&at| self.is_silent[at]).count() as u64 * self.slot_ns,
            rate_before,
            recovery_ns: rate_before.zip(end).and_then(|(rate, end)| self.recovery_ns(place.end, end, rate)),
            readings: Vec::new(),
        }
    }

    /// Where in slot `first`, or in the empty ones before, it began.
    fn start(&self, first: usize) -> Edge {
        let good_before = (0..first).rev().find(|&at| self.counts(at).good > 0);
        let to_ns = self.ns(first + 1);
        let from_ns = good_before.map_or(0, |at| self.ns(at));
        let at_ns = match (self.counts(first), good_before) {
            // Good ones came first, bad ones after.
            (Counts { good: good @ 1.., bad }, _) => self.ns(first) + self.slot_ns * good / (good + bad),
            (_, Some(before)) => u64::midpoint(self.ns(before + 1), self.ns(first)),
            (_, None) => 0,
        };
        Edge { from_ns, to_ns, at_ns }
    }

    /// `beyond`: the slot after the last bad one.
    fn end(&self, beyond: usize) -> Option<Edge> {
        let first_good = (beyond..self.slots.len()).find(|&at| self.counts(at).good > 0);
        let last = self.counts(beyond - 1);
        let from_ns = self.ns(beyond - 1);
        let to_ns = match first_good {
            Some(at) => self.ns(at + 1),
            None => return None,
        };
        let at_ns = match last {
            Counts { good: good @ 1.., bad } if first_good == Some(beyond) => {
                self.ns(beyond) - self.slot_ns * good / (good + bad)
            }
            _ => first_good.map_or(to_ns, |at| u64::midpoint(self.ns(beyond), self.ns(at))),
        };
        Some(Edge { from_ns, to_ns, at_ns })
    }

    fn rate_before(&self, first: usize, after: usize) -> Option<f64> {
        let longest = (BEFORE_NS / self.slot_ns).max(1) as usize;
        let from = after.max(first.saturating_sub(longest));
        let time_ns = (first - from) as u64 * self.slot_ns;
        let requests = self.sum(from..first, |slot| slot.answered);
        (requests > 0 && time_ns > 0).then(|| requests as f64 * 1e9 / time_ns as f64)
    }

    fn recovery_ns(&self, beyond: usize, end: Edge, rate: f64) -> Option<u64> {
        let second = (OVER_NS / self.slot_ns).max(1) as usize;
        let wanted = RECOVERED * rate * (second as u64 * self.slot_ns) as f64 / 1e9;
        let is_back = |at: &usize| self.counts_of(*at..at + second).good as f64 >= wanted;
        let last = (self.slots.len() + 1).saturating_sub(second);
        let back = (beyond..last).find(is_back).filter(|_| rate >= RATE_MIN)?;
        Some(self.ns(back).saturating_sub(end.at_ns))
    }

    fn ns(&self, place: usize) -> u64 {
        place as u64 * self.slot_ns
    }
}

fn share(counts: Counts) -> f64 {
    counts.bad as f64 / (counts.good + counts.bad).max(1) as f64
}

fn never_happened(outage: &Outage) -> f64 {
    let promised = |rate: f64| rate * outage.length_ns as f64 / 1e9 - outage.requests as f64;
    outage.rate_before.map_or(0.0, promised)
}

#[cfg(test)]
mod tests;
