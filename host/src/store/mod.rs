//! Where profiles lie: one trait, [`ProfileStore`], over an embedded file ([`EmbeddedStore`]) or Redis and Valkey
//! ([`RedisStore`]), chosen by a URL.
//!
//! A store keeps bytes under keys and knows nothing of what they mean. Every change is a compare-and-set: whoever writes
//! says which version it read, and nothing is written over a version that it has not seen. [`update`] repeats reading,
//! computing and writing until that holds, so that hosts that write one profile at once all have their say.

mod backup;
#[cfg(feature = "redb")]
mod embedded;
#[cfg(feature = "redis")]
mod redis;
mod update;
mod workers;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{HostError, HostErrorCode};

pub use backup::{backup, restore};
#[cfg(feature = "redb")]
pub use embedded::EmbeddedStore;
#[cfg(feature = "redis")]
pub use redis::RedisStore;
pub use update::{Updated, update, update_many};
pub use workers::Workers;

/// The layout of keys and values that this host writes and reads.
pub const SCHEMA_VERSION: u64 = 1;

/// What lies under a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Rises with every change; 0 where nothing was ever stored.
    pub version: u64,
    /// The state, as the module wrote it; empty at version 0.
    pub state: Vec<u8>,
}

impl Record {
    /// The state, if there is one.
    pub fn state(&self) -> Option<&[u8]> {
        (self.version > 0).then_some(self.state.as_slice())
    }
}

/// A state to be written in the place of the version that its writer read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key, as opaque bytes.
    pub key: Vec<u8>,
    /// The version that was read; 0 for a key that must not be there yet.
    pub version: u64,
    /// The new state.
    pub state: Vec<u8>,
}

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct StoreStat {
    /// `embedded`, `redis` or `redis cluster`.
    pub kind: &'static str,
    /// Profiles, erased ones included.
    pub profiles: u64,
    /// Bytes of their keys and states.
    pub bytes: u64,
    /// Bytes of the store's file, or of the memory of its servers.
    pub bytes_total: u64,
    /// Sums that were counted, by name.
    pub counters: BTreeMap<String, u64>,
}

/// Is shown a key and its state.
pub type Visitor<'v> = &'v mut dyn FnMut(&[u8], &[u8]) -> Result<(), HostError>;

/// A store of profile states. All calls block; any number of threads may call at once.
///
/// Errors of every function: `store_unavailable` (try again), `store_full` (try again when there is space), `store_invalid`.
/// What was answered with success is durable: for the embedded store, synced to the disk; for Redis, as durable as its
/// settings make it (`appendfsync always` for the same).
pub trait ProfileStore: Send + Sync {
    /// Reads the records of these keys, one for each, in their order.
    ///
    /// # Errors
    /// See the trait.
    fn read(&self, keys: &[&[u8]]) -> Result<Vec<Record>, HostError>;

    /// Writes each change whose version is still the one in the store, and says for each whether it was written. Changes
    /// succeed or fail apart from each other.
    ///
    /// # Errors
    /// See the trait. Some changes may have been written nevertheless.
    fn write(&self, changes: Vec<Change>) -> Result<Vec<bool>, HostError>;

    /// Shows every key with its state, in no promised order. The embedded store shows one moment; Redis shows each profile
    /// whole, but of slightly different moments, and a key that is being written may come twice.
    ///
    /// # Errors
    /// See the trait, and those of `each`, which end the visit.
    fn visit(&self, each: Visitor<'_>) -> Result<(), HostError>;

    /// Keeps a one-time code until it is taken or `expires_ms`; false if there is such a code already.
    ///
    /// # Errors
    /// See the trait.
    fn put_code(&self, code: &[u8], value: &[u8], expires_ms: i64, now_ms: i64) -> Result<bool, HostError>;

    /// Takes a code's value. Of all who ask, one gets it, once.
    ///
    /// # Errors
    /// See the trait. A code whose answer got lost is spent.
    fn take_code(&self, code: &[u8], now_ms: i64) -> Result<Option<Vec<u8>>, HostError>;

    /// Adds to counters. They are written within a second; a crash may lose the newest.
    fn count(&self, counts: &[(&'static str, u64)]);

    /// Writes what was counted.
    ///
    /// # Errors
    /// See the trait.
    fn flush_counts(&self) -> Result<(), HostError>;

    /// What the store holds. Reads all of it.
    ///
    /// # Errors
    /// See the trait.
    fn stat(&self) -> Result<StoreStat, HostError>;

    /// Rewrites the store's files, so that no byte of what was overwritten is left in them.
    ///
    /// # Errors
    /// See the trait.
    fn compact(&self) -> Result<(), HostError>;
}

/// Opens the store that a URL names: `redb:FOLDER` or a plain path for the embedded one; `redis://`,
/// `valkey://` and `redis+unix://` for one server; `redis+cluster://HOST:PORT,HOST:PORT` for a cluster.
///
/// # Errors
/// `invalid_config` for a URL that no store of this build takes; `store_locked`, `store_invalid`,
/// `store_schema_unsupported`, `store_unavailable`.
pub fn open(url: &str) -> Result<Arc<dyn ProfileStore>, HostError> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        #[cfg(feature = "redis")]
        Some("redis" | "valkey" | "redis+unix" | "valkey+unix" | "redis+cluster" | "valkey+cluster") => {
            Ok(Arc::new(RedisStore::open(url)?))
        }
        // An address may hold a password, so no message repeats it.
        Some(scheme) => {
            let text = format!("no store of this build is reached by `{scheme}://`");
            Err(HostError::new(HostErrorCode::InvalidConfig, text))
        }
        None => open_folder(url.strip_prefix("redb:").unwrap_or(url)),
    }
}

#[cfg(feature = "redb")]
fn open_folder(folder: &str) -> Result<Arc<dyn ProfileStore>, HostError> {
    Ok(Arc::new(EmbeddedStore::open(folder)?))
}

#[cfg(not(feature = "redb"))]
fn open_folder(_folder: &str) -> Result<Arc<dyn ProfileStore>, HostError> {
    Err(HostError::new(HostErrorCode::InvalidConfig, "this build has no embedded store"))
}

/// How a version and a state lie together: eight bytes, big-endian, then the state.
#[cfg(any(feature = "redb", feature = "redis"))]
fn join(version: u64, state: &[u8]) -> Vec<u8> {
    [&version.to_be_bytes(), state].concat()
}

#[cfg(any(feature = "redb", feature = "redis"))]
fn split(bytes: &[u8]) -> Result<(u64, &[u8]), HostError> {
    let (version, state) = bytes
        .split_first_chunk()
        .ok_or_else(|| HostError::new(HostErrorCode::StoreInvalid, "a record of the store has no version"))?;
    Ok((u64::from_be_bytes(*version), state))
}
