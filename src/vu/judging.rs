//! What a search judges of a VU's requests; called only where the recorder judges.

use super::exchange::was_sent;
use super::{VuId, Vus};
use crate::metrics::{JudgedSample, LeafId, Recorder, Verdict};
use crate::script::Program;
use crate::time::Instant;
use crate::wire::ConnId;

/// What a request is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judging {
    /// When its iteration was due.
    pub due: Instant,
    /// It is the first of its iteration: its latency counts from there.
    pub from_due: bool,
}

impl Default for Judging {
    fn default() -> Judging {
        Judging { due: Instant::NEVER, from_due: false }
    }
}

impl Judging {
    /// The request that follows this one in its iteration.
    pub fn next(self) -> Judging {
        Judging { from_due: false, ..self }
    }

    /// `n` responses came at `at` to what was sent from `sent_from` on.
    pub fn on_response(
        self,
        accepted: bool,
        sent_from: Instant,
        at: Instant,
        n: u32,
        leaf: LeafId,
        recorder: &mut Recorder,
    ) {
        let from = if self.from_due { self.due } else { sent_from };
        let verdict = if accepted { Verdict::Accepted } else { Verdict::Failed };
        recorder.judge_outcome(JudgedSample { due: self.due, latency_ns: at.since(from), n, verdict, leaf });
    }

    /// `n` requests come to nothing.
    pub fn on_failure(self, verdict: Verdict, n: u32, leaf: LeafId, recorder: &mut Recorder) {
        recorder.judge_outcome(JudgedSample { due: self.due, latency_ns: 0, n, verdict, leaf });
    }
}

impl<P: Program> Vus<P> {
    /// When the VU's next iteration was meant to begin; told before `start` where the recorder
    /// judges.
    pub fn set_due(&mut self, vu: VuId, due: Instant) {
        self.vus[vu.0 as usize].next_judged = Judging { due, from_due: true };
    }

    /// Gives a VU's next request what it will be judged by, and records that it was asked for.
    pub(super) fn ask_judged(&mut self, vu: VuId, n: u32, recorder: &mut Recorder) -> Judging {
        let user = &mut self.vus[vu.0 as usize];
        let judging = user.next_judged;
        user.next_judged = judging.next();
        recorder.judge_ask(judging.due, n);
        judging
    }

    /// Requests of a VU's template have no outcome.
    pub(super) fn judge_interrupted(&mut self, vu: VuId, n: u32, recorder: &mut Recorder) {
        if recorder.judges() {
            self.vus[vu.0 as usize].judged.on_failure(Verdict::Interrupted, n, LeafId(0), recorder);
        }
    }

    /// Whether what failed on a connection had been sent.
    pub(super) fn failed_as(&self, conn: ConnId) -> Verdict {
        match was_sent(&self.connections[conn.0 as usize]) {
            true => Verdict::Failed,
            false => Verdict::Unsent,
        }
    }
}
