//! `ringload new [FILE]`: a first script, which runs at once against `ringload target`.

use super::command::{Command, Refusal};
use super::console::Console;
use super::exit_code;
use super::grammar::{Given, Words};
use super::read::invalid_argument;
use crate::options::go;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

const FILE_DEFAULT: &str = "script.js";
const MINIMAL: &str = r#"import http from 'k6/http';
import { check, sleep } from 'k6';

// Where to: `-e BASE_URL=https://...`, or what `ringload target` serves.
const BASE_URL = __ENV.BASE_URL || 'http://127.0.0.1:8080';

export const options = {
  vus: 10,
  duration: '30s',
};

export default function () {
  const res = http.get(`${BASE_URL}/`);
  check(res, { 'status is 200': (res) => res.status === 200 });
  sleep(1);
}
"#;

pub fn command(words: &Words) -> Result<Command, Refusal> {
    let mut overwrites = false;
    for Given { flag, values } in &words.flags {
        let text = values.last().map_or("", String::as_str);
        let invalid = |why: String| Refusal::generic(invalid_argument(flag, text, &why));
        match flag.name {
            "force" => overwrites = go::parse_flag_bool(text).map_err(invalid)?,
            _ if text == "minimal" => {}
            _ => return Err(invalid("there is only the template `minimal`".to_owned())),
        }
    }
    match words.arguments.as_slice() {
        [] => Ok(Command::New { path: FILE_DEFAULT.into(), overwrites }),
        [path] => Ok(Command::New { path: path.into(), overwrites }),
        more => Err(Refusal::generic(format!("accepts at most 1 arg(s), received {}", more.len()))),
    }
}

pub fn write(path: &Path, overwrites: bool, console: &Console) -> Result<u8, Refusal> {
    let mut options = OpenOptions::new();
    match overwrites {
        true => options.write(true).create(true).truncate(true),
        false => options.write(true).create_new(true),
    };
    let shown = path.display();
    options.open(path).and_then(|mut file| file.write_all(MINIMAL.as_bytes())).map_err(|error| {
        Refusal::generic(match error.kind() {
            ErrorKind::AlreadyExists => {
                format!("{shown} already exists. Use the `--force` flag to overwrite it")
            }
            _ => format!("cannot write {shown}: {error}"),
        })
    })?;
    console.print(&format!("New script created: {shown} (minimal template).\n"));
    Ok(exit_code::SUCCESS)
}
