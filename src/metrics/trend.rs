//! A trend: what k6 calls the statistics of many values, here of nanoseconds shown as milliseconds.
//!
//! Up to `EXACT_VALUES` values are kept as they are, so percentiles are k6's to the digit; more
//! spill into an HdrHistogram of three significant digits (0.1 %), so memory is bounded. Count,
//! minimum, maximum and sum stay exact. Zeros are a count and take no room. Values are held in
//! milliseconds, `ns / 1e6` as k6 computes it. A user's own numbers are in `numbers`. Lives on the
//! control thread; workers only append.

use crate::options::TrendStat;
use hdrhistogram::Histogram;

/// Non-zero values that a trend keeps exactly before it spills.
pub const EXACT_VALUES: usize = 65_536;

const NS_PER_MS: f64 = 1e6;
/// 146 years. Far above any timing, far below where bucket arithmetic would overflow.
const LARGEST_SPILLED_NS: u64 = 1 << 62;

/// Statistics of the values recorded so far.
#[derive(Clone, Debug)]
pub struct Trend {
    zeros: u64,
    stored: Stored,
    /// Non-zero values, wherever they are stored.
    stored_count: u64,
    /// Of the non-zero values; `u64::MAX` and 0 if there are none.
    min_ns: u64,
    max_ns: u64,
    sum_ns: u128,
}

#[derive(Clone, Debug)]
enum Stored {
    /// Milliseconds, in order of arrival.
    Exact(Vec<f64>),
    /// Nanoseconds.
    Spilled(Box<Histogram<u64>>),
}

impl Default for Trend {
    fn default() -> Trend {
        Trend {
            zeros: 0,
            stored: Stored::Exact(Vec::new()),
            stored_count: 0,
            min_ns: u64::MAX,
            max_ns: 0,
            sum_ns: 0,
        }
    }
}

impl Trend {
    #[inline]
    pub fn record(&mut self, ns: u64) {
        self.record_n(ns, 1);
    }

    /// `n` equal values; zeros cost the same however many.
    #[inline]
    pub fn record_n(&mut self, ns: u64, n: u64) {
        if ns == 0 || n == 0 {
            self.zeros += n;
            return;
        }
        self.min_ns = self.min_ns.min(ns);
        self.max_ns = self.max_ns.max(ns);
        self.sum_ns += u128::from(ns) * u128::from(n);
        self.stored_count += n;
        match &mut self.stored {
            Stored::Spilled(histogram) => spill_into(histogram, ns, n),
            Stored::Exact(_) if self.stored_count > EXACT_VALUES as u64 => spill_into(self.spilled(), ns, n),
            Stored::Exact(values) if n == 1 => values.push(ms_of(ns)),
            Stored::Exact(values) => values.extend(std::iter::repeat_n(ms_of(ns), n as usize)),
        }
    }

    /// As if `other`'s values had been recorded here.
    pub fn merge(&mut self, other: &Trend) {
        self.zeros += other.zeros;
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
        self.sum_ns += other.sum_ns;
        self.stored_count += other.stored_count;
        match (&mut self.stored, &other.stored) {
            (Stored::Exact(ours), Stored::Exact(theirs)) if ours.len() + theirs.len() <= EXACT_VALUES => {
                ours.extend_from_slice(theirs);
            }
            (_, Stored::Exact(theirs)) => {
                let ours = self.spilled();
                theirs.iter().for_each(|&ms| spill_into(ours, ns_of(ms), 1));
            }
            (_, Stored::Spilled(theirs)) => {
                // Fails only when bounds are fixed; ours grow.
                self.spilled().add(theirs.as_ref()).expect("a growing histogram takes any other");
            }
        }
    }

    pub fn count(&self) -> u64 {
        self.zeros + self.stored_count
    }

    /// Whether percentiles are still those of the values themselves.
    pub fn is_exact(&self) -> bool {
        matches!(self.stored, Stored::Exact(_))
    }

    /// The smallest value in milliseconds; 0 if there is none.
    pub fn min(&self) -> f64 {
        if self.zeros > 0 || self.stored_count == 0 { 0.0 } else { ms_of(self.min_ns) }
    }

    /// The largest value in milliseconds; 0 if there is none.
    pub fn max(&self) -> f64 {
        ms_of(self.max_ns)
    }

    /// Milliseconds.
    pub fn sum(&self) -> f64 {
        self.sum_ns as f64 / NS_PER_MS
    }

    /// The mean in milliseconds; 0 if there is no value.
    pub fn avg(&self) -> f64 {
        if self.count() == 0 { 0.0 } else { self.sum() / self.count() as f64 }
    }

    /// The value below which a share `q` (0 to 1) of the values lies, in milliseconds, by k6's
    /// rule: linear between the two nearest ranks; 0 if there is no value.
    pub fn quantile(&self, q: f64) -> f64 {
        self.ranked().quantile(q)
    }

    /// One statistic in milliseconds (`count`: a number).
    pub fn stat(&self, stat: &TrendStat) -> f64 {
        match stat {
            TrendStat::Avg => self.avg(),
            TrendStat::Min => self.min(),
            TrendStat::Med => self.quantile(0.5),
            TrendStat::Max => self.max(),
            TrendStat::Count => self.count() as f64,
            TrendStat::Percentile { percent, .. } => self.quantile(percent / 100.0),
        }
    }

    /// As `stat` for each, but sorts once.
    pub fn stats(&self, stats: &[TrendStat]) -> Vec<(TrendStat, f64)> {
        let ranked = self.ranked();
        let value = |stat: &TrendStat| match stat {
            TrendStat::Med => ranked.quantile(0.5),
            TrendStat::Percentile { percent, .. } => ranked.quantile(percent / 100.0),
            other => self.stat(other),
        };
        stats.iter().map(|stat| (stat.clone(), value(stat))).collect()
    }

    /// Every value in milliseconds, and how often; after the spill the middle of its bucket.
    pub(super) fn for_each_value(&self, mut take: impl FnMut(f64, u64)) {
        if self.zeros > 0 {
            take(0.0, self.zeros);
        }
        match &self.stored {
            Stored::Exact(values) => values.iter().for_each(|&ms| take(ms, 1)),
            Stored::Spilled(histogram) => {
                for bucket in histogram.iter_recorded() {
                    let middle = histogram.median_equivalent(bucket.value_iterated_to());
                    take(ms_of(middle), bucket.count_since_last_iteration());
                }
            }
        }
    }

    /// The histogram, made from the exact values if there is none yet.
    #[cold]
    fn spilled(&mut self) -> &mut Histogram<u64> {
        if let Stored::Exact(values) = &mut self.stored {
            let mut histogram = Histogram::new(3).expect("three significant digits are allowed");
            std::mem::take(values).iter().for_each(|&ms| spill_into(&mut histogram, ns_of(ms), 1));
            self.stored = Stored::Spilled(Box::new(histogram));
        }
        match &mut self.stored {
            Stored::Spilled(histogram) => histogram,
            Stored::Exact(_) => unreachable!("spilled above"),
        }
    }

    fn ranked(&self) -> Ranked<'_> {
        let values = match &self.stored {
            Stored::Exact(values) => {
                let mut sorted = values.clone();
                sorted.sort_unstable_by(f64::total_cmp);
                RankedValues::Sorted(sorted)
            }
            Stored::Spilled(histogram) => RankedValues::Buckets(histogram),
        };
        Ranked { trend: self, values }
    }
}

fn ms_of(ns: u64) -> f64 {
    ns as f64 / NS_PER_MS
}

/// Exact for every value that began as nanoseconds: the two roundings together stay below half
/// a nanosecond up to 26 days.
fn ns_of(ms: f64) -> u64 {
    (ms * NS_PER_MS).round() as u64
}

#[inline]
fn spill_into(histogram: &mut Histogram<u64>, ns: u64, n: u64) {
    histogram.record_n(ns.min(LARGEST_SPILLED_NS), n).expect("a growing histogram takes any value");
}

/// k6's rule: linear between the two nearest ranks; 0 if there is no value.
pub(super) fn at_quantile(q: f64, count: u64, at: impl Fn(u64) -> f64) -> f64 {
    if count == 0 {
        return 0.0;
    }
    let position = q * (count - 1) as f64;
    let below = at(position.floor() as u64);
    let above = at(position.ceil() as u64);
    below + (above - below) * (position - position.floor())
}

/// A trend whose values can be asked for by rank.
struct Ranked<'a> {
    trend: &'a Trend,
    values: RankedValues<'a>,
}

enum RankedValues<'a> {
    Sorted(Vec<f64>),
    Buckets(&'a Histogram<u64>),
}

impl Ranked<'_> {
    fn quantile(&self, q: f64) -> f64 {
        at_quantile(q, self.trend.count(), |rank| self.at(rank))
    }

    /// The value of a rank, 0 the smallest, in milliseconds.
    fn at(&self, rank: u64) -> f64 {
        let Some(rank) = rank.checked_sub(self.trend.zeros) else { return 0.0 };
        match &self.values {
            RankedValues::Sorted(values) => values[rank as usize],
            RankedValues::Buckets(_) if rank == 0 => ms_of(self.trend.min_ns),
            RankedValues::Buckets(_) if rank + 1 >= self.trend.stored_count => self.trend.max(),
            RankedValues::Buckets(histogram) => {
                bucket_value(histogram, rank).clamp(ms_of(self.trend.min_ns), self.trend.max())
            }
        }
    }
}

/// The value of a rank, its bucket's values taken as evenly spread; milliseconds.
fn bucket_value(histogram: &Histogram<u64>, rank: u64) -> f64 {
    let mut before = 0;
    for bucket in histogram.iter_recorded() {
        let count = bucket.count_since_last_iteration();
        if rank < before + count {
            let lowest = histogram.lowest_equivalent(bucket.value_iterated_to());
            let widest_step = (histogram.equivalent_range(lowest) - 1) as f64;
            let share = ((rank - before) as f64 + 0.5) / count as f64;
            return (lowest as f64 + widest_step * share) / NS_PER_MS;
        }
        before += count;
    }
    panic!("rank {rank} of {before} values");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fixed stream of values that looks like latencies: 1 µs to about 4 s, most of them short.
    fn latencies(count: usize) -> Vec<u64> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        (0..count)
            .map(|_| 1_000 + (next() % 1_000_000) * (1 + (next() % 4_000) / (1 + next() % 64)))
            .collect()
    }

    fn trend_of(values: &[u64]) -> Trend {
        let mut trend = Trend::default();
        values.iter().for_each(|&ns| trend.record(ns));
        trend
    }

    #[track_caller]
    fn check(values_ms: &[f64], q: f64, want_ms: f64) {
        let ns: Vec<u64> = values_ms.iter().map(|ms| (ms * NS_PER_MS) as u64).collect();
        assert_eq!(trend_of(&ns).quantile(q), want_ms);
    }

    #[test]
    fn percentiles_are_linear_between_ranks_as_in_k6() {
        check(&[], 0.5, 0.0);
        check(&[7.5], 0.95, 7.5);
        check(&[4.0, 1.0, 3.0, 2.0], 0.5, 2.5);
        check(&[10.0, 20.0], 0.9, 19.0);
        check(&[1.0, 2.0, 3.0], 0.0, 1.0);
        check(&[1.0, 2.0, 3.0], 1.0, 3.0);
        check(&[0.0, 0.0, 4.0], 0.75, 2.0);
    }

    #[test]
    fn every_stat_is_in_milliseconds_and_count_is_a_number() {
        let trend = trend_of(&[1_000_000, 2_000_000, 6_000_000]);
        let asked: Vec<TrendStat> = ["avg", "min", "med", "max", "count", "p(75)"]
            .iter()
            .map(|text| TrendStat::parse(text).unwrap())
            .collect();
        let got: Vec<f64> = trend.stats(&asked).into_iter().map(|(_, value)| value).collect();
        assert_eq!(got, [3.0, 1.0, 2.0, 6.0, 3.0, 4.0]);
        assert_eq!(got, asked.iter().map(|stat| trend.stat(stat)).collect::<Vec<_>>());
    }

    #[test]
    fn zeros_in_bulk_take_no_room_and_keep_the_rest_exact() {
        let mut trend = trend_of(&[3_000_000]);
        trend.record_n(0, 10_000_000_000);
        assert!(trend.is_exact());
        assert_eq!((trend.count(), trend.min(), trend.max()), (10_000_000_001, 0.0, 3.0));
        assert_eq!((trend.quantile(0.999), trend.quantile(1.0)), (0.0, 3.0));
    }

    #[track_caller]
    fn check_same(got: &Trend, want: &Trend) {
        assert_eq!(got.is_exact(), want.is_exact());
        assert_eq!(
            (got.count(), got.min(), got.max(), got.sum_ns),
            (want.count(), want.min(), want.max(), want.sum_ns)
        );
        for q in [0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0] {
            assert_eq!(got.quantile(q), want.quantile(q), "at {q}");
        }
    }

    #[test]
    fn merged_shards_are_the_single_trend() {
        for count in [0, 1, 2, 1_000, EXACT_VALUES, EXACT_VALUES + 1, 200_000, 600_000] {
            let mut values = latencies(count);
            values.iter_mut().step_by(5).for_each(|ns| *ns = 0);
            let mut merged = Trend::default();
            for shard in values.chunks(count.div_ceil(3).max(1)) {
                merged.merge(&trend_of(shard));
            }
            check_same(&merged, &trend_of(&values));
        }
    }

    #[test]
    fn n_at_once_are_n_one_by_one() {
        for n in [1_u64, 16, 70_000] {
            let mut bulk = Trend::default();
            let mut single = Trend::default();
            for ns in latencies(50) {
                bulk.record_n(ns, n);
                (0..n).for_each(|_| single.record(ns));
            }
            check_same(&bulk, &single);
        }
    }

    #[test]
    fn spilled_percentiles_are_within_a_thousandth_of_the_exact_ones() {
        let values = latencies(1_000_000);
        let trend = trend_of(&values);
        assert!(!trend.is_exact());
        let mut sorted: Vec<f64> = values.iter().map(|&ns| ms_of(ns)).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        for q in [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999] {
            let position = q * (sorted.len() - 1) as f64;
            let (low, high) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
            let exact = low + (high - low) * position.fract();
            let got = trend.quantile(q);
            assert!((got - exact).abs() <= exact * 0.001, "p{}: {got} for {exact}", q * 100.0);
        }
        assert_eq!(trend.min(), sorted[0]);
        assert_eq!(trend.max(), sorted[sorted.len() - 1]);
        assert_eq!(trend.sum_ns, values.iter().map(|&ns| u128::from(ns)).sum());
    }

    #[test]
    fn spilling_gives_back_the_very_nanoseconds() {
        for ns in latencies(10_000).into_iter().chain([1, 999, 86_400_000_000_000, (1 << 51) - 1]) {
            assert_eq!(ns_of(ms_of(ns)), ns);
        }
    }
}
