//! Sessions of jslib's httpx.

use super::*;

#[test]
fn a_session_adds_what_all_its_requests_have() {
    let script = "import { Httpx, Get, Post } from 'https://jslib.k6.io/httpx/0.1.0/index.js';
        const session = new Httpx({ baseURL: 'http://h', headers: { a: '1' }, timeout: 2000 });
        export default async function () {
          session.addTag('t', 'x'); session.get('/one'); session.post('/two', 'b', { headers: { a: '2' } });
          await session.asyncRequest('PUT', 'http://other/three');
          session.clearHeader('a'); session.batch([new Get('/four'), new Post('/five', 'p')], { tags: { u: 'y' } });
          throw 'end' }";
    let mut driver = Driver::default();
    let mut vu = vu_of(&mut driver, HttpSettings::default(), script);
    let ran = iterate(&mut driver, &mut vu, |_| answer(200, ""));
    assert_eq!(ran.result, "end", "{:?}", ran.log);
    let shown = |request: &Request| {
        let headers: Vec<String> =
            request.headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let tags: Vec<String> = request.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let body = String::from_utf8_lossy(&request.body);
        format!("{} {} {} {} {body}", request.method, request.target.url, headers.concat(), tags.concat())
    };
    assert_eq!(
        ran.requests.iter().map(shown).collect::<Vec<_>>(),
        [
            "GET http://h/one A=1 t=x ",
            "POST http://h/two A=2 t=x b",
            "PUT http://other/three A=1 t=x ",
            "GET http://h/four  t=xu=y ",
            "POST http://h/five  t=xu=y p",
        ]
    );
    assert!(ran.requests.iter().all(|request| request.timeout_ns == 2_000_000_000));
}
