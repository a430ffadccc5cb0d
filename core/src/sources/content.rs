//! Content: what is alike by category and brand, so that an item without history has neighbours and can be one.

use super::Sums;
use crate::model::Model;
use crate::order::first_of;
use alloc::vec::Vec;
use unisono_message::limits::{CONTENT_CATEGORIES_MAX, CONTENT_ITEMS_MAX, CONTENT_SEEDS_MAX};
use unisono_message::list::Listed;

/// What the same brand adds, in 4,096ths.
const SAME_BRAND: i64 = 512;

/// How alike an item is to the likest of the given ones: the levels that their categories have in common in 4,096ths of the
/// longer path's, and 512 for the same brand, which never outweighs a level.
#[inline]
pub fn likeness(model: &Model<'_>, seeds: &[u32], item: u32) -> i64 {
    let items = &model.items;
    let (category, brand) = (items.category_of(item), items.brand_of(item));
    let like = |seed: &u32| {
        let by_category = category.zip(items.category_of(*seed)).map_or(0, |(a, b)| model.by_category.shared(a, b));
        let same_brand = brand.is_some() && brand == items.brand_of(*seed);
        by_category + if same_brand { SAME_BRAND } else { 0 }
    };
    seeds.iter().take(CONTENT_SEEDS_MAX).map(like).max().unwrap_or(0)
}

/// The `count` other items of the given items' categories that are most alike, best first; ties by popularity, then index.
pub fn like(model: &Model<'_>, seeds: &[u32], count: usize) -> Vec<u32> {
    let mut categories: Vec<u16> = Vec::new();
    for category in seeds.iter().take(CONTENT_SEEDS_MAX).filter_map(|seed| model.items.category_of(*seed)) {
        if !categories.contains(&category) {
            categories.push(category);
        }
    }
    let found = items_of(model, &categories, CONTENT_ITEMS_MAX)
        .into_iter()
        .filter(|item| !seeds.iter().take(CONTENT_SEEDS_MAX).any(|seed| seed == item));
    let compared = found.map(|item| (likeness(model, seeds, item), model.popularity.of(Some(item)), item));
    let best = first_of(compared, count, |a, b| (b.0, b.1, a.2).cmp(&(a.0, a.1, b.2)));
    best.into_iter().map(|one| one.2).listed()
}

/// About `count` items of the categories in which a customer buys most.
pub fn of_strongest(model: &Model<'_>, categories: &Sums, count: usize) -> Vec<u32> {
    let strongest = first_of(categories.entries(), CONTENT_CATEGORIES_MAX, |a, b| (b.1, a.0).cmp(&(a.1, b.0)));
    let categories: Vec<u16> = strongest.into_iter().map(|entry| entry.0 as u16).listed();
    items_of(model, &categories, count)
}

/// Items of categories, `count` at most, as many of each: three in four from the most popular on, the others from the end,
/// where those without history stand.
fn items_of(model: &Model<'_>, categories: &[u16], count: usize) -> Vec<u32> {
    let each = count / categories.len().max(1);
    let mut out = Vec::new();
    for category in categories {
        let row = model.by_category.items_of(*category);
        let last = if row.len() > each { each / 4 } else { 0 };
        row.iter().take(each - last).copied().append_to(&mut out);
        row.iter().skip(row.len() - last).copied().append_to(&mut out);
    }
    out
}
