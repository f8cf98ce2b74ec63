//! Limits of the process: open files.

/// Raises the soft limit of open files to `wanted`, as far as the hard limit allows.
/// Returns the limit in force afterwards.
pub fn raise_open_files(wanted: u64) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a live local (S1).
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return wanted;
    }
    if limit.rlim_cur < wanted {
        // Root may also raise the hard limit; where it may not, the second call settles for it.
        let hard = limit.rlim_max.max(wanted);
        let raised = libc::rlimit { rlim_cur: wanted, rlim_max: hard };
        let within = libc::rlimit { rlim_cur: wanted.min(limit.rlim_max), rlim_max: limit.rlim_max };
        // SAFETY: both are live locals (S1).
        unsafe {
            if libc::setrlimit(libc::RLIMIT_NOFILE, &raised) != 0 {
                libc::setrlimit(libc::RLIMIT_NOFILE, &within);
            }
            libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        }
    }
    limit.rlim_cur
}
