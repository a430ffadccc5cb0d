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
    /// Index of the store; `NONE` for none.
    pub(crate) store: u32,
    /// Items of the log that were taken then, ascending.
    pub(crate) truth: Vec<u32>,
}

impl Case {
    /// The known events, as core reads them.
    pub(crate) fn events<'l>(&self, log: &'l EventLog) -> Vec<Event<'l>> {
        self.history.clone().map(|row| log.event(row)).collect()
    }
}

/// Last orders that a shortened history keeps.
const SHORT: [usize; 6] = [0, 1, 2, 3, 5, 10];

/// The cases with their histories cut to as many last orders as a hash picks of [`SHORT`]; those that are as short already
/// are left out. Trees that saw only long histories rank the first weeks of a customer worse than a plain count would.
pub(crate) fn shortened(log: &EventLog, cases: &[Case], seed: u64) -> Vec<Case> {
    let short = |case: &Case| {
        let profile = log.profiles.get(case.profile);
        let keep = SHORT[(hash(seed, &["short", profile, &case.now_ms.to_string()]) % SHORT.len() as u64) as usize];
        let mut orders = BTreeSet::new();
        let mut start = case.history.end;
        for row in case.history.clone().rev() {
            orders.insert(basket_key(log, row));
            if orders.len() > keep {
                break;
            }
            start = row;
        }
        (start > case.history.start).then(|| Case { history: start..case.history.end, ..case.clone() })
    };
    cases.iter().filter_map(short).collect()
}

/// Views at most that a window takes as cases; of more a hash picks.
const VIEWS_MAX: usize = 4_000;

/// The cases of a window: for purchases each profile's first order in it of at least `items_min` distinct items, for
/// views every one after a profile's first. Profiles without any event before make no case.
pub(crate) fn cases(
    log: &EventLog,
    target: Target,
    window: std::ops::Range<i64>,
    items_min: usize,
    seed: u64,
) -> Vec<Case> {
    let profiles = 0..log.profiles.len() as u32;
    match target {
        Target::Purchase => profiles.filter_map(|profile| next_order(log, profile, &window, items_min)).collect(),
        Target::View => {
            let mut all: Vec<Case> = profiles.flat_map(|profile| views(log, profile, &window)).collect();
            let picked = |case: &Case| hash(seed, &["view", log.profiles.get(case.profile), &case.now_ms.to_string()]);
            all.sort_by_cached_key(picked);
            all.truncate(VIEWS_MAX);
            all.sort_by_key(|case| (case.profile, case.history.end));
            all
        }
    }
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
        store: log.columns.store[*first],
        truth: items.iter().copied().collect(),
    })
}

fn views(log: &EventLog, profile: u32, window: &std::ops::Range<i64>) -> Vec<Case> {
    let rows = log.rows_of(profile);
    let takes = |row: &usize| Target::View.takes(log.kind(*row)) && log.columns.item[*row] != NONE;
    let case = |row: usize| Case {
        profile,
        history: rows.start..row,
        now_ms: log.columns.ts_ms[row],
        channel: log.columns.channel[row],
        store: log.columns.store[row],
        truth: vec![log.columns.item[row]],
    };
    let within = |row: &usize| *row > rows.start && window.contains(&log.columns.ts_ms[*row]);
    rows.clone().filter(takes).filter(within).map(case).collect()
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
