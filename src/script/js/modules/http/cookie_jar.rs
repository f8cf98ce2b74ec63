//! `http.cookieJar()` and `new http.CookieJar()`.
//!
//! A URL that no request could be made to has no cookies; one that cannot be parsed throws.

use super::arguments::given;
use super::state::HttpState;
use crate::http::Target;
use crate::http::cookies::{Jar, SetCookie};
use crate::http::set_cookie::parse_date;
use crate::script::js::engine::{Native, NativeClass};
use crate::script::js::exceptions;
use crate::script::js::values::text;
use crate::script::js::vu::Vu;
use rquickjs::function::{Constructor, Opt, This};
use rquickjs::{Array, Class, Coerced, Ctx, FromJs, Function, Object, Result, Value};
use std::cell::RefCell;
use std::rc::Rc;

struct CookieJar(Rc<RefCell<Jar>>);

impl NativeClass for CookieJar {
    const NAME: &'static str = "CookieJar";

    fn prototype<'js>(ctx: &Ctx<'js>, prototype: &Object<'js>) -> Result<()> {
        let cookies_for = Function::new(ctx.clone(), cookies_for_url)?;
        prototype.set("cookiesForURL", cookies_for.with_name("cookiesForURL")?)?;
        prototype.set("set", Function::new(ctx.clone(), set)?.with_name("set")?)?;
        prototype.set("clear", Function::new(ctx.clone(), clear)?.with_name("clear")?)?;
        prototype.set("delete", Function::new(ctx.clone(), delete)?.with_name("delete")?)
    }
}

/// `http.cookieJar()`.
pub(super) fn of_vu<'js>(ctx: Ctx<'js>) -> Result<Object<'js>> {
    exceptions::not_in_init(&ctx, "Making cookie jars in the init context is not supported")?;
    let jar = HttpState::of(&ctx).jar(Vu::of(&ctx));
    Native::object(&ctx, CookieJar(jar))
}

/// `http.CookieJar`.
pub(super) fn constructor<'js>(ctx: &Ctx<'js>) -> Result<Constructor<'js>> {
    let make = |ctx: Ctx<'js>| Native::object(&ctx, CookieJar(Rc::default()));
    Constructor::new_class::<Native<CookieJar>, _, _>(ctx.clone(), make)
}

/// The jar behind a script's value.
pub(super) fn jar_of(value: &Value<'_>) -> Option<Rc<RefCell<Jar>>> {
    Some(Native::<CookieJar>::from_value(value)?.borrow().0.0.clone())
}

type ThisJar<'js> = This<Class<'js, Native<CookieJar>>>;

fn cookies_for_url<'js>(ctx: Ctx<'js>, This(jar): ThisJar<'js>, url: Value<'js>) -> Result<Object<'js>> {
    let lists = Object::new(ctx.clone())?;
    let Some(target) = target(&ctx, &url)? else { return Ok(lists) };
    let cookies = jar.borrow().0.0.borrow().cookies_for(&target, now_ms(&ctx)?);
    for (name, value) in cookies {
        match lists.get::<_, Option<Array>>(name.as_str())? {
            Some(list) => list.set(list.len(), value)?,
            None => lists.set(name, vec![value])?,
        }
    }
    Ok(lists)
}

fn set<'js>(
    ctx: Ctx<'js>,
    This(jar): ThisJar<'js>,
    url: Value<'js>,
    name: Value<'js>,
    value: Value<'js>,
    options: Opt<Value<'js>>,
) -> Result<bool> {
    let target = target(&ctx, &url)?;
    let (name, value) = (text(&ctx, &name)?, text(&ctx, &value)?);
    let mut cookie = SetCookie { name, value, ..SetCookie::default() };
    if let Some(options) = given(options.0)
        && let Some(options) = options.as_object()
    {
        for entry in options.props::<String, Value>() {
            let (key, value) = entry?;
            set_option(&ctx, &mut cookie, &key, value)?;
        }
    }
    if let Some(target) = target {
        jar.borrow().0.0.borrow_mut().set(&target, &cookie, now_ms(&ctx)?);
    }
    Ok(true)
}

fn set_option<'js>(ctx: &Ctx<'js>, cookie: &mut SetCookie, key: &str, value: Value<'js>) -> Result<()> {
    match key {
        "domain" => cookie.domain = text(ctx, &value)?,
        "path" => cookie.path = text(ctx, &value)?,
        "secure" => cookie.secure = Coerced::<bool>::from_js(ctx, value)?.0,
        "http_only" => cookie.http_only = Coerced::<bool>::from_js(ctx, value)?.0,
        "max_age" => cookie.max_age = (Coerced::<f64>::from_js(ctx, value)?.0 as i64).max(-1),
        "expires" => {
            let date = text(ctx, &value)?;
            if date.is_empty() {
                return Ok(());
            }
            let why = || exceptions::throw(ctx, &format!("unable to parse \"expires\" date string {date:?}"));
            cookie.expires = Some(parse_date(&date).ok_or_else(why)?);
        }
        _ => {}
    }
    Ok(())
}

fn clear<'js>(ctx: Ctx<'js>, This(jar): ThisJar<'js>, url: Value<'js>) -> Result<()> {
    if let Some(target) = target(&ctx, &url)? {
        jar.borrow().0.0.borrow_mut().clear(&target);
    }
    Ok(())
}

fn delete<'js>(ctx: Ctx<'js>, This(jar): ThisJar<'js>, url: Value<'js>, name: Value<'js>) -> Result<()> {
    let name = text(&ctx, &name)?;
    if let Some(target) = target(&ctx, &url)? {
        jar.borrow().0.0.borrow_mut().delete(&target, &name);
    }
    Ok(())
}

fn target<'js>(ctx: &Ctx<'js>, url: &Value<'js>) -> Result<Option<Rc<Target>>> {
    match HttpState::of(ctx).target(&text(ctx, url)?) {
        Ok(target) => Ok(Some(target)),
        Err(error) => match error.to_string() {
            why if why.starts_with("parse ") => Err(exceptions::throw(ctx, &why)),
            _ => Ok(None),
        },
    }
}

/// Milliseconds since 1970: the script's own clock.
fn now_ms(ctx: &Ctx<'_>) -> Result<i64> {
    let date: Object = ctx.globals().get("Date")?;
    let now: Function = date.get("now")?;
    Ok(now.call::<_, f64>(())? as i64)
}
