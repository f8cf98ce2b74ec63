//! k6's `systemTags`: which of its own tags samples carry.

/// Every system tag of k6, by name.
const ALL: [&str; 18] = [
    "check",
    "error",
    "error_code",
    "expected_response",
    "group",
    "ip",
    "iter",
    "method",
    "name",
    "ocsp_status",
    "proto",
    "scenario",
    "service",
    "status",
    "subproto",
    "tls_version",
    "url",
    "vu",
];
const OFF_BY_DEFAULT: [&str; 4] = ["ip", "iter", "ocsp_status", "vu"];
/// What nothing here emits; in k6 no threshold sees the first two, and only servers that staple
/// their status have the third.
const NEVER_KEPT: [&str; 3] = ["iter", "ocsp_status", "vu"];

/// A set of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemTags {
    /// A bit for each of `ALL`.
    bits: u32,
}

impl Default for SystemTags {
    fn default() -> SystemTags {
        SystemTags::of(ALL.iter().copied().filter(|name| !OFF_BY_DEFAULT.contains(name)))
    }
}

impl SystemTags {
    /// As in k6, a name that is none is dropped.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> SystemTags {
        let bit = |name: &str| ALL.iter().position(|&known| known == name.trim()).map_or(0, |at| 1 << at);
        SystemTags { bits: names.into_iter().fold(0, |bits, name| bits | bit(name)) }
    }

    /// Whether a tag of this name is one of k6's, and not in the set.
    pub fn hides(self, name: &str) -> bool {
        ALL.iter().position(|&known| known == name).is_some_and(|at| self.bits & (1 << at) == 0)
    }

    pub fn has(self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Sorted.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        ALL.iter().enumerate().filter(move |(at, _)| self.bits & (1 << at) != 0).map(|(_, &name)| name)
    }

    /// What to log of those that are asked for and not kept.
    pub fn warning(self) -> Option<String> {
        let asked: Vec<&str> = self.names().filter(|name| NEVER_KEPT.contains(name)).collect();
        (!asked.is_empty()).then(|| {
            format!("samples do not carry the system tags {}; see docs/k6-compat.md", asked.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &str, hidden: &[&str], shown: &[&str], warned: bool) {
        let tags = SystemTags::of(names.split(','));
        for name in hidden {
            assert!(tags.hides(name) && !tags.has(name), "{names}: {name}");
        }
        for name in shown {
            assert!(!tags.hides(name), "{names}: {name}");
        }
        assert_eq!(tags.warning().is_some(), warned, "{names}");
    }

    #[test]
    fn the_set_is_what_was_named_and_known() {
        check("status, method,nonsense", &["url", "ip", "vu"], &["status", "method", "mine"], false);
        check("", &["status", "group"], &["mine"], false);
        check("vu,url", &["iter"], &["vu", "url"], true);
    }

    #[test]
    fn the_default_is_k6s() {
        let names: Vec<_> = SystemTags::default().names().collect();
        assert_eq!(names.len(), 14);
        assert!(OFF_BY_DEFAULT.iter().all(|name| !names.contains(name)));
        assert_eq!(SystemTags::default().warning(), None);
    }
}
