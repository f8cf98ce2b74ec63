//! `Response.html()`, and the requests that a page's forms and links ask for.

use super::make;
use super::response::ResponseFields;
use crate::http::{Target, form};
use crate::script::js::engine::Lazy;
use crate::script::js::exceptions;
use crate::script::js::modules::html::{self, Picked, Wanted, value};
use crate::script::js::values::text;
use rquickjs::function::{Opt, This};
use rquickjs::{Class, Ctx, IntoJs, Object, Result, Value};

pub(super) type ThisResponse<'js> = This<Class<'js, Lazy<'js, ResponseFields>>>;

const NO_BODY: &str = "the body is null so we can't transform it to HTML - this likely was because of a request error \
     getting the response";

/// `Response.html([selector])`.
pub(super) fn html<'js>(
    ctx: Ctx<'js>,
    This(this): ThisResponse<'js>,
    selector: Opt<Value<'js>>,
) -> Result<Object<'js>> {
    let page = page(&ctx, this.borrow().value())?;
    let picked = match selector.0.filter(|selector| !selector.is_undefined()) {
        Some(selector) => find(&ctx, &page, &text(&ctx, &selector)?),
        None => page,
    };
    html::object(&ctx, picked)
}

fn page(ctx: &Ctx<'_>, response: &ResponseFields) -> Result<Picked> {
    let body = response.body_bytes().ok_or_else(|| exceptions::throw(ctx, NO_BODY))?;
    Ok(response.page.get_or_init(|| html::parse(ctx, body)).clone())
}

fn find(ctx: &Ctx<'_>, page: &Picked, selector: &str) -> Picked {
    crate::script::js::engine::on_worker_stack(ctx, || page.find(&Wanted::selector(selector)))
}

/// The members of an argument that need not be given.
struct Given<'js>(Option<Object<'js>>);

impl<'js> Given<'js> {
    fn value(&self, name: &str) -> Result<Option<Value<'js>>> {
        let Some(object) = &self.0 else { return Ok(None) };
        Ok(Some(object.get::<_, Value>(name)?).filter(|value| !value.is_undefined()))
    }

    fn text(&self, ctx: &Ctx<'js>, name: &str, default: &str) -> Result<String> {
        match self.value(name)? {
            Some(value) => text(ctx, &value),
            None => Ok(default.to_owned()),
        }
    }
}

/// `Response.submitForm([{ formSelector, fields, submitSelector, params }])`.
pub(super) fn submit_form<'js>(
    ctx: Ctx<'js>,
    This(this): ThisResponse<'js>,
    arguments: Opt<Object<'js>>,
) -> Result<Value<'js>> {
    let given = Given(arguments.0);
    let form_selector = given.text(&ctx, "formSelector", "form")?;
    let submit_selector = given.text(&ctx, "submitSelector", "[type=\"submit\"]")?;
    let (page, here) = {
        let this = this.borrow();
        (page(&ctx, this.value())?, this.value().url().to_owned())
    };
    let form = find(&ctx, &page, &form_selector).slice(0, 1);
    if form.is_empty() {
        let why = format!("no form found for selector '{form_selector}' in response '{here}'");
        return Err(exceptions::throw(&ctx, &why));
    }
    let method = form.attribute("method").map_or("GET".to_owned(), |method| method.to_uppercase());
    let url = match form.attribute("action") {
        Some(action) => leads_to(&ctx, &here, &action)?,
        None => here,
    };
    let values = html::form_object(&ctx, &form)?;
    let submit = find(&ctx, &form, &submit_selector);
    if let (Some(name), html::ControlValue::Text(value)) = (submit.attribute("name"), value(&submit)) {
        values.set(name, value)?;
    }
    if let Some(fields) = given.value("fields")?.and_then(Value::into_object) {
        for entry in fields.props::<String, Value>() {
            let (name, value) = entry?;
            values.set(name, value)?;
        }
    }
    let params = given.value("params")?;
    if method != "GET" {
        return make(&ctx, &method, Some(url.into_js(&ctx)?), Some(values.into_value()), params);
    }
    let mut query = Vec::new();
    for entry in values.props::<String, Value>() {
        let (name, value) = entry?;
        query.push((name, vec![text(&ctx, &value)?]));
    }
    let query = form::encode(query);
    let path = url.split('?').next().unwrap_or_default();
    let url = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    make(&ctx, &method, Some(url.into_js(&ctx)?), None, params)
}

/// `Response.clickLink([{ selector, params }])`.
pub(super) fn click_link<'js>(
    ctx: Ctx<'js>,
    This(this): ThisResponse<'js>,
    arguments: Opt<Object<'js>>,
) -> Result<Value<'js>> {
    let given = Given(arguments.0);
    let selector = given.text(&ctx, "selector", "a[href]")?;
    let (page, here) = {
        let this = this.borrow();
        (page(&ctx, this.value())?, this.value().url().to_owned())
    };
    let link = find(&ctx, &page, &selector);
    if link.is_empty() {
        let why = format!("no element found for selector '{selector}' in response '{here}'");
        return Err(exceptions::throw(&ctx, &why));
    }
    let Some(href) = link.attribute("href") else {
        let why = format!("no valid href attribute value found on element '{selector}' in response '{here}'");
        return Err(exceptions::throw(&ctx, &why));
    };
    let url = leads_to(&ctx, &here, &href)?;
    make(&ctx, "GET", Some(url.into_js(&ctx)?), None, given.value("params")?)
}

/// Where a reference on a page leads.
fn leads_to(ctx: &Ctx<'_>, page: &str, reference: &str) -> Result<String> {
    let throw = |why: &dyn std::fmt::Display| exceptions::throw(ctx, &why.to_string());
    if Target::is_absolute(reference) {
        return Ok(reference.to_owned());
    }
    let page = Target::parse(page).map_err(|why| throw(&why))?;
    Ok(page.resolve(reference.trim()).map_err(|why| throw(&why))?.url)
}
