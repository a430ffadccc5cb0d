//! Cases: what a profile did next, and the history that was known before it.

use super::hash::hash;
use crate::counts::{Target, basket_key};
use crate::tables::{EventLog, NONE};
use std::collections::{BTreeMap, BTreeSet};
use unisono_message::Event;

/// One moment at which something could have been recommended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) profile: u32,
    /// Rows of the log that were known: from the profile's first to before this one.
    pub(crate) history: std::ops::Range<usize>,
    pub(crate) now_ms: i64,
    /// Index of the channel in which it happened.
    pub(crate) channel: u16,
    /// Items of the log that were taken then, ascending.
    pub(crate) truth: Vec<u32>,
}

impl Case {
    /// The known events, as core reads them.
    pub(crate) fn events<'l>(&self, log: &'l EventLog) -> Vec<Event<'l>> {
        self.history.clone().map(|row| log.event(row)).collect()
    }
}

/// The cases of a window: for purchases each profile's first order in it of at least `items_min` distinct items, for
/// views one view of each profile that a hash picks. Profiles without any event before make no case.
pub(crate) fn cases(
    log: &EventLog,
    target: Target,
    window: std::ops::Range<i64>,
    items_min: usize,
    seed: u64,
) -> Vec<Case> {
    let of_profile = |profile: u32| match target {
        Target::Purchase => next_order(log, profile, &window, items_min),
        Target::View => some_view(log, profile, &window, seed),
    };
    (0..log.profiles.len() as u32).filter_map(of_profile).collect()
}

fn next_order(log: &EventLog, profile: u32, window: &std::ops::Range<i64>, items_min: usize) -> Option<Case> {
    // Orders by time; an order's time is that of its first row, wherever the window lies.
    let mut orders: BTreeMap<(u8, i64), (usize, BTreeSet<u32>)> = BTreeMap::new();
    let rows = log.rows_of(profile);
    for row in rows.clone() {
        let item = log.columns.item[row];
        if Target::Purchase.takes(log.kind(row)) && item != NONE {
            orders.entry(basket_key(log, row)).or_insert_with(|| (row, BTreeSet::new())).1.insert(item);
        }
    }
    let time = |row: usize| log.columns.ts_ms[row];
    let within = orders.iter().filter(|(_, (row, items))| window.contains(&time(*row)) && items.len() >= items_min);
    let (_, (first, items)) = within.min_by_key(|(key, (row, _))| (time(*row), **key))?;
    let now_ms = time(*first);
    let known = rows.start + log.columns.ts_ms[rows.clone()].partition_point(|ts| *ts < now_ms);
    (known > rows.start).then(|| Case {
        profile,
        history: rows.start..known,
        now_ms,
        channel: log.columns.channel[*first],
        truth: items.iter().copied().collect(),
    })
}

fn some_view(log: &EventLog, profile: u32, window: &std::ops::Range<i64>, seed: u64) -> Option<Case> {
    let rows = log.rows_of(profile);
    let takes = |row: &usize| Target::View.takes(log.kind(*row)) && log.columns.item[*row] != NONE;
    let views: Vec<usize> = rows.clone().filter(|row| *row > rows.start && takes(row)).collect();
    let views: Vec<usize> = views.into_iter().filter(|row| window.contains(&log.columns.ts_ms[*row])).collect();
    let pick = hash(seed, &["view", log.profiles.get(profile)]) % views.len().max(1) as u64;
    let row = *views.get(pick as usize)?;
    Some(Case {
        profile,
        history: rows.start..row,
        now_ms: log.columns.ts_ms[row],
        channel: log.columns.channel[row],
        truth: vec![log.columns.item[row]],
    })
}

/// The lower quartile of the orders' distinct items before `until_ms`, within 2 to 5.
pub(crate) fn usual_items_min(log: &EventLog, until_ms: i64) -> usize {
    let mut orders: BTreeMap<(u32, u8, i64), BTreeSet<u32>> = BTreeMap::new();
    for row in (0..log.len()).filter(|row| log.columns.ts_ms[*row] < until_ms) {
        let item = log.columns.item[row];
        if Target::Purchase.takes(log.kind(row)) && item != NONE {
            let (class, key) = basket_key(log, row);
            orders.entry((log.columns.profile[row], class, key)).or_default().insert(item);
        }
    }
    let mut sizes: Vec<usize> = orders.values().map(BTreeSet::len).collect();
    sizes.sort_unstable();
    sizes.get(sizes.len() / 4).copied().unwrap_or(2).clamp(2, 5)
}
