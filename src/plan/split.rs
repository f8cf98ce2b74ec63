//! A plan's exact split: first among the instances of a test by execution segment, then among the
//! workers of this instance.
//!
//! Each global index (of a VU or an iteration) has one owner, so what the shares do together is
//! what the unsplit plan does. Workers deal the instance's VUs out in turn, and an iteration goes
//! to the worker that would own the VU in its place: nobody is given iterations without VUs.

use super::segment::SegmentStripes;

pub use super::segment::{Portion, Segment, SegmentSequence};

/// What one worker runs of every scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    portion: Portion,
    worker: u64,
    workers: u64,
}

impl Share {
    /// The whole test in one worker.
    pub fn whole() -> Share {
        Share::worker(0, 1)
    }

    /// Worker `worker` (from 0) of `workers` that run a whole test.
    pub fn worker(worker: u32, workers: u32) -> Share {
        Share::of(Portion::whole(), worker, workers)
    }

    /// Worker `worker` (from 0) of `workers` that run `portion` of a test.
    pub fn of(portion: Portion, worker: u32, workers: u32) -> Share {
        assert!(worker < workers, "worker {worker} of {workers}");
        Share { portion, worker: worker.into(), workers: workers.into() }
    }

    /// The indexes of this share where nothing but the share decides: VUs, and the iterations of
    /// executors whose VUs loop on their own.
    pub fn stripes(&self) -> Stripes {
        Stripes::new(self.portion.stripes(), self.worker, self.workers, self.workers)
    }

    /// The iterations of this share where they are dealt to `vus` VUs.
    pub fn stripes_over(&self, vus: u64) -> Stripes {
        self.stripes_over_rounds(vus, |vus_of_instance| vus_of_instance)
    }

    /// As `stripes_over`, but as even in time as can be: the workers take turns without regard to
    /// who has a VU more, as long as all have one.
    pub fn even_stripes_over(&self, vus: u64) -> Stripes {
        self.stripes_over_rounds(vus, |vus_of_instance| vus_of_instance.min(self.workers))
    }

    fn stripes_over_rounds(&self, vus: u64, round: impl Fn(u64) -> u64) -> Stripes {
        let segment = self.portion.by_value(vus).map_or(SegmentStripes::NONE, |portion| portion.stripes());
        let vus_of_instance = self.portion.stripes().scale(vus);
        Stripes::new(segment, self.worker, self.workers, round(vus_of_instance))
    }

    /// How many of `count` VUs are this share's. VU counts end here: 2^32 do not fit a machine.
    pub(super) fn vus(&self, count: u64) -> u32 {
        u32::try_from(self.stripes().scale(count)).unwrap_or(u32::MAX)
    }
}

/// The global indexes (from 0) that one share owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stripes {
    segment: SegmentStripes,
    worker: u64,
    workers: u64,
    /// Indexes of the instance after which dealing starts again at worker 0.
    round: u64,
    /// Of which this worker owns so many.
    owned_per_round: u64,
}

impl Stripes {
    fn new(segment: SegmentStripes, worker: u64, workers: u64, round: u64) -> Stripes {
        let owned_per_round = dealt(round, worker, workers);
        Stripes { segment, worker, workers, round, owned_per_round }
    }

    /// Owns no index at all.
    pub fn is_empty(&self) -> bool {
        self.owned_per_round == 0 || self.segment == SegmentStripes::NONE
    }

    /// How many of the first `count` global indexes are owned.
    pub fn scale(&self, count: u64) -> u64 {
        if self.is_empty() {
            return 0;
        }
        let of_instance = self.segment.scale(count);
        (of_instance / self.round) * self.owned_per_round
            + dealt(of_instance % self.round, self.worker, self.workers)
    }

    /// The `nth` owned index (from 0), counted within this instance. Must own some.
    pub fn in_instance(&self, nth: u64) -> u64 {
        (nth / self.owned_per_round) * self.round + (nth % self.owned_per_round) * self.workers + self.worker
    }

    /// The `nth` owned index (from 0), counted over all instances of the test. Must own some.
    pub fn in_test(&self, nth: u64) -> u64 {
        self.segment.nth(self.in_instance(nth))
    }
}

/// How many of `count` indexes dealt in turn to `workers` fall to `worker`.
fn dealt(count: u64, worker: u64, workers: u64) -> u64 {
    (count + workers - 1 - worker) / workers
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::Seeded;
    use super::*;

    /// Owned indexes below 24, by both ways to ask.
    #[track_caller]
    fn check(stripes: &Stripes, want: &[u64]) {
        let below: Vec<u64> = (0..stripes.scale(24)).map(|nth| stripes.in_test(nth)).collect();
        assert_eq!(below, want);
        for count in 0..24 {
            let want = want.iter().filter(|&&index| index < count).count() as u64;
            assert_eq!(stripes.scale(count), want, "of the first {count}");
        }
    }

    #[test]
    fn workers_deal_indexes_in_turn() {
        check(&Share::worker(0, 3).stripes(), &[0, 3, 6, 9, 12, 15, 18, 21]);
        check(&Share::worker(2, 3).stripes(), &[2, 5, 8, 11, 14, 17, 20, 23]);
    }

    #[test]
    fn iterations_follow_the_vus() {
        // Of 4 VUs worker 0 has two, so it has two of every 4 iterations.
        check(&Share::worker(0, 3).stripes_over(4), &[0, 3, 4, 7, 8, 11, 12, 15, 16, 19, 20, 23]);
        check(&Share::worker(1, 3).stripes_over(4), &[1, 5, 9, 13, 17, 21]);
        // One VU: its worker has it all.
        check(&Share::worker(0, 3).stripes_over(1), &(0..24).collect::<Vec<_>>());
        check(&Share::worker(1, 3).stripes_over(1), &[]);
        check(&Share::worker(0, 3).stripes_over(0), &[]);
    }

    #[test]
    fn workers_split_what_their_segment_owns() {
        let portion =
            Portion::new(Segment::parse("0:1/2").unwrap(), &SegmentSequence::parse("0,1/2,5/6,1").unwrap())
                .unwrap();
        check(&Share::of(portion.clone(), 0, 2).stripes(), &[0, 4, 8, 12, 16, 20]);
        check(&Share::of(portion, 1, 2).stripes(), &[2, 6, 10, 14, 18, 22]);
    }

    #[test]
    fn every_index_has_one_owner_whatever_the_split() {
        for seed in 0..200 {
            let mut random = Seeded(seed);
            let (shares, vus) = (random.shares(), random.below(40));
            check_one_owner(shares.iter().map(Share::stripes).collect(), seed);
            if vus > 0 {
                check_one_owner(shares.iter().map(|share| share.stripes_over(vus)).collect(), seed);
                check_one_owner(shares.iter().map(|share| share.even_stripes_over(vus)).collect(), seed);
            }
            for share in &shares {
                assert_eq!(share.stripes_over(vus).is_empty(), share.vus(vus) == 0, "seed {seed}");
            }
        }
    }

    #[track_caller]
    fn check_one_owner(shares: Vec<Stripes>, seed: u64) {
        let mut owners = [0; 300];
        for stripes in &shares {
            for nth in 0..stripes.scale(300) {
                owners[stripes.in_test(nth) as usize] += 1;
            }
        }
        assert!(owners.iter().all(|&owners| owners == 1), "seed {seed}: {owners:?}");
    }
}
