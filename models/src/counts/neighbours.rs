//! Item-item lists: what was taken together, and what came next, as cosines over distinct profiles.

use super::baskets::Baskets;
use crate::parallel;
use unisono_core::model::{NeighbourParts, weight_code};

/// Items whose rows one thread counts in one go.
const PIECE: usize = 512;

/// How a list is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListRules {
    /// Fewest distinct profiles behind an entry.
    pub(crate) min_support: u32,
    /// Entries per item.
    pub(crate) keep: usize,
    /// Threads.
    pub(crate) threads: usize,
    /// What counts are divided by.
    pub(crate) norm: Norm,
}

/// What the count of a pair is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Norm {
    /// The root of both items' counts: the cosine.
    Both,
    /// The first item's count: how often the second came.
    First,
}

/// What one pair counts; a pair `steps` apart counts that part of it.
const PAIR: u32 = 60;
/// Steps of a session beyond which what came after counts no more.
const STEPS_MAX: u32 = 5;

struct Scratch {
    /// Of each item: baskets seen with the current one, distinct profiles among them, the last of these profiles + 1.
    baskets: Vec<u32>,
    profiles: Vec<u32>,
    last: Vec<u32>,
    touched: Vec<u32>,
}

impl Scratch {
    fn new(items: usize) -> Self {
        Scratch { baskets: vec![0; items], profiles: vec![0; items], last: vec![0; items], touched: Vec::new() }
    }

    fn see(&mut self, item: u32, profile: u32, steps: u32) {
        let at = item as usize;
        if self.baskets[at] == 0 {
            self.touched.push(item);
        }
        self.baskets[at] += PAIR / steps;
        if self.last[at] != profile + 1 {
            self.last[at] = profile + 1;
            self.profiles[at] += 1;
        }
    }
}

/// Items in the same basket. `popularity` breaks ties of weight, then the index does.
pub(crate) fn together(
    baskets: &Baskets,
    popularity: &[u32],
    rules: ListRules,
    done: &(dyn Fn(u64) + Sync),
) -> NeighbourParts {
    rows(baskets, popularity, rules, done, &|item, basket, scratch| {
        let profile = baskets.profile[basket];
        for other in baskets.items_of(basket).iter().filter(|other| **other != item) {
            scratch.see(*other, profile, 1);
        }
    })
}

/// Items that came within five steps after in the same session, each pair counting 1/steps.
pub(crate) fn next_in_session(
    baskets: &Baskets,
    popularity: &[u32],
    rules: ListRules,
    done: &(dyn Fn(u64) + Sync),
) -> NeighbourParts {
    rows(baskets, popularity, rules, done, &|item, basket, scratch| {
        let profile = baskets.profile[basket];
        let (items, places) = (baskets.items_of(basket), baskets.places_of(basket));
        let Ok(own) = items.binary_search(&item) else { return };
        let from = places[own];
        for (other, to) in items.iter().zip(places).filter(|(other, _)| **other != item) {
            // The nearest of the four distances between first and last places that leads on.
            let steps = [(from.0, to.0), (from.0, to.1), (from.1, to.0), (from.1, to.1)];
            let steps = steps.iter().filter_map(|(from, to)| to.checked_sub(*from)).filter(|steps| *steps > 0).min();
            if let Some(steps) = steps.filter(|steps| *steps <= STEPS_MAX) {
                scratch.see(*other, profile, steps);
            }
        }
    })
}

/// Items that came after: later in the same basket, or in the profile's next basket where that comes within `days`.
pub(crate) fn next(
    baskets: &Baskets,
    popularity: &[u32],
    days: u32,
    rules: ListRules,
    done: &(dyn Fn(u64) + Sync),
) -> NeighbourParts {
    let within_ms = i64::from(days) * 86_400_000;
    rows(baskets, popularity, rules, done, &|item, basket, scratch| {
        let profile = baskets.profile[basket];
        let (items, places) = (baskets.items_of(basket), baskets.places_of(basket));
        let first = items.binary_search(&item).map_or(u32::MAX, |at| places[at].0);
        let later = items.iter().zip(places).filter(|(other, places)| **other != item && places.1 > first);
        later.for_each(|(other, _)| scratch.see(*other, profile, 1));
        let after = basket + 1;
        if after < baskets.len()
            && baskets.profile[after] == profile
            && baskets.ts_ms[after] - baskets.ts_ms[basket] <= within_ms
        {
            baskets
                .items_of(after)
                .iter()
                .filter(|other| **other != item)
                .for_each(|other| scratch.see(*other, profile, 1));
        }
    })
}

type See<'s> = dyn Fn(u32, usize, &mut Scratch) + Sync + 's;

fn rows(
    baskets: &Baskets,
    popularity: &[u32],
    rules: ListRules,
    done: &(dyn Fn(u64) + Sync),
    see: &See<'_>,
) -> NeighbourParts {
    let items = baskets.item_offsets.len().saturating_sub(1);
    let pieces = items.div_ceil(PIECE);
    let counted = parallel::in_order(
        rules.threads,
        pieces,
        || Scratch::new(items),
        |scratch, piece| {
            let range = piece * PIECE..((piece + 1) * PIECE).min(items);
            let length = range.len() as u64;
            let rows: Vec<_> = range.map(|item| row(baskets, popularity, rules, see, scratch, item)).collect();
            done(length);
            rows
        },
        || (),
    );
    quantise(counted.into_iter().flatten())
}

fn row(
    baskets: &Baskets,
    popularity: &[u32],
    rules: ListRules,
    see: &See<'_>,
    scratch: &mut Scratch,
    item: usize,
) -> Vec<(u32, f64)> {
    for basket in baskets.baskets_of(item) {
        see(item as u32, *basket as usize, scratch);
    }
    let own = baskets.baskets_of(item).len() as f64;
    let mut row = Vec::new();
    for other in scratch.touched.drain(..) {
        let at = other as usize;
        if scratch.profiles[at] >= rules.min_support {
            let norm = match rules.norm {
                Norm::Both => (own * baskets.baskets_of(at).len() as f64).sqrt(),
                Norm::First => own,
            };
            row.push((other, f64::from(scratch.baskets[at]) / f64::from(PAIR) / norm));
        }
        (scratch.baskets[at], scratch.profiles[at], scratch.last[at]) = (0, 0, 0);
    }
    let popular = |item: u32| popularity.get(item as usize).copied().unwrap_or(0);
    row.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(popular(b.0).cmp(&popular(a.0))).then(a.0.cmp(&b.0)));
    row.truncate(rules.keep);
    row
}

/// Weights as codes of their shares of the list's greatest.
fn quantise(rows: impl Iterator<Item = Vec<(u32, f64)>>) -> NeighbourParts {
    let rows: Vec<Vec<(u32, f64)>> = rows.collect();
    let greatest = rows.iter().flatten().fold(0f64, |max, entry| max.max(entry.1));
    let mut parts = NeighbourParts { offsets: vec![0], ..Default::default() };
    for row in rows {
        for (item, weight) in row {
            parts.items.push(item);
            parts.weights.push(weight_code(weight / greatest));
        }
        parts.offsets.push(parts.items.len() as u32);
    }
    parts
}
