//! What each tool says that it did, read from its output. Pure; tested in `tests/duel.rs` on
//! recorded output.

use serde_json::Value;

/// A tool's own account of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count {
    /// Answered as they should be.
    pub requests: u64,
    /// By the tool's own clock: starting and ending the program are not in it.
    pub seconds: f64,
    /// Wrong statuses, and errors of connections where the tool counts them.
    pub failed: u64,
}

pub fn wrk(text: &str) -> Option<Count> {
    let answered: u64 = text.lines().find(|line| line.contains(" requests in ")).and_then(first_number)?;
    let rate: f64 = after(text, "Requests/sec:")?;
    let statuses: u64 = after(text, "Non-2xx or 3xx responses:").unwrap_or(0);
    let errors: u64 = text
        .lines()
        .filter(|line| line.trim_start().starts_with("Socket errors:"))
        .flat_map(|line| line.split([' ', ',']).filter_map(|word| word.parse::<u64>().ok()))
        .sum();
    // The time is printed with two digits, the rate with more.
    Some(Count { requests: answered - statuses, seconds: answered as f64 / rate, failed: statuses + errors })
}

pub fn ab(text: &str) -> Option<Count> {
    let complete: u64 = after(text, "Complete requests:")?;
    let failed: u64 = after(text, "Failed requests:")?;
    let statuses: u64 = after(text, "Non-2xx responses:").unwrap_or(0);
    let seconds = after(text, "Time taken for tests:")?;
    Some(Count { requests: complete.saturating_sub(failed + statuses), seconds, failed: failed + statuses })
}

pub fn h2load(text: &str) -> Option<Count> {
    let line = text.lines().find_map(|line| line.strip_prefix("requests: "))?;
    let of = |what: &str| -> Option<u64> {
        line.split(", ").find_map(|part| part.strip_suffix(what))?.parse().ok()
    };
    let requests = of(" succeeded")?;
    let finished = text.lines().find(|line| line.starts_with("finished in"))?;
    let rate: f64 = finished.split(", ").find_map(|part| part.strip_suffix(" req/s"))?.parse().ok()?;
    // What is under way when the time is up is counted nowhere.
    let failed = of(" failed")? + of(" errored")? + of(" timeout")?;
    Some(Count { requests, seconds: requests as f64 / rate, failed })
}

pub fn hey(text: &str) -> Option<Count> {
    let mut count = Count { requests: 0, seconds: after(text, "Total:")?, failed: 0 };
    let mut in_errors = false;
    for line in text.lines().map(str::trim) {
        in_errors |= line == "Error distribution:";
        // `[200]	102000 responses`, and under errors `[3]	Get …`.
        let Some((bracketed, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) else {
            continue;
        };
        match bracketed.parse::<u64>().ok()? {
            errors if in_errors => count.failed += errors,
            200..300 => count.requests += first_number::<u64>(rest)?,
            _ => count.failed += first_number::<u64>(rest)?,
        }
    }
    Some(count)
}

pub fn oha(text: &str) -> Option<Count> {
    let json: Value = serde_json::from_str(text).ok()?;
    let mut count = Count { requests: 0, seconds: json["summary"]["total"].as_f64()?, failed: 0 };
    for (status, responses) in json["statusCodeDistribution"].as_object()? {
        match status.parse::<u16>().ok()? {
            200..300 => count.requests += responses.as_u64()?,
            _ => count.failed += responses.as_u64()?,
        }
    }
    for (error, requests) in json["errorDistribution"].as_object()? {
        // What was under way at the end is no error.
        if !error.contains("deadline") {
            count.failed += requests.as_u64()?;
        }
    }
    Some(count)
}

pub fn bombardier(text: &str) -> Option<Count> {
    let json: Value = serde_json::from_str(text).ok()?;
    let result = &json["result"];
    let of = |name: &str| result[name].as_u64().unwrap_or(0);
    Some(Count {
        requests: result["req2xx"].as_u64()?,
        seconds: result["timeTakenSeconds"].as_f64()?,
        failed: of("req1xx") + of("req3xx") + of("req4xx") + of("req5xx") + of("others"),
    })
}

/// k6's `--summary-export`, and ringload's.
pub fn summary_export(text: &str) -> Option<Count> {
    let json: Value = serde_json::from_str(text).ok()?;
    let requests = &json["metrics"]["http_reqs"];
    let (count, rate) = (requests["count"].as_f64()?, requests["rate"].as_f64()?);
    // Of a rate metric the export calls "passes" what is true, and what is true here has failed.
    let failed = json["metrics"]["http_req_failed"]["passes"].as_f64().unwrap_or(0.0);
    Some(Count { requests: (count - failed) as u64, seconds: count / rate, failed: failed as u64 })
}

/// The 99th percentile of the start lag in ringload's ENGINE block, in µs.
pub fn start_lag_p99_us(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.trim_start().starts_with("start_lag"))?;
    let (_, p99) = line.split_once("p99=")?;
    let p99 = p99.trim();
    let unit = p99.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let amount: f64 = p99[..p99.len() - unit.len()].parse().ok()?;
    Some(match unit {
        "ns" => amount / 1_000.0,
        "µs" => amount,
        "ms" => amount * 1_000.0,
        "s" => amount * 1_000_000.0,
        _ => return None,
    })
}

/// The first word after `label`.
fn after<T: std::str::FromStr>(text: &str, label: &str) -> Option<T> {
    let (_, rest) = text.split_once(label)?;
    rest.split_whitespace().next()?.parse().ok()
}

fn first_number<T: std::str::FromStr>(line: &str) -> Option<T> {
    line.split_whitespace().next()?.parse().ok()
}
