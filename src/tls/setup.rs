//! What all workers of a run share of TLS: options, authorities, client certificates.

use super::chain;
use super::identity::Identity;
use super::verifier::Authorities;
use crate::options::tls::{CIPHER_SUITES, TlsOptions, TlsVersion};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use rustls::{KeyLog, SupportedProtocolVersion};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Takes a line of the key log (the format of `SSLKEYLOGFILE`), with its newline.
pub type KeyLine = Arc<dyn Fn(&str) + Send + Sync>;

/// Everything about TLS that was decided before the run; cheap to clone.
#[derive(Clone)]
pub struct Setup(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub options: TlsOptions,
    pub authorities: Arc<Authorities>,
    pub identities: Vec<Identity>,
    pub key_log: Option<KeyLine>,
    pub provider: Arc<CryptoProvider>,
    pub now: FixedTime,
}

impl Setup {
    /// `authorities`: PEM texts of whom to trust. `unix_s`: when certificates are judged. The error
    /// says which option cannot be had, and why.
    pub fn new(
        options: TlsOptions,
        authorities: &[Vec<u8>],
        key_log: Option<KeyLine>,
        unix_s: u64,
    ) -> Result<Setup, String> {
        let provider = provider(&options);
        let identity = |(place, auth)| Identity::new(auth, place, &provider);
        let identities = options.auth.iter().enumerate().map(identity).collect::<Result<_, _>>()?;
        let certificates = authorities.iter().flat_map(|pem| chain::certificates(pem)).collect();
        let shared = Shared {
            authorities: Arc::new(Authorities::new(certificates)),
            identities,
            key_log,
            provider: Arc::new(provider),
            now: FixedTime(unix_s),
            options,
        };
        let setup = Setup(Arc::new(shared));
        if setup.0.usable_versions().is_empty() {
            return Err(
                "tlsVersion and tlsCipherSuites leave nothing to speak: TLS 1.2 needs one of the suites \
                        TLS_ECDHE_…"
                    .to_owned(),
            );
        }
        Ok(setup)
    }

    /// Nobody is trusted, so no server's certificate is.
    pub fn trusts_nobody(&self) -> bool {
        !self.0.options.insecure_skip_verify && self.0.authorities.is_empty()
    }
}

impl Default for Setup {
    /// k6's defaults, and nobody is trusted.
    fn default() -> Setup {
        Setup::new(TlsOptions::default(), &[], None, 0).expect("the defaults leave something to speak")
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Setup").field(&self.0.options).finish()
    }
}

impl Shared {
    /// Versions that the options allow and for which there is a suite.
    pub fn usable_versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let all =
            [(TlsVersion::Tls13, &rustls::version::TLS13), (TlsVersion::Tls12, &rustls::version::TLS12)];
        all.into_iter()
            .filter(|(version, _)| self.options.versions.allow(*version))
            .map(|(_, version)| version)
            .filter(|version| self.provider.cipher_suites.iter().any(|suite| suite.version() == *version))
            .collect()
    }
}

/// ring, with the suites asked for, in Go's order: AES-128 first, which is also the cheapest.
fn provider(options: &TlsOptions) -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    let place = |id: u16| CIPHER_SUITES.iter().position(|suite| suite.id == id);
    provider.cipher_suites.retain(|suite| {
        let is_wanted = |id: u16| match &options.cipher_suites {
            // As in Go, those of TLS 1.3 cannot be chosen among.
            Some(wanted) if suite.tls13().is_none() => wanted.iter().any(|wanted| wanted.id == id),
            _ => true,
        };
        is_wanted(u16::from(suite.suite()))
    });
    provider.cipher_suites.sort_by_key(|suite| place(u16::from(suite.suite())));
    provider
}

/// The run's beginning, for ever: certificates are judged alike from first to last.
#[derive(Clone, Copy, Debug)]
pub struct FixedTime(pub u64);

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}

/// rustls' key log over a `KeyLine`.
pub struct KeyLines(pub KeyLine);

impl fmt::Debug for KeyLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLines")
    }
}

impl KeyLog for KeyLines {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        (self.0)(&format!("{label} {} {}\n", hex(client_random), hex(secret)));
    }
}
