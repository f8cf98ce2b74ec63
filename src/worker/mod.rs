//! One worker: the loop that joins plans, VUs and a transport.
//!
//! `turn` is the only loop's body. The worker reads the clock once a turn, hands events to VUs,
//! starts what is due, submits what VUs ask, and waits. It owns all it touches; `run` talks to it
//! in messages and takes what it recorded in windows.

pub mod pacing;

use crate::metrics::{LeafId, Recorder, Window};
use crate::plan::{Plan, Wish};
use crate::script::{HostId, Program};
use crate::sys::cpu;
use crate::time::Instant;
use crate::transport::{Transport, Wait};
use crate::vu::{VuId, Vus};
use pacing::Pacing;
use std::collections::VecDeque;
use std::net::IpAddr;

/// How often a worker hands its window over and looks at what only control needs.
pub const TICK_NS: u64 = 100_000_000;

/// What `run` says to a worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// No further starts. `now`: what runs is interrupted at once, else it may finish.
    Stop { now: bool },
    /// A controlled plan goes on with this rate, all workers together.
    SetRate { at: Instant, rate_per_s: f64 },
    /// The addresses of a name that this worker asked for; empty: there are none.
    Resolved { host: HostId, addresses: Vec<IpAddr> },
}

/// One scenario's share on this worker.
pub struct Lane {
    pub plan: Plan,
    /// Scenario leaf in this worker's recorder.
    pub leaf: LeafId,
    /// Numbers of this lane's VUs among all of the run: `first_number + n * stride`.
    pub first_number: u32,
    pub stride: u32,
}

/// A lane with what the worker keeps for it.
struct Running {
    lane: Lane,
    /// VUs made so far; looping plans address them by their place.
    vus: Vec<VuId>,
    /// Arrival-rate plans: VUs without an iteration, the longest idle first, as in k6's pool.
    idle: VecDeque<VuId>,
    is_open: bool,
    /// Iterations under way.
    running: u32,
    /// VUs that loop (closed plans).
    looping: Vec<bool>,
    looping_count: u32,
    /// `unstarted` iterations were recorded.
    settled: bool,
}

/// What a worker hands over at a tick.
#[derive(Debug, Default)]
pub struct Report {
    pub window: Window,
    pub at: Instant,
    /// VUs with an iteration or a loop, and VUs made, in k6's sense of `vus` and `vus_max`.
    pub vus_active: u32,
    pub vus_initialized: u32,
    /// CPU time of the worker's thread, and the part of it that only spun, both since the start.
    pub cpu_ns: u64,
    pub spun_ns: u64,
    /// Requests interrupted without an outcome, since the start.
    pub interrupted_requests: u64,
    /// Requests sent once more on another connection, since the start; no metric of k6.
    pub resent_requests: u64,
    /// The worker has ended; nothing follows.
    pub is_last: bool,
}

/// Makes a program for a new VU of a lane.
pub type MakeProgram<P> = Box<dyn FnMut(usize) -> P + Send>;

pub struct Worker<T, P> {
    transport: T,
    vus: Vus<P>,
    lanes: Vec<Running>,
    /// The lane of each VU, and its place there.
    lane_of: Vec<(u32, u32)>,
    recorder: Recorder,
    make_program: MakeProgram<P>,
    pacing: Pacing,
    now: Instant,
    next_tick: Instant,
    spun_ns: u64,
}

impl<T: Transport, P: Program> Worker<T, P> {
    /// `lanes` must hold leaves of `recorder`. VUs planned from the start are made here.
    pub fn new(
        transport: T,
        vus: Vus<P>,
        lanes: Vec<Lane>,
        recorder: Recorder,
        make_program: MakeProgram<P>,
        pacing: Pacing,
    ) -> Worker<T, P> {
        let mut worker = Worker {
            transport,
            vus,
            lanes: lanes.into_iter().map(Running::new).collect(),
            lane_of: Vec::new(),
            recorder,
            make_program,
            pacing,
            now: Instant::ZERO,
            next_tick: Instant(TICK_NS),
            spun_ns: 0,
        };
        for lane in 0..worker.lanes.len() {
            for _ in 0..worker.lanes[lane].lane.plan.planned_vus() {
                worker.make_vu(lane);
            }
        }
        worker
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
        let mut worked = self.take_events();
        worked |= self.start_due();
        if self.vus.next_timer() <= self.now {
            self.vus.on_time(self.now, &mut self.recorder);
            self.after_vus();
        }
        worked |= self.submit();
        // Sends were stamped in the flush: their events are there already.
        self.take_events();
        if self.is_over() {
            return false;
        }
        if !worked {
            self.spun_ns += self.pacing.spun(began, self.now);
        }
        let running = self.lanes.iter().map(|lane| lane.running).sum();
        // A look-up is the caller's to make: not to be slept on.
        let wait = match self.vus.wanting() > 0 || self.vus.wants_lookup() {
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
            vus_active: self.lanes.iter().map(|lane| lane.active()).sum(),
            vus_initialized: self.lane_of.len() as u32,
            cpu_ns: crate::time::duration_ns(cpu::thread_time()),
            spun_ns: self.spun_ns,
            interrupted_requests: self.vus.interrupted_requests(),
            resent_requests: self.vus.resent_requests(),
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
            Message::Resolved { host, addresses } => self.vus.on_resolved(host, &addresses, self.now),
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
            while let Some(wish) = self.lanes[lane].lane.plan.poll(self.now) {
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
                let running = &mut self.lanes[lane];
                running.set_looping(vu, false);
                let id = running.vus[vu as usize];
                self.vus.interrupt(id, &mut self.recorder);
                self.after_vus();
            }
            Wish::InterruptAll { .. } => self.interrupt_all(lane),
        }
    }

    /// An open plan's start: any idle VU, else it is dropped and one more VU is made, as k6 does.
    fn iterate(&mut self, lane: usize, due: Instant) {
        let running = &mut self.lanes[lane];
        let leaf = running.lane.leaf;
        match running.idle.pop_front() {
            Some(vu) => {
                running.running += 1;
                self.recorder.record_started(leaf, self.now.since(due));
                self.vus.start(vu, leaf, self.now, &mut self.recorder);
                self.after_vus();
            }
            None => {
                self.recorder.record_dropped(leaf, 1);
                if (running.vus.len() as u32) < running.lane.plan.max_vus() {
                    self.make_vu(lane);
                }
            }
        }
    }

    /// A closed plan's VU begins to loop. One that still finishes gracefully just goes on.
    fn begin(&mut self, lane: usize, vu: u32, due: Instant) {
        while self.lanes[lane].vus.len() as u32 <= vu {
            self.make_vu(lane);
        }
        let running = &mut self.lanes[lane];
        running.set_looping(vu, true);
        let id = running.vus[vu as usize];
        if !self.vus.is_running(id) {
            self.loop_on(lane, vu, id, due);
            self.after_vus();
        }
    }

    /// Starts the next iteration of a looping VU, if its plan lets it.
    #[inline]
    fn loop_on(&mut self, lane: usize, place: u32, vu: VuId, due: Instant) {
        let running = &mut self.lanes[lane];
        if !running.looping[place as usize] || !running.lane.plan.may_iterate(place, self.now) {
            running.set_looping(place, false);
            return;
        }
        let leaf = running.lane.leaf;
        running.running += 1;
        self.recorder.record_started(leaf, self.now.since(due));
        self.vus.start(vu, leaf, self.now, &mut self.recorder);
    }

    /// VUs whose iteration is over go on, or become idle.
    #[inline]
    fn after_vus(&mut self) {
        while let Some(vu) = self.vus.poll_finished() {
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
        for place in 0..self.lanes[lane].vus.len() {
            self.lanes[lane].set_looping(place as u32, false);
            let vu = self.lanes[lane].vus[place];
            self.vus.interrupt(vu, &mut self.recorder);
        }
        self.after_vus();
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
        if self.lanes.iter().any(|lane| lane.running > 0 || !lane.lane.plan.starts_are_over(self.now)) {
            return false;
        }
        for running in self.lanes.iter_mut().filter(|running| !running.settled) {
            running.settled = true;
            let unstarted = running.lane.plan.unstarted();
            if unstarted > 0 {
                self.recorder.record_dropped(running.lane.leaf, unstarted);
            }
        }
        true
    }

    fn make_vu(&mut self, lane: usize) {
        let program = (self.make_program)(lane);
        let running = &mut self.lanes[lane];
        let place = running.vus.len() as u32;
        let number = running.lane.first_number + place * running.lane.stride;
        let vu = self.vus.add(program, number);
        running.vus.push(vu);
        running.looping.push(false);
        if running.is_open {
            running.idle.push_back(vu);
        }
        self.lane_of.push((lane as u32, place));
    }
}

impl Running {
    fn new(lane: Lane) -> Running {
        Running {
            is_open: lane.plan.is_open(),
            lane,
            vus: Vec::new(),
            idle: VecDeque::new(),
            running: 0,
            looping: Vec::new(),
            looping_count: 0,
            settled: false,
        }
    }

    fn set_looping(&mut self, place: u32, loops: bool) {
        let was = std::mem::replace(&mut self.looping[place as usize], loops);
        match (was, loops) {
            (false, true) => self.looping_count += 1,
            (true, false) => self.looping_count -= 1,
            _ => {}
        }
    }

    /// k6's `vus`: open plans count running iterations, closed ones VUs that loop or still finish.
    fn active(&self) -> u32 {
        if self.is_open { self.running } else { self.looping_count.max(self.running) }
    }
}
