//! `-o junit=FILE`: thresholds and checks as test cases, for the machines that show those. k6 has no
//! such output.

use crate::metrics::Summary;
use crate::metrics::summary::{Group, Threshold};
use crate::output::number;
use std::fmt::Write;

/// A document of two suites; a suite without cases is left out.
pub fn render(summary: &Summary) -> String {
    let suites = [("thresholds", threshold_cases(summary)), ("checks", check_cases(&summary.root_group))];
    let tests: usize = suites.iter().map(|(_, cases)| cases.len()).sum();
    let failures: usize = suites.iter().map(|(_, cases)| failed(cases)).sum();
    let seconds = number::fixed(summary.duration.as_secs_f64(), 3);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"ringload\" tests=\"{tests}\" failures=\"{failures}\" time=\"{seconds}\">"
    );
    for (name, cases) in suites.iter().filter(|(_, cases)| !cases.is_empty()) {
        write_suite(&mut out, name, cases);
    }
    out + "</testsuites>\n"
}

struct Case {
    /// The metric, or the path of the group.
    class: String,
    name: String,
    /// Why it failed.
    failure: Option<String>,
}

fn failed(cases: &[Case]) -> usize {
    cases.iter().filter(|case| case.failure.is_some()).count()
}

fn threshold_cases(summary: &Summary) -> Vec<Case> {
    let cases = summary.total.metrics.iter().flat_map(|metric| {
        metric.thresholds.iter().map(|threshold| Case {
            class: metric.name.clone(),
            name: threshold.source.trim().to_owned(),
            failure: (!threshold.ok).then(|| observed(threshold)),
        })
    });
    let mut cases: Vec<Case> = cases.collect();
    cases.sort_by(|a, b| a.class.cmp(&b.class));
    cases
}

fn observed(threshold: &Threshold) -> String {
    match threshold.observed {
        Some(value) => format!("observed {}", number::javascript(value)),
        None => "crossed".to_owned(),
    }
}

/// Groups first, as deep as they go; those of the root last.
fn check_cases(group: &Group) -> Vec<Case> {
    let nested = group.groups.iter().flat_map(check_cases);
    let own = group.checks.iter().map(|check| Case {
        class: if group.path.is_empty() { "checks".to_owned() } else { group.path.clone() },
        name: check.name.clone(),
        failure: (check.fails > 0)
            .then(|| format!("{} of {} failed", check.fails, check.passes + check.fails)),
    });
    nested.chain(own).collect()
}

fn write_suite(out: &mut String, name: &str, cases: &[Case]) {
    let failures = failed(cases);
    let _ = writeln!(out, "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failures}\">", cases.len());
    for Case { class, name, failure } in cases {
        let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", escaped(class), escaped(name));
        match failure {
            None => out.push_str("/>\n"),
            Some(why) => {
                let _ = writeln!(out, "><failure message=\"{}\"/></testcase>", escaped(why));
            }
        }
    }
    out.push_str("  </testsuite>\n");
}

/// For an attribute; what XML cannot say at all becomes a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", c as u32);
            }
            '\0'..'\x20' | '\u{fffe}' | '\u{ffff}' => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::summary::{Check, Contains, Metric, Section, Values};

    #[track_caller]
    fn check(thresholds: &[(&str, bool)], root_group: Group, want: &str) {
        let threshold = |(source, ok): &(&str, bool)| Threshold {
            source: (*source).to_owned(),
            ok: *ok,
            observed: Some(0.5),
            windows: None,
        };
        let metric = Metric {
            name: "http_req_duration{status:200}".to_owned(),
            contains: Contains::Time,
            values: Values::Trend { stats: Vec::new() },
            thresholds: thresholds.iter().map(threshold).collect(),
        };
        let summary = Summary {
            total: Section { metrics: vec![metric], ..Section::default() },
            root_group,
            duration: std::time::Duration::from_millis(1_500),
            ..Summary::default()
        };
        let got = render(&summary);
        let lines = got.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
        assert_eq!(lines, want);
    }

    #[test]
    fn thresholds_and_checks_are_suites_and_what_failed_says_why() {
        let of = |name: &str, fails| Check { name: name.to_owned(), path: String::new(), passes: 3, fails };
        let nested = Group { path: "::a".to_owned(), checks: vec![of("ok", 0)], ..Group::default() };
        let root = Group { groups: vec![nested], checks: vec![of("<\"&\n", 1)], ..Group::default() };
        check(
            &[("p(95)<1", true), (" max<0.1 ", false)],
            root,
            "<testsuites name=\"ringload\" tests=\"4\" failures=\"2\" time=\"1.500\">
  <testsuite name=\"thresholds\" tests=\"2\" failures=\"1\">
    <testcase classname=\"http_req_duration{status:200}\" name=\"p(95)&lt;1\"/>
    <testcase classname=\"http_req_duration{status:200}\" name=\"max&lt;0.1\"><failure message=\"observed 0.5\"/></testcase>
  </testsuite>
  <testsuite name=\"checks\" tests=\"2\" failures=\"1\">
    <testcase classname=\"::a\" name=\"ok\"/>
    <testcase classname=\"checks\" name=\"&lt;&quot;&amp;&#10;\"><failure message=\"1 of 4 failed\"/></testcase>
  </testsuite>
</testsuites>
",
        );
    }

    #[test]
    fn nothing_demanded_is_no_suite() {
        check(
            &[],
            Group::default(),
            "<testsuites name=\"ringload\" tests=\"0\" failures=\"0\" time=\"1.500\">\n</testsuites>\n",
        );
    }
}
