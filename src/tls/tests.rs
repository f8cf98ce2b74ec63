//! A client and a server of rustls, with nothing between them but bytes cut anywhere.

use super::*;
use crate::options::TlsOptions;
use crate::options::tls::{TlsAuth, TlsVersion, TlsVersions};
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};

const NOW: u64 = 1_795_518_326;

/// A certificate and its key, as PEM and DER.
struct Made {
    pem: String,
    der: Vec<u8>,
    key: KeyPair,
}

fn self_signed(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Made {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    change(&mut params);
    let certificate = params.self_signed(&key).unwrap();
    Made { pem: certificate.pem(), der: certificate.der().to_vec(), key }
}

fn plain(names: &[&str]) -> Made {
    self_signed(names, |_| {})
}

impl Made {
    fn server(&self) -> Server {
        Server::new(self.der.clone(), self.key.serialize_der()).unwrap()
    }
}

fn setup(options: TlsOptions, trusted: &[&Made]) -> Setup {
    let pems: Vec<Vec<u8>> = trusted.iter().map(|made| made.pem.clone().into_bytes()).collect();
    Setup::new(options, &pems, None, NOW).unwrap()
}

fn only(version: TlsVersion) -> TlsOptions {
    let versions = TlsVersions { min: Some(version), max: Some(version) };
    TlsOptions { versions, ..TlsOptions::default() }
}

/// Two ends; each hears the other in pieces of so many bytes.
struct Pair {
    client: ClientLink,
    server: ServerLink,
    piece: usize,
    /// What each end read.
    at_client: Vec<u8>,
    at_server: Vec<u8>,
    buffers: Buffers,
}

impl Pair {
    fn new(client: ClientLink, server: &Server, piece: usize) -> Pair {
        let (at_client, at_server) = (Vec::new(), Vec::new());
        Pair { client, server: server.link(), piece, at_client, at_server, buffers: Buffers::default() }
    }

    /// Carries bytes to and fro until nobody says more.
    fn talk(&mut self) -> Result<(), Failure> {
        loop {
            let to_server = self.client.poll_send().inspect(|_| _ = self.client.on_sent());
            let to_client = self.server.poll_send().inspect(|_| _ = self.server.on_sent());
            if to_server.is_none() && to_client.is_none() {
                return Ok(());
            }
            for piece in to_server.iter().flat_map(|bytes| bytes.chunks(self.piece)) {
                // What the server thinks of it is its own affair.
                let _ = self.server.on_ciphertext(piece, &mut self.buffers);
                self.at_server.extend_from_slice(&self.buffers.plain);
            }
            for piece in to_client.iter().flat_map(|bytes| bytes.chunks(self.piece)) {
                self.client.on_ciphertext(piece, &mut self.buffers)?;
                self.at_client.extend_from_slice(&self.buffers.plain);
            }
        }
    }
}

#[test]
fn any_cut_of_the_ciphertext_gives_the_same_plaintext() {
    let made = plain(&["a.test"]);
    let (request, response) = (vec![b'q'; 300], vec![b'r'; 70_000]);
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        for piece in [1, 2, 5, 100, 16_384, usize::MAX] {
            let mut client = Client::new(setup(only(version), &[&made]));
            let mut pair = Pair::new(client.link(0, "a.test").unwrap(), &made.server(), piece);
            pair.talk().unwrap();
            assert!(pair.client.is_open() && pair.server.is_open(), "{version:?} by {piece}");
            assert_eq!(pair.client.version(), Some(version));
            let suite = pair.client.cipher_suite().unwrap().name;
            assert!(suite.contains("AES_128_GCM"), "{suite}");
            for _ in 0..2 {
                pair.client.write(&request);
                pair.talk().unwrap();
                pair.server.write(&response);
                pair.talk().unwrap();
            }
            assert_eq!(pair.at_server, request.repeat(2), "{version:?} by {piece}");
            assert_eq!(pair.at_client, response.repeat(2), "{version:?} by {piece}");
            assert!(!pair.client.is_within_record() && !pair.client.has_ended());
        }
    }
}

#[test]
fn one_send_is_under_way_at_a_time_and_what_is_written_meanwhile_follows() {
    let made = plain(&["a.test"]);
    let mut client = Client::new(setup(TlsOptions::default(), &[&made]));
    let mut pair = Pair::new(client.link(0, "a.test").unwrap(), &made.server(), usize::MAX);
    pair.talk().unwrap();
    pair.client.write(b"one");
    let first = pair.client.poll_send().unwrap();
    pair.client.write(b"two");
    assert_eq!(pair.client.poll_send(), None);
    assert!(!pair.client.is_open());
    assert_eq!(pair.client.on_sent(), Sent { bytes: first.len() as u64, carried: true });
    let second = pair.client.poll_send().unwrap();
    for bytes in [first, second] {
        pair.server.on_ciphertext(&bytes, &mut pair.buffers).unwrap();
        pair.at_server.extend_from_slice(&pair.buffers.plain);
    }
    assert_eq!(pair.at_server, b"onetwo");
}

/// How a handshake with `host` ends for the client.
#[track_caller]
fn check(
    options: TlsOptions,
    trusted: &[&Made],
    server: &Server,
    host: &str,
    want: Result<(), (Cause, &str)>,
) {
    let mut client = Client::new(setup(options, trusted));
    // Once more for what is remembered of the first time.
    for _ in 0..2 {
        let mut pair = Pair::new(client.link(0, host).unwrap(), server, 1_000);
        let got = pair.talk();
        let got = got.as_ref().map(|_| ()).map_err(|failure| (failure.cause, &*failure.text));
        assert_eq!(got, want);
        assert_eq!(pair.client.is_open(), want.is_ok());
    }
}

const UNKNOWN: (Cause, &str) = (
    Cause::UnknownAuthority,
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
);

#[test]
fn a_trusted_certificate_of_the_right_name_or_address_is_accepted() {
    let made = plain(&["a.test", "*.b.test", "127.0.0.1", "::1"]);
    for host in ["a.test", "www.b.test", "127.0.0.1", "::1"] {
        check(TlsOptions::default(), &[&made], &made.server(), host, Ok(()));
    }
}

#[test]
fn an_unknown_authority_and_a_wrong_name_are_told_apart_as_in_go() {
    let (made, other) = (plain(&["a.test"]), plain(&["a.test"]));
    check(TlsOptions::default(), &[], &made.server(), "a.test", Err(UNKNOWN));
    check(TlsOptions::default(), &[&other], &made.server(), "a.test", Err(UNKNOWN));
    let wrong = "tls: failed to verify certificate: x509: certificate is valid for a.test, not b.test";
    for trusted in [&[&made][..], &[]] {
        let want = Err((Cause::WrongHostname, wrong));
        check(TlsOptions::default(), trusted, &made.server(), "b.test", want);
    }
    let wrong = "tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it \
                 doesn't contain any IP SANs";
    check(TlsOptions::default(), &[&made], &made.server(), "127.0.0.1", Err((Cause::WrongHostname, wrong)));
}

#[test]
fn a_certificate_is_good_only_in_its_time() {
    let expired = self_signed(&["a.test"], |params| params.not_after = date_time_ymd(2020, 1, 2));
    let text = "x509: certificate has expired or is not yet valid: current time 2026-11-24T11:05:26Z is after \
                2020-01-02T00:00:00Z";
    check(TlsOptions::default(), &[&expired], &expired.server(), "a.test", Err((Cause::Other, text)));
    let early = self_signed(&["a.test"], |params| params.not_before = date_time_ymd(2030, 1, 2));
    let text = "x509: certificate has expired or is not yet valid: current time 2026-11-24T11:05:26Z is before \
                2030-01-02T00:00:00Z";
    check(TlsOptions::default(), &[&early], &early.server(), "a.test", Err((Cause::Other, text)));
}

#[test]
fn a_trusted_authority_s_own_certificate_may_be_a_server_s() {
    let ca = self_signed(&["a.test"], |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    check(TlsOptions::default(), &[&ca], &ca.server(), "a.test", Ok(()));
    check(TlsOptions::default(), &[], &ca.server(), "a.test", Err(UNKNOWN));
}

#[test]
fn what_an_authority_signed_is_accepted() {
    let ca_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_made = Made {
        pem: ca.self_signed(&ca_key).unwrap().pem(),
        der: Vec::new(),
        key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
    };
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    let signed = params.signed_by(&key, &Issuer::new(ca, &ca_key)).unwrap();
    let server = Server::new(signed.der().to_vec(), key.serialize_der()).unwrap();
    check(TlsOptions::default(), &[&ca_made], &server, "a.test", Ok(()));
    check(TlsOptions::default(), &[], &server, "a.test", Err(UNKNOWN));
}

#[test]
fn who_does_not_verify_accepts_anything() {
    let expired = self_signed(&["a.test"], |params| params.not_after = date_time_ymd(2020, 1, 2));
    let options = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
    check(options, &[], &expired.server(), "b.test", Ok(()));
}

/// What the client makes of a peer's first bytes, cut anywhere.
#[track_caller]
fn check_first_bytes(bytes: &[u8], want: Result<(), (Cause, &str)>) {
    let mut client = Client::new(setup(TlsOptions::default(), &[]));
    for piece in [1, bytes.len()] {
        let (mut link, mut buffers) = (client.link(0, "a.test").unwrap(), Buffers::default());
        let mut pieces = bytes.chunks(piece);
        let got = pieces.try_for_each(|piece| link.on_ciphertext(piece, &mut buffers));
        let got = got.as_ref().map(|_| ()).map_err(|failure| (failure.cause, &*failure.text));
        assert_eq!(got, want, "by {piece}");
    }
}

#[test]
fn what_is_no_tls_is_told_at_once() {
    let ssh = "tls: first record does not look like a TLS handshake";
    check_first_bytes(b"SSH-2.0-x\r\n", Err((Cause::NotTls, ssh)));
    let alert = "remote error: tls: handshake failure";
    check_first_bytes(b"\x15\x03\x03\x00\x02\x02\x28", Err((Cause::Alert, alert)));
    check_first_bytes(b"\x16\x03\x03\x40", Ok(()));
}

#[test]
fn sessions_are_resumed_if_asked_for_and_within_a_vu() {
    let made = plain(&["a.test"]);
    let server = made.server();
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        for resumption in [false, true] {
            let options = TlsOptions { resumption, ..only(version) };
            let mut client = Client::new(setup(options, &[&made]));
            let mut is_resumed = |vu| {
                let mut pair = Pair::new(client.link(vu, "a.test").unwrap(), &server, usize::MAX);
                pair.talk().unwrap();
                pair.client.is_resumed()
            };
            let got = [is_resumed(1), is_resumed(1), is_resumed(2), is_resumed(2), is_resumed(1)];
            let want = [false, true, false, true, true].map(|yes| yes && resumption);
            assert_eq!(got, want, "{version:?} {resumption}");
        }
    }
}

#[test]
fn keys_are_logged_in_the_format_of_nss() {
    use std::sync::{Arc, Mutex};
    let made = plain(&["a.test"]);
    let lines = Arc::new(Mutex::new(String::new()));
    let log = lines.clone();
    let key_line: KeyLine = Arc::new(move |line| log.lock().unwrap().push_str(line));
    let pems = [made.pem.clone().into_bytes()];
    let setup = Setup::new(only(TlsVersion::Tls12), &pems, Some(key_line), NOW).unwrap();
    let mut pair = Pair::new(Client::new(setup).link(0, "a.test").unwrap(), &made.server(), usize::MAX);
    pair.talk().unwrap();
    let lines = lines.lock().unwrap();
    let words: Vec<&str> = lines.split_whitespace().collect();
    assert_eq!((words.len(), words[0], words[1].len(), words[2].len()), (3, "CLIENT_RANDOM", 64, 96));
}

#[track_caller]
fn check_refused(auth: TlsAuth, want: &str) {
    let options = TlsOptions { auth: vec![auth], ..TlsOptions::default() };
    let error = Setup::new(options, &[], None, NOW).map(|_| ()).unwrap_err();
    assert!(error.starts_with(want), "{error}");
}

#[test]
fn client_certificates_that_cannot_be_used_are_refused_with_the_reason() {
    let (made, other) = (plain(&["a.test"]), plain(&["a.test"]));
    let auth =
        |cert: &str, key: &str| TlsAuth { cert: cert.to_owned(), key: key.to_owned(), ..TlsAuth::default() };
    let key = made.key.serialize_pem();
    check_refused(auth("", &key), "tlsAuth[0]: cert is no PEM text of a certificate");
    check_refused(auth(&made.pem, "x"), "tlsAuth[0]: the key is no PEM text of a private key");
    check_refused(
        auth(&made.pem, &other.key.serialize_pem()),
        "tlsAuth[0]: the key is not the certificate's",
    );
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    check_refused(auth(&made.pem, encrypted), "tlsAuth[0]: the key is encrypted, which is not supported");
}

#[test]
fn keys_of_tls_1_2_wear_out_and_those_of_1_3_are_renewed() {
    let made = plain(&["a.test"]);
    for (version, want) in [(TlsVersion::Tls12, true), (TlsVersion::Tls13, false)] {
        let mut client = Client::new(setup(only(version), &[&made]));
        let mut pair = Pair::new(client.link(0, "a.test").unwrap(), &made.server(), usize::MAX);
        pair.talk().unwrap();
        pair.client.write(b"one");
        assert!(!pair.client.is_worn());
        pair.client.age(1 << 23);
        assert_eq!(pair.client.is_worn(), want, "{version:?}");
    }
}

#[test]
fn a_connection_s_state_is_small() {
    // The rest is rustls' own, on the heap: about 2 KB a connection in use.
    assert!(size_of::<ClientLink>() <= 1_200, "{}", size_of::<ClientLink>());
}
