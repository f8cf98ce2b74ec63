//! The timeline as JSON: what the run was, and a row for each window. `docs/timeline.md` describes
//! every field, and a test holds it to what is written here.

use crate::diagnosis::{Availability, Diagnosis};
use crate::metrics::summary::Group;
use crate::metrics::timeline::digest::Digest;
use crate::metrics::timeline::{FAILURE_CLASSES, Row, Timeline};
use crate::metrics::{ErrorKind, summary};
use crate::options::Scenario;
use crate::output::header::describe;
use crate::output::{errors, outage, ramp, verdict};
use crate::search::ramp::RampReading;
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::time::Duration;

/// Of the fields and what they mean; a change that a reader must know of makes it one more.
const SCHEMA: u32 = 1;

/// What the run was.
#[derive(Clone, Debug)]
pub struct About<'a> {
    pub version: &'a str,
    pub args: Vec<String>,
    /// RFC 3339, when the test began; how long it took; and when in it the scenarios' clock began.
    pub begun_at: String,
    pub duration: Duration,
    pub scenarios_begun: Duration,
    /// `finished`, `interrupted`, ...
    pub ended: &'static str,
    pub transport: String,
    pub workers: &'a [Option<usize>],
    pub is_open: bool,
    pub congestion_control: &'a str,
    pub kernel: String,
    pub cpu: String,
    pub cpus: usize,
    pub scenarios: &'a [Scenario],
    /// By metric.
    pub thresholds: Vec<(String, summary::Threshold)>,
    pub ramp: Option<RampReading>,
    pub availability: Availability,
    /// Of the whole run, those of `setup` too; and how they failed.
    pub requests: u64,
    pub errors: &'a [ErrorKind],
    /// Who broke first; `None` if nothing was run.
    pub diagnosis: Option<&'a Diagnosis>,
    /// In words.
    pub doubts: Vec<String>,
    /// The tree of groups, with all checks.
    pub groups: Group,
}

/// Writes the whole document.
pub fn write_timeline(
    out: &mut dyn Write,
    about: &About,
    timeline: &Timeline,
    window_ns: u64,
) -> io::Result<()> {
    let (width_ns, rows) = timeline.rows_of(window_ns);
    let (checked, violated) = timeline.seconds_checked();
    let violations = timeline.violations().iter().map(|violation| {
        json!({
            "from_s": violation.from_s,
            "in_flight": rounded(violation.in_flight),
            "rate_times_time": rounded(violation.expected),
        })
    });
    let head = json!({
        "schema": SCHEMA,
        "run": {
            "ringload": about.version,
            "args": about.args,
            "begun_at": about.begun_at,
            "duration_s": seconds(about.duration),
            "scenarios_begun_s": seconds(about.scenarios_begun),
            "ended": about.ended,
        },
        "engine": {
            "transport": about.transport,
            "workers": about.workers.len(),
            "worker_cpus": about.workers,
            "is_open": about.is_open,
            "congestion_control": about.congestion_control,
        },
        "machine": { "kernel": about.kernel, "cpu": about.cpu, "cpus": about.cpus },
        "scenarios": about.scenarios.iter().map(scenario_value).collect::<Vec<_>>(),
        "thresholds": about.thresholds.iter().map(threshold_value).collect::<Vec<_>>(),
        "verdict": about.diagnosis.map(verdict::spoken_json),
        "doubts": about.doubts,
        "checks": checks(&about.groups),
        "littles_law": {
            "seconds_checked": checked,
            "seconds_violated": violated,
            "violations": violations.collect::<Vec<_>>(),
        },
        "ramp": about.ramp.as_ref().map(ramp::to_json),
        "availability": outage::to_json(&about.availability),
        "errors": errors::to_json(about.errors, about.requests),
        "window_s": width_ns as f64 / 1e9,
        "windows_merged": width_ns > window_ns,
    });
    let head = head.to_string();
    out.write_all(&head.as_bytes()[..head.len() - 1])?;
    out.write_all(b",\"windows\":[")?;
    let is_violated = |from_s: f64| {
        let to_s = from_s + width_ns as f64 / 1e9;
        timeline.violations().iter().any(|violation| {
            (violation.from_s as f64) < to_s - 1e-6 && from_s < violation.from_s as f64 + 1.0 - 1e-6
        })
    };
    for (place, row) in rows.iter().enumerate() {
        let from_s = place as f64 * width_ns as f64 / 1e9;
        let separator = if place == 0 { "\n" } else { ",\n" };
        let row = row_value(row, from_s, timeline.workers(), is_violated(from_s));
        write!(out, "{separator}{row}")?;
    }
    out.write_all(b"\n]}\n")?;
    out.flush()
}

fn scenario_value(scenario: &Scenario) -> Value {
    json!({
        "name": scenario.name,
        "executor": scenario.executor.name(),
        "start_s": seconds(scenario.start_time),
        "in_words": describe(scenario, 1.0),
    })
}

fn threshold_value((metric, threshold): &(String, summary::Threshold)) -> Value {
    let mut value = json!({ "metric": metric, "source": threshold.source, "ok": threshold.ok });
    if let Some(windows) = &threshold.windows {
        value["windows"] = json!({
            "judged": windows.judged,
            "failed": windows.failed,
            "first_failed": windows.first_failed.map(|(from, to)| {
                json!({ "from_s": seconds(from), "to_s": seconds(to), "observed": threshold.observed })
            }),
        });
    }
    value
}

/// Those of a group, then those of the groups in it.
fn checks(group: &Group) -> Vec<Value> {
    let own = group.checks.iter().map(|check| {
        json!({ "group": group.path, "name": check.name, "passes": check.passes, "fails": check.fails })
    });
    own.chain(group.groups.iter().flat_map(checks)).collect()
}

fn row_value(row: &Row, from_s: f64, workers: usize, is_violated: bool) -> Value {
    let failed_by = FAILURE_CLASSES.iter().zip(row.failed_by).filter(|(_, count)| *count > 0);
    let mut value = json!({
        "from_s": (from_s * 1e3).round() / 1e3,
        "covered_s": rounded(row.covered_s(workers)),
        "offered": row.offered(),
        "started": row.started,
        "late": row.late,
        "dropped": row.dropped,
        "completed": row.completed,
        "interrupted": row.interrupted,
        "sent": row.sent,
        "answered": row.answered,
        "failed": row.failed,
        "failed_by": failed_by.map(|(name, count)| ((*name).to_owned(), count.into())).collect::<Map<_, _>>(),
        "untimed": row.untimed,
        "in_flight": rounded(row.in_flight(workers)),
        "vus": row.vus_active,
        "vus_max": row.vus_initialized,
        "data_sent": row.data_sent,
        "data_received": row.data_received,
        "duration_ms": digest_value(&row.duration),
        "lag_ms": { "p99": in_ms(row.lag.quantiles([0.99])[0]), "max": in_ms(row.lag.max() as f64) },
        "busy": rounded(row.busy()),
        "busiest": rounded(row.busiest),
        "littles_law_violated": is_violated,
    });
    if row.from_due.count() > 0 {
        value["from_due_ms"] = digest_value(&row.from_due);
    }
    value
}

/// `null` if nothing was measured.
fn digest_value(digest: &Digest) -> Value {
    if digest.count() == 0 {
        return Value::Null;
    }
    let [p50, p90, p95, p99] = digest.quantiles([0.5, 0.9, 0.95, 0.99]).map(in_ms);
    json!({
        "avg": in_ms(digest.mean()), "p50": p50, "p90": p90, "p95": p95, "p99": p99,
        "max": in_ms(digest.max() as f64),
    })
}

/// To the microsecond.
fn in_ms(ns: f64) -> f64 {
    (ns / 1e3).round() / 1e3
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn seconds(duration: Duration) -> f64 {
    rounded(duration.as_secs_f64())
}
