//! The globals `TextEncoder` and `TextDecoder` (UTF-8, UTF-16).

use super::engine::{self, Native, NativeClass};
use super::values::{bytes_of, text};
use rquickjs::function::{Constructor, Func, Opt, This};
use rquickjs::object::Accessor;
use rquickjs::{Class, Coerced, Ctx, Exception, Object, Result, TypedArray, Value};
use std::cell::RefCell;

struct TextEncoder;

impl NativeClass for TextEncoder {
    const NAME: &'static str = "TextEncoder";

    fn prototype<'js>(_ctx: &Ctx<'js>, prototype: &Object<'js>) -> Result<()> {
        prototype.prop("encoding", Accessor::new_get(|| "utf-8"))?;
        prototype.set("encode", Func::from(encode))
    }
}

pub fn encoder<'js>(ctx: &Ctx<'js>) -> Result<Value<'js>> {
    let make = |ctx: Ctx<'js>| Native::object(&ctx, TextEncoder);
    Ok(Constructor::new_class::<Native<TextEncoder>, _, _>(ctx.clone(), make)?.into_value())
}

fn encode<'js>(ctx: Ctx<'js>, input: Opt<Value<'js>>) -> Result<TypedArray<'js, u8>> {
    let bytes = match input.0.filter(|input| !input.is_undefined()) {
        Some(input) => text(&ctx, &input)?.into_bytes(),
        None => Vec::new(),
    };
    engine::need_typed_arrays(&ctx)?;
    TypedArray::new(ctx, bytes)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    fn of(label: &str) -> Option<Encoding> {
        Some(match label.trim().to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "unicode-1-1-utf-8" => Encoding::Utf8,
            "utf-16le" | "utf-16" | "ucs-2" | "unicode" | "csunicode" => Encoding::Utf16Le,
            "utf-16be" => Encoding::Utf16Be,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
        }
    }
}

struct TextDecoder {
    encoding: Encoding,
    is_fatal: bool,
    keeps_mark: bool,
    stream: RefCell<Stream>,
}

/// Between the calls of one stream.
#[derive(Default)]
struct Stream {
    /// The beginning of a letter whose rest is to come.
    pending: Vec<u8>,
    /// Something was decoded: a byte order mark is none any more.
    begun: bool,
}

impl NativeClass for TextDecoder {
    const NAME: &'static str = "TextDecoder";

    fn prototype<'js>(_ctx: &Ctx<'js>, prototype: &Object<'js>) -> Result<()> {
        let encoding = |This(this): ThisDecoder<'js>| this.borrow().0.encoding.name();
        prototype.prop("encoding", Accessor::new_get(encoding))?;
        prototype
            .prop("fatal", Accessor::new_get(|This(this): ThisDecoder<'js>| this.borrow().0.is_fatal))?;
        let keeps_mark = |This(this): ThisDecoder<'js>| this.borrow().0.keeps_mark;
        prototype.prop("ignoreBOM", Accessor::new_get(keeps_mark))?;
        prototype.set("decode", Func::from(decode))
    }
}

type ThisDecoder<'js> = This<Class<'js, Native<TextDecoder>>>;

pub fn decoder<'js>(ctx: &Ctx<'js>) -> Result<Value<'js>> {
    Ok(Constructor::new_class::<Native<TextDecoder>, _, _>(ctx.clone(), make_decoder)?.into_value())
}

fn make_decoder<'js>(ctx: Ctx<'js>, label: Opt<Value<'js>>, options: Opt<Value<'js>>) -> Result<Object<'js>> {
    let encoding = match label.0.filter(|label| !label.is_undefined()) {
        None => Encoding::Utf8,
        Some(label) => {
            let label = text(&ctx, &label)?;
            let unknown = || Exception::throw_range(&ctx, &format!("unsupported encoding: {label}"));
            Encoding::of(&label).ok_or_else(unknown)?
        }
    };
    let is_fatal = flag(options.0.as_ref(), "fatal")?;
    let keeps_mark = flag(options.0.as_ref(), "ignoreBOM")?;
    Native::object(&ctx, TextDecoder { encoding, is_fatal, keeps_mark, stream: RefCell::default() })
}

fn flag(options: Option<&Value<'_>>, name: &str) -> Result<bool> {
    match options.and_then(Value::as_object) {
        Some(options) => Ok(options.get::<_, Coerced<bool>>(name)?.0),
        None => Ok(false),
    }
}

fn decode<'js>(
    ctx: Ctx<'js>,
    This(this): ThisDecoder<'js>,
    input: Opt<Value<'js>>,
    options: Opt<Value<'js>>,
) -> Result<String> {
    let goes_on = flag(options.0.as_ref(), "stream")?;
    let input = match input.0.filter(|input| !input.is_undefined()) {
        None => Vec::new(),
        Some(input) => {
            let refused = "The input must be an ArrayBuffer, a TypedArray or a DataView";
            bytes_of(&ctx, &input).ok_or_else(|| Exception::throw_type(&ctx, refused))?
        }
    };
    let this = this.borrow();
    let decoder = &this.0;
    let mut stream = decoder.stream.take();
    let mut bytes = std::mem::take(&mut stream.pending);
    bytes.extend_from_slice(&input);
    let whole = if goes_on { whole_letters(decoder.encoding, &bytes) } else { bytes.len() };
    let rest = bytes.split_off(whole);
    let Some(mut decoded) = decoded(decoder.encoding, &bytes, decoder.is_fatal) else {
        let why = format!("The encoded data was not valid {} data", decoder.encoding.name());
        return Err(Exception::throw_type(&ctx, &why));
    };
    if !stream.begun && !decoder.keeps_mark && decoded.starts_with('\u{feff}') {
        decoded.remove(0);
    }
    if goes_on {
        stream.begun |= !bytes.is_empty();
        *decoder.stream.borrow_mut() = Stream { pending: rest, begun: stream.begun };
    }
    Ok(decoded)
}

/// How many of the bytes end with a letter, or are wrong whatever follows.
fn whole_letters(encoding: Encoding, bytes: &[u8]) -> usize {
    if encoding == Encoding::Utf8 {
        return match std::str::from_utf8(bytes.utf8_chunks().last().map_or(b"", |last| last.invalid())) {
            Err(error) if error.error_len().is_none() => {
                bytes.len() - bytes.utf8_chunks().last().map_or(0, |last| last.invalid().len())
            }
            _ => bytes.len(),
        };
    }
    let even = bytes.len() & !1;
    match units(encoding, &bytes[..even]).last() {
        Some(0xd800..0xdc00) => even - 2,
        _ => even,
    }
}

fn units(encoding: Encoding, bytes: &[u8]) -> impl DoubleEndedIterator<Item = u16> {
    bytes.chunks_exact(2).map(move |pair| match encoding {
        Encoding::Utf16Be => u16::from_be_bytes([pair[0], pair[1]]),
        Encoding::Utf8 | Encoding::Utf16Le => u16::from_le_bytes([pair[0], pair[1]]),
    })
}

/// `None`: it is wrong, and that is fatal.
fn decoded(encoding: Encoding, bytes: &[u8], is_fatal: bool) -> Option<String> {
    if encoding == Encoding::Utf8 {
        return match is_fatal {
            true => std::str::from_utf8(bytes).ok().map(str::to_owned),
            false => Some(String::from_utf8_lossy(bytes).into_owned()),
        };
    }
    let is_cut = !bytes.len().is_multiple_of(2);
    let mut text = String::new();
    for letter in char::decode_utf16(units(encoding, bytes)) {
        match letter {
            Err(_) if is_fatal => return None,
            letter => text.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }
    match (is_cut, is_fatal) {
        (true, true) => None,
        (true, false) => Some(text + "\u{fffd}"),
        (false, _) => Some(text),
    }
}
