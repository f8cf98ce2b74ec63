//! A long line as few points that look the same: of each stretch the lowest and the highest value.

/// Places in `values` that are kept, in order; at most `limit`, which is even. A gap stays one.
pub fn kept(values: &[Option<f64>], limit: usize) -> Vec<usize> {
    if values.len() <= limit {
        return (0..values.len()).collect();
    }
    let stretch = values.len().div_ceil(limit / 2);
    let mut kept = Vec::with_capacity(limit);
    for from in (0..values.len()).step_by(stretch) {
        let places = from..values.len().min(from + stretch);
        let known = || places.clone().filter_map(|place| Some((place, values[place]?)));
        let low = known().min_by(|a, b| a.1.total_cmp(&b.1));
        let high = known().max_by(|a, b| a.1.total_cmp(&b.1));
        match (low, high) {
            (Some((low, _)), Some((high, _))) if low != high => kept.extend([low.min(high), low.max(high)]),
            (Some((place, _)), _) => kept.push(place),
            _ => kept.push(from),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], limit: usize, want: &[usize]) {
        // NaN stands for a gap.
        let values: Vec<Option<f64>> = values.iter().map(|v| (!v.is_nan()).then_some(*v)).collect();
        assert_eq!(kept(&values, limit), want);
    }

    #[test]
    fn a_short_line_is_kept_whole() {
        check(&[], 4, &[]);
        check(&[1.0, 1.0, 1.0, 1.0], 4, &[0, 1, 2, 3]);
    }

    #[test]
    fn of_each_stretch_the_extremes_are_kept_in_their_order() {
        check(&[1.0, 9.0, 5.0, 0.0, 7.0, 7.0], 4, &[0, 1, 3, 5]);
        check(&[5.0, 5.0, 5.0, 9.0, 5.0, 1.0], 4, &[0, 2, 3, 5]);
    }

    #[test]
    fn a_stretch_without_a_value_stays_a_gap() {
        check(&[1.0, 2.0, 3.0, f64::NAN, f64::NAN, f64::NAN], 4, &[0, 2, 3]);
        check(&[1.0, f64::NAN, 3.0, f64::NAN, 4.0, f64::NAN], 4, &[0, 2, 4]);
    }

    #[test]
    fn an_hour_of_ticks_keeps_its_only_peak() {
        let mut values = vec![Some(1.0); 36_000];
        values[23_456] = Some(1_000.0);
        let kept = kept(&values, 1_500);
        assert!(kept.len() <= 1_500 && kept.contains(&23_456), "{}", kept.len());
        assert!(kept.is_sorted_by(|a, b| a < b));
    }
}
