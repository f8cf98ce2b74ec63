//! Why a TLS connection came to nothing, in Go's words where k6 shows them.

use rustls::{AlertDescription, CertificateError, Error, OtherError};

/// What k6 tells apart by error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// What came first is no TLS record.
    NotTls,
    UnknownAuthority,
    WrongHostname,
    /// The peer said what it did not like.
    Alert,
    Other,
}

/// A cause and its text in Go's words; k6 logs the text, and shows it for the last two causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub cause: Cause,
    pub text: Box<str>,
}

/// Names of a certificate that a text shows.
const NAMES_MAX: usize = 10;

impl Failure {
    fn new(cause: Cause, text: impl Into<Box<str>>) -> Failure {
        Failure { cause, text: text.into() }
    }

    /// `first`: the peer's first bytes.
    pub(super) fn not_tls(first: &[u8]) -> Failure {
        Failure::new(
            Cause::NotTls,
            match first.starts_with(b"HTTP/") {
                true => "http: server gave HTTP response to HTTPS client",
                false => "tls: first record does not look like a TLS handshake",
            },
        )
    }

    pub(super) fn too_long() -> Failure {
        Failure::new(Cause::Other, "tls: handshake message of too many bytes")
    }

    pub(super) fn bad_name(host: &str) -> Failure {
        Failure::new(Cause::Other, format!("tls: {host:?} is no name that a certificate can have"))
    }

    pub(super) fn of(error: &Error) -> Failure {
        match error {
            Error::InvalidCertificate(error) => certificate(error),
            Error::AlertReceived(alert) => {
                Failure::new(Cause::Alert, format!("remote error: tls: {}", alert_text(*alert)))
            }
            Error::DecryptError => Failure::new(Cause::Alert, "local error: tls: bad record MAC"),
            Error::NoCertificatesPresented => {
                Failure::new(Cause::Other, "tls: received empty certificates message")
            }
            Error::NoApplicationProtocol => {
                Failure::new(Cause::Other, "tls: server selected unadvertised ALPN protocol")
            }
            Error::PeerSentOversizedRecord => Failure::new(Cause::Alert, "local error: tls: record overflow"),
            Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
                Failure::new(Cause::Alert, "local error: tls: unexpected message")
            }
            other => Failure::new(Cause::Other, format!("tls: {other}")),
        }
    }
}

fn certificate(error: &CertificateError) -> Failure {
    use CertificateError::*;
    let verify = |text: String| format!("tls: failed to verify certificate: x509: {text}");
    match error {
        UnknownIssuer | BadSignature => Failure::new(
            Cause::UnknownAuthority,
            verify("certificate signed by unknown authority".to_owned()),
        ),
        NotValidForName => {
            Failure::new(Cause::WrongHostname, verify("certificate is not valid for the host".to_owned()))
        }
        NotValidForNameContext { expected, presented } => {
            Failure::new(Cause::WrongHostname, verify(wrong_name(&expected.to_str(), presented)))
        }
        ExpiredContext { time, not_after } => Failure::new(
            Cause::Other,
            format!(
                "x509: certificate has expired or is not yet valid: current time {} is after {}",
                rfc3339(time.as_secs()),
                rfc3339(not_after.as_secs())
            ),
        ),
        NotValidYetContext { time, not_before } => Failure::new(
            Cause::Other,
            format!(
                "x509: certificate has expired or is not yet valid: current time {} is before {}",
                rfc3339(time.as_secs()),
                rfc3339(not_before.as_secs())
            ),
        ),
        InvalidPurpose | InvalidPurposeContext { .. } => {
            Failure::new(Cause::Other, "x509: certificate specifies an incompatible key usage")
        }
        UnhandledCriticalExtension => Failure::new(Cause::Other, "x509: unhandled critical extension"),
        BadEncoding => Failure::new(
            Cause::Other,
            "tls: failed to parse certificate from server: x509: malformed certificate",
        ),
        Other(OtherError(why)) => Failure::new(Cause::Other, format!("x509: {why}")),
        other => Failure::new(Cause::Other, format!("x509: {other}")),
    }
}

/// `presented` are rustls' words: `DnsName("a.test")`, `IpAddress(127.0.0.1)`.
fn wrong_name(expected: &str, presented: &[String]) -> String {
    let of = |kind: &str| -> Vec<&str> {
        let inner = |name: &'_ String| -> Option<(usize, usize)> {
            let rest = name.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')')?;
            let begin = kind.len() + 1 + usize::from(rest.starts_with('"'));
            Some((begin, name.len() - 1 - usize::from(rest.ends_with('"'))))
        };
        let names = presented.iter().filter_map(|name| inner(name).map(|(begin, end)| &name[begin..end]));
        names.take(NAMES_MAX).collect()
    };
    let is_address = expected.parse::<std::net::IpAddr>().is_ok();
    let names = of(if is_address { "IpAddress" } else { "DnsName" });
    match (names.is_empty(), is_address) {
        (true, true) => {
            format!("cannot validate certificate for {expected} because it doesn't contain any IP SANs")
        }
        (true, false) => {
            format!("certificate is not valid for any names, but wanted to match {expected}")
        }
        (false, _) => format!("certificate is valid for {}, not {expected}", names.join(", ")),
    }
}

/// Go's texts of alerts.
fn alert_text(alert: AlertDescription) -> String {
    let text = match u8::from(alert) {
        0 => "close notify",
        10 => "unexpected message",
        20 => "bad record MAC",
        21 => "decryption failed",
        22 => "record overflow",
        30 => "decompression failure",
        40 => "handshake failure",
        42 => "bad certificate",
        43 => "unsupported certificate",
        44 => "revoked certificate",
        45 => "expired certificate",
        46 => "unknown certificate",
        47 => "illegal parameter",
        48 => "unknown certificate authority",
        49 => "access denied",
        50 => "error decoding message",
        51 => "error decrypting message",
        60 => "export restriction",
        70 => "protocol version not supported",
        71 => "insufficient security level",
        80 => "internal error",
        86 => "inappropriate fallback",
        90 => "user canceled",
        100 => "no renegotiation",
        109 => "missing extension",
        110 => "unsupported extension",
        111 => "certificate unobtainable",
        112 => "unrecognized name",
        113 => "bad certificate status response",
        114 => "bad certificate hash value",
        115 => "unknown PSK identity",
        116 => "certificate required",
        120 => "no application protocol",
        121 => "encrypted client hello required",
        number => return format!("alert({number})"),
    };
    text.to_owned()
}

/// Seconds since 1970 as `2026-11-24T11:05:26Z`.
fn rfc3339(unix_s: u64) -> String {
    let (days, second) = ((unix_s / 86_400) as i64, unix_s % 86_400);
    // Days since 1 March of year 0, in eras of 400 years: the leap day ends a year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_go_shows_them() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_795_518_326), "2026-11-24T11:05:26Z");
    }

    #[test]
    fn a_wrong_name_is_told_with_those_that_would_do() {
        let names = ["DnsName(\"a.test\")".to_owned(), "IpAddress(127.0.0.1)".to_owned()];
        assert_eq!(wrong_name("b.test", &names), "certificate is valid for a.test, not b.test");
        assert_eq!(wrong_name("10.0.0.1", &names), "certificate is valid for 127.0.0.1, not 10.0.0.1");
        assert_eq!(
            wrong_name("10.0.0.1", &names[..1]),
            "cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs"
        );
        assert_eq!(
            wrong_name("b.test", &[]),
            "certificate is not valid for any names, but wanted to match b.test"
        );
    }

    #[test]
    fn alerts_have_the_texts_of_go() {
        let failure = Failure::of(&Error::AlertReceived(AlertDescription::HandshakeFailure));
        assert_eq!(failure, Failure::new(Cause::Alert, "remote error: tls: handshake failure"));
        assert_eq!(alert_text(AlertDescription::Unknown(77)), "alert(77)");
    }
}
