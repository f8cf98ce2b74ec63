//! The built-in target judged by a client that others wrote.

use crate::program::{command, run};
use crate::tools::installed;
use crate::transports::{serve, transports};
use ringload::options::{BehaviourOptions, TransportChoice};

const CONNECTIONS: u64 = 10;

#[test]
fn wrk_and_the_target_count_the_same_responses() {
    let Some(wrk) = installed("wrk") else { return };
    for transport in transports() {
        let choice = match transport {
            "--transport=epoll" => TransportChoice::Epoll,
            _ => TransportChoice::Uring,
        };
        let target = serve(choice, [127, 0, 0, 1].into(), BehaviourOptions::default()).unwrap();
        let url = format!("http://{}/?size=1k", target.address());
        let wrk = wrk.to_str().expect("a plain path");
        let ended = run(command(wrk, &["-t1", "-c10", "-d2s", &url]));
        let served = target.stop();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(
            !ended.stdout.contains("Non-2xx") && !ended.stdout.contains("Socket errors"),
            "{}",
            ended.stdout
        );
        let requests = ended.stdout.lines().find_map(|line| line.split_once(" requests in "));
        let requests: u64 = requests.and_then(|(count, _)| count.trim().parse().ok()).expect("wrk counts");
        // wrk leaves when its time is up, with a request under way on each connection.
        let heard = served.requests;
        assert!((requests..=requests + CONNECTIONS).contains(&heard), "{requests} of wrk, {served:?}");
        assert!(requests > 1_000, "{requests}");
    }
}
