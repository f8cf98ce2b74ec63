//! argv into flags and arguments: clap's commands from the table, and clap's errors in k6's words.

use super::command::Refusal;
use super::exit_code;
use super::flags::{self, Flag, Kind, Status};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

const ROOT_AFTER_HELP: &str = "\
A flag of run may also be set by the variable in its brackets; the flag wins.
What k6 has and ringload refuses is in docs/k6-compat.md.";
const TARGET_AFTER_HELP: &str = "\
A request's query overrides the behaviour: /?status=503&size=1k&delay=exp:5ms";
const COMPARE_AFTER_HELP: &str = "\
A and B are what --summary-export wrote, or the data of handleSummary as JSON; k6's own, too. Units of
bounds are the metric's: milliseconds, bytes, shares of 1. docs/compare.md has more.";

/// What argv holds, before any value is read.
pub struct Words {
    /// Empty: none was given.
    pub command: String,
    /// Set before the command; only global flags may be.
    pub before: Vec<Given>,
    pub flags: Vec<Given>,
    pub arguments: Vec<String>,
    /// `--version` instead of a command.
    pub version: bool,
}

/// A flag with its values, in the order of the table.
#[derive(Clone)]
pub struct Given {
    pub flag: &'static Flag,
    pub values: Vec<String>,
}

/// Words, or the text of the help that was asked for.
pub enum Parsed {
    Words(Words),
    Help(String),
}

/// `args` without the program's name.
pub fn parse(args: &[String]) -> Result<Parsed, Refusal> {
    let argv = std::iter::once("ringload").chain(args.iter().map(String::as_str));
    match root().try_get_matches_from(argv) {
        Ok(matches) => Ok(Parsed::Words(words(&matches))),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(Parsed::Help(error.render().to_string())),
        Err(error) => Err(Refusal { message: in_k6_words(&error, args), exit_code: exit_code::GENERIC }),
    }
}

pub fn root_help() -> String {
    root().render_help().to_string()
}

fn root() -> Command {
    Command::new("ringload")
        .about("Finds the breaking point of an HTTP service and says who broke first.")
        .override_usage("ringload COMMAND [flags]")
        .after_help(ROOT_AFTER_HELP)
        .term_width(100)
        // An unknown command is refused in k6's words (`cli::parse`).
        .allow_external_subcommands(true)
        .args(flags::RUN.iter().filter(|flag| flag.before_command).map(arg))
        .arg(Arg::new("version").long("version").action(ArgAction::SetTrue).help("Show the version"))
        .subcommand(
            command("run", "ringload run [flags] URL|SCRIPT|-")
                .about("Load a URL, or run a script, and report what came back"),
        )
        .subcommand(
            command("breakpoint", "ringload breakpoint [flags] URL|SCRIPT|-")
                .about("Find the load at which a service breaks, and who broke first"),
        )
        .subcommand(
            command("target", "ringload target [flags]")
                .about("Serve HTTP with a known behaviour, to try ringload on")
                .after_help(TARGET_AFTER_HELP),
        )
        .subcommand(
            command("demo", "ringload demo [flags of run]").about("Start a target and load it: a first look"),
        )
        .subcommand(command("new", "ringload new [flags] [FILE]").about("Write a first script, ready to run"))
        .subcommand(
            command("compare", "ringload compare [flags] A.json B.json")
                .about("Show two summaries side by side, and judge the second by the first")
                .after_help(COMPARE_AFTER_HELP),
        )
        .subcommand(
            command("report", "ringload report [--out FILE.html] TIMELINE.json")
                .about("Make a page of charts of what -o timeline=FILE wrote"),
        )
        .subcommand(command("version", "ringload version [--json]").about("Show the version"))
}

fn command(name: &'static str, usage: &'static str) -> Command {
    Command::new(name)
        .override_usage(usage)
        .args(flags::of(name).iter().filter(|flag| !flag.name.is_empty()).map(arg))
        // Any number, because how many are right is said in k6's words.
        .arg(Arg::new("arguments").num_args(0..).action(ArgAction::Append).hide(true))
}

fn arg(flag: &Flag) -> Arg {
    let variable = match flag.env {
        "" => String::new(),
        env => format!(" [{env}]"),
    };
    let arg = Arg::new(flag.name)
        .long(flag.name)
        .short(flag.short)
        .action(ArgAction::Append)
        .help(format!("{}{variable}", flag.help))
        .hide(flag.status != Status::Supported);
    match flag.kind {
        Kind::Switch => {
            arg.value_name(flag.value_name).num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        Kind::OptionalValue => arg.num_args(0..=1).require_equals(true).default_missing_value(""),
        // As in k6, the word after such a flag is its value whatever it looks like.
        _ => arg.value_name(flag.value_name).num_args(1).allow_hyphen_values(true),
    }
}

fn words(matches: &ArgMatches) -> Words {
    let before = given(matches, flags::RUN.iter().filter(|flag| flag.before_command));
    let version = matches.get_flag("version");
    let Some((command, matches)) = matches.subcommand() else {
        return Words { command: String::new(), before, flags: Vec::new(), arguments: Vec::new(), version };
    };
    let flags = given(matches, flags::of(command).iter());
    // An unknown command keeps its arguments under another name; they do not matter.
    let arguments = matches.try_get_many::<String>("arguments").ok().flatten();
    let arguments = arguments.into_iter().flatten().cloned().collect();
    Words { command: command.to_owned(), before, flags, arguments, version }
}

fn given(matches: &ArgMatches, flags: impl Iterator<Item = &'static Flag>) -> Vec<Given> {
    flags
        .filter(|flag| !flag.name.is_empty())
        .filter_map(|flag| {
            let values = matches.get_many::<String>(flag.name)?.cloned().collect();
            Some(Given { flag, values })
        })
        .collect()
}

/// The texts of pflag, which k6 users and their scripts know.
fn in_k6_words(error: &clap::Error, args: &[String]) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let name = context(ContextKind::InvalidArg).split([' ', '=', '[']).next().unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument if name.starts_with("--") => format!("unknown flag: {name}"),
        ErrorKind::UnknownArgument => {
            let letter = name.trim_start_matches('-');
            let group =
                |arg: &&String| arg.starts_with('-') && !arg.starts_with("--") && arg[1..].contains(letter);
            let group = args.iter().find(group).map_or(name, String::as_str);
            format!("unknown shorthand flag: '{letter}' in {group}")
        }
        ErrorKind::InvalidValue | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            // Only the last word can lack its value.
            match args.last().filter(|arg| !arg.starts_with("--")) {
                Some(group) => {
                    let letter = group.chars().last().unwrap_or_default();
                    format!("flag needs an argument: '{letter}' in {group}")
                }
                None => format!("flag needs an argument: {name}"),
            }
        }
        _ => {
            let text = error.render().to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    }
}
