//! A user's URL, taken apart into what a request and a connection need.
//!
//! Hosts are read by the `url` crate (punycode, IPv6). Paths and queries are not: it would follow
//! browsers (`/a/../b` becomes `/b`), and a load test must send what Go's `net/url`, so k6, sends.
//! Redirects are resolved by the crate, where browsers and Go agree.

use super::base64;
use std::fmt;
use std::net::IpAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    Http,
    Https,
}

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// In ASCII (punycode), lower case.
    Name(String),
    Ip(IpAddr),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub scheme: Scheme,
    pub host: Host,
    /// The scheme's own if the URL has none.
    pub port: u16,
    /// As the Host header says it: with the port if the URL has one, even the scheme's own.
    pub authority: String,
    /// Begins with `/`.
    pub path_and_query: String,
    /// User and password, decoded.
    pub credentials: Option<(String, String)>,
    /// The whole URL without credentials and fragment; no `/` is added to a bare host.
    pub url: String,
    /// As `url`, but shows that credentials were given, for the tags `url` and `name`.
    pub masked_url: String,
}

/// Why a URL was refused; the text is Go's where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError(String);

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UrlError {}

impl Target {
    pub fn parse(url: &str) -> Result<Target, UrlError> {
        let refuse = |why: &str| UrlError(format!("parse {}: {why}", super::error::quote(url.as_bytes())));
        if url.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(refuse("net/url: invalid control character in URL"));
        }
        let (scheme, rest) = split_scheme(url)?;
        let rest = rest.split('#').next().unwrap_or("");
        let (authority, path_and_query) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        if host.is_empty() || host.starts_with(':') {
            return Err(UrlError("http: no Host in request URL".into()));
        }
        if let Some(at) = host.find(['\\', ' ']) {
            return Err(refuse(&format!("invalid character {:?} in host name", &host[at..=at])));
        }
        // The crate forgets a port that is the scheme's own; Go sends it.
        let explicit_port = match host.rsplit_once(':') {
            None | Some((_, "")) => None,
            Some((_, text)) if text.ends_with(']') => None,
            Some((_, text)) => Some(
                text.parse::<u16>().map_err(|_| refuse(&format!("invalid port \":{text}\" after host")))?,
            ),
        };
        let parsed =
            url::Url::parse(&format!("http://{host}/")).map_err(|error| refuse(&error.to_string()))?;
        let (name, host_text) = match parsed.host() {
            Some(url::Host::Domain(name)) => (Host::Name(name.to_owned()), name.to_owned()),
            Some(url::Host::Ipv4(ip)) => (Host::Ip(ip.into()), ip.to_string()),
            Some(url::Host::Ipv6(ip)) => (Host::Ip(ip.into()), format!("[{ip}]")),
            None => return Err(UrlError("http: no Host in request URL".into())),
        };
        let authority = match explicit_port {
            Some(port) => format!("{host_text}:{port}"),
            None => host_text,
        };
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path_and_query, None),
        };
        let path = escape_path(path).map_err(|escape| refuse(&format!("invalid URL escape {escape:?}")))?;
        // Go sends a query as it is; a blank would end the target of the request line.
        let query = query.map_or_else(String::new, |query| format!("?{}", query.replace(' ', "%20")));
        let credentials = match userinfo {
            Some(userinfo) => Some(
                credentials(userinfo).map_err(|escape| refuse(&format!("invalid URL escape {escape:?}")))?,
            ),
            None => None,
        };
        let mask = match userinfo {
            None => "",
            Some(userinfo) if userinfo.contains(':') => "****:****@",
            Some(_) => "****@",
        };
        Ok(Target {
            scheme,
            host: name,
            port: explicit_port.unwrap_or(scheme.default_port()),
            path_and_query: format!("{}{query}", if path.is_empty() { "/" } else { &path }),
            credentials,
            url: format!("{}://{authority}{path}{query}", scheme.name()),
            masked_url: format!("{}://{mask}{authority}{path}{query}", scheme.name()),
            authority,
        })
    }

    /// Where `location`, a redirect's header, leads from here. Credentials go along to the same
    /// host and to its subdomains, as in Go, and are not shown in the masked URL again.
    pub fn resolve(&self, location: &str) -> Result<Target, UrlError> {
        let refuse = |error: &dyn fmt::Display| {
            let quoted = super::error::quote(location.as_bytes());
            UrlError(format!("failed to parse Location header {quoted}: {error}"))
        };
        let mut next = if location.starts_with("//") {
            Target::parse(&format!("{}:{location}", self.scheme.name()))
        } else if has_scheme(location) {
            Target::parse(location)
        } else {
            let base = url::Url::parse(&self.url).map_err(|error| refuse(&error))?;
            let joined = base.join(location).map_err(|error| refuse(&error))?;
            let query = joined.query().map_or_else(String::new, |query| format!("?{query}"));
            let (scheme, authority) = (self.scheme.name(), &self.authority);
            Target::parse(&format!("{scheme}://{authority}{}{query}", joined.path()))
        }
        .map_err(|error| refuse(&error))?;
        if next.credentials.is_none() && self.covers(&next) {
            next.credentials.clone_from(&self.credentials);
        }
        Ok(next)
    }

    /// Whether a redirect's header names a host of its own.
    pub fn is_absolute(location: &str) -> bool {
        has_scheme(location)
    }

    /// Whether headers meant for this target may be sent to `next`: the same host, or a subdomain.
    pub fn covers(&self, next: &Target) -> bool {
        match (&self.host, &next.host) {
            (Host::Name(ours), Host::Name(theirs)) => {
                theirs.strip_suffix(ours.as_str()).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
            }
            (ours, theirs) => ours == theirs,
        }
    }

    /// Whether scheme, host and port are the same.
    pub fn has_origin_of(&self, other: &Target) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }

    /// The value of the Authorization header for the URL's credentials.
    pub fn basic_authorization(&self) -> Option<String> {
        let (user, password) = self.credentials.as_ref()?;
        Some(format!("Basic {}", base64::encode(base64::STANDARD, format!("{user}:{password}").as_bytes())))
    }
}

impl Scheme {
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

fn has_scheme(url: &str) -> bool {
    let scheme_len =
        url.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(url.len());
    url.starts_with(|c: char| c.is_ascii_alphabetic()) && url[scheme_len..].starts_with(':')
}

fn split_scheme(url: &str) -> Result<(Scheme, &str), UrlError> {
    let (name, rest) = match url.split_once(':') {
        Some((name, rest)) if has_scheme(url) => (name.to_ascii_lowercase(), rest),
        _ => (String::new(), url),
    };
    let scheme = match name.as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err(UrlError(format!("unsupported protocol scheme {name:?}"))),
    };
    match rest.strip_prefix("//") {
        Some(rest) => Ok((scheme, rest)),
        None => Err(UrlError("http: no Host in request URL".into())),
    }
}

fn credentials(userinfo: &str) -> Result<(String, String), String> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let text = |part| Ok::<_, String>(String::from_utf8_lossy(&unescape(part)?).into_owned());
    Ok((text(user)?, text(password)?))
}

/// A path as Go writes it: as given if that is legal, else decoded and escaped anew.
fn escape_path(path: &str) -> Result<String, String> {
    let decoded = unescape(path)?;
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte);
    if path.bytes().all(|byte| unreserved(byte) || b"!'()*[]%".contains(&byte)) {
        return Ok(path.to_owned());
    }
    let mut escaped = String::new();
    for byte in decoded {
        if unreserved(byte) {
            escaped.push(byte as char);
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(escaped)
}

/// Decodes `%XX`; the error is the escape that is none.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            decoded.push(*byte);
            continue;
        }
        let digit = |at: usize| after.get(at).and_then(|&byte| (byte as char).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            let shown = &after[..after.len().min(2)];
            return Err(format!("%{}", String::from_utf8_lossy(shown)));
        };
        decoded.push((high * 16 + low) as u8);
        rest = &after[2..];
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, port: u16, authority: &str, path_and_query: &str, shown: &str) {
        let target = Target::parse(url).unwrap();
        assert_eq!(
            (target.port, &*target.authority, &*target.path_and_query, &*target.masked_url),
            (port, authority, path_and_query, shown)
        );
    }

    #[test]
    fn a_url_is_taken_apart() {
        check("http://h/a?b=c", 80, "h", "/a?b=c", "http://h/a?b=c");
        check("http://h", 80, "h", "/", "http://h");
        check("http://h?x", 80, "h", "/?x", "http://h?x");
        check("http://h/?", 80, "h", "/?", "http://h/?");
        check("HTTP://Example.COM/A", 80, "example.com", "/A", "http://example.com/A");
        check("https://h/", 443, "h", "/", "https://h/");
        check("http://h/a#b?c", 80, "h", "/a", "http://h/a");
        check("http://h#b", 80, "h", "/", "http://h");
        check("http://h/a?u=http://x/@y", 80, "h", "/a?u=http://x/@y", "http://h/a?u=http://x/@y");
    }

    #[test]
    fn a_port_is_sent_if_the_url_has_one() {
        check("http://h:8080/", 8080, "h:8080", "/", "http://h:8080/");
        check("http://h:80/", 80, "h:80", "/", "http://h:80/");
        check("http://h:/", 80, "h", "/", "http://h/");
        check("https://h:80", 80, "h:80", "/", "https://h:80");
        check("http://[::1]/", 80, "[::1]", "/", "http://[::1]/");
        check("http://[::1]:81/", 81, "[::1]:81", "/", "http://[::1]:81/");
    }

    #[test]
    fn hosts_are_names_in_punycode_or_addresses() {
        let host = |url| Target::parse(url).unwrap().host;
        assert_eq!(host("http://B\u{fc}cher.example/"), Host::Name("xn--bcher-kva.example".into()));
        assert_eq!(host("http://10.1.2.3/"), Host::Ip([10, 1, 2, 3].into()));
        assert_eq!(host("http://[::1]:9/"), Host::Ip(std::net::Ipv6Addr::LOCALHOST.into()));
        check("http://b\u{fc}.de/", 80, "xn--b-eha.de", "/", "http://xn--b-eha.de/");
    }

    #[test]
    fn paths_are_sent_as_go_sends_them() {
        let path = |path: &str, want: &str| {
            assert_eq!(Target::parse(&format!("http://h{path}")).unwrap().path_and_query, want);
        };
        path("/a/../b/./c//d", "/a/../b/./c//d");
        path("/%2Fa%2fb", "/%2Fa%2fb");
        path("/a b", "/a%20b");
        path("/a b%2Fc(1)", "/a%20b/c%281%29");
        path("/(1)!*[]'", "/(1)!*[]'");
        path("/\u{fc}{}|^\"<>`\\", "/%C3%BC%7B%7D%7C%5E%22%3C%3E%60%5C");
        path("/a?q=a b&r=%zz&s=\"{}", "/a?q=a%20b&r=%zz&s=\"{}");
    }

    #[test]
    fn credentials_leave_the_url() {
        check("http://u:p@h/x", 80, "h", "/x", "http://****:****@h/x");
        check("http://u@h/x", 80, "h", "/x", "http://****@h/x");
        let authorization = |url| Target::parse(url).unwrap().basic_authorization();
        assert_eq!(authorization("http://h/"), None);
        assert_eq!(authorization("http://user:pass@h/").as_deref(), Some("Basic dXNlcjpwYXNz"));
        assert_eq!(authorization("http://u%40x:p%3A@h/").as_deref(), Some("Basic dUB4OnA6"));
        assert_eq!(authorization("http://u@h/").as_deref(), Some("Basic dTo="));
        assert_eq!(authorization("http://a@b:c@h/").as_deref(), Some("Basic YUBiOmM="));
        assert_eq!(Target::parse("http://u:p@h/x").unwrap().url, "http://h/x");
    }

    #[test]
    fn what_is_no_url_is_refused_with_the_reason() {
        #[track_caller]
        fn refused(url: &str, want: &str) {
            assert_eq!(Target::parse(url).unwrap_err().to_string(), want);
        }
        refused("", "unsupported protocol scheme \"\"");
        refused("example.com/x", "unsupported protocol scheme \"\"");
        refused("ftp://h/", "unsupported protocol scheme \"ftp\"");
        refused("localhost:80", "unsupported protocol scheme \"localhost\"");
        refused("http:///x", "http: no Host in request URL");
        refused("http://:80/x", "http: no Host in request URL");
        refused("http:h", "http: no Host in request URL");
        refused("http://h/a\nb", "parse \"http://h/a\\nb\": net/url: invalid control character in URL");
        refused("http://h:99999/", "parse \"http://h:99999/\": invalid port \":99999\" after host");
        refused("http://h:x/", "parse \"http://h:x/\": invalid port \":x\" after host");
        refused("http://h/%zz", "parse \"http://h/%zz\": invalid URL escape \"%zz\"");
        refused("http://h/%2", "parse \"http://h/%2\": invalid URL escape \"%2\"");
        refused("http://[::1/", "parse \"http://[::1/\": invalid IPv6 address");
        refused("http://a b/", "parse \"http://a b/\": invalid character \" \" in host name");
        refused("http://a\\b/", "parse \"http://a\\\\b/\": invalid character \"\\\\\" in host name");
    }

    #[test]
    fn redirects_lead_where_their_location_says() {
        let leads = |location: &str, want: &str| {
            let base = Target::parse("http://u:p@h:80/a/b?c").unwrap();
            assert_eq!(base.resolve(location).unwrap().masked_url, want, "{location}");
        };
        leads("/x", "http://h:80/x");
        leads("x?y#z", "http://h:80/a/x?y");
        leads("../x", "http://h:80/x");
        leads("?d", "http://h:80/a/b?d");
        leads("", "http://h:80/a/b?c");
        leads("//g/x", "http://g/x");
        leads("https://g:443/x", "https://g:443/x");
        leads("/x?u=http://y", "http://h:80/x?u=http://y");
        let base = Target::parse("http://h/").unwrap();
        assert_eq!(
            base.resolve("ftp://g/").unwrap_err().to_string(),
            "failed to parse Location header \"ftp://g/\": unsupported protocol scheme \"ftp\""
        );
    }

    #[test]
    fn credentials_follow_redirects_only_to_the_same_host_and_below() {
        let follow = |location: &str, want: bool| {
            let base = Target::parse("http://u:p@h.example:80/").unwrap();
            assert_eq!(base.resolve(location).unwrap().credentials.is_some(), want, "{location}");
        };
        follow("/x", true);
        follow("http://h.example:81/", true);
        follow("http://sub.h.example/", true);
        follow("http://example/", false);
        follow("http://xh.example/", false);
        follow("http://10.0.0.1/", false);
        follow("http://v:q@other/", true);
    }
}
