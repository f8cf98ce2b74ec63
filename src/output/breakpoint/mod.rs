//! What a search for the breaking point found: lines for a person, JSON for programs, and a line a
//! trial while it goes on.
//!
//! Rates are iterations a second; requests a second stand beside them where an iteration makes more
//! or less than one. `docs/breakpoint.md` describes every field of the JSON, and a test holds it to
//! what is written here.

mod advice;
mod broke;
mod json;
mod limit;
mod loads;
mod plot;
mod progress;
mod quantity;
mod remarks;
mod report;

#[cfg(test)]
mod tests;

use crate::search::Settings;

pub use json::render_json;
pub use progress::{render_status, render_trial_line};
pub use report::render_report;

/// What a report must know besides the answer.
#[derive(Clone, Debug)]
pub struct Context {
    pub version: String,
    /// The arguments of the program, without the values of headers and variables.
    pub args: Vec<String>,
    /// The URL, or the script as it was named.
    pub target: String,
    /// RFC 3339, when the search began.
    pub begun_at: String,
    pub settings: Settings,
    /// The user ended the search before it was over.
    pub interrupted: bool,
    pub transport: String,
    pub workers: usize,
    /// CPUs that the process may use.
    pub cpus: usize,
    pub cpu: String,
    pub kernel: String,
    /// Sentences that stand with the remarks: doubts, and what the driver had to lower.
    pub notes: Vec<String>,
    /// The terminal shows Unicode: the plot is drawn in blocks; else all but what is quoted is ASCII.
    pub blocks: bool,
}
