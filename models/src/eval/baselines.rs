//! The two baselines that every recommender has to beat, from the same histories and the same tables.

use crate::counts::Target;
use std::collections::{BTreeMap, BTreeSet};
use unisono_core::Model;
use unisono_message::Event;

const DAY_MS: f64 = 86_400_000.0;
/// Settings of the personal baseline, as the evaluation kit has them.
const TAU_DAYS: f64 = 60.0;
const FLAT: f64 = 0.1;
const BACK: f64 = 50.0;
const MIX: f64 = 0.05;
const TIE: f64 = 1e-6;

/// Popularity as a model holds it.
#[derive(Debug)]
pub struct Popular<'m> {
    model: &'m Model<'m>,
    recent_max: f64,
    all_max: f64,
}

impl<'m> Popular<'m> {
    /// Of a model.
    pub fn of(model: &'m Model<'m>) -> Self {
        let max = |values: &unisono_core::model::U32s<'_>| f64::from(values.iter().max().unwrap_or(0).max(1));
        Popular { model, recent_max: max(&model.popularity.recent), all_max: max(&model.popularity.all) }
    }

    /// Share of the most popular item's distinct profiles: (last 28 days, all days).
    fn shares(&self, id: &str) -> (f64, f64) {
        let Some(item) = self.model.items.ids.find(id) else { return (0.0, 0.0) };
        let figure = |values: &unisono_core::model::U32s<'_>| f64::from(values.get(item as usize).unwrap_or(0));
        let popularity = &self.model.popularity;
        (figure(&popularity.recent) / self.recent_max, figure(&popularity.all) / self.all_max)
    }
}

/// The `k` items of most distinct profiles in the last 28 days that are not in `barred`.
pub fn popular<'m>(popular: &Popular<'m>, barred: &BTreeSet<&str>, k: usize) -> Vec<&'m str> {
    let ids = popular.model.popularity.order.iter().map(|item| popular.model.items.ids.get(*item));
    ids.filter(|id| !barred.contains(id)).take(k).collect()
}

/// Personal frequency, recency and popularity: over the baskets that hold an item, the sum of exp(-days/60) + 0.1
/// exp(-baskets since/50), divided by the profile's greatest such sum, + 0.05 times the item's share of recent popularity,
/// + a millionth of its share of all popularity for ties.
pub fn personal<'e>(
    target: Target,
    history: &[Event<'e>],
    now_ms: i64,
    popularity: &Popular<'e>,
    barred: &BTreeSet<&str>,
    k: usize,
) -> Vec<&'e str> {
    let mut baskets: BTreeMap<&str, (i64, BTreeSet<&'e str>)> = BTreeMap::new();
    let mut days: BTreeMap<i64, (i64, BTreeSet<&'e str>)> = BTreeMap::new();
    for event in history.iter().filter(|event| target.takes(event.kind)) {
        let Some(item) = event.item_id else { continue };
        let basket = match event.order_id.or(event.session_id) {
            Some(key) => baskets.entry(key).or_insert((event.ts_ms, BTreeSet::new())),
            None => days.entry(event.day()).or_insert((event.ts_ms, BTreeSet::new())),
        };
        basket.0 = basket.0.min(event.ts_ms);
        basket.1.insert(item);
    }
    let mut newest: Vec<&(i64, BTreeSet<&str>)> = baskets.values().chain(days.values()).collect();
    newest.sort_by(|a, b| b.cmp(a));
    let mut sums: BTreeMap<&'e str, f64> = BTreeMap::new();
    for (back, (ts_ms, items)) in newest.into_iter().enumerate() {
        let age_days = (now_ms - ts_ms) as f64 / DAY_MS;
        let weight = (-age_days / TAU_DAYS).exp() + FLAT * (-(back as f64) / BACK).exp();
        items.iter().for_each(|item| *sums.entry(item).or_insert(0.0) += weight);
    }
    let greatest = sums.values().fold(0.0, |max: f64, sum| max.max(*sum));
    // Of the items that the profile does not hold, only the most popular can be among the first k.
    for id in popular(popularity, barred, k) {
        sums.entry(id).or_insert(0.0);
    }
    let score = |(id, sum): (&'e str, f64)| {
        let (recent, all) = popularity.shares(id);
        (sum / if greatest > 0.0 { greatest } else { 1.0 } + MIX * recent + TIE * all, id)
    };
    let mut ranked: Vec<(f64, &str)> = sums.into_iter().filter(|(id, _)| !barred.contains(id)).map(score).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    ranked.into_iter().take(k).map(|(_, id)| id).collect()
}
