//! What decided a verdict: one fact each, with its number.

use crate::metrics::Ending;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signal {
    /// Generator: the busiest worker's share of its CPU.
    Busy {
        share: f64,
    },
    /// Workers were ready to run and had no CPU, for this share of the time.
    RunDelay {
        share: f64,
    },
    /// Its cgroup was stopped in so many periods, for so long in all.
    Throttled {
        periods: u64,
        stopped_ns: u64,
    },
    /// The hypervisor took this share of the machine.
    Stolen {
        share: f64,
    },
    /// A worker's CPU was busy with soft interrupts.
    SoftInterrupts {
        share: f64,
    },
    /// Starts were so late at the 99th percentile.
    Late {
        p99_ns: u64,
    },
    /// The machine refused ports, descriptors or memory.
    OwnErrors {
        ending: Ending,
        requests: u64,
    },
    /// Starts that were not made: no VU was free.
    Dropped {
        starts: u64,
        due: u64,
    },
    /// VUs that the schedule needs at the target's ordinary latency.
    VusNeeded {
        vus: u64,
    },
    /// The machine's idle share, spinning taken as idle.
    HostIdle {
        share: f64,
    },
    /// CPUs used by others than generator and target.
    OthersBusy {
        cpus: f64,
    },
    /// Share of the segments that were sent again, or came after a gap.
    Loss {
        share: f64,
    },
    /// The smallest round trip seen, and the median.
    RttRose {
        min_ns: u64,
        p50_ns: u64,
    },
    /// Bits a second, of those that the link carries.
    LinkFull {
        used_bps: f64,
        link_bps: f64,
    },
    PacketsDropped {
        packets: u64,
    },
    /// Median time to first byte at the quietest and over the span.
    WaitGrew {
        quiet_ns: u64,
        p50_ns: u64,
    },
    /// Single answers took far longer than the median: this share took at least so long.
    Stalled {
        at_least_ns: u64,
        share: f64,
    },
    /// Iterations under way, at constant load.
    InFlightGrew {
        from: u64,
        to: u64,
    },
    /// Connections that took as long as lost SYNs take: about 1, 3 or 7 seconds.
    SynsRetried {
        connections: u64,
        of: u64,
    },
    /// A listener of this machine had no room for so many connections.
    ListenDrops {
        connections: u64,
    },
    /// Exchanges that ended so, and all of them.
    Ended {
        ending: Ending,
        requests: u64,
        of: u64,
    },
}
