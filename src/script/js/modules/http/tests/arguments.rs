//! What scripts pass, and the requests that come of it.

use super::*;

/// The first request of a script, as text.
#[track_caller]
fn sent(body: &str, want: &str) {
    let ran = run(body, |_| answer(200, ""));
    assert_eq!(ran.requests.first().map(shown_request).unwrap_or_default(), want, "{body}: {}", ran.result);
    assert_eq!(ran.log, [""; 0], "{body}");
}

fn shown_request(request: &Request) -> String {
    let mut text = format!("{} {}", request.method, request.target.url);
    for (name, value) in &request.headers {
        text.push_str(&format!(" [{name}: {value}]"));
    }
    text + " " + &String::from_utf8_lossy(&request.body)
}

/// The log of a script whose arguments are no good, and the response it gets.
#[track_caller]
fn refused(body: &str, log: &str, error: &str, code: u16) {
    let script = format!("const r = {body}; return [r.status, r.error, r.error_code, r.body.length]");
    let ran = run(&script, |_| answer(200, ""));
    assert_eq!((ran.log, ran.requests.len()), (vec![log.to_owned()], 0), "{body}");
    assert_eq!(ran.result, format!("[0,{error:?},{code},0]"), "{body}");
    let script = format!("try {{ {body} }} catch (e) {{ return e.message }}");
    let ran = run_with(throwing(), &script, |_| answer(200, ""));
    assert_eq!(format!("Request Failed: {}", ran.result), log, "{body}");
}

#[test]
fn every_method_has_its_function() {
    sent("http.get('http://h/a')", "GET http://h/a ");
    sent("http.head('http://h/a')", "HEAD http://h/a ");
    sent("http.post('http://h/a', 'b')", "POST http://h/a b");
    sent("http.put('http://h/a')", "PUT http://h/a ");
    sent("http.patch('http://h/a', null)", "PATCH http://h/a ");
    sent("http.del('http://h/a', undefined)", "DELETE http://h/a ");
    sent("http.options('http://h/a')", "OPTIONS http://h/a ");
    sent("http.request('puRge', 'http://h/a', 'b')", "puRge http://h/a b");
    sent("await http.asyncRequest('GET', 'http://h/a')", "GET http://h/a ");
}

#[test]
fn get_and_head_have_no_body() {
    sent("http.get('http://h/', { headers: { a: 1 } })", "GET http://h/ [A: 1] ");
    let ran = run("http.get('http://h/', null, { headers: { a: 1 } })", |_| answer(200, ""));
    assert_eq!(shown_request(&ran.requests[0]), "GET http://h/ ");
    assert_eq!(
        ran.log,
        ["http.get only accepts a url and a params argument (2 arguments), but 3 were given"]
    );
}

#[test]
fn bodies_are_text_bytes_or_forms() {
    const FORM: &str = "[Content-Type: application/x-www-form-urlencoded]";
    sent("http.post('http://h/', '\u{e9}')", "POST http://h/ \u{e9}");
    sent("http.post('http://h/', new Uint8Array([97, 98]).buffer)", "POST http://h/ ab");
    sent("http.post('http://h/', new Uint8Array([97, 98, 99]).subarray(1))", "POST http://h/ bc");
    sent("http.post('http://h/', new ArrayBuffer(0))", "POST http://h/ ");
    sent("http.post('http://h/', { b: 'x y', a: '1' })", &format!("POST http://h/ {FORM} a=1&b=x+y"));
    sent(
        "http.post('http://h/', { a: [1, 'b', null], n: 1.5, t: true, u: undefined, e: '' })",
        &format!("POST http://h/ {FORM} a=1&a=b&a=&e=&n=1.5&t=true&u="),
    );
    sent(
        "http.post('http://h/', { a: 1 }, { headers: { 'content-type': 'text/x' } })",
        "POST http://h/ [Content-Type: text/x] a=1",
    );
    refused(
        "http.post('http://h/', 5)",
        "Request Failed: unknown request body type int64",
        "unknown request body type int64",
        0,
    );
    let ran = run("http.post('http://h/', { a: { b: 1 }, c: [[1]] })", |_| answer(200, ""));
    assert_eq!(shown_request(&ran.requests[0]), format!("POST http://h/ {FORM} a=&c="));
    assert_eq!(
        ran.log[0],
        "cannot urlencode a nested map[string]interface {} value in a request form body; encoding it as an empty \
         value, use JSON.stringify() to send structured data"
    );
}

#[test]
fn files_make_a_multipart_form() {
    let ran = run(
        "http.post('http://h/', { f: http.file('data', 'x.txt', 'text/plain'), n: 5, \
         b: http.file(new Uint8Array([97])) })",
        |_| answer(200, ""),
    );
    let request = &ran.requests[0];
    let boundary = request.headers[0].1.strip_prefix("multipart/form-data; boundary=").unwrap();
    assert_eq!(boundary.len(), 60);
    let body = String::from_utf8(request.body.clone()).unwrap();
    let parts: Vec<&str> = body.split(boundary).collect();
    assert_eq!(
        parts[1],
        "\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n\
         data\r\n--"
    );
    assert_eq!(parts[2], "\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n5\r\n--");
    assert!(parts[3].ends_with("\r\nContent-Type: application/octet-stream\r\n\r\na\r\n--"), "{}", parts[3]);
}

#[test]
fn params_are_read_into_the_request() {
    let ran = run(
        "http.post('http://h/', 'b', { headers: { 'x-foo': 1, Host: 'other' }, tags: { a: 'b', n: 1, name: 'N' }, \
         cookies: { c: 'd', e: { value: 'f', replace: true }, g: null }, timeout: '1.5s', redirects: 3, unknown: {}, \
         jar: null, responseCallback: http.expectedStatuses(404, { min: 500, max: 599 }), auth: 'basic' })",
        |_| answer(200, ""),
    );
    let request = &ran.requests[0];
    assert_eq!(shown_request(request), "POST http://h/ [X-Foo: 1] [Host: other] b");
    let tags: Vec<_> = request.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!((tags.join(","), request.name.as_deref()), ("a=b,n=1".to_owned(), Some("N")));
    let cookie = |name: &str, value: &str, replaces| (name.to_owned(), value.to_owned(), replaces);
    assert_eq!(request.cookies, [cookie("c", "d", false), cookie("e", "f", true)]);
    assert_eq!((request.timeout_ns, request.max_redirects), (1_500_000_000, 3));
    assert!(!request.warn_of_redirects && request.jar.is_some());
    let expected = request.expected.as_ref().unwrap();
    assert_eq!(expected.ranges, [(404, 404), (500, 599)]);
    assert_eq!(request.scenario, "default");
}

#[test]
fn without_params_the_defaults_are_k6s() {
    let ran = run("http.get('http://h/', { timeout: 250, redirects: 0 }); http.get('http://h/')", |_| {
        answer(200, "")
    });
    let [with, without] = &ran.requests[..] else { panic!() };
    assert_eq!((with.timeout_ns, with.max_redirects), (250_000_000, 0));
    assert_eq!((without.timeout_ns, without.max_redirects), (60_000_000_000, 10));
    assert!(without.warn_of_redirects);
    assert_eq!(without.expected.as_ref().unwrap().ranges, [(200, 399)]);
    assert!(std::rc::Rc::ptr_eq(&with.target, &without.target), "parsed once");
}

#[test]
fn the_response_callback_can_be_set_for_all() {
    let body = "http.setResponseCallback(http.expectedStatuses(404)); http.get('http://h/'); \
                http.setResponseCallback(null); http.get('http://h/'); \
                http.get('http://h/', { responseCallback: http.expectedStatuses(1) }); \
                try { http.setResponseCallback({}) } catch (e) { return e.message }";
    let ran = run(body, |_| answer(200, ""));
    let ranges = |request: &Request| request.expected.as_ref().map(|expected| expected.ranges.clone());
    assert_eq!(
        ran.requests.iter().map(ranges).collect::<Vec<_>>(),
        [Some(vec![(404, 404)]), None, Some(vec![(1, 1)])]
    );
    assert_eq!(ran.result, "unsupported argument, expected http.expectedStatuses");
    check(
        "try { http.expectedStatuses(1, 'x') } catch (e) { return e.message }",
        "argument number 2 to expectedStatuses was neither an integer nor an object like {min:100, max:329}",
    );
}

#[test]
fn a_template_names_the_request() {
    let ran = run("const id = 5; http.get(http.url`http://h/${id}/x?y=${'z'}`)", |_| answer(200, ""));
    assert_eq!(shown_request(&ran.requests[0]), "GET http://h/5/x?y=z ");
    assert_eq!(ran.requests[0].name.as_deref(), Some("http://h/${}/x?y=${}"));
    check(
        "try { http.url`http://h/%zz` } catch (e) { return e.message }",
        "invalid URL: parse \"http://h/%zz\": invalid URL escape \"%zz\"",
    );
}

#[test]
fn bad_urls_fail_without_a_request() {
    refused(
        "http.get('http://a b/')",
        "Request Failed: invalid URL: parse \"http://a b/\": invalid character \" \" in host name",
        "invalid URL: parse \"http://a b/\": invalid character \" \" in host name",
        1020,
    );
    refused("http.get()", "Request Failed: invalid URL: '<nil>'", "invalid URL: '<nil>'", 1020);
    refused(
        "http.post('nope', 'x')",
        "Request Failed: Post \"nope\": unsupported protocol scheme \"\"",
        "unsupported protocol scheme \"\"",
        1000,
    );
}

#[test]
fn bad_params_fail_without_a_request() {
    #[track_caller]
    fn bad(params: &str, why: &str) {
        refused(&format!("http.get('http://h/', {params})"), &format!("Request Failed: {why}"), why, 0);
    }
    bad("{ responseType: 'xx' }", "xx does not belong to ResponseType values");
    bad("{ timeout: 'soon' }", "invalid timeout value: time: invalid duration \"soon\"");
    bad("{ responseCallback: {} }", "unsupported responseCallback");
    bad(
        "{ tags: { a: {} } }",
        "invalid value for metric tag 'a': only String, Boolean and Number types are accepted as a metric tag values",
    );
    bad("{ auth: 'ntlm' }", "the request param auth: \"ntlm\" is not supported by ringload");
    bad(
        "{ compression: 'gzip, lzw' }",
        "unknown compression algorithm lzw, supported algorithms are [gzip deflate zstd br]",
    );
    bad("{ headers: 5 }", "the request param headers is not an object");
}

#[test]
fn a_wrong_content_length_is_dropped() {
    let ran =
        run("http.post('http://h/', 'abc', { headers: { 'content-length': '7' } })", |_| answer(200, ""));
    assert_eq!(shown_request(&ran.requests[0]), "POST http://h/ abc");
    let why = "The specified Content-Length header \"7\" in the POST request for http://h/ doesn't match the actual \
               request body length of 3, so it will be ignored!";
    assert_eq!(ran.log, [why]);
    sent("http.post('http://h/', 'abc', { headers: { 'Content-Length': 3 } })", "POST http://h/ abc");
}

#[test]
fn a_body_is_compressed_in_the_order_of_the_list() {
    let body = "const params = { compression: 'gzip, br' }; http.post('http://h/', 'hello', params); \
                http.post('http://h/', null, params); \
                return http.post('http://h/', 'x', { ...params, headers: { 'content-encoding': 'own' } }).status";
    let ran = run(body, |_| answer(200, ""));
    let decoded = crate::http::coding::decode("gzip, br", &ran.requests[0].body).unwrap();
    assert_eq!(decoded.as_ref(), b"hello");
    let encoding = |request: &Request| {
        let header = request.headers.iter().find(|(name, _)| name == "Content-Encoding");
        header.map_or(String::new(), |(_, value)| value.clone())
    };
    assert_eq!(ran.requests.iter().map(encoding).collect::<Vec<_>>(), ["gzip, br", "", "own"]);
    assert!(ran.requests[1].body.is_empty());
    let why = "There's a mismatch between the desired `compression` the manually set `Content-Encoding` header in the \
               POST request for 'http://h/', the custom header has precedence and won't be overwritten. This may \
               result in invalid data being sent to the server.";
    assert_eq!((ran.result.as_str(), ran.log), ("200", vec![why.to_owned()]));
}

#[test]
fn credentials_are_sent_at_once_unless_they_are_for_a_digest() {
    let body = "for (const auth of ['digest', 'basic', 'other']) http.get('http://u:p@h/', { auth })";
    let ran = run(body, |_| answer(200, ""));
    let is_digest: Vec<bool> = ran.requests.iter().map(|request| request.digest_auth).collect();
    assert_eq!(is_digest, [true, false, false]);
}

#[test]
fn a_body_that_cannot_be_decoded_fails_without_gos_frame() {
    let respond = |_: &Request| Response {
        error: "error decompressing response body (gzip: invalid header)".to_owned(),
        error_code: 1701,
        ..Response::default()
    };
    let ran = run("const r = http.get('http://h/'); return [r.error_code, r.body]", respond);
    assert_eq!(ran.result, "[1701,null]");
    assert_eq!(ran.log, ["Request Failed: error decompressing response body (gzip: invalid header)"]);
}

#[test]
fn what_the_script_throws_itself_stays_its_own() {
    check(
        "try { http.get('http://h/', { headers: { get a() { throw new TypeError('mine') } } }) } \
         catch (e) { return e.name + e.message }",
        "TypeErrormine",
    );
    check(
        "try { http.get('http://h/', { tags: { name: { toString: 5 } } }).x } catch (e) { return '' + e }",
        "undefined",
    );
}

#[test]
fn names_can_be_imported_one_by_one_and_constants_are_there() {
    let mut driver = Driver::default();
    let script = "import { get, TLS_1_2, nope } from 'k6/http'; import * as all from 'k6/http'; \
                  import http from 'k6/http'; \
                  export default function () { throw [typeof get, TLS_1_2, nope, all.default === http, \
                  http.OCSP_STATUS_GOOD].join() }";
    let mut vu = driver.vu(script);
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), ["function,tls1.2,,true,good\n"]);
}

#[test]
fn module_scope_makes_no_requests() {
    #[track_caller]
    fn refused(script: &str, why: &str) {
        let script = format!("import http from 'k6/http'; {script}; export default function () {{}}");
        let error = Driver::default().load(&script).err().expect("refused");
        assert!(error.message.starts_with(&format!("GoError: {why}")), "{}", error.message);
    }
    const WHY: &str = "Making http requests in the init context is not supported";
    refused("http.get('http://h/')", WHY);
    refused("http.batch(['http://h/'])", WHY);
    refused("http.asyncRequest('GET', 'http://h/')", WHY);
    refused("http.cookieJar()", "Making cookie jars in the init context is not supported");
}
