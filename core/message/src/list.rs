//! What the standard library does with lists too, each closure once in the code: its own routines hold them two or three
//! times (the first step by itself, then the loop), and a module of many small lists consists of little else.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// Iterators as lists.
pub trait Listed: Iterator + Sized {
    /// The items in a list, like `collect`.
    fn listed(self) -> Vec<Self::Item> {
        let mut list = Vec::new();
        self.append_to(&mut list);
        list
    }

    /// Appends the items to a list, like `Vec::extend`.
    fn append_to(self, list: &mut Vec<Self::Item>) {
        self.for_each(|item| list.push(item));
    }
}

impl<I: Iterator> Listed for I {}

/// Keeps the items that are to stay, in their order, like `Vec::retain`.
pub fn keep<T>(list: &mut Vec<T>, mut stays: impl FnMut(&T) -> bool) {
    let mut kept = 0;
    for at in 0..list.len() {
        if list.get(at).is_some_and(&mut stays) {
            if kept < at {
                list.swap(kept, at);
            }
            kept += 1;
        }
    }
    list.truncate(kept);
}

/// Of neighbours of which `is_same(later, first)` says that they are the same, leaves the first, like `Vec::dedup_by`.
pub fn once_each<T>(list: &mut Vec<T>, mut is_same: impl FnMut(&T, &mut T) -> bool) {
    let mut last = 0;
    for at in 1..list.len() {
        if list.get_disjoint_mut([last, at]).is_ok_and(|[first, later]| is_same(later, first)) {
            continue;
        }
        last += 1;
        if last < at {
            list.swap(last, at);
        }
    }
    list.truncate(last + 1);
}

/// The place of an item of an ascending list that `order` calls equal, or the place where it would stand, like
/// `binary_search_by`.
pub fn search<T>(ascending: &[T], mut order: impl FnMut(&T) -> Ordering) -> Result<usize, usize> {
    let (mut low, mut high) = (0, ascending.len());
    while low < high {
        let middle = low.midpoint(high);
        match ascending.get(middle).map(&mut order) {
            Some(Ordering::Less) => low = middle + 1,
            Some(Ordering::Greater) => high = middle,
            _ => return Ok(middle),
        }
    }
    Err(low)
}

/// The number of items at the start of a list of which all are `before`, like `partition_point`.
pub fn count_before<T>(ascending: &[T], mut before: impl FnMut(&T) -> bool) -> usize {
    let order = |item: &T| if before(item) { Ordering::Less } else { Ordering::Greater };
    search(ascending, order).unwrap_or_else(|at| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lists_are_as_the_standard_library_makes_them(numbers in prop::collection::vec(0u8..12, 0..40), sought in 0u8..12) {
            let even = |number: &u8| number.is_multiple_of(2);
            prop_assert_eq!(numbers.iter().copied().filter(even).listed(), numbers.iter().copied().filter(even).collect::<Vec<_>>());
            let (mut appended, mut extended) = (vec![7], vec![7]);
            numbers.iter().copied().append_to(&mut appended);
            extended.extend(&numbers);
            prop_assert_eq!(appended, extended);
            let (mut kept, mut retained) = (numbers.clone(), numbers.clone());
            keep(&mut kept, even);
            retained.retain(even);
            prop_assert_eq!(kept, retained);
            // Places tell which of the same stays; what stays takes in what goes.
            let mut once: Vec<(u8, usize, u32)> = numbers.iter().zip(0..).map(|(number, at)| (number / 3, at, 1)).collect();
            let mut deduped = once.clone();
            once_each(&mut once, |later, first| { first.2 += u32::from(later.0 == first.0) * later.2; later.0 == first.0 });
            deduped.dedup_by(|later, first| { first.2 += u32::from(later.0 == first.0) * later.2; later.0 == first.0 });
            prop_assert_eq!(once, deduped);
            let mut ascending = numbers;
            ascending.sort_unstable();
            prop_assert_eq!(count_before(&ascending, |number| *number < sought), ascending.partition_point(|number| *number < sought));
            ascending.dedup();
            prop_assert_eq!(search(&ascending, |number| number.cmp(&sought)), ascending.binary_search(&sought));
        }
    }
}
