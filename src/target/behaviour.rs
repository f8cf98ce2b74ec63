//! What the target answers to a request: pure, seeded, and the same on a socket and in `sim`.
//!
//! Heads carry no Date and nothing else that changes, so equal answers are equal bytes: they are
//! serialized once, in blocks that answer many pipelined requests with one send, and a client
//! that compares heads with the last one stays on its fast path.

use super::block::{Block, BlockCache, BlockKey};
use super::capacity::{SharedCapacity, Verdict};
use crate::metrics::served::Served;
use crate::options::{BehaviourOptions, Delay};
use crate::time::{Instant, duration_ns};
use crate::transport::sim::Random;
use crate::wire::Payload;
use std::time::Duration;

/// The largest body that a URL may ask for; flags may ask for any.
pub const URL_SIZE_MAX: u64 = 16 << 20;

/// The facts of a request that an answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Path and query.
    pub path: &'a str,
    pub is_head: bool,
    /// The client will not send another request on this connection.
    pub wants_close: bool,
    /// It knows neither chunks nor, without a word from us, connections that stay.
    pub is_http10: bool,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Body,
    pub delay_ns: u64,
    /// Close the connection once the answer is sent.
    pub close: bool,
}

/// An answer's bytes: head and body.
#[derive(Clone, Debug)]
pub enum Body {
    Block(&'static Block),
    /// For answers that are not worth keeping, or found the cache full.
    Owned(Vec<u8>),
}

impl Body {
    /// Bytes that only this answer holds.
    pub fn owned_len(&self) -> usize {
        match self {
            Body::Block(_) => 0,
            Body::Owned(bytes) => bytes.len(),
        }
    }
}

impl Answer {
    pub fn into_payload(self) -> Payload {
        match self.body {
            Body::Block(block) => Payload::Shared(block.responses(1)),
            Body::Owned(bytes) => Payload::Owned(bytes),
        }
    }
}

/// Decides answers. One for each worker of the target.
pub struct Behaviour {
    defaults: BehaviourOptions,
    /// All workers'; `None`: no limit.
    capacity: Option<SharedCapacity>,
    blocks: BlockCache,
    random: Random,
    /// The last path that spoke of behaviour, and what it said: clients repeat themselves.
    last_path: String,
    last: Result<BehaviourOptions, String>,
}

impl Behaviour {
    pub fn new(defaults: BehaviourOptions, seed: u64) -> Behaviour {
        let last = Ok(defaults);
        let random = Random::new(seed);
        let blocks = BlockCache::default();
        Behaviour { defaults, capacity: None, blocks, random, last_path: String::new(), last }
    }

    /// The same, but no more than `capacity` bears.
    pub fn within(self, capacity: Option<SharedCapacity>) -> Behaviour {
        Behaviour { capacity, ..self }
    }

    /// Adds what the capacity did to `served`: of all workers, so by one caller.
    pub fn write_capacity_counts(&self, served: &mut Served) {
        if let Some(capacity) = &self.capacity {
            capacity.write_counts(served);
        }
    }

    /// The answer to a request that arrived at `at`.
    pub fn answer(&mut self, at: Instant, asked: Asked<'_>) -> Answer {
        let options = if speaks_of_behaviour(asked.path) {
            if asked.path != self.last_path {
                self.last_path.clear();
                self.last_path.push_str(asked.path);
                self.last = options_of(self.defaults, asked.path);
            }
            match &self.last {
                Ok(options) => options,
                Err(message) => return refusal(message),
            }
        } else {
            &self.defaults
        };
        let verdict = match &self.capacity {
            Some(capacity) => capacity.on_request(at),
            None => Verdict::Served { wait_ns: 0 },
        };
        let (status, size, delay_ns) = match verdict {
            Verdict::Refused => (503, 0, 0),
            Verdict::Served { wait_ns } => {
                let status = match options.fail {
                    Some((share, status)) if self.random.share() < share => status,
                    _ => options.status,
                };
                (status, options.size, wait_ns + draw_ns(options.delay, &mut self.random))
            }
        };
        let close = options.close || asked.wants_close;
        let key = BlockKey {
            status,
            size,
            chunked: options.chunked && !asked.is_http10,
            close,
            confirms_keep_alive: asked.is_http10 && !close,
            is_head: asked.is_head,
        };
        let body = match self.blocks.get(key) {
            Some(block) => Body::Block(block),
            None => Body::Owned(key.serialize()),
        };
        Answer { status, body, delay_ns, close }
    }
}

/// 400 with a reason; the connection ends, since the client does not mean what it says.
pub fn refusal(message: &str) -> Answer {
    let head = "HTTP/1.1 400 Bad Request\r\nServer: ringload\r\nContent-Type: text/plain\r\n";
    let length = message.len() + 1;
    let text = format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{message}\n");
    Answer { status: 400, body: Body::Owned(text.into_bytes()), delay_ns: 0, close: true }
}

/// Whether `options_of` could say anything but the defaults; cheap, for each request.
fn speaks_of_behaviour(path: &str) -> bool {
    let special = ["/status/", "/size/", "/delay/"];
    path.contains('?') || special.iter().any(|prefix| path.starts_with(prefix))
}

/// `/status/503`, `/size/102400`, `/delay/5ms`, then the query's keys over them.
fn options_of(defaults: BehaviourOptions, path: &str) -> Result<BehaviourOptions, String> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut options = defaults;
    for key in ["status", "size", "delay"] {
        let value =
            path.strip_prefix('/').and_then(|p| p.strip_prefix(key)).and_then(|p| p.strip_prefix('/'));
        if let Some(value) = value {
            options = options.parse_query(&format!("{key}={value}"))?;
        }
    }
    let options = options.parse_query(query)?;
    if options.size > URL_SIZE_MAX.max(defaults.size) {
        return Err(format!("size: a URL may ask for {URL_SIZE_MAX} bytes at most"));
    }
    Ok(options)
}

fn draw_ns(delay: Delay, random: &mut Random) -> u64 {
    match delay {
        Delay::None => 0,
        Delay::Constant(delay) => duration_ns(delay),
        Delay::Uniform { min, max } => random.between(duration_ns(min), duration_ns(max)),
        Delay::Exponential { mean } => exponential_ns(mean, random.share()),
        Delay::Bimodal { fast, slow, slow_share } => {
            duration_ns(if random.share() < slow_share { slow } else { fast })
        }
    }
}

/// Inverse of the distribution function; `share` below 1, so never infinite.
fn exponential_ns(mean: Duration, share: f64) -> u64 {
    (-(1.0 - share).ln() * duration_ns(mean) as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::CapacityOptions;

    fn asked(path: &str) -> Asked<'_> {
        Asked { path, is_head: false, wants_close: false, is_http10: false }
    }

    fn text(answer: Answer) -> String {
        String::from_utf8(answer.into_payload().as_slice().to_vec()).unwrap()
    }

    fn sized(size: u64) -> BehaviourOptions {
        BehaviourOptions { size, ..BehaviourOptions::default() }
    }

    /// Status, length of the body, delay in us, close.
    #[track_caller]
    fn check(path: &str, want: (u16, usize, u64, bool)) {
        let answer = Behaviour::new(sized(5), 1).answer(Instant::ZERO, asked(path));
        let (status, delay_ns, close) = (answer.status, answer.delay_ns, answer.close);
        let bytes = text(answer);
        let (head, body) = bytes.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{head}");
        assert_eq!(head.contains("\r\nConnection: close"), close, "{head}");
        assert_eq!((status, body.len(), delay_ns / 1_000, close), want);
    }

    #[test]
    fn a_plain_answer_has_a_constant_head() {
        let answer = Behaviour::new(sized(5), 1).answer(Instant::ZERO, asked("/"));
        let head = "HTTP/1.1 200 OK\r\nServer: ringload\r\nContent-Type: text/plain\r\n";
        assert_eq!(text(answer), format!("{head}Content-Length: 5\r\n\r\nxxxxx"));
    }

    #[test]
    fn path_and_query_override_the_flags() {
        check("/", (200, 5, 0, false));
        check("/any/thing", (200, 5, 0, false));
        check("/?user=1", (200, 5, 0, false));
        check("/?status=500&size=1024", (500, 1024, 0, false));
        check("/status/503", (503, 5, 0, false));
        check("/size/102400", (200, 102_400, 0, false));
        check("/delay/5ms", (200, 5, 5_000, false));
        check("/delay/uniform:7ms-7ms", (200, 5, 7_000, false));
        check("/status/404?size=7&delay=1ms&close=1", (404, 7, 1_000, true));
        check("/?fail=1:429", (429, 5, 0, false));
        check("/?fail=0", (200, 5, 0, false));
        check("/statuses/503", (200, 5, 0, false));
    }

    #[track_caller]
    fn check_refused(path: &str, reason: &str) {
        let answer = Behaviour::new(sized(5), 1).answer(Instant::ZERO, asked(path));
        assert!(answer.close && answer.status == 400, "{answer:?}");
        let bytes = text(answer);
        let (head, body) = bytes.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\nConnection: close", body.len())), "{head}");
        assert_eq!(body, format!("{reason}\n"));
    }

    #[test]
    fn a_wrong_wish_is_answered_by_400_and_the_reason() {
        check_refused("/status/7", "status: \"7\" is no final HTTP status (200 to 599)");
        check_refused("/?status=x", "status: \"x\" is no final HTTP status (200 to 599)");
        check_refused("/size/17m", "size: a URL may ask for 16777216 bytes at most");
    }

    #[test]
    fn the_client_s_wish_to_close_is_granted() {
        let answer =
            Behaviour::new(sized(5), 1).answer(Instant::ZERO, Asked { wants_close: true, ..asked("/") });
        assert!(answer.close && text(answer).contains("\r\nConnection: close\r\n"));
    }

    #[test]
    fn a_repeated_path_is_not_confused_with_the_one_before() {
        let mut behaviour = Behaviour::new(sized(5), 1);
        let statuses = ["/status/500", "/status/500", "/", "/status/501", "/?status=1", "/status/500"]
            .map(|path| behaviour.answer(Instant::ZERO, asked(path)).status);
        assert_eq!(statuses, [500, 500, 200, 501, 400, 500]);
    }

    #[test]
    fn the_same_seed_decides_alike() {
        let options = BehaviourOptions {
            delay: Delay::Exponential { mean: Duration::from_millis(5) },
            fail: Some((0.3, 503)),
            ..sized(5)
        };
        let run = |seed| {
            let mut behaviour = Behaviour::new(options, seed);
            let one = |_| {
                let answer = behaviour.answer(Instant::ZERO, asked("/"));
                (answer.status, answer.delay_ns)
            };
            (0..100).map(one).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn what_the_capacity_does_not_bear_waits_and_then_is_refused_whatever_was_asked() {
        let options = CapacityOptions { per_second: Some(1), queue: Some(1), ..CapacityOptions::default() };
        let mut behaviour = Behaviour::new(sized(5), 1).within(SharedCapacity::new(&options));
        let mut answer = |path| {
            let answer = behaviour.answer(Instant(2_000_000_000), asked(path));
            (answer.status, answer.delay_ns / 1_000_000, text(answer).len())
        };
        assert_eq!(answer("/status/201?delay=5ms"), (201, 5, 92));
        assert_eq!(answer("/?delay=5ms"), (200, 1_005, 87));
        assert_eq!(answer("/status/201?delay=5ms"), (503, 0, 99));
    }

    /// Smallest, mean and largest delay of 100,000 draws lie within these bounds (us).
    #[track_caller]
    fn check_delay(spec: &str, least: [u64; 2], mean: [u64; 2], most: [u64; 2]) {
        let delay = sized(0).parse_query(&format!("delay={spec}")).unwrap().delay;
        let mut random = Random::new(1);
        let draws: Vec<u64> = (0..100_000).map(|_| draw_ns(delay, &mut random) / 1_000).collect();
        let got_mean = draws.iter().sum::<u64>() / draws.len() as u64;
        let inside = |got: u64, [low, high]: [u64; 2]| (low..=high).contains(&got);
        let (min, max) = (*draws.iter().min().unwrap(), *draws.iter().max().unwrap());
        assert!(inside(min, least) && inside(got_mean, mean) && inside(max, most), "{min} {got_mean} {max}");
    }

    #[test]
    fn delays_are_distributed_as_named() {
        check_delay("0", [0, 0], [0, 0], [0, 0]);
        check_delay("5ms", [5_000, 5_000], [5_000, 5_000], [5_000, 5_000]);
        check_delay("uniform:1ms-5ms", [1_000, 1_001], [2_980, 3_020], [4_999, 5_000]);
        check_delay("exp:5ms", [0, 1], [4_936, 5_064], [45_000, 90_000]);
        check_delay("bimodal:1ms,100ms,0.01", [1_000, 1_000], [1_865, 2_115], [100_000, 100_000]);
    }
}
