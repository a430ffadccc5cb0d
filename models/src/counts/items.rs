//! The items of a model: the whole catalog, and those of the log that enough profiles share.

use super::baskets::Target;
use crate::error::{Error, Result};
use crate::tables::{Catalog, EventLog, Ids, NONE};
use std::collections::BTreeSet;
use unisono_core::model::{FLAG_RESTRICTED, FLAG_SENSITIVE, FLAG_UNLISTED, ItemParts, NO_BRAND, NO_CATEGORY, NO_GROUP};
use unisono_message::limits;

/// Item ids of a model, and where the log's items stand among them.
#[derive(Debug)]
pub(crate) struct ItemIndex {
    pub(crate) ids: Ids,
    of_log: Vec<u32>,
}

impl ItemIndex {
    /// All items of the catalog, and those that at least `min_support` profiles took before `until_ms`.
    pub(crate) fn build(log: &EventLog, catalog: &Catalog, target: Target, min_support: u32, until_ms: i64) -> Self {
        let mut support = vec![0u32; log.items.len()];
        let mut last = vec![NONE; log.items.len()];
        for profile in 0..log.profiles.len() as u32 {
            for row in log.rows_of(profile).take_while(|row| log.columns.ts_ms[*row] < until_ms) {
                let item = log.columns.item[row] as usize;
                if target.takes(log.kind(row)) && item != NONE as usize && last[item] != profile {
                    last[item] = profile;
                    support[item] += 1;
                }
            }
        }
        let shared = (0..log.items.len() as u32).filter(|item| support[*item as usize] >= min_support.max(1));
        let ids =
            Ids::from_texts(catalog.items.keys().map(String::as_str).chain(shared.map(|item| log.items.get(item))));
        let of_log = log.items.iter().map(|id| ids.find(id).unwrap_or(NONE)).collect();
        ItemIndex { ids, of_log }
    }

    /// The index of these ids, without a log.
    pub(crate) fn of(ids: Ids) -> Self {
        ItemIndex { ids, of_log: Vec::new() }
    }

    /// The model's index of an item of the log; `NONE` where it has none.
    pub(crate) fn of_log(&self, item: u32) -> u32 {
        self.of_log.get(item as usize).copied().unwrap_or(NONE)
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }
}

/// Bit mask of `channels` (sorted, of the shop) among `known`; all bits when there is none.
pub(crate) fn channel_mask(channels: &[String], known: &[String]) -> u32 {
    if channels.is_empty() {
        return u32::MAX;
    }
    let bits = known.iter().enumerate().filter(|(_, name)| channels.contains(name));
    bits.fold(0, |mask, (bit, _)| mask | 1 << bit)
}

/// The catalog section, private columns left out. `paths` are categories that it holds besides those of its products.
pub(crate) fn item_parts(
    index: &ItemIndex,
    catalog: &Catalog,
    channels: &[String],
    paths: &BTreeSet<&str>,
) -> Result<ItemParts> {
    let known = |id: &str| catalog.items.get(id);
    let of_items = catalog.items.values().map(|item| item.category.as_str()).filter(|c| !c.is_empty());
    let paths: BTreeSet<&str> = of_items.chain(paths.iter().copied()).collect();
    let categories: Vec<&str> = paths.into_iter().collect();
    if categories.len() > limits::MODEL_CATEGORIES_MAX || index.len() > limits::MODEL_ITEMS_MAX {
        let (kinds, items) = (limits::MODEL_CATEGORIES_MAX, limits::MODEL_ITEMS_MAX);
        let found = format!("{} categories and {} items", categories.len(), index.len());
        return Err(Error::config("catalog", format!("has {found}; a model holds {kinds} and {items}")));
    }
    let groups: BTreeSet<&str> = catalog.items.values().filter_map(|item| item.group_id.as_deref()).collect();
    let groups: Vec<&str> = groups.into_iter().collect();
    let brands: BTreeSet<&str> = catalog.items.values().filter_map(|item| item.brand.as_deref()).collect();
    let brands: Vec<&str> = brands.into_iter().collect();
    let mut parts =
        ItemParts { categories: categories.iter().map(|c| (*c).to_owned()).collect(), ..Default::default() };
    for id in index.ids.iter() {
        let item = known(id);
        let category = item.and_then(|item| categories.binary_search(&item.category.as_str()).ok());
        let group = item.and_then(|item| groups.binary_search(&item.group_id.as_deref()?).ok());
        let brand = item.and_then(|item| brands.binary_search(&item.brand.as_deref()?).ok());
        let flag = |bit: u8, set: fn(&crate::tables::Item) -> bool| if item.is_some_and(set) { bit } else { 0 };
        parts.ids.push(id.to_owned());
        parts.category.push(category.map_or(NO_CATEGORY, |at| at as u16));
        parts.flags.push(
            flag(FLAG_SENSITIVE, |item| item.sensitive)
                | flag(FLAG_RESTRICTED, |item| item.restricted)
                | if item.is_none() { FLAG_UNLISTED } else { 0 },
        );
        parts.channels.push(item.map_or(u32::MAX, |item| channel_mask(&item.channels, channels)));
        parts.available_from_ms.push(item.and_then(|item| item.available_from_ms).unwrap_or(i64::MIN));
        parts.unavailable_from_ms.push(item.and_then(|item| item.unavailable_from_ms).unwrap_or(i64::MAX));
        parts.group.push(group.map_or(NO_GROUP, |at| at as u32));
        parts.brand.push(brand.map_or(NO_BRAND, |at| at as u32));
    }
    // What says nothing takes no room in the file.
    clear_if(&mut parts.channels, u32::MAX);
    clear_if(&mut parts.available_from_ms, i64::MIN);
    clear_if(&mut parts.unavailable_from_ms, i64::MAX);
    clear_if(&mut parts.group, NO_GROUP);
    clear_if(&mut parts.brand, NO_BRAND);
    Ok(parts)
}

fn clear_if<T: PartialEq>(values: &mut Vec<T>, silent: T) {
    if values.iter().all(|value| *value == silent) {
        values.clear();
    }
}
