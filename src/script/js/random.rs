//! `Math.random` of a VU.
//!
//! QuickJS seeds its own with the clock's microseconds, which VUs made at once by several workers
//! share; and it cannot be seeded by `randomSeed`. The sequence for a seed is not k6's.

use super::vu::Vu;
use rquickjs::function::Func;
use rquickjs::{Ctx, Object, Result};
use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

#[derive(Default)]
struct Sequence(Cell<u64>);

/// Puts our `Math.random` in place; each VU begins elsewhere.
pub fn define(ctx: &Ctx<'_>) -> Result<()> {
    seed(ctx, RandomState::new().hash_one(Vu::of(ctx).id));
    let math: Object = ctx.globals().get("Math")?;
    let sequence = Vu::of(ctx).slot::<Sequence>();
    math.set("random", Func::from(move || sequence.next()))
}

pub fn seed(ctx: &Ctx<'_>, seed: u64) {
    Vu::of(ctx).slot::<Sequence>().0.set(seed);
}

impl Sequence {
    /// SplitMix64; the upper 53 bits are a number below 1.
    fn next(&self) -> f64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fill_the_unit_interval_evenly() {
        let sequence = Sequence(Cell::new(7));
        let mut counts = [0u32; 10];
        for _ in 0..10_000 {
            counts[(sequence.next() * 10.0) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_seed_decides_the_sequence() {
        let of = |seed| {
            let sequence = Sequence(Cell::new(seed));
            [sequence.next(), sequence.next()]
        };
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
    }
}
