//! The one change that would help most.

use super::Context;
use crate::diagnosis::{Diagnosis, Side, Signal, Verdict, Who};
use crate::search::Answer;
use crate::search::answer::{Ceiling, Finding, Remark, Skipped};

/// `None`: the limit is the target's, and nothing here would change it.
pub(super) fn advice(answer: &Answer, diagnosis: Option<&Diagnosis>, context: &Context) -> Option<String> {
    if answer.provisional {
        return None;
    }
    let verdict = diagnosis.map(|diagnosis| &diagnosis.verdict);
    let is_ours = verdict.is_some_and(|v| matches!(v.who.side(), Side::Generator | Side::SharedHost));
    let is_out_of_time = answer.remarks.contains(&Remark::OutOfTime { skipped: Skipped::Narrowing });
    match &answer.limit {
        Finding::NotReached { why: Ceiling::MaxRate, .. } => Some("a higher --max-rate".to_owned()),
        Finding::NotReached { why: Ceiling::MaxTime, .. } => Some("a longer --max-time".to_owned()),
        Finding::NotReached { why: Ceiling::Generator, .. } => Some(for_generator(verdict, context)),
        _ if is_ours => Some(for_generator(verdict, context)),
        _ if is_out_of_time => Some("a longer --max-time".to_owned()),
        Finding::Below { .. } => {
            Some("single requests first: a goal that fails at the lowest load may hold at none".to_owned())
        }
        Finding::Found(_) | Finding::Unknown => None,
    }
}

fn for_generator(verdict: Option<&Verdict>, context: &Context) -> String {
    let because = verdict.map_or(&[][..], |verdict| &verdict.because);
    let has = |is: fn(&Signal) -> bool| because.iter().any(is);
    let advice = match verdict.map(|verdict| verdict.who) {
        Some(Who::ClientPorts) => {
            "several source addresses (--local-ips), or a wider net.ipv4.ip_local_port_range"
        }
        Some(Who::ClientFiles) => "a higher limit of open files (`ulimit -n`)",
        Some(Who::ClientMemory) => "fewer connections, or more memory for sockets (net.ipv4.tcp_mem)",
        Some(Who::ClientVus) => return vus(because),
        Some(Who::SharedHost) => {
            "the generator on another machine: what was found is what both get from this one"
        }
        _ if has(|signal| matches!(signal, Signal::Throttled { .. })) => {
            "a higher CPU quota for the generator's container"
        }
        _ if has(|signal| matches!(signal, Signal::Stolen { .. })) => {
            "a machine for the generator whose CPUs are its own"
        }
        _ if has(|signal| matches!(signal, Signal::OthersBusy { .. })) => {
            "the generator alone on its CPUs: other programs used them"
        }
        _ if context.workers < context.cpus => return format!("--workers {}", context.cpus),
        _ => "the generator on a larger machine, or a second one beside it",
    };
    advice.to_owned()
}

fn vus(because: &[Signal]) -> String {
    let needed = because.iter().find_map(|signal| match signal {
        Signal::VusNeeded { vus } => Some(*vus),
        _ => None,
    });
    match needed {
        Some(vus) => format!("more VUs: about {vus} are needed (--max-vus)"),
        None => "more VUs (--max-vus)".to_owned(),
    }
}
