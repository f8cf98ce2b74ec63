//! A recorded command, carried out by ringload in a directory of its own.

use crate::program::{self, Ended, Program, RINGLOAD};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The recordings' scripts name their server so.
const RECORDED_SERVER: &str = "127.0.0.1:18080";
/// As long as k6's own, so that bytes sent are the same.
const USER_AGENT: &str = "Grafana k6/2.2.0";

pub struct Run {
    directory: PathBuf,
    pub ended: Ended,
}

impl Run {
    /// `command` is k6's; its server is ours on `port`.
    pub fn of(name: &str, command: &str, port: u16) -> Run {
        let directory = lay_out(name, port);
        let (command, signal) = signal_of(command.trim());
        let (stdin, command) = stdin_of(command, &directory);
        let args: Vec<&str> = command.split(' ').skip(1).collect();
        let mut process = program::command(RINGLOAD, &args);
        process.current_dir(&directory).env("K6_USER_AGENT", USER_AGENT);
        if let Some(file) = stdin {
            process.stdin(file);
        }
        let mut program = Program::start(process);
        if let Some(signal) = signal {
            program.wait_for_output("running (");
            program.signal(signal);
        }
        Run { directory, ended: program.end() }
    }

    pub fn directory(&self) -> &str {
        self.directory.to_str().expect("its name is plain")
    }

    /// What the run wrote.
    pub fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.directory.join(name)).ok()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The recorded scripts in a fresh directory, asking our server.
fn lay_out(name: &str, port: u16) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("ringload-scripts-{}-{name}", std::process::id()));
    fs::create_dir_all(directory.join("scripts")).expect("a directory for temporary files");
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/k6/scripts");
    for script in fs::read_dir(recorded).expect("the recorded scripts").flatten() {
        let text = fs::read_to_string(script.path()).expect("a script is a text");
        let text = text.replace(RECORDED_SERVER, &format!("127.0.0.1:{port}"));
        fs::write(directory.join("scripts").join(script.file_name()), text).expect("it can be written");
    }
    // Where the commands that are given a name alone expect it.
    fs::copy(directory.join("scripts/long.js"), directory.join("long.js")).expect("it can be written");
    directory
}

/// `k6 run long.js + SIGINT after 2 s`.
fn signal_of(command: &str) -> (&str, Option<&str>) {
    match command.split_once(" + SIG") {
        Some((command, signal)) => (command, signal.split(' ').next()),
        None => (command, None),
    }
}

/// `cat pass.js | k6 run -`.
fn stdin_of<'a>(command: &'a str, directory: &Path) -> (Option<File>, &'a str) {
    match command.strip_prefix("cat ").and_then(|rest| rest.split_once(" | ")) {
        Some((file, command)) => {
            let path = directory.join("scripts").join(file);
            (Some(File::open(path).expect("a recorded script")), command)
        }
        None => (None, command),
    }
}
