//! What the runs measured, and the figures derived from it. Pure.

use super::spread::Spread;

/// One run of one contender.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub server: &'static str,
    pub cell: &'static str,
    pub contender: &'static str,
    pub round: u32,
    pub requests: u64,
    pub failed: u64,
    /// Of the load, by the tool's own clock.
    pub seconds: f64,
    /// From the start of the process to its end.
    pub wall_seconds: f64,
    /// User and system time of the client, and of the server meanwhile.
    pub cpu_seconds: f64,
    pub server_cpu_seconds: f64,
    pub rss_max_bytes: u64,
    /// ringload with `--rate` only.
    pub start_lag_p99_us: Option<f64>,
}

impl Sample {
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    pub fn cpu_us(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.requests as f64
    }

    pub fn server_cpu_us(&self) -> f64 {
        self.server_cpu_seconds * 1e6 / self.requests as f64
    }

    pub fn rss_max_mb(&self) -> f64 {
        self.rss_max_bytes as f64 / 1e6
    }
}

/// A figure of a sample, e.g. `Sample::rate`.
pub type Figure = fn(&Sample) -> f64;

/// The runs of one cell against one server.
#[derive(Clone, Copy)]
pub struct CellRuns<'a> {
    samples: &'a [Sample],
    server: &'a str,
    cell: &'a str,
}

impl<'a> CellRuns<'a> {
    pub fn of(samples: &'a [Sample], server: &'a str, cell: &'a str) -> CellRuns<'a> {
        CellRuns { samples, server, cell }
    }

    pub fn by(self, contender: &'a str) -> impl Iterator<Item = &'a Sample> {
        let CellRuns { samples, server, cell } = self;
        samples.iter().filter(move |sample| {
            sample.server == server && sample.cell == cell && sample.contender == contender
        })
    }

    /// `None` if it did not run.
    pub fn spread(self, contender: &'a str, figure: Figure) -> Option<Spread> {
        Spread::of(self.by(contender).map(figure))
    }

    /// `figure` of `over` by that of `under`, taken in each round by itself: what the machine
    /// does from minute to minute then moves both.
    pub fn ratio(self, figure: Figure, over: &'a str, under: &'a str) -> Option<Spread> {
        Spread::of(self.by(over).filter_map(|a| {
            let b = self.by(under).find(|b| b.round == a.round)?;
            Some(figure(a) / figure(b))
        }))
    }
}
