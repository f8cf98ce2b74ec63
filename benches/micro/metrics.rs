//! What recording costs: a worker's part per exchange, and the control thread's per sample.
//!
//! `cargo bench --bench metrics`. Plain loops, best of several rounds: the floor is what we want
//! to know, the rest is the machine's noise.

#![allow(clippy::disallowed_methods)]

use ringload::metrics::{ExchangeTags, ExchangeTiming, Recorder, RecorderBounds, TagSet, Totals, Window};
use std::hint::black_box;
use std::time::Instant;

/// A window of 100 ms at two million exchanges a second.
const SAMPLES: usize = 200_000;
const ROUNDS: usize = 20;
const BOUNDS: RecorderBounds = RecorderBounds { samples: SAMPLES, leaves: 64 };

fn main() {
    for n in [1, 16] {
        recording(n);
    }
    for leaves in [1, 16] {
        absorbing(leaves);
    }
    iterations();
}

fn recording(n: u32) {
    let mut recorder = Recorder::new(BOUNDS);
    let leaf = recorder.exchange_leaf(&ExchangeTags::default());
    let mut totals = Totals::new();
    let mut spare = None;
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        for i in 0..SAMPLES as u64 {
            recorder.record_exchange(black_box(leaf), timing(i), n);
        }
        best = best.min(ns_each(begin, SAMPLES));
        spare = Some(totals.absorb(0, recorder.take_window(spare)));
    }
    println!("record_exchange, n = {n}: {best:.2} ns a call, {:.2} ns an exchange", best / f64::from(n));
}

fn absorbing(leaves: u16) {
    let mut recorder = Recorder::new(BOUNDS);
    let ids: Vec<_> = (0..leaves)
        .map(|i| recorder.exchange_leaf(&ExchangeTags { status: 200 + i, ..ExchangeTags::default() }))
        .collect();
    let mut totals = Totals::new();
    let mut spare: Option<Window> = None;
    let (mut first, mut best) = (0.0, f64::INFINITY);
    for round in 0..ROUNDS {
        for i in 0..SAMPLES as u64 {
            recorder.record_exchange(ids[i as usize % ids.len()], timing(i), 1);
        }
        let window = recorder.take_window(spare.take());
        let begin = Instant::now();
        spare = Some(totals.absorb(0, window));
        let each = ns_each(begin, SAMPLES);
        if round == 0 {
            first = each;
        }
        best = best.min(each);
    }
    assert_eq!(totals.live().requests, (SAMPLES * ROUNDS) as u64);
    println!(
        "absorb, {leaves} leaves: {best:.1} ns a sample once spilled, {first:.1} ns in the first window"
    );
}

fn iterations() {
    let mut recorder = Recorder::new(BOUNDS);
    let leaf = recorder.scenario_leaf("default", &TagSet::new());
    let mut totals = Totals::new();
    let mut spare = None;
    let (mut recorded, mut absorbed) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        for i in 0..SAMPLES as u64 {
            recorder.record_started(black_box(leaf), 0);
            recorder.record_iteration(black_box(leaf), timing(i).waiting_ns);
            recorder.add_data(black_box(leaf), 80, 150);
        }
        recorded = recorded.min(ns_each(begin, SAMPLES));
        let window = recorder.take_window(spare.take());
        let begin = Instant::now();
        spare = Some(totals.absorb(0, window));
        absorbed = absorbed.min(ns_each(begin, SAMPLES));
    }
    println!("started + iteration + data: {recorded:.2} ns to record, {absorbed:.1} ns to absorb");
}

/// Timings that wander over a few buckets, as real ones do.
fn timing(i: u64) -> ExchangeTiming {
    let spread = black_box(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44);
    ExchangeTiming { sending_ns: 2_000 + (spread & 0xfff), waiting_ns: 50_000 + spread, receiving_ns: 900 }
}

fn ns_each(begin: Instant, count: usize) -> f64 {
    begin.elapsed().as_nanos() as f64 / count as f64
}
