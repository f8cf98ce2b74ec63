//! One connection's talk with the behaviour: bytes in, answers out, in order.

use super::behaviour::{Answer, Asked, Behaviour, refusal};
use crate::http::{RequestCache, RequestParsed, RequestParser};
use crate::time::Instant;

/// What an answer is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Request,
    Garbage,
}

/// The reading side of a connection.
#[derive(Debug, Default)]
pub struct Dialogue {
    parser: RequestParser,
    /// An answer that closes the connection was given: what comes after it is not read.
    over: bool,
}

impl Dialogue {
    /// Hands each request that `bytes`, which arrived at `at`, complete to `behaviour`, and its answer to `on_answer`.
    pub fn on_bytes(
        &mut self,
        at: Instant,
        mut bytes: &[u8],
        behaviour: &mut Behaviour,
        cache: &mut RequestCache,
        mut on_answer: impl FnMut(Heard, Answer),
    ) {
        while !self.over && !bytes.is_empty() {
            let (consumed, parsed) = self.parser.parse(bytes, cache);
            let (heard, answer) = match parsed {
                RequestParsed::NeedMore => return,
                RequestParsed::Complete(request) => {
                    let asked = Asked {
                        path: request.path_and_query,
                        is_head: request.method == "HEAD",
                        wants_close: request.wants_close,
                        is_http10: request.is_http10,
                    };
                    (Heard::Request, behaviour.answer(at, asked))
                }
                RequestParsed::Failed(error) => (Heard::Garbage, refusal(&error.to_string())),
            };
            bytes = &bytes[consumed..];
            self.over = answer.close;
            on_answer(heard, answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::BehaviourOptions;

    const REQUESTS: &str = "GET / HTTP/1.1\r\nHost: t\r\n\r\nPOST /status/201 HTTP/1.1\r\nContent-Length: 5\r\n\r\n\
         helloHEAD /size/9 HTTP/1.1\r\n\r\nGET /status/202 HTTP/1.1\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n\r\n";

    /// Whether each piece is heard alike: (status, bytes, close) of the answers.
    #[track_caller]
    fn check(pieces: &[&[u8]], want: &[(u16, usize, bool)]) {
        let mut behaviour = Behaviour::new(BehaviourOptions::default(), 1);
        let mut cache = RequestCache::default();
        let (mut dialogue, mut got) = (Dialogue::default(), Vec::new());
        for piece in pieces {
            dialogue.on_bytes(Instant::ZERO, piece, &mut behaviour, &mut cache, |_, answer| {
                let (status, close) = (answer.status, answer.close);
                got.push((status, answer.into_payload().len(), close));
            });
        }
        assert_eq!(got, want);
    }

    #[test]
    fn any_cut_of_the_requests_gives_the_same_answers_up_to_the_close() {
        let want = [(200, 82, false), (201, 87, false), (200, 82, false), (202, 107, true)];
        let bytes = REQUESTS.as_bytes();
        check(&[bytes], &want);
        check(&bytes.iter().map(std::slice::from_ref).collect::<Vec<_>>(), &want);
        for cut in 0..bytes.len() {
            check(&[&bytes[..cut], &bytes[cut..]], &want);
        }
    }

    #[test]
    fn a_client_of_http10_is_told_whether_the_connection_stays_and_is_sent_no_chunks() {
        let options = BehaviourOptions { size: 1, chunked: true, ..BehaviourOptions::default() };
        let (mut behaviour, mut cache) = (Behaviour::new(options, 1), RequestCache::default());
        let mut check = |headers: &str, want: &str, want_close: bool| {
            let request = format!("GET / HTTP/1.0\r\n{headers}\r\n");
            Dialogue::default().on_bytes(
                Instant::ZERO,
                request.as_bytes(),
                &mut behaviour,
                &mut cache,
                |_, answer| {
                    assert_eq!(answer.close, want_close, "{headers:?}");
                    let bytes = answer.into_payload().as_slice().to_vec();
                    let text = String::from_utf8(bytes).unwrap();
                    let (_, rest) = text.split_once("text/plain\r\n").unwrap();
                    assert_eq!(rest, format!("Content-Length: 1\r\nConnection: {want}\r\n\r\nx"));
                },
            );
        };
        check("Connection: Keep-Alive\r\n", "keep-alive", false);
        check("", "close", true);
    }
}
