//! The loads that the tools are compared under.

/// One load: many connections in a closed loop, or starts at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// For `--cells`, tables and records.
    pub name: &'static str,
    pub title: &'static str,
    pub connections: u32,
    /// Requests in flight on a connection.
    pub pipeline: u32,
    /// A new connection for each request.
    pub close: bool,
    /// By HTTPS (TLS 1.3); only nginx serves it here.
    pub tls: bool,
    /// Starts a second; the closed loop's other fields then do not count.
    pub rate: Option<u32>,
}

impl Cell {
    const fn keep_alive(name: &'static str, title: &'static str, connections: u32) -> Cell {
        Cell { name, title, connections, pipeline: 1, close: false, tls: false, rate: None }
    }

    const fn open(name: &'static str, title: &'static str, rate: u32) -> Cell {
        Cell { rate: Some(rate), ..Cell::keep_alive(name, title, 0) }
    }
}

/// Compared between tools.
pub const CLOSED: [Cell; 6] = [
    Cell::keep_alive("64", "64 connections", 64),
    Cell::keep_alive("1024", "1,024 connections", 1_024),
    Cell::keep_alive("10000", "10,000 connections", 10_000),
    Cell { pipeline: 16, ..Cell::keep_alive("64x16", "64 connections, 16 requests in flight on each", 64) },
    Cell::keep_alive("1", "1 connection", 1),
    Cell { close: true, ..Cell::keep_alive("close", "64 in flight, a connection per request", 64) },
];

/// The same by HTTPS, when asked for.
pub const SECURE: [Cell; 2] = [
    Cell { tls: true, ..Cell::keep_alive("tls-64", "64 connections, TLS 1.3", 64) },
    Cell {
        tls: true,
        close: true,
        ..Cell::keep_alive("tls-close", "64 in flight, a handshake per request", 64)
    },
];

/// How exactly starts keep to their schedule: measured by ringload alone, for the goals.
pub const OPEN: [Cell; 2] = [
    Cell::open("rate-1000", "1,000 starts a second", 1_000),
    Cell::open("rate-50000", "50,000 starts a second", 50_000),
];

/// The cell of that name.
pub fn find(name: &str) -> Option<Cell> {
    CLOSED.into_iter().chain(SECURE).chain(OPEN).find(|cell| cell.name == name)
}
