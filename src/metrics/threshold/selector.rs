//! What a threshold is about: `metric`, or the sub-metric `metric{tag:value,other:value}`.

use crate::metrics::registry::MetricId;

/// A metric, or the part of it whose samples carry all of these tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    pub metric: MetricId,
    /// As it is shown: `http_req_duration{status:200}`, the text between the braces as it was
    /// written.
    pub name: String,
    /// Sorted by name. Empty: the metric itself.
    pub tags: Vec<(String, String)>,
}

impl Selector {
    pub fn is_sub_metric(&self) -> bool {
        !self.tags.is_empty()
    }

    /// As `Totals::sink` takes them.
    pub fn tag_refs(&self) -> Vec<(&str, &str)> {
        self.tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// A threshold's key in its parts: the metric's name, and the text between the braces if there are
/// any. The error is k6's text.
pub fn split_name(key: &str) -> Result<(&str, Option<&str>), String> {
    let refused = |why: &str| Err(format!("parsing metric name failed, metric {key:?} {why}"));
    let (open, close) = match (key.find('{'), key.rfind('}')) {
        (None, None) => return Ok((key, None)),
        (Some(open), Some(close)) => (open, close),
        _ => return refused("has unmatched opening/close curly brace"),
    };
    if close < open {
        return refused("closing curly brace appears before opening one");
    }
    if close != key.len() - 1 {
        return refused("lacks a closing curly brace in its last position");
    }
    let labels = &key[open + 1..close];
    for label in labels.split(',') {
        if label.split_once(':').is_none_or(|(_, value)| value.is_empty()) {
            return Err(format!("parsing metric name failed, metric {label:?} tag expression is malformed"));
        }
    }
    Ok((&key[..open], Some(labels.trim())))
}

/// The tags that labels mean, sorted by name; of two with one name the last counts.
pub fn tags_of(labels: &str) -> Vec<(String, String)> {
    let bare = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    let pairs = labels.split(',').filter_map(|label| label.split_once(':'));
    let tags: std::collections::BTreeMap<String, String> =
        pairs.map(|(name, value)| (bare(name), bare(value))).collect();
    tags.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, name: &str, labels: Option<&str>, tags: &[(&str, &str)]) {
        let (got_name, got_labels) = split_name(key).unwrap();
        assert_eq!((got_name, got_labels), (name, labels), "{key}");
        let got = tags_of(got_labels.unwrap_or(""));
        let got: Vec<(&str, &str)> =
            got.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(got, tags, "{key}");
    }

    #[test]
    fn a_label_is_split_at_its_first_colon_and_bared_of_spaces_and_quotes() {
        check("http_reqs", "http_reqs", None, &[]);
        check("http_reqs{status:200}", "http_reqs", Some("status:200"), &[("status", "200")]);
        check("d{group:::front}", "d", Some("group:::front"), &[("group", "::front")]);
        check("d{group:''}", "d", Some("group:''"), &[("group", "")]);
        check("d{ b : \"x y\" , a:'1'}", "d", Some("b : \"x y\" , a:'1'"), &[("a", "1"), ("b", "x y")]);
        check("d{url:http://h/{id}}", "d", Some("url:http://h/{id}"), &[("url", "http://h/{id}")]);
        check("d{a:1,a:2}", "d", Some("a:1,a:2"), &[("a", "2")]);
    }

    #[track_caller]
    fn check_refused(key: &str, metric: &str, why: &str) {
        assert_eq!(split_name(key), Err(format!("parsing metric name failed, metric {metric:?} {why}")));
    }

    #[test]
    fn braces_and_labels_are_judged_as_k6_does() {
        check_refused("d{a:b", "d{a:b", "has unmatched opening/close curly brace");
        check_refused("da:b}", "da:b}", "has unmatched opening/close curly brace");
        check_refused("d}a:b{", "d}a:b{", "closing curly brace appears before opening one");
        check_refused("d{a:b}c", "d{a:b}c", "lacks a closing curly brace in its last position");
        check_refused("d{}", "", "tag expression is malformed");
        check_refused("d{a}", "a", "tag expression is malformed");
        check_refused("d{a:b, c:}", " c:", "tag expression is malformed");
        check_refused("d{a:b,}", "", "tag expression is malformed");
    }
}
