//! Popularity as numbers of distinct profiles, and 0 wherever fewer than the floor stand behind it.

use super::baskets::{Baskets, Target};
use super::items::ItemIndex;
use crate::tables::{EventLog, NONE};
use unisono_core::model::{ItemParts, PopularityParts};

const DAY_MS: i64 = 86_400_000;
/// Days of "recent".
const RECENT_DAYS: i64 = 28;
/// Days of "week".
const WEEK_DAYS: i64 = 7;

/// Counts from baskets before `until_ms`; `channels` are the model's, ascending, each with at most `per_channel` items.
pub(crate) fn popularity(
    log: &EventLog,
    index: &ItemIndex,
    baskets: &Baskets,
    target: Target,
    channels: &[String],
    rules: PopularityRules,
) -> PopularityParts {
    let floor = |count: u32| if count >= rules.min_support { count } else { 0 };
    let mut parts = PopularityParts::default();
    for item in 0..index.len() {
        let of_item = baskets.baskets_of(item);
        let since = |days: i64| {
            let from = rules.until_ms - days * DAY_MS;
            distinct(
                of_item.iter().filter(|b| baskets.ts_ms[**b as usize] >= from).map(|b| baskets.profile[*b as usize]),
            )
        };
        let profiles = of_item.chunk_by(|a, b| baskets.profile[*a as usize] == baskets.profile[*b as usize]);
        let (mut all, mut came_back) = (0u32, 0u32);
        for of_profile in profiles {
            all += 1;
            came_back += u32::from(of_profile.len() > 1);
        }
        parts.all.push(floor(all));
        parts.recent.push(floor(since(RECENT_DAYS)));
        parts.week.push(floor(since(WEEK_DAYS)));
        // The share rests on all profiles of the item.
        parts.repeat.push(if floor(all) == 0 { 0 } else { (came_back * 255 / all) as u8 });
    }
    parts.channels = channels.iter().map(|name| of_channel(log, index, target, name, rules)).collect();
    parts
}

/// Share of the profiles of each category's items that came back to them, in 255ths, from what is published of the items: what
/// rests on fewer profiles than the floor adds nothing to its category either. Empty where no item was come back to.
pub(crate) fn category_repeat(items: &ItemParts, popularity: &PopularityParts) -> Vec<u8> {
    let mut sums = vec![(0u64, 0u64); items.categories.len()];
    for ((category, all), repeat) in items.category.iter().zip(&popularity.all).zip(&popularity.repeat) {
        if let Some(sum) = sums.get_mut(usize::from(*category)) {
            *sum = (sum.0 + u64::from(*all) * u64::from(*repeat), sum.1 + u64::from(*all));
        }
    }
    let shares: Vec<u8> = sums.into_iter().map(|(came_back, all)| (came_back / all.max(1)) as u8).collect();
    if shares.iter().all(|share| *share == 0) { Vec::new() } else { shares }
}

/// Limits of the counting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PopularityRules {
    pub(crate) min_support: u32,
    pub(crate) until_ms: i64,
    pub(crate) per_channel: usize,
}

/// Distinct values of an ascending sequence.
fn distinct(profiles: impl Iterator<Item = u32>) -> u32 {
    let mut last = None;
    let mut count = 0;
    for profile in profiles {
        count += u32::from(last != Some(profile));
        last = Some(profile);
    }
    count
}

fn of_channel(
    log: &EventLog,
    index: &ItemIndex,
    target: Target,
    name: &str,
    rules: PopularityRules,
) -> Vec<(u32, u32)> {
    let Some(channel) = log.channels.find(name) else { return Vec::new() };
    let from = rules.until_ms - RECENT_DAYS * DAY_MS;
    let mut count = vec![0u32; index.len()];
    let mut last = vec![NONE; index.len()];
    for profile in 0..log.profiles.len() as u32 {
        for row in log.rows_of(profile) {
            let c = &log.columns;
            let item = index.of_log(c.item[row]);
            let here = u32::from(c.channel[row]) == channel && (from..rules.until_ms).contains(&c.ts_ms[row]);
            if here && item != NONE && target.takes(log.kind(row)) && last[item as usize] != profile {
                last[item as usize] = profile;
                count[item as usize] += 1;
            }
        }
    }
    let floor = rules.min_support.max(1);
    let mut top: Vec<(u32, u32)> = (0u32..).zip(count).filter(|(_, count)| *count >= floor).collect();
    top.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    top.truncate(rules.per_channel);
    top
}
