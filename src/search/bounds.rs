//! Lower bound, upper bound or undecided: what the trials at a load say, for one goal.
//!
//! The classification of draft-ietf-bmwg-mlrsearch, complete for trials of any length: a load is a
//! bound only when no result of the trials that are still to come could change it. One thing is
//! added: where most trials pass, but all of them together lose more than the goal allows, the load
//! fails. Bursts that come once in three trials are no accident (docs/decisions/0025).

/// How sure a bound must be, and how close the bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Target {
    /// Trials of one load last so long in total, in seconds.
    pub duration_sum: f64,
    /// Of the bracket, in steps of the grid.
    pub width: i32,
}

/// The part of the trials of a lower bound that may exceed the loss ratio. One half has the least
/// variance of the time to answer, and can be explained: most of the seconds were fine.
pub(super) const EXCEED_RATIO: f64 = 0.5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Lower,
    Upper,
    Undecided,
}

/// Seconds of the trials at one load. Short: less than the load's full length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Durations {
    pub full_low: f64,
    pub full_high: f64,
    pub short_low: f64,
    pub short_high: f64,
    /// Of all trials: the loss ratio times the seconds, and how many exceeded.
    lost: f64,
    exceeded: u32,
}

impl Durations {
    pub(super) fn add(&mut self, seconds: f64, is_full: bool, exceeded: bool, loss: f64) {
        *match (is_full, exceeded) {
            (true, false) => &mut self.full_low,
            (true, true) => &mut self.full_high,
            (false, false) => &mut self.short_low,
            (false, true) => &mut self.short_high,
        } += seconds;
        self.lost += loss * seconds;
        self.exceeded += u32::from(exceeded);
    }

    pub(super) fn classify(&self, duration_sum: f64, allowed_loss: f64) -> Class {
        match self.classify_by_majority(duration_sum) {
            Class::Upper => Class::Upper,
            // One accident is left to the majority.
            _ if self.exceeded > 1 && self.lost / self.whole(duration_sum) > allowed_loss => Class::Upper,
            Class::Lower if self.lost / self.whole(0.0) > allowed_loss => Class::Undecided,
            class => class,
        }
    }

    fn classify_by_majority(&self, duration_sum: f64) -> Class {
        let exceed_coefficient = EXCEED_RATIO / (1.0 - EXCEED_RATIO);
        let positive_excess = (self.short_high - self.short_low * exceed_coefficient).max(0.0);
        let high = self.full_high + positive_excess;
        let whole = (self.full_low + high).max(duration_sum);
        // Lengths are measured, so sums that should be equal differ by nanoseconds.
        let allowed = whole * EXCEED_RATIO + 1e-6;
        if whole - self.full_low <= allowed {
            Class::Lower
        } else if high > allowed {
            Class::Upper
        } else {
            Class::Undecided
        }
    }

    /// All seconds, were the budget used up.
    fn whole(&self, duration_sum: f64) -> f64 {
        (self.full_low + self.full_high + self.short_low + self.short_high).max(duration_sum)
    }
}

/// The relevant bounds among loads in ascending order: the smallest upper bound, and the largest
/// lower bound below it. A load that passed above one that failed is no evidence for the service.
pub(super) fn relevant(classes: &[(i32, Class)]) -> (Option<i32>, Option<i32>) {
    let upper = classes.iter().position(|(_, class)| *class == Class::Upper);
    let below = &classes[..upper.unwrap_or(classes.len())];
    let lower = below.iter().rfind(|(_, class)| *class == Class::Lower);
    (lower.map(|(index, _)| *index), upper.map(|at| classes[at].0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `trials`: `+` passed, `-` failed, each 2 s; those that failed lost `loss`.
    fn durations(trials: &str, loss: f64) -> Durations {
        let mut durations = Durations::default();
        for trial in trials.chars() {
            let exceeded = trial == '-';
            durations.add(2.0, true, exceeded, if exceeded { loss } else { 0.0 });
        }
        durations
    }

    /// Against a budget of 20 s and a goal of 1 %; what fails loses little more.
    #[track_caller]
    fn check(trials: &str, want: Class) {
        assert_eq!(durations(trials, 0.011).classify(20.0, 0.01), want, "{trials}");
    }

    #[test]
    fn half_of_the_budget_decides_early() {
        check("", Class::Undecided);
        check("++++", Class::Undecided);
        check("+++++", Class::Lower);
        check("-----", Class::Undecided);
        check("------", Class::Upper);
        check("+----+---", Class::Upper);
        check("-----+++++", Class::Lower);
    }

    #[test]
    fn more_trials_than_the_budget_count_all() {
        check("+++++------", Class::Upper);
        check("++++++------", Class::Lower);
    }

    #[test]
    fn what_all_trials_lose_together_counts_too() {
        let check = |trials: &str, loss: f64, want: Class| {
            assert_eq!(durations(trials, loss).classify(20.0, 0.01), want, "{trials} {loss}");
        };
        check("+++++++--", 0.2, Class::Upper);
        check("+--", 0.2, Class::Upper);
        check("+++++++--", 0.04, Class::Lower);
        // A single accident waits for more trials, until they outweigh it.
        check("+++++-", 0.2, Class::Undecided);
        check("-", 1.0, Class::Undecided);
        check(&format!("-{}", "+".repeat(19)), 0.2, Class::Lower);
    }

    #[test]
    fn short_trials_count_only_as_failures_beyond_the_passes() {
        let short =
            |low: f64, high: f64| Durations { short_low: low, short_high: high, ..Durations::default() };
        assert_eq!(short(100.0, 0.0).classify(20.0, 0.01), Class::Undecided);
        assert_eq!(short(4.0, 10.0).classify(20.0, 0.01), Class::Undecided);
        assert_eq!(short(4.0, 16.0).classify(20.0, 0.01), Class::Upper);
    }

    #[test]
    fn one_trial_decides_where_there_is_no_budget() {
        assert_eq!(durations("+", 0.0).classify(0.0, 0.01), Class::Lower);
        assert_eq!(durations("-", 0.02).classify(0.0, 0.01), Class::Upper);
    }

    /// `classes`: `+` lower, `-` upper, `?` undecided, at loads 0, 1, 2…
    #[track_caller]
    fn check_relevant(classes: &str, want: (Option<i32>, Option<i32>)) {
        let class = |sign| match sign {
            '+' => Class::Lower,
            '-' => Class::Upper,
            _ => Class::Undecided,
        };
        let classes: Vec<(i32, Class)> = (0..).zip(classes.chars().map(class)).collect();
        assert_eq!(relevant(&classes), want);
    }

    #[test]
    fn an_inversion_is_resolved_for_the_lower_load() {
        check_relevant("?+-+-", (Some(1), Some(2)));
        check_relevant("+?-", (Some(0), Some(2)));
        check_relevant("-+", (None, Some(0)));
        check_relevant("++", (Some(1), None));
        check_relevant("", (None, None));
    }
}
