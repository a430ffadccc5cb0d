//! Read, compute, write, and again where another writer was faster.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Change, ProfileStore, Record};
use crate::error::{HostError, HostErrorCode};
use crate::limits::{UPDATE_PAUSE_MS_MAX, UPDATE_PROFILES_MAX, UPDATE_ROUNDS_MAX};

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
    let mut outcomes = update_many(store, &[key], 1, |_, state| compute(state))?;
    outcomes.pop().unwrap_or_else(|| Err(HostError::new(HostErrorCode::Internal, "an update has no outcome")))
}

/// Changes many profiles, as [`update`] does each, with as few writes as possible: `compute` is given the place of the key
/// in `keys`, which must differ from each other, and its state. It runs on up to `workers` threads. What fails there is the
/// outcome of that key alone.
///
/// # Errors
/// Those of the store, and `store_conflict`; some keys may have been changed nevertheless.
pub fn update_many<T: Send>(
    store: &dyn ProfileStore,
    keys: &[&[u8]],
    workers: usize,
    compute: impl Fn(usize, Option<&[u8]>) -> Result<Updated<T>, HostError> + Sync,
) -> Result<Vec<Result<T, HostError>>, HostError> {
    let mut outcomes: Vec<Option<Result<T, HostError>>> = keys.iter().map(|_| None).collect();
    let all: Vec<usize> = (0..keys.len()).collect();
    for part in all.chunks(UPDATE_PROFILES_MAX) {
        update_part(store, keys, part.to_vec(), workers, &compute, &mut outcomes)?;
    }
    let missing = || Err(HostError::new(HostErrorCode::Internal, "an update has no outcome"));
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect())
}

fn update_part<T: Send>(
    store: &dyn ProfileStore,
    keys: &[&[u8]],
    mut open: Vec<usize>,
    workers: usize,
    compute: &(impl Fn(usize, Option<&[u8]>) -> Result<Updated<T>, HostError> + Sync),
    outcomes: &mut [Option<Result<T, HostError>>],
) -> Result<(), HostError> {
    for round in 0..UPDATE_ROUNDS_MAX {
        let of_round: Vec<&[u8]> = open.iter().filter_map(|place| keys.get(*place).copied()).collect();
        let records = store.read(&of_round)?;
        let computed = on_workers(workers, open.len(), |at| match (open.get(at), records.get(at)) {
            (Some(place), Some(record)) => compute(*place, record.state()),
            _ => Err(HostError::new(HostErrorCode::Internal, "the store returned too few records")),
        });
        let mut changes = Vec::new();
        let mut changed = Vec::new();
        for (((place, key), record), result) in open.iter().zip(&of_round).zip(&records).zip(computed) {
            let outcome = result.map(|updated| {
                changes.extend(change(key, record, updated.state).inspect(|_| changed.push(*place)));
                updated.outcome
            });
            if let Some(slot) = outcomes.get_mut(*place) {
                *slot = Some(outcome);
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        let written = store.write(changes)?;
        open = changed.into_iter().zip(written).filter(|(_, written)| !written).map(|(place, _)| place).collect();
        if open.is_empty() {
            return Ok(());
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

/// Computes 0 to `count` - 1 on up to `workers` threads, this one among them; the results lie in order.
fn on_workers<T: Send>(workers: usize, count: usize, compute: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if workers <= 1 || count <= 1 {
        return (0..count).map(compute).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return;
            }
            let result = compute(at);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..workers.min(count) {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
