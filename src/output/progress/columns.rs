//! What stands beside a scenario's bar, and how far the bar is: by executor.

use super::bar::Bar;
use super::{Live, ScenarioProgress, Status};
use crate::options::{Executor, Stage};
use crate::output::fixed_width;
use crate::output::header::{peak, per_second};
use crate::output::number::go_duration;
use std::time::Duration;

pub fn bar(progress: &ScenarioProgress) -> Bar {
    let (share, columns) = match progress.status {
        Status::Pending => (0.0, Vec::new()),
        Status::Waiting { left } => {
            let left = fixed_width::duration(left, progress.scenario.start_time);
            (0.0, vec!["waiting".to_owned(), left])
        }
        _ => figures(&progress.scenario.executor, &progress.live, progress.segment_share),
    };
    Bar { label: progress.scenario.name.clone(), status: progress.status, share, columns }
}

fn figures(executor: &Executor, live: &Live, segment_share: f64) -> (f64, Vec<String>) {
    match executor {
        Executor::SharedIterations { vus, iterations, max_duration } => {
            let done = fixed_width::count(live.iterations_done, *iterations);
            let text = format!("{done}/{iterations} shared iters");
            let columns = vec![format!("{vus} VUs"), time(live.elapsed, *max_duration), text];
            (ratio(live.iterations_done, *iterations), columns)
        }
        Executor::PerVuIterations { vus, iterations, max_duration } => {
            let total = vus * iterations;
            let done = fixed_width::count(live.iterations_done, total);
            let text = format!("{done}/{total} iters, {iterations} per VU");
            let columns = vec![format!("{vus} VUs"), time(live.elapsed, *max_duration), text];
            (ratio(live.iterations_done, total), columns)
        }
        Executor::ConstantVus { vus, duration } => {
            (passed(live.elapsed, *duration), vec![format!("{vus} VUs"), time(live.elapsed, *duration)])
        }
        Executor::RampingVus { start_vus, stages, .. } => {
            let (total, max) = (sum(stages), peak(*start_vus, stages));
            let busy = fixed_width::count(live.vus_busy, max);
            let columns = vec![format!("{busy}/{max} VUs"), ramp_time(live.elapsed, total)];
            (passed(live.elapsed, total), columns)
        }
        Executor::ConstantArrivalRate { rate, time_unit, duration, max_vus, .. } => {
            let rate_max = per_second(*rate, *time_unit) * segment_share;
            (passed(live.elapsed, *duration), arrivals(live, *max_vus, *duration, rate_max))
        }
        Executor::RampingArrivalRate { start_rate, time_unit, stages, max_vus, .. } => {
            let rate_max = per_second(peak(*start_rate, stages), *time_unit) * segment_share;
            (passed(live.elapsed, sum(stages)), arrivals(live, *max_vus, sum(stages), rate_max))
        }
    }
}

fn arrivals(live: &Live, max_vus: u64, duration: Duration, rate_max: f64) -> Vec<String> {
    let vus = |value| fixed_width::count(value, max_vus);
    vec![
        format!("{}/{} VUs", vus(live.vus_busy), vus(live.vus_allocated)),
        time(live.elapsed, duration),
        format!("{} iters/s", fixed_width::rate(live.rate, rate_max)),
    ]
}

/// `1.0s/3s`; once over, the whole only.
fn time(elapsed: Duration, whole: Duration) -> String {
    let text = go_duration(whole);
    if elapsed >= whole { text } else { format!("{}/{text}", fixed_width::duration(elapsed, whole)) }
}

/// Ramping VUs show the whole at a fixed width too: `1.0s/3.0s`.
fn ramp_time(elapsed: Duration, whole: Duration) -> String {
    if elapsed >= whole {
        return go_duration(whole);
    }
    format!("{}/{}", fixed_width::duration(elapsed, whole), fixed_width::duration(whole, whole))
}

fn sum(stages: &[Stage]) -> Duration {
    stages.iter().map(|stage| stage.duration).sum()
}

fn ratio(done: u64, all: u64) -> f64 {
    if all == 0 { 1.0 } else { done as f64 / all as f64 }
}

fn passed(elapsed: Duration, whole: Duration) -> f64 {
    if whole.is_zero() { 1.0 } else { (elapsed.as_secs_f64() / whole.as_secs_f64()).min(1.0) }
}
