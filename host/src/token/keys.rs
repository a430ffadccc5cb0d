//! The keys of tokens: one signs, all check, so that keys are changed without a break.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use aes_gcm::{Aes256Gcm, KeyInit};
use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::Deserialize;

use super::unknown_key;
use crate::error::{HostError, HostErrorCode};
use crate::limits::KEYS_BYTES_MAX;

/// The keys of a shop's tokens. Nothing of a secret one is ever printed.
pub struct TokenKeys {
    sign_with: String,
    keys: Vec<TokenKey>,
}

/// One key.
pub(super) struct TokenKey {
    key_id: String,
    verifying: VerifyingKey,
    signing: Option<SigningKey>,
    cipher: Option<Aes256Gcm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysFile {
    sign_with: String,
    keys: Vec<KeyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    key_id: String,
    public_key: Option<String>,
    seed: Option<String>,
    encryption_key: Option<String>,
}

impl TokenKeys {
    /// Reads a keys file, as [`TokenKeys::from_json`] reads its text.
    ///
    /// # Errors
    /// `keys_unreadable`, `token_keys_invalid`.
    pub fn from_file(path: &Path) -> Result<Self, HostError> {
        let mut text = String::new();
        let most = u64::try_from(KEYS_BYTES_MAX).unwrap_or(u64::MAX);
        let read = File::open(path).and_then(|file| file.take(most).read_to_string(&mut text));
        read.map_err(|e| {
            let why = format!("the file of keys `{}` can't be read: {e}", path.display());
            HostError::new(HostErrorCode::KeysUnreadable, why).with_source(e)
        })?;
        TokenKeys::from_json(&text)
    }

    /// Reads the text of a keys file:
    ///
    /// ```json
    /// {"sign_with": "k2", "keys": [
    ///   {"key_id": "k2", "seed": "<32 bytes>", "encryption_key": "<32 bytes>"},
    ///   {"key_id": "k1", "public_key": "<32 bytes>"}]}
    /// ```
    ///
    /// Bytes are base64url without padding. A key has a `seed` (it signs) or only its `public_key` (it checks); with both,
    /// they must belong together. `encryption_key` is needed for encrypted tokens alone.
    ///
    /// # Errors
    /// `token_keys_invalid`, which names the key and never repeats what a secret field holds.
    pub fn from_json(text: &str) -> Result<Self, HostError> {
        let file: KeysFile = serde_json::from_str(text).map_err(|error| {
            // A message of the parser may quote the text.
            invalid(&format!("no such JSON at line {}, column {}", error.line(), error.column()))
        })?;
        let mut keys: Vec<TokenKey> = Vec::new();
        for entry in &file.keys {
            if keys.iter().any(|key| key.key_id == entry.key_id) {
                return Err(invalid(&format!("the key `{}` stands twice", entry.key_id)));
            }
            keys.push(TokenKey::new(entry)?);
        }
        let keys = TokenKeys { sign_with: file.sign_with, keys };
        keys.find(&keys.sign_with).map_err(|_| invalid(&format!("`sign_with` names no key: `{}`", keys.sign_with)))?;
        Ok(keys)
    }

    /// The id of the key that signs.
    pub fn sign_with(&self) -> &str {
        &self.sign_with
    }

    pub(super) fn find(&self, key_id: &str) -> Result<&TokenKey, HostError> {
        let found = self.keys.iter().find(|key| key.key_id == key_id);
        found.ok_or_else(|| unknown_key(key_id, "is not one of this host's"))
    }
}

impl TokenKey {
    fn new(entry: &KeyEntry) -> Result<Self, HostError> {
        let wrong = |what: &str| invalid(&format!("of the key `{}`, {what}", entry.key_id));
        if entry.key_id.is_empty() || entry.key_id.len() > unisono_message::limits::ID_BYTES_MAX {
            return Err(wrong("the id has not 1 to 128 bytes"));
        }
        let bytes = |name: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => match BASE64URL_NOPAD.decode(text.as_bytes()).map(<[u8; 32]>::try_from) {
                Ok(Ok(bytes)) => Ok(Some(bytes)),
                _ => Err(wrong(&format!("`{name}` is not 32 bytes as base64url without padding"))),
            },
        };
        let signing = bytes("seed", &entry.seed)?.map(|seed| SigningKey::from_bytes(&seed));
        let public = bytes("public_key", &entry.public_key)?;
        let own = signing.as_ref().map(SigningKey::verifying_key);
        let verifying = match public {
            Some(public) => VerifyingKey::from_bytes(&public).map_err(|_| wrong("`public_key` is no Ed25519 key"))?,
            None => own.ok_or_else(|| wrong("both `seed` and `public_key` are absent"))?,
        };
        if own.is_some_and(|own| own != verifying) {
            return Err(wrong("`public_key` is not that of `seed`"));
        }
        let cipher = bytes("encryption_key", &entry.encryption_key)?.map(|key| Aes256Gcm::new(&key.into()));
        Ok(TokenKey { key_id: entry.key_id.clone(), verifying, signing, cipher })
    }

    pub(super) fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    pub(super) fn signing(&self) -> Option<&SigningKey> {
        self.signing.as_ref()
    }

    pub(super) fn cipher(&self) -> Option<&Aes256Gcm> {
        self.cipher.as_ref()
    }
}

#[cold]
fn invalid(what: &str) -> HostError {
    HostError::new(HostErrorCode::TokenKeysInvalid, format!("the token keys can't be used: {what}"))
}
