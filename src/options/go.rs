//! Values as k6's flag and environment libraries read them: integers, booleans, lists.
//!
//! The error texts are those users already know from k6 (Go's `strconv` and `encoding/csv`).
//! Values of kinds that only ringload has do not belong here.

use std::num::IntErrorKind;

/// An integer of a flag: decimal, or `0x`, `0o`, `0b` and leading-zero octal, with `_` between digits.
pub fn parse_flag_int(text: &str) -> Result<i64, String> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let misplaced =
        digits.ends_with('_') || digits.contains("__") || (radix == 10 && digits.starts_with('_'));
    if misplaced || digits.starts_with(['+', '-']) {
        return Err(int_error(text, "invalid syntax"));
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    int(&format!("{sign}{}", digits.replace('_', "")), radix, text)
}

/// An integer of a variable: decimal only.
pub fn parse_env_int(text: &str) -> Result<i64, String> {
    int(text, 10, text)
}

fn int(digits: &str, radix: u32, text: &str) -> Result<i64, String> {
    i64::from_str_radix(digits, radix).map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => int_error(text, "value out of range"),
        _ => int_error(text, "invalid syntax"),
    })
}

fn int_error(text: &str, why: &str) -> String {
    format!("strconv.ParseInt: parsing {text:?}: {why}")
}

/// A boolean of a flag.
pub fn parse_flag_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
}

/// A boolean of a script option's variable; k6 is strict there.
pub fn parse_env_bool(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("invalid input:{text}")),
    }
}

/// One value of a "slice" flag: comma-separated, where `"a,b"` is one entry and `""` inside quotes a quote.
pub fn parse_list(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let error = |at: usize, why: &str| Err(format!("parse error on line 1, column {}: {why}", at + 1));
    let mut entries = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let entry = entries.last_mut().expect("it starts with one entry");
        match c {
            '"' if quoted => match chars.peek() {
                Some((_, '"')) => {
                    chars.next();
                    entry.push('"');
                }
                Some((_, ',')) | None => quoted = false,
                Some(_) => return error(at, "extraneous or missing \" in quoted-field"),
            },
            '"' if at == 0 || text[..at].ends_with(',') => quoted = true,
            '"' => return error(at, "bare \" in non-quoted-field"),
            ',' if !quoted => entries.push(String::new()),
            _ => entry.push(c),
        }
    }
    if quoted {
        return error(text.len(), "extraneous or missing \" in quoted-field");
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_int(text: &str, want: Result<i64, &str>) {
        let want = want.map_err(|why| format!("strconv.ParseInt: parsing {text:?}: {why}"));
        assert_eq!(parse_flag_int(text), want, "{text:?}");
    }

    #[test]
    fn flag_integers_follow_go() {
        check_int("10", Ok(10));
        check_int("-10", Ok(-10));
        check_int("+3", Ok(3));
        check_int("0", Ok(0));
        check_int("0x1F", Ok(31));
        check_int("0b101", Ok(5));
        check_int("0o17", Ok(15));
        check_int("017", Ok(15));
        check_int("1_000", Ok(1000));
        check_int("-9223372036854775808", Ok(i64::MIN));
        check_int("9223372036854775808", Err("value out of range"));
        for bad in ["", "abc", "1.5", "1e3", "--1", "+-1", "_1", "1_", "0x", "09", " 1"] {
            check_int(bad, Err("invalid syntax"));
        }
    }

    #[test]
    fn variables_hold_decimal_integers_only() {
        assert_eq!(parse_env_int("12"), Ok(12));
        assert!(parse_env_int("0x10").is_err());
        assert!(parse_env_int("1_0").is_err());
    }

    #[test]
    fn flags_take_many_spellings_of_a_boolean_and_variables_two() {
        assert_eq!(parse_flag_bool("T"), Ok(true));
        assert_eq!(parse_flag_bool("0"), Ok(false));
        assert_eq!(
            parse_flag_bool("yes"),
            Err("strconv.ParseBool: parsing \"yes\": invalid syntax".to_owned())
        );
        assert_eq!(parse_env_bool("true"), Ok(true));
        assert_eq!(parse_env_bool("1"), Err("invalid input:1".to_owned()));
    }

    #[track_caller]
    fn check_list(text: &str, want: Result<&[&str], &str>) {
        let got = parse_list(text);
        match (&got, want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want, "{text:?}"),
            (Err(got), Err(want)) => assert!(got.contains(want), "{text:?}: {got}"),
            _ => panic!("{text:?}: {got:?}"),
        }
    }

    #[test]
    fn lists_are_one_line_of_csv() {
        check_list("", Ok(&[]));
        check_list("a", Ok(&["a"]));
        check_list("a,b,", Ok(&["a", "b", ""]));
        check_list("\"a,b\",c", Ok(&["a,b", "c"]));
        check_list("\"a\"\"b\"", Ok(&["a\"b"]));
        check_list("a\"b", Err("column 2: bare"));
        check_list("\"a\"b", Err("extraneous"));
        check_list("\"a", Err("extraneous"));
    }
}
