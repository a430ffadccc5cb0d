//! Retention: what the policy keeps no longer leaves the store, also of customers who never come back.

use super::Profiles;
use super::apply::{Applied, Input};
use crate::error::{HostError, HostErrorCode};
use crate::limits::{UPDATE_LANES, UPDATE_PROFILES_MAX};
use crate::pack;

impl Profiles {
    /// Has the module look at every profile once more, so that it drops what the policy keeps no longer. Returns how many
    /// profiles there are. Old bytes leave the store's files when it is compacted.
    ///
    /// # Errors
    /// Those of the store; and, after all the others were swept, the last of those of [`crate::Host::decide`], or
    /// `store_invalid` where the module refuses profiles, which stay as they are: it says how many and why the last.
    pub fn sweep(&self, now_ms: i64) -> Result<u64, HostError> {
        // The keys first: nothing is written under a reader that stays.
        let (mut keys, mut refused, mut code) = (Vec::new(), 0usize, "invalid_id".to_owned());
        self.store.visit(&mut |key, _| {
            match std::str::from_utf8(key) {
                Ok(key) => keys.push(key.to_owned()),
                Err(_) => refused += 1,
            }
            Ok(())
        })?;
        let all = keys.len() + refused;
        let mut failed = None;
        for part in keys.chunks(UPDATE_PROFILES_MAX * UPDATE_LANES) {
            let inputs: Vec<Input<'_>> =
                part.iter().map(|profile_id| Input { profile_id, values: Vec::new() }).collect();
            for applied in self.apply(now_ms, &inputs)? {
                match applied {
                    Ok(Applied::Done { .. }) => {}
                    Ok(Applied::Refused(error)) => {
                        refused += 1;
                        let error = pack::entries(&error).unwrap_or_default();
                        code = pack::find(&error, "code").and_then(pack::text).unwrap_or_default().to_owned();
                    }
                    Err(e) => failed = Some(e),
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if refused > 0 {
            let text = format!("{refused} of {all} profiles could not be swept, the last for `{code}`");
            return Err(HostError::new(HostErrorCode::StoreInvalid, text));
        }
        Ok(u64::try_from(keys.len()).unwrap_or(u64::MAX))
    }
}
