//! What a run needs of the machine for TLS: authorities, and the file of the key log.

use super::command::Refusal;
use super::console::Console;
use crate::options::TlsOptions;
use crate::sys::{clock, trust};
use crate::tls::{KeyLine, Setup};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, Mutex, PoisonError};

/// Of a run that may speak TLS.
pub fn setup(options: &TlsOptions, console: &Console) -> Result<Setup, Refusal> {
    let authorities = match options.insecure_skip_verify {
        true => Vec::new(),
        false => trust::authorities(),
    };
    let now = clock::wall().as_secs();
    Setup::new(options.clone(), &authorities, key_log(console)?, now).map_err(Refusal::invalid)
}

/// As `setup`, for a run that speaks nothing but TLS: it must be able to trust somebody.
pub fn setup_for_url(options: &TlsOptions, console: &Console) -> Result<Setup, Refusal> {
    let setup = setup(options, console)?;
    match setup.trusts_nobody() {
        true => Err(Refusal::invalid(
            "no certificate authority was found, so no server can be trusted\n  fix: install the system's \
             certificates (package ca-certificates), set SSL_CERT_FILE to a PEM file, or use \
             --insecure-skip-tls-verify"
                .to_owned(),
        )),
        false => Ok(setup),
    }
}

/// Opened before the run: a path that cannot be written is found first.
fn key_log(console: &Console) -> Result<Option<KeyLine>, Refusal> {
    let Some(path) = std::env::var_os("SSLKEYLOGFILE").filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let shown = path.to_string_lossy();
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
    let file = file.map_err(|error| {
        Refusal::invalid(format!(
            "cannot open the key log {shown}: {error}\n  fix: change or unset SSLKEYLOGFILE"
        ))
    })?;
    console.warn(&format!("SSLKEYLOGFILE was specified, logging TLS connection keys to '{shown}'..."));
    let file = Mutex::new(file);
    Ok(Some(Arc::new(move |line: &str| {
        // A log that fails later costs the log, not the run.
        let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    })))
}
