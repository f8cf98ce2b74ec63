//! k6's own modules, one file each, named as they are imported.
//!
//! A module is one object: `import x from` gives it, and its properties are the named exports;
//! k6 allows both forms for all of them. It is made once per VU, when first imported.

pub mod crypto;
pub mod data;
pub mod encoding;
pub mod execution;
pub mod hash;
pub mod html;
pub mod http;
pub mod k6;
pub mod metrics;
pub mod timers;

use super::exceptions;
use super::vu::Vu;
use rquickjs::{Ctx, Object, Result, Value};

pub struct Builtin {
    /// As it is imported.
    pub name: &'static str,
    make: for<'js> fn(&Ctx<'js>) -> Result<Object<'js>>,
}

/// Every module that scripts can import.
pub const BUILTINS: &[Builtin] = &[
    Builtin { name: "k6", make: k6::exports },
    Builtin { name: "k6/http", make: http::exports },
    Builtin { name: "k6/data", make: data::exports },
    Builtin { name: "k6/execution", make: execution::exports },
    Builtin { name: "k6/encoding", make: encoding::exports },
    Builtin { name: "k6/crypto", make: crypto::exports },
    Builtin { name: "k6/html", make: html::exports },
    Builtin { name: "k6/metrics", make: metrics::exports },
    Builtin { name: "k6/timers", make: timers::exports },
];

/// Modules of k6 that are not here yet.
const MISSING: &[&str] = &[
    "k6/crypto/x509",
    "k6/secrets",
    "k6/ws",
    "k6/websockets",
    "k6/net/grpc",
    "k6/browser",
    "k6/experimental/csv",
    "k6/experimental/fs",
    "k6/experimental/streams",
    "k6/experimental/websockets",
];

/// The error is k6's text for a module that does not exist.
pub fn find(name: &str) -> std::result::Result<&'static Builtin, String> {
    if let Some(builtin) = BUILTINS.iter().chain(REMOVED).find(|builtin| builtin.name == name) {
        return Ok(builtin);
    }
    if MISSING.contains(&name) {
        return Err(format!("the module {name:?} of k6 is not supported yet"));
    }
    Err(format!(
        "unknown modules [{name:?}] were tried to be loaded, but couldn't - this likely means automatic extension \
         resolution is required or a custom k6 binary with the required extensions"
    ))
}

/// Modules that k6 had; importing one is an exception that says what to do.
const REMOVED: &[Builtin] = &[
    Builtin { name: "k6/experimental/timers", make: |ctx| removed(ctx, TIMERS) },
    Builtin { name: "k6/experimental/webcrypto", make: |ctx| removed(ctx, WEBCRYPTO) },
    Builtin { name: "k6/experimental/grpc", make: |ctx| removed(ctx, GRPC) },
    Builtin { name: "k6/experimental/browser", make: |ctx| removed(ctx, BROWSER) },
    Builtin { name: "k6/experimental/tracing", make: |ctx| removed(ctx, TRACING) },
    Builtin { name: "k6/experimental/redis", make: |ctx| removed(ctx, REDIS) },
];

const TIMERS: &str = "k6/experimental/timers has been graduated, and it's now globally available as defined by \
     standard WebAPIs. You just need to remove the import.";
const WEBCRYPTO: &str = "k6/experimental/webcrypto has been graduated, and it's now globally available through the \
     crypto object. You just need to remove the import.";
const GRPC: &str = "k6/experimental/grpc has been graduated, please use k6/net/grpc instead.";
const BROWSER: &str = "k6/experimental/browser has been graduated, please use k6/browser instead.";
const TRACING: &str = "k6/experimental/tracing has been removed. All of its functionality is available as pure \
     javascript module.";
const REDIS: &str = "k6/experimental/redis has been removed, please use the redis extension instead.";

fn removed<'js>(ctx: &Ctx<'js>, text: &str) -> Result<Object<'js>> {
    Err(exceptions::throw(ctx, text))
}

pub fn exports<'js>(ctx: &Ctx<'js>, builtin: &'static Builtin) -> Result<Value<'js>> {
    Vu::of(ctx).builtin(ctx, builtin.name, |ctx| Ok((builtin.make)(ctx)?.into_value()))
}
