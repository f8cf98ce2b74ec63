//! The target's behaviour as the far end of a simulated network.

use super::behaviour::Behaviour;
use super::dialogue::{Dialogue, Heard};
use crate::http::RequestCache;
use crate::metrics::served::Served;
use crate::options::BehaviourOptions;
use crate::time::Instant;
use crate::tls::{self, ServerLink};
use crate::transport::sim::{Admission, LinkId, Reply, Responder};
use rustc_hash::FxHashMap;

/// Answers in virtual time as `Service` does on sockets. Its counts are of what it heard and said;
/// what the network made of that is the network's to count. `duration` stays zero.
pub struct TargetResponder {
    behaviour: Behaviour,
    cache: RequestCache,
    dialogues: FxHashMap<LinkId, (Dialogue, Option<ServerLink>)>,
    tls: Option<tls::Server>,
    tls_buffers: tls::Buffers,
    served: Served,
}

impl TargetResponder {
    pub fn new(options: BehaviourOptions, seed: u64) -> TargetResponder {
        TargetResponder::of(Behaviour::new(options, seed))
    }

    pub fn of(behaviour: Behaviour) -> TargetResponder {
        TargetResponder::with_tls(behaviour, None)
    }

    /// `tls`: what comes is HTTPS.
    pub fn with_tls(behaviour: Behaviour, tls: Option<tls::Server>) -> TargetResponder {
        TargetResponder {
            tls,
            tls_buffers: tls::Buffers::default(),
            behaviour,
            cache: RequestCache::default(),
            dialogues: FxHashMap::default(),
            served: Served::default(),
        }
    }

    pub fn served(&self) -> &Served {
        &self.served
    }

    /// From now on it answers as `options` say: a server that degrades or recovers.
    pub fn set_options(&mut self, options: BehaviourOptions, seed: u64) {
        self.behaviour = Behaviour::new(options, seed);
    }
}

impl Responder for TargetResponder {
    fn on_connect(&mut self, link: LinkId, _: Instant) -> Admission {
        self.served.connections += 1;
        self.served.open += 1;
        let tls = self.tls.as_ref().map(tls::Server::link);
        self.dialogues.insert(link, (Dialogue::default(), tls));
        Admission::Accept
    }

    fn on_bytes(&mut self, link: LinkId, now: Instant, bytes: &[u8], out: &mut Vec<(u64, Reply)>) {
        let TargetResponder { behaviour, cache, dialogues, served, tls_buffers, .. } = self;
        served.bytes_received += bytes.len() as u64;
        let (dialogue, tls) = dialogues.get_mut(&link).expect("bytes come on accepted connections");
        let mut is_over = false;
        let mut heard = bytes;
        if let Some(tls) = tls {
            let taken = tls.on_ciphertext(bytes, tls_buffers);
            is_over = taken.is_err() || tls.has_ended();
            heard = &tls_buffers.plain;
            if let Some(bytes) = send_now(tls) {
                served.bytes_sent += bytes.len() as u64;
                out.push((0, Reply::Bytes(bytes)));
            }
        }
        dialogue.on_bytes(now, heard, behaviour, cache, |heard, answer| {
            match heard {
                Heard::Request => served.requests += 1,
                Heard::Garbage => served.parse_errors += 1,
            }
            *served.answered.entry(answer.status).or_default() += 1;
            let (delay_ns, close) = (answer.delay_ns, answer.close);
            let payload = answer.into_payload();
            let bytes = match tls {
                None => payload.as_slice().to_vec(),
                Some(tls) => {
                    tls.write(payload.as_slice());
                    send_now(tls).expect("what was written is sent")
                }
            };
            served.bytes_sent += bytes.len() as u64;
            out.push((delay_ns, Reply::Bytes(bytes)));
            if close {
                out.push((delay_ns, Reply::Close));
            }
        });
        behaviour.write_capacity_counts(served);
        if is_over {
            out.push((0, Reply::Close));
        }
    }

    fn on_close(&mut self, link: LinkId, _: Instant) {
        self.served.open -= 1;
        self.dialogues.remove(&link);
    }
}

/// The network takes all at once.
fn send_now(tls: &mut ServerLink) -> Option<Vec<u8>> {
    let bytes = tls.poll_send()?;
    tls.on_sent();
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{CapacityOptions, Delay};
    use crate::target::SharedCapacity;
    use crate::transport::sim::{Network, Sim};
    use crate::transport::{Transport, Wait};
    use crate::wire::{Ask, Event, Lost, Payload};
    use std::time::Duration;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n";
    const GET_LAST: &[u8] = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n";

    /// Sends `requests` on one connection; gives the time from `Sent` to the last byte, the bytes
    /// received and whether the target ended the connection within 10 s.
    #[track_caller]
    fn check(behaviour: Behaviour, requests: Vec<u8>, want: (u64, &str, bool)) -> Served {
        let network = Network { call_ns: 0, ..Network::ideal() };
        let mut sim = Sim::new(5, network, TargetResponder::of(behaviour));
        let conn = sim.open().unwrap();
        sim.submit(Ask::Connect { conn, target: ([10, 0, 0, 1], 80).into(), local: None });
        let (mut sent, mut last, mut got, mut ended) = (Instant::ZERO, Instant::ZERO, Vec::new(), false);
        loop {
            sim.flush();
            sim.wait(Wait::Until(Instant(10_000_000_000)));
            let mut send = false;
            match sim.next_event() {
                Some((_, Event::Connected { .. })) => send = true,
                Some((_, Event::Sent { at, .. })) => sent = at,
                Some((_, Event::Received { at, bytes })) => {
                    last = at;
                    got.extend_from_slice(bytes);
                }
                Some((_, Event::Lost { why: Lost::Ended, .. })) => ended = true,
                Some((_, event)) => panic!("{event:?}"),
                None => break,
            }
            if send {
                sim.submit(Ask::Send { conn, payload: Payload::Owned(requests.clone()) });
            }
        }
        assert_eq!((last.since(sent), std::str::from_utf8(&got).unwrap(), ended), want);
        let served = sim.responder().served();
        assert_eq!((served.bytes_sent, served.open), (got.len() as u64, u64::from(!ended)));
        served.clone()
    }

    #[test]
    fn it_answers_in_virtual_time_as_on_a_socket() {
        let small = BehaviourOptions { size: 2, ..BehaviourOptions::default() };
        let slow = BehaviourOptions { delay: Delay::Constant(Duration::from_millis(5)), ..small };
        let head = "HTTP/1.1 200 OK\r\nServer: ringload\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n";
        let answer = format!("{head}\r\nxx");
        let last = format!("{head}Connection: close\r\n\r\nxx");
        let of = |options| Behaviour::new(options, 5);
        check(of(small), GET.to_vec(), (100_000, &answer, false));
        check(of(slow), GET.to_vec(), (5_100_000, &answer, false));
        check(of(slow), [GET, GET_LAST, GET].concat(), (5_100_000, &format!("{answer}{last}"), true));
    }

    #[test]
    fn its_capacity_is_known_in_virtual_time_too() {
        let options = CapacityOptions { per_second: Some(1), queue: Some(1), ..CapacityOptions::default() };
        let behaviour = Behaviour::new(BehaviourOptions::default(), 5).within(SharedCapacity::new(&options));
        let head = |status| {
            format!(
                "HTTP/1.1 {status}\r\nServer: ringload\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"
            )
        };
        // The bucket is empty at instant 0: the first waits, the others find the queue full.
        let refused = head("503 Service Unavailable");
        let answers = format!("{}{refused}{refused}", head("200 OK"));
        // It arrives 50 us after it was sent, and its answer takes 50 us more.
        let sent_ns = 100_000;
        let served = check(behaviour, GET.repeat(3), (1_000_000_000 + 50_000 - sent_ns, &answers, false));
        assert_eq!((served.refused, served.answered), (2, [(200, 1), (503, 2)].into()));
    }
}
