//! Whole scripts in memory: what is found, what is refused, and in which words.

use super::*;
use std::path::Path;
use std::sync::Arc;

const NOT_FOUND: &str = "couldn't be found on local disk. Make sure that you've specified the right path to \
    the file. If you're running k6 using the Docker image make sure you have mounted the local directory \
    (-v /local/path/:/inside/docker/path) containing your script and modules so that they're accessible by \
    k6 from inside of the container, see \
    https://grafana.com/docs/k6/latest/using-k6/modules/#use-modules-with-docker.";

fn load_from(
    argument: &str,
    stdin: Option<&str>,
    files: &[(&str, &str)],
) -> Result<(Sources, MainModule), LoadError> {
    let files = MemoryFiles::new(files.iter().copied());
    Sources::from_argument(argument, stdin.map(str::as_bytes), Path::new("/load"), Arc::new(files))
}

#[track_caller]
fn loaded(files: &[(&str, &str)]) -> (Sources, MainModule) {
    load_from("main.js", None, files).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn check_main(argument: &str, stdin: Option<&str>, want_url: &str) {
    let files = [
        ("/load/main.js", "export default 1"),
        ("/load/lib/a b.js", "export default 1"),
        ("/other/x.js", "export default 1"),
    ];
    let (_, main) = load_from(argument, stdin, &files).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((main.url.as_str(), main.text.url.as_str()), (want_url, want_url));
}

#[test]
fn the_main_script_is_a_path_a_file_url_or_standard_input() {
    check_main("main.js", None, "file:///load/main.js");
    check_main("./lib/../main.js", None, "file:///load/main.js");
    check_main("lib/a b.js", None, "file:///load/lib/a%20b.js");
    check_main("/other/x.js", None, "file:///other/x.js");
    check_main("../other/x.js", None, "file:///other/x.js");
    check_main("file:///other/x.js", None, "file:///other/x.js");
    check_main("-", Some("export default 1"), "file:///-");
}

#[track_caller]
fn check_refused_argument(argument: &str, want: &str) {
    let files = [("/load/lib/a.js", ""), ("/load/old.tar", &tar_header())];
    let error = load_from(argument, None, &files).map(|(_, main)| main).expect_err("is refused");
    assert_eq!((error.message.as_str(), error.exit_code), (want, 255));
}

fn tar_header() -> String {
    format!("data{}001232\0 {}", "\0".repeat(144), "\0".repeat(356))
}

#[test]
fn a_main_script_that_cannot_be_read_is_refused_with_255() {
    check_refused_argument("nothere.js", &format!("The moduleSpecifier \"nothere.js\" {NOT_FOUND}"));
    check_refused_argument("./nothere.js", &format!("The moduleSpecifier \"./nothere.js\" {NOT_FOUND}"));
    check_refused_argument("k6/http", &format!("The moduleSpecifier \"k6/http\" {NOT_FOUND}"));
    check_refused_argument("lib", "read /load/lib: is a directory");
    check_refused_argument(
        "https://example.com/t.js",
        "'https://example.com/t.js' is remote, and remote scripts are not fetched; save it to a file",
    );
    check_refused_argument(
        "old.tar",
        "'old.tar' is an archive, and archives are not supported yet; run the script that it was made from",
    );
}

#[track_caller]
fn check_refused(files: &[(&str, &str)], want: &str) {
    let error = load_from("main.js", None, files).map(|(_, main)| main).expect_err("is refused");
    let prefix = "could not initialize 'main.js': could not load JS test 'file:///load/main.js': ";
    assert_eq!((error.message.as_str(), error.exit_code), (format!("{prefix}{want}").as_str(), 107));
}

#[track_caller]
fn check_refused_import(specifier: &str, want: &str) {
    let main = format!("import x from '{specifier}'; export default function(){{}}");
    check_refused(&[("/load/main.js", &main), ("/load/lib/a.js", "")], want);
}

#[test]
fn an_import_that_is_no_module_is_refused_as_it_was_written() {
    check_refused_import(
        "./missing_module.js",
        &format!("The moduleSpecifier \"./missing_module.js\" {NOT_FOUND}"),
    );
    check_refused_import("./lib/a", &format!("The moduleSpecifier \"./lib/a\" {NOT_FOUND}"));
    check_refused_import("./lib", "read /load/lib: is a directory");
    check_refused_import(
        "lodash",
        "The moduleSpecifier \"lodash\" couldn't be recognised as something k6 supports.",
    );
    check_refused_import(
        "k6x",
        "The moduleSpecifier \"k6x\" couldn't be recognised as something k6 supports.",
    );
    check_refused_import("", "local or remote path required");
    check_refused_import(
        "http://a.b/c.js",
        "only supported schemes for imports are file and https, http://a.b/c.js has `http`",
    );
    check_refused_import(
        "https://jslib.k6.io/papaparse/5.1.1/index.js",
        "The moduleSpecifier \"https://jslib.k6.io/papaparse/5.1.1/index.js\" is a remote module, and remote modules are \
         not fetched. Of https://jslib.k6.io/ there are k6-utils, k6-summary, url, formdata, httpx; save others as \
         DIR/jslib.k6.io/papaparse/5.1.1/index.js and run with --module-dir DIR",
    );
    check_refused_import(
        "github.com/a/b.js",
        "github.com 'special' urls are no longer supported - please use real ones. You can get yours by \
         going to github and copy-pasting the full url to the actual raw JavaScript file",
    );
}

#[test]
fn remote_modules_are_read_from_a_directory() {
    let load = |files: &[(&str, &str)]| {
        let mut files = MemoryFiles::new(files.iter().copied());
        files.module_directory = Some("/mods".into());
        Sources::from_argument("main.js", None, Path::new("/load"), Arc::new(files))
            .map(|(sources, _)| sources)
    };
    let main = (
        "/load/main.js",
        "import 'https://a.b/lib/x.js?v=1'; import 'https://jslib.k6.io/url/1.0.0/index.js'",
    );
    let x = ("/mods/a.b/lib/x.js", "import '../y.js'");
    let sources = load(&[main, x, ("/mods/a.b/y.js", "export const y = 1")]).unwrap();
    assert_eq!(sources.load("https://a.b/y.js").unwrap().text, "export const y = 1");
    let error = load(&[main, x]).err().unwrap().message;
    assert!(error.ends_with("is a remote module, and /mods/a.b/y.js is not there; save it to that file, and what it imports likewise"), "{error}");
    let error = load(&[main, ("/mods/a.b/lib/x.js", "import 'file:///load/main.js'")]).err().unwrap().message;
    assert!(
        error.ends_with("origin (https://a.b/lib/) not allowed to load local file: file:///load/main.js"),
        "{error}"
    );
    let error = load(&[("/load/main.js", "import 'https://a.b/..%2f..%2fx.js'")]).err().unwrap().message;
    assert!(error.contains("is a remote module"), "{error}");
}

#[test]
fn imports_of_imports_are_read_too() {
    let (sources, _) = loaded(&[
        ("/load/main.js", "import './lib/a.js'; import '/abs.js'; import 'file:///abs.js'"),
        ("/load/lib/a.js", "export * from './b.js'; export { get } from 'k6/http'"),
        ("/load/lib/b.js", "import '../main.js'; import { sleep } from 'k6'"),
        ("/abs.js", "export const x = 1"),
    ]);
    sources.seal();
    for url in ["file:///load/lib/a.js", "file:///load/lib/b.js", "file:///abs.js", "file:///load/main.js"] {
        assert_eq!(sources.load(url).map(|text| text.url.clone()), Ok(url.to_owned()));
    }
    assert_eq!(sources.imported_builtins().into_iter().collect::<Vec<_>>(), ["k6", "k6/http"]);
}

#[test]
fn a_missing_import_of_an_import_is_told_as_the_import_wrote_it() {
    check_refused(
        &[("/load/main.js", "import './lib/a.js'"), ("/load/lib/a.js", "import '../b.js'")],
        &format!("The moduleSpecifier \"../b.js\" {NOT_FOUND}"),
    );
}

#[track_caller]
fn check_resolved(importer: &str, specifier: &str, want: &str) {
    let (sources, _) =
        load_from("-", Some(""), &[("/load/a.js", ""), ("/load/lib/b.js", ""), ("/abs.js", "")])
            .expect("loads");
    assert_eq!(sources.resolve(importer, specifier), Ok(want.to_owned()));
    assert_eq!(sources.url_of(importer, specifier), Ok(want.to_owned()));
}

#[test]
fn specifiers_are_relative_to_their_importer_and_those_of_standard_input_to_the_current_directory() {
    check_resolved("file:///load/lib/b.js", "../a.js", "file:///load/a.js");
    check_resolved("file:///load/a.js", "./lib/b.js", "file:///load/lib/b.js");
    check_resolved("file:///load/a.js", "./lib/./x/../b.js", "file:///load/lib/b.js");
    check_resolved("file:///load/lib/b.js", "/abs.js", "file:///abs.js");
    check_resolved("file:///load/lib/b.js", "//abs.js", "file:///abs.js");
    check_resolved("file:///load/lib/b.js", "file:///abs.js", "file:///abs.js");
    check_resolved("file:///load/lib/b.js", "k6/x/nothere", "k6/x/nothere");
    check_resolved("file:///-", "./lib/b.js", "file:///load/lib/b.js");
}

#[test]
fn a_sealed_script_reads_nothing_and_gives_what_it_gave() {
    let files = Arc::new(MemoryFiles::new([
        ("/load/main.js", "require('./a.js'); require('k6')"),
        ("/load/a.js", ""),
        ("/load/b.js", ""),
        ("/load/data.json", "{}"),
    ]));
    let (sources, main) =
        Sources::from_argument("main.js", None, Path::new("/load"), files.clone()).expect("loads");
    assert!(sources.resolve(&main.url, "./a.js").is_ok());
    assert!(sources.resolve(&main.url, "k6").is_ok());
    assert!(sources.open(&main.url, "data.json").is_ok());
    sources.seal();
    let reads = files.reads();
    assert_eq!(sources.resolve(&main.url, "./a.js"), Ok("file:///load/a.js".to_owned()));
    assert!(sources.load("file:///load/a.js").is_ok());
    assert!(sources.resolve(&main.url, "k6").is_ok());
    assert_eq!(sources.open(&main.url, "./data.json").as_deref(), Ok(b"{}".as_slice()));
    for specifier in ["./b.js", "k6/http"] {
        let want =
            format!("the module {specifier:?} was not previously resolved during initialization (__VU==0)");
        assert_eq!(sources.resolve(&main.url, specifier).map_err(|error| error.message), Err(want));
    }
    assert_eq!(
        sources.open(&main.url, "b.js").map_err(|error| error.message),
        Err("open() can't be used with files that weren't previously opened during initialization \
             (__VU==0), path: \"/load/b.js\""
            .to_owned())
    );
    assert_eq!(files.reads(), reads);
}

#[track_caller]
fn check_opened(importer: &str, path: &str, want: Result<&str, &str>) {
    let files = [("/load/lib/users.csv", "users"), ("/load/a b.txt", "blank")];
    let (sources, _) = load_from("-", Some(""), &files).expect("loads");
    let got = sources.open(importer, path).map_err(|error| error.message);
    assert_eq!(got.as_deref(), want.map(str::as_bytes).map_err(str::to_owned).as_ref().copied());
}

#[test]
fn files_are_opened_relative_to_the_running_module() {
    check_opened("file:///load/main.js", "lib/users.csv", Ok("users"));
    check_opened("file:///load/main.js", "./lib/../a b.txt", Ok("blank"));
    check_opened("file:///load/lib/x.js", "users.csv", Ok("users"));
    check_opened("file:///load/lib/x.js", "/load/a b.txt", Ok("blank"));
    check_opened("file:///load/lib/x.js", "file:///load/a b.txt", Ok("blank"));
    check_opened("file:///-", "a b.txt", Ok("blank"));
}

#[test]
fn what_cannot_be_opened_is_refused_in_k6s_words() {
    let main = "file:///load/main.js";
    check_opened(main, "", Err("open() can't be used with an empty filename"));
    check_opened(main, "lib", Err("open() can't be used with directories, path: \"/load/lib\""));
    check_opened(main, "nothere", Err("stat /load/nothere: no such file or directory"));
}

#[test]
fn the_names_imported_from_a_module_are_those_of_all_importers() {
    let (sources, main) = loaded(&[
        ("/load/main.js", "import http, { get } from 'k6/http'; import './lib/a.js'; import c from './c.js'"),
        (
            "/load/lib/a.js",
            "export { nope as x } from 'k6/http'; import * as c from '../c.js'; c.d(); c['e']",
        ),
        ("/load/c.js", "module.exports = {}"),
    ]);
    let names = |module| sources.imported_names(module).into_iter().collect::<Vec<_>>();
    assert_eq!(names("k6/http"), ["default", "get", "nope"]);
    assert_eq!(names("file:///load/c.js"), ["d", "default", "e"]);
    assert_eq!(names("k6"), [""; 0]);
    assert_eq!(main.text.imports[0].names, ["default", "get"]);
}

#[test]
fn sources_can_be_shared_between_workers() {
    fn check<T: Send + Sync>() {}
    check::<Sources>();
}

#[test]
fn a_syntax_error_is_told_with_its_place() {
    check_refused(
        &[("/load/main.js", "export default function( { syntax error")],
        "file:///load/main.js: Line 1:35 Unexpected identifier",
    );
    check_refused(
        &[("/load/main.js", "import './a.js'"), ("/load/a.js", "\n\nexport default ;")],
        "file:///load/a.js: Line 3:16 Unexpected token ;",
    );
}
