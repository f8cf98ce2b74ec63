//! The client's side: configurations of one worker, and links made from them.

use super::failure::Failure;
use super::identity::Identities;
use super::link::Link;
use super::setup::{KeyLines, Setup};
use super::verifier::Verifier;
use rustc_hash::FxHashMap;
use rustls::ClientConfig;
use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use std::sync::Arc;

pub type ClientLink = Link<UnbufferedClientConnection>;

/// Sessions that a VU keeps for each of a few hosts, when it resumes them at all.
const SESSIONS: usize = 64;

/// One worker's TLS client.
pub struct Client {
    setup: Setup,
    /// Made with the first link: most runs have none.
    base: Option<ClientConfig>,
    /// By VU (0 unless sessions are resumed: those are a VU's own) and host.
    configs: FxHashMap<(u32, Box<str>), Arc<ClientConfig>>,
    /// The configuration that serves all VUs and hosts, when one can.
    only: Option<Arc<ClientConfig>>,
}

impl Client {
    pub fn new(setup: Setup) -> Client {
        Client { setup, base: None, configs: FxHashMap::default(), only: None }
    }

    /// A new connection of a VU to `host`, a name or an address; its first words are ready.
    pub fn link(&mut self, vu: u32, host: &str) -> Result<ClientLink, Failure> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Failure::bad_name(host))?;
        let config = self.config(vu, host);
        let side = UnbufferedClientConnection::new(config, name).map_err(|error| Failure::of(&error))?;
        let mut link = Link::new(side);
        link.begin()?;
        Ok(link)
    }

    fn config(&mut self, vu: u32, host: &str) -> Arc<ClientConfig> {
        let base = self.base.get_or_insert_with(|| base(&self.setup));
        let shared = &self.setup.0;
        if shared.identities.is_empty() && !shared.options.resumption {
            return self.only.get_or_insert_with(|| Arc::new(base.clone())).clone();
        }
        let vu = if shared.options.resumption { vu } else { 0 };
        let make = || {
            let mut config = base.clone();
            if !shared.identities.is_empty() {
                config.client_auth_cert_resolver = Arc::new(Identities::for_host(&shared.identities, host));
            }
            if shared.options.resumption {
                config.resumption = Resumption::in_memory_sessions(SESSIONS);
            }
            Arc::new(config)
        };
        self.configs.entry((vu, host.into())).or_insert_with(make).clone()
    }
}

fn base(setup: &Setup) -> ClientConfig {
    let shared = &setup.0;
    let verifier = Verifier::new(
        shared.authorities.clone(),
        shared.provider.signature_verification_algorithms,
        shared.options.insecure_skip_verify,
    );
    let mut config = ClientConfig::builder_with_details(shared.provider.clone(), Arc::new(shared.now))
        .with_protocol_versions(&shared.usable_versions())
        .expect("a setup leaves something to speak")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    if let Some(key_line) = &shared.key_log {
        config.key_log = Arc::new(KeyLines(key_line.clone()));
    }
    config
}
