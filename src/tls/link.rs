//! One connection's TLS: plaintext on its owner's side, ciphertext on the transport's.
//!
//! L1. At most one send is under way (rule W5 of the wire): `poll_send` gives nothing until
//!     `on_sent`. What is written meanwhile waits, in order.
//! L2. Ciphertext is encrypted in the order in which it is sent.
//! L3. Between two calls a link holds no buffer but for a record, or a message of the handshake,
//!     of which a part has come.

use super::failure::Failure;
use crate::options::tls::{CIPHER_SUITES, CipherSuite, TlsVersion};
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{CommonState, ProtocolVersion};

/// A record's plaintext is no longer, and its ciphertext longer by no more than this.
const RECORD: usize = 16 * 1024;
const RECORD_OVERHEAD: usize = 32;
/// The most that a link may hold of what has not come whole: a message of the handshake.
const PARTIAL_MAX: usize = 128 * 1024;
/// Records that a connection of TLS 1.2 may write before it should be given up: its keys cannot be
/// renewed, and rustls refuses to use them for ever (2^24 records of AES-GCM).
const WORN_AFTER: u32 = 1 << 23;
/// Record types with which a peer may begin: an alert, or the handshake (RFC 8446 §5.1).
const FIRST_TYPES: [u8; 2] = [21, 22];

/// Which end of a connection this is.
pub trait Side {
    type Data;
    fn facts(&self) -> &CommonState;
    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
}

impl Side for UnbufferedClientConnection {
    type Data = ClientConnectionData;
    fn facts(&self) -> &CommonState {
        self
    }
    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}

impl Side for UnbufferedServerConnection {
    type Data = ServerConnectionData;
    fn facts(&self) -> &CommonState {
        self
    }
    fn process<'c, 'i>(&'c mut self, incoming: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}

/// Buffers that all links of a worker share; empty between two calls but for their room.
#[derive(Debug, Default)]
pub struct Buffers {
    /// Decrypted by the last `Link::on_ciphertext`: to be taken.
    pub plain: Vec<u8>,
    incoming: Vec<u8>,
}

/// A send that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Of ciphertext.
    pub bytes: u64,
    /// It ended with what the owner wrote; else it was the handshake's or rustls' own.
    pub carried: bool,
}

/// See the module.
pub struct Link<S> {
    side: S,
    partial: Vec<u8>,
    /// Waits to be sent; the owner's writing ends it, or is not in it.
    outgoing: Vec<u8>,
    outgoing_carries: bool,
    under_way: Option<Sent>,
    /// Records that the owner wrote.
    records: u32,
    is_established: bool,
    has_ended: bool,
    /// A first record was seen to be one.
    is_tls: bool,
}

impl<S: Side> Link<S> {
    pub(super) fn new(side: S) -> Link<S> {
        Link {
            side,
            partial: Vec::new(),
            outgoing: Vec::new(),
            outgoing_carries: false,
            under_way: None,
            records: 0,
            is_established: false,
            has_ended: false,
            is_tls: false,
        }
    }

    /// A client's first words; a server has none.
    pub fn begin(&mut self) -> Result<(), Failure> {
        self.drive(&mut [], &mut Vec::new(), None).map(|_| ())
    }

    /// What came from the peer. Its plaintext is left in `buffers.plain`; an answer to the peer, if
    /// there is one, is for `poll_send`. Plaintext that came before a failure is given, too.
    pub fn on_ciphertext(&mut self, bytes: &[u8], buffers: &mut Buffers) -> Result<(), Failure> {
        let Buffers { plain, incoming } = buffers;
        plain.clear();
        incoming.clear();
        incoming.extend_from_slice(&self.partial);
        incoming.extend_from_slice(bytes);
        if !self.is_tls {
            match incoming.first() {
                Some(first) if !FIRST_TYPES.contains(first) => return Err(Failure::not_tls(incoming)),
                _ => self.is_tls = true,
            }
        }
        let consumed = self.drive(incoming, plain, None)?;
        let rest = &incoming[consumed..];
        match rest.len() {
            0 if self.partial.capacity() > 0 => self.partial = Vec::new(),
            0 => {}
            len if len > PARTIAL_MAX => return Err(Failure::too_long()),
            _ => {
                self.partial.clear();
                self.partial.extend_from_slice(rest);
            }
        }
        Ok(())
    }

    /// Encrypts `plain` for `poll_send`. The handshake must be over.
    pub fn write(&mut self, plain: &[u8]) {
        self.outgoing.reserve(plain.len() + (plain.len() / RECORD + 1) * RECORD_OVERHEAD);
        self.records = self.records.saturating_add((plain.len() / RECORD + 1) as u32);
        // Nothing is read here, and only what is read can be wrong.
        self.drive(&mut [], &mut Vec::new(), Some(plain)).expect("a link that failed is not written to");
        self.outgoing_carries = true;
    }

    /// Ciphertext to send now (L1).
    pub fn poll_send(&mut self) -> Option<Vec<u8>> {
        if self.under_way.is_some() || self.outgoing.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.outgoing);
        let carried = std::mem::take(&mut self.outgoing_carries);
        self.under_way = Some(Sent { bytes: bytes.len() as u64, carried });
        Some(bytes)
    }

    /// The send under way was done.
    pub fn on_sent(&mut self) -> Sent {
        self.under_way.take().expect("a Sent answers a Send (W5)")
    }

    /// Both sides have agreed, and our last word of it was sent.
    pub fn is_open(&self) -> bool {
        self.is_established && self.under_way.is_none() && self.outgoing.is_empty()
    }

    /// It has written nearly as much as its keys are good for: the owner should open another one.
    /// TLS 1.3 renews them by itself.
    pub fn is_worn(&self) -> bool {
        self.records >= WORN_AFTER && self.version() == Some(TlsVersion::Tls12)
    }

    /// As if it had written so many records more.
    #[cfg(test)]
    pub fn age(&mut self, records: u32) {
        self.records += records;
    }

    /// Plaintext can be written.
    pub fn is_established(&self) -> bool {
        self.is_established
    }

    /// The peer said that no more will come (close_notify).
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// A record has begun to come: an end now is no end in good order.
    pub fn is_within_record(&self) -> bool {
        !self.partial.is_empty()
    }

    /// What was agreed on; `None` before it was.
    pub fn version(&self) -> Option<TlsVersion> {
        match self.side.facts().protocol_version()? {
            ProtocolVersion::TLSv1_2 => Some(TlsVersion::Tls12),
            ProtocolVersion::TLSv1_3 => Some(TlsVersion::Tls13),
            _ => None,
        }
    }

    pub fn cipher_suite(&self) -> Option<&'static CipherSuite> {
        let id = u16::from(self.side.facts().negotiated_cipher_suite()?.suite());
        CIPHER_SUITES.iter().find(|suite| suite.id == id)
    }

    /// Whether the handshake was shortened by an earlier session.
    pub fn is_resumed(&self) -> bool {
        self.side.facts().handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    }

    /// Lets rustls take of `incoming` what it can, and encrypts `to_write` at the end. How much
    /// was taken.
    fn drive(
        &mut self,
        incoming: &mut [u8],
        plain: &mut Vec<u8>,
        mut to_write: Option<&[u8]>,
    ) -> Result<usize, Failure> {
        let Link { side, outgoing, is_established, has_ended, .. } = self;
        let mut consumed = 0;
        loop {
            let UnbufferedStatus { discard, state } = side.process(&mut incoming[consumed..]);
            let mut is_done = false;
            match state.map_err(|error| Failure::of(&error))? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        plain.extend_from_slice(record.map_err(|error| Failure::of(&error))?.payload);
                    }
                }
                ConnectionState::EncodeTlsData(mut data) => {
                    append(outgoing, 0, |room| match data.encode(room) {
                        Err(EncodeError::InsufficientSize(error)) => Err(error.required_size),
                        other => Ok(other.expect("a message is encoded once")),
                    });
                }
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::WriteTraffic(mut traffic) => {
                    *is_established = true;
                    is_done = true;
                    if let Some(bytes) = to_write.take() {
                        let room = bytes.len() + (bytes.len() / RECORD + 1) * RECORD_OVERHEAD;
                        append(outgoing, room, |room| match traffic.encrypt(bytes, room) {
                            Err(EncryptError::InsufficientSize(error)) => Err(error.required_size),
                            // 2^64 records on one connection.
                            Err(EncryptError::EncryptExhausted) => panic!("a connection's keys are used up"),
                            Ok(len) => Ok(len),
                        });
                    }
                }
                ConnectionState::PeerClosed => *has_ended = true,
                ConnectionState::BlockedHandshake | ConnectionState::Closed => is_done = true,
                // A server's 0-RTT, which ours does not offer.
                state => panic!("rustls is in a state that nobody asked for: {state:?}"),
            }
            consumed += discard;
            if is_done {
                assert!(to_write.is_none(), "something was written before the handshake was over");
                return Ok(consumed);
            }
        }
    }
}

/// Appends what `write` writes into the room it is given; it says how much, or how much it needs.
fn append(out: &mut Vec<u8>, guess: usize, mut write: impl FnMut(&mut [u8]) -> Result<usize, usize>) {
    let begin = out.len();
    let mut room = guess;
    loop {
        out.resize(begin + room, 0);
        match write(&mut out[begin..]) {
            Ok(len) => return out.truncate(begin + len),
            Err(needed) => room = needed,
        }
    }
}
