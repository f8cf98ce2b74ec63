//! `docs/k6-compat.md` says of each flag, variable, option key, module and function what the program does with it.

use ringload::cli::flags::{Flag, REFUSED_COMMANDS, RUN, Status};
use ringload::options::script::{KEYS, KeyStatus};
use ringload::script::builtin_modules::{FUNCTIONS, FunctionStatus, MODULES, ModuleStatus};
use std::collections::BTreeSet;

const DOC: &str = include_str!("../docs/k6-compat.md");

/// What names the entry, then its state; without back-ticks.
type Row = (Vec<String>, &'static str);

/// The rows under these headings, whose first `names` cells name the entry.
fn documented(headings: &[&str], names: usize) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    let mut heading = "";
    for line in DOC.lines() {
        if let Some(text) = line.strip_prefix("## ") {
            heading = text;
        }
        if !headings.contains(&heading) || !line.starts_with('|') {
            continue;
        }
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('`', "")).collect();
        assert_eq!(cells.len(), names + 4, "a row of another width: {line}");
        let state = match cells[names + 1].as_str() {
            "supported" | "differs" | "own" => "supported",
            "always" => "always",
            "ignored" => "ignored",
            "refused" => "refused",
            "state" | "---" => continue,
            other => panic!("no such state: {other}"),
        };
        assert!(rows.insert((cells[1..=names].to_vec(), state)), "twice: {line}");
    }
    rows
}

#[track_caller]
fn check(documented: BTreeSet<Row>, implemented: impl Iterator<Item = Row>) {
    let implemented: BTreeSet<Row> = implemented.collect();
    let undocumented: Vec<_> = implemented.difference(&documented).collect();
    let untrue: Vec<_> = documented.difference(&implemented).collect();
    assert!(undocumented.is_empty(), "not in the document: {undocumented:#?}");
    assert!(untrue.is_empty(), "not so in the program: {untrue:#?}");
}

#[test]
fn the_document_and_the_program_agree_on_every_flag_and_variable() {
    let row = |flag: &Flag| {
        let name = if flag.name.is_empty() { String::new() } else { flag.display() };
        let state = match flag.status {
            Status::Supported => "supported",
            Status::Always => "always",
            Status::Refused => "refused",
        };
        (vec![name, flag.env.to_owned()], state)
    };
    let headings = ["Flags and variables of `k6 run`", "ringload's own"];
    check(documented(&headings, 2), RUN.iter().map(row));
}

#[test]
fn the_document_and_the_program_agree_on_every_key_of_a_scripts_options() {
    let state = |status| match status {
        KeyStatus::Honoured => "supported",
        KeyStatus::Refused => "refused",
        KeyStatus::Ignored => "ignored",
    };
    let rows = KEYS.iter().map(|key| (vec![key.name.to_owned()], state(key.status)));
    check(documented(&["Keys of a script's `options`"], 1), rows);
}

#[test]
fn the_document_and_the_program_agree_on_every_module() {
    let state = |status| match status {
        ModuleStatus::Supported => "supported",
        ModuleStatus::Refused => "refused",
    };
    let rows = MODULES.iter().map(|&(name, status)| (vec![name.to_owned()], state(status)));
    check(documented(&["Modules of k6"], 1), rows);
}

#[test]
fn the_document_and_the_program_agree_on_every_function() {
    let state = |status| match status {
        FunctionStatus::Supported => "supported",
        FunctionStatus::Refused => "refused",
    };
    let rows = FUNCTIONS.iter().flat_map(|(of, functions)| {
        functions.iter().map(move |(names, status)| {
            let names = names.split_whitespace().collect::<Vec<_>>().join(", ");
            (vec![(*of).to_owned(), names], state(*status))
        })
    });
    check(documented(&["Functions of the modules"], 2), rows);
}

#[test]
fn the_document_names_every_command_that_is_refused() {
    for command in REFUSED_COMMANDS {
        assert!(DOC.contains(&format!("`{command}`")), "{command}");
    }
}
