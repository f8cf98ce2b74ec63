//! The transports alone, and tokio-uring beside them: `cargo bench --bench engine -- [--rounds N]
//! [--seconds S] [--server-cpu N] [--client-cpu N]`.
//!
//! One closed loop over each: a fixed request, responses of a known length, counted and not read,
//! against the built-in target in a thread on the other CPU. What is left is the cost of moving
//! bytes. CPU time is that of the loop's thread, from all connections warm to the end.

mod closed_loop;
#[path = "../duel/spread.rs"]
mod spread;
mod tokio_uring_loop;

use ringload::sys::clock::Clock;
use ringload::sys::cpu;
use ringload::sys::socket::{ClientSocket, choose_congestion_control};
use ringload::sys::wake::Waker;
use ringload::target::threads::{Target, TargetSettings};
use ringload::transport::SocketConfig;
use ringload::transport::epoll::Epoll;
use ringload::transport::uring::Uring;
use spread::Spread;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

const CONNECTIONS: [u32; 3] = [1, 64, 1_024];
const WARM_UP: Duration = Duration::from_millis(100);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: ringload\r\n\r\n";

const HELP: &str =
    "cargo bench --bench engine -- [--rounds N] [--seconds S] [--server-cpu N] [--client-cpu N]";

/// What every contender is given.
#[derive(Clone)]
pub struct Load {
    pub address: SocketAddr,
    pub connections: u32,
    pub seconds: u32,
    pub request: &'static [u8],
    pub response_len: usize,
    pub socket: ClientSocket,
}

pub struct Measured {
    pub requests: u64,
    pub cpu: Duration,
    pub seconds: f64,
}

#[derive(Clone, Copy)]
enum Contender {
    Uring,
    Epoll,
    TokioUring,
}

impl Contender {
    const ALL: [Contender; 3] = [Contender::Uring, Contender::Epoll, Contender::TokioUring];

    fn name(self) -> &'static str {
        match self {
            Contender::Uring => "transport::uring",
            Contender::Epoll => "transport::epoll",
            Contender::TokioUring => "tokio-uring",
        }
    }

    fn measure(self, load: &Load) -> io::Result<Measured> {
        let clock = Clock::start();
        let config = SocketConfig {
            clock,
            connections: load.connections,
            socket: load.socket,
            listener: None,
            waker: Waker::new()?,
        };
        Ok(match self {
            Contender::Uring => closed_loop::drive(Uring::new(config)?, load),
            Contender::Epoll => closed_loop::drive(Epoll::new(config)?, load),
            Contender::TokioUring => tokio_uring_loop::drive(load, clock),
        })
    }
}

struct Options {
    rounds: u32,
    seconds: u32,
    server_cpu: usize,
    client_cpu: usize,
}

fn main() -> ExitCode {
    let result = match parse(std::env::args().skip(1)) {
        Ok(Some(options)) => compare(&options).map_err(|error| error.to_string()),
        Ok(None) => {
            println!("skipped: this loads the machine, so it runs only as `cargo bench --bench engine`");
            Ok(())
        }
        Err(why) => Err(why),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// `None` if it was not `cargo bench` that started it.
fn parse(args: impl IntoIterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options { rounds: 5, seconds: 1, server_cpu: 0, client_cpu: 1 };
    let mut is_bench = false;
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg == "--bench" {
            is_bench = true;
            continue;
        }
        let known = ["--rounds", "--seconds", "--server-cpu", "--client-cpu"].contains(&arg.as_str());
        let value = args.next().and_then(|value| value.parse::<u32>().ok());
        let Some(value) = value.filter(|_| known) else {
            return Err(format!("not understood: {arg}\n{HELP}"));
        };
        match arg.as_str() {
            "--rounds" => options.rounds = value.max(1),
            "--seconds" => options.seconds = value.max(1),
            "--server-cpu" => options.server_cpu = value as usize,
            _ => options.client_cpu = value as usize,
        }
    }
    Ok(is_bench.then_some(options))
}

fn compare(options: &Options) -> io::Result<()> {
    let target = Target::start(&TargetSettings {
        cpus: vec![options.server_cpu],
        ..TargetSettings::new(([127, 0, 0, 1], 0).into())
    })?;
    let (congestion_control, _) = choose_congestion_control();
    let load = Load {
        address: target.address(),
        connections: 0,
        seconds: options.seconds,
        request: REQUEST,
        response_len: response_len(target.address())?,
        socket: ClientSocket { congestion_control, ..ClientSocket::default() },
    };
    println!("{:<12} {:<18} {:>24} {:>34}", "connections", "", "CPU µs/request", "requests/s");
    for connections in CONNECTIONS {
        let load = Load { connections, ..load.clone() };
        let mut measured = Contender::ALL.map(|_| Vec::new());
        for round in 0..options.rounds as usize {
            for step in 0..Contender::ALL.len() {
                let index = (round + step) % Contender::ALL.len();
                measured[index].push(measure_on(options.client_cpu, Contender::ALL[index], &load)?);
            }
        }
        for (contender, runs) in Contender::ALL.into_iter().zip(&measured) {
            let cpu = Spread::of(runs.iter().map(|run| run.cpu.as_secs_f64() * 1e6 / run.requests as f64));
            let rate = Spread::of(runs.iter().map(|run| run.requests as f64 / run.seconds));
            let text =
                |spread: Option<Spread>, decimals| spread.map_or_else(String::new, |s| s.text(decimals));
            println!("{connections:<12} {:<18} {:>24} {:>34}", contender.name(), text(cpu, 2), text(rate, 0));
        }
    }
    target.stop();
    Ok(())
}

/// Each run in a thread of its own: its CPU time starts at nothing, its ring has one issuer.
fn measure_on(cpu: usize, contender: Contender, load: &Load) -> io::Result<Measured> {
    let load = load.clone();
    let thread = std::thread::spawn(move || {
        if !cpu::pin_to(cpu) {
            return Err(io::Error::other(format!("cannot pin a thread to CPU {cpu}")));
        }
        contender.measure(&load)
    });
    thread.join().unwrap_or_else(|_| Err(io::Error::other(format!("{} failed", contender.name()))))
}

/// Of a response to `REQUEST`: the target's default has no body, and all are the same bytes.
fn response_len(address: SocketAddr) -> io::Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(REQUEST)?;
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        response.push(byte[0]);
    }
    Ok(response.len())
}
