//! Traces: what happened, one by one, for outputs that want every sample (`-o json`, `-o csv`).
//!
//! Recorded only when asked for (`Recorder::trace`): one record for each exchange, iteration, check,
//! group, value. Records leave the worker in its window; what each of them means as samples of metrics
//! is worked out by `samples_of`, on the thread of whoever wants it. When there are more records
//! than room, every second one is left out, then every fourth, ...: evenly, and counted.

use super::builtin::Builtin;
use super::leaf::{LeafId, TagSet};
use super::recorder::ExchangeTiming;
use super::registry::MetricId;
use super::window::LeafTags;
use crate::options::SystemTags;
use crate::time::Instant;

/// Something that happened at `at` (to a turn of the worker's loop) under the tags of a leaf.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trace {
    pub at: Instant,
    pub leaf: LeafId,
    pub what: Happening,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Happening {
    /// `n` exchanges with the same timings; the first of them opened a connection, if so.
    Exchange {
        timing: ExchangeTiming,
        n: u32,
        opening: Opening,
    },
    Iteration {
        duration_ns: u64,
    },
    Data {
        sent: u64,
        received: u64,
    },
    Dropped {
        n: u64,
    },
    Check {
        passed: bool,
    },
    Group {
        duration_ns: u64,
    },
    Value(f64),
}

/// What opening its connection cost an exchange; zeros over a pooled one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    pub blocked_ns: u64,
    pub connecting_ns: u64,
    pub tls_handshaking_ns: u64,
}

/// The tags that a leaf's samples carry, by k6's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedLeaf {
    pub tags: TagSet,
    /// Of exchanges: no `http_req_failed` without.
    pub expected_response: Option<bool>,
    /// Of values that a script adds.
    pub metric: Option<MetricId>,
}

/// What a worker hands over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traces {
    /// In the order in which they happened.
    pub records: Vec<Trace>,
    /// The worker's leaves made since it last handed over, in the order of their ids.
    pub new_leaves: Vec<TracedLeaf>,
    /// Happenings left out.
    pub left_out: u64,
}

/// The records of a window being filled.
#[derive(Clone, Debug, Default)]
pub(super) struct TraceBuffer {
    records: Vec<Trace>,
    /// One of so many is kept; and how many came since the last that was.
    every: u32,
    since_kept: u32,
    left_out: u64,
}

impl TraceBuffer {
    pub fn with_room(records: usize) -> TraceBuffer {
        TraceBuffer { records: Vec::with_capacity(records), every: 1, ..TraceBuffer::default() }
    }

    pub fn push(&mut self, trace: Trace) {
        self.since_kept += 1;
        if self.since_kept < self.every {
            self.left_out += trace.weight() as u64;
            return;
        }
        self.since_kept = 0;
        if self.records.len() == self.records.capacity() {
            self.thin();
        }
        self.records.push(trace);
    }

    /// k6 tells a VU's data before the iteration that it ends.
    pub fn push_before_iteration(&mut self, trace: Trace) {
        let is_its = |last: &Trace| {
            last.leaf == trace.leaf && last.at == trace.at && matches!(last.what, Happening::Iteration { .. })
        };
        let iteration = self.records.pop_if(|last| is_its(last));
        self.push(trace);
        if let Some(iteration) = iteration {
            self.records.push(iteration);
        }
    }

    /// The connection that the last exchange of this leaf had to open.
    pub fn open(&mut self, leaf: LeafId, opened: Opening) {
        if let Some(Trace { leaf: of, what: Happening::Exchange { opening, .. }, .. }) =
            self.records.last_mut()
            && *of == leaf
            && self.since_kept == 0
        {
            *opening = opened;
        }
    }

    fn thin(&mut self) {
        let mut place = 0;
        let mut left_out = 0;
        self.records.retain(|trace| {
            place += 1;
            let is_kept = place % 2 == 1;
            left_out += if is_kept { 0 } else { trace.weight() as u64 };
            is_kept
        });
        self.left_out += left_out;
        self.every *= 2;
    }

    pub fn has_room(&self) -> bool {
        self.records.capacity() > 0
    }

    /// What was recorded; the next window begins with as much room.
    pub fn take(&mut self) -> (Vec<Trace>, u64) {
        let next = TraceBuffer::with_room(self.records.capacity());
        let taken = std::mem::replace(self, next);
        (taken.records, taken.left_out)
    }
}

impl Trace {
    /// Happenings that it stands for.
    pub fn weight(&self) -> usize {
        match self.what {
            Happening::Exchange { n, .. } => n as usize,
            _ => 1,
        }
    }
}

impl TracedLeaf {
    pub(super) fn of(tags: &LeafTags, shown: SystemTags) -> TracedLeaf {
        let plain = |tags: TagSet| TracedLeaf { tags, expected_response: None, metric: None };
        match tags {
            LeafTags::Exchange(tags) => {
                TracedLeaf { expected_response: tags.expected_response, ..plain(tags.all(shown)) }
            }
            LeafTags::Function(tags) | LeafTags::Group(tags) => plain(tags.all(shown)),
            LeafTags::Check(tags) => plain(tags.all(shown)),
            LeafTags::Custom(metric, tags) => TracedLeaf { metric: Some(*metric), ..plain(tags.all(shown)) },
        }
    }
}

impl Traces {
    /// Happenings that the records stand for.
    pub fn weight(&self) -> usize {
        self.records.iter().map(Trace::weight).sum()
    }

    /// Records of at most `room` happenings, evenly; all leaves.
    pub fn keep(&mut self, room: usize) {
        let all = self.weight();
        if all <= room {
            return;
        }
        let (mut seen, mut kept) = (0, 0);
        self.records.retain(|trace| {
            let weight = trace.weight();
            seen += weight;
            let is_due = kept + weight <= seen * room / all;
            kept += if is_due { weight } else { 0 };
            is_due
        });
        self.left_out += (all - kept) as u64;
    }
}

/// The samples of metrics that a record stands for, in k6's order: metric and value, in k6's units.
pub fn samples_of(trace: &Trace, leaf: &TracedLeaf, mut sample: impl FnMut(MetricId, f64)) {
    let ms = |ns: u64| ns as f64 / 1e6;
    match trace.what {
        Happening::Exchange { timing, n, opening } => {
            for place in 0..n {
                let opening = if place == 0 { opening } else { Opening::default() };
                let ExchangeTiming { sending_ns, waiting_ns, receiving_ns } = timing;
                sample(Builtin::HttpReqs.into(), 1.0);
                sample(Builtin::HttpReqDuration.into(), ms(sending_ns + waiting_ns + receiving_ns));
                sample(Builtin::HttpReqBlocked.into(), ms(opening.blocked_ns));
                sample(Builtin::HttpReqConnecting.into(), ms(opening.connecting_ns));
                sample(Builtin::HttpReqTlsHandshaking.into(), ms(opening.tls_handshaking_ns));
                sample(Builtin::HttpReqSending.into(), ms(sending_ns));
                sample(Builtin::HttpReqWaiting.into(), ms(waiting_ns));
                sample(Builtin::HttpReqReceiving.into(), ms(receiving_ns));
                if let Some(expected) = leaf.expected_response {
                    sample(Builtin::HttpReqFailed.into(), f64::from(u8::from(!expected)));
                }
            }
        }
        Happening::Iteration { duration_ns } => {
            sample(Builtin::IterationDuration.into(), ms(duration_ns));
            sample(Builtin::Iterations.into(), 1.0);
        }
        Happening::Data { sent, received } => {
            sample(Builtin::DataSent.into(), sent as f64);
            sample(Builtin::DataReceived.into(), received as f64);
        }
        Happening::Dropped { n } => sample(Builtin::DroppedIterations.into(), n as f64),
        Happening::Check { passed } => sample(Builtin::Checks.into(), f64::from(u8::from(passed))),
        Happening::Group { duration_ns } => sample(Builtin::GroupDuration.into(), ms(duration_ns)),
        Happening::Value(value) => {
            if let Some(metric) = leaf.metric {
                sample(metric, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{ExchangeTags, Recorder, RecorderBounds, SampleTags};

    const TIMING: ExchangeTiming =
        ExchangeTiming { sending_ns: 1_000_000, waiting_ns: 2_000_000, receiving_ns: 500_000 };

    fn tracing(samples: usize) -> Recorder {
        let mut recorder = Recorder::new(RecorderBounds { samples, leaves: 16 });
        recorder.trace();
        recorder
    }

    /// `metric value` of every sample, in order.
    #[track_caller]
    fn check(traces: &Traces, want: &[&str]) {
        let mut got = Vec::new();
        for trace in &traces.records {
            samples_of(trace, &traces.new_leaves[trace.leaf.0 as usize], |metric, value| {
                let name = metric.builtin().map_or("custom", Builtin::name);
                got.push(format!("{name} {value}"));
            });
        }
        assert_eq!(got, want);
    }

    #[test]
    fn an_exchange_is_nine_samples_and_only_the_first_opened_the_connection() {
        let mut recorder = tracing(8);
        let tags = ExchangeTags { expected_response: Some(false), ..ExchangeTags::default() };
        let leaf = recorder.exchange_leaf(&tags);
        recorder.record_exchange(leaf, TIMING, 1);
        recorder.record_connection(leaf, 4_000_000, 3_000_000, 0);
        let traces = recorder.take_window(None).take_traces(SystemTags::default());
        check(
            &traces,
            &[
                "http_reqs 1",
                "http_req_duration 3.5",
                "http_req_blocked 4",
                "http_req_connecting 3",
                "http_req_tls_handshaking 0",
                "http_req_sending 1",
                "http_req_waiting 2",
                "http_req_receiving 0.5",
                "http_req_failed 1",
            ],
        );
    }

    #[test]
    fn an_iteration_ends_in_k6s_order() {
        let mut recorder = tracing(8);
        let leaf = recorder.scenario_leaf("default", &TagSet::new());
        recorder.set_time(Instant(7));
        recorder.record_iteration(leaf, 1_500_000);
        recorder.add_data(leaf, 80, 90);
        let traces = recorder.take_window(None).take_traces(SystemTags::default());
        check(&traces, &["data_sent 80", "data_received 90", "iteration_duration 1.5", "iterations 1"]);
        assert_eq!(traces.records[0].at, Instant(7));
        let tags = [("group", ""), ("scenario", "default")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(traces.new_leaves[0].tags, TagSet::from(tags));
    }

    #[test]
    fn leaves_carry_the_system_tags_that_are_shown() {
        let mut recorder = tracing(8);
        let user = TagSet::from([("method".to_owned(), "mine".to_owned())]);
        let tags = ExchangeTags {
            method: "GET".to_owned(),
            status: 200,
            tls_version: "tls1.3",
            user,
            ..ExchangeTags::default()
        };
        recorder.exchange_leaf(&tags);
        let shown = SystemTags::of(["tls_version", "group"]);
        let traces = recorder.take_window(None).take_traces(shown);
        let want = [("group", ""), ("method", "mine"), ("tls_version", "tls1.3")];
        assert_eq!(traces.new_leaves[0].tags, TagSet::from(want.map(|(k, v)| (k.to_owned(), v.to_owned()))));
    }

    #[test]
    fn nothing_is_kept_unless_it_is_asked_for() {
        let mut recorder = Recorder::new(RecorderBounds { samples: 8, leaves: 16 });
        let leaf = recorder.group_leaf(&SampleTags::default());
        recorder.record_group(leaf, 1);
        assert_eq!(recorder.take_window(None).take_traces(SystemTags::default()).records, []);
    }

    #[test]
    fn what_does_not_fit_is_left_out_evenly_and_counted() {
        let mut recorder = tracing(8);
        let leaf = recorder.group_leaf(&SampleTags::default());
        for at in 0..30 {
            recorder.record_group(leaf, at);
        }
        let mut traces = recorder.take_window(None).take_traces(SystemTags::default());
        assert_eq!(traces.records.len() as u64 + traces.left_out, 30);
        let kept = |traces: &Traces| {
            let of = |trace: &Trace| match trace.what {
                Happening::Group { duration_ns } => duration_ns,
                _ => unreachable!("only groups were recorded"),
            };
            traces.records.iter().map(of).collect::<Vec<_>>()
        };
        let gaps: Vec<u64> = kept(&traces).windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (3..=6).contains(gap)), "{gaps:?}");
        traces.keep(2);
        assert_eq!((traces.records.len(), traces.left_out), (2, 28));
        traces.keep(0);
        assert_eq!((traces.records.len(), traces.left_out), (0, 30));
        // The next window has its room again.
        recorder.record_group(leaf, 1);
        assert_eq!(recorder.take_window(None).take_traces(SystemTags::default()).left_out, 0);
    }
}
