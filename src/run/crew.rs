//! A crew: the workers of one job, from their threads' start to their end.

use super::ground::{Ground, connections_of};
use super::job::Job;
use super::mailbox::Mailbox;
use super::outcome::TransportKind;
use super::thread::{MakeProgram, News, WorkerThread};
use super::{LOOK_AROUND, Observer, Refused};
use crate::metrics::Window;
use crate::script::Program;
use crate::sys::signal;
use crate::sys::wake::Waker;
use crate::time::Instant;
use crate::worker::{LaneReport, Message, Report};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

/// Windows in flight per worker besides the one being filled.
const WINDOWS: usize = 2;

pub(super) struct Crew {
    /// Number of its first worker among all of the run.
    pub first: usize,
    pub links: Vec<Link>,
    begins: Vec<Sender<Instant>>,
    pub begun_at: Instant,
}

/// What the control thread keeps of one worker.
pub(super) struct Link {
    pub mailbox: Mailbox,
    pub recycle: Sender<Option<Window>>,
    /// The last report, without its window.
    pub last: Option<Report>,
}

impl Link {
    pub fn has_ended(&self) -> bool {
        self.last.as_ref().is_some_and(|report| report.is_last)
    }
}

impl Crew {
    /// Starts a thread for each of `cpus`.
    pub fn muster<P: Program + 'static>(
        ground: &Ground,
        job: &Arc<Job>,
        make: &MakeProgram<P>,
        cpus: &[Option<usize>],
        first: usize,
        news: &Sender<(usize, News)>,
    ) -> Result<Crew, Refused> {
        let mut crew = Crew { first, links: Vec::new(), begins: Vec::new(), begun_at: ground.clock.now() };
        for (index, &cpu) in cpus.iter().enumerate() {
            let waker = Waker::new().map_err(Refused::Thread)?;
            let mailbox = Mailbox::new(waker.clone());
            let (begin, begin_inbox) = channel();
            let (recycle, recycled) = channel();
            for _ in 0..WINDOWS {
                let _ = recycle.send(None);
            }
            crew.links.push(Link { mailbox: mailbox.clone(), recycle, last: None });
            crew.begins.push(begin);
            let worker = WorkerThread {
                number: first + index,
                index,
                workers: cpus.len(),
                job: job.clone(),
                make: make.clone(),
                clock: ground.clock,
                cpu,
                transport: ground.transport,
                spin: ground.spin,
                socket: ground.socket,
                connections: connections_of(job, index, cpus.len()),
                mailbox,
                waker,
                resolver: ground.resolver.clone(),
                news: news.clone(),
                begin: begin_inbox,
                recycled,
            };
            std::thread::Builder::new()
                .name(format!("worker-{}", first + index))
                .spawn(move || worker.run())
                .map_err(Refused::Thread)?;
        }
        Ok(crew)
    }

    /// Until all transports stand and all planned VUs are made; the transport's own words.
    pub fn wait_until_ready(
        &self,
        inbox: &Receiver<(usize, News)>,
        transport: TransportKind,
        observer: &mut dyn Observer,
    ) -> Result<String, Refused> {
        let mut words = String::new();
        let mut waiting = self.links.len();
        let mut made = 0;
        while waiting > 0 {
            let received = signal::received();
            if received.total() > 0 && self.first == 0 {
                let name = if received.interrupts > 0 { "interrupt" } else { "terminated" };
                return Err(Refused::Interrupted(name));
            }
            match inbox.recv_timeout(LOOK_AROUND) {
                Err(RecvTimeoutError::Timeout) => {}
                // A straggler of a crew that was given up.
                Ok((worker, _)) if worker < self.first => {}
                Ok((_, News::Ready { because })) => {
                    words = because;
                    waiting -= 1;
                }
                Ok((_, News::Made { vus, log: (lines, dropped) })) => {
                    made += vus;
                    observer.on_initialized(made);
                    observer.on_log(lines, dropped);
                }
                Ok((_, News::Refused(error))) => return Err(Refused::Transport { kind: transport, error }),
                Ok((_, News::CannotMakeVu(why))) => return Err(Refused::Vu(why)),
                Ok((_, News::Panicked(text))) => panic!("a worker could not be set up: {text}"),
                Ok((_, News::Report(_))) | Err(RecvTimeoutError::Disconnected) => {
                    unreachable!("no worker has begun")
                }
            }
        }
        Ok(words)
    }

    pub fn begin(&mut self, at: Instant) {
        self.begun_at = at;
        for begin in &self.begins {
            let _ = begin.send(at);
        }
    }

    pub fn has_ended(&self) -> bool {
        self.links.iter().all(Link::has_ended)
    }

    /// Every worker has handed over what it measured until then.
    pub fn has_reported(&self, at: Instant) -> bool {
        self.links.iter().all(|link| link.last.as_ref().is_some_and(|report| report.at >= at))
    }

    pub fn post(&self, message: &Message) {
        for link in &self.links {
            link.mailbox.post(message.clone());
        }
    }

    /// A message of its own for each worker, by its place in the crew.
    pub fn post_each(&self, message: impl Fn(usize) -> Message) {
        for (index, link) in self.links.iter().enumerate() {
            link.mailbox.post(message(index));
        }
    }

    /// How each scenario stands, over all workers; over when it is on each of them.
    pub fn lanes(&self) -> Vec<LaneReport> {
        let mut sums: Vec<LaneReport> = Vec::new();
        for report in self.reports() {
            if sums.is_empty() {
                sums.clone_from(&report.lanes);
                continue;
            }
            for (sum, lane) in sums.iter_mut().zip(&report.lanes) {
                sum.active += lane.active;
                sum.allocated += lane.allocated;
                sum.ended += lane.ended;
                sum.is_short_of_vus |= lane.is_short_of_vus;
                sum.over_after_ns = sum.over_after_ns.zip(lane.over_after_ns).map(|(a, b)| a.max(b));
            }
        }
        sums
    }

    /// The last reports of those that made one.
    pub fn reports(&self) -> impl Iterator<Item = &Report> {
        self.links.iter().filter_map(|link| link.last.as_ref())
    }
}
