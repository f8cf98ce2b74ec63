//! Services of known behaviour, in virtual time: a request arrives, and it is known when and how
//! it will be answered. Times are seconds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// splitmix64: the same seed gives the same search on every machine.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`.
    pub fn share(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.share()).ln()
    }

    /// Normal with mean 0 and deviation 1.
    pub fn normal(&mut self) -> f64 {
        (2.0 * self.exponential()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
    }
}

/// Orders times in heaps; none is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time(pub f64);

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Time) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Time) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

pub struct Reply {
    pub at: f64,
    pub ok: bool,
}

#[derive(Clone, Debug)]
pub enum Service {
    /// Tokens come at `capacity` a second, at most `burst` are kept; without one a request is
    /// refused. The capacity of each slot of time differs by `noise` (a relative deviation) and
    /// changes by `drift` a second, relatively.
    Bucket { capacity: f64, burst: f64, noise: f64, drift: f64, slot: f64, state: BucketState },
    /// First come, first served.
    Queue { mean: f64, exponential: bool, free: BinaryHeap<Reverse<Time>>, ill: Ill, state: QueueState },
}

#[derive(Clone, Debug, Default)]
pub struct BucketState {
    tokens: f64,
    at: f64,
    slot: u64,
    capacity: f64,
}

#[derive(Clone, Debug, Default)]
pub struct QueueState {
    is_ill: bool,
    last_arrival: f64,
    pause_until: f64,
    next_pause: f64,
}

/// How a queue gets worse under load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ill {
    Never,
    /// A request takes up to `slower` times as long while more than `from` are in the system.
    WhileMany {
        from: usize,
        slower: f64,
    },
    /// Above `from` every request takes `slower` times as long, until at most `until` are left.
    Until {
        from: usize,
        slower: f64,
        until: usize,
    },
    /// The same, until nothing arrived for a second.
    UntilIdle {
        from: usize,
        slower: f64,
    },
    /// Nothing is served for `length`, every `every` seconds at random.
    Pauses {
        every: f64,
        length: f64,
    },
}

impl Service {
    pub fn bucket(capacity: f64, noise: f64, drift: f64) -> Service {
        let state = BucketState { slot: u64::MAX, ..BucketState::default() };
        Service::Bucket { capacity, burst: capacity * 0.005, noise, drift, slot: 0.5, state }
    }

    pub fn queue(servers: usize, mean: f64, exponential: bool, ill: Ill) -> Service {
        let free = (0..servers).map(|_| Reverse(Time(0.0))).collect();
        Service::Queue { mean, exponential, free, ill, state: QueueState::default() }
    }

    /// `in_system`: requests that arrived before and are not answered.
    pub fn arrive(&mut self, at: f64, in_system: usize, random: &mut Random) -> Reply {
        match self {
            Service::Bucket { capacity, burst, noise, drift, slot, state } => {
                let number = (at / *slot) as u64;
                if number != state.slot {
                    state.slot = number;
                    let wobble = if *noise > 0.0 { 1.0 + *noise * random.normal() } else { 1.0 };
                    state.capacity = *capacity * wobble * (1.0 + *drift * at);
                }
                state.tokens = (state.tokens + (at - state.at) * state.capacity).min(*burst);
                state.at = at;
                let ok = state.tokens >= 1.0;
                state.tokens -= f64::from(u8::from(ok));
                Reply { at: at + if ok { 0.005 } else { 0.001 }, ok }
            }
            Service::Queue { mean, exponential, free, ill, state } => {
                let factor = slowness(*ill, state, at, in_system, random);
                state.last_arrival = at;
                let Reverse(Time(idle)) = free.pop().expect("a queue has a server");
                let mut begin = idle.max(at);
                if begin < state.pause_until {
                    begin = state.pause_until;
                }
                let time = *mean * factor * if *exponential { random.exponential() } else { 1.0 };
                free.push(Reverse(Time(begin + time)));
                Reply { at: begin + time, ok: true }
            }
        }
    }
}

fn slowness(ill: Ill, state: &mut QueueState, at: f64, in_system: usize, random: &mut Random) -> f64 {
    match ill {
        Ill::Never => 1.0,
        Ill::WhileMany { from, slower } => {
            let share = (in_system.saturating_sub(from) as f64 / from as f64).min(1.0);
            1.0 + (slower - 1.0) * share
        }
        Ill::Until { from, slower, until } => {
            state.is_ill = if state.is_ill { in_system > until } else { in_system > from };
            if state.is_ill { slower } else { 1.0 }
        }
        Ill::UntilIdle { from, slower } => {
            let was_idle = in_system == 0 && at - state.last_arrival > 1.0;
            state.is_ill = (state.is_ill && !was_idle) || in_system > from;
            if state.is_ill { slower } else { 1.0 }
        }
        Ill::Pauses { every, length } => {
            if at > state.next_pause {
                if state.next_pause > 0.0 {
                    state.pause_until = at + length;
                }
                state.next_pause = at + every * random.exponential();
            }
            1.0
        }
    }
}
