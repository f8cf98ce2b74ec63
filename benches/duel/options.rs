//! The command line of the duel.

use super::cells::{self, Cell};
use super::contenders::Contender;
use super::servers;

pub const HELP: &str = "\
cargo bench --bench duel -- [OPTIONS]
  --rounds N        rounds, each with every contender once in every cell [5]
  --seconds S       seconds of load in a run, whole [2]
  --cells A,B       64, 1024, 10000, 64x16, 1, close; tls-64, tls-close; rate-1000,
                    rate-50000 [the first six]
  --servers A,B     target (the built-in one), nginx [both]
  --tools A,B       ringload, wrk, ab, bombardier, h2load, hey, k6, oha [those on PATH]
  --server-cpu N    CPU of the servers [0]
  --client-cpu N    CPU of the tools [1]
  --goals           measure the start lag too, and say which goals are reached
  --keep            write every run to benches/duel/runs/<UTC date>-<kernel>.jsonl
";

pub struct Options {
    pub rounds: u32,
    pub seconds: u32,
    pub cells: Vec<Cell>,
    pub servers: Vec<&'static str>,
    pub contenders: Vec<Contender>,
    pub server_cpu: usize,
    pub client_cpu: usize,
    pub goals: bool,
    pub keep: bool,
}

pub enum Parsed {
    Options(Options),
    Help,
    /// Started by `cargo test --all-targets`, which must not load the machine.
    NotABench,
}

/// `args` without the program's name.
pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Parsed, String> {
    let mut options = Options {
        rounds: 5,
        seconds: 2,
        cells: cells::CLOSED.to_vec(),
        servers: servers::NAMES.to_vec(),
        contenders: Contender::ALL.to_vec(),
        server_cpu: 0,
        client_cpu: 1,
        goals: false,
        keep: false,
    };
    let mut is_bench = false;
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--rounds" => options.rounds = number(&arg, &value()?, 1)?,
            "--seconds" => options.seconds = number(&arg, &value()?, 1)?,
            "--cells" => options.cells = listed(&value()?, cells::find)?,
            "--servers" => {
                let find = |name: &str| servers::NAMES.into_iter().find(|known| *known == name);
                options.servers = listed(&value()?, find)?;
            }
            "--tools" => {
                let find = |name: &str| Contender::ALL.into_iter().find(|known| known.tool() == name);
                let tools = listed(&value()?, find)?;
                let asked = |one: &Contender| tools.iter().any(|tool| tool.tool() == one.tool());
                options.contenders = Contender::ALL.into_iter().filter(asked).collect();
            }
            "--server-cpu" => options.server_cpu = number(&arg, &value()?, 0)? as usize,
            "--client-cpu" => options.client_cpu = number(&arg, &value()?, 0)? as usize,
            "--goals" => options.goals = true,
            "--keep" => options.keep = true,
            // cargo's own word to every bench.
            "--bench" => is_bench = true,
            "--help" | "-h" => return Ok(Parsed::Help),
            _ => return Err(format!("unknown option {arg}\n{HELP}")),
        }
    }
    if options.goals {
        let missing = cells::OPEN.into_iter().filter(|cell| !options.cells.contains(cell));
        let missing: Vec<Cell> = missing.collect();
        options.cells.extend(missing);
    }
    Ok(if is_bench { Parsed::Options(options) } else { Parsed::NotABench })
}

fn number(option: &str, text: &str, least: u32) -> Result<u32, String> {
    match text.parse() {
        Ok(number) if number >= least => Ok(number),
        _ => Err(format!("{option} needs a whole number from {least}, not {text:?}")),
    }
}

fn listed<T>(text: &str, find: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    text.split(',').map(|name| find(name).ok_or(format!("unknown name {name:?}\n{HELP}"))).collect()
}
