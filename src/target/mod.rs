//! The built-in server of known behaviour: for demos, tests and calibration.
//!
//! `behaviour` decides answers and `capacity` how many a second; `service` answers a transport's events, and `server` is the loop
//! around it; `responder` is the same behaviour as the far end of a simulated network.

pub mod behaviour;
pub mod capacity;
pub mod responder;
pub mod server;
pub mod service;
pub mod threads;

mod block;
mod certificate;
mod dialogue;

pub use behaviour::Behaviour;
pub use capacity::SharedCapacity;
pub use certificate::Certificate;
pub use responder::TargetResponder;
pub use server::Server;
