//! Read, compute, write, and again where another writer was faster.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::workers::{Workers, on_lanes};
use super::{Change, ProfileStore, Record};
use crate::error::{HostError, HostErrorCode};
use crate::limits::{UPDATE_LANES, UPDATE_PAUSE_MS_MAX, UPDATE_PROFILES_MAX, UPDATE_ROUNDS_MAX};

/// What a computation made of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated<T> {
    /// The new state; `None` leaves the old one, and so does a state that equals it.
    pub state: Option<Vec<u8>>,
    /// What the caller gets to know.
    pub outcome: T,
}

/// Changes one profile: `compute` is given its state, and is asked again whenever another writer was faster.
///
/// # Errors
/// Those of the store and of `compute`, and `store_conflict`.
pub fn update<T: Send>(
    store: &dyn ProfileStore,
    key: &[u8],
    compute: impl Fn(Option<&[u8]>) -> Result<Updated<T>, HostError> + Sync,
) -> Result<T, HostError> {
    let mut outcomes = update_many(store, &[key], &Workers::new(1), |_, state| compute(state))?;
    outcomes.pop().unwrap_or_else(|| Err(HostError::new(HostErrorCode::Internal, "an update has no outcome")))
}

/// Changes many profiles, as [`update`] does each, with as few writes as possible: `compute` is given the place of the key
/// in `keys`, which must differ from each other, and its state. The workers call it side by side. What fails there is the
/// outcome of that key alone.
///
/// # Errors
/// Those of the store, and `store_conflict`; some keys may have been changed nevertheless.
pub fn update_many<T: Send>(
    store: &dyn ProfileStore,
    keys: &[&[u8]],
    workers: &Workers,
    compute: impl Fn(usize, Option<&[u8]>) -> Result<Updated<T>, HostError> + Sync,
) -> Result<Vec<Result<T, HostError>>, HostError> {
    let places: Vec<usize> = (0..keys.len()).collect();
    // Parts of one size: the last one should not be a small one of its own.
    let count = keys.len().div_ceil(UPDATE_PROFILES_MAX).max(1);
    let parts: Vec<&[usize]> = places.chunks(keys.len().div_ceil(count).max(1)).collect();
    // While one part waits for the disk, the next one computes. Two that computed at once would wait at once too.
    let turn = Mutex::new(());
    let done = on_lanes(UPDATE_LANES, parts.len(), |at| match parts.get(at) {
        Some(part) => update_part(store, keys, part, workers, &turn, &compute),
        None => Ok(Vec::new()),
    });
    let mut outcomes: Vec<Option<Result<T, HostError>>> = keys.iter().map(|_| None).collect();
    for (place, outcome) in done.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        if let Some(slot) = outcomes.get_mut(place) {
            *slot = Some(outcome);
        }
    }
    let missing = || Err(HostError::new(HostErrorCode::Internal, "an update has no outcome"));
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect())
}

/// What became of the key at a place.
type Outcome<T> = (usize, Result<T, HostError>);

/// Changes the profiles at these places with one write, and again those for which another writer was faster.
fn update_part<T: Send>(
    store: &dyn ProfileStore,
    keys: &[&[u8]],
    part: &[usize],
    workers: &Workers,
    turn: &Mutex<()>,
    compute: &(impl Fn(usize, Option<&[u8]>) -> Result<Updated<T>, HostError> + Sync),
) -> Result<Vec<Outcome<T>>, HostError> {
    let mut open = part.to_vec();
    let mut outcomes = Vec::with_capacity(part.len());
    for round in 0..UPDATE_ROUNDS_MAX {
        let of_round: Vec<&[u8]> = open.iter().filter_map(|place| keys.get(*place).copied()).collect();
        let in_turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let records = store.read(&of_round)?;
        let computed = workers.each(open.len(), |at| match (open.get(at), records.get(at)) {
            (Some(place), Some(record)) => compute(*place, record.state()),
            _ => Err(HostError::new(HostErrorCode::Internal, "the store returned too few records")),
        });
        drop(in_turn);
        let mut changes = Vec::new();
        // Done once they are written, in the order of the changes.
        let mut waiting = Vec::new();
        for (((place, key), record), result) in open.iter().zip(&of_round).zip(&records).zip(computed) {
            match result {
                Err(e) => outcomes.push((*place, Err(e))),
                Ok(Updated { state, outcome }) => match change(key, record, state) {
                    None => outcomes.push((*place, Ok(outcome))),
                    Some(change) => {
                        changes.push(change);
                        waiting.push((*place, Ok(outcome)));
                    }
                },
            }
        }
        if changes.is_empty() {
            return Ok(outcomes);
        }
        let written = store.write(changes)?;
        open.clear();
        for (outcome, written) in waiting.into_iter().zip(written) {
            if written {
                outcomes.push(outcome);
            } else {
                open.push(outcome.0);
            }
        }
        if open.is_empty() {
            return Ok(outcomes);
        }
        thread::sleep(Duration::from_millis(u64::from(round).min(UPDATE_PAUSE_MS_MAX)));
    }
    let text = format!("other writers were faster {UPDATE_ROUNDS_MAX} times");
    Err(HostError::new(HostErrorCode::StoreConflict, text))
}

fn change(key: &[u8], record: &Record, state: Option<Vec<u8>>) -> Option<Change> {
    let state = state.filter(|state| record.state() != Some(state))?;
    Some(Change { key: key.to_vec(), version: record.version, state })
}
