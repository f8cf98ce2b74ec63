//! The hosts of a run and their addresses: k6's `dns` option (ttl, select, policy), without I/O.
//!
//! A name is looked up by somebody else (`poll_lookup`, `on_resolved`); answers are kept for the
//! ttl, so that a load balancer's new addresses are found while the test runs. A script may name
//! ever new hosts: those that no request is under way to are forgotten from `HOSTS_MAX` on.

use super::failure::Failure;
use crate::http::{Target, url};
use crate::options::HostRules;
use crate::options::dns::{Dns, DnsPolicy, DnsSelect};
use crate::script::HostId;
use crate::time::Instant;
use rustc_hash::FxHashMap;
use std::net::{IpAddr, SocketAddr};

/// Hosts that are remembered, but for those in use.
const HOSTS_MAX: usize = 4_096;

/// A host as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Name or IP literal (IPv6 without brackets).
    pub name: String,
    pub port: u16,
    /// Its connections speak TLS.
    pub is_tls: bool,
}

impl Host {
    /// Where a URL leads.
    pub fn of(target: &Target) -> Host {
        let name = match &target.host {
            url::Host::Name(name) => name.clone(),
            url::Host::Ip(ip) => ip.to_string(),
        };
        let Port { number: port, is_tls } = Port::of(target);
        Host { name, port, is_tls }
    }

    fn port(&self) -> Port {
        Port { number: self.port, is_tls: self.is_tls }
    }
}

/// What distinguishes the hosts of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Port {
    number: u16,
    is_tls: bool,
}

impl Port {
    fn of(target: &Target) -> Port {
        Port { number: target.port, is_tls: target.scheme == url::Scheme::Https }
    }
}

/// What is known of a host's address now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    Known(SocketAddr),
    /// A lookup is under way; ask again after `on_resolved`.
    Pending,
    /// The last lookup found nothing (`Hosts::lookup_failure` may say more).
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
    /// Why the last lookup failed, if it did not just find nothing.
    failure: Option<String>,
    next: usize,
    /// Requests under way to it. Hosts that templates name are never forgotten.
    users: u32,
    used_at: u64,
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
            failure: None,
            next: 0,
            users: 0,
            used_at: 0,
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
    /// By `HostId`; a number is not given twice, so that nothing meant for a forgotten host reaches
    /// another.
    entries: FxHashMap<u32, Entry>,
    names: FxHashMap<String, Vec<(Port, HostId)>>,
    literals: FxHashMap<(IpAddr, Port), HostId>,
    given: u32,
    /// Counts acquisitions: the order in which hosts were used last.
    uses: u64,
    dns: Dns,
    rules: HostRules,
    lookups: Vec<HostId>,
    /// State of the random selection.
    seed: u64,
}

impl Hosts {
    /// `hosts` are the templates', numbered in their order. `seed` decides the order of the `random`
    /// selection.
    pub fn new(hosts: &[Host], dns: Dns, seed: u64) -> Hosts {
        let mut new = Hosts {
            entries: FxHashMap::default(),
            names: FxHashMap::default(),
            literals: FxHashMap::default(),
            given: 0,
            uses: 0,
            dns,
            rules: HostRules::default(),
            lookups: Vec::new(),
            seed: seed | 1,
        };
        for host in hosts {
            let id = new.add(Entry::new(host));
            new.entry(id).users = 1;
        }
        new
    }

    /// With k6's `hosts`, `blockHostnames` and `blacklistIPs`.
    pub fn with_rules(mut self, rules: HostRules) -> Hosts {
        self.rules = rules;
        self.entries.values_mut().for_each(|entry| entry.obey(&self.rules));
        self
    }

    /// The host of a URL, for a request: kept until it is released as often as it was acquired.
    pub fn acquire(&mut self, target: &Target) -> HostId {
        let port = Port::of(target);
        let known = match &target.host {
            url::Host::Name(name) => self
                .names
                .get(name)
                .and_then(|ports| ports.iter().find(|(known, _)| *known == port).map(|(_, id)| *id)),
            url::Host::Ip(ip) => self.literals.get(&(*ip, port)).copied(),
        };
        let id = known.unwrap_or_else(|| {
            if self.entries.len() >= HOSTS_MAX {
                self.forget_the_older_half();
            }
            let mut entry = Entry::new(&Host::of(target));
            entry.obey(&self.rules);
            self.add(entry)
        });
        self.uses += 1;
        let used_at = self.uses;
        let entry = self.entry(id);
        entry.users += 1;
        entry.used_at = used_at;
        id
    }

    pub fn release(&mut self, id: HostId) {
        self.entry(id).users -= 1;
    }

    #[cfg(test)]
    pub fn kept(&self) -> usize {
        self.entries.len()
    }

    fn add(&mut self, entry: Entry) -> HostId {
        let id = HostId(self.given);
        self.given += 1;
        let port = entry.host.port();
        match entry.addresses.first().filter(|_| entry.literal) {
            Some(ip) => {
                self.literals.insert((*ip, port), id);
            }
            None => self.names.entry(entry.host.name.clone()).or_default().push((port, id)),
        }
        self.entries.insert(id.0, entry);
        id
    }

    /// Half of those without a request, so that the search for them is not made for each new host.
    fn forget_the_older_half(&mut self) {
        let unused = self.entries.iter().filter(|(_, entry)| entry.users == 0);
        let mut unused: Vec<(u64, u32)> = unused.map(|(id, entry)| (entry.used_at, *id)).collect();
        unused.sort_unstable();
        for (_, id) in &unused[..unused.len().div_ceil(2)] {
            let Some(Entry { host, literal, addresses, .. }) = self.entries.remove(id) else { continue };
            if literal {
                self.literals.remove(&(addresses[0], host.port()));
            } else if let Some(ports) = self.names.get_mut(&host.name) {
                ports.retain(|(_, kept)| kept.0 != *id);
                if ports.is_empty() {
                    self.names.remove(&host.name);
                }
            }
        }
    }

    /// One that templates name, or that a request has acquired.
    fn entry(&mut self, id: HostId) -> &mut Entry {
        self.entries.get_mut(&id.0).expect("a host in use is not forgotten")
    }

    /// The address for a new connection; starts a lookup when what is known has expired.
    pub fn address(&mut self, id: HostId, now: Instant) -> Address {
        let Some(entry) = self.entries.get_mut(&id.0) else { return Address::Unknown };
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
        let entry = self.entries.get(&id.0);
        entry.and_then(|entry| entry.forbidden.clone()).unwrap_or(Failure::NoSuchHost)
    }

    #[inline]
    pub fn wants_lookup(&self) -> bool {
        !self.lookups.is_empty()
    }

    /// The next name that somebody should look up.
    pub fn poll_lookup(&mut self) -> Option<(HostId, &str)> {
        // One may have been forgotten meanwhile.
        while let Some(id) = self.lookups.pop() {
            if self.entries.contains_key(&id.0) {
                return Some((id, &self.entries[&id.0].host.name));
            }
        }
        None
    }

    /// All addresses of a name, none if there are none; or why it could not be looked up.
    pub fn on_resolved(&mut self, id: HostId, answer: Result<&[IpAddr], &str>, now: Instant) {
        let Some(entry) = self.entries.get_mut(&id.0) else { return };
        entry.looking_up = false;
        entry.addresses = apply_policy(answer.unwrap_or_default(), self.dns.policy);
        entry.failure = answer.err().map(str::to_owned);
        // A failure is not kept: the next connection asks again, as k6's does.
        let ttl_ns =
            if entry.addresses.is_empty() { 1 } else { crate::time::duration_ns(self.dns.ttl).max(1) };
        entry.expires = now.plus_ns(ttl_ns);
    }

    /// Why the last lookup of a host failed; `None` if there is no such host.
    pub fn lookup_failure(&mut self, id: HostId) -> Option<String> {
        let entry = self.entry(id);
        entry.failure.as_ref().map(|why| format!("lookup {}: {why}", entry.host.name))
    }

    /// Of one in use, as for `name`.
    pub fn is_tls(&self, id: HostId) -> bool {
        self.host(id).is_tls
    }

    pub fn name(&self, id: HostId) -> &str {
        &self.host(id).name
    }

    fn host(&self, id: HostId) -> &Host {
        &self.entries.get(&id.0).expect("a host in use is not forgotten").host
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
        let host = Host { name: name.into(), port: 80, is_tls: false };
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
        hosts.on_resolved(HostId(0), Ok(&ips(&["::2", "10.0.0.1"])), Instant(10));
        assert_eq!(hosts.address(HostId(0), Instant(10 + TTL_NS - 1)), known("10.0.0.1:80"));
        assert_eq!(hosts.address(HostId(0), Instant(10 + TTL_NS)), Address::Pending);
        assert_eq!(hosts.poll_lookup(), Some((HostId(0), "a.test")));
    }

    #[test]
    fn a_name_without_addresses_is_unknown_and_then_asked_again() {
        let mut hosts = hosts("a.test", DnsSelect::First, DnsPolicy::OnlyIpv6);
        hosts.address(HostId(0), Instant(0));
        hosts.on_resolved(HostId(0), Ok(&ips(&["10.0.0.1"])), Instant(1));
        assert_eq!(hosts.address(HostId(0), Instant(1)), Address::Unknown);
        assert_eq!(hosts.address(HostId(0), Instant(2)), Address::Pending);
    }

    #[track_caller]
    fn check_rules(name: &str, rules: HostRules, want: Result<&str, &str>) {
        let mut hosts = hosts(name, DnsSelect::First, DnsPolicy::Any).with_rules(rules);
        if hosts.address(HostId(0), Instant(0)) == Address::Pending {
            hosts.on_resolved(HostId(0), Ok(&ips(&["10.0.0.1"])), Instant(0));
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
            hosts.on_resolved(HostId(0), Ok(&ips(&["10.0.0.1", "10.0.0.2", "10.0.0.3"])), Instant(0));
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

    fn target(host: &str) -> Target {
        Target::parse(&format!("http://{host}/")).expect("a URL")
    }

    #[test]
    fn a_host_is_known_by_name_and_port() {
        let mut hosts = hosts("a.test", DnsSelect::First, DnsPolicy::Any);
        let mut ids =
            |urls: &[&str]| urls.iter().map(|url| hosts.acquire(&target(url)).0).collect::<Vec<_>>();
        assert_eq!(
            ids(&["a.test", "a.test:81", "b.test", "10.0.0.1", "10.0.0.1:81", "[::1]"]),
            [0, 1, 2, 3, 4, 5]
        );
        assert_eq!(
            ids(&["[::1]", "10.0.0.1:81", "10.0.0.1", "b.test", "a.test:81", "a.test"]),
            [5, 4, 3, 2, 1, 0]
        );
    }

    #[test]
    fn ever_new_hosts_are_bounded_and_those_in_use_are_kept() {
        let mut hosts = hosts("template.test", DnsSelect::First, DnsPolicy::Any);
        let in_use = hosts.acquire(&target("in-use.test"));
        let mut often = hosts.acquire(&target("10.0.0.1"));
        hosts.release(often);
        for number in 0..20_000 {
            let id = hosts.acquire(&target(&format!("a{number}.test")));
            assert_eq!(hosts.address(id, Instant(5)), Address::Pending);
            hosts.on_resolved(id, Ok(&ips(&["10.0.0.1"])), Instant(6));
            hosts.release(id);
            let again = hosts.acquire(&target("10.0.0.1"));
            hosts.release(again);
            assert_eq!(std::mem::replace(&mut often, again), again, "one used all the time is known");
        }
        assert!(hosts.entries.len() <= HOSTS_MAX, "{}", hosts.entries.len());
        assert_eq!(hosts.names.len() + hosts.literals.len(), hosts.entries.len());
        assert_eq!(hosts.acquire(&target("in-use.test")), in_use);
        assert_eq!(hosts.acquire(&target("template.test")), HostId(0));
        assert!(hosts.acquire(&target("a1.test")).0 > 20_000, "a forgotten host's number is not reused");
        // The answer for one that was forgotten meanwhile is nobody's.
        hosts.on_resolved(HostId(3), Ok(&[]), Instant(7));
    }

    #[test]
    fn why_a_lookup_failed_is_told() {
        let mut hosts = hosts("a.test", DnsSelect::First, DnsPolicy::Any);
        hosts.on_resolved(HostId(0), Err("i/o timeout"), Instant(1));
        assert_eq!(hosts.address(HostId(0), Instant(1)), Address::Unknown);
        assert_eq!(hosts.lookup_failure(HostId(0)).as_deref(), Some("lookup a.test: i/o timeout"));
        hosts.on_resolved(HostId(0), Ok(&[]), Instant(2));
        assert_eq!(hosts.lookup_failure(HostId(0)), None);
    }
}
