//! Cases: what a profile did next, and the history that was known before it.

use super::aim::{Aim, Takes};
use super::hash::hash;
use crate::config::LearnParams;
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
/// are left out. Trees that saw only long histories rank the first weeks of a customer worse than a plain count would. A second
/// copy of each case without any history is no help: newcomers of one cut all have the same candidates and features, so that trees
/// learn four lists by heart (recall@20 of newcomers .0623 in place of .0648 on Complete Journey's validation cut).
pub(crate) fn shortened(log: &EventLog, cases: &[Case], seed: u64) -> Vec<Case> {
    let short = |case: &Case| {
        let profile = log.profiles.get(case.profile);
        let picked = hash(seed, &["short", profile, &case.now_ms.to_string()]) % SHORT.len() as u64;
        cut_to(log, case, SHORT[picked as usize])
    };
    cases.iter().filter_map(short).collect()
}

/// The cases with their histories cut to every length of [`SHORT`] that is shorter.
pub(crate) fn every_shortened(log: &EventLog, cases: &[Case]) -> Vec<Case> {
    cases.iter().flat_map(|case| SHORT.iter().filter_map(|keep| cut_to(log, case, *keep))).collect()
}

/// A case with its history cut to the last `keep` orders; none where it has no more.
fn cut_to(log: &EventLog, case: &Case, keep: usize) -> Option<Case> {
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
}

const DAY_MS: i64 = 86_400_000;
/// Items at most that a window takes as cases; of more a hash picks.
const ITEMS_MAX: usize = 4_000;

/// Windows before the first cut, for its tables.
const BEFORE_FIRST: i64 = 3;

/// The cuts of a fit. More orders teach more (ndcg@20 +.0026 on Complete Journey's validation cut over 5 cuts), more items
/// nothing.
pub(crate) fn cuts(params: &LearnParams, takes: Takes) -> usize {
    match (params.cuts, takes) {
        (0, Takes::Order) => 9,
        (0, Takes::Item) => 5,
        (chosen, _) => chosen,
    }
}

/// Days of a log whose windows are not shortened.
pub(crate) fn days_wanted(params: &LearnParams, takes: Takes) -> i64 {
    (cuts(params, takes) as i64 + BEFORE_FIRST) * i64::from(params.window_days)
}

/// The windows in which cases lie, oldest first: as many as there are cuts, up to `end_ms`, shortened where the log is too short
/// for them and for the tables before them.
pub(crate) fn windows(log: &EventLog, params: &LearnParams, takes: Takes, end_ms: i64) -> Vec<std::ops::Range<i64>> {
    let first_ms = log.columns.ts_ms.iter().copied().min().unwrap_or(0);
    let cuts = cuts(params, takes) as i64;
    let length = (i64::from(params.window_days) * DAY_MS).min((end_ms - first_ms) / (cuts + BEFORE_FIRST)).max(1);
    let starts = (1..=cuts).map(|number| end_ms - (cuts + 1 - number) * length);
    starts.map(|start| start..start + length).collect()
}

/// The cases of a window: each profile's first order in it of at least `items_min` distinct items, or every item that was
/// taken after a profile's first event. Profiles without any event before make no case.
pub(crate) fn cases(log: &EventLog, aim: Aim, window: std::ops::Range<i64>, seed: u64) -> Vec<Case> {
    let profiles = 0..log.profiles.len() as u32;
    match aim.takes {
        Takes::Order => profiles.filter_map(|profile| next_order(log, profile, &window, aim)).collect(),
        Takes::Item => {
            let mut all: Vec<Case> =
                profiles.flat_map(|profile| next_items(log, profile, &window, aim.target)).collect();
            let picked = |case: &Case| {
                hash(seed, &[aim.target.as_str(), log.profiles.get(case.profile), &case.now_ms.to_string()])
            };
            all.sort_by_cached_key(picked);
            all.truncate(ITEMS_MAX);
            all.sort_by_key(|case| (case.profile, case.history.end));
            all
        }
    }
}

fn next_order(log: &EventLog, profile: u32, window: &std::ops::Range<i64>, aim: Aim) -> Option<Case> {
    // Orders by time; an order's time is that of its first row, wherever the window lies.
    let mut orders: BTreeMap<(u8, i64), (usize, BTreeSet<u32>)> = BTreeMap::new();
    let rows = log.rows_of(profile);
    for row in rows.clone() {
        let item = log.columns.item[row];
        if aim.target.takes(log.kind(row)) && item != NONE {
            orders.entry(basket_key(log, row)).or_insert_with(|| (row, BTreeSet::new())).1.insert(item);
        }
    }
    let time = |row: usize| log.columns.ts_ms[row];
    let within = orders.iter().filter(|(_, (row, items))| window.contains(&time(*row)) && items.len() >= aim.items_min);
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

fn next_items(log: &EventLog, profile: u32, window: &std::ops::Range<i64>, target: Target) -> Vec<Case> {
    let rows = log.rows_of(profile);
    let takes = |row: &usize| target.takes(log.kind(*row)) && log.columns.item[*row] != NONE;
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
