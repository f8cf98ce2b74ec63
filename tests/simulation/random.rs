//! A thousand worlds from seeds: every executor over some network, some far end, some settings.

use crate::drive::{Run, run};
use crate::invariants;
use crate::restless::{FarEnd, Restless};
use crate::watch::Move;
use crate::world::{Load, MS, Naming, Request, S, World, ns};
use ringload::metrics::totals::Live;
use ringload::options::{BehaviourOptions, Delay, Dns, DnsPolicy, DnsSelect, Executor, Scenario, Stage};
use ringload::plan::{Plan, Share};
use ringload::time::{Instant, duration_ns};
use ringload::transport::sim::{Chunking, Network, Random};
use ringload::vu::Settings;
use ringload::worker::Message;
use ringload::worker::pacing::Spin;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

/// One world of so many is run twice.
const REPEAT_EVERY: u64 = 10;

/// Says which seed it was, whoever panics.
pub struct Announce(pub u64);

impl Drop for Announce {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}: {:#?}", self.0, world(self.0));
        }
    }
}

/// What happened in some worlds: peaceful ones prove nothing.
#[derive(Debug, Default)]
struct Seen {
    live: Live,
    /// Status and error code.
    outcomes: BTreeMap<(u16, u16), u64>,
    resent_requests: u64,
    interrupted_requests: u64,
    dropped_samples: u64,
}

fn check(seeds: Range<u64>) {
    let mut seen = Seen::default();
    for seed in seeds {
        let _announce = Announce(seed);
        let (world, far_end) = world(seed);
        let ran = run(&world, |seed| Restless::new(far_end, None, seed));
        invariants::check(&world, &ran);
        if seed.is_multiple_of(REPEAT_EVERY) {
            let again = run(&world, |seed| Restless::new(far_end, None, seed));
            assert_eq!(ran.summary(), again.summary(), "the same seed gives the same summary");
        }
        seen.add(&ran);
    }
    let Seen { live, outcomes, resent_requests, interrupted_requests, dropped_samples } = &seen;
    let failures = [1000, 1050, 1101, 1211, 1212, 1220].map(|code| (0, code));
    let answers = [(200, 0), (204, 0), (304, 0), (404, 1404), (500, 1500)];
    assert!(failures.iter().chain(&answers).all(|outcome| outcomes.contains_key(outcome)), "{seen:#?}");
    let counts = [live.complete, live.dropped, *resent_requests, *interrupted_requests, *dropped_samples];
    assert!(counts.iter().all(|&count| count > 100), "{seen:#?}");
}

impl Seen {
    fn add(&mut self, run: &Run<Restless>) {
        let live = run.totals.live();
        self.live.complete += live.complete;
        self.live.dropped += live.dropped;
        for (outcome, requests) in run.totals.exchanges_by_outcome() {
            *self.outcomes.entry(outcome).or_default() += requests;
        }
        for worker in &run.workers {
            self.resent_requests += worker.last.resent_requests;
            self.interrupted_requests += worker.last.interrupted_requests;
        }
        self.dropped_samples += run.totals.dropped_samples();
    }
}

// In two halves, for two CPUs.

#[test]
fn the_books_balance_in_worlds_0_to_499() {
    check(0..500);
}

#[test]
fn the_books_balance_in_worlds_500_to_999() {
    check(500..1_000);
}

fn one_of<T: Clone>(random: &mut Random, choices: &[T]) -> T {
    choices[random.below(choices.len() as u64) as usize].clone()
}

/// True once in `times`.
fn sometimes(random: &mut Random, times: u64) -> bool {
    random.below(times) == 0
}

pub fn world(seed: u64) -> (World, FarEnd) {
    let random = &mut Random::new(seed ^ 0x776f_726c_6400);
    let network = network(seed, random);
    let behaviour = behaviour(random);
    // Roughly what an exchange takes where nothing goes wrong.
    let exchange_ns = network.rtt.max_ns + mean_ns(behaviour.delay) + 8 * network.call_ns;
    let script = sometimes(random, 3).then(|| script(random, exchange_ns));
    let pipeline = if script.is_some() { 1 } else { one_of(random, &[1, 1, 4, 16]) };
    let byte_by_byte = network.chunking == Chunking::Bytes;
    let iterations = random.between(5, if byte_by_byte { 40 } else { 160 }) / u64::from(pipeline) + 3;
    let load = load(random, exchange_ns, iterations);
    let timeout_ns = one_of(random, &[3 * exchange_ns, 20 * exchange_ns + 300 * MS, 60 * S]);
    let no_connection_reuse = sometimes(random, 4);
    let mut world = World {
        seed,
        workers: random.between(1, 3) as u32,
        load,
        request: Request { method: one_of(random, &["GET", "GET", "POST", "HEAD"]), body: "", pipeline },
        settings: Settings {
            timeout_ns,
            dial_timeout_ns: timeout_ns.min(30 * S),
            no_connection_reuse,
            no_vu_connection_reuse: false,
            tags_ip: false,
            local_ips: None,
            user_agent: "ringload".to_owned(),
            min_iteration_ns: one_of(random, &[0, 0, 0, 2 * exchange_ns]),
            request_every_ns: 0,
            wall_at_begin: 0,
            tls: Default::default(),
        },
        script,
        slots: 0,
        making_ns: 0,
        spin: Spin::Never,
        network,
        samples: one_of(random, &[8, 4_096]),
        late_control_ppm: one_of(random, &[0, 300_000]),
        messages: Vec::new(),
        is_tls: false,
        naming: sometimes(random, 5).then(|| naming(random, exchange_ns)),
        judges: !seed.is_multiple_of(4),
    };
    if world.request.method == "POST" {
        world.request.body = one_of(random, &["", "some text of a body"]);
    }
    let vus = (0..world.workers).map(|worker| world.plan(&world.share(worker)).max_vus()).max().unwrap_or(0);
    let vus = vus * world.connections_per_vu();
    world.slots = vus + if no_connection_reuse { vus } else { vus / 4 } + one_of(random, &[0, 16]);
    // A closed loop would spin through every wait for an answer.
    let is_open = world.plan(&Share::whole()).is_open();
    if is_open && sometimes(random, 2) {
        world.spin = Spin::WhenItPays;
    }
    world.messages = messages(random, &world.load);
    let ends_ppm = one_of(random, &[0, 0, 0, 100_000]);
    (world, FarEnd { behaviour, ends_ppm, ends_after_ns: 3 * exchange_ns })
}

fn script(random: &mut Random, exchange_ns: u64) -> Vec<Move> {
    let one = |random: &mut Random| match random.below(4) {
        0 => Move::Yield,
        1 => Move::Sleep(one_of(random, &[0, exchange_ns])),
        _ => Move::Ask(one_of(random, &[1, 1, 3])),
    };
    (0..random.between(1, 5)).map(|_| one(random)).collect()
}

fn network(seed: u64, random: &mut Random) -> Network {
    let network = Network::from_seed(seed);
    match random.below(3) {
        0 => Network {
            loss_ppm: 0,
            refuse_ppm: 0,
            blackhole_ppm: 0,
            mute_ppm: 0,
            reset_ppm: 0,
            cut_ppm: 0,
            garbage_ppm: 0,
            stall_ppm: 0,
            ..network
        },
        _ => network,
    }
}

fn behaviour(random: &mut Random) -> BehaviourOptions {
    let some_ns = 10u64.pow(random.between(3, 8) as u32);
    let delay = match random.below(5) {
        0 | 1 => Delay::None,
        2 => Delay::Constant(ns(some_ns)),
        3 => Delay::Exponential { mean: ns(some_ns) },
        _ => Delay::Bimodal { fast: ns(some_ns / 10), slow: ns(some_ns * 5), slow_share: 0.1 },
    };
    BehaviourOptions {
        status: one_of(random, &[200, 200, 204, 304, 404]),
        size: one_of(random, &[0, 5, 1_500]),
        delay,
        fail: one_of(random, &[None, Some((0.3, 500))]),
        close: sometimes(random, 6),
        chunked: sometimes(random, 4),
    }
}

fn mean_ns(delay: Delay) -> u64 {
    match delay {
        Delay::None => 0,
        Delay::Constant(delay) | Delay::Exponential { mean: delay } => duration_ns(delay),
        Delay::Uniform { min, max } => duration_ns(min + max) / 2,
        Delay::Bimodal { fast, slow, .. } => (duration_ns(fast) * 9 + duration_ns(slow)) / 10,
    }
}

/// About `iterations` of them, of `exchange_ns` each, by a few VUs.
fn load(random: &mut Random, exchange_ns: u64, iterations: u64) -> Load {
    let vus = random.between(1, 8);
    let max_vus = vus + random.below(4);
    let each = iterations / vus + 1;
    // Long enough for some of the iterations, or for all.
    let time = |random: &mut Random| ns(exchange_ns * each * random.between(2, 15) / 8 + 1);
    let duration = time(random);
    let executor = match random.below(7) {
        0 => Executor::SharedIterations { vus, iterations: vus + iterations, max_duration: duration },
        1 => Executor::PerVuIterations { vus, iterations: each, max_duration: duration },
        2 => Executor::ConstantVus { vus, duration },
        3 => Executor::RampingVus {
            start_vus: random.below(vus),
            stages: stages(random, vus, duration_ns(duration)),
            graceful_ramp_down: ns(random.below(3 * exchange_ns)),
        },
        4 => Executor::ConstantArrivalRate {
            rate: iterations,
            time_unit: duration,
            duration,
            pre_allocated_vus: random.below(vus),
            max_vus,
        },
        5 => Executor::RampingArrivalRate {
            start_rate: random.below(iterations),
            time_unit: duration,
            stages: stages(random, 2 * iterations, duration_ns(duration)),
            pre_allocated_vus: random.below(vus),
            max_vus,
        },
        _ => {
            let begin = Instant(random.below(exchange_ns));
            let rate_per_s = iterations as f64 / duration.as_secs_f64();
            return Load::Controlled { begin, rate_per_s, end: begin + duration, max_vus };
        }
    };
    let start_time = if sometimes(random, 4) { time(random) } else { ns(0) };
    let graceful_stop = one_of(random, &[ns(0), ns(exchange_ns / 2), ns(30 * S)]);
    Load::Scenario(Scenario { start_time, graceful_stop, ..Scenario::of(executor) })
}

fn stages(random: &mut Random, target_max: u64, total_ns: u64) -> Vec<Stage> {
    let stage = |random: &mut Random, count| Stage {
        duration: ns(total_ns / count * random.below(3) / 2),
        target: random.below(target_max + 1),
    };
    let count = random.between(1, 4);
    // The last one has some length, so that the whole has.
    let last = Stage { duration: ns(total_ns / count + 1), target: random.below(target_max + 1) };
    (1..count).map(|_| stage(random, count)).chain([last]).collect()
}

/// Changes of a controlled rate, each said before its time, and sometimes a stop.
fn messages(random: &mut Random, load: &Load) -> Vec<(Instant, Message)> {
    let mut messages = Vec::new();
    let (begin, length_ns) = match load {
        Load::Scenario(scenario) => {
            let begin = Instant::ZERO + scenario.start_time;
            let end = Plan::new(scenario, begin, &Share::whole()).regular_end();
            (begin, end.since(begin))
        }
        Load::Controlled { begin, rate_per_s, end, .. } => {
            let (mut at, mut said) = (*begin, Instant::ZERO);
            for _ in 0..random.below(4) {
                at = at.plus_ns(random.below(end.since(at) / 2 + 1));
                said = said.max(at.minus_ns(one_of(random, &[0, 1, end.since(*begin) / 10])));
                let rate_per_s = rate_per_s * one_of(random, &[0.0, 0.3, 1.0, 2.5]);
                messages.push((said, Message::SetRate { at, rate_per_s }));
            }
            (*begin, end.since(*begin))
        }
    };
    if sometimes(random, 4) {
        let at = begin.minus_ns(10).plus_ns(random.below(length_ns * 5 / 4 + 1));
        messages.push((at, Message::Stop { now: sometimes(random, 2) }));
    }
    messages
}

fn naming(random: &mut Random, exchange_ns: u64) -> Naming {
    let found: Vec<IpAddr> = vec![[10, 0, 0, 1].into(), [10, 0, 0, 2].into()];
    Naming {
        dns: Dns {
            ttl: one_of(random, &[ns(0), ns(5 * exchange_ns), ns(300 * S)]),
            select: one_of(random, &[DnsSelect::First, DnsSelect::RoundRobin, DnsSelect::Random]),
            policy: DnsPolicy::PreferIpv4,
        },
        delay_ns: one_of(random, &[0, exchange_ns / 3, 5 * exchange_ns]),
        answers: one_of(
            random,
            &[vec![found.clone()], vec![vec![], found.clone()], vec![found, vec![], vec![], vec![]]],
        ),
    }
}
