//! Checks, groups and custom values of a VU on their way to its worker's recorder.
//!
//! A leaf is looked up by its tags once and then kept, for as long as the VU's tags stay the same.

use super::engine;
use super::exceptions;
use super::vu::Vu;
use crate::metrics::registry::MetricId;
use crate::metrics::{CheckTags, LeafId, Recorder, SampleTags, TagSet};
use rquickjs::{Coerced, Ctx, FromJs, Result, Value};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;

/// Names and groups kept; scripts with more look up more often.
const LEAVES_MAX: usize = 1_000;

/// What of a VU's tags decides about its leaves.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Setting {
    tags_version: u64,
    scenario: Option<u32>,
}

#[derive(Default)]
struct Leaves {
    setting: Setting,
    count: usize,
    checks: FxHashMap<Rc<str>, FxHashMap<String, LeafId>>,
    values: FxHashMap<Rc<str>, FxHashMap<MetricId, LeafId>>,
}

type VuLeaves = RefCell<Leaves>;

impl Leaves {
    fn keep_only(&mut self, vu: &Vu) {
        let scenario = vu.iteration().map(|iteration| iteration.scenario);
        let setting = Setting { tags_version: vu.tags_version(), scenario };
        if self.setting != setting || self.count >= LEAVES_MAX {
            *self = Leaves { setting, ..Leaves::default() };
        }
    }
}

/// One condition of a check.
pub fn record_check(ctx: &Ctx<'_>, name: &str, passed: bool, more: Option<&TagSet>) -> Result<()> {
    let vu = Vu::of(ctx);
    let group = vu.group();
    let make = |recorder: &mut Recorder| {
        recorder.check_leaf(&CheckTags {
            scenario: vu.scenario_name().to_owned(),
            group: group.to_string(),
            name: name.to_owned(),
            user: user_tags(vu, more),
        })
    };
    engine::with_context(ctx, |context| {
        let leaf = match more {
            Some(_) => make(context.recorder),
            None => {
                let leaves = vu.slot::<VuLeaves>();
                let mut leaves = leaves.borrow_mut();
                leaves.keep_only(vu);
                match leaves.checks.get(&group).and_then(|names| names.get(name)) {
                    Some(leaf) => *leaf,
                    None => {
                        let leaf = make(context.recorder);
                        leaves.count += 1;
                        leaves.checks.entry(group.clone()).or_default().insert(name.to_owned(), leaf);
                        leaf
                    }
                }
            }
        };
        context.recorder.record_check(leaf, passed);
    })
}

/// A value that a script adds to a metric.
pub fn record_value(ctx: &Ctx<'_>, metric: MetricId, value: f64, more: Option<&TagSet>) -> Result<()> {
    let vu = Vu::of(ctx);
    let group = vu.group();
    let make = |recorder: &mut Recorder| recorder.custom_leaf(metric, &sample_tags(vu, &group, more));
    engine::with_context(ctx, |context| {
        let leaf = match more {
            Some(_) => make(context.recorder),
            None => {
                let leaves = vu.slot::<VuLeaves>();
                let mut leaves = leaves.borrow_mut();
                leaves.keep_only(vu);
                match leaves.values.get(&group).and_then(|metrics| metrics.get(&metric)) {
                    Some(leaf) => *leaf,
                    None => {
                        let leaf = make(context.recorder);
                        leaves.count += 1;
                        leaves.values.entry(group.clone()).or_default().insert(metric, leaf);
                        leaf
                    }
                }
            }
        };
        context.recorder.record_custom(leaf, value);
    })
}

/// The group that the VU is in has ended.
pub fn record_group(ctx: &Ctx<'_>, duration_ns: u64) -> Result<()> {
    let vu = Vu::of(ctx);
    engine::with_context(ctx, |context| {
        let leaf = context.recorder.group_leaf(&sample_tags(vu, &vu.group(), None));
        context.recorder.record_group(leaf, duration_ns);
    })
}

fn sample_tags(vu: &Vu, group: &str, more: Option<&TagSet>) -> SampleTags {
    SampleTags { scenario: vu.scenario_name().to_owned(), group: group.to_owned(), user: user_tags(vu, more) }
}

fn user_tags(vu: &Vu, more: Option<&TagSet>) -> TagSet {
    let mut tags = vu.tags().clone();
    tags.extend(more.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
    tags
}

/// Tags that a script gives with a sample; `None` if it gives none.
pub fn tags_given<'js>(ctx: &Ctx<'js>, value: Option<&Value<'js>>) -> Result<Option<TagSet>> {
    let Some(object) = value.and_then(Value::as_object) else { return Ok(None) };
    let mut tags = TagSet::new();
    for entry in object.props::<String, Value>() {
        let (name, value) = entry?;
        tags.insert(name.clone(), tag_value(ctx, &name, value)?);
    }
    Ok(Some(tags))
}

/// k6 takes texts, numbers and booleans for tags.
pub fn tag_value<'js>(ctx: &Ctx<'js>, name: &str, value: Value<'js>) -> Result<String> {
    if value.is_string() || value.is_number() || value.is_bool() {
        return Ok(Coerced::<String>::from_js(ctx, value)?.0);
    }
    Err(exceptions::throw(
        ctx,
        &format!(
            "invalid value for metric tag '{name}': only String, Boolean and Number types are accepted as a metric \
             tag values"
        ),
    ))
}
