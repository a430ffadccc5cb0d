//! SHA-256, the identity of files.

use crate::tree;
use anyhow::{Result, ensure};
use sha2::{Digest, Sha256};
use std::path::Path;

/// SHA-256 as 64 lower-case hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file.
pub(crate) fn sha256_of(file: &Path) -> Result<String> {
    Ok(sha256(&tree::read(file)?))
}

/// Fails unless `file` has the digest `expected`.
pub(crate) fn check(file: &Path, expected: &str) -> Result<()> {
    let found = sha256_of(file)?;
    ensure!(
        found == expected,
        "`{}` has the SHA-256 {found}, expected {expected}; delete it and try again",
        file.display()
    );
    Ok(())
}
