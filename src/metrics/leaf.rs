//! A leaf: one full tag set, and its place in a recorder.

use crate::options::SystemTags;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::Hash;

/// A leaf's place in the recorder that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeafId(pub u32);

/// Tag names and values, sorted by name. Equality is equality of tag sets.
pub type TagSet = BTreeMap<String, String>;

/// The system tags of one exchange, as k6 defines them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ExchangeTags {
    pub scenario: String,
    /// `""` at the root, `::a::b` nested.
    pub group: String,
    pub method: String,
    /// Final URL; or the user's `name` when set.
    pub url: String,
    pub name: String,
    /// 0 on error.
    pub status: u16,
    /// `HTTP/1.1`; empty (tag absent) if no response came.
    pub proto: String,
    /// `tls1.3`; empty: tag absent.
    pub tls_version: &'static str,
    /// k6's error text; empty: tag absent.
    pub error: String,
    /// k6's error code; 0: tag absent.
    pub error_code: u16,
    /// `None`: tag and `http_req_failed` absent (null response callback).
    pub expected_response: Option<bool>,
    /// Run, scenario and request tags of the user; system tags override them.
    pub user: TagSet,
}

/// The tags of what is neither an exchange nor a check: iterations, starts and data (in the root
/// group, but for setup and teardown), groups, custom metrics.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SampleTags {
    /// Empty in setup and teardown: tag absent.
    pub scenario: String,
    /// `""` at the root, `::a::b` nested, `::setup` and `::teardown` there.
    pub group: String,
    /// Run, scenario and VU tags of the user, and those given with a value.
    pub user: TagSet,
}

/// The tags of a check.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CheckTags {
    pub scenario: String,
    /// As in `SampleTags`.
    pub group: String,
    /// The tag `check`.
    pub name: String,
    pub user: TagSet,
}

/// Stands for all checks beyond the bound of leaves.
const OTHER_CHECKS: &str = "(other checks)";

impl ExchangeTags {
    /// All tags that samples of this leaf carry, by k6's names.
    pub fn all(&self, shown: SystemTags) -> TagSet {
        let system = [
            "scenario",
            "group",
            "method",
            "url",
            "name",
            "status",
            "proto",
            "tls_version",
            "error",
            "error_code",
            "expected_response",
        ];
        all_of(&self.user, &system, |name| self.tag(name, shown))
    }

    /// The value of a tag by k6's name of it; `None` if samples of this leaf do not carry it, where
    /// they carry the system tags `shown`.
    pub fn tag(&self, name: &str, shown: SystemTags) -> Option<Cow<'_, str>> {
        let system = match name {
            _ if shown.hides(name) => None,
            "scenario" => unless_empty(&self.scenario),
            "group" => Some(Cow::Borrowed(self.group.as_str())),
            "method" => unless_empty(&self.method),
            "url" => unless_empty(&self.url),
            "name" => unless_empty(&self.name),
            "status" => Some(Cow::Owned(self.status.to_string())),
            "proto" => unless_empty(&self.proto),
            "tls_version" => unless_empty(self.tls_version),
            "error" => unless_empty(&self.error),
            "error_code" => (self.error_code != 0).then(|| Cow::Owned(self.error_code.to_string())),
            "expected_response" => self.expected_response.map(|yes| Cow::Owned(yes.to_string())),
            _ => None,
        };
        system.or_else(|| user_tag(&self.user, name))
    }
}

impl SampleTags {
    /// As `ExchangeTags::all`.
    pub fn all(&self, shown: SystemTags) -> TagSet {
        all_of(&self.user, &["scenario", "group"], |name| self.tag(name, shown))
    }

    /// As `ExchangeTags::tag`.
    pub fn tag(&self, name: &str, shown: SystemTags) -> Option<Cow<'_, str>> {
        let system = match name {
            _ if shown.hides(name) => None,
            "scenario" => unless_empty(&self.scenario),
            "group" => Some(Cow::Borrowed(self.group.as_str())),
            _ => None,
        };
        system.or_else(|| user_tag(&self.user, name))
    }
}

impl CheckTags {
    /// As `ExchangeTags::all`.
    pub fn all(&self, shown: SystemTags) -> TagSet {
        all_of(&self.user, &["scenario", "group", "check"], |name| self.tag(name, shown))
    }

    /// As `ExchangeTags::tag`.
    pub fn tag(&self, name: &str, shown: SystemTags) -> Option<Cow<'_, str>> {
        let system = match name {
            _ if shown.hides(name) => None,
            "scenario" => unless_empty(&self.scenario),
            "group" => Some(Cow::Borrowed(self.group.as_str())),
            "check" => Some(Cow::Borrowed(self.name.as_str())),
            _ => None,
        };
        system.or_else(|| user_tag(&self.user, name))
    }
}

/// What is left of a tag set when the bound of leaves is reached: everything but the tags that a
/// script can give ever new values.
pub(super) trait Coarse: Clone + Eq + Hash {
    fn coarse(&self) -> Self;
}

impl Coarse for ExchangeTags {
    fn coarse(&self) -> ExchangeTags {
        ExchangeTags {
            scenario: self.scenario.clone(),
            method: self.method.clone(),
            status: self.status,
            proto: self.proto.clone(),
            error_code: self.error_code,
            expected_response: self.expected_response,
            ..ExchangeTags::default()
        }
    }
}

impl Coarse for SampleTags {
    fn coarse(&self) -> SampleTags {
        let group = if self.scenario.is_empty() { first_group(&self.group) } else { "" };
        SampleTags { scenario: self.scenario.clone(), group: group.to_owned(), user: TagSet::new() }
    }
}

impl Coarse for CheckTags {
    fn coarse(&self) -> CheckTags {
        CheckTags { scenario: self.scenario.clone(), name: OTHER_CHECKS.to_owned(), ..CheckTags::default() }
    }
}

/// `::setup` of `::setup::a::b`.
fn first_group(path: &str) -> &str {
    match path.match_indices("::").nth(1) {
        Some((end, _)) => &path[..end],
        None => path,
    }
}

fn all_of<'a>(user: &TagSet, system: &[&str], tag: impl Fn(&str) -> Option<Cow<'a, str>>) -> TagSet {
    let mut all = user.clone();
    all.extend(system.iter().filter_map(|name| Some(((*name).to_owned(), tag(name)?.into_owned()))));
    all
}

fn unless_empty(value: &str) -> Option<Cow<'_, str>> {
    (!value.is_empty()).then_some(Cow::Borrowed(value))
}

fn user_tag<'a>(user: &'a TagSet, name: &str) -> Option<Cow<'a, str>> {
    user.get(name).map(|value| Cow::Borrowed(value.as_str()))
}
