//! What the built-in target did: counted by its workers, added up, rendered by `output`.

use std::collections::BTreeMap;
use std::time::Duration;

/// requests = answered + dropped + those still waiting for their answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// From the first listener to the end; the longest of the workers'.
    pub duration: Duration,
    /// Connections accepted, and those open at this moment.
    pub connections: u64,
    pub open: u64,
    /// Requests read to their end, and what was no request.
    pub requests: u64,
    pub parse_errors: u64,
    /// Responses wholly handed to the kernel, by status; those to parse errors (400) too.
    pub answered: BTreeMap<u16, u64>,
    /// Answers that found their connection gone.
    pub dropped: u64,
    /// Connections closed because the client sent requests and did not read the answers.
    pub overruns: u64,
    /// Requests answered by 503 since its queue was full (of `answered`).
    pub refused: u64,
    /// How often its capacity fell, and how often it paused.
    pub collapses: u64,
    pub pauses: u64,
    pub bytes_received: u64,
    pub bytes_sent: u64,
}

impl Served {
    /// Adds another worker's counts.
    pub fn absorb(&mut self, other: &Served) {
        self.duration = self.duration.max(other.duration);
        self.connections += other.connections;
        self.open += other.open;
        self.requests += other.requests;
        self.parse_errors += other.parse_errors;
        for (&status, &count) in &other.answered {
            *self.answered.entry(status).or_default() += count;
        }
        self.dropped += other.dropped;
        self.overruns += other.overruns;
        self.refused += other.refused;
        self.collapses += other.collapses;
        self.pauses += other.pauses;
        self.bytes_received += other.bytes_received;
        self.bytes_sent += other.bytes_sent;
    }

    pub fn responses(&self) -> u64 {
        self.answered.values().sum()
    }

    /// Per second of the duration; 0 before there is one.
    pub fn responses_per_second(&self) -> f64 {
        match self.duration {
            Duration::ZERO => 0.0,
            duration => self.responses() as f64 / duration.as_secs_f64(),
        }
    }
}
