//! Whether a trial says anything about the application: the generator must have done its part.

use super::evidence::Evidence;
use crate::metrics::Ending;

/// At least this share of what was scheduled must have been sent.
pub const SENT_MIN: f64 = 0.995;
/// A worker that is busier has no time to look at what comes.
pub const BUSY_MAX: f64 = 0.95;
/// Of the machine's CPU time, taken by a hypervisor.
pub const STEAL_MAX: f64 = 0.02;
/// The 99th percentile of lag may be this, or a share of the deadline.
const LAG_MAX_NS: u64 = 1_000_000;
const LAG_SHARE: f64 = 0.05;

/// What the generator did not do as it should.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Starts that were due and not made, though there was room for them.
    Unsent { share: f64 },
    /// Starts were late, at the 99th percentile.
    Late { p99_ns: u64, limit_ns: u64 },
    /// A worker had hardly an idle moment.
    Busy { share: f64 },
    /// The machine gave no port, descriptor or memory.
    OwnErrors { ending: Ending, requests: u64 },
    /// The cgroup's CPU quota was used up, in so many periods.
    Throttled { periods: u64 },
    /// The hypervisor gave the CPUs to somebody else.
    Stolen { share: f64 },
    /// Timings found no room.
    SamplesDropped { samples: u64 },
}

/// Valid if there is no fault. A trial with one is never evidence against the application.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Validity {
    pub faults: Vec<Fault>,
}

impl Validity {
    pub fn of(evidence: &Evidence) -> Validity {
        let mut faults = Vec::new();
        faults.extend(unsent(evidence));
        faults.extend(late(evidence));
        let busy = evidence.generator.busy_max;
        faults.extend((busy > BUSY_MAX).then_some(Fault::Busy { share: busy }));
        faults.extend(own_errors(evidence));
        let periods = evidence.generator.throttling.map_or(0, |throttling| throttling.periods);
        faults.extend((periods > 0).then_some(Fault::Throttled { periods }));
        let stolen = evidence.host.steal.filter(|&share| share > STEAL_MAX);
        faults.extend(stolen.map(|share| Fault::Stolen { share }));
        let samples = evidence.tally.dropped_samples;
        faults.extend((samples > 0).then_some(Fault::SamplesDropped { samples }));
        Validity { faults }
    }

    pub fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }
}

/// How late starts may be: a millisecond, or a twentieth of the deadline.
pub fn lag_limit_ns(deadline_ns: Option<u64>) -> u64 {
    LAG_MAX_NS.max(deadline_ns.map_or(0, |ns| (ns as f64 * LAG_SHARE) as u64))
}

/// With all VUs waiting for answers, a start that is not made is the application's loss.
fn unsent(evidence: &Evidence) -> Option<Fault> {
    let (started, dropped) = (evidence.tally.started, evidence.tally.dropped);
    let share = dropped as f64 / (started + dropped).max(1) as f64;
    let is_fault = evidence.load.is_open && !evidence.load.is_at_cap && share > 1.0 - SENT_MIN;
    is_fault.then_some(Fault::Unsent { share })
}

fn late(evidence: &Evidence) -> Option<Fault> {
    let limit_ns = lag_limit_ns(evidence.load.deadline_ns);
    let p99_ns = evidence.tally.lags.quantile_ns(0.99)?;
    (evidence.load.is_open && p99_ns > limit_ns).then_some(Fault::Late { p99_ns, limit_ns })
}

fn own_errors(evidence: &Evidence) -> impl Iterator<Item = Fault> + '_ {
    [Ending::OwnPorts, Ending::OwnFiles, Ending::OwnMemory].into_iter().filter_map(|ending| {
        let requests = evidence.tally.ending(ending);
        (requests > 0).then_some(Fault::OwnErrors { ending, requests })
    })
}
