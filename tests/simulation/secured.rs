//! HTTPS: what a handshake costs, to the nanosecond, and the books of random worlds.
//!
//! The keys are Ed25519: all signatures are of one length, so that a seed repeats its world though
//! the bytes are never the same.

use crate::drive::{Run, run};
use crate::invariants;
use crate::random;
use crate::restless::Restless;
use crate::scripted::{count, trend};
use crate::world::{MS, S, World, one_vu};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use ringload::metrics::Builtin::*;
use ringload::options::tls::{TlsVersion, TlsVersions};
use ringload::options::{BehaviourOptions, Delay, TlsOptions};
use ringload::target::{Behaviour, TargetResponder};
use ringload::tls::{Server, Setup};
use std::sync::OnceLock;
use std::time::Duration;

/// Of the ideal network.
const RTT: u64 = 100_000;
const NOW: u64 = 1_795_518_326;

/// One certificate for all tests: PEM, and the server that shows it.
fn certificate() -> &'static (String, Server) {
    static MADE: OnceLock<(String, Server)> = OnceLock::new();
    MADE.get_or_init(|| {
        let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
        let names = vec!["10.0.0.1".to_owned(), "far.test".to_owned()];
        let certificate = CertificateParams::new(names).and_then(|params| params.self_signed(&key));
        let certificate = certificate.expect("a certificate");
        let server = Server::new(certificate.der().to_vec(), key.serialize_der()).expect("a server");
        (certificate.pem(), server)
    })
}

fn setup(options: TlsOptions) -> Setup {
    Setup::new(options, &[certificate().0.clone().into_bytes()], None, NOW).expect("sound options")
}

fn secured(mut world: World, options: TlsOptions) -> World {
    world.is_tls = true;
    world.settings.tls = setup(options);
    world
}

fn only(version: TlsVersion) -> TlsOptions {
    let versions = TlsVersions { min: Some(version), max: Some(version) };
    TlsOptions { versions, ..TlsOptions::default() }
}

fn run_against_target(world: &World) -> Run<TargetResponder> {
    let delay = Delay::Constant(Duration::from_millis(5));
    let behaviour = BehaviourOptions { size: 3, delay, ..BehaviourOptions::default() };
    run(world, |seed| {
        TargetResponder::with_tls(Behaviour::new(behaviour, seed), Some(certificate().1.clone()))
    })
}

/// Three iterations of one VU; a handshake takes so many round trips.
#[track_caller]
fn check(options: TlsOptions, round_trips: u64, version: &str) {
    let world = secured(World::ideal(one_vu(3)), options);
    let run = run_against_target(&world);
    for (metric, want) in [
        (HttpReqDuration, (3, RTT + 5 * MS, RTT + 5 * MS)),
        (HttpReqWaiting, (3, RTT + 5 * MS, RTT + 5 * MS)),
        (HttpReqConnecting, (3, 0, RTT)),
        (HttpReqTlsHandshaking, (3, 0, round_trips * RTT)),
        (HttpReqBlocked, (3, 0, (1 + round_trips) * RTT)),
    ] {
        assert_eq!(trend(&run, metric), want, "{}", metric.name());
    }
    let worker = &run.workers[0];
    assert_eq!(count(&run, DataSent), worker.counts.bytes_sent, "ciphertext is counted");
    assert_eq!(count(&run, DataReceived), worker.counts.bytes_received, "ciphertext is counted");
    let tagged = run.totals.sink(HttpReqs, &[("tls_version", version)]);
    assert!(format!("{tagged:?}").contains('3'), "{tagged:?}");
}

#[test]
fn a_handshake_costs_its_round_trips_once_a_connection() {
    check(only(TlsVersion::Tls13), 1, "tls1.3");
    check(only(TlsVersion::Tls12), 2, "tls1.2");
}

#[test]
fn a_handshake_that_fails_is_a_failed_request_and_known_to_have_connected() {
    let mut world = secured(World::ideal(one_vu(3)), TlsOptions::default());
    world.settings.tls = Setup::new(TlsOptions::default(), &[], None, NOW).expect("sound options");
    let run = run_against_target(&world);
    assert_eq!(run.totals.exchanges_by_outcome(), [((0, 1310), 3)].into());
    assert_eq!(trend(&run, HttpReqConnecting), (3, RTT, RTT));
    assert_eq!(trend(&run, HttpReqBlocked), (3, 0, 0));
    assert_eq!(trend(&run, HttpReqTlsHandshaking), (3, 0, 0));
    assert_eq!(trend(&run, HttpReqDuration), (3, 0, 0));
}

#[test]
fn a_handshake_has_the_request_s_time_and_no_more() {
    let mut world = secured(World::ideal(one_vu(2)), TlsOptions::default());
    world.settings.timeout_ns = 2 * S;
    // A plain server: it takes the first bytes for a request that never ends.
    let run = run(&world, |_| crate::scripted::Scripted::new(vec![vec![]]));
    assert_eq!(run.totals.exchanges_by_outcome(), [((0, 1050), 2)].into());
    assert_eq!(run.ended_at().0, 2 * (2 * S));
}

#[test]
fn the_books_balance_in_secured_worlds() {
    for seed in 10_000..10_120 {
        let (world, far_end) = random::world(seed);
        let version = if seed % 2 == 0 { TlsVersion::Tls13 } else { TlsVersion::Tls12 };
        let resumption = seed % 3 == 0;
        let world = secured(world, TlsOptions { resumption, ..only(version) });
        let _announce = random::Announce(seed);
        let run = run(&world, |seed| Restless::new(far_end, Some(certificate().1.clone()), seed));
        invariants::check(&world, &run);
    }
}
