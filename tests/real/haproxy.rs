//! An HAProxy of our own in front of one server.

use crate::program::{Program, command};
use crate::tools::{Room, free_port, installed, wait_for_listener};

pub struct Haproxy {
    port: u16,
    program: Program,
    _room: Room,
}

impl Haproxy {
    /// `None` if there is none, which has been said.
    pub fn start(backend_port: u16) -> Option<Haproxy> {
        let binary = installed("haproxy")?;
        let room = Room::new();
        let port = free_port();
        let file = room.path().join("haproxy.cfg");
        std::fs::write(&file, config(port, backend_port)).expect("the room is ours");
        let (binary, file) = (binary.to_str().expect("a plain path"), file.to_str().expect("a plain path"));
        let program = Program::start(command(binary, &["-db", "-q", "-f", file]));
        wait_for_listener(port);
        Some(Haproxy { port, program, _room: room })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Lets what is under way finish.
    #[track_caller]
    pub fn stop(mut self) {
        self.program.signal("USR1");
        self.program.end();
    }
}

fn config(port: u16, backend_port: u16) -> String {
    format!(
        "global
    maxconn 200
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend front
    bind 127.0.0.1:{port}
    default_backend back
backend back
    server one 127.0.0.1:{backend_port}
"
    )
}
