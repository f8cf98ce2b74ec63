//! Whole workers in virtual time: the worker, its VUs, plans and metrics as `run` puts them
//! together, over `transport::sim` in place of sockets.
//!
//! `random` runs a thousand worlds made from seeds and holds what must always be true
//! (`invariants`); the others are exact, to the nanosecond. `world` says what is run, `drive` runs
//! it, `watch` keeps the log; `scripted` is a far end that does as it is told, `restless` one that
//! drops connections.

mod controlled;
mod drive;
mod failures;
mod idle_close;
mod interruption;
mod invariants;
mod names;
mod open_loop;
mod random;
mod restless;
mod scripted;
mod scripts;
mod secured;
mod timings;
mod trials;
mod watch;
mod world;
