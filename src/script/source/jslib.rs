//! Modules of `https://jslib.k6.io/` that come with the program, in any version.
//!
//! Written from their public documentation, in JavaScript. Other remote modules are read from a
//! directory (`FileSystem::module_directory`).

use url::Url;

const HOST: &str = "jslib.k6.io";

/// By the first part of the path, then `VERSION/index.js`.
const MODULES: &[(&str, &str)] = &[
    ("k6-utils", include_str!("jslib/k6-utils.js")),
    ("k6-summary", include_str!("jslib/k6-summary.js")),
    ("url", include_str!("jslib/url.js")),
    ("formdata", include_str!("jslib/formdata.js")),
    ("httpx", include_str!("jslib/httpx.js")),
];

pub fn text(url: &Url) -> Option<&'static str> {
    if url.scheme() != "https" || url.host_str() != Some(HOST) {
        return None;
    }
    let parts: Vec<&str> = url.path_segments()?.collect();
    let name = match parts[..] {
        [name, _, "index.js"] | [name, "index.js"] => name,
        _ => return None,
    };
    MODULES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// For a message.
pub fn names() -> String {
    MODULES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
