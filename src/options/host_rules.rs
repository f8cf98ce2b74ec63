//! k6's options about where a host leads: `hosts`, `blockHostnames` and `blacklistIPs`.
//!
//! Patterns are k6's: a name without regard to case, or `*` before its end. A name itself goes
//! before a wildcard, a longer wildcard before a shorter one.

use std::net::{IpAddr, SocketAddr};

/// Host names, or the ends of some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// In lower case; with its `*`.
    text: String,
}

impl Pattern {
    /// As `blockHostnames` takes it.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        match is_pattern(text) {
            true => Ok(Pattern { text: text.to_lowercase() }),
            false => Err(format!("invalid hostname pattern '{text}'")),
        }
    }

    /// As the keys of `hosts`, which may end in a port.
    pub fn parse_with_port(text: &str) -> Result<Pattern, String> {
        let name = match text.rsplit_once(':') {
            Some((name, port)) if (1..=5).contains(&port.len()) && is_digits(port) => name,
            _ => text,
        };
        match is_pattern(name) {
            true => Ok(Pattern { text: text.to_lowercase() }),
            false => Err(format!("invalid host pattern '{text}'")),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How well it fits; `None`: not at all.
    fn fits(&self, lower: &str) -> Option<usize> {
        match self.text.strip_prefix('*') {
            _ if self.text == lower => Some(usize::MAX),
            Some(end) if lower.ends_with(end) => Some(end.len()),
            _ => None,
        }
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Labels of letters, digits and inner hyphens, after an optional `*` or `*.`; nothing is one, too.
fn is_pattern(text: &str) -> bool {
    let names = text.strip_prefix("*.").or_else(|| text.strip_prefix('*')).unwrap_or(text);
    let is_label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    names.is_empty() || names.split('.').all(is_label)
}

/// A network such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its first address.
    first: IpAddr,
    prefix: u32,
}

impl Network {
    pub fn parse(text: &str) -> Result<Network, String> {
        let invalid = || format!("invalid CIDR address: {text}");
        let (address, prefix) = text.split_once('/').ok_or_else(invalid)?;
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let is_number = is_digits(prefix) && !prefix.is_empty();
        let prefix = prefix.parse().ok().filter(|&prefix: &u32| is_number && prefix <= bits);
        let prefix = prefix.ok_or_else(invalid)?;
        Ok(Network { first: masked(address, prefix), prefix })
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.prefix) == self.first
    }
}

/// `10.0.0.0/8`
impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            IpAddr::V4((ip.to_bits() & mask).into())
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            IpAddr::V6((ip.to_bits() & mask).into())
        }
    }
}

/// Where a host of `hosts` leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub ip: IpAddr,
    /// `None`: the port that was asked for.
    pub port: Option<u16>,
}

impl Place {
    /// `IP` or `IP:port`; `host` is the key, for the message.
    pub fn parse(host: &str, text: &str) -> Result<Place, String> {
        if let Ok(ip) = text.parse() {
            return Ok(Place { ip, port: None });
        }
        let invalid = || format!("invalid value {text:?} of the host {host:?}: write IP or IP:port");
        let address: SocketAddr = text.parse().map_err(|_| invalid())?;
        Ok(Place { ip: address.ip(), port: (address.port() != 0).then_some(address.port()) })
    }
}

/// As k6 shows it.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}", SocketAddr::new(self.ip, port)),
            None => write!(f, "{}", self.ip),
        }
    }
}

/// `hosts`, in the order of its keys.
pub type HostMap = Vec<(Pattern, Place)>;

/// All three options of a run; the default asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostRules {
    pub hosts: HostMap,
    pub blocked: Vec<Pattern>,
    pub blacklist: Vec<Network>,
}

impl HostRules {
    /// The pattern that forbids a name. Addresses are no names.
    pub fn blocking(&self, name: &str) -> Option<&Pattern> {
        if self.blocked.is_empty() || name.parse::<IpAddr>().is_ok() {
            return None;
        }
        best(self.blocked.iter().map(|pattern| (pattern, pattern)), name)
    }

    /// Where `hosts` leads: the name with its port is asked for first.
    pub fn leading(&self, name: &str, port: u16) -> Option<SocketAddr> {
        let places = || self.hosts.iter().map(|(pattern, place)| (pattern, place));
        let place = best(places(), &format!("{name}:{port}")).or_else(|| best(places(), name))?;
        Some(SocketAddr::new(place.ip, place.port.unwrap_or(port)))
    }

    /// The network that forbids an address.
    pub fn blacklisting(&self, address: IpAddr) -> Option<&Network> {
        self.blacklist.iter().find(|network| network.contains(address))
    }
}

fn best<'a, T>(patterns: impl Iterator<Item = (&'a Pattern, &'a T)>, name: &str) -> Option<&'a T> {
    let lower = name.to_lowercase();
    let fitting = patterns.filter_map(|(pattern, of)| Some((pattern.fits(&lower)?, of)));
    fitting.max_by_key(|(length, _)| *length).map(|(_, of)| of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_blocked(patterns: &[&str], name: &str, want: Option<&str>) {
        let blocked = patterns.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        let rules = HostRules { blocked, ..HostRules::default() };
        assert_eq!(rules.blocking(name).map(Pattern::as_str), want, "{patterns:?}: {name}");
    }

    #[test]
    fn the_longest_pattern_blocks_and_never_an_address() {
        check_blocked(&["*"], "example.com", Some("*"));
        check_blocked(&["*"], "1.2.3.4", None);
        check_blocked(&["*"], "::1", None);
        check_blocked(&["*.IO", "a.b.io"], "x.B.io", Some("*.io"));
        check_blocked(&["*.io", "a.b.io", "*.b.io"], "A.b.io", Some("a.b.io"));
        check_blocked(&["*.io", "*.b.io"], "a.b.io", Some("*.b.io"));
        check_blocked(&["*.b.io"], "b.io", None);
        check_blocked(&["*b.io"], "b.io", Some("*b.io"));
        check_blocked(&["b.io"], "a.b.io", None);
        check_blocked(&[], "b.io", None);
    }

    #[track_caller]
    fn check_leads(hosts: &[(&str, &str)], name: &str, want: Option<&str>) {
        let parse = |(host, place): &(&str, &str)| {
            (Pattern::parse_with_port(host).unwrap(), Place::parse(host, place).unwrap())
        };
        let rules = HostRules { hosts: hosts.iter().map(parse).collect(), ..HostRules::default() };
        assert_eq!(rules.leading(name, 80), want.map(|want| want.parse().unwrap()), "{hosts:?}: {name}");
    }

    #[test]
    fn a_name_with_its_port_goes_before_the_name_alone() {
        check_leads(&[("a.io", "1.2.3.4")], "A.io", Some("1.2.3.4:80"));
        check_leads(&[("a.io", "1.2.3.4:8000")], "a.io", Some("1.2.3.4:8000"));
        check_leads(&[("a.io", "1.1.1.1"), ("a.io:80", "2.2.2.2:8080")], "a.io", Some("2.2.2.2:8080"));
        check_leads(&[("a.io", "1.1.1.1"), ("a.io:443", "2.2.2.2:8443")], "a.io", Some("1.1.1.1:80"));
        check_leads(&[("*.io", "::1"), ("*.a.io", "[::2]:81")], "b.a.io", Some("[::2]:81"));
        check_leads(&[("*.io", "::1")], "a.io", Some("[::1]:80"));
        check_leads(&[("1.1.1.1", "2.2.2.2")], "1.1.1.1", Some("2.2.2.2:80"));
        check_leads(&[("a.io", "1.2.3.4")], "b.io", None);
    }

    #[track_caller]
    fn check_listed(network: &str, address: &str, want: bool) {
        let network = Network::parse(network).unwrap();
        assert_eq!(network.contains(address.parse().unwrap()), want, "{network}: {address}");
    }

    #[test]
    fn a_network_holds_what_has_its_prefix() {
        check_listed("10.1.2.3/8", "10.255.0.1", true);
        check_listed("10.0.0.0/8", "11.0.0.1", false);
        check_listed("10.0.0.1/32", "10.0.0.1", true);
        check_listed("0.0.0.0/0", "192.168.0.1", true);
        check_listed("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check_listed("fd00::/8", "fdff::1", true);
        check_listed("::/0", "1.2.3.4", false);
        assert_eq!(Network::parse("10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
    }

    #[test]
    fn what_is_neither_name_nor_network_nor_place_is_refused() {
        for text in ["a..b", "-a", "a b", "*.*.io", "a.*", "a:80"] {
            assert_eq!(Pattern::parse(text), Err(format!("invalid hostname pattern '{text}'")));
        }
        for text in ["a:b", "a:123456", "::1"] {
            assert_eq!(Pattern::parse_with_port(text), Err(format!("invalid host pattern '{text}'")));
        }
        for text in ["10.0.0.1", "10.0.0.0/33", "a/8", "10.0.0.0/", "10.0.0.0/+8"] {
            assert_eq!(Network::parse(text), Err(format!("invalid CIDR address: {text}")));
        }
        let want = "invalid value \"b.io\" of the host \"a.io\": write IP or IP:port";
        assert_eq!(Place::parse("a.io", "b.io"), Err(want.to_owned()));
    }
}
