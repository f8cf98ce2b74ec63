//! The goals of the project, and whether these runs reached them. Pure.

use super::samples::{CellRuns, Figure, Sample};
use super::spread::Spread;

/// A goal judged by the median.
pub struct Judged {
    pub text: String,
    /// `None`: the runs it needs were not made.
    pub verdict: Option<Verdict>,
}

pub struct Verdict {
    pub reached: bool,
    pub measured: Spread,
}

/// All goals, in the order in which a reader cares.
pub fn judge(samples: &[Sample]) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (cell, want) in [("64", 1.4), ("1024", 1.7), ("10000", 2.1), ("64x16", 2.4)] {
        let ratio = CellRuns::of(samples, "target", cell).ratio(Sample::cpu_us, "wrk", "ringload");
        judged.push(at_least(format!("target, {cell}: CPU per request, wrk ÷ ringload"), want, ratio));
    }
    for cell in ["64", "1024", "10000", "64x16", "1", "close"] {
        let ratio = CellRuns::of(samples, "nginx", cell).ratio(Sample::rate, "ringload", "wrk");
        judged.push(at_least(format!("nginx, {cell}: rate, ringload ÷ wrk"), 0.98, ratio));
    }
    for (cell, contender, want) in [("1", "ringload-spin", 2.5), ("close", "ringload", 1.3)] {
        let ratio = CellRuns::of(samples, "target", cell).ratio(Sample::rate, contender, "wrk");
        judged.push(at_least(format!("target, {cell}: rate, {contender} ÷ wrk"), want, ratio));
    }
    let memory = CellRuns::of(samples, "target", "10000").spread("ringload", Sample::rss_max_mb);
    judged.push(at_most("target, 10000: peak memory of ringload in MB".to_owned(), 60.0, memory));
    for (cell, want) in [("rate-1000", 1.0), ("rate-50000", 20.0)] {
        // A run that told no lag has not kept to its schedule.
        let lag: Figure = |sample| sample.start_lag_p99_us.unwrap_or(f64::INFINITY);
        let lag = CellRuns::of(samples, "target", cell).spread("ringload-spin", lag);
        judged.push(at_most(format!("target, {cell}: 99th percentile of the start lag in µs"), want, lag));
    }
    judged
}

fn at_least(text: String, want: f64, measured: Option<Spread>) -> Judged {
    let verdict = measured.map(|measured| Verdict { reached: measured.median >= want, measured });
    Judged { text: format!("{text} >= {want}"), verdict }
}

fn at_most(text: String, want: f64, measured: Option<Spread>) -> Judged {
    let verdict = measured.map(|measured| Verdict { reached: measured.median <= want, measured });
    Judged { text: format!("{text} <= {want}"), verdict }
}
