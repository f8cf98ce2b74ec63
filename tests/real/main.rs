//! Against servers that others wrote, judged by their own logs; and across a network of two
//! namespaces. Not a part of plain `cargo test`: run it as
//! `cargo test --test real -- --test-threads=1`. What a machine lacks is skipped with the reason.

// `command_line` uses the rest of these two.
#[allow(dead_code)]
#[path = "../harness/figures.rs"]
mod figures;
#[allow(dead_code)]
#[path = "../harness/program.rs"]
mod program;
#[path = "../harness/transports.rs"]
mod transports;

// The benchmark of verdicts uses the rest.
#[allow(dead_code)]
mod causes;
mod haproxy;
mod namespaces;
mod network;
mod nginx;
mod outage;
mod proxied;
mod reconciled;
mod secure;
mod tools;
mod verdicts;
mod wrk;
