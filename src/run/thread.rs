//! One worker's thread: builds the transport where it will be used, then turns until the end.

use super::job::{Controlled, Job};
use super::mailbox::Mailbox;
use super::outcome::TransportKind;
use crate::metrics::{Recorder, RecorderBounds, SampleTags, Window};
use crate::plan::execution_plan::Needs;
use crate::plan::split::Stripes;
use crate::plan::{self, Plan, Share};
use crate::script::js::InitError;
use crate::script::log::LogLine;
use crate::script::{LogQueue, Program};
use crate::sys::clock::Clock;
use crate::sys::dns::{LookupError, Resolver};
use crate::sys::socket::ClientSocket;
use crate::sys::wake::Waker;
use crate::sys::{cpu, signal};
use crate::time::Instant;
use crate::transport::epoll::Epoll;
use crate::transport::uring::Uring;
use crate::transport::{SocketConfig, Transport};
use crate::vu::Vus;
use crate::vu::hosts::Hosts;
use crate::worker::pacing::{Pacing, Spin};
use crate::worker::{Lane, Message, Report, Worker};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

/// Samples of each kind that a window holds: half a second at the highest rate seen.
const SAMPLES: usize = 1 << 18;
/// Distinct tag sets of a worker.
const LEAVES: usize = 4_096;

/// VUs made between two words of progress.
const SLICE: u32 = 50;

/// Which VU a program is made for, from 0: on this machine, and over all machines of the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VuNumber {
    pub in_instance: u64,
    pub in_test: u64,
}

/// Makes a VU's program; shared by all workers.
pub type MakeProgram<P> = Arc<dyn Fn(VuNumber, &mut LogQueue) -> Result<P, InitError> + Send + Sync>;

/// What a worker tells `run`.
pub enum News {
    /// So many more VUs are made, and what their init code logged.
    Made {
        vus: u64,
        log: (Vec<LogLine>, u64),
    },
    /// The script's init code failed.
    CannotMakeVu(InitError),
    /// The transport stands, the VUs are made; waiting for the beginning.
    Ready {
        because: String,
    },
    /// It could not be set up.
    Refused(io::Error),
    Report(Box<Report>),
    Panicked(String),
}

/// All that one worker's thread needs.
pub struct WorkerThread<P> {
    /// Among all workers of the run, and among those of its crew.
    pub number: usize,
    pub index: usize,
    pub workers: usize,
    pub job: Arc<Job>,
    pub make: MakeProgram<P>,
    pub clock: Clock,
    pub cpu: Option<usize>,
    pub transport: TransportKind,
    pub spin: Spin,
    pub socket: ClientSocket,
    pub connections: u32,
    pub mailbox: Mailbox,
    pub waker: Waker,
    pub resolver: Resolver,
    pub news: Sender<(usize, News)>,
    /// When the test begins; sent once all are ready.
    pub begin: Receiver<Instant>,
    /// Emptied windows come back here; each is leave to hand over one more.
    pub recycled: Receiver<Option<Window>>,
}

impl<P: Program + 'static> WorkerThread<P> {
    /// The thread's body. Nothing already measured is lost with a panic: it was handed over.
    pub fn run(self) {
        signal::block_in_this_thread();
        if let Some(cpu) = self.cpu {
            cpu::pin_to(cpu);
        }
        let (index, news) = (self.number, self.news.clone());
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.set_up())) {
            let _ = news.send((index, News::Panicked(panic_text(panic.as_ref()))));
        }
    }

    fn set_up(self) {
        let config = SocketConfig {
            clock: self.clock,
            connections: self.connections,
            socket: self.socket,
            listener: None,
            waker: self.waker.clone(),
        };
        match self.transport {
            TransportKind::Uring => match Uring::new(config) {
                Ok(uring) => {
                    let because = uring.describe().to_owned();
                    self.drive(uring, because);
                }
                Err(error) => self.tell(News::Refused(error)),
            },
            TransportKind::Epoll => match Epoll::new(config) {
                Ok(epoll) => self.drive(epoll, String::new()),
                Err(error) => self.tell(News::Refused(error)),
            },
        }
    }

    fn drive<T: Transport>(self, transport: T, because: String) {
        let Some(vus) = self.make_vus() else { return };
        self.tell(News::Ready { because });
        let Ok(begin) = self.begin.recv() else { return };
        let mut worker = self.make_worker(transport, vus, begin);
        while worker.turn() {
            if worker.tick_is_due() {
                match self.recycled.try_recv() {
                    Ok(window) => self.tell(News::Report(Box::new(worker.report(window)))),
                    // Control is behind: keep measuring into the same window.
                    Err(_) => worker.postpone_report(),
                }
            }
            if self.mailbox.has_mail() {
                for message in self.mailbox.take() {
                    worker.on_message(message);
                }
            }
            while let Some((host, name)) = worker.poll_lookup() {
                let mailbox = self.mailbox.clone();
                self.resolver.lookup(name, move |answer| {
                    let answer = match answer {
                        Err(LookupError::NoSuchHost) => Ok(Vec::new()),
                        answer => answer.map_err(|why| why.to_string()),
                    };
                    mailbox.post(Message::Resolved { host, answer });
                });
            }
        }
        let last = Report { is_last: true, ..worker.report(None) };
        self.tell(News::Report(Box::new(last)));
    }

    /// The VUs that are planned from the start; `None` if one could not be made.
    fn make_vus(&self) -> Option<Vus<P>> {
        let job = &self.job;
        let share = self.share();
        let seed = 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(self.index as u64 + 1);
        let hosts = Hosts::new(&job.hosts, job.dns, seed).with_rules(job.host_rules.clone());
        let numbers = share.stripes();
        let mut settings = job.settings.clone();
        if let Some(rps) = job.rps {
            // Each worker has its share of the limit.
            settings.request_every_ns = 1_000_000_000 * self.workers as u64 / rps.max(1);
        }
        let mut vus = Vus::new(settings, numbers.clone(), job.templates.clone(), hosts, self.connections);
        let planned = Needs::of(&job.scenarios, &share).planned_vus;
        let mut told = 0;
        let mut log = LogQueue::default();
        for place in 0..planned {
            let made = (self.make)(number_of(&numbers, place), &mut log);
            let is_last = place + 1 == planned || made.is_err();
            if place + 1 - told >= u64::from(SLICE) || is_last {
                self.tell(News::Made { vus: place + 1 - told, log: log.take() });
                told = place + 1;
            }
            match made {
                Ok(program) => vus.add(program),
                Err(why) => {
                    self.tell(News::CannotMakeVu(why));
                    return None;
                }
            };
        }
        Some(vus)
    }

    fn share(&self) -> Share {
        Share::of(self.job.portion.clone(), self.index as u32, self.workers as u32)
    }

    fn make_worker<T: Transport>(&self, transport: T, vus: Vus<P>, begin: Instant) -> Worker<T, P> {
        let job = &self.job;
        let share = self.share();
        let mut recorder = Recorder::new(RecorderBounds { samples: SAMPLES, leaves: LEAVES });
        if job.judges {
            recorder.judge();
        }
        if job.samples.is_wanted() {
            recorder.trace();
        }
        let lanes: Vec<Lane> = job
            .scenarios
            .iter()
            .enumerate()
            .map(|(place, scenario)| {
                let mut user = job.tags.clone();
                user.extend(scenario.tags.clone());
                let tags = SampleTags { scenario: scenario.name.clone(), group: job.group.clone(), user };
                Lane {
                    plan: match job.controlled {
                        Some(controlled) => self.controlled_plan(controlled, &share, begin),
                        None => Plan::new(scenario, begin + scenario.start_time, &share),
                    },
                    leaf: recorder.function_leaf(&tags),
                    scenario: place as u32,
                }
            })
            .collect();
        let pacing = Pacing {
            spin: self.spin,
            is_open: lanes.iter().any(|lane| lane.plan.is_open()),
            in_batches: job.is_pipelined,
        };
        let (make, numbers) = (self.make.clone(), share.stripes());
        let make_program = Box::new(move |place: u32, log: &mut LogQueue| {
            make(number_of(&numbers, u64::from(place)), log).map_err(|why| why.message)
        });
        Worker::new(transport, vus, lanes, recorder, make_program, pacing, begin)
    }

    fn controlled_plan(&self, controlled: Controlled, share: &Share, begin: Instant) -> Plan {
        let plan = plan::Controlled::new(share, begin, 0.0, Instant::NEVER, controlled.vus);
        Plan::Controlled(match controlled.at_random {
            true => plan.at_random(self.index as u64 + 1),
            false => plan,
        })
    }

    fn tell(&self, news: News) {
        // Nobody listens any more when the user asked twice to stop.
        let _ = self.news.send((self.number, news));
    }
}

fn number_of(numbers: &Stripes, place: u64) -> VuNumber {
    VuNumber { in_instance: numbers.in_instance(place), in_test: numbers.in_test(place) }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "unknown panic".to_owned())
}
