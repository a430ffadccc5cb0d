//! SHA-256 over parts.

use sha2::{Digest, Sha256};

/// SHA-256 of the parts one after another.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
