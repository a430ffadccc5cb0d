//! Segments: groups of customers who buy alike, found by k-means in training. A customer belongs to the nearest centre.

use crate::history::History;
use crate::model::{Model, PopularLists, U16s};
use crate::profile::Profile;
use alloc::vec;
use alloc::vec::Vec;
use unisono_message::EventType;
use unisono_message::limits::SPEND_MICRO_MAX;

/// Dimensions before those of the channels: recency, frequency, order size, price.
pub const MEASURES: usize = 4;
/// A category in no group.
pub const NO_SEGMENT_GROUP: u8 = u8::MAX;

/// The segments of a model. Dimensions are [`MEASURES`], then a share per channel, then a share per group of categories.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segments<'a> {
    /// (dimensions) What a squared difference counts; empty where the model has no segments.
    pub weights: U16s<'a>,
    /// (segments x dimensions)
    pub centers: U16s<'a>,
    /// (categories) Each one's group, or [`NO_SEGMENT_GROUP`].
    pub groups: &'a [u8],
    /// A row per segment.
    pub popular: PopularLists<'a>,
}

impl Segments<'_> {
    /// The segment whose centre is nearest by the weighted sum of squared differences, of equals the first; none where
    /// the model has none.
    pub fn nearest(&self, coordinates: &[i64]) -> Option<u32> {
        let dimensions = self.weights.len();
        let distance = |segment: usize| {
            let center = self.centers.slice(segment * dimensions, (segment + 1) * dimensions);
            let weighted = self.weights.iter().zip(center.iter().zip(coordinates));
            weighted.fold(0i64, |sum, (weight, (center, own))| {
                let difference = own - i64::from(center);
                sum + i64::from(weight) * difference * difference
            })
        };
        (0..self.popular.rows.len()).min_by_key(|segment| distance(*segment)).map(|segment| segment as u32)
    }
}

/// Where a customer stands, (dimensions): in 64ths of log2(1 + x) the days since the last purchase day, the purchase days,
/// the distinct items a purchase day in 16ths, the mean unit price in hundredths; then in 1,000ths the shares of each
/// channel in the purchases, and of each group in the purchase days of items.
pub fn coordinates(model: &Model<'_>, profile: &Profile<'_>, history: &History<'_>) -> Vec<i64> {
    let mut out = vec![0i64; model.segments.weights.len()];
    let mut add = |dimension: usize, value: i64| {
        if let Some(slot) = out.get_mut(dimension) {
            *slot += value;
        }
    };
    let (mut spend, mut priced) = (0i64, 0i64);
    for event in profile.events().iter().filter(|event| event.kind == EventType::Purchase) {
        if let Some(price) = event.price_micro.filter(|_| event.currency.is_none() || event.currency == model.currency)
        {
            spend += price.min(SPEND_MICRO_MAX);
            priced += 1;
        }
    }
    let visits = i64::from(history.visits);
    add(0, log2_64(history.days_since_visit));
    add(1, log2_64(visits));
    add(2, log2_64(i64::from(history.item_days) * 16 / visits.max(1)));
    add(3, log2_64(spend / priced.max(1) / 10_000));
    let bought = || profile.marks().iter().filter(|mark| mark.kind == EventType::Purchase);
    let marks = bought().count().max(1) as i64;
    let mut in_channel = vec![0i64; model.channels.len()];
    for channel in bought().filter_map(|mark| model.channel(mark.channel)) {
        if let Some(count) = in_channel.get_mut(channel as usize) {
            *count += 1;
        }
    }
    for (channel, count) in in_channel.iter().enumerate() {
        add(MEASURES + channel, count * 1000 / marks);
    }
    for own in &history.items {
        let category = own.item.and_then(|item| model.items.category_of(item));
        let group = category.and_then(|category| model.segments.groups.get(usize::from(category)));
        if let Some(group) = group.filter(|group| **group != NO_SEGMENT_GROUP) {
            add(MEASURES + model.channels.len() + usize::from(*group), i64::from(own.days));
        }
    }
    for share in out.iter_mut().skip(MEASURES + model.channels.len()) {
        *share = *share * 1000 / i64::from(history.item_days).max(1);
    }
    out
}

/// 64ths of log2(1 + x), straight between powers of two; 0 below 0.
fn log2_64(x: i64) -> i64 {
    let above = x.clamp(0, 1 << 40) as u64 + 1;
    let whole = u64::BITS - 1 - above.leading_zeros();
    i64::from(whole) * 64 + ((above << 6) >> whole) as i64 - 64
}
