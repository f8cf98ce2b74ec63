//! Takes heads from a stream, of responses and requests alike.
//!
//! A head is accepted in one of three ways, cheapest first: byte-identical to the last one
//! (`LastHead`, one per worker), by a quick scan, or by the full reader. A head that was cut between
//! reads is gathered (`CutHead`, one per connection) and then read in the same ways.

use super::error::ParseError;

/// A kind of head, and how to read it.
pub trait MessageHead: Copy + Default {
    /// Bytes, with the empty line.
    fn head_len(&self) -> usize;
    /// Bytes of the whole message, if the head alone tells.
    fn whole_len(&self) -> Option<u64>;
    /// Not an interim response.
    fn is_final(&self) -> bool;
    /// The head at the front of `input`, if it is of a plain kind and whole.
    fn scan(input: &[u8]) -> Option<Self>;
    /// The head at the front of `input`, if it is whole.
    fn read(input: &[u8]) -> Result<Option<Self>, ParseError>;
    /// Refuses bytes that cannot begin a head, however few have come.
    fn check_start(input: &[u8]) -> Result<(), ParseError>;
}

/// The last head that was read, by its bytes.
#[derive(Debug, Default)]
pub struct LastHead<H> {
    bytes: Vec<u8>,
    head: H,
}

impl<H: MessageHead> LastHead<H> {
    /// Longer heads are not worth the copy when a server varies them.
    const BYTES_MAX: usize = 2048;

    pub fn new() -> LastHead<H> {
        LastHead { bytes: Vec::new(), head: H::default() }
    }

    pub fn remember(&mut self, bytes: &[u8], head: H) {
        if bytes.len() <= LastHead::<H>::BYTES_MAX && head.is_final() {
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
            self.head = head;
        }
    }

    pub(super) fn head(&self) -> H {
        self.head
    }

    /// How many whole messages at the front of `input` have this head, and their bytes.
    #[inline]
    pub(super) fn count_repeats(&self, input: &[u8], at_most: u32) -> (u32, usize) {
        let Some(len) = self.head.whole_len().filter(|_| !self.bytes.is_empty()) else { return (0, 0) };
        let (mut count, mut rest) = (0, input);
        while count < at_most && len <= rest.len() as u64 && rest.starts_with(&self.bytes) {
            rest = &rest[len as usize..];
            count += 1;
        }
        (count, input.len() - rest.len())
    }

    /// The cached head, if `front` followed by `input` begins with exactly its bytes, of which
    /// `front` must not be all.
    fn at_front_of(&self, front: &[u8], input: &[u8]) -> Option<H> {
        let rest = self.bytes.strip_prefix(front)?;
        (!rest.is_empty() && input.starts_with(rest)).then_some(self.head)
    }
}

/// Where a head's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At the front of the input.
    Input,
    /// All of `CutHead::bytes`.
    Cut,
}

/// What `CutHead::take_head` came to.
pub(super) enum Taken<H> {
    /// All of the input belongs to a head that is not whole yet.
    Part,
    /// `bytes` at the front of the input completed `head`.
    Whole {
        head: H,
        bytes: usize,
        place: Place,
    },
    Refused(ParseError),
}

/// The beginning of a head that was cut between reads.
#[derive(Debug, Default)]
pub(super) struct CutHead {
    pub bytes: Vec<u8>,
}

impl CutHead {
    /// Buffers up to here are kept for the next cut head of the connection.
    const KEPT_CAPACITY: usize = 1024;

    /// Takes a head of at most `limit` bytes, or what there is of it, from the front of `input`.
    pub fn take_head<H: MessageHead>(
        &mut self,
        input: &[u8],
        limit: usize,
        cache: &mut LastHead<H>,
    ) -> Taken<H> {
        let before = self.bytes.len();
        let window = &input[..input.len().min(limit - before)];
        if let Some(head) = cache.at_front_of(&self.bytes, window) {
            let bytes = head.head_len() - before;
            if before == 0 {
                return Taken::Whole { head, bytes, place: Place::Input };
            }
            self.bytes.extend_from_slice(&window[..bytes]);
            return Taken::Whole { head, bytes, place: Place::Cut };
        }
        let (place, whole) = match before {
            0 => (Place::Input, true),
            _ => (Place::Cut, self.gather(window)),
        };
        let front = if place == Place::Cut { &self.bytes } else { window };
        // An unfinished head is not read again and again while it grows.
        let head = match whole.then(|| H::scan(front)) {
            None => H::check_start(front).map(|()| None),
            Some(None) => H::read(front),
            Some(scanned) => Ok(scanned),
        };
        match head {
            Ok(Some(head)) => {
                cache.remember(&front[..head.head_len()], head);
                Taken::Whole { head, bytes: head.head_len() - before, place }
            }
            Ok(None) if window.len() < input.len() => Taken::Refused(ParseError::HeadTooLarge),
            Ok(None) => {
                if place == Place::Input {
                    self.bytes.extend_from_slice(window);
                }
                Taken::Part
            }
            Err(error) => Taken::Refused(error),
        }
    }

    /// Adds from `input` up to the end of the head, or all of it. Returns whether it is whole now.
    fn gather(&mut self, input: &[u8]) -> bool {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(input);
        // The empty line may have begun with the last three bytes that were here.
        let end = head_end(&self.bytes, before.saturating_sub(3));
        self.bytes.truncate(end.unwrap_or(self.bytes.len()));
        end.is_some()
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(CutHead::KEPT_CAPACITY);
    }
}

/// The end of the first empty line after a line that ends at or after `from`: the head's length.
pub(super) fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes.get(from..)?).find_map(|at| match &bytes[from + at + 1..] {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        _ => None,
    })
}
