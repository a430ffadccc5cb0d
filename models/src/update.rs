//! A new catalog for a model between two fits: products come, go and change; what was counted and learned stays.

use crate::counts::{ItemIndex, category_repeat, channel_mask, item_parts};
use crate::error::{Error, Result};
use crate::fit::hex;
use crate::opened::opened;
use crate::tables::{Catalog, Ids, Item};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use unisono_core::Model;
use unisono_core::model::{
    FLAG_RESTRICTED, FLAG_SENSITIVE, FLAG_UNLISTED, Fact, ItemParts, ModelParts, NO_BRAND, NO_CATEGORY, NO_GROUP,
    NeighbourParts, SegmentParts, encode, is_below,
};
use unisono_core::segments::{MEASURES, NO_SEGMENT_GROUP};
use unisono_message::limits;

/// From when on a product that is gone is unavailable: always.
const GONE_MS: i64 = limits::TIME_MS_MIN;

/// A model file with its new catalog, and what became of the products.
#[derive(Debug)]
pub struct Updated {
    /// The file.
    pub file: Vec<u8>,
    /// What changed.
    pub report: UpdateReport,
}

/// What a new catalog changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UpdateReport {
    /// Items of the model.
    pub items: usize,
    /// Products that the model did not hold.
    pub new: usize,
    /// Products that the catalog no longer holds; they stay in the model, unavailable.
    pub gone: usize,
    /// Products of which something that decides has changed: category, brand, group, channels, times or gates.
    pub changed: usize,
    /// Products of which nothing has.
    pub unchanged: usize,
    /// SHA-256 of the file's root, in hexadecimal.
    pub model_id: String,
    /// Bytes of the file.
    pub bytes: usize,
}

/// Puts a catalog into a model file. A product that is new has no figures and is found by its category; one that is gone
/// stays, unavailable, since an item that a model does not know may be shown to those who bought it. Figures, neighbours,
/// trees and calibrations stay; so do the items of offers. The catalog of the fit gives the same bytes.
///
/// # Errors
/// What core says of the model file, `not_enough_data` for a catalog without products, and `bad_config` for more channels,
/// categories or items than a model holds.
pub fn update(file: &[u8], catalog: &Catalog) -> Result<Updated> {
    let old = opened(file)?;
    if catalog.items.is_empty() {
        return Err(Error::NotEnoughData { reason: "the catalog table has no row that can be used".into() });
    }
    let channels = channels_of(&old, catalog)?;
    let catalog_sha256 = hex(&catalog.fingerprint());
    let mut catalog = catalog.closed_among(old.items.ids.iter().map(String::as_str));
    let listed: BTreeSet<String> = catalog.items.keys().cloned().collect();
    let names = Names::of(&old.items, &catalog);
    for (at, id) in old.items.ids.iter().enumerate() {
        if old.items.flags[at] & FLAG_UNLISTED == 0 && !listed.contains(id) {
            catalog.items.insert(id.clone(), gone_item(&old, at, &names));
        }
    }
    let ids = old.items.ids.iter().chain(catalog.items.keys()).map(String::as_str);
    let index = ItemIndex::of(Ids::from_texts(ids));
    let place: Vec<u32> = old.items.ids.iter().filter_map(|id| index.ids.find(id)).collect();
    let of_offers = old.offers.iter().filter_map(|offer| path(&old.items, offer.category));
    let mut items = item_parts(&index, &catalog, &channels, &of_offers.collect())?;
    let brands_max = old.config.iter().find_map(|(name, fact)| match fact {
        Fact::Int(value) if name == "tables.brands_max" => usize::try_from(*value).ok(),
        _ => None,
    });
    let brands: BTreeSet<u32> = items.brand.iter().copied().filter(|brand| *brand != NO_BRAND).collect();
    if old.items.brand.is_empty() || brands_max.is_some_and(|max| brands.len() > max) {
        // Nothing was learned of brands, or there are more than the fit would hold.
        items.brand.clear();
    }
    let mut report = compare(&old, &items, &channels, &place, &listed);
    let mut parts = moved(&old, items, channels, &place);
    for (name, fact) in &mut parts.data {
        if name == "catalog_sha256" {
            *fact = Fact::Text(catalog_sha256.clone());
        }
    }
    let file = encode(&parts).map_err(Error::from_core)?;
    report.model_id = hex(&Model::load(&file).map_err(Error::from_core)?.model_id);
    report.bytes = file.len();
    Ok(Updated { file, report })
}

/// The model's channels and those that the catalog names besides.
fn channels_of(old: &ModelParts, catalog: &Catalog) -> Result<Vec<String>> {
    let mut names: BTreeSet<String> = old.channels.iter().cloned().collect();
    names.extend(catalog.items.values().flat_map(|item| item.channels.iter().cloned()));
    if names.len() > limits::MODEL_CHANNELS_MAX {
        let found = names.len();
        return Err(Error::config("channels", format!("are {found}; a model holds {}", limits::MODEL_CHANNELS_MAX)));
    }
    Ok(names.into_iter().collect())
}

fn path(items: &ItemParts, category: u16) -> Option<&str> {
    items.categories.get(usize::from(category)).map(String::as_str)
}

/// The value of an optional array, none where it says nothing.
fn said<T: Copy + PartialEq>(values: &[T], at: usize, silent: T) -> Option<T> {
    values.get(at).copied().filter(|value| *value != silent)
}

/// Names for the numbers of brands and groups, which a model keeps without them: that of a product which is still sold, or
/// else one after all others.
struct Names {
    brands: BTreeMap<u32, String>,
    groups: BTreeMap<u32, String>,
}

impl Names {
    fn of(old: &ItemParts, catalog: &Catalog) -> Self {
        let named = |numbers: &[u32], silent: u32, name: fn(&Item) -> Option<&String>| {
            let mut names = BTreeMap::new();
            for (at, id) in old.ids.iter().enumerate() {
                if let (Some(number), Some(item)) = (said(numbers, at, silent), catalog.items.get(id)) {
                    names.entry(number).or_insert_with(|| name(item).cloned());
                }
            }
            let last = numbers.iter().filter(|number| **number != silent).map(|number| (*number, None));
            last.for_each(|(number, none)| {
                names.entry(number).or_insert(none);
            });
            let after = |number: u32| format!("\u{10ffff}{number:010}");
            names.into_iter().map(|(number, name)| (number, name.unwrap_or_else(|| after(number)))).collect()
        };
        Names {
            brands: named(&old.brand, NO_BRAND, |item| item.brand.as_ref()),
            groups: named(&old.group, NO_GROUP, |item| item.group_id.as_ref()),
        }
    }
}

/// A product that the catalog no longer holds, as the model knew it, and unavailable.
fn gone_item(old: &ModelParts, at: usize, names: &Names) -> Item {
    let items = &old.items;
    let number = |numbers: &[u32], silent: u32, names: &BTreeMap<u32, String>| {
        said(numbers, at, silent).and_then(|number| names.get(&number).cloned())
    };
    Item {
        category: path(items, items.category[at]).unwrap_or_default().to_owned(),
        brand: number(&items.brand, NO_BRAND, &names.brands),
        group_id: number(&items.group, NO_GROUP, &names.groups),
        channels: sold_in(old, at).into_iter().flatten().cloned().collect(),
        available_from_ms: said(&items.available_from_ms, at, i64::MIN),
        unavailable_from_ms: Some(GONE_MS),
        restricted: items.flags[at] & FLAG_RESTRICTED != 0,
        sensitive: items.flags[at] & FLAG_SENSITIVE != 0,
        ..Item::default()
    }
}

/// The names of the channels in which an item is sold; none for all.
fn sold_in(parts: &ModelParts, at: usize) -> Option<Vec<&String>> {
    said(&parts.items.channels, at, u32::MAX).map(|mask| named_by(mask, &parts.channels))
}

fn named_by(mask: u32, channels: &[String]) -> Vec<&String> {
    channels.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 != 0).map(|(_, name)| name).collect()
}

/// What became of each product.
fn compare(
    old: &ModelParts,
    items: &ItemParts,
    channels: &[String],
    place: &[u32],
    listed: &BTreeSet<String>,
) -> UpdateReport {
    let mut report = UpdateReport { items: items.ids.len(), ..UpdateReport::default() };
    report.new = listed.iter().filter(|id| old.items.ids.binary_search(id).is_err()).count();
    // Numbers of brands and groups are others; the same ones must stay together.
    let (mut brands, mut groups) = (BTreeMap::new(), BTreeMap::new());
    for (at, id) in old.items.ids.iter().enumerate() {
        let now = place[at] as usize;
        let stays = |numbers: &mut BTreeMap<Option<u32>, Option<u32>>, before, after| {
            *numbers.entry(before).or_insert(after) == after
        };
        let same_brand = stays(&mut brands, said(&old.items.brand, at, NO_BRAND), said(&items.brand, now, NO_BRAND));
        let same_group = stays(&mut groups, said(&old.items.group, at, NO_GROUP), said(&items.group, now, NO_GROUP));
        let times = |items: &ItemParts, at: usize| {
            let from = said(&items.available_from_ms, at, i64::MIN);
            (from, said(&items.unavailable_from_ms, at, i64::MAX))
        };
        if !listed.contains(id) {
            report.gone += usize::from(times(&old.items, at) != times(items, now));
            continue;
        }
        let same = same_brand
            && same_group
            && path(&old.items, old.items.category[at]) == path(items, items.category[now])
            && old.items.flags[at] == items.flags[now]
            && times(&old.items, at) == times(items, now)
            && sold_in(old, at) == said(&items.channels, now, u32::MAX).map(|mask| named_by(mask, channels));
        *(if same { &mut report.unchanged } else { &mut report.changed }) += 1;
    }
    report
}

/// Everything that was counted, by the new numbers of items, categories and channels.
fn moved(old: &ModelParts, items: ItemParts, channels: Vec<String>, place: &[u32]) -> ModelParts {
    let count = items.ids.len();
    let mut parts = old.clone();
    let spread = |figures: &[u32]| spread(figures, count, place);
    parts.popularity.all = spread(&old.popularity.all);
    parts.popularity.recent = spread(&old.popularity.recent);
    parts.popularity.week = spread(&old.popularity.week);
    parts.popularity.repeat = self::spread(&old.popularity.repeat, count, place);
    parts.popularity.channels = channels
        .iter()
        .map(|name| {
            let row = old.channels.binary_search(name).ok().and_then(|at| old.popularity.channels.get(at));
            row.into_iter().flatten().map(|(item, count)| (place[*item as usize], *count)).collect()
        })
        .collect();
    parts.bought = moved_rows(&old.bought, count, place);
    parts.next_items = moved_rows(&old.next_items, count, place);
    parts.segments = moved_segments(old, &items, &channels, place);
    for session in &mut parts.sessions {
        session.iter_mut().for_each(|item| *item = place[*item as usize]);
    }
    for offer in &mut parts.offers {
        offer.items.iter_mut().for_each(|item| *item = place[*item as usize]);
        let category = path(&old.items, offer.category)
            .and_then(|path| items.categories.binary_search_by(|own| own.as_str().cmp(path)).ok());
        offer.category = category.map_or(NO_CATEGORY, |at| at as u16);
        if offer.channels != u32::MAX {
            let names: Vec<String> = named_by(offer.channels, &old.channels).into_iter().cloned().collect();
            offer.channels = if names.is_empty() { 0 } else { channel_mask(&names, &channels) };
        }
    }
    (parts.items, parts.channels) = (items, channels);
    parts.items.category_repeat = category_repeat(&parts.items, &parts.popularity);
    parts
}

/// Segments by the new numbers. A channel that is new gets a dimension that counts nothing, a category that is new the
/// group of its nearest relative.
fn moved_segments(old: &ModelParts, items: &ItemParts, channels: &[String], place: &[u32]) -> SegmentParts {
    let mut out = old.segments.clone();
    if out.weights.is_empty() {
        return out;
    }
    let moved = |row: &[u16]| -> Vec<u16> {
        let (measures, rest) = row.split_at(MEASURES);
        let (of_channels, of_groups) = rest.split_at(old.channels.len());
        let of_channel = |name: &String| old.channels.binary_search(name).map_or(0, |at| of_channels[at]);
        measures.iter().copied().chain(channels.iter().map(of_channel)).chain(of_groups.iter().copied()).collect()
    };
    out.weights = moved(&old.segments.weights);
    out.centers = old.segments.centers.iter().map(|center| moved(center)).collect();
    let group = |path: &String| {
        let outer = std::iter::successors(Some(path.as_str()), |path| path.rsplit_once('/').map(|pair| pair.0));
        // Only where all that lies below one path is of one group: what was split says nothing of a new part.
        let related = |outer: &str| -> Option<Option<u8>> {
            let below = (0..).zip(&old.items.categories).filter(|(_, own)| is_below(own, outer));
            let mut groups = below.map(|(at, _): (usize, &String)| old.segments.groups[at]);
            let first = groups.next()?;
            Some(groups.all(|group| group == first).then_some(first))
        };
        let exact = old.items.categories.binary_search(path).ok();
        let inherited = || outer.filter_map(related).next().flatten();
        exact.map(|at| old.segments.groups[at]).or_else(inherited).unwrap_or(NO_SEGMENT_GROUP)
    };
    out.groups = items.categories.iter().map(group).collect();
    out.popular.iter_mut().flatten().for_each(|(item, _)| *item = place[*item as usize]);
    out
}

/// Figures by the new numbers of items; new items have none.
fn spread<T: Copy + Default>(figures: &[T], count: usize, place: &[u32]) -> Vec<T> {
    let mut out = vec![T::default(); count];
    for (figure, at) in figures.iter().zip(place) {
        out[*at as usize] = *figure;
    }
    out
}

fn moved_rows(list: &NeighbourParts, count: usize, place: &[u32]) -> NeighbourParts {
    let mut lengths = vec![0u32; count];
    for (row, at) in list.offsets.windows(2).zip(place) {
        lengths[*at as usize] = row[1] - row[0];
    }
    // New numbers rise with the old ones, so that the rows stay in their order.
    let mut end = 0;
    let ends = lengths.into_iter().map(|length| {
        end += length;
        end
    });
    NeighbourParts {
        offsets: std::iter::once(0).chain(ends).collect(),
        items: list.items.iter().map(|item| place[*item as usize]).collect(),
        weights: list.weights.clone(),
    }
}
