//! `-o junit=FILE` and `-o markdown=FILE`: opened before the first packet, written with the summary.

use super::command::{Refusal, RunCommand};
use super::console::Console;
use super::exit_code;
use crate::metrics::Summary;
use crate::options::OutputChoice;
use crate::output::{junit, markdown};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// All that were asked for.
pub struct Reports(Vec<Report>);

struct Report {
    kind: Kind,
    path: PathBuf,
    file: File,
}

#[derive(Clone, Copy)]
enum Kind {
    Junit,
    Markdown,
}

impl Reports {
    pub fn open(command: &RunCommand) -> Result<Reports, Refusal> {
        let wanted = command.outputs.iter().filter_map(|output| match output {
            OutputChoice::Junit(path) => Some((Kind::Junit, path)),
            OutputChoice::Markdown(path) => Some((Kind::Markdown, path)),
            _ => None,
        });
        wanted.map(|(kind, path)| create(kind, path)).collect::<Result<_, _>>().map(Reports)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A file that cannot be written is an error line, and no more: the run was a run.
    pub fn write(&self, summary: &Summary, command: &RunCommand, console: &Console) {
        for Report { kind, path, file } in &self.0 {
            let text = match kind {
                Kind::Junit => junit::render(summary),
                Kind::Markdown => markdown::render(summary, command.time_unit),
            };
            let mut file = file;
            if let Err(error) = file.write_all(text.as_bytes()) {
                console.error(&format!("could not write the report to {}: {error}", path.display()));
            }
        }
    }
}

fn create(kind: Kind, path: &PathBuf) -> Result<Report, Refusal> {
    let name = match kind {
        Kind::Junit => "junit",
        Kind::Markdown => "markdown",
    };
    match File::create(path) {
        Ok(file) => Ok(Report { kind, path: path.clone(), file }),
        Err(error) => Err(Refusal {
            message: format!(
                "could not create the '{name}' output: cannot write to {}: {error}\n  set by: --out\n  fix: name \
                 a file in a directory that exists and is writable",
                path.display()
            ),
            exit_code: exit_code::GENERIC,
        }),
    }
}
