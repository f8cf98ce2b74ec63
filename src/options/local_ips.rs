//! `--local-ips 10.0.0.1,10.0.1.0/24,10.0.2.1-10.0.2.9`: source addresses, dealt out to VUs.
//!
//! A pool is kept as ranges, so a /8 costs no memory.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A pool of source addresses; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalIps {
    /// As written.
    text: String,
    ranges: Vec<Range>,
    /// Addresses in all ranges; bounded by `PER_RANGE_MAX` for each.
    count: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: IpAddr,
    count: u128,
}

const PER_RANGE_MAX: u128 = 1 << 64;

impl LocalIps {
    pub fn parse(text: &str) -> Result<LocalIps, String> {
        let ranges = text.split(',').map(|item| parse_range(item.trim())).collect::<Result<Vec<_>, _>>()?;
        let count = ranges.iter().map(|range| range.count).sum();
        Ok(LocalIps { text: text.to_owned(), ranges, count })
    }

    /// The address of a VU, whose ids begin at 1: k6 takes entry (id - 1) mod size.
    pub fn for_vu(&self, vu_id: u64) -> IpAddr {
        let mut index = u128::from(vu_id.saturating_sub(1)) % self.count;
        for range in &self.ranges {
            if index < range.count {
                return offset(range.first, index);
            }
            index -= range.count;
        }
        unreachable!("the index is below the sum of all counts")
    }
}

impl fmt::Display for LocalIps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parse_range(item: &str) -> Result<Range, String> {
    let parse_ip =
        |text: &str| text.parse::<IpAddr>().map_err(|_| format!("local-ips: {text:?} is not an IP address"));
    let range = if let Some((ip, prefix)) = item.split_once('/') {
        let ip = parse_ip(ip)?;
        let bits = if ip.is_ipv4() { 32 } else { 128 };
        let prefix = prefix
            .parse::<u32>()
            .ok()
            .filter(|&prefix| prefix <= bits)
            .ok_or_else(|| format!("local-ips: {item:?} has no prefix length of 0 to {bits}"))?;
        cidr(ip, bits - prefix)
    } else if let Some((first, last)) = item.split_once('-') {
        let (first, last) = (parse_ip(first)?, parse_ip(last)?);
        if first.is_ipv4() != last.is_ipv4() || last < first {
            return Err(format!("local-ips: {item:?} is not a range from a lower to a higher address"));
        }
        Range { first, count: (number(last) - number(first)).saturating_add(1) }
    } else {
        Range { first: parse_ip(item)?, count: 1 }
    };
    if range.count > PER_RANGE_MAX {
        return Err(format!("local-ips: {item:?} holds more than 2^64 addresses"));
    }
    Ok(range)
}

fn cidr(ip: IpAddr, host_bits: u32) -> Range {
    let count = 1u128.checked_shl(host_bits).unwrap_or(u128::MAX);
    let network = number(ip) & !(count - 1);
    let first = match ip {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(network as u32)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(network)),
    };
    // As k6: the network's own and its broadcast address are no source addresses.
    if ip.is_ipv4() && count > 2 {
        return Range { first: offset(first, 1), count: count - 2 };
    }
    Range { first, count }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

fn offset(first: IpAddr, index: u128) -> IpAddr {
    match first {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() + index as u32)),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() + index)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let pool = LocalIps::parse(text).unwrap();
        let got: Vec<String> = (1..=want.len() as u64).map(|vu_id| pool.for_vu(vu_id).to_string()).collect();
        assert_eq!(got, want, "{text:?}");
    }

    #[track_caller]
    fn check_refused(text: &str, want: &str) {
        assert_eq!(LocalIps::parse(text), Err(format!("local-ips: {want}")));
    }

    #[test]
    fn vus_take_addresses_in_turn() {
        check("10.0.0.1", &["10.0.0.1", "10.0.0.1"]);
        check("10.0.0.1,10.0.0.5-10.0.0.6,::1", &["10.0.0.1", "10.0.0.5", "10.0.0.6", "::1", "10.0.0.1"]);
        check("fd00::1-fd00::2", &["fd00::1", "fd00::2", "fd00::1"]);
    }

    #[test]
    fn a_network_of_more_than_two_addresses_loses_its_ends() {
        check("10.0.0.7/30", &["10.0.0.5", "10.0.0.6", "10.0.0.5"]);
        check("10.0.0.4/31", &["10.0.0.4", "10.0.0.5", "10.0.0.4"]);
        check("10.0.0.4/32", &["10.0.0.4", "10.0.0.4"]);
        check("fd00::/126", &["fd00::", "fd00::1", "fd00::2", "fd00::3", "fd00::"]);
    }

    #[test]
    fn the_whole_of_ipv4_is_a_pool() {
        let pool = LocalIps::parse("0.0.0.0/0").unwrap();
        assert_eq!(pool.for_vu((1 << 32) - 2).to_string(), "255.255.255.254");
        assert_eq!(pool.for_vu((1 << 32) - 1).to_string(), "0.0.0.1");
    }

    #[test]
    fn what_is_no_pool_is_refused() {
        check_refused("", "\"\" is not an IP address");
        check_refused("10.0.0", "\"10.0.0\" is not an IP address");
        check_refused("10.0.0.0/33", "\"10.0.0.0/33\" has no prefix length of 0 to 32");
        check_refused(
            "10.0.0.2-10.0.0.1",
            "\"10.0.0.2-10.0.0.1\" is not a range from a lower to a higher address",
        );
        check_refused("10.0.0.2-::1", "\"10.0.0.2-::1\" is not a range from a lower to a higher address");
        check_refused("::/0", "\"::/0\" holds more than 2^64 addresses");
    }
}
