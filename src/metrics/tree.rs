//! The tree of groups, and the checks in it.
//!
//! Groups and checks stand in the order in which their first samples were absorbed. Workers hand
//! over every tick, so between two workers that order is good to a tick.

use super::summary::{Check, Group};
use super::totals::{Place, Totals};

impl Totals {
    /// All groups and checks of the run. k6 leaves out what `setup` and `teardown` did outside of
    /// checks.
    pub fn root_group(&self) -> Group {
        let shown = self.appeared.iter().filter(|&&place| {
            matches!(place, Place::Check(_)) || !is_of_setup_or_teardown(self.group_of(place).1)
        });
        let mut root = tree(shown.map(|&place| self.group_of(place).1));
        for leaf in self.checks_with(&[]) {
            let group = descend(&mut root, &leaf.tags.group);
            add_check(&mut group.checks, &group.path, &leaf.tags.name, leaf.passes, leaf.fails);
        }
        root
    }

    /// The groups of one scenario, without checks.
    pub(super) fn groups_of(&self, scenario: &str) -> Group {
        let places = self.appeared.iter().map(|&place| self.group_of(place));
        tree(places.filter(|(of, _)| *of == scenario).map(|(_, group)| group))
    }

    /// The checks with these tags; same-named ones of different groups are one.
    pub(super) fn checks(&self, tags: &[(&str, &str)]) -> Vec<Check> {
        let mut checks = Vec::new();
        for leaf in self.checks_with(tags) {
            add_check(&mut checks, &leaf.tags.group, &leaf.tags.name, leaf.passes, leaf.fails);
        }
        checks
    }

    /// Sorted by name, without the nameless (setup and teardown).
    pub(super) fn scenario_names(&self) -> Vec<&str> {
        let scenarios = self.appeared.iter().map(|&place| self.group_of(place).0);
        let mut names: Vec<&str> = scenarios.filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Scenario and group of a leaf.
    fn group_of(&self, place: Place) -> (&str, &str) {
        let (scenario, group) = match place {
            Place::Exchange(at) => (&self.exchanges[at].tags.scenario, &self.exchanges[at].tags.group),
            Place::Function(at) => (&self.functions[at].tags.scenario, &self.functions[at].tags.group),
            Place::Check(at) => (&self.checks[at].tags.scenario, &self.checks[at].tags.group),
            Place::Group(at) => (&self.groups[at].tags.scenario, &self.groups[at].tags.group),
            Place::Custom(at) => (&self.customs[at].tags.scenario, &self.customs[at].tags.group),
        };
        (scenario, group)
    }
}

fn is_of_setup_or_teardown(path: &str) -> bool {
    matches!(path.split("::").nth(1), Some("setup" | "teardown"))
}

fn tree<'a>(paths: impl Iterator<Item = &'a str>) -> Group {
    let mut root = Group::default();
    for path in paths {
        descend(&mut root, path);
    }
    root
}

/// The group at a path, made on the way down if there is none.
fn descend<'a>(root: &'a mut Group, path: &str) -> &'a mut Group {
    path.split("::").skip(1).fold(root, |parent, name| {
        let at = parent.groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
            let path = format!("{}::{name}", parent.path);
            parent.groups.push(Group { name: name.to_owned(), path, ..Group::default() });
            parent.groups.len() - 1
        });
        &mut parent.groups[at]
    })
}

fn add_check(checks: &mut Vec<Check>, group: &str, name: &str, passes: u64, fails: u64) {
    match checks.iter_mut().find(|check| check.name == name) {
        Some(check) => {
            check.passes += passes;
            check.fails += fails;
        }
        None => {
            let path = format!("{group}::{name}");
            checks.push(Check { name: name.to_owned(), path, passes, fails });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{CheckTags, Recorder, RecorderBounds, SampleTags};

    /// Samples of a worker: `scenario group`, and for a check also `name outcome`.
    fn totals(workers: &[&[&str]]) -> Totals {
        let mut totals = Totals::new();
        for (worker, samples) in workers.iter().enumerate() {
            let mut recorder = Recorder::new(RecorderBounds { samples: 100, leaves: 100 });
            for sample in *samples {
                let words: Vec<String> = sample.split(' ').map(str::to_owned).collect();
                let [scenario, group] = [words[0].clone(), words[1].clone()];
                if let [_, _, name, outcome] = words.as_slice() {
                    let tags = CheckTags { scenario, group, name: name.clone(), ..CheckTags::default() };
                    let leaf = recorder.check_leaf(&tags);
                    recorder.record_check(leaf, outcome == "✓");
                } else {
                    let leaf = recorder.group_leaf(&SampleTags { scenario, group, ..SampleTags::default() });
                    recorder.record_group(leaf, 1);
                }
            }
            totals.absorb(worker, recorder.take_window(None));
        }
        totals
    }

    fn lines(group: &Group) -> Vec<String> {
        let checks = group.checks.iter().map(|check| {
            assert_eq!(check.path, format!("{}::{}", group.path, check.name));
            format!("{} {}/{}", check.path, check.passes, check.fails)
        });
        let own = std::iter::once(group.path.clone()).chain(checks);
        own.chain(group.groups.iter().flat_map(lines)).collect()
    }

    #[track_caller]
    fn check(workers: &[&[&str]], want: &[&str]) {
        assert_eq!(lines(&totals(workers).root_group()), want);
    }

    #[test]
    fn groups_and_checks_stand_in_order_of_appearance_and_add_up() {
        check(
            &[
                &["a ::z::y one ✓", "a ::z", "a ::b", "a  two ✗", "a ::z::y one ✗", "b ::z::y one ✓"],
                &["a ::b three ✓", "a ::z::y one ✓"],
            ],
            &["", "::two 0/1", "::z", "::z::y", "::z::y::one 3/1", "::b", "::b::three 1/0"],
        );
    }

    #[test]
    fn setup_and_teardown_are_there_only_with_checks() {
        check(&[&[" ::setup", " ::teardown::t", " ::setup::a"]], &[""]);
        check(&[&[" ::setup::a", " ::setup ready ✓", " ::teardown"]], &["", "::setup", "::setup::ready 1/0"]);
    }

    #[test]
    fn checks_of_a_choice_of_leaves_are_merged_by_name() {
        let totals = totals(&[&["a ::x one ✓", "a ::y two ✗", "a  one ✗", "b ::x one ✓", " ::setup one ✓"]]);
        let checks = |tags: &[(&str, &str)]| {
            let checks = totals.checks(tags);
            checks.iter().map(|c| format!("{} {}/{}", c.name, c.passes, c.fails)).collect::<Vec<_>>()
        };
        assert_eq!(checks(&[]), ["one 3/1", "two 0/1"]);
        assert_eq!(checks(&[("scenario", "a")]), ["one 1/1", "two 0/1"]);
        assert_eq!(checks(&[("scenario", "a"), ("group", "::x")]), ["one 1/0"]);
        assert_eq!(totals.scenario_names(), ["a", "b"]);
        assert_eq!(lines(&totals.groups_of("b")), ["", "::x"]);
    }
}
