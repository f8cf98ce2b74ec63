//! Pages: `html()`, `submitForm()`, `clickLink()`.

use super::*;

const PAGE: &str = r#"<html><body>
<form id="get"><input name="q" value="a b"><input name="z" value="1"></form>
<form id="post" method="post" action="/login?next=1">
  <input name="user" value="u"><input type="checkbox" name="on" checked="checked"><input type="checkbox" name="off">
  <select name="pick"><option value="1">one<option selected>two</select>
  <input type="submit" name="go" value="Go">
</form>
<a>no</a><a href="next?x=1#part">next</a><a id="far" href="http://other/x">far</a><a id="bad">bad</a>
</body></html>"#;

/// The request that follows a page, or what was thrown.
#[track_caller]
fn check(body: &str, want: &str) {
    let script = format!(
        "const res = http.get('http://h/dir/page?old=1'); try {{ {body} }} catch (e) {{ return e.message }}"
    );
    let ran = run(&script, |request| Response { url: request.target.url.clone(), ..answer(200, PAGE) });
    let got = match ran.requests.get(1) {
        Some(request) => {
            format!("{} {} {}", request.method, request.target.url, String::from_utf8_lossy(&request.body))
        }
        None => ran.result,
    };
    assert_eq!(got.trim_end(), want, "{body}");
}

#[test]
fn a_form_is_sent_as_a_browser_would() {
    check("res.submitForm()", "GET http://h/dir/page?q=a+b&z=1");
    check("res.submitForm({ fields: { q: 'é', more: 5 } })", "GET http://h/dir/page?more=5&q=%C3%A9&z=1");
    check(
        "res.submitForm({ formSelector: '#post' })",
        "POST http://h/login?next=1 go=Go&on=on&pick=two&user=u",
    );
    check(
        "res.submitForm({ formSelector: '#post', submitSelector: '#none', fields: { user: ['a', 'b'] } })",
        "POST http://h/login?next=1 on=on&pick=two&user=a&user=b",
    );
    check(
        "res.submitForm({ formSelector: 'form.x' })",
        "no form found for selector 'form.x' in response 'http://h/dir/page?old=1'",
    );
}

#[test]
fn params_go_with_the_request() {
    let body = "http.get('http://h/').submitForm({ params: { headers: { a: 'b' } } })";
    let ran = run(body, |request| Response { url: request.target.url.clone(), ..answer(200, PAGE) });
    assert_eq!(ran.requests[1].headers, [("A".to_owned(), "b".to_owned())]);
}

#[test]
fn a_link_is_followed_from_where_the_page_is() {
    check("res.clickLink()", "GET http://h/dir/next?x=1");
    check("res.clickLink({ selector: '#far' })", "GET http://other/x");
    check(
        "res.clickLink({ selector: 'a.x' })",
        "no element found for selector 'a.x' in response 'http://h/dir/page?old=1'",
    );
    check(
        "res.clickLink({ selector: '#bad' })",
        "no valid href attribute value found on element '#bad' in response 'http://h/dir/page?old=1'",
    );
}

#[test]
fn a_body_is_a_page() {
    check("return res.html('a').size() + res.html().find('#far').text()", "4far");
    check("const html = res.html; return html.call(res, 'form').eq(1).attr('method')", "post");
    check("return http.get('http://h/', { responseType: 'none' }).html()", "GET http://h/");
    let ran =
        run("try { http.get('http://h/').html() } catch (e) { return e.message }", |_| refused_connection());
    assert_eq!(
        ran.result,
        "the body is null so we can't transform it to HTML - this likely was because of a request error getting the \
         response"
    );
}
