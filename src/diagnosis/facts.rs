//! What the evidence says, question by question. `None`: it could not be read.

use super::evidence::Evidence;
use super::signal::Signal;
use super::validity::{BUSY_MAX, STEAL_MAX, lag_limit_ns};
use crate::metrics::Ending;

/// Less than this share of failures, or of starts that were not made, is nobody's breaking.
const LOSS_MIN: f64 = 0.001;
/// A machine that is less idle than this is full.
const IDLE_MIN: f64 = 0.05;
/// Waiting for a CPU: beyond the first it explains late answers, beyond the second anything.
const RUN_DELAY_SOME: f64 = 0.05;
const RUN_DELAY_MUCH: f64 = 0.20;
/// A quota that stopped the generator for less of the time is not what broke.
const STOPPED_MIN: f64 = 0.02;
/// CPU time is counted in ticks of some milliseconds: a shorter span says nothing about it.
const SPAN_MIN_NS: u64 = 200 * MS;
const SOFTIRQ_MAX: f64 = 0.80;
/// Segments lost: the first with longer round trips besides, the second alone.
const SEGMENTS_LOST_SOME: f64 = 0.001;
const SEGMENTS_LOST_MUCH: f64 = 0.005;
/// Fewer lost segments than this say nothing.
const SEGMENTS_LOST_MIN: u64 = 5;
/// An answer that takes a while carries the acknowledgement; after 40 ms it goes alone.
const ACK_DELAY_NS: u64 = 50 * MS;
const LINK_FULL: f64 = 0.9;
const LATE_MUCH_NS: u64 = 10_000_000;
/// A median wait grew if it is so many times that of the quietest time, and so much longer.
const WAIT_GROWTH: f64 = 3.0;
const WAIT_GROWTH_NS: u64 = 5_000_000;
/// An answer stalled if it took so many medians, and so long; and so many of them must have.
const STALL_MEDIANS: u64 = 10;
const STALL_NS: u64 = 100_000_000;
const STALLED_MIN: f64 = 0.01;
/// Connections of which the SYN was sent again, and answers in all, that are worth a word.
const SYNS_RETRIED_MIN: f64 = 0.05;
const ANSWERS_MIN: u64 = 20;
const MS: u64 = 1_000_000;

impl Evidence {
    fn share_of_requests(&self, requests: u64) -> f64 {
        requests as f64 / self.tally.requests().max(1) as f64
    }

    /// Requests that ended in one of these ways, if they are more than a few in a thousand.
    pub(super) fn ended(&self, endings: &[Ending]) -> Vec<Signal> {
        let of = self.tally.requests();
        let all: u64 = endings.iter().map(|&ending| self.tally.ending(ending)).sum();
        if self.share_of_requests(all) < LOSS_MIN || all == 0 {
            return Vec::new();
        }
        let mut counts: Vec<(u64, Ending)> = endings
            .iter()
            .map(|&ending| (self.tally.ending(ending), ending))
            .filter(|(n, _)| *n > 0)
            .collect();
        counts.sort_by_key(|(requests, _)| std::cmp::Reverse(*requests));
        counts.into_iter().map(|(requests, ending)| Signal::Ended { ending, requests, of }).collect()
    }

    pub(super) fn has_own_errors(&self) -> Option<Signal> {
        let own = [Ending::OwnPorts, Ending::OwnFiles, Ending::OwnMemory];
        let counts = own.map(|ending| (self.tally.ending(ending), ending));
        let (requests, ending) = counts.into_iter().max_by_key(|(requests, _)| *requests)?;
        (requests > 0).then_some(Signal::OwnErrors { ending, requests })
    }

    pub(super) fn is_busy(&self) -> Option<Signal> {
        let share = self.generator.busy_max;
        (share > BUSY_MAX && self.span_ns >= SPAN_MIN_NS).then_some(Signal::Busy { share })
    }

    pub(super) fn is_throttled(&self) -> Option<Signal> {
        let throttling = self.generator.throttling?;
        let share = throttling.stopped_ns as f64 / self.span_ns.max(1) as f64;
        let signal = Signal::Throttled { periods: throttling.periods, stopped_ns: throttling.stopped_ns };
        (throttling.periods > 0 && share > STOPPED_MIN).then_some(signal)
    }

    pub(super) fn is_stolen_from(&self) -> Option<Signal> {
        let share = self.host.steal?;
        (share > STEAL_MAX).then_some(Signal::Stolen { share })
    }

    pub(super) fn is_pushed_away(&self) -> Option<Signal> {
        let share = self.generator.run_delay_max?;
        (share > RUN_DELAY_SOME && self.span_ns >= SPAN_MIN_NS).then_some(Signal::RunDelay { share })
    }

    pub(super) fn is_pushed_away_much(&self) -> Option<Signal> {
        self.is_pushed_away().filter(|_| self.generator.run_delay_max.unwrap_or(0.0) > RUN_DELAY_MUCH)
    }

    pub(super) fn is_interrupted(&self) -> Option<Signal> {
        let share = self.host.softirq_max?;
        (share > SOFTIRQ_MAX).then_some(Signal::SoftInterrupts { share })
    }

    /// Starts came later than a trial allows.
    pub(super) fn is_late(&self) -> Option<Signal> {
        let p99_ns = self.tally.lags.quantile_ns(0.99)?;
        let is_late = self.load.is_open && p99_ns > lag_limit_ns(self.load.deadline_ns);
        is_late.then_some(Signal::Late { p99_ns })
    }

    /// Late by enough to matter beside answers that take as long as they do.
    pub(super) fn is_late_for_its_answers(&self) -> Option<Signal> {
        let wait_ns = self.load.deadline_ns.or(self.tally.waits.quantile_ns(0.5));
        let p99_ns = self.tally.lags.quantile_ns(0.99)?;
        self.is_late().filter(|_| p99_ns > lag_limit_ns(wait_ns))
    }

    pub(super) fn is_late_much(&self) -> Option<Signal> {
        self.is_late().filter(|_| self.tally.lags.quantile_ns(0.99).unwrap_or(0) > LATE_MUCH_NS)
    }

    /// The machine that both are on is full. `None` too if they are not on one.
    pub(super) fn is_host_full(&self) -> Option<Signal> {
        let share = self.host.idle_really(&self.generator)?;
        (self.host.has_target && share < IDLE_MIN && self.span_ns >= SPAN_MIN_NS)
            .then_some(Signal::HostIdle { share })
    }

    /// Others than generator and target use much of the machine.
    pub(super) fn are_others_busy(&self) -> Option<Signal> {
        let cpus = self.host.rest_cpus(&self.generator)?;
        // Whatever a target that cannot be seen uses would be taken for others'.
        let is_known = !self.host.has_target || self.host.target.is_some();
        (is_known && cpus > 0.5 && cpus > 0.2 * f64::from(self.host.cpus))
            .then_some(Signal::OthersBusy { cpus })
    }

    /// They use more of it than generator and target together.
    pub(super) fn are_others_most(&self) -> bool {
        let Some(rest) = self.host.rest_cpus(&self.generator) else { return false };
        let target = self.host.target.as_ref().map(|target| target.cpus);
        target.is_some_and(|target| rest > self.generator.cpus + target)
    }

    fn lost_share(&self) -> Option<f64> {
        let network = &self.network;
        let share = |lost: Option<u64>, of: Option<u64>| {
            let (lost, of) = (lost?, of?);
            Some(if lost < SEGMENTS_LOST_MIN { 0.0 } else { lost as f64 / of.max(1) as f64 })
        };
        let sent = share(network.retransmitted, network.segments_out);
        let received = share(network.out_of_order, network.segments_in);
        match (sent, received) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (one, other) => one.or(other),
        }
    }

    /// Too many segments were lost for a network that is well.
    pub(super) fn is_lossy(&self) -> Option<Signal> {
        let share = self.lost_share()?;
        let is_lossy =
            share > SEGMENTS_LOST_MUCH || (share > SEGMENTS_LOST_SOME && self.has_rtt_risen().is_some());
        is_lossy.then_some(Signal::Loss { share })
    }

    /// The opposite of lossy, with room between: `None` if it cannot be known.
    pub(super) fn is_lossless(&self) -> Option<bool> {
        self.lost_share().map(|share| share < SEGMENTS_LOST_SOME)
    }

    pub(super) fn has_rtt_risen(&self) -> Option<Signal> {
        let rtt = self.network.rtt?;
        let has_risen = rtt.p50_ns > 2 * rtt.min_ns && rtt.p50_ns > rtt.min_ns + MS;
        has_risen.then_some(Signal::RttRose { min_ns: rtt.min_ns, p50_ns: rtt.p50_ns })
    }

    /// Round trips are as ever, or not longer than the time by which an answer that is late delays
    /// the acknowledgement. `None`: not known.
    pub(super) fn is_rtt_explained(&self) -> Option<bool> {
        let rtt = self.network.rtt?;
        let wait_ns = self.tally.waits.quantile_ns(0.99).unwrap_or(0);
        let is_delayed = rtt.p50_ns.saturating_sub(rtt.min_ns) <= ACK_DELAY_NS.min(wait_ns);
        Some(self.has_rtt_risen().is_none() || is_delayed || self.network.is_loopback)
    }

    pub(super) fn is_link_full(&self) -> Option<Signal> {
        let (used_bps, link_bps) = (self.network.link_used_bps?, self.network.link_bps?);
        let is_full = !self.network.is_loopback && used_bps > LINK_FULL * link_bps;
        is_full.then_some(Signal::LinkFull { used_bps, link_bps })
    }

    pub(super) fn are_packets_dropped(&self) -> Option<Signal> {
        let packets = self.network.packets_dropped?;
        let segments = self.network.segments_in.unwrap_or(0) + self.network.segments_out.unwrap_or(0);
        let is_much = packets >= SEGMENTS_LOST_MIN && packets as f64 > SEGMENTS_LOST_SOME * segments as f64;
        is_much.then_some(Signal::PacketsDropped { packets })
    }

    /// Connections whose SYN had to be sent again: 1 s later, then 2 s, then 4 s (RFC 6298).
    pub(super) fn are_syns_retried(&self) -> Option<Signal> {
        let connects = &self.tally.connects;
        let retried = [(950, 1_400), (2_900, 3_500), (6_800, 7_800)]
            .iter()
            .map(|&(from, to)| connects.between(from * MS, to * MS))
            .sum::<u64>();
        let share = retried as f64 / connects.count().max(1) as f64;
        let signal = Signal::SynsRetried { connections: retried, of: connects.count() };
        (share > SYNS_RETRIED_MIN && retried > 1).then_some(signal)
    }

    pub(super) fn are_connections_dropped(&self) -> Option<Signal> {
        let connections = self.network.listen_drops?;
        (self.host.has_target && connections > 0).then_some(Signal::ListenDrops { connections })
    }

    /// SYNs were sent again, and not all for want of any answer.
    pub(super) fn are_syns_lost(&self) -> Option<Signal> {
        let connections = self.network.syns_retransmitted?;
        let of = self.tally.connects.count();
        (connections >= 3 && of > 0).then_some(Signal::SynsRetried { connections, of: of + connections })
    }

    /// Answers came ever later. In a closed loop that is what more VUs do; with a schedule the load
    /// is the same.
    pub(super) fn has_wait_grown(&self) -> Option<Signal> {
        let quiet_ns = self.load.quiet_wait_ns?;
        let p50_ns = self.tally.waits.quantile_ns(0.5)?;
        let has_grown = self.load.is_open
            && p50_ns as f64 > WAIT_GROWTH * quiet_ns as f64
            && p50_ns > quiet_ns + WAIT_GROWTH_NS;
        has_grown.then_some(Signal::WaitGrew { quiet_ns, p50_ns })
    }

    /// Some answers took far longer than most.
    pub(super) fn has_stalled(&self) -> Option<Signal> {
        let waits = &self.tally.waits;
        let at_least_ns = STALL_NS.max(STALL_MEDIANS * waits.quantile_ns(0.5)?);
        let share = waits.at_least(at_least_ns) as f64 / waits.count().max(1) as f64;
        let is_much = share > STALLED_MIN && waits.count() >= ANSWERS_MIN;
        is_much.then_some(Signal::Stalled { at_least_ns, share })
    }

    pub(super) fn has_in_flight_grown(&self) -> Option<Signal> {
        let (from, to) = (self.load.in_flight_from, self.load.in_flight_to);
        (self.load.is_open && to > 2 * from + 10).then_some(Signal::InFlightGrew { from, to })
    }

    /// Starts for which no VU was free.
    pub(super) fn are_starts_dropped(&self) -> Option<Signal> {
        let due = self.tally.started + self.tally.dropped;
        let share = self.tally.dropped as f64 / due.max(1) as f64;
        let is_much = self.load.is_open && share > LOSS_MIN;
        is_much.then_some(Signal::Dropped { starts: self.tally.dropped, due })
    }

    /// Something went wrong that a machine without CPU time can do: answers far too late or missing.
    pub(super) fn is_slow(&self) -> bool {
        self.has_wait_grown().is_some()
            || self.has_stalled().is_some()
            || self.are_starts_dropped().is_some()
            || !self.ended(&[Ending::RequestTimeout, Ending::DialTimeout, Ending::Cut]).is_empty()
    }

    /// Requests failed, or were not made, or came back far too late.
    pub(super) fn is_harmed(&self) -> bool {
        self.share_of_requests(self.tally.failed()) > LOSS_MIN
            || self.are_starts_dropped().is_some()
            || self.has_wait_grown().is_some()
            || self.has_stalled().is_some()
    }

    /// How bad a second was, to find the worst of them.
    pub fn harm(&self) -> f64 {
        let due = (self.tally.started + self.tally.dropped).max(1) as f64;
        let failed = self.share_of_requests(self.tally.failed());
        let dropped = self.tally.dropped as f64 / due;
        let slow = self.tally.waits.quantile_ns(0.99).unwrap_or(0) as f64 / 10e9;
        2.0 * failed + dropped + slow.min(1.0)
    }
}
