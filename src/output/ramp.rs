//! What a ramp of load showed, in lines for a person and as JSON.

use crate::output::number;
use crate::output::style::{Look, Paint};
use crate::search::ramp::{Axis, RampEstimate, RampReading};
use serde_json::{Value, json};

const CAVEAT: &str =
    "ramp estimate; one pass, lag-biased upward: run `ringload breakpoint` for a bracketed figure";

/// Nothing if nothing was found.
pub fn render(reading: &RampReading, colors: bool) -> String {
    let paint = Paint { colors };
    let RampReading { axis, estimate } = reading;
    let mut facts = Vec::new();
    if let Some(load) = estimate.error_onset {
        facts.push(format!("errors start at {}", self::load(*axis, load)));
    }
    if let Some(load) = estimate.knee {
        facts.push(format!("knee at {}", self::load(*axis, load)));
    }
    if facts.is_empty() {
        return String::new();
    }
    facts.push(format!("highest goodput {} iterations/s", rounded(estimate.capacity)));
    let mut text = format!("    {}  {}\n", paint.text(Look::Bold, "RAMP ESTIMATE"), facts.join(", "));
    text += &format!("      {}\n", paint.text(Look::FaintWhite, &caveat(estimate)));
    text
}

fn caveat(estimate: &RampEstimate) -> String {
    match estimate.too_fast {
        true => format!("{CAVEAT}; the load rose faster than answers came, so it is further off"),
        false => CAVEAT.to_owned(),
    }
}

fn load(axis: Axis, load: f64) -> String {
    match axis {
        Axis::IterationsPerSecond => format!("{} iterations/s", rounded(load)),
        Axis::Vus => format!("{} VUs", rounded(load)),
    }
}

/// To three figures: a ramp knows no more.
fn rounded(value: f64) -> String {
    let unit = 10f64.powf(value.max(1.0).log10().floor() - 2.0);
    number::plain((value / unit).round() * unit)
}

pub fn to_json(reading: &RampReading) -> Value {
    let RampReading { axis, estimate } = reading;
    json!({
        "by": match axis {
            Axis::IterationsPerSecond => "iterations_per_s",
            Axis::Vus => "vus",
        },
        "error_onset": estimate.error_onset,
        "knee": estimate.knee,
        "power": estimate.power,
        "capacity_per_s": estimate.capacity,
        "too_fast": estimate.too_fast,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ESTIMATE: RampEstimate = RampEstimate {
        error_onset: Some(1_234.5),
        knee: None,
        power: Some(700.0),
        capacity: 1_180.2,
        too_fast: false,
    };

    #[test]
    fn an_estimate_stands_with_its_caveat() {
        let reading = RampReading { axis: Axis::IterationsPerSecond, estimate: ESTIMATE };
        let want = format!(
            "    RAMP ESTIMATE  errors start at 1230 iterations/s, highest goodput 1180 iterations/s\n      {CAVEAT}\n"
        );
        assert_eq!(render(&reading, false), want);
    }

    #[test]
    fn where_nothing_was_found_nothing_is_said() {
        let estimate = RampEstimate { error_onset: None, ..ESTIMATE };
        assert_eq!(render(&RampReading { axis: Axis::Vus, estimate }, false), "");
    }
}
