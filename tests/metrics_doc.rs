//! `docs/metrics.md` says what `metrics::builtin` says.

use ringload::metrics::Kind;
use ringload::metrics::builtin::TABLE;
use ringload::metrics::threshold::expression::Aggregate;

#[test]
fn the_page_has_the_rows_of_the_table_in_its_order() {
    let page = include_str!("../docs/metrics.md");
    let documented: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let defined: Vec<String> = TABLE
        .iter()
        .map(|row| {
            let (kind, contains) = (row.kind.name(), row.contains.name());
            format!("| `{}` | {kind} | {contains} | {} | {} |", row.name, row.emitted, row.meaning)
        })
        .collect();
    assert_eq!(documented, defined);
}

#[test]
fn the_page_has_the_aggregates_of_each_type() {
    let page = include_str!("../docs/metrics.md");
    for kind in [Kind::Counter, Kind::Gauge, Kind::Rate, Kind::Trend] {
        let start = format!("| {} | ", kind.name());
        let row = page.lines().find(|line| line.starts_with(&start)).expect("a row of the type");
        // `p` is written as it is used.
        let documented: Vec<&str> =
            row.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches("(N)")).collect();
        assert_eq!(documented, Aggregate::names_of(kind));
    }
}

#[test]
fn the_page_states_the_bound_of_exact_values() {
    let bound = ringload::metrics::trend::EXACT_VALUES;
    let written = format!("{},{:03}", bound / 1000, bound % 1000);
    assert!(include_str!("../docs/metrics.md").contains(&written));
}
