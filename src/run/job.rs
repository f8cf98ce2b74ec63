//! What a run is to do: everything validated, serialized and decided, before the first packet.

use crate::metrics::TagSet;
use crate::options::Scenario;
use crate::options::dns::Dns;
use crate::options::engine::{SpinChoice, TransportChoice};
use crate::script::Template;
use crate::vu::Settings;
use crate::vu::hosts::Host;

#[derive(Clone, Debug)]
pub struct Job {
    pub scenarios: Vec<Scenario>,
    pub templates: Vec<Template>,
    /// Hosts named by the templates, by `HostId`.
    pub hosts: Vec<Host>,
    pub settings: Settings,
    pub dns: Dns,
    /// Run tags of the user.
    pub tags: TagSet,
    pub workers: Option<u32>,
    pub transport: TransportChoice,
    pub spin: SpinChoice,
    /// Several requests per write.
    pub is_pipelined: bool,
    /// The targets are on this machine and need a CPU.
    pub target_is_local: bool,
}
