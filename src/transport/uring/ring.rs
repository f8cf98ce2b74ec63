//! One io_uring instance: set-up with a fallback ladder, enter(2), and the completions of a turn.

use crate::sys::errno;
use io_uring::{IoUring, squeue, types::Timespec};
use std::io;
use std::os::fd::AsRawFd;

// io_uring_enter(2) and io_uring_register(2); the crate keeps these to itself.
const ENTER_GETEVENTS: u32 = 1 << 0;
const ENTER_EXT_ARG: u32 = 1 << 3;
const ENTER_REGISTERED_RING: u32 = 1 << 4;
const ENTER_NO_IOWAIT: u32 = 1 << 7;
const REGISTER_RING_FDS: u32 = 20;

/// Submissions that the kernel may put off in a row before that is a failure.
const TRIES_MAX: u32 = 100_000;

/// io_uring_getevents_arg of io_uring_enter(2).
#[repr(C)]
struct WaitArgument {
    sigmask: u64,
    sigmask_size: u32,
    min_wait_usec: u32,
    timespec: u64,
}

/// io_uring_rsrc_update of io_uring_register(2).
#[repr(C)]
struct RingFdUpdate {
    offset: u32,
    reserved: u32,
    data: u64,
}

/// A completion, copied out of the queue.
#[derive(Clone, Copy)]
pub struct Completion {
    pub user_data: u64,
    pub result: i32,
    pub flags: u32,
}

/// A rung of the ladder: the set-up flags that this kernel accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// SINGLE_ISSUER, DEFER_TASKRUN, SUBMIT_ALL, TASKRUN_FLAG (6.1).
    DeferTaskrun,
    /// COOP_TASKRUN, SUBMIT_ALL, TASKRUN_FLAG (5.19).
    CoopTaskrun,
    /// No flags.
    Plain,
}

pub struct Ring {
    ring: IoUring,
    setup: Setup,
    /// Index of the registered ring fd, or -1: spares a file look-up per enter (5.18).
    registered: i32,
    base_flags: u32,
    min_wait: bool,
    /// Times the completion queue was found overflown; the kernel keeps those entries (NODROP).
    pub overflows: u64,
}

impl Ring {
    /// `completions`: capacity of the completion queue, at least 4 for each connection.
    pub fn new(submissions: u32, completions: u32) -> io::Result<Ring> {
        let mut refusal = io::Error::from_raw_os_error(libc::EINVAL);
        for setup in [Setup::DeferTaskrun, Setup::CoopTaskrun, Setup::Plain] {
            match build(setup, submissions, completions) {
                Ok(ring) => return Ok(Ring::with(ring, setup)),
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => refusal = error,
                Err(error) => return Err(error),
            }
        }
        Err(refusal)
    }

    fn with(ring: IoUring, setup: Setup) -> Ring {
        let params = ring.params();
        let min_wait = params.is_feature_min_timeout();
        // Without it, a thread that waits for responses looks like one that waits for a disk.
        let base_flags = if params.is_feature_no_iowait() { ENTER_NO_IOWAIT } else { 0 };
        let registered = register_ring_fd(ring.as_raw_fd());
        Ring { ring, setup, registered, base_flags, min_wait, overflows: 0 }
    }

    pub fn setup(&self) -> Setup {
        self.setup
    }

    pub fn submitter(&self) -> io_uring::Submitter<'_> {
        self.ring.submitter()
    }

    /// Queues an entry; the caller submits before the queue is full.
    ///
    /// # Safety
    /// Whatever the entry points to must outlive its completion (K1).
    pub unsafe fn push(&mut self, entry: &squeue::Entry) {
        // SAFETY: the caller's promise.
        unsafe { self.ring.submission().push(entry) }.expect("room in the submission queue");
    }

    pub fn is_full(&mut self) -> bool {
        self.ring.submission().is_full()
    }

    pub fn queued(&mut self) -> usize {
        self.ring.submission().len()
    }

    /// Hands all queued entries to the kernel.
    pub fn submit(&mut self) {
        let mut tries = 0;
        loop {
            let queued = self.queued();
            if queued == 0 {
                return;
            }
            match self.enter(queued as u32, 0, 0, None) {
                Ok(_) => {}
                Err(libc::EINTR) => {}
                // The kernel is short of memory or wants completions to be run first: then go on.
                Err(libc::EAGAIN | libc::EBUSY) if tries < TRIES_MAX => {
                    tries += 1;
                    let _ = self.enter(0, 0, ENTER_GETEVENTS, None);
                }
                Err(code) => panic!("io_uring_enter to submit {queued}: {}", errno::text(code)),
            }
        }
    }

    /// Lets the kernel deliver what is ready; never sleeps, and makes no system call if the
    /// kernel has flagged nothing.
    pub fn poll(&mut self) {
        let submission = self.ring.submission();
        let flagged = submission.taskrun() || submission.cq_overflow();
        drop(submission);
        if flagged || self.setup == Setup::Plain {
            let _ = self.enter(0, 0, ENTER_GETEVENTS, None);
        }
    }

    /// Sleeps until `want` completions, or `timeout_ns`; with `min_wait_ns`, until one completion
    /// once that time has passed.
    pub fn wait(&mut self, want: u32, timeout_ns: u64, min_wait_ns: u32) {
        let timespec =
            Timespec::new().sec(timeout_ns / 1_000_000_000).nsec((timeout_ns % 1_000_000_000) as u32);
        let (want, min_wait_usec) = match self.min_wait {
            true => (want, min_wait_ns / 1_000),
            false => (1, 0),
        };
        let argument =
            WaitArgument { sigmask: 0, sigmask_size: 8, min_wait_usec, timespec: &raw const timespec as u64 };
        match self.enter(0, want, ENTER_GETEVENTS | ENTER_EXT_ARG | self.base_flags, Some(&argument)) {
            Ok(_) | Err(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN) => {}
            Err(code) => panic!("io_uring_enter to wait: {}", errno::text(code)),
        }
    }

    /// Moves up to `at_most` completions into `batch`.
    pub fn take_completions(&mut self, batch: &mut Vec<Completion>, at_most: usize) {
        if self.ring.submission().cq_overflow() {
            self.overflows += 1;
        }
        batch.extend(self.ring.completion().take(at_most).map(|entry| Completion {
            user_data: entry.user_data(),
            result: entry.result(),
            flags: entry.flags(),
        }));
    }

    fn enter(&self, submit: u32, want: u32, flags: u32, argument: Option<&WaitArgument>) -> Result<u32, i32> {
        let (fd, flags) = match self.registered {
            -1 => (self.ring.as_raw_fd(), flags),
            index => (index, flags | ENTER_REGISTERED_RING),
        };
        let (pointer, size) = match argument {
            Some(argument) => (std::ptr::from_ref(argument), size_of::<WaitArgument>()),
            None => (std::ptr::null(), 0),
        };
        // SAFETY: `fd` is this ring, alive as long as `self`; `argument` and the timespec in it
        // are live locals of the callers for the length of the call.
        let result =
            unsafe { libc::syscall(libc::SYS_io_uring_enter, fd, submit, want, flags, pointer, size) };
        if result >= 0 {
            Ok(result as u32)
        } else {
            Err(io::Error::last_os_error().raw_os_error().unwrap_or(0))
        }
    }
}

fn build(setup: Setup, submissions: u32, completions: u32) -> io::Result<IoUring> {
    let mut builder = IoUring::builder();
    builder.setup_cqsize(completions).setup_clamp();
    match setup {
        Setup::DeferTaskrun => {
            builder.setup_single_issuer().setup_defer_taskrun().setup_taskrun_flag().setup_submit_all();
        }
        Setup::CoopTaskrun => {
            builder.setup_coop_taskrun().setup_taskrun_flag().setup_submit_all();
        }
        Setup::Plain => {}
    }
    builder.build(submissions)
}

fn register_ring_fd(fd: i32) -> i32 {
    let mut update = RingFdUpdate { offset: u32::MAX, reserved: 0, data: fd as u64 };
    // SAFETY: `update` is a live local; the kernel writes the index into `offset`.
    let result =
        unsafe { libc::syscall(libc::SYS_io_uring_register, fd, REGISTER_RING_FDS, &raw mut update, 1u32) };
    if result == 1 { update.offset as i32 } else { -1 }
}
