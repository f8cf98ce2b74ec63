//! HMAC keys: made, imported, exported, and what they sign.

use super::{Arguments, algorithm_name, hash_of, member, throw, truth};
use crate::http::base64;
use crate::script::js::engine::{Native, NativeClass};
use crate::script::js::modules::crypto::random;
use crate::script::js::modules::hash::Algorithm;
use crate::script::js::values::{array_buffer, text};
use rquickjs::{Array, Class, Coerced, Ctx, IntoJs, Object, Result, Value};

/// The longest that `generateKey` makes.
const LENGTH_MAX_BITS: f64 = (1 << 20) as f64;

/// What of a `CryptoKey` scripts cannot see; the rest are properties of the object.
struct CryptoKey {
    hash: Algorithm,
    hash_name: String,
    bytes: Vec<u8>,
    is_extractable: bool,
    usages: Vec<String>,
}

impl NativeClass for CryptoKey {
    const NAME: &'static str = "CryptoKey";

    fn prototype<'js>(_ctx: &Ctx<'js>, _prototype: &Object<'js>) -> Result<()> {
        Ok(())
    }
}

impl CryptoKey {
    fn object<'js>(self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        let algorithm = Object::new(ctx.clone())?;
        algorithm.set("name", "HMAC")?;
        let hash = Object::new(ctx.clone())?;
        hash.set("name", self.hash_name.as_str())?;
        algorithm.set("hash", hash)?;
        algorithm.set("length", (self.bytes.len() * 8) as f64)?;
        let (is_extractable, usages) = (self.is_extractable, self.usages.clone());
        let object = Native::object(ctx, self)?;
        object.set("type", "secret")?;
        object.set("extractable", is_extractable)?;
        object.set("algorithm", algorithm)?;
        object.set("usages", usages)?;
        Ok(object.into_value())
    }
}

/// What `importKey` and `generateKey` are told of an HMAC key.
struct Wanted {
    hash: Algorithm,
    hash_name: String,
    length_bits: Option<f64>,
}

impl Wanted {
    fn parse<'js>(ctx: &Ctx<'js>, algorithm: &Value<'js>) -> Result<Wanted> {
        let name = algorithm_name(ctx, algorithm)?;
        if name != "HMAC" {
            let why = format!("the algorithm {name:?} is not supported by ringload; keys are for HMAC only");
            return Err(throw(ctx, "NotSupportedError", &why));
        }
        let Some(hash) = member::<Value>(algorithm, "hash")? else {
            return Err(throw(ctx, "SyntaxError", "could not get hash from algorithm parameter"));
        };
        let hash_name = algorithm_name(ctx, &hash)?;
        let Some(hash) = hash_of(&hash_name) else {
            let why = format!("unsupported key hash algorithm {hash_name:?}");
            return Err(throw(ctx, "NotSupportedError", &why));
        };
        let length_bits = member::<Coerced<f64>>(algorithm, "length")?.map(|length| length.0);
        Ok(Wanted { hash, hash_name, length_bits })
    }

    fn key<'js>(
        self,
        ctx: &Ctx<'js>,
        bytes: Vec<u8>,
        extractable: Value<'js>,
        usages: &[String],
    ) -> Result<Value<'js>> {
        if usages.is_empty() {
            let why = "usages cannot not be empty for a secret or private CryptoKey";
            return Err(throw(ctx, "SyntaxError", why));
        }
        let key = CryptoKey {
            hash: self.hash,
            hash_name: self.hash_name,
            bytes,
            is_extractable: truth(extractable)?,
            usages: usages.to_vec(),
        };
        key.object(ctx)
    }
}

fn usages<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<Vec<String>> {
    let Some(list) = value.as_array() else {
        return Err(throw(ctx, "TypeError", "the usages of a key are a list"));
    };
    let usages = list.iter::<Value>().map(|usage| text(ctx, &usage?)).collect::<Result<Vec<_>>>()?;
    match usages.iter().find(|usage| !matches!(usage.as_str(), "sign" | "verify")) {
        Some(usage) => Err(throw(ctx, "SyntaxError", &format!("invalid key usage: {usage}"))),
        None => Ok(usages),
    }
}

/// `generateKey(algorithm, extractable, usages)`.
pub(super) fn generate<'js>(ctx: &Ctx<'js>, arguments: Arguments<'js>) -> Result<Value<'js>> {
    let wanted = Wanted::parse(ctx, &arguments.get(ctx, 0))?;
    let usages = usages(ctx, &arguments.get(ctx, 2))?;
    let length_bits = wanted.length_bits.unwrap_or((wanted.hash.block_len() * 8) as f64);
    if !(1.0..=LENGTH_MAX_BITS).contains(&length_bits) {
        return Err(throw(
            ctx,
            "OperationError",
            "algorithm's length cannot be 0, or more than 1048576 bits",
        ));
    }
    let bytes = random(ctx, (length_bits / 8.0).ceil() as usize)?;
    wanted.key(ctx, bytes, arguments.get(ctx, 1), &usages)
}

/// `importKey(format, data, algorithm, extractable, usages)`.
pub(super) fn import<'js>(ctx: &Ctx<'js>, arguments: Arguments<'js>) -> Result<Value<'js>> {
    let format = text(ctx, &arguments.get(ctx, 0))?;
    let wanted = Wanted::parse(ctx, &arguments.get(ctx, 2))?;
    let usages = usages(ctx, &arguments.get(ctx, 4))?;
    let bytes = match format.as_str() {
        "raw" => arguments.bytes(ctx, 1)?,
        "jwk" => of_jwk(ctx, &arguments.get(ctx, 1))?,
        other => {
            return Err(throw(ctx, "NotSupportedError", &format!("unsupported key format {other}")));
        }
    };
    if bytes.is_empty() {
        return Err(throw(ctx, "DataError", "key length cannot be 0"));
    }
    if wanted.length_bits.is_some_and(|bits| bits != (bytes.len() * 8) as f64) {
        let why = "key length cannot be different from the length of the imported data";
        return Err(throw(ctx, "DataError", why));
    }
    wanted.key(ctx, bytes, arguments.get(ctx, 3), &usages)
}

/// The bytes of a symmetric JSON Web Key (RFC 7517).
fn of_jwk<'js>(ctx: &Ctx<'js>, jwk: &Value<'js>) -> Result<Vec<u8>> {
    let kind = member::<String>(jwk, "kty")?.unwrap_or_default();
    if kind != "oct" {
        return Err(throw(ctx, "DataError", &format!("invalid JWK: kty is {kind:?}, not \"oct\"")));
    }
    let key = member::<String>(jwk, "k")?.unwrap_or_default();
    base64::decode(base64::URL_RAW, &key)
        .map_err(|why| throw(ctx, "DataError", &format!("invalid JWK: k: {why}")))
}

/// `exportKey(format, key)`.
pub(super) fn export<'js>(ctx: &Ctx<'js>, arguments: Arguments<'js>) -> Result<Value<'js>> {
    let format = text(ctx, &arguments.get(ctx, 0))?;
    let key = key_of(ctx, &arguments.get(ctx, 1))?;
    let key = &key.borrow().0;
    if !key.is_extractable {
        return Err(throw(ctx, "InvalidAccessError", "the key is not extractable"));
    }
    match format.as_str() {
        "raw" => array_buffer(ctx, &key.bytes),
        "jwk" => {
            let jwk = Object::new(ctx.clone())?;
            jwk.set("kty", "oct")?;
            jwk.set("k", base64::encode(base64::URL_RAW, &key.bytes))?;
            let number = key.hash_name.trim_start_matches("SHA-");
            jwk.set("alg", format!("HS{number}"))?;
            jwk.set("ext", true)?;
            let operations = Array::new(ctx.clone())?;
            for (place, usage) in key.usages.iter().enumerate() {
                operations.set(place, usage.as_str())?;
            }
            jwk.set("key_ops", operations)?;
            Ok(jwk.into_value())
        }
        other => Err(throw(ctx, "NotSupportedError", &format!("unsupported key format {other}"))),
    }
}

/// `sign(algorithm, key, data)`.
pub(super) fn sign<'js>(ctx: &Ctx<'js>, arguments: Arguments<'js>) -> Result<Value<'js>> {
    let sum = sum(ctx, &arguments, "sign", 2)?;
    array_buffer(ctx, &sum)
}

/// `verify(algorithm, key, signature, data)`.
pub(super) fn verify<'js>(ctx: &Ctx<'js>, arguments: Arguments<'js>) -> Result<Value<'js>> {
    let signature = arguments.bytes(ctx, 2)?;
    let sum = sum(ctx, &arguments, "verify", 3)?;
    (sum == signature).into_js(ctx)
}

fn sum<'js>(ctx: &Ctx<'js>, arguments: &Arguments<'js>, usage: &str, data: usize) -> Result<Vec<u8>> {
    let data = arguments.bytes(ctx, data)?;
    let name = algorithm_name(ctx, &arguments.get(ctx, 0))?;
    if name != "HMAC" {
        let why = format!("the algorithm {name:?} is not supported by ringload; signatures are HMAC's only");
        return Err(throw(ctx, "NotSupportedError", &why));
    }
    let key = key_of(ctx, &arguments.get(ctx, 1))?;
    let key = &key.borrow().0;
    if !key.usages.iter().any(|known| known == usage) {
        let why = format!("key does not contain the '{usage}' usage");
        return Err(throw(ctx, "InvalidAccessError", &why));
    }
    Ok(key.hash.sum(Some(&key.bytes), &data))
}

fn key_of<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<Class<'js, Native<CryptoKey>>> {
    let why = "key argument does hold not a valid CryptoKey object";
    Native::<CryptoKey>::from_value(value).ok_or_else(|| throw(ctx, "InvalidAccessError", why))
}
