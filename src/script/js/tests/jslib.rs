//! The modules of `https://jslib.k6.io/` that come with the program.

use super::driver::Driver;

/// What a function with this body returns, with everything imported.
#[track_caller]
fn check(body: &str, want: &str) {
    let mut driver = Driver::default();
    let mut vu = driver.vu(&format!(
        "import {{ randomIntBetween, randomItem, randomString, uuidv4, findBetween, normalDistributionStages, parseDuration,
           getCurrentStageIndex, check }} from 'https://jslib.k6.io/k6-utils/1.4.0/index.js';
         import {{ textSummary, jUnit }} from 'https://jslib.k6.io/k6-summary/0.1.0/index.js';
         import {{ URL, URLSearchParams }} from 'https://jslib.k6.io/url/1.0.0/index.js';
         import {{ FormData }} from 'https://jslib.k6.io/formdata/0.0.2/index.js';
         import {{ Httpx, Get, Post }} from 'https://jslib.k6.io/httpx/0.1.0/index.js';
         import http from 'k6/http';
         const text = (buffer) => new TextDecoder().decode(buffer);
         const thrown = (body) => {{ try {{ return body() }} catch (e) {{ return `${{e.name}}: ${{e.message}}` }} }};
         export default async function () {{ console.log(await (async () => {{ {body} }})()) }}"
    ));
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), [want], "{body}");
}

#[test]
fn utils_make_random_things_within_bounds() {
    check(
        "return Array.from({ length: 200 }, () => randomIntBetween(3, 5)).every((n) => n >= 3 && n <= 5)",
        "true",
    );
    check(
        "return [randomItem(['x']), randomString(5, 'a'), /^[a-z]{8}$/.test(randomString(8))].join()",
        "x,aaaaa,true",
    );
    check(
        "const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
         return [form.test(uuidv4()), form.test(uuidv4(true))].join()",
        "true,true",
    );
}

#[test]
fn utils_find_parse_and_plan() {
    check("return findBetween('<b>x</b><b>y</b>', '<b>', '</b>')", "x");
    check("return findBetween('<b>x</b><b>y</b>', '<b>', '</b>', true)", "[ \"x\", \"y\" ]");
    check("return findBetween('none', '<', '>')", "null");
    check(
        "return [parseDuration('1h1m1s5ms'), parseDuration('1.5s'), thrown(() => parseDuration('soon'))].join()",
        "3661005,1500,Error: soon is not a valid duration",
    );
    check(
        "const stages = normalDistributionStages(10, 20, 5);
         return [stages.length, Math.max(...stages.map((s) => s.target)), stages.at(-1).target, stages[0].duration].join()",
        "6,10,0,4s",
    );
    check("return check(1, { one: (v) => v === 1, later: async () => true })", "true");
    check("return check(1, { later: async () => false })", "false");
}

#[test]
fn urls_are_taken_apart_and_put_together() {
    check(
        "const u = new URL('https://User:pa@Example.com:8080/a/../b c?x=1&y=a b#h');
         return [u.href, u.origin, u.host, u.pathname, u.search, u.hash, u.username, u.searchParams.get('y')].join(' ')",
        "https://User:pa@example.com:8080/b%20c?x=1&y=a%20b#h https://example.com:8080 example.com:8080 /b%20c ?x=1&y=a%20b #h User a b",
    );
    check(
        "return [new URL('../c?d', 'http://h:80/a/b/x?y').href, new URL('//g/x', 'https://h').href].join()",
        "http://h/a/c?d,https://g/x",
    );
    check(
        "const u = new URL('http://h/?a=1'); u.searchParams.append('b', 'ü &'); u.pathname = 'x y'; u.port = 81; return `${u}`",
        "http://h:81/x%20y?a=1&b=%C3%BC+%26",
    );
    check("return thrown(() => new URL('nope'))", "TypeError: Invalid URL: nope");
    check(
        "const p = new URLSearchParams([['b', '2'], ['a', '1'], ['b', '3']]); p.set('b', 'x y'); p.sort();
         return [p.toString(), p.has('a'), p.getAll('b').length, new URLSearchParams('?q=%F0%9F%98%80+z').get('q')].join(' ')",
        "a=1&b=x+y true 1 😀 z",
    );
}

#[test]
fn form_data_is_a_multipart_body_in_order() {
    check(
        "const fd = new FormData(); fd.append('t', 'text'); fd.append('f', http.file('data', 'x.txt', 'text/plain'));
         fd.append('b', { data: new Uint8Array([104, 105]).buffer, filename: 'b.bin' });
         return text(fd.body()).replaceAll(fd.boundary, 'B').replaceAll('\\r\\n', '|')",
        "--B|Content-Disposition: form-data; name=\"t\"||text|\
         --B|Content-Disposition: form-data; name=\"f\"; filename=\"x.txt\"|Content-Type: text/plain||data|\
         --B|Content-Disposition: form-data; name=\"b\"; filename=\"b.bin\"|Content-Type: application/octet-stream||hi|--B--|",
    );
}

#[test]
fn a_summary_is_in_the_form_that_k6_had() {
    let data = "{ root_group: { name: '', groups: [{ name: 'child', groups: [], checks: [{ name: 'c2', passes: 1, fails: 2 }] }],
           checks: [{ name: 'root check', passes: 1, fails: 0 }] },
         options: { summaryTrendStats: ['avg', 'max'], summaryTimeUnit: '' },
         metrics: {
           http_reqs: { type: 'counter', contains: 'default', values: { count: 3000, rate: 99.876543 }, thresholds: { 'count>1': { ok: false } } },
           checks: { type: 'rate', contains: 'default', values: { rate: 0.75, passes: 45, fails: 15 } },
           http_req_duration: { type: 'trend', contains: 'time', values: { avg: 1.7612, max: 61234.5 }, thresholds: { 'p(95)<1': { ok: true } } },
           'http_req_duration{a:b}': { type: 'trend', contains: 'time', values: { avg: 0.5, max: 2 } },
           a_gauge: { type: 'gauge', contains: 'default', values: { value: 1.5, min: 0, max: 2 } },
           data_received: { type: 'counter', contains: 'data', values: { count: 1911, rate: 0.3 } } } }";
    check(
        &format!("return textSummary({data}, {{ indent: ' ', enableColors: false }})"),
        "     ✓ root check\n\n     █ child\n\n       ✗ c2\n        ↳  33% — ✓ 1 / ✗ 2\n\n     \
         a_gauge.............: 1.5    min=0        max=2\n     \
         checks..............: 75.00% 45 out of 60\n     \
         data_received.......: 1.9 kB 0.3 B/s\n   \
         ✓ http_req_duration...: avg=1.76ms max=1m1s\n       { a:b }...........: avg=500µs  max=2ms \n   \
         ✗ http_reqs...........: 3000   99.876543/s",
    );
    check(&format!("return jUnit({data}).includes('<testsuites tests=\"2\" failures=\"1\">')"), "true");
    check(&format!("return textSummary({data}).includes('\\u001b[32m')"), "true");
}
