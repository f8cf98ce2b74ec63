//! The built-in metrics: one table of what they are called, hold and mean.
//!
//! `docs/metrics.md` repeats this table for users; `tests/metrics_doc.rs` holds the two together.
//! How each is computed from leaves is in `report`. Names and kinds are k6's.

use super::summary::Contains;

/// A built-in metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Builtin {
    Vus,
    VusMax,
    Iterations,
    IterationDuration,
    DroppedIterations,
    Checks,
    GroupDuration,
    HttpReqs,
    HttpReqDuration,
    HttpReqBlocked,
    HttpReqConnecting,
    HttpReqTlsHandshaking,
    HttpReqSending,
    HttpReqWaiting,
    HttpReqReceiving,
    HttpReqFailed,
    DataSent,
    DataReceived,
}

/// k6's four metric types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Counter,
    Gauge,
    Rate,
    Trend,
}

impl Kind {
    /// k6's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Rate => "rate",
            Kind::Trend => "trend",
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    pub metric: Builtin,
    pub name: &'static str,
    pub kind: Kind,
    pub contains: Contains,
    pub emitted: &'static str,
    pub meaning: &'static str,
}

/// In the order of `Builtin`.
#[rustfmt::skip]
pub const TABLE: &[Definition] = &[
    row(Builtin::Vus, "vus", Kind::Gauge, Contains::Default, "every second", "VUs at work"),
    row(Builtin::VusMax, "vus_max", Kind::Gauge, Contains::Default, "every second", "VUs that exist"),
    row(Builtin::Iterations, "iterations", Kind::Counter, Contains::Default, "at the end of a full iteration", "full iterations"),
    row(Builtin::IterationDuration, "iteration_duration", Kind::Trend, Contains::Time, "at the end of a full iteration", "from the real start of the iteration to its end"),
    row(Builtin::DroppedIterations, "dropped_iterations", Kind::Counter, Contains::Default, "when a start is due and no VU is free", "iterations that never began"),
    row(Builtin::Checks, "checks", Kind::Rate, Contains::Default, "per condition of a `check()`", "conditions that held"),
    row(Builtin::GroupDuration, "group_duration", Kind::Trend, Contains::Time, "at the end of a `group()`, thrown out of or not", "from the beginning of the group to its end"),
    row(Builtin::HttpReqs, "http_reqs", Kind::Counter, Contains::Default, "per exchange", "exchanges, failed ones included"),
    row(Builtin::HttpReqDuration, "http_req_duration", Kind::Trend, Contains::Time, "per exchange", "sending + waiting + receiving"),
    row(Builtin::HttpReqBlocked, "http_req_blocked", Kind::Trend, Contains::Time, "per exchange", "waiting for a connection: DNS, TCP and TLS of a new one"),
    row(Builtin::HttpReqConnecting, "http_req_connecting", Kind::Trend, Contains::Time, "per exchange", "TCP connection being made"),
    row(Builtin::HttpReqTlsHandshaking, "http_req_tls_handshaking", Kind::Trend, Contains::Time, "per exchange", "TLS handshake"),
    row(Builtin::HttpReqSending, "http_req_sending", Kind::Trend, Contains::Time, "per exchange", "request being written"),
    row(Builtin::HttpReqWaiting, "http_req_waiting", Kind::Trend, Contains::Time, "per exchange", "from the end of writing to the first byte of the response"),
    row(Builtin::HttpReqReceiving, "http_req_receiving", Kind::Trend, Contains::Time, "per exchange", "from the first byte of the response to its last"),
    row(Builtin::HttpReqFailed, "http_req_failed", Kind::Rate, Contains::Default, "per exchange that somebody judges", "exchanges whose response was not an expected one"),
    row(Builtin::DataSent, "data_sent", Kind::Counter, Contains::Data, "at the end of every iteration", "bytes written to sockets"),
    row(Builtin::DataReceived, "data_received", Kind::Counter, Contains::Data, "at the end of every iteration", "bytes read from sockets"),
];

const fn row(
    metric: Builtin,
    name: &'static str,
    kind: Kind,
    contains: Contains,
    emitted: &'static str,
    meaning: &'static str,
) -> Definition {
    Definition { metric, name, kind, contains, emitted, meaning }
}

impl Builtin {
    pub fn all() -> impl Iterator<Item = Builtin> {
        TABLE.iter().map(|row| row.metric)
    }

    pub fn definition(self) -> &'static Definition {
        &TABLE[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.definition().name
    }

    pub fn by_name(name: &str) -> Option<Builtin> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for metric in Builtin::all() {
            assert_eq!(metric.definition().metric, metric);
            assert_eq!(Builtin::by_name(metric.name()), Some(metric));
        }
        assert_eq!(TABLE.len(), Builtin::DataReceived as usize + 1);
    }
}
