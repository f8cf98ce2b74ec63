//! Exchanges that wait for an address or for a free slot: they time out like any other.
//!
//! No heap: nearly all wait for less than a turn. The earliest deadline is known, at worst too
//! early; when it comes up, all that wait are looked at.

use super::failure::Failure;
use super::hosts::Address;
use super::requests::Requests;
use super::{Vu, Vus, Want};
use crate::metrics::Recorder;
use crate::script::{HostId, Program};
use crate::time::Instant;
use std::collections::VecDeque;
use std::net::IpAddr;

/// Those that wait, each until its own deadline at most.
pub(super) struct Waiting {
    /// For a connection slot, in order; with the answer to the look-up that one waited for: good
    /// for it, however soon it expires for all others.
    wanting: VecDeque<(Want, Option<Address>)>,
    /// For an address of this host.
    resolving: Vec<(HostId, Want)>,
    /// No deadline of theirs is before this.
    next_deadline: Instant,
}

impl Default for Waiting {
    fn default() -> Waiting {
        Waiting { wanting: VecDeque::new(), resolving: Vec::new(), next_deadline: Instant::NEVER }
    }
}

impl Waiting {
    #[inline]
    pub fn add(&mut self, want: Want, deadline: Instant) {
        self.next_deadline = self.next_deadline.min(deadline);
        self.wanting.push_back((want, None));
    }

    /// The first that wants a slot; `put_back` and `await_address` are for one that goes on waiting.
    #[inline]
    pub fn pop(&mut self) -> Option<(Want, Option<Address>)> {
        let first = self.wanting.pop_front();
        if self.wanting.is_empty() && self.resolving.is_empty() {
            self.next_deadline = Instant::NEVER;
        }
        first
    }

    pub fn put_back(&mut self, want: Want, resolved: Option<Address>, deadline: Instant) {
        self.next_deadline = self.next_deadline.min(deadline);
        self.wanting.push_front((want, resolved));
    }

    pub fn await_address(&mut self, host: HostId, want: Want, deadline: Instant) {
        self.next_deadline = self.next_deadline.min(deadline);
        self.resolving.push((host, want));
    }

    /// How many want a slot.
    #[inline]
    pub fn wanting(&self) -> usize {
        self.wanting.len()
    }

    #[inline]
    pub fn next_deadline(&self) -> Instant {
        self.next_deadline
    }

    pub fn forget(&mut self, want: Want) {
        self.wanting.retain(|(waiting, _)| *waiting != want);
        self.resolving.retain(|(_, waiting)| *waiting != want);
    }

    /// Takes those out whose deadline has passed.
    fn take_overdue(&mut self, now: Instant, deadline_of: impl Fn(Want) -> Instant) -> Vec<Want> {
        let mut overdue = Vec::new();
        let mut next = Instant::NEVER;
        let mut stays = |want: Want| {
            let deadline = deadline_of(want);
            if deadline <= now {
                overdue.push(want);
                return false;
            }
            next = next.min(deadline);
            true
        };
        self.wanting.retain(|(want, _)| stays(*want));
        self.resolving.retain(|(_, want)| stays(*want));
        self.next_deadline = next;
        overdue
    }
}

impl<P: Program> Vus<P> {
    /// A name's addresses are known (or there are none, or it could not be looked up): waiting VUs
    /// go on.
    pub fn on_resolved(&mut self, host: HostId, answer: Result<&[IpAddr], &str>, now: Instant) {
        self.hosts.on_resolved(host, answer, now);
        let Vus { hosts, waiting: Waiting { wanting, resolving, .. }, .. } = self;
        resolving.retain(|(waits_for, want)| {
            let answered = *waits_for == host;
            if answered {
                wanting.push_back((*want, Some(hosts.address(host, now))));
            }
            !answered
        });
    }

    /// Fails those that have waited too long. As in k6 that is no failure to dial: dialing had not
    /// begun.
    pub(super) fn fail_overdue(&mut self, now: Instant, recorder: &mut Recorder) {
        let Vus { waiting, vus, requests, .. } = self;
        for want in waiting.take_overdue(now, |want| deadline_of(want, vus, requests)) {
            self.fail_unsent(want, &Failure::RequestTimeout, now, recorder);
        }
    }
}

/// One that is not wanted any more has none.
fn deadline_of<P>(want: Want, vus: &[Vu<P>], requests: &Requests) -> Instant {
    let deadline = match want {
        Want::Template(vu) => vus[vu.0 as usize].wanted.map(|wanted| wanted.deadline),
        Want::Request(place) => requests.get(place).map(|active| active.deadline),
    };
    deadline.unwrap_or(Instant::NEVER)
}
