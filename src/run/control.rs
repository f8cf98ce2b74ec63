//! Attending to workers: their reports, the user's signals, the clock.

use super::conductor::{Conductor, Searched};
use super::crew::{Crew, Link};
use super::evidence::Setting;
use super::outcome::{Ended, Engine, Outcome, WorkerUsage};
use super::samples::SampleQueue;
use super::thread::News;
use super::watching::Watching;
use super::{LOOK_AROUND, Observer, PhaseResult, Progress};
use crate::diagnosis::Diagnosis;
use crate::metrics::registry::Registry;
use crate::metrics::{Errors, Timeline, Totals};
use crate::sys::clock::Clock;
use crate::sys::{cpu, signal};
use crate::time::Instant;
use crate::worker::{Message, Report};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often thresholds are judged, as in k6.
const JUDGE_EVERY: Duration = Duration::from_secs(2);

/// The totals of one second after the other, for whoever wants them.
struct Stretch {
    totals: Totals,
    from: Instant,
}

/// A second is cut off so much after its end: by then its last windows have come.
const CUT_AFTER: Duration = Duration::from_millis(50);

pub(super) struct Control {
    pub clock: Clock,
    pub inbox: Receiver<(usize, News)>,
    /// When the test began; the VUs had been made before.
    begin: Instant,
    workers: usize,
    totals: Totals,
    /// Of the scenarios, and when their clock began.
    timeline: Timeline,
    scenarios_at: Option<Instant>,
    errors: Errors,
    stretch: Option<Stretch>,
    ended_at: Instant,
    panics: Vec<String>,
    /// The first reason to end; later ones do not replace it.
    pub ended: Ended,
    signals_seen: u32,
    abandoned: u32,
    interrupted_requests: u64,
    overflows: u64,
    cpu_at_begin: Duration,
    /// While scenarios run.
    watching: Option<Watching>,
    diagnosis: Option<Diagnosis>,
    /// Of a search, while scenarios run; and what it came to.
    pub conductor: Option<Conductor>,
    searched: Option<Searched>,
    /// For outputs of single samples.
    pub samples: Option<SampleQueue>,
}

impl Control {
    pub fn new(
        clock: Clock,
        inbox: Receiver<(usize, News)>,
        registry: Arc<Registry>,
        workers: usize,
        keeps_timeline: bool,
    ) -> Control {
        let begin = clock.now();
        Control {
            clock,
            inbox,
            begin,
            workers,
            totals: Totals::with_registry(registry),
            timeline: Timeline::new(workers, keeps_timeline),
            scenarios_at: None,
            errors: Errors::default(),
            stretch: None,
            ended_at: begin,
            panics: Vec::new(),
            ended: Ended::Finished,
            signals_seen: 0,
            abandoned: 0,
            interrupted_requests: 0,
            overflows: 0,
            cpu_at_begin: cpu::thread_time(),
            watching: None,
            diagnosis: None,
            conductor: None,
            searched: None,
            samples: None,
        }
    }

    /// Workers of all crews so far: the number of the next one.
    pub fn workers_known(&self) -> usize {
        self.workers
    }

    pub fn add_workers(&mut self, count: usize) {
        self.workers += count;
    }

    /// The scenarios begin at `now`; what they do is watched for the diagnosis.
    pub fn watch(&mut self, setting: Setting, now: Instant) {
        self.watching = Some(Watching::begin(setting, now, &self.totals));
    }

    /// Until all workers of the crew have ended, or the user asked twice. `is_main`: the crew that
    /// runs the scenarios, whose VUs are sampled and whose metrics are judged.
    pub fn attend(&mut self, crew: &mut Crew, is_main: bool, observer: &mut dyn Observer) {
        let mut next_second = self.clock.now() + Duration::from_secs(1);
        let mut next_judgement = self.clock.now() + JUDGE_EVERY;
        if is_main {
            self.scenarios_at = Some(crew.begun_at);
        }
        if is_main && observer.wants_stretches() {
            let totals = Totals::with_registry(self.totals.registry());
            self.stretch = Some(Stretch { totals, from: crew.begun_at });
        }
        while !crew.has_ended() {
            match self.inbox.recv_timeout(LOOK_AROUND) {
                Ok((worker, news)) => self.on_news(crew, worker, news, observer),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while let Ok((worker, news)) = self.inbox.try_recv() {
                self.on_news(crew, worker, news, observer);
            }
            if !self.heed_signals(crew) {
                break;
            }
            if self.ended == Ended::Finished
                && let Some(ended) = observer.wants_end()
            {
                self.end(crew, ended);
            }
            let now = self.clock.now();
            self.cut_stretch(now, crew, observer);
            if is_main
                && self.ended == Ended::Finished
                && let Some(conductor) = &mut self.conductor
                && conductor.on_look(now, crew, &self.totals, &mut self.watching)
            {
                observer.on_search(conductor.search(), now);
            }
            if is_main && now >= next_judgement {
                next_judgement = next_judgement + JUDGE_EVERY;
                if let Some(message) = observer.judge(&self.totals, self.elapsed(now)) {
                    self.end(crew, Ended::Thresholds(message));
                }
            }
            if is_main && now >= next_second {
                next_second = next_second + Duration::from_secs(1);
                let progress = self.progress(crew, now);
                if !crew.has_ended() {
                    if let Some(watching) = &mut self.watching {
                        watching.on_second(now, &self.totals, crew.reports());
                    }
                    self.totals.sample_vus(progress.vus_active, progress.vus_initialized);
                    if let Some(samples) = &self.samples {
                        samples.sample_vus(now, progress.vus_active, progress.vus_initialized);
                    }
                    observer.on_second(&progress);
                }
            }
        }
        if let Some(conductor) = self.conductor.take_if(|_| is_main) {
            self.searched = Some(conductor.conclude(self.clock.now()));
        }
        if let Some(watching) = self.watching.take() {
            self.diagnosis = Some(watching.conclude(self.clock.now(), &self.totals, crew.reports()));
        }
        if let Some(stretch) = self.stretch.take() {
            // What is left; the VUs are gone.
            let to = self.elapsed(self.ended_at).max(self.elapsed(stretch.from));
            observer.on_stretch(&stretch.totals, self.elapsed(stretch.from), to);
        }
        self.abandoned += crew.links.iter().filter(|link| !link.has_ended()).count() as u32;
        self.interrupted_requests += crew.reports().map(|report| report.interrupted_requests).sum::<u64>();
        self.overflows += crew.reports().map(|report| report.overflows).sum::<u64>();
        if self.abandoned > 0 {
            self.ended_at = self.clock.now();
        }
    }

    /// Hands the second that has ended to the observer.
    fn cut_stretch(&mut self, now: Instant, crew: &Crew, observer: &mut dyn Observer) {
        let begin = self.begin;
        let Some(stretch) = &mut self.stretch else { return };
        let to = stretch.from + Duration::from_secs(1);
        if now < to + CUT_AFTER {
            return;
        }
        let sum = |of: fn(&Report) -> u32| crew.reports().map(|report| u64::from(of(report))).sum();
        stretch.totals.sample_vus(sum(|report| report.vus_active), sum(|report| report.vus_initialized));
        let since_begin = |at: Instant| Duration::from_nanos(at.since(begin));
        observer.on_stretch(&stretch.totals, since_begin(stretch.from), since_begin(to));
        stretch.totals.forget_samples();
        stretch.from = to;
    }

    /// The first signal interrupts, the second ends the attendance: then false. Those that came
    /// before this crew do not stop it, so that `teardown` runs after a first Ctrl-C.
    fn heed_signals(&mut self, crew: &Crew) -> bool {
        let received = signal::received();
        if received.total() == self.signals_seen {
            return true;
        }
        let is_first = self.signals_seen == 0;
        self.signals_seen = received.total();
        if is_first {
            let name = if received.interrupts > 0 { "interrupt" } else { "terminated" };
            self.end(crew, Ended::Signal(name));
        }
        is_first && received.total() == 1
    }

    /// Ends the test: running iterations are interrupted.
    fn end(&mut self, crew: &Crew, ended: Ended) {
        if self.ended == Ended::Finished {
            self.ended = ended;
        }
        crew.post(&Message::Stop { now: true });
    }

    fn on_news(&mut self, crew: &mut Crew, worker: usize, news: News, observer: &mut dyn Observer) {
        // The crew of the scenarios is the first.
        let is_main = crew.first == 0;
        let Some(link) = worker.checked_sub(crew.first).and_then(|index| crew.links.get_mut(index)) else {
            // A straggler of an abandoned crew.
            return;
        };
        match news {
            News::Report(report) => {
                if is_main {
                    self.timeline.absorb(worker, report.tick(), &report.window);
                    if let Some(conductor) = &mut self.conductor {
                        conductor.on_report(worker, &report);
                    }
                    observer.on_report(worker, &report);
                }
                if let Some(why) = self.on_report(link, worker, *report, observer) {
                    self.end(crew, Ended::Aborted(why));
                }
            }
            News::Panicked(text) => {
                self.panics.push(text);
                let last = link.last.take().unwrap_or_default();
                link.last = Some(Report { is_last: true, vus_active: 0, ..last });
                // Trials wait for every worker.
                if is_main && self.conductor.is_some() {
                    self.end(crew, Ended::Aborted("a search needs all of its workers".to_owned()));
                }
            }
            News::Ready { .. } | News::Made { .. } | News::Refused(_) | News::CannotMakeVu(_) => {
                unreachable!("the crew has begun")
            }
        }
    }

    /// Answers why a VU could not be made, if so.
    fn on_report(
        &mut self,
        link: &mut Link,
        worker: usize,
        mut report: Report,
        observer: &mut dyn Observer,
    ) -> Option<String> {
        if let Some(stretch) = &mut self.stretch {
            stretch.totals.add(worker, &report.window);
        }
        // What `setup` does counts as at the beginning.
        let since_begin = |at: Instant| self.scenarios_at.map_or(0, |begun_at| at.since(begun_at));
        let before = link.last.as_ref().map_or(report.begun_at, |last| last.at);
        self.errors.absorb(worker, since_begin(before), since_begin(report.at), &report.window);
        if let Some(samples) = &self.samples {
            samples.hand_over(worker, report.window.take_traces(self.totals.registry().system_tags()));
        }
        let window = self.totals.absorb(worker, std::mem::take(&mut report.window));
        let _ = link.recycle.send(Some(window));
        if let Some(watching) = &mut self.watching {
            watching.on_report(&report, &self.totals);
        }
        let (lines, dropped) = std::mem::take(&mut report.log);
        if !lines.is_empty() || dropped > 0 {
            observer.on_log(lines, dropped);
        }
        let failure = report.failures.drain(..).next();
        self.ended_at = self.ended_at.max(report.at);
        link.last = Some(report);
        failure
    }

    /// The user asked twice: workers were left behind.
    pub fn was_abandoned(&self) -> bool {
        self.abandoned > 0
    }

    /// What `setup` or `teardown` came to.
    pub fn note_phase(&mut self, result: PhaseResult, timeout: Ended) {
        if self.ended != Ended::Finished {
            return;
        }
        match result {
            PhaseResult::Returned => {}
            PhaseResult::Threw(line) => self.ended = Ended::Threw(line),
            PhaseResult::Aborted(message) => self.ended = Ended::Aborted(message),
            PhaseResult::Unfinished => self.ended = timeout,
        }
    }

    fn elapsed(&self, now: Instant) -> Duration {
        Duration::from_nanos(now.since(self.begin))
    }

    fn progress(&self, crew: &Crew, now: Instant) -> Progress {
        Progress {
            elapsed: self.elapsed(now),
            scenarios_elapsed: Duration::from_nanos(now.since(crew.begun_at)),
            scenarios: crew.lanes(),
            live: self.totals.live(),
            vus_active: crew.reports().map(|report| u64::from(report.vus_active)).sum(),
            vus_initialized: crew.reports().map(|report| u64::from(report.vus_initialized)).sum(),
            is_stopping: self.ended != Ended::Finished,
        }
    }

    /// `crew`: the one that ran the scenarios.
    pub fn finish(mut self, crew: Crew, engine: Engine, scenarios_began: bool) -> Outcome {
        self.timeline.finish();
        let usage = crew.reports().map(|report| WorkerUsage {
            wall: Duration::from_nanos(report.at.since(report.begun_at)),
            cpu: Duration::from_nanos(report.cpu_ns),
            spun: Duration::from_nanos(report.spun_ns),
        });
        Outcome {
            duration: self.elapsed(self.ended_at),
            scenarios_begun: self.elapsed(crew.begun_at),
            ended: self.ended,
            engine,
            usage: usage.collect(),
            scenarios_began,
            scenarios: crew.lanes(),
            vus_initialized: crew.reports().map(|report| u64::from(report.vus_initialized)).sum(),
            control_cpu: cpu::thread_time().saturating_sub(self.cpu_at_begin),
            interrupted_requests: self.interrupted_requests,
            overflows: self.overflows,
            panics: self.panics,
            abandoned: self.abandoned,
            diagnosis: self.diagnosis,
            searched: self.searched,
            totals: self.totals,
            timeline: self.timeline,
            errors: self.errors.kinds(),
        }
    }
}
