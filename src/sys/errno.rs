//! Each errno in words, with its likely cause.

/// The message of `errno` as strerror(3) gives it, in lower case as Go prints it.
pub fn text(errno: i32) -> String {
    let full = std::io::Error::from_raw_os_error(errno).to_string();
    let message = full.split(" (os error").next().unwrap_or(&full);
    message.to_lowercase()
}

/// What the user can do about a failure of our own machine; `None` where nothing useful is known.
pub fn remedy(errno: i32) -> Option<&'static str> {
    Some(match errno {
        libc::EMFILE => "too many open files: raise the limit (`ulimit -n`) or use fewer VUs",
        libc::ENFILE => "the system's file table is full: raise fs.file-max or use fewer VUs",
        libc::EADDRNOTAVAIL => {
            "no free local port: use several source addresses (--local-ips), keep connections alive, \
             or widen net.ipv4.ip_local_port_range"
        }
        libc::ENOBUFS | libc::ENOMEM => "the kernel is out of memory for sockets: use fewer connections",
        libc::EPERM => "not permitted here; a container's seccomp profile may forbid it",
        libc::ENOSYS => "this kernel does not have the system call",
        _ => return None,
    })
}
