//! The block before a run: what is executed, where results go, and the scenarios in words.

use crate::options::{Executor, Scenario, Stage};
use crate::output::number::go_duration;
use crate::output::style::{Look, Paint};
use std::time::Duration;

/// What the header tells. Scenarios have their numbers of this instance's execution segment.
pub struct Header<'a> {
    /// As typed on the command line.
    pub script: &'a str,
    /// Descriptions of the outputs, such as `json (o.json)`.
    pub outputs: &'a [String],
    /// Further facts, each under a label of at most 14 characters.
    pub facts: &'a [(&'a str, String)],
    pub scenarios: &'a [Scenario],
    /// This instance's share of the test; 1 without execution segments.
    pub segment_share: f64,
    /// Of each scenario: arrival rates, which they hold for the whole test, are multiplied by it.
    pub rate_shares: &'a [f64],
    /// From the execution plan: the most VUs at one time, and its end.
    pub max_vus: u64,
    pub max_duration: Duration,
}

/// From the empty line after the banner to the one before the progress.
pub fn render_header(header: &Header, colors: bool) -> String {
    let paint = Paint { colors };
    let fact = |label: &str, value: &str| format!("{label:>14}: {}\n", paint.text(Look::Cyan, value));
    let outputs = if header.outputs.is_empty() { "-".to_owned() } else { header.outputs.join(", ") };
    let mut text = "\n".to_owned();
    text += &fact("execution", "local");
    text += &fact("script", header.script);
    text += &fact("output", &outputs);
    for (label, value) in header.facts {
        text += &fact(label, value);
    }
    text.push('\n');
    text += &fact("scenarios", &plan_text(header));
    for scenario in in_order(header.scenarios) {
        let place = header.scenarios.iter().position(|other| other.name == scenario.name);
        let share = place.and_then(|place| header.rate_shares.get(place)).copied().unwrap_or(1.0);
        text += &format!("              * {}: {}\n", scenario.name, describe(scenario, share));
    }
    text.push('\n');
    text
}

/// By start, then by name: the order of the header and of the progress lines.
pub fn in_order(scenarios: &[Scenario]) -> Vec<&Scenario> {
    let mut scenarios: Vec<&Scenario> = scenarios.iter().collect();
    scenarios.sort_by(|a, b| (a.start_time, &a.name).cmp(&(b.start_time, &b.name)));
    scenarios
}

fn plan_text(header: &Header) -> String {
    let count = header.scenarios.len();
    format!(
        "({:.2}%) {count} scenario{}, {} max VUs, {} max duration (incl. graceful stop):",
        header.segment_share * 100.0,
        if count == 1 { "" } else { "s" },
        header.max_vus,
        go_duration(tenths_of_seconds(header.max_duration)),
    )
}

fn tenths_of_seconds(duration: Duration) -> Duration {
    Duration::from_millis((duration.as_millis() as u64 + 50) / 100 * 100)
}

/// One scenario in words, as in the header's list: `10 looping VUs for 30s (gracefulStop: 30s)`.
pub fn describe(scenario: &Scenario, segment_share: f64) -> String {
    let mut facts = Vec::new();
    let text = match &scenario.executor {
        Executor::SharedIterations { vus, iterations, max_duration } => {
            facts.push(format!("maxDuration: {}", go_duration(*max_duration)));
            format!("{iterations} iterations shared among {vus} VUs")
        }
        Executor::PerVuIterations { vus, iterations, max_duration } => {
            facts.push(format!("maxDuration: {}", go_duration(*max_duration)));
            format!("{iterations} iterations for each of {vus} VUs")
        }
        Executor::ConstantVus { vus, duration } => {
            format!("{vus} looping VUs for {}", go_duration(*duration))
        }
        Executor::RampingVus { start_vus, stages, graceful_ramp_down } => {
            facts.push(format!("gracefulRampDown: {}", go_duration(*graceful_ramp_down)));
            format!("Up to {} looping VUs for {}", peak(*start_vus, stages), ramp_text(stages))
        }
        Executor::ConstantArrivalRate { rate, time_unit, duration, pre_allocated_vus, max_vus } => {
            facts.push(max_vus_fact(*pre_allocated_vus, *max_vus));
            let rate = per_second(*rate, *time_unit) * segment_share;
            format!("{rate:.2} iterations/s for {}", go_duration(*duration))
        }
        Executor::RampingArrivalRate { start_rate, time_unit, stages, pre_allocated_vus, max_vus } => {
            facts.push(max_vus_fact(*pre_allocated_vus, *max_vus));
            let rate = per_second(peak(*start_rate, stages), *time_unit) * segment_share;
            format!("Up to {rate:.2} iterations/s for {}", ramp_text(stages))
        }
    };
    if let Some(exec) = &scenario.exec {
        facts.push(format!("exec: {exec}"));
    }
    if !scenario.start_time.is_zero() {
        facts.push(format!("startTime: {}", go_duration(scenario.start_time)));
    }
    if !scenario.graceful_stop.is_zero() {
        facts.push(format!("gracefulStop: {}", go_duration(scenario.graceful_stop)));
    }
    if facts.is_empty() { text } else { format!("{text} ({})", facts.join(", ")) }
}

fn ramp_text(stages: &[Stage]) -> String {
    format!("{} over {} stages", go_duration(stages.iter().map(|s| s.duration).sum()), stages.len())
}

fn max_vus_fact(pre_allocated: u64, max: u64) -> String {
    if pre_allocated == max { format!("maxVUs: {max}") } else { format!("maxVUs: {pre_allocated}-{max}") }
}

/// The highest value that a ramp reaches.
pub(super) fn peak(start: u64, stages: &[Stage]) -> u64 {
    stages.iter().map(|stage| stage.target).fold(start, u64::max)
}

pub(super) fn per_second(rate: u64, time_unit: Duration) -> f64 {
    rate as f64 / time_unit.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn scenario(executor: Executor, exec: Option<&str>, start_s: u64, graceful_stop_s: u64) -> Scenario {
        Scenario {
            name: "name".to_owned(),
            executor,
            start_time: s(start_s),
            graceful_stop: s(graceful_stop_s),
            exec: exec.map(str::to_owned),
            env: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }

    #[track_caller]
    fn check(scenario: Scenario, want: &str) {
        assert_eq!(describe(&scenario, 1.0), want);
    }

    #[test]
    fn iterations_are_shared_or_per_vu() {
        let executor = Executor::SharedIterations { vus: 2, iterations: 6, max_duration: s(600) };
        check(
            scenario(executor, None, 0, 30),
            "6 iterations shared among 2 VUs (maxDuration: 10m0s, gracefulStop: 30s)",
        );
        let executor = Executor::PerVuIterations { vus: 2, iterations: 3, max_duration: s(600) };
        check(
            scenario(executor, Some("per"), 1, 30),
            "3 iterations for each of 2 VUs (maxDuration: 10m0s, exec: per, startTime: 1s, gracefulStop: 30s)",
        );
    }

    #[test]
    fn a_scenario_without_facts_has_no_parentheses() {
        check(
            scenario(Executor::ConstantVus { vus: 10, duration: s(60) }, None, 0, 0),
            "10 looping VUs for 1m0s",
        );
    }

    #[test]
    fn a_ramp_is_named_by_its_peak_even_if_that_is_its_start() {
        let stages = vec![Stage { duration: s(30), target: 2 }, Stage { duration: s(30), target: 0 }];
        let executor =
            Executor::RampingVus { start_vus: 5, stages: stages.clone(), graceful_ramp_down: s(0) };
        check(
            scenario(executor, None, 0, 30),
            "Up to 5 looping VUs for 1m0s over 2 stages (gracefulRampDown: 0s, gracefulStop: 30s)",
        );
        let executor = Executor::RampingArrivalRate {
            start_rate: 50,
            time_unit: s(1),
            stages,
            pre_allocated_vus: 5,
            max_vus: 10,
        };
        check(
            scenario(executor, None, 0, 0),
            "Up to 50.00 iterations/s for 1m0s over 2 stages (maxVUs: 5-10)",
        );
    }

    #[test]
    fn a_rate_is_per_second_and_of_this_instance() {
        let executor = Executor::ConstantArrivalRate {
            rate: 90,
            time_unit: s(60),
            duration: s(30),
            pre_allocated_vus: 5,
            max_vus: 5,
        };
        let scenario = scenario(executor, None, 0, 30);
        assert_eq!(describe(&scenario, 1.0), "1.50 iterations/s for 30s (maxVUs: 5, gracefulStop: 30s)");
        assert_eq!(describe(&scenario, 0.5), "0.75 iterations/s for 30s (maxVUs: 5, gracefulStop: 30s)");
    }

    #[test]
    fn outputs_and_further_facts_have_lines_of_their_own() {
        let text = render_header(
            &Header {
                script: "a.js",
                outputs: &["json (o.json)".to_owned(), "csv (o.csv)".to_owned()],
                facts: &[("transport", "epoll".to_owned())],
                scenarios: &[],
                segment_share: 0.5,
                rate_shares: &[],
                max_vus: 0,
                max_duration: Duration::from_millis(1_449),
            },
            true,
        );
        let want = "
     execution: \x1b[36mlocal\x1b[0m
        script: \x1b[36ma.js\x1b[0m
        output: \x1b[36mjson (o.json), csv (o.csv)\x1b[0m
     transport: \x1b[36mepoll\x1b[0m

     scenarios: \x1b[36m(50.00%) 0 scenarios, 0 max VUs, 1.4s max duration (incl. graceful stop):\x1b[0m

";
        assert_eq!(text, want);
    }
}
