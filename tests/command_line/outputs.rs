//! `-o json`, `csv`, `junit` and `markdown`: what is written, and that a run does not suffer from it.

use crate::peer::Peer;
use crate::program::{Ended, ringload, run};
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A directory that goes away with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("ringload-outputs-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a directory for temporary files");
        Place(path)
    }

    fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Ended {
        let mut command = ringload(&[&["run"], args].concat());
        command.envs(env.iter().copied()).current_dir(&self.0);
        run(command)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).expect("it is text")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Lines that begin so.
fn count(text: &str, begin: &str) -> usize {
    text.lines().filter(|line| line.starts_with(begin)).count()
}

const POINT_OF_A_REQUEST: &str = r#"{"metric":"http_reqs","type":"Point","#;

#[test]
fn several_outputs_each_have_every_request() {
    let (peer, place) = (Peer::answering(OK), Place::new());
    let url = peer.url();
    let args = [&url, "-i40", "-u4", "-o", "json=a.json", "-o", "csv=a.csv", "-o", "json=b.json.gz"];
    let ended = place.run(&args, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("output: json (a.json), csv (a.csv), json (b.json.gz)\n"),
        "{}",
        ended.stdout
    );
    assert_eq!(count(&place.text("a.json"), POINT_OF_A_REQUEST), 40);
    assert_eq!(count(&place.text("a.csv"), "http_reqs,"), 40);
    let mut text = String::new();
    let bytes = place.bytes("b.json.gz");
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("it is compressed");
    assert_eq!(text, place.text("a.json"));
}

#[test]
fn samples_may_go_to_standard_output_and_variables_say_how() {
    let (peer, place) = (Peer::answering(OK), Place::new());
    let ended = place.run(&["-q", "--no-summary", &peer.url(), "-i3"], &[("K6_OUT", "json")]);
    assert_eq!(count(&ended.stdout, POINT_OF_A_REQUEST), 3, "{}", ended.stdout);
    let env = [("K6_CSV_FILENAME", "-"), ("K6_CSV_TIME_FORMAT", "rfc3339")];
    let ended = place.run(&["-q", "--no-summary", &peer.url(), "-i3", "--out=csv"], &env);
    assert!(ended.stdout.starts_with("metric_name,timestamp,"), "{}", ended.stdout);
    assert_eq!(count(&ended.stdout, "http_reqs,20"), 3, "{}", ended.stdout);
    let bad = place.run(&["-q", &peer.url(), "-i3"], &[("K6_CSV_TIME_FORMAT", "iso")]);
    assert_eq!(bad.code, Some(255));
}

#[test]
fn a_full_disk_ends_the_output_with_one_line_and_not_the_run() {
    let (peer, place) = (Peer::answering(OK), Place::new());
    let ended = place.run(&["-q", "--no-summary", &peer.url(), "-i300", "-o", "json=/dev/full"], &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.last_message().starts_with("the json output ended before the run: "), "{}", ended.stderr);
}

#[test]
fn reports_have_thresholds_and_checks_also_without_a_summary() {
    let (peer, place) = (Peer::answering(OK), Place::new());
    let script = format!(
        "import http from 'k6/http'; import {{ check }} from 'k6';
        export const options = {{ thresholds: {{ http_reqs: ['count>5'], http_req_failed: ['rate<0.5'] }} }};
        export default () => check(http.get('{}'), {{ 'is <ok>': (r) => r.status === 200 }});",
        peer.url()
    );
    std::fs::write(place.0.join("t.js"), script).expect("a script");
    let args = ["-q", "--no-summary", "t.js", "-o", "junit=j.xml", "-o", "markdown=m.md"];
    let ended = place.run(&args, &[]);
    assert_eq!(ended.code, Some(99), "{ended:?}");
    let junit = place.text("j.xml");
    let failed = "classname=\"http_reqs\" name=\"count&gt;5\"><failure message=\"observed 1\"/>";
    assert!(junit.contains("tests=\"3\" failures=\"1\"") && junit.contains(failed), "{junit}");
    assert!(junit.contains("<testcase classname=\"checks\" name=\"is &lt;ok&gt;\"/>"), "{junit}");
    let markdown = place.text("m.md");
    assert!(markdown.contains("| ✗ | `http_reqs` | `count>5` | 1 |"), "{markdown}");
    assert!(markdown.contains("| ✓ | is <ok> | 1 | 0 |"), "{markdown}");
}
