//! The tools, and the command line with which each makes a cell's load.

use super::cells::Cell;
use super::reading::{self, Count};
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    Wrk,
    Ringload,
    RingloadEpoll,
    RingloadSpin,
    Ab,
    Bombardier,
    H2load,
    Hey,
    K6,
    Oha,
}

/// The one that ratios are taken against.
pub const BASELINE: Contender = Contender::Wrk;

/// Files and facts that command lines are made of.
pub struct Place<'a> {
    pub url: &'a str,
    pub seconds: u32,
    /// Of this bench alone; holds what `write_scripts` wrote.
    pub dir: &'a Path,
}

/// What a tool left behind.
pub struct Left {
    pub stdout: String,
    /// The file behind `--summary-export`; empty if there is none.
    pub export: String,
}

/// k6 needs about a quarter of a megabyte for a VU: more would measure the machine's swap.
const K6_VUS_MAX: u32 = 1_024;
/// ab takes memory for each request that it may make: more than any run makes in a second.
const AB_REQUESTS_PER_SECOND: u64 = 1_000_000;

impl Contender {
    pub const ALL: [Contender; 10] = [
        Contender::Wrk,
        Contender::Ringload,
        Contender::RingloadEpoll,
        Contender::RingloadSpin,
        Contender::Ab,
        Contender::Bombardier,
        Contender::H2load,
        Contender::Hey,
        Contender::K6,
        Contender::Oha,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Contender::RingloadEpoll => "ringload-epoll",
            Contender::RingloadSpin => "ringload-spin",
            _ => self.tool(),
        }
    }

    /// The program, as `--tools` names it.
    pub fn tool(self) -> &'static str {
        match self {
            Contender::Wrk => "wrk",
            Contender::Ringload | Contender::RingloadEpoll | Contender::RingloadSpin => "ringload",
            Contender::Ab => "ab",
            Contender::Bombardier => "bombardier",
            Contender::H2load => "h2load",
            Contender::Hey => "hey",
            Contender::K6 => "k6",
            Contender::Oha => "oha",
        }
    }

    /// What makes the program tell its version.
    pub fn version_args(self) -> &'static [&'static str] {
        match self {
            Contender::Wrk => &["-v"],
            Contender::Ab => &["-V"],
            Contender::K6 => &["version"],
            // It does not know its own.
            Contender::Hey => &["-h"],
            _ => &["--version"],
        }
    }

    /// Whether it can make this load.
    pub fn enters(self, cell: &Cell) -> bool {
        match self {
            Contender::RingloadSpin => cell.rate.is_some() || cell.connections == 1,
            _ if cell.rate.is_some() => false,
            Contender::Ringload | Contender::RingloadEpoll | Contender::Wrk => true,
            Contender::H2load => !cell.close,
            Contender::K6 => cell.pipeline == 1 && cell.connections <= K6_VUS_MAX,
            Contender::Ab | Contender::Bombardier | Contender::Hey | Contender::Oha => cell.pipeline == 1,
        }
    }

    /// Arguments for a cell it enters.
    pub fn args(self, cell: &Cell, place: &Place) -> Vec<String> {
        let Place { url, seconds, dir } = place;
        let Cell { connections, pipeline, close, .. } = *cell;
        let export = place.export();
        let export = export.display();
        let close_flag = |flag: &'static str| if close { flag } else { "" };
        match self {
            Contender::Ringload | Contender::RingloadEpoll | Contender::RingloadSpin => {
                let transport = if self == Contender::RingloadEpoll { "epoll" } else { "uring" };
                let spin = match self {
                    Contender::RingloadSpin => "on",
                    // With few connections `auto` would spin where a CPU is to spare.
                    _ if connections == 1 => "off",
                    _ => "auto",
                };
                let load = match cell.rate {
                    Some(rate) => format!("--rate {rate}"),
                    None => format!("--vus {connections} --pipeline {pipeline}"),
                };
                let close = close_flag("--no-connection-reuse");
                words(&format!(
                    "run --workers 1 --quiet --transport {transport} --spin {spin} {load} \
                     --duration {seconds}s {close} --summary-export {export} {url}"
                ))
            }
            Contender::Wrk => {
                let mut args = words(&format!("-t1 -c{connections} -d{seconds}s --timeout 10s"));
                if close {
                    // wrk passes over a header without the blank.
                    args.extend(["-H", "Connection: close"].map(str::to_owned));
                }
                if pipeline > 1 {
                    args.extend(["-s".to_owned(), pipeline_script(dir, pipeline).display().to_string()]);
                }
                args.push((*url).to_owned());
                args
            }
            Contender::Ab => {
                let requests = AB_REQUESTS_PER_SECOND * u64::from(*seconds);
                let keep = if close { "" } else { "-k" };
                words(&format!("-q -r -s 5 {keep} -t {seconds} -n {requests} -c {connections} {url}"))
            }
            Contender::Bombardier => {
                let close = close_flag("-a");
                words(&format!("-c {connections} -d {seconds}s -o json -p r {close} {url}"))
            }
            Contender::H2load => words(&format!("--h1 -t1 -c{connections} -m{pipeline} -D{seconds} {url}")),
            Contender::Hey => {
                let close = close_flag("-disable-keepalive");
                words(&format!("-z {seconds}s -c {connections} {close} {url}"))
            }
            Contender::K6 => {
                let close = close_flag("--no-connection-reuse");
                let script = k6_script(dir);
                let script = script.display();
                words(&format!(
                    "run --quiet --no-usage-report --vus {connections} --duration {seconds}s {close} \
                     --summary-export {export} -e URL={url} {script}"
                ))
            }
            Contender::Oha => {
                let close = close_flag("--disable-keepalive");
                words(&format!("--no-tui --output-format json -z {seconds}s -c {connections} {close} {url}"))
            }
        }
    }

    /// Its own count of requests; `None` if it did not print one.
    pub fn read(self, left: &Left) -> Option<Count> {
        match self {
            Contender::Ringload | Contender::RingloadEpoll | Contender::RingloadSpin | Contender::K6 => {
                reading::summary_export(&left.export)
            }
            Contender::Wrk => reading::wrk(&left.stdout),
            Contender::Ab => reading::ab(&left.stdout),
            Contender::Bombardier => reading::bombardier(&left.stdout),
            Contender::H2load => reading::h2load(&left.stdout),
            Contender::Hey => reading::hey(&left.stdout),
            Contender::Oha => reading::oha(&left.stdout),
        }
    }
}

impl Place<'_> {
    pub fn export(&self) -> std::path::PathBuf {
        self.dir.join("summary.json")
    }
}

/// A command line in which no word holds a blank.
fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn pipeline_script(dir: &Path, pipeline: u32) -> std::path::PathBuf {
    dir.join(format!("pipeline-{pipeline}.lua"))
}

fn k6_script(dir: &Path) -> std::path::PathBuf {
    dir.join("load.js")
}

/// The scripts that wrk (for pipelining) and k6 are given.
pub fn write_scripts(dir: &Path, cells: &[Cell]) -> std::io::Result<()> {
    for cell in cells.iter().filter(|cell| cell.pipeline > 1) {
        let lua = format!(
            "init = function(args)\n  local requests = {{}}\n  for i = 1, {} do requests[i] = wrk.format() end\n  \
             batch = table.concat(requests)\nend\nrequest = function() return batch end\n",
            cell.pipeline
        );
        std::fs::write(pipeline_script(dir, cell.pipeline), lua)?;
    }
    let js = "import http from 'k6/http';\nexport const options = { discardResponseBodies: true };\n\
              export default function () { http.get(__ENV.URL); }\n";
    std::fs::write(k6_script(dir), js)
}
