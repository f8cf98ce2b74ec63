//! The code against `docs/ARCHITECTURE.md`: which module may use which, and where heavy or
//! dangerous things have their one home.
//!
//! Sources are read as tokens, so comments and texts say nothing. What stands under `#[cfg(test)]`
//! may use more than its module may.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const DOC: &str = include_str!("../docs/ARCHITECTURE.md");

/// Words that stand nowhere but in these places, which are modules or files of them.
const HOMES: &[(&str, &[&str])] = &[
    ("unsafe", &["sys", "transport/uring", "transport/epoll", "script/js/engine"]),
    ("io_uring", &["transport/uring"]),
    ("core_affinity", &["sys"]),
    ("hickory_resolver", &["sys/dns"]),
    ("tokio", &["sys/dns"]),
    ("httparse", &["http"]),
    ("hdrhistogram", &["metrics"]),
    ("serde", &["output/report"]),
    ("serde_json", &["output", "options"]),
    ("clap", &["cli"]),
    ("rustls", &["tls"]),
    ("rcgen", &["target"]),
    ("rquickjs", &["script/js"]),
    ("corosensei", &["script/js/engine"]),
    ("gjson", &["http/json"]),
    ("brotli", &["http/coding"]),
    ("flate2", &["http/coding", "cli/sample_files"]),
    ("ruzstd", &["http/coding"]),
    ("dom_query", &["script/js/modules/html"]),
    ("oxc_allocator", &["script/source"]),
    ("oxc_ast", &["script/source"]),
    ("oxc_codegen", &["script/source"]),
    ("oxc_parser", &["script/source"]),
    ("oxc_semantic", &["script/source"]),
    ("oxc_span", &["script/source"]),
    ("oxc_transformer", &["script/source"]),
];

/// A word or a sign, and its line.
#[derive(Clone, Debug, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

/// A file of `src/`; its place is its path without `.rs` and `/mod`.
struct Source {
    place: String,
    tokens: Vec<Token>,
}

/// Module to what it may use; `None`: everything.
type Table = BTreeMap<String, Option<BTreeSet<String>>>;

#[test]
fn modules_use_only_what_the_document_says() {
    let (table, sources) = (table(DOC), sources());
    let modules: BTreeSet<String> =
        sources.iter().map(|source| module_of(&source.place).to_owned()).filter(|m| m != "lib").collect();
    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), modules, "rows of the table, and modules");
    for used in table.values().flatten().flatten() {
        assert!(modules.contains(used), "the table speaks of `{used}`, which is no module");
    }
    report(sources.iter().flat_map(|source| forbidden_uses(source, &table)).collect());
}

#[test]
fn what_is_heavy_or_dangerous_stands_in_its_home_only() {
    report(sources().iter().flat_map(strays).collect());
}

#[track_caller]
fn report(violations: Vec<String>) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// Rows of the table under `## May use`.
fn table(doc: &str) -> Table {
    let section = doc.split("\n## May use\n").nth(1).expect("a heading `## May use`");
    let section = section.split("\n## ").next().unwrap_or("");
    let mut table = Table::new();
    for row in section.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, module, uses, ..] = cells[..] else { panic!("a row of too few cells: {row}") };
        let [module] = &names(module)[..] else { continue };
        let allowed = match uses {
            "everything" => None,
            "nothing" => Some(BTreeSet::new()),
            names_only => Some(names(names_only).into_iter().collect()),
        };
        assert!(allowed.as_ref().is_none_or(|names| !names.is_empty() || uses == "nothing"), "{row}");
        assert!(table.insert(module.clone(), allowed).is_none(), "two rows of `{module}`");
    }
    table
}

/// What stands between back-ticks.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// All files of `src/` but those that are only compiled for tests.
fn sources() -> Vec<Source> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources: Vec<Source> = files(&root)
        .iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).expect("found in it").with_extension("");
            let inside = inside.to_str().expect("names are ASCII");
            let place = inside.strip_suffix("/mod").unwrap_or(inside).to_owned();
            let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            Source { place, tokens: tokens(&text) }
        })
        .collect();
    let test_files: Vec<String> = sources.iter().flat_map(test_modules).collect();
    sources.retain(|source| {
        !test_files.iter().any(|test| source.place == *test || source.place.starts_with(&format!("{test}/")))
    });
    sources
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("src is at hand") {
        let path = entry.expect("src can be read").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// `main` is a way into `cli`.
fn module_of(place: &str) -> &str {
    match place.split('/').next().unwrap_or(place) {
        "main" => "cli",
        module => module,
    }
}

fn forbidden_uses(source: &Source, table: &Table) -> Vec<String> {
    let module = module_of(&source.place);
    let Some(Some(allowed)) = table.get(module) else { return Vec::new() };
    let is_forbidden = |(used, _): &(String, usize)| used != module && !allowed.contains(used);
    let describe = |(used, line)| format!("{}, line {line}: `{module}` may not use `{used}`", source.place);
    uses(source).into_iter().filter(is_forbidden).map(describe).collect()
}

fn strays(source: &Source) -> Vec<String> {
    let lives_in = |homes: &[&str]| {
        homes.iter().any(|home| source.place == *home || source.place.starts_with(&format!("{home}/")))
    };
    let find = |tokens: &[Token], words: &[(&str, &[&str])]| {
        let foreign = words.iter().filter(|(_, homes)| !lives_in(homes));
        foreign
            .flat_map(|(word, homes)| {
                let of_word = tokens.iter().filter(move |token| token.text == *word);
                of_word.map(move |token| {
                    format!("{}, line {}: `{word}` is at home in {homes:?} only", source.place, token.line)
                })
            })
            .collect::<Vec<_>>()
    };
    // Tests read JSON where they like, but are no more dangerous than the rest.
    let (dangerous, heavy) = HOMES.split_at(1);
    [find(&source.tokens, dangerous), find(&without_tests(&source.tokens).0, heavy)].concat()
}

/// The modules of the crate that are named by their whole path, or by enough `super`s.
fn uses(source: &Source) -> Vec<(String, usize)> {
    let (tokens, _) = without_tests(&source.tokens);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let file_depth = if source.place == "lib" { 0 } else { source.place.split('/').count() };
    let (mut found, mut braces, mut inline_modules) = (Vec::new(), 0, Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        match text(at) {
            "mod" if text(at + 2) == "{" => inline_modules.push(braces),
            "{" => braces += 1,
            "}" => {
                braces -= 1;
                inline_modules.pop_if(|opened_at| *opened_at == braces);
            }
            "crate" | "ringload" if text(at + 1) == "::" => found.extend(first_names(&tokens, at + 2)),
            "super" if text(at + 1) == "::" => {
                let mut supers = 1;
                while text(at + 2) == "super" {
                    supers += 1;
                    at += 2;
                }
                if supers == file_depth + inline_modules.len() {
                    found.extend(first_names(&tokens, at + 2));
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The name that follows, or the first name of each branch of a `{…}`.
fn first_names(tokens: &[Token], at: usize) -> Vec<(String, usize)> {
    let named = |token: &Token| (token.text.clone(), token.line);
    if tokens[at].text != "{" {
        return vec![named(&tokens[at])];
    }
    let (mut names, mut depth) = (Vec::new(), 0);
    for pair in tokens[at..].windows(2) {
        match pair[0].text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        match depth {
            0 => break,
            1 if matches!(pair[0].text.as_str(), "{" | ",") && pair[1].text != "}" => {
                names.push(named(&pair[1]));
            }
            _ => {}
        }
    }
    names
}

/// Places of the files that `#[cfg(test)] mod name;` stands for.
fn test_modules(source: &Source) -> Vec<String> {
    let (_, dropped) = without_tests(&source.tokens);
    let declared = dropped.windows(3).filter(|three| three[0].text == "mod" && three[2].text == ";");
    declared.map(|three| format!("{}/{}", source.place, three[1].text)).collect()
}

/// The tokens outside and inside of items under `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<Token>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        let is_mark = tokens[at..].len() >= MARK.len()
            && tokens[at..].iter().zip(MARK).all(|(token, mark)| token.text == mark);
        if !is_mark {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += MARK.len();
        let end = at + item_length(&tokens[at..]);
        dropped.extend_from_slice(&tokens[at..end]);
        at = end;
    }
    (kept, dropped)
}

/// Up to the `;` or the closing `}` that ends the item.
fn item_length(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Words and signs; no comments, texts, characters and lifetimes.
fn tokens(text: &str) -> Vec<Token> {
    let (mut tokens, mut rest, mut line) = (Vec::new(), text, 1);
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (length, is_token) = match first {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            '/' if rest.starts_with("/*") => (block_comment_length(rest), false),
            '"' => (string_length(rest), false),
            '\'' => (character_or_lifetime_length(rest), false),
            _ if word > 0 => match raw_string_length(rest) {
                Some(length) => (length, false),
                None => (word, true),
            },
            ':' if rest.starts_with("::") => (2, true),
            sign => (sign.len_utf8(), !sign.is_whitespace()),
        };
        if is_token {
            tokens.push(Token { text: rest[..length].to_owned(), line });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn block_comment_length(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => depth += 1,
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    text.len()
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

fn raw_string_length(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r"].into_iter().find(|prefix| text.starts_with(prefix))?;
    let hashes = text[prefix.len()..].chars().take_while(|c| *c == '#').count();
    let body = text[prefix.len() + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(prefix.len() + hashes + 1 + length)
}

fn character_or_lifetime_length(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((escaped, _))) => {
            let from = escaped + 1;
            text[from..].find('\'').map_or(text.len(), |at| from + at + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        // A lifetime: its name means nothing here.
        _ => text[1..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(text.len(), |at| at + 1),
    }
}

/// What would be said of `text` if it stood at `place`.
fn violations(place: &str, text: &str) -> Vec<String> {
    let table =
        table("\n## May use\n| `script` | `time` `http` |\n| `http` | nothing |\n| `cli` | everything |\n");
    let source = Source { place: place.to_owned(), tokens: tokens(text) };
    [forbidden_uses(&source, &table), strays(&source)].concat()
}

#[track_caller]
fn check(place: &str, text: &str, want: &[&str]) {
    assert_eq!(violations(place, text), want);
}

#[test]
fn a_forbidden_use_is_found_in_every_form() {
    let worker = |line| format!("script/url, line {line}: `script` may not use `worker`");
    check("script/url", "use crate::worker::Worker;", &[&worker(1)]);
    check("script/url", "use std::io;\npub(crate) use crate::{time, worker::{Lane, Worker}};", &[&worker(2)]);
    check("script/url", "use crate::{\n    worker,\n    http::{self, url},\n};", &[&worker(2)]);
    check("script/url", "fn f() -> u8 {\n    crate::worker::pacing::f::<'a'>()\n}", &[&worker(2)]);
    check("script/url", "use super::super::worker::Worker;", &[&worker(1)]);
    check("script/url", "mod inner {\n    use super::super::super::worker::Worker;\n}", &[&worker(2)]);
    check("http", "use super::time::Instant;", &["http, line 1: `http` may not use `time`"]);
}

#[test]
fn what_is_allowed_or_no_use_at_all_is_not_found() {
    check(
        "script/url",
        "use crate::time; use crate::script::Program; use super::worker; use std::worker;",
        &[],
    );
    check("script/url", "mod inner {\n    use super::super::worker::Worker;\n}", &[]);
    check("script/url", "// crate::worker\n/* crate::worker /* */ crate::worker */", &[]);
    check(
        "script/url",
        r####"const A: &str = "\" crate::worker"; const B: &str = r#"" crate::worker"#;"####,
        &[],
    );
    check("script/url", "fn f<'a>(c: &'a str) { g('\"', '\\'', 'x') }", &[]);
    check("cli", "use crate::worker::Worker;", &[]);
}

#[test]
fn tests_may_use_more_and_what_follows_them_may_not() {
    let tests = "#[cfg(test)]\nmod tests { use crate::worker::Worker; fn f() { serde_json::f() } }";
    check("script/url", tests, &[]);
    check("script/url", "#[cfg(test)]\nuse crate::{worker::Worker};", &[]);
    let after = "script/url, line 3: `script` may not use `worker`";
    check("script/url", &format!("{tests}\nuse crate::worker::Worker;"), &[after]);
    let source = Source { place: "script".to_owned(), tokens: tokens("#[cfg(test)]\nmod tests;\nmod url;") };
    assert_eq!(test_modules(&source), ["script/tests"]);
}

#[test]
fn what_strays_from_its_home_is_found() {
    let stray = "http/head, line 1: `clap` is at home in [\"cli\"] only";
    check("http/head", "use clap::Arg;", &[stray]);
    check("cli/grammar", "use clap::Arg;", &[]);
    check("http/head", "#![deny(unsafe_code)] // unsafe", &[]);
    let stray = format!("http/head, line 1: `unsafe` is at home in {:?} only", HOMES[0].1);
    check("http/head", "#[cfg(test)] mod tests { fn f() { unsafe { g() } } }", &[&stray]);
    check("transport/uring/ring", "unsafe fn f() {}", &[]);
    let stray = "transport/uring_like, line 1: `io_uring` is at home in [\"transport/uring\"] only";
    check("transport/uring_like", "use io_uring::IoUring;", &[stray]);
}
