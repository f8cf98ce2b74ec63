//! `k6/crypto`: hashes, HMACs, random bytes.

use super::hash::{Algorithm, Hashing};
use crate::http::base64;
use crate::script::js::engine::{Native, NativeClass};
use crate::script::js::exceptions;
use crate::script::js::values::{array_buffer, bytes_of, go_type, text, to_bytes};
use rquickjs::function::{Func, Opt, This};
use rquickjs::{Class, Coerced, Ctx, Exception, Function, IntoJs, Object, Result, Value};
use std::cell::RefCell;

const HASHES: &[&str] =
    &["md4", "md5", "sha1", "sha256", "sha384", "sha512", "sha512_224", "sha512_256", "ripemd160"];

/// What one call may ask for: more than any test needs, less than a machine has.
const RANDOM_MAX_BYTES: f64 = (256 << 20) as f64;

pub fn exports<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let exports = Object::new(ctx.clone())?;
    for name in HASHES {
        let algorithm = Algorithm::of_k6(name).expect("the names are those of the algorithms");
        let call = move |ctx: Ctx<'js>, input: Value<'js>, encoding: Opt<Value<'js>>| -> Result<Value<'js>> {
            let Some(bytes) = input_bytes(&ctx, &input)? else {
                let why = format!(
                    "{name} failed: invalid type {}, expected string, []byte or ArrayBuffer",
                    go_type(&input)
                );
                return Err(exceptions::throw(&ctx, &why));
            };
            encoded(&ctx, &algorithm.sum(None, &bytes), encoding)
        };
        exports.set(*name, Function::new(ctx.clone(), call)?.with_name(name)?)?;
    }
    exports.set("createHash", Func::from(create_hash))?;
    exports.set("createHMAC", Func::from(create_hmac))?;
    exports.set("hmac", Func::from(hmac))?;
    exports.set("hexEncode", Func::from(hex_encode))?;
    exports.set("randomBytes", Func::from(random_bytes))?;
    Ok(exports)
}

struct Hasher(RefCell<Box<dyn Hashing>>);

impl NativeClass for Hasher {
    const NAME: &'static str = "Hasher";

    fn prototype<'js>(_ctx: &Ctx<'js>, prototype: &Object<'js>) -> Result<()> {
        prototype.set("update", Func::from(update))?;
        prototype.set("digest", Func::from(digest))
    }
}

type ThisHasher<'js> = This<Class<'js, Native<Hasher>>>;

/// Answers nothing, as in k6: calls cannot be chained.
fn update<'js>(ctx: Ctx<'js>, This(hasher): ThisHasher<'js>, input: Value<'js>) -> Result<()> {
    let bytes = to_bytes(&ctx, &input)?;
    hasher.borrow().0.0.borrow_mut().update(&bytes);
    Ok(())
}

fn digest<'js>(
    ctx: Ctx<'js>,
    This(hasher): ThisHasher<'js>,
    encoding: Opt<Value<'js>>,
) -> Result<Value<'js>> {
    let sum = hasher.borrow().0.0.borrow().sum();
    encoded(&ctx, &sum, encoding)
}

fn create_hash<'js>(ctx: Ctx<'js>, algorithm: Value<'js>) -> Result<Object<'js>> {
    let hash = algorithm_of(&ctx, &algorithm)?.begin(None);
    Native::object(&ctx, Hasher(RefCell::new(hash)))
}

fn create_hmac<'js>(ctx: Ctx<'js>, algorithm: Value<'js>, key: Value<'js>) -> Result<Object<'js>> {
    let algorithm = algorithm_of(&ctx, &algorithm)?;
    let hash = algorithm.begin(Some(&to_bytes(&ctx, &key)?));
    Native::object(&ctx, Hasher(RefCell::new(hash)))
}

fn hmac<'js>(
    ctx: Ctx<'js>,
    algorithm: Value<'js>,
    key: Value<'js>,
    input: Value<'js>,
    encoding: Opt<Value<'js>>,
) -> Result<Value<'js>> {
    let algorithm = algorithm_of(&ctx, &algorithm)?;
    let key = to_bytes(&ctx, &key)?;
    encoded(&ctx, &algorithm.sum(Some(&key), &to_bytes(&ctx, &input)?), encoding)
}

fn hex_encode<'js>(ctx: Ctx<'js>, input: Value<'js>) -> Result<String> {
    Ok(hex(&to_bytes(&ctx, &input)?))
}

fn random_bytes(ctx: Ctx<'_>, size: Coerced<f64>) -> Result<Value<'_>> {
    if size.0.is_nan() || size.0 < 1.0 {
        return Err(exceptions::throw(&ctx, "invalid size"));
    }
    if size.0 > RANDOM_MAX_BYTES {
        return Err(Exception::throw_range(&ctx, "randomBytes() gives at most 256 MiB at a time"));
    }
    array_buffer(&ctx, &random(&ctx, size.0 as usize)?)
}

/// From the system.
pub fn random(ctx: &Ctx<'_>, size: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(exceptions::throw(ctx, &format!("no random bytes: {error}"))),
    }
}

fn input_bytes<'js>(ctx: &Ctx<'js>, input: &Value<'js>) -> Result<Option<Vec<u8>>> {
    match input.is_string() {
        true => Ok(Some(text(ctx, input)?.into_bytes())),
        false => Ok(bytes_of(ctx, input)),
    }
}

fn algorithm_of<'js>(ctx: &Ctx<'js>, name: &Value<'js>) -> Result<Algorithm> {
    let name = text(ctx, name)?;
    Algorithm::of_k6(&name).ok_or_else(|| exceptions::throw(ctx, &format!("invalid algorithm: {name}")))
}

fn encoded<'js>(ctx: &Ctx<'js>, sum: &[u8], encoding: Opt<Value<'js>>) -> Result<Value<'js>> {
    let encoding = encoding.0.map(|name| text(ctx, &name)).transpose()?.unwrap_or_default();
    match encoding.as_str() {
        "hex" => hex(sum).into_js(ctx),
        "base64" => base64::encode(base64::STANDARD, sum).into_js(ctx),
        "base64url" => base64::encode(base64::URL, sum).into_js(ctx),
        "base64rawurl" => base64::encode(base64::URL_RAW, sum).into_js(ctx),
        "binary" => array_buffer(ctx, sum),
        other => Err(exceptions::throw(ctx, &format!("invalid output encoding: {other}"))),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}
