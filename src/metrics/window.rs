//! A window: what one worker measured since it last handed over.
//!
//! The worker appends and counts (`recorder`), the control thread reads and empties (`totals`),
//! and the emptied window goes back to be filled again. It crosses threads by moving: nothing is
//! shared. Windows of a worker must be absorbed in the order in which they were taken, because
//! leaves are defined in the window in which they first appear.

use super::judged::Judged;
use super::leaf::{CheckTags, ExchangeTags, LeafId, SampleTags};
use super::registry::MetricId;
use super::traces::{TraceBuffer, TracedLeaf, Traces};
use crate::options::SystemTags;

/// Samples in order of arrival, and for each leaf what is only counted.
#[derive(Clone, Debug, Default)]
pub struct Window {
    pub(super) exchanges: Vec<ExchangeSample>,
    pub(super) connections: Vec<ConnectionSample>,
    pub(super) iterations: Vec<IterationSample>,
    /// Starts that were late; the others are counted in `Counts::on_time`.
    pub(super) late_starts: Vec<StartSample>,
    pub(super) groups: Vec<GroupSample>,
    /// Values of custom trends.
    pub(super) values: Vec<ValueSample>,
    /// One for each leaf of the worker, old and new.
    pub(super) counts: Vec<Counts>,
    /// The leaves made since the window before, in the order of their ids.
    pub(super) new_leaves: Vec<LeafTags>,
    /// Look-ups that got a coarser leaf than they asked for, the bound of leaves being reached.
    pub(super) coarse_lookups: u64,
    /// Additions to custom gauges, for `Added::last_at`.
    pub(super) additions: u64,
    /// For a search; else empty.
    pub(super) judged: Judged,
    /// For outputs of single samples; else empty.
    pub(super) traces: TraceBuffer,
}

/// Equal exchanges that were answered in one reading. 32 bytes: two to a cache line.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExchangeSample {
    pub sending_ns: u64,
    pub waiting_ns: u64,
    pub receiving_ns: u64,
    pub n: u32,
    pub leaf: LeafId,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectionSample {
    pub blocked_ns: u64,
    pub connecting_ns: u64,
    pub tls_handshaking_ns: u64,
    pub leaf: LeafId,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct IterationSample {
    pub duration_ns: u64,
    pub leaf: LeafId,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct StartSample {
    pub lag_ns: u64,
    pub leaf: LeafId,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct GroupSample {
    pub duration_ns: u64,
    pub leaf: LeafId,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ValueSample {
    pub value: f64,
    pub leaf: LeafId,
}

/// What a leaf counts without keeping values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub on_time: u64,
    pub interrupted: u64,
    pub dropped_iterations: u64,
    pub data_flushes: u64,
    pub data_sent: u64,
    pub data_received: u64,
    /// Of a check or a custom rate.
    pub passes: u64,
    pub fails: u64,
    pub added: Added,
    pub unsampled: Unsampled,
}

/// What was added to a custom counter or gauge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Added {
    pub samples: u64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub last: f64,
    /// Which addition of its window `last` was: the latest of several leaves is a gauge's value.
    pub last_at: u64,
}

impl Default for Added {
    fn default() -> Added {
        Added { samples: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, last: 0.0, last_at: 0 }
    }
}

impl Added {
    #[inline]
    pub fn add(&mut self, value: f64, at: u64) {
        self.samples += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        (self.last, self.last_at) = (value, at);
    }
}

/// What happened while the buffer of its samples was full: counted, without its timings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unsampled {
    pub exchanges: u64,
    pub connections: u64,
    pub iterations: u64,
    pub late_starts: u64,
    pub groups: u64,
    pub values: u64,
}

impl Unsampled {
    pub fn sum(&self) -> u64 {
        self.exchanges + self.connections + self.iterations + self.late_starts + self.groups + self.values
    }
}

/// What a leaf was made for.
#[derive(Clone, Debug)]
pub(super) enum LeafTags {
    Exchange(ExchangeTags),
    Function(SampleTags),
    Check(CheckTags),
    Group(SampleTags),
    Custom(MetricId, SampleTags),
}

impl Window {
    /// Room for `samples` of each kind. Pages are touched when they are first written, so unused
    /// room costs address space only.
    pub(super) fn with_room(samples: usize) -> Window {
        Window {
            exchanges: Vec::with_capacity(samples),
            connections: Vec::with_capacity(samples),
            iterations: Vec::with_capacity(samples),
            late_starts: Vec::with_capacity(samples),
            groups: Vec::with_capacity(samples),
            values: Vec::with_capacity(samples),
            ..Window::default()
        }
    }

    /// What was traced, and whose leaf is whose, where samples carry the system tags `shown`;
    /// before the window is absorbed.
    pub fn take_traces(&mut self, shown: SystemTags) -> Traces {
        let (records, left_out) = self.traces.take();
        let new_leaves = self.new_leaves.iter().map(|tags| TracedLeaf::of(tags, shown)).collect();
        Traces { records, new_leaves, left_out }
    }

    pub(super) fn is_clear(&self) -> bool {
        self.exchanges.is_empty()
            && self.iterations.is_empty()
            && self.groups.is_empty()
            && self.values.is_empty()
            && self.new_leaves.is_empty()
    }

    /// Empty, with its room kept.
    pub(super) fn clear(&mut self) {
        self.exchanges.clear();
        self.connections.clear();
        self.iterations.clear();
        self.late_starts.clear();
        self.groups.clear();
        self.values.clear();
        self.counts.fill(Counts::default());
        self.new_leaves.clear();
        self.coarse_lookups = 0;
        self.additions = 0;
        self.judged.clear();
    }
}
