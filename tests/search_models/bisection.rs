//! The plain way, as Nighthawk searches: double the load until one trial of 10 s fails, then halve
//! the bracket; each load is judged once.

use super::world::World;
use ringload::search::Goals;

const TRIAL: f64 = 10.0;

/// What it found.
pub struct Found {
    /// The highest load that passed and the lowest that failed.
    pub lower: f64,
    pub upper: f64,
    /// The part of the load that was good in the trial that passed.
    pub kept: f64,
    pub seconds: f64,
}

pub fn search(world: &mut World, goals: &Goals, start: f64, width: f64) -> Found {
    let begin = world.now;
    let (mut lower, mut upper, mut kept) = (0.0, f64::INFINITY, 1.0);
    let mut rate = start;
    loop {
        let outcome = world.open(rate, 0.0, TRIAL, 10.0, usize::MAX, goals);
        let losses = outcome.goals.iter().map(|count| 1.0 - count.good as f64 / count.requests.max(1) as f64);
        let losses: Vec<f64> = losses.collect();
        if goals.goals.iter().zip(&losses).all(|(goal, loss)| *loss <= goal.loss_ratio) {
            (lower, kept) = (rate, 1.0 - losses.iter().copied().fold(0.0, f64::max));
        } else {
            upper = rate;
        }
        if upper.is_finite() && upper - lower <= width * upper {
            return Found { lower, upper, kept, seconds: world.now - begin };
        }
        rate = if upper.is_finite() { f64::midpoint(lower, upper) } else { rate * 2.0 };
    }
}
