//! Precedence: what several sources said becomes what is asked for.
//!
//! A layer holds what one source said and nothing else; `None` is silence. From lowest to highest:
//! defaults, environment, flags (k6 has a config file and the script below the environment; they
//! become layers here too). Keys are independent of each other but for the block of `Execution`.

use super::dns::DnsText;
use super::engine::{SpinChoice, TransportChoice};
use super::execution::Execution;
use super::local_ips::LocalIps;
use super::request::Body;
use super::summary::{SummaryMode, TimeUnit};
use super::trend_stat::TrendStat;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What one source said about a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    pub execution: Execution,

    pub method: Option<String>,
    pub headers: Option<Vec<(String, String)>>,
    pub body: Option<Body>,
    /// Empty: send no User-Agent at all.
    pub user_agent: Option<String>,
    pub timeout: Option<Duration>,
    pub discard_response_bodies: Option<bool>,

    pub pipeline: Option<u32>,
    pub no_connection_reuse: Option<bool>,
    pub local_ips: Option<LocalIps>,
    pub dns: DnsText,
    pub workers: Option<u32>,
    pub transport: Option<TransportChoice>,
    pub spin: Option<SpinChoice>,

    pub tags: Option<BTreeMap<String, String>>,
    pub quiet: Option<bool>,
    pub no_color: Option<bool>,
    pub verbose: Option<bool>,
    pub summary_mode: Option<SummaryMode>,
    pub no_summary: Option<bool>,
    pub summary_export: Option<PathBuf>,
    pub trend_stats: Option<Vec<TrendStat>>,
    pub time_unit: Option<TimeUnit>,
}

impl Layer {
    /// This layer where it speaks, `lower` where it is silent.
    pub fn over(self, lower: Layer) -> Layer {
        Layer {
            execution: self.execution.over(lower.execution),
            method: self.method.or(lower.method),
            // Replaced whole, like tags: a half-overridden list would surprise more.
            headers: self.headers.or(lower.headers),
            body: self.body.or(lower.body),
            user_agent: self.user_agent.or(lower.user_agent),
            timeout: self.timeout.or(lower.timeout),
            discard_response_bodies: self.discard_response_bodies.or(lower.discard_response_bodies),
            pipeline: self.pipeline.or(lower.pipeline),
            no_connection_reuse: self.no_connection_reuse.or(lower.no_connection_reuse),
            local_ips: self.local_ips.or(lower.local_ips),
            dns: self.dns.over(lower.dns),
            workers: self.workers.or(lower.workers),
            transport: self.transport.or(lower.transport),
            spin: self.spin.or(lower.spin),
            tags: self.tags.or(lower.tags),
            quiet: self.quiet.or(lower.quiet),
            no_color: self.no_color.or(lower.no_color),
            verbose: self.verbose.or(lower.verbose),
            summary_mode: self.summary_mode.or(lower.summary_mode),
            no_summary: self.no_summary.or(lower.no_summary),
            summary_export: self.summary_export.or(lower.summary_export),
            trend_stats: self.trend_stats.or(lower.trend_stats),
            time_unit: self.time_unit.or(lower.time_unit),
        }
    }
}

/// Lays all layers over each other; the first is the lowest.
pub fn consolidate(lowest_first: impl IntoIterator<Item = Layer>) -> Layer {
    lowest_first.into_iter().fold(Layer::default(), |lower, layer| layer.over(lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_layer_lets_the_lower_one_speak() {
        let env = Layer { quiet: Some(true), pipeline: Some(4), ..Layer::default() };
        let flags = Layer { quiet: Some(false), ..Layer::default() };
        let got = consolidate([env, flags]);
        assert_eq!((got.quiet, got.pipeline, got.workers), (Some(false), Some(4), None));
    }

    #[test]
    fn tags_are_replaced_whole_and_dns_key_by_key() {
        let tags = |name: &str| Some(BTreeMap::from([(name.to_owned(), "x".to_owned())]));
        let dns = |text| DnsText::parse(text).unwrap();
        let env = Layer { tags: tags("a"), dns: dns("ttl=0,select=first"), ..Layer::default() };
        let flags = Layer { tags: tags("b"), dns: dns("select=random,policy=any"), ..Layer::default() };
        let got = consolidate([env, flags]);
        assert_eq!(got.tags, tags("b"));
        assert_eq!(got.dns, dns("ttl=0,select=random,policy=any"));
    }
}
