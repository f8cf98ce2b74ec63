//! The one change that would help most.

use super::Context;
use crate::diagnosis::{Diagnosis, Side, Signal, Verdict, Who};
use crate::output::verdict;
use crate::search::Answer;
use crate::search::answer::{Ceiling, Finding, Remark, Skipped};

/// `None`: the limit is the target's, and nothing here would change it.
pub(super) fn advice(answer: &Answer, diagnosis: Option<&Diagnosis>, context: &Context) -> Option<String> {
    if answer.provisional {
        return None;
    }
    let judged = diagnosis.map(|diagnosis| &diagnosis.verdict);
    let is_ours = judged.is_some_and(|v| matches!(v.who.side(), Side::Generator | Side::SharedHost));
    let is_out_of_time = answer.remarks.contains(&Remark::OutOfTime { skipped: Skipped::Narrowing });
    match &answer.limit {
        Finding::NotReached { why: Ceiling::MaxRate, .. } => Some("a higher --max-rate".to_owned()),
        Finding::NotReached { why: Ceiling::MaxTime, .. } => Some("a longer --max-time".to_owned()),
        Finding::NotReached { why: Ceiling::Generator, .. } => Some(for_generator(judged, context)),
        Finding::Below { .. } if answer.capacity.is_none_or(|goodput| goodput <= 0.0) => {
            Some("a look at the target first: nothing was answered as it should be".to_owned())
        }
        _ if is_ours => Some(for_generator(judged, context)),
        _ if is_out_of_time => Some("a longer --max-time".to_owned()),
        Finding::Below { .. } => {
            Some("a look at single answers, or another goal: this one fails almost without load".to_owned())
        }
        Finding::Found(_) | Finding::Unknown => None,
    }
}

/// As after a run, but for what only a search has a flag for, or knows better.
fn for_generator(verdict: Option<&Verdict>, context: &Context) -> String {
    let is_busy =
        |verdict: &Verdict| verdict.because.iter().any(|signal| matches!(signal, Signal::Busy { .. }));
    let has_idle_cpus = context.workers < context.cpus;
    let larger = "the generator on a larger machine, or on several";
    match verdict {
        Some(Verdict { who: Who::ClientVus, because, .. }) => return vus(because),
        Some(Verdict { who: Who::ClientPorts, .. }) => {
            "several source addresses (--local-ips), or a wider net.ipv4.ip_local_port_range"
        }
        Some(Verdict { who: Who::ClientFiles, .. }) => "a higher limit of open files (`ulimit -n`)",
        Some(Verdict { who: Who::ClientMemory, .. }) => "fewer connections (--vus-limit), or more memory",
        Some(verdict) if is_busy(verdict) && has_idle_cpus => return format!("--workers {}", context.cpus),
        Some(verdict) if is_busy(verdict) => larger,
        Some(verdict) => verdict::remedy(verdict).unwrap_or(larger),
        None if has_idle_cpus => return format!("--workers {}", context.cpus),
        None => larger,
    }
    .to_owned()
}

fn vus(because: &[Signal]) -> String {
    let needed = because.iter().find_map(|signal| match signal {
        Signal::VusNeeded { vus } => Some(*vus),
        _ => None,
    });
    match needed {
        Some(vus) => format!("a higher --vus-limit: about {vus} VUs are needed"),
        None => "a higher --vus-limit".to_owned(),
    }
}
