//! The built-in target, as a server that now and then ends a connection it had promised to keep:
//! an idle timeout, a restart.

use ringload::metrics::served::Served;
use ringload::options::BehaviourOptions;
use ringload::target::{Behaviour, TargetResponder};
use ringload::time::Instant;
use ringload::tls::Server;
use ringload::transport::sim::{Admission, LinkId, Random, Reply, Responder};

#[derive(Clone, Copy, Debug)]
pub struct FarEnd {
    pub behaviour: BehaviourOptions,
    /// Per million of readings: after its answers the connection ends.
    pub ends_ppm: u32,
    /// So long after them, at most.
    pub ends_after_ns: u64,
}

pub struct Restless {
    target: TargetResponder,
    far_end: FarEnd,
    random: Random,
}

impl Restless {
    pub fn new(far_end: FarEnd, tls: Option<Server>, seed: u64) -> Restless {
        let target = TargetResponder::with_tls(Behaviour::new(far_end.behaviour, seed), tls);
        Restless { target, far_end, random: Random::new(seed ^ 0x656e_6473) }
    }

    pub fn served(&self) -> &Served {
        self.target.served()
    }
}

impl Responder for Restless {
    fn on_connect(&mut self, link: LinkId, now: Instant) -> Admission {
        self.target.on_connect(link, now)
    }

    fn on_bytes(&mut self, link: LinkId, now: Instant, bytes: &[u8], out: &mut Vec<(u64, Reply)>) {
        self.target.on_bytes(link, now, bytes, out);
        let last_ns = out.iter().map(|(delay_ns, _)| *delay_ns).max();
        if let Some(last_ns) = last_ns
            && self.random.happens(self.far_end.ends_ppm)
        {
            let later_ns = self.random.below(self.far_end.ends_after_ns + 1);
            let end = if self.random.below(4) == 0 { Reply::Reset } else { Reply::Close };
            out.push((last_ns + later_ns, end));
        }
    }

    fn on_close(&mut self, link: LinkId, now: Instant) {
        self.target.on_close(link, now);
    }
}
