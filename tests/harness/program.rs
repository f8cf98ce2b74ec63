//! The real binary as a child process: arguments, variables and signals in; output, exit status
//! and the time it took out. Nothing outlives its limit: a child that hangs is killed, and the
//! test fails with what it had said.

use ringload::sys::clock::{self, Clock};
use ringload::time::Instant;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// No test waits longer for what a process is to say, or for its end.
const LIMIT: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(2);

pub const RINGLOAD: &str = env!("CARGO_BIN_EXE_ringload");

/// Says why a test, or a part of it, is not done. Past the test harness, which would keep what a
/// passing test prints to itself.
pub fn skip(why: &str) {
    let thread = std::thread::current();
    let line = format!("\nskipped {}: {why}\n", thread.name().unwrap_or_default());
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// A process under way.
pub struct Program {
    child: Child,
    clock: Clock,
    stdout: Gathered,
    stderr: Gathered,
    command: String,
    /// When the last signal was sent.
    signalled_at: Option<Instant>,
}

/// What a process left behind.
#[derive(Debug)]
pub struct Ended {
    /// `None`: it died by a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// From the last signal to the end.
    pub after_signal: Option<Duration>,
}

/// `ringload` with `args` and nothing of the caller's environment that it would read.
pub fn ringload(args: &[&str]) -> Command {
    command(RINGLOAD, args)
}

/// Any command, with the same clean environment.
pub fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env_clear().stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Runs it to its end.
#[track_caller]
pub fn run(command: Command) -> Ended {
    Program::start(command).end()
}

impl Program {
    #[track_caller]
    pub fn start(mut command: Command) -> Program {
        let text = format!("{command:?}");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{text}: {error}"));
        let stdout = Gathered::from(child.stdout.take().expect("it is piped"));
        let stderr = Gathered::from(child.stderr.take().expect("it is piped"));
        Program { child, clock: Clock::start(), stdout, stderr, command: text, signalled_at: None }
    }

    /// Of the process.
    #[allow(dead_code)] // only the real causes of a verdict need it
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until standard output holds `text`; gives all of it so far.
    #[track_caller]
    pub fn wait_for_output(&mut self, text: &str) -> String {
        let until = self.clock.now() + LIMIT;
        loop {
            let so_far = self.stdout.so_far();
            if so_far.contains(text) {
                return so_far;
            }
            let ended = self.child.try_wait().expect("it is our child").is_some();
            if ended || self.clock.now() > until {
                self.give_up(&format!("never said {text:?}"));
            }
            clock::sleep(LOOK_EVERY);
        }
    }

    /// Sends SIG`name`. The shell's own `kill`, so that no test needs unsafe code.
    #[track_caller]
    pub fn signal(&mut self, name: &str) {
        self.signalled_at = Some(self.clock.now());
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("there is a shell");
        assert!(sent.success(), "{kill}: {sent}");
    }

    #[track_caller]
    pub fn end(mut self) -> Ended {
        let until = self.clock.now() + LIMIT;
        let status = loop {
            match self.child.try_wait().expect("it is our child") {
                Some(status) => break status,
                None if self.clock.now() > until => self.give_up("did not end in time"),
                None => clock::sleep(LOOK_EVERY),
            }
        };
        let now = self.clock.now();
        Ended {
            code: status.code(),
            stdout: self.stdout.whole(),
            stderr: self.stderr.whole(),
            after_signal: self.signalled_at.map(|at| Duration::from_nanos(now.since(at))),
        }
    }

    #[track_caller]
    fn give_up(&mut self, why: &str) -> ! {
        let _ = self.child.kill();
        let (out, err) = (self.stdout.so_far(), self.stderr.so_far());
        panic!("{} {why}\n--- stdout\n{out}\n--- stderr\n{err}", self.command);
    }
}

impl Drop for Program {
    /// One that has ended is left alone. One that a failed test left behind is asked first: a
    /// server that is killed leaves its workers behind.
    fn drop(&mut self) {
        let has_ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        if has_ended(&mut self.child) {
            return;
        }
        let kill = format!("kill -TERM {}", self.child.id());
        let _ = Command::new("sh").args(["-c", &kill]).status();
        for _ in 0..500 {
            if has_ended(&mut self.child) {
                return;
            }
            clock::sleep(LOOK_EVERY);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A stream read on a thread of its own, so that the child never waits for us.
struct Gathered {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Gathered {
    fn from(mut stream: impl Read + Send + 'static) -> Gathered {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let shared = bytes.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                shared.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Gathered { bytes, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        self.so_far()
    }
}
