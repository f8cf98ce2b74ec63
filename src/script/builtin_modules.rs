//! The modules that k6 has, by the name in an `import`, and whether ringload has them.
//!
//! `docs/k6-compat.md` is held to this list. Modules of extensions (`k6/x/…`) are not in it, nor those
//! that k6 itself no longer has.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleStatus {
    Supported,
    /// Known and refused.
    Refused,
}

pub const MODULES: &[(&str, ModuleStatus)] = &[
    ("k6", ModuleStatus::Supported),
    ("k6/http", ModuleStatus::Supported),
    ("k6/metrics", ModuleStatus::Supported),
    ("k6/data", ModuleStatus::Supported),
    ("k6/execution", ModuleStatus::Supported),
    ("k6/encoding", ModuleStatus::Supported),
    ("k6/crypto", ModuleStatus::Supported),
    ("k6/html", ModuleStatus::Supported),
    ("k6/timers", ModuleStatus::Supported),
    ("k6/secrets", ModuleStatus::Refused),
    ("k6/ws", ModuleStatus::Refused),
    ("k6/websockets", ModuleStatus::Refused),
    ("k6/net/grpc", ModuleStatus::Refused),
    ("k6/browser", ModuleStatus::Refused),
    ("k6/crypto/x509", ModuleStatus::Refused),
    ("k6/experimental/csv", ModuleStatus::Refused),
    ("k6/experimental/fs", ModuleStatus::Refused),
    ("k6/experimental/streams", ModuleStatus::Refused),
    ("k6/experimental/websockets", ModuleStatus::Refused),
];

/// `None`: k6 has no such module.
pub fn status(name: &str) -> Option<ModuleStatus> {
    MODULES.iter().find(|(known, _)| *known == name).map(|(_, status)| *status)
}
