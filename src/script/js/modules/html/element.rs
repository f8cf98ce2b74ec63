//! `Element`: one node, with the properties of the browsers' DOM that are read.

use super::page::{Picked, Wanted, Way};
use super::selection;
use crate::script::js::engine::{Native, NativeClass, on_worker_stack};
use crate::script::js::values::text;
use dom_query::NodeRef;
use rquickjs::function::{Func, This};
use rquickjs::object::Accessor;
use rquickjs::{Array, Class, Ctx, Function, IntoJs, Object, Result, Value};

/// The first node of a set.
struct Element(Picked);

type ThisElement<'js> = This<Class<'js, Native<Element>>>;

/// Properties that show an attribute of another name, or of the same.
const REFLECTED: &[(&str, &str)] = &[
    ("id", "id"),
    ("className", "class"),
    ("lang", "lang"),
    ("title", "title"),
    ("name", "name"),
    ("type", "type"),
    ("href", "href"),
    ("src", "src"),
    ("alt", "alt"),
    ("rel", "rel"),
    ("target", "target"),
    ("action", "action"),
    ("method", "method"),
    ("enctype", "enctype"),
    ("content", "content"),
    ("placeholder", "placeholder"),
    ("htmlFor", "for"),
];

/// Properties that say whether an attribute is there.
const FLAGS: &[&str] = &["disabled", "checked", "selected", "multiple", "required", "readonly", "hidden"];

pub(super) fn object<'js>(ctx: &Ctx<'js>, picked: Picked) -> Result<Object<'js>> {
    Native::object(ctx, Element(picked))
}

pub(super) fn list<'js>(ctx: &Ctx<'js>, picked: &Picked) -> Result<Array<'js>> {
    let list = Array::new(ctx.clone())?;
    for place in 0..picked.len() {
        list.set(place, object(ctx, picked.at(place as i64).expect("a place within"))?)?;
    }
    Ok(list)
}

pub(super) fn picked_of(value: &Value<'_>) -> Option<Picked> {
    Some(Native::<Element>::from_value(value)?.borrow().0.0.clone())
}

impl NativeClass for Element {
    const NAME: &'static str = "Element";

    fn prototype<'js>(_ctx: &Ctx<'js>, prototype: &Object<'js>) -> Result<()> {
        for (name, attribute) in REFLECTED {
            getter(prototype, name, |ctx, picked| picked.attribute(attribute).into_js(ctx))?;
        }
        for name in FLAGS {
            getter(prototype, name, |ctx, picked| picked.attribute(name).is_some().into_js(ctx))?;
        }
        getter(prototype, "value", |ctx, picked| super::shown(ctx, super::value(picked)))?;
        getter(prototype, "nodeName", |ctx, picked| node_name(picked).into_js(ctx))?;
        getter(prototype, "nodeType", |ctx, picked| picked.first_node().map(node_type).into_js(ctx))?;
        getter(prototype, "nodeValue", node_value)?;
        getter(prototype, "textContent", |ctx, picked| on_worker_stack(ctx, || picked.text()).into_js(ctx))?;
        getter(prototype, "innerHTML", |ctx, picked| on_worker_stack(ctx, || picked.html()).into_js(ctx))?;
        getter(prototype, "classList", |ctx, picked| {
            let classes = picked.attribute("class").unwrap_or_default();
            classes.split_whitespace().map(str::to_owned).collect::<Vec<_>>().into_js(ctx)
        })?;
        getter(prototype, "attributes", attributes)?;
        define_relatives(prototype)?;
        define_methods(prototype)
    }
}

fn getter<'js>(
    prototype: &Object<'js>,
    name: &str,
    read: impl Fn(&Ctx<'js>, &Picked) -> Result<Value<'js>> + 'js,
) -> Result<()> {
    let get = move |ctx: Ctx<'js>, This(this): ThisElement<'js>| {
        let picked = this.borrow().0.0.clone();
        read(&ctx, &picked)
    };
    prototype.prop(name, Accessor::new_get(get).enumerable().configurable())
}

fn define_relatives<'js>(prototype: &Object<'js>) -> Result<()> {
    let relative = |name: &'static str, find: for<'a> fn(&NodeRef<'a>) -> Option<NodeRef<'a>>| {
        getter(prototype, name, move |ctx, picked| {
            let found = picked.first_node().and_then(|node| find(&node));
            found.map(|node| object(ctx, picked.pick(vec![node.id]))).transpose()?.into_js(ctx)
        })
    };
    relative("firstChild", |node| node.first_child())?;
    relative("lastChild", |node| node.last_child())?;
    relative("firstElementChild", |node| node.first_element_child())?;
    relative("lastElementChild", |node| node.element_children().pop())?;
    relative("nextSibling", |node| node.next_sibling())?;
    relative("previousSibling", |node| node.prev_sibling())?;
    relative("nextElementSibling", |node| node.next_element_sibling())?;
    relative("previousElementSibling", |node| node.prev_element_sibling())?;
    relative("parentNode", |node| node.parent())?;
    relative("parentElement", |node| node.parent().filter(NodeRef::is_element))?;
    getter(prototype, "ownerDocument", |ctx, picked| Ok(object(ctx, picked.whole())?.into_value()))?;
    getter(prototype, "children", |ctx, picked| {
        Ok(list(ctx, &picked.go(Way::Children, None, None))?.into_value())
    })?;
    getter(prototype, "childNodes", |ctx, picked| {
        Ok(list(ctx, &picked.go(Way::Contents, None, None))?.into_value())
    })?;
    getter(prototype, "childElementCount", |ctx, picked| {
        (picked.go(Way::Children, None, None).len() as f64).into_js(ctx)
    })
}

/// A method whose one argument is text.
fn method<'js>(
    prototype: &Object<'js>,
    name: &'static str,
    call: fn(&Ctx<'js>, &Picked, &str) -> Result<Value<'js>>,
) -> Result<()> {
    let native = move |ctx: Ctx<'js>, This(this): ThisElement<'js>, argument: Value<'js>| {
        let argument = text(&ctx, &argument)?;
        let picked = this.borrow().0.0.clone();
        call(&ctx, &picked, &argument)
    };
    prototype.set(name, Function::new(prototype.ctx().clone(), native)?.with_name(name)?)
}

fn define_methods<'js>(prototype: &Object<'js>) -> Result<()> {
    method(prototype, "getAttribute", |ctx, picked, name| picked.attribute(name).into_js(ctx))?;
    method(prototype, "hasAttribute", |ctx, picked, name| picked.attribute(name).is_some().into_js(ctx))?;
    method(prototype, "querySelector", |ctx, picked, selector| {
        found(ctx, picked, selector).at(0).map(|one| object(ctx, one)).transpose()?.into_js(ctx)
    })?;
    for name in ["querySelectorAll", "getElementsByTagName"] {
        method(prototype, name, |ctx, picked, selector| {
            Ok(list(ctx, &found(ctx, picked, selector))?.into_value())
        })?;
    }
    method(prototype, "getElementsByClassName", |ctx, picked, class| {
        Ok(list(ctx, &found(ctx, picked, &format!(".{class}")))?.into_value())
    })?;
    method(prototype, "matches", |ctx, picked, selector| {
        on_worker_stack(ctx, || picked.is(&Wanted::selector(selector))).into_js(ctx)
    })?;
    let has_attributes = |This(this): ThisElement<'js>| {
        this.borrow().0.0.first_node().is_some_and(|node| !node.attrs().is_empty())
    };
    prototype.set("hasAttributes", Func::from(has_attributes))?;
    let has_children = |This(this): ThisElement<'js>| {
        this.borrow().0.0.first_node().is_some_and(|node| node.first_child().is_some())
    };
    prototype.set("hasChildNodes", Func::from(has_children))?;
    prototype.set(
        "isSameNode",
        Func::from(|This(this): ThisElement<'js>, other: Value<'js>| {
            picked_of(&other).is_some_and(|other| other.ids() == this.borrow().0.0.ids())
        }),
    )?;
    prototype.set("isEqualNode", Func::from(is_equal_node))?;
    prototype.set("contains", Func::from(contains))?;
    prototype.set(
        "selection",
        Func::from(|ctx: Ctx<'js>, This(this): ThisElement<'js>| {
            let picked = this.borrow().0.0.clone();
            selection::object(&ctx, picked)
        }),
    )?;
    prototype.set(
        "toString",
        Func::from(|This(this): ThisElement<'js>| {
            let picked = this.borrow().0.0.clone();
            match picked.first_node().is_some_and(|node| node.is_element()) {
                true => "[object html.Node]".to_owned(),
                false => format!("[object {}]", node_name(&picked)),
            }
        }),
    )
}

fn found(ctx: &Ctx<'_>, picked: &Picked, selector: &str) -> Picked {
    on_worker_stack(ctx, || picked.find(&Wanted::selector(selector)))
}

fn is_equal_node<'js>(ctx: Ctx<'js>, This(this): ThisElement<'js>, other: Value<'js>) -> bool {
    let Some(other) = picked_of(&other) else { return false };
    let own = this.borrow().0.0.clone();
    on_worker_stack(&ctx, || own.html() == other.html())
}

/// A node contains itself.
fn contains<'js>(This(this): ThisElement<'js>, other: Value<'js>) -> bool {
    let (Some(other), own) = (picked_of(&other), this.borrow().0.0.clone()) else { return false };
    let (Some(other), Some(own_id)) = (other.ids().first().copied(), own.ids().first()) else { return false };
    other == *own_id || own.is_below(&other, own_id)
}

fn node_name(picked: &Picked) -> String {
    match picked.first_node() {
        Some(node) if node.is_text() => "#text".to_owned(),
        Some(node) if node.is_comment() => "#comment".to_owned(),
        Some(node) if node.is_document() => "#document".to_owned(),
        _ => picked.name(),
    }
}

fn node_type(node: NodeRef<'_>) -> u32 {
    match () {
        () if node.is_text() => 3,
        () if node.is_comment() => 8,
        () if node.is_document() => 9,
        () if node.is_doctype() => 10,
        () => 1,
    }
}

fn node_value<'js>(ctx: &Ctx<'js>, picked: &Picked) -> Result<Value<'js>> {
    let value = picked.first_node().and_then(|node| {
        node.query_or(None, |node| match &node.data {
            dom_query::NodeData::Text { contents } | dom_query::NodeData::Comment { contents } => {
                Some(contents.to_string())
            }
            _ => None,
        })
    });
    value.into_js(ctx)
}

/// By name.
fn attributes<'js>(ctx: &Ctx<'js>, picked: &Picked) -> Result<Value<'js>> {
    let all = Object::new(ctx.clone())?;
    for attribute in picked.first_node().map(|node| node.attrs()).unwrap_or_default() {
        let shown = Object::new(ctx.clone())?;
        shown.set("name", &*attribute.name.local)?;
        shown.set("value", &*attribute.value)?;
        all.set(&*attribute.name.local, shown)?;
    }
    Ok(all.into_value())
}
