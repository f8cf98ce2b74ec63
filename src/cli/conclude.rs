//! The end of a run: final judgement, summary, export, last progress block, error line, exit status
//! — in k6's order.

use super::command::{Refusal, RunCommand};
use super::console::Console;
use super::doubts::engine_report;
use super::exit_code;
use super::reports::Reports;
use super::sample_files::SampleFiles;
use super::screen::Screen;
use super::timeline_file::{self, TimelineFile};
use crate::diagnosis::Who;
use crate::metrics::threshold::Thresholds;
use crate::metrics::{Summary, SummaryScope};
use crate::options::SummaryMode;
use crate::output::log::{Level, WallTime};
use crate::output::machine_summary::{self, Origin};
use crate::output::{engine, errors, json, outage, text, verdict};
use crate::run::outcome::{Ended, Outcome};
use crate::sys::{clock, signal, terminal};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Asks the script what to write for a summary; `None`: k6's own text, as without handleSummary.
pub type HandleSummary<'a> = &'a mut dyn FnMut(&Summary) -> Option<Vec<(String, Vec<u8>)>>;

/// An opened `--summary-export`.
pub struct Export {
    path: PathBuf,
    file: File,
}

impl Export {
    /// Output files are opened first: a bad path is found before the test, not after it. As in k6,
    /// the export is a part of the summary: without one there is no file.
    pub fn open(command: &RunCommand) -> Result<Option<Export>, Refusal> {
        let path = match &command.summary_export {
            Some(path) if command.summary_mode != SummaryMode::Disabled => path,
            _ => return Ok(None),
        };
        match File::create(path) {
            Ok(file) => Ok(Some(Export { path: path.clone(), file })),
            Err(error) => Err(Refusal {
                message: format!(
                    "cannot write the summary to {}: {error}\n  set by: --summary-export\n  fix: name a \
                     file in a directory that exists and is writable",
                    path.display()
                ),
                exit_code: exit_code::GENERIC,
            }),
        }
    }
}

/// k6's new form of the export, and of what `handleSummary` is given.
pub fn render_machine_summary(command: &RunCommand, source_text: &str, summary: &Summary) -> String {
    let wall = clock::wall();
    let second =
        WallTime { unix_seconds: wall.as_secs() as i64, offset_seconds: terminal::utc_offset_seconds() };
    machine_summary::render(
        summary,
        &Origin {
            script: source_text,
            generated_at: &second.rfc3339_nano(wall.subsec_nanos()),
            is_full: command.summary_mode == SummaryMode::Full,
        },
    )
}

/// What the end of a run is told from.
pub struct Conclusion<'a> {
    pub command: &'a RunCommand,
    pub console: &'a Console,
    pub screen: &'a Screen<'a>,
    pub outcome: &'a Outcome,
    pub thresholds: Thresholds,
    pub timelines: Vec<TimelineFile>,
    pub samples: SampleFiles,
    pub reports: Reports,
    /// The script as it was written, or the URL.
    pub source_text: &'a str,
    /// What `setup()` returned, as JSON.
    pub setup_data: Option<String>,
    /// `exec.test.fail()` was called.
    pub marked_as_failed: bool,
}

impl Conclusion<'_> {
    /// Tells all, and answers the exit status.
    pub fn tell(mut self, export: Option<Export>, handle_summary: HandleSummary<'_>) -> u8 {
        let outcome = self.outcome;
        self.linger();
        // As in k6: whoever ended the test from within needs no advice on its length.
        let is_wanted = outcome.scenarios_began && !matches!(outcome.ended, Ended::Aborted(_));
        if outcome.totals.live().complete == 0 && is_wanted {
            self.console
                .warn("No script iterations fully finished, consider making the test duration longer");
        }
        let crossed = self.thresholds.evaluate(&outcome.totals, outcome.duration, true);
        std::mem::take(&mut self.samples).finish(self.console);
        let timelines = std::mem::take(&mut self.timelines);
        timeline_file::write(timelines, self.command, outcome, &self.thresholds, self.console);
        if self.command.summary_mode != SummaryMode::Disabled {
            self.summarize(export, handle_summary);
        } else if !self.reports.is_empty() {
            self.reports.write(&self.summary(), self.command, self.console);
        }
        self.screen.finish(outcome);
        let crossed = (!crossed.metrics.is_empty()).then(|| crossed.final_message());
        self.exit_status(crossed)
    }

    /// Waits for a signal, unless one has ended the test.
    fn linger(&self) {
        let command = self.command;
        if !command.linger || signal::received().total() > 0 {
            return;
        }
        if !command.quiet {
            self.console.print(
                "The test is done, but --linger was enabled, so k6 is waiting for Ctrl+C to continue...\n",
            );
        }
        while signal::received().total() == 0 {
            clock::sleep(Duration::from_millis(20));
        }
    }

    fn summarize(&self, export: Option<Export>, handle_summary: HandleSummary<'_>) {
        let (command, outcome, console) = (self.command, self.outcome, self.console);
        let summary = self.summary();
        let colors = console.out.colors;
        let report = engine_report(command, outcome);
        match handle_summary(&summary) {
            None => {
                console.print(&text::render_summary(
                    &summary,
                    command.summary_mode,
                    command.time_unit,
                    colors,
                ));
                let requests = outcome.totals.live().requests;
                console.print(&errors::render(&outcome.errors, requests, colors));
                console.print(&(engine::render(&report, colors) + "\n"));
            }
            Some(files) => {
                // The script owns standard output: our words go where log lines go.
                // Of a moment's run there is little to say, and nobody asked.
                let broke = report
                    .diagnosis
                    .as_ref()
                    .filter(|d| d.verdict.who != Who::Nobody && outcome.duration >= Duration::from_secs(1));
                if let Some(diagnosis) = broke {
                    console.warn(&format!("broke first: {}", verdict::headline(diagnosis)));
                }
                for outage in report.availability.iter().flat_map(|availability| &availability.outages) {
                    console.warn(&outage::headline(outage));
                }
                for doubt in &report.doubts {
                    console.warn(&engine::describe(doubt));
                }
                self.write_files(&files);
            }
        }
        self.reports.write(&summary, command, console);
        if let Some(Export { path, mut file }) = export
            && let Err(error) = file.write_all(self.render_export(&summary).as_bytes())
        {
            self.say_unsaved(&[format!("could not write '{}': {error}", path.display())]);
        }
    }

    fn summary(&self) -> Summary {
        let (command, outcome) = (self.command, self.outcome);
        let scope = match command.summary_mode {
            SummaryMode::Full => SummaryScope::Full,
            _ => SummaryScope::Total,
        };
        let stats = &command.trend_stats;
        let mut summary = outcome.totals.judged_summary(outcome.duration, stats, scope, &self.thresholds);
        summary.setup_data.clone_from(&self.setup_data);
        summary
    }

    fn render_export(&self, summary: &Summary) -> String {
        match self.command.new_machine_readable_summary {
            true => render_machine_summary(self.command, self.source_text, summary),
            false => json::render_export(summary),
        }
    }

    /// `stdout` and `stderr` are the streams, all other names are files.
    fn write_files(&self, files: &[(String, Vec<u8>)]) {
        let mut problems = Vec::new();
        for (name, content) in files {
            match name.as_str() {
                "stdout" => self.console.write_out(content),
                "stderr" => self.console.write_err(content),
                path => {
                    if let Err(error) = std::fs::write(Path::new(path), content) {
                        problems.push(format!("could not open '{path}': {error}"));
                    }
                }
            }
        }
        if !problems.is_empty() {
            self.say_unsaved(&problems);
        }
    }

    fn say_unsaved(&self, problems: &[String]) {
        let why = format!("Could not save some summary information:\n\t- {}", problems.join("\n\t- "));
        self.console.log(Level::Error, "failed to handle the end-of-test summary", &[("error", &why)]);
    }

    /// The first reason to end decides; failing thresholds do not replace it.
    fn exit_status(&self, crossed: Option<String>) -> u8 {
        let console = self.console;
        let timed_out = |function: &str, timeout: Duration, option: &str| {
            let message = format!("{function}() execution timed out after {} seconds", timeout.as_secs_f64());
            let hint = format!("You can increase the time limit via the {option} option");
            console.log(Level::Error, &message, &[("hint", &hint)]);
        };
        match &self.outcome.ended {
            Ended::Signal(name) => {
                console.error(&format!("test run was aborted because ringload received a '{name}' signal"));
                exit_code::INTERRUPTED
            }
            Ended::Thresholds(message) => {
                console.error(message);
                exit_code::THRESHOLDS_FAILED
            }
            Ended::Aborted(message) => {
                console.error(message);
                exit_code::SCRIPT_ABORTED
            }
            Ended::SetupTimeout(timeout) => {
                timed_out("setup", *timeout, "setupTimeout");
                exit_code::SETUP_TIMEOUT
            }
            Ended::TeardownTimeout(timeout) => {
                timed_out("teardown", *timeout, "teardownTimeout");
                exit_code::TEARDOWN_TIMEOUT
            }
            Ended::Threw(line) => {
                let fields: Vec<(&str, &str)> =
                    line.fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
                console.log(Level::Error, &line.message, &fields);
                exit_code::SCRIPT_EXCEPTION
            }
            Ended::Finished if !self.outcome.panics.is_empty() => exit_code::PANIC,
            Ended::Finished if self.marked_as_failed => {
                console.error("test run was marked as failed");
                exit_code::MARKED_AS_FAILED
            }
            Ended::Finished => match crossed {
                Some(message) => {
                    console.error(&message);
                    exit_code::THRESHOLDS_FAILED
                }
                None => exit_code::SUCCESS,
            },
        }
    }
}
