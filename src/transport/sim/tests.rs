//! The simulated network itself: equal runs from equal seeds, faults, and broken rules of `wire`.

use super::*;
use std::net::SocketAddr;

/// Sends back what it got, 1 us later, and counts what it was told.
#[derive(Default)]
struct Echo {
    admission: Option<Admission>,
    ends_after_reply: bool,
    last_call: Instant,
    attempts: u64,
    open: u64,
    bytes: u64,
}

impl Echo {
    fn at(&mut self, now: Instant) {
        assert!(now >= self.last_call, "the far end's time went back");
        self.last_call = now;
    }
}

impl Responder for Echo {
    fn on_connect(&mut self, _: LinkId, now: Instant) -> Admission {
        self.at(now);
        self.attempts += 1;
        let admission = self.admission.unwrap_or(Admission::Accept);
        self.open += u64::from(admission == Admission::Accept);
        admission
    }

    fn on_bytes(&mut self, _: LinkId, now: Instant, bytes: &[u8], out: &mut Vec<(u64, Reply)>) {
        self.at(now);
        self.bytes += bytes.len() as u64;
        out.push((1_000, Reply::Bytes(bytes.to_vec())));
        if self.ends_after_reply {
            out.push((0, Reply::Close));
        }
    }

    fn on_close(&mut self, _: LinkId, now: Instant) {
        self.at(now);
        self.open -= 1;
    }
}

fn address() -> SocketAddr {
    ([10, 0, 0, 1], 80).into()
}

/// One connection of the client below.
#[derive(Clone, Copy, Default)]
struct Talk {
    messages: u32,
    unanswered: usize,
    gives_up: Option<Instant>,
    closing: bool,
}

const MESSAGE: &[u8] = &[b'm'; 100];

/// A client that sends `messages` messages on each of `connections` connections, one after the
/// other, waits 5 s at most for each, and closes. Returns every event as text.
fn drive(sim: &mut Sim<Echo>, connections: u32, messages: u32) -> Vec<String> {
    let mut trace = Vec::new();
    let mut talks: FxHashMap<ConnId, Talk> = FxHashMap::default();
    let mut last = sim.now();
    let (mut opened, mut closed, mut sent, mut received) = (0, 0, 0, 0);
    while closed < connections {
        while opened < connections
            && let Some(conn) = sim.open()
        {
            opened += 1;
            let gives_up = Some(sim.now().plus_ns(5_000_000_000));
            assert!(talks.insert(conn, Talk { gives_up, ..Talk::default() }).is_none(), "slot given twice");
            sim.submit(Ask::Connect { conn, target: address(), local: None });
        }
        let now = sim.now();
        assert!(now >= last, "time went back");
        last = now;
        let mut asks = Vec::new();
        while let Some((conn, event)) = sim.next_event() {
            trace.push(format!("{conn:?} {event:?}"));
            let talk = talks.get_mut(&conn).expect("events are for taken slots");
            let mut close = false;
            let mut send = false;
            match event {
                Event::Connected { .. } => send = true,
                Event::Sent { .. } => sent += MESSAGE.len() as u64,
                Event::Received { bytes, .. } => {
                    received += bytes.len() as u64;
                    talk.unanswered = talk.unanswered.saturating_sub(bytes.len());
                    send = talk.unanswered == 0 && talk.messages < messages;
                    close = talk.unanswered == 0 && !send;
                }
                Event::Discarded { .. } => panic!("nothing was to be discarded"),
                Event::Lost { .. } => close = true,
                Event::Closed => {
                    talks.remove(&conn);
                    closed += 1;
                    continue;
                }
                Event::Accepted { .. } => unreachable!("nobody listens"),
            }
            if talk.closing {
                continue;
            }
            if close {
                talk.closing = true;
                asks.push(Ask::Close { conn });
            } else if send {
                talk.messages += 1;
                talk.unanswered = MESSAGE.len();
                talk.gives_up = Some(now.plus_ns(5_000_000_000));
                asks.push(Ask::Send { conn, payload: Payload::Shared(MESSAGE) });
            }
        }
        let mut conns: Vec<ConnId> = talks.keys().copied().collect();
        conns.sort();
        for conn in conns {
            let talk = talks.get_mut(&conn).expect("listed above");
            if !talk.closing && talk.gives_up.is_some_and(|at| at <= now) {
                talk.closing = true;
                asks.push(Ask::Close { conn });
            }
        }
        asks.into_iter().for_each(|ask| sim.submit(ask));
        sim.flush();
        let next = talks.values().filter(|talk| !talk.closing).filter_map(|talk| talk.gives_up).min();
        let until = next.unwrap_or(now.plus_ns(1_000_000_000));
        sim.wait(Wait::Until(until));
    }
    let counts = sim.counts();
    assert_eq!((counts.bytes_sent, counts.bytes_received), (sent, received), "seed {}", sim.seed());
    trace
}

fn faulty(seed: u64) -> Sim<Echo> {
    Sim::new(seed, Network::from_seed(seed), Echo::default()).with_bound(16)
}

#[test]
fn the_same_seed_gives_the_same_events_at_the_same_instants() {
    for seed in 0..20 {
        assert_eq!(drive(&mut faulty(seed), 50, 5), drive(&mut faulty(seed), 50, 5), "seed {seed}");
    }
    assert_ne!(drive(&mut faulty(1), 50, 5), drive(&mut faulty(2), 50, 5));
}

#[test]
fn all_slots_come_back_and_both_ends_agree_whatever_the_network_does() {
    for seed in 0..60 {
        let mut sim = faulty(seed);
        drive(&mut sim, 100, 5);
        assert_eq!(sim.slots_taken(), 0, "seed {seed}");
        assert!(sim.counts().slots_peak <= 16, "seed {seed}");
        let end = sim.now().plus_ns(300_000_000_000);
        sim.wait(Wait::Until(end));
        assert_eq!(sim.now(), end, "seed {seed}: nothing comes for closed slots");
        assert_eq!((sim.responder().open, sim.links.len()), (0, 0), "seed {seed}: all links end");
    }
}

/// Reads the trace of one slot: which event may follow which.
#[track_caller]
fn check_order(seed: u64) {
    let trace = drive(&mut faulty(seed), 100, 5);
    let mut last: FxHashMap<&str, &str> = FxHashMap::default();
    for line in &trace {
        let (conn, event) = line.split_once(' ').unwrap();
        let event = event.split(' ').next().unwrap();
        let allowed: &[&str] = match last.get(conn).copied().unwrap_or("Closed") {
            "Closed" => &["Connected", "Lost", "Closed"],
            "Connected" => &["Sent", "Lost", "Closed"],
            "Sent" => &["Received", "Lost", "Closed"],
            "Received" => &["Sent", "Received", "Lost", "Closed"],
            "Lost" => &["Closed"],
            other => panic!("unknown event {other}"),
        };
        assert!(allowed.contains(&event), "seed {seed}: {:?} before {line}", last.get(conn));
        last.insert(conn, event);
    }
}

#[test]
fn events_of_a_slot_keep_their_order() {
    (0..60).for_each(check_order);
}

#[test]
fn the_instants_of_an_ideal_exchange_are_exact() {
    let mut sim = Sim::new(1, Network { call_ns: 0, ..Network::ideal() }, Echo::default());
    let trace = drive(&mut sim, 1, 2);
    let short = |bytes: usize| format!("{:?}", vec![b'm'; bytes]);
    let want = [
        "Connected { at: Instant(100000) }".to_owned(),
        "Sent { from: Instant(100000), at: Instant(100000) }".to_owned(),
        format!("Received {{ at: Instant(201000), bytes: {} }}", short(100)),
        "Sent { from: Instant(201000), at: Instant(201000) }".to_owned(),
        format!("Received {{ at: Instant(302000), bytes: {} }}", short(100)),
        "Closed".to_owned(),
    ];
    assert_eq!(trace, want.map(|event| format!("ConnId(0) {event}")));
}

/// How many of `tries` exchanges met the fault that `set` turns on at 10 %.
#[track_caller]
fn check_rate(set: fn(&mut Network), count: fn(&Counts) -> u64, tries: fn(&Counts, u64) -> u64) {
    let mut network = Network::ideal();
    set(&mut network);
    let mut sim = Sim::new(7, network, Echo::default()).with_bound(32);
    drive(&mut sim, 4_000, 1);
    let counts = sim.counts();
    let (got, tries) = (count(&counts), tries(&counts, sim.responder().bytes / 100));
    let share = got as f64 / tries as f64;
    assert!((0.085..0.115).contains(&share), "{got} of {tries}: {counts:?}");
}

#[test]
fn faults_strike_at_the_stated_rate() {
    check_rate(|n| n.refuse_ppm = 100_000, |c| c.refusals, |c, _| c.connects);
    check_rate(|n| n.blackhole_ppm = 100_000, |c| c.blackholes, |c, _| c.connects);
    check_rate(|n| n.mute_ppm = 100_000, |c| c.mutes, |_, replies| replies);
    check_rate(|n| n.reset_ppm = 100_000, |c| c.resets, |_, replies| replies);
    check_rate(|n| n.cut_ppm = 100_000, |c| c.cuts, |_, replies| replies);
    check_rate(|n| n.garbage_ppm = 100_000, |c| c.garbage, |_, replies| replies);
    check_rate(|n| n.stall_ppm = 100_000, |c| c.stalls, |_, replies| replies);
    // A SYN, its answer, the message, its echo and the close: five packets, and resends.
    check_rate(|n| n.loss_ppm = 100_000, |c| c.losses, |c, _| 5 * c.connects + c.losses);
}

#[track_caller]
fn check_lost(sim: &mut Sim<Echo>, want: Lost) {
    let trace = drive(sim, 1, 1);
    let lost = trace.iter().find(|line| line.contains("Lost")).expect("the connection is lost");
    assert!(lost.contains(&format!("{want:?}")), "{lost}");
}

#[test]
fn each_end_of_a_connection_is_told_by_its_name() {
    let dial = |errno| Lost::Failed { op: Op::Dial, errno };
    let with = |set: fn(&mut Network)| {
        let mut network = Network::ideal();
        set(&mut network);
        Sim::new(3, network, Echo::default())
    };
    check_lost(&mut with(|n| n.refuse_ppm = 1_000_000), dial(libc::ECONNREFUSED));
    check_lost(&mut with(|n| n.reset_ppm = 1_000_000), RESET);
    check_lost(&mut with(|n| n.cut_ppm = 1_000_000), Lost::Ended);
    let mut refusing = with(|_| ());
    refusing.responder_mut().admission = Some(Admission::Refuse);
    check_lost(&mut refusing, dial(libc::ECONNREFUSED));
}

#[test]
fn an_attempt_that_nobody_answers_times_out_as_linux_does() {
    let mut sim = Sim::new(3, Network::ideal(), Echo::default());
    sim.responder_mut().admission = Some(Admission::Ignore);
    let conn = sim.open().unwrap();
    sim.submit(Ask::Connect { conn, target: address(), local: None });
    sim.flush();
    sim.wait(Wait::Until(Instant::NEVER));
    let (_, event) = sim.next_event().unwrap();
    let why = Lost::Failed { op: Op::Dial, errno: libc::ETIMEDOUT };
    assert!(matches!(event, Event::Lost { why: got, at } if got == why && at.0 > 127_000_000_000));
}

#[test]
fn a_far_end_that_closes_after_its_reply_is_read_to_the_end_first() {
    let mut sim = Sim::new(3, Network::ideal(), Echo::default());
    sim.responder_mut().ends_after_reply = true;
    let conn = connected(&mut sim);
    sim.submit(Ask::Send { conn, payload: Payload::Shared(MESSAGE) });
    sim.flush();
    let mut kinds = Vec::new();
    while kinds.len() < 3 {
        sim.wait(Wait::Until(Instant::NEVER));
        while let Some((_, event)) = sim.next_event() {
            kinds.push(match event {
                Event::Sent { .. } => "sent",
                Event::Received { bytes: MESSAGE, .. } => "received",
                Event::Lost { why: Lost::Ended, .. } => "ended",
                _ => "other",
            });
        }
    }
    assert_eq!(kinds, ["sent", "received", "ended"]);
    assert_eq!(sim.responder().open, 0);
}

#[test]
fn bytes_to_discard_are_counted_and_what_follows_them_is_handed_out() {
    let mut sim = Sim::new(1, Network::ideal(), Echo::default());
    let conn = connected(&mut sim);
    sim.submit(Ask::Send { conn, payload: Payload::Shared(MESSAGE) });
    sim.submit(Ask::Discard { conn, bytes: 3 });
    sim.flush();
    let (mut thrown, mut rest) = (0, Vec::new());
    while thrown + rest.len() < MESSAGE.len() {
        sim.wait(Wait::Until(Instant::NEVER));
        while let Some((_, event)) = sim.next_event() {
            match event {
                Event::Discarded { bytes, .. } => thrown += bytes as usize,
                Event::Received { bytes, .. } => rest.extend_from_slice(bytes),
                Event::Sent { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((thrown, rest.as_slice()), (3, &MESSAGE[3..]));
}

/// A connection that is established.
fn connected(sim: &mut Sim<Echo>) -> ConnId {
    let conn = sim.open().unwrap();
    sim.submit(Ask::Connect { conn, target: address(), local: None });
    sim.flush();
    sim.wait(Wait::Until(Instant::NEVER));
    assert!(matches!(sim.next_event(), Some((_, Event::Connected { .. }))));
    conn
}

#[test]
fn waiting_moves_time_to_the_next_event_or_to_the_end_of_the_wait() {
    let mut sim = Sim::new(3, Network { call_ns: 10, ..Network::ideal() }, Echo::default());
    sim.wait(Wait::Until(Instant(500)));
    assert_eq!(sim.now(), Instant(500));
    sim.wait(Wait::No);
    assert_eq!(sim.now(), Instant(510));
    connected(&mut sim);
    assert_eq!(sim.now(), Instant(510 + 10 + 100_000));
}

#[test]
fn a_batch_waits_for_its_number_but_not_longer_than_it_says() {
    let two_answers = |at_least, for_ns| {
        let mut sim = Sim::new(3, Network { call_ns: 0, ..Network::ideal() }, Echo::default());
        let first = sim.open().unwrap();
        sim.submit(Ask::Connect { conn: first, target: address(), local: None });
        sim.flush();
        sim.wait(Wait::Until(Instant(50_000)));
        let second = sim.open().unwrap();
        sim.submit(Ask::Connect { conn: second, target: address(), local: None });
        sim.flush();
        sim.wait(Wait::Batch { until: Instant(1_000_000), at_least, for_ns });
        (sim.now().0, std::iter::from_fn(|| sim.next_event().map(|_| ())).count())
    };
    assert_eq!(two_answers(2, 200_000), (150_000, 2), "both come");
    assert_eq!(two_answers(3, 200_000), (250_000, 2), "no third comes in time");
    assert_eq!(two_answers(2, 60_000), (110_000, 1), "the second is too late");
    assert_eq!(two_answers(2, 10_000), (100_000, 1), "the time is over, the first ends the wait");
}

#[test]
fn the_bound_of_connections_is_kept() {
    let mut sim = Sim::new(3, Network::ideal(), Echo::default()).with_bound(2);
    let (first, second) = (sim.open().unwrap(), sim.open().unwrap());
    assert_ne!(first, second);
    assert_eq!(sim.open(), None);
    sim.submit(Ask::Close { conn: first });
    sim.flush();
    assert_eq!(sim.open(), None, "taken until Closed is read (W1)");
    sim.wait(Wait::No);
    assert!(matches!(sim.next_event(), Some((_, Event::Closed))));
    assert_eq!(sim.open(), Some(first));
}

/// `breach` must panic with the seed in its message.
#[track_caller]
fn check_breach(breach: fn(&mut Sim<Echo>), want: &str) {
    let mut sim = Sim::new(99, Network::ideal(), Echo::default());
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| breach(&mut sim)));
    let message = *caught.expect_err("it must panic").downcast::<String>().unwrap();
    assert_eq!(message, format!("seed 99: {want}"));
}

#[test]
fn a_breach_of_the_wire_rules_panics_with_the_seed() {
    check_breach(|sim| sim.submit(Ask::Close { conn: ConnId(0) }), "Close on ConnId(0), a slot never given");
    check_breach(
        |sim| {
            let conn = connected(sim);
            sim.submit(Ask::Close { conn });
            sim.submit(Ask::Close { conn });
        },
        "Close on ConnId(0), which is Closing",
    );
    check_breach(
        |sim| {
            let conn = connected(sim);
            sim.submit(Ask::Close { conn });
            sim.flush();
            sim.wait(Wait::No);
            assert!(matches!(sim.next_event(), Some((_, Event::Closed))));
            sim.submit(Ask::Close { conn });
        },
        "Close on ConnId(0), which is Free",
    );
    check_breach(
        |sim| {
            let conn = connected(sim);
            sim.submit(Ask::Send { conn, payload: Payload::Shared(b"one") });
            sim.submit(Ask::Send { conn, payload: Payload::Shared(b"two") });
        },
        "Send on ConnId(0), which is Sending",
    );
    check_breach(
        |sim| {
            let conn = connected(sim);
            sim.submit(Ask::Send { conn, payload: Payload::Owned(Vec::new()) });
        },
        "Send of nothing on ConnId(0)",
    );
    check_breach(
        |sim| {
            let conn = connected(sim);
            sim.submit(Ask::Connect { conn, target: address(), local: None });
        },
        "Connect on ConnId(0), which is Idle",
    );
    check_breach(|sim| sim.wait(Wait::Until(Instant::NEVER)), "waits for ever, nothing is under way");
}
