//! `Selection` as scripts see it.

use super::page::{Picked, Wanted, Way};
use super::{controls, element, form_object, forms, no_selector, shown, value};
use crate::http::form;
use crate::script::js::engine::{self, Native, NativeClass, on_worker_stack};
use crate::script::js::exceptions;
use crate::script::js::values::text;
use rquickjs::function::{Func, Opt, This};
use rquickjs::{Array, Class, Coerced, Ctx, Error, FromJs, Function, IntoJs, Object, Result, Value};

pub(super) struct Selection(pub Picked);

type ThisSelection<'js> = This<Class<'js, Native<Selection>>>;

/// A Selection of these nodes.
pub fn object<'js>(ctx: &Ctx<'js>, picked: Picked) -> Result<Object<'js>> {
    Native::object(ctx, Selection(picked))
}

pub(super) fn picked_of(value: &Value<'_>) -> Option<Picked> {
    Some(Native::<Selection>::from_value(value)?.borrow().0.0.clone())
}

impl NativeClass for Selection {
    const NAME: &'static str = "Selection";

    fn prototype<'js>(_ctx: &Ctx<'js>, prototype: &Object<'js>) -> Result<()> {
        define_picking(prototype)?;
        define_walks(prototype)?;
        define_callbacks(prototype)?;
        define_reading(prototype)
    }
}

/// A selector, a Selection or an Element.
fn wanted<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<Wanted> {
    if value.is_string() {
        let selector = text(ctx, value)?;
        return Ok(on_worker_stack(ctx, || Wanted::selector(&selector)));
    }
    let picked = picked_of(value).or_else(|| element::picked_of(value));
    picked.map(|picked| Wanted::picked(&picked)).ok_or_else(|| no_selector(ctx, value))
}

/// A selector that need not be given.
fn optional<'js>(ctx: &Ctx<'js>, value: Opt<Value<'js>>) -> Result<Option<Wanted>> {
    match value.0.filter(|value| !value.is_undefined() && !value.is_null()) {
        Some(value) => wanted(ctx, &value).map(Some),
        None => Ok(None),
    }
}

/// A method that picks nodes by a selector, a Selection or an Element.
fn define_by<'js>(
    prototype: &Object<'js>,
    name: &'static str,
    pick: fn(&Picked, &Wanted) -> Picked,
) -> Result<()> {
    let call = move |ctx: Ctx<'js>, This(this): ThisSelection<'js>, of: Value<'js>| -> Result<Object<'js>> {
        let wanted = wanted(&ctx, &of)?;
        let picked = this.borrow().0.0.clone();
        object(&ctx, on_worker_stack(&ctx, || pick(&picked, &wanted)))
    };
    prototype.set(name, Function::new(prototype.ctx().clone(), call)?.with_name(name)?)
}

fn define_picking<'js>(prototype: &Object<'js>) -> Result<()> {
    define_by(prototype, "find", Picked::find)?;
    define_by(prototype, "closest", Picked::closest)?;
    define_by(prototype, "has", Picked::has)?;
    define_by(prototype, "add", |picked, wanted| match wanted {
        Wanted::Selector(_) => picked.add(&picked.whole().find(wanted)),
        Wanted::Nodes(nodes) => picked.add(&picked.pick(nodes.clone())),
    })?;
    let ctx = prototype.ctx().clone();
    let define = |name: &'static str, pick: fn(&Picked) -> Picked| {
        let call = move |ctx: Ctx<'js>, This(this): ThisSelection<'js>| {
            let picked = pick(&this.borrow().0.0);
            object(&ctx, picked)
        };
        prototype.set(name, Function::new(ctx.clone(), call)?.with_name(name)?)
    };
    define("first", |picked| picked.slice(0, 1))?;
    define("last", |picked| picked.slice(-1, i64::MAX))?;
    define("end", Picked::end)?;
    prototype.set("eq", Func::from(eq))?;
    prototype.set("slice", Func::from(slice))
}

fn define_walks<'js>(prototype: &Object<'js>) -> Result<()> {
    let walks = [
        ("children", Way::Children),
        ("contents", Way::Contents),
        ("parent", Way::Parent),
        ("parents", Way::Parents),
        ("next", Way::Next),
        ("nextAll", Way::NextAll),
        ("prev", Way::Prev),
        ("prevAll", Way::PrevAll),
        ("siblings", Way::Siblings),
    ];
    for (name, way) in walks {
        let call = move |ctx: Ctx<'js>, This(this): ThisSelection<'js>, of: Opt<Value<'js>>| {
            let wanted = optional(&ctx, of)?;
            let picked = this.borrow().0.0.clone();
            object(&ctx, on_worker_stack(&ctx, || picked.go(way, None, wanted.as_ref())))
        };
        prototype.set(name, Function::new(prototype.ctx().clone(), call)?.with_name(name)?)?;
    }
    for (name, way) in
        [("nextUntil", Way::NextAll), ("prevUntil", Way::PrevAll), ("parentsUntil", Way::Parents)]
    {
        let call = move |ctx: Ctx<'js>,
                         This(this): ThisSelection<'js>,
                         until: Opt<Value<'js>>,
                         of: Opt<Value<'js>>|
              -> Result<Object<'js>> {
            let (until, wanted) = (optional(&ctx, until)?, optional(&ctx, of)?);
            let picked = this.borrow().0.0.clone();
            object(&ctx, on_worker_stack(&ctx, || picked.go(way, until.as_ref(), wanted.as_ref())))
        };
        prototype.set(name, Function::new(prototype.ctx().clone(), call)?.with_name(name)?)?;
    }
    Ok(())
}

fn define_callbacks(prototype: &Object<'_>) -> Result<()> {
    prototype.set("filter", Func::from(filter))?;
    prototype.set("not", Func::from(not))?;
    prototype.set("is", Func::from(is))?;
    prototype.set("each", Func::from(each))?;
    prototype.set("map", Func::from(map))
}

fn define_reading<'js>(prototype: &Object<'js>) -> Result<()> {
    prototype.set("size", Func::from(|This(this): ThisSelection<'js>| this.borrow().0.0.len() as f64))?;
    prototype.set("text", Func::from(read_text))?;
    prototype.set("html", Func::from(read_html))?;
    prototype.set("attr", Func::from(attr))?;
    prototype.set("val", Func::from(val))?;
    prototype.set("data", Func::from(data))?;
    prototype.set("get", Func::from(get))?;
    prototype.set("toArray", Func::from(to_array))?;
    prototype.set("index", Func::from(index))?;
    prototype.set("serialize", Func::from(serialize))?;
    prototype.set("serializeArray", Func::from(serialize_array))?;
    prototype.set("serializeObject", Func::from(serialize_object))
}

fn eq<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>, place: Coerced<f64>) -> Result<Object<'js>> {
    let picked = this.borrow().0.0.clone();
    object(&ctx, picked.at(place.0 as i64).unwrap_or_else(|| picked.pick(Vec::new())))
}

fn slice<'js>(
    ctx: Ctx<'js>,
    This(this): ThisSelection<'js>,
    start: Coerced<f64>,
    end: Opt<Coerced<f64>>,
) -> Result<Object<'js>> {
    let end = end.0.filter(|end| !end.0.is_nan()).map_or(i64::MAX, |end| end.0 as i64);
    let picked = this.borrow().0.0.slice(start.0 as i64, end);
    object(&ctx, picked)
}

/// Nodes of which the function says so; it is given a place and a Selection of one.
fn chosen<'js>(ctx: &Ctx<'js>, picked: &Picked, function: &Function<'js>) -> Result<Vec<bool>> {
    let mut chosen = Vec::with_capacity(picked.len());
    for place in 0..picked.len() {
        let one = picked.at(place as i64).expect("a place within");
        let answer: Value = function.call((place as f64, object(ctx, one)?))?;
        chosen.push(Coerced::<bool>::from_js(ctx, answer)?.0);
    }
    Ok(chosen)
}

fn filtered<'js>(ctx: &Ctx<'js>, picked: &Picked, of: &Value<'js>, not: bool) -> Result<Picked> {
    let Some(function) = of.as_function() else {
        let wanted = wanted(ctx, of)?;
        return Ok(on_worker_stack(ctx, || picked.filter(&wanted, not)));
    };
    let chosen = chosen(ctx, picked, function)?;
    let kept = picked.ids().iter().zip(chosen).filter(|(_, chosen)| *chosen != not).map(|(id, _)| *id);
    Ok(picked.pick(kept.collect()))
}

fn filter<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>, of: Value<'js>) -> Result<Object<'js>> {
    let picked = this.borrow().0.0.clone();
    object(&ctx, filtered(&ctx, &picked, &of, false)?)
}

fn not<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>, of: Value<'js>) -> Result<Object<'js>> {
    let picked = this.borrow().0.0.clone();
    object(&ctx, filtered(&ctx, &picked, &of, true)?)
}

fn is<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>, of: Value<'js>) -> Result<bool> {
    let picked = this.borrow().0.0.clone();
    Ok(!filtered(&ctx, &picked, &of, false)?.is_empty())
}

/// Calls back with every Element.
fn each<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>, function: Value<'js>) -> Result<Object<'js>> {
    let Some(function) = function.as_function() else {
        return Err(exceptions::throw(&ctx, "the argument to each() must be a function"));
    };
    let picked = this.borrow().0.0.clone();
    for place in 0..picked.len() {
        let one = picked.at(place as i64).expect("a place within");
        let called = function.call::<_, Value>((place as f64, element::object(&ctx, one)?));
        match called {
            Err(Error::Exception) if !engine::is_stopping(&ctx) => {
                let (what, _) = exceptions::text_of(&ctx, ctx.catch());
                return Err(exceptions::throw(
                    &ctx,
                    &format!("the function passed to each() failed: {what}"),
                ));
            }
            called => drop(called?),
        }
    }
    object(&ctx, picked)
}

/// What the function answers for every Selection of one; those for which it throws are left out.
fn map<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>, function: Value<'js>) -> Result<Array<'js>> {
    let Some(function) = function.as_function() else {
        return Err(exceptions::throw(&ctx, "the argument to map() must be a function"));
    };
    let picked = this.borrow().0.0.clone();
    let answers = Array::new(ctx.clone())?;
    for place in 0..picked.len() {
        let one = picked.at(place as i64).expect("a place within");
        match function.call::<_, Value>((place as f64, object(&ctx, one)?)) {
            Ok(answer) => answers.set(answers.len(), answer)?,
            Err(Error::Exception) if !engine::is_stopping(&ctx) => drop(ctx.catch()),
            Err(error) => return Err(error),
        }
    }
    Ok(answers)
}

fn read_text<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>) -> String {
    let picked = this.borrow().0.0.clone();
    on_worker_stack(&ctx, || picked.text())
}

fn read_html<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>) -> String {
    let picked = this.borrow().0.0.clone();
    on_worker_stack(&ctx, || picked.html())
}

fn attr<'js>(
    ctx: Ctx<'js>,
    This(this): ThisSelection<'js>,
    name: Value<'js>,
    default: Opt<Value<'js>>,
) -> Result<Value<'js>> {
    let name = text(&ctx, &name)?;
    match (this.borrow().0.0.attribute(&name), default.0) {
        (Some(value), _) => value.into_js(&ctx),
        (None, Some(default)) => Ok(default),
        (None, None) => Ok(Value::new_undefined(ctx)),
    }
}

fn val<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>) -> Result<Value<'js>> {
    let picked = this.borrow().0.0.clone();
    shown(&ctx, on_worker_stack(&ctx, || value(&picked)))
}

/// A data attribute, or all of them, as what they look like.
fn data<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>, key: Opt<Value<'js>>) -> Result<Value<'js>> {
    let picked = this.borrow().0.0.clone();
    if let Some(key) = key.0.filter(|key| !key.is_undefined()) {
        let name = forms::attribute_of_key(&text(&ctx, &key)?);
        return match picked.attribute(&name) {
            Some(value) => guess(&ctx, &value),
            None => Ok(Value::new_undefined(ctx)),
        };
    }
    let all = Object::new(ctx.clone())?;
    for attribute in picked.first_node().map(|node| node.attrs()).unwrap_or_default() {
        if let Some(key) = forms::key_of_attribute(&attribute.name.local) {
            all.set(key, guess(&ctx, &attribute.value)?)?;
        }
    }
    Ok(all.into_value())
}

fn guess<'js>(ctx: &Ctx<'js>, value: &str) -> Result<Value<'js>> {
    match value {
        "" | "null" | "undefined" => return Ok(Value::new_undefined(ctx.clone())),
        "true" => return true.into_js(ctx),
        "false" => return false.into_js(ctx),
        _ => {}
    }
    if value.starts_with(['{', '[']) {
        return match ctx.json_parse(value) {
            Ok(parsed) => Ok(parsed),
            Err(Error::Exception) => {
                drop(ctx.catch());
                value.into_js(ctx)
            }
            Err(error) => Err(error),
        };
    }
    let is_number = value.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    match value.parse::<f64>() {
        Ok(number) if is_number => Ok(Value::new_number(ctx.clone(), number)),
        _ => value.into_js(ctx),
    }
}

/// All Elements, or the one at a place.
fn get<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>, place: Opt<Value<'js>>) -> Result<Value<'js>> {
    let picked = this.borrow().0.0.clone();
    let Some(place) = place.0.filter(|place| !place.is_undefined()) else {
        return Ok(element::list(&ctx, &picked)?.into_value());
    };
    match picked.at(Coerced::<f64>::from_js(&ctx, place)?.0 as i64) {
        Some(one) => Ok(element::object(&ctx, one)?.into_value()),
        None => Ok(Value::new_undefined(ctx)),
    }
}

/// Selections of one node each.
fn to_array<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>) -> Result<Array<'js>> {
    let picked = this.borrow().0.0.clone();
    let list = Array::new(ctx.clone())?;
    for place in 0..picked.len() {
        list.set(place, object(&ctx, picked.at(place as i64).expect("a place within"))?)?;
    }
    Ok(list)
}

/// The place of the first node among its siblings; of it among what a selector finds; or of another
/// node among these. -1: it is not there.
fn index<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>, of: Opt<Value<'js>>) -> Result<f64> {
    let picked = this.borrow().0.0.clone();
    let Some(first) = picked.at(0) else { return Ok(-1.0) };
    let place = match optional(&ctx, of)? {
        None => Some(first.go(Way::PrevAll, None, None).len()),
        Some(Wanted::Nodes(nodes)) => {
            nodes.first().and_then(|node| picked.ids().iter().position(|id| id == node))
        }
        Some(selector) => {
            let all = on_worker_stack(&ctx, || picked.whole().find(&selector));
            all.ids().iter().position(|id| *id == first.ids()[0])
        }
    };
    Ok(place.map_or(-1.0, |place| place as f64))
}

fn serialize_array<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>) -> Result<Array<'js>> {
    let picked = this.borrow().0.0.clone();
    let list = Array::new(ctx.clone())?;
    for (place, (name, value)) in on_worker_stack(&ctx, || controls(&picked)).into_iter().enumerate() {
        let entry = Object::new(ctx.clone())?;
        entry.set("name", name)?;
        entry.set("value", shown(&ctx, value)?)?;
        list.set(place, entry)?;
    }
    Ok(list)
}

fn serialize_object<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>) -> Result<Object<'js>> {
    let picked = this.borrow().0.0.clone();
    form_object(&ctx, &picked)
}

fn serialize<'js>(ctx: Ctx<'js>, This(this): ThisSelection<'js>) -> Result<String> {
    let picked = this.borrow().0.0.clone();
    let mut fields = Vec::new();
    for entry in form_object(&ctx, &picked)?.props::<String, Value>() {
        let (name, value) = entry?;
        fields.push((name, vec![text(&ctx, &value)?]));
    }
    Ok(form::encode(fields))
}
