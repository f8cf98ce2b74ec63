//! One worker: the loop that joins plans, VUs and a transport.
//!
//! `turn` is the only loop's body. The worker reads the clock once a turn, hands events to VUs,
//! starts what is due, submits what VUs ask, and waits. It owns all it touches; `run` talks to it
//! in messages and takes what it recorded in windows.

pub mod pacing;

use crate::metrics::timeline::{TICK_NS, Tick};
use crate::metrics::{LeafId, Recorder, Window};
use crate::plan::{Plan, Wish};
use crate::script::log::LogLine;
use crate::script::{HostId, Iteration, LogQueue, Program};
use crate::sys::cpu;
use crate::sys::socket::Path;
use crate::time::Instant;
use crate::transport::{Transport, Wait};
use crate::vu::{VuId, Vus};
use pacing::Pacing;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Starts of a scenario in one turn, and likewise programs that go on: more come in the next, after
/// the requests of these were sent and what has arrived was read. All at once they would only
/// measure their own queue.
const AT_ONCE: usize = 8;
/// As soon as programs took so long, it is as if there had been `AT_ONCE` of them: what arrives
/// meanwhile is stamped late by so much.
const SLICE_NS: u64 = 20_000;

/// VUs whose programs are costly begin so far apart, but all planned ones within `ALL_BEGUN_NS`: a
/// cold VU takes 25 to 60 µs, and a server about as long for a new connection. Whoever sleeps the
/// same time wakes in the same order, so a burst at the beginning would come back for ever.
const BEGIN_EVERY_NS: u64 = 80_000;
const ALL_BEGUN_NS: u64 = 500_000_000;

/// Connections looked at in a tick.
const PATHS_AT_ONCE: usize = 16;

/// What `run` says to a worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// No further starts. `now`: what runs is interrupted at once, else it may finish.
    Stop { now: bool },
    /// A controlled plan goes on with this rate, all workers together.
    SetRate { at: Instant, rate_per_s: f64 },
    /// So many VUs of each controlled plan on this worker iterate without a pause, besides what
    /// its rate starts. Fewer than before: the others end their iteration.
    Loop { vus: u32 },
    /// A controlled plan starts nothing while so many iterations run on this worker: such starts
    /// are dropped.
    Limit { in_flight: u32 },
    /// From now on each turn burns this much more CPU time than it took, as a share.
    Burn { share: f64 },
    /// Running iterations are interrupted, and their connections closed; plans go on.
    Interrupt,
    /// The addresses of a name that this worker asked for, none if there are none; or why it could
    /// not be looked up.
    Resolved { host: HostId, answer: Result<Vec<IpAddr>, String> },
}

/// One scenario's share on this worker.
pub struct Lane {
    pub plan: Plan,
    /// Scenario leaf in this worker's recorder.
    pub leaf: LeafId,
    /// Place of the scenario in the run's list.
    pub scenario: u32,
}

/// A lane with what the worker keeps for it.
struct Running {
    lane: Lane,
    is_open: bool,
    /// Closed plans: the VU at each place, from its `Begin` until its last iteration has ended.
    places: Vec<Place>,
    places_taken: u32,
    /// Open plans: VUs taken from the pool, and of them those without an iteration, the longest
    /// idle first, as in k6's pool.
    allocated: u32,
    idle: VecDeque<VuId>,
    is_short_of_vus: bool,
    /// Of controlled plans: `Message::Loop` and `Message::Limit`. They take the VU that rests
    /// the shortest: its connection is open, and there are no more of them than are needed.
    loops: u32,
    in_flight_max: u32,
    takes_newest: bool,
    /// Before it no VU begins; `BEGIN_EVERY_NS`.
    next_begin: Instant,
    /// One more VU is to be made once this turn's requests are on their way.
    lacks_a_vu: bool,
    /// Iterations begun, and under way.
    started: u64,
    running: u32,
    /// `unstarted` iterations were recorded; when, since the beginning.
    settled_after_ns: Option<u64>,
}

#[derive(Clone, Copy, Default)]
struct Place {
    vu: Option<VuId>,
    /// Goes on after its iteration, as far as the plan lets it.
    loops: bool,
}

/// How a scenario stands on this worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneReport {
    /// VUs with an iteration or a loop, in k6's sense of `vus`.
    pub active: u64,
    /// Open plans: VUs that it may use.
    pub allocated: u64,
    /// Iterations that ended, in whatever way.
    pub ended: u64,
    /// Open plans: a start found no free VU, and there may be no more VUs.
    pub is_short_of_vus: bool,
    /// Since the crew's beginning, when nothing was left to do.
    pub over_after_ns: Option<u64>,
}

/// What a worker hands over at a tick.
#[derive(Debug, Default)]
pub struct Report {
    pub window: Window,
    pub at: Instant,
    pub begun_at: Instant,
    /// VUs with an iteration or a loop, and VUs made, in k6's sense of `vus` and `vus_max`.
    pub vus_active: u32,
    pub vus_initialized: u32,
    /// One for each scenario of the job.
    pub lanes: Vec<LaneReport>,
    /// CPU time of the worker's thread, and the part of it that only spun, both since the start.
    pub cpu_ns: u64,
    pub spun_ns: u64,
    /// Requests written, those sent again too, since the start.
    pub sent_requests: u64,
    /// The integral of the number of requests on the wire over the time since the start.
    pub in_flight_ns: u64,
    /// How long it was ready to run and had no CPU, since the start; `None`: not counted here.
    pub run_delay_ns: Option<u64>,
    /// Some of its connections as the kernel sees them.
    pub paths: Vec<Path>,
    /// Requests interrupted without an outcome, since the start.
    pub interrupted_requests: u64,
    /// Requests sent once more on another connection, since the start; no metric of k6.
    pub resent_requests: u64,
    /// Completion queue overflows, since the start.
    pub overflows: u64,
    /// Log lines of scripts, and how many more did not fit.
    pub log: (Vec<LogLine>, u64),
    /// VUs that could not be made, and why.
    pub failures: Vec<String>,
    /// The worker has ended; nothing follows.
    pub is_last: bool,
}

impl Report {
    /// What the timeline wants to know beside the window.
    pub fn tick(&self) -> Tick {
        Tick {
            at: self.at,
            begun_at: self.begun_at,
            vus_active: self.vus_active,
            vus_initialized: self.vus_initialized,
            sent_requests: self.sent_requests,
            in_flight_ns: self.in_flight_ns,
            cpu_ns: self.cpu_ns,
            spun_ns: self.spun_ns,
            is_last: self.is_last,
        }
    }
}

/// Makes a program for a VU that was not planned; the number is its place among this worker's.
pub type MakeProgram<P> = Box<dyn FnMut(u32, &mut LogQueue) -> Result<P, String>>;

pub struct Worker<T, P> {
    transport: T,
    vus: Vus<P>,
    lanes: Vec<Running>,
    /// VUs that no lane has, in the order in which they came back.
    pool: VecDeque<VuId>,
    /// The lane of each VU, and its place there.
    lane_of: Vec<(u32, u32)>,
    recorder: Recorder,
    make_program: MakeProgram<P>,
    /// Why a VU could not be made.
    failures: Vec<String>,
    pacing: Pacing,
    now: Instant,
    turn_began: Instant,
    next_tick: Instant,
    begun_at: Instant,
    cpu_at_begin_ns: u64,
    run_delay_at_begin_ns: Option<u64>,
    spun_ns: u64,
    /// The turn before had something to do.
    worked: bool,
    /// `Message::Burn`.
    burn: f64,
}

impl<T: Transport, P: Program> Worker<T, P> {
    /// `lanes` must hold leaves of `recorder`; `vus` has the VUs that are planned from the start.
    pub fn new(
        transport: T,
        vus: Vus<P>,
        lanes: Vec<Lane>,
        recorder: Recorder,
        make_program: MakeProgram<P>,
        pacing: Pacing,
        begun_at: Instant,
    ) -> Worker<T, P> {
        let made = vus.count();
        Worker {
            transport,
            vus,
            lanes: lanes.into_iter().map(Running::new).collect(),
            pool: (0..made).map(VuId).collect(),
            lane_of: vec![(0, 0); made as usize],
            recorder,
            make_program,
            failures: Vec::new(),
            pacing,
            now: begun_at,
            turn_began: begun_at,
            next_tick: begun_at.plus_ns(TICK_NS),
            begun_at,
            cpu_at_begin_ns: crate::time::duration_ns(cpu::thread_time()),
            run_delay_at_begin_ns: run_delay_ns(),
            spun_ns: 0,
            worked: true,
            burn: 0.0,
        }
    }

    /// What is left of a worker that has ended: its transport, with idle connections still open.
    pub fn into_transport(self) -> T {
        self.transport
    }

    /// One turn of the loop; false once there is nothing left to do.
    #[inline]
    pub fn turn(&mut self) -> bool {
        self.now = self.transport.now();
        self.recorder.set_time(self.now);
        let began = std::mem::replace(&mut self.turn_began, self.now);
        let mut worked = self.vus.finished() > 0;
        self.after_vus();
        worked |= self.take_events();
        worked |= self.go_on();
        worked |= self.start_due();
        if self.vus.finished() > 0 {
            worked = true;
            self.after_vus();
        }
        worked |= self.submit();
        // Sends were stamped in the flush: their events are there already.
        self.take_events();
        if self.is_over() {
            return false;
        }
        worked |= self.make_a_vu();
        // The time from `began` on was the turn before this one.
        if !std::mem::replace(&mut self.worked, worked) {
            self.spun_ns += self.pacing.spun(began, self.turn_began);
        }
        if worked && self.burn > 0.0 {
            self.burn_on();
        }
        let running = self.lanes.iter().map(|lane| lane.running).sum();
        // A look-up is the caller's to make: not to be slept on.
        let is_awake = self.vus.wanting() > 0
            || self.vus.is_ready()
            || self.vus.finished() > 0
            || self.vus.wants_lookup();
        let wait = match is_awake {
            true => Wait::No,
            false => self.pacing.wait(self.now, self.wake_at(), running),
        };
        self.transport.wait(wait);
        true
    }

    /// A handicap: as if each request cost so much more CPU time. A simulated clock stands still
    /// meanwhile, and burns nothing.
    fn burn_on(&mut self) {
        let mut now = self.transport.now();
        let until = now.plus_ns((now.since(self.turn_began) as f64 * self.burn) as u64);
        while now < until {
            let later = self.transport.now();
            if later <= now {
                return;
            }
            now = later;
        }
    }

    /// Whether a report is due.
    #[inline]
    pub fn tick_is_due(&self) -> bool {
        self.now >= self.next_tick
    }

    /// What was recorded since the last report. `recycled` is an emptied window to go on with.
    pub fn report(&mut self, recycled: Option<Window>) -> Report {
        // On a grid that all workers of a crew share, so that their windows are of the same time.
        let ticks = self.now.since(self.begun_at) / TICK_NS;
        self.next_tick = self.begun_at.plus_ns((ticks + 1) * TICK_NS);
        if self.recorder.judges() {
            let next_due = self.lanes.iter().map(|lane| lane.lane.plan.next_due()).min();
            self.recorder.note_due_until(next_due.unwrap_or(self.now).min(self.now));
        }
        Report {
            window: self.recorder.take_window(recycled),
            at: self.now,
            begun_at: self.begun_at,
            vus_active: self.lanes.iter().map(|lane| lane.active()).sum(),
            vus_initialized: self.vus.count(),
            lanes: self.lanes.iter().map(Running::report).collect(),
            cpu_ns: crate::time::duration_ns(cpu::thread_time()).saturating_sub(self.cpu_at_begin_ns),
            spun_ns: self.spun_ns,
            sent_requests: self.vus.sent_requests(),
            in_flight_ns: self.vus.in_flight_ns(self.now),
            run_delay_ns: run_delay_ns().zip(self.run_delay_at_begin_ns).map(|(now, then)| now - then),
            paths: self.transport.paths(PATHS_AT_ONCE),
            interrupted_requests: self.vus.interrupted_requests(),
            resent_requests: self.vus.resent_requests(),
            overflows: self.transport.overflows(),
            log: self.vus.take_log(),
            failures: std::mem::take(&mut self.failures),
            is_last: false,
        }
    }

    /// Puts the next report off: nobody is ready to take one.
    pub fn postpone_report(&mut self) {
        self.next_tick = self.now.plus_ns(TICK_NS / 10);
    }

    pub fn on_message(&mut self, message: Message) {
        match message {
            Message::Stop { now } => {
                for lane in &mut self.lanes {
                    lane.lane.plan.stop(self.now);
                    lane.loops = 0;
                }
                if now {
                    for lane in 0..self.lanes.len() {
                        self.interrupt_all(lane);
                    }
                }
            }
            Message::SetRate { at, rate_per_s } => {
                for lane in &mut self.lanes {
                    lane.lane.plan.set_rate(at, rate_per_s);
                }
            }
            Message::Loop { vus } => self.lanes.iter_mut().for_each(|lane| lane.loops = vus),
            Message::Limit { in_flight } => {
                self.lanes.iter_mut().for_each(|lane| lane.in_flight_max = in_flight);
            }
            Message::Burn { share } => self.burn = share,
            Message::Interrupt => {
                for lane in 0..self.lanes.len() {
                    self.interrupt_all(lane);
                }
            }
            Message::Resolved { host, answer } => {
                let answer = answer.as_deref().map_err(String::as_str);
                self.vus.on_resolved(host, answer, self.now);
            }
        }
    }

    /// The next name that somebody should look up for this worker.
    #[inline]
    pub fn poll_lookup(&mut self) -> Option<(HostId, &str)> {
        self.vus.poll_lookup()
    }

    #[inline]
    fn take_events(&mut self) -> bool {
        let mut any = false;
        while let Some((conn, event)) = self.transport.next_event() {
            any = true;
            self.vus.on_event(conn, event, &mut self.recorder);
            self.after_vus();
            while let Some(ask) = self.vus.poll_ask() {
                self.transport.submit(ask);
            }
        }
        any
    }

    /// Programs that can go on do, each kind in a slice of its own: those with an answer, those
    /// whose timer has ended, those that yielded.
    #[inline]
    fn go_on(&mut self) -> bool {
        let mut any = false;
        if self.vus.is_ready() {
            any |= self.slice(|this| this.vus.answer_next(this.now, &mut this.recorder));
            any |= self.slice(|this| this.vus.continue_next(this.now, &mut this.recorder));
        }
        if self.vus.next_timer() <= self.now {
            any = true;
            self.slice(|this| this.vus.wake_next(this.now, &mut this.recorder));
            self.vus.on_time(self.now, &mut self.recorder);
            self.after_vus();
        }
        any
    }

    fn start_due(&mut self) -> bool {
        let mut any = false;
        for lane in 0..self.lanes.len() {
            any |= self.slice(|this| {
                let running = &mut this.lanes[lane];
                if this.now < running.next_begin {
                    return false;
                }
                let Some(wish) = running.lane.plan.poll(this.now) else { return this.loop_more(lane) };
                if P::IS_COSTLY && matches!(wish, Wish::Begin { .. }) {
                    let planned = u64::from(running.lane.plan.planned_vus()).max(1);
                    running.next_begin = this.now.plus_ns(BEGIN_EVERY_NS.min(ALL_BEGUN_NS / planned));
                }
                this.carry_out(lane, wish);
                true
            });
        }
        any
    }

    /// One more VU for `Message::Loop`; false if there are enough of them.
    fn loop_more(&mut self, lane: usize) -> bool {
        let running = &self.lanes[lane];
        if running.running >= running.loops {
            return false;
        }
        let Some(vu) = self.lanes[lane].idle.pop_back().or_else(|| self.make_idle(lane)) else {
            self.lanes[lane].loops = self.lanes[lane].running;
            return false;
        };
        self.start(lane, vu, self.now);
        true
    }

    fn make_idle(&mut self, lane: usize) -> Option<VuId> {
        let running = &self.lanes[lane];
        if running.allocated >= running.lane.plan.max_vus() || !self.allocate(lane) {
            return None;
        }
        self.lanes[lane].idle.pop_back()
    }

    /// Takes steps while there are any, but only so many, or for so long; whether there was one.
    #[inline]
    fn slice(&mut self, mut step: impl FnMut(&mut Self) -> bool) -> bool {
        let began = self.now;
        for taken in 0..AT_ONCE {
            if !step(self) {
                return taken > 0;
            }
            self.after_vus();
            if P::IS_COSTLY {
                self.now = self.transport.now();
                self.recorder.set_time(self.now);
                if self.now.since(began) >= SLICE_NS {
                    break;
                }
            }
        }
        true
    }

    fn carry_out(&mut self, lane: usize, wish: Wish) {
        match wish {
            Wish::Iterate { due } => self.iterate(lane, due),
            Wish::Begin { vu, due } => self.begin(lane, vu, due),
            Wish::Interrupt { vu, .. } => {
                let place = &mut self.lanes[lane].places[vu as usize];
                place.loops = false;
                if let Some(id) = place.vu {
                    self.vus.interrupt(id, self.now, &mut self.recorder);
                    self.after_vus();
                }
            }
            Wish::InterruptAll { .. } => self.interrupt_all(lane),
        }
    }

    /// An open plan's start: any idle VU, else it is dropped and one more VU is made, as k6 does. As
    /// there only one is made at a time, if that takes its time.
    fn iterate(&mut self, lane: usize, due: Instant) {
        while self.lanes[lane].allocated < self.lanes[lane].lane.plan.planned_vus() {
            if !self.allocate(lane) {
                break;
            }
        }
        match self.lanes[lane].take_idle() {
            Some(vu) => {
                self.start(lane, vu, due);
                self.after_vus();
            }
            None => {
                let running = &mut self.lanes[lane];
                self.recorder.record_dropped(running.lane.leaf, 1);
                if self.recorder.judges() {
                    self.recorder.judge_start(due, None);
                }
                // As many as are wanted: no more VUs would help.
                if running.running >= running.in_flight_max {
                    return;
                }
                if running.allocated >= running.lane.plan.max_vus() {
                    running.is_short_of_vus = true;
                } else if !P::IS_COSTLY || !self.pool.is_empty() {
                    self.allocate(lane);
                } else {
                    running.lacks_a_vu = true;
                }
            }
        }
    }

    /// At most one in a turn: those that run, and starts that are due, wait no longer than that.
    fn make_a_vu(&mut self) -> bool {
        let lacks = |running: &Running| running.lacks_a_vu && running.settled_after_ns.is_none();
        let Some(lane) = self.lanes.iter().position(lacks) else { return false };
        self.lanes[lane].lacks_a_vu = false;
        self.allocate(lane);
        true
    }

    /// One more VU for an open lane; false if there is none.
    fn allocate(&mut self, lane: usize) -> bool {
        let Some(vu) = self.take_vu() else { return false };
        let running = &mut self.lanes[lane];
        running.allocated += 1;
        running.idle.push_back(vu);
        self.lane_of[vu.0 as usize] = (lane as u32, 0);
        true
    }

    /// A closed plan's VU begins to loop. One that still finishes gracefully just goes on.
    fn begin(&mut self, lane: usize, place: u32, due: Instant) {
        let running = &mut self.lanes[lane];
        if running.places.len() <= place as usize {
            running.places.resize(place as usize + 1, Place::default());
        }
        running.places[place as usize].loops = true;
        if running.places[place as usize].vu.is_some() {
            return;
        }
        let Some(vu) = self.take_vu() else { return };
        let running = &mut self.lanes[lane];
        running.places[place as usize].vu = Some(vu);
        running.places_taken += 1;
        self.lane_of[vu.0 as usize] = (lane as u32, place);
        self.loop_on(lane, place, vu, due);
        self.after_vus();
    }

    /// Starts the next iteration of a looping VU if its plan lets it, else gives the VU back.
    #[inline]
    fn loop_on(&mut self, lane: usize, place: u32, vu: VuId, due: Instant) {
        let running = &mut self.lanes[lane];
        let at = &mut running.places[place as usize];
        if at.loops && running.lane.plan.may_iterate(place, self.now) {
            return self.start(lane, vu, due);
        }
        *at = Place::default();
        running.places_taken -= 1;
        self.pool.push_back(vu);
    }

    #[inline]
    fn start(&mut self, lane: usize, vu: VuId, due: Instant) {
        let running = &mut self.lanes[lane];
        let leaf = running.lane.leaf;
        let iteration = match P::IS_NUMBERED {
            true => Iteration {
                scenario: running.lane.scenario,
                in_test: running.lane.plan.iterations().in_test(running.started),
                in_instance: running.lane.plan.iterations().in_instance(running.started),
            },
            false => Iteration::default(),
        };
        running.started += 1;
        running.running += 1;
        if P::IS_ITERATION {
            self.recorder.record_started(leaf, self.now.since(due));
        }
        if self.recorder.judges() {
            self.recorder.judge_start(due, Some(self.now.since(due)));
            self.vus.set_due(vu, due);
        }
        self.vus.start(vu, leaf, iteration, self.now, &mut self.recorder);
    }

    /// VUs whose iteration is over go on, or become idle. Only those that are over now: a script
    /// that waits for nothing ends as it begins, and would keep this turn for ever.
    #[inline]
    fn after_vus(&mut self) {
        for _ in 0..self.vus.finished() {
            let Some(vu) = self.vus.poll_finished() else { return };
            let (lane, place) = self.lane_of[vu.0 as usize];
            let running = &mut self.lanes[lane as usize];
            running.running -= 1;
            if running.is_open {
                if running.running < running.loops {
                    self.start(lane as usize, vu, self.now);
                } else {
                    running.idle.push_back(vu);
                }
            } else {
                self.loop_on(lane as usize, place, vu, self.now);
            }
        }
    }

    fn interrupt_all(&mut self, lane: usize) {
        let running = &mut self.lanes[lane];
        running.places.iter_mut().for_each(|place| place.loops = false);
        for vu in 0..self.lane_of.len() {
            if self.lane_of[vu].0 as usize == lane && self.vus.is_running(VuId(vu as u32)) {
                self.vus.interrupt(VuId(vu as u32), self.now, &mut self.recorder);
            }
        }
        self.after_vus();
    }

    /// A VU that no lane has, or a new one; `None` if it could not be made.
    fn take_vu(&mut self) -> Option<VuId> {
        if let Some(vu) = self.pool.pop_front() {
            return Some(vu);
        }
        let place = self.vus.count();
        match (self.make_program)(place, self.vus.log_mut()) {
            Ok(program) => {
                self.lane_of.push((0, 0));
                Some(self.vus.add(program))
            }
            Err(why) => {
                self.failures.push(why);
                None
            }
        }
    }

    #[inline]
    fn submit(&mut self) -> bool {
        let mut any = false;
        // Only those that wait now: one that fails at once may want again within this turn.
        for _ in 0..self.vus.wanting() {
            any = true;
            if !self.vus.connect(|| self.transport.open(), self.now, &mut self.recorder) {
                break;
            }
            self.after_vus();
        }
        while let Some(ask) = self.vus.poll_ask() {
            any = true;
            self.transport.submit(ask);
        }
        self.transport.flush();
        any
    }

    /// When the loop must turn again, whatever happens on the network.
    #[inline]
    fn wake_at(&self) -> Instant {
        let mut at = self.next_tick.min(self.vus.next_timer());
        for lane in &self.lanes {
            at = at.min(lane.lane.plan.next_due().max(lane.next_begin));
            if lane.running < lane.loops {
                at = self.now;
            }
        }
        at
    }

    fn is_over(&mut self) -> bool {
        let mut all = true;
        for running in &mut self.lanes {
            if running.settled_after_ns.is_some() {
                continue;
            }
            if running.running > 0 || !running.lane.plan.starts_are_over(self.now) {
                all = false;
                continue;
            }
            running.settled_after_ns = Some(self.now.since(self.begun_at));
            let unstarted = running.lane.plan.unstarted();
            if unstarted > 0 {
                self.recorder.record_dropped(running.lane.leaf, unstarted);
            }
            // Later scenarios go on with its VUs, as in k6.
            self.pool.extend(running.idle.drain(..));
        }
        all
    }
}

fn run_delay_ns() -> Option<u64> {
    cpu::thread_run_delay().map(crate::time::duration_ns)
}

impl Running {
    /// An idle VU, unless as many run as may.
    fn take_idle(&mut self) -> Option<VuId> {
        match self.takes_newest {
            true if self.running >= self.in_flight_max => None,
            true => self.idle.pop_back(),
            false => self.idle.pop_front(),
        }
    }

    fn new(lane: Lane) -> Running {
        Running {
            is_open: lane.plan.is_open(),
            takes_newest: matches!(lane.plan, Plan::Controlled(_)),
            lane,
            places: Vec::new(),
            places_taken: 0,
            allocated: 0,
            idle: VecDeque::new(),
            is_short_of_vus: false,
            loops: 0,
            in_flight_max: u32::MAX,
            next_begin: Instant::ZERO,
            lacks_a_vu: false,
            started: 0,
            running: 0,
            settled_after_ns: None,
        }
    }

    fn report(&self) -> LaneReport {
        LaneReport {
            active: u64::from(self.active()),
            allocated: u64::from(self.allocated),
            ended: self.started - u64::from(self.running),
            is_short_of_vus: self.is_short_of_vus,
            over_after_ns: self.settled_after_ns,
        }
    }

    /// k6's `vus`: open plans count running iterations, closed ones VUs taken until given back.
    fn active(&self) -> u32 {
        if self.is_open { self.running } else { self.places_taken }
    }
}
