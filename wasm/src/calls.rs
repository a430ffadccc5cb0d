//! The calls behind the exports, over slices: natively testable, without a pointer in sight.

use crate::abi::{Buffer, LoadedModel, Single};
use crate::handles::Table;
use alloc::boxed::Box;
use alloc::vec::Vec;
use unisono_message::text;
use unisono_message::{Error, ErrorCode, Writer, error_response, hex, limits};

static MODELS: Single<Table<Box<LoadedModel>>> = Single::new(Table::new(limits::HANDLES_MAX));

/// Loads a model from `file`, which it keeps until the handle is dropped; nothing of the file is copied.
///
/// Gives `{"handle": u32, "model_id": "<64 hex digits>"}`, or `{"error": ..}` after which `file` is freed.
///
/// # Errors
/// In-band: `handles_exhausted` beyond [`limits::HANDLES_MAX`] models, and every `model_*` code of core.
pub fn load(file: Buffer) -> Vec<u8> {
    match try_load(file) {
        Ok((handle, model_id)) => {
            let mut writer = Writer::new();
            writer.map(2);
            writer.str("handle");
            writer.int(handle.into());
            writer.str("model_id");
            writer.str(&hex(&model_id));
            writer.into_bytes()
        }
        Err(error) => error_response(None, &error),
    }
}

fn try_load(file: Buffer) -> Result<(u32, [u8; 32]), Error> {
    // Asked first: a model that no handle is left for is not worth hashing.
    if !MODELS.with(|models| models.has_room()) {
        return Err(exhausted());
    }
    let loaded = Box::new(LoadedModel::load(file)?);
    let model_id = loaded.model().model_id;
    match MODELS.with(|models| models.insert(loaded)) {
        Ok(handle) => Ok((handle, model_id)),
        Err(_) => Err(exhausted()),
    }
}

#[cold]
fn exhausted() -> Error {
    let message = text!("`{}` models are loaded, handles_max; drop one first", limits::HANDLES_MAX);
    Error::new(ErrorCode::HandlesExhausted, message)
}

/// Answers one request with the model that `handle` names.
///
/// # Errors
/// In-band: `unknown_handle`, and whatever core says of the request.
pub fn recommend(handle: u32, request: &[u8]) -> Vec<u8> {
    MODELS.with(|models| match models.get(handle) {
        Some(loaded) => unisono_core::recommend(loaded.model(), request),
        None => {
            let error = Error::new(ErrorCode::UnknownHandle, text!("no model has the handle `{}`", handle));
            error_response(None, &error)
        }
    })
}

/// Applies events to a profile state: `{"now_ms", "state"?, "events"}` to `{"state", "results", "warnings"}`.
pub fn profile_apply(input: &[u8]) -> Vec<u8> {
    unisono_core::profile_apply(input)
}

/// Merges profile states: `{"states"}` to `{"state", "warnings"}`; the order of the states never matters.
pub fn profile_merge(input: &[u8]) -> Vec<u8> {
    unisono_core::profile_merge(input)
}

/// Drops the model that `handle` names and frees its file. Says whether there was one.
pub fn drop_handle(handle: u32) -> bool {
    MODELS.with(|models| models.remove(handle)).is_some()
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
        let answer = recommend(handle, &request());
        assert!(holds(&answer, "milk") && !holds(&answer, "error"));
        assert!(drop_handle(handle));
        assert!(!drop_handle(handle));
        assert!(holds(&recommend(handle, &request()), "unknown_handle"));
        assert!(holds(&load(Buffer::copy_of(b"no model").unwrap()), "model_"));

        let handles: Vec<u32> = (0..limits::HANDLES_MAX).map(|_| handle_of(&load(file()))).collect();
        assert!(holds(&load(file()), "handles_exhausted"));
        assert!(handles.iter().all(|handle| recommend(*handle, &request()) == answer));
        assert!(handles.into_iter().all(drop_handle));
    }
}
