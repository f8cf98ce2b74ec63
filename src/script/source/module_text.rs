//! One module, ready to be compiled.

use super::line_map::LineMap;
use super::parse;
use super::typescript;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `text` is a module.
    Esm,
    /// `text` is a script (sloppy mode, as k6 runs it) whose value is a
    /// `function(module, exports, require)`. It is to be called with `module.exports` as `this`;
    /// what `module.exports` is afterwards is what `require` returns, the default export, and the
    /// object whose properties are the named exports.
    CommonJs,
}

/// What one module imports from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// As written.
    pub specifier: String,
    /// Names that are bound or re-exported, or used through a namespace object; `default` among
    /// them. Each once, in order of appearance.
    pub names: Vec<String>,
}

#[derive(Debug)]
pub struct ModuleText {
    /// What positions in errors and stack traces name.
    pub url: String,
    pub text: String,
    pub kind: Kind,
    /// `None`: positions in `text` are the user's.
    pub line_map: Option<LineMap>,
    /// In order of appearance; none of CommonJS, which requires while it runs.
    pub imports: Vec<Import>,
}

/// On the first line, so that line numbers stay.
const WRAPPER_HEAD: &str = "(function(module, exports, require){";
/// On a line of its own, since the last one may end in a comment.
const WRAPPER_TAIL: &str = "\n})";

/// The byte order mark.
const BOM: char = '\u{feff}';

impl ModuleText {
    /// From a file's bytes. The error is k6's text, with the URL and the position.
    ///
    /// `may_be_typescript`: read as TypeScript if it is not JavaScript.
    pub fn read(url: &str, bytes: &[u8], may_be_typescript: bool) -> Result<ModuleText, String> {
        let source = String::from_utf8_lossy(bytes);
        let source = source.strip_prefix(BOM).unwrap_or(&source);
        let (text, line_map, parsed) = match parse::parse(source) {
            Ok(parsed) => (source.to_owned(), None, parsed),
            Err(_) if may_be_typescript => {
                let (text, line_map) =
                    typescript::strip(source).map_err(|wrong| format!("{url}: {wrong}"))?;
                let parsed = parse::parse(&text).map_err(|wrong| format!("{url}: without types: {wrong}"))?;
                (text, Some(line_map), parsed)
            }
            Err(wrong) => return Err(format!("{url}: {wrong}")),
        };
        let (text, line_map) = match parsed.kind {
            Kind::Esm => (text, line_map),
            Kind::CommonJs => {
                let indented = line_map.unwrap_or_default().indented(WRAPPER_HEAD.len() as u32);
                (wrap(&text), Some(indented))
            }
        };
        Ok(ModuleText { url: url.to_owned(), text, kind: parsed.kind, line_map, imports: parsed.imports })
    }
}

fn wrap(text: &str) -> String {
    // Inside the wrapper, `#!` is no longer at the start; as a comment it keeps its columns.
    match text.strip_prefix("#!") {
        Some(rest) => format!("{WRAPPER_HEAD}//{rest}{WRAPPER_TAIL}"),
        None => format!("{WRAPPER_HEAD}{text}{WRAPPER_TAIL}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(source: &str) -> ModuleText {
        ModuleText::read("file:///t.ts", source.as_bytes(), true).unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    #[track_caller]
    fn check_kind(source: &str, want: Kind) {
        assert_eq!(read(source).kind, want);
    }

    #[test]
    fn imports_exports_and_awaiting_at_top_level_make_a_module() {
        check_kind("import 'k6'", Kind::Esm);
        check_kind("export const x = 1", Kind::Esm);
        check_kind("export {}", Kind::Esm);
        check_kind("await Promise.resolve()", Kind::Esm);
        check_kind("await (1)", Kind::Esm);
        check_kind("for await (const x of []) {}", Kind::Esm);
        check_kind("import.meta.resolve('./x')", Kind::Esm);
        check_kind("import type { A } from './a.ts'", Kind::Esm);
    }

    #[test]
    fn anything_else_is_commonjs() {
        check_kind("", Kind::CommonJs);
        check_kind("exports.default = function() {}", Kind::CommonJs);
        check_kind("async function f() { await 1 }", Kind::CommonJs);
        check_kind("const f = async () => { for await (const x of []) {} }", Kind::CommonJs);
        check_kind("// import x from 'y'", Kind::CommonJs);
        check_kind("'export default 1'", Kind::CommonJs);
        check_kind("const a: string = 'x'; module.exports = a", Kind::CommonJs);
    }

    #[test]
    fn commonjs_is_sloppy_and_may_return_early() {
        check_kind("if (module.exports) return; with (a) { b = 010 }", Kind::CommonJs);
        check_kind("var await = 1", Kind::CommonJs);
    }

    #[track_caller]
    fn check_text(source: &str, want: &str) {
        assert_eq!(read(source).text, want);
    }

    #[test]
    fn a_module_stays_as_it_is_and_commonjs_keeps_its_lines() {
        check_text("#!/usr/bin/env k6\nexport {}", "#!/usr/bin/env k6\nexport {}");
        check_text("\u{feff}export {}", "export {}");
        check_text("a\n// b", "(function(module, exports, require){a\n// b\n})");
        check_text("#!x\na", "(function(module, exports, require){//x\na\n})");
    }

    /// Where the marked token of the text that is compiled is in the user's.
    #[track_caller]
    fn check_position(source: &str, token: &str, want: (u32, u32)) {
        let text = read(source);
        let offset = text.text.find(token).unwrap_or_else(|| panic!("no {token} in {}", text.text));
        let (line, column) = super::super::syntax_error::position(&text.text, offset);
        let got = text.line_map.map_or((line, column), |map| map.source_position(line, column));
        assert_eq!(got, want);
    }

    #[test]
    fn positions_lead_back_to_the_users_text() {
        check_position("export {};\n  boom()", "boom", (2, 3));
        check_position("boom()", "boom", (1, 1));
        check_position("a;\n  boom()", "boom", (2, 3));
        check_position("interface A {\n  b: string\n}\n\nexport const c: A =\n  boom()", "boom", (6, 3));
        check_position("type A = string;\nlet a: A = boom()", "boom", (2, 12));
        check_position("let a: string = 1; a; boom()", "boom", (1, 23));
    }

    #[track_caller]
    fn check_stripped(source: &str, want: &str) {
        let text = read(source).text;
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(&text), want);
    }

    #[test]
    fn types_are_stripped_and_what_they_stand_for_stays() {
        check_stripped("export const a = (b as number)!", "export const a = b;");
        check_stripped("export function f<T>(a?: T): T { return a }", "export function f(a) { return a; }");
        check_stripped("import { A } from './a.ts'; export type { A }; export let a: A", "export let a;");
        check_stripped(
            "import { A, b } from './a.ts'; export let c: A = b",
            "import { b } from \"./a.ts\"; export let c = b;",
        );
        check_stripped(
            "export enum E { A, B = 5 }",
            "export let E = function(E) { E[E[\"A\"] = 0] = \"A\"; E[E[\"B\"] = 5] = \"B\"; \
             return E; }({});",
        );
        check_stripped(
            "export class C { constructor(private a: number) {} }",
            "export class C { constructor(a) { this.a = a; } }",
        );
    }

    #[test]
    fn text_that_is_javascript_is_not_touched() {
        check_text("export const a  =  b < c > (d)", "export const a  =  b < c > (d)");
    }

    #[track_caller]
    fn check_refused(source: &str, may_be_typescript: bool, want: &str) {
        let got = ModuleText::read("file:///t", source.as_bytes(), may_be_typescript).map(|text| text.text);
        assert_eq!(got, Err(format!("file:///t: {want}")));
    }

    #[test]
    fn types_are_an_error_where_javascript_is_expected() {
        check_refused("export let a: string", false, "Line 1:13 Unexpected token :");
        check_refused("{\"a\": 1}", false, "Line 1:5 Unexpected token :");
    }

    #[test]
    fn what_is_neither_is_judged_as_a_module_or_as_typescript() {
        check_refused(
            "export const a = 1;\nconst a = 2",
            false,
            "Line 2:7 Identifier `a` has already been declared",
        );
        check_refused("export default 1;\nlet a: = 2", true, "Line 2:8 Unexpected token =");
        check_refused("a b", false, "Line 1:3 Unexpected identifier");
        check_refused("export default function () {", false, "Line 1:29 Unexpected end of input");
        check_refused("@d class A {}\nexport let a: A", true, "Line 1:1 decorators are not supported");
    }

    #[track_caller]
    fn check_imports(source: &str, want: &[(&str, &[&str])]) {
        let imports = read(source).imports;
        let got: Vec<_> = imports
            .iter()
            .map(|import| {
                (import.specifier.as_str(), import.names.iter().map(String::as_str).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(
            got,
            want.iter().map(|(specifier, names)| (*specifier, names.to_vec())).collect::<Vec<_>>()
        );
    }

    #[test]
    fn imports_are_listed_with_their_names() {
        check_imports("import http, { get as g, get } from 'k6/http'", &[("k6/http", &["default", "get"])]);
        check_imports(
            "import 'a'; import { b } from 'b'; import { c } from 'a'",
            &[("a", &["c"]), ("b", &["b"])],
        );
        check_imports(
            "export { x as y, default } from 'a'; export * from 'b'",
            &[("a", &["x", "default"]), ("b", &[])],
        );
        check_imports("import { 'x y' as z } from 'a'", &[("a", &["x y"])]);
        check_imports("require('a')", &[]);
    }

    #[test]
    fn names_used_through_a_namespace_object_are_imported() {
        check_imports(
            "import * as a from 'a'; a.b(); () => a['c']; const { d, e: f } = a; a[g]; x[a]; { let a; a.h }",
            &[("a", &["b", "c", "d", "e"])],
        );
    }

    #[test]
    fn types_are_not_imported() {
        check_imports("import { A, b } from 'a'; import type { C } from 'c'; let x: A = b", &[("a", &["b"])]);
    }
}
