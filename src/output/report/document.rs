//! The parts of a timeline that a report shows; `docs/timeline.md` describes them.
//!
//! Fields that came later may be missing: a file of an older version is still drawn.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Of the documents that are understood.
const SCHEMA: u32 = 1;

#[derive(Deserialize)]
pub struct Document {
    schema: u32,
    pub run: Run,
    pub engine: Engine,
    pub machine: Machine,
    #[serde(default)]
    pub scenarios: Vec<Scenario>,
    #[serde(default)]
    pub thresholds: Vec<Threshold>,
    #[serde(default)]
    pub verdict: Option<Verdict>,
    #[serde(default)]
    pub doubts: Vec<String>,
    #[serde(default)]
    pub checks: Vec<Check>,
    pub littles_law: LittlesLaw,
    pub window_s: f64,
    pub windows: Vec<Window>,
}

#[derive(Deserialize)]
pub struct Run {
    pub ringload: String,
    #[serde(default)]
    pub args: Vec<String>,
    pub begun_at: String,
    pub duration_s: f64,
    pub scenarios_begun_s: f64,
    pub ended: String,
}

#[derive(Deserialize)]
pub struct Engine {
    pub transport: String,
    pub workers: u64,
    pub is_open: bool,
    pub congestion_control: String,
}

#[derive(Deserialize)]
pub struct Machine {
    pub kernel: String,
    pub cpu: String,
    pub cpus: u64,
}

#[derive(Deserialize)]
pub struct Scenario {
    pub name: String,
    pub in_words: String,
}

#[derive(Deserialize)]
pub struct Threshold {
    pub metric: String,
    pub source: String,
    pub ok: bool,
    #[serde(default)]
    pub windows: Option<Judged>,
}

#[derive(Deserialize)]
pub struct Judged {
    pub judged: u64,
    pub failed: u64,
    pub first_failed: Option<FirstFailed>,
}

#[derive(Deserialize)]
pub struct FirstFailed {
    pub from_s: f64,
    pub to_s: f64,
}

#[derive(Deserialize)]
pub struct Verdict {
    pub who: String,
    pub text: String,
    pub confidence: String,
    pub facts: Vec<Fact>,
}

#[derive(Deserialize)]
pub struct Fact {
    pub about: String,
    pub text: String,
}

#[derive(Deserialize)]
pub struct Check {
    pub group: String,
    pub name: String,
    pub passes: u64,
    pub fails: u64,
}

#[derive(Deserialize)]
pub struct LittlesLaw {
    pub violations: Vec<Violation>,
}

#[derive(Deserialize)]
pub struct Violation {
    pub from_s: f64,
}

#[derive(Deserialize)]
pub struct Window {
    pub covered_s: f64,
    pub offered: u64,
    pub started: u64,
    pub dropped: u64,
    pub completed: u64,
    pub interrupted: u64,
    pub answered: u64,
    pub failed: u64,
    #[serde(default)]
    pub failed_by: BTreeMap<String, u64>,
    pub in_flight: f64,
    pub vus: u64,
    pub vus_max: u64,
    pub data_sent: u64,
    pub data_received: u64,
    pub duration_ms: Option<Spread>,
    #[serde(default)]
    pub from_due_ms: Option<Spread>,
    pub lag_ms: Lag,
    pub busy: f64,
    pub busiest: f64,
}

#[derive(Clone, Copy, Deserialize)]
pub struct Spread {
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

#[derive(Deserialize)]
pub struct Lag {
    pub p99: f64,
    pub max: f64,
}

pub fn parse(text: &str) -> Result<Document, String> {
    let mend = "\n  fix: give a file that -o timeline=FILE wrote, whole and of this version";
    let document: Document = serde_json::from_str(text).map_err(|error| format!("{error}{mend}"))?;
    match document.schema {
        SCHEMA if !(document.window_s.is_finite() && document.window_s > 0.0) => {
            Err(format!("`window_s` is {}, not above 0{mend}", document.window_s))
        }
        SCHEMA => Ok(document),
        other => Err(format!("its `schema` is {other}, and only {SCHEMA} is known{mend}")),
    }
}
