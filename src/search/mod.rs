//! The breaking point: which trial to make next, and what all trials together say.
//!
//! A core, as the plans and VUs are: `Search::poll_order` says what it wants done, the driver does
//! it on one warm run, and tells by `on_outcome`, `on_rested` or `on_window` what came of it.
//! `answer` is the best that is known at any time. Nothing here loads, waits or prints.
//!
//! ```text
//! let mut search = Search::new(settings, goals);
//! loop match search.poll_order(now) {            // the same order until it is answered
//!     Closed | Open => search.on_outcome(now, outcome),
//!     Rest          => search.on_rested(now),
//!     Recover       => while search.on_window(now, window) == Onward::GoOn {},
//!     Done          => break,
//! }                                              // search.goals(): deadlines to count by; ask at
//! let answer = search.answer(now);               // each order, the baseline resolves them
//! ```
//!
//! The bounds are those of draft-ietf-bmwg-mlrsearch; the trials are open loops, and what is judged
//! is counted from the scheduled start. See `docs/decisions/0025-breaking-point.md`.

pub mod answer;
mod bounds;
mod bracket;
mod conclusion;
pub mod curve;
mod fit;
pub mod goal;
mod grid;
mod judge;
pub mod little;
pub mod machine;
pub mod order;
mod orders;
pub mod outcome;
mod outcomes;
pub mod ramp;
pub mod settings;
pub mod usl;

pub use answer::{Answer, Finding, Limit};
pub use goal::{Deadline, Goal, Goals, SideCondition};
pub use machine::{Onward, Search};
pub use order::{Order, Purpose};
pub use outcome::{GoalCount, Outcome, Percentiles, RecoveryWindow, Validity};
pub use settings::{Handicap, Settings};
