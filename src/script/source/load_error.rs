//! Why a script cannot be loaded.

use std::fmt;

/// k6's exit status when the script named on the command line cannot be read.
const GENERIC: u8 = 255;
/// k6's exit status for all that is wrong inside scripts and their imports.
const SCRIPT_EXCEPTION: u8 = 107;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// Whole, for the user.
    pub message: String,
    pub exit_code: u8,
}

impl LoadError {
    /// About the argument itself.
    pub(super) fn of_argument(message: String) -> LoadError {
        LoadError { message, exit_code: GENERIC }
    }

    /// About what scripts contain, import or open.
    pub(super) fn of_script(message: String) -> LoadError {
        LoadError { message, exit_code: SCRIPT_EXCEPTION }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for LoadError {}
