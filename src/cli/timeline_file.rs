//! `-o timeline=FILE`: opened before the first packet, written when the run is over.

use super::command::{Refusal, RunCommand};
use super::console::Console;
use super::exit_code;
use crate::metrics::threshold::Thresholds;
use crate::options::outputs::{OutputChoice, TimelineOutput};
use crate::output::log::WallTime;
use crate::output::timeline::{About, write_timeline};
use crate::run::outcome::{Ended, Outcome};
use crate::sys::{clock, cpu, machine};
use std::fs::File;
use std::io::BufWriter;

/// Flags whose values may be secrets: only the part before `=` or `:` is written down.
const SECRET: [&str; 4] = ["-H", "--header", "-e", "--env"];

pub struct TimelineFile {
    output: TimelineOutput,
    file: File,
}

/// All that were asked for.
pub fn open(command: &RunCommand) -> Result<Vec<TimelineFile>, Refusal> {
    let wanted = command.outputs.iter().filter_map(|output| match output {
        OutputChoice::Timeline(output) => Some(output),
        _ => None,
    });
    let open = |output: &TimelineOutput| match File::create(&output.path) {
        Ok(file) => Ok(TimelineFile { output: output.clone(), file }),
        Err(error) => Err(Refusal {
            message: format!(
                "could not create the 'timeline' output: cannot write to {}: {error}\n  set by: --out\n  fix: \
                 name a file in a directory that exists and is writable",
                output.path.display()
            ),
            exit_code: exit_code::GENERIC,
        }),
    };
    wanted.map(open).collect()
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
    for TimelineFile { output, file } in files {
        let mut out = BufWriter::new(file);
        if let Err(error) = write_timeline(&mut out, &about, &outcome.timeline, output.window_ns) {
            // What is still in its buffer would only fail once more.
            let (_, _) = out.into_parts();
            console.error(&format!("could not write the timeline to {}: {error}", output.path.display()));
        }
    }
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
