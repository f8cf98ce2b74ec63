//! HTTPS: what is served is counted, and whatever goes wrong in a handshake has k6's code and text.

use crate::figures::Export;
use crate::peer::{Peer, Visit};
use crate::program::{Ended, Program, ringload, run};
use crate::transports::{serve_with, transports};
use ringload::options::{BehaviourOptions, TransportChoice};
use ringload::target::Certificate;
use ringload::target::threads::Target;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A file that is gone when the test is over.
struct File(PathBuf);

impl File {
    fn new(content: &str) -> File {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ringload-secure-{}-{number}", std::process::id()));
        if !content.is_empty() {
            std::fs::write(&path, content).expect("a temporary file");
        }
        File(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a plain path")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The built-in target with a certificate for `names`, which is also in a file.
fn serve(names: &[&str]) -> (Target, File) {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = Certificate::for_names(names).expect("a certificate");
    let file = File::new(&certificate.pem);
    let server = certificate.into_server().expect("a server");
    let behaviour = BehaviourOptions { size: 50_000, ..BehaviourOptions::default() };
    let ip = [127, 0, 0, 1].into();
    let target = serve_with(TransportChoice::Epoll, ip, behaviour, Some(server)).expect("a target");
    (target, file)
}

fn run_trusting(file: &Path, args: &[&str]) -> Ended {
    let mut command = ringload(args);
    command.env("SSL_CERT_FILE", file);
    run(command)
}

#[test]
fn what_is_counted_is_what_was_served() {
    for transport in transports() {
        for flags in
            [&["-i400", "-u4"][..], &["-i40", "-u4", "--no-connection-reuse"], &["-i40", "--pipeline=8"]]
        {
            let (target, file) = serve(&["127.0.0.1"]);
            let (export, url) = (Export::new(), format!("https://{}/", target.address()));
            let arguments = ["run", &url, transport, &export.flag()];
            let ended = run_trusting(&file.0, &[&arguments, flags].concat());
            let served = target.stop();
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
            let figures = export.read();
            assert_eq!(figures.count("http_reqs"), served.requests, "{transport} {flags:?}");
            assert_eq!(figures.failed(), (0, served.requests), "{transport} {flags:?}");
            assert_eq!(figures.count("data_received"), served.bytes_sent, "{transport} {flags:?}");
        }
    }
}

#[test]
fn a_script_sees_version_and_suite_as_k6_names_them() {
    let (target, _) = serve(&["a.test"]);
    let script = |version: &str| {
        format!(
            "import http from 'k6/http';\n\
             export const options = {{ insecureSkipTLSVerify: true, tlsVersion: '{version}' }};\n\
             export default () => {{ const r = http.get('https://{}/');\n\
             console.log(r.tls_version, r.tls_cipher_suite, r.timings.tls_handshaking > 0, r.body.length); }};\n",
            target.address()
        )
    };
    for (version, suite) in
        [("tls1.3", "TLS_AES_128_GCM_SHA256"), ("tls1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")]
    {
        let file = File::new(&script(version));
        let ended = run(ringload(&["run", file.path()]));
        let want = format!("msg=\"{version} {suite} true 50000\"");
        assert!(ended.code == Some(0) && ended.stderr.contains(&want), "{}", ended.stderr);
    }
}

/// Ten requests to `url`, which all fail for this one reason, whatever the transport.
#[track_caller]
fn check(url: &str, file: Option<&File>, flags: &[&str], code: &str, text: &str) {
    for transport in transports() {
        let nowhere = PathBuf::from("/dev/null");
        let mut command = ringload(&[&["run", url, "-i10", "-u2", transport], flags].concat());
        // Without a file nobody is trusted, and it is not asked whom.
        match file {
            Some(file) => command.env("SSL_CERT_FILE", &file.0),
            None => command.env("SSL_CERT_FILE", nowhere).arg("--insecure-skip-tls-verify"),
        };
        let ended = run(command);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let want = (10, code.to_owned(), text.to_owned());
        assert_eq!(ended.failures(), [want], "{transport} {}", ended.stderr);
        assert_eq!(ended.printed_count("http_reqs"), 10, "{}", ended.stdout);
    }
}

#[track_caller]
fn check_peer(serve: impl Fn(Visit) + Send + Sync + 'static, code: &str, text: &str) {
    let peer = Peer::start(serve);
    check(&format!("https://127.0.0.1:{}/", peer.port()), None, &["--timeout=1s"], code, text);
}

#[test]
fn a_certificate_that_cannot_be_trusted_has_k6_s_code() {
    let (target, file) = serve(&["a.test"]);
    let (_other, other_file) = serve(&["127.0.0.1"]);
    let url = format!("https://{}/", target.address());
    check(&url, Some(&file), &[], "1311", "x509: certificate doesn't match hostname");
    let (right, _) = serve(&["127.0.0.1"]);
    let url = format!("https://{}/", right.address());
    check(&url, Some(&other_file), &[], "1310", "x509: unknown authority");
}

#[test]
fn who_does_not_speak_tls_is_told_apart() {
    check_peer(
        |mut visit| {
            visit.hears_something();
            visit.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        },
        "1301",
        "tls: first record does not look like a TLS handshake",
    );
}

#[test]
fn a_handshake_that_is_cut_off_says_how() {
    check_peer(|mut visit| _ = visit.hears_something(), "1000", "EOF");
    check_peer(
        |mut visit| {
            visit.hears_something();
            visit.send(b"\x16\x03\x03\x40\x00\x02");
        },
        "1000",
        "unexpected EOF",
    );
    check_peer(
        |mut visit| {
            visit.hears_something();
            visit.reset();
        },
        "1220",
        "read: connection reset by peer",
    );
}

#[test]
fn what_the_server_does_not_like_is_told_in_its_words() {
    check_peer(
        |mut visit| {
            visit.hears_something();
            visit.send(b"\x15\x03\x03\x00\x02\x02\x28");
        },
        "1010",
        "remote error: tls: handshake failure",
    );
}

#[test]
fn a_handshake_that_never_ends_is_given_up_with_its_request() {
    check_peer(|mut visit| while visit.hears_something() {}, "1050", "request timeout");
}

#[test]
fn who_trusts_nobody_is_told_before_the_first_packet() {
    let mut command = ringload(&["run", "https://127.0.0.1:1/"]);
    command.env("SSL_CERT_FILE", "/dev/null");
    let ended = run(command);
    assert_eq!(ended.code, Some(104));
    assert!(ended.stderr.contains("no certificate authority was found"), "{}", ended.stderr);
}

#[test]
fn a_target_serves_https_and_writes_its_certificate_and_keys_are_logged() {
    let (certificate, keys) = (File::new(""), File::new(""));
    let out = format!("--tls-cert-out={}", certificate.path());
    let flags = ["target", "--listen=127.0.0.1:0", "--json", "--duration=2s", "--tls", &out];
    let mut target = Program::start(ringload(&flags));
    let first: Value = serde_json::from_str(&target.wait_for_output("\n")).unwrap();
    let url = format!("https://{}/", first["listen"].as_str().unwrap());
    let mut command = ringload(&["run", &url, "-i20", "-u2"]);
    command.env("SSL_CERT_FILE", &certificate.0).env("SSLKEYLOGFILE", &keys.0);
    let ended = run(command);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.printed_count("http_reqs"), 20, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("SSLKEYLOGFILE was specified, logging TLS connection keys to"),
        "{}",
        ended.stderr
    );
    let log = std::fs::read_to_string(&keys.0).unwrap();
    assert_eq!(log.matches("CLIENT_TRAFFIC_SECRET_0 ").count(), 2, "{log}");
    let served: Value = serde_json::from_str(target.end().stdout.lines().nth(1).unwrap()).unwrap();
    assert_eq!(served["requests"], 20);
}

#[test]
fn a_new_script_runs_at_once_and_is_not_overwritten_unasked() {
    let file = File::new("");
    let ended = run(ringload(&["new", file.path()]));
    let want = format!("New script created: {} (minimal template).\n", file.path());
    assert_eq!((ended.code, ended.stdout, ended.stderr.as_str()), (Some(0), want, ""));
    let (target, certificate) = serve(&["127.0.0.1"]);
    let base = format!("BASE_URL=https://{}", target.address());
    let ended = run_trusting(&certificate.0, &["run", file.path(), "-i2", "-u2", "-e", &base]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("✓ status is 200"), "{}", ended.stdout);
    let ended = run(ringload(&["new", file.path()]));
    let want = format!("{} already exists. Use the `--force` flag to overwrite it", file.path());
    assert!(ended.code == Some(255) && ended.stderr.contains(&want), "{}", ended.stderr);
    assert_eq!(run(ringload(&["new", "-f", file.path()])).code, Some(0));
}
