//! ringload against other load generators, on one machine: `cargo bench --bench duel -- [OPTIONS]`
//! (`-- --help` lists them; `-- --goals --keep` is what is published).
//!
//! Servers on one CPU, tools on another; short runs, every contender once in each cell and round,
//! in an order that rotates, because a machine's speed wanders by more than the differences.
//! Rates and requests are the tools' own; CPU time and memory are the kernel's, of the whole
//! process. Not measured: latency, which tools define differently.

mod cells;
mod contenders;
mod goals;
mod measure;
mod options;
mod reading;
mod record;
mod report;
mod samples;
mod servers;
mod spread;

use cells::Cell;
use contenders::Contender;
use measure::Bench;
use options::{Options, Parsed};
use record::{Machine, Record};
use ringload::sys::{clock, cpu, limits, signal};
use samples::Sample;
use servers::Server;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Built by cargo in the same profile as this bench.
const RINGLOAD: &str = env!("CARGO_BIN_EXE_ringload");
/// 10,000 connections and what a process has besides.
const OPEN_FILES: u64 = 16_384;
/// Between runs, for the server to see its connections go.
const SETTLE: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    match options::parse(std::env::args().skip(1)) {
        Ok(Parsed::Options(options)) => match duel(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => fail(&why),
        },
        Ok(Parsed::Help) => {
            print!("{}", options::HELP);
            ExitCode::SUCCESS
        }
        Ok(Parsed::NotABench) => {
            println!("skipped: this loads the machine, so it runs only as `cargo bench --bench duel`");
            ExitCode::SUCCESS
        }
        Err(why) => fail(&why),
    }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::FAILURE
}

fn duel(options: &Options) -> Result<(), String> {
    signal::trap();
    let machine = Machine::look();
    println!("{}", machine.line());
    keep_out_of_the_way(options)?;
    let limit = limits::raise_open_files(OPEN_FILES);
    if limit < OPEN_FILES {
        println!("open files: {limit}; contenders may fail with 10,000 connections");
    }
    let dir = TempDir::create()?;
    contenders::write_scripts(&dir.0, &options.cells).map_err(|error| error.to_string())?;

    let programs = find_programs(options);
    let versions = versions(&programs);
    for (tool, version) in &versions {
        println!("  {tool}: {version}");
    }
    let servers = start_servers(options, &dir.0)?;
    let mut record = match options.keep {
        true => Some(Record::open(&machine).map_err(|error| format!("cannot keep the runs: {error}"))?),
        false => None,
    };
    if let Some((record, _)) = &mut record {
        record.write_machine(&machine, &versions, &servers).map_err(|error| error.to_string())?;
    }

    let bench = Bench {
        dir: &dir.0,
        seconds: options.seconds,
        client_cpu: options.client_cpu,
        server_cpu: options.server_cpu,
    };
    let mut samples: Vec<Sample> = Vec::new();
    'rounds: for round in 0..options.rounds {
        for server in &servers {
            let serves = |cell: &&Cell| match (cell.rate, cell.tls) {
                (Some(_), _) => server.name == "target",
                (None, true) => server.tls_url.is_some(),
                (None, false) => true,
            };
            for cell in options.cells.iter().filter(serves) {
                let mut field: Vec<&(Contender, String)> =
                    programs.iter().filter(|(contender, _)| contender.enters(cell)).collect();
                let first = round as usize % field.len().max(1);
                field.rotate_left(first);
                eprint!("round {} of {}: {}, {}: ", round + 1, options.rounds, server.name, cell.title);
                for (contender, program) in field {
                    let run = bench.run(server, cell, *contender, program, round);
                    if signal::received().total() > 0 {
                        eprintln!("interrupted");
                        break 'rounds;
                    }
                    match &run.result {
                        Ok(sample) => eprint!("{} {:.0}/s  ", contender.name(), sample.rate()),
                        Err(why) => eprint!("\n  ! {} failed: {why}\n  ", contender.name()),
                    }
                    if let Some((record, path)) = &mut record {
                        let written = record.write_run(server.name, cell.name, contender.name(), round, &run);
                        written.map_err(|error| format!("{}: {error}", path.display()))?;
                    }
                    samples.extend(run.result.ok());
                    clock::sleep(SETTLE);
                }
                eprintln!();
            }
        }
    }
    println!("\nMedian [least–most] of the rounds; ratios are taken within each round.\n");
    for server in &servers {
        for cell in &options.cells {
            print!("{}", report::table(&samples, server.name, cell));
        }
    }
    if options.goals {
        print!("{}", report::goals(&goals::judge(&samples)));
    }
    if let Some((_, path)) = record {
        println!("raw runs: {}", path.display());
    }
    match signal::received().total() {
        0 => Ok(()),
        _ => Err("interrupted: these are only the runs made until then".to_owned()),
    }
}

/// Moves this process to a CPU that nobody is measured on, or to the server's.
fn keep_out_of_the_way(options: &Options) -> Result<(), String> {
    let allowed = cpu::allowed();
    let measured = [options.server_cpu, options.client_cpu];
    if let Some(cpu) = measured.iter().find(|cpu| !allowed.contains(cpu)) {
        return Err(format!("CPU {cpu} is not among those allowed here: {allowed:?}"));
    }
    let others: Vec<usize> = allowed.into_iter().filter(|cpu| !measured.contains(cpu)).collect();
    cpu::restrict_to(if others.is_empty() { &measured[..1] } else { &others });
    Ok(())
}

/// The contenders that were asked for and are here, with their programs.
fn find_programs(options: &Options) -> Vec<(Contender, String)> {
    let mut programs = Vec::new();
    for &contender in &options.contenders {
        let program = match contender.tool() {
            "ringload" => Some(RINGLOAD.to_owned()),
            tool => on_path(tool),
        };
        match program {
            Some(program) => programs.push((contender, program)),
            None => println!("skipped: {} is not on PATH", contender.tool()),
        }
    }
    programs
}

fn on_path(tool: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let candidates = std::env::split_paths(&path).map(|dir| dir.join(tool));
    candidates.into_iter().find(|file| file.is_file()).map(|file| file.display().to_string())
}

/// Of each tool once, and of nginx.
fn versions(programs: &[(Contender, String)]) -> Vec<(String, String)> {
    let mut versions: Vec<(String, String)> = Vec::new();
    for (contender, program) in programs {
        if versions.iter().all(|(tool, _)| tool != contender.tool()) {
            let version = record::first_line(program, contender.version_args());
            versions.push((contender.tool().to_owned(), version));
        }
    }
    if let Some(nginx) = nginx() {
        versions.push(("nginx".to_owned(), record::first_line(&nginx, &["-v"])));
    }
    versions
}

/// Often in a directory that only root has on PATH.
fn nginx() -> Option<String> {
    on_path("nginx").or_else(|| {
        let usual = "/usr/sbin/nginx";
        Path::new(usual).is_file().then(|| usual.to_owned())
    })
}

fn start_servers(options: &Options, dir: &Path) -> Result<Vec<Server>, String> {
    let mut servers = Vec::new();
    for &name in &options.servers {
        let program = match name {
            "target" => Some(RINGLOAD.to_owned()),
            _ => nginx(),
        };
        match program {
            Some(program) => {
                let started = Server::start(name, &program, options.server_cpu, dir);
                servers.push(started.map_err(|error| format!("cannot start {name}: {error}"))?);
            }
            None => println!("skipped: {name} is not on PATH"),
        }
    }
    Ok(servers)
}

/// A directory for scripts and outputs, removed at the end.
struct TempDir(PathBuf);

impl TempDir {
    fn create() -> Result<TempDir, String> {
        let dir = std::env::temp_dir().join(format!("ringload-duel-{}", std::process::id()));
        std::fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        Ok(TempDir(dir))
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
