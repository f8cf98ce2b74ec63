//! A kept response head: its status text and header fields, for redirects and scripts.
//!
//! The bytes were checked by `head` before they came here; this only finds things in them.

use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    bytes: Vec<u8>,
}

impl Head {
    /// `bytes`: a whole head that was parsed.
    pub(super) fn new(bytes: Vec<u8>) -> Head {
        Head { bytes }
    }

    /// As received, with the empty line.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Status and reason, such as `200 OK`.
    pub fn status_text(&self) -> Cow<'_, str> {
        let line = self.lines().next().unwrap_or(b"");
        let text = line.split_at_checked("HTTP/1.1 ".len()).map_or(line, |(_, text)| text);
        String::from_utf8_lossy(text)
    }

    /// The first value of a header, its name in any case.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All values of a header, in the order received.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        self.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Names as received, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.lines().skip(1).filter_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            let name = std::str::from_utf8(&line[..colon]).ok()?;
            Some((name, String::from_utf8_lossy(line[colon + 1..].trim_ascii())))
        })
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// A header name as Go writes it: `x-foo` becomes `X-Foo`.
pub fn canonical_name(name: &str) -> String {
    let mut starts_word = true;
    let canonical = name.chars().map(|c| {
        let cased = if starts_word { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        starts_word = c == '-';
        cased
    });
    canonical.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_in_any_case_and_order() {
        let head = Head::new(
            b"HTTP/1.1 302 Found \r\nSet-Cookie: a=1\r\nlocation:  /x \r\nSET-COOKIE:b=2\r\nE:\r\n\r\n"
                .to_vec(),
        );
        assert_eq!(head.status_text(), "302 Found ");
        assert_eq!(head.get("Location").as_deref(), Some("/x"));
        assert_eq!(head.get("E").as_deref(), Some(""));
        assert_eq!(head.get("Found"), None);
        assert_eq!(head.get_all("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(
            head.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            ["Set-Cookie", "location", "SET-COOKIE", "E"]
        );
    }

    #[test]
    fn names_are_written_as_go_writes_them() {
        let cases = [("x-foo", "X-Foo"), ("ETAG", "Etag"), ("a--b", "A--B"), ("x_y-1z", "X_y-1z"), ("", "")];
        for (name, want) in cases {
            assert_eq!(canonical_name(name), want);
        }
    }
}
