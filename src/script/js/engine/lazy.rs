//! Objects whose fields are made when a script first reads them.
//!
//! A response has twenty fields and most scripts read one. To QuickJS these are "exotic" objects:
//! it asks for what it does not find, and so `Object.keys`, `JSON.stringify` and assignment see
//! ordinary fields, in order.
//!
//! Invariants
//! L1. QuickJS frees the value it passes to `set_property` after the call, but the binding (rquickjs
//!     0.12) hands it to us as if it were ours. One reference is added before ours is dropped.

use rquickjs::class::{ClassKind, JsCell, JsClass, PropertyDescriptor, PropertyName, Readable};
use rquickjs::class::{Trace, Tracer};
use rquickjs::function::Constructor;
use rquickjs::object::Property;
use rquickjs::{Atom, Class, Ctx, JsLifetime, Object, Result, Value, qjs};
use std::cell::RefCell;
use std::marker::PhantomData;

/// A Rust value with fields for scripts.
pub trait LazyFields: 'static {
    const NAME: &'static str;
    /// In the order in which scripts see them.
    const FIELDS: &'static [&'static str];

    /// The value of a field, by its place; objects and strings are made once.
    fn make<'js>(&self, ctx: &Ctx<'js>, field: usize) -> Result<Value<'js>>;

    /// Fields that are the same for all objects of a VM, such as methods; seen after `FIELDS`.
    fn shared<'js>(ctx: &Ctx<'js>) -> Result<Vec<(&'static str, Value<'js>)>>;
}

/// The object behind which a `T` is. `T` must not hold values of JavaScript.
pub struct Lazy<'js, T> {
    value: T,
    /// What was made or assigned, by field; `None`: deleted.
    slots: RefCell<Vec<(usize, Option<Value<'js>>)>>,
}

/// What the objects of one class share in a VM.
struct Table<'js, T> {
    names: Vec<Atom<'js>>,
    shared: Vec<Value<'js>>,
    prototype: Object<'js>,
    class: PhantomData<T>,
}

// SAFETY: 'js is the lifetime of the values in `slots`, and `T: 'static` has none.
unsafe impl<'js, T: 'static> JsLifetime<'js> for Lazy<'js, T> {
    type Changed<'to> = Lazy<'to, T>;
}

// SAFETY: as above, of the atoms and values.
unsafe impl<'js, T: 'static> JsLifetime<'js> for Table<'js, T> {
    type Changed<'to> = Table<'to, T>;
}

impl<'js, T> Trace<'js> for Lazy<'js, T> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        if let Ok(slots) = self.slots.try_borrow() {
            slots.iter().for_each(|(_, value)| value.trace(tracer));
        }
    }
}

impl<'js, T: LazyFields> Lazy<'js, T> {
    /// Prepares a VM for objects of this class; before the first of them.
    pub fn register(ctx: &Ctx<'js>) -> Result<()> {
        if ctx.userdata::<Table<'js, T>>().is_some() {
            return Ok(());
        }
        let shared = T::shared(ctx)?;
        let names = T::FIELDS.iter().chain(shared.iter().map(|(name, _)| name));
        let names = names.map(|name| Atom::from_str(ctx.clone(), name)).collect::<Result<_>>()?;
        let shared = shared.into_iter().map(|(_, value)| value).collect();
        let prototype = Class::<Lazy<'js, T>>::prototype(ctx)?.expect("this class has a prototype");
        let table = Table { names, shared, prototype, class: PhantomData::<T> };
        // It fails only while a table is in use, and none is: scripts have no such object yet.
        let stored = ctx.store_userdata(table);
        assert!(stored.is_ok(), "a class is registered before its objects are used");
        Ok(())
    }

    pub fn object(ctx: &Ctx<'js>, value: T) -> Result<Value<'js>> {
        Ok(Class::instance(ctx.clone(), Lazy { value, slots: RefCell::default() })?.into_value())
    }

    /// The object behind a JavaScript value, if it is of this class.
    pub fn from_value(value: &Value<'js>) -> Option<Class<'js, Lazy<'js, T>>> {
        Class::from_object(value.as_object()?)
    }

    pub fn value(&self) -> &T {
        &self.value
    }

    /// What `set_hidden` kept; `place` counts from 0 beside the fields, and scripts cannot see it.
    pub fn hidden(&self, place: usize) -> Option<Value<'js>> {
        self.slot(usize::MAX - place).flatten()
    }

    pub fn set_hidden(&self, place: usize, value: Value<'js>) {
        self.set_slot(usize::MAX - place, Some(value));
    }

    fn slot(&self, field: usize) -> Option<Option<Value<'js>>> {
        let slots = self.slots.borrow();
        slots.iter().find(|(place, _)| *place == field).map(|(_, value)| value.clone())
    }

    fn set_slot(&self, field: usize, value: Option<Value<'js>>) {
        let mut slots = self.slots.borrow_mut();
        let old = slots.iter_mut().find(|(place, _)| *place == field);
        let old = match old {
            Some((_, slot)) => std::mem::replace(slot, value),
            None => {
                slots.push((field, value));
                None
            }
        };
        // Freeing a value can run finalizers; not while the slots are borrowed.
        drop(slots);
        drop(old);
    }

    /// `None`: deleted.
    fn field(&self, ctx: &Ctx<'js>, field: usize) -> Result<Option<Value<'js>>> {
        if let Some(slot) = self.slot(field) {
            return Ok(slot);
        }
        if field >= T::FIELDS.len() {
            return Ok(Some(table::<T>(ctx).shared[field - T::FIELDS.len()].clone()));
        }
        let value = self.value.make(ctx, field)?;
        if value.is_object() || value.is_string() {
            self.set_slot(field, Some(value.clone()));
        }
        Ok(Some(value))
    }
}

fn table<'a, 'js, T: LazyFields>(
    ctx: &'a Ctx<'js>,
) -> impl std::ops::Deref<Target = Table<'js, T>> + use<'a, 'js, T> {
    ctx.userdata::<Table<'js, T>>().expect("a class is registered before its objects are used")
}

fn place_of<'js, T: LazyFields>(ctx: &Ctx<'js>, name: &Atom<'js>) -> Option<usize> {
    table::<T>(ctx).names.iter().position(|known| known == name)
}

impl<'js, T: LazyFields> JsClass<'js> for Lazy<'js, T> {
    const NAME: &'static str = T::NAME;
    const KIND: ClassKind = ClassKind::Exotic;
    type Mutable = Readable;

    fn constructor(_ctx: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }

    fn exotic_get_property(
        this: &JsCell<'js, Self>,
        ctx: &Ctx<'js>,
        name: Atom<'js>,
        _receiver: Value<'js>,
    ) -> Result<Value<'js>> {
        let made = match place_of::<T>(ctx, &name) {
            Some(place) => this.borrow().field(ctx, place)?,
            None => None,
        };
        match made {
            Some(value) => Ok(value),
            None => {
                let prototype = table::<T>(ctx).prototype.clone();
                prototype.get(name)
            }
        }
    }

    fn exotic_set_property(
        this: &JsCell<'js, Self>,
        ctx: &Ctx<'js>,
        name: Atom<'js>,
        receiver: Value<'js>,
        value: Value<'js>,
    ) -> Result<bool> {
        // SAFETY: `value` is alive; see L1.
        unsafe { qjs::JS_DupValue(ctx.as_raw().as_ptr(), value.as_raw()) };
        match (place_of::<T>(ctx, &name), receiver.as_object()) {
            (Some(place), _) => this.borrow().set_slot(place, Some(value)),
            (None, Some(object)) => {
                object.prop(name, Property::from(value).writable().enumerable().configurable())?;
            }
            (None, None) => return Ok(false),
        }
        Ok(true)
    }

    fn exotic_delete_property(this: &JsCell<'js, Self>, ctx: &Ctx<'js>, name: Atom<'js>) -> Result<bool> {
        if let Some(place) = place_of::<T>(ctx, &name) {
            this.borrow().set_slot(place, None);
        }
        Ok(true)
    }

    fn exotic_has_property(this: &JsCell<'js, Self>, ctx: &Ctx<'js>, name: Atom<'js>) -> Result<bool> {
        match place_of::<T>(ctx, &name) {
            Some(place) => Ok(this.borrow().slot(place) != Some(None)),
            None => {
                let prototype = table::<T>(ctx).prototype.clone();
                prototype.contains_key(name)
            }
        }
    }

    fn exotic_get_own_property(
        this: &JsCell<'js, Self>,
        ctx: &Ctx<'js>,
        name: Atom<'js>,
    ) -> Result<Option<PropertyDescriptor<'js>>> {
        let Some(place) = place_of::<T>(ctx, &name) else { return Ok(None) };
        let value = this.borrow().field(ctx, place)?;
        Ok(value.map(|value| PropertyDescriptor::new_value(value, true, true, true)))
    }

    fn exotic_get_own_property_names(
        this: &JsCell<'js, Self>,
        ctx: &Ctx<'js>,
    ) -> Result<Vec<PropertyName<'js>>> {
        let this = this.borrow();
        let names = table::<T>(ctx).names.clone().into_iter().enumerate();
        let present = names.filter(|(place, _)| this.slot(*place) != Some(None));
        Ok(present.map(|(_, atom)| PropertyName { atom, is_enumerable: true }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rquickjs::prelude::This;
    use rquickjs::{CatchResultExt, Context, Function, Runtime};
    use std::cell::Cell;
    use std::rc::Rc;

    struct Point(Rc<Cell<u32>>);

    impl LazyFields for Point {
        const NAME: &'static str = "Point";
        const FIELDS: &'static [&'static str] = &["x", "tags"];

        fn make<'js>(&self, ctx: &Ctx<'js>, field: usize) -> Result<Value<'js>> {
            self.0.set(self.0.get() + 1);
            match field {
                0 => Ok(Value::new_int(ctx.clone(), 7)),
                _ => ctx.json_parse("[1,2]"),
            }
        }

        fn shared<'js>(ctx: &Ctx<'js>) -> Result<Vec<(&'static str, Value<'js>)>> {
            let name = |This(this): This<Value<'js>>| Lazy::<Point>::from_value(&this).is_some();
            Ok(vec![("isPoint", Function::new(ctx.clone(), name)?.into_value())])
        }
    }

    /// Runs a script with `p`, an object of this class; shows its result and how many fields were made.
    #[track_caller]
    fn check(script: &str, want: &str, want_made: u32) {
        let runtime = Runtime::new().unwrap();
        let made = Rc::new(Cell::new(0));
        Context::full(&runtime).unwrap().with(|ctx| {
            Lazy::<Point>::register(&ctx).unwrap();
            ctx.globals().set("p", Lazy::object(&ctx, Point(made.clone())).unwrap()).unwrap();
            let got = ctx.eval::<rquickjs::Coerced<String>, _>(script).catch(&ctx);
            assert_eq!(got.unwrap().0, want, "{script}");
        });
        assert_eq!(made.get(), want_made, "{script}");
        assert_eq!(Rc::strong_count(&made), 2, "still the script's");
        drop(runtime);
        assert_eq!(Rc::strong_count(&made), 1, "freed with its VM: {script}");
    }

    #[test]
    fn fields_are_made_when_read_and_objects_once() {
        check("1", "1", 0);
        check("p.x + p.x", "14", 2);
        check("p.tags === p.tags", "true", 1);
        check("p.isPoint() && p.isPoint === p.isPoint", "true", 0);
        check("p.nope", "undefined", 0);
        check("`${p}`", "[object Object]", 0);
    }

    #[test]
    fn scripts_see_ordinary_fields_in_order() {
        check("JSON.stringify(p)", "{\"x\":7,\"tags\":[1,2]}", 3);
        check("Object.keys(p).join()", "x,tags,isPoint", 2);
        check("Object.keys({ ...p }).join()", "x,tags,isPoint", 3);
        check("let k = []; for (const key in p) k.push(key); k.join()", "x,tags,isPoint", 2);
        check("'x' in p && !('y' in p) && 'toString' in p", "true", 0);
        check("p.hasOwnProperty('x') && !p.hasOwnProperty('toString')", "true", 1);
        check("const { x, tags: [, second] } = p; [x, second].join()", "7,2", 2);
    }

    #[test]
    fn fields_can_be_assigned_deleted_and_added() {
        check("p.x = { a: 1 }; p.x = { b: 2 }; JSON.stringify(p.x)", "{\"b\":2}", 0);
        check("delete p.tags; JSON.stringify(p)", "{\"x\":7}", 2);
        check("'use strict'; p.extra = [3]; p.extra.push(4); JSON.stringify(p.extra)", "[3,4]", 0);
        check("p.extra = 1; p.extra = 2; Object.keys(p).join()", "extra,x,tags,isPoint", 2);
        check("for (let i = 0; i < 1000; i++) p.x = 's' + i; p.x", "s999", 0);
    }

    #[test]
    fn cycles_through_fields_are_freed() {
        check("p.tags.push(p); p.x = p; globalThis.q = p; p.self = p; 1", "1", 1);
        check("p.x = () => p; p.tags.back = { p }; 1", "1", 1);
    }
}
