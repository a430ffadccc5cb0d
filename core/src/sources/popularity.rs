//! Popularity: what many customers buy at present, over all channels, in this one and in a segment.

use super::sums::ListSums;
use crate::model::{Model, PopularLists};

/// The `count` most popular items of the last 28 days.
pub fn recent<'m>(model: &'m Model<'_>, count: usize) -> &'m [u32] {
    let order = &model.popularity.order;
    order.get(..count).unwrap_or(order)
}

/// Distinct profiles per item of a row of these lists; empty without a row.
pub fn of_row(lists: &PopularLists<'_>, row: Option<u32>) -> ListSums {
    let mut counts = ListSums::default();
    for (item, count) in row.into_iter().flat_map(|row| lists.of(row)) {
        counts.sums.add(item, i64::from(count));
        counts.best = counts.best.max(i64::from(count));
    }
    counts
}
