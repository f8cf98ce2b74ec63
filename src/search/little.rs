//! Little's law as a check of ourselves: what is in flight is rate times time.

/// Above this a stationary window is marked: something was counted wrong, or stalled.
pub const DOUBTFUL: f64 = 0.05;

/// |N - X W| / N. `in_flight`: mean over the window, from the integral of time; `finished_per_s`
/// in the window; `time_mean_s` of those from their actual send. `None`: nothing was in flight.
pub fn deviation(in_flight: f64, finished_per_s: f64, time_mean_s: f64) -> Option<f64> {
    (in_flight > 0.0).then(|| (in_flight - finished_per_s * time_mean_s).abs() / in_flight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_adds_up_deviates_by_nothing() {
        assert_eq!(deviation(5.0, 1000.0, 0.005), Some(0.0));
        assert_eq!(deviation(5.0, 1000.0, 0.004), Some(0.2));
        assert_eq!(deviation(0.0, 0.0, 0.0), None);
    }
}
