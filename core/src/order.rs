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

/// The positions `0..length` in order.
#[inline(never)]
fn order_by(length: usize, compare: &mut dyn FnMut(u32, u32) -> Ordering) -> Vec<u32> {
    let mut order: Vec<u32> = (0..length as u32).collect();
    order.sort_unstable_by(|a, b| compare(*a, *b).then(a.cmp(b)));
    order
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
