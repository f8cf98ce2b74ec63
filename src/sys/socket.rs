//! TCP sockets as the transports want them.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::OnceLock;
use std::time::Duration;

/// Congestion controls in the order of preference: neither paces with timers, as bbr does.
const CONGESTION_CONTROLS: [&str; 2] = ["cubic", "reno"];

/// What every client socket of a run is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientSocket {
    /// Set per socket; `None` leaves the system's default.
    pub congestion_control: Option<&'static str>,
    /// Close with RST, so that no local port waits in TIME_WAIT (connection per request).
    pub linger_zero: bool,
}

impl ClientSocket {
    /// A new non-blocking socket for a connection to `target`, bound to `local` if given.
    pub fn open(&self, target: SocketAddr, local: Option<IpAddr>) -> io::Result<Socket> {
        let socket = Socket::new_raw(
            Domain::for_address(target),
            Type::STREAM.nonblocking().cloexec(),
            Some(Protocol::TCP),
        )?;
        if let Some(name) = self.congestion_control {
            socket.set_tcp_congestion(name.as_bytes())?;
        }
        if self.linger_zero {
            socket.set_linger(Some(Duration::ZERO))?;
        } else {
            // A connection for one request writes once: there is nothing to delay.
            socket.set_tcp_nodelay(true)?;
        }
        if let Some(ip) = local {
            bind_without_port(&socket)?;
            socket.bind(&SocketAddr::new(ip, 0).into())?;
        }
        Ok(socket)
    }
}

/// The congestion control to set per socket: `None` if the system's default is one of ours
/// already, or none of ours may be set. The second value is the name in force.
pub fn choose_congestion_control() -> (Option<&'static str>, String) {
    let Ok(socket) = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)) else {
        return (None, "unknown".into());
    };
    let name_of = |raw: Vec<u8>| String::from_utf8_lossy(&raw).trim_end_matches('\0').trim().to_owned();
    let default = socket.tcp_congestion().map(name_of).unwrap_or_else(|_| "unknown".into());
    if CONGESTION_CONTROLS.contains(&default.as_str()) {
        return (None, default);
    }
    for name in CONGESTION_CONTROLS {
        if socket.set_tcp_congestion(name.as_bytes()).is_ok() {
            return (Some(name), name.to_owned());
        }
    }
    (None, default)
}

/// A listening socket; several may share a port (SO_REUSEPORT), one per worker.
pub fn listen(address: SocketAddr, backlog: i32) -> io::Result<Socket> {
    let socket = Socket::new_raw(
        Domain::for_address(address),
        Type::STREAM.nonblocking().cloexec(),
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    // Accepted sockets inherit both.
    socket.set_tcp_nodelay(true)?;
    if let (Some(name), _) = choose_congestion_control() {
        socket.set_tcp_congestion(name.as_bytes())?;
    }
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(socket)
}

/// Whether a connection to `target` can come out as one to itself: the kernel may choose the very
/// port as the source when nobody listens there (simultaneous open, RFC 9293 §3.5).
pub fn may_meet_itself(target: SocketAddr) -> bool {
    static PORTS: OnceLock<RangeInclusive<u16>> = OnceLock::new();
    target.ip().is_loopback() && PORTS.get_or_init(ephemeral_ports).contains(&target.port())
}

/// The local ports that the kernel chooses from (ip(7)); all of them if it does not tell.
fn ephemeral_ports() -> RangeInclusive<u16> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut numbers = text.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(first)), Some(Ok(last))) => first..=last,
        _ => 0..=u16::MAX,
    }
}

/// Whether both ends of this connection are the same socket: nobody listens, whatever it reads
/// back is its own.
pub fn met_itself(socket: &impl AsFd) -> bool {
    let socket = socket2::SockRef::from(socket);
    match (socket.local_addr(), socket.peer_addr()) {
        (Ok(local), Ok(peer)) => local.as_socket() == peer.as_socket(),
        _ => false,
    }
}

/// A connection as the kernel sees it (TCP_INFO).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    pub peer: Option<SocketAddr>,
    /// Smoothed round trip, and the smallest of the last minutes; 0 until there is one.
    pub rtt_ns: u64,
    pub rtt_min_ns: u64,
    /// Segments sent again since the connection began.
    pub retransmitted: u32,
    pub delivery_bytes_per_s: u64,
}

/// `None` if it is no TCP connection any more. Half a microsecond.
pub fn path(fd: BorrowedFd<'_>) -> Option<Path> {
    let mut info = [0u8; 256];
    let mut length = info.len() as libc::socklen_t;
    // SAFETY: `info` and `length` are live locals, `length` tells the size of `info` (S1).
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &mut length,
        )
    };
    // Places in the kernel's `struct tcp_info`, which only grows; old kernels fill less of it.
    let u32_at = |at: usize| u32::from_ne_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
    let u64_at = |at: usize| u64::from_ne_bytes(std::array::from_fn(|byte| info[at + byte]));
    const UNKNOWN: u32 = u32::MAX;
    (result == 0 && length >= 104).then(|| Path {
        peer: socket2::SockRef::from(&fd).peer_addr().ok().and_then(|peer| peer.as_socket()),
        rtt_ns: u64::from(u32_at(68)) * 1_000,
        rtt_min_ns: u64::from(Some(u32_at(148)).filter(|&us| us != UNKNOWN).unwrap_or(0)) * 1_000,
        retransmitted: u32_at(100),
        delivery_bytes_per_s: u64_at(160),
    })
}

/// Leaves the choice of the local port to connect(2), which sees the whole 4-tuple: with several
/// source addresses the ports of each are all usable (ip(7), IP_BIND_ADDRESS_NO_PORT).
fn bind_without_port(socket: &Socket) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: `on` is a live local of the size given (S1).
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether `address` belongs to this machine. Connecting a datagram socket sends nothing: the
/// kernel only picks the route, and with it the source address.
pub fn is_local(address: IpAddr) -> bool {
    if address.is_loopback() {
        return true;
    }
    let any: SocketAddr = match address {
        IpAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        IpAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(any)
        .and_then(|socket| {
            socket.connect((address, 9))?;
            socket.local_addr()
        })
        .is_ok_and(|source| source.ip() == address)
}
