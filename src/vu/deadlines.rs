//! Deadlines of exchanges, lazily: nearly all are met, and moved on with each exchange.
//!
//! A connection has an entry in the heap at or before its real deadline. When the entry comes up
//! and the deadline has moved, it is put back: once per timeout, not once per request.

use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(Default)]
pub struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, u32)>>,
}

impl Deadlines {
    /// Adds an entry for a connection that has none so early.
    pub fn add(&mut self, at: Instant, conn: u32) {
        self.heap.push(Reverse((at, conn)));
    }

    /// When the first entry comes up.
    pub fn next(&self) -> Instant {
        self.heap.peek().map_or(Instant::NEVER, |Reverse((at, _))| *at)
    }

    /// Takes an entry that has come up.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, u32)> {
        if self.next() > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_up_in_order_of_time_and_not_before_it() {
        let mut deadlines = Deadlines::default();
        assert_eq!(deadlines.next(), Instant::NEVER);
        assert_eq!(deadlines.pop_due(Instant(u64::MAX - 1)), None);
        for (at, conn) in [(30, 1), (10, 2), (20, 3), (10, 1)] {
            deadlines.add(Instant(at), conn);
        }
        assert_eq!(deadlines.pop_due(Instant(9)), None);
        let due = std::iter::from_fn(|| deadlines.pop_due(Instant(20)));
        assert_eq!(due.map(|(at, conn)| (at.0, conn)).collect::<Vec<_>>(), [(10, 1), (10, 2), (20, 3)]);
        assert_eq!(deadlines.next(), Instant(30));
    }
}
