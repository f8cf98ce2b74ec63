//! `k6/html`: parseHTML and the jQuery-like Selection.
//!
//! `page` holds the nodes in Rust, `render` writes them as Go does, `forms` reads controls; here and in
//! `element` are the objects that scripts see. All work on nodes is done on the worker's stack.

mod element;
mod forms;
mod page;
mod render;
mod selection;

use crate::script::js::engine;
use crate::script::js::exceptions;
use crate::script::js::values::{go_type, to_bytes};
pub use forms::{ControlValue, controls, value};
pub use page::{Picked, Wanted};
use rquickjs::function::Func;
use rquickjs::{Array, Ctx, IntoJs, Object, Result, Value};
pub use selection::object;

pub fn exports<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let exports = Object::new(ctx.clone())?;
    exports.set("parseHTML", Func::from(parse_html))?;
    Ok(exports)
}

fn parse_html<'js>(ctx: Ctx<'js>, text: Value<'js>) -> Result<Object<'js>> {
    let html = to_bytes(&ctx, &text)?;
    object(&ctx, parse(&ctx, &html))
}

pub fn parse(ctx: &Ctx<'_>, html: &[u8]) -> Picked {
    engine::on_worker_stack(ctx, || Picked::parse(&String::from_utf8_lossy(html)))
}

/// What `val()` and the serializers show.
fn shown<'js>(ctx: &Ctx<'js>, value: ControlValue) -> Result<Value<'js>> {
    match value {
        ControlValue::Nothing => Ok(Value::new_undefined(ctx.clone())),
        ControlValue::Text(text) => text.into_js(ctx),
        ControlValue::List(list) => {
            let array = Array::new(ctx.clone())?;
            for (place, text) in list.into_iter().enumerate() {
                array.set(place, text)?;
            }
            Ok(array.into_value())
        }
    }
}

/// Names and values of a form, the last one of each name.
pub fn form_object<'js>(ctx: &Ctx<'js>, picked: &Picked) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    for (name, value) in engine::on_worker_stack(ctx, || controls(picked)) {
        object.set(name, shown(ctx, value)?)?;
    }
    Ok(object)
}

fn no_selector(ctx: &Ctx<'_>, value: &Value<'_>) -> rquickjs::Error {
    exceptions::throw(ctx, &format!("invalid argument, cannot use a '{}' as a selector", go_type(value)))
}
