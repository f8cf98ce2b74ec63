//! Where requests go to and where they come from.

use crate::peer::Peer;
use crate::program::{ringload, run, skip};
use crate::transports::transports;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, TcpListener};

const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// Six requests by two VUs to `url`, which is `peer`; gives the Host header of them all.
#[track_caller]
fn check(peer: &Peer, url: &str, flags: &[&str]) -> String {
    let before = peer.requests().len();
    let ended = run(ringload(&[&["run", url, "-i6", "-u2"], flags].concat()));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{url} {flags:?}");
    let requests = peer.requests();
    assert_eq!(requests.len(), before + 6, "{url} {flags:?}");
    let hosts: BTreeSet<&str> = requests[before..]
        .iter()
        .filter_map(|request| request.lines().find_map(|line| line.strip_prefix("Host: ")))
        .collect();
    assert_eq!(hosts.len(), 1, "{hosts:?}");
    hosts.first().unwrap().to_string()
}

#[test]
fn localhost_is_this_machine() {
    let peer = Peer::answering(ANSWER);
    for transport in transports() {
        let url = format!("http://localhost:{}/", peer.port());
        assert_eq!(check(&peer, &url, &[transport]), format!("localhost:{}", peer.port()));
        let url = format!("http://LOCALHOST:{}/", peer.port());
        check(&peer, &url, &["--dns=select=first,policy=onlyIPv4", transport]);
    }
}

#[test]
fn an_answer_that_expires_at_once_serves_those_who_waited_for_it() {
    let peer = Peer::answering(ANSWER);
    for transport in transports() {
        let url = format!("http://localhost:{}/", peer.port());
        check(&peer, &url, &["--dns=ttl=0", "--no-connection-reuse", transport]);
    }
}

#[test]
fn an_ipv6_address_stands_in_brackets() {
    if let Err(error) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        return skip(&format!("no IPv6 here: {error}"));
    }
    let peer =
        Peer::listen_on(
            Ipv6Addr::LOCALHOST.into(),
            |mut visit| {
                while visit.request().is_some() && visit.send(ANSWER) {}
            },
        );
    for transport in transports() {
        assert_eq!(check(&peer, &peer.url(), &[transport]), format!("[::1]:{}", peer.port()));
        let url = format!("http://localhost:{}/", peer.port());
        check(&peer, &url, &["--dns=policy=onlyIPv6", transport]);
    }
}

#[test]
fn vus_take_the_local_addresses_in_turn() {
    for transport in transports() {
        let peer = Peer::answering(ANSWER);
        check(&peer, &peer.url(), &["--local-ips=127.0.0.2,127.0.0.3", transport]);
        let mut visitors = peer.visitors();
        visitors.sort_unstable();
        let want: [IpAddr; 2] = [[127, 0, 0, 2].into(), [127, 0, 0, 3].into()];
        assert_eq!(visitors, want);
    }
}
