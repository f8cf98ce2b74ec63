//! The loads that a search may try: a logarithmic grid, so that halving a bracket meets loads that
//! were tried before, and a bracket's width is a number of steps.

/// Rates by index; 0 is the rate at which the search begins, negative ones are lower.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid {
    base: f64,
    /// A power of two: halving an octave ends at one step.
    steps_per_octave: i32,
    min_rate: f64,
    max_rate: f64,
}

impl Grid {
    /// One step is at most `width` of the rate. `base` becomes a rate within the bounds.
    pub(super) fn new(base: f64, width: f64, min_rate: f64, max_rate: Option<f64>) -> Grid {
        let needed = std::f64::consts::LN_2 / -(1.0 - width.clamp(0.000_1, 0.5)).ln();
        let steps_per_octave = (needed.ceil() as u32).next_power_of_two() as i32;
        let max_rate = max_rate.unwrap_or(f64::INFINITY);
        let min_rate = min_rate.min(max_rate);
        Grid { base: base.clamp(min_rate, max_rate), steps_per_octave, min_rate, max_rate }
    }

    pub(super) fn octave(&self) -> i32 {
        self.steps_per_octave
    }

    /// Five significant digits: what is printed is what was offered.
    pub(super) fn rate(&self, index: i32) -> f64 {
        let exact = self.base * (f64::from(index) / f64::from(self.steps_per_octave)).exp2();
        // By whole powers of ten, which are exact: 1010.9, not 1010.9000000000001.
        let digits = 4 - exact.log10().floor() as i32;
        let power = 10f64.powi(digits.abs());
        let rounded =
            if digits < 0 { (exact / power).round() * power } else { (exact * power).round() / power };
        rounded.clamp(self.min_rate, self.max_rate)
    }

    /// The first index whose rate is `min_rate`, or the last whose rate is `max_rate`.
    pub(super) fn lowest(&self) -> i32 {
        self.index_of(self.min_rate).floor() as i32
    }

    pub(super) fn highest(&self) -> i32 {
        // Further up than any generator reaches, without an end of its own.
        self.index_of(self.max_rate).ceil().min(f64::from(self.steps_per_octave * 40)) as i32
    }

    fn index_of(&self, rate: f64) -> f64 {
        let exact = (rate / self.base).log2() * f64::from(self.steps_per_octave);
        // A rate of the grid is its own index, whatever rounding did.
        if (exact - exact.round()).abs() < 1e-6 { exact.round() } else { exact }
    }

    /// How many steps fit into a relative width, at least one.
    pub(super) fn steps(&self, width: f64) -> i32 {
        let exact = -(1.0 - width).log2() * f64::from(self.steps_per_octave);
        (exact + 0.5).floor().max(1.0) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_within_the_width_and_an_octave_doubles() {
        let grid = Grid::new(1000.0, 0.02, 1.0, None);
        assert_eq!(grid.octave(), 64);
        assert_eq!([-64, 0, 1, 64].map(|index| grid.rate(index)), [500.0, 1000.0, 1010.9, 2000.0]);
        assert_eq!([0.08, 0.04, 0.02, 0.001].map(|width| grid.steps(width)), [8, 4, 2, 1]);
    }

    #[test]
    fn the_ends_are_the_bounds_themselves() {
        let grid = Grid::new(1000.0, 0.02, 3.0, Some(1234.5));
        assert_eq!(grid.rate(grid.lowest()), 3.0);
        assert_eq!(grid.rate(grid.highest()), 1234.5);
        assert!(grid.rate(grid.highest() - 1) < 1234.5);
        let beyond = Grid::new(5000.0, 0.02, 1.0, Some(100.0));
        assert_eq!((beyond.rate(0), beyond.highest()), (100.0, 0));
    }
}
