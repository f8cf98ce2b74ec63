//! `k6/html`: what a Selection and an Element answer.

use super::driver::Driver;

const PAGE: &str = r#"<!DOCTYPE html><html lang="en"><head><title>T &amp; "q"</title></head><body class="main home">
<ul id="list"><li class="a">1</li><li class="b" data-first-name="x">2<b>bold</b></li><li class="c">3</li></ul>
<div id="d" data-n="5" data-o='{"a":[1]}' data-t="true" data-s="text" data-bad="{x" data-e=""><p>one<br>two</p><!--note--><p>three</p></div>
<form id="f"><input name="i" value="v &quot;"><input name="c" type="checkbox" checked="checked"><input name="r" type="radio" value="no">
<textarea name="t">area</textarea><select name="s"><option value="1" selected>one</option><option>two</option></select>
<select name="m" multiple><option selected>x</option><option selected value="y">Y</option></select>
<button id="b" value="bv">B</button><input name="gone" disabled="disabled"><input type="submit" name="sub" value="S"></form>
<script>if (1 < 2) "x"</script></body></html>"#;

/// What an expression shows; `$` finds in the page.
#[track_caller]
fn check(expression: &str, want: &str) {
    let mut driver = Driver::default();
    let page = serde_json::to_string(PAGE).unwrap();
    let mut vu = driver.vu(&format!(
        "import {{ parseHTML }} from 'k6/html';
         const doc = parseHTML({page}), $ = (selector) => doc.find(selector);
         const classes = (selection) => selection.map((i, s) => s.attr('class') ?? s.attr('id') ?? s.text()).join();
         const thrown = (body) => {{ try {{ return body() }} catch (e) {{ return `${{e.name}}: ${{e.message}}` }} }};
         export default function () {{ console.log({expression}) }}"
    ));
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), [want], "{expression}");
}

#[test]
fn nodes_are_found_by_selectors_selections_and_elements() {
    check("$('li').size()", "3");
    check("classes($('ul').find('.b, .a'))", "a,b");
    check("$('body').find($('li')).size() + $('ul').find($('p')).size()", "3");
    check("classes($('body').find($('li').get(2)))", "c");
    check("$('li:contains(\"2\")').size() + $('ul:has(b)').size() + $('li:not(.a)').size()", "4");
    check("$('li:nth-child(2)').attr('class') + $('[data-n=\"5\"]').attr('id')", "bd");
    check("$('!!').size()", "0");
    check("thrown(() => doc.find(5))", "GoError: invalid argument, cannot use a 'int64' as a selector");
}

#[test]
fn one_of_many_is_taken_by_its_place() {
    check(
        "$('li').first().text() + $('li').last().text() + $('li').eq(1).text() + $('li').eq(-1).text()",
        "132bold3",
    );
    check("$('li').eq(9).size() + classes($('li').slice(1)) + classes($('li').slice(0, -1))", "0b,ca,b");
    check("$('li').eq(1).end().size()", "3");
    check("classes($('.a').add('.c').add($('.b')))", "a,c,b");
}

#[test]
fn walks_go_from_every_node() {
    check("classes($('ul').children()) + classes($('ul').children('.b'))", "a,b,cb");
    check("$('#d').contents().size()", "3");
    check("classes($('li').parent()) + $('b').parents().size() + classes($('b').parents('ul'))", "list4list");
    check("classes($('b').parentsUntil('body')) + classes($('b').parentsUntil('body', 'ul'))", "b,listlist");
    check("classes($('b').closest('ul')) + classes($('li').closest('li'))", "lista,b,c");
    check("classes($('.a').next()) + classes($('.a').nextAll()) + classes($('.a').nextUntil('.c'))", "bb,cb");
    check("classes($('.c').prev()) + classes($('.c').prevAll()) + classes($('.c').prevUntil('.a'))", "bb,ab");
    check("classes($('.b').siblings()) + classes($('.b').siblings('.c'))", "a,cc");
    check("classes($('li').next('.c'))", "c");
}

#[test]
fn sets_are_filtered_by_what_their_nodes_are() {
    check("classes($('li').filter('.a, .c')) + classes($('li').not('.a'))", "a,cb,c");
    check(
        "classes($('li').filter((i, s) => s.text() > '1')) + classes($('li').not((i) => i === 0))",
        "b,cb,c",
    );
    check(
        "[$('li').is('.c'), $('li').is('p'), $('li').is((i, s) => s.size() === 1)].join()",
        "true,false,true",
    );
    check("classes($('li').has('b'))", "b");
    check(
        "[$('.b').index(), $('li').index($('.c')), $('.c').index('li'), $('.x').index()].join()",
        "1,2,2,-1",
    );
}

#[test]
fn callbacks_get_elements_or_selections() {
    check(
        "(() => { const seen = []; $('li').each((i, e) => { seen.push(i + e.className); return false }); return seen })()",
        "[ \"0a\", \"1b\", \"2c\" ]",
    );
    check(
        "thrown(() => $('li').each(() => { throw new TypeError('no') }))",
        "GoError: the function passed to each() failed: TypeError: no",
    );
    check(
        "$('li').map((i, s) => { if (i === 1) throw 1; return s.attr('class') + i })",
        "[ \"a0\", \"c2\" ]",
    );
}

#[test]
fn text_and_html_are_as_go_writes_them() {
    check("$('title').text() + '|' + $('title').html()", "T & \"q\"|T &amp; &#34;q&#34;");
    check("$('#d').html()", "<p>one<br/>two</p><!--note--><p>three</p>");
    check("$('p').text() + $('p').html() + $('none').html()", "onetwothreeone<br/>two");
    check("$('script').html()", "if (1 < 2) \"x\"");
    check("$('form').html().slice(0, 34)", "<input name=\"i\" value=\"v &#34;\"/><");
}

#[test]
fn attributes_and_data_are_of_the_first_node() {
    check("[$('li').attr('class'), $('li').attr('x'), $('li').attr('x', 'd')].join()", "a,,d");
    check("$('.x').attr('class')", "undefined");
    check("$('#d').data()", "{ n: 5, o: { a: [ 1 ] }, t: true, s: \"text\", bad: \"{x\", e: null }");
    check("[$('.b').data('firstName'), $('.b').data('first-name'), $('#d').data('e')].join()", "x,x,");
}

#[test]
fn controls_have_values() {
    check("['i', 'c', 'r', 't', 's'].map((n) => $(`[name=${n}]`).val()).join()", "v \",on,no,area,1");
    check("$('[name=m]').val()", "[ \"x\", \"y\" ]");
    check("[$('#b').val(), $('option').eq(1).val(), $('ul').val()].join()", "bv,two,");
}

#[test]
fn forms_are_serialized_without_what_is_not_sent() {
    check(
        "$('form').serializeArray().map(({ name, value }) => name + '=' + value).join()",
        "i=v \",c=on,t=area,s=1,m=x,y",
    );
    check(
        "$('form').serializeObject()",
        "{ i: \"v \"\", c: \"on\", t: \"area\", s: \"1\", m: [ \"x\", \"y\" ] }",
    );
    check("$('[name=t], [name=c]').serialize() + '|' + $('ul').serialize()", "c=on&t=area|");
}

#[test]
fn elements_have_properties_of_the_dom() {
    check(
        "(() => { const e = $('.b').get(0); return [e.nodeName, e.nodeType, e.className, e.textContent, e.innerHTML].join() })()",
        "li,1,b,2bold,2<b>bold</b>",
    );
    check(
        "$('li').get().length + $('li').toArray()[1].text() + $('li').get(-1).className + $('li').get(7)",
        "32boldcundefined",
    );
    check(
        "(() => { const e = $('#d').get(0); return [e.id, e.getAttribute('data-s'), e.hasAttribute('x'), e.childElementCount, e.childNodes.length].join() })()",
        "d,text,false,2,3",
    );
    check(
        "(() => { const e = $('.b').get(0); return [e.nextElementSibling.className, e.previousElementSibling.className, e.parentNode.id, e.firstChild.nodeValue, e.lastChild.nodeName].join() })()",
        "c,a,list,2,b",
    );
    check(
        "(() => { const e = $('ul').get(0); return [e.querySelector('.c').textContent, e.querySelectorAll('li').length, e.matches('ul'), e.contains($('b').get(0)), e.isSameNode($('ul').get(0))].join() })()",
        "3,3,true,true,true",
    );
    check(
        "[...$('body').get(0).classList, `${$('ul').get(0)}`, $('[name=i]').get(0).value].join()",
        "main,home,[object html.Node],v \"",
    );
    check("$('.b').get(0).selection().find('b').text() + $('.x').get(0)", "boldundefined");
    check("$('ul').get(0).attributes.id.value + doc.get(0).nodeName", "list#document");
}

#[test]
fn a_page_may_be_as_deep_as_it_likes() {
    let mut driver = Driver::default();
    let mut vu = driver.vu(
        "import { parseHTML } from 'k6/html';
         export default function () {
           const doc = parseHTML('<div>'.repeat(3000) + 'deep');
           console.log(doc.text(), doc.find('div').size(), doc.find('div').last().parents().size(), doc.find('body').html().length);
         }",
    );
    driver.iterate(&mut vu);
    assert_eq!(driver.messages(), ["deep 3000 3001 33004"]);
}
