//! Identity keys: what a shop knows a customer by (e-mail, phone, customer number, CPF) becomes an id that names nobody. A
//! key is brought into one form, checked, and hashed with the host's own key, before it is stored or logged anywhere.
//!
//! ```
//! use unisono_host::identity::{IdentityKind, IdentityHasher};
//!
//! let hasher = IdentityHasher::new(b"at least thirty-two random bytes!")?;
//! let id = hasher.id(IdentityKind::Email, " Ana.Souza@Example.com", None)?;
//! assert_eq!(id, hasher.id(IdentityKind::Email, "ana.souza@example.com", None)?);
//! assert!(id.starts_with("em_") && id.len() == 27);
//! # Ok::<(), unisono_host::HostError>(())
//! ```
//!
//! [`Profiles::identities`](crate::profiles::Profiles::identities) has the host do it for whoever calls.
//!
//! Who holds the key can try all phone numbers; who doesn't can't. Keep it apart from the store, and don't change it: ids
//! under another key are other ids.

mod normal;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::{HostError, HostErrorCode};
use crate::limits::{IDENTITY_INPUT_BYTES_MAX, IDENTITY_KEY_BYTES_MIN, KEYS_BYTES_MAX};

/// What a customer is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityKind {
    /// An e-mail address in ASCII. Case counts for nothing, everything else for itself: `a+b@x.org` is not `a@x.org`.
    Email,
    /// A phone number: `+` and the country's code, or, with the feature `phone`, as dialled within a region.
    Phone,
    /// The shop's own number of a customer: letters and digits; case, spaces, hyphens, dots and slashes count for nothing.
    CustomerNumber,
    /// A Brazilian taxpayer's number, with its check digits.
    Cpf,
}

impl IdentityKind {
    /// Every kind.
    pub const ALL: &'static [IdentityKind] =
        &[IdentityKind::Email, IdentityKind::Phone, IdentityKind::CustomerNumber, IdentityKind::Cpf];

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            IdentityKind::Email => "email",
            IdentityKind::Phone => "phone",
            IdentityKind::CustomerNumber => "customer_number",
            IdentityKind::Cpf => "cpf",
        }
    }

    /// What ids of this kind begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            IdentityKind::Email => "em_",
            IdentityKind::Phone => "ph_",
            IdentityKind::CustomerNumber => "cu_",
            IdentityKind::Cpf => "cp_",
        }
    }
}

/// Bytes of the hash that an id shows: 144 bits.
const ID_HASH_BYTES: usize = 18;

/// Makes ids of identity keys, with the host's secret.
pub struct IdentityHasher {
    mac: Hmac<Sha256>,
    region: Option<String>,
}

impl IdentityHasher {
    /// A hasher with the host's key: at least 32 random bytes.
    ///
    /// # Errors
    /// `invalid_config` where the key is shorter.
    pub fn new(key: &[u8]) -> Result<Self, HostError> {
        let mac = Hmac::new_from_slice(key).ok().filter(|_| key.len() >= IDENTITY_KEY_BYTES_MIN);
        let too_short = || {
            let message = format!("the key of identities has fewer than {IDENTITY_KEY_BYTES_MIN} bytes");
            HostError::new(HostErrorCode::InvalidConfig, message)
        };
        mac.map(|mac| IdentityHasher { mac, region: None }).ok_or_else(too_short)
    }

    /// A hasher with the bytes of a file, as they are, a line's end included.
    ///
    /// # Errors
    /// `keys_unreadable`, and `invalid_config` where the file has fewer than 32 bytes or more than a mebibyte.
    pub fn from_file(path: &Path) -> Result<Self, HostError> {
        let mut key = Vec::new();
        let most = u64::try_from(KEYS_BYTES_MAX).unwrap_or(u64::MAX);
        let read = File::open(path).and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut key));
        read.map_err(|e| {
            let why = format!("the key of identities `{}` can't be read: {e}", path.display());
            HostError::new(HostErrorCode::KeysUnreadable, why).with_source(e)
        })?;
        if key.len() > KEYS_BYTES_MAX {
            let why = format!("the key of identities has more than {KEYS_BYTES_MAX} bytes");
            return Err(HostError::new(HostErrorCode::InvalidConfig, why));
        }
        IdentityHasher::new(&key)
    }

    /// The same with a region, an ISO 3166 code as `BR`, for phone numbers that come with none.
    ///
    /// # Errors
    /// `invalid_config` where no such region is known, as without the feature `phone` none is.
    pub fn region(mut self, region: &str) -> Result<Self, HostError> {
        normal::check_region(region).map_err(|why| HostError::new(HostErrorCode::InvalidConfig, why))?;
        self.region = Some(region.to_owned());
        Ok(self)
    }

    /// The id of an identity key: the kind's prefix and 24 letters, of HMAC-SHA-256 over the kind's word, a zero byte and the
    /// key's one form. `region` is the ISO 3166 code of the country that a phone number without `+` belongs to, if it is not
    /// [the hasher's own](IdentityHasher::region).
    ///
    /// # Errors
    /// `identity_key_invalid`, which says what is wrong and never repeats the key.
    pub fn id(&self, kind: IdentityKind, key: &str, region: Option<&str>) -> Result<String, HostError> {
        let normal = normal_form(kind, key, region.or(self.region.as_deref()))?;
        let mac = self.mac.clone().chain_update(kind.as_str()).chain_update([0]).chain_update(&normal);
        let hash = mac.finalize().into_bytes();
        Ok(format!("{}{}", kind.prefix(), BASE64URL_NOPAD.encode(hash.get(..ID_HASH_BYTES).unwrap_or_default())))
    }
}

/// Whether phone numbers without `+` can be read as dialled in this region.
pub(crate) fn check_region(region: &str) -> Result<(), HostError> {
    normal::check_region(region).map_err(|why| HostError::new(HostErrorCode::IdentityKeyInvalid, why))
}

impl std::fmt::Debug for IdentityHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityHasher(..)")
    }
}

fn normal_form(kind: IdentityKind, key: &str, region: Option<&str>) -> Result<String, HostError> {
    let key = key.trim();
    let normal = match kind {
        _ if key.len() > IDENTITY_INPUT_BYTES_MAX => Err("it is longer than identity_input_bytes_max"),
        IdentityKind::Email => normal::email(key),
        IdentityKind::Phone => normal::phone(key, region),
        IdentityKind::CustomerNumber => normal::customer_number(key),
        IdentityKind::Cpf => normal::cpf(key),
    };
    normal.map_err(|why| {
        let message = format!("the identity key of the kind `{}` is not valid: {why}", kind.as_str());
        HostError::new(HostErrorCode::IdentityKeyInvalid, message)
    })
}

#[cfg(test)]
mod tests;
