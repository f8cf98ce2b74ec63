//! k6's NDJSON: a `Metric` line before the first `Point` of each metric.

use super::{About, SubMetric};
use crate::metrics::TagSet;
use crate::options::ThresholdSpec;
use crate::output::number;
use serde_json::{Map, Value, json};

pub struct Json;

impl Json {
    /// Keys sorted.
    pub fn tags(&self, tags: &TagSet) -> String {
        let tags: Map<String, Value> =
            tags.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        Value::from(tags).to_string()
    }

    pub fn metric(&self, out: &mut String, about: &About) {
        let definition = &about.definition;
        let sub_metrics = match about.sub_metrics.as_slice() {
            [] => Value::Null,
            list => list.iter().map(sub_metric).collect(),
        };
        let line = json!({
            "type": "Metric",
            "data": {
                "name": definition.name,
                "type": definition.kind.name(),
                "contains": definition.contains.name(),
                "thresholds": about.thresholds.iter().map(threshold).collect::<Vec<_>>(),
                "submetrics": sub_metrics,
            },
            "metric": definition.name,
        });
        out.push_str(&line.to_string());
        out.push('\n');
    }

    /// What every point of this metric begins with.
    pub fn head(&self, metric: &str) -> String {
        format!("{{\"metric\":{},\"type\":\"Point\",\"data\":{{\"time\":\"", Value::from(metric))
    }

    pub fn point(&self, out: &mut String, head: &str, time: &str, value: f64, tags: &str) {
        out.push_str(head);
        out.push_str(time);
        out.push_str("\",\"value\":");
        out.push_str(&number::javascript(value));
        out.push_str(",\"tags\":");
        out.push_str(tags);
        out.push_str("}}\n");
    }
}

fn sub_metric(sub_metric: &SubMetric) -> Value {
    let suffix = sub_metric.name.split_once('{').map_or("", |(_, rest)| rest.trim_end_matches('}'));
    let tags: Map<String, Value> =
        sub_metric.tags.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    json!({ "name": sub_metric.name, "suffix": suffix, "tags": tags })
}

/// Its text alone, unless it may end the test.
fn threshold(spec: &ThresholdSpec) -> Value {
    if !spec.abort_on_fail {
        return spec.source.as_str().into();
    }
    json!({
        "threshold": spec.source,
        "abortOnFail": true,
        "delayAbortEval": spec.delay_abort_eval.map(number::go_duration),
    })
}
