//! The `ringload` binary: parse, run, exit status.

use ringload::cli;
use std::collections::BTreeMap;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    ExitCode::from(match cli::parse(&args, &env) {
        Ok(command) => cli::execute(command, &env),
        Err(refusal) => cli::refuse(&cli::Console::new(false, &env), &refusal),
    })
}
