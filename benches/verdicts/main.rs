//! Who broke first, as a confusion matrix: each cause is made some times, and the verdicts are
//! counted. `cargo bench --bench verdicts -- [--runs N] [--cause TEXT]… [--show]`.
//!
//! Needs root for cgroups and namespaces, nginx, iptables and tc; what is missing is skipped.
//! Exits with 1 if fewer than 95 % of all verdicts are right, fewer than 8 in 10 of a cause, or if
//! one says "application" when the generator was at fault.

#[allow(dead_code)]
#[path = "../../tests/real/causes.rs"]
mod causes;
#[allow(dead_code)]
#[path = "../../tests/real/network.rs"]
mod network;
#[allow(dead_code)]
#[path = "../../tests/harness/program.rs"]
mod program;
#[allow(dead_code)]
#[path = "../../tests/real/tools.rs"]
mod tools;

use causes::{CAUSES, Cause, is_applications, said};
use std::collections::BTreeMap;
use std::process::ExitCode;

struct Asked {
    runs: u32,
    causes: Vec<String>,
    /// Print what runs said.
    shows: bool,
}

/// The verdicts on one cause.
struct Row {
    cause: &'static Cause,
    said: BTreeMap<&'static str, u32>,
}

impl Row {
    fn runs(&self) -> u32 {
        self.said.values().sum()
    }

    fn right(&self) -> u32 {
        self.said.get(self.cause.want).copied().unwrap_or(0)
    }

    fn breaks_the_first_rule(&self) -> bool {
        self.cause.is_generators && self.said.keys().any(|said| is_applications(said))
    }
}

fn main() -> ExitCode {
    let asked = asked();
    let wanted = |cause: &&Cause| {
        asked.causes.is_empty() || asked.causes.iter().any(|text| cause.name.contains(text.as_str()))
    };
    let mut rows = Vec::new();
    for cause in CAUSES.iter().filter(wanted) {
        let mut row = Row { cause, said: BTreeMap::new() };
        for _ in 0..asked.runs {
            let Some(output) = cause.run() else { break };
            *row.said.entry(said(&output)).or_default() += 1;
            if asked.shows || said(&output) != cause.want {
                println!("--- {}\n{}", cause.name, verdict_lines(&output));
            }
        }
        if row.runs() > 0 {
            println!("{}", line(&row));
            rows.push(row);
        }
    }
    print_matrix(&rows);
    let (right, runs): (u32, u32) = (rows.iter().map(Row::right).sum(), rows.iter().map(Row::runs).sum());
    println!("{right} of {runs} right");
    let is_good = right * 100 >= runs * 95
        && rows.iter().all(|row| row.right() * 10 >= row.runs() * 8 && !row.breaks_the_first_rule());
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn asked() -> Asked {
    let mut asked = Asked { runs: 10, causes: Vec::new(), shows: false };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--runs" => asked.runs = args.next().and_then(|text| text.parse().ok()).expect("--runs N"),
            "--cause" => asked.causes.push(args.next().expect("--cause TEXT")),
            "--show" => asked.shows = true,
            // What cargo says to every benchmark.
            "--bench" => {}
            other => panic!("unknown argument {other:?}"),
        }
    }
    asked
}

fn verdict_lines(output: &str) -> String {
    let lines = output.lines().skip_while(|line| !line.contains("BROKE FIRST"));
    let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    if lines.is_empty() { output.to_owned() } else { lines.join("\n") }
}

fn line(row: &Row) -> String {
    let counts: Vec<String> = row.said.iter().map(|(said, count)| format!("{said} {count}")).collect();
    format!("{:<30} want {:<18} got {}", row.cause.name, row.cause.want, counts.join(", "))
}

fn print_matrix(rows: &[Row]) {
    let mut columns: Vec<&str> = rows.iter().flat_map(|row| row.said.keys().copied()).collect();
    columns.sort_unstable();
    columns.dedup();
    println!("\n| cause | {} |\n|---|{}", columns.join(" | "), "--:|".repeat(columns.len()));
    for row in rows {
        let cells = columns.iter().map(|column| match row.said.get(column) {
            Some(count) if *column == row.cause.want => format!("**{count}**"),
            Some(count) => count.to_string(),
            None => String::new(),
        });
        println!("| {} | {} |", row.cause.name, cells.collect::<Vec<_>>().join(" | "));
    }
    println!();
}
