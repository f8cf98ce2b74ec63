//! One VU as its natives see it: who it is, what runs, and what modules keep for it.

use super::engine;
use super::event_loop::EventLoop;
use super::test_run::{RunSettings, TestRun};
use crate::metrics::TagSet;
use crate::options::Scenario;
use crate::script::Iteration;
use rquickjs::{Ctx, Function, Object, Persistent, Result, Value};
use std::any::{Any, TypeId};
use std::cell::{Cell, OnceCell, Ref, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Which of the script's functions runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Module scope.
    Init,
    Setup,
    Iteration,
    Teardown,
    Summary,
}

impl Stage {
    /// k6's root group of what setup and teardown measure.
    fn root_group(self) -> &'static str {
        match self {
            Stage::Setup => "::setup",
            Stage::Teardown => "::teardown",
            Stage::Init | Stage::Iteration | Stage::Summary => "",
        }
    }
}

/// The host of a VM. Values of JavaScript in it are freed with it, before the VM.
pub struct Vu {
    pub test: Arc<TestRun>,
    /// `__VU`; 0 for setup, teardown, the summary and the first run of module scope.
    pub id: u64,
    /// Over all instances of the test; the same without execution segments.
    pub id_in_test: Cell<u64>,
    pub events: EventLoop,
    stage: Cell<Stage>,
    iteration: Cell<Option<Iteration>>,
    /// Functions run so far: tells one iteration of this VU from another.
    serial: Cell<u64>,
    /// Iterations of this VU so far, in all and by scenario.
    in_instance: Cell<u64>,
    in_scenario: RefCell<Vec<u64>>,
    group: RefCell<Rc<str>>,
    tags: RefCell<TagSet>,
    /// Changes with `tags`.
    tags_version: Cell<u64>,
    scenario_changed: Cell<bool>,
    /// What the main module exports.
    exports: OnceCell<Persistent<Object<'static>>>,
    functions: RefCell<HashMap<String, Persistent<Function<'static>>>>,
    setup_data: RefCell<Option<Persistent<Value<'static>>>>,
    builtins: RefCell<HashMap<&'static str, Persistent<Value<'static>>>>,
    required: RefCell<HashMap<String, Persistent<Object<'static>>>>,
    slots: RefCell<HashMap<TypeId, Rc<dyn Any>>>,
}

impl Vu {
    pub(super) fn new(test: Arc<TestRun>, id: u64) -> Vu {
        Vu {
            test,
            id,
            id_in_test: Cell::new(id),
            events: EventLoop::default(),
            stage: Cell::new(Stage::Init),
            iteration: Cell::new(None),
            serial: Cell::new(0),
            in_instance: Cell::new(0),
            in_scenario: RefCell::default(),
            group: RefCell::new(Rc::from("")),
            tags: RefCell::default(),
            tags_version: Cell::new(0),
            scenario_changed: Cell::new(true),
            exports: OnceCell::new(),
            functions: RefCell::default(),
            setup_data: RefCell::default(),
            builtins: RefCell::default(),
            required: RefCell::default(),
            slots: RefCell::default(),
        }
    }

    /// The VU whose native asks.
    pub fn of<'a>(ctx: &'a Ctx<'_>) -> &'a Vu {
        engine::host(ctx)
    }

    pub fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// `None` in module scope of the first VU.
    pub fn settings(&self) -> Option<&RunSettings> {
        self.test.settings()
    }

    /// The iteration under way; `None` outside of iterations.
    pub fn iteration(&self) -> Option<Iteration> {
        self.iteration.get()
    }

    pub fn scenario(&self) -> Option<&Scenario> {
        let place = self.iteration.get()?.scenario;
        self.settings()?.scenarios.get(place as usize)
    }

    /// The tag `scenario`; empty outside of iterations.
    pub fn scenario_name(&self) -> &str {
        self.scenario().map_or("", |scenario| &scenario.name)
    }

    /// Changes with every run of one of the script's functions.
    pub fn serial(&self) -> u64 {
        self.serial.get()
    }

    /// Iterations that this VU began before the one under way, in all.
    pub fn iteration_in_instance(&self) -> u64 {
        self.in_instance.get().saturating_sub(1)
    }

    /// The same of its scenario.
    pub fn iteration_in_scenario(&self) -> u64 {
        let place = self.iteration.get().map_or(0, |iteration| iteration.scenario as usize);
        self.in_scenario.borrow().get(place).map_or(0, |begun| begun.saturating_sub(1))
    }

    /// The tag `group`: `""` at the root, `::a::b` nested.
    pub fn group(&self) -> Rc<str> {
        self.group.borrow().clone()
    }

    /// Enters a group or goes back to one; gives the one it was in.
    pub fn set_group(&self, group: Rc<str>) -> Rc<str> {
        self.group.replace(group)
    }

    /// Run, scenario and VU tags of samples made now.
    pub fn tags(&self) -> Ref<'_, TagSet> {
        self.tags.borrow()
    }

    /// Tells one state of `tags` from another.
    pub fn tags_version(&self) -> u64 {
        self.tags_version.get()
    }

    pub fn set_tag(&self, name: String, value: String) {
        self.tags.borrow_mut().insert(name, value);
        self.tags_version.set(self.tags_version.get() + 1);
    }

    pub fn remove_tag(&self, name: &str) {
        self.tags.borrow_mut().remove(name);
        self.tags_version.set(self.tags_version.get() + 1);
    }

    /// What a built-in module keeps for this VU, made when first asked for.
    pub fn slot<T: Default + 'static>(&self) -> Rc<T> {
        let mut slots = self.slots.borrow_mut();
        let slot = slots.entry(TypeId::of::<T>()).or_insert_with(|| Rc::new(T::default())).clone();
        slot.downcast().expect("a slot is of the type it is named by")
    }

    /// A function of the script begins.
    pub(super) fn begin(&self, stage: Stage, iteration: Option<Iteration>) {
        let last = self.iteration.replace(iteration).map(|iteration| iteration.scenario);
        self.stage.set(stage);
        self.serial.set(self.serial.get() + 1);
        self.events.clear();
        if **self.group.borrow() != *stage.root_group() {
            self.group.replace(Rc::from(stage.root_group()));
        }
        if let Some(iteration) = iteration {
            self.in_instance.set(self.in_instance.get() + 1);
            let mut in_scenario = self.in_scenario.borrow_mut();
            let place = iteration.scenario as usize;
            if in_scenario.len() <= place {
                in_scenario.resize(place + 1, 0);
            }
            in_scenario[place] += 1;
        }
        // Tags that the script set last for as long as the VU works for the same scenario.
        let scenario = iteration.map(|iteration| iteration.scenario);
        self.scenario_changed.set(self.serial.get() == 1 || last != scenario);
        if self.scenario_changed.get() {
            let mut tags = self.settings().map(|run| run.tags.clone()).unwrap_or_default();
            if let Some(scenario) = self.scenario() {
                tags.extend(scenario.tags.clone());
            }
            self.tags.replace(tags);
            self.tags_version.set(self.tags_version.get() + 1);
        }
    }

    /// Whether the scenario is another than that of the iteration before.
    pub(super) fn scenario_changed(&self) -> bool {
        self.scenario_changed.get()
    }

    pub(super) fn set_exports<'js>(&self, ctx: &Ctx<'js>, exports: Object<'js>) {
        assert!(self.exports.set(Persistent::save(ctx, exports)).is_ok(), "module scope runs once");
    }

    pub(super) fn exports<'js>(&self, ctx: &Ctx<'js>) -> Result<Object<'js>> {
        self.exports.get().cloned().expect("module scope has run").restore(ctx)
    }

    /// The exported function of this name, if there is one.
    pub(super) fn function<'js>(&self, ctx: &Ctx<'js>, name: &str) -> Result<Option<Function<'js>>> {
        if let Some(function) = self.functions.borrow().get(name) {
            return function.clone().restore(ctx).map(Some);
        }
        let function = self.exports(ctx)?.get::<_, Value>(name)?.into_function();
        if let Some(function) = &function {
            let kept = Persistent::save(ctx, function.clone());
            self.functions.borrow_mut().insert(name.to_owned(), kept);
        }
        Ok(function)
    }

    /// This VU's own copy of what setup returned.
    pub(super) fn setup_data<'js>(&self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        if let Some(data) = &*self.setup_data.borrow() {
            return data.clone().restore(ctx);
        }
        let data = match self.test.setup_data() {
            Some(json) => ctx.json_parse(json)?,
            None => Value::new_undefined(ctx.clone()),
        };
        self.setup_data.replace(Some(Persistent::save(ctx, data.clone())));
        Ok(data)
    }

    /// The exports of a built-in module, made once per VU.
    pub(super) fn builtin<'js>(
        &self,
        ctx: &Ctx<'js>,
        name: &'static str,
        make: impl FnOnce(&Ctx<'js>) -> Result<Value<'js>>,
    ) -> Result<Value<'js>> {
        if let Some(known) = self.builtins.borrow().get(name) {
            return known.clone().restore(ctx);
        }
        let made = make(ctx)?;
        self.builtins.borrow_mut().insert(name, Persistent::save(ctx, made.clone()));
        Ok(made)
    }

    /// The `module` object of a CommonJS module that ran or is running.
    pub(super) fn required<'js>(&self, ctx: &Ctx<'js>, url: &str) -> Result<Option<Object<'js>>> {
        self.required.borrow().get(url).map(|module| module.clone().restore(ctx)).transpose()
    }

    pub(super) fn set_required<'js>(&self, ctx: &Ctx<'js>, url: &str, module: Object<'js>) {
        self.required.borrow_mut().insert(url.to_owned(), Persistent::save(ctx, module));
    }
}
