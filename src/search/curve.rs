//! Knees: where more load starts to cost more than it brings.

/// The break of a two-segment regression of `y` on `x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Break {
    pub x: f64,
    /// By how much the Bayesian information criterion prefers it to one line.
    pub bic_gain: f64,
}

/// How much better two lines must be than one (Kass and Raftery: "very strong").
const BIC_GAIN_MIN: f64 = 10.0;

/// Two lines that meet, against one line; `None`: one line does as well. Exact: between any two
/// neighbours the best meeting point follows from the lines of both sides.
pub fn two_segments(points: &[(f64, f64)]) -> Option<Break> {
    let mut points: Vec<(f64, f64)> =
        points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = points.len() as f64;
    let scale = points.iter().map(|(_, y)| y.abs()).fold(0.0, f64::max);
    if points.len() < 5 || scale == 0.0 {
        return None;
    }
    let one = residuals(&points, None)?;
    // Every x but the two outermost on each side, and the middles between them, may be the break.
    let inner = &points[1..points.len() - 1];
    let middles = inner.windows(2).map(|pair| f64::midpoint(pair[0].0, pair[1].0));
    let knots = inner.iter().map(|(x, _)| *x).chain(middles);
    let fits = knots.filter_map(|knot| refine(&points, knot));
    let (knot, two) = fits.min_by(|a, b| a.1.total_cmp(&b.1))?;
    // Residuals below a millionth of the values are rounding, not fit.
    let floor = count * (scale * 1e-6).powi(2);
    let bic = |residuals: f64, parameters: f64| {
        count * (residuals.max(floor) / count).ln() + parameters * count.ln()
    };
    let bic_gain = bic(one, 2.0) - bic(two, 4.0);
    (bic_gain > BIC_GAIN_MIN).then_some(Break { x: knot, bic_gain })
}

/// The best break near `knot`, by halving steps; with its residuals.
fn refine(points: &[(f64, f64)], knot: f64) -> Option<(f64, f64)> {
    let mut best = (knot, residuals(points, Some(knot))?);
    let spread = points[points.len() - 1].0 - points[0].0;
    let mut step = spread / points.len() as f64 / 2.0;
    for _ in 0..12 {
        for candidate in [best.0 - step, best.0 + step] {
            if candidate > points[0].0
                && candidate < points[points.len() - 1].0
                && let Some(sum) = residuals(points, Some(candidate))
                && sum < best.1
            {
                best = (candidate, sum);
            }
        }
        step /= 2.0;
    }
    Some(best)
}

/// Sum of squared residuals of the least-squares fit of `a + b x (+ c max(0, x - knot))`.
fn residuals(points: &[(f64, f64)], knot: Option<f64>) -> Option<f64> {
    let size = if knot.is_some() { 3 } else { 2 };
    // x in units of its spread: the sums stay well conditioned.
    let (low, high) = (points[0].0, points[points.len() - 1].0);
    let unit = high - low;
    if unit <= 0.0 {
        return None;
    }
    let row = |x: f64| [1.0, (x - low) / unit, knot.map_or(0.0, |knot| ((x - knot) / unit).max(0.0))];
    let mut matrix = [[0.0; 4]; 3];
    for &(x, y) in points {
        let row = row(x);
        for i in 0..size {
            for j in 0..size {
                matrix[i][j] += row[i] * row[j];
            }
            matrix[i][3] += row[i] * y;
        }
    }
    let solution = solve(matrix, size)?;
    let predict =
        |x: f64| std::iter::zip(row(x), solution).map(|(value, factor)| value * factor).sum::<f64>();
    Some(points.iter().map(|&(x, y)| (y - predict(x)).powi(2)).sum())
}

/// Gauss, with the largest pivot; `None` if there is none.
fn solve(mut matrix: [[f64; 4]; 3], size: usize) -> Option<[f64; 3]> {
    for column in 0..size {
        let pivot =
            (column..size).max_by(|&a, &b| matrix[a][column].abs().total_cmp(&matrix[b][column].abs()))?;
        if matrix[pivot][column].abs() < 1e-12 {
            return None;
        }
        matrix.swap(column, pivot);
        for row in column + 1..size {
            let factor = matrix[row][column] / matrix[column][column];
            let above = matrix[column];
            for (value, above) in matrix[row].iter_mut().zip(above) {
                *value -= factor * above;
            }
        }
    }
    let mut solution = [0.0; 3];
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| matrix[row][column] * solution[column]).sum();
        solution[row] = (matrix[row][3] - known) / matrix[row][row];
    }
    Some(solution)
}

/// The offered load of the highest goodput / latency: Kleinrock's power.
pub fn power(points: impl IntoIterator<Item = (f64, f64, f64)>) -> Option<f64> {
    let powers = points.into_iter().filter(|(_, _, latency)| *latency > 0.0);
    let powers = powers.map(|(offered, goodput, latency)| (offered, goodput / latency));
    powers.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(offered, _)| offered)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much as is offered, up to a capacity of 1000; beyond it `slope` more a request.
    fn capacity(slope: f64, loads: impl Iterator<Item = u32>) -> Vec<(f64, f64)> {
        let goodput = |x: f64| if x <= 1000.0 { x } else { 1000.0 + slope * (x - 1000.0) };
        loads.map(|load| (f64::from(load), goodput(f64::from(load)))).collect()
    }

    #[test]
    fn a_plateau_breaks_at_the_capacity_even_between_two_loads() {
        let knee = two_segments(&capacity(0.0, (1..20).map(|k| k * 90))).unwrap();
        assert!((knee.x - 1000.0).abs() < 5.0, "{knee:?}");
        let falling = two_segments(&capacity(-0.5, (1..20).map(|k| k * 100))).unwrap();
        assert!((falling.x - 1000.0).abs() < 5.0, "{falling:?}");
    }

    #[test]
    fn a_line_has_no_break() {
        assert_eq!(two_segments(&capacity(1.0, (1..20).map(|k| k * 90))), None);
        assert_eq!(two_segments(&[(1.0, 1.0), (2.0, 2.0), (3.0, 2.0)]), None);
        assert_eq!(two_segments(&[(1.0, 1.0); 9]), None);
    }

    #[test]
    fn noise_on_a_line_is_no_break() {
        let wobble = [3.0, -2.0, 1.0, -4.0, 2.0, 4.0, -1.0, -3.0, 2.0, -2.0];
        let points: Vec<(f64, f64)> = (0u32..)
            .zip(wobble)
            .map(|(k, noise)| (f64::from(k) * 100.0, f64::from(k) * 100.0 + noise))
            .collect();
        assert_eq!(two_segments(&points), None);
    }

    #[test]
    fn power_is_highest_at_half_of_an_mm1_queue() {
        let loads = (1..10).map(|k| f64::from(k) * 100.0);
        assert_eq!(power(loads.map(|load| (load, load, 1.0 / (1000.0 - load)))), Some(500.0));
        assert_eq!(power([(1.0, 1.0, 0.0)]), None);
    }
}
