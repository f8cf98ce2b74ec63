//! ringload finds the breaking point of an HTTP service and says who broke first.
//!
//! This page is the map. Modules stand in the order in which a reader meets them; what each may
//! use is a table in `docs/ARCHITECTURE.md`, held by `tests/architecture.rs`.

// Pure: no I/O, no clock, no threads.
/// HTTP/1.1 bytes: request templates and the incremental response parser.
pub mod http;
/// Counters, rates, gauges, trends; leaves, windows, totals, Summary.
pub mod metrics;
/// What the user asked for: k6 options, scenarios, precedence, validation.
pub mod options;
/// WHEN iterations start: one file per k6 executor.
pub mod plan;
/// WHAT an iteration does, behind one `Program`.
pub mod script;
/// Instants of a run: nanoseconds since it began.
pub mod time;
/// One virtual user: its program over its connections.
pub mod vu;
/// The words between a VU and a transport.
pub mod wire;

// Touches the machine.
/// Safe wrappers: clock, CPU affinity, limits, sockets, DNS, /proc.
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
