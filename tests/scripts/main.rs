//! Whole runs of scripts by the real binary, against what k6 2.2.0 printed, logged and answered for
//! the same commands (`tests/cases/k6`). On the loopback, against a small server in this process.
//!
//! What a clock decides is masked: durations, rates, how many progress blocks there are.

mod cases;
mod data;
mod journal;
#[path = "../harness/program.rs"]
#[expect(dead_code, reason = "other test binaries use the rest")]
mod program;
mod run;
mod samples;
mod screen;
mod server;

use cases::{Case, Journal, Numbers};
use program::skip;
use run::Run;
use std::fmt::Write;

#[test]
fn short_runs_end_print_and_log_as_in_k6() {
    check_all(cases::SHORT);
}

#[test]
fn runs_for_a_time_end_print_and_log_as_in_k6() {
    check_all(cases::TIMED);
}

#[test]
fn every_way_to_end_has_the_exit_status_and_the_words_of_k6() {
    check_all(cases::ENDS);
}

/// Several at a time: most of them wait most of the time.
#[track_caller]
fn check_all(cases: &'static [Case]) {
    let port = server::start().port();
    let report = |case: &'static Case| {
        let mut differences = String::new();
        check(case, port, &mut differences);
        differences
    };
    let threads = 4;
    let differences: String = std::thread::scope(|scope| {
        let share =
            |first: usize| scope.spawn(move || cases[first..].iter().step_by(threads).map(report).collect());
        let shares: Vec<_> = (0..threads.min(cases.len())).map(share).collect();
        shares
            .into_iter()
            .map(|share| share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Vec<String>>()
            .concat()
    });
    assert!(differences.is_empty(), "{differences}");
}

fn check(case: &Case, port: u16, differences: &mut String) {
    let recorded = Recorded::of(case.name);
    let run = Run::of(case.name, &recorded.command, port);
    let got = run.ended.code.map(|code| code.to_string()).unwrap_or_default();
    differ(differences, case.name, "exit status", &[got], &[recorded.status.trim().to_owned()]);

    if let Some(want) = &recorded.stdout {
        let got = screen::lines(&run.ended.stdout, &case.numbers);
        differ(differences, case.name, "standard output", &got, &screen::recorded_lines(want, &case.numbers));
        if let Numbers::Related(relations) = case.numbers {
            for relation in relations {
                if let Err(why) = screen::check_relation(relation, &run.ended.stdout, want) {
                    let _ = writeln!(differences, "== {}: {why}", case.name);
                }
            }
        }
    }

    let got = journal::lines(&run.ended.stderr, run.directory(), port);
    let want = journal::recorded_lines(&recorded.stderr);
    match case.journal {
        Journal::Equal => differ(differences, case.name, "standard error", &got, &want),
        Journal::OfTheScript => {
            let want: Vec<_> = want.into_iter().filter(|line| line.ends_with(" source=console")).collect();
            differ(differences, case.name, "standard error", &got, &want);
        }
        Journal::Objects => {
            let values =
                |lines: &[String]| lines.iter().map(|line| data::canonical(line)).collect::<Vec<_>>();
            differ(differences, case.name, "standard error", &values(&got), &values(&want));
        }
        Journal::Differs(why) => skip(&format!("{}, its log lines: {why}", case.name)),
    }
    let files = [
        ("handle_data.json", "data.json"),
        ("export_summary.json", "summary.json"),
        ("export_summary_new.json", "new.json"),
    ];
    for (file, recording) in files {
        let Some(want) = recording_of(case.name, recording) else { continue };
        let got = run.file(file).unwrap_or_default();
        let (got, want) = match recording {
            "new.json" => (data::in_order(&got, port), data::in_order(&want, port)),
            _ => (got, want),
        };
        if let Err(why) = data::compare(&got, &want, matches!(case.numbers, Numbers::Equal)) {
            let _ = writeln!(differences, "== {}: {file}: {why}", case.name);
        }
    }
}

/// What k6 was asked and how it answered.
struct Recorded {
    command: String,
    status: String,
    stdout: Option<String>,
    stderr: String,
}

impl Recorded {
    fn of(name: &str) -> Recorded {
        let read = |file| recording_of(name, file).unwrap_or_else(|| panic!("{name} has no {file}"));
        Recorded {
            command: read("command.txt"),
            status: read("status.txt"),
            stdout: recording_of(name, "stdout.txt"),
            stderr: read("stderr.txt"),
        }
    }
}

fn recording_of(name: &str, file: &str) -> Option<String> {
    std::fs::read_to_string(format!("{}/tests/cases/k6/{name}/{file}", env!("CARGO_MANIFEST_DIR"))).ok()
}

/// Adds the lines that only one of the two has.
fn differ(differences: &mut String, name: &str, what: &str, got: &[String], want: &[String]) {
    if got == want {
        return;
    }
    let _ = writeln!(differences, "== {name}: {what}");
    let same_begin = got.iter().zip(want).take_while(|(got, want)| got == want).count();
    let (got, want) = (&got[same_begin..], &want[same_begin..]);
    let same_end = got.iter().rev().zip(want.iter().rev()).take_while(|(got, want)| got == want).count();
    for line in &want[..want.len() - same_end] {
        let _ = writeln!(differences, "  k6:  {line}");
    }
    for line in &got[..got.len() - same_end] {
        let _ = writeln!(differences, "  got: {line}");
    }
}
