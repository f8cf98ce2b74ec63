//! What trials near the limit say about where it is: fits in closed form, no randomness.

/// One trial, for one goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub rate: f64,
    /// Its weight: a trial of one minute says more than one of two seconds.
    pub seconds: f64,
    pub exceeded: bool,
}

/// A logistic curve over log rate: where half of the trials exceed, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Crossing {
    pub rate: f64,
    /// Standard error of its logarithm.
    pub error: f64,
}

const NEWTON_STEPS: usize = 50;

/// The load at which a trial exceeds as often as not. `None`: only passes, or only failures.
/// `scale` is about the distance of the loads from each other, in logarithms; a curve much steeper
/// than that cannot be told from a step, and is not tried.
pub(super) fn crossing(points: &[Point], scale: f64) -> Option<Crossing> {
    let passed = points.iter().any(|point| !point.exceeded);
    let failed = points.iter().any(|point| point.exceeded);
    if !passed || !failed || scale <= 0.0 {
        return None;
    }
    let seconds: f64 = points.iter().map(|point| point.seconds).sum();
    let typical = median(points.iter().map(|point| (point.seconds, 1.0)).collect())?;
    let center = points.iter().map(|point| point.rate.ln() * point.seconds).sum::<f64>() / seconds;
    let data: Vec<(f64, f64, f64)> = points
        .iter()
        .map(|point| {
            let weight = (point.seconds / typical).max(0.1);
            ((point.rate.ln() - center) / scale, f64::from(u8::from(point.exceeded)), weight)
        })
        .collect();
    // A weak prior on the slope (normal, mean 2, deviation 2 a step) keeps separated data finite.
    let (prior_mean, prior_weight) = (2.0, 1.0 / 4.0);
    let (mut a, mut b) = (0.0, prior_mean);
    let mut information = [[0.0; 2]; 2];
    for _ in 0..NEWTON_STEPS {
        let mut gradient = [0.0, -prior_weight * (b - prior_mean)];
        information = [[1e-9, 0.0], [0.0, prior_weight]];
        for &(x, y, weight) in &data {
            let p = 1.0 / (1.0 + (-(a + b * x)).exp());
            let (residual, variance) = (weight * (y - p), weight * (p * (1.0 - p)).max(1e-9));
            gradient[0] += residual;
            gradient[1] += residual * x;
            information[0][0] += variance;
            information[0][1] += variance * x;
            information[1][1] += variance * x * x;
        }
        information[1][0] = information[0][1];
        let determinant = information[0][0] * information[1][1] - information[0][1].powi(2);
        let step_a = (information[1][1] * gradient[0] - information[0][1] * gradient[1]) / determinant;
        let step_b = (information[0][0] * gradient[1] - information[0][1] * gradient[0]) / determinant;
        // Damped: a full step from far away may overshoot where the curve is flat.
        let damping = (2.0 / step_a.abs().max(step_b.abs())).min(1.0);
        a += damping * step_a;
        b += damping * step_b;
        if step_a.abs().max(step_b.abs()) < 1e-9 {
            break;
        }
    }
    if b <= 0.05 {
        return None;
    }
    // The crossing is at -a/b; its variance by the delta method.
    let determinant = information[0][0] * information[1][1] - information[0][1].powi(2);
    let (var_a, var_b, covariance) =
        (information[1][1] / determinant, information[0][0] / determinant, -information[0][1] / determinant);
    let x = -a / b;
    let variance = (var_a + x * x * var_b + 2.0 * x * covariance) / (b * b);
    Some(Crossing { rate: (center + x * scale).exp(), error: variance.max(0.0).sqrt() * scale })
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
