//! What a search judges: each start and each exchange by the instant its iteration was due.
//!
//! Recorded only where a job asks for it (`Recorder::judge`); an ordinary run pays one branch for
//! it. `Trials` counts these per span of due times on the control thread. A full buffer loses
//! records, and says how many: a trial with lost records is no evidence.

use super::leaf::LeafId;
use crate::time::Instant;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A response came, and its status is one that its script expects (200 to 399 by default).
    Accepted,
    /// A response of another status; or none, after the request was sent.
    Failed,
    /// It could not be sent: no address, no connection.
    Unsent,
    /// Its iteration was interrupted before it had an outcome.
    Interrupted,
}

/// The outcome of `n` equal requests. A pipeline's requests are sent at once and count alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedSample {
    /// When the iteration was meant to begin.
    pub due: Instant,
    /// From `due` for the first request of an iteration, opening a connection included; later ones
    /// (and hops of redirects) from their own send. 0 unless a response came.
    pub latency_ns: u64,
    pub n: u32,
    pub verdict: Verdict,
    /// Of the worker that recorded it. Without meaning if interrupted.
    pub leaf: LeafId,
}

/// A start of an iteration, given or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedStart {
    pub due: Instant,
    /// How late it began; `None`: no VU was free, it was dropped.
    pub lag_ns: Option<u64>,
}

/// Requests that an iteration asks for; each has one outcome, sooner or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedAsk {
    pub due: Instant,
    pub n: u32,
}

/// A window's records, in order of arrival. Outcomes may be of iterations of earlier windows.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    pub starts: Vec<JudgedStart>,
    pub asks: Vec<JudgedAsk>,
    pub outcomes: Vec<JudgedSample>,
    /// Every start due before this was given or dropped, in this window or in an earlier one.
    pub due_until: Instant,
    /// Records for which there was no room.
    pub lost: u64,
}

impl Judged {
    /// Room for so many records of each kind; pages are touched when they are first written.
    pub(super) fn reserve(&mut self, records: usize) {
        self.starts.reserve_exact(records);
        self.asks.reserve_exact(records);
        self.outcomes.reserve_exact(records);
    }

    pub(super) fn clear(&mut self) {
        self.starts.clear();
        self.asks.clear();
        self.outcomes.clear();
        self.due_until = Instant::ZERO;
        self.lost = 0;
    }
}
