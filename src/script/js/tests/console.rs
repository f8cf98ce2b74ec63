use super::driver::Driver;
use crate::script::log::LogLevel;

#[track_caller]
fn check(arguments: &str, want: &str) {
    let mut driver = Driver::default();
    let mut vu = driver.vu(&format!("export default function () {{ console.log({arguments}) }}"));
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), [want], "{arguments}");
}

#[test]
fn values_are_printed_as_k6_prints_them() {
    check("'a log', { a: 1, b: [1, 2] }, 3, null, undefined", "a log { a: 1, b: [ 1, 2 ] } 3 null undefined");
    check("new Error('e1')", "Error: e1");
    check("[1, 'x'], new Map([[1, 2]])", "[ 1, \"x\" ] {}");
    check("Symbol.iterator", "Symbol.iterator");
    check("10n", "10");
    check("new Map(), new Set([1])", "{} {}");
    check("[ , 1]", "[ null, 1 ]");
    check(
        "{ d: new Date(0) }, new Date(0)",
        "{ d: \"1970-01-01T00:00:00.000Z\" } \"1970-01-01T00:00:00.000Z\"",
    );
    check("{ e: new Error('x') }", "{ e: Error: x }");
    check("new Uint8Array([1, 2]), new Uint8ClampedArray(0)", "Uint8Array(2) [ 1, 2 ] Uint8Array(0) []");
    check("new Float64Array([0.5])", "Float64Array(1) [ 0.5 ]");
    check("true, -0, 1e21, 0.1, NaN", "true 0 1e+21 0.1 NaN");
    check("['a\"b']", "[ \"a\"b\" ]");
    check("[undefined, () => 1]", "[ null, [object Function] ]");
    check("() => 1, class {}", "[object Function] [object Function]");
    check("{ a: undefined }", "{ a: null }");
    check("{}, []", "{} []");
    check("new Uint8Array([1, 2]).buffer", "ArrayBuffer { [Uint8Contents]: <01 02>, byteLength: 2 }");
    check("(() => { const a = { b: {} }; a.b.a = a; return a })()", "{ b: { a: [Circular] } }");
    check("(() => { const a = { x: 1 }; return [a, a] })()", "[ { x: 1 }, { x: 1 } ]");
    check("new Proxy({ a: 1 }, {})", "{ a: 1 }");
    check("new Date(NaN)", "null");
    check("", "");
}

#[test]
fn levels_are_k6s() {
    let mut driver = Driver::default();
    let mut vu = driver.vu("export default function () {
           console.log('l'); console.info('i'); console.warn('w'); console.error('e'); console.debug('d') }");
    driver.iterate(&mut vu);
    let got: Vec<_> = driver.lines().into_iter().map(|line| (line.level, line.message)).collect();
    let want = [
        (LogLevel::Info, "l"),
        (LogLevel::Info, "i"),
        (LogLevel::Warning, "w"),
        (LogLevel::Error, "e"),
        (LogLevel::Debug, "d"),
    ];
    assert_eq!(got, want.map(|(level, message)| (level, message.to_owned())));
}

#[test]
fn a_value_too_deep_to_print_is_an_error_of_the_script() {
    let mut driver = Driver::default();
    let mut vu = driver.vu("export default function () {
           let deep = []; for (let i = 0; i < 100000; i++) deep = [deep]; console.log(deep) }");
    driver.iterate(&mut vu);
    let messages = driver.messages();
    assert!(messages[0].starts_with("RangeError: Maximum call stack size exceeded"), "{messages:?}");
}
