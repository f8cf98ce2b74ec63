//! JavaScript VUs: k6 scripts on QuickJS-ng, a coroutine per running iteration.
//!
//! `Blueprint` loads the script once; workers make `JsProgram`s with it. Inside, natives are
//! rquickjs functions (`Func::from(native)`). They find their VU by `Vu::of(ctx)`, use the
//! program's context by `engine::with_context`, log by `engine::with_log`, throw k6's errors by
//! `exceptions::throw`, and wait by `event_loop::{request, response, any_response, on_response,
//! sleep}`, which leave the coroutine (`engine::suspend`); hold no `RefCell` borrow across those.
//! What a module keeps per VU is `vu.slot::<T>()`; Rust objects for scripts are `engine::Native`.
//! Code of others goes to `engine::on_worker_stack`. `modules/k6.rs` is the example; every module is a line
//! in `modules::BUILTINS`, and its functions are in `script::builtin_modules`.

pub mod blueprint;
mod console;
pub mod engine;
pub mod event_loop;
pub mod exceptions;
mod globals;
mod loader;
pub mod modules;
pub mod program;
mod random;
pub mod samples;
pub mod test_run;
#[cfg(test)]
pub mod tests;
mod text_encoding;
pub mod values;
pub mod vu;
mod webcrypto;

pub use blueprint::{Blueprint, InitError};
pub use program::{Call, CallOutcome, JsProgram};
pub use test_run::{HttpSettings, LiveNumbers, LoadSettings, MEMORY_MAX_BYTES_DEFAULT, RunSettings, Signals};
