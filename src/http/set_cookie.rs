//! One `Set-Cookie` line, read as Go reads it; the jar's rules are in `cookies`.

use super::head::is_token;

/// A cookie as the server, or a script, sets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetCookie {
    pub name: String,
    /// Without the quotes that may be around it.
    pub value: String,
    /// As written; empty: only the host that set it.
    pub domain: String,
    /// As written; empty: derived from the request's.
    pub path: String,
    /// Seconds since 1970; `None`: with the session, unless `max_age` says otherwise.
    pub expires: Option<i64>,
    /// Seconds from now; 0: not given, -1: delete it.
    pub max_age: i64,
    pub secure: bool,
    pub http_only: bool,
}

impl SetCookie {
    /// Reads a header's value. `None`: not a cookie, so it is ignored.
    pub fn parse(line: &str) -> Option<SetCookie> {
        let mut parts = line.trim_ascii().split(';');
        let (name, value) = parts.next()?.trim_ascii().split_once('=')?;
        let name = name.trim_ascii();
        if !is_token(name.as_bytes()) {
            return None;
        }
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let value = unquoted.unwrap_or(value);
        if !value.bytes().all(is_value_byte) {
            return None;
        }
        let mut cookie = SetCookie { name: name.to_owned(), value: value.to_owned(), ..SetCookie::default() };
        for part in parts {
            let (key, value) = part.trim_ascii().split_once('=').unwrap_or((part.trim_ascii(), ""));
            if value.bytes().all(is_value_byte) {
                cookie.set_attribute(&key.to_ascii_lowercase(), value);
            }
        }
        Some(cookie)
    }

    fn set_attribute(&mut self, key: &str, value: &str) {
        match key {
            "domain" => value.clone_into(&mut self.domain),
            "path" => value.clone_into(&mut self.path),
            "secure" => self.secure = true,
            "httponly" => self.http_only = true,
            "expires" => self.expires = parse_date(value),
            "max-age" => match value.parse() {
                Ok(seconds) if seconds > 0 && value.starts_with('0') => {}
                Ok(seconds) if seconds > 0 => self.max_age = seconds,
                Ok(_) => self.max_age = -1,
                Err(_) => {}
            },
            _ => {}
        }
    }
}

/// What Go lets pass in a cookie's value and sends of it.
pub(super) fn is_value_byte(byte: u8) -> bool {
    (b' '..0x7f).contains(&byte) && !matches!(byte, b'"' | b';' | b'\\')
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// `Mon, 02 Jan 2006 15:04:05 MST`, or with dashes in the date. The zone is taken for UTC, as Go
/// does with abbreviations it does not know.
pub fn parse_date(text: &str) -> Option<i64> {
    let (weekday, rest) = text.split_once(", ")?;
    let (date, rest) = match rest.as_bytes().get(2)? {
        b'-' => rest.split_once(' ')?,
        _ => rest.split_at_checked("02 Jan 2006".len())?,
    };
    let separator = if date.as_bytes().get(2) == Some(&b'-') { '-' } else { ' ' };
    let (time, zone) = rest.trim_start_matches(' ').split_once(' ')?;
    let mut date = date.split(separator);
    let (day, month, year) = (number(date.next()?, 2)?, date.next()?, number(date.next()?, 4)?);
    let mut time = time.split(':');
    let (hour, minute, second) = (time.next()?, number(time.next()?, 2)?, number(time.next()?, 2)?);
    let hour = number(hour, hour.len().clamp(1, 2))?;
    let month = 1 + MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? as i64;
    let is_zone = (3..=5).contains(&zone.len()) && zone.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let exists = DAYS.iter().any(|name| name.eq_ignore_ascii_case(weekday))
        && is_zone
        && (1..=month_days).contains(&day)
        && (hour < 24 && minute < 60 && second < 60)
        && date.next().is_none()
        && time.next().is_none();
    exists.then(|| days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let all_digits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

/// In the Gregorian calendar; years begin in March, so that a leap day is the last of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
        - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, want: Option<SetCookie>) {
        assert_eq!(SetCookie::parse(line), want, "{line:?}");
    }

    fn cookie(name: &str, value: &str) -> SetCookie {
        SetCookie { name: name.into(), value: value.into(), ..SetCookie::default() }
    }

    #[test]
    fn a_line_is_a_name_a_value_and_attributes_in_any_case() {
        check("a=b", Some(cookie("a", "b")));
        check("  a =b; ", Some(cookie("a", "b")));
        check("a=", Some(cookie("a", "")));
        check("a=b=c d,e", Some(cookie("a", "b=c d,e")));
        check("a=\"b\"", Some(cookie("a", "b")));
        check(
            "a=b; path=/x; DOMAIN=.h.example ; Secure; httponly; SameSite=Lax; Max-Age=5",
            Some(SetCookie {
                path: "/x".into(),
                domain: ".h.example".into(),
                secure: true,
                http_only: true,
                max_age: 5,
                ..cookie("a", "b")
            }),
        );
        check("a=b; Max-Age=0", Some(SetCookie { max_age: -1, ..cookie("a", "b") }));
        check("a=b; Max-Age=-7", Some(SetCookie { max_age: -1, ..cookie("a", "b") }));
        check("a=b; Max-Age=x", Some(cookie("a", "b")));
        check("a=b; Max-Age=05", Some(cookie("a", "b")));
        check("a=b; Path=\"/x\"", Some(cookie("a", "b")));
    }

    #[test]
    fn what_is_no_cookie_is_ignored() {
        for line in ["", "a", "=b", "a b=c", "a=b\\c", "a=b\"c", "a=\u{e9}", "a=\""] {
            check(line, None);
        }
    }

    #[test]
    fn dates_are_read_in_two_forms() {
        #[track_caller]
        fn date(text: &str, want: Option<i64>) {
            assert_eq!(parse_date(text), want, "{text:?}");
        }
        date("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        date("Thu, 01-Jan-1970 00:00:01 UTC", Some(1));
        date("Wed, 29 Feb 2012 23:59:59 GMT", Some(1_330_559_999));
        date("Tue, 24 Nov 2026 06:40:00 GMT", Some(1_795_502_400));
        date("Mon, 01 Jan 0001 00:00:00 UTC", Some(-62_135_596_800));
        date("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799));
        date("Wed, 29 Feb 2011 23:59:59 GMT", None);
        date("Thu, 1 Jan 1970 00:00:00 GMT", None);
        date("Thu, 01 Jan 70 00:00:00 GMT", None);
        date("Thu, 01 Jan 1970 24:00:00 GMT", None);
        date("Thu, 01 Jan 1970 00:00:00", None);
        date("X, 01 Jan 1970 00:00:00 GMT", None);
        date("1700000000", None);
        date("", None);
    }
}
