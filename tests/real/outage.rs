//! A server that goes away in the middle of a run and comes back: nothing is lost from the books.

use crate::figures::Export;
use crate::nginx::{Nginx, Stop};
use crate::program::{Program, ringload};
use crate::tools::pause;
use crate::transports::transports;

const VUS: u64 = 10;

/// Waits until the log has `more` further lines, so that the run is known to be in full swing.
#[track_caller]
fn wait_for_lines(nginx: &Nginx, more: u64) {
    let lines = || -> u64 { nginx.logged().values().sum() };
    let want = lines() + more;
    for _ in 0..1_000 {
        if lines() >= want {
            return;
        }
        pause();
    }
    panic!("{} lines, not {want}", lines());
}

#[test]
fn every_request_around_an_outage_is_accounted_for() {
    for transport in transports() {
        let Some(mut nginx) = Nginx::start() else { return };
        let export = Export::new();
        let flags = ["run", &nginx.url("/"), "-u10", "-d4s", transport, &export.flag()];
        let run = Program::start(ringload(&flags));
        wait_for_lines(&nginx, 1_000);
        nginx.stop(Stop::AtOnce);
        (0..50).for_each(|_| pause());
        nginx.start_again();
        wait_for_lines(&nginx, 1_000);
        let ended = run.end();
        nginx.stop(Stop::Gracefully);
        let logged = nginx.logged();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(logged.len() == 1, "{logged:?}");

        let figures = export.read();
        let (failed, answered) = figures.failed();
        assert_eq!(figures.count("http_reqs"), failed + answered);
        assert_eq!(ended.last_progress(), (failed + answered, 0));
        // nginx logs a response once it is handed to its kernel. One that was lost on the way is
        // in the log and not in our count. At the one stop each VU had at most one request under
        // way, so that many at most; and none that we count can be missing there.
        let lines = logged[&200];
        assert!((answered..=answered + VUS).contains(&lines), "{lines} lines, {answered} answered");

        let mut refused = 0;
        let mut cut = 0;
        for (count, code, text) in ended.failures() {
            match (code.as_str(), text.as_str()) {
                ("1212", "dial: connection refused") => refused += count,
                // Connected when nginx went: waiting for an answer, or still to be accepted.
                ("1000", "EOF" | "unexpected EOF")
                | ("1220", "read: connection reset by peer" | "write: connection reset by peer")
                | ("1220", "dial: connection reset by peer")
                | ("1201", "write: broken pipe") => cut += count,
                _ => panic!("unexplained: {count} times {code} {text}"),
            }
        }
        assert_eq!(refused + cut, failed, "{}", ended.stderr);
        assert!(refused > 0 && cut <= VUS, "{refused} refused, {cut} cut");
    }
}
