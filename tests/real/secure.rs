//! HTTPS against nginx: TLS 1.2 and 1.3, RSA and ECDSA; and what its certificates can be wrong in.

use crate::figures::Export;
use crate::nginx::{Nginx, Stop};
use crate::program::{Ended, command, ringload, run};
use crate::tools::{Room, installed};
use crate::transports::transports;
use std::path::PathBuf;

/// A certificate by openssl, with its key, in files of the room.
struct Certificate {
    room: Room,
}

impl Certificate {
    /// `None`: there is no openssl, which has been said.
    fn new(key: &[&str], more: &[&str]) -> Option<Certificate> {
        let openssl = installed("openssl")?;
        let certificate = Certificate { room: Room::new() };
        let (cert, key_file) = (certificate.cert(), certificate.key());
        let files = ["-out", cert.to_str()?, "-keyout", key_file.to_str()?];
        let ended = run(command(
            openssl.to_str()?,
            &[&["req", "-x509", "-nodes", "-subj", "/CN=ringload.test"], key, &files, more].concat(),
        ));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        Some(certificate)
    }

    fn cert(&self) -> PathBuf {
        self.room.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.room.path().join("key.pem")
    }

    fn nginx(&self, more: &str) -> Option<Nginx> {
        let (cert, key) = (self.cert(), self.key());
        let (cert, key) = (cert.display(), key.display());
        Nginx::start_secured(&format!("ssl_certificate {cert}; ssl_certificate_key {key}; {more}"))
    }
}

const RSA: &[&str] = &["-newkey", "rsa:2048"];
const ECDSA: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
const HERE: &[&str] = &["-days", "30", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];

fn run_trusting(certificate: &Certificate, args: &[&str]) -> Ended {
    let mut command = ringload(args);
    command.env("SSL_CERT_FILE", certificate.cert());
    run(command)
}

#[test]
fn every_version_and_key_is_the_lines_of_the_log() {
    for key in [RSA, ECDSA] {
        let Some(certificate) = Certificate::new(key, HERE) else { return };
        for version in ["TLSv1.2", "TLSv1.3"] {
            for transport in transports() {
                for flags in [
                    &["-i20000"][..],
                    &["-d1s"],
                    &["-i500", "--no-connection-reuse"],
                    &["-i500", "--no-connection-reuse", "--tls-resumption"],
                ] {
                    let Some(mut nginx) = certificate.nginx(&format!("ssl_protocols {version};")) else {
                        return;
                    };
                    let (export, url) = (Export::new(), format!("https://127.0.0.1:{}/", nginx.port()));
                    let arguments = ["run", &url, "-u10", &export.flag(), transport];
                    let ended = run_trusting(&certificate, &[&arguments, flags].concat());
                    nginx.stop(Stop::Gracefully);
                    let total: u64 = nginx.logged().values().sum();
                    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{version} {flags:?}");
                    assert!(total >= 500, "{total}");
                    assert_eq!(export.read().count("http_reqs"), total, "{version} {transport} {flags:?}");
                    assert_eq!(export.read().failed(), (0, total), "{version} {transport} {flags:?}");
                }
            }
        }
    }
}

/// Ten requests that fail with this code; of the text this is the beginning.
#[track_caller]
fn check(certificate: &Certificate, more: &str, trusts: bool, code: &str, text: &str) {
    let Some(mut nginx) = certificate.nginx(more) else { return };
    for transport in transports() {
        let url = format!("https://127.0.0.1:{}/", nginx.port());
        let arguments = ["run", &url, "-i10", "-u2", transport];
        let ended = match trusts {
            true => run_trusting(certificate, &arguments),
            false => run(ringload(&arguments)),
        };
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let [(10, got_code, got_text)] = &ended.failures()[..] else { panic!("{}", ended.stderr) };
        assert!(got_code == code && got_text.starts_with(text), "{}", ended.stderr);
    }
    nginx.stop(Stop::AtOnce);
    assert!(nginx.logged().keys().all(|status| *status == 400), "{:?}", nginx.logged());
}

#[test]
fn wrong_certificates_have_k6_s_codes() {
    let Some(other) = Certificate::new(ECDSA, &["-days", "30", "-addext", "subjectAltName=DNS:other.test"])
    else {
        return;
    };
    check(&other, "", true, "1311", "x509: certificate doesn't match hostname");
    let Some(unknown) = Certificate::new(ECDSA, HERE) else { return };
    check(&unknown, "", false, "1310", "x509: unknown authority");
    let text = "x509: certificate has expired or is not yet valid: current time ";
    check(&Certificate::expired(), "", true, "1000", text);
}

impl Certificate {
    /// Of 2020; not every openssl makes such.
    fn expired() -> Certificate {
        let make = || {
            let key = rcgen::KeyPair::generate()?;
            let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
            params.not_after = rcgen::date_time_ymd(2020, 2, 1);
            Ok::<_, rcgen::Error>((params.self_signed(&key)?.pem(), key.serialize_pem()))
        };
        let (cert, key) = make().expect("a certificate");
        let certificate = Certificate { room: Room::new() };
        std::fs::write(certificate.cert(), cert).expect("the room is ours");
        std::fs::write(certificate.key(), key).expect("the room is ours");
        certificate
    }
}

#[test]
fn a_port_of_plain_http_is_told_apart() {
    let Some(nginx) = Nginx::start() else { return };
    let url = format!("https://127.0.0.1:{}/", nginx.port());
    let ended = run(ringload(&["run", &url, "-i10", "-u2", "--insecure-skip-tls-verify"]));
    let want = (10, "1301".to_owned(), "tls: first record does not look like a TLS handshake".to_owned());
    assert_eq!(ended.failures(), [want], "{}", ended.stderr);
}

#[test]
fn a_client_certificate_is_shown_to_who_asks_for_it() {
    let Some(certificate) = Certificate::new(ECDSA, HERE) else { return };
    let Some(client) = Certificate::new(RSA, &["-days", "30"]) else { return };
    let trust = format!("ssl_verify_client on; ssl_client_certificate {};", client.cert().display());
    for version in ["TLSv1.2", "TLSv1.3"] {
        let Some(mut nginx) = certificate.nginx(&format!("{trust} ssl_protocols {version};")) else { return };
        let read = |path: PathBuf| std::fs::read_to_string(path).expect("openssl wrote it");
        let script = format!(
            "import http from 'k6/http';\nexport const options = {{ tlsAuth: [{{ cert: `{}`, key: `{}` }}] }};\n\
             export default () => console.log(http.get('https://127.0.0.1:{}/').status);\n",
            read(client.cert()),
            read(client.key()),
            nginx.port()
        );
        let file = client.room.path().join("script.js");
        std::fs::write(&file, script).expect("the room is ours");
        let ended = run_trusting(&certificate, &["run", file.to_str().expect("a plain path")]);
        assert!(ended.stderr.contains("msg=200"), "{version} {}", ended.stderr);
        nginx.stop(Stop::Gracefully);
        assert_eq!(nginx.logged(), [(200, 1)].into(), "{version}");
    }
}
