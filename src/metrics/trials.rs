//! Trials: exact counts per span of due times, on the control thread.
//!
//! Whoever drives a search says which span it will judge, and by which goals, before the span
//! begins (`watch`); every window is absorbed (`absorb`, before `Totals::absorb` empties it); the
//! counts are complete once `is_settled`. An iteration belongs to the span that its due time falls
//! into, with all its requests, whenever they are answered. Memory: a few counters and one trend
//! of latencies for each span until it is released.

use super::judged::{JudgedSample, Verdict};
use super::leaf::ExchangeTags;
use super::trend::Trend;
use super::window::{LeafTags, Window};
use crate::options::SystemTags;
use crate::time::{Instant, duration_ns};
use std::time::Duration;

/// What makes a response a good one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goal {
    /// An accepted response counts up to this latency (see `JudgedSample::latency_ns`), the limit
    /// included; `None`: however late.
    pub deadline: Option<Duration>,
    /// Only requests that carry all of these tags are judged; none: all requests.
    pub tags: Vec<(String, String)>,
}

impl Goal {
    pub fn within(deadline: Option<Duration>) -> Goal {
        Goal { deadline, tags: Vec::new() }
    }
}

/// A span that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(u64);

/// What became of everything that was due in a span.
#[derive(Clone, Debug, Default)]
pub struct TrialCounts {
    /// Iterations that began, and starts that found no free VU.
    pub started: u64,
    pub dropped: u64,
    /// Requests that these iterations asked for so far, hops of redirects included; each is one of
    /// the following four, or unanswered.
    pub asked: u64,
    pub accepted: u64,
    /// After it was sent: an unexpected status, or no response.
    pub failed: u64,
    pub unsent: u64,
    pub interrupted: u64,
    /// In the order of the goals given to `watch`.
    pub goals: Vec<GoalCounts>,
    /// Of accepted responses, by `JudgedSample::latency_ns`.
    pub latency: Trend,
    /// How late iterations began; on time is 0.
    pub lag: Trend,
}

/// The requests that a goal judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GoalCounts {
    /// Accepted, and in time.
    pub good: u64,
    /// Accepted, but after the deadline.
    pub late: u64,
    /// Failed or unsent.
    pub failed: u64,
}

impl TrialCounts {
    /// Starts that were due.
    pub fn scheduled(&self) -> u64 {
        self.started + self.dropped
    }

    /// Requests that were put out: with their connection under way, or sent.
    pub fn sent(&self) -> u64 {
        self.asked - self.unsent
    }

    /// Requests without an outcome yet.
    pub fn unanswered(&self) -> u64 {
        self.asked - self.accepted - self.failed - self.unsent - self.interrupted
    }

    /// Adds another span with the same goals.
    pub fn add(&mut self, other: &TrialCounts) {
        self.started += other.started;
        self.dropped += other.dropped;
        self.asked += other.asked;
        self.accepted += other.accepted;
        self.failed += other.failed;
        self.unsent += other.unsent;
        self.interrupted += other.interrupted;
        assert_eq!(self.goals.len(), other.goals.len(), "spans with different goals");
        for (sum, more) in self.goals.iter_mut().zip(&other.goals) {
            sum.good += more.good;
            sum.late += more.late;
            sum.failed += more.failed;
        }
        self.latency.merge(&other.latency);
        self.lag.merge(&other.lag);
    }
}

/// All spans that are watched.
#[derive(Debug, Default)]
pub struct Trials {
    spans: Vec<Span>,
    next: u64,
    workers: Vec<Seen>,
    lost: u64,
}

#[derive(Debug)]
struct Span {
    id: SpanId,
    from: Instant,
    to: Instant,
    goals: Vec<WatchedGoal>,
    counts: TrialCounts,
}

#[derive(Debug)]
struct WatchedGoal {
    deadline_ns: u64,
    tags: Vec<(String, String)>,
    /// For each worker, by `LeafId`: whether the goal judges it.
    judges: Vec<Vec<bool>>,
}

/// What is known of one worker.
#[derive(Debug, Default)]
struct Seen {
    due_until: Instant,
    /// By `LeafId`; `None`: no exchange's.
    leaves: Vec<Option<ExchangeTags>>,
}

impl Trials {
    /// Of a run with so many workers; their numbers are 0 to `workers - 1`.
    pub fn new(workers: usize) -> Trials {
        let mut trials = Trials::default();
        trials.workers.resize_with(workers, Seen::default);
        trials
    }

    /// Counts what is due from `from` on and before `to`. Spans may overlap. To be called before
    /// anything due in the span was absorbed.
    pub fn watch(&mut self, from: Instant, to: Instant, goals: &[Goal]) -> SpanId {
        let absorbed_until = self.workers.iter().map(|seen| seen.due_until).max().unwrap_or_default();
        assert!(from >= absorbed_until, "a span from {from:?} is watched after {absorbed_until:?}");
        let id = SpanId(self.next);
        self.next += 1;
        let watched = |goal: &Goal| WatchedGoal {
            deadline_ns: goal.deadline.map_or(u64::MAX, duration_ns),
            tags: goal.tags.clone(),
            judges: Vec::new(),
        };
        let counts =
            TrialCounts { goals: vec![GoalCounts::default(); goals.len()], ..TrialCounts::default() };
        self.spans.push(Span { id, from, to, goals: goals.iter().map(watched).collect(), counts });
        id
    }

    /// What `worker` handed over; its windows come in the order in which it took them.
    pub fn absorb(&mut self, worker: usize, window: &Window) {
        let seen = &mut self.workers[worker];
        for tags in &window.new_leaves {
            seen.leaves.push(match tags {
                LeafTags::Exchange(tags) => Some(tags.clone()),
                _ => None,
            });
        }
        let judged = &window.judged;
        self.lost += judged.lost;
        seen.due_until = seen.due_until.max(judged.due_until);
        for span in &mut self.spans {
            let (from, to) = (span.from, span.to);
            let is_within = |due: Instant| from <= due && due < to;
            for start in judged.starts.iter().filter(|start| is_within(start.due)) {
                match start.lag_ns {
                    Some(lag_ns) => {
                        span.counts.started += 1;
                        span.counts.lag.record(lag_ns);
                    }
                    None => span.counts.dropped += 1,
                }
            }
            for ask in judged.asks.iter().filter(|ask| is_within(ask.due)) {
                span.counts.asked += u64::from(ask.n);
            }
            for sample in judged.outcomes.iter().filter(|sample| is_within(sample.due)) {
                span.judge(worker, sample, &seen.leaves);
            }
        }
    }

    /// All starts due before this were given or dropped, by every worker.
    pub fn seen_until(&self) -> Instant {
        self.workers.iter().map(|seen| seen.due_until).min().unwrap_or_default()
    }

    /// The span's counts will not change any more: all that was due in it was absorbed, and every
    /// request has an outcome. A script that sleeps between its requests may still ask for more.
    pub fn is_settled(&self, id: SpanId) -> bool {
        let span = self.span(id);
        self.seen_until() >= span.to && span.counts.unanswered() == 0
    }

    /// The counts so far.
    pub fn counts(&self, id: SpanId) -> &TrialCounts {
        &self.span(id).counts
    }

    /// Ends the watch.
    pub fn release(&mut self, id: SpanId) -> TrialCounts {
        let place = self.spans.iter().position(|span| span.id == id).expect("a span that is watched");
        self.spans.remove(place).counts
    }

    /// Records that workers had no room for, in the whole run: spans that are watched meanwhile
    /// count too little.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn span(&self, id: SpanId) -> &Span {
        self.spans.iter().find(|span| span.id == id).expect("a span that is watched")
    }
}

impl Span {
    fn judge(&mut self, worker: usize, sample: &JudgedSample, leaves: &[Option<ExchangeTags>]) {
        let n = u64::from(sample.n);
        match sample.verdict {
            Verdict::Accepted => {
                self.counts.accepted += n;
                self.counts.latency.record_n(sample.latency_ns, n);
            }
            Verdict::Failed => self.counts.failed += n,
            Verdict::Unsent => self.counts.unsent += n,
            Verdict::Interrupted => {
                self.counts.interrupted += n;
                return;
            }
        }
        for (goal, counts) in self.goals.iter_mut().zip(&mut self.counts.goals) {
            if !goal.tags.is_empty() && !goal.judges(worker, sample, leaves) {
                continue;
            }
            match sample.verdict {
                Verdict::Accepted if sample.latency_ns <= goal.deadline_ns => counts.good += n,
                Verdict::Accepted => counts.late += n,
                _ => counts.failed += n,
            }
        }
    }
}

impl WatchedGoal {
    fn judges(&mut self, worker: usize, sample: &JudgedSample, leaves: &[Option<ExchangeTags>]) -> bool {
        if self.judges.len() <= worker {
            self.judges.resize_with(worker + 1, Vec::new);
        }
        let judges = &mut self.judges[worker];
        for tags in &leaves[judges.len()..] {
            let carries = |tags: &ExchangeTags| {
                self.tags.iter().all(|(name, value)| {
                    tags.tag(name, SystemTags::default()).is_some_and(|carried| carried == *value)
                })
            };
            judges.push(tags.as_ref().is_some_and(carries));
        }
        judges[sample.leaf.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{ExchangeTags, Recorder, RecorderBounds, Totals};

    const MS: u64 = 1_000_000;

    fn recorder() -> Recorder {
        let mut recorder = Recorder::new(RecorderBounds { samples: 64, leaves: 8 });
        recorder.judge();
        recorder
    }

    fn at(ms: u64) -> Instant {
        Instant(ms * MS)
    }

    /// One iteration with one request that took so long.
    fn iteration(recorder: &mut Recorder, due_ms: u64, verdict: Verdict, latency_ms: u64, name: &str) {
        let tags = ExchangeTags { name: name.to_owned(), ..ExchangeTags::default() };
        let leaf = recorder.exchange_leaf(&tags);
        recorder.judge_start(at(due_ms), Some(latency_ms));
        recorder.judge_ask(at(due_ms), 1);
        let latency_ns = latency_ms * MS;
        recorder.judge_outcome(JudgedSample { due: at(due_ms), latency_ns, n: 1, verdict, leaf });
    }

    fn take(recorder: &mut Recorder, due_until_ms: u64) -> Window {
        recorder.note_due_until(at(due_until_ms));
        recorder.take_window(None)
    }

    fn within(ms: u64) -> Goal {
        Goal::within(Some(Duration::from_millis(ms)))
    }

    #[test]
    fn a_span_has_what_was_due_in_it_whenever_it_was_answered() {
        let mut trials = Trials::new(1);
        let mut recorder = recorder();
        let span = trials.watch(at(100), at(200), &[within(10), within(50), Goal::within(None)]);
        for (due, verdict, latency) in [
            (99, Verdict::Accepted, 1),
            (100, Verdict::Accepted, 10),
            (150, Verdict::Accepted, 11),
            (160, Verdict::Failed, 1),
            (199, Verdict::Accepted, 500),
            (200, Verdict::Accepted, 1),
        ] {
            iteration(&mut recorder, due, verdict, latency, "a");
        }
        recorder.judge_start(at(170), None);
        trials.absorb(0, &take(&mut recorder, 250));
        let counts = trials.counts(span);
        assert_eq!((counts.scheduled(), counts.started, counts.dropped, counts.asked), (5, 4, 1, 4));
        let goal = |good, late| GoalCounts { good, late, failed: 1 };
        assert_eq!(counts.goals, [goal(1, 2), goal(2, 1), goal(3, 0)]);
        assert_eq!((counts.latency.count(), counts.latency.max()), (3, 500.0));
        assert!(trials.is_settled(span));
    }

    #[test]
    fn a_span_is_settled_when_every_worker_is_past_it_and_all_is_answered() {
        let mut trials = Trials::new(2);
        let mut recorders = [recorder(), recorder()];
        let span = trials.watch(at(0), at(100), &[]);
        recorders[0].judge_ask(at(50), 2);
        trials.absorb(0, &take(&mut recorders[0], 110));
        assert_eq!((trials.seen_until(), trials.is_settled(span)), (at(0), false));
        trials.absorb(1, &take(&mut recorders[1], 100));
        assert_eq!((trials.counts(span).unanswered(), trials.is_settled(span)), (2, false));
        let leaf = recorders[0].exchange_leaf(&ExchangeTags::default());
        for verdict in [Verdict::Unsent, Verdict::Interrupted] {
            recorders[0].judge_outcome(JudgedSample { due: at(50), latency_ns: 0, n: 1, verdict, leaf });
        }
        trials.absorb(0, &take(&mut recorders[0], 210));
        assert!(trials.is_settled(span));
        let counts = trials.release(span);
        assert_eq!((counts.sent(), counts.unsent, counts.interrupted), (1, 1, 1));
    }

    #[test]
    fn a_goal_with_tags_judges_the_requests_that_carry_them() {
        let mut trials = Trials::new(1);
        let mut recorder = recorder();
        let tags = vec![("name".to_owned(), "b".to_owned())];
        let goals = [Goal { tags, ..within(10) }, within(10)];
        let span = trials.watch(at(0), at(100), &goals);
        iteration(&mut recorder, 1, Verdict::Accepted, 5, "a");
        trials.absorb(0, &take(&mut recorder, 2));
        iteration(&mut recorder, 3, Verdict::Accepted, 20, "b");
        iteration(&mut recorder, 4, Verdict::Unsent, 0, "b");
        trials.absorb(0, &take(&mut recorder, 5));
        let want = [GoalCounts { good: 0, late: 1, failed: 1 }, GoalCounts { good: 1, late: 1, failed: 1 }];
        assert_eq!(trials.counts(span).goals, want);
    }

    #[test]
    fn spans_overlap_and_add_up() {
        let mut trials = Trials::new(1);
        let mut recorder = recorder();
        let whole = trials.watch(at(0), at(100), &[within(10)]);
        let halves =
            [trials.watch(at(0), at(50), &[within(10)]), trials.watch(at(50), at(100), &[within(10)])];
        (0..10).for_each(|i| iteration(&mut recorder, i * 10, Verdict::Accepted, i * 2, "a"));
        trials.absorb(0, &take(&mut recorder, 100));
        let [mut sum, second] = halves.map(|half| trials.release(half));
        sum.add(&second);
        let whole = trials.release(whole);
        assert_eq!((sum.asked, &sum.goals), (whole.asked, &whole.goals));
        assert_eq!((sum.latency.sum(), sum.lag.count()), (whole.latency.sum(), whole.lag.count()));
    }

    #[test]
    fn what_had_no_room_is_counted() {
        let mut trials = Trials::new(1);
        let mut recorder = recorder();
        let span = trials.watch(at(0), at(100), &[]);
        (0..70).for_each(|_| recorder.judge_ask(at(1), 1));
        let window = take(&mut recorder, 10);
        trials.absorb(0, &window);
        assert_eq!((trials.counts(span).asked, trials.lost()), (64, 6));
        let emptied = Totals::new().absorb(0, window);
        recorder.take_window(Some(emptied));
    }

    #[test]
    fn a_recorder_that_judges_nothing_keeps_nothing() {
        let mut recorder = Recorder::new(RecorderBounds { samples: 64, leaves: 8 });
        assert!(!recorder.judges());
        assert_eq!(recorder.take_window(None).judged.asks.capacity(), 0);
    }
}
