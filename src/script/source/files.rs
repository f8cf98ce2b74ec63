//! Where scripts and the files they open are read from.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Read while scripts are initialised, never during a run.
pub trait FileSystem: Send + Sync {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError>;

    /// Where remote modules are, as `host/path`.
    fn module_directory(&self) -> Option<&Path> {
        None
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    Missing,
    Directory,
    /// In the system's words: `permission denied`.
    Other(String),
}

/// The machine's own.
#[derive(Default)]
pub struct Disk {
    pub module_directory: Option<PathBuf>,
}

impl FileSystem for Disk {
    fn module_directory(&self) -> Option<&Path> {
        self.module_directory.as_deref()
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        std::fs::read(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => ReadError::Missing,
            ErrorKind::IsADirectory => ReadError::Directory,
            ErrorKind::PermissionDenied => ReadError::Other("permission denied".to_owned()),
            _ => ReadError::Other(error.to_string()),
        })
    }
}

/// Files of a test. A path above one of them is a directory.
#[cfg(test)]
#[derive(Default)]
pub struct MemoryFiles {
    files: std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>,
    reads: std::sync::atomic::AtomicUsize,
    pub module_directory: Option<PathBuf>,
}

#[cfg(test)]
impl MemoryFiles {
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> MemoryFiles {
        let files = files.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        MemoryFiles { files, ..MemoryFiles::default() }
    }

    /// How often anything was read so far.
    pub fn reads(&self) -> usize {
        self.reads.load(std::sync::atomic::Ordering::Relaxed)
    }
}

#[cfg(test)]
impl FileSystem for MemoryFiles {
    fn module_directory(&self) -> Option<&Path> {
        self.module_directory.as_deref()
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        self.reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match self.files.get(path) {
            Some(bytes) => Ok(bytes.clone()),
            None if self.files.keys().any(|file| file.starts_with(path)) => Err(ReadError::Directory),
            None => Err(ReadError::Missing),
        }
    }
}
