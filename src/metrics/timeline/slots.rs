//! Slots: a few counts of each tick, kept of every run, so that it can be said afterwards when a
//! service was gone. 48 bytes each; bounded as rows are.

use super::row::{FAILURE_CLASSES, Row};
use super::{ROWS_MAX, TICK_NS, merge_factor};

/// Counts of what came to its end in this time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slot {
    /// Iterations begun.
    pub started: u32,
    /// Requests with an outcome, and those of them that failed.
    pub answered: u32,
    pub failed: u32,
    /// The failed ones, by `FAILURE_CLASSES`.
    pub failed_by: [u32; FAILURE_CLASSES.len()],
    /// Mean number of requests on the wire.
    pub in_flight: f32,
}

/// All slots of a run, one after the other from time 0.
#[derive(Debug)]
pub struct Slots {
    slots: Vec<Slot>,
    ticks_per_slot: usize,
    partial: Vec<Slot>,
}

impl Default for Slots {
    fn default() -> Slots {
        Slots { slots: Vec::new(), ticks_per_slot: 1, partial: Vec::new() }
    }
}

impl Slots {
    pub fn all(&self) -> &[Slot] {
        &self.slots
    }

    /// The time of each.
    pub fn slot_ns(&self) -> u64 {
        self.ticks_per_slot as u64 * TICK_NS
    }

    pub(super) fn keep(&mut self, row: &Row, workers: usize) {
        self.partial.push(Slot::of(row, workers));
        if self.partial.len() < self.ticks_per_slot {
            return;
        }
        self.finish();
        if self.slots.len() >= ROWS_MAX {
            let together = merge_factor(self.ticks_per_slot);
            self.slots = self.slots.chunks(together).map(Slot::merged).collect();
            self.ticks_per_slot *= together;
        }
    }

    /// The last may be of less time.
    pub(super) fn finish(&mut self) {
        if !self.partial.is_empty() {
            self.slots.push(Slot::merged(&self.partial));
            self.partial.clear();
        }
    }
}

impl Slot {
    fn of(row: &Row, workers: usize) -> Slot {
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        Slot {
            started: count(row.started),
            answered: count(row.answered),
            failed: count(row.failed),
            failed_by: row.failed_by.map(count),
            in_flight: row.in_flight(workers) as f32,
        }
    }

    fn merged(slots: &[Slot]) -> Slot {
        let mut sum = Slot::default();
        for slot in slots {
            sum.started = sum.started.saturating_add(slot.started);
            sum.answered = sum.answered.saturating_add(slot.answered);
            sum.failed = sum.failed.saturating_add(slot.failed);
            for (sum, more) in sum.failed_by.iter_mut().zip(slot.failed_by) {
                *sum = sum.saturating_add(more);
            }
            sum.in_flight += slot.in_flight / slots.len() as f32;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_of_hours_are_merged_and_none_is_lost() {
        let mut slots = Slots::default();
        let row = Row { answered: 3, failed: 1, ..Row::default() };
        for _ in 0..ROWS_MAX + 7 {
            slots.keep(&row, 1);
        }
        slots.finish();
        assert_eq!((slots.slot_ns(), slots.all().len()), (2 * TICK_NS, ROWS_MAX / 2 + 4));
        let answered: u32 = slots.all().iter().map(|slot| slot.answered).sum();
        assert_eq!(answered as usize, 3 * (ROWS_MAX + 7));
    }
}
