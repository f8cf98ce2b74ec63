//! `-o timeline=FILE` and `--report FILE`: opened before the first packet, written when the run is
//! over. A report is made of the same document.

use super::command::{Refusal, RunCommand};
use super::console::Console;
use super::doubts::{availability, engine_report};
use super::exit_code;
use crate::metrics::threshold::Thresholds;
use crate::metrics::timeline::{TICK_NS, Timeline};
use crate::options::OutputChoice;
use crate::options::outputs::TimelineOutput;
use crate::output::engine;
use crate::output::log::WallTime;
use crate::output::report::render_report;
use crate::output::timeline::{About, write_timeline};
use crate::run::outcome::{Ended, Outcome};
use crate::search::ramp::RampReading;
use crate::sys::{clock, cpu, machine};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Flags whose values may be secrets: only the part before `=` or `:` is written down.
const SECRET: [&str; 4] = ["-H", "--header", "-e", "--env"];

pub struct TimelineFile {
    form: Form,
    file: File,
}

enum Form {
    Timeline(TimelineOutput),
    Report(PathBuf),
}

/// All that were asked for.
pub fn open(command: &RunCommand) -> Result<Vec<TimelineFile>, Refusal> {
    let open = |form: Form| {
        let (path, kind, flag) = form.described();
        match File::create(path) {
            Ok(file) => Ok(TimelineFile { form, file }),
            Err(error) => Err(Refusal {
                message: format!(
                    "could not create the '{kind}' output: cannot write to {}: {error}\n  set by: {flag}\n  fix: \
                     name a file in a directory that exists and is writable",
                    path.display()
                ),
                exit_code: exit_code::GENERIC,
            }),
        }
    };
    command.outputs.iter().filter_map(Form::of).map(open).collect()
}

/// A file that cannot be written is an error line, and no more: the run was a run.
pub fn write(
    files: Vec<TimelineFile>,
    command: &RunCommand,
    outcome: &Outcome,
    thresholds: &Thresholds,
    console: &Console,
) {
    if files.is_empty() {
        return;
    }
    let about = about(command, outcome, thresholds);
    for TimelineFile { form, mut file } in files {
        let written = match &form {
            Form::Timeline(output) => {
                let mut out = BufWriter::new(file);
                let written = write_timeline(&mut out, &about, &outcome.timeline, output.window_ns);
                // What a failure left in its buffer would only fail once more.
                let (_, _) = out.into_parts();
                written
            }
            Form::Report(_) => file.write_all(&page(&about, &outcome.timeline)),
        };
        if let Err(error) = written {
            let (path, kind, _) = form.described();
            console.error(&format!("could not write the {kind} to {}: {error}", path.display()));
        }
    }
}

impl Form {
    /// `None`: not made of a timeline.
    fn of(output: &OutputChoice) -> Option<Form> {
        match output {
            OutputChoice::Timeline(output) => Some(Form::Timeline(output.clone())),
            OutputChoice::Report(path) => Some(Form::Report(path.clone())),
            OutputChoice::Json(_)
            | OutputChoice::Csv(_)
            | OutputChoice::Junit(_)
            | OutputChoice::Markdown(_) => None,
        }
    }

    /// Its file, its name, and the flag that asks for it.
    fn described(&self) -> (&Path, &'static str, &'static str) {
        match self {
            Form::Timeline(timeline) => (&timeline.path, "timeline", "--out"),
            Form::Report(path) => (path, "report", "--report"),
        }
    }
}

fn page(about: &About, timeline: &Timeline) -> Vec<u8> {
    let mut json = Vec::new();
    write_timeline(&mut json, about, timeline, TICK_NS).expect("memory takes all that is written");
    let json = String::from_utf8(json).expect("JSON is text");
    render_report(&json).expect("a report of what this program wrote")
}

fn about<'a>(command: &'a RunCommand, outcome: &'a Outcome, thresholds: &Thresholds) -> About<'a> {
    let engine = &outcome.engine;
    let because = match engine.because.as_str() {
        "" => String::new(),
        because => format!(" ({because})"),
    };
    // The run has ended just now.
    let begun = clock::wall().saturating_sub(outcome.duration);
    About {
        version: env!("CARGO_PKG_VERSION"),
        args: without_secrets(std::env::args().skip(1)),
        begun_at: WallTime { unix_seconds: begun.as_secs() as i64, offset_seconds: 0 }.rfc3339(),
        duration: outcome.duration,
        scenarios_begun: outcome.scenarios_begun,
        ended: match &outcome.ended {
            Ended::Finished => "finished",
            Ended::Signal(_) => "interrupted",
            Ended::Thresholds(_) => "thresholds",
            Ended::Aborted(_) => "aborted",
            Ended::SetupTimeout(_) | Ended::TeardownTimeout(_) => "timeout",
            Ended::Threw(_) => "exception",
        },
        transport: format!("{}{because}", engine.transport.name()),
        workers: &engine.workers,
        is_open: engine.is_open,
        congestion_control: &engine.congestion_control,
        kernel: machine::kernel(),
        cpu: machine::cpu_model(),
        cpus: cpu::allowed().len(),
        scenarios: &command.scenarios,
        thresholds: thresholds.all_results(),
        ramp: RampReading::of(&command.scenarios, &outcome.timeline),
        availability: availability(outcome),
        requests: outcome.totals.live().requests,
        errors: &outcome.errors,
        diagnosis: outcome.diagnosis.as_ref(),
        doubts: engine_report(command, outcome).doubts.iter().map(engine::describe).collect(),
        groups: outcome.totals.root_group(),
    }
}

pub(super) fn without_secrets(args: impl Iterator<Item = String>) -> Vec<String> {
    let mut is_secret = false;
    let hide = |value: &str| match value.find(['=', ':']) {
        Some(end) => format!("{}***", &value[..=end]),
        None => value.to_owned(),
    };
    args.map(|arg| {
        if std::mem::take(&mut is_secret) {
            return hide(&arg);
        }
        is_secret = SECRET.contains(&arg.as_str());
        match arg.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") && SECRET.contains(&flag) => {
                format!("{flag}={}", hide(value))
            }
            _ if !is_secret && (arg.starts_with("-H") || arg.starts_with("-e")) => {
                format!("{}{}", &arg[..2], hide(&arg[2..]))
            }
            _ => arg,
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_the_command_line_are_not_written_down() {
        let args = ["run", "-H", "Authorization: Bearer x", "--env=TOKEN=y", "-eKEY=z", "-e", "A=b=c", "url"];
        let got = without_secrets(args.into_iter().map(str::to_owned));
        let want = ["run", "-H", "Authorization:***", "--env=TOKEN=***", "-eKEY=***", "-e", "A=***", "url"];
        assert_eq!(got, want);
    }
}
