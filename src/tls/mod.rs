//! TLS by rustls, sans-I/O: between a VU's connection (or the target's) and the transport.
//!
//! A `Link` is one connection: its owner writes and reads plaintext, the transport moves
//! ciphertext, and neither knows the other. rustls' unbuffered interface is used, so a connection
//! keeps no buffers: what comes is decrypted in one buffer of the worker, what goes is encrypted
//! into the buffer that the transport is given. No I/O and no clock: certificates are handed in as
//! bytes and judged at one instant, the run's beginning.

mod chain;
mod client;
mod failure;
mod identity;
mod link;
mod server;
mod setup;
mod verifier;

#[cfg(test)]
mod tests;

pub use client::{Client, ClientLink};
pub use failure::{Cause, Failure};
pub use link::{Buffers, Link, Sent};
pub use server::{Server, ServerLink};
pub use setup::{KeyLine, Setup};
