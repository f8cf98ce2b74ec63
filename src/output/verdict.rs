//! Who broke first, in lines for a person and as JSON for programs.

use crate::diagnosis::{
    Confidence, Diagnosis, Evidence, Fault, Side, Signal, Throttling, Validity, Verdict, Who,
};
use crate::metrics::Ending;
use crate::output::number;
use crate::output::style::{Look, Paint};
use serde_json::{Map, Value, json};

/// A headline; a line each for generator, network and application, and for the machine if they
/// share one; and what would help.
pub fn render(diagnosis: &Diagnosis, colors: bool) -> String {
    let paint = Paint { colors };
    let look = match diagnosis.verdict.who.side() {
        Side::Nobody => Look::Green,
        _ => Look::Red,
    };
    let mut text = format!(
        "    {}  {}   {}\n",
        paint.text(Look::Bold, "BROKE FIRST"),
        paint.text(look, &headline(diagnosis)),
        paint.text(Look::FaintWhite, &format!("({})", confidence_words(&diagnosis.verdict))),
    );
    let mut lines = facts(diagnosis);
    lines.extend(remedy(&diagnosis.verdict).map(|remedy| ("try", vec![remedy.to_owned()])));
    for (name, facts) in lines {
        text +=
            &format!("      {} {}\n", paint.text(Look::FaintWhite, &format!("{name:<11}")), facts.join(", "));
    }
    text
}

/// The verdict for `timeline`: what a person is told, as fields.
pub fn spoken_json(diagnosis: &Diagnosis) -> Value {
    let mut lines = facts(diagnosis);
    lines.extend(remedy(&diagnosis.verdict).map(|remedy| ("try", vec![remedy.to_owned()])));
    let facts = lines.iter().map(|(about, facts)| json!({ "about": about, "text": facts.join(", ") }));
    json!({
        "who": who_name(diagnosis.verdict.who),
        "text": headline(diagnosis),
        "confidence": confidence_words(&diagnosis.verdict),
        "facts": facts.collect::<Vec<_>>(),
    })
}

/// What stands under the headline, by the place that it is about; never an empty list of facts.
pub(super) fn facts(diagnosis: &Diagnosis) -> Vec<(&'static str, Vec<String>)> {
    let evidence = &diagnosis.evidence;
    let mut places = vec![
        ("generator", generator(&diagnosis.verdict, evidence)),
        ("network", network(evidence)),
        ("application", application(evidence)),
        ("machine", machine(evidence)),
    ];
    places.retain(|(_, facts)| !facts.is_empty());
    places
}

/// The verdict in one sentence.
pub fn headline(diagnosis: &Diagnosis) -> String {
    let verdict = &diagnosis.verdict;
    let evidence = &diagnosis.evidence;
    let said = match verdict.who {
        Who::ClientCpu => format!("the generator: {}", short_of_cpu(&verdict.because)),
        Who::ClientPorts => "the generator: no local port was left".to_owned(),
        Who::ClientFiles => "the generator: no file descriptor was left".to_owned(),
        Who::ClientMemory => "the generator: the kernel had no memory left for sockets".to_owned(),
        Who::ClientVus => "the generator: the schedule needs more VUs than it may have".to_owned(),
        Who::SharedHost => "this machine, which generator and target share: its CPUs are full".to_owned(),
        Who::Network => format!("the network: {}", network_words(&verdict.because)),
        Who::ApplicationQueue => match verdict.because.first() {
            Some(Signal::Stalled { .. }) => "the application: some answers stall".to_owned(),
            _ => "the application: requests queue up in it".to_owned(),
        },
        Who::AcceptBacklog => "the application: connections wait to be accepted".to_owned(),
        Who::Refusing => {
            format!("the application: {}{}", refusing(&verdict.because), when(evidence, &verdict.because))
        }
        Who::Shedding => {
            format!("the application: {}{}", shedding(&verdict.because), when(evidence, &verdict.because))
        }
        Who::Nobody => nobody(evidence),
    };
    match diagnosis.within {
        None => said,
        Some((from_ns, to_ns)) => {
            format!("{said}, in the worst second ({} to {})", seconds(from_ns), seconds(to_ns))
        }
    }
}

/// `confidence high: 6 of 6 checks`
pub(super) fn confidence_words(verdict: &Verdict) -> String {
    let name = match verdict.confidence() {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    };
    format!("confidence {name}: {} of {} checks", verdict.checks.agree, verdict.checks.known)
}

fn short_of_cpu(because: &[Signal]) -> String {
    let words = because.iter().find_map(|signal| {
        Some(match signal {
            Signal::Throttled { .. } => "its CPU quota stopped it",
            Signal::Stolen { .. } => "the hypervisor took its CPUs",
            Signal::Busy { .. } => "a worker had no time left",
            Signal::SoftInterrupts { .. } => "interrupts filled a worker's CPU",
            Signal::RunDelay { .. } if because.iter().any(is_others) => "other programs took its CPUs",
            Signal::RunDelay { .. } => "its workers waited for a CPU",
            Signal::Late { .. } => "starts came late",
            _ => return None,
        })
    });
    words.unwrap_or("short of CPU").to_owned()
}

fn is_others(signal: &Signal) -> bool {
    matches!(signal, Signal::OthersBusy { .. })
}

/// What would help, where that is the generator's side to do. Errors of our own machine have their
/// remedy in their doubt.
pub(super) fn remedy(verdict: &Verdict) -> Option<&'static str> {
    match verdict.who {
        Who::ClientVus => Some("more --max-vus"),
        Who::SharedHost => Some("another machine for the load: here each takes CPUs from the other"),
        Who::ClientCpu => verdict.because.iter().find_map(|signal| match signal {
            Signal::Throttled { .. } => Some("a larger CPU quota for the generator, or less load"),
            Signal::Busy { .. } => Some("more --workers, or another machine for the load"),
            Signal::RunDelay { .. } if verdict.because.iter().any(is_others) => {
                Some("to stop what else runs here, or another machine for the load")
            }
            Signal::RunDelay { .. } | Signal::Stolen { .. } | Signal::SoftInterrupts { .. } => {
                Some("another machine for the load")
            }
            Signal::Late { .. } => Some("--spin on, more --workers, or a lower rate"),
            _ => None,
        }),
        _ => None,
    }
}

fn network_words(because: &[Signal]) -> &'static str {
    let is_queueing = because.iter().any(|signal| match signal {
        Signal::RttRose { min_ns, p50_ns } => p50_ns / 10 > *min_ns && *p50_ns > 10_000_000,
        _ => false,
    });
    match because.first() {
        Some(Signal::LinkFull { .. }) => "the link is full",
        Some(Signal::Loss { .. }) if is_queueing => "queues on the way are full, and packets are lost",
        Some(Signal::Loss { .. }) => "packets are lost",
        Some(Signal::PacketsDropped { .. }) => "this machine drops packets",
        Some(Signal::Ended { ending: Ending::NoSuchHost, .. }) => "the name has no address",
        Some(Signal::Ended { .. }) => "there is no way to the target",
        _ => "round trips became long",
    }
}

fn refusing(because: &[Signal]) -> &'static str {
    match because.first() {
        Some(Signal::Ended { ending: Ending::Refused, .. }) => "nothing listened",
        _ => "it cut connections",
    }
}

fn shedding(because: &[Signal]) -> &'static str {
    match because.first() {
        Some(Signal::Ended { ending: Ending::BadGateway | Ending::GatewayTimeout, .. }) => {
            "its gateway reached nobody behind it"
        }
        Some(Signal::Ended { ending: Ending::TooMany | Ending::Unavailable, .. }) => {
            "it turned requests away"
        }
        Some(Signal::Ended { ending: Ending::ServerError, .. }) => "it answered with errors",
        _ => "its answers make no sense",
    }
}

/// `, from 1.2s to 3.4s`: when the first of the signals was seen.
fn when(evidence: &Evidence, because: &[Signal]) -> String {
    let Some(Signal::Ended { ending, .. }) = because.first() else { return String::new() };
    match evidence.failing.iter().find(|failing| failing.ending == *ending) {
        Some(failing) => format!(", from {} to {}", seconds(failing.first_ns), seconds(failing.last_ns)),
        None => String::new(),
    }
}

/// What a run without a breaking point can honestly claim.
fn nobody(evidence: &Evidence) -> String {
    let requests = evidence.tally.requests();
    let unexpected = evidence.tally.ending(Ending::Unexpected);
    let failed = evidence.tally.failed();
    if requests == 0 {
        return "nothing: no request came to its end".to_owned();
    }
    if unexpected * 2 > requests {
        return format!(
            "nothing, but {unexpected} of {requests} responses were not expected ones (4xx): is the request right?"
        );
    }
    let failures = match failed {
        0 => "none failed".to_owned(),
        failed => format!("{failed} failed"),
    };
    let load = match evidence.load.is_open {
        true => "at the scheduled rate",
        false => "as fast as the VUs asked for them; a closed loop finds no limit",
    };
    format!("nothing: {requests} requests, {failures}, {load}")
}

fn generator(verdict: &Verdict, evidence: &Evidence) -> Vec<String> {
    let generator = &evidence.generator;
    let mut facts = vec![format!("{:.0}% busy", generator.busy_max * 100.0)];
    if let Some(share) = generator.run_delay_max.filter(|share| *share >= 0.01) {
        facts.push(format!("waited {:.0}% of the time for a CPU", share * 100.0));
    }
    if let Some(Throttling { periods: periods @ 1.., stopped_ns }) = generator.throttling {
        facts.push(format!("stopped by its quota in {periods} periods, {} in all", time(stopped_ns)));
    }
    if let Some(share) = evidence.host.steal.filter(|share| *share >= 0.005) {
        facts.push(format!("{} stolen by the hypervisor", percent(share)));
    }
    if evidence.load.is_open
        && let Some(p99_ns) = evidence.tally.lags.quantile_ns(0.99)
    {
        facts.push(format!("start lag p99 {}", time(p99_ns)));
    }
    for signal in &verdict.because {
        match *signal {
            Signal::OwnErrors { ending, requests } => {
                let what = match ending {
                    Ending::OwnPorts => "for want of a port",
                    Ending::OwnFiles => "for want of a descriptor",
                    _ => "for want of memory",
                };
                facts.push(format!("{requests} requests failed {what}"));
            }
            Signal::Dropped { starts, due } => facts.push(format!("{starts} of {due} starts found no VU")),
            Signal::VusNeeded { vus } => facts.push(format!("about {vus} VUs are needed")),
            Signal::OthersBusy { cpus } => facts.push(format!("others used {cpus:.1} CPUs")),
            _ => {}
        }
    }
    if verdict.who == Who::ClientPorts
        && let Some((time_wait, ports)) = evidence.host.time_wait.zip(evidence.host.ports)
    {
        facts.push(format!("{time_wait} ports of {ports} wait (TIME_WAIT)"));
    }
    if let Some(headroom) = verdict.headroom.filter(|headroom| *headroom >= 1.05) {
        let factor = if headroom < 100.0 { format!("{headroom:.1}") } else { format!("{headroom:.0}") };
        facts.push(format!("{factor}x headroom"));
    }
    facts
}

fn network(evidence: &Evidence) -> Vec<String> {
    let network = &evidence.network;
    let mut facts = Vec::new();
    if network.is_loopback {
        facts.push("within this machine".to_owned());
    }
    let share = |part: Option<u64>, of: Option<u64>| Some(part? as f64 / of?.max(1) as f64);
    if let Some(lost) = share(network.retransmitted, network.segments_out) {
        facts.push(format!("{} retransmits", percent(lost)));
    }
    if let Some(gaps) = share(network.out_of_order, network.segments_in).filter(|share| *share >= 0.0005) {
        facts.push(format!("{} came after a gap", percent(gaps)));
    }
    if let Some(rtt) = network.rtt {
        facts.push(format!("round trip {} (best {})", time(rtt.p50_ns), time(rtt.min_ns)));
    }
    if let Some((used, link)) = network.link_used_bps.zip(network.link_bps).filter(|_| !network.is_loopback) {
        facts.push(format!("{} of {:.0} Gbit/s", percent(used / link), link / 1e9));
    }
    if let Some(packets @ 1..) = network.packets_dropped {
        facts.push(format!("{packets} packets dropped here"));
    }
    facts
}

fn application(evidence: &Evidence) -> Vec<String> {
    let tally = &evidence.tally;
    let mut facts = Vec::new();
    if let (Some(p50_ns), Some(p99_ns)) = (tally.waits.quantile_ns(0.5), tally.waits.quantile_ns(0.99)) {
        let grown = evidence.load.quiet_wait_ns.filter(|quiet| p50_ns > 2 * quiet);
        let from = grown.map_or(String::new(), |quiet_ns| format!("{} -> ", time(quiet_ns)));
        facts.push(format!("first byte after {from}{} (p99 {})", time(p50_ns), time(p99_ns)));
    }
    let requests = tally.requests();
    let mut endings: Vec<(u64, Ending)> = Ending::ALL.map(|ending| (tally.ending(ending), ending)).to_vec();
    endings.retain(|(count, ending)| *count > 0 && *ending != Ending::Expected);
    endings.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    for (count, ending) in endings.into_iter().take(3) {
        facts.push(format!("{count} of {requests} {}", words(ending)));
    }
    if let Some(connections @ 1..) = evidence.network.listen_drops.filter(|_| evidence.host.has_target) {
        facts.push(format!("{connections} connections found its backlog full"));
    }
    facts
}

/// The CPUs of a machine that both are on.
fn machine(evidence: &Evidence) -> Vec<String> {
    let (host, generator) = (&evidence.host, &evidence.generator);
    if !host.has_target {
        return Vec::new();
    }
    let (Some(idle), Some(rest)) = (host.idle_really(generator), host.rest_cpus(generator)) else {
        return Vec::new();
    };
    let mut facts = vec![format!("of {} CPUs the generator used {:.2}", host.cpus, generator.cpus)];
    match &host.target {
        Some(target) => {
            facts.push(format!("the target ({}) {:.2}", target.name, target.cpus));
            facts.push(format!("others {rest:.2}"));
        }
        None => facts.push(format!("target and others {rest:.2}")),
    }
    facts.push(format!("idle {:.2}", idle * f64::from(host.cpus)));
    if let Some(Throttling { periods: periods @ 1.., .. }) =
        host.target.as_ref().and_then(|target| target.throttling)
    {
        facts.push(format!("the target's quota stopped it in {periods} periods"));
    }
    facts
}

fn words(ending: Ending) -> &'static str {
    match ending {
        Ending::Expected => "as expected",
        Ending::Unexpected => "with a status that was not expected",
        Ending::TooMany => "answered 429",
        Ending::Unavailable => "answered 503",
        Ending::BadGateway => "answered 502",
        Ending::GatewayTimeout => "answered 504",
        Ending::ServerError => "answered with another 5xx",
        Ending::Refused => "refused",
        Ending::Cut => "cut off",
        Ending::DialTimeout => "timed out connecting",
        Ending::RequestTimeout => "timed out",
        Ending::Unreachable => "found no route",
        Ending::NoSuchHost => "found no address",
        Ending::OwnPorts => "had no port",
        Ending::OwnFiles => "had no descriptor",
        Ending::OwnMemory => "had no memory",
        Ending::Other => "failed otherwise",
    }
}

/// Three digits, in the unit that fits.
pub(super) fn time(ns: u64) -> String {
    number::time(rounded(ns as f64 / 1e6), None)
}

/// Three digits are more than a ladder knows.
fn rounded(ms: f64) -> f64 {
    if ms == 0.0 {
        return 0.0;
    }
    let scale = 10f64.powf(2.0 - ms.abs().log10().floor());
    (ms * scale).round() / scale
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

fn seconds(ns: u64) -> String {
    format!("{:.1}s", ns as f64 / 1e9)
}

/// The diagnosis as JSON: names in snake case, numbers with their units.
pub fn to_json(diagnosis: &Diagnosis) -> Value {
    let verdict = &diagnosis.verdict;
    let evidence = &diagnosis.evidence;
    let confidence = match verdict.confidence() {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    };
    json!({
        "who": who_name(verdict.who),
        "side": side_name(verdict.who.side()),
        "text": headline(diagnosis),
        "confidence": confidence,
        "checks": { "agree": verdict.checks.agree, "known": verdict.checks.known, "unknown": verdict.checks.unknown },
        "because": verdict.because.iter().map(signal_json).collect::<Vec<_>>(),
        "headroom": verdict.headroom,
        "within_ns": diagnosis.within.map(|(from, to)| json!([from, to])),
        "validity": validity_json(&Validity::of(evidence)),
        "evidence": evidence_json(evidence),
    })
}

/// Whether a trial counts, and if not, why.
pub fn validity_json(validity: &Validity) -> Value {
    json!({
        "valid": validity.is_valid(),
        "faults": validity.faults.iter().map(fault_json).collect::<Vec<_>>(),
    })
}

pub fn who_name(who: Who) -> &'static str {
    match who {
        Who::ClientCpu => "client_cpu",
        Who::ClientPorts => "client_ports",
        Who::ClientFiles => "client_files",
        Who::ClientMemory => "client_memory",
        Who::ClientVus => "client_vus",
        Who::SharedHost => "shared_host",
        Who::Network => "network",
        Who::ApplicationQueue => "application_queue",
        Who::AcceptBacklog => "accept_backlog",
        Who::Refusing => "refusing",
        Who::Shedding => "shedding",
        Who::Nobody => "nobody",
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Generator => "generator",
        Side::SharedHost => "shared_host",
        Side::Network => "network",
        Side::Application => "application",
        Side::Nobody => "nobody",
    }
}

fn ending_name(ending: Ending) -> &'static str {
    match ending {
        Ending::Expected => "expected",
        Ending::Unexpected => "unexpected",
        Ending::TooMany => "429",
        Ending::Unavailable => "503",
        Ending::BadGateway => "502",
        Ending::GatewayTimeout => "504",
        Ending::ServerError => "5xx",
        Ending::Refused => "refused",
        Ending::Cut => "cut",
        Ending::DialTimeout => "dial_timeout",
        Ending::RequestTimeout => "request_timeout",
        Ending::Unreachable => "unreachable",
        Ending::NoSuchHost => "no_such_host",
        Ending::OwnPorts => "own_ports",
        Ending::OwnFiles => "own_files",
        Ending::OwnMemory => "own_memory",
        Ending::Other => "other",
    }
}

fn fault_json(fault: &Fault) -> Value {
    match *fault {
        Fault::Unsent { share } => json!({ "fault": "unsent", "share": share }),
        Fault::Late { p99_ns, limit_ns } => {
            json!({ "fault": "late", "p99_ns": p99_ns, "limit_ns": limit_ns })
        }
        Fault::Busy { share } => json!({ "fault": "busy", "share": share }),
        Fault::OwnErrors { ending, requests } => {
            json!({ "fault": ending_name(ending), "requests": requests })
        }
        Fault::Throttled { periods } => json!({ "fault": "throttled", "periods": periods }),
        Fault::Stolen { share } => json!({ "fault": "stolen", "share": share }),
        Fault::SamplesDropped { samples } => json!({ "fault": "samples_dropped", "samples": samples }),
    }
}

fn signal_json(signal: &Signal) -> Value {
    match *signal {
        Signal::Busy { share } => json!({ "signal": "busy", "share": share }),
        Signal::RunDelay { share } => json!({ "signal": "run_delay", "share": share }),
        Signal::Throttled { periods, stopped_ns } => {
            json!({ "signal": "throttled", "periods": periods, "stopped_ns": stopped_ns })
        }
        Signal::Stolen { share } => json!({ "signal": "stolen", "share": share }),
        Signal::SoftInterrupts { share } => json!({ "signal": "soft_interrupts", "share": share }),
        Signal::Late { p99_ns } => json!({ "signal": "late", "p99_ns": p99_ns }),
        Signal::OwnErrors { ending, requests } => {
            json!({ "signal": ending_name(ending), "requests": requests })
        }
        Signal::Dropped { starts, due } => json!({ "signal": "dropped", "starts": starts, "due": due }),
        Signal::VusNeeded { vus } => json!({ "signal": "vus_needed", "vus": vus }),
        Signal::HostIdle { share } => json!({ "signal": "host_idle", "share": share }),
        Signal::OthersBusy { cpus } => json!({ "signal": "others_busy", "cpus": cpus }),
        Signal::Loss { share } => json!({ "signal": "loss", "share": share }),
        Signal::RttRose { min_ns, p50_ns } => {
            json!({ "signal": "rtt_rose", "min_ns": min_ns, "p50_ns": p50_ns })
        }
        Signal::LinkFull { used_bps, link_bps } => {
            json!({ "signal": "link_full", "used_bps": used_bps, "link_bps": link_bps })
        }
        Signal::PacketsDropped { packets } => json!({ "signal": "packets_dropped", "packets": packets }),
        Signal::WaitGrew { quiet_ns, p50_ns } => {
            json!({ "signal": "wait_grew", "quiet_ns": quiet_ns, "p50_ns": p50_ns })
        }
        Signal::Stalled { at_least_ns, share } => {
            json!({ "signal": "stalled", "at_least_ns": at_least_ns, "share": share })
        }
        Signal::InFlightGrew { from, to } => json!({ "signal": "in_flight_grew", "from": from, "to": to }),
        Signal::SynsRetried { connections, of } => {
            json!({ "signal": "syns_retried", "connections": connections, "of": of })
        }
        Signal::ListenDrops { connections } => {
            json!({ "signal": "listen_drops", "connections": connections })
        }
        Signal::Ended { ending, requests, of } => {
            json!({ "signal": "ended", "ending": ending_name(ending), "requests": requests, "of": of })
        }
    }
}

/// All numbers: `null` is what could not be read.
fn evidence_json(evidence: &Evidence) -> Value {
    let (load, tally) = (&evidence.load, &evidence.tally);
    let (generator, host, network) = (&evidence.generator, &evidence.host, &evidence.network);
    let endings = Ending::ALL.iter().filter(|&&ending| tally.ending(ending) > 0);
    let endings: Map<String, Value> =
        endings.map(|&ending| (ending_name(ending).to_owned(), tally.ending(ending).into())).collect();
    let throttling = |throttling: Option<Throttling>| {
        throttling.map(|t| json!({ "periods": t.periods, "stopped_ns": t.stopped_ns }))
    };
    let failing = evidence.failing.iter().map(|failing| {
        json!({ "ending": ending_name(failing.ending), "first_ns": failing.first_ns, "last_ns": failing.last_ns })
    });
    json!({
        "span_ns": evidence.span_ns,
        "load": {
            "open": load.is_open,
            "started": tally.started,
            "dropped": tally.dropped,
            "lag_p99_ns": tally.lags.quantile_ns(0.99),
            "in_flight": [load.in_flight_from, load.in_flight_to],
            "at_cap": load.is_at_cap,
        },
        "endings": endings,
        "failing": failing.collect::<Vec<_>>(),
        "wait": {
            "quiet_ns": load.quiet_wait_ns,
            "p50_ns": tally.waits.quantile_ns(0.5),
            "p99_ns": tally.waits.quantile_ns(0.99),
        },
        "generator": {
            "busy": generator.busy_max,
            "run_delay": generator.run_delay_max,
            "cpus": generator.cpus,
            "spun_cpus": generator.spun_cpus,
            "throttling": throttling(generator.throttling),
            "quota_cpus": generator.quota_cpus,
            "samples_dropped": tally.dropped_samples,
        },
        "host": {
            "cpus": host.cpus,
            "idle": host.idle,
            "steal": host.steal,
            "softirq": host.softirq_max,
            "pressure": host.pressure,
            "has_target": host.has_target,
            "target": host.target.as_ref().map(|target| json!({
                "name": target.name,
                "cpus": target.cpus,
                "throttling": throttling(target.throttling),
            })),
            "time_wait": host.time_wait,
            "ports": host.ports,
        },
        "network": {
            "segments_in": network.segments_in,
            "segments_out": network.segments_out,
            "retransmitted": network.retransmitted,
            "syns_retransmitted": network.syns_retransmitted,
            "out_of_order": network.out_of_order,
            "listen_drops": network.listen_drops,
            "packets_dropped": network.packets_dropped,
            "link_used_bps": network.link_used_bps,
            "link_bps": network.link_bps,
            "rtt": network.rtt.map(|rtt| json!({
                "samples": rtt.samples,
                "min_ns": rtt.min_ns,
                "p50_ns": rtt.p50_ns,
            })),
            "loopback": network.is_loopback,
        },
    })
}

#[cfg(test)]
mod tests;
