//! What the built-in target did, as text for people and JSON for programs.

use crate::metrics::served::Served;
use crate::options::CapacityOptions;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::net::SocketAddr;

/// The first line for programs: where the target listens, and what limits it, if anything does.
pub fn render_listening(address: SocketAddr, capacity: &CapacityOptions) -> String {
    let mut first = Map::new();
    first.insert("listen".to_owned(), json!(address));
    if let Some(per_second) = capacity.per_second {
        first.insert("capacity_per_second".to_owned(), json!(per_second));
        first.insert("queue".to_owned(), json!(capacity.queue_bound()));
    }
    if let Some(share) = capacity.collapse {
        first.insert("collapse".to_owned(), json!(share));
        first.insert("recover_s".to_owned(), json!(capacity.recover.map(|rest| rest.as_secs_f64())));
    }
    if let Some(pause) = capacity.pause {
        first.insert("pause_s".to_owned(), json!(pause.length.as_secs_f64()));
        first.insert("pause_every".to_owned(), json!(pause.every));
    }
    Value::Object(first).to_string() + "\n"
}

/// One object; durations in seconds, statuses as keys.
pub fn render_json(served: &Served) -> String {
    let answered: Map<String, Value> =
        served.answered.iter().map(|(status, &count)| (status.to_string(), json!(count))).collect();
    let mut text = json!({
        "duration_s": served.duration.as_secs_f64(),
        "connections": served.connections,
        "connections_open": served.open,
        "requests": served.requests,
        "responses": served.responses(),
        "responses_per_second": served.responses_per_second(),
        "answered": answered,
        "dropped": served.dropped,
        "parse_errors": served.parse_errors,
        "overruns": served.overruns,
        "refused": served.refused,
        "collapses": served.collapses,
        "pauses": served.pauses,
        "bytes_received": served.bytes_received,
        "bytes_sent": served.bytes_sent,
    })
    .to_string();
    text.push('\n');
    text
}

/// A few lines; what did not happen is left out.
pub fn render_text(served: &Served) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        writeln!(text, "{name:<13}{value}").expect("a String takes all");
    };
    let (rate, seconds) = (served.responses_per_second(), served.duration.as_secs_f64());
    line("served", format!("{} responses in {seconds:.1}s, {rate:.0}/s", served.responses()));
    line("requests", served.requests.to_string());
    for (status, count) in &served.answered {
        line(&format!("  {status}"), count.to_string());
    }
    line("connections", format!("{} accepted, {} open", served.connections, served.open));
    line("received", format!("{} B", served.bytes_received));
    line("sent", format!("{} B", served.bytes_sent));
    let rare = [
        ("dropped", served.dropped, "answers whose connection was gone"),
        ("parse errors", served.parse_errors, "answered with 400"),
        ("overruns", served.overruns, "connections closed: requests sent, answers not read"),
        ("refused", served.refused, "answered with 503: the queue was full"),
        ("collapses", served.collapses, "how often overload reduced the capacity"),
        ("pauses", served.pauses, "how often the server stopped for a while"),
    ];
    for (name, count, meaning) in rare.into_iter().filter(|(_, count, _)| *count > 0) {
        line(name, format!("{count} ({meaning})"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn worker() -> Served {
        Served {
            duration: Duration::from_secs(2),
            connections: 3,
            open: 1,
            requests: 11,
            answered: [(200, 9), (503, 1)].into(),
            bytes_received: 400,
            bytes_sent: 900,
            ..Served::default()
        }
    }

    #[track_caller]
    fn check(served: &Served, json: &str, text: &str) {
        assert_eq!(render_json(served), json);
        assert_eq!(render_text(served), text);
    }

    #[test]
    fn two_workers_are_added_up_and_shown() {
        let mut served = worker();
        served.absorb(&Served {
            dropped: 1,
            parse_errors: 1,
            overruns: 1,
            refused: 2,
            collapses: 1,
            pauses: 3,
            ..worker()
        });
        check(
            &served,
            concat!(
                r#"{"duration_s":2.0,"connections":6,"connections_open":2,"requests":22,"responses":20,"#,
                r#""responses_per_second":10.0,"answered":{"200":18,"503":2},"dropped":1,"parse_errors":1,"#,
                r#""overruns":1,"refused":2,"collapses":1,"pauses":3,"bytes_received":800,"bytes_sent":1800}"#,
                "\n"
            ),
            "served       20 responses in 2.0s, 10/s\n\
             requests     22\n\
             \x20 200        18\n\
             \x20 503        2\n\
             connections  6 accepted, 2 open\n\
             received     800 B\n\
             sent         1800 B\n\
             dropped      1 (answers whose connection was gone)\n\
             parse errors 1 (answered with 400)\n\
             overruns     1 (connections closed: requests sent, answers not read)\n\
             refused      2 (answered with 503: the queue was full)\n\
             collapses    1 (how often overload reduced the capacity)\n\
             pauses       3 (how often the server stopped for a while)\n",
        );
    }

    #[test]
    fn the_first_line_says_what_limits_the_target() {
        #[track_caller]
        fn check(keys: &[(&str, &str)], want: &str) {
            let mut capacity = CapacityOptions::default();
            for (key, value) in keys {
                assert_eq!(capacity.set(key, value), Ok(true));
            }
            let line = render_listening(([127, 0, 0, 1], 80).into(), &capacity);
            assert_eq!(line, format!("{{\"listen\":\"127.0.0.1:80\"{want}}}\n"));
        }
        check(&[], "");
        check(&[("capacity", "5000")], r#","capacity_per_second":5000,"queue":5000"#);
        check(
            &[("capacity", "10"), ("queue", "0"), ("collapse", "0.5"), ("pause", "200ms:500")],
            concat!(
                r#","capacity_per_second":10,"queue":0,"collapse":0.5,"recover_s":null,"#,
                r#""pause_s":0.2,"pause_every":500"#
            ),
        );
    }

    #[test]
    fn a_target_that_nobody_asked_has_no_rate() {
        check(
            &Served::default(),
            concat!(
                r#"{"duration_s":0.0,"connections":0,"connections_open":0,"requests":0,"responses":0,"#,
                r#""responses_per_second":0.0,"answered":{},"dropped":0,"parse_errors":0,"overruns":0,"#,
                r#""refused":0,"collapses":0,"pauses":0,"bytes_received":0,"bytes_sent":0}"#,
                "\n"
            ),
            "served       0 responses in 0.0s, 0/s\n\
             requests     0\n\
             connections  0 accepted, 0 open\n\
             received     0 B\n\
             sent         0 B\n",
        );
    }
}
