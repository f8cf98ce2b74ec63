//! The order in which suspects are heard, and what each must have done.
//!
//! What cannot be the generator's doing (nobody listens, 503, lost segments) is heard before a
//! generator that was a little short of CPU; that answers are late is heard after it, because a
//! generator without CPU reads late, too. One that was much short of CPU comes before both.

use super::evidence::Evidence;
use super::signal::Signal;
use super::verdict::{Checks, Verdict, Who};
use crate::metrics::Ending;

const REFUSING: [Ending; 2] = [Ending::Refused, Ending::Cut];
const SHEDDING: [Ending; 6] = [
    Ending::TooMany,
    Ending::Unavailable,
    Ending::BadGateway,
    Ending::GatewayTimeout,
    Ending::ServerError,
    Ending::Other,
];

pub(super) fn judge(evidence: &Evidence) -> Verdict {
    let heard = own_errors(evidence)
        .or_else(|| refusing(evidence))
        .or_else(|| shared_host(evidence))
        .or_else(|| client_cpu_much(evidence))
        .or_else(|| accept_backlog(evidence))
        .or_else(|| network(evidence))
        .or_else(|| shedding(evidence))
        .or_else(|| client_cpu_somewhat(evidence))
        .or_else(|| application_queue(evidence))
        .or_else(|| client_vus(evidence));
    heard.unwrap_or_else(|| nobody(evidence))
}

/// The machine said no: no doubt is left whose fault that is.
fn own_errors(evidence: &Evidence) -> Option<Verdict> {
    let signal = evidence.has_own_errors()?;
    let Signal::OwnErrors { ending, .. } = signal else { return None };
    let who = match ending {
        Ending::OwnPorts => Who::ClientPorts,
        Ending::OwnFiles => Who::ClientFiles,
        _ => Who::ClientMemory,
    };
    // An errno is as sure as anything can be.
    let checks = Checks { agree: 4, known: 4, unknown: 0 };
    Some(Verdict { who, because: vec![signal], checks, headroom: None })
}

/// A generator that is refused has nothing to wait for and is busy, so that is no excuse.
fn refusing(evidence: &Evidence) -> Option<Verdict> {
    let because = evidence.ended(&REFUSING);
    let Some(Signal::Ended { ending: Ending::Refused, .. }) = because.first() else { return None };
    let checks = Checks::count([
        // The errno, and that our machine gave ports and descriptors.
        Some(true),
        Some(true),
        Some(evidence.ended(&[Ending::DialTimeout, Ending::Unreachable]).is_empty()),
        evidence.host.has_target.then_some(evidence.host.target.is_none()),
        evidence.is_lossless(),
    ]);
    Some(Verdict { who: Who::Refusing, because, checks, headroom: headroom(evidence) })
}

fn shared_host(evidence: &Evidence) -> Option<Verdict> {
    let full = evidence.is_host_full()?;
    if evidence.is_throttled().is_some() || evidence.is_stolen_from().is_some() {
        return None;
    }
    // With a schedule that was kept, a full machine did no harm.
    if evidence.load.is_open && !evidence.is_slow() && evidence.tally.failed() == 0 {
        return None;
    }
    // Others, who are neither of the two, filled it.
    if evidence.are_others_most() {
        return None;
    }
    let checks = Checks::count([
        Some(true),
        evidence.host.pressure.map(|share| share > 0.1),
        evidence.host.target.as_ref().map(|target| target.cpus > 0.1),
        Some(evidence.are_others_busy().is_none()),
        evidence.is_lossless(),
    ]);
    let because = [Some(full), evidence.is_pushed_away(), evidence.is_busy(), evidence.are_others_busy()];
    Some(Verdict { who: Who::SharedHost, because: present(because), checks, headroom: None })
}

/// So short of CPU that its part of the load was not what was asked for.
fn client_cpu_much(evidence: &Evidence) -> Option<Verdict> {
    let says_itself = !evidence.ended(&SHEDDING).is_empty();
    let sure = [
        evidence.is_throttled(),
        evidence.is_stolen_from(),
        evidence.is_busy().filter(|_| !says_itself),
        evidence.is_pushed_away_much().filter(|_| !says_itself),
        evidence.is_interrupted().filter(|_| !says_itself),
        evidence.is_late_much().filter(|_| !says_itself),
    ];
    client_cpu(evidence, present(sure))
}

/// Somewhat short of CPU while answers were late: it cannot be told from the application's doing.
fn client_cpu_somewhat(evidence: &Evidence) -> Option<Verdict> {
    if !evidence.is_slow() {
        return None;
    }
    let late = evidence.is_late_for_its_answers().filter(|_| is_short_of_cpu(evidence));
    client_cpu(evidence, present([evidence.is_pushed_away(), late]))
}

fn client_cpu(evidence: &Evidence, mut because: Vec<Signal>) -> Option<Verdict> {
    if because.is_empty() {
        return None;
    }
    let is_sure = because.len() > 1
        || matches!(because[0], Signal::Throttled { .. } | Signal::Busy { .. } | Signal::Stolen { .. });
    because.extend(evidence.are_others_busy());
    let lost = evidence.tally.failed() + evidence.tally.dropped;
    let checks = Checks::count([
        Some(true),
        Some(is_sure || evidence.are_others_busy().is_some()),
        evidence.is_lossless(),
        Some(lost == 0 || evidence.is_slow()),
        evidence.host.pressure.map(|share| share > 0.1),
    ]);
    Some(Verdict { who: Who::ClientCpu, because, checks, headroom: None })
}

fn is_short_of_cpu(evidence: &Evidence) -> bool {
    evidence.host.pressure.is_some_and(|share| share > 0.1)
        || evidence.generator.busy_max > 0.8
        || evidence.generator.run_delay_max.is_some_and(|share| share > 0.02)
}

fn accept_backlog(evidence: &Evidence) -> Option<Verdict> {
    let dropped = evidence.are_connections_dropped();
    let retried = evidence.are_syns_retried();
    let lost = evidence.are_syns_lost();
    // A network that loses SYNs loses the rest as well.
    let is_elsewhere = dropped.is_none() && evidence.is_lossless() != Some(true);
    if is_elsewhere || (dropped.is_none() && retried.is_none() && lost.is_none()) {
        return None;
    }
    let dial = evidence.ended(&[Ending::DialTimeout, Ending::RequestTimeout]);
    let mut because = present([dropped, retried, if retried.is_none() { lost } else { None }]);
    because.extend(dial);
    let checks = [
        evidence.network.listen_drops.filter(|_| evidence.host.has_target).map(|count| count > 0),
        Some(retried.is_some() || lost.is_some()),
    ];
    Some(accuse(evidence, Who::AcceptBacklog, because, checks))
}

fn network(evidence: &Evidence) -> Option<Verdict> {
    let unreachable = evidence.ended(&[Ending::Unreachable, Ending::NoSuchHost]);
    let strong = [evidence.is_lossy(), evidence.is_link_full(), evidence.are_packets_dropped()];
    let mut because = present(strong);
    because.extend(unreachable.iter().copied());
    // Nobody ever answered a SYN: a filter, or an address that nobody has.
    if evidence.tally.connects.count() == 0 {
        because.extend(evidence.ended(&[Ending::DialTimeout]));
    }
    let is_rtt = evidence.is_slow() && evidence.is_rtt_explained() == Some(false);
    if because.is_empty() && !is_rtt {
        return None;
    }
    because.extend(evidence.has_rtt_risen());
    let checks = Checks::count([
        Some(true),
        Some(evidence.generator.busy_max < 0.8),
        evidence.generator.run_delay_max.map(|share| share < 0.05),
        Some(evidence.is_throttled().is_none()),
        evidence.is_lossless().map(|lossless| !lossless || !unreachable.is_empty()),
        Some(evidence.ended(&SHEDDING).is_empty()),
    ]);
    let headroom = headroom(evidence);
    Some(Verdict { who: Who::Network, because, checks, headroom })
}

fn shedding(evidence: &Evidence) -> Option<Verdict> {
    let shed = evidence.ended(&SHEDDING);
    let cut = evidence.ended(&REFUSING);
    match (shed.is_empty(), cut.is_empty()) {
        (true, true) => None,
        (false, _) => Some(accuse(evidence, Who::Shedding, shed, [Some(true); 3])),
        (true, false) => Some(accuse(evidence, Who::Refusing, cut, [Some(true); 2])),
    }
}

fn application_queue(evidence: &Evidence) -> Option<Verdict> {
    let grown = evidence.has_wait_grown();
    let stalled = evidence.has_stalled();
    let timeouts = evidence.ended(&[Ending::RequestTimeout]);
    if grown.is_none() && stalled.is_none() && timeouts.is_empty() {
        return None;
    }
    let in_flight = evidence.has_in_flight_grown();
    let dropped = evidence.are_starts_dropped();
    let mut because = present([grown, stalled, in_flight, dropped]);
    because.extend(timeouts);
    let is_open = evidence.load.is_open;
    let checks = [
        evidence.is_rtt_explained(),
        is_open.then_some(in_flight.is_some() || dropped.is_some() || stalled.is_some()),
    ];
    Some(accuse(evidence, Who::ApplicationQueue, because, checks))
}

/// Starts found no VU, though answers came as fast as ever.
fn client_vus(evidence: &Evidence) -> Option<Verdict> {
    let dropped = evidence.are_starts_dropped()?;
    let due = evidence.tally.started + evidence.tally.dropped;
    let per_start = evidence.tally.requests() as f64 / evidence.tally.started.max(1) as f64;
    let wait_ns = evidence.tally.waits.quantile_ns(0.5).unwrap_or(0) as f64 * per_start.max(1.0);
    let vus = (due as f64 / evidence.span_ns.max(1) as f64 * wait_ns).ceil() as u64 + 1;
    let checks = Checks::count([
        Some(true),
        Some(evidence.load.is_at_cap),
        Some(vus > evidence.load.in_flight_to),
        evidence.is_lossless(),
    ]);
    let because = vec![dropped, Signal::VusNeeded { vus }];
    Some(Verdict { who: Who::ClientVus, because, checks, headroom: headroom(evidence) })
}

fn nobody(evidence: &Evidence) -> Verdict {
    let because = evidence.ended(&[Ending::Unexpected]);
    let checks = alibis(evidence).into_iter().chain([Some(because.is_empty())]);
    Verdict { who: Who::Nobody, because, checks: Checks::count(checks), headroom: headroom(evidence) }
}

/// The application is accused: everybody else must have been heard.
fn accuse<const N: usize>(
    evidence: &Evidence,
    who: Who,
    because: Vec<Signal>,
    own: [Option<bool>; N],
) -> Verdict {
    let checks = Checks::count(alibis(evidence).into_iter().chain(own));
    Verdict { who, because, checks, headroom: headroom(evidence) }
}

/// Whether everybody but the application did as it should.
fn alibis(evidence: &Evidence) -> [Option<bool>; 7] {
    let host_is_known = evidence.host.idle_really(&evidence.generator).filter(|_| evidence.host.has_target);
    [
        Some(evidence.generator.busy_max < 0.8),
        evidence.generator.run_delay_max.map(|share| share < 0.05),
        evidence.generator.throttling.map(|_| evidence.is_throttled().is_none()),
        evidence.host.steal.map(|_| evidence.is_stolen_from().is_none()),
        evidence.load.is_open.then(|| evidence.is_late().is_none()),
        host_is_known.map(|_| evidence.is_host_full().is_none()),
        evidence.is_lossless(),
    ]
}

/// How many times as much the busiest worker could do; and all of them within a quota.
fn headroom(evidence: &Evidence) -> Option<f64> {
    let generator = &evidence.generator;
    if generator.busy_max < 0.001 {
        return None;
    }
    let of_cpu = 1.0 / generator.busy_max;
    let of_quota = generator.quota_cpus.map(|cpus| cpus / generator.cpus.max(0.001));
    Some(of_quota.map_or(of_cpu, |quota| quota.min(of_cpu)))
}

fn present<const N: usize>(signals: [Option<Signal>; N]) -> Vec<Signal> {
    signals.into_iter().flatten().collect()
}
