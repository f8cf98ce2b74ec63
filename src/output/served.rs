//! What the built-in target did, as text for people and JSON for programs.

use crate::metrics::served::Served;
use serde_json::{Map, Value, json};
use std::fmt::Write;

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
        served.absorb(&Served { dropped: 1, parse_errors: 1, overruns: 1, ..worker() });
        check(
            &served,
            concat!(
                r#"{"duration_s":2.0,"connections":6,"connections_open":2,"requests":22,"responses":20,"#,
                r#""responses_per_second":10.0,"answered":{"200":18,"503":2},"dropped":1,"parse_errors":1,"#,
                r#""overruns":1,"bytes_received":800,"bytes_sent":1800}"#,
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
             overruns     1 (connections closed: requests sent, answers not read)\n",
        );
    }

    #[test]
    fn a_target_that_nobody_asked_has_no_rate() {
        check(
            &Served::default(),
            concat!(
                r#"{"duration_s":0.0,"connections":0,"connections_open":0,"requests":0,"responses":0,"#,
                r#""responses_per_second":0.0,"answered":{},"dropped":0,"parse_errors":0,"overruns":0,"#,
                r#""bytes_received":0,"bytes_sent":0}"#,
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
