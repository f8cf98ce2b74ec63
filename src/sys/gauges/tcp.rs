//! What the kernel's TCP counted in our network namespace: /proc/net/snmp, netstat, sockstat and
//! softnet_stat. Connections of others are in it.

use super::read_file;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpCounts {
    pub segments_in: Option<u64>,
    pub segments_out: Option<u64>,
    /// SYNs among them.
    pub retransmitted: Option<u64>,
    pub syns_retransmitted: Option<u64>,
    /// Segments that came after a gap.
    pub out_of_order: Option<u64>,
    /// Connections that a listener had no room for, and what it dropped for any reason.
    pub listen_overflows: Option<u64>,
    pub listen_drops: Option<u64>,
    /// Now, not since a beginning.
    pub time_wait: Option<u64>,
}

pub(super) fn read() -> TcpCounts {
    let text = |path| read_file(path).unwrap_or_default();
    let (snmp, netstat) = (text("/proc/net/snmp"), text("/proc/net/netstat"));
    TcpCounts {
        segments_in: field(&snmp, "Tcp:", "InSegs"),
        segments_out: field(&snmp, "Tcp:", "OutSegs"),
        retransmitted: field(&snmp, "Tcp:", "RetransSegs"),
        syns_retransmitted: field(&netstat, "TcpExt:", "TCPSynRetrans"),
        out_of_order: field(&netstat, "TcpExt:", "TCPOFOQueue"),
        listen_overflows: field(&netstat, "TcpExt:", "ListenOverflows"),
        listen_drops: field(&netstat, "TcpExt:", "ListenDrops"),
        time_wait: time_wait(&text("/proc/net/sockstat")),
    }
}

pub(super) fn read_backlog_dropped() -> Option<u64> {
    backlog_dropped(&read_file("/proc/net/softnet_stat")?)
}

/// A line of names and a line of numbers, both beginning with `table`.
fn field(text: &str, table: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with(table));
    let (names, values) = (lines.next()?, lines.next()?);
    let place = names.split_whitespace().position(|word| word == name)?;
    values.split_whitespace().nth(place)?.parse().ok()
}

/// `TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 108`.
fn time_wait(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("TCP:"))?;
    line.split_whitespace().skip_while(|word| *word != "tw").nth(1)?.parse().ok()
}

/// The second column of each CPU's line, in hexadecimal.
fn backlog_dropped(text: &str) -> Option<u64> {
    let dropped =
        text.lines().map(|line| u64::from_str_radix(line.split_whitespace().nth(1).unwrap_or(""), 16).ok());
    dropped.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_below_its_name() {
        let text = "Ip: A\nIp: 1\nTcp: InSegs OutSegs RetransSegs\nTcp: 5 6 7\n";
        assert_eq!(field(text, "Tcp:", "OutSegs"), Some(6));
        assert_eq!(field(text, "Tcp:", "InErrs"), None);
        assert_eq!(field("", "Tcp:", "InSegs"), None);
    }

    #[test]
    fn time_wait_and_drops_are_found() {
        assert_eq!(time_wait("sockets: used 19\nTCP: inuse 1 orphan 0 tw 42 alloc 1 mem 9\n"), Some(42));
        assert_eq!(backlog_dropped("0687fca8 0000000a 00000007\n08b77007 00000001 0\n"), Some(11));
    }
}
