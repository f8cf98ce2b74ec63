//! The modules that k6 has, by the name in an `import`, and their functions: what ringload has of them.
//!
//! `docs/k6-compat.md` is held to these lists, and a test holds the program to them. Modules of extensions (`k6/x/…`) are not in it, nor those
//! that k6 itself no longer has.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleStatus {
    Supported,
    /// Known and refused.
    Refused,
}

pub const MODULES: &[(&str, ModuleStatus)] = &[
    ("k6", ModuleStatus::Supported),
    ("k6/http", ModuleStatus::Supported),
    ("k6/metrics", ModuleStatus::Supported),
    ("k6/data", ModuleStatus::Supported),
    ("k6/execution", ModuleStatus::Supported),
    ("k6/encoding", ModuleStatus::Supported),
    ("k6/crypto", ModuleStatus::Supported),
    ("k6/html", ModuleStatus::Supported),
    ("k6/timers", ModuleStatus::Supported),
    ("k6/secrets", ModuleStatus::Refused),
    ("k6/ws", ModuleStatus::Refused),
    ("k6/websockets", ModuleStatus::Refused),
    ("k6/net/grpc", ModuleStatus::Refused),
    ("k6/browser", ModuleStatus::Refused),
    ("k6/crypto/x509", ModuleStatus::Refused),
    ("k6/experimental/csv", ModuleStatus::Refused),
    ("k6/experimental/fs", ModuleStatus::Refused),
    ("k6/experimental/streams", ModuleStatus::Refused),
    ("k6/experimental/websockets", ModuleStatus::Refused),
];

/// `None`: k6 has no such module.
pub fn status(name: &str) -> Option<ModuleStatus> {
    MODULES.iter().find(|(known, _)| *known == name).map(|(_, status)| *status)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionStatus {
    Supported,
    /// Known, and refused by its name when it is called.
    Refused,
}

/// Names in one text, and what becomes of them.
pub type Functions = &'static [(&'static str, FunctionStatus)];

/// By module, global or object; jslib's modules by the first part of their path.
pub const FUNCTIONS: &[(&str, Functions)] = &[
    ("k6", &[("check fail group randomSeed sleep", FunctionStatus::Supported)]),
    (
        "k6/http",
        &[(
            "CookieJar asyncRequest batch cookieJar del expectedStatuses file get head options patch \
             post put request setResponseCallback url",
            FunctionStatus::Supported,
        )],
    ),
    (
        "Response",
        &[(
            "body clickLink cookies error error_code headers html json ocsp proto remote_ip remote_port \
             request status status_text submitForm timings tls_cipher_suite tls_version url",
            FunctionStatus::Supported,
        )],
    ),
    ("CookieJar", &[("clear cookiesForURL delete set", FunctionStatus::Supported)]),
    ("k6/metrics", &[("Counter Gauge Rate Trend", FunctionStatus::Supported)]),
    ("k6/data", &[("SharedArray", FunctionStatus::Supported)]),
    ("k6/execution", &[("instance scenario test vu", FunctionStatus::Supported)]),
    ("k6/encoding", &[("b64decode b64encode", FunctionStatus::Supported)]),
    (
        "k6/crypto",
        &[(
            "createHMAC createHash hexEncode hmac md4 md5 randomBytes ripemd160 sha1 sha256 sha384 \
             sha512 sha512_224 sha512_256",
            FunctionStatus::Supported,
        )],
    ),
    ("Hasher", &[("digest update", FunctionStatus::Supported)]),
    ("k6/html", &[("parseHTML", FunctionStatus::Supported)]),
    (
        "Selection",
        &[(
            "add attr children closest contents data each end eq filter find first get has html index \
             is last map next nextAll nextUntil not parent parents parentsUntil prev prevAll prevUntil \
             serialize serializeArray serializeObject siblings size slice text toArray val",
            FunctionStatus::Supported,
        )],
    ),
    (
        "Element",
        &[(
            "action alt attributes checked childElementCount childNodes children classList className \
             contains content disabled enctype firstChild firstElementChild getAttribute \
             getElementsByClassName getElementsByTagName hasAttribute hasAttributes hasChildNodes \
             hidden href htmlFor id innerHTML isEqualNode isSameNode lang lastChild lastElementChild \
             matches method multiple name nextElementSibling nextSibling nodeName nodeType nodeValue \
             ownerDocument parentElement parentNode placeholder previousElementSibling previousSibling \
             querySelector querySelectorAll readonly rel required selected selection src target \
             textContent title toString type value",
            FunctionStatus::Supported,
        )],
    ),
    ("k6/timers", &[("clearInterval clearTimeout setInterval setTimeout", FunctionStatus::Supported)]),
    ("crypto", &[("getRandomValues randomUUID", FunctionStatus::Supported)]),
    (
        "crypto.subtle",
        &[
            ("digest exportKey generateKey importKey sign verify", FunctionStatus::Supported),
            ("decrypt deriveBits deriveKey encrypt unwrapKey wrapKey", FunctionStatus::Refused),
        ],
    ),
    ("TextEncoder", &[("encode encoding", FunctionStatus::Supported)]),
    ("TextDecoder", &[("decode encoding fatal ignoreBOM", FunctionStatus::Supported)]),
    (
        "k6-utils",
        &[(
            "check findBetween getCurrentStageIndex normalDistributionStages parseDuration \
             randomIntBetween randomItem randomString tagWithCurrentStageIndex \
             tagWithCurrentStageProfile uuidv4",
            FunctionStatus::Supported,
        )],
    ),
    ("k6-summary", &[("jUnit textSummary", FunctionStatus::Supported)]),
    ("url", &[("URL URLSearchParams", FunctionStatus::Supported)]),
    ("formdata", &[("FormData", FunctionStatus::Supported)]),
    ("httpx", &[("Delete Get Head Httpx Options Patch Post Put Request", FunctionStatus::Supported)]),
];
