//! Programs of this machine, and room for them: files and ports.

use crate::program::skip;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Where `name` is installed; says that the test is skipped if it is not.
pub fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Servers live where a plain user's PATH does not look.
    let more = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    let found =
        std::env::split_paths(&path).chain(more).map(|dir| dir.join(name)).find(|file| file.is_file());
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// A directory that is gone when the test is over.
pub struct Room {
    path: PathBuf,
}

impl Room {
    pub fn new() -> Room {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ringload-real-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Room { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A port that nobody listens on, below those that the kernel gives to clients: a client that
/// keeps trying a dead port of its own range will sooner or later connect to itself.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = 12_000 + std::process::id() % 10_000;
    for _ in 0..1_000 {
        let port = (first + NEXT.fetch_add(1, Ordering::Relaxed)) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {first} on");
}

/// Waits until somebody listens there.
#[track_caller]
pub fn wait_for_listener(port: u16) {
    for _ in 0..1_000 {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return;
        }
        pause();
    }
    panic!("nobody listens on port {port} after 10 s");
}

pub fn pause() {
    ringload::sys::clock::sleep(Duration::from_millis(10));
}
