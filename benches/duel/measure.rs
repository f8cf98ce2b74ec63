//! One run of one contender: started, bounded in time, measured from outside.

use super::cells::Cell;
use super::contenders::{Contender, Left, Place};
use super::reading;
use super::samples::Sample;
use super::servers::{CERTIFICATE, Server};
use ringload::sys::child::MeasuredChild;
use ringload::sys::clock::{self, Clock};
use ringload::sys::signal;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A tool that goes on for longer than this after its time is killed.
const GRACE: Duration = Duration::from_secs(15);
/// How often to look whether it has ended; this also bounds the error of the wall time.
const LOOK: Duration = Duration::from_millis(20);

/// What stays the same for all runs.
pub struct Bench<'a> {
    pub dir: &'a Path,
    pub seconds: u32,
    pub client_cpu: usize,
    pub server_cpu: usize,
}

/// A run's command line, and what it measured or why it measured nothing.
pub struct Run {
    pub command: Vec<String>,
    pub result: Result<Sample, String>,
}

impl Bench<'_> {
    pub fn run(&self, server: &Server, cell: &Cell, contender: Contender, program: &str, round: u32) -> Run {
        let url = if cell.tls { server.tls_url.as_ref().unwrap_or(&server.url) } else { &server.url };
        let place = Place { url, seconds: self.seconds, dir: self.dir };
        let mut command = vec!["taskset".to_owned(), "-c".to_owned(), self.cpus(cell), program.to_owned()];
        command.extend(contender.args(cell, &place));
        let result = self.measure(server, cell, contender, &command, round, &place);
        Run { command, result }
    }

    /// On a schedule ringload places its worker on the highest of its CPUs and keeps its control
    /// thread off it: with one CPU they would share, and the lag would be of our own making.
    fn cpus(&self, cell: &Cell) -> String {
        match cell.rate {
            Some(_) if self.client_cpu > self.server_cpu => {
                format!("{},{}", self.server_cpu, self.client_cpu)
            }
            _ => self.client_cpu.to_string(),
        }
    }

    fn measure(
        &self,
        server: &Server,
        cell: &Cell,
        contender: Contender,
        command: &[String],
        round: u32,
        place: &Place,
    ) -> Result<Sample, String> {
        let stdout_path = self.dir.join("stdout");
        let stderr_path = self.dir.join("stderr");
        let create = |path: &Path| File::create(path).map_err(|error| format!("{}: {error}", path.display()));
        let (stdout, stderr) = (create(&stdout_path)?, create(&stderr_path)?);
        // What an earlier run left must not be read as this one's.
        let _ = std::fs::remove_file(place.export());
        let text = |error: std::io::Error| error.to_string();

        let server_cpu_before = server.cpu_seconds().map_err(text)?;
        let clock = Clock::start();
        let mut child = MeasuredChild::spawn(
            Command::new(&command[0])
                .args(&command[1..])
                .env("SSL_CERT_FILE", self.dir.join(CERTIFICATE))
                .stdin(Stdio::null())
                .stdout(stdout)
                .stderr(stderr),
        )
        .map_err(text)?;
        let limit = clock.now() + Duration::from_secs(u64::from(self.seconds)) + GRACE;
        let used = loop {
            if let Some(used) = child.poll_end().map_err(text)? {
                break used;
            }
            if signal::received().total() > 0 {
                return Err("interrupted".to_owned());
            }
            if clock.now() > limit {
                return Err(format!("did not end within {} s of its time", GRACE.as_secs()));
            }
            clock::sleep(LOOK);
        };
        let wall_seconds = clock.now().0 as f64 / 1e9;
        let server_cpu_seconds = server.cpu_seconds().map_err(text)? - server_cpu_before;

        let read =
            |path: &Path| std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let left = Left {
            stdout: read(&stdout_path).map_err(text)?,
            export: read(&place.export()).unwrap_or_default(),
        };
        let said = || last_line(&read(&stderr_path).unwrap_or_default()).or(last_line(&left.stdout));
        if !used.status.success() {
            return Err(format!("{}: {}", used.status, said().unwrap_or_default()));
        }
        let count = contender.read(&left).filter(|count| count.requests > 0 && count.seconds > 0.0);
        let count = count.ok_or(format!("made no request: {}", said().unwrap_or_default()))?;
        Ok(Sample {
            server: server.name,
            cell: cell.name,
            contender: contender.name(),
            round,
            requests: count.requests,
            failed: count.failed,
            seconds: count.seconds,
            wall_seconds,
            cpu_seconds: used.cpu.as_secs_f64(),
            server_cpu_seconds,
            rss_max_bytes: used.rss_max_bytes,
            start_lag_p99_us: cell.rate.and_then(|_| reading::start_lag_p99_us(&left.stdout)),
        })
    }
}

fn last_line(text: &str) -> Option<String> {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
}
