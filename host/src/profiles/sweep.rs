//! Retention: what the policy keeps no longer leaves the store, also of customers who never come back.

use super::Profiles;
use super::apply::Input;
use crate::error::HostError;
use crate::limits::{UPDATE_LANES, UPDATE_PROFILES_MAX};

impl Profiles {
    /// Has the module look at every profile once more, so that it drops what the policy keeps no longer. Returns how many
    /// profiles there are. Old bytes leave the store's files when it is compacted.
    ///
    /// # Errors
    /// Those of the store, and the last of those of [`crate::Host::decide`], after all the others were swept. A profile that the
    /// module refuses stays as it is.
    pub fn sweep(&self, now_ms: i64) -> Result<u64, HostError> {
        // The keys first: nothing is written under a reader that stays.
        let mut keys = Vec::new();
        self.store.visit(&mut |key, _| {
            keys.extend(std::str::from_utf8(key).map(str::to_owned));
            Ok(())
        })?;
        let mut failed = None;
        for part in keys.chunks(UPDATE_PROFILES_MAX * UPDATE_LANES) {
            let inputs: Vec<Input<'_>> =
                part.iter().map(|profile_id| Input { profile_id, values: Vec::new() }).collect();
            for applied in self.apply(now_ms, &inputs)? {
                failed = applied.err().or(failed);
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(u64::try_from(keys.len()).unwrap_or(u64::MAX))
    }
}
