//! Which transports this machine has.

use crate::program::skip;
use ringload::options::{BehaviourOptions, TransportChoice};
use ringload::target::threads::{Target, TargetSettings};
use ringload::tls::Server;
use std::io;
use std::net::IpAddr;

/// The flags to run each test with: io_uring where it is allowed, and epoll.
pub fn transports() -> Vec<&'static str> {
    match serve(TransportChoice::Uring, [127, 0, 0, 1].into(), BehaviourOptions::default()) {
        Ok(target) => {
            target.stop();
            vec!["--transport=uring", "--transport=epoll"]
        }
        Err(error) => {
            skip(&format!("the part with io_uring, which cannot be set up here: {error}"));
            vec!["--transport=epoll"]
        }
    }
}

/// The built-in target in this process, on a free port.
pub fn serve(transport: TransportChoice, ip: IpAddr, behaviour: BehaviourOptions) -> io::Result<Target> {
    serve_with(transport, ip, behaviour, None)
}

/// `tls`: by HTTPS.
pub fn serve_with(
    transport: TransportChoice,
    ip: IpAddr,
    behaviour: BehaviourOptions,
    tls: Option<Server>,
) -> io::Result<Target> {
    Target::start(&TargetSettings { transport, behaviour, tls, ..TargetSettings::new((ip, 0).into()) })
}
