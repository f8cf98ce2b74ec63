//! `ringload compare`: two files into a comparison, and the exit status that its conditions ask for.

use super::command::{CompareCommand, Refusal};
use super::console::Console;
use super::exit_code;
use super::grammar::Given;
use super::read::invalid_argument;
use crate::options::go;
use crate::output::compare::{self, Comparison, Condition, Figures, Side};
use std::path::{Path, PathBuf};

pub fn command(arguments: &[String], given: &[Given]) -> Result<CompareCommand, Refusal> {
    let [a, b] = arguments else {
        return Err(Refusal::generic(format!(
            "accepts 2 arg(s), received {}: the summary of before, and the one of now",
            arguments.len()
        )));
    };
    let (a, b) = (PathBuf::from(a), PathBuf::from(b));
    let mut command = CompareCommand { a, b, conditions: Vec::new(), json: false };
    for Given { flag, values } in given {
        for text in values {
            set(&mut command, flag.name, text)
                .map_err(|why| Refusal::generic(invalid_argument(flag, text, &why)))?;
        }
    }
    Ok(command)
}

fn set(command: &mut CompareCommand, name: &str, text: &str) -> Result<(), String> {
    match name {
        "fail-if" => command.conditions.push(Condition::parse(text)?),
        "json" => command.json = go::parse_flag_bool(text)?,
        other => unreachable!("the flag --{other} of compare is in the table, but nothing reads it"),
    }
    Ok(())
}

pub fn run(command: &CompareCommand, console: &Console) -> Result<u8, Refusal> {
    let (a, b) = (side(&command.a)?, side(&command.b)?);
    // Like a threshold on a metric that there is not.
    let missing = |message| Refusal { message, exit_code: exit_code::INVALID_CONFIG };
    let comparison = Comparison::new(a, b, &command.conditions).map_err(missing)?;
    match command.json {
        true => console.print(&compare::render_json(&comparison)),
        false => console.print(&compare::render_text(&comparison, console.out.colors)),
    }
    let failed = comparison.judged.iter().filter(|judged| judged.fails);
    let failed: Vec<String> = failed.map(|judged| format!("'{}'", judged.source)).collect();
    if failed.is_empty() {
        return Ok(exit_code::SUCCESS);
    }
    console.error(&format!("{} is true of {}", failed.join(", "), command.b.display()));
    Ok(exit_code::THRESHOLDS_FAILED)
}

fn side(path: &Path) -> Result<Side, Refusal> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Refusal::generic(format!(
            "cannot read the summary {name}: {error}\n  fix: name a file that --summary-export wrote"
        ))
    })?;
    let figures =
        Figures::parse(&text).map_err(|why| Refusal::generic(format!("{name} is no summary: {why}")))?;
    Ok(Side { name, figures })
}
