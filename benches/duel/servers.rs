//! The servers that are loaded: the built-in target and nginx, each in one pinned process.
//!
//! Both answer 200 with the same two bytes of body; nginx's head is its usual one.

use ringload::sys::clock;
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub const NAMES: [&str; 2] = ["target", "nginx"];

const START_TRIES: u32 = 100;
const START_PAUSE: Duration = Duration::from_millis(50);
/// Ticks a second in /proc/PID/stat: USER_HZ, a constant of Linux's interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running server; it ends with this value.
pub struct Server {
    pub name: &'static str,
    pub url: String,
    /// `None`: it does not serve HTTPS here.
    pub tls_url: Option<String>,
    /// As it was started.
    pub command: Vec<String>,
    process: Child,
}

impl Server {
    /// `program` is the path of ringload or nginx.
    pub fn start(name: &'static str, program: &str, cpu: usize, dir: &Path) -> io::Result<Server> {
        let pinned = vec!["taskset".to_owned(), "-c".to_owned(), cpu.to_string(), program.to_owned()];
        match name {
            "target" => Server::start_target(pinned),
            "nginx" => Server::start_nginx(pinned, dir),
            _ => unreachable!("{name} is not among {NAMES:?}"),
        }
    }

    fn start_target(mut command: Vec<String>) -> io::Result<Server> {
        command.extend(["target", "--listen", "127.0.0.1:0", "--size", "2", "--json"].map(str::to_owned));
        let mut process = spawn(&command, Stdio::piped())?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let address = listening(&line)?;
        Server { name: "target", url: format!("http://{address}/"), tls_url: None, command, process }
            .ready(address)
    }

    fn start_nginx(mut command: Vec<String>, dir: &Path) -> io::Result<Server> {
        let (address, tls_address) = (free_address()?, free_address()?);
        write_certificate(dir)?;
        let config = dir.join("nginx.conf");
        std::fs::write(&config, nginx_config(address, tls_address, dir))?;
        let errors = dir.join("nginx-error.log");
        command.extend(["-p", text(dir)?, "-e", text(&errors)?, "-c", text(&config)?].map(str::to_owned));
        let process = spawn(&command, Stdio::null())?;
        let tls_url = Some(format!("https://{tls_address}/"));
        Server { name: "nginx", url: format!("http://{address}/"), tls_url, command, process }.ready(address)
    }

    /// Itself, once it accepts connections.
    fn ready(mut self, address: SocketAddr) -> io::Result<Server> {
        for _ in 0..START_TRIES {
            if TcpStream::connect(address).is_ok() {
                return Ok(self);
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(io::Error::other(format!("it ended at once: {status}")));
            }
            clock::sleep(START_PAUSE);
        }
        Err(io::Error::other("it does not accept connections"))
    }

    /// User and system time so far, to 10 ms.
    pub fn cpu_seconds(&self) -> io::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let ticks = cpu_ticks(&stat).ok_or(io::Error::other("/proc/PID/stat has another form"))?;
        Ok(ticks as f64 / TICKS_PER_SECOND)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(command: &[String], stdout: Stdio) -> io::Result<Child> {
    Command::new(&command[0]).args(&command[1..]).stdin(Stdio::null()).stdout(stdout).spawn()
}

/// The address in the target's first line, `{"listen":"…"}`.
fn listening(line: &str) -> io::Result<SocketAddr> {
    let json: serde_json::Value = serde_json::from_str(line)?;
    let address = json["listen"].as_str().and_then(|address| address.parse().ok());
    address.ok_or(io::Error::other(format!("the target did not say where it listens: {line:?}")))
}

/// Fields 14 and 15; the second field, a name in brackets, may hold blanks.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or(io::Error::other("the temporary directory's name is not UTF-8"))
}

/// For 127.0.0.1, ECDSA; what the tools are told to trust.
pub const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

fn write_certificate(dir: &Path) -> io::Result<()> {
    let make = || {
        let key = rcgen::KeyPair::generate()?;
        let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        Ok::<_, rcgen::Error>((params.self_signed(&key)?.pem(), key.serialize_pem()))
    };
    let (certificate, key) = make().map_err(io::Error::other)?;
    std::fs::write(dir.join(CERTIFICATE), certificate)?;
    std::fs::write(dir.join(KEY), key)
}

/// One process that is its own worker: its CPU time is one PID's, and it dies with one signal.
fn nginx_config(address: SocketAddr, tls_address: SocketAddr, dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "daemon off;
master_process off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen {address} backlog=4096;
        listen {tls_address} ssl backlog=4096;
        ssl_certificate {dir}/{CERTIFICATE};
        ssl_certificate_key {dir}/{KEY};
        ssl_protocols TLSv1.3;
        location / {{ default_type text/plain; return 200 \"ok\"; }}
    }}
}}
"
    )
}
