//! What scripts find is what `builtin_modules::FUNCTIONS` says, and so what the documentation says.

use super::driver::Driver;
use crate::script::builtin_modules::{FUNCTIONS, FunctionStatus};
use crate::script::{Answer, Step, Wish};
use std::collections::BTreeSet;

/// An expression for each object of the list; modules are imported as `m`.
fn expression(of: &str) -> String {
    match of {
        "Response" => "res".to_owned(),
        "CookieJar" => "http.cookieJar()".to_owned(),
        "Selection" => "res.html()".to_owned(),
        "Element" => "res.html('p').get(0)".to_owned(),
        "Hasher" => "createHash('md5')".to_owned(),
        "TextEncoder" | "TextDecoder" => format!("new {of}()"),
        "crypto" | "crypto.subtle" => of.to_owned(),
        module => format!("modules[{module:?}]"),
    }
}

fn found(of: &str) -> BTreeSet<String> {
    let is_object = expression(of).starts_with("modules") || of == "crypto";
    let import = if expression(of).starts_with("modules") { of } else { "k6" };
    let path = match import {
        "k6-utils" | "k6-summary" | "url" | "formdata" | "httpx" => {
            format!("https://jslib.k6.io/{import}/1.0.0/index.js")
        }
        module => module.to_owned(),
    };
    // A namespace has only names that are imported; the object of a built-in module has them all.
    let import = match path.starts_with("https") {
        true => format!("import * as m from '{path}'"),
        false => format!("import m from '{path}'"),
    };
    let mut driver = Driver::default();
    let mut vu = driver.vu(&format!(
        "{import}; import http from 'k6/http'; import {{ createHash }} from 'k6/crypto';
         const modules = {{ {of:?}: m }};
         export default function () {{
           const res = http.get('http://h/');
           const names = new Set();
           for (let at = {}; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {{
             for (const name of Object.getOwnPropertyNames(at)) {{
               const isField = name === 'constructor' || name === 'default' || {is_object} && name === 'subtle';
               const isValue = name in http && /^[A-Z0-9_]+$/.test(name);
               if (!isField && !isValue) names.add(name);
             }}
           }}
           console.log([...names].join());
         }}",
        expression(of)
    ));
    assert_eq!(driver.start(&mut vu), Step::Wait);
    let Some(Wish::Request(id, _)) = driver.wishes.pop() else { panic!("a request is made") };
    let response = crate::script::Response {
        status: 200,
        body: Some(b"<p>x</p>".to_vec()),
        ..crate::script::Response::default()
    };
    assert_eq!(driver.resume(&mut vu, Answer::Response(id, Box::new(response))), Step::Done, "{of}");
    let names = driver.messages().pop().unwrap_or_default();
    names.split(',').map(str::to_owned).collect()
}

#[test]
fn scripts_find_what_the_list_names() {
    let mut wrong = Vec::new();
    for (of, names) in FUNCTIONS {
        let listed = |status: FunctionStatus| -> BTreeSet<String> {
            names
                .iter()
                .filter(|(_, known)| *known == status)
                .flat_map(|(names, _)| names.split_whitespace())
                .map(str::to_owned)
                .collect()
        };
        // What is refused by its name is there to say so.
        let want: BTreeSet<String> = &listed(FunctionStatus::Supported) | &listed(FunctionStatus::Refused);
        let found = found(of);
        if found != want {
            wrong.push(format!("{of}: {}", found.into_iter().collect::<Vec<_>>().join(" ")));
        }
    }
    assert!(wrong.is_empty(), "not as listed:\n{}", wrong.join("\n"));
}
