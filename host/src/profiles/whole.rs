//! A whole profile: given out readable, or erased.

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
    /// bring anything back. Answers `{"profile_ids": [...], "erased_ms"}`: the latest moment up to which something was
    /// erased, later than now where a clock that ran ahead had written. Old bytes leave the store's files when it is
    /// compacted.
    ///
    /// # Errors
    /// Those of the store and those of [`crate::Host::decide`]. Of a component some may have been erased nevertheless: ask
    /// again.
    pub fn erase(&self, now_ms: i64, profile_id: &str, scope: Scope) -> Result<Vec<u8>, HostError> {
        let profile_id = check_id(profile_id)?;
        let ids = match scope {
            Scope::Profile => vec![profile_id.to_owned()],
            Scope::Component => self.all_linked(profile_id)?,
        };
        // The farthest first and one by one: were the others left when the power fails, the links to them would still be
        // known.
        let mut erased_ms = now_ms;
        for id in ids.iter().rev() {
            erased_ms = erased_ms.max(self.erase_one(now_ms, id)?);
        }
        let mut answer = Packer::map(2);
        answer.text("profile_ids");
        answer.begin_array(ids.len());
        ids.iter().for_each(|id| answer.text(id));
        answer.text("erased_ms");
        answer.int(erased_ms);
        Ok(answer.done())
    }

    /// Every profile that is linked with this one, however many there are, itself first and the nearer before the farther: a
    /// decision reads sixteen of them, an erasure means all.
    fn all_linked(&self, profile_id: &str) -> Result<Vec<String>, HostError> {
        let mut ids = vec![profile_id.to_owned()];
        let mut at = 0;
        while let Some(id) = ids.get(at).cloned() {
            at += 1;
            let (gathered, component) = self.gather(&id)?;
            // Gathered ring by ring.
            let near_first = gathered.into_iter().map(|(id, _)| id).filter(|id| component.profile_ids.contains(id));
            let new: Vec<String> = near_first.filter(|id| !ids.contains(id)).collect();
            ids.extend(new);
        }
        Ok(ids)
    }

    /// Erases one, and tells up to when.
    fn erase_one(&self, now_ms: i64, id: &str) -> Result<i64, HostError> {
        let erased = update_many(self.store(), &[id.as_bytes()], &self.workers, |_, state| {
            let left = match state {
                Some(state) => self.erased(now_ms, Some(state))?,
                None => None,
            };
            // Whatever a state holds that the module can't read, it must go too: a bare tombstone takes its place.
            let state = match left {
                Some(left) => left,
                None => self.erased(now_ms, None)?.ok_or_else(|| bad_answer("profile_erase"))?,
            };
            let erased_ms = self.tombstone(now_ms, &state)?;
            Ok(Updated { state: Some(state), outcome: erased_ms })
        })?;
        erased.into_iter().try_fold(now_ms, |latest, erased_ms| Ok(latest.max(erased_ms?)))
    }

    /// The moment of a state's tombstone, as the module reads it.
    fn tombstone(&self, now_ms: i64, state: &[u8]) -> Result<i64, HostError> {
        let mut call = Packer::map(2);
        call.text("state");
        call.bin(state);
        call.text("now_ms");
        call.int(now_ms);
        let answer = self.calls.profile_export(&call.done())?;
        let answer = pack::entries(&answer).map_err(|_| bad_answer("profile_export"))?;
        pack::find(&answer, "erased_ms").and_then(pack::int).ok_or_else(|| bad_answer("profile_export"))
    }

    /// What is left of a state when all of it is erased, also what a clock that ran ahead has written; nothing where the
    /// module can't read the state.
    fn erased(&self, now_ms: i64, state: Option<&[u8]>) -> Result<Option<Vec<u8>>, HostError> {
        let mut call = Packer::map(1 + usize::from(state.is_some()));
        if let Some(state) = state {
            call.text("state");
            call.bin(state);
        }
        call.text("now_ms");
        call.int(now_ms);
        let answer = self.calls.profile_erase(&call.done())?;
        let answer = pack::entries(&answer).map_err(|_| bad_answer("profile_erase"))?;
        if error_of(&answer).is_some() {
            return Ok(None);
        }
        let state = pack::find(&answer, "state").and_then(pack::bin).ok_or_else(|| bad_answer("profile_erase"))?;
        Ok(Some(state.to_vec()))
    }
}
