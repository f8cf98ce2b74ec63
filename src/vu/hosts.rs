//! The hosts of a run and their addresses: k6's `dns` option (ttl, select, policy), without I/O.
//!
//! A name is looked up by somebody else (`poll_lookup`, `on_resolved`); answers are kept for the
//! ttl, so that a load balancer's new addresses are found while the test runs.

use super::failure::Failure;
use crate::http::{Target, url};
use crate::options::HostRules;
use crate::options::dns::{Dns, DnsPolicy, DnsSelect};
use crate::script::HostId;
use crate::time::Instant;
use std::net::{IpAddr, SocketAddr};

/// A host as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Name or IP literal (IPv6 without brackets).
    pub name: String,
    pub port: u16,
}

/// What is known of a host's address now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    Known(SocketAddr),
    /// A lookup is under way; ask again after `on_resolved`.
    Pending,
    /// The last lookup found nothing: k6's error 1101.
    Unknown,
    /// `blockHostnames` or `blacklistIPs` forbids it: `Hosts::why_forbidden`.
    Forbidden,
}

struct Entry {
    host: Host,
    /// Where `hosts` leads: never looked up.
    leads_to: Option<SocketAddr>,
    /// Why the last answer of `address` was `Forbidden`; of a blocked name from the beginning.
    forbidden: Option<Failure>,
    /// The name itself is an address: never looked up.
    literal: bool,
    addresses: Vec<IpAddr>,
    expires: Instant,
    looking_up: bool,
    next: usize,
}

impl Entry {
    fn new(host: &Host) -> Entry {
        let literal = host.name.parse::<IpAddr>().ok();
        Entry {
            host: host.clone(),
            leads_to: None,
            forbidden: None,
            literal: literal.is_some(),
            addresses: literal.into_iter().collect(),
            expires: if literal.is_some() { Instant::NEVER } else { Instant::ZERO },
            looking_up: false,
            next: 0,
        }
    }
}

impl Entry {
    fn obey(&mut self, rules: &HostRules) {
        let name = &self.host.name;
        self.leads_to = rules.leading(name, self.host.port);
        self.forbidden = rules.blocking(name).map(|pattern| {
            let pattern = pattern.as_str();
            Failure::BlockedHostname(format!("hostname ({name}) is in a blocked pattern ({pattern})"))
        });
    }

    fn unless_blacklisted(&mut self, rules: &HostRules, address: SocketAddr) -> Address {
        let ip = address.ip();
        let Some(network) = rules.blacklisting(ip) else { return Address::Known(address) };
        self.forbidden =
            Some(Failure::BlacklistedIp(format!("IP ({ip}) is in a blacklisted range ({network})")));
        Address::Forbidden
    }
}

/// One worker's view of the hosts.
pub struct Hosts {
    entries: Vec<Entry>,
    dns: Dns,
    rules: HostRules,
    lookups: Vec<HostId>,
    /// State of the random selection.
    seed: u64,
}

impl Hosts {
    /// `seed` decides the order of the `random` selection.
    pub fn new(hosts: &[Host], dns: Dns, seed: u64) -> Hosts {
        let entries = hosts.iter().map(Entry::new).collect();
        Hosts { entries, dns, rules: HostRules::default(), lookups: Vec::new(), seed: seed | 1 }
    }

    /// With k6's `hosts`, `blockHostnames` and `blacklistIPs`.
    pub fn with_rules(mut self, rules: HostRules) -> Hosts {
        self.rules = rules;
        self.entries.iter_mut().for_each(|entry| entry.obey(&self.rules));
        self
    }

    /// The host of a URL; hosts are few, and kept.
    pub fn id_of(&mut self, target: &Target) -> HostId {
        let is_it = |entry: &Entry| {
            entry.host.port == target.port
                && match &target.host {
                    url::Host::Name(name) => entry.host.name == *name,
                    url::Host::Ip(ip) => entry.literal && entry.addresses.first() == Some(ip),
                }
        };
        if let Some(place) = self.entries.iter().position(is_it) {
            return HostId(place as u32);
        }
        let name = match &target.host {
            url::Host::Name(name) => name.clone(),
            url::Host::Ip(ip) => ip.to_string(),
        };
        let mut entry = Entry::new(&Host { name, port: target.port });
        entry.obey(&self.rules);
        self.entries.push(entry);
        HostId(self.entries.len() as u32 - 1)
    }

    /// The address for a new connection; starts a lookup when what is known has expired.
    pub fn address(&mut self, id: HostId, now: Instant) -> Address {
        let entry = &mut self.entries[id.0 as usize];
        if matches!(entry.forbidden, Some(Failure::BlockedHostname(_))) {
            return Address::Forbidden;
        }
        if let Some(address) = entry.leads_to {
            return entry.unless_blacklisted(&self.rules, address);
        }
        if !entry.literal && now >= entry.expires {
            if !entry.looking_up {
                entry.looking_up = true;
                self.lookups.push(id);
            }
            return Address::Pending;
        }
        if entry.addresses.is_empty() {
            return Address::Unknown;
        }
        let count = entry.addresses.len();
        let index = match self.dns.select {
            DnsSelect::First => 0,
            DnsSelect::RoundRobin => {
                entry.next = (entry.next + 1) % count;
                entry.next
            }
            DnsSelect::Random => {
                self.seed ^= self.seed << 13;
                self.seed ^= self.seed >> 7;
                self.seed ^= self.seed << 17;
                (self.seed % count as u64) as usize
            }
        };
        let address = SocketAddr::new(entry.addresses[index], entry.host.port);
        entry.unless_blacklisted(&self.rules, address)
    }

    /// After `address` said `Forbidden`.
    pub fn why_forbidden(&self, id: HostId) -> Failure {
        self.entries[id.0 as usize].forbidden.clone().unwrap_or(Failure::NoSuchHost)
    }

    #[inline]
    pub fn wants_lookup(&self) -> bool {
        !self.lookups.is_empty()
    }

    /// The next name that somebody should look up.
    pub fn poll_lookup(&mut self) -> Option<(HostId, &str)> {
        let id = self.lookups.pop()?;
        Some((id, &self.entries[id.0 as usize].host.name))
    }

    /// All addresses of a name; empty if there are none.
    pub fn on_resolved(&mut self, id: HostId, addresses: &[IpAddr], now: Instant) {
        let entry = &mut self.entries[id.0 as usize];
        entry.looking_up = false;
        entry.addresses = apply_policy(addresses, self.dns.policy);
        // A failure is not kept: the next connection asks again, as k6's does.
        let ttl_ns =
            if entry.addresses.is_empty() { 1 } else { crate::time::duration_ns(self.dns.ttl).max(1) };
        entry.expires = now.plus_ns(ttl_ns);
    }

    pub fn name(&self, id: HostId) -> &str {
        &self.entries[id.0 as usize].host.name
    }
}

fn apply_policy(addresses: &[IpAddr], policy: DnsPolicy) -> Vec<IpAddr> {
    let of = |v4: bool| addresses.iter().copied().filter(|ip| ip.is_ipv4() == v4).collect::<Vec<_>>();
    let prefer = |first: Vec<IpAddr>, second: Vec<IpAddr>| if first.is_empty() { second } else { first };
    match policy {
        DnsPolicy::PreferIpv4 => prefer(of(true), of(false)),
        DnsPolicy::PreferIpv6 => prefer(of(false), of(true)),
        DnsPolicy::OnlyIpv4 => of(true),
        DnsPolicy::OnlyIpv6 => of(false),
        DnsPolicy::Any => addresses.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::host_rules::{Network, Pattern, Place};
    use std::time::Duration;

    const TTL_NS: u64 = 1_000;

    fn hosts(name: &str, select: DnsSelect, policy: DnsPolicy) -> Hosts {
        let host = Host { name: name.into(), port: 80 };
        Hosts::new(&[host], Dns { ttl: Duration::from_nanos(TTL_NS), select, policy }, 7)
    }

    fn ips(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|ip| ip.parse().unwrap()).collect()
    }

    fn known(address: &str) -> Address {
        Address::Known(address.parse().unwrap())
    }

    #[test]
    fn a_literal_is_never_looked_up() {
        let mut hosts = hosts("::1", DnsSelect::First, DnsPolicy::PreferIpv4);
        assert_eq!(hosts.address(HostId(0), Instant(u64::MAX - 1)), known("[::1]:80"));
        assert_eq!(hosts.poll_lookup(), None);
    }

    #[test]
    fn a_name_is_looked_up_once_and_again_after_its_ttl() {
        let mut hosts = hosts("a.test", DnsSelect::First, DnsPolicy::PreferIpv4);
        assert_eq!(hosts.address(HostId(0), Instant(5)), Address::Pending);
        assert_eq!(hosts.address(HostId(0), Instant(6)), Address::Pending);
        assert_eq!(hosts.poll_lookup(), Some((HostId(0), "a.test")));
        assert_eq!(hosts.poll_lookup(), None);
        hosts.on_resolved(HostId(0), &ips(&["::2", "10.0.0.1"]), Instant(10));
        assert_eq!(hosts.address(HostId(0), Instant(10 + TTL_NS - 1)), known("10.0.0.1:80"));
        assert_eq!(hosts.address(HostId(0), Instant(10 + TTL_NS)), Address::Pending);
        assert_eq!(hosts.poll_lookup(), Some((HostId(0), "a.test")));
    }

    #[test]
    fn a_name_without_addresses_is_unknown_and_then_asked_again() {
        let mut hosts = hosts("a.test", DnsSelect::First, DnsPolicy::OnlyIpv6);
        hosts.address(HostId(0), Instant(0));
        hosts.on_resolved(HostId(0), &ips(&["10.0.0.1"]), Instant(1));
        assert_eq!(hosts.address(HostId(0), Instant(1)), Address::Unknown);
        assert_eq!(hosts.address(HostId(0), Instant(2)), Address::Pending);
    }

    #[track_caller]
    fn check_rules(name: &str, rules: HostRules, want: Result<&str, &str>) {
        let mut hosts = hosts(name, DnsSelect::First, DnsPolicy::Any).with_rules(rules);
        if hosts.address(HostId(0), Instant(0)) == Address::Pending {
            hosts.on_resolved(HostId(0), &ips(&["10.0.0.1"]), Instant(0));
        }
        match (hosts.address(HostId(0), Instant(1)), want) {
            (Address::Forbidden, Err(why)) => match hosts.why_forbidden(HostId(0)) {
                Failure::BlockedHostname(text) | Failure::BlacklistedIp(text) => assert_eq!(text, why),
                other => panic!("{other:?}"),
            },
            (got, want) => assert_eq!(Ok(got), want.map(known)),
        }
    }

    #[test]
    fn rules_lead_elsewhere_or_nowhere() {
        let mapped = || {
            let host = Pattern::parse_with_port("a.test").unwrap();
            HostRules { hosts: vec![(host, Place::parse("", "1.2.3.4:81").unwrap())], ..HostRules::default() }
        };
        let blacklist = vec![Network::parse("10.0.0.0/8").unwrap(), Network::parse("1.0.0.0/8").unwrap()];
        let blocked = vec![Pattern::parse("*.test").unwrap()];
        let listed = HostRules { blacklist: blacklist.clone(), ..HostRules::default() };
        check_rules("a.test", mapped(), Ok("1.2.3.4:81"));
        check_rules("b.test", mapped(), Ok("10.0.0.1:80"));
        check_rules("a.test", listed.clone(), Err("IP (10.0.0.1) is in a blacklisted range (10.0.0.0/8)"));
        check_rules("10.1.1.1", listed.clone(), Err("IP (10.1.1.1) is in a blacklisted range (10.0.0.0/8)"));
        check_rules("8.8.8.8", listed, Ok("8.8.8.8:80"));
        check_rules(
            "a.test",
            HostRules { blacklist, ..mapped() },
            Err("IP (1.2.3.4) is in a blacklisted range (1.0.0.0/8)"),
        );
        check_rules(
            "a.test",
            HostRules { blocked, ..mapped() },
            Err("hostname (a.test) is in a blocked pattern (*.test)"),
        );
    }

    #[test]
    fn selections_use_every_address_or_the_first() {
        let used = |select| {
            let mut hosts = hosts("a.test", select, DnsPolicy::Any);
            hosts.address(HostId(0), Instant(0));
            hosts.on_resolved(HostId(0), &ips(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]), Instant(0));
            let mut seen = std::collections::HashSet::new();
            for _ in 0..100 {
                if let Address::Known(address) = hosts.address(HostId(0), Instant(1)) {
                    seen.insert(address);
                }
            }
            seen.len()
        };
        assert_eq!((used(DnsSelect::First), used(DnsSelect::RoundRobin), used(DnsSelect::Random)), (1, 3, 3));
    }
}
