//! The target's loop over a transport, as the worker's: one read of the clock a turn.

use super::behaviour::Behaviour;
use super::service::Service;
use crate::metrics::served::Served;
use crate::time::{Instant, duration_ns};
use crate::tls;
use crate::transport::{Transport, Wait};
use std::time::Duration;

/// The longest wait, so that whoever calls `turn` can look whether to stop.
const TICK: Duration = Duration::from_millis(100);

/// Serves the connections that `transport` accepts.
pub struct Server<T> {
    transport: T,
    service: Service,
    begin: Instant,
}

impl<T: Transport> Server<T> {
    /// `tls`: what comes is HTTPS.
    pub fn new(mut transport: T, behaviour: Behaviour, tls: Option<tls::Server>) -> Server<T> {
        let begin = transport.now();
        Server { transport, service: Service::new(behaviour, tls), begin }
    }

    /// Handles what came, then waits for more, for a delayed answer or for a tick. True if there
    /// was anything to do.
    pub fn turn(&mut self) -> bool {
        let now = self.transport.now();
        let mut busy = false;
        while let Some((conn, event)) = self.transport.next_event() {
            self.service.on_event(now, conn, event);
            busy = true;
        }
        self.service.on_time(now);
        while let Some(ask) = self.service.poll_ask() {
            self.transport.submit(ask);
            busy = true;
        }
        self.transport.flush();
        let tick = now.plus_ns(duration_ns(TICK));
        let until = self.service.next_timer().map_or(tick, |timer| timer.min(tick));
        self.transport.wait(Wait::Until(until));
        busy
    }

    /// The counts so far.
    pub fn served(&mut self) -> Served {
        let duration = Duration::from_nanos(self.transport.now().since(self.begin));
        Served { duration, ..self.service.served() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{BehaviourOptions, Delay};
    use crate::wire::{Ask, ConnId, Event, Lost};
    use std::collections::VecDeque;

    /// A transport that plays a script: what comes at which time; it writes down what is asked.
    #[derive(Default)]
    struct Scripted {
        now: Instant,
        script: VecDeque<(Instant, ConnId, Fact)>,
        reading: Vec<u8>,
        unflushed: Vec<String>,
        log: Vec<String>,
    }

    #[derive(Clone)]
    enum Fact {
        Accepted,
        Received(&'static str),
        Sent,
        Lost,
        Closed,
    }

    impl Transport for Scripted {
        fn now(&mut self) -> Instant {
            self.now
        }

        fn open(&mut self) -> Option<ConnId> {
            panic!("a server opens nothing");
        }

        fn submit(&mut self, ask: Ask) {
            self.unflushed.push(match ask {
                Ask::Send { conn, payload } => format!("send {} {}", conn.0, payload.len()),
                Ask::Close { conn } => format!("close {}", conn.0),
                Ask::Connect { .. } | Ask::Discard { .. } => panic!("a server neither connects nor discards"),
            });
        }

        fn flush(&mut self) {
            let ms = self.now.0 / 1_000_000;
            self.log.extend(self.unflushed.drain(..).map(|ask| format!("{ms} ms: {ask}")));
        }

        fn wait(&mut self, wait: Wait) {
            let Wait::Until(until) = wait else { panic!("a server sleeps until something is due") };
            let next = self.script.front().map_or(Instant::NEVER, |(at, ..)| *at);
            self.now = self.now.max(until.min(next));
        }

        fn next_event(&mut self) -> Option<(ConnId, Event<'_>)> {
            let (at, ..) = self.script.front().filter(|(at, ..)| *at <= self.now)?;
            let at = *at;
            let (_, conn, fact) = self.script.pop_front()?;
            let event = match fact {
                Fact::Accepted => Event::Accepted { at },
                Fact::Received(text) => {
                    self.reading = text.into();
                    Event::Received { at, bytes: &self.reading }
                }
                Fact::Sent => Event::Sent { from: at, at },
                Fact::Lost => Event::Lost { at, why: Lost::Ended },
                Fact::Closed => Event::Closed,
            };
            Some((conn, event))
        }
    }

    /// Plays (ms, slot, fact) and reads (ms, ask) until `end_ms`; gives the number of turns.
    #[track_caller]
    fn check(options: BehaviourOptions, script: &[(u64, u32, Fact)], end_ms: u64, want: &[&str]) -> u32 {
        let at = |ms: u64| Instant(ms * 1_000_000);
        let script = script.iter().map(|(ms, slot, fact)| (at(*ms), ConnId(*slot), fact.clone())).collect();
        let mut server =
            Server::new(Scripted { script, ..Scripted::default() }, Behaviour::new(options, 1), None);
        let mut turns = 0;
        while server.transport.now < at(end_ms) {
            server.turn();
            turns += 1;
        }
        assert_eq!(server.transport.log, want);
        assert_eq!(server.served().duration, Duration::from_millis(end_ms));
        turns
    }

    const GET: Fact = Fact::Received("GET / HTTP/1.1\r\nHost: t\r\n\r\n");

    #[test]
    fn the_loop_answers_in_the_turn_that_reads() {
        let script = [
            (10, 0, Fact::Accepted),
            (10, 0, GET),
            (10, 0, Fact::Sent),
            (20, 1, Fact::Accepted),
            (20, 1, GET),
            (30, 0, Fact::Lost),
            (30, 0, Fact::Closed),
            (30, 1, Fact::Sent),
        ];
        let answer =
            "HTTP/1.1 200 OK\r\nServer: ringload\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n";
        let length = answer.len();
        let want = [
            format!("10 ms: send 0 {length}"),
            format!("20 ms: send 1 {length}"),
            "30 ms: close 0".to_owned(),
        ];
        check(BehaviourOptions::default(), &script, 130, &want.each_ref().map(String::as_str));
    }

    #[test]
    fn the_loop_sleeps_until_a_delayed_answer_is_due_and_never_longer_than_a_tick() {
        let delay = Delay::Constant(Duration::from_millis(250));
        let script = [(10, 0, Fact::Accepted), (10, 0, Fact::Received("HEAD / HTTP/1.1\r\n\r\n"))];
        let options = BehaviourOptions { delay, ..BehaviourOptions::default() };
        // Looks at 0, 10, 110, 210, 260 and 360 ms.
        let turns = check(options, &script, 460, &["260 ms: send 0 82"]);
        assert_eq!(turns, 6);
    }
}
