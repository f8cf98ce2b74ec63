//! What the machine counts, read a few times a second: CPUs, TCP, links, cgroups, the target.
//!
//! Every number is since some beginning; what happened is the difference of two readings. A file
//! that is not there, or not ours to read, gives `None`. A reading takes less than a millisecond of a
//! control thread (docs/decisions/0029-gauges.md).

mod cgroup;
mod cpu_times;
mod link;
mod occupant;
mod tcp;

pub use cgroup::Throttled;
pub use cpu_times::CpuTime;
pub use link::LinkCounts;
pub use occupant::OccupantUse;
pub use tcp::TcpCounts;

use crate::sys::clock;
use crate::time::Instant;
use cgroup::Cgroup;
use link::Link;
use occupant::Occupant;
use std::net::SocketAddr;

/// One reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gauges {
    /// On the machine's monotonic clock.
    pub at: Instant,
    /// Of each CPU of the machine, by number.
    pub cpus: Option<Vec<CpuTime>>,
    /// Time in which something was ready to run and had no CPU.
    pub pressure_ns: Option<u64>,
    pub tcp: TcpCounts,
    /// Packets that found no room in a CPU's queue.
    pub backlog_dropped: Option<u64>,
    /// The way to the target.
    pub link: Option<LinkCounts>,
    /// Of our own cgroup and those above.
    pub throttled: Option<Throttled>,
    /// CPU time of this process.
    pub process_ns: u64,
    /// Who listens on the target's port.
    pub target: Option<OccupantUse>,
}

/// What is read, found out once.
pub struct Watch {
    own: Cgroup,
    link: Option<Link>,
    target: Occupant,
}

impl Watch {
    /// `targets`: addresses that will be loaded; the first one's way is watched.
    pub fn of(targets: &[SocketAddr]) -> Watch {
        let link = targets.first().and_then(|target| Link::to(target.ip()));
        // What is on another machine is not looked for here.
        let is_here = link.as_ref().is_some_and(Link::stays_here);
        Watch {
            own: Cgroup::of_process("self"),
            target: Occupant::at(if is_here { targets } else { &[] }),
            link,
        }
    }

    pub fn read(&mut self) -> Gauges {
        Gauges {
            at: clock::monotonic(),
            cpus: cpu_times::read(),
            pressure_ns: cpu_times::read_pressure(),
            tcp: tcp::read(),
            backlog_dropped: tcp::read_backlog_dropped(),
            link: self.link.as_ref().and_then(Link::read),
            throttled: self.own.throttled(),
            process_ns: crate::time::duration_ns(super::cpu::process_time()),
            target: self.target.read(),
        }
    }

    /// CPUs that our cgroup and those above grant; `None` without a quota.
    pub fn quota_cpus(&self) -> Option<f64> {
        self.own.quota_cpus()
    }

    /// What the link to the target carries, bits a second.
    pub fn link_bps(&self) -> Option<f64> {
        self.link.as_ref()?.bps()
    }

    /// The way to the target does not leave this machine: loopback, or a bridge to containers.
    pub fn stays_here(&self) -> bool {
        self.link.as_ref().is_some_and(Link::stays_here)
    }

    /// Ports that the kernel chooses from for new connections.
    pub fn ports(&self) -> Option<u64> {
        let text = read_file("/proc/sys/net/ipv4/ip_local_port_range")?;
        let mut numbers = text.split_whitespace().map(str::parse::<u64>);
        let (first, last) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some((last + 1).saturating_sub(first))
    }
}

fn read_file(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn two_readings_of_this_machine_can_be_subtracted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut watch = Watch::of(&[listener.local_addr().unwrap()]);
        let (first, second) = (watch.read(), watch.read());
        assert!(second.at > first.at && second.process_ns >= first.process_ns);
        let (a, b) = (first.cpus.unwrap(), second.cpus.unwrap());
        assert!(!a.is_empty() && a.len() == b.len());
        assert!(b.iter().zip(&a).all(|(b, a)| b.total() >= a.total()));
        assert!(second.tcp.segments_out >= first.tcp.segments_out && first.tcp.segments_out.is_some());
        assert!(watch.stays_here());
        // The listener is this test's own process.
        assert!(second.target.unwrap().is_ourselves);
    }
}
