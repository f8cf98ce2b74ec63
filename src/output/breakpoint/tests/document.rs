//! The JSON, against `docs/breakpoint.md`.

use super::super::json::document;
use super::*;
use serde_json::Value;
use std::collections::BTreeSet;

/// Objects whose fields are other documents' or a row's of another table.
const OPAQUE: &[&str] = &[
    "broke_first.checks",
    "broke_first.because",
    "broke_first.validity",
    "broke_first.evidence",
    "remarks[].values",
];

/// Paths of all leaves.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) if !OPAQUE.contains(&path) => {
            for (name, value) in object {
                let separator = if path.is_empty() { "" } else { "." };
                fields(value, &format!("{path}{separator}{name}"), found);
            }
        }
        Value::Array(values) if !OPAQUE.contains(&path) && values.iter().any(Value::is_object) => {
            values.iter().for_each(|value| fields(value, &format!("{path}[]"), found));
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

/// First cells of the rows under a heading.
fn described(heading: &str) -> BTreeSet<String> {
    let page = include_str!("../../../../docs/breakpoint.md");
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect("a section");
    let name = |line: &str| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned());
    section.lines().filter_map(name).collect()
}

/// Everything that an answer can hold.
fn full() -> Answer {
    let mut answer = found();
    answer.goals = goals(&[("http_req_duration{name:login}", "p(95)<500"), ("checks", "rate>0.99")]);
    answer.usl_points = Some(vec![(1.0, 2_400.0), (80.0, 41_900.0)]);
    answer.remarks = vec![Remark::CannotResolve { goal: 0, floor: 0.06 }];
    answer.trials.push(invalid(trial(Purpose::Bracket, 30.0, 83_800.0), "a worker was 97.2% busy"));
    answer
}

#[test]
fn the_page_describes_every_field_that_is_written() {
    let mut written = BTreeSet::new();
    fields(&document(&full(), Some(&application()), &context()), "", &mut written);
    let described = described("Fields\n");
    let missing: Vec<_> = written.difference(&described).collect();
    let untrue: Vec<_> = described.difference(&written).collect();
    assert!(missing.is_empty() && untrue.is_empty(), "not described: {missing:?}; not written: {untrue:?}");
}

#[test]
fn the_page_names_every_remark() {
    let mut answer = found();
    answer.remarks = vec![
        Remark::DefaultGoals,
        Remark::Irregular { lower: 1.0, upper: 2.0 },
        Remark::LossInversion { failed: 1.0, passed_above: 2.0 },
        Remark::CannotResolve { goal: 0, floor: 0.06 },
        Remark::OutOfTime { skipped: Skipped::Probe },
        Remark::Noisy { lowest: 41_900.0, highest: 42_700.0 },
        Remark::DidNotDrain { offered: 1.0 },
    ];
    let document = document(&answer, None, &context());
    let remarks = document["remarks"].as_array().unwrap();
    let written: BTreeSet<String> =
        remarks.iter().map(|remark| remark["remark"].as_str().unwrap().to_owned()).collect();
    assert_eq!(described("Remarks\n"), written);
}

#[test]
fn a_limit_says_its_kind_and_who_set_it() {
    let limit = |answer: &Answer| document(answer, None, &context())["limit"].clone();
    let found = limit(&found());
    assert_eq!(
        (&found["kind"], &found["rate"], &found["lower"]),
        (&"found".into(), &41_900.0.into(), &41_900.0.into())
    );
    assert_eq!(
        (&found["set_by"], &found["goal"], &found["irregular"]),
        (&"goal".into(), &0.into(), &false.into())
    );
    let at_least = limit(&not_reached(Ceiling::Generator));
    assert_eq!(
        (&at_least["kind"], &at_least["rate"], &at_least["why"], &at_least["set_by"]),
        (&"not_reached".into(), &61_000.0.into(), &"generator".into(), &Value::Null)
    );
}

#[test]
fn every_trial_is_written_with_what_was_counted() {
    let document = document(&full(), None, &context());
    let trials = document["trials"].as_array().unwrap();
    assert_eq!(trials.len(), full().trials.len());
    let confirm = &trials[4];
    assert_eq!((&confirm["purpose"], &confirm["measured_s"]), (&"confirm".into(), &30.0.into()));
    assert_eq!(trials[5]["factor"], 1.5);
    assert_eq!(trials[6]["invalid_because"][0], "a worker was 97.2% busy");
}

#[test]
fn the_document_is_one_line() {
    let text = render_json(&full(), Some(&application()), &context());
    assert_eq!(text.lines().count(), 1);
    assert!(text.ends_with("}\n"));
}
