//! Runs the workers of a world, each until it ends, as a worker's thread in `run` does: turn, hand
//! the window over at a tick, take messages, look names up.

use crate::watch::{Log, SharedLog, WatchedProgram, WatchedSim};
use crate::world::World;
use ringload::metrics::timeline::Tick;
use ringload::metrics::trials::{Goal, SpanId};
use ringload::metrics::{
    Recorder, RecorderBounds, Summary, SummaryScope, TagSet, Timeline, Totals, TrialCounts, Trials, Window,
};
use ringload::options::{Dns, TrendStat};
use ringload::script::LogQueue;
use ringload::time::Instant;
use ringload::transport::sim::{Counts, Random, Responder, Sim};
use ringload::vu::Vus;
use ringload::vu::hosts::Hosts;
use ringload::worker::pacing::Pacing;
use ringload::worker::{Lane, Message, Report, Worker};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a run left behind.
pub struct Run<R> {
    pub totals: Totals,
    pub timeline: Timeline,
    pub workers: Vec<WorkerRun<R>>,
}

pub struct WorkerRun<R> {
    /// Of this worker alone.
    pub totals: Totals,
    /// The last report, without its window.
    pub last: Report,
    pub log: Log,
    /// The first `Stop`.
    pub stopped: Option<Stopped>,
    pub counts: Counts,
    pub responder: R,
    /// Of everything that was due, if the world judges.
    pub judged: Option<Judged>,
}

pub struct Judged {
    pub whole: TrialCounts,
    /// Of spans of 100 ms, one after the other, and of the rest.
    pub spans: Vec<TrialCounts>,
    pub lost: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct Stopped {
    /// When it came, and the turn it came after.
    pub at: Instant,
    pub turn: Instant,
    pub at_once: bool,
    /// Iterations that had started.
    pub started: usize,
}

impl<R> Run<R> {
    pub fn ended_at(&self) -> Instant {
        self.workers.iter().map(|worker| worker.last.at).max().expect("there are workers")
    }

    pub fn summary(&self) -> Summary {
        let duration = Duration::from_nanos(self.ended_at().0);
        let stats = [TrendStat::Avg, TrendStat::Min, TrendStat::Med, TrendStat::Max, TrendStat::Count];
        self.totals.summary(duration, &stats, SummaryScope::Full)
    }
}

/// `far_end` makes a worker's responder from a seed.
pub fn run<R: Responder + 'static>(world: &World, far_end: impl Fn(u64) -> R) -> Run<R> {
    let mut totals = Totals::new();
    let mut timeline = Timeline::new(world.workers as usize, true);
    let mut reports = Vec::new();
    let workers: Vec<WorkerRun<R>> = (0..world.workers)
        .map(|worker| {
            let seed = Random::new(world.seed.wrapping_add(u64::from(worker) << 32)).next_u64();
            let (far_end, all, reports) = (far_end(seed), &mut totals, &mut reports);
            match world.making_ns > 0 {
                true => Driver::<R, true>::new(world, worker, seed, far_end).run(all, reports),
                false => Driver::<R, false>::new(world, worker, seed, far_end).run(all, reports),
            }
        })
        .collect();
    // As they would have come, had all workers run at once.
    reports.sort_by_key(|(worker, tick, _)| (tick.at, *worker));
    for (worker, tick, window) in &reports {
        timeline.absorb(*worker, *tick, window);
    }
    timeline.finish();
    Run { totals, timeline, workers }
}

/// What each worker handed over.
type Reports = Vec<(usize, Tick, Window)>;

struct Driver<'a, R, const COSTLY: bool> {
    world: &'a World,
    index: u32,
    worker: Worker<WatchedSim<R>, WatchedProgram<COSTLY>>,
    log: SharedLog,
    random: Random,
    /// What is still to be said to the worker, by time and order.
    mail: BTreeMap<(Instant, u32), Message>,
    posted: u32,
    lookups: usize,
    totals: Totals,
    /// An emptied window, and leave to hand over one more.
    spare: Option<Window>,
    stopped: Option<Stopped>,
    judge: Option<Judge>,
}

struct Judge {
    trials: Trials,
    whole: SpanId,
    spans: Vec<SpanId>,
}

impl Judge {
    fn new() -> Judge {
        let mut trials = Trials::new(1);
        let goals = [Goal::within(None), Goal::within(Some(Duration::from_millis(20)))];
        let whole = trials.watch(Instant::ZERO, Instant::NEVER, &goals);
        let edges: Vec<Instant> =
            (0..=10).map(|i| Instant(i * 100_000_000)).chain([Instant::NEVER]).collect();
        let spans = edges.windows(2).map(|edge| trials.watch(edge[0], edge[1], &goals)).collect();
        Judge { trials, whole, spans }
    }

    fn finish(mut self) -> Judged {
        let lost = self.trials.lost();
        let whole = self.trials.release(self.whole);
        let spans = self.spans.iter().map(|&span| self.trials.release(span)).collect();
        Judged { whole, spans, lost }
    }
}

impl<'a, R: Responder + 'static, const COSTLY: bool> Driver<'a, R, COSTLY> {
    fn new(world: &'a World, index: u32, seed: u64, far_end: R) -> Driver<'a, R, COSTLY> {
        let log = SharedLog::default();
        let sim = Sim::new(seed, world.network.clone(), far_end).with_bound(world.slots as usize);
        let transport = WatchedSim { sim, log: log.clone() };
        let mut recorder = Recorder::new(RecorderBounds { samples: world.samples, leaves: 64 });
        if world.judges {
            recorder.judge();
        }
        let plan = world.plan(&world.share(index));
        let pacing =
            Pacing { spin: world.spin, is_open: plan.is_open(), in_batches: world.request.pipeline > 1 };
        let leaf = recorder.scenario_leaf("default", &TagSet::new());
        let dns = world.naming.as_ref().map_or(Dns::default(), |naming| naming.dns);
        let hosts = Hosts::new(&[world.host()], dns, seed);
        let (share, templates) = (world.share(index), vec![world.template()]);
        let mut vus = Vus::new(world.settings.clone(), share.stripes(), templates, hosts, world.slots);
        for _ in 0..plan.planned_vus() {
            vus.add(WatchedProgram::new(log.clone(), world.request.pipeline, world.script()));
        }
        let make = {
            let (log, pipeline, script) = (log.clone(), world.request.pipeline, world.script());
            let making_ns = world.making_ns;
            Box::new(move |_: u32, _: &mut LogQueue| {
                log.get().unspent_ns += making_ns;
                Ok(WatchedProgram::new(log.clone(), pipeline, script.clone()))
            })
        };
        let lane = Lane { plan, leaf, scenario: 0 };
        let mut driver = Driver {
            world,
            index,
            worker: Worker::new(transport, vus, vec![lane], recorder, make, pacing, Instant::ZERO),
            log,
            random: Random::new(seed ^ 0x6d61_696c),
            mail: BTreeMap::new(),
            posted: 0,
            lookups: 0,
            totals: Totals::new(),
            spare: None,
            stopped: None,
            judge: world.judges.then(Judge::new),
        };
        for (at, message) in &world.messages {
            driver.post(*at, message.clone());
        }
        driver
    }

    fn run(mut self, all: &mut Totals, reports: &mut Reports) -> WorkerRun<R> {
        let mut now = self.turn();
        while let Some(at) = now {
            if self.worker.tick_is_due() {
                match self.random.happens(self.world.late_control_ppm) {
                    true => self.worker.postpone_report(),
                    false => {
                        let spare = self.spare.take();
                        let mut report = self.worker.report(spare);
                        self.absorb(&mut report, all, reports);
                    }
                }
            }
            self.deliver(at);
            self.look_up(at);
            now = self.turn();
        }
        let mut last = Report { is_last: true, ..self.worker.report(None) };
        self.absorb(&mut last, all, reports);
        let mut transport = self.worker.into_transport();
        let log = std::mem::take(&mut *self.log.get());
        self.log.get().open = log.open.clone();
        let counts = transport.sim.counts();
        transport.give_all_back();
        let responder = transport.sim.into_responder();
        let judged = self.judge.map(Judge::finish);
        WorkerRun { totals: self.totals, last, log, stopped: self.stopped, counts, responder, judged }
    }

    /// The instant after the turn's wait; `None` when the worker has ended.
    fn turn(&mut self) -> Option<Instant> {
        self.log.get().wake = self.mail.keys().next().map(|(at, _)| *at);
        if !self.worker.turn() {
            return None;
        }
        Some(self.log.get().waited_until)
    }

    fn absorb(&mut self, report: &mut Report, all: &mut Totals, reports: &mut Reports) {
        let window = std::mem::take(&mut report.window);
        reports.push((self.index as usize, report.tick(), window.clone()));
        if let Some(judge) = &mut self.judge {
            judge.trials.absorb(0, &window);
        }
        self.totals.absorb(0, window.clone());
        self.spare = Some(all.absorb(self.index as usize, window));
    }

    fn post(&mut self, at: Instant, message: Message) {
        self.posted += 1;
        self.mail.insert((at, self.posted), message);
    }

    fn deliver(&mut self, now: Instant) {
        while let Some(entry) = self.mail.first_entry().filter(|entry| entry.key().0 <= now) {
            let message = entry.remove();
            if let Message::Stop { now: at_once } = message
                && self.stopped.is_none()
            {
                let log = self.log.get();
                self.stopped = Some(Stopped { at: now, turn: log.turn, at_once, started: log.starts.len() });
            }
            self.worker.on_message(message);
        }
    }

    fn look_up(&mut self, now: Instant) {
        while let Some((host, _)) = self.worker.poll_lookup() {
            let naming = self.world.naming.as_ref().expect("an address is not looked up");
            let answer = self.lookups.min(naming.answers.len() - 1);
            self.lookups += 1;
            let answer = Ok(naming.answers[answer].clone());
            let at = now.plus_ns(naming.delay_ns);
            self.post(at, Message::Resolved { host, answer });
        }
    }
}
