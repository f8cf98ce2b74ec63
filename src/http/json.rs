//! JSON bodies of responses: why one cannot be parsed, in Go's words, and k6's selectors.
//!
//! Nothing here is recursive, since a server chooses how deep a body is: `error` is Go's scanner,
//! a machine with one bit a level; `select` only walks as deep as the script's selector says.

/// Nesting that Go accepts.
const DEPTH_MAX: usize = 10_000;

/// Levels of a selector; a bound, since it is walked recursively.
const SELECTOR_LEVELS_MAX: usize = 100;

/// What a selector found.
#[derive(Clone, Debug, PartialEq)]
pub enum Selected {
    /// Nothing, or the text is not JSON.
    Nothing,
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// An object or array, as JSON.
    Json(String),
}

/// Why `text` is no JSON, in the words of k6's exception; `None`: it is.
pub fn error(text: &[u8]) -> Option<String> {
    let (offset, why) = first_error(text)?;
    let (line, character) = place(text, offset);
    Some(format!("cannot parse json due to an error at line {line}, character {character} , error: {why}"))
}

/// The value at `selector`, in GJSON's path syntax.
pub fn select(text: &[u8], selector: &str) -> Result<Selected, String> {
    if selector.bytes().filter(|byte| b".|".contains(byte)).count() > SELECTOR_LEVELS_MAX {
        return Err(format!("the JSON selector has more than {SELECTOR_LEVELS_MAX} levels"));
    }
    if first_error(text).is_some() {
        return Ok(Selected::Nothing);
    }
    let text = String::from_utf8_lossy(text);
    let found = gjson::get(&text, selector);
    Ok(match found.kind() {
        _ if !found.exists() => Selected::Nothing,
        gjson::Kind::Null => Selected::Null,
        gjson::Kind::False => Selected::Bool(false),
        gjson::Kind::True => Selected::Bool(true),
        gjson::Kind::Number => Selected::Number(found.f64()),
        gjson::Kind::String => Selected::Text(found.str().to_owned()),
        gjson::Kind::Object | gjson::Kind::Array => Selected::Json(found.json().to_owned()),
    })
}

/// Line and character as k6 counts them: from 1, characters up to the one after the wrong one.
fn place(text: &[u8], offset: usize) -> (usize, usize) {
    let (mut line, mut character, mut at) = (1, 0, 0);
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid().chars().map(|c| (c == '\n', c.len_utf8()));
        for (is_line_end, len) in valid.chain(chunk.invalid().iter().map(|_| (false, 1))) {
            if is_line_end {
                (line, character) = (line + 1, 0);
            }
            character += 1;
            if at == offset {
                return (line, character);
            }
            at += len;
        }
    }
    (line, character)
}

/// What the scanner expects next.
#[derive(Clone, Copy, Debug)]
enum State {
    Value,
    /// After `[`.
    ValueOrEnd,
    Key,
    /// After `{`.
    KeyOrEnd,
    AfterValue,
    InString,
    InEscape,
    /// Hex digits that are missing.
    InUnicode(u8),
    AfterMinus,
    /// No digit may follow a leading 0.
    AfterZero,
    InDigits,
    AfterDot,
    InFraction,
    AfterE,
    AfterExponentSign,
    InExponent,
    /// The word and how much of it was there.
    InWord(&'static str, usize),
}

/// What an open bracket contains at the moment.
#[derive(Clone, Copy, Debug)]
enum Level {
    Key,
    Member,
    Element,
}

struct Scanner {
    state: State,
    levels: Vec<Level>,
    /// A whole value was read.
    is_over: bool,
}

/// How many bytes were read when it went wrong, and why.
fn first_error(text: &[u8]) -> Option<(usize, String)> {
    let mut scanner = Scanner { state: State::Value, levels: Vec::new(), is_over: false };
    for (at, &byte) in text.iter().enumerate() {
        if let Err(why) = scanner.step(byte) {
            return Some((at + 1, why));
        }
    }
    // Ends a number, as Go's scanner does at the end; and so it may well complain of a blank.
    match (scanner.is_over, scanner.step(b' ')) {
        (true, _) => None,
        (_, Err(why)) => Some((text.len(), why)),
        (_, Ok(())) if scanner.is_over => None,
        (_, Ok(())) => Some((text.len(), "unexpected end of JSON input".to_owned())),
    }
}

impl Scanner {
    fn step(&mut self, byte: u8) -> Result<(), String> {
        let is_space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.state = match self.state {
            State::Value | State::ValueOrEnd | State::Key | State::KeyOrEnd | State::AfterValue
                if is_space =>
            {
                if matches!(self.state, State::AfterValue) && self.levels.is_empty() {
                    self.is_over = true;
                }
                self.state
            }
            State::ValueOrEnd if byte == b']' => self.close(),
            State::Value | State::ValueOrEnd => self.begin_value(byte)?,
            State::KeyOrEnd if byte == b'}' => self.close(),
            State::Key | State::KeyOrEnd if byte == b'"' => State::InString,
            State::Key | State::KeyOrEnd => {
                return wrong(byte, "looking for beginning of object key string");
            }
            State::AfterValue => self.after_value(byte)?,
            State::InString => match byte {
                b'"' => State::AfterValue,
                b'\\' => State::InEscape,
                0..b' ' => return wrong(byte, "in string literal"),
                _ => State::InString,
            },
            State::InEscape => match byte {
                b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => State::InString,
                b'u' => State::InUnicode(4),
                _ => return wrong(byte, "in string escape code"),
            },
            State::InUnicode(missing) => match (byte.is_ascii_hexdigit(), missing) {
                (true, 1) => State::InString,
                (true, _) => State::InUnicode(missing - 1),
                (false, _) => return wrong(byte, "in \\u hexadecimal character escape"),
            },
            State::AfterMinus => match byte {
                b'0' => State::AfterZero,
                b'1'..=b'9' => State::InDigits,
                _ => return wrong(byte, "in numeric literal"),
            },
            State::InDigits if byte.is_ascii_digit() => State::InDigits,
            State::InDigits | State::AfterZero if byte == b'.' => State::AfterDot,
            State::AfterDot if byte.is_ascii_digit() => State::InFraction,
            State::AfterDot => return wrong(byte, "after decimal point in numeric literal"),
            State::InFraction if byte.is_ascii_digit() => State::InFraction,
            State::InDigits | State::AfterZero | State::InFraction if matches!(byte, b'e' | b'E') => {
                State::AfterE
            }
            State::AfterE if matches!(byte, b'+' | b'-') => State::AfterExponentSign,
            State::AfterE | State::AfterExponentSign if byte.is_ascii_digit() => State::InExponent,
            State::AfterE | State::AfterExponentSign => {
                return wrong(byte, "in exponent of numeric literal");
            }
            State::InExponent if byte.is_ascii_digit() => State::InExponent,
            State::InDigits | State::AfterZero | State::InFraction | State::InExponent => {
                self.state = State::AfterValue;
                return self.step(byte);
            }
            State::InWord(word, done) => match word.as_bytes()[done] {
                expected if expected != byte => {
                    let expected = expected as char;
                    return wrong(byte, &format!("in literal {word} (expecting '{expected}')"));
                }
                _ if done + 1 == word.len() => State::AfterValue,
                _ => State::InWord(word, done + 1),
            },
        };
        Ok(())
    }

    fn begin_value(&mut self, byte: u8) -> Result<State, String> {
        let (level, state) = match byte {
            b'{' => (Level::Key, State::KeyOrEnd),
            b'[' => (Level::Element, State::ValueOrEnd),
            b'"' => return Ok(State::InString),
            b'-' => return Ok(State::AfterMinus),
            b'0' => return Ok(State::AfterZero),
            b'1'..=b'9' => return Ok(State::InDigits),
            b't' => return Ok(State::InWord("true", 1)),
            b'f' => return Ok(State::InWord("false", 1)),
            b'n' => return Ok(State::InWord("null", 1)),
            _ => return wrong(byte, "looking for beginning of value"),
        };
        if self.levels.len() == DEPTH_MAX {
            return Err("exceeded max depth".to_owned());
        }
        self.levels.push(level);
        Ok(state)
    }

    fn after_value(&mut self, byte: u8) -> Result<State, String> {
        let Some(level) = self.levels.last_mut() else {
            return wrong(byte, "after top-level value");
        };
        Ok(match (*level, byte) {
            (Level::Key, b':') => {
                *level = Level::Member;
                State::Value
            }
            (Level::Key, _) => return wrong(byte, "after object key"),
            (Level::Member, b',') => {
                *level = Level::Key;
                State::Key
            }
            (Level::Member, b'}') | (Level::Element, b']') => self.close(),
            (Level::Member, _) => return wrong(byte, "after object key:value pair"),
            (Level::Element, b',') => State::Value,
            (Level::Element, _) => return wrong(byte, "after array element"),
        })
    }

    fn close(&mut self) -> State {
        self.levels.pop();
        self.is_over = self.levels.is_empty();
        State::AfterValue
    }
}

fn wrong<T>(byte: u8, context: &str) -> Result<T, String> {
    let shown = match byte {
        b'\'' => "\\'".to_owned(),
        b'"' => "\"".to_owned(),
        // Go takes the byte for a character, and these for unprintable ones.
        0xa0 | 0xad => format!("\\u00{byte:02x}"),
        _ => super::error::quote((byte as char).to_string().as_bytes()).trim_matches('"').to_owned(),
    };
    Err(format!("invalid character '{shown}' {context}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, line: usize, character: usize, why: &str) {
        let want =
            format!("cannot parse json due to an error at line {line}, character {character} , error: {why}");
        assert_eq!(error(text.as_bytes()), Some(want), "{text:?}");
    }

    #[test]
    fn errors_are_gos_with_the_place_of_k6() {
        check("", 1, 0, "unexpected end of JSON input");
        check("x", 1, 1, "invalid character 'x' looking for beginning of value");
        check("xyz", 1, 2, "invalid character 'x' looking for beginning of value");
        check("<html>", 1, 2, "invalid character '<' looking for beginning of value");
        check("{\n  \"a\": ? }", 2, 10, "invalid character '?' looking for beginning of value");
        check("{a:1}", 1, 3, "invalid character 'a' looking for beginning of object key string");
        check("{\"a\" 1}", 1, 7, "invalid character '1' after object key");
        check("{\"a\":1 2}", 1, 9, "invalid character '2' after object key:value pair");
        check("{\"a\":1,}", 1, 8, "invalid character '}' looking for beginning of object key string");
        check("[1 2]", 1, 5, "invalid character '2' after array element");
        check("[1,]", 1, 4, "invalid character ']' looking for beginning of value");
        check("1 2", 1, 3, "invalid character '2' after top-level value");
        check("{} x", 1, 4, "invalid character 'x' after top-level value");
        check("\"a\tb\"", 1, 4, "invalid character '\\t' in string literal");
        check("\"\\x\"", 1, 4, "invalid character 'x' in string escape code");
        check("\"\\u12g\"", 1, 7, "invalid character 'g' in \\u hexadecimal character escape");
        check("-a", 1, 2, "invalid character 'a' in numeric literal");
        check("1.a", 1, 3, "invalid character 'a' after decimal point in numeric literal");
        check("1ea", 1, 3, "invalid character 'a' in exponent of numeric literal");
        check("trux", 1, 4, "invalid character 'x' in literal true (expecting 'e')");
        check("tru", 1, 3, "invalid character ' ' in literal true (expecting 'e')");
        check("[1", 1, 2, "unexpected end of JSON input");
        check("\"a", 1, 2, "unexpected end of JSON input");
        check("'a'", 1, 2, "invalid character '\\'' looking for beginning of value");
        check("[\"\u{e9}\"x]", 1, 6, "invalid character 'x' after array element");
        check("\u{e9}", 1, 1, "invalid character '\u{c3}' looking for beginning of value");
    }

    #[test]
    fn what_is_json_has_no_error() {
        for text in [
            "{}",
            " [ ] ",
            "null",
            "-0.5e+10",
            "0",
            "1E5",
            "\"\\u00e9\\n\"",
            "{\"a\":[1,{\"b\":true}],\"c\":false}\n",
        ] {
            assert_eq!(error(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn depth_costs_no_stack_and_is_bounded_as_in_go() {
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert_eq!(error(nested(DEPTH_MAX).as_bytes()), None);
        check(&nested(1_000_000), 1, 10_002, "exceeded max depth");
        assert_eq!(select(nested(1_000_000).as_bytes(), "0"), Ok(Selected::Nothing));
        assert!(matches!(select(nested(DEPTH_MAX).as_bytes(), "0.0.0"), Ok(Selected::Json(_))));
    }

    #[test]
    fn selectors_find_values_and_lists_of_them() {
        const BODY: &str = r##"{"name":{"first":"Tom","last":"\u0041nd"},"age":37.5,"ok":true,"no":false,
            "nil":null,"list":["a","b"],"fav.movie":"Deer",
            "friends":[{"first":"Dale","age":44},{"first":"Jane","age":47}]}"##;
        #[track_caller]
        fn found(selector: &str, want: Selected) {
            assert_eq!(select(BODY.as_bytes(), selector), Ok(want), "{selector}");
        }
        let text = |text: &str| Selected::Text(text.to_owned());
        let json = |text: &str| Selected::Json(text.to_owned());
        found("name.first", text("Tom"));
        found("name.last", text("And"));
        found("age", Selected::Number(37.5));
        found("ok", Selected::Bool(true));
        found("no", Selected::Bool(false));
        found("nil", Selected::Null);
        found("nil.x", Selected::Nothing);
        found("nope", Selected::Nothing);
        found("", Selected::Nothing);
        found("list", json("[\"a\",\"b\"]"));
        found("list.#", Selected::Number(2.0));
        found("list.1", text("b"));
        found("list.2", Selected::Nothing);
        found("fav\\.movie", text("Deer"));
        found("na*.first", text("Tom"));
        found("friends.#.first", json("[\"Dale\",\"Jane\"]"));
        found("friends.#(first==\"Jane\").age", Selected::Number(47.0));
        found("friends.#(age>40)#.first", json("[\"Dale\",\"Jane\"]"));
        found("friends.#(age>99)#.first", json("[]"));
        found("name|@this|first", text("Tom"));
    }

    #[test]
    fn selectors_are_bounded_and_find_nothing_in_what_is_no_json() {
        assert_eq!(select(b"{\"a\":1", "a"), Ok(Selected::Nothing));
        assert!(select(b"{}", &"a.".repeat(101)).is_err());
    }
}
