//! An nginx of our own: its port, its files, its access log with nothing but the statuses.

use crate::program::{Program, command};
use crate::tools::{Room, free_port, installed, wait_for_listener};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub struct Nginx {
    binary: PathBuf,
    room: Room,
    port: u16,
    program: Option<Program>,
}

/// How it is asked to end.
pub enum Stop {
    /// What was read is answered first.
    Gracefully,
    /// Connections are cut.
    AtOnce,
}

impl Nginx {
    /// `None` if there is none, which has been said.
    pub fn start() -> Option<Nginx> {
        Nginx::start_with("", "")
    }

    /// By HTTPS; `directives` name certificate and key.
    pub fn start_secured(directives: &str) -> Option<Nginx> {
        Nginx::start_with(" ssl", directives)
    }

    fn start_with(listen: &str, directives: &str) -> Option<Nginx> {
        let mut nginx =
            Nginx { binary: installed("nginx")?, room: Room::new(), port: free_port(), program: None };
        let config = config(nginx.port, listen, directives);
        std::fs::write(nginx.room.path().join("nginx.conf"), config).expect("the room is ours");
        nginx.start_again();
        Some(nginx)
    }

    /// The same server, with the same port and log, after a `stop`.
    pub fn start_again(&mut self) {
        let prefix = format!("{}/", self.room.path().display());
        let binary = self.binary.to_str().expect("a plain path");
        self.program =
            Some(Program::start(command(binary, &["-e", "/dev/null", "-p", &prefix, "-c", "nginx.conf"])));
        wait_for_listener(self.port);
    }

    #[track_caller]
    pub fn stop(&mut self, how: Stop) {
        let mut program = self.program.take().expect("it runs");
        program.signal(match how {
            Stop::Gracefully => "QUIT",
            Stop::AtOnce => "TERM",
        });
        assert_eq!(program.end().code, Some(0));
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Responses in the log, by status.
    pub fn logged(&self) -> BTreeMap<u16, u64> {
        let log = std::fs::read_to_string(self.room.path().join("access.log")).expect("it writes a log");
        let mut counts = BTreeMap::new();
        for line in log.lines() {
            *counts.entry(line.parse().expect("a status a line")).or_default() += 1;
        }
        counts
    }
}

/// One worker; `keepalive_requests` as nginx comes, so that it ends a connection after every 1000.
/// The files that it might need are in the room: no root, nothing of the system's.
fn config(port: u16, listen: &str, directives: &str) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path temp_{kind};\n"))
        .concat();
    format!(
        "daemon off;
worker_processes 1;
pid nginx.pid;
error_log /dev/null crit;
events {{ worker_connections 1024; }}
http {{
{temporary}
    log_format status '$status';
    access_log access.log status;
    split_clients $request_id $mixed {{ 30% 500; 20% 404; * 200; }}
    server {{
        listen 127.0.0.1:{port}{listen} backlog=1024;
        {directives}
        location / {{ return 200 'hello'; }}
        location /status/500 {{ return 500; }}
        location /moved {{ return 302 /; }}
        location /mixed {{
            if ($mixed = 500) {{ return 500; }}
            if ($mixed = 404) {{ return 404; }}
            return 200 'mixed';
        }}
    }}
}}
"
    )
}
