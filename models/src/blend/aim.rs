//! The aim of a fit: which intent it learns, and what one case of it takes.

use super::cases::{cases, windows};
use crate::config::LearnParams;
use crate::counts::{Target, basket_key};
use crate::tables::{EventLog, NONE};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// An intent wants at least this share of the events and as many cases, else the next weaker one is taken.
const SHARE_MIN: f64 = 0.05;
/// Fewest cases to learn an intent from, and to fit trees to: with fewer they learn their cases by heart.
pub(crate) const CASES_MIN: usize = 500;
/// Mean distinct items of an order from which a case is a whole order.
const ORDER_ITEMS_MIN: f64 = 2.0;

/// What a case takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// The items of the next order.
    Order,
    /// The next item, of a session or not.
    Item,
}

impl Takes {
    /// The name in configurations and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Takes::Order => "order",
            Takes::Item => "item",
        }
    }
}

/// What a fit learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aim {
    /// Events that are counted.
    pub target: Target,
    /// What a case takes.
    pub takes: Takes,
    /// Fewest distinct items of an order that makes a case.
    pub items_min: usize,
}

/// One intent as a log shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Intent {
    /// `purchase`, `cart_add` or `view`.
    pub target: String,
    /// Events of it that name an item.
    pub events: usize,
    /// Their share of all events.
    pub share: f64,
    /// Baskets: orders, else sessions, else days.
    pub baskets: usize,
    /// Mean distinct items of a basket.
    pub basket_items: f64,
    /// `order` or `item`: what a case of it takes.
    pub takes: String,
    /// Fewest distinct items of an order that makes a case.
    pub items_min: usize,
    /// Cases in the windows that a fit learns from, at most 4,000 a window where each takes an item.
    pub cases: usize,
    /// Whether it has 5 % of the events and 500 cases.
    pub suffices: bool,
}

/// The strongest intent with 5 % of the events before `end_ms` and 500 cases; where none has both, the one of most cases. Beside
/// it all intents that the log shows, the strongest first.
pub(crate) fn aim(log: &EventLog, params: &LearnParams, end_ms: i64) -> (Aim, Vec<Intent>) {
    let events = log.columns.ts_ms.iter().filter(|ts| **ts < end_ms).count();
    let seen = |target| seen(log, target, params, (end_ms, events));
    let seen: Vec<(Aim, Intent)> = Target::ALL.into_iter().map(seen).filter(|(_, intent)| intent.events > 0).collect();
    let sufficient = seen.iter().find(|(_, intent)| intent.suffices);
    // Of equals `max_by_key` gives the last, which is the strongest.
    let chosen = sufficient.or_else(|| seen.iter().rev().max_by_key(|(_, intent)| intent.cases));
    let nothing = Aim { target: Target::View, takes: Takes::Item, items_min: 1 };
    (chosen.map_or(nothing, |(aim, _)| *aim), seen.into_iter().map(|(_, intent)| intent).collect())
}

fn seen(log: &EventLog, target: Target, params: &LearnParams, (end_ms, events): (i64, usize)) -> (Aim, Intent) {
    let baskets = Sizes::of(log, target, end_ms);
    let takes = match target {
        Target::Purchase if baskets.mean() >= ORDER_ITEMS_MIN => Takes::Order,
        _ => Takes::Item,
    };
    let items_min = match (takes, params.case_items_min) {
        (Takes::Item, _) => 1,
        (Takes::Order, 0) => baskets.usual_min(),
        (Takes::Order, chosen) => chosen,
    };
    let aim = Aim { target, takes, items_min };
    let mut windows = windows(log, params, takes, end_ms);
    // The last is held out.
    windows.pop();
    let cases = windows.into_iter().map(|window| cases(log, aim, window, params.seed).len()).sum();
    let share = baskets.events as f64 / events.max(1) as f64;
    let intent = Intent {
        target: target.as_str().into(),
        events: baskets.events,
        share,
        baskets: baskets.sizes.len(),
        basket_items: baskets.mean(),
        takes: takes.as_str().into(),
        items_min,
        cases,
        suffices: share >= SHARE_MIN && cases >= CASES_MIN,
    };
    (aim, intent)
}

/// How large the baskets of a target are.
struct Sizes {
    events: usize,
    /// (profile, distinct items) of each basket, by profile.
    sizes: Vec<(u32, usize)>,
}

impl Sizes {
    fn of(log: &EventLog, target: Target, end_ms: i64) -> Self {
        let mut sizes = Sizes { events: 0, sizes: Vec::new() };
        for profile in 0..log.profiles.len() as u32 {
            let mut baskets: BTreeMap<(u8, i64), BTreeSet<u32>> = BTreeMap::new();
            for row in log.rows_of(profile).take_while(|row| log.columns.ts_ms[*row] < end_ms) {
                let item = log.columns.item[row];
                if target.takes(log.kind(row)) && item != NONE {
                    sizes.events += 1;
                    baskets.entry(basket_key(log, row)).or_default().insert(item);
                }
            }
            sizes.sizes.extend(baskets.values().map(|items| (profile, items.len())));
        }
        sizes
    }

    fn mean(&self) -> f64 {
        mean(&self.sizes)
    }

    /// The lower quartile of the profiles' mean orders, rounded down, within 2 to 5. Of single orders the quartile says little: a
    /// household that fills a cart each week also comes back for milk. Complete Journey's orders have 2 items at the lower quartile and 5
    /// at the median, its households' mean orders 5.7 at the lower quartile.
    fn usual_min(&self) -> usize {
        let mut means: Vec<f64> = self.sizes.chunk_by(|a, b| a.0 == b.0).map(mean).collect();
        means.sort_unstable_by(f64::total_cmp);
        means.get(means.len() / 4).map_or(2, |mean| *mean as usize).clamp(2, 5)
    }
}

fn mean(sizes: &[(u32, usize)]) -> f64 {
    sizes.iter().map(|(_, size)| size).sum::<usize>() as f64 / sizes.len().max(1) as f64
}
