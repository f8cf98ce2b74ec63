//! Whether a server's certificate is what Go's client would accept, and why not.
//!
//! webpki decides; two things are as in Go. A wrong name is told before an unknown authority. And
//! an authority's certificate that is trusted itself may be a server's, as `openssl req -x509`
//! makes them. What was found good once is not verified again: the same chain, name and instant
//! give the same answer, and a load test asks a million times.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};

/// Good chains that are remembered; beyond it the oldest is forgotten.
const KNOWN_MAX: usize = 16;

/// Whom a run trusts.
#[derive(Debug)]
pub struct Authorities {
    roots: RootCertStore,
    /// The same as certificates.
    whole: Vec<CertificateDer<'static>>,
}

impl Authorities {
    /// Certificates that webpki cannot read are passed over: a system's list has such.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Authorities {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        Authorities { roots, whole: certificates }
    }

    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }
}

/// One worker's verifier, so that its lock is never waited for.
#[derive(Debug)]
pub struct Verifier {
    authorities: Arc<Authorities>,
    algorithms: WebPkiSupportedAlgorithms,
    /// Anything goes, but the peer must have the key of what it shows.
    is_insecure: bool,
    known: Mutex<Vec<Known>>,
}

#[derive(Debug)]
struct Known {
    chain: Vec<CertificateDer<'static>>,
    name: ServerName<'static>,
}

impl Verifier {
    pub fn new(
        authorities: Arc<Authorities>,
        algorithms: WebPkiSupportedAlgorithms,
        is_insecure: bool,
    ) -> Verifier {
        Verifier { authorities, algorithms, is_insecure, known: Mutex::default() }
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let signed = verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.authorities.roots,
            intermediates,
            now,
            self.algorithms.all,
        );
        let unknown = Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        let signed = match signed {
            // Its validity was asked before.
            Err(error) if is_authority(&error) => match self.authorities.whole.contains(end_entity) {
                true => Ok(()),
                false => unknown,
            },
            Err(Error::InvalidCertificate(CertificateError::BadSignature)) => unknown,
            other => other,
        };
        match signed {
            Ok(()) | Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                verify_server_name(&certificate, name)?;
                signed
            }
            Err(error) => Err(error),
        }
    }
}

/// webpki does not take an authority's certificate for a server's; rustls hands its error through.
fn is_authority(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(why))) => {
            why.to_string() == "CaUsedAsEndEntity"
        }
        _ => false,
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.is_insecure {
            return Ok(ServerCertVerified::assertion());
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |known: &Known| {
            known.name == *name
                && known.chain.first() == Some(end_entity)
                && known.chain[1..] == *intermediates
        };
        if !known.iter().any(is_it) {
            self.verify(end_entity, intermediates, name, now)?;
            if known.len() >= KNOWN_MAX {
                known.remove(0);
            }
            let chain = std::iter::once(end_entity).chain(intermediates);
            known.push(Known {
                chain: chain.map(|one| one.clone().into_owned()).collect(),
                name: name.to_owned(),
            });
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
