//! `docs/metrics.md` says what `metrics::builtin` says.

use ringload::metrics::builtin::{Kind, TABLE};
use ringload::metrics::summary::Contains;

#[test]
fn the_page_has_the_rows_of_the_table_in_its_order() {
    let page = include_str!("../docs/metrics.md");
    let documented: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let defined: Vec<String> = TABLE
        .iter()
        .map(|row| {
            let kind = match row.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Rate => "rate",
                Kind::Trend => "trend",
            };
            let contains = match row.contains {
                Contains::Default => "default",
                Contains::Time => "time",
                Contains::Data => "data",
            };
            format!("| `{}` | {kind} | {contains} | {} | {} |", row.name, row.emitted, row.meaning)
        })
        .collect();
    assert_eq!(documented, defined);
}

#[test]
fn the_page_states_the_bound_of_exact_values() {
    let bound = ringload::metrics::trend::EXACT_VALUES;
    let written = format!("{},{:03}", bound / 1000, bound % 1000);
    assert!(include_str!("../docs/metrics.md").contains(&written));
}
