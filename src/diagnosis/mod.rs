//! Evidence in, verdict out: who broke first, the generator, the network or the application.
//!
//! `Evidence` is what was read between two instants, as numbers. `Validity` says whether a trial may
//! be held against the application at all; `Verdict` says who was the limit, on which signals, and
//! how sure that is. Nothing is read here: what cannot be known is `None`, and is not counted as a
//! check. First rule: never the application when the generator was at fault.

pub mod evidence;
mod facts;
mod judge;
pub mod outage;
pub mod run;
pub mod signal;
pub mod validity;
pub mod verdict;

pub use evidence::{Evidence, Failing, Generator, Host, Load, Network, Occupant, Rtt, Throttling};
pub use outage::{Availability, Outage};
pub use run::{Diagnosis, Second};
pub use signal::Signal;
pub use validity::{Fault, Validity};
pub use verdict::{Checks, Confidence, Side, Verdict, Who};

#[cfg(test)]
mod tests;
