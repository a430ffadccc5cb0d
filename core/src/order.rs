//! One sorting routine for everything that is sorted. Each instance of the standard library's sort is five to ten
//! kilobytes of the module; eighteen of them were a third of it.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// The items in order. Stable: items that compare equal stay as they were.
pub(crate) fn sorted<T: Copy>(items: &[T], compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let order = order_by(items.len(), &mut |a, b| match (items.get(a as usize), items.get(b as usize)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => Ordering::Equal,
    });
    order.into_iter().filter_map(|at| items.get(at as usize).copied()).collect()
}

/// The positions `0..length` in order: a bottom-up merge sort, a tenth of the standard one's code.
#[inline(never)]
fn order_by(length: usize, compare: &mut dyn FnMut(u32, u32) -> Ordering) -> Vec<u32> {
    let mut from: Vec<u32> = (0..length as u32).collect();
    let mut to: Vec<u32> = Vec::with_capacity(length);
    let mut width = 1usize;
    while width < length {
        to.clear();
        for pair in from.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            merge(left, right, &mut to, compare);
        }
        core::mem::swap(&mut from, &mut to);
        width *= 2;
    }
    from
}

/// Appends two ordered runs in order; of equal positions the left one goes first.
fn merge(mut left: &[u32], mut right: &[u32], to: &mut Vec<u32>, compare: &mut dyn FnMut(u32, u32) -> Ordering) {
    while let (Some((a, left_rest)), Some((b, right_rest))) = (left.split_first(), right.split_first()) {
        if compare(*a, *b).is_gt() {
            to.push(*b);
            right = right_rest;
        } else {
            to.push(*a);
            left = left_rest;
        }
    }
    to.extend_from_slice(left);
    to.extend_from_slice(right);
}

/// A small set of indices.
#[derive(Clone, Debug, Default)]
pub(crate) struct IndexSet {
    /// Ascending, each once.
    indices: Vec<u32>,
}

impl IndexSet {
    /// The set of these indices.
    pub(crate) fn of(indices: &[u32]) -> Self {
        let mut indices = sorted(indices, u32::cmp);
        indices.dedup();
        IndexSet { indices }
    }

    /// Whether the set holds an index.
    pub(crate) fn contains(&self, index: u32) -> bool {
        self.indices.binary_search(&index).is_ok()
    }

    /// Adds an index; whether it was new.
    pub(crate) fn insert(&mut self, index: u32) -> bool {
        match self.indices.binary_search(&index) {
            Ok(_) => false,
            Err(at) => {
                self.indices.insert(at, index);
                true
            }
        }
    }

    /// How many it holds.
    pub(crate) fn len(&self) -> usize {
        self.indices.len()
    }
}

/// A set of ids, made once.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdSet<'a> {
    /// Ascending.
    ids: Vec<&'a str>,
}

impl<'a> IdSet<'a> {
    /// The set of these ids.
    pub(crate) fn of(ids: &[&'a str]) -> Self {
        IdSet { ids: sorted(ids, |a, b| a.cmp(b)) }
    }

    /// Whether the set holds an id.
    pub(crate) fn contains(&self, id: &str) -> bool {
        self.ids.binary_search(&id).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_is_that_of_the_standard_stable_sort(keys in prop::collection::vec(0u8..20, 0..300)) {
            let items: Vec<(u8, usize)> = keys.iter().copied().zip(0..).collect();
            let mut standard = items.clone();
            standard.sort_by_key(|item| item.0);
            prop_assert_eq!(sorted(&items, |a, b| a.0.cmp(&b.0)), standard);
        }
    }
}
