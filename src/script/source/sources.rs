//! All texts of a test: found, read and kept.

use super::archive;
use super::files::{FileSystem, ReadError};
use super::jslib;
use super::load_error::LoadError;
use super::module_text::ModuleText;
use super::specifier::{self, Refusal, Specifier};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use url::Url;

/// The URL of a script from standard input.
const STDIN_URL: &str = "file:///-";

/// Shared by all VUs. Until `seal`, what is asked for is read; from then on nothing is.
pub struct Sources {
    files: Arc<dyn FileSystem>,
    argument: String,
    main_url: String,
    /// As it was written.
    main_text: String,
    /// The current directory; what a script from standard input is relative to.
    current: Url,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    modules: HashMap<String, Arc<ModuleText>>,
    /// k6's own modules that something imported.
    builtins: BTreeSet<String>,
    opened: HashMap<PathBuf, Arc<[u8]>>,
    sealed: bool,
}

/// Where evaluation begins.
#[derive(Clone, Debug)]
pub struct MainModule {
    pub url: String,
    pub text: Arc<ModuleText>,
}

impl Sources {
    /// Reads the script that the command line names, and all it imports statically. `-` is
    /// standard input, whose bytes the caller has read. `current` must be absolute.
    pub fn from_argument(
        argument: &str,
        stdin: Option<&[u8]>,
        current: &Path,
        files: Arc<dyn FileSystem>,
    ) -> Result<(Sources, MainModule), LoadError> {
        let (file_url, bytes) = match stdin {
            Some(bytes) if argument == "-" => (None, bytes.to_vec()),
            _ => {
                let (url, bytes) = read_main(argument, current, &*files)?;
                (Some(url), bytes)
            }
        };
        if archive::is_tar(&bytes) {
            return Err(LoadError::of_argument(format!(
                "'{argument}' is an archive, and archives are not supported yet; run the script that it was \
                 made from"
            )));
        }
        let main_url = file_url.map_or(STDIN_URL.to_owned(), String::from);
        let current = directory_url(current)
            .ok_or_else(|| LoadError::of_argument(format!("{}: not an absolute path", current.display())))?;
        let sources = Sources {
            files,
            argument: argument.to_owned(),
            main_url,
            main_text: String::from_utf8_lossy(&bytes).into_owned(),
            current,
            state: Mutex::default(),
        };
        let text = sources.load_main(&bytes).map_err(|error| sources.while_loading(error))?;
        let main = MainModule { url: sources.main_url.clone(), text };
        Ok((sources, main))
    }

    /// The module that an importer means: its URL, or the name of one of k6's own. Its text, and
    /// all it imports statically, are read at once, so that errors can name what was written.
    pub fn resolve(&self, importer_url: &str, specifier: &str) -> Result<String, LoadError> {
        self.resolve_in(&mut self.state(), importer_url, specifier)
    }

    /// The URL that `import.meta.resolve` answers. Nothing is read.
    pub fn url_of(&self, importer_url: &str, specifier: &str) -> Result<String, LoadError> {
        match self.parse(importer_url, specifier)? {
            Specifier::BuiltIn(name) => Ok(name),
            Specifier::Module(url) => Ok(url.into()),
        }
    }

    /// The text of a module that `resolve` named.
    pub fn load(&self, url: &str) -> Result<Arc<ModuleText>, LoadError> {
        let mut state = self.state();
        match state.modules.get(url) {
            Some(text) => Ok(text.clone()),
            None => {
                self.resolve_in(&mut state, &self.main_url, url)?;
                state.modules.get(url).cloned().ok_or_else(|| LoadError::of_script(specifier::not_found(url)))
            }
        }
    }

    /// All names that the modules read so far import from one: of k6's own, every name imported
    /// exists (unknown ones are undefined), and the names of CommonJS are known only when it ran.
    /// Once each, `default` among them, in no order.
    pub fn imported_names(&self, module: &str) -> BTreeSet<String> {
        let state = self.state();
        let mut names = BTreeSet::new();
        for text in state.modules.values() {
            for import in &text.imports {
                if self.url_of(&text.url, &import.specifier).is_ok_and(|url| url == module) {
                    names.extend(import.names.iter().cloned());
                }
            }
        }
        names
    }

    /// Whether one of the modules read so far has a text of this kind.
    pub fn any_text(&self, is_so: impl Fn(&str) -> bool) -> bool {
        self.state().modules.values().any(|module| is_so(&module.text))
    }

    /// k6's own modules that were imported so far, by name.
    pub fn imported_builtins(&self) -> BTreeSet<String> {
        self.state().builtins.clone()
    }

    /// The bytes for `open()`. A relative path is relative to the module whose top level is
    /// running, which need not be the one that calls `open()`.
    pub fn open(&self, importer_url: &str, path: &str) -> Result<Arc<[u8]>, LoadError> {
        let refuse = |message: String| Err(LoadError::of_script(message));
        if path.is_empty() {
            return refuse("open() can't be used with an empty filename".to_owned());
        }
        let path = path.strip_prefix("file://").unwrap_or(path);
        let Some(directory) = specifier::path_of(&self.directory_of(importer_url)) else {
            return refuse(format!("open() can't be used in {importer_url}"));
        };
        let path = clean(&directory.join(path));
        let mut state = self.state();
        if let Some(bytes) = state.opened.get(&path) {
            return Ok(bytes.clone());
        }
        let shown = path.display().to_string();
        if state.sealed {
            return refuse(format!(
                "open() can't be used with files that weren't previously opened during initialization \
                 (__VU==0), path: {shown:?}"
            ));
        }
        match self.files.read(&path) {
            Ok(bytes) => {
                let bytes: Arc<[u8]> = bytes.into();
                state.opened.insert(path, bytes.clone());
                Ok(bytes)
            }
            Err(ReadError::Directory) => {
                refuse(format!("open() can't be used with directories, path: {shown:?}"))
            }
            Err(ReadError::Missing) => refuse(format!("stat {shown}: no such file or directory")),
            Err(ReadError::Other(why)) => refuse(format!("open {shown}: {why}")),
        }
    }

    /// The first VU is initialised: from now on only what it read can be had.
    pub fn seal(&self) {
        self.state().sealed = true;
    }

    /// The main script, as it was written.
    pub fn main_text(&self) -> &str {
        &self.main_text
    }

    pub fn main_url(&self) -> &str {
        &self.main_url
    }

    /// k6's frame around what went wrong before anything was evaluated: a syntax error, a missing
    /// import, a link error.
    pub fn while_loading(&self, error: LoadError) -> LoadError {
        let message = format!(
            "could not initialize '{}': could not load JS test '{}': {}",
            self.argument, self.main_url, error.message
        );
        LoadError { message, ..error }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn load_main(&self, bytes: &[u8]) -> Result<Arc<ModuleText>, LoadError> {
        let mut state = self.state();
        let text = self.keep(&mut state, &self.main_url, bytes)?;
        self.load_imports(&mut state, text.clone())?;
        Ok(text)
    }

    fn resolve_in(
        &self,
        state: &mut State,
        importer_url: &str,
        specifier: &str,
    ) -> Result<String, LoadError> {
        let module = self.parse(importer_url, specifier)?;
        let known = match &module {
            Specifier::BuiltIn(name) => state.builtins.contains(name),
            Specifier::Module(url) => state.modules.contains_key(url.as_str()),
        };
        if !known && state.sealed {
            return Err(LoadError::of_script(format!(
                "the module {specifier:?} was not previously resolved during initialization (__VU==0)"
            )));
        }
        match module {
            Specifier::BuiltIn(name) => {
                state.builtins.insert(name.clone());
                Ok(name)
            }
            Specifier::Module(url) => {
                if !known {
                    let text = self.read_module(state, &url, specifier)?;
                    self.load_imports(state, text)?;
                }
                Ok(url.into())
            }
        }
    }

    /// Depth first, in order of appearance, as k6 finds errors.
    fn load_imports(&self, state: &mut State, text: Arc<ModuleText>) -> Result<(), LoadError> {
        let mut pending = vec![(text, 0)];
        while let Some((text, place)) = pending.pop() {
            let Some(import) = text.imports.get(place) else { continue };
            let module = self.parse(&text.url, &import.specifier)?;
            let next = match module {
                Specifier::BuiltIn(name) => {
                    state.builtins.insert(name);
                    None
                }
                Specifier::Module(url) if state.modules.contains_key(url.as_str()) => None,
                Specifier::Module(url) => Some(self.read_module(state, &url, &import.specifier)?),
            };
            pending.push((text, place + 1));
            pending.extend(next.map(|next| (next, 0)));
        }
        Ok(())
    }

    fn read_module(
        &self,
        state: &mut State,
        url: &Url,
        specifier: &str,
    ) -> Result<Arc<ModuleText>, LoadError> {
        if let Some(text) = jslib::text(url) {
            return self.keep(state, url.as_str(), text.as_bytes());
        }
        let directory = self.files.module_directory();
        let path = match specifier::is_remote(url) {
            true => directory.and_then(|directory| Some(directory.join(specifier::path_in_directory(url)?))),
            false => specifier::path_of(url),
        };
        let bytes =
            path.ok_or(ReadError::Missing).and_then(|path| self.files.read(&path)).map_err(|error| {
                LoadError::of_script(match error {
                    ReadError::Missing if specifier::is_remote(url) => {
                        specifier::remote(specifier, url, directory)
                    }
                    error => unreadable(error, specifier, url.path()),
                })
            })?;
        self.keep(state, url.as_str(), &bytes)
    }

    fn keep(&self, state: &mut State, url: &str, bytes: &[u8]) -> Result<Arc<ModuleText>, LoadError> {
        let may_be_typescript = url.ends_with(".ts") || url == STDIN_URL;
        let text = ModuleText::read(url, bytes, may_be_typescript).map_err(LoadError::of_script)?;
        let text = Arc::new(text);
        state.modules.insert(url.to_owned(), text.clone());
        Ok(text)
    }

    fn parse(&self, importer_url: &str, specifier: &str) -> Result<Specifier, LoadError> {
        Specifier::parse(&self.directory_of(importer_url), specifier).map_err(|refusal| {
            LoadError::of_script(match refusal {
                Refusal::Unrecognised => specifier::unrecognised(specifier),
                Refusal::Other(message) => message,
            })
        })
    }

    fn directory_of(&self, url: &str) -> Url {
        match Url::parse(url).ok().filter(|_| url != STDIN_URL).and_then(|url| url.join("./").ok()) {
            Some(directory) => directory,
            None => self.current.clone(),
        }
    }
}

/// The script named on the command line: a path first, then anything an import could name.
fn read_main(argument: &str, current: &Path, files: &dyn FileSystem) -> Result<(Url, Vec<u8>), LoadError> {
    let refuse = |message: String| Err(LoadError::of_argument(message));
    let missing = || refuse(specifier::not_found(argument));
    let path = clean(&current.join(argument));
    let Some(url) = specifier::url_of(&path) else { return missing() };
    match files.read(&path) {
        Ok(bytes) => return Ok((url, bytes)),
        Err(ReadError::Missing) => {}
        Err(error) => return refuse(unreadable(error, argument, &path.display().to_string())),
    }
    let Some(directory) = directory_url(current) else { return missing() };
    match Specifier::parse(&directory, argument) {
        Ok(Specifier::Module(url)) if specifier::is_remote(&url) => {
            refuse(format!("'{argument}' is remote, and remote scripts are not fetched; save it to a file"))
        }
        Ok(Specifier::Module(url)) => {
            let path = specifier::path_of(&url).ok_or(ReadError::Missing);
            match path.and_then(|path| files.read(&path)) {
                Ok(bytes) => Ok((url, bytes)),
                Err(error) => refuse(unreadable(error, argument, url.path())),
            }
        }
        Ok(Specifier::BuiltIn(_)) | Err(Refusal::Unrecognised) => missing(),
        Err(Refusal::Other(message)) => refuse(message),
    }
}

fn unreadable(error: ReadError, specifier: &str, path: &str) -> String {
    match error {
        ReadError::Missing => specifier::not_found(specifier),
        ReadError::Directory => format!("read {path}: is a directory"),
        ReadError::Other(why) => format!("open {path}: {why}"),
    }
}

fn directory_url(path: &Path) -> Option<Url> {
    Url::from_directory_path(path).ok()
}

/// Without `.` and `..`; links are not followed, as in k6.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}
