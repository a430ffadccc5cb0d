//! The catalog by category: which items a category holds, and how much two categories have in common.

use super::{Items, NO_CATEGORY};
use alloc::vec;
use alloc::vec::Vec;

/// Levels of a path that are compared; deeper ones are not told apart.
const LEVELS: usize = 4;

/// Made when a model is loaded: the file holds the category of each item, not the items of each category.
#[derive(Clone, Debug, Default)]
pub struct ByCategory {
    /// For each category a number per level: that of the first category with the same beginning; [`NO_CATEGORY`] beyond the
    /// path's end. Equal numbers of a level are equal beginnings.
    levels: Vec<[u16; LEVELS]>,
    /// Start of each category's row in `items`, and the end.
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl ByCategory {
    /// Gathers the items of each category in the order in which `ordered` gives them.
    pub(super) fn new(catalog: &Items<'_>, ordered: impl Iterator<Item = u32> + Clone) -> Self {
        let count = catalog.categories.len();
        let mut starts = vec![0u32; count + 1];
        let place = |item: u32| catalog.category_of(item).map(|category| (item, usize::from(category)));
        for (_, category) in ordered.clone().filter_map(place) {
            if let Some(start) = starts.get_mut(category + 1) {
                *start += 1;
            }
        }
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let (mut next, mut items) = (starts.clone(), vec![0u32; end as usize]);
        for (item, category) in ordered.filter_map(place) {
            let Some(at) = next.get_mut(category) else { continue };
            if let Some(slot) = items.get_mut(*at as usize) {
                *slot = item;
            }
            *at += 1;
        }
        let mut levels = Vec::with_capacity(count);
        for category in 0..count as u16 {
            levels.push(levels_of(catalog, category, &levels));
        }
        ByCategory { levels, starts, items }
    }

    /// The items of a category: by popularity, those without any last.
    pub fn items_of(&self, category: u16) -> &[u32] {
        let at = usize::from(category);
        let range = self.starts.get(at).zip(self.starts.get(at + 1)).map(|(start, end)| *start as usize..*end as usize);
        range.and_then(|range| self.items.get(range)).unwrap_or_default()
    }

    /// The levels that two paths have in common from the top, in 4,096ths of the longer one's; of at most four levels.
    pub fn shared(&self, a: u16, b: u16) -> i64 {
        let (Some(a), Some(b)) = (self.levels.get(usize::from(a)), self.levels.get(usize::from(b))) else { return 0 };
        let (mut common, mut longest) = (0i64, 0i64);
        for (a, b) in a.iter().zip(b) {
            let ends = (*a).min(*b) == NO_CATEGORY;
            longest += i64::from(!ends);
            common += i64::from(a == b && !ends);
        }
        common * 4096 / longest.max(1)
    }
}

/// The numbers of a category's levels; those before it have theirs.
fn levels_of(catalog: &Items<'_>, category: u16, known: &[[u16; LEVELS]]) -> [u16; LEVELS] {
    let path = catalog.categories.get(u32::from(category));
    // Paths below one level stand side by side, so that the one before is either below it too or this is the first.
    let before = known.last().map(|levels| (catalog.categories.get(u32::from(category) - 1), levels));
    let mut levels = [NO_CATEGORY; LEVELS];
    let mut ends = path.match_indices('/').map(|(end, _)| end);
    for (at, level) in levels.iter_mut().enumerate() {
        *level = category;
        let Some(end) = ends.next() else { break };
        let (beginning, below) = (path.get(..end).unwrap_or_default(), path.get(..=end).unwrap_or_default());
        if let Some(itself) = catalog.categories.find(beginning) {
            *level = itself as u16;
        } else if let Some((_, known)) = before.filter(|before| before.0.starts_with(below)) {
            *level = known.get(at).copied().unwrap_or(category);
        }
    }
    levels
}
