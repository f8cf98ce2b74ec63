//! What a simulated network does to bytes: delays, and how often each fault strikes.

use super::random::Random;

/// A range of durations, both ends included; drawn from uniformly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub min_ns: u64,
    pub max_ns: u64,
}

impl Span {
    pub const ZERO: Span = Span::exactly(0);

    pub const fn exactly(ns: u64) -> Span {
        Span { min_ns: ns, max_ns: ns }
    }

    pub fn draw_ns(self, random: &mut Random) -> u64 {
        random.between(self.min_ns, self.max_ns)
    }
}

/// How the bytes of one reply are cut into arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    /// As large as a read buffer allows; what arrives together is read together.
    Whole,
    /// Pieces of 1 to `at_most` bytes; neighbours are sometimes read together.
    Random { at_most: u32 },
    /// Each byte alone.
    Bytes,
}

/// Delays and fault rates. Rates are per million; the unit each applies to is said beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// A packet takes half of a draw; packets of one direction of a connection keep their order.
    pub rtt: Span,
    /// Each packet: it comes a retransmission timeout late, and holds up those behind it.
    pub loss_ppm: u32,
    /// Each connect: answered by ECONNREFUSED.
    pub refuse_ppm: u32,
    /// Each connect: never answered.
    pub blackhole_ppm: u32,
    /// Each reply: it and all that would follow never comes, the connection stays.
    pub mute_ppm: u32,
    /// Each reply: a part of it arrives (perhaps nothing), then a reset.
    pub reset_ppm: u32,
    /// Each reply: a part of it arrives (perhaps nothing), then an orderly end.
    pub cut_ppm: u32,
    /// Each reply: other bytes come in its place.
    pub garbage_ppm: u32,
    /// Each reply: it leaves `stall` late.
    pub stall_ppm: u32,
    pub stall: Span,
    /// Each send: written in pieces, up to a round trip apart, as into a full socket buffer.
    pub partial_write_ppm: u32,
    pub chunking: Chunking,
    /// From a `Close` taking effect to `Closed`.
    pub close: Span,
    /// What each `flush` and each `wait` costs: a turn takes time, as on a machine.
    pub call_ns: u64,
}

impl Network {
    /// Nothing fails, and a round trip takes 100 us.
    pub fn ideal() -> Network {
        Network {
            rtt: Span::exactly(100_000),
            loss_ppm: 0,
            refuse_ppm: 0,
            blackhole_ppm: 0,
            mute_ppm: 0,
            reset_ppm: 0,
            cut_ppm: 0,
            garbage_ppm: 0,
            stall_ppm: 0,
            stall: Span::ZERO,
            partial_write_ppm: 0,
            chunking: Chunking::Whole,
            close: Span::ZERO,
            call_ns: 200,
        }
    }

    /// Some network that `seed` decides: each fault is absent half of the time, else up to 5 %.
    pub fn from_seed(seed: u64) -> Network {
        // Another stream than the simulation's own, which usually has the same seed.
        let mut random = Random::new(seed ^ 0x6e65_7477_6f72_6b00);
        let random = &mut random;
        let rtt_ns = 10u64.pow(random.between(3, 7) as u32) * random.between(1, 9);
        Network {
            rtt: Span { min_ns: rtt_ns, max_ns: rtt_ns + random.below(rtt_ns) },
            loss_ppm: some_rate(random),
            refuse_ppm: some_rate(random),
            blackhole_ppm: some_rate(random),
            mute_ppm: some_rate(random),
            reset_ppm: some_rate(random),
            cut_ppm: some_rate(random),
            garbage_ppm: some_rate(random),
            stall_ppm: some_rate(random),
            stall: Span { min_ns: 1_000_000, max_ns: random.between(1_000_000, 2_000_000_000) },
            // Partial writes harm nobody, so they may be the rule.
            partial_write_ppm: random.below(2) as u32 * random.below(1_000_001) as u32,
            chunking: match random.below(4) {
                0 => Chunking::Whole,
                1 => Chunking::Bytes,
                2 => Chunking::Random { at_most: 16 },
                _ => Chunking::Random { at_most: 1_448 },
            },
            close: Span { min_ns: 0, max_ns: random.below(50_000) },
            call_ns: random.between(50, 5_000),
        }
    }
}

fn some_rate(random: &mut Random) -> u32 {
    random.below(2) as u32 * random.between(1, 50_000) as u32
}
