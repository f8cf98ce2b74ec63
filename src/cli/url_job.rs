//! From a validated `run URL` to a job: the request serialized, the host looked up, the body read.

use super::command::{Refusal, RunCommand};
use super::console::Console;
use crate::http::{RequestSpec, RequestTemplate, Target};
use crate::metrics::ExchangeTags;
use crate::metrics::registry::Registry;
use crate::options::Body;
use crate::run::job::Job;
use crate::run::samples::SampleQueue;
use crate::script::{HostId, Template};
use crate::sys::dns::Resolver;
use crate::sys::socket;
use crate::tls::Setup;
use crate::vu::Settings;
use crate::vu::hosts::Host;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// k6's limit for connecting.
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);
/// A body is sent from memory, once per request in the pipeline.
const BODY_MAX: usize = 64 << 20;

/// Everything that can be wrong is found here, before the first packet.
pub fn make(command: &RunCommand, url: &str, console: &Console) -> Result<Job, Refusal> {
    let target = Target::parse(url).map_err(|error| {
        Refusal::invalid(format!(
            "invalid URL {url:?}: {error}\n  fix: write it as http://HOST[:PORT][/PATH]"
        ))
    })?;
    let template = serialize(command, &target)?;
    let host = Host::of(&target);
    let tls = match host.is_tls {
        true => super::tls::setup_for_url(&command.tls, console)?,
        false => Setup::default(),
    };
    let rules = &command.host_rules;
    let addresses = match rules.leading(&host.name, host.port) {
        // Every request fails, and is counted.
        _ if rules.blocking(&host.name).is_some() => Vec::new(),
        Some(address) => vec![address.ip()],
        None => look_up(&host.name)?,
    };
    let timeout_ns = crate::time::duration_ns(command.timeout);
    Ok(Job {
        scenarios: command.scenarios.clone(),
        portion: command.portion.clone(),
        templates: vec![template],
        hosts: vec![host],
        settings: Settings {
            timeout_ns,
            dial_timeout_ns: crate::time::duration_ns(DIAL_TIMEOUT).min(timeout_ns),
            no_connection_reuse: command.no_connection_reuse,
            no_vu_connection_reuse: command.no_vu_connection_reuse,
            tags_ip: false,
            local_ips: command.local_ips.clone(),
            user_agent: user_agent(command),
            min_iteration_ns: 0,
            request_every_ns: 0,
            wall_at_begin: crate::sys::clock::wall().as_secs() as i64,
            tls,
        },
        dns: command.dns,
        host_rules: command.host_rules.clone(),
        tags: command.tags.clone(),
        workers: command.workers,
        transport: command.transport,
        spin: command.spin,
        is_pipelined: command.pipeline > 1,
        // For the timeline's latencies from the due time.
        judges: command.writes_timeline() && command.is_open(),
        controlled: None,
        samples: SampleQueue::default(),
        keeps_timeline: command.keeps_timeline(),
        connections_per_vu: 1,
        rps: None,
        group: String::new(),
        registry: Arc::new(Registry::new()),
        target_is_local: addresses.iter().any(|&address| socket::is_local(address)),
    })
}

/// The header that a request carries unless the user says otherwise.
pub fn user_agent(command: &RunCommand) -> String {
    let own = || format!("ringload/{}", env!("CARGO_PKG_VERSION"));
    command.user_agent.clone().unwrap_or_else(own)
}

fn serialize(command: &RunCommand, target: &Target) -> Result<Template, Refusal> {
    let body = match &command.body {
        None => Vec::new(),
        Some(Body::Text(text)) => text.clone().into_bytes(),
        Some(Body::File(path)) => std::fs::read(path).map_err(|error| {
            Refusal::invalid(format!("cannot read the body from {}: {error}", path.display()))
        })?,
    };
    if body.len() * command.pipeline as usize > BODY_MAX {
        let size = body.len();
        return Err(Refusal::invalid(format!(
            "a body of {size} bytes, {} times in a write, is above the limit of {BODY_MAX} bytes",
            command.pipeline
        )));
    }
    let headers: Vec<(&str, &str)> =
        command.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let user_agent = user_agent(command);
    let request = RequestTemplate::build(&RequestSpec {
        method: &command.method,
        target,
        user_agent: &user_agent,
        headers: &headers,
        body: &body,
        close: command.no_connection_reuse,
        basic_auth: true,
    })
    .map_err(|error| Refusal::invalid(error.to_string()))?;
    let bytes = request.bytes.repeat(command.pipeline as usize);
    let mut user = command.tags.clone();
    // A URL has one scenario.
    let scenario = &command.scenarios[0];
    user.extend(scenario.tags.clone());
    Ok(Template {
        // One template per process, used until its end.
        bytes: Box::leak(bytes.into_boxed_slice()),
        requests: command.pipeline,
        host: HostId(0),
        is_head: request.is_head,
        replayable: matches!(command.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE"),
        tags: ExchangeTags {
            scenario: scenario.name.clone(),
            method: command.method.clone(),
            url: target.masked_url.clone(),
            name: target.masked_url.clone(),
            user,
            ..ExchangeTags::default()
        },
    })
}

/// A name that cannot be resolved now would only fail every request.
fn look_up(name: &str) -> Result<Vec<IpAddr>, Refusal> {
    let resolver =
        Resolver::spawn().map_err(|error| Refusal::invalid(format!("cannot start a thread: {error}")))?;
    match resolver.lookup_now(name) {
        Ok(addresses) if !addresses.is_empty() => Ok(addresses),
        Ok(_) => {
            Err(Refusal::invalid(format!("the host {name:?} has no address\n  fix: check the URL's host")))
        }
        Err(error) => Err(Refusal::invalid(format!(
            "cannot resolve the host {name:?}: {error}\n  fix: check the URL's host and /etc/resolv.conf"
        ))),
    }
}
