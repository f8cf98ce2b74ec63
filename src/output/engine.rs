//! Our own lines after k6's block: what the engine spent, and whether to believe the figures.

use crate::diagnosis::{Availability, Diagnosis};
use crate::output::number;
use crate::output::style::{Look, Paint};
use crate::output::{outage, ramp, verdict};
use crate::search::ramp::RampReading;
use std::time::Duration;

/// What the engine did, as facts.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineReport {
    /// `io_uring (single issuer, …)`.
    pub transport: String,
    pub congestion_control: String,
    pub requests: u64,
    /// CPU time of workers and control together.
    pub cpu: Duration,
    /// Share of wall time in which each worker had work to do.
    pub busy: Vec<f64>,
    /// CPU time that only spun, of all workers.
    pub spun: Duration,
    /// Open loop: lag of starts behind the schedule, median and 99th percentile, in ms.
    pub start_lag_ms: Option<(f64, f64)>,
    /// Who broke first; `None` if nothing was run.
    pub diagnosis: Option<Diagnosis>,
    /// When the target was gone.
    pub availability: Option<Availability>,
    /// Of a run with a ramp.
    pub ramp: Option<RampReading>,
    pub doubts: Vec<Doubt>,
}

/// Why a figure may not be what it seems.
#[derive(Clone, Debug, PartialEq)]
pub enum Doubt {
    /// Starts came late by this much at the 99th percentile.
    StartsLate {
        p99_ms: f64,
    },
    /// Starts for which no VU was free.
    IterationsDropped {
        dropped: u64,
        due: u64,
    },
    /// Timings that found no room; counts are exact.
    SamplesDropped {
        samples: u64,
    },
    /// Tag sets beyond the bound: recorded under coarser tags.
    TagsCoarsened {
        lookups: u64,
    },
    RequestsInterrupted {
        requests: u64,
    },
    /// In so many steady seconds Little's law did not hold; the first of them, with both sides.
    LittlesLawBroken {
        seconds: u64,
        first_s: u64,
        in_flight: f64,
        expected: f64,
    },
    /// The completion queue of a ring was full: the kernel kept what came then for later.
    CompletionsPutOff {
        times: u64,
    },
    /// What this worker measured in its last 100 ms is missing.
    WorkerPanicked {
        message: String,
    },
    /// Workers that did not stop in time; their last 100 ms are missing.
    WorkersAbandoned {
        workers: u32,
    },
    /// The machine gave no socket: the errors are ours, not the target's.
    LocalErrors {
        requests: u64,
        text: String,
        remedy: String,
    },
}

/// getrusage(2) counts in steps of some milliseconds on some kernels: less says nothing.
const CPU_MIN: Duration = Duration::from_millis(10);

impl EngineReport {
    /// Requests per CPU-second of the generator; spinning is not counted, since it is not needed.
    /// `None` if too little was done to tell.
    pub fn requests_per_cpu_second(&self) -> Option<f64> {
        let worked = self.cpu.saturating_sub(self.spun);
        (worked >= CPU_MIN && self.requests > 0).then(|| self.requests as f64 / worked.as_secs_f64())
    }
}

/// The block as printed: a heading, facts, who broke first, then each doubt on a line of its own.
pub fn render(report: &EngineReport, colors: bool) -> String {
    let paint = Paint { colors };
    let mut text = format!("    {}\n", paint.text(Look::Bold, "ENGINE"));
    let mut line = |label: &str, value: &str| {
        let dots = ".".repeat(31usize.saturating_sub(label.len()));
        text += &format!("    {label}{} {value}\n", paint.text(Look::FaintWhite, &format!("{dots}:")));
    };
    let efficiency = match report.requests_per_cpu_second() {
        Some(rate) => format!("{} ({:.2}µs a request)", number::plain(rate.round()), 1e6 / rate),
        None => "-".to_owned(),
    };
    line("requests_per_cpu_second", &paint.text(Look::Cyan, &efficiency));
    line("worker_busy", &paint.text(Look::Cyan, &busy_text(report)));
    line("transport", &report.transport);
    line("congestion_control", &report.congestion_control);
    if let Some((p50, p99)) = report.start_lag_ms {
        let lag = format!("p50={} p99={}", number::time(p50, None), number::time(p99, None));
        line("start_lag", &paint.text(Look::Cyan, &lag));
    }
    if let Some(diagnosis) = &report.diagnosis {
        text += &verdict::render(diagnosis, colors);
    }
    if let Some(availability) = &report.availability {
        text += &outage::render(availability, colors);
    }
    if let Some(reading) = &report.ramp {
        text += &ramp::render(reading, colors);
    }
    for doubt in &report.doubts {
        text += &format!("    {}\n", paint.text(Look::Red, &format!("! {}", describe(doubt))));
    }
    text
}

fn busy_text(report: &EngineReport) -> String {
    let shares: Vec<String> = report.busy.iter().map(|share| format!("{:.0}%", share * 100.0)).collect();
    let spun = report.spun.as_secs_f64();
    let all = match shares.len() {
        0 => "-".to_owned(),
        _ => shares.join(" "),
    };
    if spun > 0.05 { format!("{all} (and {spun:.1}s of spinning for precision)") } else { all }
}

/// A doubt in one sentence: the number, and what to try.
pub fn describe(doubt: &Doubt) -> String {
    match doubt {
        Doubt::StartsLate { p99_ms } => format!(
            "starts came late: 1 in 100 by {} or more; latencies from the scheduled time are longer than \
             shown. Try --spin on, more --workers or a lower rate",
            number::time(*p99_ms, None)
        ),
        Doubt::IterationsDropped { dropped, due } => format!(
            "{dropped} of {due} iterations were dropped: no VU was free. The latencies describe only those \
             that started. Try --max-vus, or a lower rate"
        ),
        Doubt::SamplesDropped { samples } => format!(
            "{samples} timings were dropped, the control thread being late; counts are exact, percentiles \
             describe the rest. Try to leave a CPU free"
        ),
        Doubt::TagsCoarsened { lookups } => {
            format!("too many different tags: {lookups} were recorded without url, name, group and error")
        }
        Doubt::RequestsInterrupted { requests } => {
            format!("{requests} requests were interrupted without an answer; they are in no metric")
        }
        Doubt::LittlesLawBroken { seconds, first_s, in_flight, expected } => format!(
            "in {seconds} steady seconds, the first at {first_s}s, {in_flight:.1} requests were in flight, but rate \
             times duration is {expected:.1} (Little's law): some requests hang or were sent again, or timings \
             are wrong. Look at the timeline (-o timeline=FILE)"
        ),
        Doubt::CompletionsPutOff { times } => format!(
            "{times} times more answers came at once than the ring holds; they were read late, so latencies \
             are longer than they were. Try more --workers, or --transport=epoll"
        ),
        Doubt::WorkerPanicked { message } => {
            format!("a worker failed: {message}; its last 100ms are missing. Please report this")
        }
        Doubt::WorkersAbandoned { workers } => {
            format!("{workers} workers had not stopped when asked twice; their last 100ms are missing")
        }
        Doubt::LocalErrors { requests, text, remedy } => {
            format!("{requests} requests failed on this machine, not at the target ({text}): {remedy}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> EngineReport {
        EngineReport {
            transport: "io_uring (x)".into(),
            congestion_control: "cubic".into(),
            requests: 1_000_000,
            cpu: Duration::from_secs(4),
            busy: vec![0.75],
            spun: Duration::from_secs(2),
            start_lag_ms: None,
            diagnosis: None,
            availability: None,
            ramp: None,
            doubts: Vec::new(),
        }
    }

    #[test]
    fn spinning_is_not_charged_to_requests() {
        assert_eq!(report().requests_per_cpu_second(), Some(500_000.0));
    }

    #[test]
    fn the_block_names_each_fact_on_a_line() {
        let text = render(&EngineReport { start_lag_ms: Some((0.0, 0.04)), ..report() }, false);
        let want = "    ENGINE\n    requests_per_cpu_second........: 500000 (2.00µs a request)\n    \
                    worker_busy....................: 75% (and 2.0s of spinning for precision)\n    \
                    transport......................: io_uring (x)\n    \
                    congestion_control.............: cubic\n    \
                    start_lag......................: p50=0s p99=40µs\n";
        assert_eq!(text, want);
    }

    #[test]
    fn a_doubt_stands_under_the_facts_with_its_number() {
        let doubts = vec![Doubt::IterationsDropped { dropped: 3, due: 10 }];
        let text = render(&EngineReport { doubts, ..report() }, false);
        assert!(text.contains("    ! 3 of 10 iterations were dropped"), "{text}");
        let doubts = vec![Doubt::CompletionsPutOff { times: 2 }];
        let text = render(&EngineReport { doubts, ..report() }, false);
        assert!(text.contains("    ! 2 times more answers came at once than the ring holds"), "{text}");
    }
}
