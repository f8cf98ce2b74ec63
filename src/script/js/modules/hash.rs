//! The hash functions of `k6/crypto` and webcrypto, plain and keyed, behind one object.

use hmac::{Mac, SimpleHmac};
use sha2::digest::core_api::BlockSizeUser;
use sha2::{Digest, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

/// A hash under way. It can be asked at any time and goes on.
pub trait Hashing {
    fn update(&mut self, bytes: &[u8]);
    fn sum(&self) -> Vec<u8>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Md4,
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Sha512_224,
    Sha512_256,
    Ripemd160,
}

impl Algorithm {
    /// By the name it has in `k6/crypto`.
    pub fn of_k6(name: &str) -> Option<Algorithm> {
        Some(match name {
            "md4" => Algorithm::Md4,
            "md5" => Algorithm::Md5,
            "sha1" => Algorithm::Sha1,
            "sha256" => Algorithm::Sha256,
            "sha384" => Algorithm::Sha384,
            "sha512" => Algorithm::Sha512,
            "sha512_224" => Algorithm::Sha512_224,
            "sha512_256" => Algorithm::Sha512_256,
            "ripemd160" => Algorithm::Ripemd160,
            _ => return None,
        })
    }

    /// With a key it is an HMAC (RFC 2104).
    pub fn begin(self, key: Option<&[u8]>) -> Box<dyn Hashing> {
        match self {
            Algorithm::Md4 => begin::<md4::Md4>(key),
            Algorithm::Md5 => begin::<md5::Md5>(key),
            Algorithm::Sha1 => begin::<sha1::Sha1>(key),
            Algorithm::Sha256 => begin::<Sha256>(key),
            Algorithm::Sha384 => begin::<Sha384>(key),
            Algorithm::Sha512 => begin::<Sha512>(key),
            Algorithm::Sha512_224 => begin::<Sha512_224>(key),
            Algorithm::Sha512_256 => begin::<Sha512_256>(key),
            Algorithm::Ripemd160 => begin::<ripemd::Ripemd160>(key),
        }
    }

    pub fn sum(self, key: Option<&[u8]>, bytes: &[u8]) -> Vec<u8> {
        let mut hash = self.begin(key);
        hash.update(bytes);
        hash.sum()
    }

    /// In bytes; an HMAC key has this length by default.
    pub fn block_len(self) -> usize {
        match self {
            Algorithm::Sha384 | Algorithm::Sha512 | Algorithm::Sha512_224 | Algorithm::Sha512_256 => 128,
            _ => 64,
        }
    }
}

struct Plain<D>(D);

impl<D: Digest + Clone> Hashing for Plain<D> {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn sum(&self) -> Vec<u8> {
        self.0.clone().finalize().to_vec()
    }
}

struct Keyed<D: Digest + BlockSizeUser>(SimpleHmac<D>);

impl<D: Digest + BlockSizeUser + Clone> Hashing for Keyed<D> {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn sum(&self) -> Vec<u8> {
        self.0.clone().finalize().into_bytes().to_vec()
    }
}

fn begin<D: Digest + BlockSizeUser + Clone + 'static>(key: Option<&[u8]>) -> Box<dyn Hashing> {
    match key {
        None => Box::new(Plain(D::new())),
        Some(key) => {
            let mac = <SimpleHmac<D> as Mac>::new_from_slice(key);
            Box::new(Keyed(mac.expect("a key of an HMAC has any length")))
        }
    }
}
