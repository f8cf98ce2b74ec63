//! Searches in virtual time, on services of known behaviour. A quick part of what
//! `cargo bench --bench search` does a thousand times.

mod bisection;
// What the bench prints and these tests do not ask for.
#[allow(dead_code)]
mod models;
#[allow(dead_code)]
mod score;
mod service;
mod world;

use models::Model;
use ringload::options::ThresholdSpec;
use ringload::search::answer::{Behaviour, Ceiling, Confirmed, Recovery, Remark, Standing};
use ringload::search::{Answer, Finding, Goals, Purpose, Settings};
use std::time::Duration;

/// Searches of each model here; a thousand are for the bench.
const SEARCHES: u32 = 6;

/// Figures within `bias` on average, intervals that hold the truth in all searches but `missed`,
/// and an answer after `seconds`.
#[track_caller]
fn check(model: Model, bias: f64, missed: f64, seconds: f64) {
    let score = score::score(SEARCHES, |seed| score::ours(model, seed).1);
    assert_eq!(score.lost, 0, "{score:?}");
    assert!(score.bias.abs() <= bias, "{score:?}");
    assert!(score.covered >= 1.0 - missed / f64::from(SEARCHES) - 1e-9, "{score:?}");
    assert!(score.seconds <= seconds, "{score:?}");
}

#[test]
fn a_hard_capacity_is_found() {
    check(Model::HardCapacity, 0.002, 0.0, 130.0);
}

#[test]
fn a_queue_that_grows_slower_than_its_deadline_is_seen_by_its_backlog() {
    check(Model::LazyQueue, 0.002, 0.0, 200.0);
}

#[test]
fn queues_with_chance_are_found() {
    check(Model::Mm1, 0.015, 1.0, 220.0);
    check(Model::Md4, 0.015, 1.0, 220.0);
}

#[test]
fn the_closed_form_is_what_a_long_run_loses() {
    // 100 service times: exp(-(1 - load) 100) = 1 %.
    let load = 1.0 - 100f64.ln() / 100.0;
    let lost = models::long_run(Model::Mm1, load, 1500.0, 3);
    assert!((0.006..0.014).contains(&lost), "{lost}");
}

#[test]
fn noise_and_drift_are_in_the_interval() {
    check(Model::Noise, 0.015, 1.0, 200.0);
    check(Model::Drift, 0.01, 1.0, 200.0);
}

#[test]
fn what_breaks_down_above_its_limit_is_found_from_below() {
    check(Model::Collapse, 0.015, 0.0, 300.0);
    check(Model::Hysteresis, 0.015, 0.0, 300.0);
    check(Model::Metastable, 0.015, 0.0, 300.0);
}

#[test]
fn a_generator_that_ends_first_says_at_least() {
    check(Model::Generator, 0.01, 0.0, 130.0);
    let (answer, _) = score::ours(Model::Generator, 1);
    let Finding::NotReached { why, .. } = answer.limit else { panic!("{:?}", answer.limit) };
    assert_eq!(why, Ceiling::Generator);
}

#[test]
fn doubling_and_bisection_is_wrong_where_a_search_is_not() {
    let plain = score::score(SEARCHES, |seed| score::plain(Model::Collapse, seed));
    assert!(plain.bias < -0.1, "{plain:?}");
}

/// A whole search of a service of capacity 1000.
fn whole(model: Model, settings: Settings) -> Answer {
    let mut world = model.world(1000.0, 7);
    world.search(settings, model.goals(1000.0))
}

#[test]
fn an_overload_tells_a_plateau_from_a_collapse() {
    let plateau = whole(Model::HardCapacity, Settings::default());
    let overload = plateau.overload.expect("a limit was found");
    assert_eq!(overload.steps.len(), 4);
    assert_eq!(overload.behaviour, Some(Behaviour::Plateau));
    let collapse = whole(Model::Collapse, Settings::default()).overload.expect("a limit was found");
    assert_eq!(collapse.behaviour, Some(Behaviour::Collapsing));
}

#[test]
fn what_comes_back_and_what_does_not_is_told_apart() {
    let plateau = whole(Model::HardCapacity, Settings::default()).recovery;
    assert!(matches!(plateau, Some(Recovery::After { time: Duration::ZERO, .. })), "{plateau:?}");
    let collapse = whole(Model::Collapse, Settings::default()).recovery;
    assert!(
        matches!(collapse, Some(Recovery::After { time, .. }) if time > Duration::ZERO)
            || matches!(collapse, Some(Recovery::Metastable { .. })),
        "{collapse:?}"
    );
    let metastable = whole(Model::Metastable, Settings::default()).recovery;
    assert!(matches!(metastable, Some(Recovery::Metastable { .. })), "{metastable:?}");
}

#[test]
fn a_limit_is_confirmed_and_nothing_in_its_table_is_lost() {
    let answer = whole(Model::HardCapacity, Settings::default());
    assert!(!answer.provisional);
    assert!(matches!(answer.confirmed, Confirmed::Yes { .. }), "{:?}", answer.confirmed);
    let open = |purpose| !matches!(purpose, Purpose::WarmUp | Purpose::Baseline | Purpose::Burst);
    let trials = answer.trials.iter().filter(|trial| open(trial.purpose)).count();
    assert_eq!(answer.loads.iter().map(|load| load.all as usize).sum::<usize>(), trials);
    assert!(answer.loads.is_sorted_by(|a, b| a.offered < b.offered));
    let knee = answer.knee.break_of_goodput.expect("a capacity is a knee");
    assert!((knee / 1000.0 - 1.0).abs() < 0.05, "{knee}");
}

#[test]
fn the_highest_rate_allowed_is_not_passed() {
    let settings = Settings { max_rate: Some(600.0), ..Settings::default() };
    let answer = whole(Model::HardCapacity, settings);
    assert_eq!(answer.limit, Finding::NotReached { at_least: 600.0, why: Ceiling::MaxRate });
    assert!(answer.loads.iter().all(|load| load.offered <= 600.0), "{:?}", answer.loads);
    assert_eq!(answer.overload, None);
}

#[test]
fn little_time_gives_a_wider_answer_and_says_what_was_left_out() {
    let settings = Settings { max_time: Duration::from_secs(70), ..Settings::default() };
    let answer = whole(Model::HardCapacity, settings);
    assert!(answer.took <= Duration::from_secs(70), "{:?}", answer.took);
    assert!(answer.remarks.iter().any(|remark| matches!(remark, Remark::OutOfTime { .. })));
    let Finding::Found(limit) = answer.limit else { panic!("{:?}", answer.limit) };
    assert!(limit.lower <= 1010.2 && 1000.0 <= limit.upper, "{limit:?}");
}

#[test]
fn a_service_that_always_fails_is_told_at_once() {
    let mut world = Model::HardCapacity.world(0.5, 1);
    let settings = Settings { min_rate: 10.0, ..Settings::default() };
    let answer = world.search(settings, Model::HardCapacity.goals(1000.0));
    assert!(matches!(answer.limit, Finding::Below { .. }), "{:?}", answer.limit);
    assert!(answer.took < Duration::from_secs(60), "{:?}", answer.took);
}

#[test]
fn a_target_that_does_not_drain_taints_the_next_trial() {
    let answer = whole(Model::Collapse, Settings { overload: false, ..Settings::default() });
    let mut before = None;
    for trial in &answer.trials {
        if before == Some(false) {
            assert_eq!(trial.standing, Standing::Tainted, "{trial:?}");
        }
        before = Some(trial.outcome.drained);
    }
}

#[test]
fn without_thresholds_the_goals_are_the_default_ones_and_that_is_said() {
    let mut world = Model::Mm1.world(1000.0, 3);
    let answer = world.search(score::settings(), Goals::from_thresholds(&[]).unwrap());
    assert!(answer.remarks.contains(&Remark::DefaultGoals));
    assert_eq!(answer.findings.len(), 2);
    assert!(matches!(answer.limit, Finding::Found(_)), "{:?}", answer.limit);
}

#[test]
fn thresholds_are_goals_where_they_speak_of_a_share() {
    let spec = |source: &str| ThresholdSpec {
        source: source.to_owned(),
        abort_on_fail: false,
        delay_abort_eval: None,
    };
    let thresholds = [
        ("http_req_duration{name:login}".to_owned(), vec![spec("p(95)<500"), spec("avg<200")]),
        ("http_req_failed".to_owned(), vec![spec("rate<0.01")]),
        ("checks".to_owned(), vec![spec("rate>0.99")]),
    ];
    let goals = Goals::from_thresholds(&thresholds).unwrap();
    let texts: Vec<&str> = goals.goals.iter().map(|goal| goal.text.as_str()).collect();
    assert_eq!(texts, ["http_req_duration{name:login}: p(95)<500", "http_req_failed: rate<0.01"]);
    assert!((goals.goals[0].loss_ratio - 0.05).abs() < 1e-12);
    assert_eq!(goals.goals[0].tags, [("name".to_owned(), "login".to_owned())]);
    assert_eq!(goals.side_conditions.len(), 2);
    assert!(!goals.are_defaults);
}
