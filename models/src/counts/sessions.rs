//! Sessions of visitors whom nobody can find again.

use super::baskets::{Baskets, basket_key};
use crate::tables::EventLog;
use std::cmp::Reverse;
use unisono_message::limits::MODEL_SESSION_ITEMS_MAX;

/// The newest `keep` sessions of two items and more, newest first: each with its distinct items, the one looked at last
/// first. A profile of several sessions could be found again by one of them, so that it has none here.
pub(crate) fn sessions(log: &EventLog, baskets: &Baskets, keep: usize, until_ms: i64) -> Vec<Vec<u32>> {
    // Over all rows, not only those that are counted: whoever came back to search came back.
    let alone = |basket: &usize| {
        let rows = log.rows_of(baskets.profile[*basket]).take_while(|row| log.columns.ts_ms[*row] < until_ms);
        let mut keys = rows.map(|row| basket_key(log, row));
        let first = keys.next();
        keys.all(|key| Some(key) == first)
    };
    let mut newest: Vec<usize> =
        (0..baskets.len()).filter(alone).filter(|one| baskets.items_of(*one).len() > 1).collect();
    newest.sort_by_key(|basket| Reverse(baskets.ts_ms[*basket]));
    newest.truncate(keep);
    let row = |basket: usize| {
        let mut entries: Vec<(u32, u32)> = baskets
            .items_of(basket)
            .iter()
            .zip(baskets.places_of(basket))
            .map(|(item, places)| (places.1, *item))
            .collect();
        entries.sort_unstable_by_key(|(last, item)| (Reverse(*last), *item));
        entries.truncate(MODEL_SESSION_ITEMS_MAX);
        entries.into_iter().map(|entry| entry.1).collect()
    };
    newest.into_iter().map(row).collect()
}
