//! What a search looks for: thresholds read as "at most this share of requests is lost".

use crate::metrics::threshold::expression::{Aggregate, Expression, Operator};
use crate::metrics::threshold::selector;
use crate::options::ThresholdSpec;
use std::time::Duration;

/// At most `loss_ratio` of the requests may not be good. Good: answered as the script expects,
/// within the deadline from the scheduled start.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// As the user wrote it: `http_req_duration{name:login}: p(95)<500`.
    pub text: String,
    /// Only requests with these tags count; empty: all.
    pub tags: Vec<(String, String)>,
    pub loss_ratio: f64,
    pub deadline: Deadline,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// None but the request's own timeout.
    Timeout,
    Within(Duration),
    /// This many times the unloaded p99, but at least so long. The baseline turns it into
    /// `Within`; before the first open trial it is resolved.
    OfBaseline {
        times: u32,
        at_least: Duration,
    },
}

/// A threshold that is no loss ratio: it makes a whole trial pass or fail.
#[derive(Clone, Debug, PartialEq)]
pub struct SideCondition {
    pub metric: String,
    pub threshold: ThresholdSpec,
}

/// Everything that a trial must meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Goals {
    pub goals: Vec<Goal>,
    pub side_conditions: Vec<SideCondition>,
    /// The script has no thresholds: the goals are ours. The report says so.
    pub are_defaults: bool,
}

impl Goals {
    /// At most 0.1 % errors; p99 within ten times the unloaded p99 or 100 ms, whichever is more.
    pub fn defaults() -> Goals {
        let latency = Deadline::OfBaseline { times: 10, at_least: Duration::from_millis(100) };
        let goal = |text: &str, loss_ratio, deadline| Goal {
            text: text.to_owned(),
            tags: Vec::new(),
            loss_ratio,
            deadline,
        };
        Goals {
            goals: vec![
                goal("errors<=0.1%", 0.001, Deadline::Timeout),
                goal("p(99)<=max(10 x unloaded p99, 100ms)", 0.01, latency),
            ],
            side_conditions: Vec::new(),
            are_defaults: true,
        }
    }

    /// By metric or sub-metric, as a script has them. With side conditions only, the goal of at
    /// most 0.1 % errors stands beside them, so that there is something to count.
    pub fn from_thresholds(thresholds: &[(String, Vec<ThresholdSpec>)]) -> Result<Goals, String> {
        let mut read = Goals { goals: Vec::new(), side_conditions: Vec::new(), are_defaults: false };
        for (metric, specs) in thresholds {
            for spec in specs {
                match goal(metric, spec)? {
                    Some(goal) => read.goals.push(goal),
                    None => read
                        .side_conditions
                        .push(SideCondition { metric: metric.clone(), threshold: spec.clone() }),
                }
            }
        }
        match (read.goals.is_empty(), read.side_conditions.is_empty()) {
            (true, true) => Ok(Goals::defaults()),
            (true, false) => {
                let errors = Goals::defaults().goals.swap_remove(0);
                Ok(Goals { goals: vec![errors], ..read })
            }
            _ => Ok(read),
        }
    }

    /// The longest time after which a request cannot be good any more.
    pub fn longest_deadline(&self, timeout: Duration) -> Duration {
        self.goals.iter().map(|goal| goal.deadline.or(timeout)).max().unwrap_or(timeout)
    }

    /// What latencies are compared with first; `None`: no goal has a deadline of its own.
    pub fn shortest_deadline(&self) -> Option<Duration> {
        let within = self.goals.iter().filter_map(|goal| match goal.deadline {
            Deadline::Within(deadline) => Some(deadline),
            _ => None,
        });
        within.min()
    }

    /// Deadlines that hang on the baseline become plain ones.
    pub(super) fn resolve(&mut self, unloaded_p99: Duration) {
        for goal in &mut self.goals {
            if let Deadline::OfBaseline { times, at_least } = goal.deadline {
                goal.deadline = Deadline::Within((unloaded_p99 * times).max(at_least));
            }
        }
    }
}

impl Deadline {
    /// As a duration. `OfBaseline` is not resolved yet: the timeout.
    pub fn or(self, timeout: Duration) -> Duration {
        match self {
            Deadline::Within(deadline) => deadline.min(timeout),
            Deadline::Timeout | Deadline::OfBaseline { .. } => timeout,
        }
    }
}

/// The threshold as a goal, if it has that form.
fn goal(metric: &str, spec: &ThresholdSpec) -> Result<Option<Goal>, String> {
    let expression = Expression::parse(&spec.source)?;
    let (name, labels) = selector::split_name(metric)
        .map_err(|why| format!("unable to validate threshold expressions; reason: {why}"))?;
    let below = matches!(expression.operator, Operator::Less | Operator::LessEqual);
    let (loss_ratio, deadline) = match (name, expression.aggregate) {
        // A share of 1 or more always holds, and one of 0 has no width that trials could resolve.
        ("http_req_failed", Aggregate::Rate) if below && is_share(expression.limit) => {
            (expression.limit, Deadline::Timeout)
        }
        ("http_req_duration", Aggregate::Percentile(percent))
            if below && is_share(1.0 - percent / 100.0) && expression.limit > 0.0 =>
        {
            (1.0 - percent / 100.0, within_ms(expression.limit))
        }
        ("http_req_duration", Aggregate::Med) if below && expression.limit > 0.0 => {
            (0.5, within_ms(expression.limit))
        }
        _ => return Ok(None),
    };
    let tags = labels.map(selector::tags_of).unwrap_or_default();
    Ok(Some(Goal { text: format!("{metric}: {}", spec.source.trim()), tags, loss_ratio, deadline }))
}

fn is_share(ratio: f64) -> bool {
    ratio > 0.0 && ratio < 1.0
}

/// A limit beyond what a duration holds is none.
fn within_ms(ms: f64) -> Deadline {
    Duration::try_from_secs_f64(ms / 1e3).map_or(Deadline::Timeout, Deadline::Within)
}
