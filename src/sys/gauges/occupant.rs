//! Who listens on the target's port on this machine, and what CPU time that costs: the processes
//! that hold the listening socket, or the whole container they are in.

use super::cgroup::{Cgroup, Throttled};
use super::read_file;
use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What it used since some beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OccupantUse {
    pub name: String,
    pub cpu_ns: u64,
    pub throttled: Option<Throttled>,
    /// The processes, ascending: if they change, differences mean nothing.
    pub processes: Vec<u32>,
    /// It is in this very process (the demo).
    pub is_ourselves: bool,
}

pub(super) struct Occupant {
    targets: Vec<SocketAddr>,
    found: Option<Found>,
}

struct Found {
    processes: Vec<u32>,
    name: String,
    /// Its own cgroup, if that is not ours and not the root.
    group: Option<Cgroup>,
}

/// USER_HZ: what /proc counts CPU time in, on every architecture that we run on.
const TICK_NS: u64 = 10_000_000;

impl Occupant {
    pub fn at(targets: &[SocketAddr]) -> Occupant {
        Occupant { targets: targets.to_vec(), found: find(targets) }
    }

    /// `None` while nobody is seen. Looks again if those found before are gone.
    pub fn read(&mut self) -> Option<OccupantUse> {
        if self.found.as_ref().is_none_or(|found| cpu_ns_of(&found.processes).is_none()) {
            self.found = find(&self.targets);
        }
        let found = self.found.as_ref()?;
        let in_group = found.group.as_ref().and_then(Cgroup::used_ns);
        Some(OccupantUse {
            name: found.name.clone(),
            cpu_ns: in_group.or_else(|| cpu_ns_of(&found.processes))?,
            throttled: found.group.as_ref().and_then(Cgroup::throttled),
            processes: found.processes.clone(),
            is_ourselves: found.processes.contains(&std::process::id()),
        })
    }
}

fn find(targets: &[SocketAddr]) -> Option<Found> {
    let inodes = listening_inodes("/proc/net", targets, |_| true);
    let (processes, inodes) = match inodes.is_empty() {
        false => (numbers_in("/proc"), inodes),
        true => in_other_namespaces(targets)?,
    };
    let mut holders: Vec<u32> = processes.into_iter().filter(|&process| holds(process, &inodes)).collect();
    holders.sort_unstable();
    let first = holders.first()?;
    let group = Cgroup::of_process(&first.to_string());
    let is_apart = group.used_ns().is_some() && !group.is_same_as(&Cgroup::of_process("self"));
    Some(Found {
        name: read_file(&format!("/proc/{first}/comm"))?.trim().to_owned(),
        processes: holders,
        group: is_apart.then_some(group),
    })
}

/// Containers have a network of their own: the first process of each that may be looked into.
fn in_other_namespaces(targets: &[SocketAddr]) -> Option<(Vec<u32>, BTreeSet<u64>)> {
    // Only what is not the loopback can be an address over there.
    if targets.iter().all(|target| target.ip().is_loopback()) {
        return None;
    }
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
    let mut seen = BTreeSet::from([namespace("self")?]);
    let processes = numbers_in("/proc");
    for process in &processes {
        let Some(its) = namespace(&process.to_string()) else { continue };
        if !seen.insert(its) {
            continue;
        }
        let net = format!("/proc/{process}/net");
        let addresses = read_file(&format!("{net}/fib_trie")).unwrap_or_default();
        let inodes = listening_inodes(&net, targets, |target| has_address(&addresses, target.ip()));
        if !inodes.is_empty() {
            return Some((processes, inodes));
        }
    }
    None
}

/// Whether a routing trie has `address` as one of its namespace's own.
fn has_address(fib_trie: &str, address: IpAddr) -> bool {
    let wanted = format!("|-- {address}");
    let mut lines = fib_trie.lines();
    while let Some(line) = lines.next() {
        if line.trim_start() == wanted && lines.next().is_some_and(|next| next.contains("host LOCAL")) {
            return true;
        }
    }
    false
}

/// Sockets that listen for one of `targets`.
fn listening_inodes(
    net: &str,
    targets: &[SocketAddr],
    is_here: impl Fn(&SocketAddr) -> bool,
) -> BTreeSet<u64> {
    let mut inodes = BTreeSet::new();
    for file in ["tcp", "tcp6"] {
        let text = read_file(&format!("{net}/{file}")).unwrap_or_default();
        for (listens, inode) in text.lines().filter_map(listener) {
            let fits = |target: &&SocketAddr| {
                let is_any = listens.ip().is_unspecified();
                target.port() == listens.port() && (is_any || target.ip() == listens.ip().to_canonical())
            };
            if targets.iter().find(fits).is_some_and(&is_here) {
                inodes.insert(inode);
            }
        }
    }
    inodes
}

/// A line of /proc/net/tcp in state LISTEN (0A): its address and inode.
fn listener(line: &str) -> Option<(SocketAddr, u64)> {
    let mut words = line.split_whitespace();
    let (address, state) = (words.nth(1)?, words.nth(1)?);
    if state != "0A" {
        return None;
    }
    let inode = words.nth(5)?.parse().ok()?;
    let (ip, port) = address.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok();
    // Each word of an address is in the machine's byte order.
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)?.to_ne_bytes()).into(),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?.to_ne_bytes());
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some((SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?), inode))
}

fn numbers_in(directory: &str) -> Vec<u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Whether a process has one of these sockets open; false if we may not look.
fn holds(process: u32, inodes: &BTreeSet<u64>) -> bool {
    let entries = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    entries.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|link| {
        let inode = link.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']'));
        inode.and_then(|text| text.parse().ok()).is_some_and(|inode: u64| inodes.contains(&inode))
    })
}

/// User and system time of the processes that are still there; `None` if none is.
fn cpu_ns_of(processes: &[u32]) -> Option<u64> {
    processes
        .iter()
        .filter_map(|process| cpu_ns(&read_file(&format!("/proc/{process}/stat"))?))
        .reduce(|a, b| a + b)
}

/// Fields 14 and 15 of /proc/[pid]/stat; the name in field 2 may hold anything but its end.
fn cpu_ns(stat: &str) -> Option<u64> {
    let mut words = stat.rsplit_once(')')?.1.split_whitespace();
    let user: u64 = words.nth(11)?.parse().ok()?;
    let system: u64 = words.next()?.parse().ok()?;
    Some((user + system) * TICK_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_read_from_its_line() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 x";
        assert_eq!(listener(line), Some(("127.0.0.1:8080".parse().unwrap(), 4711)));
        let line = "   0: 00000000000000000000000001000000:0050 00:0 0A 0:0 0:0 0 0 0 9 1 x";
        assert_eq!(listener(line), Some(("[::1]:80".parse().unwrap(), 9)));
        assert_eq!(listener(&line.replace("0A", "01")), None);
        assert_eq!(listener("  sl  local_address rem_address   st tx_queue"), None);
    }

    #[test]
    fn cpu_time_stands_after_a_name_of_any_kind() {
        let stat = "17 (a) b (c) R 1 1 1 0 -1 4194304 101 0 0 0 30 12 0 0 20 0 1 0 11";
        assert_eq!(cpu_ns(stat), Some(420_000_000));
    }

    #[test]
    fn an_address_of_a_namespace_is_a_local_host_route() {
        let trie = "Local:\n  +-- 172.17.0.0/16\n     |-- 172.17.0.0\n        /16 link UNICAST\n     |-- 172.17.0.2\n        /32 host LOCAL\n";
        assert!(has_address(trie, "172.17.0.2".parse().unwrap()));
        assert!(!has_address(trie, "172.17.0.0".parse().unwrap()));
    }
}
