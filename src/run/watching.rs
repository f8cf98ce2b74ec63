//! Watches a run for its diagnosis: a reading at the beginning, one each second, one at the end.

use super::evidence::{Collector, Reading, Setting};
use crate::diagnosis::{Diagnosis, Evidence, Second};
use crate::metrics::Totals;
use crate::time::Instant;
use crate::worker::Report;

pub struct Watching {
    collector: Collector,
    begin: Reading,
    before: Reading,
    /// VUs at work after the first second.
    in_flight: Option<u64>,
    /// The second that did most harm, with how much.
    worst: Option<(f64, Second)>,
}

impl Watching {
    /// The scenarios begin now; no worker has reported.
    pub fn begin(setting: Setting, now: Instant, totals: &Totals) -> Watching {
        let mut collector = Collector::new(setting, now, totals);
        let begin = collector.read(now, totals, std::iter::empty());
        Watching { collector, before: begin.clone(), begin, in_flight: None, worst: None }
    }

    pub fn on_report(&mut self, report: &Report, totals: &Totals) {
        self.collector.on_report(report, totals);
    }

    pub fn on_second<'a>(
        &mut self,
        now: Instant,
        totals: &Totals,
        reports: impl Iterator<Item = &'a Report>,
    ) {
        let reading = self.collector.read(now, totals, reports);
        self.in_flight.get_or_insert(reading.in_flight());
        let evidence = self.collector.between(&self.before, &reading);
        let harm = evidence.harm();
        if self.worst.as_ref().is_none_or(|(worst, _)| harm > *worst) {
            let (from_ns, to_ns) = (self.before.at.since(self.begin.at), now.since(self.begin.at));
            self.worst = Some((harm, Second { from_ns, to_ns, evidence }));
        }
        self.before = reading;
    }

    /// A moment, for a span of the caller's own.
    pub fn read<'a>(
        &mut self,
        now: Instant,
        totals: &Totals,
        reports: impl Iterator<Item = &'a Report>,
    ) -> Reading {
        self.collector.read(now, totals, reports)
    }

    pub fn between(&self, a: &Reading, b: &Reading) -> Evidence {
        self.collector.between(a, b)
    }

    pub fn conclude<'a>(
        mut self,
        now: Instant,
        totals: &Totals,
        reports: impl Iterator<Item = &'a Report>,
    ) -> Diagnosis {
        let end = self.collector.read(now, totals, reports);
        let mut whole = self.collector.between(&self.begin, &end);
        // Nothing is under way before the beginning and after the end.
        whole.load.in_flight_to = self.before.in_flight();
        whole.load.in_flight_from = self.in_flight.unwrap_or(0);
        Diagnosis::of(whole, self.worst.map(|(_, second)| second))
    }
}
