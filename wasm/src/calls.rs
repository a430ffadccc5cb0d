//! The calls behind the exports, over slices: natively testable, without a pointer in sight.

use crate::abi::{Buffer, LoadedModel, Single};
use crate::handles::Table;
use alloc::boxed::Box;
use alloc::vec::Vec;
use unisono_core::Policy;
use unisono_message::text;
use unisono_message::{Error, ErrorCode, Writer, error_response, hex, limits};

/// What a handle names.
enum Held {
    Model(Box<LoadedModel>),
    Policy(Box<Policy>),
}

static HELD: Single<Table<Held>> = Single::new(Table::new(limits::HANDLES_MAX));

/// The handle of the default policy, which needs no loading: no object ever has it.
const DEFAULT_POLICY: u32 = 0;

/// Loads a model from `file`, which it keeps until the handle is dropped; nothing of the file is copied.
///
/// Gives `{"handle": u32, "model_id": "<64 hex digits>"}`, or `{"error": ..}` after which `file` is freed.
///
/// # Errors
/// In-band: `handles_exhausted` beyond [`limits::HANDLES_MAX`] models, and every `model_*` code of core.
pub fn load(file: Buffer) -> Vec<u8> {
    match try_load(file) {
        Ok((handle, model_id)) => loaded(handle, "model_id", &model_id),
        Err(error) => error_response(None, &error),
    }
}

fn loaded(handle: u32, name: &str, id: &[u8; 32]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.map(2);
    writer.str("handle");
    writer.int(handle.into());
    writer.str(name);
    writer.str(&hex(id));
    writer.into_bytes()
}

fn try_load(file: Buffer) -> Result<(u32, [u8; 32]), Error> {
    // Asked first: a model that no handle is left for is not worth hashing.
    if !HELD.with(|held| held.has_room()) {
        return Err(exhausted());
    }
    let loaded = Box::new(LoadedModel::load(file)?);
    let model_id = loaded.model().model_id;
    let handle = insert(Held::Model(loaded))?;
    Ok((handle, model_id))
}

fn insert(object: Held) -> Result<u32, Error> {
    HELD.with(|held| held.insert(object)).map_err(|_| exhausted())
}

/// Loads a policy; gives `{"handle": u32, "policy_id": "<64 hex digits>"}`, or `{"error": ..}`.
///
/// # Errors
/// In-band: `policy_invalid`, `handles_exhausted`, and the decoding errors.
pub fn load_policy(bytes: &[u8]) -> Vec<u8> {
    let policy = Policy::load(bytes).and_then(|policy| {
        let id = policy.id.unwrap_or_default();
        Ok((insert(Held::Policy(Box::new(policy)))?, id))
    });
    match policy {
        Ok((handle, id)) => loaded(handle, "policy_id", &id),
        Err(error) => error_response(None, &error),
    }
}

#[cold]
fn exhausted() -> Error {
    let message = text!("`{}` models and policies are loaded, handles_max; drop one first", limits::HANDLES_MAX);
    Error::new(ErrorCode::HandlesExhausted, message)
}

/// Answers one request with the model and the policy that the handles name.
///
/// # Errors
/// In-band: `unknown_handle`, and whatever core says of the request.
pub fn recommend(model: u32, policy: u32, request: &[u8]) -> Vec<u8> {
    HELD.with(|held| match held.get(model) {
        Some(Held::Model(loaded)) => {
            with_policy(held, policy, |policy| unisono_core::recommend(loaded.model(), policy, request))
        }
        _ => unknown("model", model),
    })
}

fn with_policy(held: &Table<Held>, handle: u32, call: impl FnOnce(&Policy) -> Vec<u8>) -> Vec<u8> {
    match held.get(handle) {
        Some(Held::Policy(policy)) => call(policy),
        None if handle == DEFAULT_POLICY => call(&Policy::default()),
        _ => unknown("policy", handle),
    }
}

#[cold]
fn unknown(what: &str, handle: u32) -> Vec<u8> {
    error_response(None, &Error::new(ErrorCode::UnknownHandle, text!("no {} has the handle `{}`", what, handle)))
}

/// Applies events, consents, traits and links to a profile state; see [`unisono_core::profile_apply`].
pub fn profile_apply(policy: u32, input: &[u8]) -> Vec<u8> {
    HELD.with(|held| with_policy(held, policy, |policy| unisono_core::profile_apply(policy, input)))
}

/// Merges profile states: `{"states"}` to `{"state", "warnings"}`; the order of the states never matters.
pub fn profile_merge(input: &[u8]) -> Vec<u8> {
    unisono_core::profile_merge(input)
}

/// Erases what a state holds up to a moment; see [`unisono_core::profile_erase`].
pub fn profile_erase(input: &[u8]) -> Vec<u8> {
    unisono_core::profile_erase(input)
}

/// Writes a state as people read it; see [`unisono_core::profile_export`].
pub fn profile_export(policy: u32, input: &[u8]) -> Vec<u8> {
    HELD.with(|held| with_policy(held, policy, |policy| unisono_core::profile_export(policy, input)))
}

/// Finds the profiles of one customer; see [`unisono_core::profile_component`].
pub fn profile_component(input: &[u8]) -> Vec<u8> {
    unisono_core::profile_component(input)
}

/// Writes what a portable token is to carry; see [`unisono_core::token_write`].
pub fn token_write(policy: u32, input: &[u8]) -> Vec<u8> {
    HELD.with(|held| with_policy(held, policy, |policy| unisono_core::token_write(policy, input)))
}

/// Joins what a portable token carries; see [`unisono_core::token_apply`].
pub fn token_apply(policy: u32, input: &[u8]) -> Vec<u8> {
    HELD.with(|held| with_policy(held, policy, |policy| unisono_core::token_apply(policy, input)))
}

/// Drops the model or policy that `handle` names. Says whether there was one.
pub fn drop_handle(handle: u32) -> bool {
    HELD.with(|held| held.remove(handle)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use unisono_core::model::{ItemParts, ModelParts, PopularityParts, encode};
    use unisono_message::Reader;

    fn file() -> Buffer {
        let items = ItemParts {
            ids: vec!["milk".into(), "tea".into()],
            category: vec![u16::MAX; 2],
            flags: vec![0; 2],
            ..Default::default()
        };
        let counts = || vec![2, 1];
        let popularity =
            PopularityParts { all: counts(), recent: counts(), week: counts(), repeat: vec![0; 2], channels: vec![] };
        Buffer::copy_of(&encode(&ModelParts { items, popularity, ..Default::default() }).unwrap()).unwrap()
    }

    fn request() -> Vec<u8> {
        let mut w = Writer::new();
        w.map(2);
        w.str("now_ms");
        w.int(1_509_494_400_000);
        w.str("placements");
        w.array(1);
        w.map(3);
        for (key, value) in [("id", "main"), ("kind", "trending")] {
            w.str(key);
            w.str(value);
        }
        w.str("k");
        w.int(2);
        w.into_bytes()
    }

    fn holds(answer: &[u8], text: &str) -> bool {
        answer.windows(text.len()).any(|window| window == text.as_bytes())
    }

    fn handle_of(answer: &[u8]) -> u32 {
        let mut reader = Reader::new(answer);
        assert_eq!(reader.map(), 2);
        assert_eq!(reader.str(), "handle");
        u32::try_from(reader.int()).unwrap()
    }

    // One test for all that touches the table, because it is the process's.
    #[test]
    fn a_model_is_loaded_asked_and_dropped_and_64_fit() {
        let handle = handle_of(&load(file()));
        let answer = recommend(handle, 0, &request());
        assert!(holds(&answer, "milk") && !holds(&answer, "error"));
        assert!(holds(&recommend(handle, handle, &request()), "unknown_handle"), "a model is no policy");
        let policy = handle_of(&load_policy(b"\x81\xa7version\x01"));
        assert!(holds(&recommend(handle, policy, &request()), "milk"));
        assert!(holds(&recommend(policy, 0, &request()), "unknown_handle"), "a policy is no model");
        assert!(holds(&load_policy(b"\x81\xa7version\x02"), "policy_invalid"));
        assert!(drop_handle(policy) && holds(&recommend(handle, policy, &request()), "unknown_handle"));
        assert!(drop_handle(handle));
        assert!(!drop_handle(handle));
        assert!(holds(&recommend(handle, 0, &request()), "unknown_handle"));
        assert!(holds(&load(Buffer::copy_of(b"no model").unwrap()), "model_"));

        let handles: Vec<u32> = (0..limits::HANDLES_MAX).map(|_| handle_of(&load(file()))).collect();
        assert!(holds(&load(file()), "handles_exhausted"));
        assert!(handles.iter().all(|handle| recommend(*handle, 0, &request()) == answer));
        assert!(handles.into_iter().all(drop_handle));
    }
}
