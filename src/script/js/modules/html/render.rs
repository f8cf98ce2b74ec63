//! Nodes as HTML again, as Go's renderer writes them: `<br/>`, `&#34;`.

use dom_query::{NodeData, NodeRef};

const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "keygen", "link", "meta", "param", "source",
    "track", "wbr",
];

/// What is in them is not escaped.
const RAW: &[&str] = &["iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "xmp"];

enum Work<'a> {
    Node(NodeRef<'a>, /* raw */ bool),
    End(String),
}

/// Everything in a node.
pub fn inner(node: &NodeRef<'_>) -> String {
    let is_raw = is_raw(node);
    if node.is_text() || node.is_comment() {
        return String::new();
    }
    let mut work: Vec<Work<'_>> = node.children_it(true).map(|child| Work::Node(child, is_raw)).collect();
    let mut html = String::new();
    while let Some(next) = work.pop() {
        match next {
            Work::End(tag) => html.push_str(&format!("</{tag}>")),
            Work::Node(node, is_raw) => open(&mut html, &mut work, node, is_raw),
        }
    }
    html
}

fn is_raw(node: &NodeRef<'_>) -> bool {
    node.node_name().is_some_and(|name| RAW.contains(&&*name))
}

/// Writes what comes before a node's children.
fn open<'a>(html: &mut String, work: &mut Vec<Work<'a>>, node: NodeRef<'a>, in_raw: bool) {
    let tag = node.query_or(None, |inner| match &inner.data {
        NodeData::Text { contents } => {
            if in_raw {
                html.push_str(contents);
            } else {
                escape(html, contents);
            }
            None
        }
        NodeData::Comment { contents } => {
            html.push_str(&format!("<!--{contents}-->"));
            None
        }
        NodeData::Doctype { name, .. } => {
            html.push_str(&format!("<!DOCTYPE {name}>"));
            None
        }
        NodeData::Element(element) => {
            let tag = element.name.local.to_string();
            html.push('<');
            html.push_str(&tag);
            for attribute in &element.attrs {
                html.push_str(&format!(" {}=\"", attribute.name.local));
                escape(html, &attribute.value);
                html.push('"');
            }
            Some(tag)
        }
        _ => None,
    });
    let Some(tag) = tag else { return };
    if VOID.contains(&tag.as_str()) {
        return html.push_str("/>");
    }
    html.push('>');
    if matches!(tag.as_str(), "pre" | "listing" | "textarea")
        && node.first_child().is_some_and(|child| child.is_text() && child.text().starts_with('\n'))
    {
        // The parser drops the first line end.
        html.push('\n');
    }
    let is_raw = is_raw(&node);
    work.push(Work::End(tag));
    work.extend(node.children_it(true).map(|child| Work::Node(child, is_raw)));
}

fn escape(html: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '\'' => html.push_str("&#39;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&#34;"),
            '\r' => html.push_str("&#13;"),
            letter => html.push(letter),
        }
    }
}
