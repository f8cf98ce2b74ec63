//! `docs/k6-compat.md` says of each flag and variable what the program does with it.

use ringload::cli::flags::{REFUSED_COMMANDS, RUN, Status};
use std::collections::BTreeSet;

const DOC: &str = include_str!("../docs/k6-compat.md");

/// Flag as displayed, variable, and state, without back-ticks; either of the first may be empty.
type Row = (String, String, &'static str);

fn documented() -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for line in DOC.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('`', "")).collect();
        let [_, flag, variable, state, ..] = &cells[..] else { panic!("a row of too few cells: {line}") };
        let state = match state.as_str() {
            "supported" | "differs" | "own" => "supported",
            "always" => "always",
            "refused" => "refused",
            "state" | "---" => continue,
            other => panic!("no such state: {other}"),
        };
        assert!(rows.insert((flag.clone(), variable.clone(), state)), "twice: {line}");
    }
    rows
}

fn implemented() -> BTreeSet<Row> {
    let row = |flag: &ringload::cli::flags::Flag| {
        let name = if flag.name.is_empty() { String::new() } else { flag.display() };
        let state = match flag.status {
            Status::Supported => "supported",
            Status::Always => "always",
            Status::Refused => "refused",
        };
        (name, flag.env.to_owned(), state)
    };
    RUN.iter().map(row).collect()
}

#[test]
fn the_document_and_the_program_agree_on_every_flag_and_variable() {
    let (documented, implemented) = (documented(), implemented());
    let undocumented: Vec<_> = implemented.difference(&documented).collect();
    let untrue: Vec<_> = documented.difference(&implemented).collect();
    assert!(undocumented.is_empty(), "not in the document: {undocumented:#?}");
    assert!(untrue.is_empty(), "not so in the program: {untrue:#?}");
}

#[test]
fn the_document_names_every_command_that_is_refused() {
    for command in REFUSED_COMMANDS {
        assert!(DOC.contains(&format!("`{command}`")), "{command}");
    }
}
