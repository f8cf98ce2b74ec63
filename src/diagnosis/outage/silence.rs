//! Silences: slots in which requests were on the wire and none was answered, for seconds, where the
//! rate before promised many.

use crate::metrics::timeline::Slot;

/// Shorter ones are slow answers.
const LENGTH_MIN_NS: u64 = 2_000_000_000;
/// Answers that the mean rate so far promised in it.
const PROMISED_MIN: f64 = 20.0;
/// Times the longest one before: a service that answers in waves is not gone between them.
const TIMES_BEFORE: usize = 3;

/// For each slot, whether it is part of one.
pub(super) fn find(slots: &[Slot], slot_ns: u64) -> Vec<bool> {
    let mut is_silent = vec![false; slots.len()];
    let (mut answered, mut others, mut longest, mut at) = (0u64, 0u64, 0, 0);
    while at < slots.len() {
        if !is_waiting(&slots[at]) {
            answered += u64::from(slots[at].answered);
            others += 1;
            at += 1;
            continue;
        }
        let length = slots[at..].iter().take_while(|slot| is_waiting(slot)).count();
        let promised = answered as f64 / others.max(1) as f64 * length as f64;
        let is_long = length as u64 * slot_ns >= LENGTH_MIN_NS && length >= TIMES_BEFORE * longest;
        if is_long && promised >= PROMISED_MIN {
            is_silent[at..at + length].fill(true);
        } else {
            longest = longest.max(length);
            others += length as u64;
        }
        at += length;
    }
    is_silent
}

/// The whole slot long.
fn is_waiting(slot: &Slot) -> bool {
    slot.answered == 0 && (slot.in_flight >= 0.999 || slot.started > 0)
}
