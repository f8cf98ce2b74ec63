//! The machine's certificate authorities, found as Go finds them.

use std::path::{Path, PathBuf};

/// The first of these that can be read counts.
const FILES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Whole directories, read unless a file was named or found.
const DIRECTORIES: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// PEM texts. `SSL_CERT_FILE` stands for the file, `SSL_CERT_DIR` (several with colons between) for
/// the directories. Go reads the system's directories beside a file; they hold what its own file
/// holds, so they are read only if there is none, and a named file is all that counts.
pub fn authorities() -> Vec<Vec<u8>> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let (file, directories) = (variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR"));
    if file.is_none() && directories.is_none() {
        if let Some(text) = FILES.iter().find_map(|path| std::fs::read(path).ok()) {
            return vec![text];
        }
        return DIRECTORIES.iter().flat_map(|path| files_of(Path::new(path))).collect();
    }
    let mut texts: Vec<Vec<u8>> = file.iter().filter_map(|path| std::fs::read(path).ok()).collect();
    for directory in directories.iter().flat_map(|list| list.split(':')) {
        texts.extend(files_of(Path::new(directory)));
    }
    texts
}

/// Entries in order of their names; hashed links name the same certificates once more.
fn files_of(directory: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths.dedup_by_key(|path| path.canonicalize().ok());
    paths.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}
