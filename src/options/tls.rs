//! k6's TLS options: versions, cipher suites by Go's names, client certificates.
//!
//! TLS 1.0 and 1.1 and the suites of old (CBC, RC4, 3DES, RSA key exchange) are known by name and
//! refused: nothing in the program speaks them.

use super::go_json::{self, members, wrong_kind};
use serde_json::{Value, json};

/// A version of TLS, in k6's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsVersion {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

/// `tlsVersion`; `None`: no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsVersions {
    pub min: Option<TlsVersion>,
    pub max: Option<TlsVersion>,
}

/// A cipher suite that k6 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherSuite {
    pub name: &'static str,
    /// Of the IANA registry.
    pub id: u16,
    pub is_spoken: bool,
}

/// A client certificate of `tlsAuth`; texts are PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsAuth {
    pub cert: String,
    pub key: String,
    pub password: Option<String>,
    /// Hosts that it is meant for first; `*.example.com` covers one label.
    pub domains: Vec<String>,
}

/// How a run speaks TLS; the default is k6's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    pub insecure_skip_verify: bool,
    pub versions: TlsVersions,
    /// `None`: all that are spoken.
    pub cipher_suites: Option<Vec<CipherSuite>>,
    pub auth: Vec<TlsAuth>,
    /// Sessions are resumed, within a VU. k6's client never does.
    pub resumption: bool,
}

const fn spoken(name: &'static str, id: u16) -> CipherSuite {
    CipherSuite { name, id, is_spoken: true }
}

const fn refused(name: &'static str, id: u16) -> CipherSuite {
    CipherSuite { name, id, is_spoken: false }
}

/// Those that are spoken in the order in which Go's client offers them.
pub const CIPHER_SUITES: &[CipherSuite] = &[
    spoken("TLS_AES_128_GCM_SHA256", 0x1301),
    spoken("TLS_AES_256_GCM_SHA384", 0x1302),
    spoken("TLS_CHACHA20_POLY1305_SHA256", 0x1303),
    spoken("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b),
    spoken("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f),
    spoken("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02c),
    spoken("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xc030),
    spoken("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", 0xcca9),
    spoken("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", 0xcca8),
    refused("TLS_RSA_WITH_RC4_128_SHA", 0x0005),
    refused("TLS_RSA_WITH_3DES_EDE_CBC_SHA", 0x000a),
    refused("TLS_RSA_WITH_AES_128_CBC_SHA", 0x002f),
    refused("TLS_RSA_WITH_AES_256_CBC_SHA", 0x0035),
    refused("TLS_RSA_WITH_AES_128_CBC_SHA256", 0x003c),
    refused("TLS_RSA_WITH_AES_128_GCM_SHA256", 0x009c),
    refused("TLS_RSA_WITH_AES_256_GCM_SHA384", 0x009d),
    refused("TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", 0xc007),
    refused("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 0xc009),
    refused("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", 0xc00a),
    refused("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", 0xc023),
    refused("TLS_ECDHE_RSA_WITH_RC4_128_SHA", 0xc011),
    refused("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", 0xc012),
    refused("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0xc013),
    refused("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", 0xc014),
    refused("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", 0xc027),
];

impl TlsVersion {
    pub fn name(self) -> &'static str {
        match self {
            TlsVersion::Tls10 => "tls1.0",
            TlsVersion::Tls11 => "tls1.1",
            TlsVersion::Tls12 => "tls1.2",
            TlsVersion::Tls13 => "tls1.3",
        }
    }

    /// Empty: no bound.
    fn parse(text: &str) -> Result<Option<TlsVersion>, String> {
        let all = [TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12, TlsVersion::Tls13];
        match all.into_iter().find(|version| version.name() == text) {
            None if !text.is_empty() => Err(format!("unknown TLS version '{text}'")),
            version => Ok(version),
        }
    }
}

impl TlsVersions {
    /// Whether a connection may use this version.
    pub fn allow(self, version: TlsVersion) -> bool {
        self.min.is_none_or(|min| min <= version) && self.max.is_none_or(|max| version <= max)
    }

    fn checked(self) -> Result<TlsVersions, String> {
        match (self.min, self.max) {
            (Some(min), Some(max)) if min > max => {
                Err(format!("tlsVersion: min ({}) is above max ({})", min.name(), max.name()))
            }
            (min, Some(max)) if max < TlsVersion::Tls12 => Err(format!(
                "tlsVersion: {} is not spoken by ringload, which has tls1.2 and tls1.3{}",
                max.name(),
                if min == Some(max) { "" } else { "; raise max" },
            )),
            _ => Ok(self),
        }
    }
}

/// `tlsVersion`: a version, or an object of `min` and `max`.
pub fn versions(value: &Value) -> Result<Option<TlsVersions>, String> {
    let mut versions = TlsVersions::default();
    match value {
        Value::Null => return Ok(None),
        Value::String(text) => {
            let version = TlsVersion::parse(text)?;
            versions = TlsVersions { min: version, max: version };
        }
        Value::Object(fields) => {
            for (name, value) in members(fields) {
                let Some(text) = go_json::string(value)? else { continue };
                match go_json::known(name, ["min", "max"].into_iter()) {
                    Some("min") => versions.min = TlsVersion::parse(&text)?,
                    Some(_) => versions.max = TlsVersion::parse(&text)?,
                    None => {}
                }
            }
        }
        _ => return Err(wrong_kind(value, "struct field Options.tlsVersion of type lib.TLSVersions")),
    }
    versions.checked().map(Some)
}

/// `tlsCipherSuites`: Go's names. Those of TLS 1.3 are not for choosing, as in Go.
pub fn cipher_suites(value: &Value) -> Result<Option<Vec<CipherSuite>>, String> {
    let Some(entries) = go_json::list(value, "Options.tlsCipherSuites", "string")? else { return Ok(None) };
    let mut suites = Vec::new();
    for entry in entries {
        let name = go_json::string(entry)?.unwrap_or_default();
        let suite = CIPHER_SUITES.iter().find(|suite| suite.name == name);
        let suite = suite.ok_or_else(|| format!("unknown cipher suite '{name}'"))?;
        if !suite.is_spoken {
            let spoken: Vec<&str> =
                CIPHER_SUITES.iter().filter(|suite| suite.is_spoken).map(|suite| suite.name).collect();
            return Err(format!(
                "the cipher suite '{name}' is not spoken by ringload, which has {}",
                spoken.join(", ")
            ));
        }
        suites.push(*suite);
    }
    Ok(Some(suites))
}

/// `tlsAuth`; whether its texts are a certificate and its key is asked where they are used.
pub fn auth(value: &Value) -> Result<Option<Vec<TlsAuth>>, String> {
    let Some(entries) = go_json::list(value, "Options.tlsAuth", "*lib.TLSAuth")? else { return Ok(None) };
    let mut all = Vec::new();
    for entry in entries {
        let Value::Object(fields) = entry else {
            return Err(wrong_kind(entry, "struct field Options.tlsAuth of type lib.TLSAuthFields"));
        };
        let mut auth = TlsAuth::default();
        for (name, value) in members(fields) {
            match go_json::known(name, ["cert", "key", "password", "domains"].into_iter()) {
                Some("cert") => auth.cert = go_json::string(value)?.unwrap_or_default(),
                Some("key") => auth.key = go_json::string(value)?.unwrap_or_default(),
                Some("password") => auth.password = go_json::string(value)?,
                Some(_) => {
                    for domain in
                        go_json::list(value, "TLSAuthFields.domains", "string")?.into_iter().flatten()
                    {
                        auth.domains.push(go_json::string(domain)?.unwrap_or_default());
                    }
                }
                None => {}
            }
        }
        all.push(auth);
    }
    Ok(Some(all))
}

/// As a script sees it in its consolidated options.
pub fn versions_json(versions: TlsVersions) -> Value {
    let name = |version: Option<TlsVersion>| version.map_or("", TlsVersion::name);
    json!({"min": name(versions.min), "max": name(versions.max)})
}

pub fn auth_json(auth: &[TlsAuth]) -> Value {
    let one = |auth: &TlsAuth| json!({"cert": auth.cert, "key": auth.key, "password": auth.password, "domains": auth.domains});
    auth.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_versions(value: Value, want: Result<Option<(&str, &str)>, &str>) {
        let got = versions(&value);
        let name = |version: Option<TlsVersion>| version.map_or("", TlsVersion::name);
        let got = got.map(|found| found.map(|found| (name(found.min), name(found.max))));
        assert_eq!(got.as_ref().map(|found| *found).map_err(String::as_str), want, "{value}");
    }

    #[test]
    fn versions_are_one_or_a_range() {
        check_versions(json!("tls1.3"), Ok(Some(("tls1.3", "tls1.3"))));
        check_versions(json!({"min": "tls1.2", "max": "tls1.3"}), Ok(Some(("tls1.2", "tls1.3"))));
        check_versions(json!({"min": "tls1.0"}), Ok(Some(("tls1.0", ""))));
        check_versions(json!({"max": "tls1.2"}), Ok(Some(("", "tls1.2"))));
        check_versions(json!(null), Ok(None));
    }

    #[test]
    fn versions_that_cannot_be_spoken_are_refused() {
        check_versions(json!("tls1.4"), Err("unknown TLS version 'tls1.4'"));
        check_versions(
            json!("tls1.1"),
            Err("tlsVersion: tls1.1 is not spoken by ringload, which has tls1.2 and tls1.3"),
        );
        check_versions(
            json!({"min": "tls1.3", "max": "tls1.2"}),
            Err("tlsVersion: min (tls1.3) is above max (tls1.2)"),
        );
    }

    #[track_caller]
    fn check_suites(names: &[&str], want: Result<&[u16], &str>) {
        let got = cipher_suites(&json!(names));
        match want {
            Ok(ids) => {
                let got: Vec<u16> = got.unwrap().unwrap().iter().map(|suite| suite.id).collect();
                assert_eq!(got, ids);
            }
            Err(begin) => {
                let message = got.unwrap_err();
                assert!(message.starts_with(begin), "{message}");
            }
        }
    }

    #[test]
    fn suites_have_the_names_of_go() {
        check_suites(
            &["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"],
            Ok(&[0xc02f, 0x1301]),
        );
        check_suites(&["TLS_NOPE"], Err("unknown cipher suite 'TLS_NOPE'"));
        check_suites(
            &["TLS_RSA_WITH_AES_128_CBC_SHA"],
            Err(
                "the cipher suite 'TLS_RSA_WITH_AES_128_CBC_SHA' is not spoken by ringload, which has TLS_AES",
            ),
        );
    }

    #[test]
    fn certificates_come_with_keys_and_domains() {
        let auth =
            auth(&json!([{"cert": "c", "key": "k", "domains": ["a.test", "*.b.test"]}])).unwrap().unwrap();
        let want = TlsAuth {
            cert: "c".to_owned(),
            key: "k".to_owned(),
            password: None,
            domains: vec!["a.test".to_owned(), "*.b.test".to_owned()],
        };
        assert_eq!(auth, [want]);
    }
}
