//! Exact sums per item, gathered from sparse rows.

use crate::features::scaled;
use crate::order::{set_of_first, sorted};
use alloc::vec;
use alloc::vec::Vec;
use unisono_message::list::Listed;

const EMPTY: u32 = u32::MAX;

/// A map from item to sum, open addressing. Sums are integers, so that the order of additions leaves no trace.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    slots: Vec<(u32, i64)>,
    used: usize,
}

impl Sums {
    /// A map with room for `capacity` items without growing.
    pub fn with_capacity(capacity: usize) -> Self {
        let size = (capacity * 2).next_power_of_two().max(16);
        Sums { slots: vec![(EMPTY, 0); size], used: 0 }
    }

    /// Adds to an item's sum.
    #[inline(never)]
    pub fn add(&mut self, item: u32, value: i64) {
        if self.used * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = slot_of(item, mask);
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.0 == item {
                slot.1 += value;
                return;
            }
            if slot.0 == EMPTY {
                *slot = (item, value);
                self.used += 1;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// An item's sum, 0 when nothing was added.
    #[inline]
    pub fn get(&self, item: u32) -> i64 {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = slot_of(item, mask);
        while let Some(slot) = self.slots.get(at) {
            if slot.0 == item {
                return slot.1;
            }
            if slot.0 == EMPTY {
                return 0;
            }
            at = (at + 1) & mask;
        }
        0
    }

    /// Every (item, sum), in no order that an answer may depend on.
    pub fn entries(&self) -> impl Iterator<Item = (u32, i64)> + '_ {
        self.slots.iter().filter(|slot| slot.0 != EMPTY).copied()
    }

    /// Every item, in no order that an answer may depend on.
    pub fn keys(&self) -> Vec<u32> {
        self.entries().map(|entry| entry.0).listed()
    }

    #[cold]
    fn grow(&mut self) {
        let mut larger = Sums::with_capacity(self.slots.len());
        for (item, sum) in self.entries() {
            larger.add(item, sum);
        }
        *self = larger;
    }
}

#[inline]
fn slot_of(item: u32, mask: usize) -> usize {
    // Fibonacci hashing; the high bits are the mixed ones.
    (item.wrapping_mul(0x9e37_79b9) >> 7) as usize & mask
}

/// The sums of one list, and the best of them.
#[derive(Clone, Debug, Default)]
pub struct ListSums {
    /// Sum per item.
    pub sums: Sums,
    /// The greatest sum.
    pub best: i64,
}

impl ListSums {
    /// An item's sum in 4,096ths of the best; 0 for an unknown item.
    #[inline]
    pub fn share(&self, item: Option<u32>) -> i64 {
        scaled(item.map_or(0, |item| self.sums.get(item)), 4096, self.best)
    }

    /// The `count` items of the greatest sums, best first; ties by popularity, then index.
    pub fn ranked(&self, count: usize, popularity: impl Fn(u32) -> u32) -> Vec<u32> {
        sorted(self.top(count, &popularity), |a, b| {
            let by_popularity = || popularity(*b).cmp(&popularity(*a));
            self.sums.get(*b).cmp(&self.sums.get(*a)).then_with(by_popularity).then(a.cmp(b))
        })
    }

    /// The `count` items of the greatest sums, in no order that an answer may depend on; ties by popularity, then index.
    pub fn top(&self, count: usize, popularity: impl Fn(u32) -> u32) -> Vec<u32> {
        let positive = self.sums.slots.iter().filter(|slot| slot.0 != EMPTY && slot.1 > 0).copied();
        let first = set_of_first(
            positive,
            count,
            self.best as u64,
            |entry| entry.1 as u64,
            |a, b| {
                let by_popularity = || popularity(b.0).cmp(&popularity(a.0));
                b.1.cmp(&a.1).then_with(by_popularity).then(a.0.cmp(&b.0))
            },
        );
        first.into_iter().map(|entry| entry.0).listed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_equal_those_of_an_ordered_map(pairs in prop::collection::vec((0u32..500, -9i64..1000), 0..2000)) {
            let (mut fast, mut naive) = (Sums::default(), BTreeMap::new());
            for (item, value) in &pairs {
                fast.add(*item, *value);
                *naive.entry(*item).or_insert(0i64) += *value;
            }
            let mut found: Vec<(u32, i64)> = fast.entries().collect();
            found.sort_unstable();
            prop_assert_eq!(found, naive.iter().map(|(item, sum)| (*item, *sum)).collect::<Vec<_>>());
            for item in 0..510 {
                prop_assert_eq!(fast.get(item), naive.get(&item).copied().unwrap_or(0));
            }
        }

        #[test]
        fn top_equals_a_full_sort(pairs in prop::collection::vec((0u32..300, 1i64..20), 1..600), count in 0usize..350, bits in 0u32..50) {
            let mut list = ListSums::default();
            for (item, value) in &pairs {
                list.sums.add(*item, *value << bits);
            }
            list.best = list.sums.entries().map(|entry| entry.1).max().unwrap_or(0);
            let popularity = |item: u32| item % 7;
            let mut naive: Vec<(u32, i64)> = list.sums.entries().collect();
            naive.sort_by_key(|(item, sum)| (core::cmp::Reverse(*sum), core::cmp::Reverse(popularity(*item)), *item));
            let mut wanted: Vec<u32> = naive.into_iter().take(count).map(|entry| entry.0).collect();
            prop_assert_eq!(list.ranked(count, popularity), wanted.clone());
            let mut found = list.top(count, popularity);
            wanted.sort_unstable();
            found.sort_unstable();
            prop_assert_eq!(found, wanted);
        }
    }
}
