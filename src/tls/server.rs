//! The server's side, for the built-in target.

use super::link::Link;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::UnbufferedServerConnection;
use std::sync::Arc;

pub type ServerLink = Link<UnbufferedServerConnection>;

/// What all connections of a server share; cheap to clone.
#[derive(Clone, Debug)]
pub struct Server(Arc<ServerConfig>);

impl Server {
    /// With one certificate and its PKCS #8 key, in DER.
    pub fn new(certificate: Vec<u8>, key: Vec<u8>) -> Result<Server, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(
                    vec![CertificateDer::from(certificate)],
                    PrivatePkcs8KeyDer::from(key).into(),
                )
            })
            .map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Server(Arc::new(config)))
    }

    /// A connection that was accepted.
    pub fn link(&self) -> ServerLink {
        let side = UnbufferedServerConnection::new(self.0.clone());
        Link::new(side.expect("a configuration that was accepted makes connections"))
    }
}
