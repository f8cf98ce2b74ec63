//! The kernel's transports against peers on loopback: the same cases for io_uring and epoll.

use ringload::sys::clock::Clock;
use ringload::sys::socket::ClientSocket;
use ringload::sys::wake::Waker;
use ringload::time::Instant;
use ringload::transport::epoll::Epoll;
use ringload::transport::uring::Uring;
use ringload::transport::{SocketConfig, Transport, Wait};
use ringload::wire::{Ask, ConnId, Event, Lost, Op, Payload};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

/// Longer than any case takes; a case that needs it has failed.
const PATIENCE_NS: u64 = 10_000_000_000;

/// What happened to one connection, without instants.
#[derive(Debug, PartialEq, Eq)]
enum Saw {
    Connected,
    Sent,
    Bytes(Vec<u8>),
    Discarded(u64),
    Lost(Lost),
    Closed,
}

/// One transport and the events that it gave.
struct Bench {
    transport: Box<dyn Transport>,
    clock: Clock,
    waker: Waker,
}

impl Bench {
    fn on(name: &str) -> Option<Bench> {
        let (clock, waker) = (Clock::start(), Waker::new().unwrap());
        let config = SocketConfig {
            clock,
            connections: 4,
            socket: ClientSocket::default(),
            listener: None,
            waker: waker.clone(),
        };
        let transport: Box<dyn Transport> = match name {
            "epoll" => Box::new(Epoll::new(config).unwrap()),
            _ => match Uring::new(config) {
                Ok(uring) => Box::new(uring),
                Err(error) => {
                    println!("skipped: no io_uring here: {error}");
                    return None;
                }
            },
        };
        Some(Bench { transport, clock, waker })
    }

    fn ask(&mut self, ask: Ask) {
        self.transport.submit(ask);
        self.transport.flush();
    }

    fn connect(&mut self, target: SocketAddr) -> ConnId {
        let conn = self.transport.open().expect("a free slot");
        self.ask(Ask::Connect { conn, target, local: None });
        conn
    }

    fn next(&mut self) -> Saw {
        let give_up = self.clock.now().plus_ns(PATIENCE_NS);
        loop {
            if let Some((_, event)) = self.transport.next_event() {
                return match event {
                    Event::Connected { .. } => Saw::Connected,
                    Event::Sent { from, at } => {
                        assert!(from <= at);
                        Saw::Sent
                    }
                    Event::Received { bytes, .. } => Saw::Bytes(bytes.to_vec()),
                    Event::Discarded { bytes, .. } => Saw::Discarded(bytes),
                    Event::Lost { why, .. } => Saw::Lost(why),
                    Event::Closed => Saw::Closed,
                    Event::Accepted { .. } => panic!("nobody listens"),
                };
            }
            assert!(self.clock.now() < give_up, "no event came");
            self.transport.wait(Wait::Until(give_up));
        }
    }

    /// Bytes received and bytes discarded, until there are `count` of both together.
    fn take(&mut self, count: usize) -> (Vec<u8>, u64) {
        let (mut bytes, mut discarded) = (Vec::new(), 0);
        while bytes.len() + (discarded as usize) < count {
            match self.next() {
                Saw::Bytes(more) => bytes.extend(more),
                Saw::Discarded(more) => {
                    assert!(bytes.is_empty(), "what is discarded comes before what is handed out");
                    discarded += more;
                }
                Saw::Sent => {}
                other => panic!("{other:?}"),
            }
        }
        (bytes, discarded)
    }

    fn close(&mut self, conn: ConnId) {
        self.ask(Ask::Close { conn });
        while self.next() != Saw::Closed {}
    }
}

/// Serves one connection with `serve`.
fn peer(serve: impl FnOnce(TcpStream) + Send + 'static) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || serve(listener.accept().unwrap().0));
    (address, thread)
}

fn each(case: impl Fn(&mut Bench)) {
    for name in ["io_uring", "epoll"] {
        if let Some(mut bench) = Bench::on(name) {
            println!("on {name}");
            case(&mut bench);
        }
    }
}

#[test]
fn bytes_go_and_come_back() {
    each(|bench| {
        let (address, thread) = peer(|mut stream| {
            let mut request = [0; 4];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(&request).unwrap();
        });
        let conn = bench.connect(address);
        assert_eq!(bench.next(), Saw::Connected);
        bench.ask(Ask::Send { conn, payload: Payload::Shared(b"ping") });
        assert_eq!(bench.next(), Saw::Sent);
        assert_eq!(bench.take(4).0, b"ping");
        assert_eq!(bench.next(), Saw::Lost(Lost::Ended));
        bench.close(conn);
        thread.join().unwrap();
    });
}

#[test]
fn a_port_without_listener_refuses() {
    each(|bench| {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let conn = bench.connect(address);
        let refused = Lost::Failed { op: Op::Dial, errno: libc::ECONNREFUSED };
        assert_eq!(bench.next(), Saw::Lost(refused));
        bench.close(conn);
    });
}

/// The kernel may give a client the very port that it dials, if that is in its range of ephemeral
/// ports and nobody listens there; the socket is then connected to itself.
#[test]
fn nobody_is_connected_to_itself() {
    each(|bench| {
        let local: std::net::IpAddr = "127.0.0.1".parse().unwrap();
        for _ in 0..2_000 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let conn = bench.transport.open().expect("a free slot");
            bench.ask(Ask::Connect { conn, target: (local, port).into(), local: None });
            let refused = Lost::Failed { op: Op::Dial, errno: libc::ECONNREFUSED };
            assert_eq!(bench.next(), Saw::Lost(refused));
            bench.close(conn);
        }
    });
}

#[test]
fn a_reset_is_told_as_one() {
    each(|bench| {
        let (address, thread) = peer(|mut stream| {
            // Not before the other side is connected and has said so.
            stream.read_exact(&mut [0; 1]).unwrap();
            let socket = socket2::Socket::from(stream);
            socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
        });
        let conn = bench.connect(address);
        assert_eq!(bench.next(), Saw::Connected);
        bench.ask(Ask::Send { conn, payload: Payload::Shared(b"?") });
        assert_eq!(bench.next(), Saw::Sent);
        let reset = Lost::Failed { op: Op::Read, errno: libc::ECONNRESET };
        assert_eq!(bench.next(), Saw::Lost(reset));
        bench.close(conn);
        thread.join().unwrap();
    });
}

#[test]
fn an_owned_payload_larger_than_the_socket_buffer_arrives_whole() {
    const SIZE: usize = 8 << 20;
    each(|bench| {
        let (address, thread) = peer(|mut stream| {
            let mut all = Vec::new();
            (&mut stream).take(SIZE as u64).read_to_end(&mut all).unwrap();
            assert!(all.len() == SIZE && all.iter().all(|&byte| byte == b'x'));
            stream.write_all(b"ok").unwrap();
        });
        let conn = bench.connect(address);
        assert_eq!(bench.next(), Saw::Connected);
        bench.ask(Ask::Send { conn, payload: Payload::Owned(vec![b'x'; SIZE]) });
        assert_eq!(bench.next(), Saw::Sent);
        assert_eq!(bench.take(2).0, b"ok");
        bench.close(conn);
        thread.join().unwrap();
    });
}

#[test]
fn bytes_to_discard_are_counted_and_what_follows_is_handed_out() {
    const BODY: usize = 300_000;
    each(|bench| {
        let (address, thread) = peer(|mut stream| {
            let mut request = [0; 1];
            stream.read_exact(&mut request).unwrap();
            for part in vec![b'x'; BODY].chunks(70_000) {
                stream.write_all(part).unwrap();
            }
            stream.write_all(b"next").unwrap();
            // Until the other side closes: its last bytes must not meet a FIN.
            let _ = stream.read(&mut request);
        });
        let conn = bench.connect(address);
        assert_eq!(bench.next(), Saw::Connected);
        bench.ask(Ask::Discard { conn, bytes: BODY as u64 });
        bench.ask(Ask::Send { conn, payload: Payload::Shared(b"?") });
        assert_eq!(bench.take(BODY + 4), (b"next".to_vec(), BODY as u64));
        bench.close(conn);
        thread.join().unwrap();
    });
}

#[test]
fn a_slot_comes_back_after_close_in_whatever_state_it_was() {
    each(|bench| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        for round in 0..20 {
            let conn = bench.connect(address);
            let (peer, _) = listener.accept().unwrap();
            if round % 2 == 0 {
                assert_eq!(bench.next(), Saw::Connected);
                bench.ask(Ask::Send { conn, payload: Payload::Shared(b"lost") });
            }
            bench.close(conn);
            drop(peer);
        }
        let taken: Vec<_> = std::iter::from_fn(|| bench.transport.open()).collect();
        assert_eq!(taken.len(), 4);
    });
}

/// What was not yet sent when a connection is closed is not sent later, and the socket is gone: the
/// peer, which had ended its own side, reads what was on its way and then the end.
#[test]
fn a_close_ends_a_send_that_waits_for_a_peer_that_has_ended() {
    const SENDS: usize = 1_024;
    static PART: [u8; 16 << 10] = [b'x'; 16 << 10];
    let Some(mut bench) = Bench::on("io_uring") else { return };
    let (closed, inbox) = std::sync::mpsc::channel();
    let (address, thread) = peer(move |mut stream| {
        // Not so large that all of it is on its way.
        socket2::SockRef::from(&stream).set_recv_buffer_size(64 << 10).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        inbox.recv().unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_nanos(PATIENCE_NS))).unwrap();
        let read = std::io::copy(&mut stream, &mut std::io::sink()).expect("an end");
        assert!(read < (SENDS * PART.len()) as u64, "{read} bytes: a send went on after the close");
    });
    let conn = bench.connect(address);
    assert_eq!(bench.next(), Saw::Connected);
    assert_eq!(bench.next(), Saw::Lost(Lost::Ended));
    for _ in 0..SENDS {
        bench.ask(Ask::Send { conn, payload: Payload::Shared(&PART) });
        assert_eq!(bench.next(), Saw::Sent);
    }
    bench.close(conn);
    closed.send(()).unwrap();
    // The ring lives on: what it holds it would go on holding.
    while !thread.is_finished() {
        let soon = bench.clock.now().plus_ns(1_000_000);
        bench.transport.wait(Wait::Until(soon));
        assert!(bench.transport.next_event().is_none(), "the slot is free");
    }
    thread.join().unwrap();
}

#[test]
fn a_wake_ends_a_wait() {
    each(|bench| {
        let waker = bench.waker.clone();
        let thread = std::thread::spawn(move || waker.wake());
        // Without the wake this would be for ever.
        bench.transport.wait(Wait::Until(Instant::NEVER));
        assert!(bench.transport.next_event().is_none());
        thread.join().unwrap();
    });
}
