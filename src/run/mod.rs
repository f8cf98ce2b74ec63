//! Starts workers, sends them messages, gathers their metrics.
//!
//! The control thread: it chooses the transport, places the workers, absorbs what they hand over
//! every 100 ms, samples the VU gauges and reports progress every second, and passes signals on.
//! All of it is control plane; no request is touched here.

pub mod job;
pub mod mailbox;
pub mod outcome;
pub mod placement;
pub mod thread;

use crate::metrics::Totals;
use crate::metrics::totals::Live;
use crate::options::Executor;
use crate::options::engine::TransportChoice;
use crate::plan::{Plan, Share};
use crate::script::Program;
use crate::sys::clock::Clock;
use crate::sys::dns::Resolver;
use crate::sys::socket::{self, ClientSocket};
use crate::sys::wake::Waker;
use crate::sys::{cpu, errno, limits, signal};
use crate::time::Instant;
use crate::transport::SocketConfig;
use crate::transport::uring::Uring;
use crate::worker::pacing::Spin;
use crate::worker::{Message, Report};
use job::Job;
use mailbox::Mailbox;
use outcome::{Ended, Engine, Outcome, TransportKind, WorkerUsage};
use placement::{Placement, Situation};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use thread::{MakeProgram, News, WorkerThread};

/// How long the control thread sleeps at most before it looks at the clock and the signals.
const LOOK_AROUND: Duration = Duration::from_millis(20);
/// Windows in flight per worker besides the one being filled.
const WINDOWS: usize = 2;
/// Descriptors of a process besides its connections: rings, wakers, files, DNS.
const OTHER_FILES: u64 = 64;

/// What is known while the test runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    pub elapsed: Duration,
    pub live: Live,
    pub vus_active: u64,
    pub vus_initialized: u64,
    /// A signal came; iterations are being interrupted.
    pub is_stopping: bool,
}

/// Is told what a person wants to see; all methods are called on the control thread.
pub trait Observer {
    /// The engine stands, the first packet follows.
    fn on_begin(&mut self, engine: &Engine);
    /// Once a second.
    fn on_second(&mut self, progress: &Progress);
}

/// Why a run could not begin; no packet was sent.
#[derive(Debug)]
pub enum Refused {
    /// Sockets that the VUs may need, and the open files that we may have.
    OpenFiles {
        needed: u64,
        limit: u64,
    },
    Transport {
        kind: TransportKind,
        error: io::Error,
    },
    Thread(io::Error),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::OpenFiles { needed, limit } => write!(
                f,
                "the VUs may need {needed} open files, but the limit is {limit}\n  \
                 fix: raise it (`ulimit -n {needed}`), or use at most {} VUs",
                limit.saturating_sub(OTHER_FILES)
            ),
            Refused::Transport { kind, error } => {
                let code = error.raw_os_error().unwrap_or(0);
                write!(f, "cannot set up {}: {error}", kind.name())?;
                if let Some(remedy) = errno::remedy(code) {
                    write!(f, "\n  cause: {remedy}")?;
                }
                match kind {
                    TransportKind::Uring => write!(f, "\n  fix: {}", uring_remedy(error)),
                    TransportKind::Epoll => Ok(()),
                }
            }
            Refused::Thread(error) => write!(f, "cannot start a thread: {error}"),
        }
    }
}

/// Runs the job to its end. `make` makes a VU's program for a scenario (by its place).
pub fn run<P: Program + 'static>(
    job: Job,
    make: MakeProgram<P>,
    observer: &mut dyn Observer,
) -> Result<Outcome, Refused> {
    let clock = Clock::start();
    let vus_max: u64 = job.scenarios.iter().map(|scenario| vus_of(&scenario.executor)).sum();
    let placement = Placement::decide(&Situation {
        allowed: cpu::allowed(),
        quota: cpu::cgroup_quota(),
        target_is_local: job.target_is_local,
        asked: job.workers,
        vus_max,
    });
    let connections = connections_of(&job, placement.workers.len());
    let needed: u64 = vus_max + OTHER_FILES;
    let limit =
        limits::raise_open_files(connections.iter().map(|&n| u64::from(n)).sum::<u64>() + OTHER_FILES);
    if limit < needed {
        return Err(Refused::OpenFiles { needed, limit });
    }
    let (congestion_control, congestion_control_name) = socket::choose_congestion_control();
    let socket = ClientSocket { congestion_control, linger_zero: job.settings.no_connection_reuse };
    let (transport, mut because) = choose_transport(job.transport, clock)?;
    let spin = Spin::decide(job.spin, placement.cpu_to_spare);
    let resolver = Resolver::spawn().map_err(Refused::Thread)?;
    let is_open =
        job.scenarios.iter().any(|scenario| Plan::new(scenario, Instant::ZERO, &Share::whole()).is_open());

    let job = Arc::new(job);
    let (news, inbox) = channel();
    let mut links = Vec::new();
    let mut begins = Vec::new();
    for (index, &cpu) in placement.workers.iter().enumerate() {
        let waker = Waker::new().map_err(Refused::Thread)?;
        let mailbox = Mailbox::new(waker.clone());
        let (begin, begin_inbox) = channel();
        let (recycle, recycled) = channel();
        for _ in 0..WINDOWS {
            let _ = recycle.send(None);
        }
        links.push(Link { mailbox: mailbox.clone(), recycle, last: None });
        begins.push(begin);
        let worker = WorkerThread {
            index,
            workers: placement.workers.len(),
            job: job.clone(),
            make: make.clone(),
            clock,
            cpu,
            transport,
            spin,
            socket,
            connections: connections[index],
            mailbox,
            waker,
            resolver: resolver.clone(),
            news: news.clone(),
            begin: begin_inbox,
            recycled,
        };
        std::thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || worker.run())
            .map_err(Refused::Thread)?;
    }
    if !placement.rest.is_empty() {
        cpu::restrict_to(&placement.rest);
    }
    for _ in 0..links.len() {
        match inbox.recv() {
            Ok((_, News::Ready { because: setup })) => {
                if because.is_empty() {
                    because = setup;
                }
            }
            Ok((_, News::Refused(error))) => return Err(Refused::Transport { kind: transport, error }),
            Ok((_, News::Panicked(text))) => panic!("a worker could not be set up: {text}"),
            Ok((_, News::Report(_))) | Err(_) => unreachable!("no worker has begun"),
        }
    }
    let engine = Engine {
        transport,
        because,
        congestion_control: congestion_control_name,
        workers: placement.workers,
        is_open,
    };
    // First, so that whoever sees the header can stop the run in good order.
    signal::trap();
    observer.on_begin(&engine);
    let begin = clock.now();
    for link in &begins {
        let _ = link.send(begin);
    }
    let control = Control {
        clock,
        begin,
        links,
        inbox,
        totals: Totals::new(),
        ended_at: begin,
        panics: Vec::new(),
        ended: Ended::Finished,
        cpu_at_begin: cpu::thread_time(),
    };
    Ok(control.attend(observer, engine))
}

/// What the control thread keeps of one worker.
struct Link {
    mailbox: Mailbox,
    recycle: Sender<Option<crate::metrics::Window>>,
    /// The last report, without its window.
    last: Option<Report>,
}

impl Link {
    fn has_ended(&self) -> bool {
        self.last.as_ref().is_some_and(|report| report.is_last)
    }
}

struct Control {
    clock: Clock,
    begin: Instant,
    links: Vec<Link>,
    inbox: Receiver<(usize, News)>,
    totals: Totals,
    ended_at: Instant,
    panics: Vec<String>,
    ended: Ended,
    cpu_at_begin: Duration,
}

impl Control {
    /// Until all workers have ended, or the user asked twice.
    fn attend(mut self, observer: &mut dyn Observer, engine: Engine) -> Outcome {
        let mut next_second = self.begin + Duration::from_secs(1);
        let mut signals_seen = 0;
        while self.links.iter().any(|link| !link.has_ended()) {
            match self.inbox.recv_timeout(LOOK_AROUND) {
                Ok((worker, news)) => self.on_news(worker, news),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while let Ok((worker, news)) = self.inbox.try_recv() {
                self.on_news(worker, news);
            }
            let received = signal::received();
            if received.total() > signals_seen {
                if signals_seen > 0 {
                    break;
                }
                signals_seen = received.total();
                let name = if received.interrupts > 0 { "interrupt" } else { "terminated" };
                self.ended = Ended::Signal(name);
                self.post_all(&Message::Stop { now: true });
                if received.total() > 1 {
                    break;
                }
            }
            let now = self.clock.now();
            if now >= next_second {
                next_second = next_second + Duration::from_secs(1);
                let progress = self.progress(now);
                if self.links.iter().any(|link| !link.has_ended()) {
                    self.totals.sample_vus(progress.vus_active, progress.vus_initialized);
                    observer.on_second(&progress);
                }
            }
        }
        self.finish(engine)
    }

    fn on_news(&mut self, worker: usize, news: News) {
        match news {
            News::Report(mut report) => {
                let window = self.totals.absorb(worker, std::mem::take(&mut report.window));
                let link = &mut self.links[worker];
                let _ = link.recycle.send(Some(window));
                self.ended_at = self.ended_at.max(report.at);
                link.last = Some(*report);
            }
            News::Panicked(text) => {
                self.panics.push(text);
                let link = &mut self.links[worker];
                let last = link.last.take().unwrap_or_default();
                link.last = Some(Report { is_last: true, vus_active: 0, ..last });
            }
            News::Ready { .. } | News::Refused(_) => unreachable!("the run has begun"),
        }
    }

    fn post_all(&self, message: &Message) {
        for link in &self.links {
            link.mailbox.post(message.clone());
        }
    }

    fn progress(&self, now: Instant) -> Progress {
        let last = || self.links.iter().filter_map(|link| link.last.as_ref());
        Progress {
            elapsed: Duration::from_nanos(now.since(self.begin)),
            live: self.totals.live(),
            vus_active: last().map(|report| u64::from(report.vus_active)).sum(),
            vus_initialized: last().map(|report| u64::from(report.vus_initialized)).sum(),
            is_stopping: self.ended != Ended::Finished,
        }
    }

    fn finish(self, engine: Engine) -> Outcome {
        let abandoned = self.links.iter().filter(|link| !link.has_ended()).count() as u32;
        let ended_at = if abandoned > 0 { self.clock.now() } else { self.ended_at };
        let last = || self.links.iter().filter_map(|link| link.last.as_ref());
        let usage = last().map(|report| WorkerUsage {
            wall: Duration::from_nanos(report.at.since(self.begin)),
            cpu: Duration::from_nanos(report.cpu_ns),
            spun: Duration::from_nanos(report.spun_ns),
        });
        Outcome {
            duration: Duration::from_nanos(ended_at.since(self.begin)),
            ended: self.ended,
            engine,
            usage: usage.collect(),
            vus_initialized: last().map(|report| u64::from(report.vus_initialized)).sum(),
            control_cpu: cpu::thread_time().saturating_sub(self.cpu_at_begin),
            interrupted_requests: last().map(|report| report.interrupted_requests).sum(),
            panics: self.panics,
            abandoned,
            totals: self.totals,
        }
    }
}

/// The most VUs that a scenario may have at once.
fn vus_of(executor: &Executor) -> u64 {
    match executor {
        Executor::SharedIterations { vus, .. }
        | Executor::PerVuIterations { vus, .. }
        | Executor::ConstantVus { vus, .. } => *vus,
        Executor::RampingVus { start_vus, stages, .. } => {
            stages.iter().map(|stage| stage.target).fold(*start_vus, u64::max)
        }
        Executor::ConstantArrivalRate { max_vus, .. } | Executor::RampingArrivalRate { max_vus, .. } => {
            *max_vus
        }
    }
}

/// Connection slots of each worker: one for each of its VUs, and some for connections that are
/// still closing while their VU opens the next.
fn connections_of(job: &Job, workers: usize) -> Vec<u32> {
    let worker = |index: usize| {
        let share = Share::worker(index as u32, workers as u32);
        let vus: u32 =
            job.scenarios.iter().map(|scenario| Plan::new(scenario, Instant::ZERO, &share).max_vus()).sum();
        let closing = if job.settings.no_connection_reuse { vus } else { vus / 4 };
        vus + closing.min(1024) + 16
    };
    (0..workers).map(worker).collect()
}

/// io_uring where it works, else epoll; with the reason, unless it is the usual choice.
fn choose_transport(choice: TransportChoice, clock: Clock) -> Result<(TransportKind, String), Refused> {
    if choice == TransportChoice::Epoll {
        return Ok((TransportKind::Epoll, "asked for".to_owned()));
    }
    let waker = Waker::new().map_err(Refused::Thread)?;
    let config =
        SocketConfig { clock, connections: 1, socket: ClientSocket::default(), listener: None, waker };
    match Uring::new(config) {
        Ok(_) => Ok((TransportKind::Uring, String::new())),
        Err(error) if choice == TransportChoice::Auto => {
            Ok((TransportKind::Epoll, format!("io_uring is not to be had: {}", uring_remedy(&error))))
        }
        Err(error) => Err(Refused::Transport { kind: TransportKind::Uring, error }),
    }
}

fn uring_remedy(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EPERM) => "it is forbidden here (a container's seccomp profile, or \
             kernel.io_uring_disabled); ask the administrator, or use --transport=epoll"
            .to_owned(),
        Some(libc::ENOSYS) => "this kernel has no io_uring; use --transport=epoll".to_owned(),
        _ => format!("{error}; use --transport=epoll"),
    }
}
