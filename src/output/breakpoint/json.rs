//! The whole answer as JSON. Every object has all its fields; what is not known is `null`.

use super::Context;
use super::limit::{condition_text, finding_text, is_irregular};
use super::{advice, broke, limit, remarks};
use crate::diagnosis::Diagnosis;
use crate::output::verdict;
use crate::search::answer::{
    Behaviour, Ceiling, Confirmed, ErrorOnset, Finding, GoalFinding, Load, LoadVerdict, Overload, Probe,
    Recovery, Remark, Skipped, Standing, Trial,
};
use crate::search::goal::{Deadline, Goal};
use crate::search::{Answer, Outcome, Percentiles, Purpose, Settings, Validity};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Of the fields and what they mean; a change that a reader must know of makes it one more.
const SCHEMA: u32 = 1;

/// One document, with a newline at its end.
pub fn render_json(answer: &Answer, diagnosis: Option<&Diagnosis>, context: &Context) -> String {
    let mut text = document(answer, diagnosis, context).to_string();
    text.push('\n');
    text
}

pub(super) fn document(answer: &Answer, diagnosis: Option<&Diagnosis>, context: &Context) -> Value {
    let line = limit::line(answer, context);
    let goals = std::iter::zip(&answer.goals.goals, &answer.findings);
    let conditions = answer.goals.side_conditions.iter();
    let remarks = answer.remarks.iter().map(|remark| remark_value(remark, answer, context));
    json!({
        "schema": SCHEMA,
        "run": {
            "ringload": context.version,
            "args": context.args,
            "target": context.target,
            "begun_at": context.begun_at,
            "took_s": seconds(answer.took),
            "ended": if context.interrupted { "interrupted" } else { "finished" },
        },
        "engine": { "transport": context.transport, "workers": context.workers },
        "machine": { "kernel": context.kernel, "cpu": context.cpu, "cpus": context.cpus },
        "settings": settings_value(&context.settings),
        "text": format!("{} {}{}", line.label, line.figure, line.grounds),
        "advice": advice::advice(answer, diagnosis, context),
        "provisional": answer.provisional,
        "requests_per_iteration": answer.requests_per_iteration,
        "limit": limit_value(answer),
        "default_goals": answer.goals.are_defaults,
        "goals": goals.map(|(goal, found)| goal_value(goal, found)).collect::<Vec<_>>(),
        "side_conditions": conditions.map(condition_text).collect::<Vec<_>>(),
        "broke_first": diagnosis.map(|diagnosis| broke_value(answer, diagnosis)),
        "probe": answer.probe.map(|probe| probe_value(&probe)),
        "baseline": answer.baseline.map(|baseline| json!({
            "latency_s": latency_value(&baseline.latency),
            "rate": baseline.rate,
            "requests_per_iteration": baseline.requests_per_iteration,
            "iteration_s": seconds(baseline.iteration),
        })),
        "confirmed": confirmed_value(answer.confirmed),
        "knee": { "power": answer.knee.power, "break_of_goodput": answer.knee.break_of_goodput },
        "error_onset": error_onset_value(answer.error_onset),
        "capacity": answer.capacity,
        "overload": answer.overload.as_ref().map(overload_value),
        "recovery": answer.recovery.map(recovery_value),
        "remarks": remarks.collect::<Vec<_>>(),
        "notes": context.notes,
        "loads": answer.loads.iter().map(load_value).collect::<Vec<_>>(),
        "trials": answer.trials.iter().map(trial_value).collect::<Vec<_>>(),
        "usl_points": answer.usl_points.as_ref().map(|points| {
            points.iter().map(|(in_flight, rate)| json!([in_flight, rate])).collect::<Vec<_>>()
        }),
    })
}

fn settings_value(settings: &Settings) -> Value {
    let burn = settings.probe.map(|handicap| handicap.burn_share);
    json!({
        "max_rate": settings.max_rate,
        "min_rate": settings.min_rate,
        "max_time_s": seconds(settings.max_time),
        "width": settings.width,
        "strict": settings.strict,
        "overload": settings.overload,
        "probe": burn.map(|_| "burn"),
        "probe_burn": burn,
        "timeout_s": seconds(settings.timeout),
    })
}

/// The finding of all goals and side conditions together, and who set it.
fn limit_value(answer: &Answer) -> Value {
    let mut value = finding_value(&answer.limit);
    let is_set = matches!(answer.limit, Finding::Found(_) | Finding::Below { .. });
    let set_by = match answer.limiting_goal {
        _ if !is_set => None,
        Some(_) => Some("goal"),
        None => Some("side_condition"),
    };
    value["irregular"] = is_irregular(answer).into();
    value["set_by"] = set_by.into();
    value["goal"] = answer.limiting_goal.filter(|_| is_set).into();
    value
}

fn finding_value(finding: &Finding) -> Value {
    let none = || (Value::Null, Value::Null);
    let (kind, rate, (interval, resolved), why) = match finding {
        Finding::Unknown => ("unknown", None, none(), None),
        Finding::Found(limit) => {
            let (from, to) = limit.interval;
            ("found", Some(limit.rate), (json!([from, to]), limit.resolved.into()), None)
        }
        Finding::NotReached { at_least, why } => {
            ("not_reached", Some(*at_least), none(), Some(ceiling_name(*why)))
        }
        Finding::Below { rate } => ("below", Some(*rate), none(), None),
    };
    let (lower, upper) = match finding {
        Finding::Found(limit) => (Some(limit.lower), Some(limit.upper)),
        _ => (None, None),
    };
    json!({
        "kind": kind,
        "rate": rate,
        "interval": interval,
        "lower": lower,
        "upper": upper,
        "resolved": resolved,
        "why": why,
        "text": finding_text(finding),
    })
}

fn ceiling_name(ceiling: Ceiling) -> &'static str {
    match ceiling {
        Ceiling::Generator => "generator",
        Ceiling::MaxRate => "max_rate",
        Ceiling::MaxTime => "max_time",
    }
}

fn goal_value(goal: &Goal, found: &GoalFinding) -> Value {
    let deadline = match goal.deadline {
        Deadline::Within(deadline) => Some(seconds(deadline)),
        Deadline::Timeout | Deadline::OfBaseline { .. } => None,
    };
    let tags = goal.tags.iter().map(|(name, value)| json!([name, value]));
    json!({
        "text": goal.text,
        "tags": tags.collect::<Vec<_>>(),
        "loss_ratio": goal.loss_ratio,
        "deadline_s": deadline,
        "finding": finding_value(&found.finding),
        "resolvable_floor": found.resolvable_floor,
    })
}

/// As `ringload run` tells it, but for the headline, which the probe may change.
fn broke_value(answer: &Answer, diagnosis: &Diagnosis) -> Value {
    let mut value = verdict::to_json(diagnosis);
    value["text"] = broke::headline(answer, diagnosis).into();
    value
}

fn probe_value(probe: &Probe) -> Value {
    let side = |goodput: f64, p99: Duration| json!({ "goodput": goodput, "p99_s": seconds(p99) });
    json!({
        "rate": probe.rate,
        "usual": side(probe.goodput.0, probe.p99.0),
        "handicapped": side(probe.goodput.1, probe.p99.1),
        "generator_matters": probe.generator_matters,
    })
}

fn confirmed_value(confirmed: Confirmed) -> Value {
    let (kind, rate, after) = match confirmed {
        Confirmed::No => ("no", None, None),
        Confirmed::Yes { rate, after_failures } => ("yes", Some(rate), Some(after_failures)),
        Confirmed::Failed { rate } => ("failed", Some(rate), None),
    };
    json!({ "kind": kind, "rate": rate, "after_failures": after })
}

fn error_onset_value(onset: ErrorOnset) -> Value {
    let (clean, failing) = match onset {
        ErrorOnset::Unknown => (None, None),
        ErrorOnset::Between { clean, failing } => (Some(clean), Some(failing)),
        ErrorOnset::NoneUpTo(clean) => (Some(clean), None),
    };
    json!({ "clean": clean, "failing": failing })
}

fn overload_value(overload: &Overload) -> Value {
    let behaviour = overload.behaviour.map(|behaviour| match behaviour {
        Behaviour::Plateau => "plateau",
        Behaviour::Degrading => "degrading",
        Behaviour::Collapsing => "collapsing",
    });
    let steps = overload.steps.iter().map(|step| {
        json!({ "factor": step.factor, "rate": step.rate, "goodput": step.goodput, "valid": step.valid })
    });
    json!({
        "kept_at_1_5": overload.kept_at_1_5,
        "behaviour": behaviour,
        "steps": steps.collect::<Vec<_>>(),
    })
}

fn recovery_value(recovery: Recovery) -> Value {
    let (rate, after, waited) = match recovery {
        Recovery::After { rate, time } => (rate, Some(seconds(time)), None),
        Recovery::Metastable { rate, waited } => (rate, None, Some(seconds(waited))),
    };
    json!({ "rate": rate, "after_s": after, "metastable": after.is_none(), "waited_s": waited })
}

fn remark_value(remark: &Remark, answer: &Answer, context: &Context) -> Value {
    let (name, values) = match *remark {
        Remark::DefaultGoals => ("default_goals", json!({})),
        Remark::Irregular { lower, upper } => ("irregular", json!({ "lower": lower, "upper": upper })),
        Remark::LossInversion { failed, passed_above } => {
            ("loss_inversion", json!({ "failed": failed, "passed_above": passed_above }))
        }
        Remark::CannotResolve { goal, floor } => ("cannot_resolve", json!({ "goal": goal, "floor": floor })),
        Remark::OutOfTime { skipped } => ("out_of_time", json!({ "skipped": skipped_name(skipped) })),
        Remark::Noisy { lowest, highest } => ("noisy", json!({ "lowest": lowest, "highest": highest })),
        Remark::DidNotDrain { offered } => ("did_not_drain", json!({ "offered": offered })),
    };
    json!({ "remark": name, "values": values, "text": remarks::sentence(remark, answer, context) })
}

fn skipped_name(skipped: Skipped) -> &'static str {
    match skipped {
        Skipped::Narrowing => "narrowing",
        Skipped::Probe => "probe",
        Skipped::Confirmation => "confirmation",
        Skipped::Overload => "overload",
        Skipped::Recovery => "recovery",
    }
}

fn load_value(load: &Load) -> Value {
    let verdict = match load.verdict {
        LoadVerdict::Pass => "pass",
        LoadVerdict::Fail => "fail",
        LoadVerdict::Undecided => "undecided",
        LoadVerdict::Invalid => "invalid",
    };
    let measured = load.valid > 0;
    json!({
        "offered": load.offered,
        "goodput": measured.then_some(load.goodput),
        "latency_s": measured.then(|| latency_value(&load.latency)),
        "failed_ratio": measured.then_some(load.failed_ratio),
        "passed": load.passed,
        "valid": load.valid,
        "all": load.all,
        "verdict": verdict,
    })
}

fn trial_value(trial: &Trial) -> Value {
    let standing = match trial.standing {
        Standing::Counts => "counts",
        Standing::Aside => "aside",
        Standing::Invalid => "invalid",
        Standing::Tainted => "tainted",
    };
    let factor = match trial.purpose {
        Purpose::Overload { factor } => Some(factor),
        _ => None,
    };
    let mut value = outcome_value(&trial.outcome);
    value.extend([
        ("purpose".to_owned(), trial.purpose.name().into()),
        ("factor".to_owned(), factor.into()),
        ("ended_s".to_owned(), seconds(Duration::from_nanos(trial.ended.0)).into()),
        ("offered".to_owned(), trial.offered.into()),
        ("goodput".to_owned(), trial.goodput.into()),
        ("loss".to_owned(), trial.loss.clone().into()),
        ("standing".to_owned(), standing.into()),
        ("passed".to_owned(), trial.passed.into()),
    ]);
    value.into()
}

fn outcome_value(outcome: &Outcome) -> Map<String, Value> {
    let invalid_because = match &outcome.validity {
        Validity::Valid => Vec::new(),
        Validity::Invalid(reasons) => reasons.clone(),
    };
    let goals = outcome.goals.iter().map(|count| json!({ "requests": count.requests, "good": count.good }));
    let fields = [
        ("rate", outcome.rate.into()),
        ("measured_s", seconds(outcome.measured).into()),
        ("scheduled", outcome.scheduled.into()),
        ("started", outcome.started.into()),
        ("requests", outcome.requests.into()),
        ("failed", outcome.failed.into()),
        ("goals", goals.collect()),
        ("side_conditions", outcome.side_conditions.clone().into()),
        ("latency_s", latency_value(&outcome.latency)),
        ("backlog", json!([outcome.backlog_begin, outcome.backlog_end])),
        ("in_flight_mean", outcome.in_flight_mean.into()),
        ("drained", outcome.drained.into()),
        ("invalid_because", invalid_because.into()),
    ];
    fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

fn latency_value(latency: &Percentiles) -> Value {
    json!({ "p50": seconds(latency.p50), "p95": seconds(latency.p95), "p99": seconds(latency.p99) })
}

/// To the microsecond.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e6
}
