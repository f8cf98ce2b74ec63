//! What a run is to do: everything validated, serialized and decided, before the first packet.

use super::samples::SampleQueue;
use crate::metrics::TagSet;
use crate::metrics::registry::Registry;
use crate::options::dns::Dns;
use crate::options::engine::{SpinChoice, TransportChoice};
use crate::options::{HostRules, Scenario};
use crate::plan::split::Portion;
use crate::script::Template;
use crate::vu::Settings;
use crate::vu::hosts::Host;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Job {
    pub scenarios: Vec<Scenario>,
    /// This instance's part of them.
    pub portion: Portion,
    pub templates: Vec<Template>,
    /// Hosts named by the templates, by `HostId`.
    pub hosts: Vec<Host>,
    pub settings: Settings,
    pub dns: Dns,
    /// Which hosts lead elsewhere, or nowhere.
    pub host_rules: HostRules,
    /// Built-in metrics and those that a script declared.
    pub registry: Arc<Registry>,
    /// Run tags of the user.
    pub tags: TagSet,
    pub workers: Option<u32>,
    pub transport: TransportChoice,
    pub spin: SpinChoice,
    /// Several requests per write.
    pub is_pipelined: bool,
    /// Connections that a VU may have at once: 1 for a URL, more for scripts with `http.batch`.
    pub connections_per_vu: u32,
    /// Requests a second of all VUs together; redirects are not counted.
    pub rps: Option<u64>,
    /// For a search: the one scenario starts nothing on its own, but what messages say.
    pub controlled: Option<Controlled>,
    /// For a search: workers record what `metrics::Trials` counts (`Recorder::judge`).
    pub judges: bool,
    /// Every sample is wanted by somebody: workers trace what happens (`Recorder::trace`).
    pub samples: SampleQueue,
    /// The timeline is wanted after the run, not only its check of Little's law.
    pub keeps_timeline: bool,
    /// Group of all samples: empty, or `::setup` and `::teardown` there.
    pub group: String,
    /// The targets are on this machine and need a CPU.
    pub target_is_local: bool,
}

/// How a search drives its scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controlled {
    /// VUs over all workers, made before the beginning.
    pub vus: u64,
    /// Starts come at random (a Poisson process), not evenly.
    pub at_random: bool,
}
