//! The terminal: whether there is one, how wide it is, and the local time zone of its user.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;

pub fn is_terminal(stream: &impl IsTerminal) -> bool {
    stream.is_terminal()
}

/// Columns of the terminal behind `stream`; `None` if it is none.
pub fn columns(stream: &impl AsFd) -> Option<usize> {
    // SAFETY: an all-zero winsize is valid, and a live local (S1).
    let size = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        match libc::ioctl(stream.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &mut size) {
            0 => size,
            _ => return None,
        }
    };
    (size.ws_col > 0).then_some(size.ws_col as usize)
}

/// Local time minus UTC, now.
pub fn utc_offset_seconds() -> i32 {
    // SAFETY: both are live locals (S1); localtime_r is the thread-safe form.
    unsafe {
        let now = libc::time(std::ptr::null_mut());
        let mut local: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&now, &mut local).is_null() { 0 } else { local.tm_gmtoff as i32 }
    }
}
