//! Base64 in its four variants (RFC 4648), with the errors of Go's decoder.
//!
//! Like Go, decoding skips line ends and does not look at the unused bits of the last character.

/// Which 64 characters, and whether the end is padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    url: bool,
    padded: bool,
}

pub const STANDARD: Variant = Variant { url: false, padded: true };
pub const STANDARD_RAW: Variant = Variant { url: false, padded: false };
pub const URL: Variant = Variant { url: true, padded: true };
pub const URL_RAW: Variant = Variant { url: true, padded: false };

const PAD: u8 = b'=';

impl Variant {
    fn digit(self, value: u32) -> u8 {
        match (value & 63) as u8 {
            value @ 0..26 => b'A' + value,
            value @ 26..52 => b'a' + value - 26,
            value @ 52..62 => b'0' + value - 52,
            62 => {
                if self.url {
                    b'-'
                } else {
                    b'+'
                }
            }
            _ => {
                if self.url {
                    b'_'
                } else {
                    b'/'
                }
            }
        }
    }

    fn value(self, digit: u8) -> Option<u32> {
        Some(u32::from(match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' if !self.url => 62,
            b'/' if !self.url => 63,
            b'-' if self.url => 62,
            b'_' if self.url => 63,
            _ => return None,
        }))
    }
}

pub fn encode(variant: Variant, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let [first, second, third] = [0, 1, 2].map(|place| u32::from(*chunk.get(place).unwrap_or(&0)));
        let group = first << 16 | second << 8 | third;
        for place in 0..4 {
            match place <= chunk.len() {
                true => text.push(char::from(variant.digit(group >> (18 - 6 * place)))),
                false if variant.padded => text.push(char::from(PAD)),
                false => {}
            }
        }
    }
    text
}

/// The error is Go's text; it counts bytes from 0.
pub fn decode(variant: Variant, text: &str) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| format!("illegal base64 data at input byte {at}");
    let text = text.as_bytes();
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut letters = text.iter().copied().enumerate().filter(|(_, letter)| !b"\r\n".contains(letter));
    loop {
        let (mut group, mut digits) = (0, 0);
        while digits < 4 {
            match letters.next() {
                None if digits == 0 => return Ok(bytes),
                None if digits == 1 || variant.padded => return Err(corrupt(text.len() - digits)),
                None => break,
                Some((at, PAD)) if variant.padded => {
                    let second = match digits {
                        0 | 1 => return Err(corrupt(at)),
                        2 => Some(letters.next().ok_or_else(|| corrupt(text.len()))?),
                        _ => None,
                    };
                    if let Some((at, _)) = second.filter(|(_, letter)| *letter != PAD) {
                        return Err(corrupt(at - 1));
                    }
                    if let Some((at, _)) = letters.next() {
                        return Err(corrupt(at));
                    }
                    break;
                }
                Some((at, letter)) => {
                    let value = variant.value(letter).ok_or_else(|| corrupt(at))?;
                    group |= value << (18 - 6 * digits);
                    digits += 1;
                }
            }
        }
        bytes.extend_from_slice(&group.to_be_bytes()[1..digits]);
        if digits < 4 {
            return Ok(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variant: Variant, bytes: &[u8], text: &str) {
        assert_eq!(encode(variant, bytes), text);
        assert_eq!(decode(variant, text).as_deref(), Ok(bytes));
    }

    #[test]
    fn the_variants_differ_in_two_characters_and_the_padding() {
        for (bytes, standard) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v")] {
            check(STANDARD, bytes, standard);
            check(STANDARD_RAW, bytes, standard.trim_end_matches('='));
            check(URL, bytes, standard);
            check(URL_RAW, bytes, standard.trim_end_matches('='));
        }
        check(STANDARD, b"\xfb\xff\xfe", "+//+");
        check(URL, b"\xfb\xff\xfe", "-__-");
    }

    #[test]
    fn what_is_wrong_is_named_as_go_names_it() {
        #[track_caller]
        fn refused(variant: Variant, text: &str, at: usize) {
            let want = format!("illegal base64 data at input byte {at}");
            assert_eq!(decode(variant, text), Err(want), "{text}");
        }
        refused(STANDARD, "Z", 0);
        refused(STANDARD, "Zg", 0);
        refused(STANDARD, "Zg=", 3);
        refused(STANDARD, "Zg==Zg==", 4);
        refused(STANDARD, "Zm9vZ-==", 5);
        refused(STANDARD, "=", 0);
        refused(STANDARD, "Zm=v", 2);
        refused(STANDARD_RAW, "Zg==", 2);
        refused(STANDARD_RAW, "Zm9vZ", 4);
        refused(URL_RAW, "Zg+", 2);
        assert_eq!(decode(STANDARD, "Zm\r\n9v\n").as_deref(), Ok(&b"foo"[..]));
        assert_eq!(decode(STANDARD_RAW, "Zh").as_deref(), Ok(&b"f"[..]));
    }
}
