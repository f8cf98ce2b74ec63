//! `--dns ttl=5m,select=random,policy=preferIPv4`, and a script's `dns`: how host names become addresses.

use super::duration;
use std::time::Duration;

/// Complete DNS options; the defaults are k6's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dns {
    /// How long an answer is used; zero: ask every time. `inf` is a year.
    pub ttl: Duration,
    pub select: DnsSelect,
    pub policy: DnsPolicy,
}

/// Which of several addresses is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsSelect {
    First,
    RoundRobin,
    Random,
}

/// Which address families are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsPolicy {
    PreferIpv4,
    PreferIpv6,
    OnlyIpv4,
    OnlyIpv6,
    Any,
}

/// What one source said; the rest comes from below, key by key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DnsText {
    pub ttl: Option<Duration>,
    pub select: Option<DnsSelect>,
    pub policy: Option<DnsPolicy>,
}

impl Default for Dns {
    fn default() -> Dns {
        Dns { ttl: Duration::from_secs(300), select: DnsSelect::Random, policy: DnsPolicy::PreferIpv4 }
    }
}

impl DnsText {
    pub fn parse(text: &str) -> Result<DnsText, String> {
        let mut dns = DnsText::default();
        for item in text.split(',') {
            let (key, value) = item.split_once('=').unwrap_or((item, ""));
            if value.is_empty() {
                return Err(format!("no value for key {item}"));
            }
            match key {
                "ttl" => dns.ttl = Some(parse_ttl(value)?),
                "select" => dns.select = Some(parse_select(value)?),
                "policy" => dns.policy = Some(parse_policy(value)?),
                _ => return Err(format!("unknown DNS configuration field: {key}")),
            }
        }
        Ok(dns)
    }

    pub fn over(self, lower: DnsText) -> DnsText {
        DnsText {
            ttl: self.ttl.or(lower.ttl),
            select: self.select.or(lower.select),
            policy: self.policy.or(lower.policy),
        }
    }

    pub fn or_defaults(self) -> Dns {
        let defaults = Dns::default();
        Dns {
            ttl: self.ttl.unwrap_or(defaults.ttl),
            select: self.select.unwrap_or(defaults.select),
            policy: self.policy.unwrap_or(defaults.policy),
        }
    }
}

pub fn parse_ttl(text: &str) -> Result<Duration, String> {
    if text == "inf" {
        return Ok(Duration::from_secs(365 * 24 * 3_600));
    }
    match duration::parse_k6(text) {
        Ok(ns @ 0..) => Ok(duration::from_ns(ns)),
        _ => Err(format!("invalid DNS TTL: {text}")),
    }
}

pub fn parse_select(text: &str) -> Result<DnsSelect, String> {
    match text {
        "first" => Ok(DnsSelect::First),
        "roundRobin" => Ok(DnsSelect::RoundRobin),
        "random" => Ok(DnsSelect::Random),
        _ => Err(format!("{text} does not belong to DNSSelect values")),
    }
}

pub fn parse_policy(text: &str) -> Result<DnsPolicy, String> {
    match text {
        "preferIPv4" => Ok(DnsPolicy::PreferIpv4),
        "preferIPv6" => Ok(DnsPolicy::PreferIpv6),
        "onlyIPv4" => Ok(DnsPolicy::OnlyIpv4),
        "onlyIPv6" => Ok(DnsPolicy::OnlyIpv6),
        "any" => Ok(DnsPolicy::Any),
        _ => Err(format!("{text} does not belong to DNSPolicy values")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<(u64, DnsSelect, DnsPolicy), &str>) {
        let want = want.map_err(str::to_owned).map(|(seconds, select, policy)| Dns {
            ttl: Duration::from_secs(seconds),
            select,
            policy,
        });
        assert_eq!(DnsText::parse(text).map(DnsText::or_defaults), want, "{text:?}");
    }

    #[test]
    fn missing_keys_have_k6s_defaults() {
        check("ttl=5m,select=random,policy=preferIPv4", Ok((300, DnsSelect::Random, DnsPolicy::PreferIpv4)));
        check("ttl=0", Ok((0, DnsSelect::Random, DnsPolicy::PreferIpv4)));
        check("ttl=2000", Ok((2, DnsSelect::Random, DnsPolicy::PreferIpv4)));
        check("ttl=inf,select=first", Ok((31_536_000, DnsSelect::First, DnsPolicy::PreferIpv4)));
        check("select=roundRobin,policy=any", Ok((300, DnsSelect::RoundRobin, DnsPolicy::Any)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        check("", Err("no value for key "));
        check("ttl", Err("no value for key ttl"));
        check("ttl=-1s", Err("invalid DNS TTL: -1s"));
        check("select=last", Err("last does not belong to DNSSelect values"));
        check("policy=ipv4", Err("ipv4 does not belong to DNSPolicy values"));
        check("cache=1", Err("unknown DNS configuration field: cache"));
    }
}
