//! What is run: one scenario shared out to workers, each with its own network and far end.

use crate::watch::{Move, Script};
use ringload::http::{RequestSpec, RequestTemplate, Target};
use ringload::metrics::{ExchangeTags, TagSet};
use ringload::options::{Dns, Executor, Scenario};
use ringload::plan::{Controlled, Plan, Share};
use ringload::script::{Expected, HostId, Request as ScriptRequest, Template};
use ringload::time::Instant;
use ringload::transport::sim::Network;
use ringload::vu::Settings;
use ringload::vu::hosts::Host;
use ringload::worker::Message;
use ringload::worker::pacing::Spin;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

pub const MS: u64 = 1_000_000;
pub const S: u64 = 1_000_000_000;

#[derive(Clone, Debug)]
pub struct World {
    pub seed: u64,
    pub workers: u32,
    pub load: Load,
    pub request: Request,
    /// What an iteration does with it; `None`: it is a URL's, and asks once.
    pub script: Option<Vec<Move>>,
    pub settings: Settings,
    pub network: Network,
    /// Connection slots of each worker.
    pub slots: u32,
    pub spin: Spin,
    /// What it takes to make a VU that was not planned; 0: programs are not costly.
    pub making_ns: u64,
    /// Samples of each kind that a window holds.
    pub samples: usize,
    /// Per million of reports that control was not ready for.
    pub late_control_ppm: u32,
    /// In order of time.
    pub messages: Vec<(Instant, Message)>,
    pub naming: Option<Naming>,
    /// What a search wants to know is recorded, too.
    pub judges: bool,
    /// The far end is asked by HTTPS.
    pub is_tls: bool,
}

/// When iterations start.
#[derive(Clone, Debug)]
pub enum Load {
    Scenario(Scenario),
    Controlled { begin: Instant, rate_per_s: f64, end: Instant, max_vus: u64 },
}

/// What each iteration asks for.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: &'static str,
    pub body: &'static str,
    /// Requests in one write.
    pub pipeline: u32,
}

/// The far end has a name instead of an address.
#[derive(Clone, Debug)]
pub struct Naming {
    pub dns: Dns,
    /// What a look-up takes.
    pub delay_ns: u64,
    /// What look-ups find, one after the other; the last for ever.
    pub answers: Vec<Vec<IpAddr>>,
}

impl World {
    /// One worker, an ideal network where calls take no time, k6's limits, one GET an iteration.
    pub fn ideal(executor: Executor) -> World {
        World {
            seed: 1,
            workers: 1,
            load: Load::Scenario(Scenario::of(executor)),
            request: Request { method: "GET", body: "", pipeline: 1 },
            script: None,
            settings: Settings {
                timeout_ns: 60 * S,
                dial_timeout_ns: 30 * S,
                no_connection_reuse: false,
                no_vu_connection_reuse: false,
                tags_ip: false,
                local_ips: None,
                user_agent: "ringload".to_owned(),
                min_iteration_ns: 0,
                request_every_ns: 0,
                wall_at_begin: 0,
                tls: Default::default(),
            },
            network: Network { call_ns: 0, ..Network::ideal() },
            slots: 64,
            spin: Spin::Never,
            making_ns: 0,
            samples: 4_096,
            late_control_ppm: 0,
            messages: Vec::new(),
            naming: None,
            judges: false,
            is_tls: false,
        }
    }

    pub fn plan(&self, share: &Share) -> Plan {
        match &self.load {
            Load::Scenario(scenario) => Plan::new(scenario, Instant::ZERO + scenario.start_time, share),
            Load::Controlled { begin, rate_per_s, end, max_vus } => {
                Plan::Controlled(Controlled::new(share, *begin, *rate_per_s, *end, *max_vus))
            }
        }
    }

    pub fn share(&self, worker: u32) -> Share {
        Share::worker(worker, self.workers)
    }

    pub fn template(&self) -> Template {
        let Request { method, body, pipeline } = self.request;
        let target = Target::parse(&format!("{}://{}:80/", self.scheme(), self.host().name)).expect("a URL");
        let close = self.settings.no_connection_reuse;
        let spec =
            RequestSpec { method, body: body.as_bytes(), close, ..RequestSpec::get(&target, "ringload") };
        let request = RequestTemplate::build(&spec).expect("a request");
        Template {
            // A few hundred bytes for each world of a test run.
            bytes: Box::leak(request.bytes.repeat(pipeline as usize).into_boxed_slice()),
            requests: pipeline,
            host: HostId(0),
            is_head: request.is_head,
            replayable: matches!(method, "GET" | "HEAD"),
            tags: ExchangeTags {
                scenario: "default".to_owned(),
                method: method.to_owned(),
                url: target.url,
                ..ExchangeTags::default()
            },
        }
    }

    /// Makes the same request as the template.
    pub fn script(&self) -> Option<Script> {
        let moves = self.script.clone()?;
        let host = self.host().name;
        let target = Rc::new(Target::parse(&format!("{}://{host}:80/", self.scheme())).expect("a URL"));
        let (Request { method, body, .. }, timeout_ns) = (self.request.clone(), self.settings.timeout_ns);
        let request = move || ScriptRequest {
            method: method.to_owned(),
            target: target.clone(),
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
            cookies: Vec::new(),
            jar: None,
            digest_auth: false,
            timeout_ns,
            max_redirects: 10,
            warn_of_redirects: true,
            keep_body: true,
            expected: Some(Expected::default()),
            scenario: "default".to_owned(),
            group: String::new(),
            name: None,
            tags: TagSet::new(),
        };
        Some(Script { moves, request: Rc::new(request) })
    }

    /// The most connections that a VU can use at a time.
    pub fn connections_per_vu(&self) -> u32 {
        let at_once = |order: &Move| if let Move::Ask(count) = order { *count } else { 1 };
        self.script.iter().flatten().map(at_once).max().unwrap_or(1)
    }

    /// The longest that an iteration may take.
    pub fn iteration_ns(&self) -> u64 {
        let Some(moves) = &self.script else { return self.patience_ns() + self.settings.min_iteration_ns };
        let of_move = |order: &Move| match order {
            Move::Ask(_) => self.patience_ns(),
            Move::Sleep(ns) => ns + self.slack_ns(),
            Move::Yield => self.slack_ns(),
        };
        moves.iter().map(of_move).sum::<u64>() + self.settings.min_iteration_ns
    }

    fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }

    pub fn host(&self) -> Host {
        let name = if self.naming.is_some() { "far.test" } else { "10.0.0.1" };
        Host { name: name.to_owned(), port: 80, is_tls: self.is_tls }
    }

    /// The longest that a VU may wait between a wish and its outcome.
    pub fn patience_ns(&self) -> u64 {
        // Waiting for an address or for a slot is part of it. The program is entered with the
        // answer a turn later.
        self.settings.timeout_ns + 2 * self.slack_ns()
    }

    /// How late a turn may be: what happens within one is seen in the next.
    pub fn slack_ns(&self) -> u64 {
        2 * self.network.call_ns
    }
}

/// `iterations` by one VU after the other's end.
pub fn one_vu(iterations: u64) -> Executor {
    Executor::PerVuIterations { vus: 1, iterations, max_duration: Duration::from_secs(600) }
}

pub fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}
