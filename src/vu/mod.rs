//! The virtual users of one worker: each a program over its own connections.
//!
//! Pure: events and `now` in, asks out; who carries them is not known here. A VU runs one
//! iteration at a time. Its exchanges take an idle connection of its pool or open a new one; what
//! came of each is recorded once, in the leaf of its tags.
//!
//! Invariant V1. Requests wanted = answered + failed + interrupted, however often one was sent:
//! `awaited` of a busy connection counts those without an outcome, and every way out of `Busy`
//! accounts for them.

pub mod connection;
pub mod deadlines;
mod exchange;
pub mod failure;
mod flight;
pub mod hosts;
mod judging;
pub mod pool;
mod requests;
mod secured;
mod waiting;

use crate::http::HeadCache;
use crate::metrics::{LeafId, Recorder, Verdict};
use crate::options::LocalIps;
use crate::options::tls::TlsVersion;
use crate::plan::split::Stripes;
use crate::script::log::LogLine;
use crate::script::{
    Answer, Context, HostId, Iteration, LogQueue, Program, Step, Template, TemplateId, Wish,
};
use crate::time::Instant;
use crate::tls;
use crate::wire::{Ask, ConnId, Event};
use connection::{Connection, Phase};
use deadlines::Deadlines;
use failure::Failure;
use flight::Flight;
use hosts::{Address, Hosts};
use judging::Judging;
use pool::Pool;
use requests::{Active, Requests};
use std::collections::VecDeque;
use waiting::Waiting;

/// A VU of this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VuId(pub u32);

/// What all VUs of a run have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of a whole exchange, connecting included.
    pub timeout_ns: u64,
    /// k6's limit for dialing.
    pub dial_timeout_ns: u64,
    /// Every request on its own connection.
    pub no_connection_reuse: bool,
    /// A VU's idle connections are closed after each iteration.
    pub no_vu_connection_reuse: bool,
    /// Source addresses, dealt out to VUs; `None`: the kernel chooses.
    pub local_ips: Option<LocalIps>,
    /// Of requests that scripts make; empty: none.
    pub user_agent: String,
    /// Requests of scripts carry the system tag `ip`.
    pub tags_ip: bool,
    /// An iteration that ends earlier rests until then; 0: none does.
    pub min_iteration_ns: u64,
    /// Scripts' requests begin at least so far apart (`rps`); 0: no limit.
    pub request_every_ns: u64,
    /// Unix seconds at instant 0, for cookies that expire.
    pub wall_at_begin: i64,
    pub tls: tls::Setup,
}

/// What a connection is wanted for.
struct Need {
    vu: VuId,
    host: HostId,
    awaited: u32,
    template: TemplateId,
    wanted_at: Instant,
    deadline: Instant,
}

struct Vu<P> {
    program: P,
    pool: Pool,
    /// Scenario leaf of the iteration under way.
    leaf: LeafId,
    started_at: Instant,
    running: bool,
    /// Bytes since the last iteration's end.
    data_sent: u64,
    data_received: u64,
    wanted: Option<Wanted>,
    /// Where the recorder judges: of the template exchange under way, and of the next request.
    judged: Judging,
    next_judged: Judging,
    /// The connection that carries the exchange under way.
    conn: Option<ConnId>,
    /// Requests of its script under way, by their place in `Requests`.
    requests: Vec<u32>,
    /// When its timer ends; `NEVER`: it has none.
    wake_at: Instant,
    /// When its entry in `Vus::timers` comes up; `NEVER`: it has none.
    timer_entry: Instant,
    /// The iteration is over but for `minIterationDuration`.
    is_resting: bool,
    /// It is in `Vus::yielded`.
    has_yielded: bool,
}

/// A template exchange that waits for a connection.
#[derive(Clone, Copy)]
struct Wanted {
    template: TemplateId,
    /// Those of its requests that have no answer yet.
    requests: u32,
    since: Instant,
    /// When it is given up. Sending again gives it no more time.
    deadline: Instant,
}

/// Who waits for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// The template exchange of this VU.
    Template(VuId),
    /// A script's request, by its place in `Requests`.
    Request(u32),
}

/// The last answer's leaf of a template: the same status follows itself nearly always.
#[derive(Default)]
struct TemplateCache {
    status: u16,
    http10: bool,
    tls_version: Option<TlsVersion>,
    leaf: Option<LeafId>,
    /// The same of the last failure: a dead target is asked as fast as a living one.
    failure: Option<(Failure, LeafId)>,
}

pub struct Vus<P> {
    settings: Settings,
    numbers: Stripes,
    templates: Vec<Template>,
    caches: Vec<TemplateCache>,
    hosts: Hosts,
    vus: Vec<Vu<P>>,
    connections: Vec<Connection>,
    head_cache: HeadCache,
    deadlines: Deadlines,
    asks: VecDeque<Ask>,
    waiting: Waiting,
    /// Requests of scripts under way.
    requests: Requests,
    /// Requests that `rps` holds back, each with its time, in order; and the time of the next one.
    held_back: VecDeque<(Instant, u32)>,
    next_request_at: Instant,
    timers: Deadlines,
    /// VUs that go on when the others had their turn, each once.
    yielded: VecDeque<VuId>,
    /// Answers to programs that have not been entered with them yet, in order.
    answers: VecDeque<(VuId, Answer)>,
    finished: VecDeque<VuId>,
    flight: Flight,
    /// Requests interrupted without an outcome (V1).
    interrupted_requests: u64,
    /// Requests that were sent once more because their connection ended unanswered.
    resent_requests: u64,
    log: LogQueue,
    wishes: Vec<Wish>,
    tls: tls::Client,
    tls_buffers: tls::Buffers,
}

impl<P: Program> Vus<P> {
    /// `numbers`: of its VUs among all of this machine. `slots`: the transport's bound of
    /// connections.
    pub fn new(
        settings: Settings,
        numbers: Stripes,
        templates: Vec<Template>,
        hosts: Hosts,
        slots: u32,
    ) -> Vus<P> {
        let mut connections = Vec::new();
        connections.resize_with(slots as usize, Connection::default);
        Vus {
            tls: tls::Client::new(settings.tls.clone()),
            tls_buffers: tls::Buffers::default(),
            settings,
            numbers,
            caches: templates.iter().map(|_| TemplateCache::default()).collect(),
            templates,
            hosts,
            vus: Vec::new(),
            connections,
            head_cache: HeadCache::default(),
            deadlines: Deadlines::default(),
            asks: VecDeque::new(),
            waiting: Waiting::default(),
            requests: Requests::default(),
            held_back: VecDeque::new(),
            next_request_at: Instant::ZERO,
            timers: Deadlines::default(),
            yielded: VecDeque::new(),
            answers: VecDeque::new(),
            finished: VecDeque::new(),
            flight: Flight::default(),
            interrupted_requests: 0,
            resent_requests: 0,
            log: LogQueue::default(),
            wishes: Vec::new(),
        }
    }

    /// Adds a VU.
    pub fn add(&mut self, program: P) -> VuId {
        let id = VuId(self.vus.len() as u32);
        self.vus.push(Vu {
            program,
            pool: Pool::default(),
            leaf: LeafId(0),
            started_at: Instant::ZERO,
            running: false,
            data_sent: 0,
            data_received: 0,
            wanted: None,
            judged: Judging::default(),
            next_judged: Judging::default(),
            conn: None,
            requests: Vec::new(),
            wake_at: Instant::NEVER,
            timer_entry: Instant::NEVER,
            is_resting: false,
            has_yielded: false,
        });
        id
    }

    /// VUs added so far.
    pub fn count(&self) -> u32 {
        self.vus.len() as u32
    }

    /// Log lines of programs since the last time, and how many more did not fit.
    pub fn take_log(&mut self) -> (Vec<LogLine>, u64) {
        self.log.take()
    }

    /// For what init code logs while a VU is made.
    pub fn log_mut(&mut self) -> &mut LogQueue {
        &mut self.log
    }

    pub fn is_running(&self, vu: VuId) -> bool {
        self.vus[vu.0 as usize].running
    }

    /// Requests that were interrupted without an outcome.
    pub fn interrupted_requests(&self) -> u64 {
        self.interrupted_requests
    }

    /// Requests written so far, those sent again too.
    pub fn sent_requests(&self) -> u64 {
        self.flight.sent()
    }

    /// The integral of the number of requests on the wire, from the beginning to `now`.
    pub fn in_flight_ns(&self, now: Instant) -> u64 {
        self.flight.area_ns(now)
    }

    /// Requests that were sent once more: on the wire there are so many more than were asked for.
    pub fn resent_requests(&self) -> u64 {
        self.resent_requests
    }

    /// Begins an iteration of an idle VU. `leaf` is the scenario's.
    #[inline]
    pub fn start(
        &mut self,
        vu: VuId,
        leaf: LeafId,
        iteration: Iteration,
        now: Instant,
        recorder: &mut Recorder,
    ) {
        let user = &mut self.vus[vu.0 as usize];
        assert!(!user.running, "VU {} starts twice", vu.0);
        user.running = true;
        user.leaf = leaf;
        user.started_at = now;
        let mut context = Context { now, recorder, log: &mut self.log, wishes: &mut self.wishes };
        let step = user.program.start(&mut context, iteration);
        self.carry_out(vu, step, now, recorder);
    }

    /// The next wish for the transport.
    #[inline]
    pub fn poll_ask(&mut self) -> Option<Ask> {
        self.asks.pop_front()
    }

    /// A VU whose iteration is over.
    #[inline]
    pub fn poll_finished(&mut self) -> Option<VuId> {
        self.finished.pop_front()
    }

    /// How many VUs `poll_finished` has.
    #[inline]
    pub fn finished(&self) -> usize {
        self.finished.len()
    }

    /// How many VUs wait for a connection: call `connect` for each.
    #[inline]
    pub fn wanting(&self) -> usize {
        self.waiting.wanting()
    }

    /// Gives the first waiting VU a connection in a slot of `open`; false if there is no slot now
    /// (one comes with the next `Closed`).
    pub fn connect(
        &mut self,
        open: impl FnOnce() -> Option<ConnId>,
        now: Instant,
        recorder: &mut Recorder,
    ) -> bool {
        let Some((want, resolved)) = self.waiting.pop() else { return true };
        let Some(Need { vu, host, awaited, template, wanted_at, deadline }) = self.need_of(want) else {
            return true;
        };
        let target = match resolved.unwrap_or_else(|| self.hosts.address(host, now)) {
            Address::Known(target) => target,
            Address::Pending => {
                self.waiting.await_address(host, want, deadline);
                return true;
            }
            Address::Unknown => {
                let failure = self.hosts.lookup_failure(host).map_or(Failure::NoSuchHost, Failure::Lookup);
                self.fail_unsent(want, &failure, now, recorder);
                return true;
            }
            Address::Forbidden => {
                let failure = self.hosts.why_forbidden(host);
                self.fail_unsent(want, &failure, now, recorder);
                return true;
            }
        };
        let Some(conn) = open() else {
            self.waiting.put_back(want, resolved, deadline);
            self.evict_idle();
            return false;
        };
        let request = self.assign(want, conn);
        let number = self.numbers.in_instance(u64::from(vu.0));
        let local = self.settings.local_ips.as_ref().map(|ips| ips.for_vu(number + 1));
        let connection = &mut self.connections[conn.0 as usize];
        let heap_entry = connection.heap_entry;
        *connection = Connection {
            phase: Phase::Connecting,
            heap_entry,
            fresh: true,
            vu: vu.0,
            awaited,
            template,
            request,
            host,
            remote: Some(target),
            deadline: deadline.min(now.plus_ns(self.settings.dial_timeout_ns)),
            exchange_deadline: deadline,
            wanted_at,
            connect_from: now,
            ..Connection::default()
        };
        self.arm_deadline(conn);
        self.asks.push_back(Ask::Connect { conn, target, local });
        true
    }

    /// What the connection is for; `None` if it is not wanted any more.
    fn need_of(&self, want: Want) -> Option<Need> {
        match want {
            Want::Template(vu) => {
                let Wanted { template, requests, since, deadline } = self.vus[vu.0 as usize].wanted?;
                let host = self.templates[template.0 as usize].host;
                Some(Need { vu, host, awaited: requests, template, wanted_at: since, deadline })
            }
            Want::Request(place) => {
                let active = self.requests.get(place)?;
                let template = TemplateId(0);
                let Active { vu, host, wanted_at, deadline, .. } = *active;
                Some(Need { vu, host: host?, awaited: 1, template, wanted_at, deadline })
            }
        }
    }

    /// Notes that `conn` now carries what was wanted; answers the connection's `request`.
    fn assign(&mut self, want: Want, conn: ConnId) -> Option<u32> {
        match want {
            Want::Template(vu) => {
                let user = &mut self.vus[vu.0 as usize];
                user.wanted = None;
                user.conn = Some(conn);
                None
            }
            Want::Request(place) => {
                self.requests.expect(place).conn = Some(conn);
                Some(place)
            }
        }
    }

    /// Whether a name is to be looked up: `poll_lookup` gives it.
    #[inline]
    pub fn wants_lookup(&self) -> bool {
        self.hosts.wants_lookup()
    }

    /// The next name to look up for this worker.
    pub fn poll_lookup(&mut self) -> Option<(HostId, &str)> {
        self.hosts.poll_lookup()
    }

    /// What happened to a connection.
    #[inline]
    pub fn on_event(&mut self, conn: ConnId, event: Event<'_>, recorder: &mut Recorder) {
        match event {
            Event::Received { at, bytes } => self.on_received(conn, at, bytes, recorder),
            Event::Discarded { at, bytes } => self.on_discarded(conn, at, bytes, recorder),
            Event::Sent { from, at } => self.on_sent(conn, from, at),
            Event::Connected { at } => self.on_connected(conn, at, recorder),
            Event::Lost { at, why } => self.on_lost(conn, at, why, recorder),
            Event::Closed => {
                let connection = &mut self.connections[conn.0 as usize];
                assert_eq!(connection.phase, Phase::Closing, "slot {} closed unasked", conn.0);
                connection.phase = Phase::Free;
            }
            Event::Accepted { .. } => unreachable!("a VU has no listener"),
        }
    }

    /// When `on_time` or `wake_next` wants to be called.
    #[inline]
    pub fn next_timer(&self) -> Instant {
        let held_back = self.held_back.front().map_or(Instant::NEVER, |(at, _)| *at);
        self.deadlines.next().min(self.timers.next()).min(held_back).min(self.waiting.next_deadline())
    }

    /// Whether some program can go on at once: `answer_next` or `continue_next` enters it.
    #[inline]
    pub fn is_ready(&self) -> bool {
        !self.yielded.is_empty() || !self.answers.is_empty()
    }

    /// Enters the next program that has an answer; false if there is none. It is not done where
    /// the answer comes up: what has arrived is to be read before a program takes its time, and
    /// one whose requests fail at once may go on so for ever.
    #[inline]
    pub fn answer_next(&mut self, now: Instant, recorder: &mut Recorder) -> bool {
        let Some((vu, answer)) = self.answers.pop_front() else { return false };
        self.resume(vu, answer, now, recorder);
        true
    }

    /// Enters the program whose timer has ended first; false if none has.
    #[inline]
    pub fn wake_next(&mut self, now: Instant, recorder: &mut Recorder) -> bool {
        while let Some((at, index)) = self.timers.pop_due(now) {
            let vu = VuId(index);
            let user = &mut self.vus[index as usize];
            if user.timer_entry != at {
                // A later entry, given up for an earlier one.
                continue;
            }
            user.timer_entry = Instant::NEVER;
            if user.wake_at > now {
                self.arm_timer(vu);
                continue;
            }
            user.wake_at = Instant::NEVER;
            if user.is_resting {
                user.is_resting = false;
                user.running = false;
                self.finished.push_back(vu);
            } else if user.running {
                self.resume(vu, Answer::Woken, now, recorder);
            }
            return true;
        }
        false
    }

    /// Enters the next program that has yielded; false if there is none.
    pub fn continue_next(&mut self, now: Instant, recorder: &mut Recorder) -> bool {
        let Some(vu) = self.yielded.pop_front() else { return false };
        self.vus[vu.0 as usize].has_yielded = false;
        self.resume(vu, Answer::Continue, now, recorder);
        true
    }

    /// Ends the exchanges whose time is up, and begins those that `rps` has held back.
    pub fn on_time(&mut self, now: Instant, recorder: &mut Recorder) {
        while let Some(&(_, place)) = self.held_back.front().filter(|(at, _)| *at <= now) {
            self.held_back.pop_front();
            self.begin_hop(place, now, recorder);
        }
        while let Some((at, index)) = self.deadlines.pop_due(now) {
            let conn = ConnId(index);
            let connection = &mut self.connections[index as usize];
            if connection.heap_entry != at {
                // A later entry, given up for an earlier one.
                continue;
            }
            connection.heap_entry = Instant::NEVER;
            match connection.phase {
                Phase::Connecting | Phase::Handshaking | Phase::Busy if connection.deadline > now => {
                    self.arm_deadline(conn);
                }
                Phase::Connecting => self.fail_exchange(conn, &Failure::DialTimeout, now, recorder),
                Phase::Handshaking | Phase::Busy => {
                    self.fail_exchange(conn, &Failure::RequestTimeout, now, recorder);
                }
                Phase::Free | Phase::Idle | Phase::Closing => {}
            }
        }
        if self.waiting.next_deadline() <= now {
            self.fail_overdue(now, recorder);
        }
    }

    /// Sees to it that the heap has an entry at or before this VU's timer.
    #[inline]
    fn arm_timer(&mut self, vu: VuId) {
        let user = &mut self.vus[vu.0 as usize];
        if user.wake_at < user.timer_entry {
            user.timer_entry = user.wake_at;
            let (at, vus) = (user.wake_at, &self.vus);
            self.timers.add(at, vu.0, |at, index| vus[index as usize].timer_entry == at);
        }
    }

    /// Ends a VU's iteration without an outcome (k6: samples after the interruption are dropped).
    pub fn interrupt(&mut self, vu: VuId, now: Instant, recorder: &mut Recorder) {
        let user = &mut self.vus[vu.0 as usize];
        if !user.running {
            return;
        }
        user.running = false;
        user.wake_at = Instant::NEVER;
        if std::mem::take(&mut user.is_resting) {
            // The iteration itself was over.
            self.finished.push_back(vu);
            return;
        }
        let mut context = Context { now, recorder, log: &mut self.log, wishes: &mut self.wishes };
        user.program.cancel(&mut context);
        self.wishes.clear();
        if P::IS_ITERATION {
            recorder.record_interrupted(user.leaf);
        }
        user.flush_data(recorder);
        if let Some(wanted) = user.wanted.take() {
            self.interrupted_requests += u64::from(wanted.requests);
            self.judge_interrupted(vu, wanted.requests, recorder);
            self.forget(Want::Template(vu));
        }
        if let Some(conn) = self.vus[vu.0 as usize].conn.take() {
            let Connection { awaited, sent_from, .. } = self.connections[conn.0 as usize];
            self.flight.on_ended(awaited, sent_from, now);
            self.interrupted_requests += u64::from(awaited);
            self.judge_interrupted(vu, awaited, recorder);
            self.close(conn);
        }
        self.drop_requests(vu, now, recorder);
        self.drop_answers(vu);
        self.leave_yielded(vu);
        if self.settings.no_vu_connection_reuse {
            self.close_idle(vu);
        }
        self.finished.push_back(vu);
    }

    /// What a VU's script still has under way has no outcome any more.
    fn drop_requests(&mut self, vu: VuId, now: Instant, recorder: &mut Recorder) {
        for place in std::mem::take(&mut self.vus[vu.0 as usize].requests) {
            self.interrupted_requests += 1;
            let active = self.requests.remove(place);
            self.release_host(&active);
            if recorder.judges() && active.is_judged {
                active.judged.on_failure(Verdict::Interrupted, 1, LeafId(0), recorder);
            }
            match active.conn {
                Some(conn) => {
                    self.flight.on_ended(1, self.connections[conn.0 as usize].sent_from, now);
                    self.close(conn);
                }
                None => self.forget(Want::Request(place)),
            }
        }
    }

    /// Answers to an iteration that is over are none of the next one's.
    fn drop_answers(&mut self, vu: VuId) {
        self.answers.retain(|(answered, _)| *answered != vu);
    }

    fn leave_yielded(&mut self, vu: VuId) {
        if std::mem::take(&mut self.vus[vu.0 as usize].has_yielded) {
            self.yielded.retain(|yielded| *yielded != vu);
        }
    }

    fn forget(&mut self, want: Want) {
        if let Want::Request(place) = want {
            self.held_back.retain(|(_, held)| *held != place);
        }
        self.waiting.forget(want);
    }

    /// All slots are taken: an idle connection, of whichever VU, makes room for one that is wanted.
    fn evict_idle(&mut self) {
        if let Some(place) = self.connections.iter().position(|connection| connection.phase == Phase::Idle) {
            self.drop_idle(ConnId(place as u32));
        }
    }

    /// Gives a VU's idle connections back.
    pub fn close_idle(&mut self, vu: VuId) {
        let user = &mut self.vus[vu.0 as usize];
        let idle: Vec<ConnId> = user.pool.drain().collect();
        for conn in idle {
            self.close(conn);
        }
    }

    #[inline]
    fn carry_out(&mut self, vu: VuId, step: Step, now: Instant, recorder: &mut Recorder) {
        if !self.wishes.is_empty() {
            self.take_wishes(vu, now, recorder);
        }
        match step {
            Step::Exchange(template) => {
                if recorder.judges() {
                    let n = self.templates[template.0 as usize].requests;
                    self.vus[vu.0 as usize].judged = self.ask_judged(vu, n, recorder);
                }
                self.exchange(vu, template, now);
            }
            Step::Wait => {}
            Step::Yield => {
                self.vus[vu.0 as usize].has_yielded = true;
                self.yielded.push_back(vu);
            }
            Step::Done => {
                let user = &mut self.vus[vu.0 as usize];
                if P::IS_ITERATION {
                    recorder.record_iteration(user.leaf, now.since(user.started_at));
                }
                user.flush_data(recorder);
                user.wake_at = Instant::NEVER;
                let rest_until = user.started_at.plus_ns(self.settings.min_iteration_ns);
                if rest_until > now {
                    user.is_resting = true;
                    user.wake_at = rest_until;
                    self.arm_timer(vu);
                } else {
                    user.running = false;
                    self.finished.push_back(vu);
                }
                if !self.vus[vu.0 as usize].requests.is_empty() {
                    self.drop_requests(vu, now, recorder);
                }
                if !self.answers.is_empty() {
                    self.drop_answers(vu);
                }
                if self.settings.no_vu_connection_reuse {
                    self.close_idle(vu);
                }
            }
        }
    }

    /// Enters the program.
    #[inline]
    fn resume(&mut self, vu: VuId, answer: Answer, now: Instant, recorder: &mut Recorder) {
        // Entered for another reason it has its turn now.
        self.leave_yielded(vu);
        let mut context = Context { now, recorder, log: &mut self.log, wishes: &mut self.wishes };
        let step = self.vus[vu.0 as usize].program.resume(&mut context, answer);
        self.carry_out(vu, step, now, recorder);
    }

    fn take_wishes(&mut self, vu: VuId, now: Instant, recorder: &mut Recorder) {
        let mut wishes = std::mem::take(&mut self.wishes);
        for wish in wishes.drain(..) {
            match wish {
                Wish::Request(id, request) => self.begin_request(vu, id, request, now, recorder),
                Wish::WakeAt(at) => {
                    // Later than now, so that one who asks for no rest does not keep `on_time`.
                    let at = at.max(now.plus_ns(1));
                    self.vus[vu.0 as usize].wake_at = at;
                    self.arm_timer(vu);
                }
            }
        }
        self.wishes = wishes;
    }
}

impl<P> Vu<P> {
    /// k6 emits the bytes of a VU at the end of each iteration, cut short or not.
    #[inline]
    fn flush_data(&mut self, recorder: &mut Recorder) {
        let sent = std::mem::take(&mut self.data_sent);
        let received = std::mem::take(&mut self.data_received);
        recorder.add_data(self.leaf, sent, received);
    }
}

#[cfg(test)]
mod tests;
