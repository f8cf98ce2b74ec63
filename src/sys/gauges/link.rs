//! The interface on the way to the target: what it carried, what it dropped, what it can carry.

use super::read_file;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Since the interface was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounts {
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub dropped: u64,
}

pub(super) struct Link {
    name: String,
}

/// Interfaces behind which there are only containers and machines of this host.
const BRIDGES: [&str; 6] = ["docker", "br-", "veth", "podman", "cni", "virbr"];

impl Link {
    /// `None` if the route cannot be found.
    pub fn to(target: IpAddr) -> Option<Link> {
        Some(Link { name: interface_of(source_to(target)?)? })
    }

    pub fn read(&self) -> Option<LinkCounts> {
        parse(&read_file("/proc/net/dev")?, &self.name)
    }

    /// As its driver says; virtual ones say nothing, or something.
    pub fn bps(&self) -> Option<f64> {
        let megabits: f64 = read_file(&format!("/sys/class/net/{}/speed", self.name))?.trim().parse().ok()?;
        (megabits > 0.0).then_some(megabits * 1e6)
    }

    pub fn stays_here(&self) -> bool {
        self.name == "lo" || BRIDGES.iter().any(|bridge| self.name.starts_with(bridge))
    }
}

/// The address that the kernel would send from. Connecting a datagram socket sends nothing.
fn source_to(target: IpAddr) -> Option<IpAddr> {
    let any: SocketAddr = match target {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect((target, 9)).ok()?;
    let source = socket.local_addr().ok()?.ip();
    // To one of our own addresses the way is the loopback, whatever interface has that address.
    Some(if source == target { Ipv4Addr::LOCALHOST.into() } else { source })
}

fn interface_of(address: IpAddr) -> Option<String> {
    let mut first: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: `first` is a live local (S1).
    if unsafe { libc::getifaddrs(&mut first) } != 0 {
        return None;
    }
    let (mut at, mut found) = (first, None);
    while !at.is_null() && found.is_none() {
        // SAFETY: `at` is an element of the list, which is ours until freeifaddrs below.
        let entry = unsafe { &*at };
        // SAFETY: as above; the address is null or of the family that it names (getifaddrs(3)).
        if unsafe { ip_of(entry.ifa_addr) } == Some(address) {
            // SAFETY: a name is a C string within the list.
            let name = unsafe { std::ffi::CStr::from_ptr(entry.ifa_name) };
            found = Some(name.to_string_lossy().into_owned());
        }
        at = entry.ifa_next;
    }
    // SAFETY: `first` came from getifaddrs, and nothing borrowed from it is left.
    unsafe { libc::freeifaddrs(first) };
    found
}

/// # Safety
/// `address` is null, or points to a socket address as long as its family demands.
unsafe fn ip_of(address: *const libc::sockaddr) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: the caller's promise; the fields read are of the family found.
    unsafe {
        match i32::from((*address).sa_family) {
            libc::AF_INET => {
                let v4 = &*address.cast::<libc::sockaddr_in>();
                Some(Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr)).into())
            }
            libc::AF_INET6 => {
                let v6 = &*address.cast::<libc::sockaddr_in6>();
                Some(Ipv6Addr::from(v6.sin6_addr.s6_addr).into())
            }
            _ => None,
        }
    }
}

/// Lines `eth0: bytes packets errs drop fifo frame compressed multicast bytes packets errs drop …`.
fn parse(text: &str, name: &str) -> Option<LinkCounts> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':'))?;
    let numbers: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let number = |at: usize| numbers.get(at).copied();
    Some(LinkCounts { bytes_in: number(0)?, bytes_out: number(8)?, dropped: number(3)? + number(11)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_has_its_line() {
        let text =
            "Inter-| x\n  eth0: 100 9 0 3 0 0 0 0 200 8 0 4 0 0 0 0\n eth01: 1 1 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(parse(text, "eth0"), Some(LinkCounts { bytes_in: 100, bytes_out: 200, dropped: 7 }));
        assert_eq!(parse(text, "eth"), None);
    }

    #[test]
    fn the_way_to_ourselves_is_the_loopback() {
        let link = Link::to(Ipv4Addr::LOCALHOST.into()).unwrap();
        assert_eq!((link.name.as_str(), link.stays_here()), ("lo", true));
        assert!(link.read().is_some());
    }
}
