//! One row: counts and digests of one stretch of time, over all workers.

use super::digest::{Digest, Spread};

/// How requests failed: by hundreds of k6's error code, and those without one (an unexpected
/// status below 400).
pub const FAILURE_CLASSES: [&str; 8] =
    ["general", "dns", "tcp", "tls", "status_4xx", "status_5xx", "http2", "status_other"];

/// The class of an error code: a place in `FAILURE_CLASSES`.
pub(super) fn class_of(error_code: u16) -> usize {
    match error_code / 100 {
        hundreds @ 10..=16 => usize::from(hundreds) - 10,
        _ => FAILURE_CLASSES.len() - 1,
    }
}

/// Counts of what happened in this time, unless it says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Iterations begun; those of them that began more than 1 ms late; and starts without a free VU.
    pub started: u64,
    pub late: u64,
    pub dropped: u64,
    /// Iterations that ended by themselves, and that were cut short.
    pub completed: u64,
    pub interrupted: u64,
    /// Requests written, those sent again too.
    pub sent: u64,
    /// Requests with an outcome, failed ones included.
    pub answered: u64,
    pub failed: u64,
    /// The failed ones, by `FAILURE_CLASSES`.
    pub failed_by: [u64; FAILURE_CLASSES.len()],
    /// Outcomes whose timings found no room.
    pub untimed: u64,
    pub data_sent: u64,
    pub data_received: u64,
    /// The integral of the number of requests on the wire.
    pub in_flight_ns: u64,
    /// The time that the workers' reports cover, all workers together.
    pub covered_ns: u64,
    /// CPU time of the workers without spinning; and the largest share of its time that one worked.
    pub worked_ns: u64,
    pub busiest: f64,
    /// At the end.
    pub vus_active: u64,
    pub vus_initialized: u64,
    /// Of starts: how late, in nanoseconds.
    pub lag: Digest,
    /// Of outcomes: k6's `http_req_duration`, in nanoseconds.
    pub duration: Digest,
    /// Of responses: from the due time, where the recorder judges. The time that it counts in is
    /// that of the response.
    pub from_due: Digest,
}

impl Row {
    /// Starts that were due, by the time that they were given or dropped.
    pub fn offered(&self) -> u64 {
        self.started + self.dropped
    }

    /// The time covered, in seconds.
    pub fn covered_s(&self, workers: usize) -> f64 {
        self.covered_ns as f64 / 1e9 / workers.max(1) as f64
    }

    /// Mean number of requests on the wire, all workers together.
    pub fn in_flight(&self, workers: usize) -> f64 {
        match self.covered_ns {
            0 => 0.0,
            covered_ns => self.in_flight_ns as f64 / covered_ns as f64 * workers as f64,
        }
    }

    /// Mean share of their time in which workers worked.
    pub fn busy(&self) -> f64 {
        if self.covered_ns == 0 { 0.0 } else { (self.worked_ns as f64 / self.covered_ns as f64).min(1.0) }
    }

    /// Rows that follow each other, as one.
    pub fn merged(rows: &[Row]) -> Row {
        if let [row] = rows {
            return row.clone();
        }
        let mut sum = Row::default();
        for row in rows {
            sum.started += row.started;
            sum.late += row.late;
            sum.dropped += row.dropped;
            sum.completed += row.completed;
            sum.interrupted += row.interrupted;
            sum.sent += row.sent;
            sum.answered += row.answered;
            sum.failed += row.failed;
            sum.failed_by.iter_mut().zip(row.failed_by).for_each(|(sum, more)| *sum += more);
            sum.untimed += row.untimed;
            sum.data_sent += row.data_sent;
            sum.data_received += row.data_received;
            sum.in_flight_ns += row.in_flight_ns;
            sum.covered_ns += row.covered_ns;
            sum.worked_ns += row.worked_ns;
            sum.busiest = sum.busiest.max(row.busiest);
            (sum.vus_active, sum.vus_initialized) = (row.vus_active, row.vus_initialized);
        }
        sum.lag = merged_digest(rows.iter().map(|row| &row.lag));
        sum.duration = merged_digest(rows.iter().map(|row| &row.duration));
        sum.from_due = merged_digest(rows.iter().map(|row| &row.from_due));
        sum
    }
}

fn merged_digest<'a>(digests: impl Iterator<Item = &'a Digest>) -> Digest {
    let mut spread = Spread::default();
    digests.for_each(|digest| spread.add(digest));
    spread.digest()
}
