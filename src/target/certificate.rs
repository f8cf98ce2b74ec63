//! A certificate made at the start, so that HTTPS can be tried with nothing else at hand.

use crate::tls::Server;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::net::IpAddr;

/// Self-signed, for this machine's names for itself and the address it is served on.
pub struct Certificate {
    /// What a client trusts.
    pub pem: String,
    der: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    pub fn self_signed(address: IpAddr) -> Result<Certificate, String> {
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        if !address.is_unspecified() && !address.is_loopback() {
            names.push(address.to_string());
        }
        Certificate::for_names(names)
    }

    /// Names and addresses.
    pub fn for_names(names: Vec<String>) -> Result<Certificate, String> {
        let make = || {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            let certificate = CertificateParams::new(names)?.self_signed(&key)?;
            Ok::<_, rcgen::Error>(Certificate {
                pem: certificate.pem(),
                der: certificate.der().to_vec(),
                key: key.serialize_der(),
            })
        };
        make().map_err(|error| format!("cannot make a certificate: {error}"))
    }

    pub fn into_server(self) -> Result<Server, String> {
        Server::new(self.der, self.key)
    }
}
