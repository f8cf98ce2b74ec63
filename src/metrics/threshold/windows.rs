//! Windowed thresholds, ringload's own: `p(95)<500 over 10s` must hold in every 10 s of the run.
//!
//! Windows slide by whole seconds, or by a sixtieth of a longer window, rounded up. A window is
//! judged when it is whole; a run shorter than the window is judged as one. Counters are 0 in a
//! window without samples, so a silence is seen; other metrics are not judged in it. Kept are a
//! digest of each step in the window (at most 60) and the first window that failed.

use super::expression::{Expression, Operator};
use crate::metrics::builtin::Kind;
use crate::metrics::sink::Sink;
use crate::metrics::summary::Windowed;
use crate::options::duration;
use std::collections::VecDeque;
use std::time::Duration;

/// Digests in a window.
const STEPS_MAX: u64 = 60;
/// The longest window.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The expression of a threshold, and its window if it has one.
pub(super) fn split(source: &str) -> Result<(&str, Option<Duration>), String> {
    let words: Vec<&str> = source.split_whitespace().collect();
    if !words.contains(&"over") {
        return Ok((source, None));
    }
    let wrong = |why: String| {
        Err(format!(
            "failed parsing threshold expression {source:?}; reason: {why}\n  fix: write a windowed threshold \
             as EXPRESSION over DURATION, such as p(95)<500 over 10s"
        ))
    };
    let Some((expression, text)) = source.rsplit_once("over") else { return Ok((source, None)) };
    let over = match duration::parse_go(text.trim()) {
        Ok(ns) => duration::from_ns(ns.max(0)),
        Err(_) => return wrong(format!("{:?} is no duration", text.trim())),
    };
    if over < Duration::from_secs(1) || over > LONGEST || over.subsec_nanos() != 0 {
        return wrong(format!("the window must be of whole seconds, 1s to 1h, but is {}", text.trim()));
    }
    Ok((expression, Some(over)))
}

/// What is kept of the windows of one threshold.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    over: Duration,
    step: Duration,
    steps: VecDeque<Step>,
    judged: u64,
    failed: u64,
    first_failed: Option<(Duration, Duration, f64)>,
    /// The value that came closest to failing, or failed most.
    worst: Option<f64>,
}

/// Samples of a stretch of the run.
#[derive(Clone, Debug)]
struct Step {
    from: Duration,
    to: Duration,
    sink: Option<Sink>,
}

/// Thresholds are equal if they demand the same.
impl PartialEq for Windows {
    fn eq(&self, other: &Windows) -> bool {
        self.over == other.over
    }
}

impl Windows {
    pub fn new(over: Duration) -> Windows {
        Windows {
            over,
            step: Duration::from_secs(over.as_secs().div_ceil(STEPS_MAX)),
            steps: VecDeque::new(),
            judged: 0,
            failed: 0,
            first_failed: None,
            worst: None,
        }
    }

    /// What was measured from `from` to `to`; whole seconds, one after the other, but for the last.
    pub fn add(&mut self, from: Duration, to: Duration, sink: Option<Sink>, kind: Kind, means: &Expression) {
        match self.steps.back_mut().filter(|last| last.to - last.from < self.step) {
            Some(last) => {
                last.to = to;
                last.sink = match (last.sink.take(), sink) {
                    (Some(before), Some(more)) => Some(before.plus(more)),
                    (before, more) => before.or(more),
                };
            }
            None => self.steps.push_back(Step { from, to, sink }),
        }
        let is_whole = |step: &Step| step.to - step.from >= self.step;
        if !self.steps.back().is_some_and(is_whole) {
            return;
        }
        while self.steps.front().is_some_and(|first| to - first.from > self.over) {
            self.steps.pop_front();
        }
        if self.steps.front().is_some_and(|first| to - first.from >= self.over) {
            self.judge(kind, means);
        }
    }

    /// The run is over: what is left of it is judged, where a part of a window can be.
    pub fn finish(&mut self, kind: Kind, means: &Expression) {
        let is_left = self.steps.back().is_some_and(|last| last.to - last.from < self.step);
        if (is_left && kind != Kind::Counter && self.judged > 0) || self.judged == 0 {
            while self.steps.len() > 1 && self.length() > self.over + self.step {
                self.steps.pop_front();
            }
            self.judge(kind, means);
        }
    }

    pub fn hold(&self) -> bool {
        self.failed == 0
    }

    /// For the summary.
    pub fn result(&self) -> Windowed {
        let first_failed = self.first_failed.map(|(from, to, _)| (from, to));
        Windowed { judged: self.judged, failed: self.failed, first_failed }
    }

    /// The value in the first window that failed, else the worst.
    pub fn observed(&self) -> Option<f64> {
        self.first_failed.map(|(_, _, observed)| observed).or(self.worst)
    }

    fn length(&self) -> Duration {
        match (self.steps.front(), self.steps.back()) {
            (Some(first), Some(last)) => last.to - first.from,
            _ => Duration::ZERO,
        }
    }

    fn judge(&mut self, kind: Kind, means: &Expression) {
        let (Some(first), Some(last)) = (self.steps.front(), self.steps.back()) else { return };
        let (from, to) = (first.from, last.to);
        let sinks = self.steps.iter().filter_map(|step| step.sink.clone());
        let sink = match sinks.reduce(Sink::plus) {
            Some(sink) => sink,
            None if kind == Kind::Counter => Sink::empty(kind),
            None => return,
        };
        let Some(observed) = means.aggregate.of(&sink, to - from) else { return };
        self.judged += 1;
        self.worst = Some(match (self.worst, means.operator) {
            (Some(worst), Operator::Less | Operator::LessEqual) => worst.max(observed),
            (Some(worst), Operator::Greater | Operator::GreaterEqual) => worst.min(observed),
            _ => observed,
        });
        if !means.holds(observed) {
            self.failed += 1;
            self.first_failed.get_or_insert((from, to, observed));
        }
    }
}
