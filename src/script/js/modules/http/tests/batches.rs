//! Several requests at a time: `http.batch` and `http.asyncRequest`.

use super::*;

/// What a batch returns when every response's body is its request's method and URL.
#[track_caller]
fn batch(requests: &str, want: &str, most: usize) {
    let body = format!(
        "const all = http.batch({requests}); const shown = Array.isArray(all) ? [] : {{}}; \
         for (const key in all) shown[key] = all[key] && all[key].body; return shown"
    );
    let ran = run(&body, |request| {
        let sent = String::from_utf8_lossy(&request.body);
        answer(200, &format!("{} {} {sent}", request.method, request.target.path_and_query))
    });
    assert_eq!((ran.result.as_str(), ran.most), (want, most), "{requests}; {:?}", ran.log);
}

#[test]
fn a_batch_takes_every_form_of_request() {
    batch("['http://h/a', http.url`http://h/${'b'}`]", "[\"GET /a \",\"GET /b \"]", 2);
    batch(
        "[['post', 'http://h/a', 'x'], { url: 'http://h/b', method: 'put', body: 'y', params: {} }, \
         { url: 'http://h/c', body: 'dropped' }, ['GET', 'http://h/d', 'dropped', { tags: { a: 'b' } }]]",
        "[\"POST /a x\",\"PUT /b y\",\"GET /c \",\"GET /d \"]",
        4,
    );
    batch(
        "{ one: 'http://h/1', two: ['HEAD', 'http://h/2'] }",
        "{\"one\":\"GET /1 \",\"two\":\"HEAD /2 \"}",
        2,
    );
    batch("[]", "[]", 0);
}

#[test]
fn a_batch_keeps_its_limits() {
    let mut driver = Driver::default();
    let body = "const urls = []; for (let i = 0; i < 9; i++) urls.push(`http://h${i % 3}/${i}`); \
                return http.batch(urls).map((r) => r.body).join()";
    let http = HttpSettings { batch: 5, batch_per_host: 1, ..HttpSettings::default() };
    let mut vu = vu(&mut driver, http, body);
    let ran = iterate(&mut driver, &mut vu, |request| answer(200, &request.target.path_and_query));
    assert_eq!((ran.result.as_str(), ran.most), ("/0,/1,/2,/3,/4,/5,/6,/7,/8", 3));
    let ran = run("http.batch(new Array(30).fill('http://h/'))", |_| answer(200, ""));
    assert_eq!(ran.most, 6);
}

#[test]
fn a_failure_in_a_batch_is_like_one_alone() {
    let respond = |request: &Request| match request.target.path_and_query.as_str() {
        "/bad" => refused_connection(),
        _ => answer(200, ""),
    };
    let body = "return http.batch(['http://h/a', 'http://h/bad']).map((r) => r.status)";
    let ran = run(body, respond);
    assert_eq!((ran.result.as_str(), ran.log.len()), ("[200,0]", 1));
    let body =
        "try { http.batch(['http://h/bad', 'http://h/bad', 'http://h/a']) } catch (e) { return e.message }";
    let ran = run_with(throwing(), body, respond);
    assert_eq!(ran.requests.len(), 3);
    assert!(ran.result.starts_with("Get \"http://h/bad\": dial tcp"), "{}", ran.result);
}

#[test]
fn what_is_no_batch_is_refused() {
    #[track_caller]
    fn refused(argument: &str, want: &str) {
        check(&format!("try {{ http.batch({argument}) }} catch (e) {{ return e.message }}"), want);
    }
    refused("", "no argument was provided to http.batch()");
    refused("5", "http.batch() accepts only an array or an object of requests");
    let body = "const all = http.batch(['http://h/', { method: 'GET' }, 'http://h/']); \
                return [all.length, all[0].status, all[1]]";
    let ran = run(body, |_| answer(200, ""));
    assert_eq!((ran.result.as_str(), ran.requests.len()), ("[3,0,null]", 0));
    assert_eq!(ran.log, ["A batch request failed: batch request 1 doesn't have a url key"]);
    let body = "try { http.batch([5]) } catch (e) { return e.message }";
    let ran = run_with(throwing(), body, |_| answer(200, ""));
    assert_eq!(ran.result, "invalid http.batch() argument type int64");
}

#[test]
fn async_requests_go_out_at_once_and_resolve_in_any_order() {
    let body = "const [a, b] = await Promise.all(['a', 'b'].map((p) => http.asyncRequest('GET', `http://h/${p}`))); \
                return a.body + b.body";
    let ran = run(body, |request| answer(200, &request.target.path_and_query));
    assert_eq!((ran.result.as_str(), ran.most), ("/a/b", 2));
    let body = "const later = http.asyncRequest('POST', 'http://h/later', 'x'); \
                const now = http.get('http://h/now').body; return now + (await later).body";
    let ran = run(body, |request| answer(200, &request.target.path_and_query));
    assert_eq!((ran.result.as_str(), ran.most), ("/now/later", 2));
}

#[test]
fn an_iteration_waits_for_requests_that_nobody_awaits() {
    let script = "import http from 'k6/http'; export default function () { \
                  http.asyncRequest('GET', 'http://h/').then((r) => { http.get('http://h/2'); throw 'end' }) }";
    let mut driver = Driver::default();
    let mut vu = vu_of(&mut driver, HttpSettings::default(), script);
    let ran = iterate(&mut driver, &mut vu, |_| answer(200, ""));
    assert_eq!(ran.result, "end");
    assert_eq!(ran.requests.len(), 2);
}

#[test]
fn async_failures_resolve_unless_they_throw() {
    let body = "return (await http.asyncRequest('GET', 'http://h/')).error";
    assert_eq!(run(body, |_| refused_connection()).result, "dial: connection refused");
    let body = "try { await http.asyncRequest('GET', 'http://h/') } catch (e) { return e.name }";
    assert_eq!(run_with(throwing(), body, |_| refused_connection()).result, "GoError");
    let body = "try { await http.asyncRequest('GET', 'nope') } catch (e) { return e.message }";
    let ran = run_with(throwing(), body, |_| refused_connection());
    assert_eq!(ran.result, "Get \"nope\": unsupported protocol scheme \"\"");
    let body = "return (await http.asyncRequest('GET', 'http://h/', null, { timeout: 'x' })).status";
    assert_eq!(run(body, |_| answer(200, "")).result, "0");
}

#[test]
fn an_interrupted_iteration_leaves_nothing_behind() {
    let mut driver = Driver::default();
    let body =
        "http.asyncRequest('GET', 'http://h/1'); http.batch(['http://h/2', 'http://h/3']); return 'end'";
    let mut vu = vu(&mut driver, HttpSettings::default(), body);
    for _ in 0..100 {
        assert_eq!(driver.start(&mut vu), Step::Wait);
        assert_eq!(driver.wishes.len(), 3);
        driver.wishes.clear();
        driver.cancel(&mut vu);
    }
    let ran = iterate(&mut driver, &mut vu, |_| answer(200, ""));
    assert_eq!(ran.result, "end");
}
