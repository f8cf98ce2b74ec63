//! The real binary against real servers on the loopback: what it counts, prints, refuses, and how
//! it ends. No root, no network; what a machine lacks is skipped with the reason.

#[path = "../harness/figures.rs"]
mod figures;
#[path = "../harness/program.rs"]
mod program;
#[path = "../harness/transports.rs"]
mod transports;

mod addresses;
mod breakpoint;
mod capacity;
mod commands;
mod compare;
mod counts;
mod faults;
mod journal;
mod outage;
mod outputs;
mod peer;
mod refusals;
mod report;
mod responses;
mod screen;
mod secure;
mod settings;
mod signals;
mod timeline;
