//! What an import specifier names: k6's own module, or another by its URL. Pure text; nothing is read.

use std::path::{Path, PathBuf};
use url::Url;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Specifier {
    /// k6's own, by the name it is imported by; whether it exists is the engine's to say.
    BuiltIn(String),
    /// A file, or a remote module (`https`).
    Module(Url),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing k6 would recognise: a bare name.
    Unrecognised,
    /// Anything else, in words.
    Other(String),
}

/// Whether a specifier names one of k6's own modules.
pub fn is_builtin(specifier: &str) -> bool {
    specifier == "k6" || specifier.starts_with("k6/")
}

impl Specifier {
    /// `directory` is the importer's, as a URL that ends in a slash.
    pub fn parse(directory: &Url, specifier: &str) -> Result<Specifier, Refusal> {
        let refuse = |message: String| Err(Refusal::Other(message));
        if specifier.is_empty() {
            return refuse("local or remote path required".to_owned());
        }
        if is_builtin(specifier) {
            return Ok(Specifier::BuiltIn(specifier.to_owned()));
        }
        if specifier.starts_with(['.', '/']) {
            // `//host/x` would name another host; a path is meant.
            let path = if specifier.starts_with('/') {
                format!("/{}", specifier.trim_start_matches('/'))
            } else {
                specifier.to_owned()
            };
            return match directory.join(&path) {
                Ok(url) => Ok(Specifier::Module(url)),
                Err(error) => refuse(format!("{specifier}: {error}")),
            };
        }
        if let Some((scheme, _)) = specifier.split_once("://") {
            return match scheme {
                "file" if is_remote(directory) => {
                    refuse(format!("origin ({directory}) not allowed to load local file: {specifier}"))
                }
                "file" | "https" => match Url::parse(specifier) {
                    Ok(url) => Ok(Specifier::Module(url)),
                    Err(error) => refuse(format!("{specifier}: {error}")),
                },
                _ => refuse(format!(
                    "only supported schemes for imports are file and https, {specifier} has `{scheme}`"
                )),
            };
        }
        for (site, name, file) in [
            ("cdnjs.com", "cdnjs", "actual JavaScript file"),
            ("github.com", "github", "actual raw JavaScript file"),
        ] {
            if specifier.starts_with(site) {
                return refuse(format!(
                    "{site} 'special' urls are no longer supported - please use real ones. You can get yours \
                     by going to {name} and copy-pasting the full url to the {file}"
                ));
            }
        }
        Err(Refusal::Unrecognised)
    }
}

/// Whether k6 would fetch a module with this URL.
pub fn is_remote(url: &Url) -> bool {
    url.scheme() == "https"
}

/// Where a remote module is in a directory of such: `host/path`. `None`: its path would leave it.
pub fn path_in_directory(url: &Url) -> Option<PathBuf> {
    let parts: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    let is_plain = |part: &&str| !part.contains("%2f") && !part.contains("%2F") && *part != "..";
    let host = url.host_str().filter(|_| !parts.is_empty() && parts.iter().all(is_plain))?;
    Some(parts.iter().fold(PathBuf::from(host), |path, part| path.join(part)))
}

/// Not k6's words: k6 would fetch it.
pub fn remote(specifier: &str, url: &Url, directory: Option<&Path>) -> String {
    let begin = format!("The moduleSpecifier {specifier:?} is a remote module");
    let place = path_in_directory(url).unwrap_or_else(|| PathBuf::from("host/path"));
    match directory {
        Some(directory) => format!(
            "{begin}, and {} is not there; save it to that file, and what it imports likewise",
            directory.join(place).display()
        ),
        None => format!(
            "{begin}, and remote modules are not fetched. Of https://jslib.k6.io/ there are {}; save others as \
             DIR/{} and run with --module-dir DIR",
            super::jslib::names(),
            place.display()
        ),
    }
}

/// k6's text for a specifier that is neither a path, a URL nor one of its own modules.
pub fn unrecognised(specifier: &str) -> String {
    format!("The moduleSpecifier {specifier:?} couldn't be recognised as something k6 supports.")
}

/// k6's text for a file that is not there, with the specifier as written.
pub fn not_found(specifier: &str) -> String {
    format!(
        "The moduleSpecifier \"{specifier}\" couldn't be found on local disk. Make sure that you've \
         specified the right path to the file. If you're running k6 using the Docker image make sure you \
         have mounted the local directory (-v /local/path/:/inside/docker/path) containing your script and \
         modules so that they're accessible by k6 from inside of the container, see \
         https://grafana.com/docs/k6/latest/using-k6/modules/#use-modules-with-docker."
    )
}

/// The path of a file URL; `None` if it has none, such as one with a host.
pub fn path_of(url: &Url) -> Option<PathBuf> {
    url.to_file_path().ok()
}

/// The URL of an absolute path.
pub fn url_of(path: &Path) -> Option<Url> {
    Url::from_file_path(path).ok()
}
