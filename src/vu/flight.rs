//! Requests on the wire: how many, and for how long in all.
//!
//! Exact, from the stamps of the events themselves: a request counts from the beginning of its send
//! to its answer, or to whatever else ends the wait. One sum serves for all, whatever the order of
//! the stamps, so nothing is looked at twice.

use crate::time::Instant;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flight {
    now: u64,
    sent: u64,
    /// Ends minus beginnings so far, in nanoseconds; wraps, as `area_ns` undoes.
    balance_ns: u64,
}

impl Flight {
    #[inline]
    pub fn on_sent(&mut self, n: u32, from: Instant) {
        self.now += u64::from(n);
        self.sent += u64::from(n);
        self.balance_ns = self.balance_ns.wrapping_sub(u64::from(n).wrapping_mul(from.0));
    }

    /// `n` of those that were sent from `sent_from` on have ended; none was if that is `NEVER`.
    #[inline]
    pub fn on_ended(&mut self, n: u32, sent_from: Instant, at: Instant) {
        if sent_from != Instant::NEVER {
            self.now -= u64::from(n);
            self.balance_ns = self.balance_ns.wrapping_add(u64::from(n).wrapping_mul(at.0));
        }
    }

    /// Requests sent so far, those sent again too.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// The integral of the number in flight from the beginning to `now`; its growth over a time,
    /// divided by that time, is the mean number in flight.
    pub fn area_ns(&self, now: Instant) -> u64 {
        self.balance_ns.wrapping_add(self.now.wrapping_mul(now.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_the_sum_of_all_times_on_the_wire() {
        let mut flight = Flight::default();
        flight.on_sent(2, Instant(10));
        flight.on_sent(1, Instant(30));
        assert_eq!(flight.area_ns(Instant(40)), 2 * 30 + 10);
        flight.on_ended(1, Instant(10), Instant(50));
        flight.on_ended(1, Instant(30), Instant(35));
        assert_eq!(flight.area_ns(Instant(100)), 40 + 5 + 90);
        flight.on_ended(1, Instant::NEVER, Instant(100));
        assert_eq!((flight.area_ns(Instant(100)), flight.sent()), (135, 3));
    }
}
