//! Keys: who may ask for what. The file holds digests of secrets, never the secrets.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use headers::HeaderMapExt;
use headers::authorization::{Authorization, Bearer};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use unisono_message::limits::ID_BYTES_MAX;

use super::reply::{self, Format};
use crate::error::{HostError, HostErrorCode};
use crate::hex::is_sha256_hex;
use crate::limits::KEYS_BYTES_MAX;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Send events, consents and traits.
    Events,
    /// Read, link and erase profiles.
    Profiles,
    /// Ask for recommendations.
    Decide,
    /// All of these.
    Admin,
}

/// The keys that a host knows.
///
/// ```toml
/// [[keys]]
/// id = "shop"
/// # printf %s "$SECRET" | sha256sum
/// sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
/// roles = ["events", "decide"]
/// ```
#[derive(Clone)]
pub struct Keys(Arc<[Key]>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: String,
    sha256: String,
    roles: Vec<Role>,
}

impl Keys {
    /// Reads a file of keys.
    ///
    /// # Errors
    /// `keys_unreadable`, `keys_invalid`.
    pub fn read(path: &Path) -> Result<Self, HostError> {
        let mut text = String::new();
        let most = u64::try_from(KEYS_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        let read = File::open(path).and_then(|file| file.take(most).read_to_string(&mut text));
        read.map_err(|e| {
            let why = format!("the file of keys `{}` can't be read: {e}", path.display());
            HostError::new(HostErrorCode::KeysUnreadable, why).with_source(e)
        })?;
        Keys::parse(&text)
    }

    /// Reads keys as a file holds them.
    ///
    /// # Errors
    /// `keys_invalid`.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let invalid = |why: String| HostError::new(HostErrorCode::KeysInvalid, why);
        if text.len() > KEYS_BYTES_MAX {
            return Err(invalid(format!("the file of keys has more than {KEYS_BYTES_MAX} bytes")));
        }
        let file: KeyFile = toml::from_str(text).map_err(|e| {
            // Only what is wrong and where: the line itself may hold a secret that somebody took for its digest.
            let line = e.span().map_or(0, |span| text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1);
            invalid(format!("the file of keys is unfit at line {line}: {}", e.message()))
        })?;
        if file.keys.is_empty() {
            return Err(invalid("the file of keys holds none".to_owned()));
        }
        for (place, key) in file.keys.iter().enumerate() {
            if key.id.is_empty() || key.id.len() > ID_BYTES_MAX {
                return Err(invalid(format!("key {} has an `id` of {} bytes", place + 1, key.id.len())));
            }
            if !is_sha256_hex(&key.sha256) {
                return Err(invalid(format!(
                    "the `sha256` of key `{}` is not 64 lower-case hexadecimal digits",
                    key.id
                )));
            }
            if file.keys.iter().take(place).any(|other| other.id == key.id) {
                return Err(invalid(format!("the key `{}` stands twice", key.id)));
            }
        }
        Ok(Keys(file.keys.into()))
    }

    /// Whether a request with these headers may do what the role is for.
    fn check(&self, headers: &HeaderMap, role: Role) -> Result<(), HostError> {
        let bearer = headers.typed_get::<Authorization<Bearer>>();
        let secret = bearer.as_ref().map_or("", Authorization::token);
        let digest = crate::hex::hex(&Sha256::digest(secret.as_bytes()));
        // Every key is compared, in a time that tells nothing of any.
        let mut found = None;
        for key in self.0.iter() {
            if bool::from(digest.as_bytes().ct_eq(key.sha256.as_bytes())) {
                found = Some(key);
            }
        }
        let Some(key) = found.filter(|_| bearer.is_some()) else {
            return Err(HostError::new(HostErrorCode::Unauthorized, "the request's key is missing or unknown"));
        };
        if key.roles.iter().any(|own| *own == role || *own == Role::Admin) {
            return Ok(());
        }
        let text = format!("the key `{}` has not the role `{}`", key.id, role.as_str());
        Err(HostError::new(HostErrorCode::Forbidden, text))
    }
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Role::Events => "events",
            Role::Profiles => "profiles",
            Role::Decide => "decide",
            Role::Admin => "admin",
        }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

/// Lets only those pass who may; everyone, where the host has no keys and so listens on loopback only.
pub(super) async fn guard(State((keys, role)): State<(Option<Keys>, Role)>, request: Request, next: Next) -> Response {
    match keys.map_or(Ok(()), |keys| keys.check(request.headers(), role)) {
        Ok(()) => next.run(request).await,
        Err(e) => {
            let mut response = reply::of_error(Format::Json, None, &e);
            if e.kind() == HostErrorCode::Unauthorized {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}
