//! Run tags: `--tag name=value`, and `K6_TAGS=name:value,other:value`.

use std::collections::BTreeMap;

/// Values of `--tag`; of two with one name the last counts.
pub fn parse_flag_tags(values: &[String]) -> Result<BTreeMap<String, String>, String> {
    values
        .iter()
        .map(|value| parse_tag(value).map_err(|why| format!("error parsing tag '{value}': {why}")))
        .collect()
}

fn parse_tag(text: &str) -> Result<(String, String), &'static str> {
    if text.is_empty() {
        return Err("invalid tag, empty string");
    }
    match text.split_once('=') {
        Some(("", _)) => Err("invalid tag, empty name"),
        Some((_, "")) | None => Err("invalid tag, empty value"),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
    }
}

/// The text of `K6_TAGS`.
pub fn parse_env_tags(text: &str) -> Result<BTreeMap<String, String>, String> {
    let pair = |item: &str| match item.split_once(':') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(format!("invalid map item: {item:?}")),
    };
    text.split(',').map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(got: Result<BTreeMap<String, String>, String>, want: Result<&[(&str, &str)], &str>) {
        let owned = |tags: &[(&str, &str)]| {
            tags.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        assert_eq!(got, want.map(owned).map_err(str::to_owned));
    }

    fn flags(values: &[&str]) -> Result<BTreeMap<String, String>, String> {
        parse_flag_tags(&values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_first_equals_sign_splits_a_tag() {
        check(flags(&["a=b", "c=d=e", "f=g,h=i"]), Ok(&[("a", "b"), ("c", "d=e"), ("f", "g,h=i")]));
        check(flags(&["a=1", "a=2"]), Ok(&[("a", "2")]));
        check(flags(&[""]), Err("error parsing tag '': invalid tag, empty string"));
        check(flags(&["=b"]), Err("error parsing tag '=b': invalid tag, empty name"));
        check(flags(&["a="]), Err("error parsing tag 'a=': invalid tag, empty value"));
        check(flags(&["a"]), Err("error parsing tag 'a': invalid tag, empty value"));
    }

    #[test]
    fn the_variable_uses_colons_and_commas() {
        check(parse_env_tags("a:b,c:d:e"), Ok(&[("a", "b"), ("c", "d:e")]));
        check(parse_env_tags("a:b,c"), Err("invalid map item: \"c\""));
    }
}
