//! The one request of URL mode as written: method, headers, body.
//!
//! Refuses what could not be sent as one well-formed HTTP/1.1 head (RFC 9110 §5.1, §5.5, §9.1).

use std::path::PathBuf;

/// `--body`: the text itself, or a file that the run reads before its first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Text(String),
    File(PathBuf),
}

impl Body {
    /// `TEXT` or `@FILE`.
    pub fn parse(text: &str) -> Result<Body, String> {
        match text.strip_prefix('@') {
            Some("") => Err("no file name after @".to_owned()),
            Some(path) => Ok(Body::File(path.into())),
            None => Ok(Body::Text(text.to_owned())),
        }
    }
}

pub fn parse_method(text: &str) -> Result<String, String> {
    match text {
        _ if !is_token(text) => {
            Err("an HTTP method has letters, digits and some marks, no spaces".to_owned())
        }
        // Its success would turn the connection into a tunnel.
        "CONNECT" => Err("CONNECT is not a request to measure".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// `Name: value`.
pub fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
    if !is_token(name) {
        return Err(format!("{name:?} is not a header name"));
    }
    // Message framing is ours: a second opinion about the length is request smuggling.
    if name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding") {
        return Err(format!("{name} is set by ringload, from the body"));
    }
    let value = value.trim_matches([' ', '\t']);
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err("a header value cannot hold control characters".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// The value of a User-Agent header; empty: no such header.
pub fn parse_user_agent(text: &str) -> Result<String, String> {
    parse_header(&format!("User-Agent:{text}")).map(|(_, value)| value)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_header(text: &str, want: Result<(&str, &str), &str>) {
        let got = parse_header(text);
        let got = got.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(got.map_err(String::as_str), want, "{text:?}");
    }

    #[test]
    fn headers_are_names_and_values() {
        check_header("Accept: */*", Ok(("Accept", "*/*")));
        check_header("X-Empty:", Ok(("X-Empty", "")));
        check_header("X-Time:12:30 \t", Ok(("X-Time", "12:30")));
        check_header("Accept", Err("write it as 'Name: value'"));
        check_header(": x", Err("\"\" is not a header name"));
        check_header("A B: x", Err("\"A B\" is not a header name"));
        check_header("A: x\r\nB: y", Err("a header value cannot hold control characters"));
        check_header("content-length: 3", Err("content-length is set by ringload, from the body"));
    }

    #[test]
    fn methods_are_tokens() {
        assert_eq!(parse_method("PURGE"), Ok("PURGE".to_owned()));
        assert!(parse_method("").is_err());
        assert!(parse_method("GET /").is_err());
        assert!(parse_method("CONNECT").is_err());
    }

    #[test]
    fn a_body_is_text_or_a_file() {
        assert_eq!(Body::parse("{\"a\": 1}"), Ok(Body::Text("{\"a\": 1}".to_owned())));
        assert_eq!(Body::parse(""), Ok(Body::Text(String::new())));
        assert_eq!(Body::parse("@a.json"), Ok(Body::File("a.json".into())));
        assert_eq!(Body::parse("@"), Err("no file name after @".to_owned()));
    }
}
