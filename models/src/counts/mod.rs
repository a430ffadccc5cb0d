//! Counting: the sections of a model that rest on how many distinct profiles did something.
//!
//! Integers only, and merged in a fixed order, so the number of threads leaves no trace. Whatever rests on fewer than
//! `min_support` distinct profiles is left out.

mod baskets;
mod items;
mod neighbours;
mod offers;
mod popularity;
mod segments;
mod sessions;

pub use baskets::Target;

pub(crate) use baskets::basket_key;
pub(crate) use items::{ItemIndex, channel_mask, item_parts};
pub(crate) use popularity::category_repeat;

use crate::config::TableParams;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::tables::{Catalog, EventLog, Offers};
use baskets::Baskets;
use neighbours::{ListRules, Norm};
use popularity::PopularityRules;
use std::collections::{BTreeMap, BTreeSet};
use unisono_core::model::{Fact, ModelParts, NO_BRAND, NeighbourParts};
use unisono_message::limits;

/// The tables of a shop.
#[derive(Debug, Default)]
pub struct Tables {
    /// Events.
    pub log: EventLog,
    /// Products.
    pub catalog: Catalog,
    /// Offers.
    pub offers: Offers,
}

/// What a count needs to know besides the tables.
#[derive(Debug, Clone, Copy)]
pub struct CountRules<'p> {
    /// The settings.
    pub params: &'p TableParams,
    /// Fewest distinct profiles behind a figure.
    pub min_support: u32,
    /// Newest sessions kept; 0 where profiles can be found again, because a session rests on one.
    pub sessions: usize,
    /// Whether the undirected list is counted.
    pub undirected: bool,
    /// Which events are counted.
    pub target: Target,
    /// Only events before this moment, in Unix milliseconds.
    pub until_ms: i64,
    /// Threads, 1 or more.
    pub threads: usize,
}

/// Counts everything but the blend: items, popularity, neighbours and offers, from events before `rules.until_ms`.
///
/// # Errors
/// More channels, categories, items or offers than a model holds.
pub fn count(tables: &Tables, rules: CountRules<'_>, progress: &Progress) -> Result<ModelParts> {
    let Tables { log, catalog, offers } = tables;
    let channels = channels(tables, rules.until_ms)?;
    let catalog = &*catalog.closed(log);
    let index = ItemIndex::build(log, catalog, rules.target, rules.min_support, rules.until_ms);
    let baskets = Baskets::collect(log, &index, rules.target, rules.until_ms);
    let popularity_rules = PopularityRules {
        min_support: rules.min_support,
        until_ms: rules.until_ms,
        per_channel: rules.params.channel_items,
    };
    let popularity = popularity::popularity(log, &index, &baskets, rules.target, &channels, popularity_rules);
    let (min_support, keep, threads) = (rules.min_support, rules.params.neighbours, rules.threads);
    let list = ListRules { min_support, keep, threads, norm: Norm::Both };
    let bar = progress.bar("counting neighbours", 2 * index.len() as u64);
    let done = |items: u64| bar.inc(items);
    let sessions = sessions::sessions(log, &baskets, rules.sessions, rules.until_ms);
    let bought = match rules.undirected {
        true => neighbours::together(&baskets, &popularity.all, list, &done),
        false => NeighbourParts::default(),
    };
    let next_items = match rules.target {
        Target::Purchase => neighbours::next(&baskets, &popularity.all, rules.params.next_days, list, &done),
        Target::CartAdd | Target::View => {
            let list = ListRules { norm: Norm::First, ..list };
            neighbours::next_in_session(&baskets, &popularity.all, list, &done)
        }
    };
    bar.finish();
    let mut items = items::item_parts(&index, catalog, &channels, &BTreeSet::new())?;
    let brands: BTreeSet<u32> = items.brand.iter().copied().filter(|brand| *brand != NO_BRAND).collect();
    if brands.len() > rules.params.brands_max {
        items.brand.clear();
    }
    items.category_repeat = popularity::category_repeat(&items, &popularity);
    let offers = offers::offer_parts(log, offers, &index, &items, &channels, rules.min_support, rules.until_ms)?;
    let mut parts = ModelParts {
        currency: commonest_currency(log, rules.until_ms),
        channels,
        min_support: rules.min_support,
        history_items: rules.params.history_items,
        candidates_per_source: rules.params.candidates_per_source,
        items,
        popularity,
        bought,
        next_items,
        sessions,
        offers,
        ..ModelParts::default()
    };
    let (segments, words) = segments::segments(log, &parts, rules)?;
    parts.segments = segments;
    parts
        .data
        .extend((0..).zip(words).map(|(at, words): (usize, String)| (format!("segment.{at}"), Fact::Text(words))));
    Ok(parts)
}

/// Every channel that events before `until_ms`, catalog or offers name, ascending.
fn channels(tables: &Tables, until_ms: i64) -> Result<Vec<String>> {
    let log = &tables.log;
    let mut seen = vec![false; log.channels.len()];
    before(log, until_ms).for_each(|row| seen[usize::from(log.columns.channel[row])] = true);
    let mut names: BTreeSet<String> =
        log.channels.iter().zip(seen).filter(|(_, seen)| *seen).map(|(name, _)| name.to_owned()).collect();
    names.extend(tables.catalog.items.values().flat_map(|item| item.channels.iter().cloned()));
    names.extend(tables.offers.offers.values().flat_map(|(offer, _)| offer.channels.iter().cloned()));
    if names.len() > limits::MODEL_CHANNELS_MAX {
        let found = names.len();
        return Err(Error::config("channels", format!("are {found}; a model holds {}", limits::MODEL_CHANNELS_MAX)));
    }
    Ok(names.into_iter().collect())
}

/// The currency of most events before `until_ms`, the first by name where several are equally common.
fn commonest_currency(log: &EventLog, until_ms: i64) -> Option<String> {
    let mut counts: BTreeMap<u16, u64> = BTreeMap::new();
    let currencies = before(log, until_ms).map(|row| log.columns.currency[row]);
    for currency in currencies.filter(|currency| *currency != u16::MAX) {
        *counts.entry(currency).or_default() += 1;
    }
    let commonest = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)))?;
    Some(log.currencies.get(commonest.0.into()).to_owned())
}

/// The rows before a moment.
fn before(log: &EventLog, until_ms: i64) -> impl Iterator<Item = usize> {
    (0..log.len()).filter(move |row| log.columns.ts_ms[*row] < until_ms)
}
