//! SIGINT and SIGTERM as counted facts, read by the control thread.

use std::sync::atomic::{AtomicU32, Ordering};

static INTERRUPTS: AtomicU32 = AtomicU32::new(0);
static TERMINATIONS: AtomicU32 = AtomicU32::new(0);

/// How often each signal has come since `trap`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    pub interrupts: u32,
    pub terminations: u32,
}

impl Received {
    pub fn total(self) -> u32 {
        self.interrupts + self.terminations
    }
}

/// From now on SIGINT and SIGTERM are counted instead of ending the process.
pub fn trap() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: an all-zero sigaction is valid; `on_signal` only touches atomics, which is
        // async-signal-safe; no SA_RESTART, so that a sleeping control thread wakes.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as *const () as usize;
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

/// What has come so far.
pub fn received() -> Received {
    Received {
        interrupts: INTERRUPTS.load(Ordering::Relaxed),
        terminations: TERMINATIONS.load(Ordering::Relaxed),
    }
}

/// Blocks both signals in the calling thread, so that they reach the control thread.
pub fn block_in_this_thread() {
    // SAFETY: `set` is a live local, filled before use (S1).
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGINT);
        libc::sigaddset(&mut set, libc::SIGTERM);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
}

extern "C" fn on_signal(signal: libc::c_int) {
    let counter = if signal == libc::SIGINT { &INTERRUPTS } else { &TERMINATIONS };
    counter.fetch_add(1, Ordering::Relaxed);
}
