//! Servers that do one thing to each visitor, and remember who came and what was asked.

use socket2::{Domain, SockRef, Socket, Type};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub struct Peer {
    address: SocketAddr,
    memory: Arc<Memory>,
    door: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Memory {
    closing: AtomicBool,
    visitors: Mutex<Vec<IpAddr>>,
    requests: Mutex<Vec<String>>,
}

/// One connection of a visitor.
pub struct Visit {
    stream: TcpStream,
    memory: Arc<Memory>,
    unread: Vec<u8>,
}

impl Peer {
    /// Each connection has `serve` called on a thread of its own, and ends with it.
    pub fn start(serve: impl Fn(Visit) + Send + Sync + 'static) -> Peer {
        Peer::listen_on(Ipv4Addr::LOCALHOST.into(), serve)
    }

    pub fn listen_on(ip: IpAddr, serve: impl Fn(Visit) + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind((ip, 0)).expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let memory = Arc::new(Memory::default());
        let shared = memory.clone();
        let serve = Arc::new(serve);
        let door = std::thread::spawn(move || {
            while let Ok((stream, visitor)) = listener.accept() {
                if shared.closing.load(Ordering::SeqCst) {
                    return;
                }
                shared.visitors.lock().unwrap().push(visitor.ip());
                let visit = Visit { stream, memory: shared.clone(), unread: Vec::new() };
                let serve = serve.clone();
                std::thread::spawn(move || serve(visit));
            }
        });
        Peer { address, memory, door: Some(door) }
    }

    /// Answers every request with these bytes, as long as the client stays.
    pub fn answering(response: &'static [u8]) -> Peer {
        Peer::start(move |mut visit| while visit.request().is_some() && visit.send(response) {})
    }

    /// Takes requests and never answers.
    pub fn silent() -> Peer {
        Peer::start(|mut visit| while visit.request().is_some() {})
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Where each connection came from.
    pub fn visitors(&self) -> Vec<IpAddr> {
        self.memory.visitors.lock().unwrap().clone()
    }

    /// Requests so far, whole with head and body.
    pub fn requests(&self) -> Vec<String> {
        self.memory.requests.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) {
        for _ in 0..5_000 {
            if self.requests().len() >= count {
                return;
            }
            ringload::sys::clock::sleep(Duration::from_millis(2));
        }
        panic!("{} requests came, not {count}", self.requests().len());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.memory.closing.store(true, Ordering::SeqCst);
        // Opens the door once more, for the thread behind it to see that it is time to go.
        if TcpStream::connect(self.address).is_ok()
            && let Some(door) = self.door.take()
        {
            let _ = door.join();
        }
    }
}

impl Visit {
    /// The next request; `None` once the client has gone.
    pub fn request(&mut self) -> Option<String> {
        loop {
            if let Some(length) = request_length(&self.unread) {
                let request: Vec<u8> = self.unread.drain(..length).collect();
                let request = String::from_utf8_lossy(&request).into_owned();
                self.memory.requests.lock().unwrap().push(request.clone());
                return Some(request);
            }
            let mut buffer = [0; 8192];
            match self.stream.read(&mut buffer) {
                Ok(count @ 1..) => self.unread.extend_from_slice(&buffer[..count]),
                _ => return None,
            }
        }
    }

    /// Waits for some bytes, whatever they are; false if the client has gone.
    pub fn hears_something(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 8192]), Ok(1..))
    }

    /// False once the client has gone.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Ends the connection by RST.
    pub fn reset(self) {
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }
}

/// The bytes of the first whole request: its head, and the body of a Content-Length.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(bytes);
    let head = text.find("\r\n\r\n")? + 4;
    let length = text[..head].lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let whole = head + length.map_or(0, |length| length.parse().expect("our own requests are sound"));
    (bytes.len() >= whole).then_some(whole)
}

/// A port where every connection is refused for as long as this lives: bound, not listened on.
pub struct Refusing {
    socket: Socket,
}

impl Refusing {
    pub fn start() -> Refusing {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port is free");
        Refusing { socket }
    }

    pub fn url(&self) -> String {
        let address = self.socket.local_addr().expect("it is bound");
        format!("http://{}/", address.as_socket().expect("it is IP"))
    }
}
