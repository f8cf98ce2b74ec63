//! How values of one window are spread, in some hundred bytes.
//!
//! Counting is in a `Spread`: 128 equal buckets for each power of two, so a bucket is at most 0.8 %
//! wide and a percentile within that of the true one; count, sum, smallest and largest are exact.
//! What is kept of a window is a `Digest`: the buckets in use, as differences of variable length.

/// Buckets for each power of two, as a power of two.
const PRECISION: u32 = 7;
/// One for each value below 128 ns, then 128 for each power of two.
const BUCKETS: usize = (64 - PRECISION as usize + 1) << PRECISION;

/// Counts in all buckets, for the window that is being filled.
#[derive(Clone, Debug)]
pub struct Spread {
    counts: Vec<u32>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Default for Spread {
    fn default() -> Spread {
        Spread { counts: Vec::new(), count: 0, sum: 0, min: u64::MAX, max: 0 }
    }
}

impl Spread {
    #[inline]
    pub fn record(&mut self, value: u64, n: u64) {
        if self.counts.is_empty() {
            self.counts.resize(BUCKETS, 0);
        }
        let bucket = &mut self.counts[bucket_of(value)];
        *bucket = bucket.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        self.count += n;
        self.sum += u128::from(value) * u128::from(n);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    pub fn add(&mut self, digest: &Digest) {
        if digest.count == 0 {
            return;
        }
        if self.counts.is_empty() {
            self.counts.resize(BUCKETS, 0);
        }
        digest.for_each(|bucket, n| self.counts[bucket] = self.counts[bucket].saturating_add(n));
        self.count += digest.count;
        self.sum += digest.sum;
        self.min = self.min.min(digest.min);
        self.max = self.max.max(digest.max);
    }

    /// What is kept of it.
    pub fn digest(&self) -> Digest {
        let mut buckets = Vec::new();
        let mut before = 0;
        for bucket in self.used() {
            if self.counts[bucket] > 0 {
                write_number(&mut buckets, (bucket - before) as u32);
                write_number(&mut buckets, self.counts[bucket]);
                before = bucket;
            }
        }
        let Spread { count, sum, min, max, .. } = *self;
        Digest { count, sum, min, max, buckets: buckets.into_boxed_slice() }
    }

    pub fn clear(&mut self) {
        let used = self.used();
        self.counts[used].fill(0);
        *self = Spread { counts: std::mem::take(&mut self.counts), ..Spread::default() };
    }
}

impl Spread {
    /// All buckets that are not 0 are among these.
    fn used(&self) -> std::ops::Range<usize> {
        if self.count == 0 { 0..0 } else { bucket_of(self.min)..bucket_of(self.max) + 1 }
    }
}

/// A spread that was put away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
    buckets: Box<[u8]>,
}

impl Default for Digest {
    fn default() -> Digest {
        Spread::default().digest()
    }
}

impl Digest {
    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// 0 if there is no value; as of the others.
    pub fn max(&self) -> u64 {
        self.max
    }

    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 }
    }

    /// The values below which shares of all lie; `shares` ascending, from 0 to 1.
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [f64; N] {
        let mut values = [0.0; N];
        let (mut before, mut next) = (0, 0);
        self.for_each(|bucket, n| {
            // The values of a bucket are taken as evenly spread.
            while next < N && shares[next] * (self.count - 1) as f64 <= (before + u64::from(n) - 1) as f64 {
                let share = (shares[next] * (self.count - 1) as f64 - before as f64 + 0.5) / f64::from(n);
                let (lowest, width) = bounds_of(bucket);
                let value = lowest + width * share.clamp(0.0, 1.0);
                values[next] = value.clamp(self.min as f64, self.max as f64);
                next += 1;
            }
            before += u64::from(n);
        });
        // Between the values of two buckets, and where counts were cut off.
        values[next..].fill(self.max as f64);
        values
    }

    fn for_each(&self, mut take: impl FnMut(usize, u32)) {
        let mut rest = &*self.buckets;
        let mut bucket = 0;
        while !rest.is_empty() {
            bucket += read_number(&mut rest) as usize;
            take(bucket, read_number(&mut rest));
        }
    }
}

#[inline]
fn bucket_of(value: u64) -> usize {
    if value < 1 << PRECISION {
        return value as usize;
    }
    let shift = 63 - value.leading_zeros() - PRECISION;
    ((shift as usize) << PRECISION) + (value >> shift) as usize
}

/// The lowest value of a bucket, and how far the highest is above it.
fn bounds_of(bucket: usize) -> (f64, f64) {
    if bucket < 2 << PRECISION {
        return (bucket as f64, 0.0);
    }
    let shift = (bucket >> PRECISION) - 1;
    let step = (1u64 << shift) as f64;
    ((bucket - (shift << PRECISION)) as f64 * step, step - 1.0)
}

fn write_number(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_number(from: &mut &[u8]) -> u32 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = from[0];
        *from = &from[1..];
        number |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return number;
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread_of(values: impl IntoIterator<Item = u64>) -> Spread {
        let mut spread = Spread::default();
        values.into_iter().for_each(|value| spread.record(value, 1));
        spread
    }

    /// From 1 ns to 2^63, no two alike.
    fn values() -> Vec<u64> {
        (0..20_000u64).map(|i| (1 << (i % 63)) + i * 977 % (1 << (i % 63))).collect()
    }

    #[test]
    fn a_value_lies_in_its_bucket_and_buckets_are_narrow() {
        for value in values().into_iter().chain([0, 127, 128, 129, 255, 256, 257, u64::MAX]) {
            let (lowest, width) = bounds_of(bucket_of(value));
            assert!(lowest <= value as f64 && value as f64 <= lowest + width, "{value}: {lowest} + {width}");
            assert!(width <= lowest / 128.0, "{value}");
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_within_the_width_of_a_bucket() {
        let mut values: Vec<u64> = (0..10_000).map(|i| 50_000 + i * i).collect();
        let digest = spread_of(values.iter().copied()).digest();
        values.sort_unstable();
        let shares = [0.0, 0.5, 0.9, 0.95, 0.99, 1.0];
        for (share, got) in shares.into_iter().zip(digest.quantiles(shares)) {
            let exact = values[(share * (values.len() - 1) as f64) as usize] as f64;
            assert!((got - exact).abs() <= exact * 0.008, "{share}: {got} for {exact}");
        }
        assert_eq!((digest.count(), digest.max()), (10_000, 50_000 + 9_999 * 9_999));
        assert_eq!(digest.sum(), values.iter().map(|&value| u128::from(value)).sum());
    }

    #[test]
    fn one_value_is_every_percentile() {
        assert_eq!(spread_of([1_234_567]).digest().quantiles([0.0, 0.5, 1.0]), [1_234_567.0; 3]);
        assert_eq!(Digest::default().quantiles([0.5]), [0.0]);
        assert_eq!(spread_of([0, 0, 0]).digest().quantiles([0.5]), [0.0]);
    }

    #[test]
    fn merged_digests_are_the_whole() {
        let values = values();
        let mut merged = Spread::default();
        values.chunks(7_001).for_each(|part| merged.add(&spread_of(part.iter().copied()).digest()));
        assert_eq!(merged.digest(), spread_of(values).digest());
        merged.clear();
        assert_eq!(merged.digest(), Digest::default());
    }

    #[test]
    fn a_digest_of_a_busy_window_is_small() {
        let digest = spread_of((0..15_000u64).map(|i| 300_000 + i * 40)).digest();
        assert!(digest.buckets.len() < 1_000, "{}", digest.buckets.len());
    }
}
