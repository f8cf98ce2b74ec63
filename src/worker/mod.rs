//! One worker: the loop that joins plans, VUs and a transport.
//!
//! `turn` is the only loop's body. The worker reads the clock once a turn, hands events to VUs,
//! starts what is due, submits what VUs ask, and waits. It owns all it touches; `run` talks to it
//! in messages and takes what it recorded in windows.

pub mod pacing;

use crate::metrics::{LeafId, Recorder, Window};
use crate::plan::{Plan, Wish};
use crate::script::log::LogLine;
use crate::script::{HostId, Iteration, LogQueue, Program};
use crate::sys::cpu;
use crate::time::Instant;
use crate::transport::{Transport, Wait};
use crate::vu::{VuId, Vus};
use pacing::Pacing;
use std::collections::VecDeque;
use std::net::IpAddr;

/// How often a worker hands its window over and looks at what only control needs.
pub const TICK_NS: u64 = 100_000_000;

/// Starts of a scenario in one turn: more that are due come in the next, after these were sent and
/// what has come was read. As `vu::WAKES_AT_ONCE`.
const STARTS_AT_ONCE: usize = 8;

/// What `run` says to a worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// No further starts. `now`: what runs is interrupted at once, else it may finish.
    Stop { now: bool },
    /// A controlled plan goes on with this rate, all workers together.
    SetRate { at: Instant, rate_per_s: f64 },
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
    next_tick: Instant,
    begun_at: Instant,
    cpu_at_begin_ns: u64,
    spun_ns: u64,
    /// The turn before had something to do.
    worked: bool,
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
            next_tick: begun_at.plus_ns(TICK_NS),
            begun_at,
            cpu_at_begin_ns: crate::time::duration_ns(cpu::thread_time()),
            spun_ns: 0,
            worked: true,
        }
    }

    /// What is left of a worker that has ended: its transport, with idle connections still open.
    pub fn into_transport(self) -> T {
        self.transport
    }

    /// One turn of the loop; false once there is nothing left to do.
    #[inline]
    pub fn turn(&mut self) -> bool {
        let began = self.now;
        self.now = self.transport.now();
        let mut worked = self.vus.finished() > 0;
        self.after_vus();
        worked |= self.take_events();
        worked |= self.start_due();
        if self.vus.has_yielded() {
            worked = true;
            self.vus.on_turn(self.now, &mut self.recorder);
            self.after_vus();
        }
        if self.vus.finished() > 0 {
            worked = true;
            self.after_vus();
        }
        if self.vus.next_timer() <= self.now {
            worked = true;
            self.vus.on_time(self.now, &mut self.recorder);
            self.after_vus();
        }
        worked |= self.submit();
        // Sends were stamped in the flush: their events are there already.
        self.take_events();
        if self.is_over() {
            return false;
        }
        worked |= self.make_a_vu();
        // The time from `began` to now was the turn before this one.
        if !std::mem::replace(&mut self.worked, worked) {
            self.spun_ns += self.pacing.spun(began, self.now);
        }
        let running = self.lanes.iter().map(|lane| lane.running).sum();
        // A look-up is the caller's to make: not to be slept on.
        let is_awake = self.vus.wanting() > 0
            || self.vus.has_yielded()
            || self.vus.finished() > 0
            || self.vus.wants_lookup();
        let wait = match is_awake {
            true => Wait::No,
            false => self.pacing.wait(self.now, self.wake_at(), running),
        };
        self.transport.wait(wait);
        true
    }

    /// Whether a report is due.
    #[inline]
    pub fn tick_is_due(&self) -> bool {
        self.now >= self.next_tick
    }

    /// What was recorded since the last report. `recycled` is an emptied window to go on with.
    pub fn report(&mut self, recycled: Option<Window>) -> Report {
        self.next_tick = self.now.plus_ns(TICK_NS);
        Report {
            window: self.recorder.take_window(recycled),
            at: self.now,
            begun_at: self.begun_at,
            vus_active: self.lanes.iter().map(|lane| lane.active()).sum(),
            vus_initialized: self.vus.count(),
            lanes: self.lanes.iter().map(Running::report).collect(),
            cpu_ns: crate::time::duration_ns(cpu::thread_time()).saturating_sub(self.cpu_at_begin_ns),
            spun_ns: self.spun_ns,
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

    fn start_due(&mut self) -> bool {
        let mut any = false;
        for lane in 0..self.lanes.len() {
            for _ in 0..STARTS_AT_ONCE {
                let Some(wish) = self.lanes[lane].lane.plan.poll(self.now) else { break };
                any = true;
                self.carry_out(lane, wish);
            }
        }
        any
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
        match self.lanes[lane].idle.pop_front() {
            Some(vu) => {
                self.start(lane, vu, due);
                self.after_vus();
            }
            None => {
                let running = &mut self.lanes[lane];
                self.recorder.record_dropped(running.lane.leaf, 1);
                if running.allocated >= running.lane.plan.max_vus() {
                    running.is_short_of_vus = true;
                } else if P::IS_CHEAP_TO_MAKE || !self.pool.is_empty() {
                    self.allocate(lane);
                } else {
                    running.lacks_a_vu = true;
                }
            }
        }
    }

    /// One more VU for an open lane; false if there is none.
    /// At most one in a turn: those that run, and starts that are due, wait no longer than that.
    fn make_a_vu(&mut self) -> bool {
        let lacks = |running: &Running| running.lacks_a_vu && running.settled_after_ns.is_none();
        let Some(lane) = self.lanes.iter().position(lacks) else { return false };
        self.lanes[lane].lacks_a_vu = false;
        self.allocate(lane);
        true
    }

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
                running.idle.push_back(vu);
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
            at = at.min(lane.lane.plan.next_due());
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

impl Running {
    fn new(lane: Lane) -> Running {
        Running {
            is_open: lane.plan.is_open(),
            lane,
            places: Vec::new(),
            places_taken: 0,
            allocated: 0,
            idle: VecDeque::new(),
            is_short_of_vus: false,
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
