//! ringload loads an HTTP service, to find at what load it breaks and who broke first.
//!
//! This page is the map, in three layers: pure modules, those that touch the machine, and those
//! that compose them; within a layer by name. What each may use, and why no more, is a table in
//! `docs/ARCHITECTURE.md`, held by `tests/architecture.rs`.

// Pure: no I/O, no clock, no threads.
/// Evidence in, verdict out: generator, network or application.
pub mod diagnosis;
/// HTTP/1.1 bytes: request templates and the incremental response parser.
pub mod http;
/// What was measured: leaves, windows, trends, totals, the Summary.
pub mod metrics;
/// What the user asked for: k6 options, scenarios, precedence, validation.
pub mod options;
/// WHEN iterations start: one file per k6 executor.
pub mod plan;
/// WHAT an iteration does, behind one `Program`.
pub mod script;
/// The breaking point: trial results in, next trial out.
pub mod search;
/// Instants of a run: nanoseconds since it began.
pub mod time;
/// TLS by rustls, sans-I/O: between a connection and a transport.
pub mod tls;
/// The virtual users of a worker: each a program over its connections.
pub mod vu;
/// The words between a VU and a transport.
pub mod wire;

// Touches the machine.
/// Safe wrappers: clock, CPUs, limits, sockets, DNS, signals, terminal.
pub mod sys;
/// HOW bytes move: uring, epoll, and sim in virtual time.
pub mod transport;
/// One pinned thread: joins plan, VUs and a transport in one loop.
pub mod worker;

// Composes.
/// The command line; the only place that knows clap.
pub mod cli;
/// Summary in, bytes out.
pub mod output;
/// Starts workers, sends them messages, gathers their metrics.
pub mod run;
/// The built-in server of known behaviour.
pub mod target;
