//! Behind a proxy: ringload talks to HAProxy, the log is that of the nginx behind it.

use crate::figures::Export;
use crate::haproxy::Haproxy;
use crate::nginx::{Nginx, Stop};
use crate::program::{ringload, run};
use crate::transports::transports;

#[test]
fn requests_through_haproxy_are_the_lines_of_nginx() {
    for transport in transports() {
        for path in ["/", "/mixed"] {
            let Some(mut nginx) = Nginx::start() else { return };
            let Some(haproxy) = Haproxy::start(nginx.port()) else { return };
            let export = Export::new();
            let flags = ["run", &haproxy.url(path), "-u10", "-i20000", transport, &export.flag()];
            let ended = run(ringload(&flags));
            haproxy.stop();
            nginx.stop(Stop::Gracefully);
            let logged = nginx.logged();
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
            assert_eq!(logged.values().sum::<u64>(), 20_000, "{logged:?}");
            let figures = export.read();
            let failed = logged.range(400..).map(|(_, count)| count).sum();
            assert_eq!((figures.count("http_reqs"), figures.failed()), (20_000, (failed, 20_000 - failed)));
        }
    }
}

#[test]
fn a_proxy_whose_server_is_gone_answers_503_and_that_is_an_answer() {
    for transport in transports() {
        let Some(mut nginx) = Nginx::start() else { return };
        let Some(haproxy) = Haproxy::start(nginx.port()) else { return };
        nginx.stop(Stop::AtOnce);
        let export = Export::new();
        // HAProxy tries a server three times, a second apart, before it gives up.
        let flags = ["run", &haproxy.url("/"), "-u10", "-i10", transport, &export.flag()];
        let ended = run(ringload(&flags));
        haproxy.stop();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "no failure without a response");
        let figures = export.read();
        assert_eq!((figures.count("http_reqs"), figures.failed()), (10, (10, 0)));
    }
}
