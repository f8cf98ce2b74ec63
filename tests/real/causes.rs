//! Ways to break a run on purpose, each with the verdict that is right. The generator, the network
//! and the target are broken one at a time, on this machine: in cgroups and namespaces of our own,
//! which are removed, and for a few seconds.

use crate::network::{FAR, Network};
use crate::program::{Program, RINGLOAD, command, run, skip};
use crate::tools::{Room, free_port, installed, wait_for_listener};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A cause and how it is made; `None` where the machine lacks something, which has been said.
pub struct Cause {
    pub name: &'static str,
    /// As `said` reads it from the verdict.
    pub want: &'static str,
    /// The generator was at fault: whoever says "application" then has broken the first rule.
    pub is_generators: bool,
    make: fn() -> Option<String>,
}

impl Cause {
    /// What the run printed.
    pub fn run(&self) -> Option<String> {
        (self.make)()
    }
}

pub const CAUSES: [Cause; 13] = [
    cause("healthy", "nobody", false, healthy),
    cause("cpu quota of 20%", "client cpu", true, quota),
    cause("hogs on the generator's core", "client cpu", true, hogs),
    cause("no descriptors", "client files", true, descriptors),
    cause("no ports", "client ports", true, ports),
    cause("full machine", "shared host", true, full_machine),
    cause("packet loss of 3%", "network", false, packet_loss),
    cause("link of 20 Mbit/s", "network", false, slow_link),
    cause("target at capacity", "application queue", false, capacity),
    cause("target pauses 200 ms", "application queue", false, pauses),
    cause("target does not accept", "accept backlog", false, backlog),
    cause("target sheds", "shedding", false, sheds),
    cause("target is gone", "refusing", false, gone),
];

const fn cause(
    name: &'static str,
    want: &'static str,
    is_generators: bool,
    make: fn() -> Option<String>,
) -> Cause {
    Cause { name, want, is_generators, make }
}

/// The verdict in a run's output, in the words of `Cause::want`.
pub fn said(output: &str) -> &'static str {
    let Some(line) = output.lines().find_map(|line| line.trim_start().strip_prefix("BROKE FIRST")) else {
        return "(none)";
    };
    let beginnings = [
        ("nothing", "nobody"),
        ("the generator: no local port", "client ports"),
        ("the generator: no file", "client files"),
        ("the generator: the schedule", "client vus"),
        ("the generator", "client cpu"),
        ("this machine", "shared host"),
        ("the network", "network"),
        ("the application: some answers stall", "application queue"),
        ("the application: requests queue", "application queue"),
        ("the application: connections wait", "accept backlog"),
        ("the application: nothing listened", "refusing"),
        ("the application: it cut", "refusing"),
        ("the application", "shedding"),
    ];
    let line = line.trim_start();
    beginnings.iter().find(|(beginning, _)| line.starts_with(beginning)).map_or("(none)", |(_, name)| name)
}

/// Words of an application at fault.
pub fn is_applications(said: &str) -> bool {
    ["application queue", "accept backlog", "shedding", "refusing"].contains(&said)
}

/// The built-in target as a process of its own, on the first CPU.
struct Target {
    _program: Program,
    port: u16,
}

impl Target {
    fn start(more: &[&str]) -> Target {
        let port = free_port();
        let listen = format!("--listen=127.0.0.1:{port}");
        let args = [&["-c", "0", RINGLOAD, "target", &listen], more].concat();
        let _program = Program::start(command("taskset", &args));
        wait_for_listener(port);
        Target { _program, port }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

fn shell(script: &str, args: &[&str]) -> Command {
    command("sh", &[&["-c", script], args].concat())
}

fn output_of(command: Command) -> Option<String> {
    let ended = run(command);
    Some(ended.stdout + &ended.stderr)
}

/// A run with these arguments, after the words of a shell that becomes it.
fn ringload_after(words: &str, args: &[&str]) -> Option<String> {
    let script = format!("{words}\nexec \"$0\" \"$@\"");
    output_of(shell(&script, &[&[RINGLOAD, "run", "--quiet"], args].concat()))
}

fn healthy() -> Option<String> {
    let target = Target::start(&[]);
    ringload_after("", &[&target.url("/?delay=2ms"), "--rate=300", "-d2s"])
}

/// A group whose processes get a fifth of a CPU; removed at the end.
struct Group {
    directory: PathBuf,
}

impl Group {
    fn make() -> Option<Group> {
        let name = format!("ringload-{}", std::process::id());
        let v1 = PathBuf::from("/sys/fs/cgroup/cpu");
        let is_v1 = v1.join("cpu.cfs_quota_us").exists();
        let above = if is_v1 { v1 } else { PathBuf::from("/sys/fs/cgroup") };
        let directory = above.join(name);
        let made = fs::create_dir(&directory).and_then(|()| match is_v1 {
            true => fs::write(directory.join("cpu.cfs_quota_us"), "20000"),
            false => fs::write(directory.join("cpu.max"), "20000 100000"),
        });
        let group = Group { directory };
        match made {
            Ok(()) => Some(group),
            Err(error) => {
                skip(&format!("{}: {error}", group.directory.display()));
                None
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.directory);
    }
}

fn quota() -> Option<String> {
    let group = Group::make()?;
    let target = Target::start(&[]);
    let join = format!("echo $$ > {}/cgroup.procs || exit 1", group.directory.display());
    ringload_after(&join, &[&target.url("/"), "-u8", "-d2s"])
}

fn hogs() -> Option<String> {
    let last = ringload::sys::cpu::allowed().last().copied().unwrap_or(0).to_string();
    let target = Target::start(&[]);
    let hog = || Program::start(command("taskset", &["-c", &last, "sh", "-c", "while :; do :; done"]));
    let _hogs = [hog(), hog()];
    ringload_after("", &[&target.url("/"), "-u16", "-d2s"])
}

fn descriptors() -> Option<String> {
    installed("prlimit")?;
    let target = Target::start(&[]);
    let limit = "(sleep 0.7; exec prlimit --pid $$ --nofile=24:24) &";
    let url = target.url("/?delay=5ms");
    ringload_after(limit, &[&url, "-u50", "-d2s", "--no-connection-reuse"])
}

fn ports() -> Option<String> {
    let network = Network::make()?;
    let narrow = "echo '40000 40063' > /proc/sys/net/ipv4/ip_local_port_range";
    far_target(&network, narrow, "/?delay=20ms", &["-u200", "-d2s"])
}

/// A run from one namespace against a target in the other, after `words` of a shell in the first.
fn far_target(network: &Network, words: &str, path: &str, args: &[&str]) -> Option<String> {
    let listen = format!("{FAR}:8080");
    let mut target =
        Program::start(network.ringload(&network.far, &["target", "--json", "--listen", &listen]));
    target.wait_for_output(&listen);
    let url = format!("http://{listen}{path}");
    let script = format!("{words}\nexec \"$0\" \"$@\"");
    let args = [&["netns", "exec", &network.near, "sh", "-c", &script, RINGLOAD, "run", "-q", &url], args];
    output_of(command("ip", &args.concat()))
}

fn full_machine() -> Option<String> {
    let port = free_port();
    let listen = format!("--listen=127.0.0.1:{port}");
    let _target = Program::start(command(RINGLOAD, &["target", "--workers=2", &listen]));
    wait_for_listener(port);
    let workers = format!("--workers={}", ringload::sys::cpu::allowed().len());
    ringload_after("", &[&format!("http://127.0.0.1:{port}/?size=4k"), "-u64", "-d2s", &workers])
}

fn packet_loss() -> Option<String> {
    installed("iptables")?;
    let network = Network::make()?;
    let drop = "for way in INPUT OUTPUT; do
        iptables -A $way -p tcp -m statistic --mode random --probability 0.03 -j DROP || exit 1
    done";
    far_target(&network, drop, "/?delay=2ms", &["--rate=300", "-d2s"])
}

fn slow_link() -> Option<String> {
    installed("tc")?;
    let network = Network::make()?;
    let limit = ["-n", &network.far, "qdisc", "add", "dev", "eth0", "root"];
    let limit = [&limit[..], &["tbf", "rate", "20mbit", "burst", "32kb", "latency", "40ms"]].concat();
    let ended = run(command("tc", &limit));
    if ended.code != Some(0) {
        skip(&format!("tc: {}", ended.stderr.trim()));
        return None;
    }
    far_target(&network, "", "/?size=20k", &["--rate=300", "-d2s"])
}

/// An nginx that lets 200 requests a second through and keeps the others waiting.
fn capacity() -> Option<String> {
    let binary = installed("nginx")?;
    let room = Room::new();
    let port = free_port();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path temp_{kind};\n"))
        .concat();
    let config = format!(
        "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log /dev/null crit;\n\
         events {{ worker_connections 4096; }}\nhttp {{\n{temporary}    access_log off;\n    \
         limit_req_zone $server_port zone=all:1m rate=200r/s;\n    server {{\n        \
         listen 127.0.0.1:{port} backlog=1024;\n        limit_req zone=all burst=5000;\n        \
         location / {{ root .; }}\n    }}\n}}\n"
    );
    fs::write(room.path().join("nginx.conf"), config).expect("the room is ours");
    fs::write(room.path().join("page"), "hello").expect("the room is ours");
    let prefix = format!("{}/", room.path().display());
    let binary = binary.to_str().expect("a plain path");
    let args = ["-e", "/dev/null", "-p", &prefix, "-c", "nginx.conf", "-g", "user root;"];
    let _nginx = Program::start(command(binary, &args));
    wait_for_listener(port);
    ringload_after("", &[&format!("http://127.0.0.1:{port}/page"), "--rate=400", "-d2s"])
}

fn pauses() -> Option<String> {
    let target = Target::start(&[]);
    let pid = target._program.id().to_string();
    let script =
        "trap 'kill -CONT $0' EXIT; while kill -STOP $0; do sleep 0.2; kill -CONT $0; sleep 0.6; done";
    let mut pausing = Program::start(shell(script, &[&pid]));
    let output = ringload_after("", &[&target.url("/?delay=2ms"), "--rate=300", "-d2s"]);
    pausing.signal("TERM");
    pausing.end();
    output
}

/// A socket that listens, and nobody who accepts.
fn backlog() -> Option<String> {
    let address: std::net::SocketAddr = ([127, 0, 0, 1], free_port()).into();
    let listener = ringload::sys::socket::listen(address, 4).expect("the port is free");
    let output = ringload_after("", &[&format!("http://{address}/"), "-u20", "-d2s", "--timeout=1s"]);
    drop(listener);
    output
}

fn sheds() -> Option<String> {
    let target = Target::start(&[]);
    ringload_after("", &[&target.url("/?fail=0.3:503&delay=2ms"), "--rate=300", "-d2s"])
}

fn gone() -> Option<String> {
    ringload_after("", &[&format!("http://127.0.0.1:{}/", free_port()), "--rate=300", "-d2s"])
}
