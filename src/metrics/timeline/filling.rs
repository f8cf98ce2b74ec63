//! The tick being filled: rows with their values still spread out.

use super::digest::Spread;
use super::row::{Row, class_of};
use super::{TICK_NS, Tick};
use crate::metrics::judged::Verdict;
use crate::metrics::window::{LeafTags, Window};

/// A start that is later than this is a late one. Any start that waits for the loop's next turn is
/// some microseconds late.
const LATE_NS: u64 = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Filling {
    row: Row,
    lag: Spread,
    duration: Spread,
    from_due: Spread,
}

/// What a leaf's samples count as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeafClass {
    Expected,
    /// By its class.
    Failed(usize),
    /// Iterations, starts and data.
    Function,
    Other,
}

impl LeafClass {
    pub fn of(tags: &LeafTags) -> LeafClass {
        match tags {
            LeafTags::Exchange(tags) if tags.expected_response == Some(false) => {
                LeafClass::Failed(class_of(tags.error_code))
            }
            LeafTags::Exchange(_) => LeafClass::Expected,
            LeafTags::Function(_) => LeafClass::Function,
            LeafTags::Check(_) | LeafTags::Group(_) | LeafTags::Custom(..) => LeafClass::Other,
        }
    }
}

impl Filling {
    pub fn add(&mut self, leaves: &[LeafClass], window: &Window, before: &Tick, tick: &Tick) {
        let row = &mut self.row;
        for sample in &window.exchanges {
            let n = u64::from(sample.n);
            self.duration.record(sample.sending_ns + sample.waiting_ns + sample.receiving_ns, n);
            row.count_outcomes(leaves[sample.leaf.0 as usize], n);
        }
        for sample in &window.late_starts {
            self.lag.record(sample.lag_ns, 1);
            row.late += u64::from(sample.lag_ns > LATE_NS);
        }
        row.started += window.late_starts.len() as u64;
        row.completed += window.iterations.len() as u64;
        for (&leaf, counts) in leaves.iter().zip(&window.counts) {
            match leaf {
                LeafClass::Expected | LeafClass::Failed(_) => {
                    row.untimed += counts.unsampled.exchanges;
                    row.count_outcomes(leaf, counts.unsampled.exchanges);
                }
                LeafClass::Function => {
                    if counts.on_time > 0 {
                        self.lag.record(0, counts.on_time);
                    }
                    row.started += counts.on_time + counts.unsampled.late_starts;
                    row.completed += counts.unsampled.iterations;
                    row.interrupted += counts.interrupted;
                    row.dropped += counts.dropped_iterations;
                    row.data_sent += counts.data_sent;
                    row.data_received += counts.data_received;
                }
                LeafClass::Other => {}
            }
        }
        for sample in &window.judged.outcomes {
            // A failure without a response has no latency.
            if sample.verdict == Verdict::Accepted || sample.latency_ns > 0 {
                self.from_due.record(sample.latency_ns, u64::from(sample.n));
            }
        }
        let covered_ns = tick.at.since(before.at);
        let worked_ns =
            tick.cpu_ns.saturating_sub(before.cpu_ns).saturating_sub(tick.spun_ns - before.spun_ns);
        row.sent += tick.sent_requests - before.sent_requests;
        // A send may be stamped after the turn that the report before was made in.
        row.in_flight_ns += (tick.in_flight_ns.wrapping_sub(before.in_flight_ns) as i64).max(0) as u64;
        row.covered_ns += covered_ns;
        row.worked_ns += worked_ns;
        // Less time says nothing of how busy a worker is.
        if covered_ns >= TICK_NS / 2 {
            row.busiest = row.busiest.max((worked_ns as f64 / covered_ns as f64).min(1.0));
        }
    }

    /// The row, leaving this empty, with its room kept.
    pub fn take(&mut self) -> Row {
        let row = Row {
            lag: self.lag.digest(),
            duration: self.duration.digest(),
            from_due: self.from_due.digest(),
            ..std::mem::take(&mut self.row)
        };
        [&mut self.lag, &mut self.duration, &mut self.from_due].into_iter().for_each(Spread::clear);
        row
    }
}

impl Row {
    fn count_outcomes(&mut self, leaf: LeafClass, n: u64) {
        self.answered += n;
        if let LeafClass::Failed(class) = leaf {
            self.failed += n;
            self.failed_by[class] += n;
        }
    }
}
