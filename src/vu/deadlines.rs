//! Deadlines of exchanges and timers of VUs, lazily: nearly all are moved on before they come up.
//!
//! An owner (a connection, a VU) has an entry in the heap at or before its real deadline. When the
//! entry comes up and the deadline has moved, it is put back: once per timeout, not once per
//! request. An entry given up for an earlier one stays, until there are more of those than others.

use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(Default)]
pub struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, u32)>>,
    /// From so many entries on those given up are removed.
    sweep_at: usize,
}

/// Fewer entries than this are not worth a sweep.
const SWEEP_MIN: usize = 64;

impl Deadlines {
    /// Adds an entry for an owner that has none so early. `is_current` tells the entry that an owner
    /// has now from those it gave up; each has one at most, so there are never more than twice as
    /// many entries as owners (or `SWEEP_MIN`).
    pub fn add(&mut self, at: Instant, owner: u32, is_current: impl Fn(Instant, u32) -> bool) {
        self.heap.push(Reverse((at, owner)));
        if self.heap.len() > self.sweep_at {
            self.heap.retain(|Reverse((at, owner))| is_current(*at, *owner));
            self.sweep_at = (2 * self.heap.len()).max(SWEEP_MIN);
        }
    }

    /// Entries, given up or not.
    #[cfg(test)]
    pub fn entries(&self) -> usize {
        self.heap.len()
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
            deadlines.add(Instant(at), conn, |_, _| true);
        }
        assert_eq!(deadlines.pop_due(Instant(9)), None);
        let due = std::iter::from_fn(|| deadlines.pop_due(Instant(20)));
        assert_eq!(due.map(|(at, conn)| (at.0, conn)).collect::<Vec<_>>(), [(10, 1), (10, 2), (20, 3)]);
        assert_eq!(deadlines.next(), Instant(30));
    }

    #[test]
    fn entries_given_up_a_million_times_are_bounded() {
        let mut deadlines = Deadlines::default();
        let mut current = [Instant::NEVER; 100];
        for number in 0..1_000_000u64 {
            let owner = number as usize % 100;
            // Ever earlier: each gives the one before up.
            current[owner] = Instant(2_000_000 - number);
            deadlines.add(current[owner], owner as u32, |at, owner| current[owner as usize] == at);
        }
        assert!(deadlines.heap.len() <= 200, "{}", deadlines.heap.len());
        let first = current.iter().min().copied().unwrap();
        assert_eq!(deadlines.pop_due(Instant::NEVER), Some((first, 99)));
    }
}
