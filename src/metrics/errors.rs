//! What went wrong: each kind of failed request with its count, its first and last time, and one
//! that stands for the rest. Fed with the windows that `Totals` absorbs.

use super::leaf::ExchangeTags;
use super::window::{LeafTags, Window};

/// Kinds that are kept; the rest become one.
const KINDS_MAX: usize = 50;
/// Its text.
const OTHER: &str = "(other errors)";

/// Requests that failed in the same way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorKind {
    /// 0: no response came.
    pub status: u16,
    /// k6's code and text; 0 and empty where there is none.
    pub code: u16,
    pub text: String,
    pub requests: u64,
    /// Since the scenarios began, to the tenth of a second: none came before, none after.
    pub first_ns: u64,
    pub last_ns: u64,
    /// The first request of the kind.
    pub method: String,
    pub url: String,
}

/// All kinds so far.
#[derive(Debug, Default)]
pub struct Errors {
    kinds: Vec<ErrorKind>,
    /// For each worker, by `LeafId`, the kind that its requests are of.
    places: Vec<Vec<Option<usize>>>,
}

impl Errors {
    /// What `worker` measured from `from_ns` to `to_ns`; its windows in their order.
    pub fn absorb(&mut self, worker: usize, from_ns: u64, to_ns: u64, window: &Window) {
        if self.places.len() <= worker {
            self.places.resize_with(worker + 1, Vec::new);
        }
        for tags in &window.new_leaves {
            let place = self.place(tags);
            self.places[worker].push(place);
        }
        let places = &self.places[worker];
        if places.iter().all(Option::is_none) {
            return;
        }
        let of_samples = window.exchanges.iter().map(|sample| (sample.leaf.0 as usize, u64::from(sample.n)));
        let of_counts = window.counts.iter().map(|counts| counts.unsampled.exchanges).enumerate();
        for (leaf, requests) in of_samples.chain(of_counts).filter(|(_, requests)| *requests > 0) {
            if let Some(place) = places[leaf] {
                self.kinds[place].add(requests, from_ns, to_ns);
            }
        }
    }

    /// The most frequent first.
    pub fn kinds(&self) -> Vec<ErrorKind> {
        let mut kinds: Vec<ErrorKind> = self.kinds.iter().filter(|kind| kind.requests > 0).cloned().collect();
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.requests));
        kinds
    }

    /// `None`: nothing went wrong there.
    fn place(&mut self, tags: &LeafTags) -> Option<usize> {
        let LeafTags::Exchange(tags) = tags else { return None };
        if !is_error(tags) {
            return None;
        }
        let is_same = |kind: &ErrorKind| {
            (kind.status, kind.code, &kind.text) == (tags.status, tags.error_code, &tags.error)
        };
        if let Some(place) = self.kinds.iter().position(is_same) {
            return Some(place);
        }
        if self.kinds.len() == KINDS_MAX {
            self.kinds.push(ErrorKind { text: OTHER.to_owned(), ..ErrorKind::default() });
        }
        if self.kinds.len() < KINDS_MAX {
            self.kinds.push(ErrorKind {
                status: tags.status,
                code: tags.error_code,
                text: tags.error.clone(),
                method: tags.method.clone(),
                url: tags.url.clone(),
                ..ErrorKind::default()
            });
        }
        Some(self.kinds.len() - 1)
    }
}

/// As `http_req_failed` has it; without that, whatever brought no response.
fn is_error(tags: &ExchangeTags) -> bool {
    match tags.expected_response {
        Some(is_expected) => !is_expected,
        None => tags.status == 0,
    }
}

impl ErrorKind {
    fn add(&mut self, requests: u64, from_ns: u64, to_ns: u64) {
        if self.requests == 0 {
            self.first_ns = from_ns;
        }
        self.first_ns = self.first_ns.min(from_ns);
        self.last_ns = self.last_ns.max(to_ns);
        self.requests += requests;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{ExchangeTiming, Recorder, RecorderBounds};

    const TIMING: ExchangeTiming = ExchangeTiming { sending_ns: 1, waiting_ns: 2, receiving_ns: 3 };

    fn tags(status: u16, code: u16, text: &str) -> ExchangeTags {
        ExchangeTags {
            status,
            error_code: code,
            error: text.into(),
            method: "GET".into(),
            url: format!("http://t/{status}"),
            expected_response: Some((200..400).contains(&status)),
            ..ExchangeTags::default()
        }
    }

    fn recorder() -> Recorder {
        Recorder::new(RecorderBounds { samples: 8, leaves: 100 })
    }

    #[test]
    fn kinds_are_counted_over_workers_with_their_first_and_last_time() {
        let mut errors = Errors::default();
        let mut recorders = [recorder(), recorder()];
        for tick in 0..3u64 {
            for (worker, recorder) in recorders.iter_mut().enumerate() {
                let good = recorder.exchange_leaf(&tags(200, 0, ""));
                recorder.record_exchange(good, TIMING, 5);
                // More than there is room for: the rest is counted without its timings.
                for _ in 0..if worker == 1 && tick > 0 { 20 } else { 0 } {
                    let bad = recorder.exchange_leaf(&tags(502, 1502, ""));
                    recorder.record_exchange(bad, TIMING, 1);
                }
                if tick == 1 {
                    let bad = recorder.exchange_leaf(&tags(0, 1212, "dial: connection refused"));
                    recorder.record_exchange(bad, TIMING, 1);
                }
                errors.absorb(worker, tick * 100, (tick + 1) * 100, &recorder.take_window(None));
            }
        }
        let kinds = errors.kinds();
        let got: Vec<_> =
            kinds.iter().map(|kind| (kind.status, kind.requests, kind.first_ns, kind.last_ns)).collect();
        assert_eq!(got, [(502, 40, 100, 300), (0, 2, 100, 200)]);
        assert_eq!(
            (kinds[0].url.as_str(), kinds[1].text.as_str()),
            ("http://t/502", "dial: connection refused")
        );
    }

    #[test]
    fn kinds_beyond_the_bound_become_one() {
        let (mut errors, mut recorder) = (Errors::default(), recorder());
        for status in 400..400 + KINDS_MAX as u16 + 7 {
            let leaf = recorder.exchange_leaf(&tags(status, 1000 + status, ""));
            recorder.record_exchange(leaf, TIMING, 1);
        }
        errors.absorb(0, 0, 1, &recorder.take_window(None));
        let kinds = errors.kinds();
        assert_eq!(kinds.len(), KINDS_MAX + 1);
        assert_eq!((kinds[0].text.as_str(), kinds[0].requests), (OTHER, 7));
    }

    #[test]
    fn what_a_script_expects_is_no_error() {
        let (mut errors, mut recorder) = (Errors::default(), recorder());
        for expected_response in [Some(true), None] {
            let leaf = recorder.exchange_leaf(&ExchangeTags { expected_response, ..tags(404, 1404, "") });
            recorder.record_exchange(leaf, TIMING, 1);
        }
        errors.absorb(0, 0, 1, &recorder.take_window(None));
        assert_eq!(errors.kinds(), []);
    }
}
