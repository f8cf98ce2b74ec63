use super::*;
use crate::options::capacity::Pause;

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

fn limited(per_second: u64, queue: Option<u64>) -> CapacityOptions {
    CapacityOptions { per_second: Some(per_second), queue, ..CapacityOptions::default() }
}

fn collapsing(recover: Option<u64>) -> CapacityOptions {
    let recover = recover.map(Duration::from_secs);
    CapacityOptions { collapse: Some(0.5), recover, ..limited(1_000, Some(200)) }
}

/// An even load in parts, each with its requests a second and its seconds; gives for each part how
/// many requests were served in it, whenever they had come, and the counts.
fn play(options: CapacityOptions, parts: &[(u64, u64)]) -> (Vec<u64>, CapacityCounts) {
    let mut capacity = Capacity::new(&options);
    // Not at 0: a bucket is full when the load begins.
    let mut begin = S;
    let mut ends = Vec::new();
    let mut served_at = Vec::new();
    for &(rate, seconds) in parts {
        for index in 0..rate * seconds {
            let at = Instant(begin + index * S / rate);
            if let Verdict::Served { wait_ns } = capacity.on_request(at) {
                served_at.push(at.0 + wait_ns);
            }
        }
        begin += seconds * S;
        ends.push(begin);
    }
    let mut from = 0;
    let served = |end: &u64| {
        let count = served_at.iter().filter(|at| (from..*end).contains(*at)).count() as u64;
        from = *end;
        count
    };
    (ends.iter().map(served).collect(), capacity.counts())
}

/// What was served in each part; a tenth of a percent may differ.
#[track_caller]
fn check(options: CapacityOptions, parts: &[(u64, u64)], want: &[u64]) -> CapacityCounts {
    let (served, counts) = play(options, parts);
    let near = |(got, want): (&u64, &u64)| got.abs_diff(*want) * 1_000 <= *want;
    assert!(served.iter().zip(want).all(near), "{served:?}, not {want:?}; {counts:?}");
    counts
}

#[test]
fn twice_the_capacity_is_served_at_the_capacity() {
    for per_second in [300, 5_000, 70_000] {
        for queue in [None, Some(0), Some(50)] {
            let want = 10 * per_second + per_second / 100;
            let counts = check(limited(per_second, queue), &[(2 * per_second, 10)], &[want]);
            assert!(counts.refused > 0 && counts.collapses == 0, "{counts:?}");
        }
    }
}

#[test]
fn what_the_capacity_bears_is_served_at_once() {
    let mut capacity = Capacity::new(&limited(1_000, Some(0)));
    for index in 0..10_000 {
        // Ten at a time, every ten milliseconds.
        let at = Instant(S + index / 10 * 10 * MS);
        assert_eq!(capacity.on_request(at), Verdict::Served { wait_ns: 0 }, "request {index}");
    }
}

#[test]
fn a_queue_is_latency_and_beyond_it_is_refusal() {
    let mut capacity = Capacity::new(&limited(1_000, Some(3)));
    let verdicts: Vec<Verdict> = (0..15).map(|_| capacity.on_request(Instant(S))).collect();
    let served = |wait_ms: u64| Verdict::Served { wait_ns: wait_ms * MS };
    assert_eq!(verdicts[..10], [served(0); 10]);
    assert_eq!(verdicts[10..13], [served(1), served(2), served(3)]);
    assert_eq!(verdicts[13..], [Verdict::Refused; 2]);
    assert_eq!(capacity.on_request(Instant(S + MS)), served(3));
    assert_eq!(capacity.counts().refused, 2);
}

#[test]
fn a_slow_server_serves_one_at_once_and_no_more() {
    let mut capacity = Capacity::new(&limited(2, Some(0)));
    let verdicts = [S, S, S + 499 * MS, S + 500 * MS].map(|ns| capacity.on_request(Instant(ns)));
    let served = Verdict::Served { wait_ns: 0 };
    assert_eq!(verdicts, [served, Verdict::Refused, Verdict::Refused, served]);
}

#[test]
fn under_overload_the_capacity_falls_and_with_the_load_it_recovers() {
    // After 100 ms at twice the capacity half of the queue would be full: 200 have come by then.
    // Ten came out of the bucket, so the last of them is served at 190 ms.
    let fallen = 200 + 500 * 981 / 100;
    // The nominal backlog of 200 ms is gone after 2 s at 100/s less than the capacity; the 200 that
    // wait then are served at the old rate, while 360 come, of which 160 find the queue full.
    let recovered = 2 * 500 + 200 + 8 * 900 - 160;
    let counts = check(collapsing(None), &[(900, 10), (2_000, 10), (900, 10)], &[9_000, fallen, recovered]);
    assert_eq!(counts.collapses, 1);
}

#[test]
fn with_a_rest_to_take_it_stays_down_until_the_load_is_below_what_is_left() {
    let (served, counts) =
        play(collapsing(Some(2)), &[(900, 10), (2_000, 10), (900, 10), (900, 10), (400, 10), (900, 10)]);
    assert_eq!(counts.collapses, 1);
    let per_second: Vec<u64> = served.iter().map(|count| count / 10).collect();
    // 900/s were no overload before; now they are: metastable.
    assert_eq!(per_second[0], 900);
    assert_eq!(per_second[2..4], [500, 500]);
    assert_eq!(per_second[4..], [419, 900]);
}

#[test]
fn a_collapse_without_a_queue_takes_some_overload_too() {
    let options = CapacityOptions { queue: Some(0), ..collapsing(None) };
    let counts = check(options, &[(1_000, 10), (2_000, 10)], &[10_000, 5_035]);
    assert_eq!(counts.collapses, 1);
}

#[test]
fn a_pause_makes_all_wait_for_its_end() {
    let pause = Some(Pause { length: Duration::from_millis(200), every: 500 });
    let mut capacity = Capacity::new(&CapacityOptions { pause, ..CapacityOptions::default() });
    let mut waits = (0..1_000).map(|index| match capacity.on_request(Instant(S + index * MS)) {
        Verdict::Served { wait_ns } => wait_ns / MS,
        Verdict::Refused => panic!("there is no limit"),
    });
    assert!(waits.by_ref().take(499).all(|wait_ms| wait_ms == 0));
    let paused: Vec<u64> = waits.by_ref().take(200).collect();
    assert_eq!(paused, (1..=200).rev().collect::<Vec<_>>());
    assert!(waits.by_ref().take(300).all(|wait_ms| wait_ms == 0));
    assert_eq!(waits.next(), Some(200));
}

#[test]
fn workers_share_one_capacity_however_their_connections_are_spread() {
    let shared = SharedCapacity::new(&limited(1_000, Some(0))).unwrap();
    let workers: Vec<_> = [1, 3]
        .into_iter()
        .map(|share| {
            let shared = shared.clone();
            std::thread::spawn(move || {
                let served = |index: u64| shared.on_request(Instant(S + index / 1_000)) != Verdict::Refused;
                (0..share * 500).filter(|index| served(*index)).count()
            })
        })
        .collect();
    let served: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    let mut counts = Served::default();
    shared.write_counts(&mut counts);
    assert_eq!((served, counts.refused), (10, 1_990));
    assert!(SharedCapacity::new(&CapacityOptions::default()).is_none());
}
