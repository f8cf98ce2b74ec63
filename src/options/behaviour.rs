//! How the built-in target behaves: the same keys as flags and as a request's query.
//!
//! `/?status=500&size=1k&delay=exp:5ms` overrides what the flags of `ringload target` set.

use super::duration;
use std::time::Duration;

/// Largest body the target makes; a bound, so that a query cannot exhaust memory.
pub const SIZE_MAX: u64 = 1 << 30;

/// Behaviour towards one request; the default is an immediate, empty 200.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BehaviourOptions {
    /// 200..=599.
    pub status: u16,
    /// Bytes of the body, at most `SIZE_MAX`.
    pub size: u64,
    pub delay: Delay,
    /// Share of requests (0..=1) answered with this status instead.
    pub fail: Option<(f64, u16)>,
    /// Close the connection after each response.
    pub close: bool,
    /// Send the body in chunks instead of with Content-Length.
    pub chunked: bool,
}

/// How long the target thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Delay {
    None,
    Constant(Duration),
    Uniform {
        min: Duration,
        max: Duration,
    },
    Exponential {
        mean: Duration,
    },
    Bimodal {
        fast: Duration,
        slow: Duration,
        /// 0..=1.
        slow_share: f64,
    },
}

impl Default for BehaviourOptions {
    fn default() -> BehaviourOptions {
        BehaviourOptions {
            status: 200,
            size: 0,
            delay: Delay::None,
            fail: None,
            close: false,
            chunked: false,
        }
    }
}

impl BehaviourOptions {
    /// Sets one key from text; `false` if there is no such key. The error says why, without the key.
    pub fn set(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "status" => self.status = parse_status(value)?,
            "size" => self.size = parse_size(value)?,
            "delay" => self.delay = parse_delay(value)?,
            "fail" => self.fail = parse_fail(value)?,
            "close" => self.close = parse_switch(value)?,
            "chunked" => self.chunked = parse_switch(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// These options with a request's query (without `?`) laid over. Unknown keys are the
    /// caller's own (cache busters) and do nothing.
    pub fn parse_query(&self, query: &str) -> Result<BehaviourOptions, String> {
        let mut behaviour = *self;
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            behaviour.set(key, &percent_decoded(value)).map_err(|why| format!("{key}: {why}"))?;
        }
        Ok(behaviour)
    }
}

fn parse_status(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(status @ 200..=599) => Ok(status),
        _ => Err(format!("{text:?} is no final HTTP status (200 to 599)")),
    }
}

/// Bytes, or `100k` (of 1,024), `1m`, `1g`.
fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.as_bytes().last().map(u8::to_ascii_lowercase) {
        Some(b'k') => (&text[..text.len() - 1], 1 << 10),
        Some(b'm') => (&text[..text.len() - 1], 1 << 20),
        Some(b'g') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let number: u64 = digits.parse().map_err(|_| format!("{text:?} is no size: write 500, 100k or 1m"))?;
    match number.checked_mul(unit) {
        Some(size) if size <= SIZE_MAX => Ok(size),
        _ => Err(format!("{text:?} is above the limit of 1g")),
    }
}

/// `5ms`, `uniform:1ms-5ms`, `exp:5ms`, `bimodal:1ms,100ms,0.01`; `0` is none.
fn parse_delay(text: &str) -> Result<Delay, String> {
    let malformed =
        || format!("{text:?} is no delay: write 5ms, uniform:1ms-5ms, exp:5ms or bimodal:1ms,100ms,0.01");
    let time = |text: &str| match duration::parse_go(text) {
        Ok(ns @ 0..) => Ok(duration::from_ns(ns)),
        _ => Err(malformed()),
    };
    let Some((kind, numbers)) = text.split_once(':') else {
        return Ok(match time(text)? {
            Duration::ZERO => Delay::None,
            delay => Delay::Constant(delay),
        });
    };
    match kind {
        "uniform" => {
            let (min, max) = numbers.split_once('-').ok_or_else(malformed)?;
            let (min, max) = (time(min)?, time(max)?);
            if min > max {
                return Err(format!("{text:?}: the first time must not be above the second"));
            }
            Ok(Delay::Uniform { min, max })
        }
        "exp" => Ok(Delay::Exponential { mean: time(numbers)? }),
        "bimodal" => match numbers.split(',').collect::<Vec<_>>()[..] {
            [fast, slow, share] => {
                Ok(Delay::Bimodal { fast: time(fast)?, slow: time(slow)?, slow_share: parse_share(share)? })
            }
            _ => Err(malformed()),
        },
        _ => Err(malformed()),
    }
}

/// `SHARE` or `SHARE:STATUS`; a share of 0 is no failure at all.
fn parse_fail(text: &str) -> Result<Option<(f64, u16)>, String> {
    let (share, status) = match text.split_once(':') {
        Some((share, status)) => (share, parse_status(status)?),
        None => (text, 500),
    };
    let share = parse_share(share)?;
    Ok((share > 0.0).then_some((share, status)))
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("{text:?} is no share from 0 to 1")),
    }
}

/// A key alone switches on, as a flag does.
fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "" | "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// Clients may escape `:` and `,`. Broken escapes stay as they are.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        let escaped = tail.get(..2).filter(|_| *byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(escaped) => {
                decoded.push(escaped);
                rest = &tail[2..];
            }
            None => {
                decoded.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[track_caller]
    fn check(query: &str, want: BehaviourOptions) {
        assert_eq!(BehaviourOptions::default().parse_query(query), Ok(want), "{query:?}");
    }

    #[track_caller]
    fn check_refused(query: &str, want: &str) {
        let got = BehaviourOptions::default().parse_query(query).unwrap_err();
        assert!(got.starts_with(want), "{query:?}: {got}");
    }

    #[test]
    fn a_query_overrides_key_by_key() {
        let plain = BehaviourOptions::default();
        check("", plain);
        check("t=123&x", plain);
        check("status=503", BehaviourOptions { status: 503, ..plain });
        check("size=100k&close", BehaviourOptions { size: 102_400, close: true, ..plain });
        check("size=1M&chunked=true&close=0", BehaviourOptions { size: 1 << 20, chunked: true, ..plain });
        check("fail=0.1", BehaviourOptions { fail: Some((0.1, 500)), ..plain });
        check("fail=1:429", BehaviourOptions { fail: Some((1.0, 429)), ..plain });
        check("fail=0", plain);
        let slow = BehaviourOptions { delay: Delay::Constant(MS), ..plain };
        assert_eq!(slow.parse_query("status=204"), Ok(BehaviourOptions { status: 204, ..slow }));
        assert_eq!(slow.parse_query("delay=0"), Ok(plain));
    }

    #[test]
    fn delays_have_four_shapes() {
        let delayed = |delay| BehaviourOptions { delay, ..BehaviourOptions::default() };
        check("delay=5ms", delayed(Delay::Constant(MS * 5)));
        check("delay=uniform:1ms-5ms", delayed(Delay::Uniform { min: MS, max: MS * 5 }));
        check("delay=exp:5ms", delayed(Delay::Exponential { mean: MS * 5 }));
        check("delay=exp%3A5ms", delayed(Delay::Exponential { mean: MS * 5 }));
        check(
            "delay=bimodal:1ms,100ms,0.01",
            delayed(Delay::Bimodal { fast: MS, slow: MS * 100, slow_share: 0.01 }),
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_key() {
        check_refused("status=100", "status: \"100\" is no final HTTP status");
        check_refused("status=ok", "status: \"ok\" is no final HTTP status");
        check_refused("size=-1", "size: \"-1\" is no size");
        check_refused("size=2g", "size: \"2g\" is above the limit");
        check_refused("delay=5", "delay: \"5\" is no delay");
        check_refused("delay=-5ms", "delay: \"-5ms\" is no delay");
        check_refused("delay=uniform:5ms", "delay: \"uniform:5ms\" is no delay");
        check_refused("delay=uniform:5ms-1ms", "delay: \"uniform:5ms-1ms\": the first");
        check_refused("delay=bimodal:1ms,2ms", "delay: \"bimodal:1ms,2ms\" is no delay");
        check_refused("delay=bimodal:1ms,2ms,3", "delay: \"3\" is no share");
        check_refused("delay=normal:5ms", "delay: \"normal:5ms\" is no delay");
        check_refused("fail=2", "fail: \"2\" is no share");
        check_refused("fail=0.1:99", "fail: \"99\" is no final HTTP status");
        check_refused("close=maybe", "close: \"maybe\" is neither");
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        for (text, want) in [("%3A", ":"), ("a%2Cb", "a,b"), ("%", "%"), ("%4", "%4"), ("%zz", "%zz")] {
            assert_eq!(percent_decoded(text), want);
        }
    }
}
