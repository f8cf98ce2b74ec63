//! Client certificates: which one is shown to whom.

use super::chain;
use crate::options::tls::TlsAuth;
use memchr::memmem;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, SignatureScheme};
use std::sync::Arc;

/// A certificate of `tlsAuth` with its key.
#[derive(Clone, Debug)]
pub struct Identity {
    key: Arc<CertifiedKey>,
    domains: Vec<String>,
}

impl Identity {
    /// `place`: its index in the option, for the message.
    pub fn new(auth: &TlsAuth, place: usize, provider: &CryptoProvider) -> Result<Identity, String> {
        let refuse = |why: String| format!("tlsAuth[{place}]: {why}");
        let certificates = chain::certificates(auth.cert.as_bytes());
        if certificates.is_empty() {
            return Err(refuse(
                "cert is no PEM text of a certificate (-----BEGIN CERTIFICATE-----)".to_owned(),
            ));
        }
        let key = chain::private_key(&auth.key).map_err(refuse)?;
        let key = CertifiedKey::from_der(certificates, key, provider).map_err(|error| {
            refuse(match error {
                Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    "the key is not the certificate's".to_owned()
                }
                other => format!("the key cannot be used: {other}"),
            })
        })?;
        Ok(Identity { key: Arc::new(key), domains: auth.domains.clone() })
    }

    /// Whether it is meant for `host`.
    fn names(&self, host: &str) -> bool {
        self.domains.iter().any(|domain| match domain.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
            None => domain.eq_ignore_ascii_case(host),
        })
    }
}

/// Those to choose from for one host. Like Go's client, which looks at the names of no
/// certificate, all of them; but those that name the host come first, and those that name no host
/// before those that name another.
#[derive(Debug)]
pub struct Identities(Vec<Arc<CertifiedKey>>);

impl Identities {
    pub fn for_host(all: &[Identity], host: &str) -> Identities {
        let mut order: Vec<&Identity> = all.iter().collect();
        order.sort_by_key(|identity| match (identity.names(host), identity.domains.is_empty()) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        });
        Identities(order.into_iter().map(|identity| identity.key.clone()).collect())
    }
}

impl ResolvesClientCert for Identities {
    fn resolve(&self, authorities: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // An issuer's name stands in what it signed as it does in the server's list, byte for byte.
        let is_accepted = |key: &CertifiedKey| {
            let issued_by = |name: &[u8]| key.cert.iter().any(|one| memmem::find(one, name).is_some());
            authorities.is_empty() || authorities.iter().any(|name| issued_by(name))
        };
        let mut keys = self.0.iter();
        keys.find(|key| key.key.choose_scheme(schemes).is_some() && is_accepted(key)).cloned()
    }

    fn has_certs(&self) -> bool {
        !self.0.is_empty()
    }
}
