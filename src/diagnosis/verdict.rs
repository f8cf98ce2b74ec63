//! Who broke first, on which signals, and how sure that is.

use super::evidence::Evidence;
use super::judge;
use super::signal::Signal;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// The generator had too little CPU: its own work, a quota, or others on its CPUs.
    ClientCpu,
    ClientPorts,
    ClientFiles,
    ClientMemory,
    /// The schedule needs more VUs than it may have, at the target's ordinary latency.
    ClientVus,
    /// Generator and target are on one machine, and that is full.
    SharedHost,
    Network,
    /// Requests wait in the application: it answers, ever later.
    ApplicationQueue,
    /// Connections wait to be accepted.
    AcceptBacklog,
    /// Nothing listened, or connections were cut.
    Refusing,
    /// Answers say that it is too much (429, 503), or that a gateway reached nobody (502, 504).
    Shedding,
    Nobody,
}

/// Whose doing it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Generator,
    SharedHost,
    Network,
    Application,
    Nobody,
}

impl Who {
    pub fn side(self) -> Side {
        match self {
            Who::ClientCpu | Who::ClientPorts | Who::ClientFiles | Who::ClientMemory | Who::ClientVus => {
                Side::Generator
            }
            Who::SharedHost => Side::SharedHost,
            Who::Network => Side::Network,
            Who::ApplicationQueue | Who::AcceptBacklog | Who::Refusing | Who::Shedding => Side::Application,
            Who::Nobody => Side::Nobody,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    Low,
    Medium,
    High,
}

/// How many of the checks that could be made agree with the verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    pub agree: u32,
    pub known: u32,
    /// Those that could not be made: something could not be read.
    pub unknown: u32,
}

impl Checks {
    /// `None`: it could not be made.
    pub(super) fn count(made: impl IntoIterator<Item = Option<bool>>) -> Checks {
        let mut checks = Checks::default();
        for check in made {
            match check {
                None => checks.unknown += 1,
                Some(agrees) => {
                    checks.known += 1;
                    checks.agree += u32::from(agrees);
                }
            }
        }
        checks
    }

    pub fn confidence(self) -> Confidence {
        match (self.agree, self.known) {
            (agree, known) if known >= 4 && agree == known => Confidence::High,
            (agree, known) if known >= 3 && agree * 4 >= known * 3 => Confidence::Medium,
            _ => Confidence::Low,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub who: Who,
    /// What decided, with numbers; the weightiest first.
    pub because: Vec<Signal>,
    pub checks: Checks,
    /// How much more the generator could have done: 3 is three times as much. `None` if it was at
    /// fault, or did too little to tell.
    pub headroom: Option<f64>,
}

impl Verdict {
    pub fn of(evidence: &Evidence) -> Verdict {
        judge::judge(evidence)
    }

    pub fn confidence(&self) -> Confidence {
        self.checks.confidence()
    }
}
