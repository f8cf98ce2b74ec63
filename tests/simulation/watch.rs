//! A worker's transport and programs with a log: what was asked of the network, when iterations
//! started and how long their outcomes took.

use ringload::script::url::UrlProgram;
use ringload::script::{Answer, Context, Iteration, Program, Request, RequestId, Step, TemplateId, Wish};
use ringload::time::Instant;
use ringload::transport::sim::{Responder, Sim};
use ringload::transport::{Transport, Wait};
use ringload::wire::{Ask, ConnId, Event};
use std::collections::BTreeSet;
use std::rc::Rc;
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
    /// Time that making VUs took and that has not passed yet.
    pub unspent_ns: u64,
    /// Requests that programs wanted.
    pub asked: u64,
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
    fn spend(&mut self) {
        let spent_ns = std::mem::take(&mut self.log.get().unspent_ns);
        self.sim.spend(spent_ns);
    }

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
        self.spend();
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
        self.spend();
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

/// What an iteration of a script does, one after the other.
#[derive(Clone, Debug)]
pub enum Move {
    /// So many requests at once; goes on when all have their answer.
    Ask(u32),
    Sleep(u64),
    Yield,
}

/// A URL's program, or a script's moves, that writes down what it is told. One that is costly is
/// one to the worker; `Log::unspent_ns` says what making it costs.
pub struct WatchedProgram<const COSTLY: bool> {
    url: UrlProgram,
    /// Requests of one exchange of the URL's.
    pipeline: u32,
    script: Option<Script>,
    /// The move to make next.
    next: usize,
    /// Answers still to come.
    awaited: u32,
    started: Instant,
    log: SharedLog,
}

#[derive(Clone)]
pub struct Script {
    pub moves: Vec<Move>,
    pub request: Rc<dyn Fn() -> Request>,
}

impl<const COSTLY: bool> WatchedProgram<COSTLY> {
    pub fn new(log: SharedLog, pipeline: u32, script: Option<Script>) -> WatchedProgram<COSTLY> {
        let url = UrlProgram::new(TemplateId(0));
        WatchedProgram { url, pipeline, script, next: 0, awaited: 0, started: Instant::ZERO, log }
    }

    fn note_time(&self) {
        let mut log = self.log.get();
        log.longest_ns = log.longest_ns.max(log.turn.since(self.started));
    }

    fn go_on(&mut self, context: &mut Context<'_>) -> Step {
        let Some(Script { moves, request }) = &self.script else { unreachable!("a script goes on") };
        let Some(order) = moves.get(self.next) else { return Step::Done };
        self.next += 1;
        match *order {
            Move::Ask(count) => {
                self.awaited = count;
                self.started = context.now;
                self.log.get().asked += u64::from(count);
                let ids = (0..u64::from(count)).map(RequestId);
                context.wishes.extend(ids.map(|id| Wish::Request(id, Box::new(request()))));
                Step::Wait
            }
            Move::Sleep(ns) => {
                context.wishes.push(Wish::WakeAt(context.now.plus_ns(ns)));
                Step::Wait
            }
            Move::Yield => Step::Yield,
        }
    }
}

impl<const COSTLY: bool> Program for WatchedProgram<COSTLY> {
    const IS_NUMBERED: bool = false;
    const IS_COSTLY: bool = COSTLY;

    fn start(&mut self, context: &mut Context<'_>, iteration: Iteration) -> Step {
        self.started = context.now;
        self.log.get().starts.push(context.now);
        if self.script.is_some() {
            (self.next, self.awaited) = (0, 0);
            return self.go_on(context);
        }
        self.log.get().asked += u64::from(self.pipeline);
        self.url.start(context, iteration)
    }

    fn resume(&mut self, context: &mut Context<'_>, answer: Answer) -> Step {
        match answer {
            Answer::Exchanged { .. } => {
                self.note_time();
                self.url.resume(context, answer)
            }
            Answer::Response(..) => {
                self.note_time();
                self.awaited = self.awaited.checked_sub(1).expect("an answer to each request, once");
                if self.awaited > 0 { Step::Wait } else { self.go_on(context) }
            }
            Answer::Woken | Answer::Continue => {
                assert_eq!(self.awaited, 0, "nothing else was asked for");
                self.go_on(context)
            }
        }
    }

    fn cancel(&mut self, context: &mut Context<'_>) {
        if self.awaited > 0 || self.script.is_none() {
            self.note_time();
        }
        self.log.get().cancelled += 1;
        self.url.cancel(context);
    }
}
