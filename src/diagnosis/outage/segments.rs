//! Stretches of constant failure probability: the partition of a series of counts with the highest
//! binomial likelihood, each change paid for with 3 ln n. Exact (optimal partitioning, pruned as
//! PELT does) up to `BLOCKS_MAX` blocks; longer series are halved before, and each change is then
//! put at its best place among all slots.

use std::ops::Range;

/// Quadratic time at worst: 4,000 blocks are 8 million looks, a quarter of a second.
const BLOCKS_MAX: usize = 4_000;
/// Slots below which the penalty falls no more.
const COUNT_MIN: usize = 10;

/// What came out in one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub good: u64,
    pub bad: u64,
}

/// Sums of counts up to each slot.
struct Sums(Vec<Counts>);

impl Sums {
    fn of(slots: &[Counts]) -> Sums {
        let mut sums = vec![Counts::default()];
        let mut sum = Counts::default();
        for slot in slots {
            sum = Counts { good: sum.good + slot.good, bad: sum.bad + slot.bad };
            sums.push(sum);
        }
        Sums(sums)
    }

    /// Minus the highest log likelihood of the slots `from..to`.
    fn cost(&self, from: usize, to: usize) -> f64 {
        let (a, b) = (self.0[from], self.0[to]);
        let (good, bad) = ((b.good - a.good) as f64, (b.bad - a.bad) as f64);
        if good == 0.0 || bad == 0.0 {
            return 0.0;
        }
        let all = good + bad;
        -(good * (good / all).ln() + bad * (bad / all).ln())
    }
}

/// The stretches, in order and without a gap.
pub(super) fn stretches(slots: &[Counts]) -> Vec<Range<usize>> {
    if slots.is_empty() {
        return Vec::new();
    }
    let sums = Sums::of(slots);
    let penalty = 3.0 * (slots.len().max(COUNT_MIN) as f64).ln();
    let mut ends = blocks(slots);
    while ends.len() > BLOCKS_MAX {
        ends = ends.chunks(2).map(|pair| pair[pair.len() - 1]).collect();
    }
    let mut changes = partition(&sums, &ends, penalty);
    settle(&sums, &mut changes, slots.len());
    drop_unpaid(&sums, &mut changes, slots.len(), penalty);
    let begins = std::iter::once(0).chain(changes.iter().copied());
    let ends = changes.iter().copied().chain(std::iter::once(slots.len()));
    begins.zip(ends).map(|(from, to)| from..to).collect()
}

/// Ends of the blocks between which a change can be. Within slots that are all good, or all bad,
/// none can: the likelihood is convex there, and highest at an end.
fn blocks(slots: &[Counts]) -> Vec<usize> {
    #[derive(PartialEq)]
    enum Kind {
        Good,
        Bad,
        Mixed,
    }
    let mut ends = Vec::new();
    let mut kind_before = None;
    for (place, slot) in slots.iter().enumerate() {
        let kind = match slot {
            Counts { good: 0, bad: 0 } => continue,
            Counts { bad: 0, .. } => Kind::Good,
            Counts { good: 0, .. } => Kind::Bad,
            _ => Kind::Mixed,
        };
        if kind_before.is_some_and(|before| before != kind || kind == Kind::Mixed) {
            ends.push(place);
        }
        kind_before = Some(kind);
    }
    ends.push(slots.len());
    ends
}

/// The best changes among these ends.
fn partition(sums: &Sums, ends: &[usize], penalty: f64) -> Vec<usize> {
    let places: Vec<usize> = std::iter::once(0).chain(ends.iter().copied()).collect();
    // The cost of the best partition of all before a place, and its last change.
    let mut best = vec![-penalty];
    let mut last_change = vec![0];
    let mut candidates = vec![0];
    for (at, &place) in places.iter().enumerate().skip(1) {
        let costs: Vec<f64> =
            candidates.iter().map(|&from| best[from] + sums.cost(places[from], place)).collect();
        let (chosen, cost) = candidates
            .iter()
            .copied()
            .zip(costs.iter().copied())
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .expect("the place before is a candidate");
        best.push(cost + penalty);
        last_change.push(chosen);
        // One that is worse by a change already never becomes the best again.
        let mut cost_of = costs.into_iter();
        candidates.retain(|_| cost_of.next().is_some_and(|of| of <= cost + penalty));
        candidates.push(at);
    }
    let mut changes = Vec::new();
    let mut at = places.len() - 1;
    while last_change[at] > 0 {
        at = last_change[at];
        changes.push(places[at]);
    }
    changes.reverse();
    changes
}

/// Moves each change to the best place between its neighbours.
fn settle(sums: &Sums, changes: &mut [usize], end: usize) {
    for at in 0..changes.len() {
        let from = if at == 0 { 0 } else { changes[at - 1] };
        let to = changes.get(at + 1).copied().unwrap_or(end);
        let cost = |change: usize| sums.cost(from, change) + sums.cost(change, to);
        let better = (from + 1..to).min_by(|&a, &b| cost(a).total_cmp(&cost(b)));
        changes[at] = better.filter(|&place| cost(place) < cost(changes[at])).unwrap_or(changes[at]);
    }
}

/// Where blocks were halved, what settled may leave a stretch that no longer pays for its change.
fn drop_unpaid(sums: &Sums, changes: &mut Vec<usize>, end: usize, penalty: f64) {
    let mut at = 0;
    while at < changes.len() {
        let from = if at == 0 { 0 } else { changes[at - 1] };
        let to = changes.get(at + 1).copied().unwrap_or(end);
        let gain = sums.cost(from, to) - sums.cost(from, changes[at]) - sums.cost(changes[at], to);
        if gain < penalty {
            changes.remove(at);
        } else {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(parts: &[(usize, u64, u64)]) -> Vec<Counts> {
        parts.iter().flat_map(|&(slots, good, bad)| vec![Counts { good, bad }; slots]).collect()
    }

    fn found(slots: &[Counts]) -> Vec<(usize, usize)> {
        stretches(slots).into_iter().map(|stretch| (stretch.start, stretch.end)).collect()
    }

    #[track_caller]
    fn check(parts: &[(usize, u64, u64)], want: &[(usize, usize)]) {
        assert_eq!(found(&series(parts)), want);
    }

    #[test]
    fn a_change_is_found_at_its_slot() {
        check(&[], &[]);
        check(&[(100, 10, 0)], &[(0, 100)]);
        check(&[(50, 10, 0), (20, 0, 10), (30, 10, 0)], &[(0, 50), (50, 70), (70, 100)]);
        check(&[(50, 10, 0), (20, 5, 5), (30, 10, 0)], &[(0, 50), (50, 70), (70, 100)]);
        check(&[(50, 8, 2), (50, 2, 8)], &[(0, 50), (50, 100)]);
    }

    #[test]
    fn what_a_change_does_not_pay_for_is_none() {
        check(&[(50, 10, 0), (1, 9, 1), (49, 10, 0)], &[(0, 100)]);
        check(&[(100, 9, 1)], &[(0, 100)]);
    }

    #[test]
    fn a_partition_is_as_good_as_the_best_of_all() {
        // Every partition of ten slots, in the bits of a number.
        let slots = series(&[(3, 40, 1), (2, 3, 37), (1, 20, 20), (2, 50, 0), (2, 30, 9)]);
        let (sums, penalty) = (Sums::of(&slots), 3.0 * 10f64.ln());
        let cost = |stretches: &[Range<usize>]| {
            let costs = stretches.iter().map(|stretch| sums.cost(stretch.start, stretch.end));
            costs.sum::<f64>() + penalty * stretches.len() as f64
        };
        let best = (0..1 << 9).map(|bits: u32| {
            let changes: Vec<usize> = (1..10).filter(|at| bits >> (at - 1) & 1 == 1).collect();
            let begins = std::iter::once(0).chain(changes.iter().copied());
            let ends = changes.iter().copied().chain(std::iter::once(10));
            cost(&begins.zip(ends).map(|(from, to)| from..to).collect::<Vec<_>>())
        });
        let best = best.fold(f64::INFINITY, f64::min);
        assert!((cost(&stretches(&slots)) - best).abs() < 1e-9);
    }

    #[test]
    fn an_hour_of_failures_is_cut_at_the_slot_all_the_same() {
        let mut slots = series(&[(36_000, 99, 1)]);
        slots[20_001..20_100].fill(Counts { good: 50, bad: 50 });
        assert_eq!(found(&slots), [(0, 20_001), (20_001, 20_100), (20_100, 36_000)]);
    }
}
