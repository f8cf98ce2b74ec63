//! `-o json` and `-o csv`: opened before the first packet, each written by a thread of its own, which
//! gives way to all others. A file that cannot be written ends its output, not the run.

use super::command::{Refusal, RunCommand};
use super::console::Console;
use super::exit_code;
use crate::metrics::registry::Registry;
use crate::metrics::threshold::Thresholds;
use crate::options::OutputChoice;
use crate::options::outputs::SampleFile;
use crate::output::samples::SampleText;
use crate::run::samples::{Parcel, Parcels, SampleQueue};
use crate::sys::clock::Clock;
use crate::sys::{cpu, terminal};
use crate::time::duration_ns;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// k6's, for JSON.
const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// Text that is rendered before it is handed to the file.
const AT_ONCE: usize = 1 << 16;

/// All outputs of single samples.
#[derive(Default)]
pub struct SampleFiles {
    pub queue: SampleQueue,
    writers: Vec<Writer>,
}

struct Writer {
    /// For messages.
    name: String,
    thread: JoinHandle<Written>,
}

struct Written {
    error: Option<io::Error>,
    /// Happenings that came, and that were left out.
    came: u64,
    left_out: u64,
}

/// All that were asked for.
pub fn open(
    command: &RunCommand,
    registry: &Arc<Registry>,
    thresholds: &Thresholds,
) -> Result<SampleFiles, Refusal> {
    let mut files = SampleFiles::default();
    for output in &command.outputs {
        let (kind, target, flush_every, text) = match output {
            OutputChoice::Json(target) => {
                let text = SampleText::json(registry.clone(), thresholds, &command.tags);
                ("json", target.clone(), FLUSH_EVERY, text)
            }
            OutputChoice::Csv(csv) => {
                let text = SampleText::csv(registry.clone(), &command.tags, csv.time_format());
                ("csv", csv.file(), csv.save_interval(), text)
            }
            OutputChoice::Timeline(_)
            | OutputChoice::Report(_)
            | OutputChoice::Junit(_)
            | OutputChoice::Markdown(_) => continue,
        };
        let out = create(kind, &target)?;
        files.add(format!("{kind} output"), out, flush_every, text).map_err(|error| Refusal {
            message: format!("cannot start a thread: {error}"),
            exit_code: exit_code::GENERIC,
        })?;
    }
    Ok(files)
}

fn create(kind: &str, target: &SampleFile) -> Result<Out, Refusal> {
    let Some(path) = target.path() else { return Ok(Out::Plain(Box::new(io::stdout()))) };
    let file = File::create(path).map_err(|error| Refusal {
        message: format!(
            "could not create the '{kind}' output: cannot write to {}: {error}\n  set by: --out\n  fix: name a \
             file in a directory that exists and is writable",
            path.display()
        ),
        exit_code: exit_code::GENERIC,
    })?;
    Ok(match is_compressed(path) {
        true => Out::Compressed(GzEncoder::new(BufWriter::new(file), Compression::default())),
        false => Out::Plain(Box::new(file)),
    })
}

fn is_compressed(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b".gz")
}

enum Out {
    Plain(Box<dyn Write + Send>),
    Compressed(GzEncoder<BufWriter<File>>),
}

impl Out {
    fn write(&mut self, text: &mut String) -> io::Result<()> {
        match self {
            Out::Plain(out) => out.write_all(text.as_bytes())?,
            Out::Compressed(out) => out.write_all(text.as_bytes())?,
        }
        text.clear();
        Ok(())
    }

    fn end(self) -> io::Result<()> {
        match self {
            Out::Plain(mut out) => out.flush(),
            Out::Compressed(out) => out.finish()?.flush(),
        }
    }
}

impl SampleFiles {
    fn add(&mut self, name: String, out: Out, flush_every: Duration, text: SampleText) -> io::Result<()> {
        let parcels = self.queue.add_outlet();
        let thread = std::thread::Builder::new().name(name.clone()).spawn(move || {
            cpu::yield_to_others();
            let error = write_all(out, &parcels, flush_every, text).err();
            let (came, left_out) = parcels.counts();
            Written { error, came, left_out }
        })?;
        self.writers.push(Writer { name, thread });
        Ok(())
    }

    /// The run is over: waits until everything is written, and says what was not.
    pub fn finish(self, console: &Console) {
        self.queue.end();
        for Writer { name, thread } in self.writers {
            let Ok(Written { error, came, left_out }) = thread.join() else {
                console.error(&format!("the {name} ended by a panic"));
                continue;
            };
            if let Some(error) = error {
                console.error(&format!("the {name} ended before the run: {error}"));
            } else if left_out > 0 {
                console.warn(&format!(
                    "the {name} left out {left_out} of {came} exchanges, iterations, checks and other records, \
                     evenly: more came than could be written"
                ));
            }
        }
    }
}

fn write_all(mut out: Out, parcels: &Parcels, flush_every: Duration, mut text: SampleText) -> io::Result<()> {
    let clock = Clock::start();
    let mut pending = text.header();
    let mut flushed_at = clock.now();
    loop {
        match parcels.next_within(flush_every) {
            Some(Parcel::Clock { zero }) => {
                text.set_clock(zero.as_nanos() as u64, terminal::utc_offset_seconds());
            }
            Some(Parcel::Traces { worker, traces }) => {
                text.add_leaves(worker, &traces.new_leaves);
                // A record of pipelined exchanges may be megabytes of text: one at a time.
                for record in &traces.records {
                    text.write_traces(&mut pending, worker, std::slice::from_ref(record));
                    parcels.on_written(record.weight());
                    if pending.len() >= AT_ONCE {
                        out.write(&mut pending)?;
                    }
                }
            }
            Some(Parcel::Vus { at, active, initialized }) => {
                text.write_vus(&mut pending, at, active, initialized);
            }
            Some(Parcel::End) => {
                out.write(&mut pending)?;
                return out.end();
            }
            None => {}
        }
        let now = clock.now();
        if pending.len() >= AT_ONCE || now.since(flushed_at) >= duration_ns(flush_every) {
            flushed_at = now;
            out.write(&mut pending)?;
        }
    }
}
