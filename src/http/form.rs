//! Form bodies as k6 makes them from objects: `application/x-www-form-urlencoded` with Go's
//! escaping and sorted keys. Forms with files are `multipart`.

/// The media type of what `encode` writes.
pub const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// `fields`: names with their values in order; no value, no text. Sorted by name.
pub fn encode(mut fields: Vec<(String, Vec<String>)>) -> String {
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut text = String::new();
    for (name, values) in &fields {
        for value in values {
            if !text.is_empty() {
                text.push('&');
            }
            escape(&mut text, name);
            text.push('=');
            escape(&mut text, value);
        }
    }
    text
}

fn escape(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                out.push(HEX[usize::from(byte >> 4)] as char);
                out.push(HEX[usize::from(byte & 15)] as char);
            }
        }
    }
}

/// A JavaScript number as Go prints it once k6 has made it an integer or a float.
pub fn number(value: f64) -> String {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if value == value.trunc() && value.abs() <= EXACT_MAX {
        let is_negative_zero = value == 0.0 && value.is_sign_negative();
        return if is_negative_zero { "-0".to_owned() } else { format!("{}", value as i64) };
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("Rust's own format has an exponent");
    let exponent: i32 = exponent.parse().expect("Rust's own exponent is a number");
    // Go's %v: the shortest digits, in decimal from 1e-4 up to a million.
    match exponent {
        -4..6 => format!("{value}"),
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &[(&str, &[&str])], want: &str) {
        let owned = |(name, values): &(&str, &[&str])| {
            ((*name).to_owned(), values.iter().map(|&value| value.to_owned()).collect())
        };
        assert_eq!(encode(fields.iter().map(owned).collect()), want);
    }

    #[test]
    fn names_are_sorted_and_values_keep_their_order() {
        check(&[], "");
        check(&[("b", &["x y"]), ("a", &["1"])], "a=1&b=x+y");
        check(&[("a", &["2", "1", ""])], "a=2&a=1&a=");
        check(&[("a", &[])], "");
    }

    #[test]
    fn all_but_unreserved_bytes_are_escaped() {
        check(&[("a&b", &["=+%/?#"])], "a%26b=%3D%2B%25%2F%3F%23");
        check(&[("-_.~", &["\u{e9}\u{20ac}\n*'()"])], "-_.~=%C3%A9%E2%82%AC%0A%2A%27%28%29");
    }

    #[test]
    fn numbers_are_integers_where_they_can_be_and_else_gos_floats() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1e6, "1000000"),
            (-3.0, "-3"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (1e21, "1e+21"),
            (1.5, "1.5"),
            (123_456.5, "123456.5"),
            (1_234_567.5, "1.2345675e+06"),
            (0.000_1, "0.0001"),
            (0.000_01, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (value, want) in cases {
            assert_eq!(number(value), want);
        }
    }
}
