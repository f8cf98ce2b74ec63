//! A leaf: one full tag set, and its place in a recorder.

use std::borrow::Cow;
use std::collections::BTreeMap;

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
    /// k6's error text; empty: tag absent.
    pub error: String,
    /// k6's error code; 0: tag absent.
    pub error_code: u16,
    /// `None`: tag and `http_req_failed` absent (null response callback).
    pub expected_response: Option<bool>,
    /// Run, scenario and request tags of the user; system tags override them.
    pub user: TagSet,
}

/// The tags of what a scenario's VUs emit outside of exchanges: iterations, data, starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ScenarioTags {
    pub scenario: String,
    /// Run and scenario tags of the user.
    pub user: TagSet,
}

impl ExchangeTags {
    /// The value of a tag by k6's name of it; `None` if samples of this leaf do not carry it.
    pub fn tag(&self, name: &str) -> Option<Cow<'_, str>> {
        fn unless_empty(value: &str) -> Option<Cow<'_, str>> {
            (!value.is_empty()).then_some(Cow::Borrowed(value))
        }
        let system = match name {
            "scenario" => unless_empty(&self.scenario),
            "group" => Some(Cow::Borrowed(self.group.as_str())),
            "method" => unless_empty(&self.method),
            "url" => unless_empty(&self.url),
            "name" => unless_empty(&self.name),
            "status" => Some(Cow::Owned(self.status.to_string())),
            "proto" => unless_empty(&self.proto),
            "error" => unless_empty(&self.error),
            "error_code" => (self.error_code != 0).then(|| Cow::Owned(self.error_code.to_string())),
            "expected_response" => self.expected_response.map(|yes| Cow::Owned(yes.to_string())),
            _ => None,
        };
        system.or_else(|| user_tag(&self.user, name))
    }

    /// These tags without those that a script can give ever new values: what is left of a tag
    /// set when the bound of leaves is reached.
    pub fn coarse(&self) -> ExchangeTags {
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

impl ScenarioTags {
    /// As `ExchangeTags::tag`. The group is the root: k6 counts iterations and data there.
    pub fn tag(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "scenario" if !self.scenario.is_empty() => Some(Cow::Borrowed(&self.scenario)),
            "group" => Some(Cow::Borrowed("")),
            _ => user_tag(&self.user, name),
        }
    }
}

fn user_tag<'a>(user: &'a TagSet, name: &str) -> Option<Cow<'a, str>> {
    user.get(name).map(|value| Cow::Borrowed(value.as_str()))
}
