//! What a response means to its request: a challenge, a redirection, codings to be undone.

use super::{Active, is_redirection};
use crate::http::Head;
use crate::http::coding::{self, DecodeError};
use crate::http::digest::{Challenge, NoChallenge, Proven};
use crate::metrics::error_code;
use std::borrow::Cow;

/// How far a request with digest authentication is.
#[derive(Default)]
pub(super) struct DigestState {
    challenge: Option<Challenge>,
    /// How often its nonce was used.
    count: u32,
    /// The present hop was answered by a challenge before.
    pub(super) was_challenged: bool,
    /// Of any kind, so far.
    answers: u32,
}

impl Active {
    /// Answers the challenge of the request's own origin; others are not told the credentials.
    pub(super) fn digest_authorization(&mut self, now_ms: i64) -> Option<String> {
        if !self.request.digest_auth || !self.target.has_origin_of(&self.request.target) {
            return None;
        }
        let challenge = self.digest.challenge.as_ref()?;
        self.digest.count += 1;
        let (user, password) = self
            .request
            .target
            .credentials
            .as_ref()
            .map_or(("", ""), |(user, password)| (user.as_str(), password.as_str()));
        Some(challenge.answer(&Proven {
            user,
            password,
            method: &self.method,
            uri: &self.target.path_and_query,
            body: if self.body_follows { &self.request.body } else { b"" },
            cnonce: &format!(
                "{:08x}{:08x}{:016x}",
                self.vu.0,
                self.digest.count,
                now_ms as u64 ^ self.id.0 << 44
            ),
            count: self.digest.count,
        }))
    }

    /// Whether the same hop is to be sent again with the answer to the challenge in this response. The
    /// error says what is wrong with the challenge.
    pub(super) fn is_challenged(&mut self, status: u16, head: &Head) -> Result<bool, NoChallenge> {
        self.digest.answers += 1;
        let is_ours = status == 401 && self.target.has_origin_of(&self.request.target);
        if !self.request.digest_auth || !is_ours || self.digest.was_challenged {
            return Ok(false);
        }
        self.digest.challenge = Some(Challenge::find(head.get_all("www-authenticate"))?);
        self.digest.count = 0;
        self.digest.was_challenged = true;
        Ok(true)
    }

    /// Where a redirection leads that is followed.
    pub(super) fn location<'a>(&self, status: u16, head: &'a Head) -> Option<Cow<'a, str>> {
        let location = head.get("location").filter(|location| !location.is_empty());
        location.filter(|_| is_redirection(status))
    }

    /// The body as the script gets it, without content codings.
    pub(super) fn decoded(
        &self,
        status: u16,
        head: &Head,
        body: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, error_code::Failure> {
        if !self.request.keep_body || matches!(status, 204 | 304) {
            return Ok(None);
        }
        if self.is_head {
            return Ok(Some(body));
        }
        let Some(codings) = head.get("content-encoding") else { return Ok(Some(body)) };
        match coding::decode(&codings, &body) {
            Ok(decoded) => Ok(Some(decoded.into_owned())),
            Err(DecodeError::Corrupt(why)) => Err(error_code::decompression(&why)),
            Err(DecodeError::Cut) => Err(error_code::UNEXPECTED_EOF),
        }
    }

    /// Whether an answer is what the script expects; `None`: it does not say.
    pub(super) fn expects(&self, status: u16) -> Option<bool> {
        let expected = self.request.expected.as_ref()?;
        // As in k6, the first answer is expected to be a challenge.
        Some(match self.request.digest_auth && self.digest.answers == 0 {
            true => status == 401,
            false => expected.matches(status),
        })
    }
}
