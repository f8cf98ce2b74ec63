//! Jars as scripts see them.

use super::*;
use crate::http::Target;
use std::rc::Rc;

#[test]
fn a_jar_gives_back_what_was_set() {
    let jar = "const jar = http.cookieJar(); ";
    check(
        &format!("{jar} jar.set('http://h/', 'a', 'b'); return jar.cookiesForURL('http://h/x')"),
        "{\"a\":[\"b\"]}",
    );
    check(
        &format!(
            "{jar} jar.set('http://h/', 'a', 1); jar.set('http://h/x', 'a', 2, {{ path: '/x' }}); \
             jar.set('http://h/', 'z', 3, {{ max_age: -1 }}); jar.set('http://h/', 's', 4, {{ secure: true }}); \
             jar.set('http://h/', 'e', 5, {{ expires: 'Thu, 01 Jan 1970 00:00:00 GMT' }}); \
             return jar.cookiesForURL('http://h/x')"
        ),
        "{\"a\":[\"2\",\"1\"]}",
    );
    check(
        &format!(
            "{jar} jar.set('http://h/', 'a', 1); jar.set('http://h/', 'b', 2); jar.delete('http://h/', 'a'); \
             const left = jar.cookiesForURL('http://h/'); jar.clear('http://h/'); \
             return [left, jar.cookiesForURL('http://h/'), jar.set('nope', 'a', 'b')]"
        ),
        "[{\"b\":[\"2\"]},{},true]",
    );
    check(
        &format!(
            "{jar} try {{ jar.set('http://h/', 'a', 'b', {{ expires: 'soon' }}) }} catch (e) {{ return e.message }}"
        ),
        "unable to parse \"expires\" date string \"soon\"",
    );
    check(
        &format!("{jar} try {{ jar.cookiesForURL('http://%zz/') }} catch (e) {{ return e.name }}"),
        "GoError",
    );
}

#[test]
fn requests_carry_the_vus_jar_or_their_own() {
    let body = "http.cookieJar().set('http://h/', 'vu', '1'); const own = new http.CookieJar(); \
                own.set('http://h/', 'own', '2'); http.get('http://h/'); http.get('http://h/', { jar: own }); \
                return own instanceof http.CookieJar";
    let ran = run(body, |_| answer(200, ""));
    let header = |request: &Request| {
        let target = Target::parse("http://h/").unwrap();
        request.jar.as_ref().unwrap().borrow().cookie_header(&target, &[], 0).unwrap()
    };
    assert_eq!(ran.requests.iter().map(header).collect::<Vec<_>>(), ["vu=1", "own=2"]);
    assert_eq!(ran.result, "true");
}

#[test]
fn every_iteration_has_a_fresh_jar_unless_told_otherwise() {
    #[track_caller]
    fn second_sees(no_cookies_reset: bool, want: &str) {
        let mut driver = Driver::default();
        let body = "const jar = http.cookieJar(); const seen = jar.cookiesForURL('http://h/'); \
                    jar.set('http://h/', 'a', 'b'); http.get('http://h/'); return seen";
        let http = HttpSettings { no_cookies_reset, ..HttpSettings::default() };
        let mut vu = vu(&mut driver, http, body);
        let first = iterate(&mut driver, &mut vu, |_| answer(200, ""));
        assert_eq!(first.result, "{}");
        assert_eq!(iterate(&mut driver, &mut vu, |_| answer(200, "")).result, want);
        drop(first);
    }
    second_sees(false, "{}");
    second_sees(true, "{\"a\":[\"b\"]}");
}

#[test]
fn a_jar_that_nobody_touched_is_not_made_anew() {
    let mut driver = Driver::default();
    let mut vu = vu(&mut driver, HttpSettings::default(), "http.get('http://h/')");
    let mut jar_of = || {
        let mut ran = iterate(&mut driver, &mut vu, |_| answer(200, ""));
        Rc::as_ptr(&ran.requests.remove(0).jar.unwrap())
    };
    assert_eq!(jar_of(), jar_of());
}
