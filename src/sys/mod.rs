//! The machine behind safe functions: clock, CPUs, limits, sockets, DNS, signals, terminal.
//!
//! `unsafe` is allowed here, for system calls that no safe crate wraps. Invariants:
//! S1. Every pointer handed to the kernel is to a live local of the right type and size.
//! S2. A returned descriptor is owned by exactly one `OwnedFd` or `Socket`.
#![allow(unsafe_code)]

pub mod child;
pub mod clock;
pub mod cpu;
pub mod dns;
pub mod errno;
pub mod gauges;
pub mod limits;
pub mod machine;
pub mod signal;
pub mod socket;
pub mod terminal;
pub mod trust;
pub mod wake;
