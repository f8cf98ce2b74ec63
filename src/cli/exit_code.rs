//! Exit statuses, as k6 has them; scripts around k6 branch on these.

pub const SUCCESS: u8 = 0;
/// One or more thresholds failed.
pub const THRESHOLDS_FAILED: u8 = 99;
pub const SETUP_TIMEOUT: u8 = 100;
pub const TEARDOWN_TIMEOUT: u8 = 101;
/// Stopped through the REST API.
pub const STOPPED_BY_API: u8 = 103;
/// Bad variable, bad options, options that contradict each other.
pub const INVALID_CONFIG: u8 = 104;
/// SIGINT or SIGTERM.
pub const INTERRUPTED: u8 = 105;
pub const CANNOT_START_API: u8 = 106;
/// An exception in init code, `setup()` or `teardown()`; syntax errors.
pub const SCRIPT_EXCEPTION: u8 = 107;
/// `exec.test.abort()`.
pub const SCRIPT_ABORTED: u8 = 108;
/// A bug of ours.
pub const PANIC: u8 = 109;
/// `exec.test.fail()`.
pub const MARKED_AS_FAILED: u8 = 110;
/// A search ended because the generator was the limit; not one of k6's.
pub const GENERATOR_LIMITED: u8 = 112;
/// Everything without a status of its own: flags, arguments, missing files.
pub const GENERIC: u8 = 255;
