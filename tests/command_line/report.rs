//! `--report` and `ringload report`: the same page from a run and from its timeline.

use crate::peer::Peer;
use crate::program::{ringload, run};
use std::path::PathBuf;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A directory that goes away with it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("ringload-report-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Directory(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a plain path").to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_run_and_its_timeline_make_the_same_page() {
    let (peer, files) = (Peer::answering(OK), Directory::new("same"));
    let (page, timeline) = (files.file("page.html"), files.file("run.json"));
    let out = format!("timeline={timeline}");
    let ended = run(ringload(&["run", &peer.url(), "-i40", "-u4", "--report", &page, "-o", &out]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(&format!("report ({page})")), "{}", ended.stdout);
    let ended = run(ringload(&["report", &timeline]));
    let beside = files.file("run.html");
    assert_eq!((ended.code, ended.stdout.trim_end()), (Some(0), beside.as_str()), "{}", ended.stderr);
    let ended = run(ringload(&["report", &timeline, "--out", &files.file("other.html")]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let read = |path: &str| std::fs::read_to_string(path).expect("a page");
    assert!(read(&page).starts_with("<!doctype html>"));
    assert_eq!(read(&page), read(&beside));
    assert_eq!(read(&page), read(&files.file("other.html")));
}

#[test]
fn what_has_no_page_is_refused() {
    #[track_caller]
    fn check(args: &[&str], why: &str) {
        let ended = run(ringload(args));
        assert_eq!(ended.code, Some(255), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(why), "{args:?}: {}", ended.stderr);
    }
    let files = Directory::new("refused");
    let summary = "tests/cases/k6/handle/data.json";
    check(&["report"], "accepts 1 arg(s), received 0");
    check(&["report", "nowhere.json"], "cannot read the timeline nowhere.json");
    check(&["report", summary, "--out", &files.file("x.html")], "data.json is no timeline: missing field");
    check(&["report", "a.html"], "the page would replace the timeline");
    check(&["report", summary, "--out="], "it needs the name of a file");
    assert!(!PathBuf::from(files.file("x.html")).exists());
    let peer = Peer::answering(OK);
    check(
        &["run", &peer.url(), "--report", &files.file("no/page.html")],
        "could not create the 'report' output",
    );
    check(&["run", &peer.url(), "--report="], "it needs the name of a file");
}
