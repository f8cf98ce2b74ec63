//! What was read between two instants: plain numbers. `None` is "could not be read".

use crate::metrics::{Ending, Tally};

/// A span of a run: a trial, a second, the whole run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    pub span_ns: u64,
    pub load: Load,
    /// What came of it, counted in the span.
    pub tally: Tally,
    /// When exchanges that failed came back, for each way in which they did.
    pub failing: Vec<Failing>,
    pub generator: Generator,
    pub host: Host,
    pub network: Network,
}

/// What was asked of the generator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// Starts come from a schedule, not from the answers before.
    pub is_open: bool,
    /// VUs at work at the beginning and at the end of the span; with a schedule they are the
    /// iterations under way.
    pub in_flight_from: u64,
    pub in_flight_to: u64,
    /// A start found no free VU, and there may be no more of them.
    pub is_at_cap: bool,
    /// Within which an answer is worth something, from the scheduled start; `None`: no goal says.
    pub deadline_ns: Option<u64>,
    /// Median time to first byte when the target was at its quietest: the unloaded baseline of a
    /// search, or the best tenth of a second of a run.
    pub quiet_wait_ns: Option<u64>,
}

/// The first and the last time at which exchanges ended so, since the scenarios began, to a tenth
/// of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failing {
    pub ending: Ending,
    pub first_ns: u64,
    pub last_ns: u64,
}

/// The workers and what they were given of the machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generator {
    /// The busiest worker's CPU time without spinning, over wall time.
    pub busy_max: f64,
    /// The longest that a worker was ready to run and had no CPU, over wall time.
    pub run_delay_max: Option<f64>,
    /// CPUs used by workers and control, without what only spun; and what only spun.
    pub cpus: f64,
    pub spun_cpus: f64,
    /// Of its cgroup and those above.
    pub throttling: Option<Throttling>,
    /// CPUs granted by the cgroup; `None`: as many as there are.
    pub quota_cpus: Option<f64>,
}

/// A cgroup that had used up its CPU quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttling {
    /// Periods in which it was stopped.
    pub periods: u64,
    /// Time for which it was stopped, its threads added up.
    pub stopped_ns: u64,
}

/// The machine that the generator runs on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Host {
    pub cpus: u32,
    /// Shares of the time of all CPUs. Spinning workers are not idle here; `idle_really` knows.
    pub idle: Option<f64>,
    pub steal: Option<f64>,
    /// The highest share of a worker's CPU that went into soft interrupts.
    pub softirq_max: Option<f64>,
    /// Share of the span in which something was ready to run and had no CPU (PSI, `some`).
    pub pressure: Option<f64>,
    /// The target is on this machine, too.
    pub has_target: bool,
    /// Who answers on the target's port, where that is to be seen.
    pub target: Option<Occupant>,
    /// Connections in TIME_WAIT at the end, and ports that the kernel may choose from.
    pub time_wait: Option<u64>,
    pub ports: Option<u64>,
}

impl Host {
    /// The share of the machine that was idle, or would have been without spinning.
    pub fn idle_really(&self, generator: &Generator) -> Option<f64> {
        let cpus = f64::from(self.cpus.max(1));
        self.idle.map(|idle| (idle + generator.spun_cpus / cpus).min(1.0))
    }

    /// CPUs used by what is neither the generator nor the target.
    pub fn rest_cpus(&self, generator: &Generator) -> Option<f64> {
        let used = f64::from(self.cpus) * (1.0 - self.idle?);
        let target = self.target.as_ref().map_or(0.0, |target| target.cpus);
        Some((used - generator.cpus - generator.spun_cpus - target).max(0.0))
    }
}

/// A process, or the container it is in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Occupant {
    pub name: String,
    /// CPUs used.
    pub cpus: f64,
    pub throttling: Option<Throttling>,
}

/// What lies between the two.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    pub segments_in: Option<u64>,
    pub segments_out: Option<u64>,
    /// Sent again; SYNs are counted apart.
    pub retransmitted: Option<u64>,
    pub syns_retransmitted: Option<u64>,
    /// Came in another order than sent: something before them was lost on the way to us.
    pub out_of_order: Option<u64>,
    /// Connections that a listener of this machine had no room for.
    pub listen_drops: Option<u64>,
    /// Packets that this machine dropped on their way in or out.
    pub packets_dropped: Option<u64>,
    /// Bits a second on the way to the target, the busier direction; and what the link can carry.
    pub link_used_bps: Option<f64>,
    pub link_bps: Option<f64>,
    /// As the kernel sees it on sampled connections.
    pub rtt: Option<Rtt>,
    /// The way to the target does not leave this machine.
    pub is_loopback: bool,
}

/// Round trips of sampled connections (TCP_INFO). An answer that takes a while carries the
/// acknowledgement with it, so up to 40 ms and more of these can be the target's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rtt {
    pub samples: u64,
    /// The smallest ever seen.
    pub min_ns: u64,
    pub p50_ns: u64,
}
