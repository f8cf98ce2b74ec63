//! The verdict on a run: of the whole, and of its worst second, which a long run would dilute.

use super::evidence::Evidence;
use super::verdict::{Side, Verdict, Who};

/// A second of a run and what was read in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Second {
    /// Since the scenarios began.
    pub from_ns: u64,
    pub to_ns: u64,
    pub evidence: Evidence,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    pub verdict: Verdict,
    /// What the verdict rests on: that of the whole run, or of `within`.
    pub evidence: Evidence,
    /// The second that decided, if it was not the whole.
    pub within: Option<(u64, u64)>,
}

impl Diagnosis {
    pub fn of(whole: Evidence, worst: Option<Second>) -> Diagnosis {
        let verdict = Verdict::of(&whole);
        if let Some(second) = worst {
            let its = Verdict::of(&second.evidence);
            if decides(&verdict, &its, &second.evidence) {
                let within = Some((second.from_ns, second.to_ns));
                return Diagnosis { verdict: its, evidence: second.evidence, within };
            }
        }
        Diagnosis { verdict, evidence: whole, within: None }
    }
}

/// Whether the verdict on the worst second stands for the run.
fn decides(whole: &Verdict, worst: &Verdict, evidence: &Evidence) -> bool {
    let is_generators = matches!(worst.who.side(), Side::Generator | Side::SharedHost);
    match whole.who.side() {
        // A moment in which something broke; one in which nothing did harm is noise.
        Side::Nobody => worst.who != Who::Nobody && evidence.is_harmed(),
        // Never the application, nor the network, if the generator was at fault when it was worst.
        Side::Application | Side::Network => {
            is_generators && !matches!(whole.who, Who::Refusing | Who::Shedding)
        }
        Side::Generator | Side::SharedHost => false,
    }
}
