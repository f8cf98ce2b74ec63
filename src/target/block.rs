//! Responses serialized once and kept: a block is up to 64 equal responses, one after the other.

use rustc_hash::FxHashMap;

/// Responses in one block at most: as many as one send answers at a time.
const RESPONSES_MAX: u64 = 64;
/// A block holds no more than this many bytes, but at least one response.
const BLOCK_BYTES: u64 = 64 << 10;
/// Bounds of a cache; what does not fit is serialized for each request.
const BLOCKS_MAX: usize = 256;
const CACHE_BYTES_MAX: usize = 64 << 20;
/// Bytes of one chunk of a chunked body.
const CHUNK: u64 = 16 << 10;

/// Everything that decides a response's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockKey {
    pub status: u16,
    pub size: u64,
    pub chunked: bool,
    pub close: bool,
    /// Say that the connection stays, to a client of HTTP/1.0 that asked (RFC 9112 §9.3).
    pub confirms_keep_alive: bool,
    pub is_head: bool,
}

impl BlockKey {
    /// One response.
    pub fn serialize(&self) -> Vec<u8> {
        let reason = reason(self.status);
        let mut text =
            format!("HTTP/1.1 {} {reason}\r\nServer: ringload\r\nContent-Type: text/plain\r\n", self.status);
        // A 204 has no body and says no length (RFC 9110 §8.6); a 304 need not.
        let has_body = !matches!(self.status, 204 | 304);
        match (has_body, self.chunked) {
            (false, _) => {}
            (true, false) => text += &format!("Content-Length: {}\r\n", self.size),
            (true, true) => text += "Transfer-Encoding: chunked\r\n",
        }
        if self.close {
            text += "Connection: close\r\n";
        } else if self.confirms_keep_alive {
            text += "Connection: keep-alive\r\n";
        }
        text += "\r\n";
        let mut bytes = text.into_bytes();
        if has_body && !self.is_head {
            match self.chunked {
                false => bytes.resize(bytes.len() + self.size as usize, b'x'),
                true => write_chunked(&mut bytes, self.size),
            }
        }
        bytes
    }
}

fn write_chunked(out: &mut Vec<u8>, mut size: u64) {
    while size > 0 {
        let chunk = size.min(CHUNK);
        out.extend_from_slice(format!("{chunk:x}\r\n").as_bytes());
        out.resize(out.len() + chunk as usize, b'x');
        out.extend_from_slice(b"\r\n");
        size -= chunk;
    }
    out.extend_from_slice(b"0\r\n\r\n");
}

/// The usual reason phrase; clients ignore it (RFC 9112 §4), so the rest have none.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// Equal responses in a row.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    one_len: usize,
}

impl Block {
    fn new(one: Vec<u8>) -> Block {
        let one_len = one.len();
        let count = (BLOCK_BYTES / one_len as u64).clamp(1, RESPONSES_MAX);
        Block { bytes: one.repeat(count as usize), one_len }
    }

    /// How many responses one slice can hold.
    pub fn capacity(&self) -> u32 {
        (self.bytes.len() / self.one_len) as u32
    }

    /// `count` responses, at most `capacity`.
    pub fn responses(&self, count: u32) -> &[u8] {
        &self.bytes[..count as usize * self.one_len]
    }
}

/// The blocks of one worker of the target. They live as long as the process, so that a send may
/// borrow them; hence the bounds.
#[derive(Default)]
pub struct BlockCache {
    blocks: FxHashMap<BlockKey, &'static Block>,
    bytes: usize,
    last: Option<(BlockKey, &'static Block)>,
}

impl BlockCache {
    /// The block of `key`; `None` when it is not there and the cache is full.
    pub fn get(&mut self, key: BlockKey) -> Option<&'static Block> {
        if let Some((last, block)) = self.last
            && last == key
        {
            return Some(block);
        }
        let block = match self.blocks.get(&key) {
            Some(block) => block,
            None => self.add(key)?,
        };
        self.last = Some((key, block));
        Some(block)
    }

    fn add(&mut self, key: BlockKey) -> Option<&'static Block> {
        // The first is the user's own default, however large.
        let fits = self.bytes.saturating_add(key.size as usize) <= CACHE_BYTES_MAX;
        if !self.blocks.is_empty() && (self.blocks.len() >= BLOCKS_MAX || !fits) {
            return None;
        }
        let block: &'static Block = Box::leak(Box::new(Block::new(key.serialize())));
        self.bytes += block.bytes.len();
        self.blocks.insert(key, block);
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(status: u16, size: u64) -> BlockKey {
        BlockKey { status, size, chunked: false, close: false, confirms_keep_alive: false, is_head: false }
    }

    /// The lines after Content-Type, and the body.
    #[track_caller]
    fn check(key: BlockKey, want: &str) {
        let text = String::from_utf8(key.serialize()).unwrap();
        let (_, rest) = text.split_once("text/plain\r\n").unwrap();
        assert_eq!(rest, want);
    }

    #[test]
    fn framing_follows_status_method_and_coding() {
        check(plain(200, 3), "Content-Length: 3\r\n\r\nxxx");
        check(plain(200, 0), "Content-Length: 0\r\n\r\n");
        check(BlockKey { close: true, ..plain(200, 1) }, "Content-Length: 1\r\nConnection: close\r\n\r\nx");
        let stays = BlockKey { confirms_keep_alive: true, ..plain(200, 1) };
        check(stays, "Content-Length: 1\r\nConnection: keep-alive\r\n\r\nx");
        check(BlockKey { is_head: true, ..plain(200, 3) }, "Content-Length: 3\r\n\r\n");
        check(plain(204, 3), "\r\n");
        check(plain(304, 3), "\r\n");
        let chunked = |size| BlockKey { chunked: true, ..plain(200, size) };
        check(chunked(3), "Transfer-Encoding: chunked\r\n\r\n3\r\nxxx\r\n0\r\n\r\n");
        check(chunked(0), "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        check(BlockKey { is_head: true, ..chunked(3) }, "Transfer-Encoding: chunked\r\n\r\n");
        let (full, x) = ("x".repeat(CHUNK as usize), "4000\r\n");
        let want = format!("Transfer-Encoding: chunked\r\n\r\n{x}{full}\r\n1\r\nx\r\n0\r\n\r\n");
        check(chunked(CHUNK + 1), &want);
    }

    #[test]
    fn a_block_repeats_small_responses_and_holds_a_large_one_once() {
        let block = Block::new(plain(200, 3).serialize());
        assert_eq!(block.capacity(), 64);
        assert_eq!(block.responses(64), block.responses(1).repeat(64));
        assert_eq!(Block::new(plain(200, 10_000).serialize()).capacity(), 6);
        assert_eq!(Block::new(plain(200, 100_000).serialize()).capacity(), 1);
    }

    #[test]
    fn a_full_cache_still_gives_what_it_holds() {
        let mut cache = BlockCache::default();
        assert!(cache.get(plain(200, 65 << 20)).is_some(), "the first is the user's default");
        assert!(cache.get(plain(200, 1)).is_none());
        assert!(cache.get(plain(200, 65 << 20)).is_some());

        let mut cache = BlockCache::default();
        let given = (0..300).filter(|&size| cache.get(plain(200, size)).is_some()).count();
        assert_eq!(given, BLOCKS_MAX);
    }
}
