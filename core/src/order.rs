//! One sorting routine for everything that a call sorts. Each instance of the standard library's sort is five to ten
//! kilobytes of the module; eighteen of them were a third of it.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;
use unisono_message::list::{Listed, search};

/// The items in order. Stable: items that compare equal stay as they were.
pub(crate) fn sorted<T>(mut items: Vec<T>, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    sort(items.len(), &mut Items { items: &mut items, compare });
    items
}

/// The items in order, one of those that compare equal: the first.
pub(crate) fn distinct<T>(mut items: Vec<T>, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let count = sort_once(items.len(), &mut Items { items: &mut items, compare });
    items.truncate(count);
    items
}

/// What is sorted, behind a pointer. The standard traits of closures would put each comparison into the module twice:
/// once for a call by value, which never happens.
trait Sortable {
    fn compare(&self, a: u32, b: u32) -> Ordering;
    fn swap(&mut self, a: usize, b: usize);
}

struct Items<'s, T, F> {
    items: &'s mut [T],
    compare: F,
}

impl<T, F: Fn(&T, &T) -> Ordering> Sortable for Items<'_, T, F> {
    fn compare(&self, a: u32, b: u32) -> Ordering {
        match (self.items.get(a as usize), self.items.get(b as usize)) {
            (Some(a), Some(b)) => (self.compare)(a, b),
            _ => Ordering::Equal,
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.items.swap(a, b);
    }
}

/// Puts the items in order: first where each belongs is found, then each is moved there, cycle by cycle.
#[inline(never)]
fn sort(length: usize, items: &mut dyn Sortable) {
    let mut order = order_by(length, items);
    for start in 0..length {
        let mut at = start;
        while let Some(slot) = order.get_mut(at) {
            let from = core::mem::replace(slot, at as u32) as usize;
            if from == start {
                break;
            }
            items.swap(at, from);
            at = from;
        }
    }
}

/// Sorts, moves one of each to the front, and gives their number.
#[inline(never)]
fn sort_once(length: usize, items: &mut dyn Sortable) -> usize {
    sort(length, items);
    let mut count = length.min(1);
    for at in 1..length {
        if items.compare(count as u32 - 1, at as u32).is_ne() {
            if count < at {
                items.swap(count, at);
            }
            count += 1;
        }
    }
    count
}

/// An id with its first eight bytes as a number, zeros beyond its end: these nearly always decide which of two ids is
/// first, and where they are equal the ids do. Ordered as the ids are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IdKey<'a> {
    first: u64,
    pub(crate) id: &'a str,
}

impl<'a> IdKey<'a> {
    pub(crate) fn new(id: &'a str) -> Self {
        IdKey { first: IdKey::first_of(id.as_bytes()), id }
    }

    /// The first eight bytes of an id, zeros beyond its end.
    pub(crate) fn first_of(id: &[u8]) -> u64 {
        match id.first_chunk::<8>() {
            Some(eight) => u64::from_be_bytes(*eight),
            None => {
                let mut eight = [0u8; 8];
                eight.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
                u64::from_be_bytes(eight)
            }
        }
    }
}

/// The first `count` items in order, as [`sorted`] would give them. Where they are few of many, most of the others cost
/// one comparison: that with the last of the best so far.
pub(crate) fn first_of<T: Copy>(
    items: impl Iterator<Item = T>,
    count: usize,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Vec<T> {
    let mut best: Vec<T> = Vec::with_capacity(count.saturating_mul(2).min(items.size_hint().0));
    let mut last: Option<T> = None;
    for item in items {
        // Of equal items the earlier one stays.
        if last.is_some_and(|last| compare(&last, &item).is_le()) {
            continue;
        }
        best.push(item);
        if best.len() >= count.saturating_mul(2) {
            best = sorted(best, &compare);
            best.truncate(count);
            last = best.last().copied();
        }
    }
    best = sorted(best, &compare);
    best.truncate(count);
    best
}

/// Into how many steps the best values are cut, as a power of two.
const STEP_BITS: u32 = 9;
const STEPS: usize = 1 << STEP_BITS;

/// The `count` items that come first, in no order that an answer may depend on. `value`: from 0 to `best`, never rising in
/// that order. Values fall into steps, and only the step in which the last of the first lies is sorted.
pub(crate) fn set_of_first<T: Copy>(
    items: impl Iterator<Item = T> + Clone,
    count: usize,
    best: u64,
    value: impl Fn(&T) -> u64,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Vec<T> {
    let shift = (64 - best.leading_zeros()).saturating_sub(STEP_BITS);
    let step = |item: &T| (value(item) >> shift).min(STEPS as u64 - 1) as usize;
    let mut steps = [0usize; STEPS];
    for item in items.clone() {
        if let Some(step) = steps.get_mut(step(&item)) {
            *step += 1;
        }
    }
    let (mut better, mut last) = (0usize, 0usize);
    for (step, items) in steps.iter().enumerate().rev() {
        last = step;
        if step == 0 || better + items >= count {
            break;
        }
        better += items;
    }
    let within = first_of(items.clone().filter(|item| step(item) == last), count - better, compare);
    items.filter(|item| step(item) > last).chain(within).listed()
}

/// Whether two of these numbers may be equal: surely when two are, and hardly ever otherwise. Much faster than sorting them.
#[inline(never)]
pub(crate) fn may_repeat(numbers: &[u64]) -> bool {
    let mut slots = vec![None; (numbers.len() * 2).next_power_of_two()];
    // Numbers that someone chose to fall together are sorted after all.
    let mut steps = numbers.len() * 8;
    let mask = slots.len() - 1;
    for number in numbers {
        let mut at = *number as usize & mask;
        while let Some(slot) = slots.get_mut(at) {
            if steps == 0 || *slot == Some(*number) {
                return true;
            }
            if slot.is_none() {
                *slot = Some(*number);
                break;
            }
            at = (at + 1) & mask;
            steps -= 1;
        }
    }
    false
}

/// The positions `0..length` in order: a bottom-up merge sort, a tenth of the standard one's code.
#[inline(never)]
fn order_by(length: usize, items: &dyn Sortable) -> Vec<u32> {
    let mut from: Vec<u32> = (0..length as u32).listed();
    let mut to: Vec<u32> = Vec::with_capacity(length);
    let mut width = RUN;
    from.chunks_mut(RUN).for_each(|run| insert_each(run, items));
    while width < length {
        to.clear();
        for pair in from.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            merge(left, right, &mut to, items);
        }
        core::mem::swap(&mut from, &mut to);
        width *= 2;
    }
    from
}

/// Positions that are put in order by insertion, before runs of them are merged.
const RUN: usize = 8;

/// Puts a few positions in order; of equal ones the left one stays first.
fn insert_each(run: &mut [u32], items: &dyn Sortable) {
    for end in 1..run.len() {
        for at in (0..end).rev() {
            match run.get_mut(at..at + 2) {
                Some([a, b]) if items.compare(*a, *b).is_gt() => core::mem::swap(a, b),
                _ => break,
            }
        }
    }
}

/// Appends two ordered runs in order; of equal positions the left one goes first.
fn merge(mut left: &[u32], mut right: &[u32], to: &mut Vec<u32>, items: &dyn Sortable) {
    // What comes sorted, as logs do, costs one comparison a run.
    if let (Some(last), Some(first)) = (left.last(), right.first())
        && items.compare(*last, *first).is_le()
    {
        to.extend_from_slice(left);
        left = &[];
    }
    while let (Some((a, left_rest)), Some((b, right_rest))) = (left.split_first(), right.split_first()) {
        if items.compare(*a, *b).is_gt() {
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

/// A set that is asked by halves: few comparisons, however much it holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Set<T> {
    ascending: Vec<T>,
}

/// A set of items, offers or groups.
pub(crate) type IndexSet = Set<u32>;
/// A set of ids.
pub(crate) type IdSet<'a> = Set<&'a str>;

impl<T: Copy + Ord> Set<T> {
    /// The set of these.
    pub(crate) fn of(all: &[T]) -> Self {
        Set { ascending: sorted(all.to_vec(), T::cmp) }
    }

    /// Whether the set holds it.
    #[inline(never)]
    pub(crate) fn contains(&self, one: T) -> bool {
        self.ascending.binary_search(&one).is_ok()
    }

    /// Adds it; whether it was new.
    #[inline(never)]
    pub(crate) fn insert(&mut self, one: T) -> bool {
        match search(&self.ascending, |held| held.cmp(&one)) {
            Ok(_) => false,
            Err(at) => {
                self.ascending.insert(at, one);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use core::cell::Cell;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_are_ordered_as_their_ids(a in "[ab\0é]{0,12}", b in "[ab\0é]{0,12}", shared in "[ab]{0,9}") {
            let (a, b) = (format!("{shared}{a}"), format!("{shared}{b}"));
            prop_assert_eq!(IdKey::new(&a).cmp(&IdKey::new(&b)), a.cmp(&b));
        }

        #[test]
        fn the_order_is_that_of_the_standard_stable_sort(keys in prop::collection::vec(0u8..20, 0..300)) {
            let items: Vec<(u8, usize)> = keys.iter().copied().zip(0..).collect();
            let mut standard = items.clone();
            standard.sort_by_key(|item| item.0);
            prop_assert_eq!(&sorted(items.clone(), |a, b| a.0.cmp(&b.0)), &standard);
            let mut once = standard.clone();
            once.dedup_by_key(|item| item.0);
            prop_assert_eq!(distinct(items.clone(), |a, b| a.0.cmp(&b.0)), once);
            for count in [0, 1, 3, 20, items.len(), 1_000] {
                let first = first_of(items.iter().copied(), count, |a, b| a.0.cmp(&b.0));
                prop_assert_eq!(&first[..], &standard[..count.min(standard.len())]);
            }
        }
    }

    #[test]
    fn numbers_at_the_end_of_their_range_fall_together_too() {
        let last = u64::MAX;
        assert!(!may_repeat(&[last >> 32, last]) && !may_repeat(&[last, last - 4, last - 8, 3]));
        assert!(may_repeat(&[last, last - 4, last]));
        // Chosen so that each falls on all before it: taken for a repetition rather than walked through.
        let chosen: Vec<u64> = (0..1_000).map(|at| at << 32).collect();
        assert!(may_repeat(&chosen));
    }

    proptest! {
        #[test]
        fn no_repetition_is_missed_and_few_are_imagined(numbers in prop::collection::vec(0u64..400, 0..40), shift in 0u32..60) {
            let numbers: Vec<u64> = numbers.iter().map(|number| number << shift).collect();
            let mut once = numbers.clone();
            once.sort_unstable();
            once.dedup();
            if once.len() < numbers.len() {
                prop_assert!(may_repeat(&numbers));
            } else if shift == 0 {
                prop_assert!(!may_repeat(&numbers));
            }
        }

        #[test]
        fn the_first_are_those_of_a_full_sort(values in prop::collection::vec((0u64..40, 0u8..4), 0..300), count in 0usize..320, shift in 0u32..50) {
            let items: Vec<(u64, u8)> = values.iter().map(|(value, tie)| (value << shift, *tie)).collect();
            let best = items.iter().map(|item| item.0).max().unwrap_or(0);
            let order = |a: &(u64, u8), b: &(u64, u8)| (b.0, a.1).cmp(&(a.0, b.1));
            let mut found = set_of_first(items.iter().copied(), count, best, |item| item.0, order);
            let mut wanted = items.clone();
            wanted.sort_by(order);
            wanted.truncate(count);
            found.sort_by(order);
            prop_assert_eq!(found, wanted);
        }
    }

    /// A number that counts how often it is compared.
    #[derive(Clone, Copy, PartialEq, Eq)]
    struct Counted<'c>(u32, &'c Cell<usize>);

    impl Ord for Counted<'_> {
        fn cmp(&self, other: &Self) -> Ordering {
            self.1.set(self.1.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Counted<'_> {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    #[test]
    fn a_set_of_thousands_is_asked_in_a_few_comparisons() {
        let comparisons = Cell::new(0);
        let mut set = Set::of(&[]);
        let scattered = |at: u32| Counted(at.wrapping_mul(0x9e37_79b9), &comparisons);
        assert!((0..32_000).all(|at| set.insert(scattered(at))));
        assert!((0..32_000).all(|at| set.contains(scattered(at)) && !set.insert(scattered(at))));
        assert!(!(32_000..64_000).any(|at| set.contains(scattered(at))));
        assert!(comparisons.get() <= 4 * 32_000 * 17, "{} comparisons", comparisons.get());
    }
}
