//! A tally: what a diagnosis needs of a run so far. Cheap to keep, to copy and to subtract, so that
//! the difference of two is what happened between them.

use super::leaf::ExchangeTags;

/// How an exchange ended, as far as it tells whose doing that was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// A response, and not an unexpected one.
    Expected,
    /// A response with another status than those below, and not an expected one.
    Unexpected,
    /// 429 and 503: the application says that it is too much.
    TooMany,
    Unavailable,
    /// 502 and 504: a gateway could not reach what is behind it.
    BadGateway,
    GatewayTimeout,
    /// Any other 5xx.
    ServerError,
    /// Nobody listened.
    Refused,
    /// Cut by the peer: a reset, a broken pipe, an end before the response's.
    Cut,
    DialTimeout,
    RequestTimeout,
    /// No route, network down.
    Unreachable,
    NoSuchHost,
    /// EADDRNOTAVAIL: our machine had no port left.
    OwnPorts,
    /// EMFILE, ENFILE: our process or machine had no descriptor left.
    OwnFiles,
    /// ENOBUFS, ENOMEM: our kernel had no memory left.
    OwnMemory,
    /// Anything else, such as a malformed response.
    #[default]
    Other,
}

impl Ending {
    pub const ALL: [Ending; 17] = [
        Ending::Expected,
        Ending::Unexpected,
        Ending::TooMany,
        Ending::Unavailable,
        Ending::BadGateway,
        Ending::GatewayTimeout,
        Ending::ServerError,
        Ending::Refused,
        Ending::Cut,
        Ending::DialTimeout,
        Ending::RequestTimeout,
        Ending::Unreachable,
        Ending::NoSuchHost,
        Ending::OwnPorts,
        Ending::OwnFiles,
        Ending::OwnMemory,
        Ending::Other,
    ];

    /// Of an exchange with these tags. An errno is read from k6's text, which has it.
    pub(super) fn of(tags: &ExchangeTags) -> Ending {
        match (tags.status, tags.error_code) {
            (1.., _) if tags.expected_response != Some(false) => Ending::Expected,
            (429, _) => Ending::TooMany,
            (502, _) => Ending::BadGateway,
            (503, _) => Ending::Unavailable,
            (504, _) => Ending::GatewayTimeout,
            (500.., _) => Ending::ServerError,
            (1.., _) => Ending::Unexpected,
            (0, 1050) => Ending::RequestTimeout,
            (0, 1100..=1199) => Ending::NoSuchHost,
            (0, 1201 | 1220) => Ending::Cut,
            (0, 1211) => Ending::DialTimeout,
            (0, 1212) => Ending::Refused,
            (0, 1202 | 1213) => of_errno(&tags.error),
            (0, 1000) if tags.error.ends_with("EOF") => Ending::Cut,
            (0, _) => Ending::Other,
        }
    }
}

fn of_errno(text: &str) -> Ending {
    let after = text.split("errno ").nth(1).unwrap_or_default().trim_start_matches('`');
    let digits = after.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    match digits.parse() {
        Ok(23 | 24) => Ending::OwnFiles,
        Ok(99) => Ending::OwnPorts,
        Ok(12 | 105) => Ending::OwnMemory,
        Ok(100 | 101 | 112 | 113) => Ending::Unreachable,
        _ => Ending::Other,
    }
}

/// Counts of durations on a ladder whose rungs are an eighth of a power of two apart: quantiles
/// within 13 %. Fixed in size, so that two can be subtracted.
#[derive(Clone, PartialEq, Eq)]
pub struct Ladder {
    rungs: Box<[u64; RUNGS]>,
    count: u64,
}

const STEPS_LOG2: u32 = 3;
/// Up to 2^43 ns, two and a half hours; what is longer stands on the last.
const RUNGS: usize = 41 << STEPS_LOG2;

impl Default for Ladder {
    fn default() -> Ladder {
        Ladder { rungs: Box::new([0; RUNGS]), count: 0 }
    }
}

impl std::fmt::Debug for Ladder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [p50, p99] = [0.5, 0.99].map(|q| self.quantile_ns(q));
        write!(f, "Ladder {{ count: {}, p50_ns: {p50:?}, p99_ns: {p99:?} }}", self.count)
    }
}

impl Ladder {
    /// Of these durations; for tests and recorded evidence.
    pub fn of(durations_ns: impl IntoIterator<Item = u64>) -> Ladder {
        let mut ladder = Ladder::default();
        durations_ns.into_iter().for_each(|ns| ladder.record_n(ns, 1));
        ladder
    }

    #[inline]
    pub fn record_n(&mut self, ns: u64, n: u64) {
        self.rungs[rung(ns)] += n;
        self.count += n;
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The middle of the rung on which the quantile stands; `None` if there is nothing.
    pub fn quantile_ns(&self, q: f64) -> Option<u64> {
        let rank = (q * self.count.saturating_sub(1) as f64).floor() as u64;
        let mut before = 0;
        let found = self.rungs.iter().position(|&count| {
            before += count;
            rank < before
        })?;
        Some((lowest(found) + lowest(found + 1)) / 2)
    }

    /// How many were at least so long, to the rung.
    pub fn at_least(&self, ns: u64) -> u64 {
        self.rungs[rung(ns)..].iter().sum()
    }

    /// How many were from `from_ns` to below `to_ns`, to the rung.
    pub fn between(&self, from_ns: u64, to_ns: u64) -> u64 {
        self.at_least(from_ns).saturating_sub(self.at_least(to_ns))
    }

    /// What was recorded after `earlier` was copied.
    pub fn since(&self, earlier: &Ladder) -> Ladder {
        let mut rungs = self.rungs.clone();
        rungs.iter_mut().zip(earlier.rungs.iter()).for_each(|(now, then)| *now -= then);
        Ladder { rungs, count: self.count - earlier.count }
    }
}

#[inline]
fn rung(ns: u64) -> usize {
    // Below 8 ns each value has its own rung.
    let Some(above) = (u64::BITS - 1 - (ns | 1).leading_zeros()).checked_sub(STEPS_LOG2) else {
        return ns as usize;
    };
    let place = ((above + 1) << STEPS_LOG2) as usize + ((ns >> above) & 7) as usize;
    place.min(RUNGS - 1)
}

/// The shortest duration of a rung.
fn lowest(rung: usize) -> u64 {
    let (power, step) = (rung >> STEPS_LOG2, (rung & 7) as u64);
    match power {
        0 => step,
        power => (8 + step) << (power - 1),
    }
}

/// The run so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Iterations begun, and starts that found no free VU.
    pub started: u64,
    pub dropped: u64,
    /// Lag of the starts; those on time are 0.
    pub lags: Ladder,
    /// Exchanges by `Ending`, in the order of `Ending::ALL`.
    endings: [u64; Ending::ALL.len()],
    /// Time to first byte of all exchanges that were sent.
    pub waits: Ladder,
    /// From the first byte of a response to its last.
    pub receives: Ladder,
    /// Time of each opened connection in which it was connecting.
    pub connects: Ladder,
    /// Bytes of bodies and heads, both ways.
    pub data_sent: u64,
    pub data_received: u64,
    /// Timings that found no room.
    pub dropped_samples: u64,
}

impl Tally {
    pub fn requests(&self) -> u64 {
        self.endings.iter().sum()
    }

    pub fn ending(&self, ending: Ending) -> u64 {
        self.endings[ending as usize]
    }

    pub fn add(&mut self, ending: Ending, requests: u64) {
        self.endings[ending as usize] += requests;
    }

    /// Those that were not as expected.
    pub fn failed(&self) -> u64 {
        self.requests() - self.ending(Ending::Expected)
    }

    /// What happened after `earlier` was taken.
    pub fn since(&self, earlier: &Tally) -> Tally {
        let mut endings = self.endings;
        endings.iter_mut().zip(earlier.endings).for_each(|(now, then)| *now -= then);
        Tally {
            started: self.started - earlier.started,
            dropped: self.dropped - earlier.dropped,
            lags: self.lags.since(&earlier.lags),
            endings,
            waits: self.waits.since(&earlier.waits),
            receives: self.receives.since(&earlier.receives),
            connects: self.connects.since(&earlier.connects),
            data_sent: self.data_sent - earlier.data_sent,
            data_received: self.data_received - earlier.data_received,
            dropped_samples: self.dropped_samples - earlier.dropped_samples,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_are_an_eighth_of_a_power_of_two_and_leave_no_gap() {
        for at in 0..RUNGS - 1 {
            assert_eq!(rung(lowest(at)), at);
            assert_eq!(rung(lowest(at + 1) - 1), at, "the last of rung {at}");
        }
        assert_eq!(rung(u64::MAX), RUNGS - 1);
    }

    #[test]
    fn quantiles_are_within_an_eighth() {
        let ladder = Ladder::of((1..=1_000).map(|ms| ms * 1_000_000));
        for (q, want) in [(0.0, 1e6), (0.5, 500e6), (0.99, 990e6), (1.0, 1_000e6)] {
            let got = ladder.quantile_ns(q).unwrap() as f64;
            assert!((got / want - 1.0).abs() < 0.13, "{q}: {got}");
        }
        assert_eq!(Ladder::default().quantile_ns(0.5), None);
    }

    #[test]
    fn a_difference_is_what_came_between() {
        let mut ladder = Ladder::of([5_000, 900_000_000]);
        let earlier = ladder.clone();
        ladder.record_n(1_010_000_000, 3);
        let between = ladder.since(&earlier);
        assert_eq!((between.count(), between.between(900_000_000, 1_200_000_000)), (3, 3));
        assert_eq!(between.at_least(2_000_000_000), 0);
    }

    #[track_caller]
    fn check(status: u16, error_code: u16, error: &str, want: Ending) {
        let expected_response = Some((200..400).contains(&status));
        let tags =
            ExchangeTags { status, error_code, error: error.into(), expected_response, ..Default::default() };
        assert_eq!(Ending::of(&tags), want);
    }

    #[test]
    fn an_outcome_is_read_from_the_tags() {
        check(200, 0, "", Ending::Expected);
        check(404, 1404, "", Ending::Unexpected);
        check(503, 1503, "", Ending::Unavailable);
        check(599, 1599, "", Ending::ServerError);
        check(0, 1212, "dial: connection refused", Ending::Refused);
        check(0, 1000, "unexpected EOF", Ending::Cut);
        check(0, 1000, "malformed HTTP response", Ending::Other);
        let ports = "dial: unknown errno 99 error with msg `cannot assign requested address`";
        check(0, 1213, ports, Ending::OwnPorts);
        let files = "dial: unknown errno 24 error with msg `too many open files`";
        check(0, 1213, files, Ending::OwnFiles);
        check(0, 1202, "read: unknown errno `113` on linux with message `x`", Ending::Unreachable);
    }
}
