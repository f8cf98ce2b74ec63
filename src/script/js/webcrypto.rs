//! The global `crypto`: random values, digests and HMAC keys of the Web Cryptography API.
//!
//! What it promises is done at once; promises are only its form. Algorithms that are not here
//! (AES, RSA, ECDSA, ECDH, PBKDF2) are refused by their names.

mod key;

use super::engine;
use super::event_loop::settled;
use super::modules::crypto::random;
use super::modules::hash::Algorithm;
use super::values::{array_buffer, bytes_of, text};
use rquickjs::function::{Constructor, Func, Rest};
use rquickjs::object::Property;
use rquickjs::{Coerced, Ctx, Error, Exception, Function, Object, Promise, Result, TypedArray, Value};

const RANDOM_MAX_BYTES: usize = 65_536;

pub fn object<'js>(ctx: &Ctx<'js>) -> Result<Value<'js>> {
    let crypto = Object::new(ctx.clone())?;
    crypto.set("getRandomValues", Func::from(get_random_values))?;
    crypto.set("randomUUID", Func::from(random_uuid))?;
    let subtle = Object::new(ctx.clone())?;
    define(&subtle, "digest", digest)?;
    define(&subtle, "sign", key::sign)?;
    define(&subtle, "verify", key::verify)?;
    define(&subtle, "importKey", key::import)?;
    define(&subtle, "exportKey", key::export)?;
    define(&subtle, "generateKey", key::generate)?;
    for name in ["encrypt", "decrypt", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"] {
        let refuse = move |ctx: Ctx<'js>, _: Rest<Value<'js>>| {
            let why = format!("crypto.subtle.{name}() is not supported by ringload");
            settled(&ctx, Err(throw(&ctx, "NotSupportedError", &why)))
        };
        subtle.set(name, Function::new(ctx.clone(), refuse)?.with_name(name)?)?;
    }
    crypto.set("subtle", subtle)?;
    Ok(crypto.into_value())
}

/// The arguments of a call; those that were not given are undefined.
struct Arguments<'js>(Vec<Value<'js>>);

impl<'js> Arguments<'js> {
    fn get(&self, ctx: &Ctx<'js>, place: usize) -> Value<'js> {
        self.0.get(place).cloned().unwrap_or_else(|| Value::new_undefined(ctx.clone()))
    }

    fn bytes(&self, ctx: &Ctx<'js>, place: usize) -> Result<Vec<u8>> {
        let why = "data must be an ArrayBuffer, TypedArray, or DataView";
        bytes_of(ctx, &self.get(ctx, place)).ok_or_else(|| throw(ctx, "TypeError", why))
    }
}

/// Puts a function on `subtle` whose errors reject the promise that it gives.
fn define<'js>(
    subtle: &Object<'js>,
    name: &'static str,
    body: for<'a> fn(&'a Ctx<'js>, Arguments<'js>) -> Result<Value<'js>>,
) -> Result<()> {
    let call = move |ctx: Ctx<'js>, arguments: Rest<Value<'js>>| -> Result<Promise<'js>> {
        let result = body(&ctx, Arguments(arguments.0));
        settled(&ctx, result)
    };
    subtle.set(name, Function::new(subtle.ctx().clone(), call)?.with_name(name)?)
}

/// An exception with the name of one of the API's.
fn throw(ctx: &Ctx<'_>, name: &str, message: &str) -> Error {
    let thrown = Exception::from_message(ctx.clone(), message).and_then(|exception| {
        let object = exception.into_object();
        object.prop("name", Property::from(name).writable().configurable())?;
        Ok(ctx.throw(object.into_value()))
    });
    thrown.unwrap_or_else(|error| error)
}

/// The name of an algorithm in capitals: `"sha-1"` and `{ name: "SHA-1" }` are the same.
fn algorithm_name<'js>(ctx: &Ctx<'js>, algorithm: &Value<'js>) -> Result<String> {
    let name = match algorithm.as_object() {
        Some(object) => object.get::<_, Value>("name")?,
        None => algorithm.clone(),
    };
    if !name.is_string() {
        return Err(throw(ctx, "SyntaxError", "the algorithm has no name"));
    }
    Ok(text(ctx, &name)?.to_ascii_uppercase())
}

fn hash_of(name: &str) -> Option<Algorithm> {
    Some(match name {
        "SHA-1" => Algorithm::Sha1,
        "SHA-256" => Algorithm::Sha256,
        "SHA-384" => Algorithm::Sha384,
        "SHA-512" => Algorithm::Sha512,
        _ => return None,
    })
}

fn digest<'js>(ctx: &Ctx<'js>, arguments: Arguments<'js>) -> Result<Value<'js>> {
    let data = arguments.bytes(ctx, 1)?;
    let name = algorithm_name(ctx, &arguments.get(ctx, 0))?;
    let Some(hash) = hash_of(&name) else {
        let why = format!(
            "unsupported digest algorithm '{name}', accepted values are: SHA-1, SHA-256, SHA-384, and SHA-512"
        );
        return Err(throw(ctx, "NotSupportedError", &why));
    };
    array_buffer(ctx, &hash.sum(None, &data))
}

/// Fills an array of integers and gives it back.
fn get_random_values<'js>(ctx: Ctx<'js>, array: Value<'js>) -> Result<Value<'js>> {
    let kinds =
        ["Int8", "Uint8", "Uint8Clamped", "Int16", "Uint16", "Int32", "Uint32", "BigInt64", "BigUint64"];
    let is_one = |kind: &&str| -> Result<bool> {
        let class: Object = ctx.globals().get(format!("{kind}Array"))?;
        Ok(array.as_object().is_some_and(|object| object.is_instance_of(class)))
    };
    let mut is_integers = false;
    for kind in &kinds {
        is_integers |= is_one(kind)?;
    }
    let Some(object) = array.as_object().filter(|_| is_integers) else {
        let why = "typedArray parameter isn't a TypedArray instance";
        return Err(throw(&ctx, "TypeMismatchError", why));
    };
    let (from, len): (usize, usize) = (object.get("byteOffset")?, object.get("byteLength")?);
    if len > RANDOM_MAX_BYTES {
        let why = "typedArray parameter is too big; maximum length is 65536 bytes";
        return Err(throw(&ctx, "QuotaExceededError", why));
    }
    engine::need_typed_arrays(&ctx)?;
    let bytes = TypedArray::new(ctx.clone(), random(&ctx, len)?)?;
    let class: Constructor = ctx.globals().get("Uint8Array")?;
    let view: Object = class.construct((object.get::<_, Value>("buffer")?, from, len))?;
    let set: Function = view.get("set")?;
    set.call::<_, ()>((rquickjs::function::This(view), bytes))?;
    Ok(array)
}

/// Version 4 (RFC 9562).
fn random_uuid(ctx: Ctx<'_>) -> Result<String> {
    let mut bytes = random(&ctx, 16)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// A member of an algorithm or of a key, if it is given.
fn member<'js, T: rquickjs::FromJs<'js>>(of: &Value<'js>, name: &str) -> Result<Option<T>> {
    let Some(object) = of.as_object() else { return Ok(None) };
    let value: Value = object.get(name)?;
    match value.is_undefined() || value.is_null() {
        true => Ok(None),
        false => T::from_js(object.ctx(), value).map(Some),
    }
}

fn truth<'js>(value: Value<'js>) -> Result<bool> {
    let ctx = value.ctx().clone();
    engine::check_stack(&ctx)?;
    Ok(<Coerced<bool> as rquickjs::FromJs>::from_js(&ctx, value)?.0)
}
