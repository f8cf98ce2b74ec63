//! Standard output, brought to what must agree: banner, engine and the progress on the way away,
//! what a clock measured masked.

use super::cases::{Numbers, Relation};

/// k6's side. A scenario of arrivals whose last start comes before its end gets a cross from k6,
/// as if it had been interrupted; we do not copy that.
pub fn recorded_lines(stdout: &str, numbers: &Numbers) -> Vec<String> {
    let cross = "ramp_rate ✗ [  99% ] 0/3 VUs  3.0s/3s ";
    lines(&stdout.replace(cross, "ramp_rate ✓ [ 100% ] 0/3 VUs  3s "), numbers)
}

/// Lines to compare. The header stays as it is, also its durations: they were asked for.
pub fn lines(stdout: &str, numbers: &Numbers) -> Vec<String> {
    let text = match stdout.find("     execution: ") {
        Some(begin) => &stdout[begin..],
        None => stdout,
    };
    let lines = without_progress(without_engine(text.lines().collect()));
    let header =
        lines.iter().rposition(|line| line.starts_with("              * ")).map_or(0, |last| last + 1);
    let masked = lines[header..].iter().map(|line| mask(line, numbers));
    lines[..header].iter().map(|&line| line.to_owned()).chain(masked).collect()
}

/// Our line of the header, and our blocks of the summary with the empty line after each.
fn without_engine(lines: Vec<&str>) -> Vec<&str> {
    let mut kept = Vec::new();
    let mut lines = lines.into_iter();
    while let Some(line) = lines.next() {
        if matches!(line, "    ENGINE" | "    ERRORS") {
            lines.by_ref().find(|line| line.is_empty());
        } else if !line.starts_with("        engine: ") {
            kept.push(line);
        }
    }
    kept
}

/// How many blocks there are before the last is a matter of time.
fn without_progress(lines: Vec<&str>) -> Vec<&str> {
    let is_first = |line: &&str| line.starts_with("running (");
    let last = lines.iter().rposition(is_first).unwrap_or(0);
    let mut kept: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if is_first(&lines[at]) && at < last {
            assert_eq!(kept.pop(), Some(""), "a block begins with an empty line");
            while !lines[at].is_empty() {
                at += 1;
            }
        } else {
            kept.push(lines[at]);
            at += 1;
        }
    }
    kept
}

/// Padding within a line goes too: it follows the width of what is masked.
fn mask(line: &str, numbers: &Numbers) -> String {
    let masked = match numbers {
        Numbers::Equal => mask_clock(line),
        Numbers::Related(_) => mask_digits(&mask_clock(line)),
    };
    let indent = masked.len() - masked.trim_start().len();
    let words: Vec<&str> = masked.split_whitespace().collect();
    format!("{}{}", &masked[..indent], words.join(" "))
}

/// Durations become `T`, rates `R/s`; all other numbers stay.
fn mask_clock(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let begins =
            c.is_ascii_digit() && !out.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        let length = if begins { number(rest) } else { c.len_utf8() };
        if begins && let Some(length) = duration(rest) {
            out.push('T');
            rest = &rest[length..];
        } else if begins && let Some(after) = rate(&rest[length..]) {
            out += "R/s";
            rest = after;
        } else {
            out += &rest[..length];
            rest = &rest[length..];
        }
    }
    out
}

fn number(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len())
}

/// How long the duration is that `text` begins with: `3s`, `1.5µs`, `10m30s`.
fn duration(text: &str) -> Option<usize> {
    let mut at = 0;
    while text[at..].starts_with(|c: char| c.is_ascii_digit()) {
        let unit_at = at + number(&text[at..]);
        let unit = text[unit_at..].split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        if !matches!(unit, "ns" | "µs" | "us" | "ms" | "s" | "m" | "h") {
            return None;
        }
        at = unit_at + unit.len();
    }
    Some(at)
}

/// What follows a rate, if that is what the number before `text` was.
fn rate(text: &str) -> Option<&str> {
    ["/s", " B/s", " kB/s", " MB/s", " GB/s"].iter().find_map(|unit| text.strip_prefix(unit))
}

/// Counts and their units; numbers in names stay.
fn mask_digits(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let begins = c.is_ascii_digit() && out.ends_with([' ', '=', '/', '(', '-']) && !out.ends_with("p(");
        let length = if begins { number(rest) } else { c.len_utf8() };
        if begins {
            out.push('#');
        } else {
            out += &rest[..length];
        }
        rest = &rest[length..];
        if begins
            && let Some(unit) = [" B ", " kB ", " MB ", " GB "].iter().find(|unit| rest.starts_with(**unit))
        {
            rest = &rest[unit.len() - 1..];
        }
    }
    out
}

/// That `got` stands to itself as `want` does.
pub fn check_relation(relation: &Relation, got: &str, want: &str) -> Result<(), String> {
    let agree = |got: &[u64], want: &[u64]| match got == want {
        true => Ok(()),
        false => Err(format!("{relation:?}: {got:?}, but k6 had {want:?}")),
    };
    match *relation {
        Relation::Equal(label) => agree(&counts(got, label), &counts(want, label)),
        Relation::SumWithinOne(one, other) => {
            let sum = |text| counts(text, one).iter().chain(&counts(text, other)).sum::<u64>();
            let (got, want) = (sum(got), sum(want));
            if got.abs_diff(want) <= 1 { Ok(()) } else { agree(&[got], &[want]) }
        }
        Relation::PerIteration(label) => {
            let each =
                |text| counts(text, label).iter().map(|count| count * 1_000 / iterations(text)).collect();
            let (got, want): (Vec<u64>, Vec<u64>) = (each(got), each(want));
            agree(&got, &want)
        }
    }
}

/// The first number of each row `label`, in order.
fn counts(text: &str, label: &str) -> Vec<u64> {
    let rows = text.lines().filter_map(|line| {
        let values = line.trim_start().strip_prefix(label)?.trim_start_matches('.').strip_prefix(':')?;
        values.split_whitespace().next()?.parse().ok()
    });
    rows.collect()
}

fn iterations(text: &str) -> u64 {
    counts(text, "iterations").first().copied().expect("a row of iterations")
}
