//! The safety rules, each by scripts that would break a VM which did not keep it.

use super::*;
use crate::metrics::{Recorder, RecorderBounds};
use crate::script::Wish;
use rquickjs::function::Func;
use rquickjs::{CatchResultExt, Coerced, Function, Value};
use std::cell::{Cell, RefCell};

/// Modules are the business of the layer above.
struct NoModules;

impl ModuleLoader for NoModules {
    fn resolve(&self, _importer: &str, specifier: &str) -> Result<String, String> {
        Ok(specifier.to_owned())
    }

    fn load(&self, name: &str) -> Result<ModuleCode, String> {
        Err(format!("there is no module {name}"))
    }

    fn compiled(&self, _name: &str, _bytecode: std::sync::Arc<Bytecode>) {}
}

thread_local! {
    static CLOCK: Cell<u64> = const { Cell::new(0) };
}

/// Each look at it is longer than a slice, so that what computes yields whenever it may.
fn clock() -> Instant {
    CLOCK.set(CLOCK.get() + 2_000_000);
    Instant(CLOCK.get())
}

/// What a script ended with: its value as text, or its error.
type Ended = Rc<RefCell<Option<Result<String, String>>>>;

struct Bench {
    vm: Vm,
    ended: Ended,
}

const MEMORY_MAX: usize = 32 << 20;

fn bench() -> Bench {
    bench_with(MEMORY_MAX)
}

fn bench_with(memory_max_bytes: usize) -> Bench {
    let settings = VmSettings { memory_max_bytes, clock, on_rejection: |_, _, _, _| {} };
    let vm = Vm::new(&settings, Box::new(()), Rc::new(NoModules)).unwrap();
    vm.enter(&mut LogQueue::default(), |ctx| {
        let globals = ctx.globals();
        globals.set("wait", Func::from(wait)).unwrap();
        globals.set("group", Func::from(group)).unwrap();
        globals.set("gc", Func::from(|ctx: Ctx<'_>| ctx.run_gc())).unwrap();
        globals.set("boom", Func::from(boom)).unwrap();
        globals.set("lifted", Func::from(lifted)).unwrap();
    });
    Bench { vm, ended: Rc::default() }
}

/// Suspends; its value is the number that it is resumed with.
fn wait(ctx: Ctx<'_>) -> rquickjs::Result<u32> {
    match suspend(&ctx)? {
        Answer::Exchanged { status } => Ok(u32::from(status)),
        answer => panic!("answered {answer:?}"),
    }
}

/// Calls back, as natives of modules do.
fn group<'js>(function: Function<'js>) -> rquickjs::Result<Value<'js>> {
    function.call(())
}

/// Uses more stack than a coroutine has, and calls back from down there.
fn lifted<'js>(ctx: Ctx<'js>, function: Function<'js>) -> rquickjs::Result<Value<'js>> {
    on_worker_stack(&ctx, || deep(160, &function))
}

fn deep<'js>(frames: u32, function: &Function<'js>) -> rquickjs::Result<Value<'js>> {
    let frame = std::hint::black_box([frames; 250]);
    match frames {
        0 => function.call(()),
        _ => deep(std::hint::black_box(frame)[0] - 1, function),
    }
}

fn boom() {
    panic!("a native panics");
}

/// One entry of a VM, with a context that nobody looks at.
fn with_context_of_test<R>(enter: impl FnOnce(&mut Context<'_>) -> R) -> R {
    let mut recorder = Recorder::new(RecorderBounds { samples: 1, leaves: 1 });
    let (mut log, mut wishes) = (LogQueue::default(), Vec::<Wish>::new());
    enter(&mut Context { now: Instant::ZERO, recorder: &mut recorder, log: &mut log, wishes: &mut wishes })
}

impl Bench {
    fn start(&mut self, script: &str) -> Step {
        self.ended.replace(None);
        let (script, ended) = (script.to_owned(), Rc::clone(&self.ended));
        with_context_of_test(|context| {
            self.vm.start(context, move |ctx| {
                let result = ctx.eval::<Coerced<String>, _>(script).catch(ctx);
                let result = result.map(|text| text.0).map_err(|error| error.to_string());
                while !is_stopping(ctx) && ctx.execute_pending_job() {}
                ended.replace(Some(result));
            })
        })
    }

    fn answer(&mut self, number: u16) -> Step {
        with_context_of_test(|context| self.vm.resume(context, Answer::Exchanged { status: number }))
    }

    fn go_on(&mut self) -> Step {
        with_context_of_test(|context| self.vm.resume(context, Answer::Continue))
    }

    /// To where it waits for more than its turn.
    fn compute(&mut self, mut step: Step) -> Step {
        while step == Step::Yield {
            step = self.go_on();
        }
        step
    }

    /// To where it first waits.
    fn start_waiting(&mut self, script: &str) {
        let step = self.start(script);
        assert_eq!(self.compute(step), Step::Wait, "{script}");
    }

    fn cancel(&mut self) {
        with_context_of_test(|context| self.vm.cancel(Some(context)));
    }

    /// To the end, the answers being 1, 2, 3, …
    fn finish(&mut self, mut step: Step) -> Result<String, String> {
        let mut number = 0;
        loop {
            step = match step {
                Step::Wait => {
                    number += 1;
                    self.answer(number)
                }
                Step::Yield => self.go_on(),
                Step::Done => break,
                Step::Exchange(_) => unreachable!("scripts make no templates"),
            };
        }
        self.ended.take().expect("a script that is done has ended")
    }

    fn run(&mut self, script: &str) -> Result<String, String> {
        let step = self.start(script);
        self.finish(step)
    }

    /// Nothing of what was before is left: a script still runs as it should.
    #[track_caller]
    fn check_usable(&mut self, after: &str) {
        assert_eq!(self.run("[wait(), group(() => wait())].join()"), Ok("1,2".to_owned()), "after {after}");
    }
}

/// Scripts that suspend where C code of QuickJS waits for their answer, and what they end with.
const SUSPENDING: &[(&str, &str)] = &[
    ("[3, 1, 2].sort((a, b) => { wait(); return a - b }).join()", "1,2,3"),
    ("JSON.stringify({ a: 1, b: [2] }, (key, value) => { wait(); return value })", r#"{"a":1,"b":[2]}"#),
    ("JSON.parse('[1,[2]]', (key, value) => { wait(); return value }).join()", "1,2"),
    ("({ get x() { return wait() } }).x", "1"),
    ("JSON.stringify({ toJSON() { return wait() } })", "1"),
    ("[...(function* () { yield wait(); yield wait() })()].join()", "1,2"),
    ("const it = (function* () { yield* [wait()].map(x => x + wait()) })(); it.next().value", "3"),
    ("[1, 2, 3].map(x => x + wait()).join()", "2,4,6"),
    ("[1, 2, 3].reduce((sum, x) => sum + x * wait(), 0)", "14"),
    ("'abc'.replace(/./g, () => wait())", "123"),
    ("`${{ toString() { return wait() } }}`", "1"),
    ("+{ valueOf() { return wait() } }", "1"),
    ("new Proxy({}, { get: () => wait(), has: () => wait() }).anything", "1"),
    (
        "class A { constructor() { this.x = wait() } } class B extends A { y = wait() }; const b = new B(); b.x + b.y",
        "3",
    ),
    ("const [a, { b = wait() }] = { *[Symbol.iterator]() { yield wait(); yield {} } }; a + b", "3"),
    ("new Map([[1, 2]]).forEach(wait) ?? wait()", "2"),
    ("Array.from({ length: 3 }, () => wait()).join()", "1,2,3"),
    ("Object.entries({ get a() { return wait() }, get b() { return wait() } }).join()", "a,1,b,2"),
    ("group(() => group(() => wait()) + wait()) + wait()", "6"),
    ("try { throw wait() } catch (e) { e + wait() } finally { wait() }", "3"),
    ("Reflect.apply(function () { return this.x + wait() }, { x: 1 }, [])", "2"),
    ("let s = 0; (async () => { s += wait(); await null; s += wait() })(); s", "1"),
    ("'b-a'.split({ [Symbol.split]: () => [wait()] }).join()", "1"),
    ("Function('return wait()')()", "1"),
    ("eval('wait() + wait()')", "3"),
];

#[test]
fn natives_suspend_in_any_frame() {
    let mut bench = bench();
    for (script, want) in SUSPENDING {
        for _ in 0..20 {
            // A scope, so that the next run may declare the same names.
            assert_eq!(bench.run(&format!("{{ {script} }}")).as_deref(), Ok(*want), "{script}");
        }
    }
}

#[test]
fn an_iteration_is_cancelled_wherever_it_waits() {
    let mut bench = bench();
    for (script, _) in SUSPENDING {
        let script = format!("{{ {script} }}");
        for answers in 0..4 {
            let mut step = bench.start(&script);
            for number in 1..=answers {
                step = bench.compute(step);
                if step == Step::Wait {
                    step = bench.answer(number);
                }
            }
            bench.cancel();
            assert!(!bench.vm.is_running());
            bench.check_usable(&script);
        }
    }
}

#[test]
fn a_vm_is_dropped_while_it_waits() {
    for _ in 0..10 {
        for (script, _) in SUSPENDING {
            bench().start_waiting(script);
        }
    }
}

#[test]
fn a_cancelled_script_catches_nothing_and_has_no_last_word() {
    let mut bench = bench();
    for script in [
        "try { wait() } catch (e) { globalThis.caught = 1 } finally { globalThis.caught = 2 }",
        "for (const x of { [Symbol.iterator]: () => ({ next: () => ({ value: wait() }), return() { caught = 3 } }) }) {}",
        "(async () => { try { wait() } finally { caught = 4; wait() } })().catch(() => { caught = 5 })",
        "(async () => { await null; wait(); })(); wait(); caught = 6",
        "Promise.resolve().then(() => { wait(); caught = 7 }).then(() => { caught = 8 }); wait()",
        "Promise.resolve().then(() => { caught = 9 }); wait()",
        "(async () => { await null; caught = 10; for (;;) { await null; caught = 11 } })(); wait()",
        "for (;;) { try { wait() } catch {} }",
        "const again = () => { try { wait() } catch { again() } finally { again() } }; again()",
    ] {
        bench.run("globalThis.caught = 0").unwrap();
        bench.start_waiting(&format!("{{ {script} }}"));
        bench.cancel();
        assert_eq!(bench.run("caught").as_deref(), Ok("0"), "{script}");
        bench.check_usable(script);
    }
}

/// Scripts that would use all of a stack.
const DEEP: &[&str] = &[
    "const f = () => f(); f()",
    "const f = () => group(f); f()",
    "const f = (...all) => f(...all, 1); f()",
    "const o = { get x() { return this.x } }; o.x",
    "const o = { toString() { return `${this}` } }; `${o}`",
    "const o = { toJSON() { return JSON.stringify(o) } }; JSON.stringify(o)",
    "const f = () => [2, 1].sort(f); f()",
    "const f = () => [1].map(f); f()",
    "const f = () => 'a'.replace(/a/, f); f()",
    "const p = new Proxy({}, { get(target, key, self) { return self[key] } }); p.x",
    "class A { constructor() { new A() } } new A()",
    "function* g() { yield* g() } [...g()]",
    "const f = async () => { await f() }; f(); throw new Error('stack')",
    "let bound = () => bound2(); let bound2 = bound.bind(null); bound2()",
    "JSON.parse('['.repeat(100000))",
    "let deep = []; for (let i = 0; i < 100000; i++) deep = [deep]; JSON.stringify(deep)",
    "new RegExp('('.repeat(100000))",
    "new RegExp('(?:'.repeat(20000) + 'a' + ')'.repeat(20000)).test('a')",
    "eval('('.repeat(100000))",
    "eval('[' .repeat(100000))",
    "eval('-'.repeat(100000) + '1')",
    "let deep = []; for (let i = 0; i < 100000; i++) deep = [deep]; deep.flat(Infinity).length; String(deep)",
];

#[test]
fn recursion_without_end_is_an_error_and_no_more() {
    let mut bench = bench();
    for script in DEEP {
        for _ in 0..3 {
            let got = bench.run(&format!("{{ {script} }}"));
            assert!(got.is_err(), "{script} gave {got:?}");
            bench.check_usable(script);
        }
    }
}

#[test]
fn a_deep_script_that_waits_at_the_bottom_goes_on() {
    let mut bench = bench();
    let script = "{ const f = n => n ? group(() => f(n - 1)) + 1 : wait(); f(8) }";
    for _ in 0..100 {
        assert_eq!(bench.run(script).as_deref(), Ok("9"));
    }
}

/// Scripts that compute for ever, or for longer than anyone lives.
const ENDLESS: &[&str] = &[
    "for (;;) {}",
    "while (true) group(() => 1)",
    "for (;;) { try { throw 1 } catch {} finally {} }",
    "const f = () => { for (;;) {} }; [2, 1].sort(f)",
    "JSON.stringify({ toJSON() { for (;;) {} } })",
    "/^(a+)+$/.test('a'.repeat(50) + 'b')",
    "'a'.repeat(50).concat('b').replace(/(a*)*c/, '')",
    "(async () => { for (;;) await null })()",
    "const again = () => { Promise.resolve().then(again) }; again()",
    "const it = (function* () { for (;;) yield 1 })(); for (const x of it) {}",
    "new Proxy({}, { get() { for (;;) {} } }).x",
    // Yields at the end of its stack, too, and tries again and again.
    "const f = () => { try { f() } finally { f() } }; f()",
];

#[test]
fn what_computes_for_ever_yields_and_can_be_cancelled() {
    for script in ENDLESS {
        let mut bench = bench();
        for yields in [1, 100] {
            let mut step = bench.start(&format!("{{ {script} }}"));
            for _ in 0..yields {
                assert_eq!(step, Step::Yield, "{script}");
                step = bench.go_on();
            }
            bench.cancel();
            bench.check_usable(script);
        }
        let _ = bench.start(&format!("{{ {script} }}"));
        // Dropped while it computes.
    }
}

#[test]
fn an_answer_that_comes_while_a_script_computes_is_kept() {
    let mut bench = bench();
    let step = bench.start("{ let i = 0; for (; i < 30000; i++) {} [i, wait(), wait()].join() }");
    assert_eq!(step, Step::Yield);
    let step = bench.answer(7);
    assert_eq!(step, Step::Yield);
    assert_eq!(bench.compute(step), Step::Wait);
    assert_eq!(bench.answer(8), Step::Done);
    assert_eq!(bench.ended.take(), Some(Ok("30000,7,8".to_owned())));
}

#[test]
fn vms_of_one_thread_are_resumed_in_any_order() {
    let mut benches: Vec<Bench> = (0..20).map(|_| bench()).collect();
    let script = "{ const seen = []; const cycle = { seen }; cycle.self = cycle;
        for (let i = 0; i < 30; i++) { seen.push([1, 2].map(x => { const a = {}; a.a = a; gc(); return x * wait() })); gc() }
        seen.flat().length }";
    let mut waiting: Vec<usize> = Vec::new();
    for (place, bench) in benches.iter_mut().enumerate() {
        bench.start_waiting(script);
        waiting.push(place);
    }
    let mut state = 42u64;
    while !waiting.is_empty() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let chosen = (state >> 33) as usize % waiting.len();
        let bench = &mut benches[waiting[chosen]];
        let step = bench.answer(1);
        if bench.compute(step) == Step::Done {
            assert_eq!(bench.ended.take(), Some(Ok("60".to_owned())));
            waiting.swap_remove(chosen);
        }
    }
}

#[test]
fn too_much_memory_is_an_error_of_the_script() {
    let mut bench = bench_with(8 << 20);
    for script in [
        "const all = []; for (;;) all.push({ x: all.length })",
        "let s = 'x'; for (;;) s += s + s",
        "new Array(1e8).fill(0)",
        "new ArrayBuffer(1e9)",
        "'x'.repeat(5e8)",
        "JSON.parse('[' + '{\"a\":1},'.repeat(200000) + '1]')",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, [i])",
        "group(() => { const all = []; for (;;) all.push([wait]) })",
    ] {
        for _ in 0..5 {
            let got = bench.run(&format!("{{ {script} }}"));
            assert!(got.is_err(), "{script} gave {got:?}");
            bench.check_usable(script);
        }
    }
    let caught = "{ let got; try { 'a'.padEnd(5e8) } catch (e) { got = `${e}` } got }";
    assert_eq!(bench.run(caught).as_deref(), Ok("InternalError: out of memory"));
}

#[test]
fn memory_ends_in_async_functions_too() {
    let mut bench = bench_with(4 << 20);
    for _ in 0..5 {
        let _ = bench.run(
            "{ const all = []; const f = async () => { for (;;) { all.push({}); await f() } }; f(); f(); 1 }",
        );
        bench.check_usable("async");
    }
}

#[test]
fn the_workers_stack_has_room_for_what_a_coroutine_has_not() {
    let mut bench = bench();
    bench.check_usable("nothing");
    for (script, want) in [
        ("wait() + lifted(() => 5) + wait()", "8"),
        ("lifted(() => lifted(() => 'twice'))", "twice"),
        ("let n = 0; lifted(() => { for (let i = 0; i < 1e5; i++) n++ }); n + wait()", "100001"),
        ("try { lifted(wait) } catch (e) { e.message + wait() }", "cannot wait in the init context1"),
        ("const f = () => f() + 1; try { lifted(f) } catch (e) { e.name + wait() }", "RangeError1"),
    ] {
        assert_eq!(bench.run(script), Ok(want.to_owned()), "{script}");
    }
    bench.start_waiting("lifted(() => 1); wait()");
    bench.cancel();
    bench.check_usable("lifting");
    let panicked = catch_unwind(AssertUnwindSafe(|| bench.run("lifted(boom)")));
    assert_eq!(panicked.expect_err("boom").downcast_ref::<&str>(), Some(&"a native panics"));
}

#[test]
fn the_panic_of_a_native_reaches_the_workers_stack() {
    for script in ["boom()", "group(() => boom())", "[1, 2].map(boom)", "wait(); boom()"] {
        let mut bench = bench();
        let panicked = catch_unwind(AssertUnwindSafe(|| bench.run(script)));
        let text = panicked.expect_err(script);
        assert_eq!(text.downcast_ref::<&str>(), Some(&"a native panics"));
        assert!(!bench.vm.is_running());
    }
}

#[test]
fn module_scope_cannot_wait_and_its_recursion_ends() {
    let bench = bench();
    bench.vm.enter(&mut LogQueue::default(), |ctx| {
        let text = |script: &str| {
            let result = ctx.eval::<Value, _>(script).catch(ctx);
            result.err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(text("wait()").starts_with("Error: cannot wait in the init context"));
        for script in DEEP {
            assert_ne!(text(&format!("{{ {script} }}")), "", "{script}");
        }
    });
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Set in the process that a leak test runs itself in: other tests would come and go in this one.
const ALONE: &str = "RINGLOAD_TEST_ALONE";

#[test]
fn a_thousand_vms_cancelled_and_dropped_leave_nothing() {
    if std::env::var_os(ALONE).is_none() {
        let name = "script::js::engine::tests::a_thousand_vms_cancelled_and_dropped_leave_nothing";
        let mut itself = std::process::Command::new(std::env::current_exe().unwrap());
        let output = itself.args(["--exact", name]).env(ALONE, "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let cycle = || {
        let mut bench = bench();
        bench.start_waiting("{ const a = {}; a.a = a; [2, 1].sort(() => wait()) }");
        bench.cancel();
        bench.start_waiting("{ [1].map(x => wait()) }");
    };
    for _ in 0..100 {
        cycle();
    }
    let before = resident_kib();
    for _ in 0..1_000 {
        cycle();
    }
    let after = resident_kib();
    // A kilobyte per cycle would be seen.
    assert!(after < before + 1_000, "{before} KiB became {after} KiB");
}
