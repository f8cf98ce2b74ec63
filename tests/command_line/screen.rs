//! What a person sees: progress, quiet, colours; and output that cannot be written.

use crate::figures::Export;
use crate::program::{Ended, RINGLOAD, command, ringload, run, skip};
use crate::transports::serve;
use ringload::metrics::served::Served;
use ringload::options::{BehaviourOptions, TransportChoice};

/// Runs what `make` makes for the URL of the built-in target.
#[track_caller]
fn against_target(make: impl FnOnce(&str) -> std::process::Command) -> (Ended, Served) {
    let target = serve(TransportChoice::Auto, [127, 0, 0, 1].into(), BehaviourOptions::default()).unwrap();
    let ended = run(make(&format!("http://{}/?delay=1ms", target.address())));
    (ended, target.stop())
}

/// A shell's `script`, with the binary as $0 and the URL as $1.
fn shell(script: &str, url: &str) -> std::process::Command {
    command("sh", &["-c", script, RINGLOAD, url])
}

#[test]
fn progress_is_a_block_a_second_and_one_at_the_end() {
    let (ended, served) = against_target(|url| ringload(&["run", url, "-u3", "-d1500ms"]));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let lines =
        |start: &str| -> Vec<&str> { ended.stdout.lines().filter(|line| line.starts_with(start)).collect() };
    let [first, last] = lines("running (")[..] else { panic!("{}", ended.stdout) };
    assert!(first.starts_with("running (01.") && first.contains("s), 3/3 VUs, "), "{first}");
    assert!(first.ends_with(" and 0 interrupted iterations"), "{first}");
    assert!(last.starts_with("running (01.") && last.contains("s), 0/3 VUs, "), "{last}");
    assert_eq!(ended.last_progress(), (served.requests, 0));
    let [first, last] = lines("default ")[..] else { panic!("{}", ended.stdout) };
    assert!(first.starts_with("default   [  ") && first.contains("% ] 3 VUs  1."), "{first}");
    assert!(first.ends_with("s/1.5s"), "{first}");
    assert_eq!(last, "default ✓ [ 100% ] 3 VUs  1.5s");
    assert!(ended.stdout.contains("\n    vus............................: 3 "), "{}", ended.stdout);
}

#[test]
fn a_quiet_run_prints_its_summary_alone() {
    let (ended, _) = against_target(|url| ringload(&["run", url, "-u3", "-i30", "--quiet"]));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.starts_with("\n\n  █ TOTAL RESULTS \n"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("running ("), "{}", ended.stdout);
    let (ended, _) = against_target(|url| ringload(&["run", url, "-i30", "-q", "--summary-mode=disabled"]));
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn a_pipe_gets_no_colours() {
    let (ended, _) = against_target(|url| ringload(&["run", url, "-i30"]));
    assert!(!ended.stdout.contains('\x1b'), "{:?}", ended.stdout);
}

#[test]
fn a_terminal_gets_colours_unless_it_is_told_not_to() {
    if command("script", &["--version"]).output().is_err() {
        return skip("no script(1) to make a terminal");
    }
    let on_terminal = |env: &[(&str, &str)], flags: &str| {
        let (ended, _) = against_target(|url| {
            let line = format!("{RINGLOAD} run {url} -i30 {flags}");
            let mut script = command("script", &["-qec", &line, "/dev/null"]);
            script.env("TERM", "xterm").envs(env.iter().copied());
            script
        });
        assert_eq!(ended.code, Some(0), "{}", ended.stdout);
        ended.stdout
    };
    let colours = |text: &str| text.contains("\x1b[1m") || text.contains("\x1b[36m");
    let erases = |text: &str| text.contains("\x1b[0K");
    for (env, flags, want) in [
        (&[][..], "", (true, true)),
        (&[("NO_COLOR", "")], "", (false, true)),
        (&[("K6_NO_COLOR", "1")], "", (false, true)),
        (&[("K6_NO_COLOR", "")], "", (true, true)),
        (&[], "--no-color", (false, true)),
        (&[("TERM", "dumb")], "", (false, false)),
    ] {
        let text = on_terminal(env, flags);
        assert_eq!((colours(&text), erases(&text)), want, "{env:?} {flags} {text:?}");
    }
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_run() {
    for script in [
        r#"{ "$0" run "$1" -i200 -u5; echo "status $?" >&2; } | head -1"#,
        r#""$0" run "$1" -i200 -u5 >&-; echo "status $?" >&2"#,
        r#""$0" run "$1" -i200 -u5 >/dev/full; echo "status $?" >&2"#,
        r#""$0" run "$1" -i200 -u5 <&- >/dev/null; echo "status $?" >&2"#,
    ] {
        let (ended, served) = against_target(|url| shell(script, url));
        assert_eq!((served.requests, ended.stderr.as_str()), (200, "status 0\n"), "{script}");
    }
    // The log is lost too, and the failures with it; the run is not.
    let (ended, served) = against_target(|url| shell(r#""$0" run "$1" -i200 -u5 2>&-"#, url));
    assert_eq!((served.requests, ended.code), (200, Some(0)));
    assert_eq!(ended.printed_count("http_reqs"), 200);
}

#[test]
fn an_export_that_finds_the_disk_full_says_so_after_the_summary() {
    let (ended, served) =
        against_target(|url| ringload(&["run", url, "-i200", "-u5", "--summary-export=/dev/full"]));
    assert_eq!((ended.code, served.requests), (Some(0), 200));
    assert_eq!(ended.printed_count("http_reqs"), 200);
    assert_eq!(ended.last_message(), "failed to handle the end-of-test summary", "{}", ended.stderr);
    let want = "error=\"Could not save some summary information:\\n\\t- could not write '/dev/full': \
                No space left on device (os error 28)\"";
    assert!(ended.stderr.contains(want), "{}", ended.stderr);
}

#[test]
fn an_export_replaces_what_was_there() {
    let export = Export::new();
    std::fs::write(export.path(), "x".repeat(100_000)).unwrap();
    let (ended, _) = against_target(|url| ringload(&["run", url, "-i20", &export.flag()]));
    assert_eq!((ended.code, export.read().count("http_reqs")), (Some(0), 20));
}
