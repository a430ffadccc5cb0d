//! Interned identifiers: while reading in order of appearance, afterwards in order of their bytes.

use std::collections::HashMap;

/// Stands for "no id" in a column of indices.
pub const NONE: u32 = u32::MAX;

/// Gives each distinct text a number, in order of appearance.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    index: HashMap<Box<str>, u32>,
}

impl Interner {
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        if let Some(known) = self.index.get(text) {
            return *known;
        }
        let next = self.index.len() as u32;
        self.index.insert(text.into(), next);
        next
    }

    /// -> the ids in byte order, and for each number given so far its rank among them.
    pub(crate) fn finish(self) -> (Ids, Vec<u32>) {
        let mut pairs: Vec<(Box<str>, u32)> = self.index.into_iter().collect();
        pairs.sort_unstable();
        let mut rank = vec![0; pairs.len()];
        let mut ids = Ids::default();
        for (at, (text, old)) in pairs.iter().enumerate() {
            rank[*old as usize] = at as u32;
            ids.push(text);
        }
        (ids, rank)
    }
}

/// Distinct ids in ascending byte order, in one buffer; an index is a rank.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    bytes: String,
    ends: Vec<u32>,
}

impl Ids {
    /// From any texts: sorted, and each kept once.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all: Vec<&str> = texts.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        let mut ids = Ids::default();
        all.iter().for_each(|text| ids.push(text));
        ids
    }

    fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len() as u32);
    }

    /// The id of rank `index`. Panics when there is none.
    pub fn get(&self, index: u32) -> &str {
        let at = index as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.bytes[start..self.ends[at] as usize]
    }

    /// The rank of `text`.
    pub fn find(&self, text: &str) -> Option<u32> {
        let (mut low, mut high) = (0, self.len() as u32);
        while low < high {
            let mid = (low + high) / 2;
            match self.get(mid).cmp(text) {
                std::cmp::Ordering::Less => low = mid + 1,
                std::cmp::Ordering::Greater => high = mid,
                std::cmp::Ordering::Equal => return Some(mid),
            }
        }
        None
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All ids, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len() as u32).map(|index| self.get(index))
    }
}
