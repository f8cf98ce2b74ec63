//! What trials near the limit say about where it is: fits in closed form, no randomness.

/// One trial, for one goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub rate: f64,
    /// Its weight: a trial of one minute says more than one of two seconds.
    pub seconds: f64,
    /// 0..=1.
    pub loss: f64,
}

/// Where a logistic curve of loss over log rate crosses the loss that a goal allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Crossing {
    pub rate: f64,
    /// Standard error of its logarithm.
    pub error: f64,
}

const NEWTON_STEPS: usize = 60;
/// Where five steps do not even multiply the odds by e, the search itself picks lucky loads: what
/// passed by chance is looked at no more. The factor was found on simulated services.
const FLAT: f64 = 0.2;
const FLAT_FACTOR: f64 = 1.6;

/// Losses of one trial hang together (a queue that is long stays long), so their binomial variance
/// says nothing: the error is the jackknife's, which leaves out one trial at a time. `scale` is a
/// step of the grid, in logarithms. `None`: the loads do not differ in loss as they should.
pub(super) fn crossing(points: &[Point], allowed: f64, scale: f64) -> Option<Crossing> {
    let (all, slope) = log_crossing(points, allowed, scale)?;
    let without = |left_out: usize| {
        let rest: Vec<Point> =
            points.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, point)| *point).collect();
        log_crossing(&rest, allowed, scale).map(|(crossing, _)| crossing)
    };
    let parts: Vec<f64> = (0..points.len()).map(without).collect::<Option<_>>()?;
    let count = parts.len() as f64;
    let mean = parts.iter().sum::<f64>() / count;
    let squares: f64 = parts.iter().map(|part| (part - mean).powi(2)).sum();
    let flat = if slope < FLAT { FLAT_FACTOR } else { 1.0 };
    Some(Crossing { rate: all.exp(), error: flat * ((count - 1.0) / count * squares).sqrt() })
}

/// The crossing's logarithm, and the slope of the odds' logarithm a step.
fn log_crossing(points: &[Point], allowed: f64, scale: f64) -> Option<(f64, f64)> {
    let seconds: f64 = points.iter().map(|point| point.seconds).sum();
    if points.len() < 3 || seconds <= 0.0 {
        return None;
    }
    let center = points.iter().map(|point| point.rate.ln() * point.seconds).sum::<f64>() / seconds;
    // Weights add up to the number of trials.
    let unit = seconds / points.len() as f64;
    let target = (allowed / (1.0 - allowed)).ln();
    // A weak prior: a step of the grid multiplies the odds by e, within a factor of e^5. It decides
    // only where losses jump from none to all.
    let (prior_mean, prior_weight) = (1.0, 1.0 / 25.0);
    let (mut a, mut b) = (target, prior_mean);
    for _ in 0..NEWTON_STEPS {
        let mut gradient = [0.0, -prior_weight * (b - prior_mean)];
        let mut information = [1e-6, 0.0, prior_weight];
        for point in points {
            let x = (point.rate.ln() - center) / scale;
            let p = 1.0 / (1.0 + (-(a + b * x)).exp());
            let weight = point.seconds / unit;
            let (residual, variance) = (weight * (point.loss - p), weight * p * (1.0 - p));
            gradient[0] += residual;
            gradient[1] += residual * x;
            information[0] += variance;
            information[1] += variance * x;
            information[2] += variance * x * x;
        }
        let determinant = information[0] * information[2] - information[1].powi(2);
        let step_a = (information[2] * gradient[0] - information[1] * gradient[1]) / determinant;
        let step_b = (information[0] * gradient[1] - information[1] * gradient[0]) / determinant;
        // Damped: a full step from far away overshoots where the curve is flat.
        let damping = (1.0 / step_a.abs().max(step_b.abs())).min(1.0);
        a += damping * step_a;
        b += damping * step_b;
        if step_a.abs().max(step_b.abs()) < 1e-9 {
            break;
        }
    }
    // Flatter than e in two hundred steps is no limit.
    (b > 0.005 && a.is_finite()).then(|| (center + (target - a) / b * scale, b))
}

/// Of (value, weight): the value that half of the weight does not exceed.
pub(super) fn median(mut values: Vec<(f64, f64)>) -> Option<f64> {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    for (value, weight) in &values {
        sum += weight;
        if sum >= half {
            return Some(*value);
        }
    }
    values.last().map(|(value, _)| *value)
}

/// 0 of fewer than two.
pub(super) fn standard_deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt()
}
