use super::driver::{Driver, load_settings, run_settings};
use crate::script::js::{Call, CallOutcome, LoadSettings, RunSettings};
use crate::script::log::{LogLevel, LogLine};
use crate::script::{Answer, Step};

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// What options a script exports, as JSON.
#[track_caller]
fn check_options(script: &str, want: Option<&str>) {
    let mut driver = Driver::default();
    let blueprint =
        driver.load(&format!("{script}; export default function () {{}}")).map_err(|error| error.message);
    assert_eq!(blueprint.unwrap().options_json(), want);
}

#[test]
fn options_are_read_as_json() {
    check_options(
        "export const options = { vus: 2, duration: '1s', tags: { a: 1 } }",
        Some(r#"{"vus":2,"duration":"1s","tags":{"a":1}}"#),
    );
    check_options(
        "export const options = { f: () => 1, d: new Date(0), u: undefined }",
        Some(r#"{"d":"1970-01-01T00:00:00.000Z"}"#),
    );
    check_options("export let options = null", None);
    check_options("const options = 1", None);
}

/// Why a script cannot be run: message, exit code and fields.
#[track_caller]
fn check_refused(script: &str, files: &[(&str, &str)], want: &str, exit_code: u8, fields: &[(&str, &str)]) {
    let error = Driver::default().load_with(script, files, load_settings()).err().expect("it is refused");
    assert_eq!(error.message, want);
    assert_eq!(error.exit_code, exit_code);
    assert_eq!(error.fields, fields.iter().map(|(name, value)| field(name, value)).collect::<Vec<_>>());
}

const EXCEPTION: &[(&str, &str)] = &[("hint", "script exception"), ("source", "stacktrace")];

#[test]
fn an_exception_in_module_scope_has_k6s_text_and_code() {
    check_refused(
        "throw new Error(\"boom in init\"); export default function(){}",
        &[],
        "Error: boom in init\n\tat file:///dir/t.js:1:7\n",
        107,
        EXCEPTION,
    );
    check_refused(
        "import './a.js'; export default function () {}",
        &[("/dir/a.js", "\nfunction f() { undefinedThing() }\nf(); export {}")],
        "ReferenceError: undefinedThing is not defined\n\tat f (file:///dir/a.js:2:30)\n\tat file:///dir/a.js:3:2\n",
        107,
        EXCEPTION,
    );
}

#[test]
fn abort_in_module_scope_has_its_own_code() {
    check_refused(
        "import exec from 'k6/execution'; exec.test.abort('early'); export default function () {}",
        &[],
        "test aborted: early",
        108,
        &[],
    );
}

#[test]
fn what_cannot_be_linked_is_told_in_k6s_frame() {
    let frame = "could not initialize 't.js': could not load JS test 'file:///dir/t.js': ";
    check_refused(
        "import x from 'k6/nothere'; export default function () {}",
        &[],
        &format!(
            "{frame}unknown modules [\"k6/nothere\"] were tried to be loaded, but couldn't - this likely means \
             automatic extension resolution is required or a custom k6 binary with the required extensions"
        ),
        107,
        &[],
    );
    check_refused(
        "import { x } from './a.js'; export default function () {}",
        &[("/dir/a.js", "export const y = 1")],
        &format!("{frame}Could not find export 'x' in module 'file:///dir/a.js'"),
        107,
        &[],
    );
}

#[test]
fn modules_that_k6_has_removed_say_what_became_of_them() {
    check_refused(
        "import { setTimeout } from 'k6/experimental/timers'; export default function () {}",
        &[],
        "GoError: k6/experimental/timers has been graduated, and it's now globally available as defined by standard \
         WebAPIs. You just need to remove the import.\n",
        107,
        EXCEPTION,
    );
}

#[test]
fn options_that_json_does_not_know_and_scripts_without_functions_are_refused() {
    check_refused(
        "export const options = { a: { b: [1, NaN] } }; export default function () {}",
        &[],
        "error parsing script options: json: unsupported value: NaN",
        255,
        &[],
    );
    check_refused("export const options = {}", &[], "no exported functions in script", 255, &[]);
}

#[test]
fn unknown_names_of_built_in_modules_are_undefined() {
    let mut driver = Driver::default();
    let mut vu = driver.vu(
        "import k6, { nope, sleep } from 'k6'; import * as all from 'k6';
         export default function () { console.log(nope, typeof sleep, typeof k6.check, typeof all.group, all.nothing) }",
    );
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), ["undefined function function function undefined"]);
}

/// What a script with other files logs in its first iteration.
#[track_caller]
fn check_files(script: &str, files: &[(&str, &str)], want: &[&str]) {
    let mut driver = Driver::default();
    let blueprint = driver.load_with(script, files, load_settings());
    let blueprint = blueprint.unwrap_or_else(|error| panic!("{}", error.message));
    blueprint.configure(run_settings());
    let mut vu = blueprint.make_vu(1, &mut driver.log).unwrap_or_else(|error| panic!("{}", error.message));
    driver.log.take();
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), want, "{script}");
}

#[test]
fn modules_and_commonjs_import_each_other() {
    check_files(
        "import { a } from './a.js'; import b, { c } from './b.js'; export default function () { console.log(a, b.c, c) }",
        &[
            ("/dir/a.js", "export let a = 1; import './c.js'"),
            ("/dir/c.js", "export {}"),
            ("/dir/b.js", "exports.c = 3"),
        ],
        &["1 3 3"],
    );
    check_files(
        "const { sleep } = require('k6'); const a = require('./a.js'); const b = require('./b.js'), same = b === require('./b.js');
         exports.default = function () { console.log(typeof sleep, a.a, b.twice(2), same) }",
        &[("/dir/a.js", "export const a = 1"), ("/dir/b.js", "module.exports = { twice: x => x * 2 }")],
        &["function 1 4 true"],
    );
    check_files(
        "import './a.js'; export default function () {}",
        &[
            ("/dir/a.js", "exports.b = require('./b.js'); exports.done = 1"),
            ("/dir/b.js", "module.exports = Object.keys(require('./a.js'))"),
        ],
        &[],
    );
    check_files(
        "import f from './f.js'; export default function () { try { f() } catch (e) { console.log(e.stack.trim()) } }",
        &[("/dir/f.js", "#!/usr/bin/env k6\nmodule.exports = function f() {\n  throw new Error('x') }")],
        &["at f (file:///dir/f.js:3:13)\n    at default (file:///dir/t.js:1:59)"],
    );
}

#[test]
fn typescript_frames_are_the_users() {
    check_files(
        "import { f } from './a.ts'; export default function () { f(1) }",
        &[(
            "/dir/a.ts",
            "interface A {\n  b: string\n}\n\nexport function f(a: number): void {\n  throw new Error('typed')\n}",
        )],
        &["Error: typed\n\tat f (file:///dir/a.ts:6:9)\n\tat default (file:///dir/t.js:1:59)\n"],
    );
}

#[test]
fn files_are_opened_in_module_scope_only() {
    check_files(
        "const text = open('./data.txt'), bytes = new Uint8Array(open('data.txt', 'b'));
         export default function () { console.log(text, bytes); open('./data.txt') }",
        &[("/dir/data.txt", "hé")],
        &[
            "hé Uint8Array(3) [ 104, 195, 169 ]",
            "GoError: the \"open\" function is only available in the init stage (i.e. the global scope), see \
             https://grafana.com/docs/k6/latest/using-k6/test-lifecycle for more information\n\tat default (file:///dir/t.js:2:69)\n",
        ],
    );
    check_refused(
        "open('./missing.txt'); export default function () {}",
        &[],
        "GoError: stat /dir/missing.txt: no such file or directory\n\tat file:///dir/t.js:1:5\n",
        107,
        EXCEPTION,
    );
}

#[test]
fn a_file_that_the_first_run_did_not_open_stays_closed() {
    let mut driver = Driver::default();
    let script = "if (__VU > 0) open('./data.txt'); export default function () {}";
    let blueprint = driver.load_with(script, &[("/dir/data.txt", "x")], load_settings()).unwrap();
    blueprint.configure(run_settings());
    let error = blueprint.make_vu(1, &mut driver.log).err().unwrap();
    assert!(
        error.message.starts_with("GoError: open() can't be used with files that weren't previously opened")
    );
}

#[test]
fn what_setup_returns_is_each_vus_own() {
    let mut driver = Driver::default();
    let blueprint = driver
        .load(
            "import { sleep } from 'k6'; import exec from 'k6/execution';
             export function setup() { sleep(1); console.log(exec.vu.tags.group, __VU, typeof __ITER); return { n: [1] } }
             export default function (data) { data.n.push(__VU); console.log(data) }
             export function teardown(data) { console.log(data, exec.vu.tags.group) }",
        )
        .unwrap();
    blueprint.configure(run_settings());
    assert!(blueprint.has(&Call::Setup) && !blueprint.has(&Call::Summary(String::new())));
    let CallOutcome::Returned(json) = driver.call(&blueprint, Call::Setup) else { panic!("it returns") };
    assert_eq!(json.as_deref(), Some(r#"{"n":[1]}"#));
    blueprint.set_setup_data(json);
    let mut first = blueprint.make_vu(1, &mut driver.log).unwrap();
    let mut second = blueprint.make_vu(2, &mut driver.log).unwrap();
    driver.iterate(&mut first);
    driver.iterate(&mut second);
    driver.iterate(&mut first);
    driver.call(&blueprint, Call::Teardown);
    assert_eq!(
        driver.messages(),
        [
            "::setup 0 undefined",
            "{ n: [ 1, 1 ] }",
            "{ n: [ 1, 2 ] }",
            "{ n: [ 1, 1, 1 ] }",
            "{ n: [ 1 ] } ::teardown"
        ]
    );
}

#[track_caller]
fn check_call(script: &str, call: Call, want: &CallOutcome) {
    let mut driver = Driver::default();
    let blueprint = driver.load(&format!("{script} export default function () {{}}")).unwrap();
    blueprint.configure(run_settings());
    assert_eq!(&driver.call(&blueprint, call), want, "{script}");
}

#[test]
fn calls_end_in_ways_of_their_own() {
    let threw = |message: &str, fields| {
        CallOutcome::Threw(LogLine { level: LogLevel::Error, message: message.to_owned(), fields })
    };
    let exception = || EXCEPTION.iter().map(|(name, value)| field(name, value)).collect();
    check_call("export function setup() {}", Call::Setup, &CallOutcome::Returned(None));
    check_call(
        "export async function setup() { return [await 1] }",
        Call::Setup,
        &CallOutcome::Returned(Some("[1]".to_owned())),
    );
    check_call(
        "export function setup(){ throw new Error(\"boom in setup\"); }",
        Call::Setup,
        &threw("Error: boom in setup\n\tat setup (file:///dir/t.js:1:32)\n", exception()),
    );
    check_call(
        "export async function setup() { throw new Error('x') }",
        Call::Setup,
        &threw("Uncaught (in promise) Error: x\n\tat setup (file:///dir/t.js:1:39)\n", Vec::new()),
    );
    check_call(
        "import exec from 'k6/execution'; export function setup() { exec.test.abort('no') }",
        Call::Setup,
        &CallOutcome::Aborted,
    );
    check_call(
        "export function teardown(data) { return data }",
        Call::Teardown,
        &CallOutcome::Returned(None),
    );
}

#[test]
fn abort_in_setup_is_told_without_a_place() {
    let mut driver = Driver::default();
    let blueprint = driver
        .load("import exec from 'k6/execution'; export function setup() { exec.test.abort('no') } export default () => {}")
        .unwrap();
    blueprint.configure(run_settings());
    driver.call(&blueprint, Call::Setup);
    assert_eq!(blueprint.signals().aborted(), Some("test aborted: no"));
}

#[test]
fn handle_summary_names_what_is_to_be_written() {
    let summary = || Call::Summary(r#"{"metrics":{"a":1}}"#.to_owned());
    check_call(
        "export function handleSummary(data) { return { stdout: 'x' + data.metrics.a, 'f.bin': new Uint8Array([1, 2]).buffer } }",
        summary(),
        &CallOutcome::Files(vec![("stdout".to_owned(), b"x1".to_vec()), ("f.bin".to_owned(), vec![1, 2])]),
    );
    check_call("export function handleSummary() {}", summary(), &CallOutcome::Files(Vec::new()));
}

#[test]
fn the_final_options_are_written_into_each_vus_own() {
    let mut driver = Driver::default();
    let blueprint = driver
        .load("export const options = { vus: 1 }; export default function () { console.log(options) }")
        .unwrap();
    let options_json = r#"{"vus":5,"duration":"1m0s","rps":null}"#.to_owned();
    blueprint.configure(RunSettings { options_json, ..run_settings() });
    let mut vu = blueprint.make_vu(1, &mut driver.log).unwrap();
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), ["{ vus: 5, duration: \"1m0s\" }"]);
}

#[test]
fn a_scenario_has_its_function_and_its_variables() {
    let mut driver = Driver::default();
    let blueprint =
        driver.load("export function browse() { console.log(__ENV.NAME, __ENV.MORE, __ENV.NONE) }").unwrap();
    let mut settings = run_settings();
    settings.scenarios[0].exec = Some("browse".to_owned());
    settings.scenarios[0].env.insert("MORE".to_owned(), "more".to_owned());
    blueprint.configure(settings);
    let mut vu = blueprint.make_vu(1, &mut driver.log).unwrap();
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), ["value more undefined"]);
}

#[test]
fn variables_of_one_scenario_are_not_anothers() {
    let mut driver = Driver::default();
    let blueprint = driver.load("export default function () { console.log(__ENV.MORE, __ITER) }").unwrap();
    let mut settings = run_settings();
    settings.scenarios.push(super::driver::scenario("other"));
    settings.scenarios[1].env.insert("MORE".to_owned(), "more".to_owned());
    blueprint.configure(settings);
    let mut vu = blueprint.make_vu(1, &mut driver.log).unwrap();
    for scenario in [0, 1, 1, 0] {
        driver.scenario = scenario;
        driver.iterate(&mut vu);
    }
    assert_eq!(driver.messages(), ["undefined 0", "more 1", "more 2", "undefined 3"]);
}

#[test]
fn a_vu_beyond_its_memory_fails_its_iteration() {
    let mut driver = Driver::default();
    let settings = LoadSettings { memory_max_bytes: 4 << 20, ..load_settings() };
    let script = "let n = 0; export default function () { if (n++ % 2 === 0) { const all = []; for (;;) all.push({}) } console.log('fine') }";
    let blueprint = driver.load_with(script, &[], settings).unwrap();
    blueprint.configure(run_settings());
    let mut vu = blueprint.make_vu(1, &mut driver.log).unwrap();
    for _ in 0..3 {
        driver.iterate(&mut vu);
        let messages = driver.messages();
        assert!(messages[0].contains("memory"), "{messages:?}");
        driver.iterate(&mut vu);
        assert_eq!(driver.messages(), ["fine"]);
    }
}

#[test]
fn a_blueprint_is_shared_by_threads() {
    let mut driver = Driver::default();
    let blueprint =
        driver.load("let n = 0; export default function () { n += __VU; console.log(n) }").unwrap();
    blueprint.configure(run_settings());
    let of_threads: Vec<Vec<String>> = std::thread::scope(|scope| {
        let workers = [1, 2].map(|id| {
            let blueprint = &blueprint;
            scope.spawn(move || {
                let mut driver = Driver::default();
                let mut vu = blueprint.make_vu(id, &mut driver.log).unwrap();
                driver.iterate(&mut vu);
                driver.iterate(&mut vu);
                driver.messages()
            })
        });
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(of_threads, [["1", "2"], ["2", "4"]]);
}

#[test]
fn a_program_is_dropped_while_it_waits() {
    let mut driver = Driver::default();
    for _ in 0..20 {
        let mut vu = driver.vu("import { sleep, group } from 'k6'; const kept = [];
             export default function () { setTimeout(() => kept.push(1), 5); group('a', () => sleep(1)) }");
        assert_eq!(driver.start(&mut vu), Step::Wait);
        assert_eq!(driver.resume(&mut vu, Answer::Woken), Step::Wait);
    }
}
