//! Whole scripts, without a network.

mod console;
pub mod driver;
mod iterations;
mod lifecycle;
mod modules;
