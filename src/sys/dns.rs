//! Name look-ups on a thread of their own, so that a worker never waits for one.
//!
//! hickory-resolver reads /etc/resolv.conf and /etc/hosts and speaks DNS itself: no getaddrinfo,
//! so a static binary resolves as a dynamic one does. `localhost` needs no DNS (RFC 6761 §6.3).

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Called on the resolver's thread with all addresses of the name, IPv4 and IPv6, or the reason.
type Reply = Box<dyn FnOnce(Result<Vec<IpAddr>, String>) + Send>;

/// A handle on the resolver's thread, which ends with its last handle.
#[derive(Clone)]
pub struct Resolver {
    requests: Sender<(String, Reply)>,
}

impl Resolver {
    pub fn spawn() -> io::Result<Resolver> {
        let (requests, inbox) = channel::<(String, Reply)>();
        thread::Builder::new().name("dns".into()).spawn(move || {
            let mut backend = None;
            while let Ok((name, reply)) = inbox.recv() {
                reply(lookup(&mut backend, &name));
            }
        })?;
        Ok(Resolver { requests })
    }

    /// Asks for the addresses of `name`; the answer comes through `reply`.
    pub fn lookup(&self, name: &str, reply: impl FnOnce(Result<Vec<IpAddr>, String>) + Send + 'static) {
        // The thread lives as long as a handle does.
        let _ = self.requests.send((name.to_owned(), Box::new(reply)));
    }

    /// As `lookup`, but waits for the answer: for control threads.
    pub fn lookup_now(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let (answer, inbox) = channel();
        self.lookup(name, move |result| {
            let _ = answer.send(result);
        });
        inbox.recv().unwrap_or_else(|_| Err("the resolver has ended".into()))
    }
}

/// The resolver and the runtime it needs, made at the first look-up of a real name.
struct Backend {
    runtime: tokio::runtime::Runtime,
    resolver: TokioResolver,
}

fn lookup(backend: &mut Option<Backend>, name: &str) -> Result<Vec<IpAddr>, String> {
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    let plain = name.trim_end_matches('.').to_ascii_lowercase();
    if plain == "localhost" || plain.ends_with(".localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    if backend.is_none() {
        *backend = Some(make_backend()?);
    }
    let Some(Backend { runtime, resolver }) = backend else { return Err("no resolver".into()) };
    match runtime.block_on(resolver.lookup_ip(name)) {
        Ok(found) => Ok(found.iter().collect()),
        Err(error) => Err(error.to_string()),
    }
}

fn make_backend() -> Result<Backend, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let mut builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    // The run's own cache has k6's ttl; a second one would make addresses older than that.
    builder.options_mut().cache_size = 0;
    let resolver = builder.build().map_err(|error| error.to_string())?;
    Ok(Backend { runtime, resolver })
}
