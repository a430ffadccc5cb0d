//! `profile_apply` between a read and a write of the store.

use super::{Profiles, bad_answer, error_of};
use crate::error::HostError;
use crate::pack::{self, Packer};
use crate::store::{Updated, update_many};

/// What goes to one profile: its id, and what `profile_apply` takes beside it, each value packed.
pub(super) struct Input<'a> {
    pub(super) profile_id: &'a str,
    pub(super) values: Vec<(&'a str, Vec<u8>)>,
}

/// What the module said, value by value; all of it packed.
pub(super) enum Applied {
    Done {
        results: Vec<Vec<u8>>,
        refused: Vec<Vec<u8>>,
        warnings: Vec<Vec<u8>>,
    },
    /// The module refused the whole call; this is its error.
    Refused(Vec<u8>),
}

impl Profiles {
    /// Applies each input to its profile; ids must differ from each other.
    pub(super) fn apply(
        &self,
        now_ms: i64,
        inputs: &[Input<'_>],
    ) -> Result<Vec<Result<Applied, HostError>>, HostError> {
        let keys: Vec<&[u8]> = inputs.iter().map(|input| input.profile_id.as_bytes()).collect();
        update_many(self.store(), &keys, &self.workers, |at, state| {
            let input = inputs.get(at).ok_or_else(|| bad_answer("profile_apply"))?;
            self.apply_one(now_ms, input, state)
        })
    }

    fn apply_one(&self, now_ms: i64, input: &Input<'_>, state: Option<&[u8]>) -> Result<Updated<Applied>, HostError> {
        let mut call = Packer::map(2 + usize::from(state.is_some()) + input.values.len());
        call.text("now_ms");
        call.int(now_ms);
        call.text("profile_id");
        call.text(input.profile_id);
        if let Some(state) = state {
            call.text("state");
            call.bin(state);
        }
        for (name, value) in &input.values {
            call.text(name);
            call.raw(value);
        }
        let answer = {
            let _pass = self.gate.enter();
            self.calls.profile_apply(&call.done())?
        };
        let bad = |_| bad_answer("profile_apply");
        let answer = pack::entries(&answer).map_err(bad)?;
        if let Some(error) = error_of(&answer) {
            return Ok(Updated { state: None, outcome: Applied::Refused(error.to_vec()) });
        }
        let list = |name: &str| -> Result<Vec<Vec<u8>>, HostError> {
            let Some(list) = pack::find(&answer, name) else { return Ok(Vec::new()) };
            Ok(pack::items(list).map_err(bad)?.into_iter().map(<[u8]>::to_vec).collect())
        };
        let (results, refused, warnings) = (list("results")?, list("refused")?, list("warnings")?);
        let state = pack::find(&answer, "state").and_then(pack::bin).ok_or_else(|| bad_answer("profile_apply"))?;
        Ok(Updated { state: Some(state.to_vec()), outcome: Applied::Done { results, refused, warnings } })
    }
}
