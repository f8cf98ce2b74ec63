//! Digest access authentication (RFC 7616): a server's challenge, and the header that answers it.

use super::error::quote;
use md5::Md5;
use sha2::{Sha256, Sha512, Sha512_256};
use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512,
    Sha512_256,
}

impl Algorithm {
    /// `MD5` if a challenge names none; the second part says whether it is of a session.
    fn of(name: &str) -> Option<(Algorithm, bool)> {
        let upper = name.to_ascii_uppercase();
        let (hash, is_session) = match upper.strip_suffix("-SESS") {
            Some(hash) => (hash, true),
            None => (upper.as_str(), false),
        };
        let algorithm = match hash {
            "" | "MD5" => Algorithm::Md5,
            "SHA-256" => Algorithm::Sha256,
            "SHA-512" => Algorithm::Sha512,
            "SHA-512-256" => Algorithm::Sha512_256,
            _ => return None,
        };
        Some((algorithm, is_session))
    }

    fn hex(self, parts: &[&[u8]]) -> String {
        match self {
            Algorithm::Md5 => hex::<Md5>(parts),
            Algorithm::Sha256 => hex::<Sha256>(parts),
            Algorithm::Sha512 => hex::<Sha512>(parts),
            Algorithm::Sha512_256 => hex::<Sha512_256>(parts),
        }
    }
}

/// Of the parts with colons between them.
fn hex<D: sha2::Digest>(parts: &[&[u8]]) -> String {
    let mut hash = D::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What a server wants to be proven, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// As it was written; empty if it was not.
    algorithm_name: String,
    algorithm: Algorithm,
    is_session: bool,
    qop: Option<Qop>,
    hides_user: bool,
}

/// What of a request is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Qop {
    Auth,
    /// The body, too.
    AuthInt,
}

/// Why there is no challenge to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoChallenge {
    /// Of this kind, or with an algorithm that is known.
    Absent,
    Malformed(String),
}

/// A request that is to be proven.
#[derive(Clone, Copy, Debug)]
pub struct Proven<'a> {
    pub user: &'a str,
    pub password: &'a str,
    pub method: &'a str,
    /// Path and query, as in the request line.
    pub uri: &'a str,
    pub body: &'a [u8],
    /// Random text of the client.
    pub cnonce: &'a str,
    /// How often the nonce was used, this time included.
    pub count: u32,
}

impl Challenge {
    /// The first that can be answered among the `WWW-Authenticate` headers of a response.
    pub fn find<H: AsRef<str>>(headers: impl IntoIterator<Item = H>) -> Result<Challenge, NoChallenge> {
        for header in headers {
            let header = header.as_ref();
            let Some((scheme, rest)) = header.split_once(' ') else { continue };
            if !scheme.eq_ignore_ascii_case("digest") {
                continue;
            }
            match Challenge::parse(rest) {
                Err(NoChallenge::Absent) => {}
                other => return other,
            }
        }
        Err(NoChallenge::Absent)
    }

    fn parse(text: &str) -> Result<Challenge, NoChallenge> {
        let parameters = parameters(text)
            .ok_or_else(|| NoChallenge::Malformed(format!("malformed: {}", quote(text.as_bytes()))))?;
        let value = |name: &str| {
            let found = parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        let algorithm_name = value("algorithm").unwrap_or_default().to_owned();
        let (algorithm, is_session) = Algorithm::of(&algorithm_name).ok_or(NoChallenge::Absent)?;
        let offers = |name: &str| {
            value("qop").is_some_and(|list| list.split(',').any(|qop| qop.trim().eq_ignore_ascii_case(name)))
        };
        let qop = match (offers("auth"), offers("auth-int")) {
            (true, _) => Some(Qop::Auth),
            (false, true) => Some(Qop::AuthInt),
            (false, false) => None,
        };
        Ok(Challenge {
            realm: value("realm").unwrap_or_default().to_owned(),
            nonce: value("nonce").unwrap_or_default().to_owned(),
            opaque: value("opaque").map(str::to_owned),
            algorithm_name,
            algorithm,
            is_session,
            qop,
            hides_user: value("userhash").is_some_and(|value| value.eq_ignore_ascii_case("true")),
        })
    }

    /// The value of the Authorization header.
    pub fn answer(&self, request: &Proven<'_>) -> String {
        let hash = |parts: &[&str]| {
            let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
            self.algorithm.hex(&parts)
        };
        let Proven { user, password, method, uri, body, cnonce, count } = *request;
        let mut secret = hash(&[user, &self.realm, password]);
        if self.is_session {
            secret = hash(&[&secret, &self.nonce, cnonce]);
        }
        let subject = match self.qop {
            Some(Qop::AuthInt) => hash(&[method, uri, &self.algorithm.hex(&[body])]),
            _ => hash(&[method, uri]),
        };
        let count = format!("{count:08x}");
        let response = match self.qop {
            Some(qop) => hash(&[&secret, &self.nonce, &count, cnonce, qop.name(), &subject]),
            None => hash(&[&secret, &self.nonce, &subject]),
        };
        let user = if self.hides_user { hash(&[user, &self.realm]) } else { user.to_owned() };
        let mut header = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            quoted(&user),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(uri)
        );
        if !self.algorithm_name.is_empty() {
            header.push_str(&format!(", algorithm={}", self.algorithm_name));
        }
        if self.qop.is_some() || self.is_session {
            header.push_str(&format!(", cnonce={}", quoted(cnonce)));
        }
        if let Some(opaque) = &self.opaque {
            header.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        if let Some(qop) = self.qop {
            header.push_str(&format!(", qop={}, nc={count}", qop.name()));
        }
        if self.hides_user {
            header.push_str(", userhash=true");
        }
        header
    }
}

impl Qop {
    fn name(self) -> &'static str {
        match self {
            Qop::Auth => "auth",
            Qop::AuthInt => "auth-int",
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `name=value` or `name="value"`, with commas between them; `None`: it is not that.
fn parameters(text: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
            Some(inner) => {
                let mut value = String::new();
                let mut letters = inner.char_indices();
                let end = loop {
                    match letters.next()? {
                        (at, '"') => break at,
                        (_, '\\') => value.push(letters.next()?.1),
                        (_, letter) => value.push(letter),
                    }
                };
                (value, inner[end + 1..].trim_start())
            }
        };
        parameters.push((name.trim().to_owned(), value));
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request of RFC 7616 §3.9.1.
    const MUFASA: Proven<'_> = Proven {
        user: "Mufasa",
        password: "Circle of Life",
        method: "GET",
        uri: "/dir/index.html",
        body: b"",
        cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        count: 1,
    };

    #[track_caller]
    fn check(challenge: &str, request: &Proven<'_>, want: &str) {
        let challenge = Challenge::find([challenge]).unwrap();
        assert_eq!(challenge.answer(request), want);
    }

    #[test]
    fn answers_are_those_of_the_rfc() {
        let challenge = |algorithm| {
            format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            )
        };
        let answer = |response: &str, algorithm: &str| {
            format!(
                "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", \
                 response=\"{response}\", algorithm={algorithm}, \
                 cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", qop=auth, nc=00000001"
            )
        };
        check(&challenge("MD5"), &MUFASA, &answer("8ca523f5e9506fed4657c9700eebdbec", "MD5"));
        check(
            &challenge("SHA-256"),
            &MUFASA,
            &answer("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", "SHA-256"),
        );
    }

    #[test]
    fn without_qop_it_is_the_form_of_rfc_2069() {
        let request = Proven { password: "CircleOfLife", ..MUFASA };
        check(
            "digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
            &request,
            "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
             nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", \
             response=\"1949323746fe6a43ef61f9606e7febea\"",
        );
    }

    #[test]
    fn the_first_challenge_that_can_be_answered_counts() {
        let found = Challenge::find([
            "Basic realm=\"b\"",
            "Digest realm=\"other\", nonce=\"n\", algorithm=SHA3-256",
            "Digest realm=\"a \\\"b\\\"\", nonce=n, qop=auth-int",
        ]);
        let found = found.unwrap();
        assert_eq!(
            (found.realm.as_str(), found.nonce.as_str(), found.qop),
            ("a \"b\"", "n", Some(Qop::AuthInt))
        );
        assert_eq!(Challenge::find(["Negotiate", "Basic realm=x"]), Err(NoChallenge::Absent));
    }

    #[test]
    fn what_cannot_be_read_is_quoted() {
        let malformed = |text: &str| NoChallenge::Malformed(format!("malformed: {text:?}"));
        for text in ["realm=\"a", "realm", "realm=\"a\" nonce=\"b\""] {
            assert_eq!(Challenge::find([format!("Digest {text}")]), Err(malformed(text)));
        }
    }
}
