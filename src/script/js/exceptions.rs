//! Errors of scripts: k6's text of one, and how natives throw theirs.

use super::vu::Vu;
use rquickjs::{Coerced, Ctx, Error, Exception, FromJs, Persistent, Result, Value, object::Property};
use std::fmt::Write;

/// Why a function of the script ended early.
pub enum Failure {
    /// The context's exception.
    Exception(Error),
    /// A promise was rejected with this and nobody handled it.
    Rejection(Persistent<Value<'static>>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Exception(error)
    }
}

/// An error of a built-in module; scripts see it as k6's: its name is `GoError`.
pub fn throw(ctx: &Ctx<'_>, message: &str) -> Error {
    let thrown = Exception::from_message(ctx.clone(), message).and_then(|exception| {
        let object = exception.into_object();
        object.prop("name", Property::from("GoError").writable().configurable())?;
        object.prop("value", Property::from(message).writable().configurable())?;
        Ok(ctx.throw(object.into_value()))
    });
    thrown.unwrap_or_else(|error| error)
}

/// Takes the context's exception as k6 prints it: what was thrown, then one line per frame; it ends
/// with a newline.
pub fn take_text(ctx: &Ctx<'_>, error: &Error) -> String {
    match error {
        Error::Exception => {
            let (what, frames) = text_of(ctx, ctx.catch());
            format!("{what}\n{frames}")
        }
        error => format!("{error}\n"),
    }
}

/// What a promise was rejected with, as k6 prints it: values that are no errors have no frames.
pub fn rejection_text<'js>(ctx: &Ctx<'js>, reason: Value<'js>) -> String {
    match text_of(ctx, reason) {
        (what, frames) if frames.is_empty() => what,
        (what, frames) => format!("{what}\n{frames}"),
    }
}

/// What was thrown, and its frames, a line each.
pub fn text_of<'js>(ctx: &Ctx<'js>, thrown: Value<'js>) -> (String, String) {
    if thrown.is_null() {
        return (NULL.to_owned(), String::new());
    }
    let stack = thrown.as_exception().and_then(Exception::stack);
    // `toString` of what was thrown may throw itself.
    let what = match Coerced::<String>::from_js(ctx, thrown) {
        Ok(text) => text.0,
        Err(_) => {
            drop(ctx.catch());
            "uncaught exception".to_owned()
        }
    };
    let frames = stack.map(|stack| frames(&stack, |url, at| source_position(ctx, url, at)));
    (what, frames.unwrap_or_default())
}

/// Scripts hardly throw it; QuickJS does when there is no memory left to make an error.
const NULL: &str = "null (an exception for which no memory was left: the VU's limit is reached)";

/// Where in a script the caller of a native is: `default (file:///t.js:2:43)`.
pub fn caller(ctx: &Ctx<'_>) -> Option<String> {
    let here = Exception::from_message(ctx.clone(), "").ok()?.throw();
    let text = take_text(ctx, &here);
    let frame = text.lines().find(|line| line.starts_with("\tat ") && !line.ends_with("(native)"))?;
    frame.strip_prefix("\tat ").map(str::to_owned)
}

/// Where k6 says that a frame is, in the text that the user wrote.
fn source_position(ctx: &Ctx<'_>, url: &str, at: (u32, u32)) -> (u32, u32) {
    let Ok(text) = Vu::of(ctx).test.sources.load(url) else { return at };
    let (line, column) = k6_position(&text.text, at);
    match &text.line_map {
        Some(map) => map.source_position(line, column),
        None => (line, column),
    }
}

/// QuickJS counts bytes, from 0 on the first line, and points to what is called; k6 counts
/// letters and points to `new` or to the parenthesis of a call.
fn k6_position(text: &str, (line, column): (u32, u32)) -> (u32, u32) {
    let text = text.lines().nth(line as usize - 1).unwrap_or_default();
    // The first line's 1 stands for 0, too; what begins a script is the likelier.
    let offset = if line == 1 && column > 1 { column } else { column - 1 };
    let Some((before, after)) = text.split_at_checked(offset as usize) else { return (line, column) };
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$' | '.' | '#');
    let of_new = before.trim_end().strip_suffix("new").filter(|rest| !rest.ends_with(is_name));
    let callee = after.find(|letter| !is_name(letter)).filter(|end| after[*end..].starts_with('('));
    let letters = match (of_new, callee) {
        (Some(before), _) if before.len() + 3 < offset as usize => before.chars().count(),
        (_, Some(end)) => before.chars().count() + after[..end].chars().count(),
        _ => before.chars().count(),
    };
    (line, letters as u32 + 1)
}

/// QuickJS's `    at name (url:line:column)` in k6's form.
fn frames(stack: &str, position: impl Fn(&str, (u32, u32)) -> (u32, u32)) -> String {
    let mut text = String::new();
    for frame in stack.lines().filter_map(|line| line.trim_start().strip_prefix("at ")) {
        let (name, place) = match frame.split_once(" (") {
            Some((name, place)) => (name, place.trim_end_matches(')')),
            None => ("", frame),
        };
        let place = match split_place(place) {
            Some((url, at)) => {
                let (line, column) = position(url, at);
                format!("{url}:{line}:{column}")
            }
            None => place.to_owned(),
        };
        // Writing to a string cannot fail.
        let _ = match name {
            "" | "<anonymous>" | "<eval>" | "<module>" => writeln!(text, "\tat {place}"),
            name => writeln!(text, "\tat {name} ({place})"),
        };
    }
    text
}

fn split_place(place: &str) -> Option<(&str, (u32, u32))> {
    let (rest, column) = place.rsplit_once(':')?;
    let (url, line) = rest.rsplit_once(':')?;
    let at: (u32, u32) = (line.parse().ok()?, column.parse().ok()?);
    (at.0 > 0 && at.1 > 0).then_some((url, at))
}

/// `Ok` unless the native is used in module scope, where k6 says that this is not supported.
pub fn not_in_init(ctx: &Ctx<'_>, message: &str) -> Result<()> {
    match Vu::of(ctx).stage() {
        super::vu::Stage::Init => Err(throw(ctx, message)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stack: &str, want: &str) {
        assert_eq!(frames(stack, |_, (line, column)| (line + 10, column)), want);
    }

    #[test]
    fn positions_are_k6s() {
        assert_eq!(k6_position("x\nthrow new Error()", (2, 11)), (2, 7));
        assert_eq!(k6_position("throw new Error()", (1, 10)), (1, 7));
        assert_eq!(k6_position("renew()", (1, 1)), (1, 6));
        assert_eq!(k6_position("a.new()", (1, 1)), (1, 6));
        assert_eq!(k6_position("é; new X", (1, 8)), (1, 4));
        assert_eq!(k6_position("  exec.test.abort('x')", (1, 2)), (1, 18));
        assert_eq!(k6_position("\n  exec.test.abort('x')", (2, 3)), (2, 18));
        assert_eq!(k6_position("null.x + f()", (1, 9)), (1, 11));
        assert_eq!(k6_position("{ null.x }", (1, 2)), (1, 3));
        assert_eq!(k6_position("", (9, 9)), (9, 9));
    }

    #[test]
    fn frames_are_k6s() {
        check("    at default (file:///a.js:1:34)\n", "\tat default (file:///a.js:11:34)\n");
        check("    at <anonymous> (file:///a.js:1:34)\n", "\tat file:///a.js:11:34\n");
        check("    at <eval> (file:///a.js:1:1)\n", "\tat file:///a.js:11:1\n");
        check("    at forEach (native)\n", "\tat forEach (native)\n");
        check("    at file:///a b.js:1:34\n", "\tat file:///a b.js:11:34\n");
        check("", "");
    }
}
