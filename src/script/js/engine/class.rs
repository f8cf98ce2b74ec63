//! Rust values as JavaScript objects, for natives outside the engine.
//!
//! A `Native<T>` holds no JavaScript values, so the garbage collector need not look into it.

use rquickjs::class::{JsClass, Readable, Trace, Tracer};
use rquickjs::function::Constructor;
use rquickjs::{Class, Ctx, JsLifetime, Object, Result, Value};

/// What a Rust type shows of itself to scripts.
pub trait NativeClass: 'static {
    const NAME: &'static str;
    /// Puts methods and accessors on the prototype; called once per VM.
    fn prototype<'js>(ctx: &Ctx<'js>, prototype: &Object<'js>) -> Result<()>;
}

/// An object of class `T`. `T` must not hold JavaScript values: a cycle through one is never freed.
pub struct Native<T>(pub T);

// SAFETY: `T: 'static` has no lifetime of a VM.
unsafe impl<'js, T: 'static> JsLifetime<'js> for Native<T> {
    type Changed<'to> = Native<T>;
}

impl<'js, T> Trace<'js> for Native<T> {
    fn trace<'a>(&self, _tracer: Tracer<'a, 'js>) {}
}

impl<'js, T: NativeClass> JsClass<'js> for Native<T> {
    const NAME: &'static str = T::NAME;
    type Mutable = Readable;

    fn prototype(ctx: &Ctx<'js>) -> Result<Option<Object<'js>>> {
        let prototype = Object::new(ctx.clone())?;
        T::prototype(ctx, &prototype)?;
        Ok(Some(prototype))
    }

    fn constructor(_ctx: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}

impl<T: NativeClass> Native<T> {
    /// A new object with the class's prototype.
    pub fn object<'js>(ctx: &Ctx<'js>, value: T) -> Result<Object<'js>> {
        Ok(Class::instance(ctx.clone(), Native(value))?.into_inner())
    }

    /// The Rust value behind a JavaScript one, if it is of this class.
    pub fn from_value<'js>(value: &Value<'js>) -> Option<Class<'js, Native<T>>> {
        Class::from_object(value.as_object()?)
    }
}
