//! Child processes whose use of the machine is measured: for the benchmarks and tests that judge
//! this program, and others, from outside.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// A running child; killed and reaped when dropped.
pub struct MeasuredChild {
    child: Child,
    has_ended: bool,
}

/// What a child used until it ended, together with the children it waited for.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    pub status: ExitStatus,
    /// User and system time.
    pub cpu: Duration,
    /// Peak resident memory; never less than that of the process which started the child.
    pub rss_max_bytes: u64,
}

impl MeasuredChild {
    pub fn spawn(command: &mut Command) -> io::Result<MeasuredChild> {
        Ok(MeasuredChild { child: command.spawn()?, has_ended: false })
    }

    /// What it used, once it has ended: given once.
    pub fn poll_end(&mut self) -> io::Result<Option<Used>> {
        assert!(!self.has_ended, "process {} was waited for already", self.child.id());
        let pid = self.child.id() as libc::pid_t;
        let mut status = 0;
        // SAFETY: an all-zero rusage is valid; both are live locals (S1).
        let (reaped, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            (libc::wait4(pid, &mut status, libc::WNOHANG, &mut usage), usage)
        };
        match reaped {
            0 => Ok(None),
            -1 => Err(io::Error::last_os_error()),
            _ => {
                self.has_ended = true;
                let duration =
                    |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1_000);
                Ok(Some(Used {
                    status: ExitStatus::from_raw(status),
                    cpu: duration(usage.ru_utime) + duration(usage.ru_stime),
                    // Linux counts in KiB: getrusage(2).
                    rss_max_bytes: usage.ru_maxrss as u64 * 1024,
                }))
            }
        }
    }
}

impl Drop for MeasuredChild {
    fn drop(&mut self) {
        // Once reaped, its number may be another process's.
        if !self.has_ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock;

    #[track_caller]
    fn check(script: &str, want_code: Option<i32>, cpu_min: Duration) {
        let mut child = MeasuredChild::spawn(Command::new("sh").args(["-c", script])).unwrap();
        let used = loop {
            match child.poll_end().unwrap() {
                Some(used) => break used,
                None => clock::sleep(Duration::from_millis(1)),
            }
        };
        assert_eq!(used.status.code(), want_code);
        assert!(used.cpu >= cpu_min && used.rss_max_bytes > 100_000, "{used:?}");
    }

    #[test]
    fn a_child_tells_its_status_and_what_it_used() {
        check("exit 3", Some(3), Duration::ZERO);
        check("i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done", Some(0), Duration::from_millis(1));
        check("kill -KILL $$", None, Duration::ZERO);
    }

    #[test]
    fn a_dropped_child_is_gone() {
        let child = MeasuredChild::spawn(Command::new("sleep").arg("60")).unwrap();
        let proc = format!("/proc/{}", child.child.id());
        assert!(std::path::Path::new(&proc).exists());
        drop(child);
        assert!(!std::path::Path::new(&proc).exists());
    }
}
