//! The profiles that belong together, gathered from the store: the module says whose states it still needs.

use unisono_message::limits::COMPONENT_STATES_MAX;

use super::{Profiles, bad_answer, check_id, error_of, invalid};
use crate::error::HostError;
use crate::host::Decision;
use crate::pack::{self, Packer};
use crate::store::Record;

/// A profile and what is stored of it.
type Stored = (String, Record);

/// What the module says of the profiles that belong together.
pub(super) struct Component {
    /// Their ids.
    pub(super) profile_ids: Vec<String>,
    /// What experiments assign: one id, the same for all of them.
    unit_id: String,
    /// Those whose states it still needs.
    needs: Vec<String>,
}

impl Profiles {
    /// Decides a request. One that has a `profile_id` beside its other fields is decided on the stored profile of that id and
    /// those linked with it, and is refused where it has a `profile` too; any other goes to the module as it is.
    ///
    /// # Errors
    /// `invalid_request`, those of the store and those of [`crate::Host::decide`].
    pub fn decide(&self, request: &[u8]) -> Result<Decision, HostError> {
        let request = self.named(request)?;
        match self.completed(&request)? {
            Some(completed) => self.calls.decide_with_ids(&completed),
            None => self.calls.decide_with_ids(&request),
        }
    }

    /// The request with its profile, if it is one that asks for that.
    fn completed(&self, request: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        // What is no map the module refuses in its own words.
        let Ok(entries) = pack::entries(request) else { return Ok(None) };
        if ["profile_id", "profile"].iter().all(|key| pack::find(&entries, key).is_some()) {
            // The module would pass over the id, and with it what is stored of the customer's consents.
            return Err(invalid("a `profile_id` stands in the place of a `profile`, not beside one", "profile_id"));
        }
        let Some(profile_id) = pack::find(&entries, "profile_id") else { return Ok(None) };
        let profile_id = pack::text(profile_id).ok_or_else(|| invalid("`profile_id` is no text", "profile_id"))?;
        let profile_id = check_id(profile_id)?;
        // All that was gathered: the module itself tells which of them belong, and that none is missing.
        let (gathered, _) = self.gather(profile_id)?;
        let others: Vec<&Stored> = gathered.iter().filter(|(id, _)| id != profile_id).collect();
        let state = gathered.iter().find(|(id, _)| id == profile_id).and_then(|(_, record)| record.state());
        let kept: Vec<_> = entries.iter().filter(|(key, _)| !matches!(*key, "profile_id" | "profile")).collect();
        let mut completed = Packer::map(kept.len() + 1);
        for (key, value) in kept {
            completed.text(key);
            completed.raw(value);
        }
        completed.text("profile");
        completed.begin_map(1 + usize::from(state.is_some()) + usize::from(!others.is_empty()));
        completed.text("profile_id");
        completed.text(profile_id);
        if let Some(state) = state {
            completed.text("state");
            completed.bin(state);
        }
        if !others.is_empty() {
            completed.text("linked");
            completed.begin_array(others.len());
            for (id, record) in others {
                write_profile(&mut completed, id, record);
            }
        }
        Ok(Some(completed.done()))
    }

    /// The profiles that belong to one customer, as the module says of what is stored: `{"profile_ids", "unit_id"}`, of which
    /// `unit_id` is what experiments assign, the same whichever of them is asked for.
    ///
    /// # Errors
    /// Those of the store and those of [`crate::Host::decide`].
    pub fn component_of(&self, profile_id: &str) -> Result<Vec<u8>, HostError> {
        let (_, component) = self.gather(check_id(profile_id)?)?;
        let mut answer = Packer::map(2);
        answer.text("profile_ids");
        answer.begin_array(component.profile_ids.len());
        component.profile_ids.iter().for_each(|id| answer.text(id));
        answer.text("unit_id");
        answer.text(&component.unit_id);
        Ok(answer.done())
    }

    /// The stored profiles that the module needs to see what is linked with this one, itself first, and what it then says
    /// of those that belong together.
    pub(super) fn gather(&self, profile_id: &str) -> Result<(Vec<Stored>, Component), HostError> {
        let mut gathered = vec![(profile_id.to_owned(), self.record(profile_id)?)];
        loop {
            let mut component = self.component(profile_id, &gathered)?;
            let mut needs = std::mem::take(&mut component.needs);
            needs.retain(|id| !gathered.iter().any(|(known, _)| known == id));
            // Where the module may be given no more it has seen enough: it bounds a component at far fewer.
            needs.truncate(COMPONENT_STATES_MAX.saturating_sub(gathered.len()));
            if needs.is_empty() {
                return Ok((gathered, component));
            }
            let keys: Vec<&[u8]> = needs.iter().map(String::as_bytes).collect();
            let records = self.store.read(&keys)?;
            gathered.extend(needs.into_iter().zip(records));
        }
    }

    /// Which of these belong together, and whose states the module still needs.
    pub(super) fn component(&self, profile_id: &str, gathered: &[Stored]) -> Result<Component, HostError> {
        let mut call = Packer::map(2);
        call.text("profile_id");
        call.text(profile_id);
        call.text("profiles");
        call.begin_array(gathered.len());
        for (id, record) in gathered {
            write_profile(&mut call, id, record);
        }
        let answer = self.calls.profile_component(&call.done())?;
        let bad = || bad_answer("profile_component");
        let answer = pack::entries(&answer).map_err(|_| bad())?;
        if let Some(error) = error_of(&answer) {
            let error = pack::entries(error).map_err(|_| bad())?;
            let word = |key: &str| pack::find(&error, key).and_then(pack::text).unwrap_or_default().to_owned();
            let text = format!("the module refuses the stored profile: `{}`, {}", word("code"), word("message"));
            let refusal = HostError::new(crate::HostErrorCode::StoreInvalid, text);
            return Err(refusal.with_module_error(word("code"), word("field")));
        }
        let ids = |key: &str| -> Result<Vec<String>, HostError> {
            let list = pack::find(&answer, key).ok_or_else(bad)?;
            let ids = pack::items(list).map_err(|_| bad())?;
            ids.into_iter().map(|id| pack::text(id).map(str::to_owned).ok_or_else(bad)).collect()
        };
        let unit_id = pack::find(&answer, "unit_id").and_then(pack::text).ok_or_else(bad)?.to_owned();
        Ok(Component { profile_ids: ids("profile_ids")?, unit_id, needs: ids("needs")? })
    }
}

/// Whether a request wants to be decided on a stored profile, which a host without a store can't.
pub(crate) fn asks_for_stored(request: &[u8]) -> bool {
    pack::entries(request).is_ok_and(|entries| {
        let has = |key: &str| pack::find(&entries, key).is_some();
        !has("profile") && (has("profile_id") || has("identity"))
    })
}

/// A profile that nothing is stored of has no bytes.
fn write_profile(packer: &mut Packer, profile_id: &str, record: &Record) {
    packer.begin_map(2);
    packer.text("profile_id");
    packer.text(profile_id);
    packer.text("state");
    packer.bin(record.state().unwrap_or_default());
}
