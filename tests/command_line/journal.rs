//! Log lines: their form, and where they go.

use crate::program::{Ended, ringload, run};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

const SCRIPT: &str = "console.log('init'); export default () => { console.log('<a>'); console.error('b'); }";

/// A directory with a script, which goes away with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ringload-logs-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a directory for temporary files");
        std::fs::write(path.join("t.js"), SCRIPT).expect("a script");
        Place(path)
    }

    fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Ended {
        let mut command = ringload(&[&["run", "--quiet", "--no-summary", "t.js"], args].concat());
        command.envs(env.iter().copied()).current_dir(&self.0);
        let ended = run(command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }

    /// Lines without their time.
    fn file(&self, name: &str) -> Vec<String> {
        lines(&std::fs::read_to_string(self.0.join(name)).expect("a file was written"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn lines(text: &str) -> Vec<String> {
    let without_time = |line: &str| match line.split_once("Z\" ") {
        Some((time, rest)) if time.starts_with("time=") => rest.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(without_time).collect()
}

#[test]
fn the_variable_says_the_form_and_the_flag_wins() {
    let place = Place::new();
    let ended = place.run(&[], &[("K6_LOG_FORMAT", "raw")]);
    // Once for the options, once for the VU, once for the summary.
    assert_eq!(lines(&ended.stderr), ["init", "init", "<a>", "b"]);
    let ended = place.run(&["--log-format=json"], &[("K6_LOG_FORMAT", "raw")]);
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with(r#"{"level":"error","msg":"b","source":"console","time":""#), "{last}");
    assert!(ended.stderr.contains("\"msg\":\"\\u003ca\\u003e\""), "{}", ended.stderr);
}

#[test]
fn lines_go_where_they_are_wanted_and_nowhere_else() {
    let place = Place::new();
    let ended = place.run(&["--log-output=stdout", "--log-format=raw"], &[]);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("init\ninit\n<a>\nb\n", ""));
    let ended = place.run(&[], &[("K6_LOG_OUTPUT", "none")]);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    for _ in 0..2 {
        let ended = place.run(&["--log-output", "file=a.log,level=error"], &[]);
        assert_eq!(ended.stderr, "");
    }
    // Appended to.
    assert_eq!(place.file("a.log"), ["level=error msg=b source=console"; 2]);
}

#[test]
fn a_scripts_lines_may_have_a_file_of_their_own() {
    let place = Place::new();
    let ended = place.run(&["--console-output=c.log"], &[]);
    assert_eq!(lines(&ended.stderr), ["level=info msg=init source=console"]);
    assert_eq!(place.file("c.log"), ["level=info msg=init", "level=info msg=\"<a>\"", "level=error msg=b"]);
}
