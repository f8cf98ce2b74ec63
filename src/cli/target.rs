//! `ringload target`: flags into a `TargetCommand`.

use super::command::{Refusal, TargetCommand};
use super::exit_code;
use super::grammar::Given;
use super::read::{count, invalid_argument};
use crate::options::{BehaviourOptions, CapacityOptions, TransportChoice, duration, go};
use crate::target::threads::BACKLOG_DEFAULT;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// A port that a first `ringload run http://127.0.0.1:8080` can name without looking.
const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const WORKERS_MAX: u32 = 1024;
/// The kernel takes no more than net.core.somaxconn in any case.
const BACKLOG_MAX: u32 = 1 << 20;

pub fn command(given: &[Given]) -> Result<TargetCommand, Refusal> {
    let mut command = TargetCommand {
        listen: LISTEN_DEFAULT,
        workers: 1,
        transport: TransportChoice::Auto,
        json: false,
        duration: None,
        behaviour: BehaviourOptions::default(),
        capacity: CapacityOptions::default(),
        backlog: BACKLOG_DEFAULT,
        accept_pause: Duration::ZERO,
        tls: false,
        tls_cert_out: None,
    };
    for Given { flag, values } in given {
        let text = values.last().map_or("", String::as_str);
        set(&mut command, flag.name, text).map_err(|why| Refusal {
            message: invalid_argument(flag, text, &why),
            exit_code: exit_code::GENERIC,
        })?;
    }
    if let Some((key, ground)) = command.capacity.first_without_ground() {
        return Err(Refusal {
            message: format!(
                "--{key} means nothing without --{ground}\n  fix: add --{ground}, or leave --{key} out"
            ),
            exit_code: exit_code::GENERIC,
        });
    }
    match command.tls_cert_out {
        Some(_) if !command.tls => Err(Refusal {
            message: "--tls-cert-out has no certificate to write: add --tls".to_owned(),
            exit_code: exit_code::GENERIC,
        }),
        _ => Ok(command),
    }
}

fn set(command: &mut TargetCommand, name: &str, text: &str) -> Result<(), String> {
    match name {
        "listen" => command.listen = parse_listen(text)?,
        "workers" => command.workers = count(text, WORKERS_MAX)?,
        "transport" => command.transport = TransportChoice::parse(text)?,
        "json" => command.json = go::parse_flag_bool(text)?,
        "duration" => command.duration = Some(duration::parse_positive(text)?),
        "tls" => command.tls = go::parse_flag_bool(text)?,
        "tls-cert-out" => command.tls_cert_out = Some(text.into()),
        "close" => command.behaviour.close = go::parse_flag_bool(text)?,
        "chunked" => command.behaviour.chunked = go::parse_flag_bool(text)?,
        "backlog" => command.backlog = count(text, BACKLOG_MAX)?,
        "accept-pause" => command.accept_pause = duration::parse_positive(text)?,
        key => {
            let known = command.behaviour.set(key, text)? || command.capacity.set(key, text)?;
            assert!(known, "the flag --{key} of target is in the table, but nothing reads it");
        }
    }
    Ok(())
}

/// `IP:PORT`, `[IPv6]:PORT`, `localhost:PORT`, or `:PORT` for every address. Names are not
/// looked up: what a server listens on should not depend on a resolver.
fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let (host, port) = text.rsplit_once(':').ok_or("write it as HOST:PORT")?;
    let port: u16 = port.parse().map_err(|_| format!("{port:?} is no port"))?;
    match host {
        "" => Ok(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)),
        "localhost" => Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)),
        _ => text.parse().map_err(|_| format!("{host:?} is no IP address, nor localhost")),
    }
}
