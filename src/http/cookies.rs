//! Cookies of one VU, by k6's rules: those of RFC 6265 as Go's jar has them, without a list of
//! public suffixes (so `Domain=example` is good for all of `.example`, but only in one jar group,
//! see `group_of`).
//!
//! Pure: the time is an argument, in milliseconds since 1970.

pub use super::set_cookie::SetCookie;
use super::set_cookie::is_value_byte;
use super::url::{Host, Scheme, Target};

/// Cookies of one jar; beyond it the oldest is dropped. Browsers keep 3,000 or so.
const COOKIES_MAX: usize = 4_096;

/// A VU's cookie jar.
#[derive(Clone, Debug, Default)]
pub struct Jar {
    /// The oldest first.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    value: String,
    group: String,
    domain: String,
    path: String,
    /// Not for the subdomains of `domain`.
    host_only: bool,
    secure: bool,
    expires_ms: Option<i64>,
}

impl Jar {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes a response's `Set-Cookie` header from `target`.
    pub fn set_cookie(&mut self, target: &Target, header: &str, now_ms: i64) {
        if let Some(cookie) = SetCookie::parse(header) {
            self.set(target, &cookie, now_ms);
        }
    }

    /// Sets, replaces or (when it is expired) deletes a cookie. One for a foreign domain is ignored.
    pub fn set(&mut self, target: &Target, cookie: &SetCookie, now_ms: i64) {
        let host = host_of(target);
        let Some((domain, host_only)) = domain_of(&host, target, &cookie.domain) else { return };
        let path = match cookie.path.starts_with('/') {
            true => cookie.path.clone(),
            false => directory_of(&path_of(target)).to_owned(),
        };
        let expires_ms = match cookie.max_age {
            0 => cookie.expires.map(|seconds| seconds.saturating_mul(1_000)),
            ..0 => Some(i64::MIN),
            seconds => Some(now_ms.saturating_add(seconds.saturating_mul(1_000))),
        };
        let group = group_of(&host, target);
        let same = |entry: &Entry| {
            entry.name == cookie.name && entry.path == path && entry.domain == domain && entry.group == group
        };
        let place = self.entries.iter().position(same);
        if expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms) {
            if let Some(place) = place {
                self.entries.remove(place);
            }
            return;
        }
        let entry = Entry {
            name: cookie.name.clone(),
            value: cookie.value.clone(),
            group: group.to_owned(),
            domain,
            path,
            host_only,
            secure: cookie.secure,
            expires_ms,
        };
        match place {
            // It keeps its age, which is its place in the header among paths of one length.
            Some(place) => self.entries[place] = entry,
            None => {
                if self.entries.len() == COOKIES_MAX {
                    self.entries.remove(0);
                }
                self.entries.push(entry);
            }
        }
    }

    /// The `Cookie` header of a request: the request's own cookies first (name, value, whether it
    /// replaces the jar's of that name), then the jar's. `None`: no cookies, no header.
    pub fn cookie_header(
        &self,
        target: &Target,
        own: &[(String, String, bool)],
        now_ms: i64,
    ) -> Option<String> {
        if self.entries.is_empty() && own.is_empty() {
            return None;
        }
        let mut header = own_cookies(own).unwrap_or_default();
        for entry in self.matching(target, now_ms) {
            let is_replaced = |(name, _, replaces): &(String, String, bool)| *replaces && *name == entry.name;
            if !own.iter().any(is_replaced) {
                append(&mut header, &entry.name, &entry.value);
            }
        }
        (!header.is_empty()).then_some(header)
    }

    /// What a request to `target` would carry: names and values, longest path first.
    pub fn cookies_for(&self, target: &Target, now_ms: i64) -> Vec<(String, String)> {
        let owned = |entry: &Entry| (entry.name.clone(), entry.value.clone());
        self.matching(target, now_ms).into_iter().map(owned).collect()
    }

    /// Deletes what `target` set for its own host and directory; as in k6, cookies for a parent
    /// domain or another path stay.
    pub fn clear(&mut self, target: &Target) {
        for (name, _) in self.cookies_for(target, i64::MIN) {
            self.delete(target, &name);
        }
    }

    /// As `clear`, for one name.
    pub fn delete(&mut self, target: &Target, name: &str) {
        let expired = SetCookie { name: name.to_owned(), max_age: -1, ..SetCookie::default() };
        self.set(target, &expired, 0);
    }

    fn matching(&self, target: &Target, now_ms: i64) -> Vec<&Entry> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        let host = host_of(target);
        let group = group_of(&host, target);
        let path = path_of(target);
        let is_https = target.scheme == Scheme::Https;
        let matches = |entry: &&Entry| {
            entry.group == group
                && (entry.domain == host || !entry.host_only && is_below(&host, &entry.domain))
                && covers(&entry.path, &path)
                && (is_https || !entry.secure)
                && entry.expires_ms.is_none_or(|expires_ms| expires_ms > now_ms)
        };
        let mut found: Vec<&Entry> = self.entries.iter().filter(matches).collect();
        found.sort_by_key(|entry| std::cmp::Reverse(entry.path.len()));
        found
    }
}

/// The `Cookie` header of a request that has no jar.
pub fn own_cookies(own: &[(String, String, bool)]) -> Option<String> {
    let mut header = String::new();
    for (name, value, _) in own {
        append(&mut header, name, value);
    }
    (!header.is_empty()).then_some(header)
}

/// Go's cleaning: bytes that a value cannot have are dropped, blanks and commas make it quoted.
/// Whether the server had quoted the value is forgotten by then, as in k6.
fn append(header: &mut String, name: &str, value: &str) {
    if !header.is_empty() {
        header.push_str("; ");
    }
    header.extend(name.chars().map(|c| if matches!(c, '\n' | '\r') { '-' } else { c }));
    header.push('=');
    let start = header.len();
    header.extend(value.bytes().filter(|&byte| is_value_byte(byte)).map(char::from));
    if header[start..].contains([' ', ',']) {
        header.insert(start, '"');
        header.push('"');
    }
}

fn host_of(target: &Target) -> String {
    match &target.host {
        Host::Name(name) => name.strip_suffix('.').unwrap_or(name).to_owned(),
        Host::Ip(ip) => ip.to_string(),
    }
}

/// As it was meant, `%20` decoded.
fn path_of(target: &Target) -> String {
    let path = target.path_and_query.split('?').next().unwrap_or("/");
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [byte, after @ ..] = rest {
        let digit = |at: usize| after.get(at).and_then(|&byte| (byte as char).to_digit(16));
        (decoded, rest) = match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                (decoded, &after[2..])
            }
            _ => {
                decoded.push(*byte);
                (decoded, after)
            }
        };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// A jar without a list of public suffixes keeps cookies by the last two labels of the host that
/// set them; no other group ever sees them.
fn group_of<'a>(host: &'a str, target: &Target) -> &'a str {
    if matches!(target.host, Host::Ip(_)) {
        return host;
    }
    match host.rmatch_indices('.').nth(1) {
        Some((dot, _)) => &host[dot + 1..],
        None => host,
    }
}

/// The domain that a cookie is for, and whether only for that very host; `None`: not allowed.
fn domain_of(host: &str, target: &Target, attribute: &str) -> Option<(String, bool)> {
    if attribute.is_empty() {
        return Some((host.to_owned(), true));
    }
    if matches!(target.host, Host::Ip(_)) {
        return (host == attribute).then(|| (host.to_owned(), true));
    }
    let domain = attribute.strip_prefix('.').unwrap_or(attribute).to_ascii_lowercase();
    let is_ours = domain == host || is_below(host, &domain);
    let is_malformed = domain.is_empty() || domain.starts_with('.') || domain.ends_with('.');
    (is_ours && !is_malformed).then_some((domain, false))
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'))
}

fn covers(cookie_path: &str, path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

/// RFC 6265 §5.1.4.
fn directory_of(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(slash) => &path[..slash],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn target(url: &str) -> Target {
        Target::parse(url).unwrap()
    }

    fn jar(from: &str, headers: &[&str]) -> Jar {
        let mut jar = Jar::default();
        for header in headers {
            jar.set_cookie(&target(from), header, NOW_MS);
        }
        jar
    }

    #[track_caller]
    fn check(jar: &Jar, url: &str, want: &str) {
        assert_eq!(jar.cookie_header(&target(url), &[], NOW_MS).unwrap_or_default(), want, "{url}");
    }

    #[test]
    fn a_cookie_goes_back_to_its_host_only() {
        let jar = jar("http://h.example:81/", &["a=1"]);
        check(&jar, "http://h.example/x/y?z", "a=1");
        check(&jar, "http://H.EXAMPLE./", "a=1");
        check(&jar, "http://sub.h.example/", "");
        check(&jar, "http://g.example/", "");
        check(&Jar::default(), "http://h.example/", "");
    }

    #[test]
    fn a_domain_attribute_reaches_subdomains() {
        let jar = jar(
            "http://w.h.example/",
            &[
                "a=1; Domain=h.example",
                "b=2; Domain=.W.h.example",
                "c=3; Domain=other.example",
                "d=4; Domain=.",
            ],
        );
        check(&jar, "http://w.h.example/", "a=1; b=2");
        check(&jar, "http://v.h.example/", "a=1");
        check(&jar, "http://h.example/", "a=1");
        check(&jar, "http://xh.example/", "");
    }

    #[test]
    fn no_list_of_public_suffixes_but_groups_of_two_labels() {
        check(&jar("http://a.co.uk/", &["a=1; Domain=co.uk"]), "http://b.co.uk/", "a=1");
        let jar = jar("http://a.example/", &["a=1; Domain=example"]);
        check(&jar, "http://a.example/", "a=1");
        check(&jar, "http://b.example/", "");
    }

    #[test]
    fn addresses_have_no_domains() {
        let jar = jar("http://127.0.0.1:8080/", &["a=1", "b=2; Domain=127.0.0.1", "c=3; Domain=0.0.1"]);
        check(&jar, "http://127.0.0.1/", "a=1; b=2");
        check(&jar, "http://127.0.0.2/", "");
    }

    #[test]
    fn paths_cover_what_is_below_and_the_longest_comes_first() {
        let jar = jar(
            "http://h/a/b/c",
            &["root=1; Path=/", "default=2", "x=3; Path=/a", "y=4; Path=/a/b/", "z=5; Path=rel"],
        );
        check(&jar, "http://h/a/b/d", "y=4; default=2; z=5; x=3; root=1");
        check(&jar, "http://h/a/b", "default=2; z=5; x=3; root=1");
        check(&jar, "http://h/ab", "root=1");
        check(&jar, "http://h", "root=1");
        check(&jar, "http://h/%61", "x=3; root=1");
    }

    #[test]
    fn secure_cookies_need_https() {
        let jar = jar("https://h/", &["a=1; Secure", "b=2"]);
        check(&jar, "https://h/", "a=1; b=2");
        check(&jar, "http://h/", "b=2");
    }

    #[test]
    fn time_ends_cookies() {
        let from = target("http://h/");
        let jar = jar(
            "http://h/",
            &[
                "session=1",
                "short=2; Max-Age=10",
                "date=3; Expires=Tue, 14 Nov 2023 22:13:25 GMT",
                "past=4; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                "both=5; Max-Age=20; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                "bad=6; Expires=yesterday",
            ],
        );
        let at = |seconds: i64| jar.cookie_header(&from, &[], NOW_MS + seconds * 1_000).unwrap();
        assert_eq!(at(0), "session=1; short=2; date=3; both=5; bad=6");
        assert_eq!(at(5), "session=1; short=2; both=5; bad=6");
        assert_eq!(at(10), "session=1; both=5; bad=6");
        assert_eq!(at(20), "session=1; bad=6");
    }

    #[test]
    fn setting_again_replaces_in_place_and_expired_deletes() {
        check(&jar("http://h/", &["a=1", "b=2", "a=3"]), "http://h/", "a=3; b=2");
        check(&jar("http://h/", &["a=1", "b=2", "a=; Max-Age=0"]), "http://h/", "b=2");
        check(&jar("http://h/x/y", &["a=1; Path=/", "a=; Max-Age=0"]), "http://h/x/y", "a=1");
    }

    #[test]
    fn a_requests_own_cookies_come_first_and_may_replace() {
        let jar = jar("http://h/", &["a=1", "b=2"]);
        let own = [("a".to_owned(), "9".to_owned(), false), ("b".to_owned(), "8".to_owned(), true)];
        assert_eq!(jar.cookie_header(&target("http://h/"), &own, NOW_MS).unwrap(), "a=9; b=8; a=1");
        assert_eq!(own_cookies(&own).unwrap(), "a=9; b=8");
    }

    #[test]
    fn values_are_cleaned_and_quoted_as_go_does() {
        let own =
            [("a".to_owned(), "x y".to_owned(), false), ("b\n".to_owned(), "\"\u{e9};,".to_owned(), false)];
        assert_eq!(own_cookies(&own).unwrap(), "a=\"x y\"; b-=\",\"");
        check(&jar("http://h/", &["q=\"v\""]), "http://h/", "q=v");
    }

    #[test]
    fn clear_and_delete_reach_the_urls_own_directory() {
        let set = || jar("http://w.h/a/b", &["x=1", "y=2", "root=3; Path=/", "wide=4; Domain=h; Path=/a"]);
        let mut cleared = set();
        cleared.clear(&target("http://w.h/a/c"));
        check(&cleared, "http://w.h/a/b", "wide=4; root=3");
        let mut deleted = set();
        deleted.delete(&target("http://w.h/a/c"), "y");
        check(&deleted, "http://w.h/a/b", "x=1; wide=4; root=3");
    }

    #[test]
    fn a_jar_is_bounded() {
        let mut jar = Jar::default();
        for number in 0..=COOKIES_MAX {
            jar.set_cookie(&target("http://h/"), &format!("c{number}=1"), NOW_MS);
        }
        assert_eq!(jar.entries.len(), COOKIES_MAX);
        assert_eq!(jar.entries[0].name, "c1");
    }
}
