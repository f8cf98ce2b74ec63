use super::driver::{Driver, run_settings, scenario};
use crate::metrics::Totals;
use crate::metrics::summary::Values;
use crate::options::TrendStat;
use crate::script::js::RunSettings;
use crate::script::{Answer, Step};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What a script logs in its first iteration.
#[track_caller]
fn check(script: &str, want: &[&str]) {
    let mut driver = Driver::default();
    let mut vu = driver.vu(script);
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), want, "{script}");
}

/// What the body of a default function logs; everything is imported.
#[track_caller]
fn check_body(body: &str, want: &[&str]) {
    check(
        &format!(
            "import {{ check, group, fail, sleep, randomSeed }} from 'k6'; import exec from 'k6/execution';
             import {{ SharedArray }} from 'k6/data';
             const shared = new SharedArray('s', () => [{{ a: [1] }}, 'two', null, 4]);
             export default function () {{\n{body} }}"
        ),
        want,
    );
}

#[test]
fn a_check_holds_if_all_its_conditions_do() {
    check_body("console.log(check(1, { one: v => v === 1, two: true, three: 'x' }))", &["true"]);
    check_body("console.log(check(1, { one: v => v === 2, two: true }))", &["false"]);
    check_body("console.log(check(1, {}), check(1, { no: undefined }))", &["true false"]);
    check_body(
        "check(1)",
        &["GoError: no checks provided to `check`\n\tat default (file:///dir/t.js:5:6)\n"],
    );
    check_body(
        "check(1, { 'a::b': true })",
        &["GoError: group and check names may not contain '::'\n\tat default (file:///dir/t.js:5:6)\n"],
    );
    check_body(
        "try { check(1, { a: async () => true }) } catch (e) { console.log(e.message.slice(0, 60)) }",
        &["the built-in check() does not support async functions as arg"],
    );
    check_body(
        "try { check(1, { a: () => { throw new Error('in') }, b: () => console.log('b') }) } catch (e) { console.log(e.message) }",
        &["in"],
    );
}

#[test]
fn groups_nest_and_give_what_they_return() {
    check_body(
        "console.log(group('a', () => group('b', () => exec.vu.tags.group)), JSON.stringify(exec.vu.tags.group))",
        &["::a::b \"\""],
    );
    check_body(
        "try { group('a', () => { throw new Error('in') }) } catch {} console.log(JSON.stringify(exec.vu.tags.group))",
        &["\"\""],
    );
    check_body(
        "group('a')",
        &["GoError: group() requires a callback as a second argument\n\tat default (file:///dir/t.js:5:6)\n"],
    );
    check_body(
        "try { group('a', async () => 1) } catch (e) { console.log(e.message.slice(0, 53)) }",
        &["group() does not support async functions as arguments"],
    );
}

#[test]
fn samples_have_the_tags_of_their_place() {
    let mut driver = Driver::default();
    let blueprint = driver
        .load(
            "import { check, group } from 'k6'; import { Trend, Counter } from 'k6/metrics'; import exec from 'k6/execution';
             const t = new Trend('waiting', true), c = new Counter('count');
             export default function () {
               for (let i = 0; i < 3; i++) { check(i, { small: n => n < 2 }) }
               group('g', () => { t.add(1.5); c.add(2, { kind: 'x', n: 1 }); check(1, { in: true }, { of: 'g' }) });
               exec.vu.tags.mine = true; c.add(true); c.add('3');
             }",
        )
        .unwrap();
    let mut scenario = scenario("browse");
    scenario.tags.insert("from".to_owned(), "scenario".to_owned());
    blueprint.configure(RunSettings { scenarios: vec![scenario], ..run_settings() });
    let mut vu = blueprint.make_vu(1, &mut driver.log).unwrap();
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), [""; 0]);
    let mut totals = Totals::with_registry(blueprint.registry().clone());
    totals.absorb(0, driver.recorder.take_window(None));
    let values = |metric: &str, tags: &[(&str, &str)]| {
        let sink = totals.sink(blueprint.registry().find(metric)?, tags)?;
        Some(sink.values(Duration::from_secs(1), &[TrendStat::Max]))
    };
    let of_scenario = ("scenario", "browse");
    let from = ("from", "scenario");
    let rate = |passes, fails| Some(Values::Rate { passes, fails });
    let count = |count| Some(Values::Counter { count, rate: count });
    let small = [("check", "small"), ("group", ""), of_scenario, from];
    assert_eq!(values("checks", &small), rate(2, 1));
    assert_eq!(values("checks", &[("check", "in"), ("group", "::g"), ("of", "g"), from]), rate(1, 0));
    let max = Some(Values::Trend { stats: vec![(TrendStat::Max, 1.5)] });
    assert_eq!(values("waiting", &[("group", "::g"), of_scenario, from]), max);
    assert_eq!(values("count", &[("group", "::g"), ("kind", "x"), ("n", "1"), from]), count(2.0));
    assert_eq!(values("count", &[("group", ""), ("mine", "true"), from]), count(4.0));
    assert!(values("group_duration", &[("group", "::g"), of_scenario, from]).is_some());
    assert_eq!(values("group_duration", &[("group", "")]), None);
}

#[test]
fn metrics_refuse_what_is_no_number() {
    check(
        "import { Gauge } from 'k6/metrics'; const g = new Gauge('g1');
         export default function () { console.log(g.name, g.add(1), g.add('1.5'), g.add(false), g.add('x'), g.add(undefined), g.add({}), g.add(null)); }",
        &[
            "'x' is an invalid value for metric 'g1', a number or a boolean value is expected",
            "'undefined' is an invalid value for metric 'g1', a number or a boolean value is expected",
            "'[object Object]' is an invalid value for metric 'g1', a number or a boolean value is expected",
            "'null' is an invalid value for metric 'g1', a number or a boolean value is expected",
            "g1 true true true false false false false",
        ],
    );
    check(
        "import { Gauge } from 'k6/metrics'; export default function () { new Gauge('g2') }",
        &["GoError: metrics must be declared in the init context\n\tat default (file:///dir/t.js:1:66)\n"],
    );
}

#[test]
fn a_shared_array_is_an_array_that_cannot_be_changed() {
    check_body(
        "console.log(shared.length, shared[0], shared[1], shared[2], shared[3], shared[4], shared[-1])",
        &["4 { a: [ 1 ] } two null 4 undefined undefined"],
    );
    check_body(
        "console.log(Array.isArray(shared), JSON.stringify(shared), Object.keys(shared), 1 in shared, 4 in shared)",
        &["true [{\"a\":[1]},\"two\",null,4] [ \"0\", \"1\", \"2\", \"3\" ] true false"],
    );
    check_body(
        "console.log([...shared].length, shared.map(x => typeof x), shared.indexOf('two'), shared.slice(1, 3))",
        &["4 [ \"object\", \"string\", \"object\", \"number\" ] 1 [ \"two\", null ]"],
    );
    check_body("for (const x of shared) console.log(x)", &["{ a: [ 1 ] }", "two", "null", "4"]);
    check_body(
        "console.log(shared[0] === shared[0], Object.isFrozen(shared[0]), Object.isFrozen(shared[0].a))",
        &["false true true"],
    );
    let immutable = "TypeError: SharedArray is immutable";
    for change in
        ["shared[0] = 1", "shared.push(1)", "shared.length = 0", "delete shared[0]", "shared.sort()"]
    {
        check_body(&format!("try {{ {change} }} catch (e) {{ console.log(String(e)) }}"), &[immutable]);
    }
}

#[test]
fn a_shared_array_is_made_once_per_process() {
    let mut driver = Driver::default();
    let script = "import { SharedArray } from 'k6/data';
        const s = new SharedArray('x', () => { console.log('made'); return [1] });
        export default function () { console.log(s[0]) }";
    let mut vu = driver.vu(script);
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), ["made", "1"]);
}

#[test]
fn execution_says_what_runs() {
    let mut driver = Driver::default();
    let blueprint = driver
        .load(
            "import exec, { scenario } from 'k6/execution';
             export default function () {
               const { instance, vu, test } = exec;
               console.log(scenario.name, scenario.executor, scenario.startTime, scenario.progress, scenario.iterationInInstance, scenario.iterationInTest);
               console.log(vu.idInInstance, vu.idInTest, vu.iterationInInstance, vu.iterationInScenario, vu.tags, vu.metrics.tags === vu.tags);
               console.log(instance.iterationsCompleted, instance.vusActive, instance.currentTestRunDuration >= 500);
               console.log(test.options, Object.isFrozen(test.options), test.options === test.options);
             }",
        )
        .unwrap();
    blueprint.configure(RunSettings {
        test_options_json: r#"{"vus":1,"duration":"1s","throw":null}"#.to_owned(),
        ..run_settings()
    });
    let live = blueprint.live().unwrap();
    live.iterations_completed.store(7, Ordering::Relaxed);
    live.vus_active.store(3, Ordering::Relaxed);
    live.test_started_at_ns.store(500_000_000, Ordering::Relaxed);
    live.test_started_at_unix_ms.store(1_700_000_000_000, Ordering::Relaxed);
    live.progress[0].store(250_000, Ordering::Relaxed);
    let mut vu = blueprint.make_vu(5, &mut driver.log).unwrap();
    driver.iterate(&mut vu);
    assert_eq!(
        driver.messages(),
        [
            "default per-vu-iterations 1700000000000 0.25 0 0",
            "5 5 0 0 { group: \"\", scenario: \"default\" } true",
            "7 3 true",
            "{ throw: null } true true",
        ]
    );
}

#[test]
fn execution_is_silent_outside_of_its_place() {
    let mut driver = Driver::default();
    let got = driver.load(
        "import exec from 'k6/execution'; const text = f => { try { return f() } catch (e) { return e.message } };
         console.log(text(() => exec.scenario.name)); console.log(text(() => exec.vu.idInTest)); console.log(text(() => exec.instance.vusActive));
         export default function () {}",
    );
    assert!(got.is_ok());
    assert_eq!(
        driver.messages(),
        [
            "getting scenario information outside of the VU context is not supported",
            "getting VU information in the init context is not supported",
            "getting instance information in the init context is not supported",
        ]
    );
}

#[test]
fn abort_ends_the_vu_at_once_and_says_where() {
    let mut driver = Driver::default();
    let script = "import exec from \"k6/execution\"; export const options={vus:2,duration:\"5s\"}; export default function(){ exec.test.abort(\"stop now please\"); }";
    let blueprint = driver.load(script).unwrap();
    blueprint.configure(run_settings());
    let mut vu = blueprint.make_vu(1, &mut driver.log).unwrap();
    // The iteration is not over: it waits to be interrupted.
    assert_eq!(driver.start(&mut vu), Step::Wait);
    assert_eq!(driver.resume(&mut vu, Answer::Woken), Step::Wait);
    assert_eq!(
        blueprint.signals().aborted(),
        Some("test aborted: stop now please at default (file:///dir/t.js:1:120)")
    );
    driver.cancel(&mut vu);
    assert_eq!(driver.start(&mut vu), Step::Wait);
    assert_eq!(driver.messages(), [""; 0]);
}

#[test]
fn abort_cannot_be_caught() {
    check_body("try { exec.test.fail('x') } finally { console.log(1) }", &["test marked as failed: x", "1"]);
    let mut driver = Driver::default();
    let mut vu = driver.vu(
        "import exec from 'k6/execution'; export default function () { try { exec.test.abort() } catch { console.log('caught') } finally { console.log('finally') } }",
    );
    assert_eq!(driver.start(&mut vu), Step::Wait);
    assert_eq!(driver.messages(), [""; 0]);
}

#[test]
fn a_seed_repeats_the_random_numbers() {
    check_body(
        "const three = () => [Math.random(), Math.random(), Math.random()].join();
         randomSeed(5); const first = three(); randomSeed(5); console.log(first === three(), first === three())",
        &["true false"],
    );
}

#[test]
fn natives_say_that_they_need_an_iteration() {
    let mut driver = Driver::default();
    for (call, text) in [
        ("check(1, {})", "Using check() in the init context is not supported"),
        ("group('a', () => 1)", "Using group() in the init context is not supported"),
    ] {
        let script = format!("import {{ check, group }} from 'k6'; {call}; export default function () {{}}");
        let error = driver.load(&script).err().unwrap();
        assert!(error.message.starts_with(&format!("GoError: {text}\n")), "{}", error.message);
        assert_eq!(error.exit_code, 107);
    }
}
