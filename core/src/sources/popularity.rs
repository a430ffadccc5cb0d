//! Popularity: what many customers buy at present, over all channels and in this one.

use super::sums::{ListSums, Sums};
use crate::model::Model;

/// The `count` most popular items of the last 28 days.
pub fn recent<'m>(model: &'m Model<'_>, count: usize) -> &'m [u32] {
    let order = &model.popularity.order;
    order.get(..count).unwrap_or(order)
}

/// Distinct profiles per item of the channel's list; empty for a channel that the model does not know.
pub fn in_channel(model: &Model<'_>, channel: Option<u32>) -> Sums {
    let mut counts = Sums::default();
    for (item, count) in channel.into_iter().flat_map(|channel| model.popularity.in_channel(channel)) {
        counts.add(item, i64::from(count));
    }
    counts
}

/// Distinct profiles per item of a segment's list; empty without a segment.
pub fn in_segment(model: &Model<'_>, segment: Option<u32>) -> ListSums {
    let mut counts = ListSums::default();
    for (item, count) in segment.into_iter().flat_map(|segment| model.segments.popular(segment)) {
        counts.sums.add(item, i64::from(count));
        counts.best = counts.best.max(i64::from(count));
    }
    counts
}
