//! `http.expectedStatuses` and `http.setResponseCallback`: which responses count as failed.

use super::state::HttpState;
use crate::script::Expected;
use crate::script::js::engine::{Native, NativeClass};
use crate::script::js::exceptions;
use rquickjs::function::Rest;
use rquickjs::{Ctx, Object, Result, Value};

/// The value of `http.expectedStatuses()`.
struct ExpectedStatuses(Expected);

impl NativeClass for ExpectedStatuses {
    const NAME: &'static str = "ExpectedStatuses";

    fn prototype<'js>(_ctx: &Ctx<'js>, _prototype: &Object<'js>) -> Result<()> {
        Ok(())
    }
}

pub(super) fn expected_statuses<'js>(ctx: Ctx<'js>, arguments: Rest<Value<'js>>) -> Result<Object<'js>> {
    if arguments.is_empty() {
        return Err(exceptions::throw(&ctx, "no arguments"));
    }
    let mut ranges = Vec::with_capacity(arguments.len());
    for (place, argument) in arguments.iter().enumerate() {
        ranges.push(range(argument).ok_or_else(|| {
            let why = format!(
                "argument number {} to expectedStatuses was neither an integer nor an object like \
                 {{min:100, max:329}}",
                place + 1
            );
            exceptions::throw(&ctx, &why)
        })?);
    }
    Native::object(&ctx, ExpectedStatuses(Expected { ranges }))
}

fn range(argument: &Value<'_>) -> Option<(u16, u16)> {
    let status = |value: &Value<'_>| {
        let number = value.as_number().filter(|number| *number == number.trunc())?;
        Some(number.clamp(0.0, f64::from(u16::MAX)) as u16)
    };
    match argument.as_object() {
        None => status(argument).map(|status| (status, status)),
        Some(object) => {
            let bound = |name: &str| status(&object.get::<_, Value>(name).ok()?);
            Some((bound("min")?, bound("max")?))
        }
    }
}

pub(super) fn set_response_callback<'js>(ctx: Ctx<'js>, callback: Value<'js>) -> Result<()> {
    let expected = match callback.is_null() {
        true => None,
        false => Some(expected_of(&callback).ok_or_else(|| {
            exceptions::throw(&ctx, "unsupported argument, expected http.expectedStatuses")
        })?),
    };
    HttpState::of(&ctx).set_expected(expected);
    Ok(())
}

/// What `expectedStatuses` made.
pub(super) fn expected_of(value: &Value<'_>) -> Option<Expected> {
    Some(Native::<ExpectedStatuses>::from_value(value)?.borrow().0.0.clone())
}
