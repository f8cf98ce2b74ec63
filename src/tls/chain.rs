//! Certificates and keys as PEM text.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// All certificates of a text, in order. What is no certificate is passed over.
pub fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect()
}

/// The first private key of a text, or how to mend it.
pub fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, String> {
    if pem.contains("ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(
            "the key is encrypted, which is not supported; decrypt it first (openssl pkey -in KEY -out \
                    PLAIN_KEY)"
                .to_owned(),
        );
    }
    PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| "the key is no PEM text of a private key (-----BEGIN PRIVATE KEY-----)".to_owned())
}
