//! The figures of a run, read back from what it printed and what it exported.

use crate::program::Ended;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The file of `--summary-export`, gone when the test is over.
pub struct Export {
    path: PathBuf,
}

impl Export {
    pub fn new() -> Export {
        // Tests run at the same time.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = format!("ringload-{}-{number}.json", std::process::id());
        Export { path: std::env::temp_dir().join(file) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn flag(&self) -> String {
        format!("--summary-export={}", self.path.display())
    }

    #[track_caller]
    pub fn read(&self) -> Figures {
        let text = std::fs::read_to_string(&self.path)
            .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
        Figures { root: serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}")) }
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// An exported summary.
pub struct Figures {
    pub root: Value,
}

impl Figures {
    /// A counter's count; 0 for one that is not there.
    pub fn count(&self, metric: &str) -> u64 {
        self.number(metric, "count")
    }

    /// Requests that failed, and those that did not.
    pub fn failed(&self) -> (u64, u64) {
        (self.number("http_req_failed", "passes"), self.number("http_req_failed", "fails"))
    }

    fn number(&self, metric: &str, field: &str) -> u64 {
        self.root["metrics"][metric][field].as_u64().unwrap_or(0)
    }
}

impl Ended {
    /// The number after `label....:` in the printed summary.
    #[track_caller]
    pub fn printed_count(&self, label: &str) -> u64 {
        self.printed(label).unwrap_or_else(|| panic!("no {label} in {}", self.stdout))
    }

    fn printed(&self, label: &str) -> Option<u64> {
        let start = format!("{label}..");
        let line = self.stdout.lines().map(str::trim_start).find(|line| line.starts_with(&start))?;
        line.split_once(": ")?.1.split_whitespace().next()?.parse().ok()
    }

    /// Complete and interrupted iterations, as the last progress line says.
    #[track_caller]
    pub fn last_progress(&self) -> (u64, u64) {
        let line = self.stdout.lines().rfind(|line| line.starts_with("running ("));
        let line = line.unwrap_or_else(|| panic!("no progress in {}", self.stdout));
        let before = |word: &str| {
            let count = line.split_once(word).and_then(|(before, _)| before.split_whitespace().last());
            count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no{word} in {line}"))
        };
        (before(" complete"), before(" interrupted"))
    }

    /// The "Request Failed" lines: how many requests, k6's code and text.
    pub fn failures(&self) -> Vec<(u64, String, String)> {
        let lines = self.stderr.lines().filter(|line| line.contains("msg=\"Request Failed\""));
        lines
            .map(|line| {
                let count = field(line, "count").parse().unwrap_or_else(|_| panic!("no count in {line}"));
                (count, field(line, "error_code"), field(line, "error"))
            })
            .collect()
    }

    /// The message of the last log line.
    pub fn last_message(&self) -> String {
        self.stderr.lines().last().map_or(String::new(), |line| field(line, "msg"))
    }

    /// The doubts under the engine's figures.
    pub fn doubts(&self) -> Vec<&str> {
        self.stdout.lines().filter_map(|line| line.strip_prefix("    ! ")).collect()
    }
}

/// The value of `key=` in a log line, without its quotes.
fn field(line: &str, key: &str) -> String {
    let Some((_, rest)) = line.split_once(&format!(" {key}=")) else { return String::new() };
    let Some(quoted) = rest.strip_prefix('"') else {
        return rest.split(' ').next().unwrap_or_default().to_owned();
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some(c) => value.push(c),
                None => {}
            },
            c => value.push(c),
        }
    }
    value
}
