//! What an outage looks like: one of several backends, a balancer that took it out, and tries it
//! again. Readings are "consistent with", never proof.

use super::{Edge, Outage, Reader, wilson};
use std::ops::Range;

/// Of backends that share the requests evenly, one or more were gone.
const SHARES: [(u32, u32); 5] = [(1, 2), (1, 3), (2, 3), (1, 4), (3, 4)];
/// An interval that is wider says nothing; each is widened by what the outage's edges may add.
const WIDTH_MAX: f64 = 0.15;
const EDGES: f64 = 0.01;
/// Failures that lie closer belong to one try, and tries are as far apart as their median, within
/// this share of it.
const APART_NS: u64 = 500_000_000;
const REGULAR: f64 = 0.2;
/// Fewer tries may be regular by chance.
const TRIES_MIN: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// `down` of `backends` failed, and went on being asked to the end of the outage.
    Backends { down: u32, backends: u32 },
    /// With some backends down: the failures ended after this time, so it was taken out of rotation
    /// or came back.
    NoLongerRouted { after_ns: u64 },
    /// Afterwards a few requests failed, so many times, each so long after the one before.
    TriedAgain { times: u64, every_ns: u64 },
}

pub(super) fn read(reader: &Reader<'_>, places: &[Range<usize>], outages: &mut [Outage]) {
    for (at, outage) in outages.iter_mut().enumerate() {
        if let Some((down, backends)) = backends(outage) {
            outage.readings.push(Reading::Backends { down, backends });
            if outage.end.is_some() {
                outage.readings.push(Reading::NoLongerRouted { after_ns: outage.length_ns });
            }
        }
        let until = places.get(at + 1).map_or(reader.slots.len(), |next| next.start);
        if let Some(end) = outage.end {
            outage.readings.extend(tried_again(reader, places[at].end..until, end));
        }
    }
}

fn backends(outage: &Outage) -> Option<(u32, u32)> {
    let (low, high) = wilson(outage.failed, outage.requests);
    let is_within = |share: f64| (low - EDGES..=high + EDGES).contains(&share);
    let mut fitting = SHARES.into_iter().filter(|&(down, of)| is_within(f64::from(down) / f64::from(of)));
    fitting.next().filter(|_| high - low <= WIDTH_MAX && outage.silent_ns == 0)
}

/// Regular failures after an outage.
fn tried_again(reader: &Reader<'_>, places: Range<usize>, end: Edge) -> Option<Reading> {
    let mut tries: Vec<u64> = Vec::new();
    let mut last_ns = end.at_ns;
    for at in places.filter(|&at| reader.slots[at].failed > 0) {
        let at_ns = reader.ns(at);
        if at_ns.saturating_sub(last_ns) >= APART_NS {
            tries.push(at_ns);
        }
        last_ns = at_ns;
    }
    let mut gaps: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    let median = *gaps.get(gaps.len() / 2)?;
    let is_regular = gaps.iter().all(|gap| gap.abs_diff(median) as f64 <= REGULAR * median as f64);
    (tries.len() >= TRIES_MIN && is_regular)
        .then_some(Reading::TriedAgain { times: tries.len() as u64, every_ns: median })
}
