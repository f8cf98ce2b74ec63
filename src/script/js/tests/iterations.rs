use super::driver::Driver;
use crate::script::log::{LogLevel, LogLine};
use crate::script::{Answer, Step, Wish};
use crate::time::Instant;

#[test]
fn sleep_waits_until_its_instant() {
    let mut driver = Driver::default();
    let mut vu = driver.vu("import { sleep } from 'k6'; export default function () { sleep(0.5) }");
    let begin = driver.now;
    assert_eq!(driver.start(&mut vu), Step::Wait);
    let Some(&Wish::WakeAt(at)) = driver.wishes.last() else { panic!("{:?}", driver.wishes) };
    assert!(at.since(begin.plus_ns(500_000_000)) < 100, "{at:?}");
    // Woken early, it waits on.
    assert_eq!(driver.resume(&mut vu, Answer::Woken), Step::Wait);
    driver.now = at;
    assert_eq!(driver.resume(&mut vu, Answer::Woken), Step::Done);
}

/// Log lines of one iteration of a script.
#[track_caller]
fn check(script: &str, want: &[&str]) {
    let mut driver = Driver::default();
    let mut vu = driver.vu(script);
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), want, "{script}");
    // What one iteration left undone is not done by the next.
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), want, "again: {script}");
}

#[test]
fn exceptions_have_k6s_text() {
    check(
        "export const options={vus:1,iterations:3}; export default function(){ throw new Error(\"boom in iteration\"); }",
        &["Error: boom in iteration\n\tat default (file:///dir/t.js:1:77)\n"],
    );
    check("export default () => { throw 'text' }", &["text\n"]);
    check("export default () => { throw { a: 1 } }", &["[object Object]\n"]);
    check(
        "function f() { null.x }\nexport default function () {\n  f()\n}",
        &[
            "TypeError: cannot read property 'x' of null\n\tat f (file:///dir/t.js:1:16)\n\tat default (file:///dir/t.js:3:4)\n",
        ],
    );
    check(
        "import { fail } from 'k6'; export default function () { fail('no') }",
        &["GoError: no\n\tat default (file:///dir/t.js:1:61)\n"],
    );
    check(
        "import { fail } from 'k6'; export default function () { try { fail('no') } catch (e) { console.log(String(e), e.name, e.message, e.value) } }",
        &["GoError: no GoError no no"],
    );
}

#[test]
fn the_line_of_an_exception_has_k6s_fields() {
    let mut driver = Driver::default();
    let mut vu = driver.vu("export default function () { throw 1 }");
    driver.iterate(&mut vu);
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fields = vec![
        field("executor", "per-vu-iterations"),
        field("hint", "script exception"),
        field("scenario", "default"),
        field("source", "stacktrace"),
    ];
    assert_eq!(driver.lines(), [LogLine { level: LogLevel::Error, message: "1\n".to_owned(), fields }]);
}

#[test]
fn a_rejection_that_nobody_handles_ends_the_iteration() {
    check(
        "export default async function () { throw new Error('unh') }",
        &["Uncaught (in promise) Error: unh\n\tat default (file:///dir/t.js:1:42)\n"],
    );
    check(
        "export default function () { Promise.reject(1); console.log('on') }",
        &["on", "Uncaught (in promise) 1"],
    );
    check("export default function () { Promise.reject(1).catch(() => console.log('caught')) }", &["caught"]);
    check(
        "export default function () { setTimeout(() => console.log('never')); Promise.reject(1) }",
        &["Uncaught (in promise) 1"],
    );
    check(
        "export default async function () { const p = Promise.reject(1); await null; try { await p } catch { console.log('late') } }",
        &["late"],
    );
}

#[test]
fn an_iteration_lasts_until_nothing_is_outstanding() {
    check(
        "export default async function () {
           setTimeout(() => console.log('timer'), 10);
           Promise.resolve().then(() => console.log('job'));
           console.log('sync');
           await new Promise(resolve => setTimeout(resolve, 20));
           console.log('awaited');
         }",
        &["sync", "job", "timer", "awaited"],
    );
    check(
        "export default function () {
           let n = 0;
           const id = setInterval((by) => { n += by; console.log(n); if (n === 3) clearInterval(id) }, 5, 1);
         }",
        &["1", "2", "3"],
    );
    check(
        "export default function () { const id = setTimeout(() => console.log('never'), 1); clearTimeout(id) }",
        &[],
    );
    check(
        "export default function () { setTimeout(() => console.log(2), 2); setTimeout(() => console.log(1), 1); setTimeout(() => console.log(0)) }",
        &["0", "1", "2"],
    );
    check(
        "export default function () { setTimeout(() => { throw new Error('in timer') }) }",
        &["Error: in timer\n\tat file:///dir/t.js:1:55\n"],
    );
}

#[test]
fn what_a_failed_iteration_had_scheduled_never_runs() {
    check(
        "let n = 0; export default function () {
           Promise.resolve().then(() => { n++; console.log('never') }); setTimeout(() => console.log('never'));
           throw n }",
        &["0\n"],
    );
}

#[test]
fn a_timer_is_due_when_a_sleep_is_over() {
    check(
        "import { sleep } from 'k6';
         export default function () {
           setTimeout(() => console.log('timer'), 10); sleep(1); console.log('slept');
         }",
        &["slept", "timer"],
    );
}

#[test]
fn globals_are_k6s() {
    let mut driver = Driver::default();
    let mut vu = driver.vu(
        "const names = ['TextEncoder', 'setTimeout', 'global', 'globalThis', 'structuredClone', 'fetch', 'URL', 'AbortController',
           'queueMicrotask', 'atob', 'Buffer', 'process', 'performance', 'Intl', 'Worker', 'Atomics'];
         const inInit = [__VU, typeof __ITER, __ENV.NAME];
         export default function () {
           console.log(names.filter(name => name in global).join());
           console.log(inInit.join(), __VU, __ITER);
         }",
    );
    driver.iterate(&mut vu);
    driver.iterate(&mut vu);
    assert_eq!(
        driver.messages(),
        [
            "TextEncoder,setTimeout,global,globalThis",
            "1,undefined,value 1 0",
            "TextEncoder,setTimeout,global,globalThis",
            "1,undefined,value 1 1"
        ]
    );
}

#[test]
fn module_state_stays_with_a_vu() {
    let mut driver = Driver::default();
    let blueprint = driver.load("let n = 0; export default function () { console.log(__VU, ++n) }").unwrap();
    blueprint.configure(super::driver::run_settings());
    let mut first = blueprint.make_vu(1, &mut driver.log).unwrap();
    let mut second = blueprint.make_vu(2, &mut driver.log).unwrap();
    driver.iterate(&mut first);
    driver.iterate(&mut second);
    driver.iterate(&mut first);
    assert_eq!(driver.messages(), ["1 1", "2 1", "1 2"]);
}

#[test]
fn a_cancelled_iteration_says_which_timers_it_stopped() {
    let mut driver = Driver::default();
    let mut vu =
        driver.vu("export default function () { setTimeout(() => {}, 1000); setInterval(() => {}, 1000) }");
    assert_eq!(driver.start(&mut vu), Step::Wait);
    driver.cancel(&mut vu);
    assert_eq!(
        driver.messages(),
        [
            "setTimeout 1 was stopped because the VU iteration was interrupted",
            "setInterval 2 was stopped because the VU iteration was interrupted"
        ]
    );
    driver.now = Instant(driver.now.0 + 1);
    assert_eq!(driver.start(&mut vu), Step::Wait);
}

#[test]
fn a_script_that_computes_lets_others_run() {
    let mut driver = Driver::default();
    let mut vu = driver
        .computing_vu("export default function () { for (let i = 0; i < 1e5; i++); console.log('done') }");
    assert_eq!(driver.start(&mut vu), Step::Yield);
    let step = driver.go_on(&mut vu, Step::Yield);
    assert_eq!((step, driver.messages()), (Step::Done, vec!["done".to_owned()]));
}

#[test]
fn a_thousand_iterations_leave_a_heap_as_it_was() {
    let mut driver = Driver::default();
    let mut vu = driver.vu(
        "import { check, group, sleep } from 'k6'; import exec from 'k6/execution'; import { Trend } from 'k6/metrics';
         const trend = new Trend('own'); let n = 0;
         export default async function () {
           const cycle = {}; cycle.cycle = cycle;
           setTimeout(() => cycle, 1); sleep(0.001);
           group('a', () => { trend.add(1, { a: 1 }); check(cycle, { c: c => c.cycle === c }) });
           exec.vu.tags.n = 1;
           await new Promise(resolve => setTimeout(resolve, 1));
           switch (n++ % 4) {
             case 0: throw new Error('thrown');
             case 1: Promise.reject(cycle); break;
             case 2: for (const x of [1, 2]) sleep(1000);
           }
         }",
    );
    let mut run = |iterations: usize| {
        for place in 0..iterations {
            let mut step = driver.start(&mut vu);
            if place % 4 == 2 {
                // The sleep of 1,000 seconds is cancelled.
                for _ in 0..2 {
                    let Some(Wish::WakeAt(at)) = driver.wishes.pop() else { panic!("it sleeps") };
                    driver.now = at;
                    step = driver.resume(&mut vu, Answer::Woken);
                }
                driver.cancel(&mut vu);
            } else {
                step = driver.go_on(&mut vu, step);
                assert_eq!(step, Step::Done);
            }
            driver.wishes.clear();
            driver.log.take();
        }
        vu.heap_bytes()
    };
    let before = run(100);
    let after = run(1_000);
    // Cycles wait for the collector, which runs when the heap has grown by half.
    assert!(after < before * 2, "{before} bytes became {after}");
}
