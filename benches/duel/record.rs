//! Raw runs as JSON lines, with the machine they were made on.

use super::measure::Run;
use super::servers::Server;
use serde_json::{Value, json};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

/// Facts that figures cannot be compared without.
pub struct Machine {
    /// UTC, `2026-01-31`.
    pub date: String,
    pub kernel: String,
    pub cpu_model: String,
    pub cpus: usize,
    pub congestion_control: String,
    /// Of the sources, with `-dirty` if they were changed.
    pub commit: String,
}

impl Machine {
    pub fn look() -> Machine {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let cpuinfo = file("/proc/cpuinfo");
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Machine {
            date: first_line("date", &["-u", "+%F"]),
            kernel: file("/proc/sys/kernel/osrelease"),
            cpu_model: model.map_or_else(String::new, |(_, model)| model.to_owned()),
            cpus: ringload::sys::cpu::allowed().len(),
            congestion_control: file("/proc/sys/net/ipv4/tcp_congestion_control"),
            commit: first_line("git", &["describe", "--always", "--dirty"]),
        }
    }

    pub fn line(&self) -> String {
        let Machine { date, kernel, cpu_model, cpus, congestion_control, commit } = self;
        format!("{date}, Linux {kernel}, {cpus} × {cpu_model}, {congestion_control}, commit {commit}")
    }
}

/// The first line a program prints, on whichever stream; empty if there is none.
pub fn first_line(program: &str, args: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(args).output() else { return String::new() };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// The file of `--keep`. A second session of a day is added to the first.
pub struct Record(File);

impl Record {
    pub fn open(machine: &Machine) -> io::Result<(Record, PathBuf)> {
        let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/duel/runs");
        fs::create_dir_all(&dir)?;
        let path = dir.join(format!("{}-{}.jsonl", machine.date, machine.kernel));
        Ok((Record(OpenOptions::new().create(true).append(true).open(&path)?), path))
    }

    /// The session's first line.
    pub fn write_machine(
        &mut self,
        machine: &Machine,
        versions: &[(String, String)],
        servers: &[Server],
    ) -> io::Result<()> {
        let versions: Value = versions.iter().map(|(tool, version)| (tool.clone(), json!(version))).collect();
        let servers: Value =
            servers.iter().map(|server| (server.name.to_owned(), json!(portable(&server.command)))).collect();
        self.write(&json!({
            "kind": "session",
            "date": machine.date,
            "kernel": machine.kernel,
            "cpu_model": machine.cpu_model,
            "cpus": machine.cpus,
            "congestion_control": machine.congestion_control,
            "commit": machine.commit,
            "versions": versions,
            "servers": servers,
        }))
    }

    pub fn write_run(
        &mut self,
        server: &str,
        cell: &str,
        contender: &str,
        round: u32,
        run: &Run,
    ) -> io::Result<()> {
        let mut line = json!({
            "kind": "run",
            "server": server,
            "cell": cell,
            "contender": contender,
            "round": round,
            "command": portable(&run.command),
        });
        let measured = match &run.result {
            Ok(sample) => json!({
                "requests": sample.requests,
                "failed": sample.failed,
                "seconds": sample.seconds,
                "wall_seconds": sample.wall_seconds,
                "cpu_seconds": sample.cpu_seconds,
                "server_cpu_seconds": sample.server_cpu_seconds,
                "rss_max_bytes": sample.rss_max_bytes,
                "start_lag_p99_us": sample.start_lag_p99_us,
            }),
            Err(why) => json!({ "error": why }),
        };
        if let (Value::Object(line), Value::Object(measured)) = (&mut line, measured) {
            line.extend(measured);
        }
        self.write(&line)
    }

    fn write(&mut self, line: &Value) -> io::Result<()> {
        writeln!(self.0, "{line}")
    }
}

/// A command as anyone would type it: programs by name, files by name, whatever folder they are in.
fn portable(command: &[String]) -> String {
    let name = |word: &String| match word.starts_with('/') {
        true => word.rsplit('/').next().unwrap_or_default().to_owned(),
        false => word.clone(),
    };
    command.iter().map(name).collect::<Vec<_>>().join(" ")
}
