//! A trend of a user's own numbers: of any size and sign, in the unit in which they were added.
//!
//! Up to `EXACT_VALUES` values are kept as they are, so percentiles are k6's to the digit. More
//! are counted in buckets, each 1/1024 of a power of two wide, so a percentile is within 0.1 % of
//! the exact one whatever the numbers are about; numbers that fill more than `BUCKETS_MAX` of them
//! (64 powers of two) get buckets twice as wide. Count, minimum, maximum and sum stay exact.
//! Timings that the engine measures are in `trend`, which knows their range and is faster.

use super::trend::{EXACT_VALUES, Trend, at_quantile};
use crate::options::TrendStat;
use std::collections::BTreeMap;

/// Distinct buckets that a spilled trend keeps.
const BUCKETS_MAX: usize = 65_536;
/// Bits of a double's fraction (52) that share a bucket, at first.
const FINEST_SHIFT: u32 = 42;

/// Statistics of the numbers recorded so far.
#[derive(Clone, Debug)]
pub struct Numbers {
    stored: Stored,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

#[derive(Clone, Debug)]
enum Stored {
    /// In order of arrival.
    Exact(Vec<f64>),
    Spilled(Buckets),
}

impl Default for Numbers {
    fn default() -> Numbers {
        let stored = Stored::Exact(Vec::new());
        Numbers { stored, count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Numbers {
    pub fn record(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        match &mut self.stored {
            Stored::Exact(values) if values.len() < EXACT_VALUES => values.push(value),
            _ => self.spilled().add(value, 1),
        }
    }

    /// As if `other`'s numbers had been recorded here.
    pub fn merge(&mut self, other: &Numbers) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        match (&mut self.stored, &other.stored) {
            (Stored::Exact(ours), Stored::Exact(theirs)) if ours.len() + theirs.len() <= EXACT_VALUES => {
                ours.extend_from_slice(theirs);
            }
            (_, Stored::Exact(theirs)) => {
                let ours = self.spilled();
                theirs.iter().for_each(|&value| ours.add(value, 1));
            }
            (_, Stored::Spilled(theirs)) => self.spilled().merge(theirs),
        }
    }

    /// As if a trend's milliseconds had been recorded here: a script may add to a built-in metric.
    pub fn merge_times(&mut self, times: &Trend) {
        if times.count() == 0 {
            return;
        }
        self.count += times.count();
        self.sum += times.sum();
        self.min = self.min.min(times.min());
        self.max = self.max.max(times.max());
        times.for_each_value(|ms, n| match &mut self.stored {
            Stored::Exact(values) if values.len() as u64 + n <= EXACT_VALUES as u64 => {
                values.extend(std::iter::repeat_n(ms, n as usize));
            }
            _ => self.spilled().add(ms, n),
        });
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// 0 if there is no number, as all statistics.
    pub fn min(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.min }
    }

    pub fn max(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.max }
    }

    pub fn avg(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / self.count as f64 }
    }

    /// One statistic.
    pub fn stat(&self, stat: &TrendStat) -> f64 {
        self.stats(std::slice::from_ref(stat))[0].1
    }

    /// As `stat` for each, but sorts once.
    pub fn stats(&self, stats: &[TrendStat]) -> Vec<(TrendStat, f64)> {
        let sorted = match &self.stored {
            Stored::Exact(values) if stats.iter().any(needs_ranks) => {
                let mut sorted = values.clone();
                sorted.sort_unstable_by(f64::total_cmp);
                sorted
            }
            _ => Vec::new(),
        };
        let at = |rank: u64| match &self.stored {
            Stored::Exact(_) => sorted[rank as usize],
            Stored::Spilled(_) if rank == 0 => self.min,
            Stored::Spilled(_) if rank + 1 == self.count => self.max,
            Stored::Spilled(buckets) => buckets.at(rank).clamp(self.min, self.max),
        };
        let value = |stat: &TrendStat| match stat {
            TrendStat::Avg => self.avg(),
            TrendStat::Min => self.min(),
            TrendStat::Max => self.max(),
            TrendStat::Count => self.count as f64,
            TrendStat::Med => at_quantile(0.5, self.count, at),
            TrendStat::Percentile { percent, .. } => at_quantile(percent / 100.0, self.count, at),
        };
        stats.iter().map(|stat| (stat.clone(), value(stat))).collect()
    }

    /// The buckets, made from the exact numbers if there are none yet.
    fn spilled(&mut self) -> &mut Buckets {
        if let Stored::Exact(values) = &mut self.stored {
            let mut buckets = Buckets { shift: FINEST_SHIFT, counts: BTreeMap::new() };
            std::mem::take(values).iter().for_each(|&value| buckets.add(value, 1));
            self.stored = Stored::Spilled(buckets);
        }
        match &mut self.stored {
            Stored::Spilled(buckets) => buckets,
            Stored::Exact(_) => unreachable!("spilled above"),
        }
    }
}

fn needs_ranks(stat: &TrendStat) -> bool {
    matches!(stat, TrendStat::Med | TrendStat::Percentile { .. })
}

/// How many numbers lie in each bucket: those whose ordered bits agree above `shift`.
#[derive(Clone, Debug)]
struct Buckets {
    shift: u32,
    counts: BTreeMap<i64, u64>,
}

impl Buckets {
    fn add(&mut self, value: f64, n: u64) {
        *self.counts.entry(ordered_bits(value) >> self.shift).or_default() += n;
        while self.counts.len() > BUCKETS_MAX {
            self.widen();
        }
    }

    fn merge(&mut self, other: &Buckets) {
        while self.shift < other.shift {
            self.widen();
        }
        for (&bucket, &n) in &other.counts {
            *self.counts.entry(bucket >> (self.shift - other.shift)).or_default() += n;
        }
        while self.counts.len() > BUCKETS_MAX {
            self.widen();
        }
    }

    fn widen(&mut self) {
        self.shift += 1;
        for (bucket, n) in std::mem::take(&mut self.counts) {
            *self.counts.entry(bucket >> 1).or_default() += n;
        }
    }

    /// The number of a rank, 0 the smallest; a bucket's numbers are taken as evenly spread.
    fn at(&self, rank: u64) -> f64 {
        let mut before = 0;
        for (&bucket, &count) in &self.counts {
            if rank < before + count {
                // Zeros are the one number that many scripts add by the thousand.
                if bucket == 0 {
                    return 0.0;
                }
                let low = value_of(bucket << self.shift);
                let high = value_of(((bucket + 1) << self.shift) - 1);
                return low + (high - low) * (((rank - before) as f64 + 0.5) / count as f64);
            }
            before += count;
        }
        panic!("rank {rank} of {before} numbers");
    }
}

/// A double's bits as an integer of the same order.
fn ordered_bits(value: f64) -> i64 {
    // Adding zero makes -0 the 0 that it equals.
    swap_order((value + 0.0).to_bits() as i64)
}

fn value_of(ordered: i64) -> f64 {
    f64::from_bits(swap_order(ordered) as u64)
}

/// Negative doubles grow with their magnitude bits, negative integers do not; its own inverse.
fn swap_order(bits: i64) -> i64 {
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[f64]) -> Numbers {
        let mut numbers = Numbers::default();
        values.iter().for_each(|&value| numbers.record(value));
        numbers
    }

    fn stats(texts: &[&str]) -> Vec<TrendStat> {
        texts.iter().map(|text| TrendStat::parse(text).unwrap()).collect()
    }

    #[track_caller]
    fn check(values: &[f64], want: [f64; 7]) {
        let asked = stats(&["avg", "min", "med", "max", "p(90)", "p(95)", "count"]);
        let got: Vec<f64> = numbers(values).stats(&asked).into_iter().map(|(_, value)| value).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn few_numbers_have_the_statistics_of_k6_to_the_digit() {
        check(&[], [0.0; 7]);
        check(&[12.345], [12.345, 12.345, 12.345, 12.345, 12.345, 12.345, 1.0]);
        let signed: Vec<f64> = (-10..=10).map(f64::from).collect();
        check(&signed, [0.0, -10.0, 0.0, 10.0, 8.0, 9.0, 21.0]);
        // 30 iterations of 5 VUs, as k6 recorded them.
        let recorded: Vec<f64> = (0..150).map(|i| f64::from(i / 5) + 0.5).collect();
        check(&recorded, [15.0, 0.5, 15.0, 29.5, 26.599999999999994, 28.5, 150.0]);
    }

    /// A fixed stream of numbers of both signs and many sizes.
    fn stream(count: usize, powers: u64) -> Vec<f64> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut number = || {
            let sign = if next() % 3 == 0 { -1.0 } else { 1.0 };
            let power = (next() % powers) as i32 - powers as i32 / 2;
            sign * (1.0 + (next() % 1_000_000) as f64 / 1e6) * 2_f64.powi(power)
        };
        (0..count).map(|_| number()).collect()
    }

    #[track_caller]
    fn check_close(got: &Numbers, values: &[f64], tolerance: f64) {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        for percent in [1.0, 10.0, 25.0, 33.4, 50.0, 75.0, 90.0, 99.0, 99.9] {
            let exact = at_quantile(percent / 100.0, sorted.len() as u64, |rank| sorted[rank as usize]);
            let got = got.stat(&TrendStat::Percentile { percent, text: String::new() });
            assert!((got - exact).abs() <= exact.abs() * tolerance, "p({percent}): {got} for {exact}");
        }
        assert_eq!(
            (got.count(), got.min(), got.max()),
            (values.len() as u64, sorted[0], sorted[values.len() - 1])
        );
    }

    #[test]
    fn many_numbers_are_within_a_thousandth_of_the_exact_ones() {
        let values = stream(100_000, 20);
        check_close(&numbers(&values), &values, 0.001);
        assert_eq!(numbers(&values).sum(), values.iter().sum::<f64>());
    }

    #[test]
    fn numbers_of_all_sizes_get_wider_buckets() {
        let values = stream(120_000, 600);
        let spilled = numbers(&values);
        match &spilled.stored {
            Stored::Spilled(buckets) => {
                assert!(buckets.counts.len() <= BUCKETS_MAX && buckets.shift > FINEST_SHIFT)
            }
            Stored::Exact(_) => panic!("not spilled"),
        }
        check_close(&spilled, &values, 0.02);
    }

    #[test]
    fn merged_shards_are_the_single_trend() {
        for (count, powers) in [(0, 20), (3, 20), (1_000, 20), (70_000, 20), (120_000, 600)] {
            let values = stream(count, powers);
            let mut merged = Numbers::default();
            for shard in values.chunks(count.div_ceil(4).max(1)) {
                merged.merge(&numbers(shard));
            }
            let whole = numbers(&values);
            let asked = stats(&["min", "med", "max", "p(1)", "p(99)", "count"]);
            assert_eq!(merged.stats(&asked), whole.stats(&asked), "{count}");
        }
    }

    #[test]
    fn zeros_stay_zeros() {
        let mut values = vec![-0.0; 100_000];
        values.extend([1.0; 10]);
        let spilled = numbers(&values);
        assert_eq!((spilled.stat(&TrendStat::Med), spilled.min(), spilled.max()), (0.0, 0.0, 1.0));
    }

    #[test]
    fn timings_may_be_merged_in() {
        let mut times = Trend::default();
        times.record_n(0, 2);
        times.record_n(2_500_000, 2);
        let mut merged = numbers(&[-1.0]);
        merged.merge_times(&times);
        merged.merge_times(&Trend::default());
        assert_eq!((merged.count(), merged.min(), merged.max(), merged.sum()), (5, -1.0, 2.5, 4.0));
        assert_eq!(merged.stat(&TrendStat::Med), 0.0);
        (0..100_000).for_each(|ns| times.record(ns));
        merged.merge_times(&times);
        assert_eq!((merged.count(), merged.max()), (100_009, 2.5));
        let med = merged.stat(&TrendStat::Med);
        assert!((med - 0.05).abs() < 0.0001, "{med}");
    }
}
