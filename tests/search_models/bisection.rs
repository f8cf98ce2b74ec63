//! The plain way, as Nighthawk searches: double the load until one trial of 10 s fails, then halve
//! the bracket; each load is judged once.

use super::world::World;
use ringload::search::Goals;

const TRIAL: f64 = 10.0;

/// The highest load that passed and the lowest that failed, and the seconds that it took.
pub fn search(world: &mut World, goals: &Goals, start: f64, width: f64) -> (f64, f64, f64) {
    let begin = world.now;
    let (mut lower, mut upper) = (0.0, f64::INFINITY);
    let mut rate = start;
    loop {
        let outcome = world.open(rate, 0.0, TRIAL, 10.0, usize::MAX, goals);
        let passes =
            goals.goals.iter().zip(&outcome.goals).all(|(goal, count)| {
                1.0 - count.good as f64 / count.requests.max(1) as f64 <= goal.loss_ratio
            });
        if passes {
            lower = rate
        } else {
            upper = rate
        }
        if upper.is_finite() && upper - lower <= width * upper {
            return (lower, upper, world.now - begin);
        }
        rate = if upper.is_finite() { f64::midpoint(lower, upper) } else { rate * 2.0 };
    }
}
