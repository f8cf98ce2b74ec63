//! Many searches of one model, against its truth.

use super::bisection;
use super::models::Model;
use super::service::Random;
use ringload::search::{Answer, Finding, Settings};
use std::time::Duration;

#[derive(Clone, Debug, Default)]
pub struct Score {
    pub searches: u32,
    /// Of (figure - truth) / truth.
    pub bias: f64,
    pub scatter: f64,
    /// Part of the searches whose interval holds the truth; too high and too low.
    pub covered: f64,
    pub above: f64,
    pub below: f64,
    /// Half of the interval over the truth; mean.
    pub half_width: f64,
    pub seconds: f64,
    pub seconds_max: f64,
    pub trials: f64,
    /// Without an answer of the kind that is expected.
    pub lost: u32,
}

/// What one search said, and what it should have.
pub struct Said {
    pub truth: f64,
    pub rate: f64,
    pub interval: (f64, f64),
    pub seconds: f64,
    pub trials: u32,
}

pub fn settings() -> Settings {
    Settings { overload: false, ..Settings::default() }
}

/// Search number `seed`: its capacity lies anywhere between 1000 and 2000 a second.
pub fn ours(model: Model, seed: u64) -> (Answer, Option<Said>) {
    let capacity = capacity(seed);
    let mut world = model.world(capacity, seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let answer = world.search(settings(), model.goals(capacity));
    let seconds = answer.took.as_secs_f64();
    let (rate, interval) = match &answer.limit {
        Finding::Found(limit) if model != Model::Generator => (limit.rate, limit.interval),
        // "At least": it must be true, and near.
        Finding::NotReached { at_least, .. } if model == Model::Generator => {
            (*at_least, (*at_least, at_least * 1.025))
        }
        _ => return (answer, None),
    };
    let middle = world.now - Duration::from_secs(15).as_secs_f64();
    let truth = model.truth(capacity, middle);
    (answer, Some(Said { truth, rate, interval, seconds, trials: world.trials }))
}

pub fn plain(model: Model, seed: u64) -> Option<Said> {
    let capacity = capacity(seed);
    let mut world = model.world(capacity, seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let goals = model.goals(capacity);
    // From a guess that is wrong by up to 64 times, as a user's is.
    let start = capacity / 64f64.powf(world.random.share());
    let found = bisection::search(&mut world, &goals, start, 0.02);
    let truth = model.truth(capacity, world.now);
    // Goodput, as the truth is; its bracket is all that it says of its uncertainty.
    let interval = (found.lower * found.kept, found.upper * found.kept);
    Some(Said { truth, rate: interval.0, interval, seconds: found.seconds, trials: world.trials })
}

fn capacity(seed: u64) -> f64 {
    1000.0 * Random(seed).share().exp2()
}

pub fn score(searches: u32, one: impl Fn(u64) -> Option<Said>) -> Score {
    let said: Vec<Said> = (0..u64::from(searches)).filter_map(&one).collect();
    let count = said.len().max(1) as f64;
    let errors: Vec<f64> = said.iter().map(|said| said.rate / said.truth - 1.0).collect();
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / count;
    let bias = mean(&mut errors.iter().copied());
    let part = |holds: fn(&Said) -> bool| said.iter().filter(|said| holds(said)).count() as f64 / count;
    Score {
        searches,
        bias,
        scatter: mean(&mut errors.iter().map(|error| (error - bias).powi(2))).sqrt(),
        // Rounding is no miss.
        covered: part(|said| {
            said.interval.0 <= said.truth * (1.0 + 1e-9) && said.truth * (1.0 - 1e-9) <= said.interval.1
        }),
        above: part(|said| said.interval.0 > said.truth * (1.0 + 1e-9)),
        below: part(|said| said.interval.1 < said.truth * (1.0 - 1e-9)),
        half_width: mean(&mut said.iter().map(|said| (said.interval.1 - said.interval.0) / 2.0 / said.truth)),
        seconds: mean(&mut said.iter().map(|said| said.seconds)),
        seconds_max: said.iter().map(|said| said.seconds).fold(0.0, f64::max),
        trials: mean(&mut said.iter().map(|said| f64::from(said.trials))),
        lost: searches - said.len() as u32,
    }
}
