//! An arrival rate that messages change while it runs: what a search is to drive.
//!
//! Start k (from 0) of the run is due where the integral of the rate reaches k, so a change keeps
//! the phase: the part of a period that has passed stays passed, at every rate. All shares get the
//! same changes and compute the same integral, so they stay staggered. No k6 counterpart; not
//! stages either: those are known beforehand.

use super::{Frame, Share, Wish, is_due};
use crate::time::Instant;
use std::collections::VecDeque;

const NS_PER_S: f64 = 1e9;

/// From `at` on, `rate_per_s`; the integral of the rate was `done` there.
#[derive(Clone, Copy, Debug)]
struct Leg {
    at: Instant,
    done: f64,
    rate_per_s: f64,
}

impl Leg {
    fn done_at(&self, at: Instant) -> f64 {
        self.done + at.since(self.at) as f64 * self.rate_per_s / NS_PER_S
    }

    fn due(&self, count: f64) -> Instant {
        // A count that passed before the leg began is due at its beginning.
        let more = (count - self.done).max(0.0);
        match self.rate_per_s > 0.0 {
            true => self.at.plus_ns((more * NS_PER_S / self.rate_per_s) as u64),
            false => Instant::NEVER,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Controlled {
    pub(super) frame: Frame,
    /// The rate in force, and changes ordered for later, by time. Never empty.
    legs: VecDeque<Leg>,
    next: Instant,
    poisson: Option<Poisson>,
}

/// Arrivals at random: the integral of the rate has to grow by an exponential variate between two
/// of them. Shares draw on their own, and independent Poisson processes make one of all rates.
#[derive(Clone, Debug)]
struct Poisson {
    /// A xorshift generator, never 0.
    state: u64,
    /// Where the next start is due, as `Leg::done`.
    next: f64,
}

impl Poisson {
    /// `apart`: starts of all shares for each one of this.
    fn step(&mut self, apart: f64) {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let uniform = ((self.state >> 11) as f64 + 1.0) / (1u64 << 53) as f64;
        self.next -= uniform.ln() * apart;
    }
}

impl Controlled {
    /// From `begin` to `end` (which may be `Instant::NEVER`), at first `rate_per_s` starts a second
    /// over all shares. `max_vus` is of all shares too, and all VUs are planned.
    pub fn new(share: &Share, begin: Instant, rate_per_s: f64, end: Instant, max_vus: u64) -> Controlled {
        let vus = share.vus(max_vus);
        let iterations = share.even_stripes_over(max_vus);
        let mut plan = Controlled {
            frame: Frame { planned_vus: vus, max_vus: vus, ..Frame::new(begin, end, end, iterations) },
            legs: VecDeque::from([Leg { at: begin, done: 0.0, rate_per_s: checked(rate_per_s) }]),
            next: Instant::NEVER,
            poisson: None,
        };
        plan.next = plan.due_after_attempted();
        plan
    }

    /// Starts come at random instead of evenly, at the same mean rate: a Poisson process. `seed`
    /// differs between shares.
    pub fn at_random(mut self, seed: u64) -> Controlled {
        let mut poisson = Poisson { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, next: 0.0 };
        poisson.step(self.apart());
        self.poisson = Some(poisson);
        self.next = self.due_after_attempted();
        self
    }

    fn apart(&self) -> f64 {
        let iterations = &self.frame.iterations;
        match iterations.is_empty() {
            true => 1.0,
            false => {
                (iterations.in_test(self.frame.attempted + 1) - iterations.in_test(self.frame.attempted))
                    as f64
            }
        }
    }

    /// From `at` on, `rate_per_s` starts a second over all shares; 0 pauses. Replaces changes
    /// ordered for `at` or later. An order that comes after its time still counts from its time,
    /// but not from before the change in force; shares agree if orders come in order of time.
    pub fn set_rate(&mut self, at: Instant, rate_per_s: f64) {
        let at = at.max(self.legs[0].at);
        // The first stays until the order is in its place, for the integral up to there.
        while self.legs.len() > 1 && self.legs.back().is_some_and(|leg| leg.at >= at) {
            self.legs.pop_back();
        }
        let last = self.legs[self.legs.len() - 1];
        // Repeated orders leave no trace, however long nothing starts in between.
        if last.rate_per_s == rate_per_s {
            self.next = self.due_after_attempted();
            return;
        }
        let order = Leg { at, done: last.done_at(at), rate_per_s: checked(rate_per_s) };
        if last.at == at {
            self.legs.pop_back();
        }
        self.legs.push_back(order);
        self.next = self.due_after_attempted();
    }

    fn due_after_attempted(&self) -> Instant {
        if self.frame.iterations.is_empty() {
            return Instant::NEVER;
        }
        let count = match &self.poisson {
            Some(poisson) => poisson.next,
            None => self.frame.iterations.in_test(self.frame.attempted) as f64,
        };
        // In the last leg that begins before the count is reached.
        let mut due = self.legs[0].due(count);
        for leg in self.legs.iter().skip(1) {
            if leg.at > due {
                break;
            }
            due = leg.due(count);
        }
        due
    }

    pub(super) fn poll_start(&mut self, now: Instant) -> Option<Wish> {
        let due = self.next_start();
        if !is_due(due, now) {
            return None;
        }
        self.frame.attempted += 1;
        let apart = self.apart();
        if let Some(poisson) = &mut self.poisson {
            poisson.step(apart);
        }
        self.next = self.due_after_attempted();
        while self.legs.get(1).is_some_and(|leg| leg.at <= due) {
            self.legs.pop_front();
        }
        Some(Wish::Iterate { due })
    }

    pub(super) fn next_start(&self) -> Instant {
        self.frame.clip(self.next)
    }

    pub(super) fn may_iterate(&self, _vu: u32, _now: Instant) -> bool {
        false
    }

    /// While it may be asked for more, starts are not over; a pause is none.
    pub(super) fn starts_are_over(&self, now: Instant) -> bool {
        now >= self.frame.starts_until && self.next_start() == Instant::NEVER
    }
}

fn checked(rate_per_s: f64) -> f64 {
    assert!(rate_per_s.is_finite() && rate_per_s >= 0.0, "rate {rate_per_s} per second");
    rate_per_s
}

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::super::rehearsal::{poll_all, starts};
    use super::*;

    const MS: u64 = 1_000_000;

    /// 10 starts a second for a second, with `changes` (ms, rate) ordered beforehand.
    fn changed(share: Share, changes: &[(u64, f64)]) -> Plan {
        let mut plan = Controlled::new(&share, Instant::ZERO, 10.0, Instant(1000 * MS), 100);
        for &(at_ms, rate) in changes {
            plan.set_rate(Instant(at_ms * MS), rate);
        }
        Plan::Controlled(plan)
    }

    #[track_caller]
    fn check(mut plan: Plan, want_ms: &[u64]) {
        let got: Vec<u64> =
            starts(&poll_all(&mut plan, Instant::NEVER)).iter().map(|ns| (ns + MS / 2) / MS).collect();
        assert_eq!(got, want_ms);
        assert_eq!(plan.attempted(), want_ms.len() as u64);
        assert!(plan.starts_are_over(Instant(1000 * MS)));
    }

    #[test]
    fn an_unchanged_rate_is_even() {
        check(changed(Share::whole(), &[]), &[0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
    }

    #[test]
    fn a_change_keeps_the_phase_of_the_schedule() {
        // At 150 ms half a period has passed; the other half takes 250 ms at 2/s, 25 ms at 20/s.
        check(changed(Share::whole(), &[(150, 2.0)]), &[0, 100, 400, 900]);
        check(changed(Share::whole(), &[(150, 20.0), (300, 2.0)]), &[0, 100, 175, 225, 275, 550]);
    }

    #[test]
    fn rate_zero_is_a_pause() {
        check(changed(Share::whole(), &[(150, 0.0), (750, 10.0)]), &[0, 100, 800, 900]);
        check(changed(Share::whole(), &[(0, 0.0), (750, 10.0)]), &[750, 850, 950]);
        check(changed(Share::whole(), &[(100, 0.0)]), &[0]);
    }

    #[test]
    fn an_order_replaces_those_for_later() {
        check(changed(Share::whole(), &[(500, 100.0), (150, 2.0)]), &[0, 100, 400, 900]);
        check(changed(Share::whole(), &[(150, 100.0), (150, 2.0)]), &[0, 100, 400, 900]);
    }

    #[test]
    fn a_repeated_order_changes_nothing() {
        check(changed(Share::whole(), &[(150, 2.0), (300, 2.0), (350, 2.0)]), &[0, 100, 400, 900]);
        // But it takes back what was ordered for later.
        check(
            changed(Share::whole(), &[(500, 100.0), (450, 10.0), (850, 2.0)]),
            &[0, 100, 200, 300, 400, 500, 600, 700, 800],
        );
    }

    #[test]
    fn an_order_that_comes_late_counts_from_its_time() {
        let mut plan = changed(Share::whole(), &[]);
        assert_eq!(poll_all(&mut plan, Instant(350 * MS)).len(), 4);
        let Plan::Controlled(controlled) = &mut plan else { unreachable!() };
        // By 250 ms 2.5 periods had passed: start 4 is 1.5 periods of 200 ms away.
        controlled.set_rate(Instant(250 * MS), 5.0);
        let later = starts(&poll_all(&mut plan, Instant::NEVER));
        assert_eq!(later, [550 * MS, 750 * MS, 950 * MS]);
    }

    #[test]
    fn workers_stay_staggered_through_changes() {
        let changes = [(150, 20.0), (300, 2.0)];
        check(changed(Share::worker(0, 3), &changes), &[0, 225]);
        check(changed(Share::worker(1, 3), &changes), &[100, 275]);
        check(changed(Share::worker(2, 3), &changes), &[175, 550]);
    }

    #[test]
    fn random_arrivals_have_the_mean_and_the_spread_of_a_poisson_process() {
        // Two shares of 500/s each, for 100 s: gaps of their union are exponential.
        let mut all = Vec::new();
        for worker in 0..2 {
            let share = Share::worker(worker, 2);
            let plan = Controlled::new(&share, Instant::ZERO, 1000.0, Instant(100_000 * MS), 100);
            let mut plan = Plan::Controlled(plan.at_random(u64::from(worker) + 1));
            all.extend(starts(&poll_all(&mut plan, Instant::NEVER)));
        }
        all.sort_unstable();
        // The standard deviation of the count is 316.
        assert!(all.len().abs_diff(100_000) < 1_300, "{} starts", all.len());
        let gaps: Vec<f64> = all.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / MS as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.02, "deviation {}, mean {mean}", variance.sqrt());
    }

    #[test]
    fn a_pause_is_not_the_end_of_starts() {
        let mut plan = changed(Share::whole(), &[(100, 0.0)]);
        assert_eq!(poll_all(&mut plan, Instant(500 * MS)).len(), 1);
        assert_eq!(plan.next_due(), Instant(1000 * MS));
        assert!(!plan.starts_are_over(Instant(500 * MS)));
        assert_eq!(plan.poll(Instant(1000 * MS)), Some(Wish::InterruptAll { due: Instant(1000 * MS) }));
    }

    #[test]
    fn workers_without_a_vu_own_no_start() {
        let plan = |worker| {
            Plan::Controlled(Controlled::new(
                &Share::worker(worker, 3),
                Instant::ZERO,
                4.0,
                Instant(1000 * MS),
                2,
            ))
        };
        check(plan(0), &[0, 500]);
        check(plan(1), &[250, 750]);
        check(plan(2), &[]);
        assert_eq!([0, 1, 2].map(|worker| plan(worker).max_vus()), [1, 1, 0]);
    }
}
