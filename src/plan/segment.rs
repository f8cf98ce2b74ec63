//! Execution segments: which part of a test this instance runs, and the global indexes it owns.
//!
//! A test may be split among machines by fractions. Each index (of a VU or an iteration) belongs
//! to exactly one segment; the segments' indexes are striped, not blocked, so that every segment
//! ramps at the test's pace. The rule is k6's, index for index: instances of both may be mixed.

use super::ratio::{Ratio, gcd};
use std::fmt;

/// Indexes in one period of the striping, at most: it is held in memory.
const PERIOD_MAX: u64 = 100_000_000;

/// The part `(from, to]` of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    from: Ratio,
    to: Ratio,
}

impl Segment {
    pub const WHOLE: Segment = Segment { from: Ratio::ZERO, to: Ratio::ONE };

    fn new(from: Ratio, to: Ratio) -> Result<Segment, String> {
        if from < Ratio::ZERO {
            return Err(format!("segment start value must be at least 0 but was {}", from.two_decimals()));
        }
        if from >= to {
            return Err(format!(
                "segment start({}) must be less than its end({})",
                from.two_decimals(),
                to.two_decimals()
            ));
        }
        if to > Ratio::ONE {
            return Err(format!("segment end value can't be more than 1 but was {}", to.two_decimals()));
        }
        Ok(Segment { from, to })
    }

    /// Reads `from:to`, or `to` alone for `0:to`; empty is the whole test.
    pub fn parse(text: &str) -> Result<Segment, String> {
        if text.is_empty() {
            return Ok(Segment::WHOLE);
        }
        let (from, to) = text.split_once(':').unwrap_or(("0", text));
        Segment::new(Ratio::parse(from)?, Ratio::parse(to)?)
    }
}

/// `0:1/3`
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.from, self.to)
    }
}

/// Segments that follow each other without a gap; empty when the user gave none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentSequence(Vec<Segment>);

impl SegmentSequence {
    /// Reads the points `0,1/3,2/3,1`; empty is no sequence.
    pub fn parse(text: &str) -> Result<SegmentSequence, String> {
        if text.is_empty() {
            return Ok(SegmentSequence::default());
        }
        let points: Vec<&str> = text.split(',').collect();
        if points.len() < 2 {
            return Err(format!(
                "at least 2 points are needed for an execution segment sequence, {} given",
                points.len()
            ));
        }
        let mut from = Ratio::parse(points[0])?;
        let mut segments = Vec::new();
        for point in &points[1..] {
            let to = Ratio::parse(point)?;
            segments.push(Segment::new(from, to)?);
            from = to;
        }
        Ok(SegmentSequence(segments))
    }

    /// One more segment before and after, where something is missing from the whole.
    fn fill(mut self) -> SegmentSequence {
        match (self.0.first(), self.0.last()) {
            (Some(&Segment { from, .. }), Some(&Segment { to, .. })) => {
                if from > Ratio::ZERO {
                    self.0.insert(0, Segment { from: Ratio::ZERO, to: from });
                }
                if to < Ratio::ONE {
                    self.0.push(Segment { from: to, to: Ratio::ONE });
                }
            }
            _ => self.0.push(Segment::WHOLE),
        }
        self
    }
}

/// `0,1/3,1`
impl fmt::Display for SegmentSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.0.first() {
            write!(f, "{}", first.from)?;
        }
        self.0.iter().try_for_each(|segment| write!(f, ",{}", segment.to))
    }
}

/// One segment's place in a complete sequence: how many of every `Σ weights` consecutive indexes
/// each segment owns (in the lowest terms), and which segment is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion {
    weights: Vec<u64>,
    mine: usize,
}

impl Portion {
    pub fn whole() -> Portion {
        Portion { weights: vec![1], mine: 0 }
    }

    /// `segment` within `sequence`; a sequence that the user did not give is made from the segment.
    pub fn new(segment: Segment, sequence: &SegmentSequence) -> Result<Portion, String> {
        let sequence = match sequence.0.is_empty() {
            true => SegmentSequence(vec![segment]).fill(),
            false => sequence.clone().fill(),
        };
        let mine = sequence
            .0
            .iter()
            .position(|&other| other == segment)
            .ok_or_else(|| format!("provided segment {segment} can't be found in sequence {sequence}"))?;
        let weights = weights(&sequence.0).ok_or_else(|| {
            format!(
                "execution segment sequence {sequence} is too fine: \
                 its lengths need a common denominator of at most {PERIOD_MAX}"
            )
        })?;
        Ok(Portion { weights, mine })
    }

    pub fn stripes(&self) -> SegmentStripes {
        SegmentStripes { period: self.weights.iter().sum(), offsets: owned(&self.weights, self.mine) }
    }

    /// Of the whole.
    pub fn length(&self) -> f64 {
        self.weights[self.mine] as f64 / self.weights.iter().sum::<u64>() as f64
    }

    /// The portion when the segments' lengths are what they own of `value`, so that, say,
    /// iterations are given only to segments that have VUs. `None`: nothing of it is ours.
    pub fn by_value(&self, value: u64) -> Option<Portion> {
        let scaled: Vec<u64> = (0..self.weights.len())
            .map(|mine| Portion { weights: self.weights.clone(), mine }.stripes().scale(value))
            .collect();
        let divisor = scaled.iter().fold(0, |divisor, &part| gcd(divisor, u128::from(part))) as u64;
        if scaled[self.mine] == 0 {
            return None;
        }
        Some(Portion {
            mine: scaled[..self.mine].iter().filter(|&&part| part > 0).count(),
            weights: scaled.iter().filter(|&&part| part > 0).map(|part| part / divisor).collect(),
        })
    }
}

/// Lengths over their lowest common denominator; `None` when that is above `PERIOD_MAX`.
fn weights(segments: &[Segment]) -> Option<Vec<u64>> {
    let lengths: Option<Vec<Ratio>> = segments.iter().map(|segment| segment.to.minus(segment.from)).collect();
    let lengths = lengths?;
    let period = lengths.iter().try_fold(1u128, |period, length| {
        let denominator = length.denominator as u128;
        let period = period / gcd(period, denominator) * denominator;
        (period <= u128::from(PERIOD_MAX)).then_some(period)
    })? as i128;
    Some(lengths.iter().map(|length| (length.numerator * (period / length.denominator)) as u64).collect())
}

/// Deals one period of indexes: the largest segment first, each as soon as it falls behind its
/// fair share; keeps those of segment `mine`.
fn owned(weights: &[u64], mine: usize) -> Vec<u64> {
    let period: u64 = weights.iter().sum();
    let mut by_size: Vec<usize> = (0..weights.len()).collect();
    by_size.sort_by_key(|&segment| std::cmp::Reverse(weights[segment]));
    let mut chosen = vec![0u64; weights.len()];
    let mut offsets = Vec::with_capacity(weights[mine] as usize);
    for index in 0..period {
        let taker = by_size.iter().copied().find(|&segment| {
            u128::from(index) * u128::from(weights[segment])
                >= u128::from(chosen[segment]) * u128::from(period)
        });
        // If all were ahead of their share, more than `index` indexes would have been dealt.
        let taker = taker.expect("some segment is not ahead of its share");
        chosen[taker] += 1;
        if taker == mine {
            offsets.push(index);
        }
    }
    offsets
}

/// The global indexes of one segment: `offsets`, again in every `period`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentStripes {
    period: u64,
    offsets: Vec<u64>,
}

impl SegmentStripes {
    /// Owns no index.
    pub const NONE: SegmentStripes = SegmentStripes { period: 1, offsets: Vec::new() };

    /// How many of the first `count` global indexes are owned.
    pub fn scale(&self, count: u64) -> u64 {
        let rest = count % self.period;
        (count / self.period) * self.offsets.len() as u64
            + self.offsets.partition_point(|&offset| offset < rest) as u64
    }

    /// The `nth` owned global index (from 0). Must own some.
    pub fn nth(&self, nth: u64) -> u64 {
        let owned = self.offsets.len() as u64;
        (nth / owned) * self.period + self.offsets[(nth % owned) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portion(segment: &str, sequence: &str) -> Result<Portion, String> {
        Portion::new(Segment::parse(segment)?, &SegmentSequence::parse(sequence)?)
    }

    #[track_caller]
    fn check_owned(segment: &str, sequence: &str, period: u64, offsets: &[u64]) {
        let stripes = portion(segment, sequence).unwrap().stripes();
        assert_eq!(stripes, SegmentStripes { period, offsets: offsets.to_vec() });
    }

    #[track_caller]
    fn check_refused(segment: &str, sequence: &str, want: &str) {
        assert_eq!(portion(segment, sequence).unwrap_err(), want);
    }

    #[test]
    fn segments_own_stripes_largest_first() {
        check_owned("0:1/2", "0,1/2,5/6,1", 6, &[0, 2, 4]);
        check_owned("1/2:5/6", "0,1/2,5/6,1", 6, &[1, 3]);
        check_owned("5/6:1", "0,1/2,5/6,1", 6, &[5]);
        check_owned("50%", "0,50%,75%,1", 4, &[0, 2]);
        check_owned("50%:75%", "0,50%,75%,1", 4, &[1]);
        check_owned("0.75:1", "0,50%,75%,1", 4, &[3]);
    }

    #[test]
    fn what_the_user_left_out_of_the_sequence_is_filled() {
        check_owned("", "", 1, &[0]);
        check_owned("0:1", "", 1, &[0]);
        check_owned("2/5:4/5", "", 5, &[1, 4]);
        check_owned("0:0.2", "", 5, &[1]);
        check_owned("1/3:2/3", "1/3,2/3", 3, &[1]);
    }

    #[test]
    fn scaling_counts_the_owned_indexes() {
        let want = [("0:1/2", [1, 1, 3, 5, 50]), ("1/2:5/6", [0, 1, 2, 4, 34]), ("5/6:1", [0, 0, 0, 1, 16])];
        for (segment, want) in want {
            let stripes = portion(segment, "0,1/2,5/6,1").unwrap().stripes();
            assert_eq!([1, 2, 5, 10, 100].map(|count| stripes.scale(count)), want, "{segment}");
        }
    }

    #[test]
    fn by_value_the_lengths_are_what_the_segments_own_of_it() {
        let by = |segment, value| portion(segment, "0,1/2,5/6,1").unwrap().by_value(value);
        // Of 10, the segments own 5, 4 and 1; of 5: 3, 2 and none.
        assert_eq!(by("1/2:5/6", 10), Some(Portion { weights: vec![5, 4, 1], mine: 1 }));
        assert_eq!(by("1/2:5/6", 5), Some(Portion { weights: vec![3, 2], mine: 1 }));
        assert_eq!(by("5/6:1", 5), None);
        assert_eq!(by("0:1/2", 1), Some(Portion { weights: vec![1], mine: 0 }));
        for whole_periods in [6, 60] {
            assert_eq!(by("5/6:1", whole_periods), Some(portion("5/6:1", "0,1/2,5/6,1").unwrap()));
        }
    }

    #[test]
    fn impossible_segments_are_refused_in_k6s_words() {
        check_refused("-0.5:1", "", "segment start value must be at least 0 but was -0.50");
        check_refused("2/3:1/3", "", "segment start(0.67) must be less than its end(0.33)");
        check_refused("0", "", "segment start(0.00) must be less than its end(0.00)");
        check_refused("0.5:3/2", "", "segment end value can't be more than 1 but was 1.50");
        check_refused("1:2:3", "", "'2:3' is not a valid percentage, decimal, fraction or interval value");
        check_refused(
            "0:1/2",
            "1",
            "at least 2 points are needed for an execution segment sequence, 1 given",
        );
        check_refused("0:1/2", "0,2/3,1", "provided segment 0:1/2 can't be found in sequence 0,2/3,1");
        check_refused("", "0,1/2", "provided segment 0:1 can't be found in sequence 0,1/2,1");
    }

    #[test]
    fn a_sequence_too_fine_to_stripe_is_refused() {
        check_refused(
            "0.000000001",
            "",
            "execution segment sequence 0,1/1000000000,1 is too fine: \
             its lengths need a common denominator of at most 100000000",
        );
    }
}
