//! From a command-line argument or an import specifier to module text.
//!
//! `Sources` reads the main script and everything it imports, once; all VUs share it. What it
//! hands out is JavaScript that the engine can compile: types are stripped, CommonJS is wrapped
//! into a function, and each module comes with the names it imports, because k6's own modules and
//! CommonJS answer any name. It evaluates nothing and fetches nothing from the network: `jslib` and a
//! directory have the remote modules. oxc lives
//! here and nowhere else. Messages are k6's.

mod archive;
mod files;
mod jslib;
mod line_map;
mod load_error;
mod module_text;
mod parse;
mod sources;
mod specifier;
mod syntax_error;
#[cfg(test)]
mod tests;
mod typescript;

#[cfg(test)]
pub use files::MemoryFiles;
pub use files::{Disk, FileSystem, ReadError};
pub use line_map::LineMap;
pub use load_error::LoadError;
pub use module_text::{Import, Kind, ModuleText};
pub use sources::{MainModule, Sources};
pub use specifier::is_builtin;
