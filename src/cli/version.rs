//! The text of `ringload version`.

/// `ringload v0.1.0 (linux/amd64)`, or the same as one line of JSON with k6's names.
pub fn render_version(json: bool) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let os = std::env::consts::OS;
    // k6 names machines as Go does.
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    if json {
        format!("{{\"arch\":\"{arch}\",\"os\":\"{os}\",\"version\":\"v{version}\"}}")
    } else {
        format!("ringload v{version} ({os}/{arch})")
    }
}
