//! Syntax errors in k6's form: `Line 1:35 Unexpected identifier (and 8 more errors)`.
//!
//! Place and form are k6's; the words are where the parser only says that a token was unexpected.
//! The number of further errors differs, since parsers recover differently.

/// One error, at a byte offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub offset: usize,
    pub length: usize,
    pub message: String,
}

/// From oxc's diagnostics to a `Vec<Wrong>`. A macro, since their type cannot be named without one
/// more dependency.
macro_rules! wrongs {
    ($errors:expr) => {
        $errors
            .iter()
            .map(|error| {
                let labels = error.labels.as_deref().unwrap_or_default();
                // Of a redeclaration, the first label is the innocent one.
                let label = if error.message.contains("already been declared") {
                    labels.last()
                } else {
                    labels.first()
                };
                crate::script::source::syntax_error::Wrong {
                    offset: label.map_or(0, |label| label.offset()),
                    length: label.map_or(0, |label| label.len()),
                    message: error.message.to_string(),
                }
            })
            .collect::<Vec<_>>()
    };
}
pub(super) use wrongs;

/// All of them in one line. There must be at least one.
pub fn describe(source: &str, wrongs: &[Wrong]) -> String {
    let first = wrongs.iter().min_by_key(|wrong| wrong.offset).expect("described for an error");
    let (offset, words) = match unexpected_token(first) {
        true => {
            // A missing semicolon is reported where it is missing; k6 names the token that came instead.
            let rest = source.get(first.offset..).unwrap_or_default();
            let offset = first.offset + (rest.len() - rest.trim_start().len());
            (offset, token_words(source, offset, first.length))
        }
        false => (first.offset, first.message.clone()),
    };
    let (line, column) = position(source, offset);
    let more = match wrongs.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more errors)"),
    };
    format!("Line {line}:{column} {words}{more}")
}

/// Line and column of a byte offset, in characters from 1.
pub fn position(source: &str, offset: usize) -> (u32, u32) {
    let before = source.get(..offset).unwrap_or(source);
    let mut rest = before;
    let mut line = 1;
    while let Some(end) = rest.find(is_line_end) {
        // "\r\n" ends one line.
        let ending = if rest[end..].starts_with("\r\n") {
            2
        } else {
            rest[end..].chars().next().map_or(1, char::len_utf8)
        };
        rest = &rest[end + ending..];
        line += 1;
    }
    (line, rest.chars().count() as u32 + 1)
}

/// ECMAScript's line terminators.
fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Whether the parser only says that it expected another token.
fn unexpected_token(wrong: &Wrong) -> bool {
    wrong.message.starts_with("Unexpected token") || wrong.message.starts_with("Expected ")
}

/// k6's words for an unexpected token.
fn token_words(source: &str, offset: usize, length: usize) -> String {
    let rest = source.get(offset..).unwrap_or_default();
    let word: String = rest.chars().take_while(|&c| c.is_alphanumeric() || c == '_' || c == '$').collect();
    match rest.chars().next() {
        None => "Unexpected end of input".to_owned(),
        Some('0'..='9') => "Unexpected number".to_owned(),
        Some('"' | '\'') => "Unexpected string".to_owned(),
        Some(_) if RESERVED.contains(&word.as_str()) => format!("Unexpected token {word}"),
        Some(_) if !word.is_empty() => "Unexpected identifier".to_owned(),
        Some(first) => {
            let token = rest.get(..length).filter(|token| !token.is_empty() && !token.contains(is_line_end));
            format!("Unexpected token {}", token.map_or(first.to_string(), str::to_owned))
        }
    }
}

/// Words that are never identifiers.
const RESERVED: [&str; 38] = [
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "new",
    "null",
    "return",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
    "let",
    "static",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, offset: usize, want: (u32, u32)) {
        assert_eq!(position(source, offset), want);
    }

    #[test]
    fn positions_are_counted_in_characters_from_one() {
        check("", 0, (1, 1));
        check("ab", 1, (1, 2));
        check("é+", 2, (1, 2));
        check("ab", 9, (1, 3));
    }

    #[test]
    fn every_line_terminator_of_javascript_ends_one_line() {
        check("a\nb", 2, (2, 1));
        check("a\r\nb", 3, (2, 1));
        check("a\rb", 2, (2, 1));
        check("a\u{2028}b", 4, (2, 1));
        check("a\n\nb", 3, (3, 1));
    }

    #[track_caller]
    fn check_words(source: &str, offset: usize, length: usize, want: &str) {
        let wrong = Wrong { offset, length, message: "Unexpected token".to_owned() };
        assert_eq!(describe(source, &[wrong]), want);
    }

    #[test]
    fn an_unexpected_token_is_named_as_k6_names_it() {
        check_words("a b", 2, 1, "Line 1:3 Unexpected identifier");
        check_words("a if", 2, 2, "Line 1:3 Unexpected token if");
        check_words("a 1", 2, 1, "Line 1:3 Unexpected number");
        check_words("a 'x'", 2, 3, "Line 1:3 Unexpected string");
        check_words("a )", 2, 1, "Line 1:3 Unexpected token )");
        check_words("a => =>", 5, 2, "Line 1:6 Unexpected token =>");
        check_words("a", 1, 0, "Line 1:2 Unexpected end of input");
    }

    #[test]
    fn the_token_after_a_gap_is_the_unexpected_one() {
        check_words("a b", 1, 0, "Line 1:3 Unexpected identifier");
        check_words("a(\n", 2, 0, "Line 2:1 Unexpected end of input");
    }

    #[test]
    fn all_errors_are_counted_and_the_first_is_told() {
        let wrong = |offset| Wrong { offset, length: 1, message: format!("at {offset}") };
        assert_eq!(describe("a\nb", &[wrong(2)]), "Line 2:1 at 2");
        assert_eq!(describe("a\nb", &[wrong(2), wrong(0)]), "Line 1:1 at 0 (and 1 more errors)");
    }
}
