//! Requests that scripts make: put on the wire, followed through redirects, answered.
//!
//! Not the fast path of URL mode, but a busy one: a request costs a serialization, a look-up of
//! its leaf and a response that owns its bytes. Redirects follow Go's client, as k6 does: 301, 302
//! and 303 become GET, 307 and 308 repeat method and body; each hop is an exchange of its own.

mod answer;

use super::connection::{Opening, Phase};
use super::exchange::{NO_TIMING, record_opening, timing};
use super::failure::Failure;
use super::judging::Judging;
use super::{VuId, Vus, Want};
use crate::http::cookies::own_cookies;
use crate::http::digest::NoChallenge;
use crate::http::{Keep, RequestSpec, RequestTemplate, Response as Parsed, Target};
use crate::metrics::{ExchangeTags, ExchangeTiming, LeafId, Recorder, Verdict, error_code};
use crate::options::tls::TlsVersion;
use crate::script::{Answer, HostId, Program, Request, RequestId, Response, Timings};
use crate::time::Instant;
use crate::wire::{ConnId, Lost, Op};
use answer::DigestState;
use std::net::SocketAddr;
use std::rc::Rc;

/// A request under way.
pub(super) struct Active {
    id: RequestId,
    pub vu: VuId,
    request: Box<Request>,
    /// The present hop.
    target: Rc<Target>,
    method: String,
    headers: Vec<(String, String)>,
    /// Those of the last hop, with cookies and the User-Agent.
    sent_headers: Vec<(String, String)>,
    body_follows: bool,
    hops: u32,
    digest: DigestState,
    /// Of the present hop, acquired until the next one or the end; `None` before the first.
    pub host: Option<HostId>,
    pub is_head: bool,
    bytes: Vec<u8>,
    pub bytes_len: u64,
    pub wanted_at: Instant,
    pub deadline: Instant,
    /// The connection that carries it; `None` while it waits for one.
    pub conn: Option<ConnId>,
    /// Where the recorder judges: by what, and whether the present hop was recorded as asked for.
    pub judged: Judging,
    pub is_judged: bool,
}

impl Active {
    /// The bytes go to the transport; a retry makes them anew.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    pub fn keep(&self) -> Keep {
        if self.request.keep_body { Keep::HeadAndBody } else { Keep::Head }
    }

    fn is_replayable(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }

    /// Writes the present hop's bytes.
    fn serialize(&mut self, user_agent: &str, close: bool, now_ms: i64) -> Result<(), String> {
        let mut headers = self.headers.clone();
        let cookie = match &self.request.jar {
            Some(jar) => jar.borrow().cookie_header(&self.target, &self.request.cookies, now_ms),
            None => own_cookies(&self.request.cookies),
        };
        if let Some(cookie) = cookie {
            match headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("cookie")) {
                Some((_, own)) => *own = format!("{own}; {cookie}"),
                None => headers.push(("Cookie".to_owned(), cookie)),
            }
        }
        if !user_agent.is_empty() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent"))
        {
            headers.push(("User-Agent".to_owned(), user_agent.to_owned()));
        }
        if let Some(authorization) = self.digest_authorization(now_ms) {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
            headers.push(("Authorization".to_owned(), authorization));
        }
        let pairs: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body: &[u8] = if self.body_follows { &self.request.body } else { b"" };
        let template = RequestTemplate::build(&RequestSpec {
            method: &self.method,
            target: &self.target,
            user_agent,
            headers: &pairs,
            body,
            close,
            basic_auth: !self.request.digest_auth,
        })
        .map_err(|error| error.to_string())?;
        self.is_head = template.is_head;
        self.bytes_len = template.bytes.len() as u64;
        self.bytes = template.bytes;
        self.sent_headers = headers;
        Ok(())
    }

    /// Turns to the hop that a redirection's `status` and `location` ask for.
    fn redirect(&mut self, status: u16, location: &str) -> Result<(), String> {
        let next = self.target.resolve(location).map_err(|error| error.to_string())?;
        if matches!(status, 301..=303) {
            if self.method != "HEAD" {
                self.method = "GET".to_owned();
            }
            self.body_follows = false;
            self.headers.retain(|(name, _)| {
                !["content-type", "content-encoding"].contains(&name.to_ascii_lowercase().as_str())
            });
        }
        if !self.target.covers(&next) {
            let sensitive = ["authorization", "www-authenticate", "cookie", "cookie2"];
            self.headers.retain(|(name, _)| !sensitive.contains(&name.to_ascii_lowercase().as_str()));
        }
        if self.request.jar.is_some() {
            // As in k6, a hop has the cookies of its jar and request; the header was the first's.
            self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("cookie"));
        }
        if Target::is_absolute(location) {
            // The script's own Host is for paths on the same server only, as in Go.
            self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
        }
        if !self.request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("referer")) {
            self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("referer"));
            self.headers.push(("Referer".to_owned(), self.target.url.clone()));
        }
        self.target = Rc::new(next);
        self.hops += 1;
        self.digest.was_challenged = false;
        Ok(())
    }

    fn tags(&self) -> ExchangeTags {
        let request = &self.request;
        let url = request.name.clone().unwrap_or_else(|| self.target.masked_url.clone());
        ExchangeTags {
            scenario: request.scenario.clone(),
            group: request.group.clone(),
            method: self.method.clone(),
            name: url.clone(),
            url,
            user: request.tags.clone(),
            ..ExchangeTags::default()
        }
    }
}

/// All requests of a worker's scripts, by place. Bounded by the VUs and their batches.
#[derive(Default)]
pub(super) struct Requests {
    places: Vec<Option<Active>>,
    free: Vec<u32>,
}

impl Requests {
    fn add(&mut self, active: Active) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = Some(active);
                place
            }
            None => {
                self.places.push(Some(active));
                self.places.len() as u32 - 1
            }
        }
    }

    pub fn get(&self, place: u32) -> Option<&Active> {
        self.places[place as usize].as_ref()
    }

    /// The request at a place that a connection or a VU names.
    pub fn expect(&mut self, place: u32) -> &mut Active {
        self.places[place as usize].as_mut().expect("a request under way")
    }

    pub fn remove(&mut self, place: u32) -> Active {
        self.free.push(place);
        self.places[place as usize].take().expect("a request under way")
    }
}

impl<P: Program> Vus<P> {
    pub(super) fn begin_request(
        &mut self,
        vu: VuId,
        id: RequestId,
        request: Box<Request>,
        now: Instant,
        recorder: &mut Recorder,
    ) {
        let every_ns = self.settings.request_every_ns;
        let at = if every_ns > 0 { self.next_request_at.max(now) } else { now };
        self.next_request_at = at.plus_ns(every_ns);
        let active = Active {
            id,
            vu,
            target: request.target.clone(),
            method: request.method.clone(),
            headers: request.headers.clone(),
            sent_headers: Vec::new(),
            body_follows: true,
            hops: 0,
            digest: DigestState::default(),
            host: None,
            is_head: false,
            bytes: Vec::new(),
            bytes_len: 0,
            wanted_at: at,
            // As in k6, being held back does not count.
            deadline: at.plus_ns(request.timeout_ns),
            conn: None,
            judged: Judging::default(),
            is_judged: false,
            request,
        };
        let place = self.requests.add(active);
        self.vus[vu.0 as usize].requests.push(place);
        match at > now {
            true => self.held_back.push_back((at, place)),
            false => self.begin_hop(place, now, recorder),
        }
    }

    /// Puts the present hop on an idle connection, or in the queue for a new one.
    pub(super) fn begin_hop(&mut self, place: u32, now: Instant, recorder: &mut Recorder) {
        let now_ms = self.unix_ms(now);
        let user_agent = &self.settings.user_agent;
        let active = self.requests.expect(place);
        if let Err(text) = active.serialize(user_agent, self.settings.no_connection_reuse, now_ms) {
            let response = refused(active, text);
            return self.answer(place, response);
        }
        let host = self.hosts.acquire(&active.target);
        if let Some(last) = active.host.replace(host) {
            self.hosts.release(last);
        }
        active.wanted_at = now;
        let (vu, deadline) = (active.vu, active.deadline);
        if recorder.judges() {
            let judged = self.ask_judged(vu, 1, recorder);
            let active = self.requests.expect(place);
            (active.judged, active.is_judged) = (judged, true);
        }
        match self.vus[vu.0 as usize].pool.take(host) {
            Some(conn) => {
                self.requests.expect(place).conn = Some(conn);
                let connection = &mut self.connections[conn.0 as usize];
                connection.request = Some(place);
                connection.awaited = 1;
                connection.deadline = deadline;
                self.send(conn);
            }
            None => self.waiting.add(Want::Request(place), deadline),
        }
    }

    /// A whole response came for the request at `place`.
    pub(super) fn responded(
        &mut self,
        conn: ConnId,
        place: u32,
        parsed: Parsed,
        nothing_follows: bool,
        at: Instant,
        recorder: &mut Recorder,
    ) {
        let connection = &mut self.connections[conn.0 as usize];
        let timing = timing(connection, at);
        let (was_fresh, remote, host) = (connection.fresh, connection.remote, connection.host);
        let opening = match was_fresh {
            true => {
                let Opening { blocked_ns, connecting_ns, tls_handshaking_ns } = connection.opening();
                Timings { blocked_ns, connecting_ns, tls_handshaking_ns, ..Timings::default() }
            }
            false => Timings::default(),
        };
        let head = connection.parser.take_head();
        let body = connection.parser.take_body();
        let tls_version = connection.tls_version.map_or("", TlsVersion::name);
        let suite = connection.tls.as_ref().and_then(|tls| tls.link.cipher_suite());
        let tagged = remote.filter(|_| self.settings.tags_ip);
        let Some(head) = head else { unreachable!("the head of a script's response is kept") };
        let active = self.requests.expect(place);
        let leads_on =
            active.hops < active.request.max_redirects && active.location(parsed.status, &head).is_some();
        let body = match leads_on {
            true => Ok(None),
            false => active.decoded(parsed.status, &head, body),
        };
        let leaf = match &body {
            Ok(_) => leaf_of(active, parsed, tls_version, tagged, recorder),
            Err(failure) => failed_leaf(active, failure, tagged, recorder),
        };
        recorder.record_exchange(leaf, timing, 1);
        let connection = &mut self.connections[conn.0 as usize];
        if recorder.judges() {
            let accepted = body.is_ok() && active.expects(parsed.status).unwrap_or(true);
            active.judged.on_response(accepted, connection.sent_from, at, 1, leaf, recorder);
        }
        record_opening(connection, leaf, recorder);
        connection.reused = true;
        self.flight.on_ended(1, connection.sent_from, at);
        connection.awaited = 0;
        connection.request = None;
        let vu = VuId(connection.vu);
        // An answer that came before all was sent leaves a send under way (W5): no more on this one.
        let is_sent = connection.sent_at != Instant::NEVER;
        let lasts = connection.lasts();
        let keeps =
            parsed.keep_alive && is_sent && lasts && !self.settings.no_connection_reuse && nothing_follows;
        if keeps {
            connection.phase = Phase::Idle;
            self.vus[vu.0 as usize].pool.put(host, conn);
        } else {
            self.close(conn);
        }
        let now_ms = self.unix_ms(at);
        let active = self.requests.expect(place);
        active.conn = None;
        let timings = Timings {
            sending_ns: timing.sending_ns,
            waiting_ns: timing.waiting_ns,
            receiving_ns: timing.receiving_ns,
            ..opening
        };
        let mut body = match body {
            Ok(body) => body,
            Err(error_code::Failure { code, text }) => {
                let response =
                    Response { remote, timings, error_code: code, ..refused(active, text.into_owned()) };
                return self.answer(place, response);
            }
        };
        let mut warning = None;
        let mut failure = None;
        let mut goes_on = false;
        match active.is_challenged(parsed.status, &head) {
            Ok(true) => return self.begin_hop(place, at, recorder),
            Ok(false) => {}
            // As in k6, where looking for a challenge uses the body up.
            Err(why) => {
                body = body.map(|_| Vec::new());
                if let NoChallenge::Malformed(why) = why {
                    warning = Some(format!("Malformed digest authentication challenge: {why}"));
                }
            }
        }
        // Before the next hop is written: it may need them.
        if let Some(jar) = &active.request.jar {
            for cookie in head.get_all("set-cookie") {
                jar.borrow_mut().set_cookie(&active.target, &cookie, now_ms);
            }
        }
        if let Some(location) = active.location(parsed.status, &head) {
            if leads_on {
                match active.redirect(parsed.status, &location) {
                    Ok(()) => goes_on = true,
                    Err(text) => failure = Some(text),
                }
            } else if active.request.warn_of_redirects {
                // k6 counts the one that it does not follow.
                warning = Some(format!(
                    "Stopped after {} redirects and returned the redirection; pass {{ redirects: n }} in \
                     request params or set global maxRedirects to silence this",
                    active.request.max_redirects + 1
                ));
            }
        }
        if goes_on {
            return self.begin_hop(place, at, recorder);
        }
        let active = self.requests.expect(place);
        if let Some(text) = failure {
            let response = refused(active, text);
            return self.answer(place, response);
        }
        let response = Response {
            status: parsed.status,
            status_text: head.status_text().into_owned(),
            proto: proto(parsed).to_owned(),
            headers: head.iter().map(|(name, value)| (name.to_owned(), value.into_owned())).collect(),
            body,
            url: active.target.url.clone(),
            request_method: active.method.clone(),
            request_headers: active.sent_headers.clone(),
            remote,
            tls_version,
            tls_cipher_suite: suite.map_or("", |suite| suite.name),
            timings,
            error: String::new(),
            error_code: error_code::of_status(parsed.status),
            raw_error: String::new(),
            warning,
        };
        self.answer(place, response);
    }

    /// The connection ended before an answer: see `Vus::lost_unanswered`.
    pub(super) fn request_lost_unanswered(
        &mut self,
        conn: ConnId,
        place: u32,
        failure: &Failure,
        at: Instant,
        recorder: &mut Recorder,
    ) {
        let retries = self.connections[conn.0 as usize].reused && self.requests.expect(place).is_replayable();
        if !retries {
            return self.fail_exchange(conn, failure, at, recorder);
        }
        self.resent_requests += 1;
        self.flight.on_ended(1, self.connections[conn.0 as usize].sent_from, at);
        self.close(conn);
        self.requests.expect(place).conn = None;
        // An idle one may have been closed by the peer just as well: a new one is made.
        let now_ms = self.unix_ms(at);
        let user_agent = &self.settings.user_agent;
        let active = self.requests.expect(place);
        if let Err(text) = active.serialize(user_agent, self.settings.no_connection_reuse, now_ms) {
            let response = refused(active, text);
            return self.answer(place, response);
        }
        active.wanted_at = at;
        self.waiting.add(Want::Request(place), active.deadline);
    }

    /// The request at `place` has no response. Its connection, if any, is closed here.
    pub(super) fn request_failed(
        &mut self,
        place: u32,
        failure: &Failure,
        timing: ExchangeTiming,
        recorder: &mut Recorder,
    ) {
        let error_code::Failure { code, text } = failure.described();
        let tags_ip = self.settings.tags_ip;
        let active = self.requests.expect(place);
        let described = error_code::Failure { code, text: text.clone() };
        let carrier = active.conn.map(|conn| &self.connections[conn.0 as usize]);
        // As in k6, of a connection that was made.
        let made = carrier.filter(|connection| tags_ip && connection.phase == Phase::Busy);
        let tagged = made.and_then(|connection| connection.remote);
        let leaf = failed_leaf(active, &described, tagged, recorder);
        recorder.record_exchange(leaf, timing, 1);
        if recorder.judges() {
            let (conn, judged) = (active.conn, active.judged);
            let verdict = conn.map_or(Verdict::Unsent, |conn| self.failed_as(conn));
            judged.on_failure(verdict, 1, leaf, recorder);
        }
        let active = self.requests.expect(place);
        let remote = match active.conn.take() {
            Some(conn) => {
                let connection = &mut self.connections[conn.0 as usize];
                if matches!(connection.phase, Phase::Handshaking | Phase::Busy) {
                    record_opening(connection, leaf, recorder);
                }
                let remote = connection.remote;
                self.close(conn);
                remote
            }
            None => None,
        };
        let active = self.requests.expect(place);
        let response = Response {
            url: active.target.url.clone(),
            request_method: active.method.clone(),
            request_headers: active.sent_headers.clone(),
            error: text.into_owned(),
            error_code: code,
            raw_error: raw_error(failure, remote, &active.target),
            // k6 shows timings of a failed request only if it had been sent.
            timings: match (failure, timing == NO_TIMING) {
                (Failure::RequestTimeout, false) => Timings {
                    sending_ns: timing.sending_ns,
                    waiting_ns: timing.waiting_ns,
                    receiving_ns: timing.receiving_ns,
                    ..Timings::default()
                },
                _ => Timings::default(),
            },
            ..Response::default()
        };
        self.answer(place, response);
    }

    fn unix_ms(&self, at: Instant) -> i64 {
        self.settings.wall_at_begin * 1_000 + (at.0 / 1_000_000) as i64
    }

    pub(super) fn release_host(&mut self, active: &Active) {
        if let Some(host) = active.host {
            self.hosts.release(host);
        }
    }

    /// The request is over: its VU's program is to be given the response.
    fn answer(&mut self, place: u32, response: Response) {
        let active = self.requests.remove(place);
        self.release_host(&active);
        self.vus[active.vu.0 as usize].requests.retain(|own| *own != place);
        self.answers.push_back((active.vu, Answer::Response(active.id, Box::new(response))));
    }
}

/// Of those that are followed, as by Go's client.
fn is_redirection(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The answer to a request that cannot be sent at all: no exchange took place.
fn refused(active: &Active, text: String) -> Response {
    Response {
        url: active.target.url.clone(),
        request_method: active.method.clone(),
        request_headers: active.sent_headers.clone(),
        error: text.clone(),
        error_code: 1000,
        raw_error: text,
        ..Response::default()
    }
}

/// `remote`: where the system tag `ip` is wanted.
fn leaf_of(
    active: &Active,
    parsed: Parsed,
    tls_version: &'static str,
    remote: Option<SocketAddr>,
    recorder: &mut Recorder,
) -> LeafId {
    let mut tags = active.tags();
    tags.status = parsed.status;
    tags.proto = proto(parsed).to_owned();
    tags.tls_version = tls_version;
    tags.error_code = error_code::of_status(parsed.status);
    tags.expected_response = active.expects(parsed.status);
    add_ip(&mut tags, remote);
    recorder.exchange_leaf(&tags)
}

/// `remote` as of `leaf_of`.
fn failed_leaf(
    active: &Active,
    failure: &error_code::Failure,
    remote: Option<SocketAddr>,
    recorder: &mut Recorder,
) -> LeafId {
    let mut tags = active.tags();
    tags.error_code = failure.code;
    tags.error = failure.text.clone().into_owned();
    tags.expected_response = active.request.expected.as_ref().map(|expected| expected.matches(0));
    add_ip(&mut tags, remote);
    recorder.exchange_leaf(&tags)
}

fn add_ip(tags: &mut ExchangeTags, remote: Option<SocketAddr>) {
    if let Some(remote) = remote {
        tags.user.insert("ip".to_owned(), remote.ip().to_string());
    }
}

fn proto(parsed: Parsed) -> &'static str {
    if parsed.http10 { "HTTP/1.0" } else { "HTTP/1.1" }
}

/// The error in Go's words, as k6 logs it after `Get "URL": `.
fn raw_error(failure: &Failure, remote: Option<SocketAddr>, target: &Target) -> String {
    let address = remote.map_or_else(|| target.authority.clone(), |address| address.to_string());
    match failure {
        Failure::Lost(Lost::Failed { op: Op::Dial, errno }) | Failure::Lost(Lost::NoSocket { errno }) => {
            format!("dial tcp {address}: connect: {}", errno_text(*errno))
        }
        Failure::Lost(Lost::Failed { op: Op::Read, errno }) => {
            format!("read tcp {address}: read: {}", errno_text(*errno))
        }
        Failure::Lost(Lost::Failed { op: Op::Write, errno }) => {
            format!("write tcp {address}: write: {}", errno_text(*errno))
        }
        Failure::DialTimeout => format!("dial tcp {address}: i/o timeout"),
        Failure::NoSuchHost => {
            let host = target.authority.split(':').next().unwrap_or_default();
            format!("dial tcp: lookup {host}: no such host")
        }
        Failure::Lookup(text) => format!("dial tcp: {text}"),
        Failure::Tls(failure) => failure.text.to_string(),
        Failure::BlockedHostname(text) | Failure::BlacklistedIp(text) => text.clone(),
        Failure::Lost(Lost::Ended) | Failure::Response(_) | Failure::RequestTimeout => {
            failure.described().text.into_owned()
        }
    }
}

/// strerror(3) in lower case, as Go prints it.
fn errno_text(errno: i32) -> String {
    let full = std::io::Error::from_raw_os_error(errno).to_string();
    full.split(" (os error").next().unwrap_or(&full).to_lowercase()
}
