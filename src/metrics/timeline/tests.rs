use super::*;
use crate::metrics::{ExchangeTags, ExchangeTiming, Recorder, RecorderBounds, TagSet};

const MS: u64 = 1_000_000;

/// A worker that is told what happens, and hands over.
struct Hand {
    worker: usize,
    recorder: Recorder,
    tick: Tick,
}

impl Hand {
    fn new(worker: usize) -> Hand {
        let recorder = Recorder::new(RecorderBounds { samples: 1_000, leaves: 16 });
        Hand { worker, recorder, tick: Tick::default() }
    }

    /// `n` requests that were on the wire for so long, with this status.
    fn exchanges(&mut self, n: u64, wire_ns: u64, status: u16) {
        let failed = status >= 400;
        let leaf = self.recorder.exchange_leaf(&ExchangeTags {
            status,
            error_code: if failed { 1000 + status } else { 0 },
            expected_response: Some(!failed),
            ..ExchangeTags::default()
        });
        let timing = ExchangeTiming { sending_ns: 0, waiting_ns: wire_ns, receiving_ns: 0 };
        (0..n).for_each(|_| self.recorder.record_exchange(leaf, timing, 1));
        self.tick.sent_requests += n;
        self.tick.in_flight_ns += n * wire_ns;
    }

    fn starts(&mut self, lag_ns: u64, n: u64) {
        let leaf = self.recorder.scenario_leaf("default", &TagSet::new());
        (0..n).for_each(|_| self.recorder.record_started(leaf, lag_ns));
    }

    fn hand_over(&mut self, timeline: &mut Timeline, at_ms: u64) {
        self.tick.at = Instant(at_ms * MS);
        self.tick.vus_active = at_ms as u32;
        timeline.absorb(self.worker, self.tick, &self.recorder.take_window(None));
    }

    fn end(&mut self, timeline: &mut Timeline, at_ms: u64) {
        self.tick.is_last = true;
        self.hand_over(timeline, at_ms);
    }
}

fn answered(timeline: &Timeline) -> Vec<u64> {
    timeline.rows().iter().map(|row| row.answered).collect()
}

#[test]
fn a_row_is_complete_when_all_workers_are_past_it() {
    let mut timeline = Timeline::new(2, true);
    let mut hands = [Hand::new(0), Hand::new(1)];
    hands[0].exchanges(3, MS, 200);
    hands[0].hand_over(&mut timeline, 100);
    assert!(timeline.rows().is_empty());
    hands[1].exchanges(4, MS, 503);
    hands[1].hand_over(&mut timeline, 101);
    hands[0].hand_over(&mut timeline, 200);
    assert!(timeline.rows().is_empty());
    hands[1].hand_over(&mut timeline, 200);
    assert_eq!(answered(&timeline), [7]);
    let row = &timeline.rows()[0];
    assert_eq!((row.failed, row.failed_by[5], row.vus_active), (4, 4, 400));
    assert_eq!((row.duration.count(), row.sent, row.covered_ns), (7, 7, 201 * MS));
}

#[test]
fn a_late_report_counts_where_most_of_its_time_is_and_gaps_are_empty_rows() {
    let mut timeline = Timeline::new(1, true);
    let mut hand = Hand::new(0);
    hand.exchanges(1, MS, 200);
    hand.hand_over(&mut timeline, 100);
    hand.exchanges(2, MS, 200);
    hand.hand_over(&mut timeline, 110 + 100);
    hand.exchanges(5, MS, 200);
    // The loop stood still.
    hand.hand_over(&mut timeline, 700);
    hand.exchanges(9, MS, 200);
    hand.end(&mut timeline, 705);
    timeline.finish();
    assert_eq!(answered(&timeline), [1, 2, 0, 0, 5, 0, 9]);
}

#[test]
fn starts_are_due_given_late_or_dropped() {
    let mut timeline = Timeline::new(1, true);
    let mut hand = Hand::new(0);
    hand.starts(0, 5);
    hand.starts(900_000, 1);
    hand.starts(2 * MS, 2);
    let leaf = hand.recorder.scenario_leaf("default", &TagSet::new());
    hand.recorder.record_dropped(leaf, 3);
    hand.end(&mut timeline, 100);
    timeline.finish();
    let row = &timeline.rows()[0];
    assert_eq!((row.offered(), row.started, row.late, row.dropped), (11, 8, 2, 3));
    assert_eq!((row.lag.count(), row.lag.max()), (8, 2 * MS));
}

#[test]
fn rows_are_merged_when_there_are_too_many() {
    let mut timeline = Timeline::new(1, true);
    let mut hand = Hand::new(0);
    let ticks = ROWS_MAX as u64 * 21 / 10;
    for tick in 1..=ticks {
        hand.exchanges(1, tick, 200);
        hand.hand_over(&mut timeline, tick * 100);
    }
    hand.end(&mut timeline, ticks * 100 + 1);
    timeline.finish();
    assert_eq!(timeline.row_ns(), 1_000_000_000);
    assert_eq!(timeline.rows().len() as u64, ticks / 10);
    assert!(timeline.rows().iter().all(|row| row.answered == 10));
    assert_eq!(timeline.rows()[100].duration.max(), 1_010);
    assert_eq!(timeline.rows_of(2_500_000_000).0, 3_000_000_000);
}

#[test]
fn a_timeline_that_nobody_reads_keeps_no_rows() {
    let mut timeline = Timeline::new(1, false);
    let mut hand = Hand::new(0);
    (1..=50).for_each(|tick| hand.hand_over(&mut timeline, tick * 100));
    timeline.finish();
    assert!(timeline.rows().is_empty());
}

#[test]
fn a_ramp_is_read_in_seconds() {
    let mut timeline = Timeline::new(1, true);
    let mut hand = Hand::new(0);
    for tick in 1..=15 {
        hand.starts(0, 10);
        hand.exchanges(9, 10 * MS, 200);
        hand.exchanges(1, 20 * MS, 500);
        hand.hand_over(&mut timeline, tick * 100);
    }
    timeline.finish();
    let seconds: Vec<Second> = timeline.seconds().collect();
    assert_eq!(seconds.iter().map(|second| second.from_s).collect::<Vec<_>>(), [0.0, 1.0]);
    for second in &seconds {
        assert_eq!((second.offered_per_s, second.good_per_s), (100.0, 90.0));
        assert!((second.in_flight - 1.1).abs() < 1e-9, "{}", second.in_flight);
        assert!((second.p50_ms - 10.0).abs() < 0.1, "{}", second.p50_ms);
    }
    assert_eq!((seconds[0].seconds, seconds[1].seconds, seconds[1].failed), (1.0, 0.5, 5));
}

/// Ten ticks of a worker with `n` answers of 2 ms each; `stuck` more requests are on the wire all
/// the time. What was found: seconds looked at, and those in which the law did not hold.
#[track_caller]
fn check_law(n: impl Fn(u64) -> u64, stuck: u64, want: (u64, u64)) {
    let mut timeline = Timeline::new(1, false);
    let mut hand = Hand::new(0);
    for tick in 1..=20 {
        hand.exchanges(n(tick), 2 * MS, 200);
        hand.tick.in_flight_ns += stuck * 100 * MS;
        hand.hand_over(&mut timeline, tick * 100);
    }
    timeline.finish();
    assert_eq!(timeline.seconds_checked(), want);
    assert_eq!(timeline.violations().len() as u64, want.1);
}

#[test]
fn littles_law_holds_while_every_request_is_answered() {
    check_law(|_| 500, 0, (2, 0));
}

#[test]
fn requests_without_an_answer_break_littles_law() {
    // Ten in flight are answered, one is not.
    check_law(|_| 500, 1, (2, 2));
}

#[test]
fn a_second_that_is_not_steady_or_has_little_in_it_is_not_looked_at() {
    check_law(|tick| tick * 40, 1, (0, 0));
    check_law(|_| 5, 1, (0, 0));
}
