//! Whole scripts, without a network.

mod api;
mod console;
mod crypto;
pub mod driver;
mod html;
mod iterations;
mod jslib;
mod lifecycle;
mod modules;
