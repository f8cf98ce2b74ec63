//! The command line: argv and the environment in, a `Command` or a `Refusal` out.
//!
//! The only place that knows clap. `flags` is the table of everything that can be said, `grammar`
//! splits argv by it, `read` gives texts a meaning, `run` and `target` complete and validate; a script
//! has a say in that, so `parse` leaves a run as a `RunRequest` until it is loaded.
//! `execute` carries the command out: `url_job` makes a job of a run, `console` and `screen` are for
//! what a person sees.

mod breakpoint;
pub mod command;
mod compare;
mod conclude;
mod console;
mod doubts;
mod execute;
pub mod exit_code;
pub mod flags;
mod grammar;
mod new;
mod read;
mod report;
mod reports;
mod run;
mod sample_files;
mod screen;
mod script_job;
mod search_job;
mod target;
mod timeline_file;
mod tls;
mod url_job;
mod version;

pub use command::{
    BreakpointRequest, Command, CompareCommand, LoadedScript, Refusal, ReportCommand, RunCommand, RunRequest,
    ScriptSettings, Source, TargetCommand,
};
pub use console::Console;
pub use execute::{execute, refuse};
pub use run::{complete_script, complete_url};
pub use version::render_version;

use crate::options::go;
use grammar::{Given, Parsed, Words};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// `args` without the program's name.
pub fn parse(args: &[OsString], env: &BTreeMap<String, String>) -> Result<Command, Refusal> {
    let words = match grammar::parse(&texts(args)?)? {
        Parsed::Words(words) => words,
        Parsed::Help(text) => return Ok(Command::Help(text)),
    };
    if words.version {
        return Ok(Command::Version { json: false });
    }
    match words.command.as_str() {
        "" => Ok(Command::Help(grammar::root_help())),
        "run" => {
            let source = run::source(&words.arguments);
            Ok(Command::Run(run::request(source, &all_flags(&words), env)?))
        }
        "breakpoint" => {
            let source = run::source(&words.arguments);
            let request = breakpoint::request(source, &all_flags(&words), env)?;
            Ok(Command::Breakpoint(Box::new(request)))
        }
        "demo" => {
            no_arguments(&words)?;
            let source = Source::Url(String::new());
            Ok(Command::Demo(run::request(Ok(source), &all_flags(&words), env)?))
        }
        "target" => {
            only_own_flags(&words)?;
            no_arguments(&words)?;
            Ok(Command::Target(target::command(&words.flags)?))
        }
        "new" => {
            only_own_flags(&words)?;
            new::command(&words)
        }
        "compare" => {
            only_own_flags(&words)?;
            Ok(Command::Compare(compare::command(&words.arguments, &words.flags)?))
        }
        "report" => {
            only_own_flags(&words)?;
            Ok(Command::Report(report::command(&words.arguments, &words.flags)?))
        }
        "version" => {
            only_own_flags(&words)?;
            no_arguments(&words)?;
            Ok(Command::Version { json: version_as_json(&words.flags)? })
        }
        other if flags::REFUSED_COMMANDS.contains(&other) => {
            Err(Refusal::generic(read::not_supported(&format!("the command {other:?}"))))
        }
        other => Err(Refusal::generic(unknown_command(other))),
    }
}

fn texts(args: &[OsString]) -> Result<Vec<String>, Refusal> {
    let text = |arg: &OsString| {
        arg.to_str()
            .map(str::to_owned)
            .ok_or_else(|| Refusal::generic(format!("the argument {arg:?} is not UTF-8")))
    };
    args.iter().map(text).collect()
}

fn unknown_command(command: &str) -> String {
    let hint = match command.contains("://") {
        true => format!("; write ringload run {command}"),
        false => String::new(),
    };
    format!("unknown command {command:?} for \"ringload\"{hint}")
}

/// Global flags before the command first, so that of two the one after it counts.
fn all_flags(words: &Words) -> Vec<Given> {
    let mut all: Vec<Given> = Vec::new();
    for given in words.before.iter().chain(&words.flags) {
        match all.iter_mut().find(|known| known.flag.name == given.flag.name) {
            Some(known) => known.values.extend_from_slice(&given.values),
            None => all.push(given.clone()),
        }
    }
    all
}

fn only_own_flags(words: &Words) -> Result<(), Refusal> {
    match words.before.first() {
        Some(given) => Err(Refusal::generic(format!(
            "--{} means nothing to ringload {}",
            given.flag.name, words.command
        ))),
        None => Ok(()),
    }
}

fn version_as_json(flags: &[Given]) -> Result<bool, Refusal> {
    let Some(json) = flags.first() else { return Ok(false) };
    let text = json.values.last().map_or("", String::as_str);
    go::parse_flag_bool(text).map_err(|why| Refusal::generic(read::invalid_argument(json.flag, text, &why)))
}

fn no_arguments(words: &Words) -> Result<(), Refusal> {
    match words.arguments.len() {
        0 => Ok(()),
        count => Err(Refusal::generic(format!("accepts 0 arg(s), received {count}"))),
    }
}

#[cfg(test)]
mod tests;
