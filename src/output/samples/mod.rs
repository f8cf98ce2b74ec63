//! Every sample of a run as text, in k6's two forms: `json` (an object a line) and `csv`.
//!
//! Traces in, bytes out, on the thread of whoever writes them: what is the same for many samples
//! (names, tags, the time) is rendered once. Gauges of VUs carry the run's tags alone, as in k6.

mod csv;
mod json;
mod stamp;

use crate::metrics::registry::Registry;
use crate::metrics::threshold::Thresholds;
use crate::metrics::traces::samples_of;
use crate::metrics::{Builtin, MetricDefinition, MetricId, TagSet, Trace, TracedLeaf};
use crate::options::ThresholdSpec;
use crate::options::outputs::CsvTimeFormat;
use crate::time::Instant;
use csv::Csv;
use json::Json;
use stamp::Stamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a metric is, and what is demanded of it.
#[derive(Clone, Debug)]
struct About {
    definition: MetricDefinition,
    thresholds: Vec<ThresholdSpec>,
    sub_metrics: Vec<SubMetric>,
}

#[derive(Clone, Debug)]
struct SubMetric {
    /// With its braces.
    name: String,
    tags: Vec<(String, String)>,
}

/// One of the two forms, and what it has rendered already.
enum Form {
    Json(Json),
    Csv(Csv),
}

pub struct SampleText {
    form: Form,
    registry: Arc<Registry>,
    demanded: BTreeMap<MetricId, (Vec<ThresholdSpec>, Vec<SubMetric>)>,
    /// By metric: whether it came before.
    seen: BTreeMap<MetricId, String>,
    /// For each worker its leaves, their tags rendered.
    workers: Vec<Vec<Leaf>>,
    run_tags: String,
    stamp: Stamp,
}

struct Leaf {
    traced: TracedLeaf,
    text: String,
}

impl SampleText {
    /// An object a line.
    pub fn json(registry: Arc<Registry>, thresholds: &Thresholds, run_tags: &TagSet) -> SampleText {
        SampleText::new(Form::Json(Json), Stamp::rfc3339_nano(), registry, thresholds, run_tags)
    }

    /// A row a sample.
    pub fn csv(registry: Arc<Registry>, run_tags: &TagSet, time: CsvTimeFormat) -> SampleText {
        SampleText::new(Form::Csv(Csv), Stamp::of(time), registry, &Thresholds::default(), run_tags)
    }

    fn new(
        form: Form,
        stamp: Stamp,
        registry: Arc<Registry>,
        thresholds: &Thresholds,
        run_tags: &TagSet,
    ) -> SampleText {
        let run_tags = form.tags(run_tags);
        let (demanded, seen) = (demanded(thresholds), BTreeMap::new());
        SampleText { form, registry, demanded, seen, workers: Vec::new(), run_tags, stamp }
    }

    /// What stands above everything.
    pub fn header(&self) -> String {
        match &self.form {
            Form::Json(_) => String::new(),
            Form::Csv(csv) => csv.header(),
        }
    }

    /// Before the first sample: when the clock of the samples' times stood at 0, since the Unix
    /// epoch, and the local zone.
    pub fn set_clock(&mut self, zero_unix_ns: u64, offset_seconds: i32) {
        self.stamp.set_clock(zero_unix_ns, offset_seconds);
    }

    /// Leaves that a worker made since those before, in their order.
    pub fn add_leaves(&mut self, worker: usize, new_leaves: &[TracedLeaf]) {
        if self.workers.len() <= worker {
            self.workers.resize_with(worker + 1, Vec::new);
        }
        for leaf in new_leaves {
            let text = self.form.tags(&leaf.tags);
            self.workers[worker].push(Leaf { traced: leaf.clone(), text });
        }
    }

    /// What a worker traced, under leaves that were added.
    pub fn write_traces(&mut self, out: &mut String, worker: usize, traces: &[Trace]) {
        let leaves = std::mem::take(&mut self.workers[worker]);
        for trace in traces {
            let leaf = &leaves[trace.leaf.0 as usize];
            samples_of(trace, &leaf.traced, |metric, value| {
                self.write_sample(out, metric, trace.at, value, &leaf.text);
            });
        }
        self.workers[worker] = leaves;
    }

    /// The gauges of VUs.
    pub fn write_vus(&mut self, out: &mut String, at: Instant, active: u64, initialized: u64) {
        let tags = std::mem::take(&mut self.run_tags);
        self.write_sample(out, Builtin::Vus.into(), at, active as f64, &tags);
        self.write_sample(out, Builtin::VusMax.into(), at, initialized as f64, &tags);
        self.run_tags = tags;
    }

    fn write_sample(&mut self, out: &mut String, metric: MetricId, at: Instant, value: f64, tags: &str) {
        if !self.seen.contains_key(&metric) {
            self.introduce(out, metric);
        }
        let head = &self.seen[&metric];
        let time = self.stamp.text(at);
        match &self.form {
            Form::Json(json) => json.point(out, head, time, value, tags),
            Form::Csv(csv) => csv.row(out, head, time, value, tags),
        }
    }

    /// The first sample of a metric follows.
    fn introduce(&mut self, out: &mut String, metric: MetricId) {
        let (thresholds, sub_metrics) = self.demanded.get(&metric).cloned().unwrap_or_default();
        let about = About { definition: self.registry.definition(metric), thresholds, sub_metrics };
        let head = match &self.form {
            Form::Json(json) => {
                json.metric(out, &about);
                json.head(&about.definition.name)
            }
            Form::Csv(_) => about.definition.name,
        };
        self.seen.insert(metric, head);
    }
}

impl Form {
    fn tags(&self, tags: &TagSet) -> String {
        match self {
            Form::Json(json) => json.tags(tags),
            Form::Csv(csv) => csv.tags(tags),
        }
    }
}

/// By metric; k6 always has a sub-metric of the expected responses' durations.
fn demanded(thresholds: &Thresholds) -> BTreeMap<MetricId, (Vec<ThresholdSpec>, Vec<SubMetric>)> {
    let mut demanded: BTreeMap<MetricId, (Vec<ThresholdSpec>, Vec<SubMetric>)> = BTreeMap::new();
    for (selector, specs) in thresholds.demanded() {
        let (all, sub_metrics) = demanded.entry(selector.metric).or_default();
        match selector.is_sub_metric() {
            true => {
                sub_metrics.push(SubMetric { name: selector.name.clone(), tags: selector.tags.clone() });
            }
            false => all.extend(specs),
        }
    }
    let expected = ("expected_response".to_owned(), "true".to_owned());
    let (_, sub_metrics) = demanded.entry(Builtin::HttpReqDuration.into()).or_default();
    if !sub_metrics.iter().any(|sub| sub.tags == [expected.clone()]) {
        let name = "http_req_duration{expected_response:true}".to_owned();
        sub_metrics.push(SubMetric { name, tags: vec![expected] });
    }
    demanded
}

#[cfg(test)]
mod tests;
