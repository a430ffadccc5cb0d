//! Measures of one list beyond its hits: repeats, novelty, popularity, revenue; and all of them as one row per case.

use super::metrics::rank_metrics;
use super::outcome::{K, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use unisono_core::Model;

/// The measures of a list, in the order of [`row`]. Means over cases; a case that has no value does not count.
pub const MEASURES: [&str; 10] = [
    "recall@20",
    "ndcg@20",
    "hit@20",
    "mrr@20",
    "map@20",
    "revenue_recall@20",
    "repeats",
    "novelty_bits",
    "popularity",
    "popularity_bias",
];

/// What the measures weigh items with.
#[derive(Debug)]
pub struct Weights<'m> {
    model: &'m Model<'m>,
    /// Distinct profiles that the model's figures rest on.
    profiles: f64,
    prices: BTreeMap<String, f64>,
}

impl<'m> Weights<'m> {
    /// Of a model fitted on `profiles` distinct profiles, with an item's mean unit price.
    pub fn new(model: &'m Model<'m>, profiles: u64, prices: BTreeMap<String, f64>) -> Self {
        Weights { model, profiles: profiles.max(1) as f64, prices }
    }

    /// Share of all profiles that took an item; one profile where the model holds no figure, because the floor hides it.
    fn share(&self, id: &str) -> f64 {
        let figure = self.model.items.ids.find(id).and_then(|item| self.model.popularity.all.get(item as usize));
        (f64::from(figure.unwrap_or(0).max(1)) / self.profiles).min(1.0)
    }
}

/// The measures of one list of a case:
/// - the rank metrics, as [`rank_metrics`] defines them;
/// - revenue-weighted recall: sum of the prices of the true items among the first 20 / sum of the prices of all true items;
/// - share of repeats: items of the list that the history holds / items of the list;
/// - novelty: mean of -log2 p(i) over the list, p(i) the share of profiles that took the item (mean self-information, Zhou et
///   al., 2010; Castells, Hurley and Vargas, 2015);
/// - popularity: mean of p(i) over the list (average recommendation popularity, Yin et al., 2012);
/// - popularity bias: that mean less the same mean over the true items (the lift of Abdollahpouri et al., 2019, as a difference).
pub fn row(outcome: &Outcome, list: &[String], weights: &Weights<'_>) -> [f64; MEASURES.len()] {
    let truth: BTreeSet<&str> = outcome.truth.iter().map(String::as_str).collect();
    let mut seen = BTreeSet::new();
    let list: Vec<&str> = list.iter().map(String::as_str).filter(|id| seen.insert(*id)).take(K).collect();
    let ranked = rank_metrics(list.iter().copied(), &truth, K);
    let price = |id: &&&str| weights.prices.get(**id).copied().unwrap_or(0.0);
    let found = list.iter().filter(|id| truth.contains(**id));
    // 0 / 0 is NaN: no value.
    let revenue = found.map(|id| price(&id)).sum::<f64>() / truth.iter().map(|id| price(&id)).sum::<f64>();
    let repeats = list.iter().filter(|id| outcome.own.contains(**id)).count() as f64 / list.len() as f64;
    let popularity = mean(list.iter().map(|id| weights.share(id)));
    [
        ranked.recall,
        ranked.ndcg,
        ranked.hit,
        ranked.mrr,
        ranked.map,
        revenue,
        repeats,
        mean(list.iter().map(|id| -weights.share(id).log2())),
        popularity,
        popularity - mean(truth.iter().map(|id| weights.share(id))),
    ]
}

/// The mean, or NaN of nothing.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Share of the model's items that stand on at least one list (catalog coverage, Ge, Delgado-Battenfeld and Jannach, 2010).
pub fn coverage<'l>(lists: impl Iterator<Item = &'l Vec<String>>, model: &Model<'_>) -> f64 {
    let known = |id: &&String| model.items.ids.find(id).is_some();
    let distinct: BTreeSet<&String> = lists.flat_map(|list| list.iter().take(K)).filter(known).collect();
    distinct.len() as f64 / f64::from(model.items_len.max(1))
}
