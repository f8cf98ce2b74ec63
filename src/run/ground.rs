//! What a run stands on: its CPUs, its limits, its transport.

use super::evidence::Setting;
use super::job::Job;
use super::outcome::{Engine, TransportKind};
use super::placement::{Placement, Situation};
use super::{OTHER_FILES, Refused};
use crate::options::engine::TransportChoice;
use crate::plan::execution_plan::Needs;
use crate::plan::{Plan, Share};
use crate::sys::clock::Clock;
use crate::sys::dns::Resolver;
use crate::sys::socket::{self, ClientSocket};
use crate::sys::wake::Waker;
use crate::sys::{cpu, limits};
use crate::time::Instant;
use crate::transport::SocketConfig;
use crate::transport::uring::Uring;
use crate::worker::pacing::Spin;
use std::io;

pub(super) struct Ground {
    pub clock: Clock,
    pub placement: Placement,
    pub transport: TransportKind,
    /// Why it is not io_uring; empty if it is.
    because: String,
    pub spin: Spin,
    pub socket: ClientSocket,
    congestion_control: String,
    pub resolver: Resolver,
    is_open: bool,
}

impl Ground {
    pub fn prepare(job: &Job, clock: Clock) -> Result<Ground, Refused> {
        let vus_max = Needs::of(&job.scenarios, &Share::of(job.portion.clone(), 0, 1)).max_vus;
        let placement = Placement::decide(&Situation {
            allowed: cpu::allowed(),
            quota: cpu::cgroup_quota(),
            target_is_local: job.target_is_local,
            asked: job.workers,
            vus_max,
        });
        let workers = placement.workers.len();
        let slots: u64 = (0..workers).map(|index| u64::from(connections_of(job, index, workers))).sum();
        let needed = vus_max + OTHER_FILES;
        let limit = limits::raise_open_files(slots + OTHER_FILES);
        if limit < needed {
            return Err(Refused::OpenFiles { needed, limit });
        }
        let (congestion_control, name) = socket::choose_congestion_control();
        let (transport, because) = choose_transport(job.transport, clock)?;
        Ok(Ground {
            clock,
            transport,
            because,
            spin: Spin::decide(job.spin, placement.cpu_to_spare),
            placement,
            socket: ClientSocket { congestion_control, linger_zero: closes_often(job) },
            congestion_control: name,
            resolver: Resolver::spawn().map_err(Refused::Thread)?,
            is_open: job
                .scenarios
                .iter()
                .any(|scenario| Plan::new(scenario, Instant::ZERO, &Share::whole()).is_open()),
        })
    }

    /// What a diagnosis must know beforehand.
    pub fn setting(&self, job: &Job) -> Setting {
        Setting {
            is_open: self.is_open,
            workers: self.placement.workers.clone(),
            hosts: job.hosts.iter().map(|host| (host.name.clone(), host.port)).collect(),
            target_is_local: job.target_is_local,
        }
    }

    /// `setup`: the transport's own words about how it was set up.
    pub fn engine(&self, setup: String) -> Engine {
        Engine {
            transport: self.transport,
            because: if self.because.is_empty() { setup } else { self.because.clone() },
            congestion_control: self.congestion_control.clone(),
            workers: self.placement.workers.clone(),
            is_open: self.is_open,
        }
    }
}

/// Connections do not outlive an exchange, or an iteration.
fn closes_often(job: &Job) -> bool {
    job.settings.no_connection_reuse || job.settings.no_vu_connection_reuse
}

/// Connection slots of a worker: one for each of its VUs, and some for connections that are
/// still closing while their VU opens the next. Scripts may have several connections per VU:
/// one that finds no slot waits for the next that is free.
pub(super) fn connections_of(job: &Job, index: usize, workers: usize) -> u32 {
    let share = Share::of(job.portion.clone(), index as u32, workers as u32);
    let vus = u32::try_from(Needs::of(&job.scenarios, &share).max_vus).unwrap_or(u32::MAX / 4);
    let closing = if closes_often(job) { vus } else { vus / 4 };
    vus * job.connections_per_vu + closing.min(1024) + 16
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

pub(super) fn uring_remedy(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EPERM) => "it is forbidden here (a container's seccomp profile, or \
             kernel.io_uring_disabled); ask the administrator, or use --transport=epoll"
            .to_owned(),
        Some(libc::ENOSYS) => "this kernel has no io_uring; use --transport=epoll".to_owned(),
        _ => format!("{error}; use --transport=epoll"),
    }
}
