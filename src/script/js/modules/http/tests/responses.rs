//! What scripts see of a response.

use super::*;
use crate::script::Timings;

#[test]
fn fields_come_in_the_order_of_k6() {
    let respond = |_: &Request| Response {
        headers: vec![
            ("Content-Type".into(), "application/json".into()),
            ("X-A".into(), "1".into()),
            ("X-A".into(), "2".into()),
        ],
        url: "http://h:81/json".into(),
        request_method: "GET".into(),
        request_headers: vec![
            ("Host".into(), "h:81".into()),
            ("User-Agent".into(), "Grafana k6/2.2.0".into()),
            ("Cookie".into(), "a=1; a=\"x y\"".into()),
        ],
        remote: Some("127.0.0.1:81".parse().unwrap()),
        timings: Timings {
            blocked_ns: 289_398,
            connecting_ns: 215_632,
            tls_handshaking_ns: 0,
            sending_ns: 86_374,
            waiting_ns: 55_699,
            receiving_ns: 73_793,
        },
        ..answer(200, "{\"hello\":\"world\",\"n\":1}")
    };
    let ran = run("return JSON.stringify(http.get('http://h:81/json'), null, 1)", respond);
    assert_eq!(
        ran.result,
        r#"{
 "remote_ip": "127.0.0.1",
 "remote_port": 81,
 "url": "http://h:81/json",
 "status": 200,
 "status_text": "200 Text",
 "proto": "HTTP/1.1",
 "headers": {
  "Content-Type": "application/json",
  "X-A": "1, 2"
 },
 "cookies": {},
 "body": "{\"hello\":\"world\",\"n\":1}",
 "timings": {
  "duration": 0.215866,
  "blocked": 0.289398,
  "looking_up": 0,
  "connecting": 0.215632,
  "tls_handshaking": 0,
  "sending": 0.086374,
  "waiting": 0.055699,
  "receiving": 0.073793
 },
 "tls_version": "",
 "tls_cipher_suite": "",
 "ocsp": {
  "produced_at": 0,
  "this_update": 0,
  "next_update": 0,
  "revoked_at": 0,
  "revocation_reason": "",
  "status": ""
 },
 "error": "",
 "error_code": 0,
 "request": {
  "method": "GET",
  "url": "http://h:81/json",
  "headers": {
   "User-Agent": [
    "Grafana k6/2.2.0"
   ],
   "Cookie": [
    "a=1; a=\"x y\""
   ]
  },
  "body": "",
  "cookies": {
   "a": [
    {
     "name": "a",
     "value": "1",
     "replace": false
    },
    {
     "name": "a",
     "value": "x y",
     "replace": false
    }
   ]
  }
 }
}"#
    );
    check(
        "return Object.keys(http.get('http://h/')).slice(-5).join()",
        "request,clickLink,html,json,submitForm",
    );
}

#[test]
fn json_is_parsed_once_and_selectors_look_into_it() {
    let get = "const res = http.get('http://h/'); ";
    check(&format!("{get} return res.json().hello"), "world");
    check(&format!("{get} return res.json() === res.json() && res.json().n"), "1");
    check(&format!("{get} return [res.json('n'), res.json('hello'), res.json('x')]"), "[1,\"world\",null]");
    check(&format!("{get} const json = res.json; return json.call(res, 'n')"), "1");
}

#[test]
fn what_is_no_json_says_where() {
    let body = "const res = http.get('http://h/'); \
                try { res.json() } catch (e) { return e.name + '|' + e.message + '|' + e + '|' + res.json('a') }";
    let ran = run(body, |_| answer(200, "x"));
    let why = "cannot parse json due to an error at line 1, character 1 , error: invalid character 'x' looking for \
               beginning of value";
    assert_eq!(ran.result, format!("GoError|{why}|GoError: {why}|undefined"));
    let deep = |_: &Request| answer(200, &"[".repeat(1_000_000));
    let ran = run("try { http.get('http://h/').json() } catch (e) { return 'caught' }", deep);
    assert_eq!(ran.result, "caught");
    let no_body = |_: &Request| Response { body: None, ..answer(204, "") };
    let ran = run("try { http.get('http://h/').json('a') } catch (e) { return e.message }", no_body);
    assert_eq!(
        ran.result,
        "the body is null so we can't transform it to JSON - this likely was because of a request error getting \
         the response"
    );
}

#[test]
fn bodies_are_text_bytes_or_nothing() {
    let get = |params: &str| format!("const {{ body }} = http.get('http://h/', {params}); ");
    check(&format!("{} return body.length", get("{}")), "23");
    check(
        &format!(
            "{} return [body instanceof ArrayBuffer, body.byteLength]",
            get("{ responseType: 'binary' }")
        ),
        "[true,23]",
    );
    check(&format!("{} return body", get("{ responseType: 'none' }")), "null");
    let ran = run("return http.get('http://h/').body", |_| Response {
        body: Some(b"a\xffb\0c".to_vec()),
        ..answer(200, "")
    });
    assert_eq!(ran.result, "a\u{fffd}b\0c");
    let discards = HttpSettings { discard_response_bodies: true, ..HttpSettings::default() };
    let body = "return [http.get('http://h/').body, http.get('http://h/', { responseType: 'text' }).body]";
    let ran = run_with(discards, body, |_| answer(200, "x"));
    assert_eq!(ran.result, "[null,\"x\"]");
    assert_eq!(ran.requests.iter().map(|request| request.keep_body).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn set_cookie_lines_are_shown_by_name() {
    let respond = |_: &Request| Response {
        headers: vec![
            ("Set-Cookie".into(), "a=1; Path=/x; HttpOnly; Max-Age=0".into()),
            ("Set-Cookie".into(), "b=2; Expires=Tue, 24 Nov 2026 06:40:00 GMT; Secure".into()),
            ("Set-Cookie".into(), "a=3; Domain=h".into()),
            ("Set-Cookie".into(), "nonsense".into()),
        ],
        ..answer(200, "")
    };
    let ran = run("return http.get('http://h/').cookies", respond);
    let cookie = |name, value, domain, path, http_only, secure, max_age, expires: i64| {
        format!(
            "{{\"name\":\"{name}\",\"value\":\"{value}\",\"domain\":\"{domain}\",\"path\":\"{path}\",\
             \"http_only\":{http_only},\"secure\":{secure},\"max_age\":{max_age},\"expires\":{expires}}}"
        )
    };
    assert_eq!(
        ran.result,
        format!(
            "{{\"a\":[{},{}],\"b\":[{}]}}",
            cookie("a", 1, "", "/x", true, false, -1, -6_795_364_578_871),
            cookie("a", 3, "h", "", false, false, 0, -6_795_364_578_871),
            cookie("b", 2, "", "", false, true, 0, 1_795_502_400_000),
        )
    );
}

#[test]
fn a_failed_request_is_a_warning_and_a_response() {
    let body = "const r = http.get('http://127.0.0.1:1/'); \
                return [r.status, r.error, r.error_code, r.body, r.headers, r.timings.duration]";
    let ran = run(body, |_| refused_connection());
    assert_eq!(ran.result, "[0,\"dial: connection refused\",1212,null,{},0]");
    assert_eq!(
        ran.log,
        [r#"Request Failed: Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused"#]
    );
    let ran = run("return http.request('PATCH', 'http://h/').error_code", |_| Response {
        error_code: 1503,
        ..answer(503, "")
    });
    assert_eq!((ran.result.as_str(), ran.log.len()), ("1503", 0));
}

#[test]
fn with_throw_a_failed_request_is_an_exception() {
    let get = "http.get('http://127.0.0.1:1/'";
    let why = r#"Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused"#;
    let ran = run_with(throwing(), &format!("try {{ {get}) }} catch (e) {{ return '' + e }}"), |_| {
        refused_connection()
    });
    assert_eq!((ran.result, ran.log.len()), (format!("GoError: {why}"), 0));
    let ran = run(&format!("try {{ {get}, {{ throw: true }}) }} catch (e) {{ return e.message }}"), |_| {
        refused_connection()
    });
    assert_eq!((ran.result.as_str(), ran.log.len()), (why, 0));
    let ran =
        run_with(throwing(), &format!("return {get}, {{ throw: false }}).status"), |_| refused_connection());
    assert_eq!((ran.result.as_str(), ran.log.len()), ("0", 1));
    let ran = run_with(throwing(), "return http.get('http://h/').status", |_| answer(500, ""));
    assert_eq!(ran.result, "500");
}

#[test]
fn warnings_of_the_network_are_logged() {
    let ran = run("return http.get('http://h/').status", |_| Response {
        warning: Some("Stopped after 10 redirects".into()),
        ..answer(302, "")
    });
    assert_eq!((ran.result.as_str(), ran.log), ("302", vec!["Stopped after 10 redirects".to_owned()]));
}
