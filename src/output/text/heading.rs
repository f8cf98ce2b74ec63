//! Under which heading a metric stands, and which are not shown. k6 goes by the name's prefix.

/// Headings in the order in which they are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heading {
    Custom,
    Http,
    Execution,
    Network,
    Browser,
    WebVitals,
    Grpc,
    WebSocket,
}

impl Heading {
    pub fn text(self) -> &'static str {
        match self {
            Heading::Custom => "CUSTOM",
            Heading::Http => "HTTP",
            Heading::Execution => "EXECUTION",
            Heading::Network => "NETWORK",
            Heading::Browser => "BROWSER",
            Heading::WebVitals => "WEB_VITALS",
            Heading::Grpc => "GRPC",
            Heading::WebSocket => "WEBSOCKET",
        }
    }
}

/// Checks have a block of their own; the duration of groups is only in exports.
const HIDDEN: &[&str] = &["checks", "group_duration"];
const HIDDEN_IN_COMPACT: &[&str] = &[
    "http_req_blocked",
    "http_req_connecting",
    "http_req_receiving",
    "http_req_sending",
    "http_req_tls_handshaking",
    "http_req_waiting",
];

/// In the order in which k6 asks; the first prefix that fits decides.
const PREFIXES: &[(Heading, &[&str])] = &[
    (
        Heading::Http,
        &[
            "http_reqs",
            "http_req_failed",
            "http_req_duration",
            "http_req_blocked",
            "http_req_connecting",
            "http_req_tls_handshaking",
            "http_req_sending",
            "http_req_waiting",
            "http_req_receiving",
        ],
    ),
    (Heading::Execution, &["vus", "vus_max", "iterations", "iteration_duration", "dropped_iterations"]),
    (Heading::Network, &["data_sent", "data_received"]),
    (Heading::WebVitals, &["browser_web_vital_"]),
    (Heading::Browser, &["browser_"]),
    (Heading::Grpc, &["grpc_"]),
    (Heading::WebSocket, &["ws_"]),
];

/// `None` if the metric is not shown.
pub fn of(name: &str, full: bool) -> Option<Heading> {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if starts(HIDDEN) || (!full && starts(HIDDEN_IN_COMPACT)) {
        return None;
    }
    let found = PREFIXES.iter().find(|(_, prefixes)| starts(prefixes));
    Some(found.map_or(Heading::Custom, |(heading, _)| *heading))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, compact: Option<Heading>, full: Option<Heading>) {
        assert_eq!((of(name, false), of(name, true)), (compact, full), "{name}");
    }

    #[test]
    fn the_parts_of_a_requests_time_are_for_the_full_form() {
        check("http_req_waiting", None, Some(Heading::Http));
        check("http_req_blocked{a:b}", None, Some(Heading::Http));
        check("http_req_duration{a:b}", Some(Heading::Http), Some(Heading::Http));
    }

    #[test]
    fn checks_and_group_durations_are_never_listed() {
        check("checks{t:x}", None, None);
        check("checks_foo", None, None);
        check("group_duration", None, None);
    }

    #[test]
    fn the_prefix_decides_even_for_metrics_of_the_user() {
        check("vus_foo", Some(Heading::Execution), Some(Heading::Execution));
        check("my_counter", Some(Heading::Custom), Some(Heading::Custom));
        check("browser_web_vital_lcp", Some(Heading::WebVitals), Some(Heading::WebVitals));
        check("browser_data_sent", Some(Heading::Browser), Some(Heading::Browser));
        check("ws_sessions", Some(Heading::WebSocket), Some(Heading::WebSocket));
        check("grpc_req_duration", Some(Heading::Grpc), Some(Heading::Grpc));
    }
}
