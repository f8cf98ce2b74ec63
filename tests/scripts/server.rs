//! The server that the recordings were made with, as far as a script can tell: the same paths,
//! bodies and header sizes. A thread a connection; it ends with the process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// A Date of its own: clients only see that there is one.
const COMMON: &str = "Server: nginx\r\nDate: Tue, 24 Nov 2026 06:40:00 GMT\r\nConnection: keep-alive\r\n";
/// What nginx says of a file and not of a fixed answer.
const OF_A_FILE: &str =
    "Last-Modified: Tue, 24 Nov 2026 05:00:00 GMT\r\nETag: \"6743f1a0-400\"\r\nAccept-Ranges: bytes\r\n";

pub fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Until the client goes; how it does so is its own affair.
fn serve(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut requests = BufReader::new(stream.try_clone().ok()?);
    loop {
        let path = read_request(&mut requests)?;
        stream.write_all(answer(&path).as_bytes()).ok()?;
    }
}

fn read_request(requests: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = || {
        let mut line = String::new();
        (requests.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
    };
    let path = line()?.split(' ').nth(1)?.to_owned();
    let mut body_length = 0;
    loop {
        let header = line()?.to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(length) = header.strip_prefix("content-length:") {
            body_length = length.trim().parse().ok()?;
        }
    }
    requests.read_exact(&mut vec![0; body_length]).ok()?;
    Some(path)
}

fn answer(path: &str) -> String {
    let kilobyte = "x".repeat(1_024);
    let (status, content_type, more, body) = match path {
        "/1k" => ("200 OK", "text/plain", OF_A_FILE, kilobyte.as_str()),
        "/json" => ("200 OK", "application/json", "", r#"{"hello":"world","n":1}"#),
        "/500" => ("500 Internal Server Error", "text/plain", "", "err"),
        _ => ("200 OK", "text/plain", "", "ok"),
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{COMMON}{more}\r\n{body}"
    )
}
