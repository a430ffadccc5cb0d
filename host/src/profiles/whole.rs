//! A whole profile: given out readable, or erased.

use unisono_message::limits::FUTURE_MS_MAX;

use super::{Profiles, bad_answer, check_id, error_of};
use crate::error::HostError;
use crate::pack::{self, Packer};
use crate::store::{Updated, update_many};

/// What an erasure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The one id.
    Profile,
    /// The id and all that are linked with it now.
    Component,
}

impl Profiles {
    /// All that is stored of a profile, readable, as the module writes it; with a purpose only what that purpose may see.
    ///
    /// # Errors
    /// `profile_unknown`, those of the store and those of [`crate::Host::decide`].
    pub fn export(&self, now_ms: i64, profile_id: &str, purpose: Option<&str>) -> Result<Vec<u8>, HostError> {
        let record = self.record(check_id(profile_id)?)?;
        let state = record.state().ok_or_else(super::unknown_profile)?;
        let mut call = Packer::map(3 + usize::from(purpose.is_some()));
        call.text("profile_id");
        call.text(profile_id);
        call.text("state");
        call.bin(state);
        call.text("now_ms");
        call.int(now_ms);
        if let Some(purpose) = purpose {
            call.text("purpose");
            call.text(purpose);
        }
        self.calls.profile_export(&call.done())
    }

    /// Erases a profile, also one that nothing is stored of yet: a tombstone stays, so that copies that come late do not
    /// bring anything back. Answers `{"profile_ids": [...], "erased_ms"}`. Old bytes leave the store's files when it is
    /// compacted.
    ///
    /// # Errors
    /// Those of the store and those of [`crate::Host::decide`]. Of a component some may have been erased nevertheless: ask
    /// again.
    pub fn erase(&self, now_ms: i64, profile_id: &str, scope: Scope) -> Result<Vec<u8>, HostError> {
        let profile_id = check_id(profile_id)?;
        let ids = match scope {
            Scope::Profile => vec![profile_id.to_owned()],
            // The one that was asked for comes last: were the others left when the power fails, the links to them would
            // still be known.
            Scope::Component => {
                let (_, mut ids) = self.gather(profile_id)?;
                ids.retain(|id| id != profile_id);
                ids.push(profile_id.to_owned());
                ids
            }
        };
        let (last, others) = ids.split_last().ok_or_else(|| bad_answer("profile_component"))?;
        self.erase_each(now_ms, others)?;
        self.erase_each(now_ms, std::slice::from_ref(last))?;
        let mut answer = Packer::map(2);
        answer.text("profile_ids");
        answer.begin_array(ids.len());
        ids.iter().for_each(|id| answer.text(id));
        answer.text("erased_ms");
        answer.int(now_ms);
        Ok(answer.done())
    }

    fn erase_each(&self, now_ms: i64, ids: &[String]) -> Result<(), HostError> {
        let keys: Vec<&[u8]> = ids.iter().map(String::as_bytes).collect();
        let erased = update_many(self.store(), &keys, self.calls.workers(), |_, state| {
            // Whatever a state holds that the module can't read, it must go too: a bare tombstone takes its place.
            let nothing = self.tombstone(now_ms, now_ms, None)?.ok_or_else(|| bad_answer("profile_erase"))?;
            let left = match state {
                Some(state) => self.tombstone(now_ms, now_ms, Some(state))?,
                None => None,
            };
            // A clock that ran ahead has written of times to come, as far as the module takes them: that goes as well.
            let state = match (left, state) {
                (Some(left), Some(state)) if left != nothing => {
                    self.tombstone(now_ms.saturating_add(FUTURE_MS_MAX), now_ms, Some(state))?.unwrap_or(nothing)
                }
                _ => nothing,
            };
            Ok(Updated { state: Some(state), outcome: () })
        })?;
        erased.into_iter().collect()
    }

    /// What is left of a state when all up to a moment is erased; nothing where the module can't read the state.
    fn tombstone(&self, ts_ms: i64, now_ms: i64, state: Option<&[u8]>) -> Result<Option<Vec<u8>>, HostError> {
        let mut call = Packer::map(2 + usize::from(state.is_some()));
        if let Some(state) = state {
            call.text("state");
            call.bin(state);
        }
        for (name, ms) in [("ts_ms", ts_ms), ("now_ms", now_ms)] {
            call.text(name);
            call.int(ms);
        }
        let answer = self.calls.profile_erase(&call.done())?;
        let answer = pack::entries(&answer).map_err(|_| bad_answer("profile_erase"))?;
        if error_of(&answer).is_some() {
            return Ok(None);
        }
        let state = pack::find(&answer, "state").and_then(pack::bin).ok_or_else(|| bad_answer("profile_erase"))?;
        Ok(Some(state.to_vec()))
    }
}
