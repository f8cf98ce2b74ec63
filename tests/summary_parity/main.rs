//! Output against recordings of k6: the numbers that k6 printed are read back into our types,
//! rendered again, and must give the same bytes.

mod data;
mod export;
mod player;
mod reader;
mod replay;
mod screen;

use ringload::metrics::Summary;
use ringload::metrics::summary::{Contains, Metric, Section, Values};
use ringload::options::{SummaryMode, TimeUnit};
use ringload::output::style::erase_line_ends;
use ringload::output::text::render_summary;

/// A file of the recorded case `name`.
fn recording(name: &str, file: &str) -> String {
    let path = format!("{}/tests/cases/k6/{name}/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The summary within an output: from its two empty lines to the progress block or the end.
fn summary_text<'a>(output: &'a str, block_start: &str) -> &'a str {
    let start = output.find("\n\n  █ ").expect("a summary");
    match output[start..].find(block_start) {
        Some(length) => &output[start..start + length],
        None => &output[start..],
    }
}

/// Metrics in another order than printed, and with some that must not show.
fn disturb(summary: &mut Summary, mode: SummaryMode) {
    let mut hidden = vec!["group_duration"];
    if mode == SummaryMode::Compact {
        hidden.extend(["http_req_tls_handshaking", "http_req_waiting{status:200}", "http_req_blocked"]);
        summary.groups.push(("not shown".to_owned(), Section::default()));
        summary.scenarios.push(("not shown".to_owned(), Section::default()));
    }
    for name in hidden {
        summary.total.metrics.push(Metric {
            name: name.to_owned(),
            contains: Contains::Data,
            values: Values::Counter { count: 1e15 / 3.0, rate: 1.0 / 3.0 },
            thresholds: Vec::new(),
        });
    }
    reverse(&mut summary.total);
}

fn reverse(section: &mut Section) {
    section.metrics.reverse();
    section.groups.iter_mut().for_each(|(_, group)| reverse(group));
}

#[track_caller]
fn check(name: &str, mode: SummaryMode, unit: Option<TimeUnit>) {
    let output = recording(name, "stdout.txt");
    let want = summary_text(&output, "\nrunning (");
    let mut summary = reader::read(want);
    disturb(&mut summary, mode);
    let got = render_summary(&summary, mode, unit, false);
    assert_eq!(got, want, "{name}:\n{got}\n--- but k6 printed\n{want}");
}

#[track_caller]
fn check_terminal(name: &str, mode: SummaryMode) {
    let output = recording(name, "terminal.txt");
    let unerased = output.replace("\x1b[0K\n", "\n");
    let want = summary_text(&unerased, "\x1b[K\n");
    let mut summary = reader::read(&reader::without_colors(want));
    disturb(&mut summary, mode);
    let got = render_summary(&summary, mode, None, true);
    assert_eq!(got, want, "{name}:\n{got}\n--- but k6 printed\n{want}");
    assert!(output.contains(&erase_line_ends(&got)), "{name}: every line end erases its row");
}

#[test]
fn compact_summaries_are_printed_as_k6_does() {
    for name in [
        "sum_minimal",
        "sum_compact",
        "sum_pass",
        "multi_compact",
        "refused",
        "ramp_flags",
        "car",
        "segment",
        "rps",
        "export_summary",
    ] {
        check(name, SummaryMode::Compact, None);
    }
}

#[test]
fn a_quiet_run_still_prints_its_summary_and_nothing_else() {
    check("sum_quiet", SummaryMode::Compact, None);
    let output = recording("sum_quiet", "stdout.txt");
    assert_eq!(summary_text(&output, "\nrunning ("), output);
}

#[test]
fn failed_thresholds_and_those_of_hidden_sub_metrics_are_printed_as_k6_does() {
    check("thresholds_fail", SummaryMode::Compact, None);
}

#[test]
fn full_summaries_are_printed_as_k6_does() {
    for name in ["sum_minimal_full", "sum_full", "refused_full"] {
        check(name, SummaryMode::Full, None);
    }
}

#[test]
fn scenarios_with_nested_groups_are_printed_as_k6_does() {
    check("full_nested", SummaryMode::Full, None);
}

#[test]
fn chosen_statistics_in_a_chosen_unit_are_printed_as_k6_does() {
    check("sum_stats", SummaryMode::Compact, Some(TimeUnit::Microseconds));
}

#[test]
fn a_terminal_gets_the_colours_of_k6() {
    check_terminal("car_tty", SummaryMode::Compact);
    check_terminal("multi_tty", SummaryMode::Compact);
    check_terminal("sum_compact_tty", SummaryMode::Compact);
    check_terminal("sum_full_tty", SummaryMode::Full);
}
