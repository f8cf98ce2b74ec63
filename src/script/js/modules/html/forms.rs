//! Values of form controls, and of data attributes.

use super::page::{Picked, Wanted};

/// What `val()` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlValue {
    Nothing,
    Text(String),
    /// Of a select with `multiple`.
    List(Vec<String>),
}

/// Of the first node.
pub fn value(picked: &Picked) -> ControlValue {
    let attribute = picked.attribute("value");
    match picked.name().as_str() {
        "input" => ControlValue::Text(attribute.unwrap_or_else(|| {
            let kind = picked.attribute("type").unwrap_or_default();
            if matches!(kind.as_str(), "radio" | "checkbox") { "on".to_owned() } else { String::new() }
        })),
        "button" => ControlValue::Text(attribute.unwrap_or_default()),
        "textarea" => ControlValue::Text(picked.html()),
        "option" => ControlValue::Text(attribute.unwrap_or_else(|| picked.html())),
        "select" => {
            let first = picked.at(0).unwrap_or_else(|| picked.clone());
            let selected = first.find(&Wanted::selector("option[selected]"));
            let text = |option: Picked| match value(&option) {
                ControlValue::Text(text) => text,
                _ => String::new(),
            };
            if picked.attribute("multiple").is_some() {
                let places = 0..selected.len() as i64;
                return ControlValue::List(places.filter_map(|place| selected.at(place)).map(text).collect());
            }
            ControlValue::Text(selected.at(0).map_or(String::new(), text))
        }
        _ => ControlValue::Nothing,
    }
}

/// Names and values of the controls that a browser would send, in their order.
pub fn controls(picked: &Picked) -> Vec<(String, ControlValue)> {
    let candidates = match picked.name().as_str() {
        "form" => picked.find(&Wanted::selector("input,select,textarea,keygen")),
        _ => picked.filter(&Wanted::selector("input,select,textarea,keygen"), false),
    };
    let places = 0..candidates.len() as i64;
    let sent = places.filter_map(|place| candidates.at(place)).filter_map(|control| {
        let name = control.attribute("name").filter(|name| !name.is_empty())?;
        let kind = control.attribute("type").unwrap_or_default();
        let is = |attribute: &str| control.attribute(attribute).as_deref() == Some(attribute);
        let is_sent = !is("disabled")
            && !matches!(kind.as_str(), "submit" | "button" | "reset" | "image" | "file")
            && (!matches!(kind.as_str(), "radio" | "checkbox") || is("checked"));
        is_sent.then(|| (name, value(&control)))
    });
    sent.collect()
}

/// `data-first-name` for `firstName`.
pub fn attribute_of_key(key: &str) -> String {
    let mut name = "data-".to_owned();
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// `firstName` for `data-first-name`; `None`: not a data attribute.
pub fn key_of_attribute(name: &str) -> Option<String> {
    let mut key = String::new();
    let mut is_next_upper = false;
    for letter in name.strip_prefix("data-")?.chars() {
        match letter {
            '-' => is_next_upper = true,
            letter if is_next_upper => {
                key.push(letter.to_ascii_uppercase());
                is_next_upper = false;
            }
            letter => key.push(letter),
        }
    }
    Some(key)
}
