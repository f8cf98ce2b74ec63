//! What a search found, so far or in the end: everything that its report shows.
//!
//! Numbers and enums only; texts are the report's. Rates are iterations a second.

use super::goal::Goals;
use super::order::Purpose;
use super::outcome::{Outcome, Percentiles};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The search is not over: the best that is known.
    pub provisional: bool,
    /// What was searched for, with deadlines as they were resolved after the baseline.
    pub goals: Goals,
    /// By goal, in the order of `goals`.
    pub findings: Vec<GoalFinding>,
    /// Of all goals and side conditions together: the limit.
    pub limit: Finding,
    /// The goal that sets the limit, as an index; `None` if a side condition does, or nothing.
    pub limiting_goal: Option<usize>,
    /// The goal "at most 0.1 % errors, whatever the latency", searched for or not.
    pub error_onset: ErrorOnset,
    pub baseline: Option<Baseline>,
    pub knee: Knee,
    /// The highest goodput at any offered load; `None` before the first trial.
    pub capacity: Option<f64>,
    pub confirmed: Confirmed,
    pub probe: Option<Probe>,
    pub overload: Option<Overload>,
    pub recovery: Option<Recovery>,
    /// By load, ascending.
    pub loads: Vec<Load>,
    /// In the order in which they were made, also those that do not count.
    pub trials: Vec<Trial>,
    /// What a reader must know before believing the rest.
    pub remarks: Vec<Remark>,
    /// (mean in flight, finished iterations a second) of the valid trials, for the Universal
    /// Scalability Law; `None`: too little spread to fit (`usl::has_spread`).
    pub usl_points: Option<Vec<(f64, f64)>>,
    /// Of the baseline; 1 before.
    pub requests_per_iteration: f64,
    /// How long the search took so far.
    pub took: Duration,
}

/// A goal's limit.
#[derive(Clone, Debug, PartialEq)]
pub struct GoalFinding {
    pub finding: Finding,
    /// The loss ratio that a trial at the limit can tell from zero: 3 / requests. Above the goal's
    /// own ratio, the goal cannot be resolved there.
    pub resolvable_floor: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Nothing decided yet.
    Unknown,
    Found(Limit),
    /// The highest load that could be tried still passed: "at least".
    NotReached {
        at_least: f64,
        why: Ceiling,
    },
    /// The lowest load that was tried failed.
    Below {
        rate: f64,
    },
}

/// Why no higher load was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceiling {
    /// Trials above were invalid: the generator ran out first.
    Generator,
    /// `Settings::max_rate`.
    MaxRate,
    /// `Settings::max_time`.
    MaxTime,
}

/// A bracket and what it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The figure to quote: the conditional throughput at the relevant lower bound.
    pub rate: f64,
    /// A 95 % interval of the load where the goal breaks.
    pub interval: (f64, f64),
    /// The offered loads of the relevant lower and upper bound.
    pub lower: f64,
    pub upper: f64,
    /// The bracket is as narrow as was asked for.
    pub resolved: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ErrorOnset {
    Unknown,
    /// The smallest load with more than 0.1 % errors, and the largest below it without.
    Between {
        clean: f64,
        failing: f64,
    },
    /// No trial had errors up to this offered load.
    NoneUpTo(f64),
}

/// One connection, unloaded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    pub latency: Percentiles,
    pub rate: f64,
    pub requests_per_iteration: f64,
    /// Mean time of an iteration; rate x this is the number of VUs in flight, unloaded.
    pub iteration: Duration,
}

/// Where more load starts to cost more than it brings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Knee {
    /// The load of the highest goodput / latency (Kleinrock's power).
    pub power: Option<f64>,
    /// Where goodput leaves the line "as much as is offered", if two lines fit better than one.
    pub break_of_goodput: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Confirmed {
    /// Not tried: too early, too little time, or nothing to confirm.
    No,
    /// The long trial at this load passed, after so many that failed above.
    Yes { rate: f64, after_failures: u32 },
    /// Every long trial failed, this one last.
    Failed { rate: f64 },
}

/// The same load at the upper bound, without and with a handicapped generator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    pub rate: f64,
    pub goodput: (f64, f64),
    pub p99: (Duration, Duration),
    /// Goodput differs by more than 3 % and more than trials do: the generator is a part of the
    /// limit.
    pub generator_matters: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Overload {
    pub steps: Vec<OverloadStep>,
    /// Goodput at 1.5 x the limit over the capacity; `None` if that trial is missing.
    pub kept_at_1_5: Option<f64>,
    pub behaviour: Option<Behaviour>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverloadStep {
    pub factor: f64,
    pub rate: f64,
    pub goodput: f64,
    pub valid: bool,
}

/// What goodput does at 1.5 x the limit, as a part of the capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// At least 0.95.
    Plateau,
    /// At least 0.5.
    Degrading,
    Collapsing,
}

/// After the overload, at 0.8 x the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Recovery {
    /// After this long the first of five good windows began.
    After { rate: f64, time: Duration },
    /// Never, as long as was waited: the overload left it in a bad state that it does not leave
    /// under a load that it bore before.
    Metastable { rate: f64, waited: Duration },
}

/// All valid trials at one load.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    pub offered: f64,
    pub goodput: f64,
    pub latency: Percentiles,
    /// Failed requests over those that should have been made.
    pub failed_ratio: f64,
    pub passed: u32,
    pub valid: u32,
    pub all: u32,
    pub verdict: LoadVerdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadVerdict {
    Pass,
    Fail,
    Undecided,
    /// No valid trial.
    Invalid,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    pub purpose: Purpose,
    /// Since the run began.
    pub ended: crate::time::Instant,
    pub offered: f64,
    /// Good iterations a second under the strictest goal, without what the backlog grew by.
    pub goodput: f64,
    /// Loss ratio by goal.
    pub loss: Vec<f64>,
    pub standing: Standing,
    /// Every goal and side condition held.
    pub passed: bool,
    pub outcome: Outcome,
}

/// Whether a trial counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Counts,
    /// Outside of the search by its purpose: warm-up, baseline, burst, probe with a handicap.
    Aside,
    /// The generator did not do what was ordered.
    Invalid,
    /// Requests of the trial before were still in flight when it began.
    Tainted,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Remark {
    /// The script has no threshold that a search can use: the default goals are in force.
    DefaultGoals,
    /// The bracket is wider than twice the width that was asked for.
    Irregular { lower: f64, upper: f64 },
    /// A load passed above one that failed; the lower one counts.
    LossInversion { failed: f64, passed_above: f64 },
    /// Too few requests in a trial to tell the goal's loss ratio from zero.
    CannotResolve { goal: usize, floor: f64 },
    /// `max_time` ended the search before this was done.
    OutOfTime { skipped: Skipped },
    /// From `lowest` to `highest` load, trials of one length both passed and failed: what the
    /// service bears differs from moment to moment.
    Noisy { lowest: f64, highest: f64 },
    /// The target did not become idle after a trial; it was given a rest.
    DidNotDrain { offered: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    Narrowing,
    Probe,
    Confirmation,
    Overload,
    Recovery,
}
