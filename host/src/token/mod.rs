//! Portable tokens: signing, checking and encrypting what the module writes and reads. The module never sees a key.
//!
//! A token is base64url text without padding. Signed, it is the module's payload and 64 bytes of Ed25519 over it.
//! Encrypted, it is the MessagePack array `[2, key_id, nonce, ciphertext]`: AES-256-GCM of the signed form, with a nonce of
//! 12 bytes, the key's id as associated data, and its 16 bytes of authentication at the end.
//!
//! ```
//! use unisono_host::token::{Form, TokenKeys};
//!
//! let keys = TokenKeys::from_json(r#"{"sign_with": "k1", "keys": [
//!     {"key_id": "k1", "seed": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}"#)?;
//! # let payload = [&[0x96, 1, 0xa2][..], b"k1", &[0xa4], b"shop", &[0x0a, 0x14, 0xc4, 0]].concat();
//! let text = keys.write(&payload, Form::Signed)?;
//! assert_eq!(keys.read(&text, 15_000, "shop")?, payload);
//! # Ok::<(), unisono_host::HostError>(())
//! ```

mod keys;

pub use keys::TokenKeys;

use aes_gcm::aead::{Aead, Payload};
use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{SIGNATURE_LENGTH, Signature, Signer};
use unisono_message::{Reader, Writer, limits as message_limits};

use crate::error::{HostError, HostErrorCode};
use crate::limits::TOKEN_CHARACTERS_MAX;

/// The version of a payload that only a signature protects.
const SIGNED: i64 = 1;
/// The version of what is encrypted.
const ENCRYPTED: i64 = 2;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// How a token travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Anyone who holds it can read it, nobody can change it.
    Signed,
    /// Only who has the key can read it.
    Encrypted,
}

/// What the host reads of a payload; the rest is the module's.
struct Head<'a> {
    version: i64,
    key_id: &'a str,
    shop: &'a str,
    expires_ms: i64,
}

impl<'a> Head<'a> {
    fn read(payload: &'a [u8]) -> Result<Self, HostError> {
        let mut r = Reader::new(payload);
        r.array();
        let version = r.int();
        let (key_id, shop) = match version {
            SIGNED => (r.id(), r.id()),
            _ => ("", ""),
        };
        let mut time = || if version == SIGNED { r.int_within(0, message_limits::TIME_MS_MAX / 1000) } else { 0 };
        time();
        let head = Head { version, key_id, shop, expires_ms: time().saturating_mul(1000) };
        r.result().map_err(|error| malformed("its payload has no head").with_source(error))?;
        Ok(head)
    }
}

impl TokenKeys {
    /// Bytes of payload that leave a token of `characters` in this form, signed with the current key; none if there is no
    /// room for any. What the module is asked for as `bytes_max`.
    pub fn payload_bytes(&self, characters: usize, form: Form) -> Option<usize> {
        let overhead = match form {
            Form::Signed => 0,
            // Heads of the array, the version, the id, the nonce and the ciphertext.
            Form::Encrypted => 2 + 2 + self.sign_with().len() + 2 + NONCE_BYTES + 3 + TAG_BYTES,
        };
        (characters * 3 / 4).checked_sub(SIGNATURE_LENGTH + overhead).filter(|bytes| *bytes > 0)
    }

    /// The token of a payload that the module wrote for the current key.
    ///
    /// # Errors
    /// `token_key_unknown` where the payload names another key, or the current one can't do what is asked;
    /// `token_malformed` where the bytes are no payload.
    pub fn write(&self, payload: &[u8], form: Form) -> Result<String, HostError> {
        let head = Head::read(payload)?;
        if head.key_id != self.sign_with() {
            return Err(unknown_key(head.key_id, "is not the one that signs now"));
        }
        let key = self.find(head.key_id)?;
        let signing = key.signing().ok_or_else(|| unknown_key(head.key_id, "has no `seed`, so that it can't sign"))?;
        let signed = [payload, &signing.sign(payload).to_bytes()].concat();
        match form {
            Form::Signed => Ok(BASE64URL_NOPAD.encode(&signed)),
            Form::Encrypted => {
                let cipher = key.cipher().ok_or_else(|| unknown_key(head.key_id, "has no `encryption_key`"))?;
                let mut nonce = [0; NONCE_BYTES];
                getrandom::fill(&mut nonce).map_err(|error| HostError::internal("no random bytes", error))?;
                let plain = Payload { msg: &signed, aad: head.key_id.as_bytes() };
                let sealed = cipher.encrypt(&nonce.into(), plain).map_err(|_| malformed("it can't be encrypted"))?;
                let mut w = Writer::new();
                w.array(4);
                w.int(ENCRYPTED);
                w.str(head.key_id);
                w.bin(&nonce);
                w.bin(&sealed);
                Ok(BASE64URL_NOPAD.encode(&w.into_bytes()))
            }
        }
    }

    /// The payload of a token, for the module's `token_apply`: signed by a known key, for this shop, still valid.
    ///
    /// # Errors
    /// `token_malformed`, `token_key_unknown`, `token_forged`, `token_foreign`, `token_expired`. What lies behind a signature
    /// is checked after it, so that a forger learns nothing else.
    pub fn read(&self, text: &str, now_ms: i64, shop: &str) -> Result<Vec<u8>, HostError> {
        if text.len() > TOKEN_CHARACTERS_MAX {
            return Err(malformed(&format!(
                "it has `{}` characters, token_characters_max is {TOKEN_CHARACTERS_MAX}",
                text.len()
            )));
        }
        let bytes = BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|error| malformed("it is no base64url").with_source(error))?;
        let mut signed = match Head::read(&bytes)?.version {
            SIGNED => bytes,
            ENCRYPTED => self.decrypt(&bytes)?,
            version => return Err(malformed(&format!("its version `{version}` is not one that this host knows"))),
        };
        let (payload, signature) =
            signed.split_last_chunk::<SIGNATURE_LENGTH>().ok_or_else(|| malformed("it ends before its signature"))?;
        let head = Head::read(payload)?;
        if head.version != SIGNED {
            return Err(malformed("what is encrypted is no signed token"));
        }
        let verifying = self.find(head.key_id)?.verifying();
        verifying
            .verify_strict(payload, &Signature::from_bytes(signature))
            .map_err(|_| HostError::new(HostErrorCode::TokenForged, "the token's signature does not fit"))?;
        if head.shop != shop {
            let message = format!("the token belongs to the shop `{}`", head.shop);
            return Err(HostError::new(HostErrorCode::TokenForeign, message));
        }
        if head.expires_ms <= now_ms {
            let message = format!("the token expired at `{}`", head.expires_ms);
            return Err(HostError::new(HostErrorCode::TokenExpired, message));
        }
        signed.truncate(payload.len());
        Ok(signed)
    }

    fn decrypt(&self, bytes: &[u8]) -> Result<Vec<u8>, HostError> {
        let mut r = Reader::new(bytes);
        let fields = r.array();
        r.int();
        let (key_id, nonce, sealed) = (r.id(), r.bin(), r.bin());
        r.finish().map_err(|error| malformed("its encrypted form is broken").with_source(error))?;
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).ok().filter(|_| fields == 4);
        let nonce = nonce.ok_or_else(|| malformed("its encrypted form is broken"))?;
        let cipher = self.find(key_id)?.cipher().ok_or_else(|| unknown_key(key_id, "has no `encryption_key`"))?;
        let payload = Payload { msg: sealed, aad: key_id.as_bytes() };
        let opened = cipher.decrypt(&nonce.into(), payload);
        opened.map_err(|_| HostError::new(HostErrorCode::TokenForged, "the token's encryption does not fit"))
    }
}

#[cold]
fn malformed(what: &str) -> HostError {
    HostError::new(HostErrorCode::TokenMalformed, format!("the text is no token: {what}"))
}

#[cold]
fn unknown_key(key_id: &str, why: &str) -> HostError {
    HostError::new(HostErrorCode::TokenKeyUnknown, format!("the key `{key_id}` {why}"))
}

#[cfg(test)]
mod tests;
