//! Baskets: what a profile took together, as rows of item indices. Everything else is counted from them.

use super::items::ItemIndex;
use crate::tables::{EventLog, NONE};
use unisono_message::EventType;

const DAY_MS: i64 = 86_400_000;

/// Which events are counted: the intent that a fit learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Purchases.
    Purchase,
    /// What was put into a cart.
    CartAdd,
    /// Views and clicks.
    View,
}

impl Target {
    /// Every target, the strongest intent first.
    pub const ALL: [Target; 3] = [Target::Purchase, Target::CartAdd, Target::View];

    /// Whether an event of this type counts.
    pub fn takes(self, kind: EventType) -> bool {
        match self {
            Target::Purchase => kind == EventType::Purchase,
            Target::CartAdd => kind == EventType::CartAdd,
            Target::View => matches!(kind, EventType::View | EventType::Click),
        }
    }

    /// The name in configurations and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Target::Purchase => "purchase",
            Target::CartAdd => "cart_add",
            Target::View => "view",
        }
    }

    /// The target of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Target::ALL.into_iter().find(|target| target.as_str() == name)
    }
}

/// What makes rows of one profile one basket: the order, else the session, else the UTC day.
pub(crate) fn basket_key(log: &EventLog, row: usize) -> (u8, i64) {
    let c = &log.columns;
    match (c.order[row], c.session[row]) {
        (order, _) if order != NONE => (0, order.into()),
        (_, session) if session != NONE => (1, session.into()),
        _ => (2, c.ts_ms[row].div_euclid(DAY_MS)),
    }
}

/// Baskets before a cut, in the order of profile, time and key.
#[derive(Debug, Default)]
pub(crate) struct Baskets {
    /// Start of each basket's items, and the end.
    pub(crate) offsets: Vec<u32>,
    /// Items of the model, ascending and each once within a basket.
    pub(crate) items: Vec<u32>,
    /// Beside `items`: the first and the last place of the item in its basket. Rows of one moment share a place.
    pub(crate) places: Vec<(u32, u32)>,
    /// The profile of each basket.
    pub(crate) profile: Vec<u32>,
    /// The time of its first row.
    pub(crate) ts_ms: Vec<i64>,
    /// Start of each item's baskets in `of_item`, and the end.
    pub(crate) item_offsets: Vec<u32>,
    /// Baskets of each item, ascending.
    pub(crate) of_item: Vec<u32>,
}

impl Baskets {
    /// The baskets of the target events before `until_ms`.
    pub(crate) fn collect(log: &EventLog, index: &ItemIndex, target: Target, until_ms: i64) -> Self {
        let mut baskets = Baskets { offsets: vec![0], ..Default::default() };
        // (key, time, item) of one profile at a time.
        let mut rows: Vec<((u8, i64), i64, u32)> = Vec::new();
        let mut found: Vec<(i64, (u8, i64), std::ops::Range<usize>)> = Vec::new();
        for profile in 0..log.profiles.len() as u32 {
            rows.clear();
            for row in log.rows_of(profile).take_while(|row| log.columns.ts_ms[*row] < until_ms) {
                let item = index.of_log(log.columns.item[row]);
                if target.takes(log.kind(row)) && item != NONE {
                    rows.push((basket_key(log, row), log.columns.ts_ms[row], item));
                }
            }
            rows.sort_unstable();
            found.clear();
            let mut start = 0;
            for same in rows.chunk_by(|a, b| a.0 == b.0) {
                // Rows of a basket are in order of time, so the first holds its time.
                found.push((same[0].1, same[0].0, start..start + same.len()));
                start += same.len();
            }
            found.sort_unstable_by_key(|basket| (basket.0, basket.1));
            for (ts_ms, _, range) in &found {
                baskets.push(profile, *ts_ms, &rows[range.clone()]);
            }
        }
        baskets.index_items(index.len());
        baskets
    }

    /// Adds one basket; `rows` are (key, time, item) in order of time.
    fn push(&mut self, profile: u32, ts_ms: i64, rows: &[((u8, i64), i64, u32)]) {
        let moments = rows.chunk_by(|a, b| a.1 == b.1).enumerate();
        let mut entries: Vec<(u32, u32)> =
            moments.flat_map(|(place, rows)| rows.iter().map(move |row| (row.2, place as u32))).collect();
        entries.sort_unstable();
        for same in entries.chunk_by(|a, b| a.0 == b.0) {
            self.items.push(same[0].0);
            self.places.push((same[0].1, same[same.len() - 1].1));
        }
        self.offsets.push(self.items.len() as u32);
        self.profile.push(profile);
        self.ts_ms.push(ts_ms);
    }

    fn index_items(&mut self, items: usize) {
        let mut offsets = vec![0u32; items + 1];
        for item in &self.items {
            offsets[*item as usize + 1] += 1;
        }
        for at in 0..items {
            offsets[at + 1] += offsets[at];
        }
        let mut next = offsets.clone();
        let mut of_item = vec![0u32; self.items.len()];
        for basket in 0..self.len() {
            for item in self.items_of(basket) {
                of_item[next[*item as usize] as usize] = basket as u32;
                next[*item as usize] += 1;
            }
        }
        (self.item_offsets, self.of_item) = (offsets, of_item);
    }

    /// Number of baskets.
    pub(crate) fn len(&self) -> usize {
        self.profile.len()
    }

    /// The items of a basket.
    pub(crate) fn items_of(&self, basket: usize) -> &[u32] {
        &self.items[self.offsets[basket] as usize..self.offsets[basket + 1] as usize]
    }

    /// The first and the last place of each item of a basket, beside [`Baskets::items_of`].
    pub(crate) fn places_of(&self, basket: usize) -> &[(u32, u32)] {
        &self.places[self.offsets[basket] as usize..self.offsets[basket + 1] as usize]
    }

    /// The baskets that hold an item, ascending, so the same profile's stand side by side.
    pub(crate) fn baskets_of(&self, item: usize) -> &[u32] {
        &self.of_item[self.item_offsets[item] as usize..self.item_offsets[item + 1] as usize]
    }
}
