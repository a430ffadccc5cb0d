//! A store's profiles in one file, whatever the store: MessagePack values one after the other. First
//! `{"unisono_backup": 1}`, then `[key, state]` for each profile, last `{"profiles", "sha256"}` over all that came before,
//! so that half a backup is not taken for a whole one. One-time codes and counters are not in it.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Change, ProfileStore};
use crate::error::{HostError, HostErrorCode};
use crate::hex::hex;
use crate::limits::STORE_COPY_BYTES;
use crate::pack::Packer;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Head {
    unisono_backup: u32,
}

#[derive(Serialize, Deserialize)]
struct Foot {
    profiles: u64,
    sha256: String,
}

/// Writes all profiles into a file, which has its name when it is whole and on the disk. Returns how many.
///
/// # Errors
/// Those of the store, and `backup_unwritable`.
pub fn backup(store: &dyn ProfileStore, path: &Path) -> Result<u64, HostError> {
    let partial = beside(path);
    let written = write_file(store, &partial);
    if written.is_err() {
        // The failure itself is told; what is left can only be in the way.
        let _ = fs::remove_file(&partial);
    }
    let profiles = written?;
    fs::rename(&partial, path).map_err(|e| unwritable(path, e))?;
    Ok(profiles)
}

fn write_file(store: &dyn ProfileStore, path: &Path) -> Result<u64, HostError> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    // Profiles are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|e| unwritable(path, e))?;
    let mut file = Digesting { inner: BufWriter::new(file), sha256: Sha256::new() };
    let mut profiles = 0;
    let head =
        rmp_serde::to_vec_named(&Head { unisono_backup: VERSION }).map_err(|e| HostError::internal("backup", e))?;
    file.write_all(&head).map_err(|e| unwritable(path, e))?;
    store.visit(&mut |key, state| {
        let mut entry = Packer::array(2);
        entry.bin(key);
        entry.bin(state);
        profiles += 1;
        file.write_all(&entry.done()).map_err(|e| unwritable(path, e))
    })?;
    let foot = Foot { profiles, sha256: hex(&file.sha256.finalize_reset()) };
    let foot = rmp_serde::to_vec_named(&foot).map_err(|e| HostError::internal("backup", e))?;
    let written = file.inner.write_all(&foot).and_then(|()| file.inner.flush());
    written.and_then(|()| file.inner.get_ref().sync_all()).map_err(|e| unwritable(path, e))?;
    Ok(profiles)
}

/// Puts the profiles of a backup into an empty store. The file is checked whole before the first is written. Returns how
/// many.
///
/// # Errors
/// Those of the store, `backup_unreadable`, `backup_invalid` and `store_not_empty`.
pub fn restore(store: &dyn ProfileStore, path: &Path) -> Result<u64, HostError> {
    let mut any = false;
    // Stopped at the first: a store may be large.
    let stop = || HostError::new(HostErrorCode::StoreNotEmpty, "the store holds profiles already");
    let visited = store.visit(&mut |_, _| {
        any = true;
        Err(stop())
    });
    if any {
        return Err(stop());
    }
    visited?;
    read_file(path, &mut |_, _| Ok(()))?;
    let mut changes = Vec::new();
    let mut bytes = 0;
    let profiles = read_file(path, &mut |key, state| {
        bytes += key.len() + state.len();
        changes.push(Change { key, version: 0, state });
        if bytes < STORE_COPY_BYTES {
            return Ok(());
        }
        bytes = 0;
        write_all(store, std::mem::take(&mut changes))
    })?;
    write_all(store, changes)?;
    Ok(profiles)
}

fn write_all(store: &dyn ProfileStore, changes: Vec<Change>) -> Result<(), HostError> {
    if store.write(changes)?.contains(&false) {
        let text = "another writer was there while the backup was restored, or the backup names a profile twice";
        return Err(HostError::new(HostErrorCode::StoreConflict, text));
    }
    Ok(())
}

/// A value of the file: an entry, or the last map.
#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Foot(Foot),
    Entry(Bytes, Bytes),
    #[allow(dead_code)]
    Other(IgnoredAny),
}

/// Bytes as MessagePack has them.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}

fn read_file(path: &Path, each: &mut dyn FnMut(Vec<u8>, Vec<u8>) -> Result<(), HostError>) -> Result<u64, HostError> {
    let file = File::open(path).map_err(|e| {
        let text = format!("the backup `{}` can't be read: {e}", path.display());
        HostError::new(HostErrorCode::BackupUnreadable, text).with_source(e)
    })?;
    let invalid =
        |what: &str| HostError::new(HostErrorCode::BackupInvalid, format!("the backup `{}` {what}", path.display()));
    let mut file = Digesting { inner: BufReader::new(file), sha256: Sha256::new() };
    let head: Head = rmp_serde::from_read(&mut file).map_err(|e| invalid("does not begin as one").with_source(e))?;
    if head.unisono_backup != VERSION {
        return Err(invalid(&format!("has version {}, this host reads version {VERSION}", head.unisono_backup)));
    }
    let mut profiles = 0;
    loop {
        let so_far = file.sha256.clone();
        let part: Part =
            rmp_serde::from_read(&mut file).map_err(|e| invalid("ends early or is damaged").with_source(e))?;
        match part {
            Part::Entry(key, state) => {
                profiles += 1;
                each(key.0, state.0)?;
            }
            Part::Foot(foot) if foot.profiles == profiles && foot.sha256 == hex(&so_far.finalize()) => {
                return Ok(profiles);
            }
            Part::Foot(_) | Part::Other(_) => return Err(invalid("is damaged: its digest is another")),
        }
    }
}

/// Takes the digest of what passes.
struct Digesting<T> {
    inner: T,
    sha256: Sha256,
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sha256.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.sha256.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".partial");
    name.into()
}

fn unwritable(path: &Path, error: std::io::Error) -> HostError {
    let text = format!("the backup `{}` can't be written: {error}", path.display());
    HostError::new(HostErrorCode::BackupUnwritable, text).with_source(error)
}
