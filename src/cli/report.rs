//! `ringload report`: the file of a timeline into the file of its page.

use super::command::{Refusal, ReportCommand};
use super::console::Console;
use super::exit_code;
use super::grammar::Given;
use super::read::invalid_argument;
use crate::output::report::render_report;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

pub fn command(arguments: &[String], given: &[Given]) -> Result<ReportCommand, Refusal> {
    let [timeline] = arguments else {
        return Err(Refusal::generic(format!(
            "accepts 1 arg(s), received {}: a file that -o timeline=FILE wrote",
            arguments.len()
        )));
    };
    let timeline = PathBuf::from(timeline);
    let mut page = timeline.with_extension("html");
    for Given { flag, values } in given {
        let text = values.last().map_or("", String::as_str);
        if text.is_empty() {
            return Err(Refusal::generic(invalid_argument(flag, text, "it needs the name of a file")));
        }
        page = PathBuf::from(text);
    }
    if page == timeline {
        return Err(Refusal::generic(format!(
            "the page would replace the timeline {}\n  fix: name another file with --out",
            timeline.display()
        )));
    }
    Ok(ReportCommand { timeline, page })
}

pub fn run(command: &ReportCommand, console: &Console) -> Result<u8, Refusal> {
    let (timeline, path) = (command.timeline.display(), command.page.display());
    let text = std::fs::read_to_string(&command.timeline).map_err(|error| {
        Refusal::generic(format!(
            "cannot read the timeline {timeline}: {error}\n  fix: name a file that -o timeline=FILE wrote"
        ))
    })?;
    let page =
        render_report(&text).map_err(|why| Refusal::generic(format!("{timeline} is no timeline: {why}")))?;
    // Only now: a file that cannot be read must not empty the page of before.
    let written = File::create(&command.page).and_then(|mut file| file.write_all(&page));
    written.map_err(|error| {
        Refusal::generic(format!(
            "cannot write the page {path}: {error}\n  fix: name a writable file with --out"
        ))
    })?;
    console.print(&format!("{path}\n"));
    Ok(exit_code::SUCCESS)
}
