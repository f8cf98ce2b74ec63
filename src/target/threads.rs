//! The target's threads: one server per worker, all on one port (SO_REUSEPORT).

use super::{Behaviour, Server, SharedCapacity};
use crate::metrics::served::Served;
use crate::options::{BehaviourOptions, CapacityOptions, TransportChoice};
use crate::sys::clock::{self, Clock};
use crate::sys::socket::{self, ClientSocket};
use crate::sys::wake::Waker;
use crate::sys::{cpu, limits, signal};
use crate::time::Instant;
use crate::tls;
use crate::transport::epoll::Epoll;
use crate::transport::uring::Uring;
use crate::transport::{SocketConfig, Transport};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Connections that may wait to be accepted, unless told otherwise.
pub const BACKLOG_DEFAULT: u32 = 4096;
/// More connections than this are left in the backlog, whatever the limit of open files.
const CONNECTIONS_MAX: u64 = 65_536;
const OTHER_FILES: u64 = 64;
const LOOK_EVERY: Duration = Duration::from_millis(1);

pub struct TargetSettings {
    /// Port 0: any free one.
    pub listen: SocketAddr,
    pub workers: u32,
    pub transport: TransportChoice,
    pub behaviour: BehaviourOptions,
    /// Of all workers together.
    pub capacity: CapacityOptions,
    /// Of the listening sockets, one for each worker (listen(2)).
    pub backlog: u32,
    /// So long after the start nothing is accepted: the backlog fills.
    pub accept_pause: Duration,
    /// What comes is HTTPS.
    pub tls: Option<tls::Server>,
    /// CPUs that the servers are kept on; empty: left to the scheduler.
    pub cpus: Vec<usize>,
}

impl TargetSettings {
    /// One worker that answers at once, without any limit.
    pub fn new(listen: SocketAddr) -> TargetSettings {
        TargetSettings {
            listen,
            workers: 1,
            transport: TransportChoice::Auto,
            behaviour: BehaviourOptions::default(),
            capacity: CapacityOptions::default(),
            backlog: BACKLOG_DEFAULT,
            accept_pause: Duration::ZERO,
            tls: None,
            cpus: Vec::new(),
        }
    }
}

/// A running target.
pub struct Target {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    wakers: Vec<Waker>,
    capacity: Option<SharedCapacity>,
    threads: Vec<JoinHandle<Served>>,
}

impl Target {
    pub fn start(settings: &TargetSettings) -> io::Result<Target> {
        let workers = settings.workers.max(1);
        let files = limits::raise_open_files(CONNECTIONS_MAX + OTHER_FILES).saturating_sub(OTHER_FILES);
        let connections = (files.min(CONNECTIONS_MAX) / u64::from(workers)).max(16) as u32;
        let backlog = settings.backlog.min(i32::MAX as u32) as i32;
        let first = socket::listen(settings.listen, backlog)?;
        let address = first.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut listeners = vec![first];
        for _ in 1..workers {
            listeners.push(socket::listen(address, backlog)?);
        }
        let capacity = SharedCapacity::new(&settings.capacity);
        let (stop, wakers) = (Arc::default(), Vec::new());
        let mut target = Target { address, stop, wakers, capacity, threads: Vec::new() };
        let clock = Clock::start();
        let (ready, inbox) = std::sync::mpsc::channel();
        for (index, listener) in listeners.into_iter().enumerate() {
            let waker = Waker::new()?;
            target.wakers.push(waker.clone());
            let thread = ServerThread {
                config: Some(SocketConfig {
                    clock,
                    connections,
                    socket: ClientSocket::default(),
                    listener: Some(listener),
                    waker,
                }),
                transport: settings.transport,
                behaviour: Behaviour::new(settings.behaviour, index as u64 + 1)
                    .within(target.capacity.clone()),
                accept_at: Instant::ZERO + settings.accept_pause,
                tls: settings.tls.clone(),
                cpus: settings.cpus.clone(),
                stop: target.stop.clone(),
                ready: ready.clone(),
            };
            let name = format!("target-{index}");
            target.threads.push(std::thread::Builder::new().name(name).spawn(move || thread.run())?);
        }
        for _ in 0..workers {
            inbox.recv().unwrap_or_else(|_| Err(io::Error::other("a server thread ended")))?;
        }
        Ok(target)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it and tells what it served.
    pub fn stop(self) -> Served {
        self.stop.store(true, Ordering::Relaxed);
        for waker in &self.wakers {
            waker.wake();
        }
        let mut served = Served::default();
        for thread in self.threads {
            if let Ok(part) = thread.join() {
                served.absorb(&part);
            }
        }
        if let Some(capacity) = &self.capacity {
            capacity.write_counts(&mut served);
        }
        served
    }
}

struct ServerThread {
    config: Option<SocketConfig>,
    transport: TransportChoice,
    behaviour: Behaviour,
    accept_at: Instant,
    tls: Option<tls::Server>,
    cpus: Vec<usize>,
    stop: Arc<AtomicBool>,
    ready: std::sync::mpsc::Sender<io::Result<()>>,
}

impl ServerThread {
    fn run(mut self) -> Served {
        signal::block_in_this_thread();
        if !self.cpus.is_empty() {
            cpu::restrict_to(&self.cpus);
        }
        let Some(config) = self.config.take() else { return Served::default() };
        let clock = config.clock;
        match self.transport {
            TransportChoice::Epoll => self.with(clock, Epoll::new(config)),
            TransportChoice::Uring => self.with(clock, Uring::new(config)),
            TransportChoice::Auto if uring_works(&config) => self.with(clock, Uring::new(config)),
            TransportChoice::Auto => self.with(clock, Epoll::new(config)),
        }
    }

    fn with<T: Transport>(self, clock: Clock, transport: io::Result<T>) -> Served {
        let transport = match transport {
            Ok(transport) => transport,
            Err(error) => {
                let _ = self.ready.send(Err(error));
                return Served::default();
            }
        };
        let mut server = Server::new(transport, self.behaviour, self.tls);
        let _ = self.ready.send(Ok(()));
        while clock.now() < self.accept_at && !self.stop.load(Ordering::Relaxed) {
            clock::sleep(LOOK_EVERY);
        }
        while !self.stop.load(Ordering::Relaxed) {
            server.turn();
        }
        server.served()
    }
}

fn uring_works(config: &SocketConfig) -> bool {
    Uring::new(SocketConfig { connections: 1, listener: None, waker: config.waker.clone(), ..*config })
        .is_ok()
}
