//! Collects evidence: what the workers report, what they measured and what the machine counts, as a
//! reading; and what lies between two readings, for a verdict.
//!
//! Workers hand over ten times a second, so a reading is up to 100 ms behind the clock. `read` costs
//! less than a millisecond of the control thread.

use crate::diagnosis::{Evidence, Failing, Generator, Host, Load, Network, Occupant, Rtt, Throttling};
use crate::metrics::{Ending, Ladder, Tally, Totals};
use crate::sys::cpu;
use crate::sys::gauges::{CpuTime, Gauges, Throttled, Watch};
use crate::time::{Instant, duration_ns};
use crate::worker::Report;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// How often the answers are looked at between readings.
const LOOK_EVERY_NS: u64 = 100_000_000;
/// Answers of a look that make its median worth something.
const ANSWERS_MIN: u64 = 5;
/// Clock ticks of all CPUs that make a share of them worth something.
const TICKS_MIN: u64 = 20;
/// Targets that are remembered: a balancer has a few addresses.
const TARGETS_MAX: usize = 16;

/// What stays the same while a run is watched.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    pub is_open: bool,
    /// CPU of each worker, where it is pinned.
    pub workers: Vec<Option<usize>>,
    /// Names and ports; those that are no addresses are learned from the connections.
    pub hosts: Vec<(String, u16)>,
    /// A target has an address of this machine.
    pub target_is_local: bool,
}

pub struct Collector {
    setting: Setting,
    watch: Watch,
    targets: BTreeSet<SocketAddr>,
    quota_cpus: Option<f64>,
    ports: Option<u64>,
    /// Of the connections that workers looked at.
    rtts: Ladder,
    rtt_min_ns: Option<u64>,
    begun_at: Instant,
    /// The last look at the answers, and what was seen so far.
    looked_at: Instant,
    looked: Tally,
    quiet_wait_ns: Option<u64>,
    failing: Vec<Failing>,
}

/// A moment of the run.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Since the run began.
    pub at: Instant,
    gauges: Gauges,
    tally: Tally,
    workers: Vec<WorkerReading>,
    control_ns: u64,
    in_flight: u64,
    is_at_cap: bool,
    rtts: Ladder,
}

impl Reading {
    /// VUs at work.
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct WorkerReading {
    /// Since its beginning.
    wall_ns: u64,
    cpu_ns: u64,
    spun_ns: u64,
    run_delay_ns: Option<u64>,
}

impl Collector {
    /// Begins to watch at `now`; what `totals` holds already is not looked at.
    pub fn new(setting: Setting, now: Instant, totals: &Totals) -> Collector {
        let known = setting.hosts.iter().filter_map(|(name, port)| {
            let ip = match name.as_str() {
                "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
                name => name.parse().ok()?,
            };
            Some(SocketAddr::new(ip, *port))
        });
        let targets: BTreeSet<SocketAddr> = known.take(TARGETS_MAX).collect();
        let watch = watch(&targets);
        Collector {
            quota_cpus: watch.quota_cpus(),
            ports: watch.ports(),
            watch,
            setting,
            targets,
            rtts: Ladder::default(),
            rtt_min_ns: None,
            begun_at: now,
            looked_at: now,
            looked: totals.tally().clone(),
            quiet_wait_ns: None,
            failing: Vec::new(),
        }
    }

    /// A worker has reported; `totals` has its window.
    pub fn on_report(&mut self, report: &Report, totals: &Totals) {
        let mut is_new = false;
        for path in &report.paths {
            if path.rtt_ns > 0 {
                self.rtts.record_n(path.rtt_ns, 1);
                let rtt_min_ns = if path.rtt_min_ns > 0 { path.rtt_min_ns } else { path.rtt_ns };
                self.rtt_min_ns = Some(self.rtt_min_ns.map_or(rtt_min_ns, |min| min.min(rtt_min_ns)));
            }
            if let Some(peer) = path.peer.filter(|_| self.targets.len() < TARGETS_MAX) {
                is_new |= self.targets.insert(peer);
            }
        }
        if is_new {
            self.watch = watch(&self.targets);
        }
        if report.at.since(self.looked_at) >= LOOK_EVERY_NS {
            self.look(report.at, totals.tally());
        }
    }

    fn look(&mut self, now: Instant, tally: &Tally) {
        let waits = tally.waits.since(&self.looked.waits);
        if waits.count() >= ANSWERS_MIN
            && let Some(p50_ns) = waits.quantile_ns(0.5)
        {
            self.quiet_wait_ns = Some(self.quiet_wait_ns.map_or(p50_ns, |quiet| quiet.min(p50_ns)));
        }
        let (before_ns, now_ns) = (self.looked_at.since(self.begun_at), now.since(self.begun_at));
        for ending in Ending::ALL {
            if ending == Ending::Expected || tally.ending(ending) == self.looked.ending(ending) {
                continue;
            }
            match self.failing.iter_mut().find(|failing| failing.ending == ending) {
                Some(failing) => failing.last_ns = now_ns,
                // It came after the look before.
                None => self.failing.push(Failing { ending, first_ns: before_ns, last_ns: now_ns }),
            }
        }
        self.looked_at = now;
        self.looked = tally.clone();
    }

    /// A moment's counts. `reports`: the last one of each worker, in their order.
    pub fn read<'a>(
        &mut self,
        now: Instant,
        totals: &Totals,
        reports: impl Iterator<Item = &'a Report>,
    ) -> Reading {
        let (mut in_flight, mut is_at_cap) = (0, false);
        let workers = reports.map(|report| {
            in_flight += u64::from(report.vus_active);
            is_at_cap |= report.lanes.iter().any(|lane| lane.is_short_of_vus);
            WorkerReading {
                wall_ns: report.at.since(report.begun_at),
                cpu_ns: report.cpu_ns,
                spun_ns: report.spun_ns,
                run_delay_ns: report.run_delay_ns,
            }
        });
        Reading {
            workers: workers.collect(),
            at: now,
            gauges: self.watch.read(),
            tally: totals.tally().clone(),
            control_ns: duration_ns(cpu::thread_time()),
            in_flight,
            is_at_cap,
            rtts: self.rtts.clone(),
        }
    }

    /// What happened from `a` to `b`, two readings of this collector. The deadline is the caller's
    /// to set, and so is the quiet wait if it knows better than the quietest tenth of a second.
    pub fn between(&self, a: &Reading, b: &Reading) -> Evidence {
        let span_ns = b.at.since(a.at).max(1);
        let generator = self.generator(a, b, span_ns);
        let (from_ns, to_ns) = (a.at.since(self.begun_at), b.at.since(self.begun_at));
        let overlaps = |failing: &&Failing| failing.last_ns >= from_ns && failing.first_ns <= to_ns;
        Evidence {
            span_ns,
            load: Load {
                is_open: self.setting.is_open,
                in_flight_from: a.in_flight,
                in_flight_to: b.in_flight,
                is_at_cap: b.is_at_cap,
                deadline_ns: None,
                quiet_wait_ns: self.quiet_wait_ns,
            },
            tally: b.tally.since(&a.tally),
            failing: self.failing.iter().filter(overlaps).copied().collect(),
            host: self.host(a, b, span_ns, &generator),
            network: self.network(a, b),
            generator,
        }
    }

    fn generator(&self, a: &Reading, b: &Reading, span_ns: u64) -> Generator {
        let mut generator = Generator {
            throttling: difference(b.gauges.throttled, a.gauges.throttled).map(throttling),
            quota_cpus: self.quota_cpus,
            cpus: (b.control_ns.saturating_sub(a.control_ns)) as f64 / span_ns as f64,
            ..Generator::default()
        };
        for (index, now) in b.workers.iter().enumerate() {
            let then = a.workers.get(index).copied().unwrap_or_default();
            let wall_ns = now.wall_ns.saturating_sub(then.wall_ns);
            if wall_ns == 0 {
                continue;
            }
            let share = |ns: u64| (ns as f64 / wall_ns as f64).min(1.0);
            let (cpu, spun) = (share(now.cpu_ns - then.cpu_ns), share(now.spun_ns - then.spun_ns));
            generator.busy_max = generator.busy_max.max(cpu - spun);
            generator.cpus += (cpu - spun).max(0.0);
            generator.spun_cpus += spun.min(cpu);
            if let Some(now_ns) = now.run_delay_ns {
                let delay = share(now_ns.saturating_sub(then.run_delay_ns.unwrap_or(0)));
                generator.run_delay_max = Some(generator.run_delay_max.map_or(delay, |max| max.max(delay)));
            }
        }
        generator
    }

    fn host(&self, a: &Reading, b: &Reading, span_ns: u64, generator: &Generator) -> Host {
        let times: Option<Vec<CpuTime>> = a
            .gauges
            .cpus
            .as_ref()
            .zip(b.gauges.cpus.as_ref())
            .map(|(a, b)| b.iter().zip(a).map(|(now, then)| now.since(then)).collect());
        let share = |of: fn(&CpuTime) -> u64| {
            let times = times.as_ref()?;
            let total: u64 = times.iter().map(CpuTime::total).sum();
            (total >= TICKS_MIN).then(|| times.iter().map(of).sum::<u64>() as f64 / total as f64)
        };
        let softirqs = times.iter().flatten().enumerate().filter_map(|(cpu, time)| {
            let is_ours = self.setting.workers.contains(&Some(cpu)) && time.total() > 0;
            is_ours.then(|| time.interrupts as f64 / time.total() as f64)
        });
        Host {
            cpus: times.as_ref().map_or(0, |times| times.len() as u32),
            idle: share(|time| time.idle),
            steal: share(|time| time.stolen),
            softirq_max: softirqs.reduce(f64::max),
            pressure: difference(b.gauges.pressure_ns, a.gauges.pressure_ns)
                .map(|ns| (ns as f64 / span_ns as f64).min(1.0)),
            has_target: self.setting.target_is_local || self.watch.stays_here(),
            target: self.occupant(a, b, span_ns, generator),
            time_wait: b.gauges.tcp.time_wait,
            ports: self.ports,
        }
    }

    fn occupant(&self, a: &Reading, b: &Reading, span_ns: u64, generator: &Generator) -> Option<Occupant> {
        let (then, now) = (a.gauges.target.as_ref()?, b.gauges.target.as_ref()?);
        if now.processes != then.processes {
            return None;
        }
        let cpus = match now.is_ourselves {
            false => now.cpu_ns.saturating_sub(then.cpu_ns) as f64 / span_ns as f64,
            true => {
                let all = b.gauges.process_ns.saturating_sub(a.gauges.process_ns) as f64 / span_ns as f64;
                (all - generator.cpus - generator.spun_cpus).max(0.0)
            }
        };
        Some(Occupant {
            name: now.name.clone(),
            cpus,
            throttling: difference(now.throttled, then.throttled).map(throttling),
        })
    }

    fn network(&self, a: &Reading, b: &Reading) -> Network {
        let (then, now) = (&a.gauges.tcp, &b.gauges.tcp);
        let link = b.gauges.link.zip(a.gauges.link);
        let seconds = b.gauges.at.since(a.gauges.at).max(1) as f64 / 1e9;
        let is_loopback = self.watch.stays_here();
        let dropped = link.map(|(now, then)| now.dropped.saturating_sub(then.dropped));
        let rtts = b.rtts.since(&a.rtts);
        let retransmitted = difference(now.retransmitted, then.retransmitted);
        let syns = difference(now.syns_retransmitted, then.syns_retransmitted);
        Network {
            segments_in: difference(now.segments_in, then.segments_in),
            segments_out: difference(now.segments_out, then.segments_out),
            retransmitted: retransmitted.map(|all| all.saturating_sub(syns.unwrap_or(0))),
            syns_retransmitted: syns,
            out_of_order: difference(now.out_of_order, then.out_of_order),
            // Drops count overflows, and SYNs that found the queue full.
            listen_drops: difference(now.listen_drops, then.listen_drops),
            packets_dropped: difference(b.gauges.backlog_dropped, a.gauges.backlog_dropped)
                // The loopback counts packets that nobody wanted as dropped.
                .map(|backlog| backlog + dropped.filter(|_| !is_loopback).unwrap_or(0)),
            link_used_bps: link.map(|(now, then)| {
                let bytes =
                    |of: fn(&crate::sys::gauges::LinkCounts) -> u64| of(&now).saturating_sub(of(&then));
                bytes(|link| link.bytes_in).max(bytes(|link| link.bytes_out)) as f64 * 8.0 / seconds
            }),
            link_bps: self.watch.link_bps(),
            rtt: rtts.quantile_ns(0.5).zip(self.rtt_min_ns).map(|(p50_ns, min_ns)| Rtt {
                samples: rtts.count(),
                min_ns,
                p50_ns,
            }),
            is_loopback,
        }
    }
}

fn watch(targets: &BTreeSet<SocketAddr>) -> Watch {
    Watch::of(&targets.iter().copied().collect::<Vec<_>>())
}

fn throttling(throttled: Throttled) -> Throttling {
    Throttling { periods: throttled.periods, stopped_ns: throttled.stopped_ns }
}

/// Something that grows, and is not always to be read.
trait Count: Copy {
    fn since(self, earlier: Self) -> Self;
}

impl Count for u64 {
    fn since(self, earlier: u64) -> u64 {
        self.saturating_sub(earlier)
    }
}

impl Count for Throttled {
    fn since(self, earlier: Throttled) -> Throttled {
        Throttled {
            periods: self.periods.saturating_sub(earlier.periods),
            stopped_ns: self.stopped_ns.saturating_sub(earlier.stopped_ns),
        }
    }
}

fn difference<T: Count>(now: Option<T>, then: Option<T>) -> Option<T> {
    now.zip(then).map(|(now, then)| now.since(then))
}
