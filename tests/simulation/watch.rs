//! A worker's transport and programs with a log: what was asked of the network, when iterations
//! started and how long their outcomes took.

use ringload::script::url::UrlProgram;
use ringload::script::{Answer, Context, Iteration, Program, Step, TemplateId};
use ringload::time::Instant;
use ringload::transport::sim::{Responder, Sim};
use ringload::transport::{Transport, Wait};
use ringload::wire::{Ask, ConnId, Event};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Log {
    /// The instant of the turn under way, as the worker knows it.
    pub turn: Instant,
    /// The instant after the last wait.
    pub waited_until: Instant,
    /// When `wait` must end, as a message wakes a worker.
    pub wake: Option<Instant>,
    pub starts: Vec<Instant>,
    /// The longest time from an iteration's start to its answer or its interruption.
    pub longest_ns: u64,
    pub cancelled: u64,
    pub bytes_asked_to_send: u64,
    /// Slots taken and not asked to close.
    pub open: BTreeSet<ConnId>,
}

/// Shared by one worker's transport, programs and driver, all on one thread.
#[derive(Clone, Default)]
pub struct SharedLog(Arc<Mutex<Log>>);

impl SharedLog {
    pub fn get(&self) -> MutexGuard<'_, Log> {
        self.0.lock().expect("nobody else has it")
    }
}

pub struct WatchedSim<R> {
    pub sim: Sim<R>,
    pub log: SharedLog,
}

impl<R: Responder> WatchedSim<R> {
    /// Closes what is open and waits until every slot came back.
    pub fn give_all_back(&mut self) {
        self.flush();
        let open = std::mem::take(&mut self.log.get().open);
        for &conn in &open {
            self.sim.submit(Ask::Close { conn });
        }
        self.sim.flush();
        while self.sim.slots_taken() > 0 {
            // A slot that nobody knows of never comes back: the simulation sees that nothing is
            // under way, and panics with its seed.
            self.sim.wait(Wait::Until(Instant::NEVER));
            while self.sim.next_event().is_some() {}
        }
        // What still travels arrives, so that the far end knows of every close.
        let later = self.sim.now() + Duration::from_secs(600);
        self.sim.wait(Wait::Until(later));
    }
}

impl<R: Responder> Transport for WatchedSim<R> {
    fn now(&mut self) -> Instant {
        let now = self.sim.now();
        self.log.get().turn = now;
        now
    }

    fn open(&mut self) -> Option<ConnId> {
        let conn = self.sim.open()?;
        assert!(self.log.get().open.insert(conn), "{conn:?} was given twice");
        Some(conn)
    }

    fn submit(&mut self, ask: Ask) {
        match &ask {
            Ask::Connect { .. } | Ask::Discard { .. } => {}
            Ask::Send { payload, .. } => self.log.get().bytes_asked_to_send += payload.len() as u64,
            Ask::Close { conn } => assert!(self.log.get().open.remove(conn), "{conn:?} was closed twice"),
        }
        self.sim.submit(ask);
    }

    fn flush(&mut self) {
        self.sim.flush();
    }

    fn wait(&mut self, wait: Wait) {
        let wake = self.log.get().wake.unwrap_or(Instant::NEVER);
        self.sim.wait(match wait {
            Wait::No => Wait::No,
            Wait::Until(until) => Wait::Until(until.min(wake)),
            Wait::Batch { until, at_least, for_ns } => {
                Wait::Batch { until: until.min(wake), at_least, for_ns }
            }
        });
        self.log.get().waited_until = self.sim.now();
    }

    fn next_event(&mut self) -> Option<(ConnId, Event<'_>)> {
        self.sim.next_event()
    }
}

/// A URL's program that writes down what it is told.
pub struct WatchedProgram {
    program: UrlProgram,
    started: Instant,
    log: SharedLog,
}

impl WatchedProgram {
    pub fn new(log: SharedLog) -> WatchedProgram {
        WatchedProgram { program: UrlProgram::new(TemplateId(0)), started: Instant::ZERO, log }
    }

    fn note_time(&self) {
        let mut log = self.log.get();
        log.longest_ns = log.longest_ns.max(log.turn.since(self.started));
    }
}

impl Program for WatchedProgram {
    const IS_NUMBERED: bool = UrlProgram::IS_NUMBERED;

    fn start(&mut self, context: &mut Context<'_>, iteration: Iteration) -> Step {
        let mut log = self.log.get();
        self.started = log.turn;
        log.starts.push(self.started);
        self.program.start(context, iteration)
    }

    fn resume(&mut self, context: &mut Context<'_>, answer: Answer) -> Step {
        self.note_time();
        self.program.resume(context, answer)
    }

    fn cancel(&mut self, context: &mut Context<'_>) {
        self.note_time();
        self.log.get().cancelled += 1;
        self.program.cancel(context);
    }
}
