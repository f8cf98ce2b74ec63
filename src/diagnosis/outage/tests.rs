use super::*;

const SLOT_NS: u64 = 100_000_000;

/// Numbers that look random, the same for the same seed (splitmix64).
pub(super) struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn slot(answered: u32, failed: u32) -> Slot {
    Slot { answered, failed, started: answered, ..Slot::default() }
}

/// So many slots with the same counts, one kind after the other.
fn slots(parts: &[(usize, u32, u32)]) -> Vec<Slot> {
    parts.iter().flat_map(|&(count, answered, failed)| vec![slot(answered, failed); count]).collect()
}

fn closed(slots: &[Slot]) -> Availability {
    Reader::new(slots, SLOT_NS).availability(false)
}

/// Outages as (start, end) in milliseconds; no end: -1.
#[track_caller]
fn check(parts: &[(usize, u32, u32)], want: &[(i64, i64)]) {
    let outages = closed(&slots(parts)).outages;
    let ms = |edge: Edge| (edge.at_ns / 1_000_000) as i64;
    let got: Vec<(i64, i64)> =
        outages.iter().map(|outage| (ms(outage.start), outage.end.map_or(-1, ms))).collect();
    assert_eq!(got, want);
}

#[test]
fn an_outage_has_a_start_and_an_end() {
    check(&[(100, 10, 0), (100, 10, 10), (100, 10, 0)], &[(10_000, 20_000)]);
    check(&[(100, 10, 0), (100, 10, 5), (100, 10, 0)], &[(10_050, 19_950)]);
    check(&[(100, 10, 0), (100, 10, 10)], &[(10_000, -1)]);
    check(&[(30, 10, 10), (100, 10, 0)], &[(0, 3_000)]);
}

#[test]
fn a_slot_of_both_is_cut_where_the_counts_say() {
    check(&[(100, 10, 0), (1, 10, 3), (50, 10, 10), (1, 10, 4), (50, 10, 0)], &[(10_070, 15_140)]);
}

#[test]
fn empty_slots_are_the_uncertainty() {
    let parts = [(100, 10, 0), (4, 0, 0), (50, 10, 10), (6, 0, 0), (50, 10, 0)];
    let outage = closed(&slots(&parts)).outages.remove(0);
    let edge = |from_ms: u64, to_ms: u64, at_ms: u64| Edge {
        from_ns: from_ms * 1_000_000,
        to_ns: to_ms * 1_000_000,
        at_ns: at_ms * 1_000_000,
    };
    assert_eq!(outage.start, edge(9_900, 10_500, 10_200));
    assert_eq!(outage.end, Some(edge(15_300, 16_100, 15_700)));
}

#[test]
fn a_pause_of_less_than_a_second_does_not_end_it() {
    check(&[(100, 10, 0), (30, 10, 10), (9, 10, 0), (30, 10, 10), (100, 10, 0)], &[(10_000, 16_900)]);
    let apart = [(100, 10, 0), (30, 10, 10), (20, 10, 0), (30, 10, 10), (100, 10, 0)];
    check(&apart, &[(10_000, 13_000), (15_000, 18_000)]);
}

#[test]
fn what_fails_throughout_is_no_outage() {
    check(&[(300, 10, 10)], &[]);
    check(&[(300, 10, 3)], &[]);
    check(&[(300, 10, 0)], &[]);
    check(&[], &[]);
    // A third fails always, and all of it for a while.
    check(&[(100, 9, 3), (50, 9, 9), (100, 9, 3)], &[(10_000, 15_000)]);
}

#[test]
fn one_failure_in_a_thousand_is_no_outage() {
    for seed in 0..1_000 {
        let mut dice = Dice(seed);
        let (count, answered) = [(300, 100), (600, 20), (600, 1), (60, 300)][seed as usize % 4];
        let random: Vec<Slot> = (0..count)
            .map(|_| slot(answered, (0..answered).filter(|_| dice.share() < 0.001).count() as u32))
            .collect();
        let outages = closed(&random).outages;
        assert!(outages.is_empty(), "seed {seed}: {outages:?}");
    }
}

#[test]
fn an_outage_of_random_failures_is_found_to_the_slot_or_two() {
    for seed in 0..100 {
        let mut dice = Dice(seed);
        let mut random = |share: f64| slot(50, (0..50).filter(|_| dice.share() < share).count() as u32);
        let noisy: Vec<Slot> =
            (0..300).map(|at| random(if (100..200).contains(&at) { 0.33 } else { 0.001 })).collect();
        let outages = closed(&noisy).outages;
        let [outage] = &outages[..] else { panic!("seed {seed}: {outages:?}") };
        assert!(outage.start.at_ns.abs_diff(10_000_000_000) <= 2 * SLOT_NS, "seed {seed}: {outage:?}");
        let end = outage.end.expect("it is over");
        assert!(end.at_ns.abs_diff(20_000_000_000) <= 2 * SLOT_NS, "seed {seed}: {outage:?}");
    }
}

#[test]
fn refused_at_once_many_requests_fail_in_little_time() {
    // 10 VUs, answers in 10 ms, refusals in 1 ms: 1,000 a second, and 10,000.
    let availability = closed(&slots(&[(100, 100, 0), (100, 1_000, 1_000), (100, 100, 0)]));
    assert_eq!((availability.failed, availability.requests), (100_000, 120_000));
    assert_eq!((availability.unavailable_ns, availability.span_ns), (10_000_000_000, 30_000_000_000));
    assert_eq!(availability.never_happened, Some(10_000 - 100_000));
}

#[test]
fn requests_that_hang_are_a_silence() {
    let mut silent = slots(&[(100, 100, 0), (100, 0, 0), (100, 100, 0)]);
    silent[100..200].iter_mut().for_each(|slot| slot.in_flight = 10.0);
    let availability = closed(&silent);
    let [outage] = &availability.outages[..] else { panic!("{availability:?}") };
    assert_eq!((outage.start.at_ns, outage.length_ns), (10_000_000_000, 10_000_000_000));
    assert_eq!((outage.requests, outage.failed, outage.silent_ns), (0, 0, 10_000_000_000));
    assert_eq!((availability.failed, availability.unavailable_ns), (0, 10_000_000_000));
    assert_eq!(availability.never_happened, Some(10_000));
}

#[test]
fn answers_in_waves_and_vus_that_sleep_are_no_silence() {
    // A hundred VUs in step: a wave every three seconds.
    for in_flight in [0.0, 100.0] {
        let wave = [vec![Slot { in_flight, ..Slot::default() }; 29], vec![slot(100, 0)]].concat();
        assert_eq!(closed(&wave.repeat(10)).outages, []);
    }
}

#[test]
fn an_open_loop_has_no_arrivals_that_never_happened() {
    let slots = slots(&[(100, 10, 0), (100, 10, 10), (100, 10, 0)]);
    assert_eq!(Reader::new(&slots, SLOT_NS).availability(true).never_happened, None);
}

#[test]
fn recovery_is_when_the_rate_is_back() {
    let outage = |after: &[(usize, u32, u32)]| {
        let parts = [&[(100, 10, 0), (50, 10, 10)], after].concat();
        closed(&slots(&parts)).outages.remove(0)
    };
    assert_eq!(outage(&[(50, 10, 0)]).recovery_ns, Some(0));
    assert_eq!(outage(&[(30, 5, 0), (50, 10, 0)]).recovery_ns, Some(2_800_000_000));
    assert_eq!(outage(&[(50, 5, 0)]).recovery_ns, None);
}

#[track_caller]
fn check_readings(parts: &[(usize, u32, u32)], want: &[Reading]) {
    assert_eq!(closed(&slots(parts)).outages[0].readings, want);
}

#[test]
fn a_share_of_failures_tells_of_backends() {
    let down = |down, backends| Reading::Backends { down, backends };
    let routed = |after_ms: u64| Reading::NoLongerRouted { after_ns: after_ms * 1_000_000 };
    check_readings(&[(100, 60, 0), (100, 60, 30)], &[down(1, 2)]);
    check_readings(&[(100, 60, 0), (100, 60, 20)], &[down(1, 3)]);
    check_readings(&[(100, 60, 0), (100, 60, 15)], &[down(1, 4)]);
    check_readings(&[(100, 60, 0), (21, 60, 30), (100, 60, 0)], &[down(1, 2), routed(2_000)]);
    // All of it, an odd share, and too few to tell.
    check_readings(&[(100, 60, 0), (100, 60, 60)], &[]);
    check_readings(&[(100, 60, 0), (100, 60, 25)], &[]);
    check_readings(&[(100, 2, 0), (20, 2, 1)], &[]);
}

#[test]
fn regular_failures_afterwards_are_tries() {
    let probe = [(99, 60, 0), (1, 60, 1)];
    let parts = [&[(100, 60, 0), (20, 60, 30)][..], &probe, &probe, &probe, &[(50, 60, 0)]].concat();
    let readings = closed(&slots(&parts)).outages.remove(0).readings;
    assert_eq!(readings.last(), Some(&Reading::TriedAgain { times: 3, every_ns: 10_000_000_000 }));
}

#[test]
fn outages_without_end_are_bounded() {
    let blink = [(30, 100, 0), (20, 100, 100)];
    let availability = closed(&slots(&blink.repeat(30)));
    assert_eq!((availability.outages.len(), availability.more), (OUTAGES_MAX, 10));
}

#[test]
fn wilson_limits_are_those_of_the_tables() {
    let (low, high) = wilson(1, 10);
    assert!((low - 0.0179).abs() < 1e-3 && (high - 0.4042).abs() < 1e-3, "{low} {high}");
    assert_eq!(wilson(0, 0), (0.0, 1.0));
}
