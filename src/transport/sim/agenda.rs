//! What is to happen when: a queue by instant, and by order of entry where instants are equal.

use crate::time::Instant;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

#[derive(Debug)]
pub struct Agenda<T> {
    entries: BinaryHeap<Entry<T>>,
    added: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Instant,
    number: u64,
    what: T,
}

impl<T> Agenda<T> {
    pub fn add(&mut self, at: Instant, what: T) {
        self.entries.push(Entry { at, number: self.added, what });
        self.added += 1;
    }

    pub fn next(&self) -> Option<Instant> {
        self.entries.peek().map(|entry| entry.at)
    }

    pub fn take_due(&mut self, now: Instant) -> Option<(Instant, T)> {
        self.next().filter(|&at| at <= now)?;
        self.entries.pop().map(|entry| (entry.at, entry.what))
    }
}

impl<T> Default for Agenda<T> {
    fn default() -> Agenda<T> {
        Agenda { entries: BinaryHeap::new(), added: 0 }
    }
}

impl<T> Ord for Entry<T> {
    // Reversed: the heap's greatest is the earliest.
    fn cmp(&self, other: &Entry<T>) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Entry<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Entry<T>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}
