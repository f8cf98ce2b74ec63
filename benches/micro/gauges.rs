//! What a reading of the machine costs the control thread, and what finding the target does.
//!
//! `cargo bench --bench gauges`. The target is a listener of this process.

#![allow(clippy::disallowed_methods)]

use ringload::sys::gauges::Watch;
use std::hint::black_box;
use std::net::TcpListener;
use std::time::Instant;

const READINGS: u32 = 1_000;

fn main() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let began = Instant::now();
    let mut watch = Watch::of(&[address]);
    println!("finding the target  {:>8.1} us", began.elapsed().as_secs_f64() * 1e6);
    let began = Instant::now();
    for _ in 0..READINGS {
        black_box(watch.read());
    }
    println!("a reading           {:>8.1} us", began.elapsed().as_secs_f64() * 1e6 / f64::from(READINGS));
}
