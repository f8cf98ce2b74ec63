//! Two namespaces and a pair of veth between them. Needs root; what is made is removed, and the
//! machine's own network is not touched.

use crate::program::{RINGLOAD, command, run, skip};
use crate::tools::installed;

/// Two machines, as far as TCP can tell. Addresses are those for documentation (RFC 5737).
pub struct Network {
    pub near: String,
    pub far: String,
}

pub const FAR: &str = "192.0.2.2";
/// On the same network, and nobody's.
pub const NOBODY: &str = "192.0.2.77";

impl Network {
    /// `None`, with the reason said, where it cannot be made.
    pub fn make() -> Option<Network> {
        installed("ip")?;
        let id = std::process::id();
        let network = Network { near: format!("ringload-{id}-near"), far: format!("ringload-{id}-far") };
        let (near, far) = (network.near.as_str(), network.far.as_str());
        let steps: [&[&str]; 8] = [
            &["netns", "add", near],
            &["netns", "add", far],
            &["-n", near, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", far],
            &["-n", near, "addr", "add", "192.0.2.1/24", "dev", "eth0"],
            &["-n", far, "addr", "add", "192.0.2.2/24", "dev", "eth0"],
            &["-n", near, "link", "set", "lo", "up"],
            &["-n", near, "link", "set", "eth0", "up"],
            &["-n", far, "link", "set", "eth0", "up"],
        ];
        for step in steps {
            let ended = run(command("ip", step));
            if ended.code != Some(0) {
                skip(&format!("ip {}: {}", step.join(" "), ended.stderr.trim()));
                return None;
            }
        }
        Some(network)
    }

    /// ringload in one of the namespaces. ip(8) becomes it, so signals reach it.
    pub fn ringload(&self, namespace: &str, args: &[&str]) -> std::process::Command {
        command("ip", &[&["netns", "exec", namespace, RINGLOAD], args].concat())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in [&self.near, &self.far] {
            let mut ip = command("ip", &["netns", "del", namespace]);
            let _ = ip.stderr(std::process::Stdio::null()).status();
        }
    }
}
