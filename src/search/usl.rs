//! The Universal Scalability Law, where the trials have enough spread for it:
//! X(N) = l N / (1 + s (N - 1) + k N (N - 1)).

/// Distinct concurrencies, and how many times the least the largest must be.
const LEVELS_MIN: usize = 6;
const SPREAD_MIN: f64 = 8.0;

/// (N, X): at least 6 distinct N (by more than 5 %) that span at least a factor of 8.
pub fn has_spread(points: &[(f64, f64)]) -> bool {
    let mut levels: Vec<f64> = points.iter().map(|(n, _)| *n).filter(|n| *n > 0.0).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup_by(|next, kept| *next < *kept * 1.05);
    match (levels.first(), levels.last()) {
        (Some(first), Some(last)) => levels.len() >= LEVELS_MIN && last / first >= SPREAD_MIN,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(levels: &[f64], want: bool) {
        let points: Vec<(f64, f64)> = levels.iter().map(|n| (*n, 1.0)).collect();
        assert_eq!(has_spread(&points), want, "{levels:?}");
    }

    #[test]
    fn a_fit_needs_six_levels_over_a_factor_of_eight() {
        check(&[1.0, 2.0, 3.0, 4.0, 6.0, 8.0], true);
        check(&[1.0, 2.0, 3.0, 4.0, 6.0, 7.9], false);
        check(&[1.0, 1.01, 3.0, 4.0, 6.0, 8.0], false);
        check(&[], false);
    }
}
